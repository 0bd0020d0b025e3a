/*
 * The service: everything behind one HTTP exchange. It alone calls across the
 * layers; http hands it requests, daemon opens and stops it.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "conf/conf.h"
#include "util/buf.h"
#include "util/err.h"

struct service;
struct site;

/* ---- life, called by daemon ---- */

/* Opens the store, starts the workers. Takes the site on success. */
int	 service_open(struct site *, struct service **out, struct err *e);
/* The same service with another site, for exchanges that begin now. Takes it on
 * success; ERR_CONFIG if it contradicts what the store knows. */
int	 service_replace(struct service *, struct site *, struct err *e);
/* What is to be done when its time has come (CRLs, RA certificates, the switch to
 * the next CA); about once a second, from the thread that opened the service,
 * as is service_replace(). */
void	 service_tick(struct service *);
/* New exchanges are answered 503; returns when none is in flight any more or
 * timeout_ms have passed: -1 then. */
int	 service_drain(struct service *, int timeout_ms);
/* No more patience: what waits or is asked elsewhere (validators, programs that
 * issue, copies) ends, and is answered as trouble. */
void	 service_give_up(struct service *);
/* Stops the workers, closes the store. After http has stopped. */
void	 service_close(struct service *);

/* ---- exchanges, called by http ---- */

#define PEER_MAX	64		/* text of an address */

#define CLIENT_MAX	256		/* subject of a client's certificate */

enum service_method { SERVICE_GET, SERVICE_POST };
/* Whom a listener is for; a path of the others is unknown there. */
enum service_who { SERVICE_PUBLIC, SERVICE_ADMIN };

/* What became of the challenge, or of the certificate that is renewed. */
enum exchange_proof { PROOF_NONE, PROOF_WRONG, PROOF_RIGHT };

/* What it may have to wait for. */
enum exchange_kind {
	EXCHANGE_HERE,		/* nobody else */
	EXCHANGE_VALIDATED,	/* its endpoint's validator */
	EXCHANGE_ELSEWHERE,	/* an issuer whose key is not here */
	EXCHANGE_KINDS
};

struct exchange {
	/* in: set by http before service_begin() or service_refuse() */
	enum service_who	 who;
	enum service_method	 method;	/* HEAD is SERVICE_GET */
	const char		*path;		/* decoded, begins with '/' */
	const char		*query;		/* raw, without '?', or NULL */
	struct buf		 body;		/* what came, at most max_body */
	char			 peer[PEER_MAX];	/* address, no port */
	char			 client[CLIENT_MAX];	/* who showed a TLS
					 * certificate that was verified; "" */
	struct buf		 authorization;	/* field, for administrators */
	bool			 plain;		/* they accept text/plain alone */
	bool			 head;		/* the answer's body is not sent */
	const char		*if_none_match;	/* fields, or NULL */
	const char		*if_modified_since;
	void			(*done)(struct exchange *, void *);
	void			*arg;

	/* out: the answer */
	int			 status;	/* HTTP */
	const char		*type;		/* Content-Type, static */
	struct buf		 reply;
	unsigned		 retry_after;	/* seconds; 0: no header */
	bool			 no_store;	/* Cache-Control: no-store */
	const char		*allow;		/* with 405; NULL: GET, POST */
	struct bytes		 lent;		/* n > 0: instead of reply */
	const char		*etag;		/* NULL: this and the next */
	int64_t			 modified;	/* three are not sent */
	int64_t			 expires;
	int64_t			 max_age;	/* Cache-Control, in seconds */

	/* the service's */
	struct site		*site;
	const struct site_endpoint *endpoint;
	struct face		*face;		/* the endpoint's, kept */
	struct document		*document;	/* to which lent belongs */
	const struct route	*route;
	const struct conf_account	*by;	/* an administrator; or NULL */
	enum exchange_kind	 kind;
	struct exchange		*next;		/* in the queue, with its turn */
	uint64_t		 turn;
	int64_t			 began_us;
	enum exchange_proof	 proof;
	int64_t			 locked;	/* seconds left; 0: it is not */
	int64_t			 rationed;	/* seconds until its challenge
						 * may be looked at; 0: now */
	int64_t			 due_us;	/* while the answer waits */
};

/* Makes it empty; the owner sets the in fields. Holds the current site. */
void	 exchange_init(struct exchange *, struct service *);
void	 exchange_clear(struct exchange *);

/* Largest body this exchange may have, in bytes. */
size_t	 exchange_max_body(const struct exchange *);

enum service_when { SERVICE_NOW, SERVICE_LATER };
/*
 * SERVICE_NOW: the answer is there. SERVICE_LATER: a worker will make it and
 * then call done(), from its own thread; the exchange must live until then.
 * Never blocks.
 */
enum service_when	 service_begin(struct service *, struct exchange *);
/* Answers with a refusal that http itself found (413, 405, …), logged once. */
void	 service_refuse(struct service *, struct exchange *,
	    const struct err *);

#endif
