#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "service/pool_int.h"
#include "util/clock.h"

/* Exchanges of one kind, the first to come first. */
struct line {
	struct exchange	*head;
	struct exchange	**tail;
	size_t		 queued;
	size_t		 queued_max;
	size_t		 running;
	size_t		 running_max;
};

struct pool {
	pthread_mutex_t	 lock;
	pthread_cond_t	 work;		/* something is queued, or the end */
	pthread_cond_t	 idle;		/* nothing is queued or running */
	struct line	 line[EXCHANGE_KINDS];
	size_t		 queued;	/* in all lines */
	size_t		 running;
	size_t		 max;
	uint64_t	 turn;		/* of the last that came */
	size_t		 workers;
	bool		 stop;
	enum service_when (*run)(struct exchange *, void *);
	void		*arg;
	pthread_t	*threads;
	size_t		 n_threads;
};

/* Those who wait for others leave a worker to those who do not. */
static bool
has_room(const struct pool *p, enum exchange_kind kind)
{
	size_t away = p->line[EXCHANGE_VALIDATED].running +
	    p->line[EXCHANGE_ELSEWHERE].running;

	if (kind == EXCHANGE_HERE)
		return true;
	return p->line[kind].running < p->line[kind].running_max &&
	    (away == 0 || away + 1 < p->workers);
}

/* The one that came first, of those that there is room for; NULL: none. */
static struct line *
next_line(struct pool *p)
{
	struct line *l, *first = NULL;
	int i;

	for (i = 0; i < EXCHANGE_KINDS; i++) {
		l = &p->line[i];
		if (l->head != NULL && has_room(p, (enum exchange_kind)i) &&
		    (first == NULL || l->head->turn < first->head->turn))
			first = l;
	}
	return first;
}

static struct exchange *
take(struct pool *p)
{
	struct exchange *x;
	struct line *l;

	while ((l = next_line(p)) == NULL && !(p->stop && p->queued == 0))
		pthread_cond_wait(&p->work, &p->lock);
	if (l == NULL)
		return NULL;
	x = l->head;
	if ((l->head = x->next) == NULL)
		l->tail = &l->head;
	l->queued--;
	l->running++;
	p->queued--;
	p->running++;
	/* Nothing is left for those who wait for the end. */
	if (p->stop && p->queued == 0)
		pthread_cond_broadcast(&p->work);
	return x;
}

static void *
worker(void *arg)
{
	struct pool *p = arg;
	struct exchange *x;
	struct line *l;

	pthread_mutex_lock(&p->lock);
	while ((x = take(p)) != NULL) {
		l = &p->line[x->kind];
		pthread_mutex_unlock(&p->lock);
		/* x may be gone after either. */
		if (p->run(x, p->arg) == SERVICE_NOW)
			x->done(x, x->arg);
		pthread_mutex_lock(&p->lock);
		l->running--;
		p->running--;
		if (p->running == 0 && p->queued == 0)
			pthread_cond_broadcast(&p->idle);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* A half for each kind of those who wait for others, but at least one. */
static void
divide(struct pool *p, size_t workers, size_t queue)
{
	struct line *l;
	int i;

	p->workers = workers;
	p->max = queue;
	for (i = 0; i < EXCHANGE_KINDS; i++) {
		l = &p->line[i];
		l->tail = &l->head;
		l->queued_max = i == EXCHANGE_HERE ? queue : (queue + 1) / 2;
		l->running_max = i == EXCHANGE_HERE ? workers :
		    workers < 2 ? 1 : workers / 2;
	}
}

int
pool_new(size_t workers, size_t queue,
    enum service_when (*run)(struct exchange *, void *), void *arg,
    struct pool **out, struct err *e)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->threads = calloc(workers, sizeof(*p->threads))) == NULL) {
		free(p);
		err_set(e, ERR_MEMORY, "workers");
		return -1;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	(void)clock_cond_init(&p->idle);
	divide(p, workers, queue);
	p->run = run;
	p->arg = arg;
	for (; p->n_threads < workers; p->n_threads++)
		if (pthread_create(&p->threads[p->n_threads], NULL, worker,
		    p) != 0) {
			err_set(e, ERR_MEMORY, "cannot start worker %zu",
			    p->n_threads + 1);
			pool_free(p);
			return -1;
		}
	*out = p;
	return 0;
}

int
pool_put(struct pool *p, struct exchange *x)
{
	struct line *l = &p->line[x->kind];
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (p->queued < p->max && l->queued < l->queued_max && !p->stop) {
		x->next = NULL;
		x->turn = ++p->turn;
		*l->tail = x;
		l->tail = &x->next;
		l->queued++;
		p->queued++;
		pthread_cond_signal(&p->work);
		rc = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int
pool_drain(struct pool *p, int timeout_ms)
{
	struct timespec until = clock_cond_until(timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	while ((p->queued > 0 || p->running > 0) && rc == 0)
		if (pthread_cond_timedwait(&p->idle, &p->lock,
		    &until) == ETIMEDOUT)
			rc = -1;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void
pool_free(struct pool *p)
{
	size_t i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->idle);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
}
