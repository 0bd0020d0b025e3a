/*
 * Private to service: what its files share.
 */
#ifndef SERVICE_SERVICE_INT_H
#define SERVICE_SERVICE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "pki/mac_key.h"
#include "service/service.h"
#include "site/site.h"
#include "store/challenge.h"
#include "store/db.h"

/* ---- proven: challenges that were stretched already ---- */

struct proven;
int	 proven_new(struct proven **out, struct err *e);
void	 proven_free(struct proven *);
/*
 * *match is the one of n challenges that `presented` is, or NULL. ERR_BUSY when
 * too many unknown ones wait to be stretched, and none of them is of somebody
 * who has more in that line than who. NULL for who: nothing is stretched, and
 * *match is NULL too where that would be needed.
 */
int	 proven_match(struct proven *, const struct conf_challenge *const *,
	    size_t n, struct bytes presented, const char *who,
	    const struct conf_challenge **match, struct err *e);

/* ---- challenge: the key of those that we drew ---- */

/* Reads the key beside the store, or makes it. */
int	 challenge_open_key(struct service *, const char *store,
	    struct err *e);

/* ---- told: what came to an end while it waited ---- */

/* Ends what has waited for too long, and tells validators of that, and of what
 * an operator rejected; by one thread at a time. What fails is logged. */
void	 told_tick(struct service *, struct site *, int64_t now);

/* ---- route: what lies behind a path ---- */

/* 0: answered; 1: given to the workers; -1: refused. */
int	 route_begin(struct service *, struct exchange *, struct err *e);
/* The same for the paths of endpoints. */
int	 exchange_scep(struct service *, struct exchange *, struct err *e);
/* Gives it to the workers: 1, or -1. */
int	 exchange_queue(struct service *, struct exchange *, struct err *e);
/* What a worker does for the path. */
int	 route_run(struct service *, struct exchange *, struct err *e);

/* ---- admin: what administrators ask for, by workers ---- */

/* Who asks, then what; the answer, or a refusal, is in the exchange. */
void	 admin_run(struct service *, struct exchange *);
int	 admin_metrics(struct service *, struct exchange *,
	    const struct site_ca *, struct err *e);
int	 admin_challenge(struct service *, struct exchange *,
	    const struct site_ca *, struct err *e);
int	 admin_ndes(struct service *, struct exchange *,
	    const struct site_ca *, struct err *e);

/* ---- tries: wrong passwords of administrators ---- */

#define TRIES_WHO	256	/* longest text that tells guessers apart */

struct tries;
int	 tries_new(struct tries **out, struct err *e);
void	 tries_free(struct tries *);
/* ERR_TRIES: as many as are allowed within their time. */
int	 tries_check(struct tries *, const char *who, int64_t now,
	    struct err *e);
void	 tries_add(struct tries *, const char *who, int64_t now);

/* ---- account: who an administrator is ---- */

enum right { RIGHT_METRICS, RIGHT_CHALLENGE, RIGHT_NDES };

/* One of the exchange's site, by certificate, bearer token or HTTP Basic;
 * ERR_UNAUTHORIZED, ERR_TRIES. Stretches. */
int	 account_find(struct service *, struct exchange *,
	    const struct conf_account **out, struct err *e);
bool	 account_may(const struct conf_account *, enum right);
bool	 account_may_for(const struct conf_account *, const char *endpoint);
bool	 account_may_name(const struct conf_account *,
	    const struct conf_endpoint *, const char *profile);

/* ERR_NO_RIGHT */
int	 admin_right(const struct exchange *, enum right, struct err *e);

/* ---- mint: challenges made at run time ---- */

struct mint {
	const char	*name;		/* NULL: one is drawn */
	const char	*prefix;	/* of that */
	const char	*endpoint;
	const char	*profile;	/* "": the endpoint's */
	const char	*subject;	/* patterns, one a line */
	const char	*san;
	const char	*facts;		/* one a line */
	const char	*by;
	int64_t		 uses;
	int64_t		 ttl;		/* seconds */
	size_t		 digits;	/* hex, upper case */
};

struct minted {
	char		 name[CHALLENGE_NAME + 1];
	struct buf	 secret;	/* the caller's to wipe */
	int64_t		 expires;
};
/* Durable on return. */
int	 mint_challenge(struct service *, const struct mint *,
	    struct minted *out, struct err *e);
/* That somebody has got one; never which. */
void	 admin_log_made(const struct exchange *, const struct mint *,
	    const struct minted *);
#define MINT_NDES	"ndes-"	/* names that count for ndes.pool */
#define MINT_API	"api-"

/* ---- the service ---- */

struct service {
	pthread_mutex_t	 lock;		/* of site */
	struct site	*site;
	atomic_bool	 draining;	/* no new exchange is begun */
	atomic_bool	 stopping;	/* nor is one that waits in the queue */
	struct db	*db;
	struct proven	*proven;
	struct proven	*admins;	/* the same for accounts */
	struct tries	*tries;
	int64_t		 forgot;	/* when old challenges last were */
	int64_t		 thinned;	/* as thin_trails() returned it */
	int64_t		 expired;	/* when what waits last was looked at */
	pthread_mutex_t	 ndes;		/* while its pool is counted */
	struct mac_key	 mac_key;	/* of challenges that we drew */
	struct flight	*flight;
	struct ends	*ends;
	struct crls	*crls;
	struct figures	*figures;
	struct guard	*guard;
	struct doors	*doors;		/* to validators */
	struct doors	*issuing;	/* to issuers elsewhere */
	struct teller	*teller;
	struct refusals	*refusals;
	struct pool	*pool;
	struct pool	*admin_pool;	/* of administrators' requests */
};

/* What came out of the queue. */
enum service_when	 service_run(struct exchange *, void *service);
/* Runs one PKIOperation from message to answer. */
void	 pipeline_run(struct exchange *, void *service);

/* ---- answers ---- */

/* With the document, or that what the client has is the same. Takes over the
 * reference. */
void	 document_answer(struct exchange *, struct document *, int64_t now);
/* Takes over the reply's bytes. */
void	 answer_put(struct exchange *, int status, const char *type,
	    struct buf *reply);
/* The one line of text of a refusal that no CertRep tells; not logged. */
void	 answer_text(struct exchange *, enum err_reason);

#endif
