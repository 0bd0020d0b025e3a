/*
 * Private to the files of patterns: one of them, read and compiled.
 */
#ifndef POLICY_PATTERN_INT_H
#define POLICY_PATTERN_INT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "policy/policy_int.h"

enum how { EXACT, SUFFIX, GLOB, REGEX, N_HOWS };

struct pattern {
	char		 type[OID_TEXT];	/* OID, or kind of SAN */
	char		*shown;			/* the type as it was written */
	enum how	 how;
	bool		 nocase;
	char		*value;
	pcre2_code	*code;			/* of a regex */
};

struct patterns {
	enum pattern_of		 of;
	struct pattern		 v[PATTERNS_MAX];
	size_t			 n;
	bool			 none;
	pcre2_match_context	*limits;
};

/* The word of how it matches. */
const char	*pattern_how(const struct pattern *);

#endif
