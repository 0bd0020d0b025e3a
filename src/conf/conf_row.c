#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "util/str.h"

/* The rows of conf.def once more, this time as data. */
#define STR(f, p, def, longest, fl, h)					\
	{ .kind = CONF_KIND_STR, .path = (p), .at = offsetof(OWNER, f),	\
	  .text = (def), .max = (longest), .flags = (fl), .help = (h) },
#define PATH(f, p, def, fl, h)						\
	{ .kind = CONF_KIND_PATH, .path = (p), .at = offsetof(OWNER, f), \
	  .text = (def), .max = CONF_PATH_LEN, .flags = (fl), .help = (h) },
#define INT(f, p, def, least, most, fl, h)				\
	{ .kind = CONF_KIND_INT, .path = (p), .at = offsetof(OWNER, f),	\
	  .num = (def), .min = (least), .max = (most), .flags = (fl),	\
	  .help = (h) },
#define DUR(f, p, def, least, most, fl, h)				\
	{ .kind = CONF_KIND_DUR, .path = (p), .at = offsetof(OWNER, f),	\
	  .num = (def), .min = (least), .max = (most), .flags = (fl),	\
	  .help = (h) },
#define BOOL(f, p, def, fl, h)						\
	{ .kind = CONF_KIND_BOOL, .path = (p), .at = offsetof(OWNER, f), \
	  .num = (def), .flags = (fl), .help = (h) },
#define ENUM(f, p, def, w, fl, h)					\
	{ .kind = CONF_KIND_ENUM, .path = (p), .at = offsetof(OWNER, f), \
	  .text = (def), .words = (w), .flags = (fl), .help = (h) },
#define LIST(f, p, def, most, w, fl, h)					\
	{ .kind = CONF_KIND_LIST, .path = (p), .at = offsetof(OWNER, f), \
	  .text = (def), .max = (most), .words = (w), .flags = (fl),	\
	  .help = (h) },

#define CONF_GLOBAL
#define OWNER	struct conf
static const struct conf_row global_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_GLOBAL

#define CONF_ENDPOINT
#define OWNER	struct conf_endpoint
static const struct conf_row endpoint_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_ENDPOINT

#define CONF_ISSUER
#define OWNER	struct conf_issuer
static const struct conf_row issuer_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_ISSUER

#define CONF_PROFILE
#define OWNER	struct conf_profile
static const struct conf_row profile_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_PROFILE

#define CONF_CHALLENGE
#define OWNER	struct conf_challenge
static const struct conf_row challenge_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_CHALLENGE

#define CONF_ACCOUNT
#define OWNER	struct conf_account
static const struct conf_row account_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_ACCOUNT

#define CONF_VALIDATOR
#define OWNER	struct conf_validator
static const struct conf_row validator_rows[] = {
#include "conf/conf.def"
};
#undef OWNER
#undef CONF_VALIDATOR

