/*
 * Issued certificates: the ledger. A row is durable before the client can see
 * its certificate, and is never deleted.
 */
#ifndef STORE_ISSUED_H
#define STORE_ISSUED_H

#include "store/audit.h"
#include "store/db.h"
#include "util/bytes.h"

#define ISSUED_HASH	32	/* SHA-256 */

struct issued {
	int64_t		 id;		/* set by the store */
	int64_t		 txn;		/* row of its transaction */
	struct bytes	 der;
	struct bytes	 serial;	/* content of the INTEGER */
	uint8_t		 issuer_hash[ISSUED_HASH]; /* of the issuer's Name */
	uint8_t		 key_hash[ISSUED_HASH];	/* the key's identity */
	const char	*subject;	/* RFC 4514 text */
	const char	*sans;		/* "dns:a.example\nupn:…", "" if none */
	const char	*endpoint;
	const char	*profile;
	const char	*issuer;	/* the issuer's name in scepd.conf */
	const char	*txid;
	const char	*challenge;	/* name, or NULL */
	const char	*peer;		/* address without port */
	int64_t		 not_before;
	int64_t		 not_after;
	int64_t		 issued_at;
	bool		 ra;		/* our own as an RA, no client's */
	bool		 revoke_old;	/* to the store: revoke what it
					 * supersedes, in the same step */
	const struct audit *audit;	/* to the store: what led to it, or
					 * NULL */
	/* to the store, of a renewal: the identity of the old one's key, or
	 * NULL; and as in struct txn */
	const uint8_t	*old_key;
	int64_t		 superseded;
	/* set by the store, by what its transaction renews */
	struct bytes	 supersedes;	/* serial; n == 0: it renews none */
	const char	*migrates;	/* as in struct txn, or NULL */
	struct bytes	 superseded_by;	/* serial of the last that renews it; n
					 * == 0: none does */
	/* set by store/revoked.h */
	bool		 revoked;
	int64_t		 revoked_at;
	int		 revoke_reason;	/* CRLReason */
};

/*
 * Adds the row and ends its transaction as issued. Between start and wait the
 * caller can work (the reply is signed while the commit is in flight); op and
 * row must live until issued_add_wait() has returned. A second certificate with
 * the same issuer and serial: ERR_STORE_CONFLICT. What it renews was revoked or
 * superseded since it was reserved, a revocation stops it, or its challenge was
 * disabled or removed: as txn_reserve() says it. Then it is not added.
 */
struct issued_op {
	struct db_op		 op;
	const struct issued	*row;
};
void	 issued_add_start(struct db *, struct issued_op *,
	    const struct issued *);
int	 issued_add_wait(struct db *, struct issued_op *, struct err *e);

struct issued_filter {
	int64_t		 expires_from;	/* not_after >= this; 0: any */
	int64_t		 expires_to;	/* not_after <= this; 0: any */
	const char	*endpoint;	/* NULL: any */
	const char	*challenge;	/* its name; NULL: any, or none */
	bool		 revoked;	/* only what is revoked */
	bool		 superseded;	/* only what another took the place of,
					 * and is not revoked */
	bool		 ra;		/* only what is our own; any serial */
	struct bytes	 serial;	/* n == 0: any */
	int64_t		 limit;		/* 0: no limit */
};

/* Calls each row, soonest expiry first; the row lives during the call. A
 * callback that returns other than 0 ends the walk with that value. */
int	 issued_each(struct db *, const struct issued_filter *,
	    int (*)(const struct issued *, void *), void *arg, struct err *e);
/* The certificate of a transaction; one call, or none. As issued_each(). */
int	 issued_of_txn(struct db *, int64_t txn,
	    int (*)(const struct issued *, void *), void *arg, struct err *e);

/* Who got one by a challenge or a renewal since then, and when; of the newest
 * `rows` certificates, the oldest first. */
int	 issued_peers(struct db *, int64_t rows, int64_t since,
	    void (*)(const char *peer, int64_t when, void *), void *arg,
	    struct err *e);

/* What a renewal of a certificate has to know, with a key that is asked for. */
struct issued_line {
	int64_t		 superseded_at;	/* first time; 0: never */
	int64_t		 key_uses;	/* how many in a row have the key, up to
					 * this one */
};
/* Of the row id; or, with 0, of what `migrates` names. */
int	 issued_line(struct db *, int64_t id, const char *migrates,
	    const uint8_t key_hash[ISSUED_HASH], struct issued_line *,
	    struct err *e);

#endif
