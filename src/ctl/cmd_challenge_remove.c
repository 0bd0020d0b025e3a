/*
 * scepctl challenge remove: one, or all that are of no more use.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "util/clock.h"

enum { UNUSED, SPENT, DB };

static const struct ctl_opt opts[] = {
	[UNUSED] = { "unused", "BEGIN",
	    "all that were never used and whose names begin so" },
	[SPENT] = { "spent", NULL, "all that are spent or expired" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

struct removing {
	const struct ctl_call	*call;
	struct db		*db;
	int64_t			 now;
	int64_t			 n;
	struct err		*e;
};

static bool
is_unused(const struct challenge_shown *s, const char *begin)
{
	return s->use->used == 0 && s->use->issued == 0 &&
	    strncmp(s->row->name, begin, strlen(begin)) == 0;
}

/* What is worked on may give its use back. */
static bool
is_over(const struct challenge_shown *s)
{
	const char	*state = challenge_state(s);

	return s->use->used == s->use->issued &&
	    (strcmp(state, "spent") == 0 || strcmp(state, "expired") == 0);
}

static int
on_challenge(const struct challenge *c, void *arg)
{
	struct removing			*r = arg;
	struct challenge_use		 use;
	const struct challenge_shown	 s = { c, &use, r->now };
	bool				 found;

	if (challenge_used(r->db, c->name, c->id, &use, r->e) != 0)
		return -1;
	if (r->call->opt[SPENT] != NULL ? !is_over(&s) :
	    !is_unused(&s, r->call->opt[UNUSED]))
		return 0;
	if (challenge_remove(r->db, c->name, r->now, &found, r->e) != 0)
		return -1;
	r->n += found;
	return 0;
}

static int
remove_one(struct removing *r)
{
	bool	 found;

	if (challenge_remove(r->db, r->call->operand, r->now, &found,
	    r->e) != 0)
		return -1;
	r->n += found;
	return 0;
}

static enum ctl_exit
tell(const struct removing *r)
{
	const char	*name = r->call->operand;

	if (name == NULL)
		(void)printf("removed %lld\n", (long long)r->n);
	else if (r->n > 0)
		(void)printf("removed %s\n", name);
	else {
		ctl_note(r->call, "the store has no challenge named %s; those "
		    "of scepd.conf are changed there", name);
		return CTL_NOT_FOUND;
	}
	return CTL_OK;
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	struct removing	 r = { .call = call, .now = clock_now(), .e = &e };
	int		 rc;

	if ((call->operand != NULL) + (call->opt[UNUSED] != NULL) +
	    (call->opt[SPENT] != NULL) != 1)
		return ctl_usage(call, "give a name, --unused or --spent");
	rc = ledger_open(call, call->opt[DB], db_open_beside, &r.db, &e);
	if (rc == 0)
		rc = call->operand != NULL ? remove_one(&r) :
		    challenge_each(r.db, on_challenge, &r, &e);
	db_close(r.db);
	return rc == 0 ? tell(&r) : ctl_fail(call, &e);
}

const struct ctl_cmd cmd_challenge_remove = {
	.noun = "challenge",
	.verb = "remove",
	.operand = "[NAME]",
	.operand_optional = true,
	.reads_conf = true,
	.summary = "remove a challenge, or those of no more use",
	.about =
	    "Removes challenges from the store, while scepd runs or not. What they\n"
	    "were used for stays in the ledger; a name may be given again. Exits 3\n"
	    "if there is none of that name.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
