/*
 * Refusals that came to no transaction, on their way to the audit trail.
 * Strangers cause them at will, so they cost no commit of their own: they are
 * collected, and written together by the thread that keeps house.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "service/refusals_int.h"
#include "util/log.h"

#define QUEUE_MAX	256	/* of one second */

struct refusals {
	pthread_mutex_t	 lock;
	struct audit	*v[QUEUE_MAX];	/* each with its texts behind it */
	size_t		 n;
	int64_t		 lost;		/* since the last flush */
	/* the one thread's */
	int64_t		 kept;		/* how many were, the last time */
	bool		 warned;	/* of those that were lost */
};

int
refusals_new(struct refusals **out, struct err *e)
{
	struct refusals *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		err_set(e, ERR_MEMORY, "refusals");
		return -1;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->kept = -1;
	*out = r;
	return 0;
}

void
refusals_free(struct refusals *r)
{
	if (r == NULL)
		return;
	while (r->n > 0)
		free(r->v[--r->n]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool
refusals_room(struct refusals *r)
{
	bool room;

	pthread_mutex_lock(&r->lock);
	room = r->n < QUEUE_MAX;
	r->lost += !room;
	pthread_mutex_unlock(&r->lock);
	return room;
}

void
refusals_put(struct refusals *r, const struct audit *a)
{
	struct audit *c = audit_copy(a);

	pthread_mutex_lock(&r->lock);
	if (c != NULL && r->n < QUEUE_MAX) {
		r->v[r->n++] = c;
		c = NULL;
	} else {
		r->lost++;
	}
	pthread_mutex_unlock(&r->lock);
	free(c);
}

/* Once, until all are kept again. */
static void
warn(struct refusals *r, int64_t lost, const struct err *e)
{
	struct log_line l;

	if (lost > 0 && !r->warned) {
		log_begin(&l, LOG_L_WARN, "audit_lost");
		log_int(&l, "refusals", lost);
		if (e->reason != ERR_NONE)
			log_err(&l, e);
		log_end(&l);
	}
	r->warned = lost > 0;
}

void
refusals_flush(struct refusals *r, struct db *db, int64_t keep)
{
	struct audit *taken[QUEUE_MAX], rows[QUEUE_MAX];
	struct err e = { .reason = ERR_NONE };
	size_t i, n;
	int64_t lost;

	pthread_mutex_lock(&r->lock);
	n = r->n;
	lost = r->lost;
	memcpy(taken, r->v, n * sizeof(taken[0]));
	r->n = 0;
	r->lost = 0;
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < n; i++)
		rows[i] = *taken[i];
	if ((n > 0 || r->kept != keep) &&
	    audit_refusals(db, rows, n, keep, &e) == -1)
		lost += (int64_t)n;
	else
		r->kept = keep;
	warn(r, lost, &e);
	for (i = 0; i < n; i++)
		free(taken[i]);
}
