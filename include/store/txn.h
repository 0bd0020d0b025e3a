/*
 * Transactions: what was asked, written before anything is signed, so that a
 * crash loses no serial number and a retry can find its certificate.
 */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "store/db.h"
#include "util/bytes.h"

#define TXN_HASH	32	/* SHA-256 */

struct txn {
	const char	*endpoint;
	const char	*txid;		/* transactionID, any printable text */
	uint8_t		 signer_hash[TXN_HASH]; /* of the signer's SPKI */
	uint8_t		 csr_hash[TXN_HASH];	/* of the CSR's DER */
	struct bytes	 serial;	/* positive, content of the INTEGER */
	const char	*challenge;	/* name of the challenge, or NULL */
	const char	*peer;
	int64_t		 when;		/* seconds since 1970 */
};

/* Durable on return; *id names it in issued.txn and txn_fail(). A reserved
 * serial is never reserved again: ERR_STORE_CONFLICT. */
int	 txn_reserve(struct db *, const struct txn *, int64_t *id,
	    struct err *e);
/* The transaction ended without a certificate, for this reason. */
int	 txn_fail(struct db *, int64_t id, enum err_reason, int64_t when,
	    struct err *e);
/* Marks transactions that a crash left reserved as abandoned; *n of them. */
int	 txn_recover(struct db *, int64_t when, int64_t *n, struct err *e);

#endif
