#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "util/file.h"
#include "util/str.h"

#define CREDENTIAL	"credential:"
#define GIVEN_LEN	80

/* Where a value comes from and goes to. */
struct value {
	struct conf_reader	*r;
	struct conf_spot	 at;
	const struct conf_row	*row;
	const config_setting_t	*from;
	void			*base;
};

static int
no_memory(const struct value *v)
{
	err_set(v->r->e, ERR_MEMORY, "%s", v->r->conf->file);
	return -1;
}

static int
wrong_type(const struct value *v, const char *expected)
{
	return conf_refuse(v->r, v->at, "wrong type; expects %s", expected);
}

/*
 * Every text but a secret is shown in logs and pages some day, so it is UTF-8
 * without control characters. The value itself is never told: a secret may
 * stand in the wrong place.
 */
static int
check_text(const struct value *v, const char *text, size_t longest)
{
	const char *p;

	if (strlen(text) > longest)
		return conf_refuse(v->r, v->at, "is longer than %zu "
		    "characters; shorten it", longest);
	if (v->row->flags & CONF_SECRET)
		return 0;
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return conf_refuse(v->r, v->at, "contains a control "
			    "character; remove it");
	if (!str_is_utf8(bytes_str(text)))
		return conf_refuse(v->r, v->at, "is not UTF-8; save the file "
		    "as UTF-8");
	return 0;
}

/* A text with a default, or without which nothing works, is never empty. */
static int
check_empty(const struct value *v, bool empty)
{
	if (!empty)
		return 0;
	if (v->row->flags & CONF_REQUIRED)
		return conf_refuse(v->r, v->at, "is empty; give a value");
	if (v->row->flags & CONF_OFF)
		return conf_refuse(v->r, v->at, "is empty; give a value, the "
		    "word " CONF_NONE " for none, or remove the line");
	if (v->row->kind != CONF_KIND_LIST && *v->row->text != '\0')
		return conf_refuse(v->r, v->at, "is empty; give a value or "
		    "remove the line");
	return 0;
}

static void
take_text(const struct value *v, char *text)
{
	char **field = conf_row_text(v->row, v->base);

	free(*field);
	*field = text;
}

/* *text is borrowed from the tree. */
static int
get_text(const struct value *v, const char **text)
{
	const char *s;

	if (config_setting_type(v->from) != CONFIG_TYPE_STRING)
		return wrong_type(v, "text in double quotes");
	s = config_setting_get_string(v->from);
	if (check_text(v, s, (size_t)v->row->max) != 0 ||
	    check_empty(v, *s == '\0') != 0)
		return -1;
	*text = s;
	return 0;
}

static int
set_text(const struct value *v)
{
	const char *text;
	char *copy;

	if (get_text(v, &text) != 0)
		return -1;
	if ((copy = strdup(text)) == NULL)
		return no_memory(v);
	take_text(v, copy);
	return 0;
}

/* The file of a systemd credential, yours; NULL if there cannot be one. */
static char *
credential(const struct value *v, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *file = NULL;

	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL) {
		conf_refuse(v->r, v->at, "%s needs a plain name behind it; "
		    "give that of LoadCredential=", CREDENTIAL);
		return NULL;
	}
	if (folder == NULL || *folder != '/') {
		conf_refuse(v->r, v->at, "no credentials in this environment; "
		    "run under systemd with LoadCredential=%s:FILE", name);
		return NULL;
	}
	if (asprintf(&file, "%s/%s", folder, name) == -1) {
		no_memory(v);
		return NULL;
	}
	return file;
}

/* The complete path, yours; NULL if there is none. */
static char *
complete(const struct value *v, const char *text)
{
	char *path;

	if (strncmp(text, CREDENTIAL, strlen(CREDENTIAL)) == 0)
		return credential(v, text + strlen(CREDENTIAL));
	path = *text == '\0' ? strdup("") : file_beside(v->r->base, text);
	if (path == NULL)
		no_memory(v);
	return path;
}

static int
set_path(const struct value *v)
{
	const char *text;
	char *path;

	if (get_text(v, &text) != 0 || (path = complete(v, text)) == NULL)
		return -1;
	take_text(v, path);
	return 0;
}

static bool
is_integer(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ||
	    config_setting_type(s) == CONFIG_TYPE_INT64;
}

static int64_t
integer(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ?
	    config_setting_get_int(s) : config_setting_get_int64(s);
}

static int
set_number(const struct value *v)
{
	int64_t n;

	if (!is_integer(v->from))
		return wrong_type(v, "a whole number");
	n = integer(v->from);
	if (n < v->row->min || n > v->row->max)
		return conf_refuse(v->r, v->at, "%" PRId64 " is out of range %"
		    PRId64 "..%" PRId64 "; choose a value within it", n,
		    v->row->min, v->row->max);
	*conf_row_num(v->row, v->base) = n;
	return 0;
}

