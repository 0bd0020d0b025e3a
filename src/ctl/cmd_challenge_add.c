/*
 * scepctl challenge add: a challenge in the store, its value shown once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl_int.h"
#include "pki/mac_key.h"
#include "policy/challenge.h"
#include "policy/fact.h"
#include "policy/profile.h"
#include "util/clock.h"
#include "util/str.h"

enum {
	NAME, ENDPOINT, PROFILE, SUBJECT, SAN, KEY_TYPE, FACT, USES, ONCE,
	NOT_BEFORE, EXPIRES, SECRET_STDIN, JSON, DB
};

static const struct ctl_opt opts[] = {
	[NAME] = { "name", "NAME", "as the ledger shows it; one is drawn" },
	[ENDPOINT] = { "endpoint", "NAME",
	    "where it is good (more than once); the only one" },
	[PROFILE] = { "profile", "NAME",
	    "of its certificates; the endpoint's" },
	[SUBJECT] = { "subject", "PATTERN",
	    "the subject must match (more than once)" },
	[SAN] = { "san", "PATTERN",
	    "the subjectAltNames must match (more than once)" },
	[KEY_TYPE] = { "key-type", "TYPE",
	    "rsa, ec, ed25519 or mldsa (more than once); the profile's" },
	[FACT] = { "fact", "NAME=TEXT",
	    "for the profile's subject (more than once)" },
	[USES] = { "uses", "N", "certificates it is good for; no limit" },
	[ONCE] = { "once", NULL, "the same as --uses 1" },
	[NOT_BEFORE] = { "not-before", "TIME",
	    "from then on (2030-01-31T08:00:00Z, or 8h from now)" },
	[EXPIRES] = { "expires", "TIME", "until then" },
	[SECRET_STDIN] = { "secret-stdin", NULL,
	    "read the value from standard input" },
	[JSON] = { "json", NULL, "print JSON" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

#define USES_MAX	1000000000
#define LIST_MAX	PATTERNS_MAX

/* What is being made. */
struct adding {
	const struct ctl_call	*call;
	struct conf		*conf;		/* NULL with --db */
	struct challenge	 row;
	char			 name[CHALLENGE_NAME + 1];
	struct buf		 secret;
};

/* ---- options ---- */

/* The values of an option, which live with the call. */
static int
values(const struct ctl_call *call, size_t opt, struct conf_strings *out,
    char *v[LIST_MAX + 1])
{
	const char	*value;
	size_t		 at = 0;

	*out = (struct conf_strings){ .v = v, .n = 0 };
	while ((value = ctl_given(call, opt, &at)) != NULL) {
		if (out->n == LIST_MAX) {
			(void)ctl_usage(call, "more than %d of --%s",
			    LIST_MAX, call->cmd->opts[opt].name);
			return -1;
		}
		if (!str_is_utf8(bytes_str(value)) ||
		    strpbrk(value, "\n\r\t") != NULL) {
			(void)ctl_usage(call, "--%s: not UTF-8 on one line",
			    call->cmd->opts[opt].name);
			return -1;
		}
		v[out->n++] = (char *)(uintptr_t)value;
	}
	v[out->n] = NULL;
	return 0;
}

static int
read_time(const struct ctl_call *call, size_t opt, int64_t now, int64_t *out)
{
	const char	*text = call->opt[opt];
	int64_t		 t;

	if (text == NULL || clock_parse(text, out) == 0)
		return 0;
	if (str_duration(text, &t) == 0 && t < INT64_MAX - now) {
		*out = now + t;
		return 0;
	}
	(void)ctl_usage(call, "--%s: \"%s\" is neither a time as "
	    "2030-01-31T08:00:00Z nor a duration as 8h",
	    call->cmd->opts[opt].name, text);
	return -1;
}

static int
read_limits(struct adding *a)
{
	const struct ctl_call	*call = a->call;
	struct challenge	*c = &a->row;
	int64_t			 now = clock_now();

	if (call->opt[ONCE] != NULL && call->opt[USES] != NULL) {
		(void)ctl_usage(call, "--once and --uses exclude each other");
		return -1;
	}
	if (call->opt[ONCE] != NULL)
		c->uses = 1;
	if (ctl_number(call, USES, USES_MAX, &c->uses) != 0 ||
	    read_time(call, NOT_BEFORE, now, &c->not_before) != 0 ||
	    read_time(call, EXPIRES, now, &c->expires) != 0)
		return -1;
	if (c->expires != 0 && (c->expires <= now ||
	    c->expires <= c->not_before)) {
		(void)ctl_usage(call, "--expires: no request could use it in "
		    "time");
		return -1;
	}
	c->created = now;
	return 0;
}

