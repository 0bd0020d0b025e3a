/*
 * Facts: small named texts that a challenge carries, or a validator answers,
 * for the template of a subject. Kept as text, one NAME=value a line. A value
 * is never parsed: it becomes one value of an attribute, or part of one.
 */
#ifndef POLICY_FACT_H
#define POLICY_FACT_H

#include "util/buf.h"
#include "util/err.h"

#define FACT_NAME	32	/* [a-z][a-z0-9_]* */
#define FACT_VALUE	256	/* bytes of UTF-8 that any name may have */
#define FACTS_MAX	16	/* of one challenge, or answer */
/* Bytes of all, and where it is said whose they are. */
#define FACTS_TEXT	(FACTS_MAX * (FACT_NAME + FACT_VALUE + 2))
#define FACTS_WHOSE	(2 * (FACTS_TEXT + FACTS_MAX * 10))

/* Whose a fact is, before its name. */
#define FACT_CHALLENGE	"challenge."
#define FACT_VALIDATOR	"validator."

/* Adds what is written NAME=value to lines of at most FACTS_TEXT: ERR_CONFIG
 * says what is wrong with it, by its name. */
int	 fact_add(struct buf *lines, const char *text, struct err *e);
/* Adds lines, each with whose it is before its name. */
int	 facts_of(const char *whose, const char *lines, struct buf *out,
	    struct err *e);
/* The value of that name; n == 0: there is none. */
struct bytes	 fact_find(const char *lines, const char *name);
/* Whether the word of a template is whose, and the name of a fact. */
bool	 fact_is_word(const char *whose, const char *word);

#endif
