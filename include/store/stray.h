/*
 * Strays: certificates that a CA elsewhere has made, and that were not issued:
 * they were not what was granted, or could not be recorded. No client got one
 * from here, but they are valid until they are revoked where they were made.
 * Possible ones stand beside them: what nobody has seen, and may have been made
 * all the same (store/handed.h).
 */
#ifndef STORE_STRAY_H
#define STORE_STRAY_H

#include <stdbool.h>

#include "store/db.h"
#include "util/bytes.h"

struct stray {
	int64_t		 txn;		/* row it was made for */
	const char	*issuer;	/* its name in the configuration */
	struct bytes	 serial;	/* as in struct issued */
	uint8_t		 issuer_hash[32];	/* of its issuer's Name, SHA-256 */
	const char	*why;		/* in words of err_text() */
	int64_t		 when;		/* that its program was asked */
	struct bytes	 der;		/* n == 0: nobody knows if there is one;
					 * serial is the one that was granted */
	const char	*subject;	/* the same, then; else NULL */
	/* set by the store, by its transaction */
	int64_t		 id;
	const char	*endpoint;
	const char	*txid;
	const char	*peer;
	const char	*challenge;	/* or NULL */
};

/* Whether this is one, or may be: by what tells certificates apart. */
int	 stray_known(struct db *, struct bytes serial,
	    const uint8_t issuer_hash[32], bool *known, struct err *e);
/* Calls each that was not issued later, oldest first; it lives during the call.
 * A callback that returns other than 0 ends the walk with that value. */
int	 stray_each(struct db *, int (*)(const struct stray *, void *),
	    void *arg, struct err *e);

#endif
