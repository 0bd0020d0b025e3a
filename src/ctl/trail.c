/*
 * How a decision came about, for people and for programs: what was asked, in
 * its order, with what it looked at and what it said.
 */
#include "ctl/ctl_int.h"
#include "render/text.h"

static int
put_heading(const char *as, struct buf *out)
{
	return buf_printf(out, "  as %s %s:\n", *as == 'e' ? "an" : "a", as);
}

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What refused begins where nothing else does. */
int
trail_put(const struct trail_step *s, const char **as, struct buf *out)
{
	bool	 bad = s->reason != NULL;

	if (s->as != NULL && !is_same(s->as, *as) &&
	    put_heading(s->as, out) != 0)
		return -1;
	*as = s->as;
	if (buf_printf(out, "%s %-20s %-8s ", bad ? ">>>" : "   ", s->rule,
	    bad ? "REFUSED" : "passed") != 0 ||
	    text_line(bytes_str(s->input), out) != 0 ||
	    buf_putc(out, '\n') != 0)
		return -1;
	if (!bad)
		return 0;
	if (buf_printf(out, "    %-20s %s: ", "", s->reason) != 0 ||
	    text_line(bytes_str(s->detail), out) != 0)
		return -1;
	return buf_putc(out, '\n');
}

struct json *
trail_json(const struct trail_step *s)
{
	struct json	*d = json_new_object();
	bool		 bad = s->reason != NULL;

	json_add_str(d, "as", s->as);
	json_add_str(d, "rule", s->rule);
	json_add_str(d, "result", bad ? "refused" : "passed");
	json_add_str(d, "input", s->input);
	json_add_str(d, "reason", s->reason);
	json_add_str(d, "detail", bad ? s->detail : NULL);
	return d;
}

struct trail_step
trail_of(const struct policy_step *s)
{
	return (struct trail_step){
		.as = s->as == POLICY_AS_RENEWAL ? "renewal" : "enrollment",
		.rule = s->rule,
		.reason = s->reason == ERR_NONE ? NULL : err_slug(s->reason),
		.input = s->input,
		.detail = s->detail,
	};
}
