/*
 * Transactions that wait for an operator: pending, then approved (issued when
 * the client asks again) or rejected.
 */
#ifndef STORE_WAITING_H
#define STORE_WAITING_H

#include "store/txn.h"
#include "util/buf.h"

/*
 * The newest transaction of this transactionID and signer key; *other is set,
 * and found is TXN_NONE, if there are only transactions of other keys.
 */
int	 waiting_polled(struct db *, const char *endpoint, const char *txid,
	    const uint8_t signer_hash[TXN_HASH], struct txn_found *,
	    bool *other, struct err *e);

/* An approved transaction, to be worked on. */
struct waiting_claim {
	uint8_t		 serial[32];	/* as reserved, n_serial bytes */
	size_t		 n_serial;
	char		 challenge[65];	/* name; "" if none */
	int64_t		 challenge_id;	/* as in struct txn */
	char		 challenge_profile[65];	/* it names; "" if none, or it
						 * is one of scepd.conf */
	char		 profile[65];
	int64_t		 since;
	char		 asked[65];	/* validator; "" if none was */
	struct buf	*csr;		/* the caller's; gets the CSR */
	struct buf	*facts;		/* the caller's; as in struct txn */
	/* By now, for the caller to judge: */
	bool		 challenge_gone;	/* disabled or removed, of
						 * those in the store */
	bool		 despite;	/* the operator knew that it allowed
					 * nothing any more */
	/* What it renews; 0 and empty if it renews nothing. */
	int64_t		 renews;	/* as in struct txn */
	struct buf	*migrates;	/* the caller's; as in struct txn */
	struct buf	*old;		/* the caller's; gets the certificate */
	bool		 renews_revoked;
	int64_t		 superseded_at;	/* first time; 0: never */
	bool		 superseding;	/* another is being worked on that
					 * takes its place */
};
/* *ours: the transaction is now reserved for the caller, who ends it by
 * issued_add_start(), txn_end() or waiting_release(). */
int	 waiting_claim(struct db *, int64_t id, struct waiting_claim *,
	    bool *ours, struct err *e);
/* Back to approved: it was not the request's fault. */
int	 waiting_release(struct db *, int64_t id, struct err *e);

/* Ends what waits since before `before`; counts what waits, with what is worked
 * on and may come back. */
int	 waiting_expire(struct db *, int64_t before, int64_t now,
	    struct err *e);
int	 waiting_count(struct db *, int64_t *n, struct err *e);
/* An operator's word, durable on return, with who gave it in the audit trail:
 * ERR_TXN_UNKNOWN, ERR_NOT_PENDING. */
enum waiting_word {
	WAITING_REJECT,
	WAITING_APPROVE,
	/* Its challenge was taken out of scepd.conf. What happened to one of
	 * the store by then is known there. */
	WAITING_APPROVE_DESPITE
};
int	 waiting_decide(struct db *, int64_t id, enum waiting_word,
	    int64_t now, const char *who, struct err *e);

/* What was rejected, or has expired, and a validator is to be told. */
struct waiting_end {
	int64_t		 id;
	const char	*endpoint;
	const char	*txid;
	const char	*peer;
	const char	*asked;		/* the validator */
	bool		 expired;
	void		*mem;		/* the store's: holds the texts */
};
/* *found: the first is in out, the caller's to clear. */
int	 waiting_ended(struct db *, struct waiting_end *out, bool *found,
	    struct err *e);
void	 waiting_end_clear(struct waiting_end *);
/* Durable on return: it is told, and found no more. */
int	 waiting_told(struct db *, int64_t id, struct err *e);

/* What waits, as an operator sees it. */
struct waiting {
	int64_t		 id;
	int64_t		 since;
	const char	*endpoint;
	const char	*txid;
	const char	*challenge;	/* name, or NULL */
	const char	*peer;
	struct bytes	 csr;
	uint8_t		 csr_hash[TXN_HASH];
	bool		 approved;	/* and not fetched yet */
	struct bytes	 renews;	/* serial of the certificate that
					 * allows it; n == 0: none does */
	bool		 renews_revoked;
	int64_t		 renews_revoked_at;
	int64_t		 renews_until;	/* when it expires */
	const char	*migrates;	/* or another server's; or NULL */
	int64_t		 superseded_at;	/* either, by another; 0: never */
	bool		 challenge_conf;	/* of scepd.conf, if there is one */
	bool		 challenge_gone;	/* as in struct waiting_claim */
	bool		 despite;
	char		*profile;	/* that was decided on; or NULL */
	char		*asked;		/* validator; or NULL */
	char		*facts;		/* as in struct txn; or NULL */
};
/* Calls each, oldest first; the row lives during the call. A callback that
 * returns other than 0 ends the walk with that value. */
int	 waiting_each(struct db *, int (*)(const struct waiting *, void *),
	    void *arg, struct err *e);
/* Calls the one with this id: ERR_TXN_UNKNOWN, ERR_NOT_PENDING. */
int	 waiting_one(struct db *, int64_t id,
	    int (*)(const struct waiting *, void *), void *arg,
	    struct err *e);

#endif
