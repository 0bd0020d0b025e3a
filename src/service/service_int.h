/*
 * Private to service: what its files share.
 */
#ifndef SERVICE_SERVICE_INT_H
#define SERVICE_SERVICE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "issuer/issuer.h"
#include "pki/alg.h"
#include "service/service.h"
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

/* An issuer as the world sees it. */
struct site_ca {
	const struct conf_issuer	*conf;
	const struct issuer		*issuer;
	uint8_t				 name_hash[PKI_HASH]; /* of its Name */
	bool				 has_crl;	/* we make one */
	struct document			*crt;	/* DER of the CA */
	struct document			*pem;	/* it and all above it */

	/* crls_tick()'s own; a reload begins anew */
	char				 filed[DOCUMENT_ETAG]; /* in crl_file */
	int64_t				 retry;	/* not before, if not 0 */
};

int	 site_ca_open(struct site_ca *, const struct conf_issuer *,
	    const struct issuer *, struct err *e);
void	 site_ca_clear(struct site_ca *);

struct site_endpoint {
	const struct conf_endpoint	*conf;
	const struct conf_profile	*profile;
	const struct validator		*validator;	/* or NULL */
	const struct conf_challenge	**challenges;	/* n of them */
	size_t				 n_challenges;
	const struct issuer		*issuer;
	const struct site_ca		*ca;		/* the issuer's */
	struct key			*own_key;	/* mode ra: ours */
	struct cert			*own_cert;
	const struct key		*key;	/* signs and decrypts: of the */
	const struct cert		*cert;	/* RA, or of the CA in mode ca */
	const struct cert		**authorities;	/* RA, CA and above */
	size_t				 n_authorities;
	struct algs			*algs;	/* what it accepts */
	struct buf			 caps;	/* answer to GetCACaps */
	struct buf			 cacert;	/* answer to GetCACert */
	const char			*cacert_type;
};

struct site {
	atomic_int		 refs;
	struct conf		*conf;
	struct issuer		**issuers;	/* as conf->issuers */
	struct site_ca		*cas;		/* as conf->issuers */
	struct validator	**validators;	/* as conf->validators */
	struct site_endpoint	*endpoints;	/* as conf->endpoints */
};

/* The endpoint whose longest path begins this one; NULL if none does. */
const struct site_endpoint	*site_find(const struct site *,
				    const char *path);

/* ---- proven: challenges that were stretched already ---- */

struct proven;
int	 proven_new(struct proven **out, struct err *e);
void	 proven_free(struct proven *);
/*
 * *match is the challenge that `presented` is, or NULL. ERR_BUSY when too many
 * unknown ones wait to be stretched.
 */
int	 proven_match(struct proven *, const struct site_endpoint *,
	    struct bytes presented, const struct conf_challenge **match,
	    struct err *e);

/* ---- pool: a bounded queue and its workers ---- */

struct pool;
int	 pool_new(size_t workers, size_t queue,
	    void (*run)(struct exchange *, void *), void *arg,
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

/* ---- doors: requests that a validator is being asked about ---- */

#define DOOR_KEY	32

struct doors;
int	 doors_new(struct doors **out, struct err *e);
void	 doors_free(struct doors *);
/* Goes in alone; *waited: another one with the key was in there first. -1: not
 * within so many seconds, or the service stops. */
int	 doors_enter(struct doors *, const uint8_t key[DOOR_KEY], int seconds,
	    bool *waited);
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
/* Writes metrics.file when its time has come; by one thread at a time. What
 * fails is logged. */
void	 figures_tick(struct figures *, const struct service *, int64_t now);

/* ---- route: what lies behind a path ---- */

/* 0: answered; 1: given to the workers; -1: refused. */
int	 route_begin(struct service *, struct exchange *, struct err *e);
/* The same for the paths of endpoints. */
int	 exchange_scep(struct service *, struct exchange *, struct err *e);

/* ---- the service ---- */

struct service {
	pthread_mutex_t	 lock;		/* of site */
	struct site	*site;
	atomic_bool	 draining;	/* no new exchange is begun */
	atomic_bool	 stopping;	/* nor is one that waits in the queue */
	struct db	*db;
	struct proven	*proven;
	struct flight	*flight;
	struct crls	*crls;
	struct figures	*figures;
	struct doors	*doors;
	struct teller	*teller;
	struct pool	*pool;
};

/* Runs one PKIOperation from message to answer; called by workers. */
void	 pipeline_run(struct exchange *, void *service);

/* ---- answers ---- */

/* Takes over the reply's bytes. */
void	 answer_put(struct exchange *, int status, const char *type,
	    struct buf *reply);
/* The one line of text of a refusal that no CertRep tells; not logged. */
void	 answer_text(struct exchange *, enum err_reason);

#endif
