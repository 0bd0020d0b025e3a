/*
 * Who is to be asked about a request, and what the other steps read of what the
 * validator made of it.
 */
#include <string.h>

#include "service/validate_int.h"

const struct conf_validator *
validate_conf(const struct work *w)
{
	return conf_validator(w->x->site->conf, w->se->conf->validator);
}

bool
validate_instead(const struct work *w)
{
	return w->se->validator != NULL &&
	    w->se->conf->validator_challenge == CONF_CHALLENGE_INSTEAD;
}

/* Validators were seen to wave through what had no secret in it at all. */
static bool
is_blank(struct bytes b)
{
	size_t i;

	for (i = 0; i < b.n; i++)
		if (b.p[i] > ' ' && b.p[i] != 0x7f)
			return false;
	return true;
}

enum policy_challenge
validate_presented(const struct work *w)
{
	return is_blank(buf_bytes(&w->csr->challenge)) ?
	    POLICY_CHALLENGE_ABSENT : POLICY_CHALLENGE_MATCH;
}

const struct csr *
validate_csr(const struct work *w)
{
	return w->asked != NULL && w->asked->csr != NULL ? w->asked->csr :
	    w->csr;
}

/* With names that it answers goes the account. */
bool
validate_says_sid(const struct work *w)
{
	const struct asked *a = w->asked;

	return a != NULL && a->csr != NULL && (a->answer.sid != NULL ||
	    a->answer.sans != NULL);
}

bool
validate_says_subject(const struct work *w)
{
	const struct asked *a = w->asked;

	return a != NULL && a->csr != NULL && a->answer.subject != NULL;
}

const struct conf_profile *
validate_profile(const struct work *w)
{
	return w->asked == NULL ? NULL : w->asked->named;
}

const char *
validate_facts(const struct work *w)
{
	return w->asked == NULL ? "" : buf_cstr(&w->asked->facts);
}

int64_t
validate_validity(const struct work *w)
{
	return w->asked == NULL ? 0 : w->asked->answer.validity;
}

const char *
validate_name(const struct work *w)
{
	return w->asked != NULL && w->asked->spoken ? w->se->conf->validator :
	    NULL;
}

const char *
validate_reason(const struct work *w)
{
	return w->asked == NULL ? NULL : w->asked->answer.reason;
}

void
validate_input(const struct work *w, struct buf *out)
{
	static const char *const words[] = {
		[ANSWER_ISSUE] = "issue", [ANSWER_REFUSE] = "refuse",
		[ANSWER_HOLD] = "hold"
	};
	const struct asked *a = w->asked;

	(void)buf_printf(out, "validator=%s", w->se->conf->validator);
	if (!a->answered)
		return;
	(void)buf_printf(out, " verdict=%s changes=%s",
	    words[a->answer.verdict],
	    answer_overrides(&a->answer) ? "yes" : "no");
	if (a->named != NULL)
		(void)buf_printf(out, " profile=%s", a->named->name);
	/* Those of a refusal are its detail. */
	if (a->answer.verdict == ANSWER_HOLD && a->answer.reason != NULL)
		(void)buf_printf(out, " says=\"%.300s\"", a->answer.reason);
}

bool
validate_holds(const struct work *w)
{
	return w->asked != NULL && w->asked->spoken &&
	    w->asked->answer.verdict == ANSWER_HOLD;
}

/* There is a secret that matters, and nobody but the validator can tell it. */
static bool
is_secret_unproven(const struct work *w, bool renews)
{
	return validate_instead(w) &&
	    w->presented == POLICY_CHALLENGE_MATCH && (!renews ||
	    w->se->conf->renew_challenge != CONF_RENEW_CHALLENGE_IGNORED);
}

bool
validate_is_unproven(const struct work *w)
{
	return is_secret_unproven(w, w->verdict.renews);
}

static bool
is_asked(const struct work *w, bool renews)
{
	return w->se->validator != NULL && (!renews ||
	    w->se->conf->validator_renewals || is_secret_unproven(w, renews));
}

bool
validate_is_due(const struct work *w)
{
	return is_asked(w, w->verdict.renews);
}

bool
validate_is_naming(const struct work *w)
{
	return w->asked == NULL && is_asked(w, true);
}

bool
validate_is_asking(const struct work *w)
{
	return w->asked == NULL && !w->approved && is_asked(w, false);
}
