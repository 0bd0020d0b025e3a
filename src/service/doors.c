/*
 * Of copies of one request that come at once, one asks the validator: a
 * one-time secret would be spent by the first question, and the second would be
 * refused. The others wait outside until it is known what became of the first.
 *
 * Whoever is outside, or asks, occupies a worker for as long as a validator
 * likes, and strangers may cause it: there is room for a part of the workers,
 * and outside for less than half of that, so that one device that sends its
 * request again and again does not keep the others from being asked about.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "service/doors_int.h"
#include "util/clock.h"

struct door {
	uint8_t		 key[DOOR_KEY];
	struct door	*next;
};

struct doors {
	pthread_mutex_t	 lock;
	pthread_cond_t	 opened;
	struct door	*in;		/* as many as workers at the most */
	size_t		 busy;		/* outside, or asking */
	size_t		 outside;
	size_t		 room;		/* for so many */
	bool		 stop;
};

int
doors_new(size_t workers, struct doors **out, struct err *e)
{
	struct doors *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		err_set(e, ERR_MEMORY, "validators");
		return -1;
	}
	d->room = workers < 2 ? 1 : workers / 2;
	pthread_mutex_init(&d->lock, NULL);
	(void)clock_cond_init(&d->opened);
	*out = d;
	return 0;
}

void
doors_free(struct doors *d)
{
	if (d == NULL)
		return;
	pthread_cond_destroy(&d->opened);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static struct door **
find(struct doors *d, const uint8_t key[DOOR_KEY])
{
	struct door **p = &d->in;

	while (*p != NULL && memcmp((*p)->key, key, DOOR_KEY) != 0)
		p = &(*p)->next;
	return p;
}

/* Waits outside while another one has the key: -1 if that takes too long, or the
 * service stops. */
static int
wait_outside(struct doors *d, const uint8_t key[DOOR_KEY], int seconds)
{
	struct timespec until = clock_cond_until((int64_t)seconds * 1000);
	int rc = 0;

	d->outside++;
	while (rc == 0 && !d->stop && *find(d, key) != NULL)
		if (pthread_cond_timedwait(&d->opened, &d->lock, &until) ==
		    ETIMEDOUT)
			rc = -1;
	d->outside--;
	return d->stop || *find(d, key) != NULL ? -1 : 0;
}

int
doors_enter(struct doors *d, const uint8_t key[DOOR_KEY], int seconds,
    struct err *e)
{
	struct door *mine = calloc(1, sizeof(*mine));

	if (mine == NULL) {
		err_set(e, ERR_MEMORY, "validators");
		return -1;
	}
	memcpy(mine->key, key, DOOR_KEY);
	pthread_mutex_lock(&d->lock);
	if (d->busy >= d->room)
		err_set(e, ERR_BUSY, "%zu requests wait for validators",
		    d->busy);
	else if (*find(d, key) != NULL && d->outside >= (d->room - 1) / 2)
		err_set(e, ERR_BUSY, "the same request is being worked on, "
		    "and %zu copies wait", d->outside);
	else {
		d->busy++;
		if (wait_outside(d, key, seconds) == 0) {
			mine->next = d->in;
			d->in = mine;
			mine = NULL;
		} else {
			d->busy--;
			err_set(e, ERR_BUSY, "the same request is being "
			    "worked on");
		}
	}
	pthread_mutex_unlock(&d->lock);
	free(mine);
	return e->reason == ERR_NONE ? 0 : -1;
}

void
doors_asked(struct doors *d)
{
	pthread_mutex_lock(&d->lock);
	d->busy--;
	pthread_mutex_unlock(&d->lock);
}

void
doors_leave(struct doors *d, const uint8_t key[DOOR_KEY])
{
	struct door **p, *mine;

	pthread_mutex_lock(&d->lock);
	p = find(d, key);
	if ((mine = *p) != NULL)
		*p = mine->next;
	pthread_cond_broadcast(&d->opened);
	pthread_mutex_unlock(&d->lock);
	free(mine);
}

void
doors_stop(struct doors *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->opened);
	pthread_mutex_unlock(&d->lock);
}
