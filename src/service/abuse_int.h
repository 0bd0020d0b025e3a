/*
 * Private to service: who guesses challenges. Failures and successes are
 * counted for each address in a table of fixed size, whose oldest entry makes
 * room for a new one unless it is a lock; failures also for each endpoint. Time
 * is an argument, settings are those of now, nothing is allocated on the way,
 * and one mutex guards it all.
 *
 * The rule. An address has a score: its failed challenges in abuse.window less
 * ABUSE_CREDIT for each certificate that it got there by a challenge or by a
 * renewal. Above abuse.free answers are delayed, for 1, 2, 4, ... seconds; at
 * abuse.lock_after the address is locked. So a host behind which many devices
 * enroll is not locked for the few that fail, and one right challenge buys
 * ABUSE_CREDIT guesses, each time at the price of a certificate in the ledger.
 * With a lock its counters begin anew.
 */
#ifndef SERVICE_ABUSE_INT_H
#define SERVICE_ABUSE_INT_H

#include "conf/conf.h"
#include "store/lockout.h"

#define ABUSE_CREDIT	4	/* failures that a success makes good */
#define ABUSE_ADDRESSES	4096	/* that are known at once, at most */
#define ABUSE_ENDPOINTS	256

struct abuse;
int	 abuse_new(struct abuse **out, struct err *e);
void	 abuse_free(struct abuse *);

/* Seconds that it stays locked for; 0: it is not. What is no address never is,
 * and is not counted either. */
int64_t	 abuse_locked(struct abuse *, const struct conf *, const char *peer,
	    int64_t now);

struct abuse_verdict {
	int64_t		 delay;		/* of the answer, in seconds */
	bool		 locks;		/* this failure locks the address: */
	struct lockout	 lock;
	int64_t		 alarm;		/* failures at the endpoint, which are
					 * too many as of now; or 0 */
};
void	 abuse_failed(struct abuse *, const struct conf *, const char *peer,
	    const char *endpoint, int64_t now, struct abuse_verdict *);
void	 abuse_succeeded(struct abuse *, const struct conf *,
	    const char *peer, int64_t now);

/* ---- beside the store, by one thread ---- */

/* A lock of the store, after a start. */
void	 abuse_adopt(struct abuse *, const struct lockout *);
/*
 * What the store does not know yet: locks that began, and locks that end now,
 * whose `until` is not after now. The former come again until abuse_stored().
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
