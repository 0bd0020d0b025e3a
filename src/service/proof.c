/*
 * What a request shows about whoever sent it, for the guard: that it knows
 * something, or that it guesses.
 */
#include <string.h>

#include "service/pipeline_int.h"

#define GUESS	"challenge_"	/* all such reasons begin with it */

enum exchange_proof
work_proof(const struct work *w, enum err_reason reason)
{
	/* Beside a certificate that renews, a wrong one may be refused for
	 * another reason, and shall not be a free guess. What was approved did
	 * not guess, even if its challenge is gone by now. */
	if (reason != ERR_NONE)
		return w->wrong || (!w->approved && strncmp(err_slug(reason),
		    GUESS, strlen(GUESS)) == 0) ? PROOF_WRONG : PROOF_NONE;
	/* Not what was only repeated, nor what was approved and is asked for
	 * again: anybody can send a copy. And that a validator lets an operator
	 * decide says nothing of a secret that it alone knows. */
	return !w->approved && (w->verdict.spends || w->verdict.renews) &&
	    (w->recorded || w->verdict.hold) ? PROOF_RIGHT : PROOF_NONE;
}
