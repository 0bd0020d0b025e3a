/*
 * Private to service: what the audit trail is told about requests that came to
 * nothing.
 */
#ifndef SERVICE_REFUSALS_INT_H
#define SERVICE_REFUSALS_INT_H

#include <stdbool.h>

#include "store/audit.h"
#include "store/db.h"

struct refusals;
int	 refusals_new(struct refusals **out, struct err *e);
void	 refusals_free(struct refusals *);	/* NULL is fine */
/* Whether another one is taken: asked before it is made. Those that are not are
 * counted, and logged. */
bool	 refusals_room(struct refusals *);
void	 refusals_put(struct refusals *, const struct audit *);	/* copies */
/* Writes them, and keeps so many of all; by one thread at a time. */
void	 refusals_flush(struct refusals *, struct db *, int64_t keep);

#endif
