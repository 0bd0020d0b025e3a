/*
 * What a name may look like. Certificates outlive us: the names in them become
 * file names, log lines and table cells of programs that we do not know.
 */
#include <string.h>

#include "policy/policy_int.h"

/* Characters that hide, reorder or break text: controls, bidirectional marks,
 * line separators. `p` is valid UTF-8. */
static bool
has_hidden(struct bytes b)
{
	size_t i;

	for (i = 0; i < b.n; i++) {
		if (b.p[i] < 0x20 || b.p[i] == 0x7f)
			return true;
		if (i + 1 < b.n && ((b.p[i] == 0xc2 && b.p[i + 1] < 0xa0) ||
		    (b.p[i] == 0xd8 && b.p[i + 1] == 0x9c)))
			return true;
		if (i + 2 < b.n && b.p[i] == 0xe2 &&
		    ((b.p[i + 1] == 0x80 && (b.p[i + 2] == 0x8e ||
		    b.p[i + 2] == 0x8f || (b.p[i + 2] >= 0xa8 &&
		    b.p[i + 2] <= 0xae))) || (b.p[i + 1] == 0x81 &&
		    b.p[i + 2] >= 0xa6 && b.p[i + 2] <= 0xa9)))
			return true;
	}
	return false;
}

static bool
climbs(struct bytes b)
{
	return memmem(b.p, b.n, "../", 3) != NULL ||
	    memmem(b.p, b.n, "..\\", 3) != NULL;
}

static int
check(struct bytes b, size_t max, enum err_reason reason, const char *what,
    struct err *e)
{
	const char *why = NULL;

	if (b.n == 0)
		why = "is empty";
	else if (b.n > max)
		why = "is too long";
	else if (has_hidden(b))
		why = "holds control characters";
	else if (climbs(b))
		why = "looks like a path that climbs";
	if (why == NULL)
		return 0;
	err_set(e, reason, "%s %s", what, why);
	return -1;
}

int
policy_name_value(const struct name_value *v, struct err *e)
{
	return check(bytes_make(v->text, v->n), NAME_VALUE_MAX, ERR_SUBJECT,
	    v->oid, e);
}

int
policy_san(const struct san *s, struct err *e)
{
	return check(bytes_str(s->text), SAN_TEXT_MAX, ERR_SAN,
	    san_kind_name(s->kind), e);
}
