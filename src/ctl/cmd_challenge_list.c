/*
 * scepctl challenge list, show, disable, enable: what there is, and an
 * operator's word on it. A running scepd reads it with the next request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl_int.h"
#include "util/clock.h"

enum { DB, JSON, ACTIVE };

static const struct ctl_opt opts[] = {
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
	[JSON] = { "json", NULL, "print JSON" },
	[ACTIVE] = { "active", NULL, "only those that are good now" },
};
#define N_LIST		3
#define N_SHOW		2
#define N_CHANGE	1

struct walk {
	struct db	*db;
	const char	*only;		/* a name, or NULL: all */
	bool		 active;	/* only those */
	struct ctl_list	 list;
};

static int
on_challenge(const struct challenge *c, void *arg)
{
	struct walk		*k = arg;
	struct challenge_use	 use;
	const struct challenge_shown s = { c, &use, clock_now() };

	if (k->only != NULL && strcmp(k->only, c->name) != 0)
		return 0;
	if (challenge_used(k->db, c->name, c->id, &use, k->list.e) != 0)
		return -1;
	if (k->active && strcmp(challenge_state(&s), "active") != 0)
		return 0;
	if (k->list.json)
		return ctl_list_json(&k->list, challenge_json(&s));
	return ctl_list_text(&k->list, k->list.one ?
	    challenge_facts(&s, &k->list.out) :
	    challenge_row(&s, &k->list.out));
}

/* ---- those of scepd.conf, in the form of the store's ---- */

/* Names of the endpoints that take it, one a line. */
static int
endpoints_of(const struct conf *conf, const char *name, char **out,
    struct err *e)
{
	struct conf_strings	 names = { .n = 0 };
	const struct conf_endpoint *ep;
	size_t			 i;
	int			 rc = -1;

	names.v = calloc(conf->n_endpoints + 1, sizeof(*names.v));
	if (names.v == NULL) {
		err_set(e, ERR_MEMORY, "challenge");
		return -1;
	}
	for (i = 0; i < conf->n_endpoints; i++) {
		ep = &conf->endpoints[i];
		if (conf_strings_has(&ep->challenges, name))
			names.v[names.n++] = ep->name;
	}
	rc = challenge_join(&names, out, e);
	free(names.v);
	return rc;
}

static int
show_conf(const struct conf *conf, const struct conf_challenge *c,
    struct walk *k)
{
	static char		 nobody[] = "";
	struct challenge	 row = {
		.name = c->name, .profile = c->profile, .uses = c->uses,
		.created_by = nobody
	};
	int			 rc = -1;

	if (*c->not_before != '\0')
		(void)clock_parse(c->not_before, &row.not_before);
	if (*c->expires != '\0')
		(void)clock_parse(c->expires, &row.expires);
	if (endpoints_of(conf, c->name, &row.endpoints, k->list.e) == 0 &&
	    challenge_join(&c->subject, &row.subject, k->list.e) == 0 &&
	    challenge_join(&c->san, &row.san, k->list.e) == 0 &&
	    challenge_join(&c->key_types, &row.key_types, k->list.e) == 0 &&
	    challenge_join(&c->facts, &row.facts, k->list.e) == 0)
		rc = on_challenge(&row, k);
	free(row.endpoints);
	free(row.subject);
	free(row.san);
	free(row.key_types);
	free(row.facts);
	return rc;
}

