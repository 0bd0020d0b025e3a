#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "render/text.h"
#include "render/trail.h"

#define STEPS_MAX	256	/* that are read */

struct trail {
	json_t	*facts;		/* object */
	json_t	*steps;		/* array of objects */
	bool	 cut;
	bool	 failed;
};

struct trail *
trail_new(void)
{
	struct trail *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->facts = json_object();
	t->steps = json_array();
	if (t->facts == NULL || t->steps == NULL) {
		trail_free(t);
		return NULL;
	}
	return t;
}

void
trail_free(struct trail *t)
{
	if (t == NULL)
		return;
	json_decref(t->facts);
	json_decref(t->steps);
	free(t);
}

/* ---- making ---- */

/* At most max bytes of it, and no half of a character. */
static json_t *
text_value(const char *text, size_t max)
{
	struct bytes s = bytes_str(text);
	struct buf b = BUF_INIT(3 * TRAIL_MAX);
	json_t *v = NULL;
	bool long_one = s.n > max;

	if (long_one)
		for (s.n = max; s.n > 0 && (s.p[s.n] & 0xc0) == 0x80; s.n--)
			continue;
	if (text_utf8(s, &b) == 0 && buf_puts(&b, long_one ? "..." : "") == 0)
		v = json_stringn(buf_cstr(&b), b.n);
	buf_wipe(&b);
	return v;
}

/* A NULL for want of memory is an error to jansson too. */
static int
set_text(json_t *o, const char *key, const char *text, size_t max)
{
	if (text == NULL || *text == '\0')
		return 0;
	return json_object_set_new(o, key, text_value(text, max));
}

void
trail_fact(struct trail *t, const char *key, const char *value)
{
	if (t != NULL && set_text(t->facts, key, value, TRAIL_FACT_MAX) != 0)
		t->failed = true;
}

void
trail_names(struct trail *t, const char *key, const char *value)
{
	if (t != NULL && set_text(t->facts, key, value, TRAIL_NAMES_MAX) != 0)
		t->failed = true;
}

void
trail_step(struct trail *t, const struct trail_step *s)
{
	json_t *o;

	if (t == NULL)
		return;
	o = json_object();
	if (o == NULL || set_text(o, "by", s->by, TRAIL_FACT_MAX) != 0 ||
	    set_text(o, "step", s->step, TRAIL_FACT_MAX) != 0 ||
	    set_text(o, "input", s->input, 2 * TRAIL_FACT_MAX) != 0 ||
	    set_text(o, "reason", s->reason, TRAIL_FACT_MAX) != 0 ||
	    set_text(o, "detail", s->detail, 2 * TRAIL_FACT_MAX) != 0 ||
	    json_array_append(t->steps, o) != 0)
		t->failed = true;
	json_decref(o);
}

void
trail_cut(struct trail *t)
{
	if (t != NULL)
		t->cut = true;
}

/* How much is left out of a text that would be too long. */
enum shape { WHOLE, BARE, REFUSALS, NAMELESS, N_SHAPES };

static json_t *
shaped_step(json_t *step, enum shape shape)
{
	json_t *o;

	if (shape == WHOLE || json_object_get(step, "reason") != NULL)
		return json_incref(step);
	if (shape != BARE || (o = json_copy(step)) == NULL)
		return NULL;
	(void)json_object_del(o, "input");
	return o;
}

