/*
 * Private to service: a bounded queue and its workers. Validators and issuers
 * elsewhere keep a worker for as long as they like: what may have to wait for
 * either has half of the workers and of the queue each, and both leave a worker
 * for whoever waits for neither, where there are two. What there is no room for
 * waits in the queue, and others pass it.
 */
#ifndef SERVICE_POOL_INT_H
#define SERVICE_POOL_INT_H

#include "service/service.h"

struct pool;
/* run() tells whether the pool is to call done(), or somebody will. */
int	 pool_new(size_t workers, size_t queue,
	    enum service_when (*run)(struct exchange *, void *), void *arg,
	    struct pool **out, struct err *e);
/* -1: the queue is full, or the half of its kind. */
int	 pool_put(struct pool *, struct exchange *);
/* Waits until nothing is queued or running; -1 after timeout_ms. */
int	 pool_drain(struct pool *, int timeout_ms);
void	 pool_free(struct pool *);		/* ends the workers */

#endif
