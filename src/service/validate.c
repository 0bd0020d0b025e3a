/*
 * The step between authorize and reserve: what policy let pass is shown to the
 * endpoint's validator, and what that makes of it goes through policy again.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "service/doors_int.h"
#include "service/pipeline_int.h"
#include "service/teller_int.h"
#include "util/log.h"
#include "validator/validator.h"

#define TOLD_MAX	(1024u * 1024)
#define WAIT_SECONDS	20	/* for a copy, beside the validator's time */

struct asked {
	uint8_t			 key[DOOR_KEY];
	bool			 inside;	/* its door is ours */
	bool			 spoken;	/* it has been asked */
	bool			 answered;
	struct answer		 answer;
	struct csr		*csr;		/* NULL: the request's own */
	const struct conf_profile *named;	/* NULL: none */
	struct buf		 facts;
};

static const struct conf_validator *
conf_of(const struct work *w)
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

/* Copies are told as the store tells them. */
static int
door_key(const struct work *w, uint8_t key[DOOR_KEY], struct err *e)
{
	struct buf b = BUF_INIT(1024);
	int rc = -1;

	if (buf_printf(&b, "%s%c%s%c", w->se->conf->name, 0, w->msg.txid,
	    0) == -1 || buf_put(&b, w->txn.signer_hash, TXN_HASH) == -1 ||
	    buf_put(&b, w->txn.csr_hash, TXN_HASH) == -1)
		err_set(e, ERR_MEMORY, "validator");
	else
		rc = secret_sha256(buf_bytes(&b), key, e);
	buf_wipe(&b);
	return rc;
}

/* 1: another copy has been through in the meantime. */
static int
enter(struct work *w, struct asked *a, struct err *e)
{
	if (door_key(w, a->key, e) == -1)
		return -1;
	if (doors_enter(w->s->doors, a->key, (int)conf_of(w)->timeout +
	    WAIT_SECONDS, e) == -1)
		return -1;
	a->inside = true;
	/* Whoever was inside may have left just before. */
	if (txn_repeated(w->s->db, &w->txn, &w->found, e) == -1)
		return -1;
	return w->found.state != TXN_NONE;
}

static int
ask(struct work *w, struct asked *a, struct err *e)
{
	struct buf facts = BUF_INIT(TOLD_MAX);
	struct validator_message m = {
		.secret = buf_bytes(&w->csr->challenge),
		.endpoint = w->se->conf->name, .now = w->now,
		.stop = &w->s->stopping,
	};
	int rc = -1;

	if (facts_request(w, &facts, e) == 0) {
		m.json = buf_bytes(&facts);
		a->spoken = true;
		rc = validator_ask(w->se->validator, &m, &a->answer, e);
		a->answered = rc == 0;
	}
	buf_wipe(&facts);
	return rc;
}

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
	if (a->answer.sans != NULL && w->verdict.dropped > 0) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"sans\" has a kind that "
		    "the profile does not grant");
		return -1;
	}
	if (a->answer.sid != NULL && *a->answer.sid != '\0' &&
	    (w->verdict.plan.sid == NULL ||
	    strcmp(w->verdict.plan.sid, a->answer.sid) != 0)) {
		err_set(e, ERR_VALIDATOR_ANSWER, "\"sid\" is not one that the "
		    "profile grants");
		return -1;
	}
	return 0;
}

/* There is a secret that matters, and nobody but the validator can tell it. */
static bool
is_secret_unproven(const struct work *w, bool renews)
{
	return validate_instead(w) &&
	    w->presented == POLICY_CHALLENGE_MATCH && (!renews ||
	    w->se->conf->renew_challenge != CONF_RENEW_CHALLENGE_IGNORED);
}

static bool
is_unproven(const struct work *w)
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

