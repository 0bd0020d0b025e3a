/*
 * The key of the MACs by which the store knows challenges.
 */
#include <stdlib.h>

#include "service/service_int.h"
#include "util/log.h"

static int
warn_lost(struct service *s, struct err *e)
{
	int64_t n;

	if (challenge_lost(s->db, s->mac_key.name, &n, e) == -1)
		return -1;
	if (n > 0)
		log_msg(LOG_L_WARN, "challenges_lost", "%lld challenges were "
		    "made with another key than the one beside the store, and "
		    "match no more: restore it, or make them anew",
		    (long long)n);
	return 0;
}

int
challenge_open_key(struct service *s, const char *store, struct err *e)
{
	char *path = mac_key_path(store, e);
	struct err why = { .reason = ERR_NONE };
	int rc;

	if (path == NULL)
		return -1;
	rc = mac_key_make(path, &s->mac_key, &why);
	if (rc == -1 && why.reason == ERR_EXISTS)
		rc = mac_key_load(path, &s->mac_key, e);
	else if (rc == -1)
		err_set(e, why.reason, "%s", why.text);
	free(path);
	return rc == -1 ? -1 : warn_lost(s, e);
}
