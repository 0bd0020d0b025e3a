/*
 * What clients send is matched against what an operator wrote, so the work that
 * one value can cause is bounded: a regex gives up at its limits, and then
 * nothing matches.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "pki/oid.h"
#include "policy/policy_int.h"
#include "util/str.h"

#define MATCH_LIMIT	20000u	/* steps of one regex over one value */
#define DEPTH_LIMIT	1000u
#define HEAP_LIMIT	512u	/* KiB */
#define VALUE_MAX	1024u	/* bytes; no longer value matches */

enum how { EXACT, SUFFIX, GLOB, REGEX, N_HOWS };

struct pattern {
	char		 type[OID_TEXT];	/* OID, or kind of SAN */
	char		*shown;			/* the type as it was written */
	enum how	 how;
	bool		 nocase;
	char		*value;
	pcre2_code	*code;			/* of a regex */
};

struct patterns {
	enum pattern_of		 of;
	struct pattern		 v[PATTERNS_MAX];
	size_t			 n;
	bool			 none;
	pcre2_match_context	*limits;
};

/* ---- making ---- */

int
patterns_new(enum pattern_of of, struct patterns **out, struct err *e)
{
	struct patterns *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->limits = pcre2_match_context_create(NULL);
	if (p == NULL || p->limits == NULL) {
		err_set(e, ERR_MEMORY, "patterns");
		free(p);
		return -1;
	}
	p->of = of;
	(void)pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(p->limits, HEAP_LIMIT);
	*out = p;
	return 0;
}

static void
pattern_clear(struct pattern *p)
{
	free(p->shown);
	free(p->value);
	pcre2_code_free(p->code);
}

void
patterns_free(struct patterns *p)
{
	if (p == NULL)
		return;
	while (p->n > 0)
		pattern_clear(&p->v[--p->n]);
	pcre2_match_context_free(p->limits);
	free(p);
}

/* A word up to a blank; yours. *text goes behind it. */
static char *
take_word(const char **text)
{
	size_t n = strcspn(*text, " ");
	char *word = str_dup_bytes(bytes_make(*text, n));

	*text += n;
	if (**text == ' ')
		(*text)++;
	return word;
}

static int
set_type(struct pattern *p, enum pattern_of of, struct err *e)
{
	enum san_kind k;

	if (of == PATTERN_SUBJECT)
		return oid_of(p->shown, p->type, e);
	for (k = SAN_DNS; k <= SAN_SID; k++)
		if (strcmp(san_kind_name(k), p->shown) == 0) {
			p->nocase = k == SAN_DNS || k == SAN_EMAIL;
			memcpy(p->type, p->shown, strlen(p->shown) + 1);
			return 0;
		}
	err_set(e, ERR_CONFIG, "\"%s\" is no kind of subjectAltName that has "
	    "patterns: dns, email, uri, ip, upn or sid", p->shown);
	return -1;
}

static const char *const how_words[N_HOWS] = {
	[EXACT] = "exact", [SUFFIX] = "suffix", [GLOB] = "glob",
	[REGEX] = "regex"
};

static int
set_how(struct pattern *p, const char *word, struct err *e)
{
	enum how h;

	for (h = EXACT; h < N_HOWS; h++)
		if (strcmp(how_words[h], word) == 0) {
			p->how = h;
			return 0;
		}
	err_set(e, ERR_CONFIG, "\"%s\" is none of exact, suffix, glob, regex",
	    word);
	return -1;
}

static int
compile(struct pattern *p, struct err *e)
{
	uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
	    PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	if (p->nocase)
		options |= PCRE2_CASELESS;
	p->code = pcre2_compile((PCRE2_SPTR)p->value, strlen(p->value),
	    options, &code, &at, NULL);
	if (p->code != NULL)
		return 0;
	if (pcre2_get_error_message(code, why, sizeof(why)) < 0)
		why[0] = '\0';
	err_set(e, ERR_CONFIG, "regex \"%s\": %s at character %zu", p->value,
	    (const char *)why, (size_t)at + 1);
	return -1;
}

