/*
 * Private to service: what its files share.
 */
#ifndef SERVICE_SERVICE_INT_H
#define SERVICE_SERVICE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "issuer/issuer.h"
#include "pki/alg.h"
#include "pki/mac_key.h"
#include "policy/challenge.h"
#include "policy/profile.h"
#include "service/service.h"
#include "store/audit.h"
#include "store/challenge.h"
#include "store/db.h"
#include "validator/validator.h"

/* ---- document: what is served to many, shared by all who send it ---- */

#define DOCUMENT_ETAG	36

struct document {
	atomic_int	 refs;
	const char	*type;		/* Content-Type */
	struct buf	 content;
	char		 etag[DOCUMENT_ETAG];
	int64_t		 modified;
	int64_t		 expires;	/* 0: when it is replaced */
};

/* Takes the content, also when it fails. */
int	 document_new(const char *type, struct buf *content, int64_t modified,
	    int64_t expires, struct document **out, struct err *e);
struct document	*document_get(struct document *);  /* one more reference */
void	 document_put(struct document *);	/* gives one up; NULL is fine */
/* Answers with it, or that what the client has is the same. Takes over the
 * reference. */
void	 document_answer(struct exchange *, struct document *, int64_t now);

/* ---- site: an endpoint made real ---- */

#define SITE_CA_RETRY	60	/* seconds, where the store failed */
#define SITE_CA_ID	20	/* bytes of the hash of its key */

/* A CA as the world sees it. */
struct site_ca {
	const struct conf_issuer	*conf;
	struct issuer			*issuer;
	struct site_ca			*next;	/* takes over; or NULL */
	int64_t				 from;	/* when; 0: not decided */
	uint8_t				 name_hash[PKI_HASH]; /* of its Name */
	char				 id[2 * SITE_CA_ID + 1]; /* of its key, hex */
	bool				 follows;	/* is a `next` */
	bool				 followed;	/* by `next`, for good */
	int64_t				 retry_follow;	/* to remember that */
	bool				 has_crl;	/* we make one */
	struct document			*crt;	/* DER of the CA */
	struct document			*pem;	/* it and all above it */

	/* crls_tick()'s own; a reload begins anew */
	char				 filed[DOCUMENT_ETAG]; /* in crl_file */
	int64_t				 retry;	/* not before, if not 0 */
};

/* The issuer and, if there is one, the CA that follows. */
int	 site_ca_open(struct site_ca *, const struct conf_issuer *,
	    int64_t now, struct err *e);
void	 site_ca_clear(struct site_ca *);
/* Who issues at this time: the CA itself, or the next. */
const struct site_ca	*site_ca_current(const struct site_ca *, int64_t now);

struct face;
struct ra;

struct site_endpoint {
	const struct conf_endpoint	*conf;
	const struct conf_profile	*profile;
	const struct validator		*validator;	/* or NULL */
	const struct conf_challenge	**challenges;	/* n of them */
	size_t				 n_challenges;
	const struct site_ca		*ca;		/* as configured */
	struct ra			*ra;
	struct certs			*trusted;	/* n of them, to */
	size_t				 n_trusted;	/* migrate from */
	struct algs			*algs;	/* what it accepts */
	struct face			*face;	/* under the site's lock */
	/* of faces_tick() */
	int64_t				 look;	/* not before */
	int64_t				 warned;	/* last */
};

struct site {
	atomic_int		 refs;
	pthread_mutex_t		 lock;		/* of the faces */
	struct conf		*conf;
	struct policy_profiles	*profiles;
	struct site_ca		*cas;		/* as conf->issuers */
	struct validator	**validators;	/* as conf->validators */
	struct site_endpoint	*endpoints;	/* as conf->endpoints */
	struct policy_limits	*limits;	/* as conf->challenges */
	const struct site_endpoint *ndes;	/* of the page; NULL: none */
	char			*ndes_single;	/* what it shows; NULL: new
						 * ones */
};

/* ---- trusted: CAs of other servers, for a migration ---- */

