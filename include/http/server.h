/*
 * The HTTP side of the service: connections, requests and answers, and no
 * knowledge of what they mean.
 *
 * One thread does all of it and never waits: a request whose answer takes
 * time is suspended until the service calls done().
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdint.h>

#include "conf/conf.h"
#include "service/service.h"
#include "util/err.h"

struct http_server;

#define HTTP_URL_MAX	80	/* "http://[IPv6]:port" and its NUL */

/*
 * Opens the listening socket: "127.0.0.1:8080", "[::1]:8080"; "[::]:8080" is
 * every address, IPv4 and IPv6. Port 0: the kernel chooses. Apart from
 * http_start() so that it can be done as root. ERR_LISTEN says the mend.
 */
int	 http_listen(const char *spec, int *fd, struct err *e);
/* What of the same can be known without opening it. */
int	 http_listen_check(const char *spec, struct err *e);
/* Where it listens: "http://127.0.0.1:8080". */
void	 http_listen_url(int fd, char out[HTTP_URL_MAX]);

/*
 * Serves the service on the socket, which it takes even when it fails. The
 * limits of conf are copied.
 */
int	 http_start(int fd, const struct conf *, struct service *,
	    struct http_server **out, struct err *e);
/*
 * Cuts connections whose request is not complete limit_us after they were
 * accepted or after their previous answer; to be called once a second.
 * Returns how many were cut.
 */
unsigned	 http_sweep(struct http_server *, int64_t now_us,
		    int64_t limit_us);
/* Accepts no more connections and closes those it has after their answer. */
void	 http_quiesce(struct http_server *);
/*
 * Waits until every answer that is owed has been sent; -1 if one is still
 * owed after timeout_ms.
 */
int	 http_drain(struct http_server *, int timeout_ms);
/*
 * Closes every connection. Exchanges the service has not answered yet stay
 * valid until it calls done(). NULL is fine.
 */
void	 http_stop(struct http_server *);

#endif
