/*
 * What a validator answers, as JSON: text from another program, which is read
 * strictly or not at all.
 *
 *	{ "verdict": "issue" | "refuse" | "hold",
 *	  "reason": "for the log",
 *	  "subject": "CN=…", "sans": ["dns:…"], "sid": "S-1-5-21-…",
 *	  "profile": "…", "validity": "30d", "facts": { "user": "alice" } }
 *
 * All but the verdict may be missing or null. What stands in the texts is
 * judged by those who use it.
 */
#ifndef RENDER_ANSWER_H
#define RENDER_ANSWER_H

#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define ANSWER_MAX	(64u * 1024)	/* bytes of an answer */
#define ANSWER_SANS	64
#define ANSWER_FACTS	16

enum answer_verdict { ANSWER_ISSUE, ANSWER_REFUSE, ANSWER_HOLD };

struct answer {
	enum answer_verdict	 verdict;
	char			*reason;	/* NULL: none, as below */
	char			*subject;
	char			**sans;		/* ends with NULL */
	char			*sid;		/* "": it shall have none */
	char			*profile;
	char			**facts;	/* as user=alice; ends with
						 * NULL */
	int64_t			 validity;	/* seconds; 0: none */
};

/* Whether the verdict stands in the text, or is told in another way. */
enum answer_form { ANSWER_WITH_VERDICT, ANSWER_WITHOUT_VERDICT };

/*
 * ERR_VALIDATOR_ANSWER, without a word of the text, for anything but one JSON
 * object with members as above: other members, doubled ones, other types, texts
 * too long, NULs, bytes that are not UTF-8. Without a verdict, it says ISSUE.
 */
int	 answer_read(struct bytes, enum answer_form, struct answer *out,
	    struct err *e);
/* Whether it asks for anything beside the verdict; facts ask for nothing. */
bool	 answer_overrides(const struct answer *);
void	 answer_clear(struct answer *);

#endif