static int
obey(struct work *w, struct asked *a, struct err *e)
{
	const struct answer *an = &a->answer;

	if (take_facts(a, e) == -1 || check_known(w, an, e) == -1)
		return -1;
	switch (an->verdict) {
	case ANSWER_REFUSE:
		/* Guesses are counted, whoever is to tell them. */
		w->wrong = w->wrong || is_unproven(w);
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

static int
validate(struct work *w, struct err *e)
{
	struct asked *a;
	int rc;

	if (is_unproven(w) && admit_guess(w, e) == -1)
		return -1;
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		err_set(e, ERR_MEMORY, "validator");
		return -1;
	}
	w->asked = a;
	if ((rc = enter(w, a, e)) == 0)
		rc = ask(w, a, e);
	if (a->inside)
		doors_asked(w->s->doors);
	if (rc == 1) {
		w->flow = flow_repeat;
		return 0;
	}
	return rc == -1 ? -1 : obey(w, a, e);
}

int
step_validate(struct work *w, struct err *e)
{
	return !validate_is_due(w) ? 0 : work_unless_copy(w, validate(w, e), e);
}

void
validate_end(struct work *w)
{
	if (w->asked == NULL)
		return;
	if (w->asked->inside)
		doors_leave(w->s->doors, w->asked->key);
	answer_clear(&w->asked->answer);
	csr_renamed_free(w->asked->csr);
	buf_wipe(&w->asked->facts);
	free(w->asked);
	w->asked = NULL;
}

/* When it came, if an operator approved it; the name may be another's now. */
static bool
was_asked(const struct work *w)
{
	return validate_name(w) != NULL || (w->approved &&
	    strcmp(w->claim.asked, w->se->conf->validator) == 0);
}

/* Only what it knows of and what has come to an end here. */
static bool
is_news(const struct work *w, const struct err *failed)
{
	if (w->se->validator == NULL || !conf_of(w)->notify)
		return false;
	return was_asked(w) && (failed->reason != ERR_NONE || w->recorded);
}

void
validate_tell(struct work *w, const struct err *failed)
{
	struct buf news = BUF_INIT(TOLD_MAX);
	struct err e = { .reason = ERR_NONE };

	if (!is_news(w, failed))
		return;
	/* Without memory it is lost, as any other may be. */
	if (facts_outcome(w, failed, &news, &e) == 0)
		teller_put(w->s->teller, w->x->site, w->se, &news);
	buf_wipe(&news);
}

/* ---- what came to an end while it waited ---- */

#define EXPIRE_EVERY	60	/* seconds */
#define TELL_AT_ONCE	16	/* outcomes; the others a second later */

static const struct site_endpoint *
endpoint_named(const struct site *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->conf->n_endpoints; i++)
		if (strcmp(s->conf->endpoints[i].name, name) == 0)
			return &s->endpoints[i];
	return NULL;
}

/* Whoever was asked may be gone, or not want to know any more. */
static const struct site_endpoint *
who_asked(const struct site *s, const struct waiting_end *end)
{
	const struct site_endpoint *se = endpoint_named(s, end->endpoint);

	return se != NULL && se->validator != NULL &&
	    strcmp(se->conf->validator, end->asked) == 0 &&
	    conf_validator(s->conf, end->asked)->notify ? se : NULL;
}

/* Marked first: each is told at most once, as any other is. */
static int
tell_end(struct service *s, struct site *site, const struct waiting_end *end,
    struct err *e)
{
	const struct site_endpoint *se = who_asked(site, end);
	struct buf news = BUF_INIT(TOLD_MAX);
	int rc = waiting_told(s->db, end->id, e);

	if (rc == 0 && se != NULL && (rc = facts_end(end, &news, e)) == 0)
		teller_put(s->teller, site, se, &news);
	buf_wipe(&news);
	return rc;
}

static int
tell_ends(struct service *s, struct site *site, struct err *e)
{
	struct waiting_end end;
	bool found = true;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < TELL_AT_ONCE; i++) {
		if (waiting_ended(s->db, &end, &found, e) == -1)
			return -1;
		if (!found)
			break;
		rc = tell_end(s, site, &end, e);
		waiting_end_clear(&end);
	}
	return rc;
}

void
validate_tick(struct service *s, struct site *site, int64_t now)
{
	struct err e = { .reason = ERR_NONE };
	struct log_line l;
	int rc = 0;

	if (now < s->expired || now - s->expired >= EXPIRE_EVERY) {
		s->expired = now;
		rc = waiting_expire(s->db, now - site->conf->pending_expire,
		    now, &e);
	}
	if (rc == 0)
		rc = tell_ends(s, site, &e);
	if (rc == 0)
		return;
	log_begin_limited(&l, LOG_L_WARN, "ends_failed");
	log_err(&l, &e);
	log_end(&l);
}
