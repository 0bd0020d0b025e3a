/*
 * What a validator answered: its verdict, its facts, and what it changes, which
 * is judged as if the device had asked for it.
 */
#include <string.h>

#include "service/validate_int.h"

#define SUBJECT_TEXT	(64u * 1024)

static int
read_overrides(struct work *w, struct asked *a, struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	if (a->answer.profile != NULL && (a->named = conf_profile(
	    w->x->site->conf, a->answer.profile)) == NULL) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"profile\" is not the name "
		    "of a profile");
		return -1;
	}
	if (a->answer.subject == NULL && a->answer.sans == NULL &&
	    a->answer.sid == NULL)
		return 0;
	if (csr_renamed(w->csr, a->answer.subject, a->answer.sans, &a->csr,
	    &why) == 0 && (a->answer.sid == NULL ||
	    csr_set_sid(a->csr, a->answer.sid, &why) == 0))
		return 0;
	err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
	    ERR_VALIDATOR_ANSWER, "%s", why.text);
	return -1;
}

/* What waits is issued as the device asked for it. */
static int
check_hold(const struct work *w, struct err *e)
{
	if (!w->verdict.hold)
		return 0;
	err_set(e, ERR_VALIDATOR_ANSWER, "it changes a request that waits for "
	    "approval");
	return -1;
}

/* A template may have no use for it. */
static int
check_subject(const struct work *w, const struct asked *a, struct err *e)
{
	struct buf granted = BUF_INIT(SUBJECT_TEXT);
	int rc = 0;

	if (a->answer.subject == NULL || w->verdict.made)
		return 0;
	if (name_show(w->verdict.plan.subject, &granted, e) == -1) {
		rc = -1;
	} else if (strcmp(buf_cstr(&granted), a->csr->subject_text) != 0) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"subject\" is not the one "
		    "that the profile makes");
		rc = -1;
	}
	buf_wipe(&granted);
	return rc;
}

/* What it answered is what is granted, or nothing is. */
static int
check_granted(const struct work *w, const struct asked *a, struct err *e)
{
	const struct answer *an = &a->answer;
	const char *sid = w->verdict.plan.sid;

	if (an->sans != NULL && w->verdict.dropped > 0) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"sans\" has a kind that "
		    "the profile does not grant");
		return -1;
	}
	if (an->sid != NULL && strcmp(sid == NULL ? "" : sid, an->sid) != 0) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"sid\" is not one that the "
		    "profile grants");
		return -1;
	}
	return check_subject(w, a, e);
}

/* What the validator wants is judged as if the device had asked for it. */
static int
override(struct work *w, struct asked *a, struct err *e)
{
	if (check_hold(w, e) == -1)
		return -1;
	if (read_overrides(w, a, e) == -1)
		return -1;
	if (work_decide(w, w->presented, e) == -1) {
		err_prefix(e, "as the validator wants it");
		return -1;
	}
	/* The profile that it names may want an operator too. */
	if (check_hold(w, e) == -1)
		return -1;
	return check_granted(w, a, e);
}

static int
take_facts(struct asked *a, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	char **fact;

	buf_init(&a->facts, FACTS_TEXT);
	if (a->answer.verdict == ANSWER_REFUSE)
		return 0;
	for (fact = a->answer.facts; fact != NULL && *fact != NULL; fact++)
		if (fact_add(&a->facts, *fact, &why) == -1) {
			err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
			    ERR_VALIDATOR_ANSWER, "\"facts\": %s", why.text);
			return -1;
		}
	return 0;
}

/* Policy let pass a template that waited for facts, or a renewal whose profile
 * is gone, for a name that has not come. */
static int
check_known(struct work *w, const struct answer *an, struct err *e)
{
	bool awaits = w->verdict.awaits && !answer_overrides(an);
	bool gone = an->profile == NULL && w->verdict.renews &&
	    *w->old_gone != '\0';

	if (an->verdict == ANSWER_REFUSE || (!awaits && !gone))
		return 0;
	return work_decide(w, w->presented, e);
}

int
validate_obey(struct work *w, struct asked *a, struct err *e)
{
	const struct answer *an = &a->answer;

	/* What waits keeps them, whether its profile takes them yet or not. */
	if (take_facts(a, e) == -1 || work_facts(w, e) == -1 ||
	    check_known(w, an, e) == -1)
		return -1;
	switch (an->verdict) {
	case ANSWER_REFUSE:
		/* Guesses are counted, whoever is to tell them. */
		w->wrong = w->wrong || validate_is_unproven(w);
		err_set(e, ERR_VALIDATOR_REFUSED, "%.300s",
		    an->reason != NULL ? an->reason : "no reason given");
		return -1;
	case ANSWER_HOLD:
		if (answer_overrides(an)) {
			err_set(e, ERR_VALIDATOR_ANSWER, "it changes a request "
			    "that it holds");
			return -1;
		}
		w->verdict.hold = true;
		/* Of a secret that it alone knows, this says nothing. */
		if (validate_instead(w))
			w->verdict.spends = false;
		return 0;
	case ANSWER_ISSUE:
		return answer_overrides(an) ? override(w, a, e) : 0;
	}
	err_set(e, ERR_INTERNAL, "verdict");
	return -1;
}
