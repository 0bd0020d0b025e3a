/*
 * Private to service: a bounded queue and its workers.
 */
#ifndef SERVICE_POOL_INT_H
#define SERVICE_POOL_INT_H

#include "service/service.h"

struct pool;
/* run() tells whether the pool is to call done(), or somebody will. */
int	 pool_new(size_t workers, size_t queue,
	    enum service_when (*run)(struct exchange *, void *), void *arg,
	    struct pool **out, struct err *e);
/* -1: the queue is full. */
int	 pool_put(struct pool *, struct exchange *);
/* Waits until nothing is queued or running; -1 after timeout_ms. */
int	 pool_drain(struct pool *, int timeout_ms);
void	 pool_free(struct pool *);		/* ends the workers */

#endif