static json_t *
shaped_steps(const struct trail *t, enum shape shape)
{
	json_t *a = json_array(), *step, *o;
	size_t i;

	json_array_foreach(t->steps, i, step)
		if ((o = shaped_step(step, shape)) != NULL &&
		    json_array_append_new(a, o) != 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

static json_t *
as_object(const struct trail *t, enum shape shape)
{
	json_t *o = json_object();

	if (o == NULL || json_object_set_new(o, "facts", shape == NAMELESS ?
	    json_object() : json_incref(t->facts)) != 0 ||
	    json_object_set_new(o, "steps", shaped_steps(t, shape)) != 0 ||
	    ((t->cut || shape != WHOLE) &&
	    json_object_set_new(o, "cut", json_true()) != 0)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* 1: it is too long. */
static int
print_shaped(const struct trail *t, enum shape shape, struct buf *out)
{
	json_t *o = as_object(t, shape);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	int rc = -1;

	if (text != NULL)
		rc = strlen(text) > TRAIL_MAX ? 1 : buf_puts(out, text);
	free(text);
	json_decref(o);
	return rc;
}

int
trail_print(const struct trail *t, struct buf *out, struct err *e)
{
	int shape, rc = t == NULL || t->failed ? -1 : 1;

	for (shape = WHOLE; rc == 1 && shape < N_SHAPES; shape++)
		rc = print_shaped(t, (enum shape)shape, out);
	if (rc == 0)
		return 0;
	err_set(e, rc == 1 ? ERR_INTERNAL : ERR_MEMORY, "trail");
	return -1;
}

/* ---- reading ---- */

static const char *
member(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static bool
is_step(const json_t *o)
{
	return member(o, "by") != NULL && member(o, "step") != NULL;
}

static bool
is_trail(const json_t *root)
{
	const json_t *facts = json_object_get(root, "facts"), *v;
	const json_t *steps = json_object_get(root, "steps");
	const char *key;
	size_t i;

	if (!json_is_object(facts) || !json_is_array(steps) ||
	    json_array_size(steps) > STEPS_MAX)
		return false;
	json_object_foreach((json_t *)(uintptr_t)facts, key, v)
		if (!json_is_string(v))
			return false;
	json_array_foreach(steps, i, v)
		if (!is_step(v))
			return false;
	return true;
}

int
trail_read(struct bytes text, struct trail **out, struct err *e)
{
	json_t *root = json_loadb((const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES, NULL);
	struct trail *t;

	if (!is_trail(root)) {
		err_set(e, ERR_STORE, "a trail is malformed");
		json_decref(root);
		return -1;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_set(e, ERR_MEMORY, "trail");
		json_decref(root);
		return -1;
	}
	t->facts = json_incref(json_object_get(root, "facts"));
	t->steps = json_incref(json_object_get(root, "steps"));
	t->cut = json_is_true(json_object_get(root, "cut"));
	json_decref(root);
	*out = t;
	return 0;
}

bool
trail_get_fact(const struct trail *t, size_t nth, const char **key,
    const char **value)
{
	void *at = json_object_iter(t->facts);

	for (; at != NULL && nth > 0; nth--)
		at = json_object_iter_next(t->facts, at);
	if (at == NULL)
		return false;
	*key = json_object_iter_key(at);
	*value = json_string_value(json_object_iter_value(at));
	return true;
}

const char *
trail_find(const struct trail *t, const char *key)
{
	return json_string_value(json_object_get(t->facts, key));
}

bool
trail_get_step(const struct trail *t, size_t nth, struct trail_step *out)
{
	const json_t *o = json_array_get(t->steps, nth);

	if (o == NULL)
		return false;
	*out = (struct trail_step){
		.by = member(o, "by"), .step = member(o, "step"),
		.input = member(o, "input"), .reason = member(o, "reason"),
		.detail = member(o, "detail"),
	};
	if (out->input == NULL)
		out->input = "";
	if (out->detail == NULL)
		out->detail = "";
	return true;
}

bool
trail_is_cut(const struct trail *t)
{
	return t->cut;
}

struct json *
trail_json(const struct trail *t)
{
	struct json *d = json_new_object(), *facts = json_new_object(),
	    *steps = json_new_array(), *o;
	const char *key, *value;
	struct trail_step s;
	size_t i;

	for (i = 0; trail_get_fact(t, i, &key, &value); i++)
		json_add_str(facts, key, value);
	for (i = 0; trail_get_step(t, i, &s); i++) {
		o = json_new_object();
		json_add_str(o, "by", s.by);
		json_add_str(o, "step", s.step);
		json_add_str(o, "input", s.input);
		json_add_str(o, "reason", s.reason);
		json_add_str(o, "detail", s.reason == NULL ? NULL : s.detail);
		json_add_take(steps, NULL, o);
	}
	json_add_take(d, "facts", facts);
	json_add_take(d, "steps", steps);
	json_add_bool(d, "cut", t->cut);
	return d;
}
