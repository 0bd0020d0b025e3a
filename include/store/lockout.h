/*
 * Addresses that are locked for failed challenges. The daemon writes a row when
 * a lock begins; whoever deletes it ends the lock.
 */
#ifndef STORE_LOCKOUT_H
#define STORE_LOCKOUT_H

#include <stddef.h>

#include "store/db.h"

#define LOCKOUT_ADDRESS	64	/* as addr_text() writes it */
#define LOCKOUT_ENDPOINT 65

struct lockout {
	char	 address[LOCKOUT_ADDRESS];
	int64_t	 since;
	int64_t	 until;
	int64_t	 failures;	/* that led to it */
	char	 endpoint[LOCKOUT_ENDPOINT];	/* of the last one */
};

/* Makes n locks begin, or end if their `until` is not after now; drops all that
 * ended by now. All or nothing. */
int	 lockout_put(struct db *, const struct lockout *, size_t n,
	    int64_t now, struct err *e);
/* Ends the lock of an address, NULL: all. *cleared: how many there were. */
int	 lockout_clear(struct db *, const char *address, int64_t *cleared,
	    struct err *e);
/* Calls each, the oldest first; what a callback returns other than 0 ends the
 * walk with that value. */
int	 lockout_each(struct db *, int (*)(const struct lockout *, void *),
	    void *arg, struct err *e);

#endif
