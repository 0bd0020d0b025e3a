/*
 * One HTTP exchange with another server: a request goes out, its answer comes
 * back, and everything about it has a limit. No redirect is followed, nothing
 * is decompressed, no cookie kept, no proxy taken from the environment.
 *
 * https from TLS 1.2 on, the server's name and chain verified; plain http to
 * this machine itself alone, whatever a name may resolve to.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdatomic.h>

#include "util/buf.h"
#include "util/err.h"

#define FETCH_HEADERS	8

struct fetch {
	const char		*url;
	const char		*headers[FETCH_HEADERS + 1];	/* "Name: value",
								 * NULL-ended */
	struct bytes		 post;		/* body; p NULL: a GET */
	struct bytes		 ca;		/* PEM: the only CAs trusted;
						 * n == 0: the system's */
	struct bytes		 client_cert;	/* PEM with its chain; n == 0:
						 * none */
	struct bytes		 client_key;	/* PEM */
	const char		*proxy;		/* URL; NULL or "": none */
	int			 timeout_ms;	/* for the whole exchange */
	const atomic_bool	*stop;		/* ends it early; or NULL */
};

/* Once in a process, before its first thread and behind its last. */
int	 fetch_begin(struct err *e);
void	 fetch_end(void);

/* Whether it is a URL that fetch_run() takes; ERR_ARGUMENT. */
int	 fetch_check(const char *url, struct err *e);
/*
 * The body of an answer 200; out's max is its limit. ERR_FETCH_CONNECT,
 * ERR_FETCH_TLS, ERR_FETCH_TIMEOUT, ERR_FETCH_TOO_BIG, ERR_FETCH_STATUS (any
 * other) or ERR_FETCH; nothing of the answer is in their text. Callable from
 * several threads at once.
 */
int	 fetch_run(const struct fetch *, struct buf *out, struct err *e);

#endif