/* Where a part of a name ends, in ASCII: no letter or digit of any script. */
static bool
parts_names(char c)
{
	return (unsigned char)c < 0x80 && !isalnum((unsigned char)c);
}

/* "dns suffix example.com" would let in evilexample.com. */
static int
check_suffix(const struct pattern *p, struct err *e)
{
	const char *first = strcmp(p->type, "dns") == 0 ? "." :
	    strcmp(p->type, "email") == 0 || strcmp(p->type, "upn") == 0 ?
	    "@." : NULL;

	if (first == NULL ? parts_names(p->value[0]) :
	    strchr(first, p->value[0]) != NULL)
		return 0;
	err_set(e, ERR_CONFIG, "suffix \"%s\" begins within a name; begin it "
	    "with %s", p->value, first == NULL ? "what is no letter or digit" :
	    first[1] == '\0' ? "." : "@ or .");
	return -1;
}

static int
parse(struct pattern *p, const char *text, enum pattern_of of, struct err *e)
{
	char *how = NULL;
	int rc = -1;

	p->shown = take_word(&text);
	how = take_word(&text);
	p->value = strdup(text);
	if (p->shown == NULL || how == NULL || p->value == NULL)
		err_set(e, ERR_MEMORY, "pattern");
	else if (*p->value == '\0')
		err_set(e, ERR_CONFIG, "a pattern reads TYPE "
		    "exact|suffix|glob|regex VALUE, or none");
	else if (set_type(p, of, e) == 0 && set_how(p, how, e) == 0)
		rc = p->how == REGEX ? compile(p, e) :
		    p->how == SUFFIX ? check_suffix(p, e) : 0;
	free(how);
	return rc;
}

int
patterns_add(struct patterns *ps, const char *text, struct err *e)
{
	struct pattern p = { .how = EXACT };
	bool none = strcmp(text, PATTERN_NONE) == 0;

	if (ps->none || (none && ps->n > 0)) {
		err_set(e, ERR_CONFIG, "\"none\" stands alone");
		return -1;
	}
	if (ps->n == PATTERNS_MAX || strlen(text) > PATTERN_MAX) {
		err_set(e, ERR_CONFIG, "at most %d patterns of %d bytes",
		    PATTERNS_MAX, PATTERN_MAX);
		return -1;
	}
	if (none) {
		ps->none = true;
		return 0;
	}
	if (parse(&p, text, ps->of, e) == -1) {
		pattern_clear(&p);
		return -1;
	}
	ps->v[ps->n++] = p;
	return 0;
}

void
patterns_text(const struct patterns *ps, char *out, size_t size)
{
	size_t i, n = 0;
	int k;

	(void)snprintf(out, size, "%s", ps == NULL ? "any" : PATTERN_NONE);
	if (ps == NULL)
		return;
	for (i = 0; i < ps->n && n < size; i++) {
		k = snprintf(out + n, size - n, "%s%s %s %s",
		    i > 0 ? ", " : "", ps->v[i].shown, how_words[ps->v[i].how],
		    ps->v[i].value);
		n += k < 0 ? 0 : (size_t)k;
	}
}

/* ---- matching ---- */

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

bool
patterns_take(const struct patterns *ps, const char *type, const char *text)
{
	size_t i;

	/* What is too much work for a short name may take any. */
	for (i = 0; i < ps->n; i++)
		if (strcmp(ps->v[i].type, type) == 0 &&
		    match(&ps->v[i], ps, text) != NO)
			return true;
	return false;
}

bool
patterns_type(const struct patterns *ps, size_t i, enum pattern_of *of,
    const char **type, const char **shown)
{
	if (i >= ps->n)
		return false;
	*of = ps->of;
	*type = ps->v[i].type;
	*shown = ps->v[i].shown;
	return true;
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
