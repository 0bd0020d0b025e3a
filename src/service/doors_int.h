/*
 * Private to service: requests that somebody is being asked about who may take
 * long: a validator, or an issuer elsewhere.
 */
#ifndef SERVICE_DOORS_INT_H
#define SERVICE_DOORS_INT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define DOOR_KEY	32

struct doors;
/* To validators. There is room for half of so many workers, at least for one. */
int	 doors_new(size_t workers, struct doors **out, struct err *e);
/* To others, with room for as many; but for both together only for all workers
 * but one, at least for one. To be freed before the first. For the texts, which
 * it borrows: to whom, and what has one key. */
int	 doors_beside(struct doors *, const char *whom, const char *same,
	    struct doors **out, struct err *e);
void	 doors_free(struct doors *);
/* Goes in alone. ERR_BUSY: there is no room, too many are outside, another one
 * with the key was inside for so many seconds, or the service stops. */
int	 doors_enter(struct doors *, const uint8_t key[DOOR_KEY], int seconds,
	    struct err *e);
/* Whether that would be refused at once, as things are. */
int	 doors_look(struct doors *, const uint8_t key[DOOR_KEY], struct err *e);
/* Makes room: whoever is inside waits no more for anybody. */
void	 doors_asked(struct doors *);
void	 doors_leave(struct doors *, const uint8_t key[DOOR_KEY]);
/* Room outside for one who waits elsewhere for somebody inside: ERR_BUSY; and he
 * waits no more. */
int	 doors_linger(struct doors *, struct err *e);
void	 doors_depart(struct doors *);
void	 doors_stop(struct doors *);	/* nobody waits any more */

#endif