int	 trusted_open(struct site_endpoint *, struct err *e);
void	 trusted_clear(struct site_endpoint *);
/* The one that issued the certificate, if its chain is valid now; or NULL. */
const struct cert	*trusted_issuer(const struct site_endpoint *,
			    const struct cert *, int64_t now);
/* What an endpoint shows now, a reference; and from now on, which is taken. */
struct face	*site_face(struct site *, const struct site_endpoint *);
void	 site_show(struct site *, struct site_endpoint *, struct face *);

/* ---- find: which endpoint is meant ---- */

/* By path: /scep/NAME, else the longest path that begins this one, else the
 * first for .../pkiclient.exe; NULL if there is none. */
const struct site_endpoint	*site_find(const struct site *,
				    const char *path);
/* Who answers when own is asked about a CA of this name: own, unless the name
 * is an issuer's that only others have. */
const struct site_endpoint	*site_named(const struct site *,
				    const struct site_endpoint *own,
				    struct bytes name);

/* ---- proven: challenges that were stretched already ---- */

struct proven;
int	 proven_new(struct proven **out, struct err *e);
void	 proven_free(struct proven *);
/*
 * *match is the one of n challenges that `presented` is, or NULL. ERR_BUSY when
 * too many unknown ones wait to be stretched.
 */
int	 proven_match(struct proven *, const struct conf_challenge *const *,
	    size_t n, struct bytes presented,
	    const struct conf_challenge **match, struct err *e);
/* The same without stretching: NULL too where that would be needed. */
int	 proven_recall(struct proven *, const struct conf_challenge *const *,
	    size_t n, struct bytes presented,
	    const struct conf_challenge **match, struct err *e);

/* ---- challenge: what they allow ---- */

/* Reads the key beside the store, or makes it. */
int	 challenge_open_key(struct service *, const char *store,
	    struct err *e);
/* Of one in scepd.conf; to be cleared. */
int	 challenge_limits(const struct conf *, const struct conf_challenge *,
	    struct policy_limits *out, struct err *e);

/* ---- pool: a bounded queue and its workers ---- */

struct pool;
/* run() tells whether the pool is to call done(), or somebody will. */
int	 pool_new(size_t workers, size_t queue,
	    enum service_when (*run)(struct exchange *, void *), void *arg,
	    struct pool **out, struct err *e);
/* -1: the queue is full. */
int	 pool_put(struct pool *, struct exchange *);
/* Waits until nothing is queued or running; -1 after timeout_ms. */
int	 pool_drain(struct pool *, int timeout_ms);
void	 pool_free(struct pool *);		/* ends the workers */

/* ---- flight: transactions that workers are busy with ---- */

struct flight;
int	 flight_new(struct flight **out, struct err *e);
void	 flight_free(struct flight *);
void	 flight_end(struct flight *);	/* a transaction has ended */
/* Take a mark, look, wait: -1 if nothing ended since the mark for so long. */
unsigned long	 flight_mark(struct flight *);
int	 flight_wait(struct flight *, unsigned long mark, int seconds);

/* ---- ends: of transactions that came to nothing; see ends_int.h ---- */

struct ends;

/* ---- doors: requests that a validator is being asked about ---- */

#define DOOR_KEY	32

struct doors;
/* There is room for half of so many workers, at least for one. */
int	 doors_new(size_t workers, struct doors **out, struct err *e);
void	 doors_free(struct doors *);
/* Goes in alone. ERR_BUSY: there is no room, another one with the key was inside
 * for so many seconds, or the service stops. */
int	 doors_enter(struct doors *, const uint8_t key[DOOR_KEY], int seconds,
	    struct err *e);
/* Makes room: whoever is inside waits no more for a validator. */
void	 doors_asked(struct doors *);
void	 doors_leave(struct doors *, const uint8_t key[DOOR_KEY]);
void	 doors_stop(struct doors *);	/* nobody waits any more */

/* ---- teller: outcomes, told to validators behind the reply's back ---- */

struct teller;
int	 teller_new(struct teller **out, struct err *e);
/* Sends what it can within a few seconds, and logs how many it could not. */
void	 teller_free(struct teller *);
/* To the endpoint's validator, at most once; takes over the JSON. Never waits:
 * what finds the queue full is logged and lost. */
