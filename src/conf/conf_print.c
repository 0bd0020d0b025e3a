#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "conf/conf_int.h"
#include "util/str.h"

#define COLUMNS		76
#define TAB_COLUMNS	8

/* As a libconfig string. */
static int
put_quoted(struct buf *out, const char *text)
{
	int bad = buf_putc(out, '"');

	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			bad |= buf_putc(out, '\\');
		bad |= buf_putc(out, *text);
	}
	bad |= buf_putc(out, '"');
	return bad == 0 ? 0 : -1;
}

static int
put_list(struct buf *out, const struct conf_strings *list)
{
	int bad = buf_putc(out, '[');
	size_t i;

	for (i = 0; i < list->n; i++) {
		bad |= buf_puts(out, i == 0 ? "" : ", ");
		bad |= put_quoted(out, list->v[i]);
	}
	bad |= buf_putc(out, ']');
	return bad == 0 ? 0 : -1;
}

static int
put_word(struct buf *out, const char *words, int i)
{
	struct bytes w = conf_word(words, i);

	return buf_printf(out, "\"%.*s\"", (int)w.n, (const char *)w.p);
}

void
conf_duration(int64_t seconds, char out[CONF_DURATION_LEN])
{
	size_t n;

	str_duration_print(seconds, out);
	n = strlen(out);
	if (isdigit((unsigned char)out[n - 1]))
		memcpy(out + n, "s", 2);
}

int
conf_print_value(const struct conf_row *row, const void *base,
    struct buf *out)
{
	const void *at = conf_row_at(row, base);
	char duration[CONF_DURATION_LEN];
	int64_t n;

	switch (row->kind) {
	case CONF_KIND_STR:
	case CONF_KIND_PATH:
		return put_quoted(out, *(char *const *)at);
	case CONF_KIND_INT:
		n = *(const int64_t *)at;
		return buf_printf(out, "%" PRId64 "%s", n,
		    n > INT32_MAX || n < INT32_MIN ? "L" : "");
	case CONF_KIND_DUR:
		conf_duration(*(const int64_t *)at, duration);
		return put_quoted(out, duration);
	case CONF_KIND_BOOL:
		return buf_puts(out, *(const bool *)at ? "true" : "false");
	case CONF_KIND_ENUM:
		return put_word(out, row->words, *(const int *)at);
	case CONF_KIND_LIST:
		return put_list(out, at);
	}
	return -1;
}

static int
put_words(struct buf *out, const char *words)
{
	int bad = 0, i;

	for (i = 0; conf_word(words, i).n > 0; i++) {
		bad |= buf_puts(out, i == 0 ? "" : ", ");
		bad |= put_word(out, words, i);
	}
	return bad == 0 ? 0 : -1;
}

static int
put_list_form(const struct conf_row *row, struct buf *out)
{
	if (buf_printf(out, "list of up to %" PRId64, row->max) != 0)
		return -1;
	if (*row->words == '\0')
		return buf_puts(out, " texts");
	return buf_puts(out, " of ") != 0 ? -1 : put_words(out, row->words);
}

int
conf_print_form(const struct conf_row *row, struct buf *out)
{
	char min[CONF_DURATION_LEN], max[CONF_DURATION_LEN];

	switch (row->kind) {
	case CONF_KIND_STR:
		return buf_printf(out, "text of up to %" PRId64 " characters",
		    row->max);
	case CONF_KIND_PATH:
		return buf_puts(out, "file");
	case CONF_KIND_INT:
		return buf_printf(out, "number, %" PRId64 "..%" PRId64,
		    row->min, row->max);
	case CONF_KIND_DUR:
		conf_duration(row->min, min);
		conf_duration(row->max, max);
		return buf_printf(out, "duration, %s..%s", min, max);
	case CONF_KIND_BOOL:
		return buf_puts(out, "true or false");
	case CONF_KIND_ENUM:
		return buf_puts(out, "one of ") != 0 ? -1 :
		    put_words(out, row->words);
	case CONF_KIND_LIST:
		return put_list_form(row, out);
	}
	return -1;
}

