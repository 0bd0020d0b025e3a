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

/* One of those is like the next, and no part says anything. */
static bool
ends_never(const char *end)
{
	(void)end;
	return false;
}

#define LIKE_MAIL	"ann@example.com", "*@example.com"

/* What they must end with, and what would do. */
static const struct kind {
	const char	*type;
	bool		(*ends)(const char *end);
	const char	*exact;
	const char	*glob;		/* NULL: there is none */
} kinds[] = {
	{ "dns", ends_dns, "a.example.com", "*.example.com" },
	{ "email", ends_mail, LIKE_MAIL },
	{ "upn", ends_mail, LIKE_MAIL },
	/* emailAddress, mail and Windows' user names in a subject */
	{ "1.2.840.113549.1.9.1", ends_mail, LIKE_MAIL },
	{ "0.9.2342.19200300.100.1.3", ends_mail, LIKE_MAIL },
	{ "1.3.6.1.4.1.311.20.2.3", ends_mail, LIKE_MAIL },
	{ "uri", ends_never, "https://example.com/a", NULL },
	{ "ip", ends_never, "192.0.2.7", NULL },
	{ "sid", ends_never, "S-1-5-21-1-2-3-1104", NULL },
};
/* All others of a subject may as well begin so. */
static const struct kind attribute = { NULL, ends_value, "laptop-7", "lab-*" };

static const struct kind *
kind_of(const struct pattern *p)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, p->type) == 0)
			return &kinds[i];
	return &attribute;
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

	return glob[begin] == '\0' || k->ends(fixed_end(glob)) ||
	    (k == &attribute && begins_value(glob, begin));
}

static bool
binds(const struct kind *k, const struct pattern *p)
{
	switch (p->how) {
	case EXACT:
		return true;
	case SUFFIX:
		return k->ends(p->value);
	case GLOB:
		return glob_binds(k, p->value);
	default:
		return false;
	}
}

#define OPEN	"\"%s %s %.64s\" leaves open whom it is for: use \"%s exact %s\""
#define WIDER	"; what is wider, and any regex, is for accounts with unbound"

static void
refuse(const struct pattern *p, const struct kind *k, struct err *e)
{
	const char *how = pattern_how(p);

	if (k->glob == NULL)
		err_set(e, ERR_CONFIG, OPEN WIDER, p->shown, how, p->value,
		    p->shown, k->exact);
	else
		err_set(e, ERR_CONFIG, OPEN ", or a glob that fixes %s, such as "
		    "\"%s glob %s\"" WIDER, p->shown, how, p->value, p->shown,
		    k->exact, k == &attribute ? "4 characters" : "a domain",
		    p->shown, k->glob);
}

int
patterns_bind(const struct patterns *ps, struct err *e)
{
	const struct kind *k;
	size_t i;

	for (i = 0; i < ps->n; i++) {
		k = kind_of(&ps->v[i]);
		if (binds(k, &ps->v[i]))
			continue;
		refuse(&ps->v[i], k, e);
		return -1;
	}
	return 0;
}
