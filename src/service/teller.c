/*
 * Validators are told what became of the requests that they judged. One thread
 * does it, behind the reply's back: a validator that is slow or gone costs
 * nobody a certificate, only its own knowledge. Each outcome is told at most
 * once and lives in memory alone.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "service/teller_int.h"
#include "util/clock.h"
#include "util/log.h"
#include "validator/validator.h"

#define QUEUE_MAX	256
#define TELL_MS		10000	/* for one outcome, at the most */
#define END_SECONDS	5	/* for what waits when the service stops */

struct news {
	struct site			*site;	/* a reference */
	const struct site_endpoint	*se;	/* of it */
	struct buf			 json;
	struct news			*next;
};

struct teller {
	pthread_mutex_t	 lock;
	pthread_cond_t	 changed;
	struct news	*head;
	struct news	**tail;
	size_t		 n;
	bool		 ending;	/* the thread ends when all is told */
	bool		 idle;		/* and it has */
	atomic_bool	 stop;		/* gives up what it tells */
	pthread_t	 thread;
};

static void
log_lost(const struct site_endpoint *se, const struct err *why)
{
	struct log_line l;

	log_begin_limited(&l, LOG_L_WARN, "outcome_lost");
	log_str(&l, "endpoint", se->conf->name);
	log_str(&l, "validator", se->conf->validator);
	log_err(&l, why);
	log_end(&l);
}

static void
news_free(struct news *n)
{
	buf_wipe(&n->json);
	site_put(n->site);
	free(n);
}

static void
tell(struct teller *t, struct news *n)
{
	const struct validator_message m = {
		.json = buf_bytes(&n->json), .endpoint = n->se->conf->name,
		.now = clock_now(), .max_ms = TELL_MS, .stop = &t->stop,
	};
	struct err e = { .reason = ERR_NONE };

	if (atomic_load(&t->stop))
		err_set(&e, ERR_STOPPING, "not told any more");
	else if (validator_tell(n->se->validator, &m, &e) == 0)
		return;
	log_lost(n->se, &e);
}

static struct news *
take(struct teller *t)
{
	struct news *n;

	while (t->head == NULL && !t->ending)
		pthread_cond_wait(&t->changed, &t->lock);
	if ((n = t->head) == NULL)
		return NULL;
	if ((t->head = n->next) == NULL)
		t->tail = &t->head;
	t->n--;
	return n;
}

static void *
run(void *arg)
{
	struct teller *t = arg;
	struct news *n;

	pthread_mutex_lock(&t->lock);
	while ((n = take(t)) != NULL) {
		pthread_mutex_unlock(&t->lock);
		tell(t, n);
		news_free(n);
		pthread_mutex_lock(&t->lock);
	}
	t->idle = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

int
teller_new(struct teller **out, struct err *e)
{
	struct teller *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_set(e, ERR_MEMORY, "outcomes");
		return -1;
	}
	pthread_mutex_init(&t->lock, NULL);
	(void)clock_cond_init(&t->changed);
	atomic_init(&t->stop, false);
	t->tail = &t->head;
	if (pthread_create(&t->thread, NULL, run, t) != 0) {
		err_set(e, ERR_INTERNAL, "cannot start a thread");
		pthread_cond_destroy(&t->changed);
		pthread_mutex_destroy(&t->lock);
		free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void
teller_free(struct teller *t)
{
	struct timespec until = clock_cond_until(END_SECONDS * 1000);

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_broadcast(&t->changed);
	while (!t->idle && pthread_cond_timedwait(&t->changed, &t->lock,
	    &until) != ETIMEDOUT)
		continue;
	pthread_mutex_unlock(&t->lock);
	atomic_store(&t->stop, true);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
teller_put(struct teller *t, struct site *site, const struct site_endpoint *se,
    struct buf *json)
{
	struct news *n = calloc(1, sizeof(*n));
	struct err e = { .reason = ERR_NONE };

	if (n == NULL) {
		err_set(&e, ERR_MEMORY, "outcome");
		log_lost(se, &e);
		buf_wipe(json);
		return;
	}
	*n = (struct news){ .site = site_get(site), .se = se };
	buf_move(&n->json, json);
	pthread_mutex_lock(&t->lock);
	if (t->n < QUEUE_MAX) {
		*t->tail = n;
		t->tail = &n->next;
		t->n++;
		n = NULL;
		pthread_cond_broadcast(&t->changed);
	}
	pthread_mutex_unlock(&t->lock);
	if (n == NULL)
		return;
	err_set(&e, ERR_BUSY, "%d outcomes wait already", QUEUE_MAX);
	log_lost(se, &e);
	news_free(n);
}
