/*
 * Challenges as text and JSON. Their values are nowhere to be shown.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "render/text.h"
#include "util/clock.h"

int
challenge_join(const struct conf_strings *list, char **out, struct err *e)
{
	struct buf	 b = BUF_INIT(CTL_TEXT_MAX);
	char		*text = NULL;
	size_t		 i;
	int		 rc = 0;

	for (i = 0; rc == 0 && i < list->n; i++)
		rc = buf_printf(&b, "%s%s", i > 0 ? "\n" : "", list->v[i]);
	if (rc == 0)
		text = strdup(buf_cstr(&b));
	buf_wipe(&b);
	if (text == NULL) {
		err_set(e, ERR_MEMORY, "challenge");
		return -1;
	}
	*out = text;
	return 0;
}

const char *
challenge_state(const struct challenge_shown *s)
{
	const struct challenge	*c = s->row;

	if (c->disabled)
		return "disabled";
	if (c->expires != 0 && s->now >= c->expires)
		return "expired";
	if (c->uses != 0 && s->use->used >= c->uses)
		return "spent";
	return s->now < c->not_before ? "not yet" : "active";
}

/* ---- JSON ---- */

/* 0 means that there is none. */
static void
add_time(struct json *d, const char *key, int64_t when)
{
	json_add_time_if(d, key, when != 0, when);
}

static void
add_uses(struct json *d, const struct challenge_shown *s)
{
	int64_t	 uses = s->row->uses, used = s->use->used;

	if (uses == 0) {
		json_add_str(d, "uses", NULL);
		json_add_str(d, "left", NULL);
	} else {
		json_add_int(d, "uses", uses);
		json_add_int(d, "left", used < uses ? uses - used : 0);
	}
	json_add_int(d, "used", s->use->issued);
	json_add_int(d, "in_flight", used - s->use->issued);
	add_time(d, "last_used", s->use->last);
}

struct json *
challenge_json(const struct challenge_shown *s)
{
	const struct challenge	*c = s->row;
	struct json		*d = json_new_object();

	json_add_str(d, "name", c->name);
	json_add_str(d, "from", c->id == 0 ? "scepd.conf" : "store");
	json_add_str(d, "state", challenge_state(s));
	json_add_take(d, "endpoints", json_new_lines(c->endpoints));
	json_add_str(d, "profile", *c->profile == '\0' ? NULL : c->profile);
	json_add_take(d, "subject", json_new_lines(c->subject));
	json_add_take(d, "san", json_new_lines(c->san));
	json_add_take(d, "key_types", json_new_lines(c->key_types));
	json_add_facts(d, "facts", c->facts);
	add_uses(d, s);
	add_time(d, "not_before", c->not_before);
	add_time(d, "expires", c->expires);
	add_time(d, "created", c->created);
	json_add_str(d, "created_by", *c->created_by == '\0' ? NULL :
	    c->created_by);
	add_time(d, "disabled_at", c->disabled_at);
	return d;
}

/* ---- for people ---- */

static void
print_uses(const struct challenge_shown *s, char *out, size_t size)
{
	if (s->row->uses == 0)
		(void)snprintf(out, size, "%lld", (long long)s->use->used);
	else
		(void)snprintf(out, size, "%lld/%lld",
		    (long long)s->use->used, (long long)s->row->uses);
}

/* The entries on one line. */
static int
put_commas(const char *lines, struct buf *out)
{
	size_t	 n;

	for (; *lines != '\0'; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		if (text_line(bytes_make(lines, n), out) != 0 ||
		    (lines[n] == '\n' && buf_putc(out, ',') != 0))
			return -1;
	}
	return 0;
}

int
challenge_row(const struct challenge_shown *s, struct buf *out)
{
	const struct challenge	*c = s->row;
	char			 uses[48], when[CLOCK_TEXT_MAX] = "-";
	struct buf		 name = BUF_INIT(1024);
	int			 rc;

	print_uses(s, uses, sizeof(uses));
	if (c->expires != 0)
		clock_text(c->expires, when);
	rc = text_line(bytes_str(c->name), &name);
	if (rc == 0)
		rc = buf_printf(out, "%-20s  %-8s  %-9s  %-20s  ",
		    buf_cstr(&name), challenge_state(s), uses, when);
	if (rc == 0)
		rc = put_commas(c->endpoints, out);
	if (rc == 0)
		rc = buf_putc(out, '\n');
	buf_wipe(&name);
	return rc;
}

/* One line for each entry. */
static int
put_lines(struct buf *out, const char *name, const char *lines)
{
	char	 line[1100];
	size_t	 n;

	for (; *lines != '\0'; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		(void)snprintf(line, sizeof(line), "%.*s", (int)n, lines);
		if (ctl_put_line(out, name, line) != 0)
			return -1;
	}
	return 0;
}

static int
put_time(struct buf *out, const char *name, int64_t when)
{
	return when == 0 ? 0 : ctl_put_time(out, name, when);
}

int
challenge_facts(const struct challenge_shown *s, struct buf *out)
{
	const struct challenge	*c = s->row;
	char			 uses[48];

	print_uses(s, uses, sizeof(uses));
	if (ctl_put_line(out, "name", c->name) != 0 ||
	    ctl_put_line(out, "from", c->id == 0 ? "scepd.conf" :
	    "store") != 0 ||
	    ctl_put_line(out, "state", challenge_state(s)) != 0 ||
	    put_lines(out, "endpoint", c->endpoints) != 0 ||
	    put_lines(out, "profile", c->profile) != 0 ||
	    put_lines(out, "subject", c->subject) != 0 ||
	    put_lines(out, "san", c->san) != 0 ||
	    put_lines(out, "key_type", c->key_types) != 0 ||
	    put_lines(out, "fact", c->facts) != 0 ||
	    ctl_put_line(out, "uses", uses) != 0 ||
	    put_time(out, "last_used", s->use->last) != 0 ||
	    put_time(out, "not_before", c->not_before) != 0 ||
	    put_time(out, "expires", c->expires) != 0 ||
	    put_time(out, "created", c->created) != 0 ||
	    put_lines(out, "created_by", c->created_by) != 0 ||
	    put_time(out, "disabled_at", c->disabled_at) != 0)
		return -1;
	return 0;
}
