/*
 * Private to service: counters of what happened within some time, which moves on
 * by slices of itself.
 */
#ifndef SERVICE_WINDOW_INT_H
#define SERVICE_WINDOW_INT_H

#include <stdint.h>

#define WINDOW_SLICES	8

/* The present slice comes first; that is where one counts. */
struct window {
	int64_t		 begin;			/* of the present slice */
	uint32_t	 failed[WINDOW_SLICES];
	uint32_t	 fine[WINDOW_SLICES];
};

/* Forgets what is older than `length` seconds. A clock that was put back lets
 * what is counted count from now on. */
void	 window_move(struct window *, int64_t length, int64_t now);
int64_t	 window_sum(const uint32_t [WINDOW_SLICES]);

#endif
