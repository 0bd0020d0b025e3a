/*
 * Private to abuse: the table of those who guess, or do not. All under its lock.
 */
#ifndef SERVICE_ABUSE_TABLE_H
#define SERVICE_ABUSE_TABLE_H

#include <pthread.h>

#include "service/abuse_int.h"
#include "service/window_int.h"
#include "util/addr.h"

#define ABUSE_WAYS	8	/* places that an address may have */
#define ABUSE_SETS	(ABUSE_ADDRESSES / ABUSE_WAYS)

struct address {
	uint8_t		 addr[ADDR_LEN];
	uint64_t	 used;		/* when, by abuse.clock; 0: empty */
	struct window	 counts;
	bool		 locked;
	struct lockout	 lock;
	bool		 stored;
	unsigned	 look;		/* in which it was found last */
	int64_t		 fine_at;	/* its last certificate; 0: none */
	bool		 rationed;	/* as was told */
	int64_t		 spent;		/* of its ration */
	int64_t		 spent_at;	/* the next one's time runs from here */
};

struct endpoint {
	char		 name[LOCKOUT_ENDPOINT];
	uint64_t	 used;
	struct window	 counts;
	bool		 alarm;
};

struct abuse {
	pthread_mutex_t	 lock;
	uint64_t	 key[2];	/* nobody can aim at a set */
	uint64_t	 clock;		/* counts what is done here */
	unsigned	 look;
	int64_t		 n_locked;
	struct address	 addresses[ABUSE_SETS][ABUSE_WAYS];
	struct endpoint	 endpoints[ABUSE_ENDPOINTS];
};

/* Had it a certificate lately? */
bool	 abuse_known(const struct address *, int64_t now);
/* NULL: it is not there. */
struct address	*abuse_find(struct abuse *, const uint8_t addr[ADDR_LEN]);
/* With room made for what is not there; NULL: there is none. */
struct address	*abuse_get(struct abuse *, const uint8_t addr[ADDR_LEN],
		    int64_t now);
/* The one unused for longest makes room. */
struct endpoint	*abuse_get_endpoint(struct abuse *, const char *name);
/* When the lock ends: never later than a lock that begins now would, whatever
 * clock and settings were when it began. */
int64_t	 abuse_lock_ends(struct address *, const struct conf *, int64_t now);

#endif
