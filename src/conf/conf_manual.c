#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"

/*
 * Text for mdoc(7): it is not taken for a macro, begins no escape, and no
 * file name is broken at a hyphen.
 */
static int
put_mdoc(struct buf *out, const char *text)
{
	int bad = 0;

	if (*text == '.' || *text == '\'')
		bad |= buf_puts(out, "\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '-')
			bad |= buf_puts(out, *text == '-' ? "\\-" : "\\e");
		else
			bad |= buf_putc(out, *text);
	}
	return bad == 0 ? 0 : -1;
}

/* One sentence of running text, made of the pieces in a buffer. */
static int
put_sentence(struct buf *out, const struct buf *text)
{
	struct buf safe = BUF_INIT(2048);
	int ret = -1;

	if (put_mdoc(&safe, buf_cstr(text)) == 0 &&
	    conf_print_wrapped(out, "", buf_cstr(&safe)) == 0)
		ret = 0;
	buf_wipe(&safe);
	return ret;
}

static bool
has_default(const struct conf_row *row)
{
	if (row->flags & (CONF_REQUIRED | CONF_SECRET))
		return false;
	return row->text == NULL || *row->text != '\0';
}

/* "Number, 1..5; default 3." */
static int
put_facts(const struct conf_row *row, const void *base, struct buf *text)
{
	int bad;

	bad = buf_puts(text, "Form: ");
	bad |= conf_print_form(row, text);
	if (row->flags & CONF_REQUIRED)
		bad |= buf_puts(text, "; required");
	if (has_default(row)) {
		bad |= buf_puts(text, "; default ");
		bad |= conf_print_value(row, base, text);
		if (row->flags & CONF_FIRST)
			bad |= buf_puts(text, " for the first entry, nothing "
			    "for the others");
	}
	if ((row->flags & CONF_RELOAD) == 0)
		bad |= buf_puts(text, "; a change needs a restart");
	bad |= buf_putc(text, '.');
	return bad == 0 ? 0 : -1;
}

static int
manual_row(const struct conf_row *row, const void *base, struct buf *out)
{
	struct buf help = BUF_INIT(1024), facts = BUF_INIT(1024);
	int ret = -1;

	if (buf_printf(out, ".It Va %s\n", row->path) == 0 &&
	    buf_printf(&help, "%s.", row->help) == 0 &&
	    put_sentence(out, &help) == 0 &&
	    buf_puts(out, ".br\n") == 0 &&
	    put_facts(row, base, &facts) == 0 &&
	    put_sentence(out, &facts) == 0)
		ret = 0;
	buf_wipe(&help);
	buf_wipe(&facts);
	return ret;
}

static int
manual_title(enum conf_part part, struct buf *out)
{
	const struct conf_section *s = &conf_sections[part];

	if (part == CONF_PART_GLOBAL)
		return buf_printf(out, ".Ss Global settings\n%s\n", s->help);
	if (buf_printf(out, ".Ss Entries of %s\n", s->name) != 0)
		return -1;
	return conf_print_wrapped(out, "", s->help);
}

static int
manual_section(enum conf_part part, const void *base, struct buf *out)
{
	const struct conf_section *s = &conf_sections[part];
	size_t i;

	if (manual_title(part, out) != 0 ||
	    buf_puts(out, ".Bl -tag -width Ds\n") != 0)
		return -1;
	for (i = 0; i < s->n; i++)
		if (manual_row(&s->rows[i], base, out) != 0)
			return -1;
	return buf_puts(out, ".El\n");
}

int
conf_manual(struct buf *out)
{
	enum conf_part p;
	void *base;
	int bad = 0;

	for (p = CONF_PART_GLOBAL; p < CONF_PART_COUNT && bad == 0; p++) {
		if ((base = calloc(1, conf_sections[p].size)) == NULL)
			return -1;
		bad = conf_rows_default(p, base);
		if (bad == 0)
			bad = manual_section(p, base, out);
		conf_rows_free(p, base);
		free(base);
	}
	return bad == 0 ? 0 : -1;
}
