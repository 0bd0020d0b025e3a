#include "service/thin_int.h"
#include "store/audit.h"
#include "util/log.h"

#define THIN_EVERY	60	/* seconds, where there is no more to forget */
#define THIN_STEP	100	/* rows of one call */

int64_t
thin_trails(struct db *db, int64_t keep, int64_t now, int64_t last)
{
	struct err e = { .reason = ERR_NONE };
	int64_t n = 0;

	if (keep == 0 || (now >= last && now - last < THIN_EVERY))
		return last;
	if (audit_thin(db, now - keep, THIN_STEP, &n, &e) == -1)
		log_msg(LOG_L_WARN, "thin_failed", "%s", err_text(&e));
	/* The next call goes on at once. */
	return n == THIN_STEP ? last : now;
}
