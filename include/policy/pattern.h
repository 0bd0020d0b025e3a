/*
 * Patterns: what the names of a request must be. A list that has any, or the
 * word "none", names all that may appear.
 *
 *	CN exact printer-7		the value is this
 *	dns suffix .example.com		it ends so, with something before
 *	O glob Example*			of fnmatch(3): * ? [...]
 *	CN regex dev-[0-9]{4}		all of it matches, by PCRE2
 *	none				nothing may appear
 *
 * The first word is an attribute type of a subject, or a kind of
 * subjectAltName; sid matches a security identifier without what a URI has
 * before it. The case of dns and email names does not matter. A value with a
 * NUL in it, or that is not UTF-8, matches nothing; one with a * only what is
 * exactly it.
 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "conf/conf.h"
#include "pki/csr.h"

#define PATTERN_MAX	1024	/* bytes of one */
#define PATTERNS_MAX	64	/* in a list */
#define PATTERN_NONE	"none"

enum pattern_of { PATTERN_SUBJECT, PATTERN_SAN };

/* Compiled; used by many threads at once. */
struct patterns;

int	 patterns_new(enum pattern_of, struct patterns **out, struct err *e);
/* ERR_CONFIG says what is wrong with it. */
int	 patterns_add(struct patterns *, const char *text, struct err *e);
void	 patterns_free(struct patterns *);	/* NULL is fine */
/*
 * ERR_CONFIG, and what would do, unless each says whom it is for: it is exact,
 * or fixes a domain of two labels at its end, or for a subject 4 characters of
 * its beginning or end. A regex never does; an empty list and "none" take
 * nothing.
 */
int	 patterns_bind(const struct patterns *, struct err *e);

/* As they were written, with commas between them, "none" or, of NULL, "any"; cut
 * where it would be longer. */
void	 patterns_text(const struct patterns *, char *out, size_t size);

/*
 * ERR_CHALLENGE_SUBJECT or ERR_CHALLENGE_SAN unless each value has a pattern of
 * its type that it matches, and each type that has a pattern has a value. `in`
 * tells which kinds of subjectAltName count: those of the profile, and always
 * those that stand for an account; sid is the one in Windows' extension, or "".
 */
int	 patterns_subject(const struct patterns *, const struct csr *,
	    struct err *e);
/* One value that is made, by the patterns of its type; without any, it may be. */
int	 patterns_value(const struct patterns *, const struct name_value *,
	    struct err *e);
int	 patterns_san(const struct patterns *, const struct sans *,
	    const struct conf_strings *in, const char *sid, struct err *e);

#endif
