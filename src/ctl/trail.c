/*
 * How a decision came about, for people: what was asked, in its order, with
 * what it looked at and what it said.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_int.h"
#include "render/text.h"

#define STATE_COLUMN	23	/* behind the longest name but few */

int
ctl_trail_facts(const struct trail *t, struct buf *out)
{
	const char	*key, *value;
	size_t		 i;

	for (i = 0; trail_get_fact(t, i, &key, &value); i++)
		if (ctl_put_line(out, key, value) != 0)
			return -1;
	return 0;
}

/* Policy judges a request as one thing, or as one after the other. */
static int
put_heading(const char *by, struct buf *out)
{
	if (strcmp(by, TRAIL_RENEWAL) == 0)
		return buf_puts(out, "as a renewal\n");
	if (strcmp(by, TRAIL_ENROLLMENT) == 0)
		return buf_puts(out, "as an enrollment\n");
	return 0;
}

/* What refused begins where nothing else does. */
static int
put_step(const struct trail_step *s, struct buf *out)
{
	bool	 bad = s->reason != NULL;
	size_t	 begin = out->n;

	if (buf_puts(out, bad ? ">>> " : "    ") != 0 ||
	    text_line(bytes_str(s->step), out) != 0)
		return -1;
	while (out->n - begin < STATE_COLUMN)
		if (buf_putc(out, ' ') != 0)
			return -1;
	if (buf_puts(out, bad ? " REFUSED  " : " ok  ") != 0 ||
	    text_line(bytes_str(s->input), out) != 0 ||
	    buf_putc(out, '\n') != 0)
		return -1;
	if (!bad)
		return 0;
	if (buf_puts(out, ">>> ") != 0 ||
	    text_line(bytes_str(s->reason), out) != 0 ||
	    (*s->detail != '\0' && buf_puts(out, ": ") != 0) ||
	    text_line(bytes_str(s->detail), out) != 0)
		return -1;
	return buf_putc(out, '\n');
}

int
ctl_trail_steps(const struct trail *t, struct buf *out)
{
	struct trail_step	 s;
	char			 by[16] = TRAIL_SERVICE;
	size_t			 i;

	for (i = 0; trail_get_step(t, i, &s); i++) {
		if (strcmp(s.by, by) != 0 && put_heading(s.by, out) != 0)
			return -1;
		(void)snprintf(by, sizeof(by), "%s", s.by);
		if (put_step(&s, out) != 0)
			return -1;
	}
	return trail_is_cut(t) ? buf_puts(out, "    (more was cut)\n") : 0;
}

/* The refusal as a renewal, of what was then refused as an enrollment too. */
static bool
refused_renewal(const struct trail *t, struct trail_step *out)
{
	struct trail_step	 s, first;
	bool			 found = false, both = false;
	size_t			 i;

	for (i = 0; t != NULL && trail_get_step(t, i, &s); i++) {
		if (s.reason == NULL)
			continue;
		if (strcmp(s.by, TRAIL_RENEWAL) == 0) {
			first = s;
			found = true;
		} else {
			both = found;
		}
	}
	if (both)
		*out = first;
	return both;
}

int
ctl_trail_put_renewal(const struct trail *t, struct buf *out)
{
	struct buf		 text = BUF_INIT(CTL_TEXT_MAX);
	struct trail_step	 s;
	int			 rc = 0;

	if (!refused_renewal(t, &s))
		return 0;
	if (buf_printf(&text, "%s%s%s (%s)", err_what(err_named(s.reason)),
	    *s.detail != '\0' ? ": " : "", s.detail, s.reason) != 0 ||
	    ctl_put_line(out, "as a renewal", buf_cstr(&text)) != 0)
		rc = -1;
	buf_wipe(&text);
	return rc;
}
