/*
 * For the tests of http: a service that computes nothing, and a client that
 * sends exactly the bytes it is told to.
 *
 *	/echo	answered at once: method, path, query, size of the body, peer
 *	/later	answered by a thread
 *	/fast	answered by a thread before service_begin() returns
 *	/hold	answered by fake_release()
 *	/lent	bytes that stay the service's, with a tag and dates; 304 for the
 *		tag and for any date
 *	/busy	503, Retry-After: 5, Cache-Control: no-store, no body
 */
#ifndef HTTP_FAKE_H
#define HTTP_FAKE_H

#include "http/server.h"

#define FAKE_MAX_BODY	1000
#define FAKE_MAX_URL	65536

struct service	*fake_open(void);
void		 fake_close(struct service *);	/* waits for its threads */
/* Waits until n exchanges are held. */
void		 fake_wait_held(struct service *, unsigned n);
void		 fake_release(struct service *);	/* answers all held */
enum err_reason	 fake_refused(struct service *);	/* the last one */
unsigned	 fake_n_refused(struct service *);

/* A server on it; what fails ends the test program. */
struct fake_http {
	struct service		*service;
	struct http_server	*server;
	char			 url[HTTP_URL_MAX];
};

void		 fake_http_start(struct fake_http *, const char *listen,
		    int max_per_address);
void		 fake_http_stop(struct fake_http *);
/* For cmocka: *state is a struct fake_http on a free port. */
int		 fake_setup(void **state);
int		 fake_teardown(void **state);

struct http_answer {
	int	 status;
	size_t	 n_headers;
	char	 headers[16][128];	/* as received, sorted */
	size_t	 length;		/* Content-Length */
	char	 body[2048];
};

int	 client_open(const char *url);		/* "http://127.0.0.1:1" */
void	 client_send(int fd, const void *, size_t);
void	 client_puts(int fd, const char *);
/* Reads one answer; has_body: false after HEAD. -1: connection ended. */
int	 client_read(int fd, bool has_body, struct http_answer *);
/* Sends text on a new connection and reads one answer. */
int	 client_ask(struct fake_http *, const char *text, struct http_answer *);
/* True if the peer closes without another byte. */
bool	 client_at_end(int fd);
/* The value of a header, or NULL. */
const char	*client_header(const struct http_answer *, const char *name);

#endif
