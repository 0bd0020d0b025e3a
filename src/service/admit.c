/*
 * Who is let past a lock of its address, and which challenges are not looked at
 * while it has no more guesses. Whoever signs with a certificate of the ledger
 * passes: that costs us the signature alone. A challenge that we drew passes
 * lock and ration too, for nobody hits on one, and a MAC finds it: that costs us
 * to open the envelope, and nothing is stretched. Any other would, if only the
 * right ones were let through, be told from wrong ones, as often as somebody
 * likes.
 */
#include "service/pipeline_int.h"

#define DRAWN_MIN	16	/* hex digits that nobody hits on */

int
step_admit(struct work *w, struct err *e)
{
	bool known;

	if (w->x->locked == 0)
		return 0;
	if (signer_known(w, &known, e) == -1)
		return -1;
	w->stranger = !known;
	/* Those that hold a challenge are opened. */
	return known || w->msg.type == SCEP_PKCSREQ ||
	    w->msg.type == SCEP_RENEWALREQ ? 0 : admit_guess(w, e);
}

int
admit_opened(struct work *w, int rc, struct err *e)
{
	if (!w->stranger)
		return rc;
	if (rc == 0 && admit_drawn(w) && challenge_drawn(w, e) == -1)
		return -1;
	if (w->challenge.name != NULL)
		return 0;
	/* Whatever is wrong with it, nothing is said about that. */
	err_clear(e);
	return admit_guess(w, e);
}

int
admit_guess(const struct work *w, struct err *e)
{
	const struct exchange *x = w->x;

	if (x->locked > 0)
		err_set(e, ERR_LOCKED, "for %lld seconds",
		    (long long)x->locked);
	else if (x->rationed > 0)
		err_set(e, ERR_RATIONED, "for %lld seconds",
		    (long long)x->rationed);
	return x->locked > 0 || x->rationed > 0 ? -1 : 0;
}

bool
admit_drawn(const struct work *w)
{
	return w->csr->challenge.n >= DRAWN_MIN;
}

bool
admit_unseen(const struct work *w)
{
	return w->old != NULL &&
	    w->se->conf->renew_challenge == CONF_RENEW_CHALLENGE_IGNORED;
}
