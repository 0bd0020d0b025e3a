/*
 * How policy came to a verdict: the rules that were asked, in their order, with
 * what each looked at and what it said. For who explains a decision; nothing is
 * decided by it.
 */
#ifndef POLICY_TRACE_H
#define POLICY_TRACE_H

#include <stddef.h>

#include "util/err.h"

/* More than there are rules, asked twice. */
#define POLICY_TRACE_MAX	64
#define POLICY_INPUT_MAX	512

/* What the request was judged as. A PKCSReq whose challenge matches and whose
 * signer has a certificate of ours is judged as a renewal first, and if it is
 * none as an enrollment. */
enum policy_as { POLICY_AS_RENEWAL, POLICY_AS_ENROLLMENT };

struct policy_step {
	enum policy_as	 as;
	const char	*rule;		/* its name, as in scepctl(1) */
	enum err_reason	 reason;	/* ERR_NONE: it let the next one look */
	/* Facts and settings as key=value, blanks between them; UTF-8 without
	 * controls, values with blanks in quotes; never a secret. */
	char		 input[POLICY_INPUT_MAX];
	char		 detail[ERR_TEXT_MAX];	/* of a refusal */
};

struct policy_trace {
	struct policy_step	 v[POLICY_TRACE_MAX];
	size_t			 n;
	bool			 cut;	/* there were more */
};

#endif
