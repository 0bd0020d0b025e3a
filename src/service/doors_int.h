/*
 * Private to service: requests that a validator is being asked about.
 */
#ifndef SERVICE_DOORS_INT_H
#define SERVICE_DOORS_INT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define DOOR_KEY	32

struct doors;
/* There is room for half of so many workers, at least for one. */
int	 doors_new(size_t workers, struct doors **out, struct err *e);
void	 doors_free(struct doors *);
/* Goes in alone. ERR_BUSY: there is no room, too many are outside, another one
 * with the key was inside for so many seconds, or the service stops. */
int	 doors_enter(struct doors *, const uint8_t key[DOOR_KEY], int seconds,
	    struct err *e);
/* Makes room: whoever is inside waits no more for a validator. */
void	 doors_asked(struct doors *);
void	 doors_leave(struct doors *, const uint8_t key[DOOR_KEY]);
void	 doors_stop(struct doors *);	/* nobody waits any more */

#endif
