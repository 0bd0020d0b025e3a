#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "util/file.h"

#define TEXT_MAX	(FILE_MAX + FILE_MAX / 8)	/* with the marks */
#define NAME_MAX_SHOWN	128

/* The setting with a dotted path below a group; NULL if there is none. */
static const config_setting_t *
lookup(const config_setting_t *group, const char *path)
{
	char name[NAME_MAX_SHOWN];
	size_t n;

	while (group != NULL && *path != '\0') {
		n = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		group = config_setting_is_group(group) ?
		    config_setting_get_member(group, name) : NULL;
		path += n + (path[n] == '.');
	}
	return group;
}

/* The innermost setting that a spot is in, for its line. */
static const config_setting_t *
spot_setting(struct conf_reader *r, struct conf_spot at)
{
	const config_setting_t *s = config_root_setting(&r->tree), *in;

	if (at.part != CONF_PART_GLOBAL) {
		in = config_setting_get_member(s, conf_sections[at.part].name);
		if (in == NULL)
			return s;
		s = in;
		if (at.i == CONF_NO_ENTRY)
			return s;
		in = config_setting_get_elem(s, (unsigned)at.i);
		s = in == NULL ? s : in;
	}
	in = lookup(s, at.path);
	return in == NULL ? s : in;
}

static void
spot_name(struct conf_spot at, char *out, size_t size)
{
	const char *list = conf_sections[at.part].name;

	if (at.part == CONF_PART_GLOBAL)
		snprintf(out, size, "%s", at.path);
	else if (at.i == CONF_NO_ENTRY)
		snprintf(out, size, "%s", list);
	else
		snprintf(out, size, "%s[%zu]%s%s", list, at.i,
		    *at.path == '\0' ? "" : ".", at.path);
}

static void __attribute__((format(printf, 4, 0)))
refuse(struct conf_reader *r, struct conf_spot at, enum err_reason reason,
    const char *fmt, va_list ap)
{
	unsigned line = config_setting_source_line(spot_setting(r, at));
	char name[NAME_MAX_SHOWN], text[ERR_TEXT_MAX];

	spot_name(at, name, sizeof(name));
	vsnprintf(text, sizeof(text), fmt, ap);
	err_set(r->e, reason, "%s:%u: %s: %s", r->conf->file,
	    line == 0 ? 1 : line, name, text);
}

int
conf_refuse(struct conf_reader *r, struct conf_spot at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse(r, at, ERR_CONFIG, fmt, ap);
	va_end(ap);
	return -1;
}

int
conf_refuse_as(struct conf_reader *r, struct conf_spot at,
    enum err_reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse(r, at, reason, fmt, ap);
	va_end(ap);
	return -1;
}

/* Whether a name of the top level is one of the lists. */
static bool
is_list_name(const char *name)
{
	enum conf_part p;

	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		if (strcmp(conf_sections[p].name, name) == 0)
			return true;
	return false;
}

static int	check_names(struct conf_reader *, struct conf_spot,
		    const config_setting_t *);

/* Refuses a setting whose name no row has; at.path is the full one. */
static int
check_name(struct conf_reader *r, struct conf_spot at,
    const config_setting_t *s)
{
	if (conf_row_find(at.part, at.path) != NULL)
		return 0;
	if (at.part == CONF_PART_GLOBAL && is_list_name(at.path))
		return 0;
	if (!conf_row_is_group(at.part, at.path))
		return conf_refuse(r, at, "unknown setting; correct its name "
		    "or remove it");
	if (!config_setting_is_group(s))
		return conf_refuse(r, at, "wrong type; expects a group, "
		    "as in %s: { ... };", at.path);
	return check_names(r, at, s);
}

static int
check_names(struct conf_reader *r, struct conf_spot at,
    const config_setting_t *group)
{
	const config_setting_t *s;
	char path[NAME_MAX_SHOWN];
	struct conf_spot below = { at.part, at.i, path };
	int i;

	for (i = 0; i < config_setting_length(group); i++) {
		s = config_setting_get_elem(group, (unsigned)i);
		snprintf(path, sizeof(path), "%s%s%s", at.path,
		    *at.path == '\0' ? "" : ".", config_setting_name(s));
		if (check_name(r, below, s) != 0)
			return -1;
	}
	return 0;
}

static int
read_rows(struct conf_reader *r, struct conf_spot at,
    const config_setting_t *group, void *base)
{
	const struct conf_section *s = &conf_sections[at.part];
	const struct conf_row *row;
	const config_setting_t *value;

	if (check_names(r, at, group) != 0)
		return -1;
	if (conf_rows_default(at.part, base) != 0) {
		err_set(r->e, ERR_MEMORY, "%s", r->conf->file);
		return -1;
	}
	for (row = s->rows; row < s->rows + s->n; row++) {
		at.path = row->path;
		if ((value = lookup(group, row->path)) == NULL) {
			if (row->flags & CONF_REQUIRED)
				return conf_refuse(r, at, "is missing; "
				    "it has no default and must be given");
			continue;
		}
		if (conf_value_set(r, at, row, value, base) != 0)
			return -1;
		if (at.part == CONF_PART_GLOBAL)
			r->conf->lines[row - s->rows] =
			    (int)config_setting_source_line(value);
	}
	return 0;
}

