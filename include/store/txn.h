/*
 * Transactions: what was asked, written before anything is signed, so that a
 * crash loses no serial number and a retry can find its certificate.
 */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "store/audit.h"
#include "store/db.h"
#include "util/bytes.h"

#define TXN_HASH	32	/* SHA-256 */

/* Which other certificates the key may have. */
enum txn_key_limit { TXN_KEY_ANY, TXN_KEY_SUBJECT, TXN_KEY_ALONE };

struct txn {
	const char	*endpoint;
	const char	*txid;		/* transactionID, any printable text */
	uint8_t		 msg_hash[TXN_HASH];	/* of the pkiMessage */
	uint8_t		 signer_hash[TXN_HASH]; /* of the signer's SPKI */
	uint8_t		 csr_hash[TXN_HASH];	/* of the CSR's DER */
	struct bytes	 signer_serial;	/* of the signer's certificate */
	uint8_t		 signer_issuer[TXN_HASH]; /* of its issuer's Name */
	struct bytes	 serial;	/* reserved serial, positive, DER content */
	const char	*challenge;	/* that it spends a use of, or NULL */
	int64_t		 challenge_id;	/* of store/challenge.h; 0: it is one
					 * of scepd.conf */
	int64_t		 challenge_uses;	/* it is good for; 0: any */
	const char	*profile;	/* what would be issued follows it */
	const char	*peer;
	int64_t		 when;		/* seconds since 1970 */
	int64_t		 replay;	/* window for repeated requests, in s */
	int64_t		 renews;	/* issued.id of the certificate that
					 * allows it; 0: none does */
	const char	*migrates;	/* "SERIAL of ISSUER", of another
					 * server's that allows it; or NULL */
	struct bytes	 old;		/* where that waits: the certificate */
	const uint8_t	*old_key;	/* of either, its key's identity */
	int64_t		 superseded;	/* seconds for which these renew once
					 * more after they did */
	uint8_t		 key_hash[TXN_HASH];	/* identity of the request's
						 * key */
	/* Where there is a limit, or the CA may certify another: the subject that
	 * is granted. A renewal counts as what it renews did. */
	const char	*subject;	/* NULL: as issued.subject will be */
	int64_t		 max_active;	/* valid at once of the subject; 0: any */
	enum txn_key_limit key_limit;
	bool		 vouched;	/* by it, a challenge or a validator */
	struct bytes	 hold;		/* CSR that waits for an operator; n ==
					 * 0: none does */
	const char	*asked;		/* validator that was asked about that;
					 * or NULL */
	const char	*facts;		/* that the subject is made of; or
					 * NULL */
	/* How many may wait, and from one address that nothing vouches for (0:
	 * no limit); of all, half. */
	int64_t		 room;
	int64_t		 room_address;
	int64_t		 waits_since;	/* what waits since before has expired,
					 * if nobody wrote so yet */
	const struct audit *audit;	/* why it waits; or NULL */
};

enum txn_state {
	TXN_NONE,		/* there is no such transaction */
	TXN_RESERVED,		/* somebody works on it now */
	TXN_PENDING,		/* waits for an operator */
	TXN_APPROVED,		/* to be issued when the client asks again */
	TXN_ISSUED,
	TXN_REJECTED,		/* by an operator */
	TXN_EXPIRED,		/* waited for too long */
	TXN_ENDED		/* failed or abandoned */
};

struct txn_found {
	int64_t		 id;
	enum txn_state	 state;
};

/* The transaction that this message repeats; TXN_NONE if it is a new one. The
 * serial is not looked at. */
int	 txn_repeated(struct db *, const struct txn *, struct txn_found *,
	    struct err *e);
/*
 * Durable on return: the transaction that it repeats, or a new one, with *fresh
 * set. Both in one step, so that of many copies at once one is new. id names it
 * in issued.txn and txn_end(). A reserved serial is never reserved again:
 * ERR_STORE_CONFLICT. While another request waits under the same transactionID:
 * ERR_TXN_LIVE. What it renews was revoked or superseded meanwhile:
 * ERR_RENEWAL_REVOKED, ERR_RENEWAL_SUPERSEDED. A revocation stops it
 * (store/revoked.h): ERR_RENEWAL_SUCCESSOR, ERR_RENEWAL_MANY,
 * ERR_RENEWAL_COMPROMISED, ERR_KEY_COMPROMISED. No use of the challenge left,
 * counting all that are worked on: ERR_CHALLENGE_SPENT; it was disabled or
 * removed meanwhile: ERR_CHALLENGE_DISABLED. Beyond a limit of the profile,
 * counting so: ERR_MAX_ACTIVE, ERR_DUPLICATE_KEY. No room to wait:
 * ERR_PENDING_FULL, ERR_PENDING_STRANGER.
 */
int	 txn_reserve(struct db *, const struct txn *, struct txn_found *,
	    bool *fresh, struct err *e);
/* What txn_reserve() would say, by the same checks; writes nothing. TXN_NONE:
 * there would be a new one. */
int	 txn_rehearse(struct db *, const struct txn *, struct txn_found *,
	    struct err *e);
int	 txn_state(struct db *, int64_t id, enum txn_state *, struct err *e);
/* The transaction ended without a certificate, for this reason; told by that,
 * or NULL. */
int	 txn_end(struct db *, int64_t id, enum err_reason, int64_t when,
	    const struct audit *, struct err *e);
/* Ends what a crash left reserved as abandoned, or, where a program was at work
 * on it (store/handed.h), as failed for ERR_ISSUER_CUT; what an operator had
 * approved is so again. What such a program may have made becomes possible
 * strays. *n: how many of all. */
int	 txn_recover(struct db *, int64_t when, int64_t *n, struct err *e);

#endif
