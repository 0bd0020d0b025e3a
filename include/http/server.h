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
struct http_tls;		/* a certificate and its key, shared */

#define HTTP_URL_MAX	128	/* "http://[IPv6]:port", "unix:PATH", and NUL */

/*
 * Opens a listening socket: "127.0.0.1:8080", "[::1]:8080"; "[::]:8080" is
 * every address, IPv4 and IPv6. Port 0: the kernel chooses. A path, which
 * begins with a slash, is a Unix socket's, made with mode 0600; one that an
 * earlier server left is replaced. Apart from http_start() so that it can be
 * done as root. ERR_LISTEN says the mend.
 */
int	 http_listen(const char *spec, int *fd, struct err *e);
/* What of the same can be known from its words. */
int	 http_listen_check(const char *spec, struct err *e);
/* And from the machine: has it the address, and a folder for the socket? Not
 * whether the port is free, or may be used by this user. */
int	 http_listen_try(const char *spec, struct err *e);
/* Where it listens: "http://127.0.0.1:8080", "https://…", "unix:PATH". */
void	 http_listen_url(int fd, bool tls, char out[HTTP_URL_MAX]);

struct http_tls_files {
	const char	*cert;		/* the server's, and its CAs' behind */
	const char	*key;		/* private, as file_read_private() says */
	const char	*passphrase;	/* of the key; "": none */
	const char	*client_ca;	/* whose certificates are asked for; "":
					 * no client is asked for one */
	const char	*client_crl;	/* of those CAs; "": none */
};

/* ERR_CERT_FILE, ERR_KEY_FILE, …: file, cause and mend. */
int	 http_tls_load(const struct http_tls_files *, struct http_tls **out,
	    struct err *e);
void	 http_tls_put(struct http_tls *);	/* NULL is fine */
/* ERR_CERT_FILE: the certificate has expired or is not valid yet. It is served
 * all the same: what clients make of it is theirs to say. */
int	 http_tls_check(const struct http_tls *, struct err *e);
/* Logs what clients will refuse it for: its age, soon or now, no name or no
 * usage of a server. */
void	 http_tls_tell(const struct http_tls *);

struct http_setup {
	const struct conf	*conf;	/* its limits are copied */
	enum service_who	 who;	/* that comes here */
	struct http_tls		*tls;	/* NULL: plain HTTP */
};

/* Serves the service on the socket; takes it and tls even when it fails. */
int	 http_start(int fd, const struct http_setup *, struct service *,
	    struct http_server **out, struct err *e);
/* What connections from now on are shown, and what clients' certificates are
 * judged by, also those of connections that live; takes it. Only for a server
 * that was started with TLS. */
void	 http_set_tls(struct http_server *, struct http_tls *);
void	 http_tell(struct http_server *);	/* http_tls_tell(), if TLS */
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
