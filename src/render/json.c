#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/json.h"
#include "render/text.h"
#include "util/clock.h"

struct json {
	json_t	*j;
	bool	 failed;
};

static struct json *
wrap(json_t *j)
{
	struct json	*d;

	if (j == NULL)
		return NULL;
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		json_decref(j);
		return NULL;
	}
	d->j = j;
	return d;
}

struct json *
json_new_object(void)
{
	return wrap(json_object());
}

struct json *
json_new_array(void)
{
	return wrap(json_array());
}

struct json *
json_new_words(char *const *words)
{
	struct json	*a = json_new_array();

	for (; words != NULL && *words != NULL; words++)
		json_add_str(a, NULL, *words);
	return a;
}

struct json *
json_new_lines(const char *lines)
{
	struct json	*a = json_new_array();
	const char	*p = lines;
	size_t		 n;

	while (p != NULL && *p != '\0') {
		n = strcspn(p, "\n");
		json_add_bytes(a, NULL, bytes_make(p, n));
		p += n + (p[n] == '\n');
	}
	return a;
}

void
json_free(struct json *d)
{
	if (d == NULL)
		return;
	json_decref(d->j);
	free(d);
}

/* Eats the value, which may be NULL. */
static void
add(struct json *d, const char *key, json_t *value)
{
	int	 rc;

	if (d == NULL) {
		json_decref(value);
		return;
	}
	if (json_is_array(d->j))
		rc = json_array_append_new(d->j, value);
	else
		rc = json_object_set_new(d->j, key, value);
	if (rc != 0)
		d->failed = true;
}

/* A string of n bytes, which need not be UTF-8. */
static json_t *
string_value(struct bytes s)
{
	struct buf	 b = BUF_INIT(3 * s.n + 1);
	json_t		*v = NULL;

	if (text_utf8(s, &b) == 0)
		v = json_stringn(buf_cstr(&b), b.n);
	buf_wipe(&b);
	return v;
}

void
json_add_str(struct json *d, const char *key, const char *value)
{
	add(d, key, value == NULL ? json_null() :
	    string_value(bytes_str(value)));
}

void
json_add_bytes(struct json *d, const char *key, struct bytes value)
{
	add(d, key, string_value(value));
}

void
json_add_bool(struct json *d, const char *key, bool value)
{
	add(d, key, json_boolean(value));
}

void
json_add_int(struct json *d, const char *key, int64_t value)
{
	add(d, key, json_integer(value));
}

void
json_add_time(struct json *d, const char *key, int64_t when)
{
	char	 text[CLOCK_TEXT_MAX];

	clock_text(when, text);
	add(d, key, json_string(text));
}

void
json_add_time_if(struct json *d, const char *key, bool is, int64_t when)
{
	if (is)
		json_add_time(d, key, when);
	else
		json_add_str(d, key, NULL);
}

void
json_add_take(struct json *d, const char *key, struct json *child)
{
	json_t	*v = NULL;

	/* A child that lacked memory fails its parent: add() refuses NULL. */
	if (child != NULL && !child->failed)
		v = json_incref(child->j);
	json_free(child);
	add(d, key, v);
}

void
json_add_facts(struct json *j, const char *key, const char *lines)
{
	struct json *d = json_new_object();
	char name[64];
	size_t n;

	for (; *lines != '\0'; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "=\n");
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, lines);
		lines += n + (lines[n] == '=');
		n = strcspn(lines, "\n");
		json_add_bytes(d, name, bytes_make(lines, n));
	}
	json_add_take(j, key, d);
}

int
json_print(const struct json *d, enum json_form form, struct buf *out,
    struct err *e)
{
	size_t	 flags = JSON_ENSURE_ASCII;
	char	*text = NULL;
	int	 rc = -1;

	flags |= form == JSON_PRETTY ? JSON_INDENT(2) : 0;
	if (d == NULL || d->failed ||
	    (text = json_dumps(d->j, flags)) == NULL ||
	    buf_puts(out, text) != 0)
		err_set(e, ERR_MEMORY, "JSON text");
	else
		rc = 0;
	/* What is said to a validator may hold a challenge. */
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

struct json *
json_new_cert(const struct json_cert *c)
{
	struct json	*d = json_new_object();

	json_add_str(d, "serial", c->serial);
	json_add_str(d, "subject", c->subject);
	json_add_take(d, "sans", json_new_lines(c->sans));
	json_add_time(d, "not_before", c->not_before);
	json_add_time(d, "not_after", c->not_after);
	json_add_time(d, "issued_at", c->issued_at);
	json_add_time_if(d, "revoked_at", c->revoked, c->revoked_at);
	json_add_str(d, "revoke_reason", c->revoke_reason);
	json_add_str(d, "endpoint", c->endpoint);
	json_add_str(d, "profile", c->profile);
	json_add_str(d, "issuer", c->issuer);
	json_add_str(d, "role", c->role);
	json_add_str(d, "transaction_id", c->txid);
	json_add_str(d, "challenge", c->challenge);
	json_add_str(d, "peer", c->peer);
	json_add_str(d, "supersedes", c->supersedes);
	json_add_str(d, "superseded_by", c->superseded_by);
	json_add_str(d, "migrates", c->migrates);
	if (c->sha256 != NULL)
		json_add_str(d, "sha256", c->sha256);
	if (c->pem != NULL)
		json_add_str(d, "pem", c->pem);
	return d;
}

int
json_list_item(size_t nth, const struct json *d, struct buf *out,
    struct err *e)
{
	if (buf_puts(out, nth == 0 ? "[\n" : ",\n") != 0) {
		err_set(e, ERR_MEMORY, "JSON text");
		return -1;
	}
	return json_print(d, JSON_LINE, out, e);
}

int
json_list_end(size_t n, struct buf *out, struct err *e)
{
	if (buf_puts(out, n == 0 ? "[]" : "\n]") != 0) {
		err_set(e, ERR_MEMORY, "JSON text");
		return -1;
	}
	return 0;
}
