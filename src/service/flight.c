/*
 * Waiting for a transaction that another worker is busy with: of many copies of
 * a message that arrive at once, one is worked on and the others wait for what
 * comes of it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "service/flight_int.h"
#include "util/clock.h"

struct flight {
	pthread_mutex_t	 lock;
	pthread_cond_t	 landed;	/* ended changed */
	unsigned long	 ended;		/* transactions that ended so far */
};

int
flight_new(struct flight **out, struct err *e)
{
	struct flight *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_set(e, ERR_MEMORY, "transactions");
		return -1;
	}
	pthread_mutex_init(&f->lock, NULL);
	(void)clock_cond_init(&f->landed);
	*out = f;
	return 0;
}

void
flight_free(struct flight *f)
{
	if (f == NULL)
		return;
	pthread_cond_destroy(&f->landed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void
flight_end(struct flight *f)
{
	pthread_mutex_lock(&f->lock);
	f->ended++;
	pthread_cond_broadcast(&f->landed);
	pthread_mutex_unlock(&f->lock);
}

unsigned long
flight_mark(struct flight *f)
{
	unsigned long mark;

	pthread_mutex_lock(&f->lock);
	mark = f->ended;
	pthread_mutex_unlock(&f->lock);
	return mark;
}

int
flight_wait(struct flight *f, unsigned long mark, int seconds)
{
	struct timespec until = clock_cond_until((int64_t)seconds * 1000);
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (f->ended == mark && rc == 0)
		if (pthread_cond_timedwait(&f->landed, &f->lock,
		    &until) == ETIMEDOUT)
			rc = -1;
	pthread_mutex_unlock(&f->lock);
	return rc;
}
