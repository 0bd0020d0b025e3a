/*
 * Wrong passwords of administrators, counted by where they come from and whose
 * they would be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/service_int.h"

#define TRIES_MAX	10	/* wrong ones of one ... */
#define TRIES_SECONDS	60	/* ... in so long */
#define TRIES_KEPT	256	/* of whom they are known */

struct tries {
	pthread_mutex_t	 lock;
	struct try {
		char	 who[TRIES_WHO];
		int64_t	 since;		/* the first of them */
		unsigned n;
	}		 v[TRIES_KEPT];
};

int
tries_new(struct tries **out, struct err *e)
{
	struct tries *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		err_set(e, ERR_MEMORY, "accounts");
		return -1;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

void
tries_free(struct tries *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool
is_over(const struct try *p, int64_t now)
{
	return now < p->since || now - p->since >= TRIES_SECONDS;
}

/* Under the lock: its own place, or NULL. */
static struct try *
find(struct tries *t, const char *who)
{
	struct try *p;

	for (p = t->v; p < t->v + TRIES_KEPT; p++)
		if (p->n > 0 && strcmp(p->who, who) == 0)
			return p;
	return NULL;
}

/* The same; the one longest unused makes room. */
static struct try *
find_or_make(struct tries *t, const char *who, int64_t now)
{
	struct try *old = find(t, who), *p;

	if (old == NULL)
		for (old = p = t->v; p < t->v + TRIES_KEPT; p++)
			if (p->since < old->since)
				old = p;
	if (strcmp(old->who, who) != 0 || is_over(old, now)) {
		*old = (struct try){ .since = now };
		(void)snprintf(old->who, sizeof(old->who), "%s", who);
	}
	return old;
}

int
tries_check(struct tries *t, const char *who, int64_t now, struct err *e)
{
	const struct try *p;
	bool spent;

	pthread_mutex_lock(&t->lock);
	p = find(t, who);
	spent = p != NULL && !is_over(p, now) && p->n >= TRIES_MAX;
	pthread_mutex_unlock(&t->lock);
	if (!spent)
		return 0;
	err_set(e, ERR_TRIES, "%d wrong ones within %d s", TRIES_MAX,
	    TRIES_SECONDS);
	return -1;
}

void
tries_add(struct tries *t, const char *who, int64_t now)
{
	pthread_mutex_lock(&t->lock);
	find_or_make(t, who, now)->n++;
	pthread_mutex_unlock(&t->lock);
}
