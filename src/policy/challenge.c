#include <string.h>

#include "policy/challenge.h"
#include "util/clock.h"

/* ---- rules: each refuses, or lets the next one look ---- */

static int
rule_endpoint(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	(void)c;
	if (!l->elsewhere)
		return 0;
	err_set(e, ERR_CHALLENGE_ENDPOINT, "it is for other endpoints");
	return -1;
}

static int
rule_disabled(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	(void)c;
	if (!l->disabled)
		return 0;
	err_set(e, ERR_CHALLENGE_DISABLED, "by scepctl challenge disable");
	return -1;
}

static int
rule_time(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	char when[CLOCK_TEXT_MAX];

	if (c->now < l->not_before) {
		clock_text(l->not_before, when);
		err_set(e, ERR_CHALLENGE_NOT_YET, "not before %s", when);
		return -1;
	}
	if (l->expires != 0 && c->now >= l->expires) {
		clock_text(l->expires, when);
		err_set(e, ERR_CHALLENGE_EXPIRED, "at %s", when);
		return -1;
	}
	return 0;
}

static int
rule_uses(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	if (l->uses == 0 || c->used < l->uses)
		return 0;
	err_set(e, ERR_CHALLENGE_SPENT, "%lld of %lld uses", (long long)c->used,
	    (long long)l->uses);
	return -1;
}

static int
rule_profile(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	(void)c;
	if (!l->unknown_profile)
		return 0;
	err_set(e, ERR_CHALLENGE_PROFILE, "scepd.conf has no profile of that "
	    "name");
	return -1;
}

static int
rule_key(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	if (l->key_types == 0 ||
	    (l->key_types & 1u << c->csr->key.type) != 0)
		return 0;
	err_set(e, ERR_CHALLENGE_KEY, "key type %s",
	    key_type_name(c->csr->key.type));
	return -1;
}

static int
rule_subject(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	return l->subject == NULL ? 0 : patterns_subject(l->subject, c->csr,
	    e);
}

static int
rule_san(const struct policy_limits *l, const struct policy_claim *c,
    struct err *e)
{
	if (l->san == NULL)
		return 0;
	/* An account is a name too, wherever it stands. */
	if (*c->csr->asked.sid != '\0') {
		err_set(e, ERR_CHALLENGE_SAN, "sid has no pattern");
		return -1;
	}
	return patterns_san(l->san, &c->csr->sans, c->san, e);
}

static int (*const rules[])(const struct policy_limits *,
    const struct policy_claim *, struct err *) = {
	rule_endpoint, rule_disabled, rule_time, rule_uses, rule_profile,
	rule_key, rule_subject, rule_san,
};

int
policy_limits_check(const struct policy_limits *l,
    const struct policy_claim *c, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i](l, c, e) == -1)
			return -1;
	return 0;
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

int
policy_limits_read(const struct policy_written *w, struct policy_limits *l,
    struct err *e)
{
	struct policy_limits got = *l;
	char *const *k;

	got.subject = got.san = NULL;
	got.key_types = 0;
	for (k = w->key_types; *k != NULL; k++)
		if (read_key_type(*k, &got.key_types, e) == -1)
			return -1;
	if (read_patterns(w->subject, PATTERN_SUBJECT, &got.subject,
	    e) == -1 ||
	    read_patterns(w->san, PATTERN_SAN, &got.san, e) == -1) {
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
	l->subject = l->san = NULL;
}
