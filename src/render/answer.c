#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "render/answer.h"
#include "util/str.h"

#define REASON_LEN	1024
#define SUBJECT_LEN	4096
#define SAN_LEN		1024
#define SID_LEN		127
#define PROFILE_LEN	64
#define FACT_LEN	256
#define DEPTH_MAX	8
#define VALIDITY_LEN	16
#define VALIDITY_MAX	3153600000	/* seconds, as a profile's */

static int
refuse(struct err *e, const char *member, const char *why)
{
	err_set(e, ERR_VALIDATOR_ANSWER, "\"%s\" %s", member, why);
	return -1;
}

/* A copy of a text of at most max bytes; a null is none. */
static int
take_text(const char *member, const json_t *v, size_t max, char **out,
    struct err *e)
{
	if (json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return refuse(e, member, "is no text");
	if (json_string_length(v) > max)
		return refuse(e, member, "is too long");
	if ((*out = strdup(json_string_value(v))) == NULL) {
		err_set(e, ERR_MEMORY, "validator's answer");
		return -1;
	}
	return 0;
}

static int
take_verdict(const json_t *v, struct answer *a, struct err *e)
{
	static const char *const words[] = {
		[ANSWER_ISSUE] = "issue", [ANSWER_REFUSE] = "refuse",
		[ANSWER_HOLD] = "hold"
	};
	size_t i;

	for (i = 0; json_is_string(v) &&
	    i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(json_string_value(v), words[i]) == 0) {
			a->verdict = (enum answer_verdict)i;
			return 0;
		}
	return refuse(e, "verdict", "is not issue, refuse or hold");
}

static int
take_reason(const json_t *v, struct answer *a, struct err *e)
{
	return take_text("reason", v, REASON_LEN, &a->reason, e);
}

static int
take_subject(const json_t *v, struct answer *a, struct err *e)
{
	return take_text("subject", v, SUBJECT_LEN, &a->subject, e);
}

static int
take_sans(const json_t *v, struct answer *a, struct err *e)
{
	size_t i, n = json_array_size(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return refuse(e, "sans", "is no array");
	if (n > ANSWER_SANS)
		return refuse(e, "sans", "is too long");
	if ((a->sans = calloc(n + 1, sizeof(*a->sans))) == NULL) {
		err_set(e, ERR_MEMORY, "validator's answer");
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (take_text("sans", json_array_get(v, i), SAN_LEN,
		    &a->sans[i], e) == -1)
			return -1;
		/* A null among them would end the list early. */
		if (a->sans[i] == NULL)
			return refuse(e, "sans", "has an item that is no text");
	}
	return 0;
}

static int
take_sid(const json_t *v, struct answer *a, struct err *e)
{
	return take_text("sid", v, SID_LEN, &a->sid, e);
}

static int
take_profile(const json_t *v, struct answer *a, struct err *e)
{
	return take_text("profile", v, PROFILE_LEN, &a->profile, e);
}

static int
take_validity(const json_t *v, struct answer *a, struct err *e)
{
	char *text = NULL;
	int64_t seconds = 0;
	int rc;

	if (take_text("validity", v, VALIDITY_LEN, &text, e) == -1)
		return -1;
	if (text == NULL)
		return 0;
	rc = str_duration(text, &seconds);
	free(text);
	if (rc == -1 || seconds < 1 || seconds > VALIDITY_MAX)
		return refuse(e, "validity", "is no duration such as 30d");
	a->validity = seconds;
	return 0;
}

static int
take_fact(const char *name, const json_t *v, char **out, struct err *e)
{
	struct buf text = BUF_INIT(2 * FACT_LEN);

	/* Name and value are told apart by the first = of the line. */
	if (!json_is_string(v) || strpbrk(name, "=\n") != NULL ||
	    buf_printf(&text, "%s=%s", name, json_string_value(v)) == -1) {
		buf_wipe(&text);
		return refuse(e, "facts", "has an item that is no short text");
	}
	*out = str_dup_bytes(buf_bytes(&text));
	buf_wipe(&text);
	if (*out != NULL)
		return 0;
	err_set(e, ERR_MEMORY, "validator's answer");
	return -1;
}

static int
take_facts(const json_t *v, struct answer *a, struct err *e)
{
	size_t i = 0, n = json_object_size(v);
	const char *name;
	const json_t *value;

	if (json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return refuse(e, "facts", "is no object");
	if (n > ANSWER_FACTS)
		return refuse(e, "facts", "is too long");
	if ((a->facts = calloc(n + 1, sizeof(*a->facts))) == NULL) {
		err_set(e, ERR_MEMORY, "validator's answer");
		return -1;
	}
	json_object_foreach((json_t *)(uintptr_t)v, name, value)
		if (take_fact(name, value, &a->facts[i++], e) == -1)
			return -1;
	return 0;
}

static const struct {
	const char	*name;
	int		(*take)(const json_t *, struct answer *, struct err *);
} members[] = {
	{ "verdict",  take_verdict  },
	{ "reason",   take_reason   },
	{ "subject",  take_subject  },
	{ "sans",     take_sans     },
	{ "sid",      take_sid      },
	{ "profile",  take_profile  },
	{ "validity", take_validity },
	{ "facts",    take_facts    },
};

#define N_MEMBERS	(sizeof(members) / sizeof(members[0]))

static int
take_member(const char *name, const json_t *v, enum answer_form form,
    struct answer *a, struct err *e)
{
	/* The first row is the verdict. */
	size_t i = form == ANSWER_WITH_VERDICT ? 0 : 1;

	for (; i < N_MEMBERS; i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].take(v, a, e);
	err_set(e, ERR_VALIDATOR_ANSWER, "has \"%.64s\", which is no member%s",
	    name, strcmp(name, members[0].name) == 0 ? " of a program's: its "
	    "exit code says it" : "");
	return -1;
}

static int
take_object(json_t *object, enum answer_form form, struct answer *a,
    struct err *e)
{
	const char *name;
	json_t *v;

	json_object_foreach(object, name, v)
		if (take_member(name, v, form, a, e) == -1)
			return -1;
	if (form == ANSWER_WITH_VERDICT &&
	    json_object_get(object, "verdict") == NULL)
		return refuse(e, "verdict", "is missing");
	return 0;
}

/* Jansson reads 2048 levels by recursion, on the small stack of a worker. */
static bool
is_deep(struct bytes text)
{
	bool quoted = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < text.n && depth <= DEPTH_MAX; i++) {
		if (quoted && text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text.p[i] == '{' || text.p[i] == '['))
			depth++;
		else if (!quoted && (text.p[i] == '}' || text.p[i] == ']'))
			depth--;
	}
	return depth > DEPTH_MAX;
}

int
answer_read(struct bytes text, enum answer_form form, struct answer *out,
    struct err *e)
{
	struct answer a = { .verdict = ANSWER_ISSUE };
	json_t *object = NULL;
	int rc = -1;

	if (text.n <= ANSWER_MAX && !is_deep(text))
		object = json_loadb((const char *)text.p, text.n,
		    JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object))
		err_set(e, ERR_VALIDATOR_ANSWER, "is no JSON object");
	else
		rc = take_object(object, form, &a, e);
	json_decref(object);
	if (rc == 0)
		*out = a;
	else
		answer_clear(&a);
	return rc;
}

bool
answer_overrides(const struct answer *a)
{
	return a->subject != NULL || a->sans != NULL || a->sid != NULL ||
	    a->profile != NULL || a->validity > 0;
}

static void
texts_free(char **texts)
{
	size_t i;

	for (i = 0; texts != NULL && texts[i] != NULL; i++)
		free(texts[i]);
	free(texts);
}

void
answer_clear(struct answer *a)
{
	texts_free(a->sans);
	texts_free(a->facts);
	free(a->reason);
	free(a->subject);
	free(a->sid);
	free(a->profile);
	*a = (struct answer){ .verdict = ANSWER_ISSUE };
}
