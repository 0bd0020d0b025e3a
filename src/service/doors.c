/*
 * Of copies of one request that come at once, one asks the validator: a
 * one-time secret would be spent by the first question, and the second would be
 * refused. The others wait outside until it is known what became of the first.
 * So do renewals of one certificate, of which one at a time is with an issuer.
 *
 * Whoever is outside, or asks, occupies a worker for as long as a validator or
 * an issuer likes, and strangers may cause it: there is room for a part of the
 * workers, as the pool has it, and outside for less than half of that, so that
 * one device that sends its request again and again does not keep the others
 * from being asked about. What the pool let pass for its validator may find no
 * room with its issuer.
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

/* Where all doors are. */
struct hall {
	pthread_mutex_t	 lock;		/* of the doors too */
	size_t		 busy;		/* at all doors */
	size_t		 room;
};

struct doors {
	struct hall	*hall;
	bool		 beside;	/* it is another's */
	const char	*whom;		/* that they lead to */
	const char	*same;		/* what one key stands for */
	pthread_cond_t	 opened;
	struct door	*in;		/* as many as workers at the most */
	size_t		 busy;		/* outside, or asking */
	size_t		 outside;
	size_t		 room;		/* for so many */
	bool		 stop;
};

static struct doors *
make(struct hall *hall, size_t room, const char *whom, const char *same,
    struct err *e)
{
	struct doors *d = hall == NULL ? NULL : calloc(1, sizeof(*d));

	if (d == NULL) {
		err_set(e, ERR_MEMORY, "%s", whom);
		return NULL;
	}
	d->hall = hall;
	d->whom = whom;
	d->same = same;
	d->room = room;
	(void)clock_cond_init(&d->opened);
	return d;
}

int
doors_new(size_t workers, struct doors **out, struct err *e)
{
	struct hall *hall = calloc(1, sizeof(*hall));
	struct doors *d = make(hall, workers < 2 ? 1 : workers / 2,
	    "validators", "the same request", e);

	if (d == NULL) {
		free(hall);
		return -1;
	}
	pthread_mutex_init(&hall->lock, NULL);
	hall->room = workers < 2 ? 1 : workers - 1;
	*out = d;
	return 0;
}

int
doors_beside(struct doors *d, const char *whom, const char *same,
    struct doors **out, struct err *e)
{
	struct doors *other = make(d->hall, d->room, whom, same, e);

	if (other == NULL)
		return -1;
	other->beside = true;
	*out = other;
	return 0;
}

void
doors_free(struct doors *d)
{
	if (d == NULL)
		return;
	pthread_cond_destroy(&d->opened);
	if (!d->beside) {
		pthread_mutex_destroy(&d->hall->lock);
		free(d->hall);
	}
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

static void
take_room(struct doors *d)
{
	d->busy++;
	d->hall->busy++;
}

static void
give_room(struct doors *d)
{
	d->busy--;
	d->hall->busy--;
}

static int
check_room(const struct doors *d, struct err *e)
{
	if (d->busy >= d->room)
		err_set(e, ERR_BUSY, "%zu requests wait for %s", d->busy,
		    d->whom);
	else if (d->hall->busy >= d->hall->room)
		err_set(e, ERR_BUSY, "%zu requests wait for others, %zu of "
		    "them for %s", d->hall->busy, d->busy, d->whom);
	else
		return 0;
	return -1;
}

static int
check_outside(const struct doors *d, struct err *e)
{
	if (d->outside < (d->room - 1) / 2)
		return 0;
	err_set(e, ERR_BUSY, "%s is being worked on, and %zu copies wait",
	    d->same, d->outside);
	return -1;
}

static int
check(struct doors *d, const uint8_t key[DOOR_KEY], struct err *e)
{
	if (check_room(d, e) == -1)
		return -1;
	return *find(d, key) == NULL ? 0 : check_outside(d, e);
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
		if (pthread_cond_timedwait(&d->opened, &d->hall->lock,
		    &until) == ETIMEDOUT)
			rc = -1;
	d->outside--;
	return d->stop || *find(d, key) != NULL ? -1 : 0;
}

int
doors_enter(struct doors *d, const uint8_t key[DOOR_KEY], int seconds,
    struct err *e)
{
	struct door *mine = calloc(1, sizeof(*mine));
	int rc;

	if (mine == NULL) {
		err_set(e, ERR_MEMORY, "%s", d->whom);
		return -1;
	}
	memcpy(mine->key, key, DOOR_KEY);
	pthread_mutex_lock(&d->hall->lock);
	if ((rc = check(d, key, e)) == 0) {
		take_room(d);
		if ((rc = wait_outside(d, key, seconds)) == 0) {
			mine->next = d->in;
			d->in = mine;
			mine = NULL;
		} else {
			give_room(d);
			err_set(e, ERR_BUSY, "%s is being worked on", d->same);
		}
	}
	pthread_mutex_unlock(&d->hall->lock);
	free(mine);
	return rc;
}

int
doors_look(struct doors *d, const uint8_t key[DOOR_KEY], struct err *e)
{
	int rc;

	pthread_mutex_lock(&d->hall->lock);
	rc = check(d, key, e);
	pthread_mutex_unlock(&d->hall->lock);
	return rc;
}

void
doors_asked(struct doors *d)
{
	pthread_mutex_lock(&d->hall->lock);
	give_room(d);
	pthread_mutex_unlock(&d->hall->lock);
}

void
doors_leave(struct doors *d, const uint8_t key[DOOR_KEY])
{
	struct door **p, *mine;

	pthread_mutex_lock(&d->hall->lock);
	p = find(d, key);
	if ((mine = *p) != NULL)
		*p = mine->next;
	pthread_cond_broadcast(&d->opened);
	pthread_mutex_unlock(&d->hall->lock);
	free(mine);
}

int
doors_linger(struct doors *d, struct err *e)
{
	int rc;

	pthread_mutex_lock(&d->hall->lock);
	if ((rc = check_room(d, e)) == 0 &&
	    (rc = check_outside(d, e)) == 0) {
		take_room(d);
		d->outside++;
	}
	pthread_mutex_unlock(&d->hall->lock);
	return rc;
}

void
doors_depart(struct doors *d)
{
	pthread_mutex_lock(&d->hall->lock);
	give_room(d);
	d->outside--;
	pthread_mutex_unlock(&d->hall->lock);
}

void
doors_stop(struct doors *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->hall->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->opened);
	pthread_mutex_unlock(&d->hall->lock);
}
