#include <jansson.h>
#include <string.h>

#include "render/ask.h"
#include "util/str.h"

#define TTL_MAX		(365 * 86400)
#define USES_MAX	1000000000

static int
refuse(const char *key, const char *want, struct err *e)
{
	err_set(e, ERR_API, "\"%s\": expects %s", key, want);
	return -1;
}

/* A text on one line, as the store and the log have it. */
static bool
is_line(const json_t *v)
{
	const char	*s = json_string_value(v);
	size_t		 n = s == NULL ? 0 : json_string_length(v), i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return n > 0;
}

static int
read_name(const json_t *v, const char *key, char out[ASK_NAME + 1],
    struct err *e)
{
	if (!is_line(v) || json_string_length(v) > ASK_NAME)
		return refuse(key, "the name of an entry", e);
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

/* As it stands in records and logs. */
static int
read_new_name(const json_t *v, const char *key, char out[ASK_NAME + 1],
    struct err *e)
{
	if (is_line(v) && strchr(json_string_value(v), ' ') != NULL)
		return refuse(key, "a name without blanks", e);
	return read_name(v, key, out, e);
}

static int
read_lines(const json_t *v, const char *key, struct buf *out, struct err *e)
{
	size_t		 i, n = json_is_array(v) ? json_array_size(v) : 1;
	const json_t	*line;

	/* A list that came out empty must not become no limit at all. */
	if (n == 0)
		return refuse(key, "a pattern, or an array of patterns", e);
	for (i = 0; i < n; i++) {
		line = json_is_array(v) ? json_array_get(v, i) : v;
		if (!is_line(line))
			return refuse(key, "a pattern, or an array of "
			    "patterns", e);
		if (buf_printf(out, "%s%s", i == 0 ? "" : "\n",
		    json_string_value(line)) == -1)
			return refuse(key, "less", e);
	}
	return 0;
}

static int
read_facts(const json_t *v, struct buf *out, struct err *e)
{
	const char	*name;
	const json_t	*value;

	if (!json_is_object(v))
		return refuse("facts", "an object of texts", e);
	json_object_foreach((json_t *)(uintptr_t)v, name, value) {
		if (!is_line(value) || strpbrk(name, "=\n") != NULL)
			return refuse("facts", "an object of texts", e);
		if (buf_printf(out, "%s%s=%s", out->n == 0 ? "" : "\n", name,
		    json_string_value(value)) == -1)
			return refuse("facts", "less", e);
	}
	return 0;
}

static int
read_ttl(const json_t *v, int64_t *out, struct err *e)
{
	int64_t	 t = 0;

	if (json_is_integer(v))
		t = json_integer_value(v);
	else if (!is_line(v) || str_duration(json_string_value(v), &t) != 0)
		t = 0;
	if (t < 1 || t > TTL_MAX)
		return refuse("ttl", "seconds or a text as \"15m\", up to a "
		    "year", e);
	*out = t;
	return 0;
}

static int
read_uses(const json_t *v, int64_t *out, struct err *e)
{
	if (!json_is_integer(v) || json_integer_value(v) < 1 ||
	    json_integer_value(v) > USES_MAX)
		return refuse("uses", "a number from 1 to 1000000000", e);
	*out = json_integer_value(v);
	return 0;
}

static int
read_member(const char *key, const json_t *v, struct ask_challenge *out,
    struct err *e)
{
	if (json_is_null(v)) {
		err_set(e, ERR_API, "\"%.64s\": is null; leave it out", key);
		return -1;
	}
	if (strcmp(key, "name") == 0)
		return read_new_name(v, key, out->name, e);
	if (strcmp(key, "endpoint") == 0)
		return read_name(v, key, out->endpoint, e);
	if (strcmp(key, "profile") == 0)
		return read_name(v, key, out->profile, e);
	if (strcmp(key, "subject") == 0)
		return read_lines(v, key, &out->subject, e);
	if (strcmp(key, "san") == 0)
		return read_lines(v, key, &out->san, e);
	if (strcmp(key, "facts") == 0)
		return read_facts(v, &out->facts, e);
	if (strcmp(key, "ttl") == 0)
		return read_ttl(v, &out->ttl, e);
	if (strcmp(key, "uses") == 0)
		return read_uses(v, &out->uses, e);
	err_set(e, ERR_API, "\"%.64s\": there is no such member", key);
	return -1;
}

/* Without jansson's own words, which repeat some of the text. */
static void
refuse_text(const json_t *root, const json_error_t *why, struct err *e)
{
	if (root != NULL) {
		err_set(e, ERR_API, "not a JSON object, but another value");
		return;
	}
	switch (json_error_code(why)) {
	case json_error_duplicate_key:
		err_set(e, ERR_API, "not a JSON object: a member stands there "
		    "twice, before line %d, column %d", why->line,
		    why->column);
		break;
	case json_error_premature_end_of_input:
		err_set(e, ERR_API, "not a JSON object: it ends too early");
		break;
	default:
		err_set(e, ERR_API, "not a JSON object: wrong at line %d, "
		    "column %d", why->line, why->column);
		break;
	}
}

int
ask_challenge(struct bytes text, struct ask_challenge *out, struct err *e)
{
	json_error_t	 why;
	json_t		*root, *v;
	const char	*key;
	int		 r = 0;

	*out = (struct ask_challenge){ .subject = BUF_INIT(ASK_LINES),
	    .san = BUF_INIT(ASK_LINES), .facts = BUF_INIT(ASK_LINES) };
	if (text.n == 0)
		return 0;
	root = json_loadb((const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES, &why);
	if (root == NULL || !json_is_object(root)) {
		refuse_text(root, &why, e);
		json_decref(root);
		return -1;
	}
	json_object_foreach(root, key, v)
		if (r == 0)
			r = read_member(key, v, out, e);
	json_decref(root);
	return r;
}

void
ask_clear(struct ask_challenge *a)
{
	buf_wipe(&a->subject);
	buf_wipe(&a->san);
	buf_wipe(&a->facts);
}
