/*
 * scepctl pending approve and reject: an operator's word. What he approved is
 * issued when its device asks again.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "store/waiting.h"
#include "util/clock.h"

enum { DB };

static const struct ctl_opt opts[] = {
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

struct look {
	const struct conf	*conf;
	bool			 gone;
};

static int
on_approved(const struct waiting *w, void *arg)
{
	struct look	*l = arg;

	l->gone = pending_gone(l->conf, w);
	return 0;
}

/* Whoever approves a request after its challenge was taken out of use is told,
 * and wants it all the same. */
static int
approve(const struct ctl_call *call, struct db *db, int64_t id,
    struct err *e)
{
	struct look	 l = { .gone = false };
	struct conf	*conf;
	int		 rc;

	if (pending_conf(call, call->opt[DB], &conf, e) != 0)
		return -1;
	l.conf = conf;
	rc = waiting_one(db, id, on_approved, &l, e);
	conf_free(conf);
	if (rc == 0)
		rc = waiting_decide(db, id, l.gone ? WAITING_APPROVE_DESPITE :
		    WAITING_APPROVE, clock_now(), ctl_caller(), e);
	if (rc == 0 && l.gone)
		ctl_note(call, "its challenge was disabled or removed; "
		    "approved all the same");
	return rc;
}

static int
reject(const struct ctl_call *call, struct db *db, int64_t id, struct err *e)
{
	(void)call;
	return waiting_decide(db, id, WAITING_REJECT, clock_now(),
	    ctl_caller(), e);
}

static enum ctl_exit
decide(const struct ctl_call *call, const char *done,
    int (*how)(const struct ctl_call *, struct db *, int64_t, struct err *))
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;
	int64_t		 id;
	int		 rc;

	if (pending_id(call, &id) != 0)
		return CTL_USAGE;
	rc = ledger_open(call, call->opt[DB], db_open_beside, &db, &e);
	if (rc == 0)
		rc = how(call, db, id, &e);
	db_close(db);
	if (rc != 0)
		return pending_failed(call, &e);
	(void)printf("%s %lld\n", done, (long long)id);
	return CTL_OK;
}

static enum ctl_exit
run_approve(const struct ctl_call *call)
{
	return decide(call, "approved", approve);
}

static enum ctl_exit
run_reject(const struct ctl_call *call)
{
	return decide(call, "rejected", reject);
}

const struct ctl_cmd cmd_pending_approve = {
	.noun = "pending",
	.verb = "approve",
	.operand = "ID",
	.reads_conf = true,
	.summary = "approve a request",
	.about =
	    "Approves a request, while scepd runs or not: its certificate is\n"
	    "issued when the device asks again. Exits 3 if there never was one\n"
	    "with this id, 1 if it does not wait for a decision any more.",
	.opts = opts,
	.n_opts = 1,
	.run = run_approve
};

const struct ctl_cmd cmd_pending_reject = {
	.noun = "pending",
	.verb = "reject",
	.operand = "ID",
	.reads_conf = true,
	.summary = "reject a request",
	.about =
	    "Rejects a request, while scepd runs or not: the device is told so\n"
	    "when it asks again. Exits 3 if there never was one with this id, 1\n"
	    "if it does not wait for a decision any more.",
	.opts = opts,
	.n_opts = 1,
	.run = run_reject
};