/* A drawn name says nothing of the value. */
static int
read_name(struct adding *a, struct err *e)
{
	const char	*name = a->call->opt[NAME];
	uint8_t		 random[4];

	if (name == NULL) {
		if (secret_random(random, sizeof(random), e) != 0)
			return -1;
		memcpy(a->name, "c-", 2);
		str_hex(bytes_make(random, sizeof(random)), a->name + 2);
		a->row.name = a->name;
		return 0;
	}
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			name = "";
	if (*name == '\0' || strlen(name) > CHALLENGE_NAME ||
	    !str_is_utf8(bytes_str(name))) {
		err_set(e, ERR_ARGUMENT, "--name: 1 to %d bytes without blanks",
		    CHALLENGE_NAME);
		return -1;
	}
	if (a->conf != NULL && conf_challenge(a->conf, name) != NULL) {
		err_set(e, ERR_EXISTS, "scepd.conf has a challenge named "
		    "\"%s\"", name);
		return -1;
	}
	a->row.name = (char *)(uintptr_t)name;
	return 0;
}

static int
check_endpoint(const struct adding *a, const char *name, struct err *e)
{
	const struct conf_endpoint	*ep;

	if (a->conf == NULL)
		return 0;
	if ((ep = conf_endpoint(a->conf, name)) == NULL) {
		err_set(e, ERR_ARGUMENT, "--endpoint: scepd.conf has none "
		    "named \"%s\"", name);
		return -1;
	}
	return conf_takes_challenges(ep, e);
}

/* Never all of them by accident. */
static int
read_endpoints(struct adding *a, struct conf_strings *names, struct err *e)
{
	size_t	 i;

	if (names->n == 0) {
		if (a->conf == NULL || a->conf->n_endpoints != 1) {
			err_set(e, ERR_ARGUMENT, "name its endpoints with "
			    "--endpoint");
			return -1;
		}
		names->v[names->n++] = a->conf->endpoints[0].name;
		names->v[names->n] = NULL;
	}
	for (i = 0; i < names->n; i++)
		if (check_endpoint(a, names->v[i], e) != 0)
			return -1;
	return challenge_join(names, &a->row.endpoints, e);
}

static int
read_profile(struct adding *a, struct err *e)
{
	const char	*name = a->call->opt[PROFILE];

	if (name != NULL && a->conf != NULL &&
	    conf_profile(a->conf, name) == NULL) {
		err_set(e, ERR_ARGUMENT, "--profile: scepd.conf has none named "
		    "\"%s\"", name);
		return -1;
	}
	a->row.profile = (char *)(uintptr_t)(name != NULL ? name : "");
	return 0;
}

/* scepd would refuse every request under a pattern that is none. */
static int
check_lists(const struct conf_strings *subject, const struct conf_strings *san,
    const struct conf_strings *key_types, const struct conf_strings *facts,
    struct err *e)
{
	const struct policy_written	 w = {
		subject->v, san->v, key_types->v, facts->v
	};
	struct policy_limits		 l = { .uses = 0 };

	if (policy_limits_read(&w, &l, e) != 0)
		return -1;
	policy_limits_clear(&l);
	return 0;
}

static int
check_lacking(const struct adding *a, const struct policy_profiles *ps,
    const struct conf_endpoint *ep, struct err *e)
{
	const struct conf_profile	*p = conf_profile(a->conf,
	    *a->row.profile == '\0' ? ep->profile : a->row.profile);
	char				 word[PROFILE_WORD];

	if (!policy_challenge_lacks(ps, ep, p, a->row.facts, word))
		return 0;
	err_set(e, ERR_ARGUMENT, "--fact: at endpoint %s the subject of "
	    "profile %s takes {%s}; give --fact %s=TEXT", ep->name, p->name,
	    word, word + strlen(FACT_CHALLENGE));
	return -1;
}

/* Those that the subject of its certificates is made of. */
static int
check_facts(const struct adding *a, const struct conf_strings *endpoints,
    struct err *e)
{
	struct policy_profiles	*ps;
	size_t			 i;
	int			 rc = 0;