static int
read_entry(struct conf_reader *r, struct conf_spot at,
    const config_setting_t *group)
{
	char *base = conf_entry(r->conf, at.part, at.i);
	int line = (int)config_setting_source_line(group);

	memcpy(base + conf_sections[at.part].line_at, &line, sizeof(line));
	if (!config_setting_is_group(group))
		return conf_refuse(r, at, "wrong type; expects a group, "
		    "as in { name = \"default\"; }");
	return read_rows(r, at, group, base);
}

static int
make_entries(struct conf_reader *r, enum conf_part part, size_t n)
{
	const struct conf_section *s = &conf_sections[part];
	char *entries;

	if ((entries = calloc(n, s->size)) == NULL) {
		err_set(r->e, ERR_MEMORY, "%s", r->conf->file);
		return -1;
	}
	memcpy((char *)r->conf + s->entries_at, &entries, sizeof(entries));
	memcpy((char *)r->conf + s->count_at, &n, sizeof(n));
	return 0;
}

static int
read_list(struct conf_reader *r, enum conf_part part)
{
	const char *name = conf_sections[part].name;
	const config_setting_t *list;
	struct conf_spot at = { part, CONF_NO_ENTRY, "" };
	size_t n;

	list = config_setting_get_member(config_root_setting(&r->tree), name);
	if (list == NULL && conf_sections[part].optional)
		return 0;
	if (list == NULL)
		return conf_refuse(r, at, "is missing; add at least one entry,"
		    " as in %s = ( { ... } );", name);
	if (!config_setting_is_list(list))
		return conf_refuse(r, at, "wrong type; expects a list of "
		    "groups, as in %s = ( { ... }, { ... } );", name);
	n = (size_t)config_setting_length(list);
	if (n == 0 && conf_sections[part].optional)
		return 0;
	if (n == 0 || n > CONF_ENTRIES_MAX)
		return conf_refuse(r, at, "has %zu entries; give 1 to %d", n,
		    CONF_ENTRIES_MAX);
	if (make_entries(r, part, n) != 0)
		return -1;
	for (at.i = 0; at.i < n; at.i++)
		if (read_entry(r, at, config_setting_get_elem(list,
		    (unsigned)at.i)) != 0)
			return -1;
	return 0;
}

static int
read_all(struct conf_reader *r)
{
	struct conf_spot at = { CONF_PART_GLOBAL, 0, "" };
	enum conf_part p;

	if (read_rows(r, at, config_root_setting(&r->tree), r->conf) != 0)
		return -1;
	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		if (read_list(r, p) != 0)
			return -1;
	return conf_check(r);
}

/* The file's absolute name, which relative PATH settings start from. */
static char *
absolute(const char *path)
{
	char *folder, *name = NULL;

	if (*path == '/')
		return strdup(path);
	if ((folder = getcwd(NULL, 0)) == NULL)
		return NULL;
	if (asprintf(&name, "%s/%s", folder, path) == -1)
		name = NULL;
	free(folder);
	return name;
}

static int
parse(struct conf_reader *r)
{
	struct buf raw = BUF_INIT(FILE_MAX), text = BUF_INIT(TEXT_MAX);
	const char *file = r->conf->file;
	int ret = -1;

	if (file_read(file, &raw, r->e) != 0 ||
	    conf_text(file, buf_bytes(&raw), &text, r->e) != 0)
		goto out;
	if (config_read_string(&r->tree, buf_cstr(&text)) != CONFIG_TRUE) {
		err_set(r->e, ERR_CONFIG, "%s:%d: %s; correct it, here or "
		    "just before", file, config_error_line(&r->tree),
		    config_error_text(&r->tree));
		goto out;
	}
	ret = 0;
out:
	buf_wipe(&text);
	buf_wipe(&raw);
	return ret;
}

int
conf_load(const char *path, struct conf **out, struct err *e)
{
	struct conf_reader r = { .e = e };
	int ret = -1;

	config_init(&r.tree);
	r.base = absolute(path);
	r.conf = calloc(1, sizeof(*r.conf));
	if (r.base == NULL || r.conf == NULL ||
	    (r.conf->file = strdup(path)) == NULL ||
	    (r.conf->lines = calloc(conf_sections[CONF_PART_GLOBAL].n,
	    sizeof(int))) == NULL) {
		err_set(e, ERR_MEMORY, "%s", path);
		goto out;
	}
	if (parse(&r) != 0 || read_all(&r) != 0)
		goto out;
	*out = r.conf;
	r.conf = NULL;
	ret = 0;
out:
	conf_free(r.conf);
	free(r.base);
	config_destroy(&r.tree);
	return ret;
}