#define SECTION(list, one, none, h)					\
	{ .name = #list, .help = (h), .optional = (none),		\
	  .rows = one##_rows,						\
	  .n = sizeof(one##_rows) / sizeof(one##_rows[0]),		\
	  .size = sizeof(struct conf_##one),				\
	  .entries_at = offsetof(struct conf, list),			\
	  .count_at = offsetof(struct conf, n_##list),			\
	  .line_at = offsetof(struct conf_##one, line) }

const struct conf_section conf_sections[CONF_PART_COUNT] = {
	[CONF_PART_GLOBAL] = { .name = "", .help = "The server as a whole.",
	    .rows = global_rows,
	    .n = sizeof(global_rows) / sizeof(global_rows[0]),
	    .size = sizeof(struct conf) },
	[CONF_PART_ENDPOINTS] = SECTION(endpoints, endpoint, false,
	    "What devices enroll at: URL paths, and what belongs to them."),
	[CONF_PART_ISSUERS] = SECTION(issuers, issuer, false,
	    "Who makes the certificates."),
	[CONF_PART_PROFILES] = SECTION(profiles, profile, false,
	    "What the certificates look like, and which requests may have "
	    "one."),
	[CONF_PART_CHALLENGES] = SECTION(challenges, challenge, true,
	    "Shared secrets that let a device enroll, each as a hash or in "
	    "the clear. scepctl challenge add makes others."),
	[CONF_PART_ACCOUNTS] = SECTION(accounts, account, true,
	    "Who may use admin.listen."),
	[CONF_PART_VALIDATORS] = SECTION(validators, validator, true,
	    "Programs and servers that are asked whether a device may have "
	    "its certificate."),
};

size_t
conf_count(const struct conf *c, enum conf_part part)
{
	size_t n = 1;

	if (part != CONF_PART_GLOBAL)
		memcpy(&n, (const char *)c + conf_sections[part].count_at,
		    sizeof(n));
	return n;
}

void *
conf_entry(struct conf *c, enum conf_part part, size_t i)
{
	const struct conf_section *s = &conf_sections[part];
	char *all;

	if (part == CONF_PART_GLOBAL)
		return c;
	memcpy(&all, (const char *)c + s->entries_at, sizeof(all));
	return all + i * s->size;
}

const void *
conf_entry_const(const struct conf *c, enum conf_part part, size_t i)
{
	const struct conf_section *s = &conf_sections[part];
	const char *all;

	if (part == CONF_PART_GLOBAL)
		return c;
	memcpy(&all, (const char *)c + s->entries_at, sizeof(all));
	return all + i * s->size;
}

const char *
conf_entry_name(const struct conf *c, enum conf_part part, size_t i)
{
	return *(char *const *)conf_row_at(&conf_sections[part].rows[0],
	    conf_entry_const(c, part, i));
}

const void *
conf_entry_find(const struct conf *c, enum conf_part part, const char *name)
{
	size_t i;

	for (i = 0; i < conf_count(c, part); i++)
		if (strcmp(conf_entry_name(c, part, i), name) == 0)
			return conf_entry_const(c, part, i);
	return NULL;
}

static void *
field(const struct conf_row *row, void *base)
{
	return (char *)base + row->at;
}

char **
conf_row_text(const struct conf_row *row, void *base)
{
	return field(row, base);
}

int64_t *
conf_row_num(const struct conf_row *row, void *base)
{
	return field(row, base);
}

bool *
conf_row_bool(const struct conf_row *row, void *base)
{
	return field(row, base);
}

int *
conf_row_enum(const struct conf_row *row, void *base)
{
	return field(row, base);
}

struct conf_strings *
conf_row_list(const struct conf_row *row, void *base)
{
	return field(row, base);
}

const void *
conf_row_at(const struct conf_row *row, const void *base)
{
	return (const char *)base + row->at;
}

const struct conf_row *
conf_row_find(enum conf_part part, const char *path)
{
	const struct conf_section *s = &conf_sections[part];
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->rows[i].path, path) == 0)
			return &s->rows[i];
	return NULL;
}

bool
conf_row_is_group(enum conf_part part, const char *name)
{
	const struct conf_section *s = &conf_sections[part];
	size_t i, n = strlen(name);

	for (i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].path, name, n) == 0 &&
		    s->rows[i].path[n] == '.')
			return true;
	return false;
}

static int
default_list(const struct conf_row *row, void *base)
{
	struct conf_strings *list = conf_row_list(row, base);
	const char *p = row->text;
	size_t n;

	if ((list->v = calloc(1, sizeof(*list->v))) == NULL)
		return -1;
	for (; *p != '\0'; p += n + strspn(p + n, " ")) {
		n = strcspn(p, " ");
		if (conf_strings_add(list, bytes_make(p, n)) != 0)
			return -1;
	}
	return 0;
}

static int
row_default(const struct conf_row *row, void *base)
{
	switch (row->kind) {
	case CONF_KIND_STR:
	case CONF_KIND_PATH:
		*conf_row_text(row, base) = strdup(row->text);
		return *conf_row_text(row, base) == NULL ? -1 : 0;
	case CONF_KIND_INT:
	case CONF_KIND_DUR:
		*conf_row_num(row, base) = row->num;
		return 0;
	case CONF_KIND_BOOL:
		*conf_row_bool(row, base) = row->num != 0;
		return 0;
	case CONF_KIND_ENUM:
		*conf_row_enum(row, base) = conf_word_index(row->words,
		    row->text);
		return 0;
	case CONF_KIND_LIST:
		return default_list(row, base);
	}
	return -1;
}

int
conf_rows_default(enum conf_part part, void *base)
{
	const struct conf_section *s = &conf_sections[part];
	size_t i;

	for (i = 0; i < s->n; i++)
		if (row_default(&s->rows[i], base) != 0)
			return -1;
	return 0;
}

void
conf_rows_free(enum conf_part part, void *base)
{
	const struct conf_section *s = &conf_sections[part];
	const struct conf_row *row;
	char *text;
	size_t i;

	for (i = 0; i < s->n; i++) {
		row = &s->rows[i];
		if (row->kind == CONF_KIND_LIST)
			conf_strings_free(conf_row_list(row, base));
		if (row->kind != CONF_KIND_STR && row->kind != CONF_KIND_PATH)
			continue;
		text = *conf_row_text(row, base);
		if (text != NULL && row->flags & CONF_SECRET)
			explicit_bzero(text, strlen(text));
		free(text);
	}
}

static bool
list_equal(const struct conf_strings *a, const struct conf_strings *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool
conf_row_equal(const struct conf_row *row, const void *base1,
    const void *base2)
{
	const void *a = conf_row_at(row, base1), *b = conf_row_at(row, base2);

	switch (row->kind) {
	case CONF_KIND_STR:
	case CONF_KIND_PATH:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	case CONF_KIND_INT:
	case CONF_KIND_DUR:
		return *(const int64_t *)a == *(const int64_t *)b;
	case CONF_KIND_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_KIND_ENUM:
		return *(const int *)a == *(const int *)b;
	case CONF_KIND_LIST:
		return list_equal(a, b);
	}
	return false;
}

int
conf_word_index(const char *words, const char *word)
{
	struct bytes w;
	int i;

	for (i = 0; (w = conf_word(words, i)).n > 0; i++)
		if (bytes_eq(w, bytes_str(word)))
			return i;
	return -1;
}

struct bytes
conf_word(const char *words, int i)
{
	for (; i > 0 && *words != '\0'; i--) {
		words += strcspn(words, "|");
		words += *words == '|';
	}
	return bytes_make(words, strcspn(words, "|"));
}

int
conf_strings_add(struct conf_strings *list, struct bytes text)
{
	char **v, *copy;

	if ((copy = str_dup_bytes(text)) == NULL)
		return -1;
	if ((v = realloc(list->v, (list->n + 2) * sizeof(*v))) == NULL) {
		free(copy);
		return -1;
	}
	v[list->n++] = copy;
	v[list->n] = NULL;
	list->v = v;
	return 0;
}

void
conf_strings_clear(struct conf_strings *list)
{
	while (list->n > 0) {
		free(list->v[--list->n]);
		list->v[list->n] = NULL;
	}
}

void
conf_strings_free(struct conf_strings *list)
{
	conf_strings_clear(list);
	free(list->v);
	list->v = NULL;
}