	if (a->conf == NULL)
		return 0;
	if (policy_profiles_new(a->conf, &ps, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < endpoints->n; i++)
		rc = check_lacking(a, ps, conf_endpoint(a->conf,
		    endpoints->v[i]), e);
	policy_profiles_free(ps);
	return rc;
}

static int
read_lists(struct adding *a, struct err *e)
{
	char			*v[5][LIST_MAX + 1];
	struct conf_strings	 endpoints, subject, san, types, facts;
	struct challenge	*c = &a->row;

	if (values(a->call, ENDPOINT, &endpoints, v[0]) != 0 ||
	    values(a->call, SUBJECT, &subject, v[1]) != 0 ||
	    values(a->call, SAN, &san, v[2]) != 0 ||
	    values(a->call, KEY_TYPE, &types, v[3]) != 0 ||
	    values(a->call, FACT, &facts, v[4]) != 0)
		return -1;
	if (check_lists(&subject, &san, &types, &facts, e) != 0 ||
	    read_endpoints(a, &endpoints, e) != 0 ||
	    challenge_join(&subject, &c->subject, e) != 0 ||
	    challenge_join(&san, &c->san, e) != 0 ||
	    challenge_join(&facts, &c->facts, e) != 0 ||
	    check_facts(a, &endpoints, e) != 0)
		return -1;
	return challenge_join(&types, &c->key_types, e);
}

/* ---- making it ---- */

/* The value's MAC, or for what people think up a hash of it. */
static int
store(struct adding *a, const struct mac_key *k, struct db *db, struct err *e)
{
	struct challenge_mac	 m = { .key_name = k->name };
	bool			 given = a->call->opt[SECRET_STDIN] != NULL;
	char			 hash[SECRET_HASH_MAX];
	uint8_t			 mac[SECRET_MAC];
	int			 rc = -1;

	if ((given ? ctl_read_secret(&a->secret, e) :
	    challenge_draw(&a->secret, e)) != 0 ||
	    secret_mac(k->key, buf_bytes(&a->secret), mac, e) != 0)
		return -1;
	if (given)
		challenge_warn_short(a->call, buf_bytes(&a->secret));
	if (!given) {
		m.mac = mac;
		rc = challenge_add(db, &a->row, &m, e);
	} else if (secret_hash(bytes_make(mac, sizeof(mac)), hash, e) == 0) {
		a->row.hash = hash;
		rc = challenge_add(db, &a->row, &m, e);
		a->row.hash = NULL;
	}
	explicit_bzero(mac, sizeof(mac));
	return rc;
}

static int
add(struct adding *a, struct db *db, struct err *e)
{
	const char	*store_path = a->call->opt[DB] != NULL ?
	    a->call->opt[DB] : a->conf->store_path;
	char		*path = mac_key_path(store_path, e);
	struct mac_key	 k;
	int		 rc = -1;

	if (path != NULL && ctl_become_owner(store_path, e) == 0 &&
	    mac_key_load(path, &k, e) == 0)
		rc = store(a, &k, db, e);
	explicit_bzero(&k, sizeof(k));
	free(path);
	return rc;
}

static int
print(const struct adding *a, struct err *e)
{
	const struct challenge_use	 none = { .used = 0 };
	const struct challenge_shown	 s = { &a->row, &none, clock_now() };
	bool				 drawn =
	    a->call->opt[SECRET_STDIN] == NULL;
	struct json			*d;

	if (a->call->opt[JSON] == NULL) {
		if (drawn)
			(void)printf("%s\n", buf_cstr(&a->secret));
		ctl_note(a->call, "its name is %s", a->row.name);
		return 0;
	}
	d = challenge_json(&s);
	if (drawn)
		json_add_str(d, "secret", buf_cstr(&a->secret));
	return ctl_print_json(d, e);
}

/* Who limits one of them mostly means both. */
static void
warn_open(const struct adding *a)
{
	if (*a->row.subject != '\0' && *a->row.san == '\0')
		ctl_note(a->call, "without --san it is good for any "
		    "subjectAltName that the profile takes; --san none takes "
		    "none");
	else if (*a->row.subject == '\0' && *a->row.san != '\0')
		ctl_note(a->call, "without --subject it is good for any "
		    "subject that the profile takes");
}

static enum ctl_exit
run_with(struct adding *a, struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };

	if (a->call->opt[DB] == NULL &&
	    conf_load(a->call->conf_file, &a->conf, &e) != 0)
		return ctl_fail(a->call, &e);
	if (read_profile(a, &e) != 0 || read_lists(a, &e) != 0)
		return e.reason == ERR_NONE ? CTL_USAGE :
		    ctl_fail(a->call, &e);
	if ((a->row.created_by = strdup(ctl_caller())) == NULL)
		err_set(&e, ERR_MEMORY, "name");
	else if (read_name(a, &e) == 0 && add(a, db, &e) == 0) {
		a->row.id = 1;		/* it is one of the store */
		warn_open(a);
		(void)print(a, &e);
	}
	return e.reason == ERR_NONE ? CTL_OK : ctl_fail(a->call, &e);
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct adding	 a = {
		.call = call, .secret = BUF_INIT(CTL_SECRET_MAX)
	};
	struct err	 e = { .reason = ERR_NONE };
	enum ctl_exit	 rc = CTL_USAGE;
	struct db	*db = NULL;

	if (read_limits(&a) != 0)
		return rc;
	if (ledger_open(call, call->opt[DB], db_open_beside, &db, &e) == 0)
		rc = run_with(&a, db);
	else
		rc = ctl_fail(call, &e);
	db_close(db);
	conf_free(a.conf);
	free(a.row.endpoints);
	free(a.row.subject);
	free(a.row.san);
	free(a.row.key_types);
	free(a.row.facts);
	free(a.row.created_by);
	buf_wipe(&a.secret);
	return rc;
}

const struct ctl_cmd cmd_challenge_add = {
	.noun = "challenge",
	.verb = "add",
	.reads_conf = true,
	.summary = "make a challenge and show its value, once",
	.about =
	    "Makes a challenge in the store, while scepd runs or not, and prints\n"
	    "its value: a random one of 128 bits, which is stored nowhere, so note\n"
	    "it. Patterns are those of scepd.conf(5), such as \"CN exact a\".",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
