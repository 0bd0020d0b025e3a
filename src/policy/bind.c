/*
 * Do patterns say whom a challenge is for? What takes any name cannot be told
 * from its text: glob ?*, regex .+ and two regexes that share the alphabet are
 * as open as glob *. So they are asked about made-up names that have nothing in
 * common, of each length.
 */
#include <string.h>

#include "policy/policy_int.h"

#define LONGEST	32u	/* letters made up; a name has seldom more */
#define PARTS	8u	/* of a form */
#define STRANGERS 4u

/* How names of a type look: % is so many letters, & a few, # a number. */
static const struct form {
	const char	*type;		/* NULL: an attribute of a subject */
	const char	*text;
} forms[] = {
	{ NULL,    "%" },
	{ "dns",   "%" },
	{ "dns",   "%.&" },
	{ "email", "%@&.&" },
	{ "upn",   "%@&.&" },
	{ "uri",   "&:%" },
	{ "uri",   "https://%.&/" },
	{ "ip",    "#.#.#.#" },
	{ "ip",    "#:#:#:#:#:#:#:#" },
	{ "sid",   "S-1-5-21-#-#-#-#" },
};

/* No two have a letter in common. */
static const struct stranger {
	const char	*letters[2], *number;
} strangers[STRANGERS] = {
	{ { "qzvmgr", "QZVMGR" }, "10" },
	{ { "wkupht", "WKUPHT" }, "192" },
	{ { "abcdef", "ABCDEF" }, "73" },
	{ { "xjnols", "XJNOLS" }, "8" },
};

static size_t
spell(char *out, const char *letters, size_t n)
{
	size_t i, all = strlen(letters);

	for (i = 0; i < n; i++)
		out[i] = letters[i % all];
	return n;
}

static void
make_up(const struct form *f, const struct stranger *s, bool upper, size_t n,
    char out[PARTS * LONGEST])
{
	const char *c;

	for (c = f->text; *c != '\0'; c++)
		if (*c == '%')
			out += spell(out, s->letters[upper], n);
		else if (*c == '&')
			out += spell(out, s->letters[upper], 4);
		else if (*c == '#')
			out += spell(out, s->number, strlen(s->number));
		else
			*out++ = *c;
	*out = '\0';
}

/* One may be named by chance; two have nothing in common. */
static bool
takes_two(const struct patterns *ps, const char *type, const struct form *f,
    bool upper, size_t n)
{
	char name[PARTS * LONGEST];
	size_t i, taken = 0;

	for (i = 0; i < STRANGERS && taken < 2; i++) {
		make_up(f, &strangers[i], upper, n, name);
		taken += patterns_take(ps, type, name);
	}
	return taken == 2;
}

static bool
is_of(const struct form *f, enum pattern_of of, const char *type)
{
	if (of == PATTERN_SUBJECT)
		return f->type == NULL;
	return f->type != NULL && strcmp(f->type, type) == 0;
}

static bool
takes_strangers(const struct patterns *ps, enum pattern_of of,
    const char *type)
{
	size_t i, n;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		for (n = 1; is_of(&forms[i], of, type) && n <= LONGEST; n++)
			if (takes_two(ps, type, &forms[i], false, n) ||
			    takes_two(ps, type, &forms[i], true, n))
				return true;
	return false;
}

/* Each type is asked about once. */
static bool
is_first(const struct patterns *ps, size_t i, const char *type)
{
	const char *earlier, *shown;
	enum pattern_of of;
	size_t k;

	for (k = 0; k < i && patterns_type(ps, k, &of, &earlier, &shown); k++)
		if (strcmp(earlier, type) == 0)
			return false;
	return true;
}

int
patterns_bind(const struct patterns *ps, struct err *e)
{
	const char *type, *shown;
	enum pattern_of of;
	size_t i;

	for (i = 0; patterns_type(ps, i, &of, &type, &shown); i++)
		if (is_first(ps, i, type) && takes_strangers(ps, of, type)) {
			err_set(e, ERR_CONFIG, "the patterns of %s take names "
			    "that have nothing in common", shown);
			return -1;
		}
	return 0;
}
