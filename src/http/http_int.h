/*
 * What the files of http share among themselves.
 */
#ifndef HTTP_INT_H
#define HTTP_INT_H

#include <sys/types.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/server.h"

/* ---- watch.c: which connection owes us a request, since when ---- */

struct watch {
	struct watch	*prev, *next;
	int		 fd;		/* MHD's; closed after watch_close() */
	int64_t		 since_us;	/* accepted, or last answer sent */
	bool		 busy;		/* request is here: we owe an answer */
	bool		 cut;
	char		 peer[PEER_MAX];
	struct http_tls	*tls;		/* what it was begun with, or NULL */
};

struct watches {
	pthread_mutex_t	 lock;
	pthread_cond_t	 idle;		/* n_busy became 0 */
	struct watch	*first;
	size_t		 n_busy;
};

int		 watches_init(struct watches *);
void		 watches_free(struct watches *);
/* NULL: no memory. */
struct watch	*watch_open(struct watches *, int fd, const char *peer,
		    int64_t now_us);
void		 watch_close(struct watches *, struct watch *);
/* The request is complete, or refused: the clock stops. */
void		 watch_busy(struct watches *, struct watch *);
/* The answer is sent: the clock starts for the next request. True: we cut
 * the connection before. */
bool		 watch_idle(struct watches *, struct watch *, int64_t now_us);
unsigned	 watch_sweep(struct watches *, int64_t now_us,
		    int64_t limit_us);
int		 watch_drain(struct watches *, int timeout_ms);

/* ---- tls.c: what a connection is shown, and whom it asks ---- */

#define TLS_OPTIONS	3
#define TLS_CHAIN	16	/* certificates in a chain, ours or theirs */

struct http_tls {
	atomic_int				 refs;
	gnutls_certificate_credentials_t	 cred;
	bool					 asks;	/* for a certificate */
	int64_t					 crl_until;	/* its CRLs are
							 * good */
	struct tls_own {
		char		*path;
		int64_t		 from, until;
		bool		 names;		/* it has one as clients look
						 * for it */
		bool		 serves;	/* its usage is a server's */
	}					 own;
};

struct http_tls	*tls_get(struct http_tls *);	/* one more reference */
/* Gives a new connection its credentials, which must outlive it. */
int		 tls_begin(struct http_tls *, struct MHD_Connection *);
gnutls_session_t tls_session(struct MHD_Connection *);	/* NULL: plain */
/* What libmicrohttpd is to be started with. */
void		 tls_options(struct MHD_OptionItem out[TLS_OPTIONS]);

/* ---- tls_own.c: is the certificate that we show any good? ---- */

int		 tls_own_read(struct tls_own *, const char *path,
		    gnutls_x509_crt_t, struct err *e);

/* ---- tls_client.c: who an administrator is, by his certificate ---- */

/* Has what is shown judged in the handshake, and what is no good refused. */
void		 tls_client_begin(const struct http_tls *, gnutls_session_t);
/*
 * The subject of the certificate that was shown; "" if there is none, or none
 * is asked for any more. It is judged as it would be in a handshake now; -1,
 * and a line in the log, if it is no good.
 */
int		 tls_client(const struct http_tls *, struct MHD_Connection *,
		    char out[CLIENT_MAX]);

/* ---- unix.c ---- */

int		 unix_check(const char *path, struct err *e);
int		 unix_try(const char *path, struct err *e);
int		 unix_listen(const char *path, int *fd, struct err *e);

/* ---- request.c ---- */

struct request;

struct http_server {
	struct MHD_Daemon	*mhd;
	struct service		*service;
	enum service_who	 who;
	size_t			 max_url;
	struct watches		 watches;
	int			 listener;	/* -1 until quiesced */
	atomic_bool		 closing;	/* answers end connections */

	/*
	 * The lock is held while MHD is told to suspend or resume; MHD calls
	 * none of our functions while it holds its own.
	 */
	pthread_mutex_t		 lock;
	/* ---- under the lock ---- */
	struct request		*suspended;	/* wait for done() */
	unsigned		 refs;	/* our owner and unanswered requests */
	bool			 stopping;	/* suspend nothing any more */
	struct http_tls		*tls;		/* for new connections, or NULL */
};

void		 server_unref(struct http_server *);
/* What new connections are begun with: a reference, or NULL. */
struct http_tls	*server_tls(struct http_server *);

/* Callbacks of libmicrohttpd; cls is the server. */
void		*request_new(void *cls, const char *uri,
		    struct MHD_Connection *);
enum MHD_Result	 request_handle(void *cls, struct MHD_Connection *,
		    const char *url, const char *method, const char *version,
		    const char *data, size_t *size, void **ctx);
void		 request_completed(void *cls, struct MHD_Connection *,
		    void **ctx, enum MHD_RequestTerminationCode);
/* Wakes every suspended request, to be closed unanswered. */
void		 request_abandon_all(struct http_server *);

/* ---- head.c ---- */

/* Takes it into the exchange, whose body knows its limit; target: taken apart,
 * and to live as long as that; NULL: it was longer than max_url. */
int		 head_read(struct MHD_Connection *, const char *method,
		    char *target, size_t max_url, struct exchange *,
		    struct err *e);

/* ---- reply.c ---- */

/* Sends the exchange's answer, which must live until the request completes. */
enum MHD_Result	 reply_send(struct MHD_Connection *, const struct exchange *,
		    bool closing);
/* Numeric address without port; IPv4 in IPv6 as IPv4; "unix". */
void		 peer_text(const struct sockaddr *, char out[PEER_MAX]);

#endif
