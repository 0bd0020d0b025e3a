#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "service/pool_int.h"
#include "util/clock.h"

struct pool {
	pthread_mutex_t	 lock;
	pthread_cond_t	 work;		/* something is queued, or the end */
	pthread_cond_t	 idle;		/* nothing is queued or running */
	struct exchange	*head;
	struct exchange	**tail;
	size_t		 queued;
	size_t		 running;
	size_t		 max;
	bool		 stop;
	enum service_when (*run)(struct exchange *, void *);
	void		*arg;
	pthread_t	*threads;
	size_t		 n_threads;
};

static struct exchange *
take(struct pool *p)
{
	struct exchange *x;

	while (p->head == NULL && !p->stop)
		pthread_cond_wait(&p->work, &p->lock);
	if ((x = p->head) == NULL)
		return NULL;
	if ((p->head = x->next) == NULL)
		p->tail = &p->head;
	p->queued--;
	p->running++;
	return x;
}

static void *
worker(void *arg)
{
	struct pool *p = arg;
	struct exchange *x;

	pthread_mutex_lock(&p->lock);
	while ((x = take(p)) != NULL) {
		pthread_mutex_unlock(&p->lock);
		/* x may be gone after either. */
		if (p->run(x, p->arg) == SERVICE_NOW)
			x->done(x, x->arg);
		pthread_mutex_lock(&p->lock);
		p->running--;
		if (p->running == 0 && p->queued == 0)
			pthread_cond_broadcast(&p->idle);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
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
	p->tail = &p->head;
	p->max = queue;
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
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (p->queued < p->max && !p->stop) {
		x->next = NULL;
		*p->tail = x;
		p->tail = &x->next;
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
