/*
 * What endpoints show, kept up to date.
 */
#ifndef SITE_FACES_H
#define SITE_FACES_H

#include "site/face.h"
#include "site/site.h"
#include "store/db.h"
#include "store/ends.h"

/*
 * Renews RA certificates whose time has come, and shows what there is now: by
 * one thread at a time. What fails is logged and tried again later.
 */
void	 faces_tick(struct site *, struct db *, struct ends *, int64_t now);
/* The same without renewing anything, for an endpoint: what would be shown at
 * this time, by what the store has. Yours to put. */
int	 faces_foresee(struct site *, struct db *, struct site_endpoint *,
	    int64_t now, struct face **out, struct err *e);

#endif
