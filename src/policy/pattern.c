/*
 * Patterns as an operator wrote them: read, checked, compiled, and shown again.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/pattern_int.h"
#include "util/str.h"

#define MATCH_LIMIT	20000u	/* steps of one regex over one value */
#define DEPTH_LIMIT	1000u
#define HEAP_LIMIT	512u	/* KiB */

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

const char *
pattern_how(const struct pattern *p)
{
	return how_words[p->how];
}

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
		    i > 0 ? ", " : "", ps->v[i].shown, pattern_how(&ps->v[i]),
		    ps->v[i].value);
		n += k < 0 ? 0 : (size_t)k;
	}
}