static int
set_duration(const struct value *v)
{
	static const char expected[] =
	    "seconds or a duration such as \"30s\", \"15m\", \"24h\", \"30d\", "
	    "\"2w\", \"1y\"";
	char min[CONF_DURATION_LEN], max[CONF_DURATION_LEN];
	int64_t n;

	if (is_integer(v->from))
		n = integer(v->from);
	else if (config_setting_type(v->from) != CONFIG_TYPE_STRING ||
	    str_duration(config_setting_get_string(v->from), &n) != 0)
		return wrong_type(v, expected);
	if (n < v->row->min || n > v->row->max) {
		conf_duration(v->row->min, min);
		conf_duration(v->row->max, max);
		return conf_refuse(v->r, v->at, "%" PRId64 " seconds are out "
		    "of range %s..%s; choose a value within it", n, min, max);
	}
	*conf_row_num(v->row, v->base) = n;
	return 0;
}

static int
set_bool(const struct value *v)
{
	if (config_setting_type(v->from) != CONFIG_TYPE_BOOL)
		return wrong_type(v, "true or false");
	*conf_row_bool(v->row, v->base) =
	    config_setting_get_bool(v->from) != CONFIG_FALSE;
	return 0;
}

/* given: what stands there instead, behind a blank; or "" */
static int
unknown_word(const struct value *v, const char *given)
{
	struct buf words = BUF_INIT(ERR_TEXT_MAX);
	struct bytes w;
	int i;

	for (i = 0; (w = conf_word(v->row->words, i)).n > 0; i++)
		if (buf_printf(&words, "%s\"%.*s\"", i == 0 ? "" : ", ",
		    (int)w.n, (const char *)w.p) != 0)
			break;
	conf_refuse(v->r, v->at, "unknown word%s; choose from %s", given,
	    buf_cstr(&words));
	buf_wipe(&words);
	return -1;
}

static int
set_enum(const struct value *v)
{
	int i;

	if (config_setting_type(v->from) != CONFIG_TYPE_STRING)
		return wrong_type(v, "a word in double quotes");
	i = conf_word_index(v->row->words,
	    config_setting_get_string(v->from));
	if (i < 0)
		return unknown_word(v, "");
	*conf_row_enum(v->row, v->base) = i;
	return 0;
}

/* Which one of many is told: no list holds secrets. */
static int
unknown_item(const struct value *v, const char *text)
{
	char given[GIVEN_LEN];

	(void)snprintf(given, sizeof(given), " \"%.64s\"", text);
	return unknown_word(v, given);
}

static int
add_path(const struct value *v, const char *text, struct conf_strings *list)
{
	char *path = complete(v, text);
	int rc;

	if (path == NULL)
		return -1;
	rc = conf_strings_add(list, bytes_str(path));
	free(path);
	return rc == 0 ? 0 : no_memory(v);
}

static int
add_item(const struct value *v, const config_setting_t *item,
    struct conf_strings *list)
{
	const char *text;

	if (config_setting_type(item) != CONFIG_TYPE_STRING)
		return wrong_type(v, "a list of texts, as in [ \"a\", \"b\" ]");
	text = config_setting_get_string(item);
	if (check_text(v, text, CONF_ITEM_LEN) != 0)
		return -1;
	if (*text == '\0')
		return conf_refuse(v->r, v->at, "has an empty item; remove "
		    "it");
	if (*v->row->words != '\0' && conf_word_index(v->row->words, text) < 0)
		return unknown_item(v, text);
	if (v->row->flags & CONF_PATHS)
		return add_path(v, text, list);
	return conf_strings_add(list, bytes_str(text)) == 0 ? 0 :
	    no_memory(v);
}

static int
add_items(const struct value *v, struct conf_strings *list)
{
	int i, n;

	if (!config_setting_is_array(v->from) &&
	    !config_setting_is_list(v->from))
		return wrong_type(v, "a list of texts, as in [ \"a\", \"b\" ]");
	n = config_setting_length(v->from);
	if (n > v->row->max)
		return conf_refuse(v->r, v->at, "has %d items, at most %"
		    PRId64 " are possible; remove some", n, v->row->max);
	if (check_empty(v, n == 0) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (add_item(v, config_setting_get_elem(v->from, (unsigned)i),
		    list) != 0)
			return -1;
	return 0;
}

static int
set_list(const struct value *v)
{
	struct conf_strings list = { .v = NULL, .n = 0 };
	struct conf_strings *field = conf_row_list(v->row, v->base);

	if ((list.v = calloc(1, sizeof(*list.v))) == NULL)
		return no_memory(v);
	if (add_items(v, &list) != 0) {
		conf_strings_free(&list);
		return -1;
	}
	conf_strings_free(field);
	*field = list;
	return 0;
}

int
conf_value_set(struct conf_reader *r, struct conf_spot at,
    const struct conf_row *row, const config_setting_t *from, void *base)
{
	static int (*const set[])(const struct value *) = {
		[CONF_KIND_STR] = set_text, [CONF_KIND_PATH] = set_path,
		[CONF_KIND_INT] = set_number, [CONF_KIND_DUR] = set_duration,
		[CONF_KIND_BOOL] = set_bool, [CONF_KIND_ENUM] = set_enum,
		[CONF_KIND_LIST] = set_list
	};
	struct value v = { r, at, row, from, base };

	return set[row->kind](&v);
}
