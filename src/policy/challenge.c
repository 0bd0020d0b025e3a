#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"
#include "util/clock.h"
#include "util/str.h"

/* ---- rules ---- */

static int
rule_endpoint(const struct policy_facts *f, struct err *e)
{
	if (!f->limits->elsewhere)
		return 0;
	err_set(e, ERR_CHALLENGE_ENDPOINT, "it is for other endpoints");
	return -1;
}

static void
endpoint_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "for_this_endpoint", !f->limits->elsewhere);
}

static int
rule_disabled(const struct policy_facts *f, struct err *e)
{
	if (!f->limits->disabled)
		return 0;
	err_set(e, ERR_CHALLENGE_DISABLED, "it was disabled by scepctl "
	    "challenge disable");
	return -1;
}

static void
disabled_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "disabled", f->limits->disabled);
}

static int
rule_time(const struct policy_facts *f, struct err *e)
{
	const struct policy_limits *l = f->limits;
	char when[CLOCK_TEXT_MAX];

	if (f->now < l->not_before) {
		clock_text(l->not_before, when);
		err_set(e, ERR_CHALLENGE_NOT_YET, "it is good from %s on",
		    when);
		return -1;
	}
	if (l->expires != 0 && f->now >= l->expires) {
		clock_text(l->expires, when);
		err_set(e, ERR_CHALLENGE_EXPIRED, "it expired at %s",
		    when);
		return -1;
	}
	return 0;
}

static void
time_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_time(s, "now", f->now);
	if (f->limits->not_before != 0)
		policy_say_time(s, "not_before", f->limits->not_before);
	if (f->limits->expires != 0)
		policy_say_time(s, "expires", f->limits->expires);
}

/* One beside a renewal has a use spent only where it must be there: otherwise
 * the first one would vouch for all renewals to come. */
bool
policy_spends(const struct policy_facts *f)
{
	return !policy_renews(f) ||
	    f->endpoint->renew_challenge == CONF_RENEW_CHALLENGE_REQUIRED;
}

static int64_t
used(const struct policy_facts *f)
{
	return policy_spends(f) ? f->used : 0;
}

static int
rule_uses(const struct policy_facts *f, struct err *e)
{
	const struct policy_limits *l = f->limits;

	if (l->uses == 0 || used(f) < l->uses)
		return 0;
	err_set(e, ERR_CHALLENGE_SPENT, "used %lld of %lld "
	    "times", (long long)f->used, (long long)l->uses);
	return -1;
}

static void
uses_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_int(s, "used", f->used);
	if (f->limits->uses == 0)
		policy_say(s, "uses", "unlimited");
	else
		policy_say_int(s, "uses", f->limits->uses);
}

static int
rule_profile(const struct policy_facts *f, struct err *e)
{
	if (!f->limits->unknown_profile)
		return 0;
	err_set(e, ERR_CHALLENGE_PROFILE, "scepd.conf has no profile of that "
	    "name");
	return -1;
}

static void
profile_inputs(const struct policy_facts *f, struct policy_step *s)
{
	if (f->limits->profile != NULL)
		policy_say(s, "profile", f->limits->profile->name);
	else
		policy_say(s, "profile", f->limits->unknown_profile ?
		    "unknown" : "endpoint's");
}

/* "rsa,ec" */
static void
list_types(unsigned types, char *out, size_t size)
{
	enum key_type k;
	size_t n = 0;
	int put;

	(void)snprintf(out, size, "any");
	for (k = KEY_RSA; k <= KEY_MLDSA && n < size; k++) {
		if ((types & 1u << k) == 0)
			continue;
		put = snprintf(out + n, size - n, "%s%s", n > 0 ? "," : "",
		    key_type_name(k));
		n += put < 0 ? 0 : (size_t)put;
	}
}

static int
rule_key(const struct policy_facts *f, struct err *e)
{
	enum key_type type = f->csr->key.type;
	char types[64];

	if (f->limits->key_types == 0 ||
	    (f->limits->key_types & 1u << type) != 0)
		return 0;
	list_types(f->limits->key_types, types, sizeof(types));
	err_set(e, ERR_CHALLENGE_KEY, "the key is %s, the challenge takes %s",
	    key_type_name(type), types);
	return -1;
}

static void
key_inputs(const struct policy_facts *f, struct policy_step *s)
{
	char types[64];

	policy_say(s, "key", key_type_name(f->csr->key.type));
	list_types(f->limits->key_types, types, sizeof(types));
	policy_say(s, "key_types", types);
}

static int
rule_subject(const struct policy_facts *f, struct err *e)
{
	return f->limits->subject == NULL ? 0 :
	    patterns_subject(f->limits->subject, f->csr, e);
}

/* Whoever limits the subject means what the certificate has there: a template
 * that makes it of other names must find those limited too. */
static int
rule_template(const struct policy_facts *f, struct err *e)
{
	const char *san = policy_template_san(f);

	if (f->limits->subject == NULL || f->limits->san != NULL ||
	    san == NULL || policy_renews(f))
		return 0;
	err_set(e, ERR_CHALLENGE_SUBJECT, "the profile makes it of a %s, and "
	    "the challenge limits no san", san);
	return -1;
}

static void
template_inputs(const struct policy_facts *f, struct policy_step *s)
{
	const char *san = policy_template_san(f);

	policy_say(s, "template_takes", san == NULL ? "no san" : san);
	policy_say_flag(s, "subject_limited", f->limits->subject != NULL);
	policy_say_flag(s, "san_limited", f->limits->san != NULL);
}