void	 teller_put(struct teller *, struct site *, const struct site_endpoint *,
	    struct buf *json);

/* ---- refusals: what the audit trail is told about requests that came to
 * nothing ---- */

struct refusals;
int	 refusals_new(struct refusals **out, struct err *e);
void	 refusals_free(struct refusals *);	/* NULL is fine */
/* Whether another one is taken: asked before it is made. Those that are not are
 * counted, and logged. */
bool	 refusals_room(struct refusals *);
void	 refusals_put(struct refusals *, const struct audit *);	/* copies */
/* Writes them, and keeps so many of all; by one thread at a time. */
void	 refusals_flush(struct refusals *, struct db *, int64_t keep);

/* ---- validate: what came to an end while it waited ---- */

/* Ends what has waited for too long, and tells validators of that, and of what
 * an operator rejected; by one thread at a time. What fails is logged. */
void	 validate_tick(struct service *, struct site *, int64_t now);

/* ---- crl: the CRL of each CA whose key is here ---- */

struct crls;
int	 crls_new(struct crls **out, struct err *e);
void	 crls_free(struct crls *);
/* Makes those whose time has come, or that no longer tell what is revoked; by
 * one thread at a time. What fails is logged and tried again later. */
void	 crls_tick(struct crls *, struct site *, struct db *, int64_t now);
/* The newest, a reference; NULL if it has none. */
struct document	*crls_get(struct crls *, const struct site_ca *);

/* ---- figures: what is counted, and its file ---- */

struct figures;
int	 figures_new(int64_t now, struct figures **out, struct err *e);
void	 figures_free(struct figures *);
/* A request has ended. type and outcome are static; reason ERR_NONE: well. */
void	 figures_count(struct figures *, const char *endpoint,
	    const char *type, const char *outcome, enum err_reason);
/* Appends the text; any thread. */
int	 figures_text(struct figures *, const struct service *,
	    struct site *, int64_t now, struct buf *out, struct err *e);
/* Writes metrics.file when its time has come; by one thread at a time. What
 * fails is logged. */
void	 figures_tick(struct figures *, const struct service *, int64_t now);

/* ---- renew: what endpoints show, kept up to date ---- */

/*
 * Renews RA certificates whose time has come, and shows what there is now: by
 * the one thread that opened the service.
 */
void	 faces_tick(struct service *, struct site *, int64_t now);
/* The same without renewing anything, for an endpoint: what would be shown at
 * this time, by what the store has. Yours to put. */
int	 faces_foresee(struct service *, struct site *,
	    struct site_endpoint *, int64_t now, struct face **, struct err *e);

/* ---- succession: one CA takes over from another ---- */

/* What the store knows of it, into the site: before it is used. ERR_CONFIG if
 * a CA that was followed would issue again. */
int	 succession_recall(struct db *, struct site *, struct err *e);
/* Remembers it when the time has come; by one thread at a time. */
void	 succession_tick(struct db *, struct site *, int64_t now);

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

/* ---- account: who an administrator is ---- */

struct tries;		/* wrong passwords, by address */
int	 tries_new(struct tries **out, struct err *e);
void	 tries_free(struct tries *);

enum right { RIGHT_METRICS, RIGHT_CHALLENGE, RIGHT_NDES };

/* What their settings name outside of the configuration. */
/* lacking.c: of the facts that templates take and nobody gives. */
void	 site_warn_lacking(const struct site *);
int	 accounts_check(const struct site *, struct err *e);
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
	int64_t		 forgot;	/* when unused ones last were */
	int64_t		 expired;	/* when what waits last was looked at */
	pthread_mutex_t	 ndes;		/* while its pool is counted */
	struct mac_key	 mac_key;	/* of challenges that we drew */
	struct flight	*flight;
	struct ends	*ends;
	struct crls	*crls;
	struct figures	*figures;
	struct guard	*guard;
	struct doors	*doors;
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

/* Takes over the reply's bytes. */
void	 answer_put(struct exchange *, int status, const char *type,
	    struct buf *reply);
/* The one line of text of a refusal that no CertRep tells; not logged. */
void	 answer_text(struct exchange *, enum err_reason);

#endif
