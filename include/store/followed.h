/*
 * CAs from which another one has taken over. This is remembered here, so that
 * neither a folder that is gone nor a clock put back lets the former issue
 * again.
 */
#ifndef STORE_FOLLOWED_H
#define STORE_FOLLOWED_H

#include "store/db.h"

#define FOLLOWED_HASH	32	/* SHA-256 over a SubjectPublicKeyInfo */

/* by: the key of the CA that took over; *found tells whether one did. */
int	 followed_get(struct db *, const uint8_t key[FOLLOWED_HASH],
	    uint8_t by[FOLLOWED_HASH], int64_t *since, bool *found,
	    struct err *e);
/* Durable on return. A CA is followed once: ERR_STORE. */
int	 followed_put(struct db *, const uint8_t key[FOLLOWED_HASH],
	    const uint8_t by[FOLLOWED_HASH], int64_t since, struct err *e);

#endif
