/*
 * Rules in a row, and what is noted of each: its inputs before it speaks, by
 * the function beside it in the table, then what it said.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"
#include "util/clock.h"
#include "util/str.h"

#define VALUE_MAX	96	/* bytes of one value, before it is escaped */
#define ESCAPED_MAX	(4 * VALUE_MAX + sizeof("\"...\""))

/* ---- inputs ---- */

/* How many bytes of it are shown; never half a character. */
static size_t
shown(struct bytes v)
{
	size_t n = v.n;

	if (n <= VALUE_MAX)
		return n;
	for (n = VALUE_MAX; n > 0 && (v.p[n] & 0xc0) == 0x80; n--)
		continue;
	return n;
}

static size_t
escape(uint8_t c, bool utf8, char *out)
{
	if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
		return (size_t)snprintf(out, 5, "\\x%02x", c);
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	out[0] = (char)c;
	return 1;
}

static bool
needs_quotes(struct bytes v)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] == '"')
			return true;
	return v.n == 0;
}

static void
quote(struct bytes v, char out[ESCAPED_MAX])
{
	bool utf8 = str_is_utf8(v), quotes = needs_quotes(v);
	size_t end = shown(v), i, n = 0;

	if (quotes)
		out[n++] = '"';
	for (i = 0; i < end; i++)
		n += escape(v.p[i], utf8, out + n);
	(void)snprintf(out + n, ESCAPED_MAX - n, "%s%s", end < v.n ? "..." : "",
	    quotes ? "\"" : "");
}

/* What does not fit is left out as a whole. */
static void
append(struct policy_step *s, const char *key, const char *value)
{
	size_t n = strlen(s->input), room = sizeof(s->input) - n;
	int k = snprintf(s->input + n, room, "%s%s=%s", n > 0 ? " " : "", key,
	    value);

	if (k < 0 || (size_t)k >= room)
		s->input[n] = '\0';
}

void
policy_say(struct policy_step *s, const char *key, const char *value)
{
	char text[ESCAPED_MAX];

	quote(bytes_str(value), text);
	append(s, key, text);
}

void
policy_say_int(struct policy_step *s, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	append(s, key, text);
}

void
policy_say_flag(struct policy_step *s, const char *key, bool value)
{
	append(s, key, value ? "yes" : "no");
}

void
policy_say_time(struct policy_step *s, const char *key, int64_t when)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(when, text);
	append(s, key, text);
}

void
policy_say_for(struct policy_step *s, const char *key, int64_t seconds)
{
	char text[24];

	str_duration_print(seconds, text);
	append(s, key, text);
}

void
policy_say_list(struct policy_step *s, const char *key,
    const struct conf_strings *list)
{
	char text[VALUE_MAX + 4] = "";
	size_t i, n = 0;
	int k;

	for (i = 0; i < list->n && n < sizeof(text); i++) {
		k = snprintf(text + n, sizeof(text) - n, "%s%s",
		    i > 0 ? "," : "", list->v[i]);
		n += k < 0 ? 0 : (size_t)k;
	}
	policy_say(s, key, i == 0 ? "none" : text);
}

void
policy_say_patterns(struct policy_step *s, const char *key,
    const struct patterns *ps)
{
	char text[VALUE_MAX + 4];

	patterns_text(ps, text, sizeof(text));
	policy_say(s, key, text);
}

void
policy_say_sans(struct policy_step *s, const char *key,
    const struct sans *sans)
{
	char text[VALUE_MAX + 4] = "";
	size_t i, n = 0;
	int k;

	for (i = 0; i < sans->n && n < sizeof(text); i++) {
		k = snprintf(text + n, sizeof(text) - n, "%s%s:%s",
		    i > 0 ? "," : "", san_kind_name(sans->v[i].kind),
		    sans->v[i].text);
		n += k < 0 ? 0 : (size_t)k;
	}
	policy_say(s, key, i == 0 ? "none" : text);
}

/* ---- steps ---- */

static const struct policy_step nothing;

/* The next free step, or NULL. */
static struct policy_step *
next_step(struct policy_trace *t, const char *rule, enum policy_as as)
{
	struct policy_step *s;

	if (t == NULL)
		return NULL;
	if (t->n == POLICY_TRACE_MAX) {
		t->cut = true;
		return NULL;
	}
	s = &t->v[t->n++];
	*s = nothing;
	s->rule = rule;
	s->as = as;
	return s;
}

static void
end_step(struct policy_step *s, const struct err *e)
{
	s->reason = e->reason;
	memcpy(s->detail, e->text, sizeof(s->detail));
}

static enum policy_as
as_what(const struct policy_facts *f)
{
	return f->enrolls ? POLICY_AS_ENROLLMENT : POLICY_AS_RENEWAL;
}

void
policy_note(struct policy_trace *t, const char *rule,
    const struct policy_facts *f, const struct err *e)
{
	struct policy_step *s = next_step(t, rule, as_what(f));

	if (s != NULL)
		end_step(s, e);
}

static int
ask(const struct policy_rule *r, const struct policy_facts *f,
    struct policy_trace *t, struct err *e)
{
	struct policy_step *s;
	int rc;

	if (r->many != NULL)
		return r->many(f, t, e);
	s = next_step(t, r->name, as_what(f));
	if (s != NULL && r->inputs != NULL)
		r->inputs(f, s);
	rc = r->check(f, e);
	if (rc == -1 && s != NULL)
		end_step(s, e);
	return rc;
}

int
policy_run(const struct policy_rule *r, size_t n, const struct policy_facts *f,
    struct policy_trace *t, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ask(&r[i], f, t, e) == -1)
			return -1;
	return 0;
}