/* Bytes of text that fit into width, cut at a blank where there is one. */
static size_t
line_length(const char *text, size_t width)
{
	size_t n = strlen(text), cut;

	if (n <= width)
		return n;
	for (cut = width; cut > 0 && text[cut] != ' '; cut--)
		continue;
	return cut > 0 ? cut : strcspn(text, " ");
}

int
conf_print_wrapped(struct buf *out, const char *prefix, const char *text)
{
	size_t n, left = COLUMNS;

	for (n = 0; prefix[n] != '\0'; n++)
		left -= prefix[n] == '\t' ? TAB_COLUMNS : 1;
	while (*text != '\0') {
		n = line_length(text, left);
		if (buf_printf(out, "%s%.*s\n", prefix, (int)n, text) != 0)
			return -1;
		text += n;
		text += strspn(text, " ");
	}
	return 0;
}

/* Length of the name of a row's group, 0 if it is in none. */
static size_t
group_length(const struct conf_row *row)
{
	const char *dot = row == NULL ? NULL : strchr(row->path, '.');

	return dot == NULL ? 0 : (size_t)(dot - row->path);
}

static bool
same_group(const struct conf_row *a, const struct conf_row *b)
{
	size_t n = group_length(a);

	return n == group_length(b) &&
	    (n == 0 || strncmp(a->path, b->path, n) == 0);
}

/* The braces between two rows that follow each other; NULL: none. */
static int
print_braces(const struct conf_printer *pr, const struct conf_row *before,
    const struct conf_row *row, const char *indent, struct buf *out)
{
	int bad = 0;

	if (same_group(before, row))
		return 0;
	if (group_length(before) > 0)
		bad |= buf_printf(out, "%s};\n", indent);
	if (group_length(row) > 0)
		bad |= buf_printf(out, "%s%s%.*s:\n%s{\n", pr->air, indent,
		    (int)group_length(row), row->path, indent);
	return bad == 0 ? 0 : -1;
}

int
conf_print_rows(const struct conf_printer *pr, const char *indent,
    struct buf *out)
{
	const struct conf_section *s = &conf_sections[pr->part];
	const struct conf_row *row, *before = NULL;
	char deeper[16];
	size_t i, n = strlen(indent);

	memcpy(deeper, indent, n);
	memcpy(deeper + n, "\t", 2);
	for (i = 0; i < s->n; i++, before = row) {
		row = &s->rows[i];
		if (print_braces(pr, before, row, indent, out) != 0 ||
		    pr->each(pr, row, group_length(row) > 0 ? deeper : indent,
		    out) != 0)
			return -1;
	}
	return print_braces(pr, before, NULL, indent, out);
}

static int
dump_row(const struct conf_printer *pr, const struct conf_row *row,
    const char *indent, struct buf *out)
{
	const char *name = row->path + group_length(row);

	name += *name == '.';
	if (row->flags & CONF_SECRET) {
		if (**(char *const *)conf_row_at(row, pr->base) == '\0')
			return 0;
		return buf_printf(out, "%s# %s = (secret)\n", indent, name);
	}
	if (buf_printf(out, "%s%s = ", indent, name) != 0 ||
	    conf_print_value(row, pr->base, out) != 0)
		return -1;
	return buf_puts(out, ";\n");
}

static int
dump_list(const struct conf *c, enum conf_part part, struct buf *out)
{
	struct conf_printer pr = { .each = dump_row, .air = "", .part = part };
	size_t i, n = conf_count(c, part);

	if (buf_printf(out, "%s = (\n", conf_sections[part].name) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		pr.base = conf_entry_const(c, part, i);
		if (buf_puts(out, "\t{\n") != 0 ||
		    conf_print_rows(&pr, "\t\t", out) != 0 ||
		    buf_puts(out, i + 1 < n ? "\t},\n" : "\t}\n") != 0)
			return -1;
	}
	return buf_puts(out, ");\n");
}

int
conf_dump(const struct conf *c, struct buf *out)
{
	struct conf_printer pr = {
		.each = dump_row, .air = "", .part = CONF_PART_GLOBAL,
		.base = c
	};
	enum conf_part p;

	if (conf_print_rows(&pr, "", out) != 0)
		return -1;
	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		if (conf_count(c, p) > 0 && dump_list(c, p, out) != 0)
			return -1;
	return 0;
}
