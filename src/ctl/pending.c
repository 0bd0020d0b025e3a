/*
 * What the commands of scepctl pending share.
 */
#include <string.h>

#include "conf/conf.h"
#include "ctl/ctl_int.h"
#include "store/waiting.h"

int
pending_conf(const struct ctl_call *call, const char *db_path,
    struct conf **out, struct err *e)
{
	*out = NULL;
	return db_path != NULL ? 0 : ctl_conf(call, LEDGER_NO_CONF, out, e);
}

static bool
in_conf(const struct conf *c, const char *endpoint, const char *challenge)
{
	size_t	 i;

	for (i = 0; i < c->n_endpoints; i++)
		if (strcmp(c->endpoints[i].name, endpoint) == 0)
			return conf_strings_has(&c->endpoints[i].challenges,
			    challenge);
	return false;
}

bool
pending_gone(const struct conf *c, const struct waiting *w)
{
	if (w->challenge == NULL || !w->challenge_conf)
		return w->challenge_gone;
	return c != NULL && !in_conf(c, w->endpoint, w->challenge);
}

int
pending_id(const struct ctl_call *call, int64_t *id)
{
	size_t	 i, n = strlen(call->operand);
	int64_t	 v = 0;

	/* 18 digits always fit. */
	for (i = 0; i < n && n <= 18; i++) {
		if (call->operand[i] < '0' || call->operand[i] > '9')
			break;
		v = v * 10 + (call->operand[i] - '0');
	}
	if (n > 0 && i == n) {
		*id = v;
		return 0;
	}
	(void)ctl_usage(call, "\"%s\" is not an id of \"scepctl pending "
	    "list\"", call->operand);
	return -1;
}

enum ctl_exit
pending_failed(const struct ctl_call *call, const struct err *e)
{
	if (e->reason == ERR_TXN_UNKNOWN) {
		ctl_note(call, "no request has the id %s", call->operand);
		return CTL_NOT_FOUND;
	}
	return ctl_fail(call, e);
}
