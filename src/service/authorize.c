/*
 * What policy is asked about a request: all that the work knows of it, as facts;
 * and the step that asks first.
 */
#include "issuer/issuer.h"
#include "service/validate_int.h"
#include "site/urls.h"

/* As those of the CA that follows: see urls.c. */
static int
plan_urls(struct work *w, const struct site_ca *ca, struct err *e)
{
	const struct conf_profile *p = w->verdict.profile;

	urls_free(w->crl_urls);
	urls_free(w->ca_issuers_urls);
	w->crl_urls = w->ca_issuers_urls = NULL;
	if (urls_of(&p->crl_urls, ca, "/crl/", ".crl", &w->crl_urls,
	    e) == -1 || urls_of(&p->ca_issuers_urls, ca, "/ca/", ".crt",
	    &w->ca_issuers_urls, e) == -1)
		return -1;
	w->verdict.plan.crl_urls = w->crl_urls;
	w->verdict.plan.ca_issuers_urls = w->ca_issuers_urls;
	return 0;
}

static const struct conf_profile *
asked_profile(const struct work *w)
{
	if (w->approved)
		return conf_profile(w->x->site->conf, w->claim.profile);
	return validate_profile(w) != NULL ? validate_profile(w) :
	    w->se->profile;
}

/* What was approved keeps what it had. */
int
work_facts(struct work *w, struct err *e)
{
	const char *challenge = w->challenge.limits.facts;

	if (w->approved)
		return 0;
	buf_reset(&w->facts);
	if (challenge != NULL &&
	    facts_of(FACT_CHALLENGE, challenge, &w->facts, e) == -1)
		return -1;
	return facts_of(FACT_VALIDATOR, validate_facts(w), &w->facts, e);
}

int
work_decide(struct work *w, enum policy_challenge challenge, struct err *e)
{
	const struct face_gen *g = work_way(w)->gen;
	const struct policy_old old = {
		.cert = w->old,
		.sans = &w->old_sans,
		.revoked = w->old_revoked,
		.profile = w->old_profile,
		.gone = *w->old_gone == '\0' ? NULL : w->old_gone,
		.issued_at = w->old_issued,
		.foreign = w->old_id == 0,
		.successor_revoked = w->stops.successor,
		.many_successors = w->stops.many,
		.key_compromised = w->stops.old_key,
		.superseded_at = w->old_line.superseded_at,
		.key_uses = w->old_line.key_uses,
	};
	struct policy_facts f = {
		.endpoint = w->se->conf,
		.profile = asked_profile(w),
		.profiles = w->x->site->profiles,
		.named = validate_profile(w),
		.validity = validate_validity(w),
		.renewal = w->type == SCEP_RENEWALREQ,
		.old = w->old == NULL ? NULL : &old,
		.elsewhere = *w->elsewhere == '\0' ? NULL : w->elsewhere,
		.approved = w->approved,
		.validated = w->se->validator != NULL,
		.naming = validate_is_naming(w),
		.asking = validate_is_asking(w),
		.csr = validate_csr(w),
		.sid_answered = validate_says_sid(w),
		.subject_answered = validate_says_subject(w),
		.key_compromised = w->stops.key,
		.signer = &w->msg.cms.signer->key,
		.challenge = challenge,
		.judged = validate_instead(w),
		.challenge_name = w->challenge.name,
		.limits = w->challenge.name == NULL ? NULL :
		    &w->challenge.limits,
		.used = w->challenge.used,
		.ca = issuer_ca(g->ca->issuer),
		.chain = g->chain,
		.n_chain = g->n_chain,
		.authorities = w->face->authorities,
		.n_authorities = w->face->n_authorities,
		.now = w->now,
	};

	if (work_facts(w, e) == -1)
		return -1;
	f.facts = buf_cstr(&w->facts);
	/* About what an answer of the validator's makes of it, once more. */
	w->n_traces = w->asked == NULL ? 1 : 2;
	if (policy_decide(&f, &w->verdict, &w->traces[w->n_traces - 1],
	    e) == -1)
		return -1;
	return g->ca->follows ? plan_urls(w, g->ca, e) : 0;
}

/* What was found before may have changed by the original itself, which took the
 * last use of a challenge or the place of the certificate that is renewed. */
int
work_unless_copy(struct work *w, int rc, struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	if (rc == 0 || txn_repeated(w->s->db, &w->txn, &w->found,
	    &why) == -1 || w->found.state == TXN_NONE)
		return rc;
	err_clear(e);
	w->wrong = false;
	w->flow = flow_repeat;
	return 0;
}

static int
authorize(struct work *w, struct err *e)
{
	if (validate_instead(w))
		w->presented = validate_presented(w);
	else if (challenge_match(w, &w->presented, e) == -1)
		return -1;
	w->wrong = w->presented == POLICY_CHALLENGE_WRONG;
	if (work_decide(w, w->presented, e) == 0)
		return 0;
	if (!w->unseen)
		return -1;
	/* With the challenge it might have been another matter. */
	err_clear(e);
	return admit_guess(w, e);
}

int
step_authorize(struct work *w, struct err *e)
{
	return work_unless_copy(w, authorize(w, e), e);
}
