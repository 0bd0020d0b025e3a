/*
 * Private to service: who guesses challenges. Failures and successes are
 * counted for each address in a table of fixed size, whose oldest entry makes
 * room for a new one unless it is a lock; failures also for each endpoint. Time
 * is an argument, settings are those of now, nothing is allocated on the way,
 * and one mutex guards it all.
 *
 * The rule. An address has a score: its failed challenges in abuse.window less
 * ABUSE_CREDIT for each certificate that it got there by a challenge or by a
 * renewal. Above abuse.free answers are delayed, for 1, 2, 4, ... seconds. At
 * abuse.lock_after a stranger is locked; with a lock its counters begin anew.
 * Who had a certificate in the last ABUSE_REMEMBER seconds is never locked but
 * rationed: it has abuse.lock_after guesses more, each of which comes back
 * after abuse.delay_max, and each certificate brings ABUSE_CREDIT of them back.
 * What is no guess, the caller lets pass; so a host behind which many devices
 * enroll goes on doing so, and one right challenge buys no guesses without end.
 */
#ifndef SERVICE_ABUSE_INT_H
#define SERVICE_ABUSE_INT_H

#include "conf/conf.h"
#include "store/lockout.h"

#define ABUSE_CREDIT	4	/* failures that a success makes good */
#define ABUSE_REMEMBER	(7 * 86400)
#define ABUSE_ADDRESSES	4096	/* that are known at once, at most */
#define ABUSE_ENDPOINTS	256

struct abuse;
int	 abuse_new(struct abuse **out, struct err *e);
void	 abuse_free(struct abuse *);

/* Seconds that it stays locked for; 0: it is not. What is no address never is,
 * and is not counted either. */
int64_t	 abuse_locked(struct abuse *, const struct conf *, const char *peer,
	    int64_t now);

struct abuse_leave {
	int64_t		 locked;	/* as abuse_locked() */
	int64_t		 rationed;	/* seconds until it may guess again; 0:
					 * it may */
	bool		 taken;		/* from its ration, until one of the
					 * three below is told */
};
/* What an address may do now. */
void	 abuse_enter(struct abuse *, const struct conf *, const char *peer,
	    int64_t now, struct abuse_leave *);

struct abuse_verdict {
	int64_t		 delay;		/* of the answer, in seconds */
	bool		 locks;		/* this failure locks the address: */
	struct lockout	 lock;
	int64_t		 rations;	/* or rations it as of now: failures */
	int64_t		 alarm;		/* failures at the endpoint, which are
					 * too many as of now; or 0 */
};
void	 abuse_failed(struct abuse *, const struct conf *, const char *peer,
	    const char *endpoint, int64_t now, struct abuse_verdict *);
/* This ends a lock too. */
void	 abuse_succeeded(struct abuse *, const struct conf *,
	    const char *peer, const struct abuse_leave *, int64_t now);
/* It proved nothing. */
void	 abuse_left(struct abuse *, const char *peer,
	    const struct abuse_leave *);

/* ---- beside the store, by one thread ---- */

/* A lock of the store, after a start; and that an address got a certificate. */
void	 abuse_adopt(struct abuse *, const struct lockout *);
void	 abuse_remember(struct abuse *, const char *peer, int64_t when);
/*
 * What the store does not know yet: locks that began, and locks that end now,
 * whose `until` is not after now; 0: by a success. The former come again until
 * abuse_stored().
 */
size_t	 abuse_changes(struct abuse *, const struct conf *, int64_t now,
	    struct lockout *out, size_t max);
void	 abuse_stored(struct abuse *, const struct lockout *, size_t n);
/*
 * Locks that somebody took out of the store: false if it can have none, else
 * abuse_found() is to be called for each that it has, then abuse_cleared(),
 * which ends and gives the others.
 */
bool	 abuse_look(struct abuse *);
void	 abuse_found(struct abuse *, const struct lockout *);
size_t	 abuse_cleared(struct abuse *, struct lockout *out, size_t max);

/* ---- figures ---- */

struct abuse_endpoint {
	char	 name[LOCKOUT_ENDPOINT];
	int64_t	 failures;	/* in the window */
	bool	 alarm;
	bool	 ended;		/* the alarm, by this look */
};
/* Of each endpoint that had any; the number of them. */
size_t	 abuse_endpoints(struct abuse *, const struct conf *, int64_t now,
	    struct abuse_endpoint out[ABUSE_ENDPOINTS]);
int64_t	 abuse_count_locked(struct abuse *);

#endif
