/*
 * What a program asks for in JSON. Pure: bytes in, facts out.
 */
#ifndef RENDER_ASK_H
#define RENDER_ASK_H

#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define ASK_NAME	64	/* longest name of an entry */
#define ASK_LINES	16384	/* bytes of a list */

/* POST /api/challenge. What is not given is "" or 0. */
struct ask_challenge {
	char		 name[ASK_NAME + 1];
	char		 endpoint[ASK_NAME + 1];
	char		 profile[ASK_NAME + 1];
	struct buf	 subject;	/* patterns, one a line */
	struct buf	 san;
	struct buf	 facts;		/* as user=alice, one a line */
	int64_t		 ttl;		/* seconds */
	int64_t		 uses;
};

/*
 * Nothing at all, or an object with some of name (without blanks), endpoint,
 * profile (text), subject, san (text, or an array of texts that is not empty),
 * facts (an object of texts), ttl (seconds, or text as "15m") and uses
 * (number). Anything else: ERR_API, and what is wrong with it, without values.
 * *out is always made fit for ask_clear().
 */
int	 ask_challenge(struct bytes json, struct ask_challenge *out,
	    struct err *e);
void	 ask_clear(struct ask_challenge *);

#endif