static void
subject_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_subject(f, s);
	policy_say_patterns(s, "patterns", f->limits->subject);
}

/* That the certificate would have, in either form. */
static bool
names_account(const struct policy_facts *f, const char *sid)
{
	const struct sans *sans = &f->csr->sans;
	bool is = *sid != '\0';
	size_t i;

	for (i = 0; !is && i < sans->n; i++)
		is = sans->v[i].kind == SAN_SID &&
		    policy_takes_san(f->profile, &sans->v[i]);
	return is;
}

/* Whoever limits the subject means one device or a few, and Windows goes by the
 * account: it must be limited too. A renewal keeps the one that it had. */
static int
check_account(const struct policy_facts *f, const char *sid, struct err *e)
{
	if (f->limits->subject == NULL || policy_renews(f) ||
	    !names_account(f, sid))
		return 0;
	err_set(e, ERR_CHALLENGE_SAN, "the challenge limits the subject, and "
	    "no sid pattern of it says which account that may be");
	return -1;
}

static int
rule_san(const struct policy_facts *f, struct err *e)
{
	const char *asked = f->csr->asked.sid;
	char sid[SID_TEXT];

	policy_sid(f, sid);
	if (f->limits->san == NULL)
		return check_account(f, sid, e);
	/* An account is a name too, wherever it stands; one that is not
	 * granted is refused as any other. */
	return patterns_san(f->limits->san, &f->csr->sans, &f->profile->san,
	    *asked != '\0' ? asked : sid, e);
}

static void
san_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_sans(s, "san", &f->csr->sans);
	policy_say_sid(f, s);
	policy_say_flag(s, "subject_limited", f->limits->subject != NULL);
	policy_say_patterns(s, "patterns", f->limits->san);
}

static const struct policy_rule rules[] = {
	{ "challenge.endpoint", rule_endpoint, endpoint_inputs, NULL },
	{ "challenge.disabled", rule_disabled, disabled_inputs, NULL },
	{ "challenge.time",     rule_time,     time_inputs,     NULL },
	{ "challenge.uses",     rule_uses,     uses_inputs,     NULL },
	{ "challenge.profile",  rule_profile,  profile_inputs,  NULL },
	{ "challenge.key",      rule_key,      key_inputs,      NULL },
	{ "challenge.subject",  rule_subject,  subject_inputs,  NULL },
	{ "challenge.san",      rule_san,      san_inputs,      NULL },
	{ "challenge.template", rule_template, template_inputs, NULL },
};

int
policy_limits(const struct policy_facts *f, struct policy_trace *t,
    struct err *e)
{
	return policy_run(rules, sizeof(rules) / sizeof(rules[0]), f, t, e);
}

/* ---- reading ---- */

/* *out stays NULL for an empty list: no limit. */
static int
read_patterns(char *const *texts, enum pattern_of of, struct patterns **out,
    struct err *e)
{
	struct patterns *p;

	if (*texts == NULL)
		return 0;
	if (patterns_new(of, &p, e) == -1)
		return -1;
	for (; *texts != NULL; texts++)
		if (patterns_add(p, *texts, e) == -1) {
			err_prefix(e, "%s", of == PATTERN_SUBJECT ? "subject" :
			    "san");
			patterns_free(p);
			return -1;
		}
	*out = p;
	return 0;
}

static int
read_key_type(const char *word, unsigned *types, struct err *e)
{
	enum key_type k;

	for (k = KEY_RSA; k <= KEY_MLDSA; k++)
		if (strcmp(key_type_name(k), word) == 0) {
			*types |= 1u << k;
			return 0;
		}
	err_set(e, ERR_CONFIG, "key_types: \"%s\" is none of rsa, ec, ed25519, "
	    "mldsa", word);
	return -1;
}

static int
read_facts(char *const *texts, char **out, struct err *e)
{
	struct buf lines = BUF_INIT(FACTS_TEXT);
	int rc = 0;

	for (; rc == 0 && *texts != NULL; texts++)
		rc = fact_add(&lines, *texts, e);
	if (rc == 0 && lines.n > 0 &&
	    (*out = str_dup_bytes(buf_bytes(&lines))) == NULL) {
		err_set(e, ERR_MEMORY, "facts");
		rc = -1;
	}
	buf_wipe(&lines);
	return rc;
}

int
policy_limits_read(const struct policy_written *w, struct policy_limits *l,
    struct err *e)
{
	struct policy_limits got = *l;
	char *const *k;

	got.subject = got.san = NULL;
	got.facts = NULL;
	got.key_types = 0;
	for (k = w->key_types; *k != NULL; k++)
		if (read_key_type(*k, &got.key_types, e) == -1)
			return -1;
	if (read_patterns(w->subject, PATTERN_SUBJECT, &got.subject,
	    e) == -1 ||
	    read_patterns(w->san, PATTERN_SAN, &got.san, e) == -1 ||
	    read_facts(w->facts, &got.facts, e) == -1) {
		policy_limits_clear(&got);
		return -1;
	}
	*l = got;
	return 0;
}

void
policy_limits_clear(struct policy_limits *l)
{
	patterns_free(l->subject);
	patterns_free(l->san);
	free(l->facts);
	l->subject = l->san = NULL;
	l->facts = NULL;
}
