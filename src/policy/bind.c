/*
 * Do patterns say whom a challenge is for? That is told by their form: names
 * that they are tried with are never those that somebody else thinks of. What a
 * pattern fixes must be a name, or enough of one's beginning or end.
 */
#include <string.h>

#include "policy/pattern_int.h"

#define FIXED_MIN	4u	/* characters of an attribute's value */
#define LABELS_MIN	2u	/* .com is everybody's */
#define SPECIAL		"*?[]\\"	/* to fnmatch(3) */

/* Labels with dots between them, as in example.com. */
static bool
is_domain(const char *text)
{
	size_t n, labels = 0;

	for (;; text++) {
		if ((n = strcspn(text, ".")) == 0)
			return false;
		labels++;
		text += n;
		if (*text == '\0')
			return labels >= LABELS_MIN;
	}
}

static bool
ends_dns(const char *end)
{
	const char *dot = strchr(end, '.');

	return dot != NULL && is_domain(dot + 1);
}

/* All that is behind the @, or behind a dot of that. */
static bool
ends_mail(const char *end)
{
	const char *at = strrchr(end, '@');

	return at != NULL ? is_domain(at + 1) : ends_dns(end);
}

/* Of UTF-8. */
static size_t
characters(const char *text, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < size; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* A value may be a host's name, or a user's: then its domain is what counts. */
static bool
ends_value(const char *end)
{
	return characters(end, strlen(end)) >= FIXED_MIN &&
	    (strpbrk(end, ".@") == NULL || ends_mail(end));
}

static bool
begins_value(const char *text, size_t size)
{
	return characters(text, size) >= FIXED_MIN &&
	    strcspn(text, ".@") >= size;
}

#define WANTS_MAIL "an end that is a whole domain of two labels, as in suffix " \
    "@example.com"

/* What they must end with. */
static const struct kind {
	const char	*type;
	bool		(*ends)(const char *end);
	const char	*wants;
} kinds[] = {
	{ "dns", ends_dns, "an end of two whole labels, as in suffix "
	    ".example.com" },
	{ "email", ends_mail, WANTS_MAIL },
	{ "upn", ends_mail, WANTS_MAIL },
	/* emailAddress, mail and Windows' user names in a subject */
	{ "1.2.840.113549.1.9.1", ends_mail, WANTS_MAIL },
	{ "0.9.2342.19200300.100.1.3", ends_mail, WANTS_MAIL },
	{ "1.3.6.1.4.1.311.20.2.3", ends_mail, WANTS_MAIL },
};
/* All others of a subject may as well begin so. */
static const struct kind attribute = { NULL, ends_value, "a glob or suffix "
    "with 4 characters at its beginning, none of them . or @, or at its end, "
    "from a . or @ on a domain of two labels" };

/* NULL: of those one is like the next, and no part says anything. */
static const struct kind *
kind_of(const struct patterns *ps, const struct pattern *p)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, p->type) == 0)
			return &kinds[i];
	return ps->of == PATTERN_SUBJECT ? &attribute : NULL;
}

/* Behind the last that stands for something else. */
static const char *
fixed_end(const char *glob)
{
	const char *end = glob;

	for (; *glob != '\0'; glob++)
		if (strchr(SPECIAL, *glob) != NULL)
			end = glob + 1;
	return end;
}

static bool
glob_binds(const struct kind *k, const char *glob)
{
	size_t begin = strcspn(glob, SPECIAL);

	return glob[begin] == '\0' || (k != NULL && (k->ends(fixed_end(glob)) ||
	    (k == &attribute && begins_value(glob, begin))));
}

static bool
binds(const struct kind *k, const struct pattern *p)
{
	switch (p->how) {
	case EXACT:
		return true;
	case SUFFIX:
		return k != NULL && k->ends(p->value);
	case GLOB:
		return glob_binds(k, p->value);
	default:
		return false;
	}
}

int
patterns_bind(const struct patterns *ps, struct err *e)
{
	const struct pattern *p;
	const struct kind *k;
	size_t i;

	for (i = 0; i < ps->n; i++) {
		p = &ps->v[i];
		k = kind_of(ps, p);
		if (binds(k, p))
			continue;
		err_set(e, ERR_CONFIG, "\"%s %s %.64s\" leaves open whom it is "
		    "for: give %s exact%s%s; what is wider, and any regex, is "
		    "for accounts with unbound", p->shown, pattern_how(p),
		    p->value, p->shown, k == NULL ? "" : ", or ",
		    k == NULL ? "" : k->wants);
		return -1;
	}
	return 0;
}
