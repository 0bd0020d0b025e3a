/*
 * Challenges made at run time: added, disabled and removed by scepctl while the
 * daemon reads them, each request anew. A use of a challenge is a transaction
 * that names it and is in flight or issued (triggers count them), so it is
 * spent with the certificate and given back with a failure.
 */
#ifndef STORE_CHALLENGE_H
#define STORE_CHALLENGE_H

#include "store/db.h"
#include "util/bytes.h"

#define CHALLENGE_MAC	32
#define CHALLENGE_NAME	64	/* longest, in bytes */
#define CHALLENGE_HASHED_MAX 64	/* that must be stretched to be known */

/* Lists are text with one entry a line, "" if empty. */
struct challenge {
	int64_t		 id;		/* set by the store */
	char		*name;
	char		*hash;		/* of its MAC, written as in scepd.conf;
					 * NULL: the MAC itself is known */
	char		*endpoints;
	char		*profile;	/* "": the endpoint's */
	char		*subject;
	char		*san;
	char		*key_types;
	char		*facts;		/* of policy/fact.h */
	int64_t		 uses;		/* 0: no limit */
	int64_t		 not_before;	/* 0: at once */
	int64_t		 expires;	/* 0: never */
	int64_t		 created;
	char		*created_by;
	bool		 disabled;	/* set by the store */
	int64_t		 disabled_at;
	void		*mem;		/* the store's: holds the texts */
};
void	 challenge_clear(struct challenge *);

struct challenge_mac {
	const uint8_t	*mac;		/* NULL: only the hash is stored */
	const uint8_t	*key_name;	/* of what it was made with */
};
/* Durable on return. A name that is taken: ERR_EXISTS; no more that need
 * stretching: ERR_ARGUMENT. */
int	 challenge_add(struct db *, const struct challenge *,
	    const struct challenge_mac *mac, struct err *e);
/* *found: it is in out, the caller's to clear. */
int	 challenge_by_mac(struct db *, const uint8_t mac[CHALLENGE_MAC],
	    struct challenge *out, bool *found, struct err *e);
/* The one behind this id (0: the first) that has a hash, for this endpoint. */
int	 challenge_hashed(struct db *, const char *endpoint, int64_t id,
	    struct challenge *out, bool *found, struct err *e);
/* Calls each by name; it lives during the call. A callback that returns other
 * than 0 ends the walk with that value. */
int	 challenge_each(struct db *,
	    int (*)(const struct challenge *, void *), void *arg,
	    struct err *e);

struct challenge_use {
	int64_t		 used;		/* certificates, and what may become
					 * one */
	int64_t		 issued;	/* certificates */
	int64_t		 last;		/* when the last was; 0: never */
};
/* id 0: a challenge of scepd.conf. */
int	 challenge_used(struct db *, const char *name, int64_t id,
	    struct challenge_use *, struct err *e);

/* Durable on return; *found. */
int	 challenge_disable(struct db *, const char *name, bool disable,
	    int64_t when, bool *found, struct err *e);
int	 challenge_remove(struct db *, const char *name, int64_t when,
	    bool *found, struct err *e);
/* How many whose name begins so may still be used, and never were. */
int	 challenge_unused(struct db *, const char *prefix, int64_t now,
	    int64_t *n, struct err *e);
/* Forgets those whose name begins so, that expired before, and that nobody
 * used: nothing of the ledger names them. Removes those that were used, last
 * before that, and are spent or expired by then: they stay for the ledger. */
int	 challenge_forget(struct db *, const char *prefix, int64_t before,
	    int64_t now, struct err *e);
/* How many have a MAC of another key. */
int	 challenge_lost(struct db *, const uint8_t key_name[CHALLENGE_MAC],
	    int64_t *n, struct err *e);

#endif