static int
walk_conf(const struct ctl_call *call, struct walk *k)
{
	struct conf	*conf = NULL;
	size_t		 i;
	int		 rc = 0;

	/* Whoever names a store has no configuration. */
	if (call->opt[DB] != NULL)
		return 0;
	if (conf_load(call->conf_file, &conf, k->list.e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < conf->n_challenges; i++)
		rc = show_conf(conf, &conf->challenges[i], k);
	conf_free(conf);
	return rc;
}

static int
walk_all(const struct ctl_call *call, struct walk *k)
{
	if (walk_conf(call, k) != 0)
		return -1;
	/* One name, one challenge: scepd.conf's comes first. */
	if (k->only != NULL && k->list.n > 0)
		return 0;
	return challenge_each(k->db, on_challenge, k, k->list.e);
}

static enum ctl_exit
not_found(const struct ctl_call *call)
{
	ctl_note(call, "no challenge has the name %s", call->operand);
	return CTL_NOT_FOUND;
}

static enum ctl_exit
look(const struct ctl_call *call)
{
	struct err	 e = { .reason = ERR_NONE };
	struct walk	 k = {
		.only = call->operand,
		.active = call->opt[ACTIVE] != NULL,
		.list = {
			.json = call->opt[JSON] != NULL,
			.one = call->operand != NULL,
			.out = BUF_INIT(CTL_TEXT_MAX),
			.e = &e
		}
	};
	int		 rc;

	rc = ledger_open(call, call->opt[DB], db_open_reader, &k.db, &e);
	if (rc == 0 && !k.list.one && !k.list.json)
		rc = ctl_full(buf_printf(&k.list.out,
		    "%-20s  %-8s  %-9s  %-20s  %s\n",
		    "NAME", "STATE", "USES", "EXPIRES", "ENDPOINTS"), &e);
	if (rc == 0)
		rc = walk_all(call, &k);
	rc = ctl_list_close(&k.list, rc);
	db_close(k.db);
	if (rc != 0)
		return ctl_fail(call, &e);
	return k.list.one && k.list.n == 0 ? not_found(call) : CTL_OK;
}

/* ---- an operator's word ---- */

enum change { DISABLE, ENABLE };

static enum ctl_exit
change(const struct ctl_call *call, enum change what)
{
	static const char *const done[] = {
		[DISABLE] = "disabled", [ENABLE] = "enabled"
	};
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;
	bool		 found = false;
	int		 rc;

	rc = ledger_open(call, call->opt[DB], db_open_beside, &db, &e);
	if (rc == 0)
		rc = challenge_disable(db, call->operand, what == DISABLE,
		    clock_now(), &found, &e);
	db_close(db);
	if (rc != 0)
		return ctl_fail(call, &e);
	if (!found) {
		ctl_note(call, "the store has no challenge named %s; those of "
		    "scepd.conf are changed there", call->operand);
		return CTL_NOT_FOUND;
	}
	(void)printf("%s %s\n", done[what], call->operand);
	return CTL_OK;
}

static enum ctl_exit
run_disable(const struct ctl_call *call)
{
	return change(call, DISABLE);
}

static enum ctl_exit
run_enable(const struct ctl_call *call)
{
	return change(call, ENABLE);
}

const struct ctl_cmd cmd_challenge_list = {
	.noun = "challenge",
	.verb = "list",
	.reads_conf = true,
	.summary = "list the challenges",
	.about =
	    "Lists the challenges of scepd.conf and of the store, with how often\n"
	    "each was used. Their values are shown nowhere.",
	.opts = opts,
	.n_opts = N_LIST,
	.run = look
};

const struct ctl_cmd cmd_challenge_show = {
	.noun = "challenge",
	.verb = "show",
	.operand = "NAME",
	.reads_conf = true,
	.summary = "show a challenge",
	.about =
	    "Shows what one challenge allows and how often it was used, never its\n"
	    "value. Exits 3 if there is none of that name.",
	.opts = opts,
	.n_opts = N_SHOW,
	.run = look
};

const struct ctl_cmd cmd_challenge_disable = {
	.noun = "challenge",
	.verb = "disable",
	.operand = "NAME",
	.reads_conf = true,
	.summary = "refuse a challenge until it is enabled",
	.about =
	    "Requests with this challenge of the store are refused from now on;\n"
	    "a running scepd needs no reload. Exits 3 if there is none.",
	.opts = opts,
	.n_opts = N_CHANGE,
	.run = run_disable
};

const struct ctl_cmd cmd_challenge_enable = {
	.noun = "challenge",
	.verb = "enable",
	.operand = "NAME",
	.reads_conf = true,
	.summary = "accept a disabled challenge again",
	.about =
	    "Takes back \"scepctl challenge disable\". Exits 3 if there is none.",
	.opts = opts,
	.n_opts = N_CHANGE,
	.run = run_enable
};
