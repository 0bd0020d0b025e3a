#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "service/guard_int.h"
#include "util/clock.h"

#define US	1000000

struct delays {
	pthread_mutex_t	 lock;
	pthread_cond_t	 change;	/* one more, or the end */
	struct exchange	*head;		/* in no order: they are few */
	size_t		 n;
	size_t		 max;
	int64_t		 total;
	bool		 over;		/* all that waits is answered now */
	bool		 stop;
	pthread_t	 thread;
};

/* Takes out one whose time has come; else NULL, and when the next one's is. */
static struct exchange *
take_due(struct delays *d, int64_t now_us, int64_t *next_us)
{
	struct exchange **p, *x;

	*next_us = INT64_MAX;
	for (p = &d->head; (x = *p) != NULL; p = &x->next) {
		if (d->over || x->due_us <= now_us) {
			*p = x->next;
			d->n--;
			return x;
		}
		if (x->due_us < *next_us)
			*next_us = x->due_us;
	}
	return NULL;
}

static void
wait_until(struct delays *d, int64_t us)
{
	struct timespec ts = {
		.tv_sec = (time_t)(us / US), .tv_nsec = us % US * 1000
	};

	if (us == INT64_MAX)
		pthread_cond_wait(&d->change, &d->lock);
	else
		pthread_cond_timedwait(&d->change, &d->lock, &ts);
}

static void *
answer_due(void *arg)
{
	struct delays *d = arg;
	struct exchange *x;
	int64_t next_us;

	pthread_mutex_lock(&d->lock);
	while (!d->stop || d->head != NULL) {
		x = take_due(d, clock_mono_us(), &next_us);
		if (x == NULL) {
			if (!d->stop)
				wait_until(d, next_us);
			continue;
		}
		pthread_mutex_unlock(&d->lock);
		x->done(x, x->arg);	/* x may be gone after this */
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void
destroy(struct delays *d)
{
	pthread_cond_destroy(&d->change);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

int
delays_new(size_t max, struct delays **out, struct err *e)
{
	struct delays *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		err_set(e, ERR_MEMORY, "delays");
		return -1;
	}
	d->max = max;
	pthread_mutex_init(&d->lock, NULL);
	(void)clock_cond_init(&d->change);
	if (pthread_create(&d->thread, NULL, answer_due, d) != 0) {
		err_set(e, ERR_MEMORY, "cannot start the thread of delays");
		destroy(d);
		return -1;
	}
	*out = d;
	return 0;
}

int
delays_put(struct delays *d, struct exchange *x, int64_t seconds)
{
	int rc = -1;

	pthread_mutex_lock(&d->lock);
	if (d->n < d->max && !d->over) {
		x->due_us = clock_mono_us() + seconds * US;
		x->next = d->head;
		d->head = x;
		d->n++;
		d->total++;
		pthread_cond_signal(&d->change);
		rc = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

void
delays_end(struct delays *d)
{
	pthread_mutex_lock(&d->lock);
	d->over = true;
	pthread_cond_signal(&d->change);
	pthread_mutex_unlock(&d->lock);
}

void
delays_count(struct delays *d, int64_t *total, int64_t *waiting)
{
	pthread_mutex_lock(&d->lock);
	*total = d->total;
	*waiting = (int64_t)d->n;
	pthread_mutex_unlock(&d->lock);
}

void
delays_free(struct delays *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->over = true;
	d->stop = true;
	pthread_cond_signal(&d->change);
	pthread_mutex_unlock(&d->lock);
	(void)pthread_join(d->thread, NULL);
	destroy(d);
}
