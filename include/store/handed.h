/*
 * What programs that issue are at work on. Until one answers, nobody knows what
 * it has made: should the server end by then, that it was asked must be known.
 */
#ifndef STORE_HANDED_H
#define STORE_HANDED_H

#include "store/db.h"
#include "util/bytes.h"

struct handed {
	int64_t		 txn;		/* reserved, by whoever calls this */
	const char	*issuer;	/* its name in the configuration */
	uint8_t		 issuer_hash[32];	/* of its CA's Name, SHA-256 */
	const char	*subject;	/* that was granted */
	int64_t		 when;		/* that it is asked */
	/* If nothing more is heard of it: */
	const char	*why;		/* in words of err_text() */
	const char	*trail;		/* as in struct audit, or NULL */
	int64_t		 signer;	/* as there */
	/* set by the store, by its transaction */
	struct bytes	 serial;	/* as reserved */
	const char	*endpoint;
	const char	*txid;
};

/* Durable on return, and over when the transaction is reserved no more. */
int	 handed_put(struct db *, const struct handed *, struct err *e);
/* Calls each; it lives during the call, without its trail. A callback that
 * returns other than 0 ends the walk with that value. */
int	 handed_each(struct db *, int (*)(const struct handed *, void *),
	    void *arg, struct err *e);

#endif
