/*
 * What clients send is matched against what an operator wrote, so the work that
 * one value can cause is bounded: a regex gives up at its limits, and then
 * nothing matches.
 */
#include <fnmatch.h>

#include "policy/pattern_int.h"
#include "util/str.h"

#define VALUE_MAX	1024u	/* bytes; no longer value matches */

enum verdict { NO, YES, GAVE_UP };

static enum verdict
match_regex(const struct pattern *p, const struct patterns *ps,
    struct bytes value)
{
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	int rc;

	if (m == NULL)
		return GAVE_UP;
	rc = pcre2_match(p->code, value.p, value.n, 0, 0, m, ps->limits);
	pcre2_match_data_free(m);
	/* 0: there were more groups than we ask for. */
	return rc >= 0 ? YES : rc == PCRE2_ERROR_NOMATCH ? NO : GAVE_UP;
}

static bool
equal(const struct pattern *p, struct bytes a, struct bytes b)
{
	return p->nocase ? str_equal_nocase(a, b) : bytes_eq(a, b);
}

/* `text` is the value with a NUL behind it, and none inside. */
static enum verdict
match(const struct pattern *p, const struct patterns *ps, const char *text)
{
	struct bytes want = bytes_str(p->value), value = bytes_str(text);

	/* A wildcard is all the names that it stands for. */
	if (p->how != EXACT && strchr(text, '*') != NULL)
		return NO;
	switch (p->how) {
	case EXACT:
		return equal(p, want, value) ? YES : NO;
	case SUFFIX:
		return value.n > want.n && equal(p, want, bytes_make(value.p +
		    value.n - want.n, want.n)) ? YES : NO;
	case GLOB:
		return fnmatch(p->value, text, p->nocase ? FNM_CASEFOLD :
		    0) == 0 ? YES : NO;
	default:
		return match_regex(p, ps, value);
	}
}

static int
refuse(const struct patterns *ps, const char *type, const char *why,
    struct err *e)
{
	bool subject = ps->of == PATTERN_SUBJECT;
	char name[OID_TEXT];

	if (subject)
		oid_name(type, name);
	err_set(e, subject ? ERR_CHALLENGE_SUBJECT : ERR_CHALLENGE_SAN,
	    "%s %s", subject ? name : type, why);
	return -1;
}

/* One value, with a NUL behind it. */
static int
check_value(const struct patterns *ps, const char *type, const char *text,
    size_t n, struct err *e)
{
	bool known = false, gave_up = false;
	enum verdict v;
	size_t i;

	if (n > VALUE_MAX || strlen(text) != n ||
	    !str_is_utf8(bytes_make(text, n)))
		return refuse(ps, type, "is too long, or no text", e);
	for (i = 0; i < ps->n; i++) {
		if (strcmp(ps->v[i].type, type) != 0)
			continue;
		known = true;
		v = match(&ps->v[i], ps, text);
		if (v == YES)
			return 0;
		gave_up |= v == GAVE_UP;
	}
	return refuse(ps, type, !known ? "has no pattern" : gave_up ?
	    "takes a regex too long to match" : "matches none of its patterns",
	    e);
}

/* Each type that has a pattern has a value; has() tells. */
static int
check_present(const struct patterns *ps,
    bool (*has)(const void *, const char *type), const void *of,
    struct err *e)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		if (!has(of, ps->v[i].type))
			return refuse(ps, ps->v[i].type, "is missing", e);
	return 0;
}

static bool
has_attribute(const void *of, const char *type)
{
	const struct csr *r = of;
	size_t i;

	for (i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i].oid, type) == 0)
			return true;
	return false;
}

int
patterns_subject(const struct patterns *ps, const struct csr *r,
    struct err *e)
{
	size_t i;

	for (i = 0; i < r->n_values; i++)
		if (check_value(ps, r->values[i].oid, r->values[i].text,
		    r->values[i].n, e) == -1)
			return -1;
	return check_present(ps, has_attribute, r, e);
}

int
patterns_value(const struct patterns *ps, const struct name_value *v,
    struct err *e)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		if (strcmp(ps->v[i].type, v->oid) == 0)
			return check_value(ps, v->oid, v->text, v->n, e);
	return 0;
}

struct counted {
	const struct sans		*sans;
	const struct conf_strings	*in;
	const char			*sid;
};

/* Names of accounts are never overlooked: whoever adds one wants to be it. */
static bool
counts(const struct counted *c, const struct san *s)
{
	return s->kind == SAN_UPN || s->kind == SAN_SID ||
	    conf_strings_has(c->in, san_kind_name(s->kind));
}

static bool
has_kind(const void *of, const char *type)
{
	const struct counted *c = of;
	size_t i;

	if (*c->sid != '\0' && strcmp(san_kind_name(SAN_SID), type) == 0)
		return true;
	for (i = 0; i < c->sans->n; i++)
		if (counts(c, &c->sans->v[i]) &&
		    strcmp(san_kind_name(c->sans->v[i].kind), type) == 0)
			return true;
	return false;
}

static int
check_san(const struct patterns *ps, enum san_kind kind, const char *text,
    struct err *e)
{
	return check_value(ps, san_kind_name(kind), text, strlen(text), e);
}

int
patterns_san(const struct patterns *ps, const struct sans *sans,
    const struct conf_strings *in, const char *sid, struct err *e)
{
	const struct counted c = { sans, in, sid };
	const struct san *s;
	size_t i;

	for (i = 0; i < sans->n; i++) {
		s = &sans->v[i];
		if (counts(&c, s) && check_san(ps, s->kind, s->kind == SAN_SID ?
		    policy_sid_in(s) : s->text, e) == -1)
			return -1;
	}
	if (*sid != '\0' && check_san(ps, SAN_SID, sid, e) == -1)
		return -1;
	return check_present(ps, has_kind, &c, e);
}
