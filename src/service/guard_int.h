/*
 * Private to service: what is done about those who guess challenges (see
 * abuse_int.h), around the pipeline and beside it.
 */
#ifndef SERVICE_GUARD_INT_H
#define SERVICE_GUARD_INT_H

#include "service/abuse_int.h"
#include "service/service_int.h"

/* ---- delay: answers that wait, bounded in number, holding no worker ---- */

struct delays;
int	 delays_new(size_t max, struct delays **out, struct err *e);
/* Calls done() after so many seconds; -1: too many wait already. */
int	 delays_put(struct delays *, struct exchange *, int64_t seconds);
/* Answers all that wait now, and delays no more. */
void	 delays_end(struct delays *);
void	 delays_count(struct delays *, int64_t *total, int64_t *waiting);
void	 delays_free(struct delays *);		/* answers them; NULL is fine */

/* ---- guard ---- */

struct guard {
	struct abuse	*abuse;
	struct delays	*delays;
	bool		 failed;	/* the store, the last time; told once */
};

/* With the locks that are in the store. */
int	 guard_new(struct db *, const struct conf *, struct guard **out,
	    struct err *e);
void	 guard_free(struct guard *);		/* NULL is fine */
/* For who has no guard: x->locked, by the store alone; changes nothing. */
int	 guard_foresee(struct db *, struct exchange *, int64_t now,
	    struct err *e);
/* pipeline_run(), with what the peer may do; SERVICE_LATER if it calls done(). */
enum service_when	 guard_run(struct exchange *, void *service);
/* Locks that began, ended, or were taken out of the store; about once a
 * second, by one thread. What fails is logged and tried again. */
void	 guard_tick(struct guard *, struct db *, const struct conf *,
	    int64_t now);

#endif
