#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"

/* A hash that belongs to no secret. */
#define NOBODY	"\"$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA"		\
	"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

/*
 * What the sample sets; everything else stands there as a comment with its
 * default.
 */
static const struct {
	enum conf_part	 part;
	const char	*path;
	const char	*value;
} given[] = {
	{ CONF_PART_ENDPOINTS, "name", "\"default\"" },
	{ CONF_PART_ENDPOINTS, "ra_cert", "\"ca/ra.pem\"" },
	{ CONF_PART_ENDPOINTS, "ra_key", "\"ca/ra.key\"" },
	{ CONF_PART_ENDPOINTS, "issuer", "\"local\"" },
	{ CONF_PART_ENDPOINTS, "profile", "\"default\"" },
	{ CONF_PART_ENDPOINTS, "challenges", "[ \"lab\" ]" },
	{ CONF_PART_ISSUERS, "name", "\"local\"" },
	{ CONF_PART_ISSUERS, "cert", "\"ca/issuing.pem\"" },
	{ CONF_PART_ISSUERS, "chain", "\"ca/chain.pem\"" },
	{ CONF_PART_ISSUERS, "key", "\"ca/issuing.key\"" },
	{ CONF_PART_PROFILES, "name", "\"default\"" },
	{ CONF_PART_CHALLENGES, "name", "\"lab\"" },
	{ CONF_PART_CHALLENGES, "hash", NOBODY },
	{ CONF_PART_ACCOUNTS, "name", "\"mdm\"" },
	{ CONF_PART_ACCOUNTS, "hash", NOBODY },
	{ CONF_PART_ACCOUNTS, "rights", "[ \"challenge\" ]" },
	{ CONF_PART_VALIDATORS, "name", "\"inventory\"" },
	{ CONF_PART_VALIDATORS, "command",
	    "[ \"/usr/local/bin/ask-inventory\" ]" },
};

static const char head[] =
    "# Configuration of scepd(8); scepd.conf(5) explains it.\n"
    "#\n"
    "# A setting behind \"#\" shows its default. Relative file names start\n"
    "# from the folder of this file. scepd -t checks a changed file, SIGHUP\n"
    "# makes a running scepd take it.\n";

static const char *
given_value(enum conf_part part, const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].part == part && strcmp(given[i].path, path) == 0)
			return given[i].value;
	return NULL;
}

/* Help, form and what a change takes, as a comment. */
static int
sample_comment(const struct conf_row *row, const char *indent,
    struct buf *out)
{
	struct buf text = BUF_INIT(1024);
	char prefix[16];
	int ret = -1;

	memcpy(prefix, indent, strlen(indent));
	memcpy(prefix + strlen(indent), "# ", 3);
	if (conf_print_wrapped(out, prefix, row->help) != 0 ||
	    buf_putc(&text, '(') != 0 || conf_print_form(row, &text) != 0 ||
	    buf_puts(&text, row->flags & CONF_RELOAD ? ")" :
	    "; a change needs a restart)") != 0)
		goto out;
	ret = conf_print_wrapped(out, prefix, buf_cstr(&text));
out:
	buf_wipe(&text);
	return ret;
}

static int
sample_row(const struct conf_printer *pr, const struct conf_row *row,
    const char *indent, struct buf *out)
{
	const char *value = given_value(pr->part, row->path);
	const char *dot = strchr(row->path, '.');
	const char *name = dot == NULL ? row->path : dot + 1;

	/* A blank line between settings, none behind a brace. */
	if (out->n > 1 && out->p[out->n - 2] != '{' && buf_putc(out, '\n') != 0)
		return -1;
	if (sample_comment(row, indent, out) != 0)
		return -1;
	if (value != NULL)
		return buf_printf(out, "%s%s = %s;\n", indent, name, value);
	if (buf_printf(out, "%s#%s = ", indent, name) != 0 ||
	    conf_print_value(row, pr->base, out) != 0)
		return -1;
	return buf_puts(out, ";\n");
}

/* The rows of a section, at their defaults. */
static int
sample_rows(enum conf_part part, const char *indent, struct buf *out)
{
	struct conf_printer pr = {
		.each = sample_row, .air = "\n", .part = part
	};
	void *base;
	int ret = -1;

	if ((base = calloc(1, conf_sections[part].size)) == NULL)
		return -1;
	pr.base = base;
	if (conf_rows_default(part, base) == 0)
		ret = conf_print_rows(&pr, indent, out);
	conf_rows_free(part, base);
	free(base);
	return ret;
}

/* Few have programs that ask for something or are asked. */
static bool
is_optional(enum conf_part part)
{
	return part == CONF_PART_ACCOUNTS || part == CONF_PART_VALIDATORS;
}

static int
sample_list(enum conf_part part, struct buf *out)
{
	const struct conf_section *s = &conf_sections[part];
	bool optional = is_optional(part);

	if (buf_putc(out, '\n') != 0 ||
	    conf_print_wrapped(out, "# ", s->help) != 0 ||
	    (optional && buf_puts(out, "# To use it, remove the line before "
	    "and the one behind.\n/*\n") != 0) ||
	    buf_printf(out, "%s = (\n\t{\n", s->name) != 0 ||
	    sample_rows(part, "\t\t", out) != 0)
		return -1;
	return buf_printf(out, "\t}\n);\n%s", optional ? "*/\n" : "");
}

int
conf_sample(struct buf *out)
{
	enum conf_part p;

	if (buf_puts(out, head) != 0 ||
	    sample_rows(CONF_PART_GLOBAL, "", out) != 0)
		return -1;
	for (p = CONF_PART_GLOBAL + 1; p < CONF_PART_COUNT; p++)
		if (sample_list(p, out) != 0)
			return -1;
	return 0;
}
