/*
 * Private to service: transactions that workers are busy with.
 */
#ifndef SERVICE_FLIGHT_INT_H
#define SERVICE_FLIGHT_INT_H

#include "util/err.h"

struct flight;
int	 flight_new(struct flight **out, struct err *e);
void	 flight_free(struct flight *);
void	 flight_end(struct flight *);	/* a transaction has ended */
/* Take a mark, look, wait: -1 if nothing ended since the mark for so long. */
unsigned long	 flight_mark(struct flight *);
int	 flight_wait(struct flight *, unsigned long mark, int seconds);

#endif
