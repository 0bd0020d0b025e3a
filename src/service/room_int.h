/*
 * Private to service: room where an issuer elsewhere is asked, which may take
 * long. One that has its key here needs none.
 */
#ifndef SERVICE_ROOM_INT_H
#define SERVICE_ROOM_INT_H

#include "service/doors_int.h"

struct work;

/* What one request has of it. */
struct room {
	uint8_t	 key[DOOR_KEY];
	bool	 asking;
	bool	 inside;	/* its door is ours */
};

/* Goes in, behind those that ask the same, or renew the same certificate;
 * ERR_BUSY, and nothing is reserved. */
int	 step_room(struct work *, struct err *e);
/* Whether that would be refused, before a validator is asked in vain. */
int	 room_look(const struct work *, struct err *e);
/* The issuer has answered. */
void	 room_asked(struct work *);
/* Others may go in; nothing to do for who is not. */
void	 room_leave(struct work *);
/* Outside: for who waits for a copy that is with such an issuer. */
int	 room_linger(struct work *, struct err *e);
void	 room_depart(struct work *);

#endif
