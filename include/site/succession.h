/*
 * One CA takes over from another: once, and for good, as the store remembers.
 */
#ifndef SITE_SUCCESSION_H
#define SITE_SUCCESSION_H

#include "site/site.h"
#include "store/db.h"

/* What the store knows of it, into the site: before it is used. ERR_CONFIG if
 * a CA that was followed would issue again. */
int	 succession_recall(struct db *, struct site *, struct err *e);
/* Remembers it when the time has come; by one thread at a time. */
void	 succession_tick(struct db *, struct site *, int64_t now);

#endif
