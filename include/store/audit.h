/*
 * The audit trail: what was decided about a request, and why. What explains a
 * transaction is written in the same step as that, by those who write it
 * (struct txn, struct issued, txn_end(), waiting_decide()): there is no
 * certificate without its trail. Of what was refused before it became a
 * transaction, which strangers cause at will, the last ones are kept; as many of
 * what a certificate of the ledger signed.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/db.h"
#include "util/bytes.h"

struct audit {
	int64_t		 id;		/* set by the store, as txn is; they rise */
	int64_t		 txn;		/* row that it explains; 0: there is none */
	int64_t		 when;
	const char	*endpoint;
	const char	*txid;
	const char	*outcome;	/* AUDIT_... */
	const char	*reason;	/* a slug of err.def, or NULL */
	const char	*who;		/* address of a client, name of an operator */
	const char	*trail;		/* JSON as in render/trail.h, or NULL */
	int64_t		 signer;	/* row in issued of the certificate that
					 * signed what was asked; 0: none */
};

#define AUDIT_ISSUED	"issued"
#define AUDIT_PENDING	"pending"	/* it waits for an operator */
#define AUDIT_REFUSED	"refused"
#define AUDIT_FAILED	"failed"	/* our own trouble, or the issuer's */
#define AUDIT_APPROVED	"approved"	/* by an operator */
#define AUDIT_REJECTED	"rejected"

/* With its texts, in one piece for free(); NULL: there is no memory. */
struct audit	*audit_copy(const struct audit *);

/* Adds refusals that have no transaction, and of all such keeps the last ones:
 * so many that somebody unknown signed, and so many of ours. Durable on return. */
int	 audit_refusals(struct db *, const struct audit *, size_t n,
	    int64_t keep, struct err *e);

/* Forgets what explains certificates that expired before `before`, and
 * transactions that came to none and ended before it: `most` rows at most, those
 * of the oldest end; *n of them. The transactions and certificates stay. Durable
 * on return. */
int	 audit_thin(struct db *, int64_t before, int64_t most, int64_t *n,
	    struct err *e);

/* Calls each row of the transactionID, oldest first (endpoint NULL: of all),
 * or of a row in txn; or, the newest first, of what a row of issued signed. It
 * lives during the call; a callback that returns other than 0 ends the walk with
 * that value. */
struct audit_filter {
	const char	*endpoint;
	const char	*txid;		/* NULL: by signer or txn */
	int64_t		 signer;	/* 0: by txn */
	int64_t		 txn;
};
int	 audit_each(struct db *, const struct audit_filter *,
	    int (*)(const struct audit *, void *), void *arg, struct err *e);
/* The same for the one with this id, if there is one. */
int	 audit_one(struct db *, int64_t id,
	    int (*)(const struct audit *, void *), void *arg, struct err *e);
/* How many rows there are of what a row of issued signed. */
int	 audit_signed(struct db *, int64_t signer, int64_t *n, struct err *e);
/* Calls the id of each transaction of a transactionID, oldest first. */
int	 audit_txns(struct db *, const char *endpoint, const char *txid,
	    int (*)(int64_t id, void *), void *arg, struct err *e);

/* What became of a transaction. */
#define AUDIT_SERIAL	64	/* bytes; of a longer one, the first */
struct audit_fate {
	int64_t		 created;
	int64_t		 finished;	/* 0: it has not */
	char		 state[16];	/* as in sql/ */
	char		 reason[64];	/* why it failed; "": no reason */
	char		 endpoint[65];
	char		 txid[257];
	char		 peer[65];
	/* Its certificate */
	bool		 issued;
	int64_t		 row;		/* in issued */
	uint8_t		 serial[AUDIT_SERIAL];	/* content of the INTEGER */
	size_t		 n_serial;
	int64_t		 issued_at;
	int64_t		 not_after;
	bool		 revoked;
	int64_t		 revoked_at;
	int		 revoke_reason;	/* CRLReason */
	/* The first that took its place; n_next == 0: none did */
	uint8_t		 next[AUDIT_SERIAL];
	size_t		 n_next;
	int64_t		 next_at;
};
/* ERR_TXN_UNKNOWN */
int	 audit_fate(struct db *, int64_t txn, struct audit_fate *,
	    struct err *e);

#endif
