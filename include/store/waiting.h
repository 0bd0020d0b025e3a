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
	char		 profile[65];
	struct buf	*csr;		/* the caller's; gets the CSR */
	bool		 renews_revoked;	/* what it renews is, by now */
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
int	 waiting_decide(struct db *, int64_t id, bool approve, int64_t now,
	    const char *who, struct err *e);

/* What waits, as an operator sees it. */
struct waiting {
	int64_t		 id;
	int64_t		 since;
	char		*endpoint;
	char		*txid;
	char		*challenge;	/* name, or NULL */
	char		*peer;
	struct bytes	 csr;
	uint8_t		 csr_hash[TXN_HASH];
	bool		 approved;	/* and not fetched yet */
	struct bytes	 renews;	/* serial of the certificate that
					 * allows it; n == 0: none does */
	bool		 renews_revoked;
	int64_t		 renews_revoked_at;
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
