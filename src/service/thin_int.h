/*
 * Private to service: the audit trail forgets what nobody asks for any more.
 */
#ifndef SERVICE_THIN_INT_H
#define SERVICE_THIN_INT_H

#include "store/db.h"

/* Forgets some of what ended longer than `keep` seconds ago (0: nothing is
 * forgotten), a little at a time, so that nobody who enrolls waits for it. last
 * is what the last call returned, at first 0. */
int64_t	 thin_trails(struct db *, int64_t keep, int64_t now, int64_t last);

#endif
