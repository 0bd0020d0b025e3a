#include <string.h>

#include "policy/decide.h"
#include "policy/policy_int.h"

/* Shorter ones can be guessed from a reply that was overheard (RFC 8894, 7.3),
 * at leisure and without the server noticing. */
#define REPLY_SECRET_MIN	16

int
policy_signer(const struct conf_profile *p, const struct pubkey *k,
    struct err *e)
{
	if (k->type == KEY_RSA || policy_takes_type(p, k->type))
		return 0;
	err_set(e, ERR_SIGNER_KEY, "key type %s is not in key_types of "
	    "profile %s", key_type_name(k->type), p->name != NULL ? p->name :
	    "");
	return -1;
}

bool
policy_by_password(const struct conf_endpoint *ep, const struct pubkey *k)
{
	return k->type != KEY_RSA && (k->type != KEY_EC ||
	    ep->ec_reply == CONF_EC_REPLY_PASSWORD);
}

/* ---- what rules look at ---- */

const char *
policy_challenge_name(enum policy_challenge c)
{
	static const char *const names[] = {
		[POLICY_CHALLENGE_ABSENT] = "absent",
		[POLICY_CHALLENGE_WRONG] = "wrong",
		[POLICY_CHALLENGE_MATCH] = "matches",
	};

	return names[c];
}

void
policy_say_challenge(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "challenge", f->judged &&
	    f->challenge == POLICY_CHALLENGE_MATCH ? "judged_by_validator" :
	    policy_challenge_name(f->challenge));
}

void
policy_say_subject(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "subject", f->csr->subject_text);
}

/* ---- rules ---- */

/* Nothing is granted by a profile whose patterns and template were not read. */
static int
rule_profile(const struct policy_facts *f, struct err *e)
{
	if (policy_made(f)->conf != NULL ||
	    (f->profiles == NULL && !policy_needs_reading(f->profile)))
		return policy_rule_profile(f, e);
	err_set(e, ERR_INTERNAL, "profile %s was not read", f->profile->name);
	return -1;
}

/* A device's certificate for the CA's or the RA's key could stand in for them;
 * whoever can ask for one holds that key. */
static int
rule_key_taken(const struct policy_facts *f, struct err *e)
{
	size_t i;

	for (i = 0; i < f->n_authorities; i++)
		if (memcmp(f->authorities[i]->key.identity,
		    f->csr->key.identity, PKI_HASH) == 0) {
			err_set(e, ERR_KEY_TAKEN, "it is the key of %s",
			    f->authorities[i]->subject_text);
			return -1;
		}
	return 0;
}

static void
key_taken_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_int(s, "authorities", (int64_t)f->n_authorities);
}

/* Whoever stole a key can prove that he has it. */
static int
rule_key_compromised(const struct policy_facts *f, struct err *e)
{
	if (!f->key_compromised)
		return 0;
	err_set(e, ERR_KEY_COMPROMISED, "a certificate of it was revoked for "
	    "that");
	return -1;
}

static void
key_compromised_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "compromised", f->key_compromised);
}

bool
policy_is_manual(const struct policy_facts *f)
{
	return f->endpoint->approval == CONF_APPROVAL_MANUAL ||
	    f->profile->approval == CONF_APPROVAL_MANUAL;
}

/* Nobody we know has signed. */
static void
refuse_stranger(const struct policy_facts *f, enum err_reason reason,
    const char *why, struct err *e)
{
	if (f->elsewhere != NULL)
		err_set(e, reason, "its signer's certificate was issued here, "
		    "at endpoint %s", f->elsewhere);
	else
		err_set(e, reason, "%s", why);
}

/* Deny by default: somebody must have vouched for the request. */
static int
rule_proof(const struct policy_facts *f, struct err *e)
{
	if (f->approved || f->old != NULL ||
	    (f->challenge == POLICY_CHALLENGE_MATCH && !f->renewal))
		return 0;
	if (f->renewal)
		refuse_stranger(f, ERR_RENEWAL_SIGNER, "the ledger of this "
		    "endpoint has no such certificate by a CA of its issuer",
		    e);
	else if (f->challenge != POLICY_CHALLENGE_ABSENT)
		err_set(e, ERR_CHALLENGE_WRONG, "matches none of the "
		    "endpoint's challenges");
	else if (policy_is_manual(f) && !f->validated)
		return 0;
	else
		refuse_stranger(f, ERR_CHALLENGE_MISSING, "none in the "
		    "request", e);
	return -1;
}

static void
proof_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_challenge(f, s);
	policy_say_flag(s, "signer_known", f->old != NULL);
	policy_say_flag(s, "called_renewal", f->renewal);
	policy_say_flag(s, "approved", f->approved);
	policy_say(s, "approval", policy_is_manual(f) ? "manual" : "auto");
	policy_say_flag(s, "validator", f->validated);
}

static int
rules_renewal(const struct policy_facts *f, struct policy_trace *t,
    struct err *e)
{
	return policy_renews(f) ? policy_renewal(f, t, e) : 0;
}

/* Nothing is issued that could not be handed over. */
static int
rule_reply(const struct policy_facts *f, struct err *e)
{
	if (!policy_by_password(f->endpoint, f->signer) ||
	    f->csr->challenge.n >= REPLY_SECRET_MIN)
		return 0;
	err_set(e, ERR_REPLY_SECRET, "challengePassword of %zu bytes for a "
	    "signer with a key of type %s", f->csr->challenge.n,
	    key_type_name(f->signer->type));
	return -1;
}

static void
reply_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "signer_key", key_type_name(f->signer->type));
	policy_say(s, "encrypted_by", policy_by_password(f->endpoint,
	    f->signer) ? "challenge" : "key");
}

/* By the very key, which is what a signature proves. */
static bool
signs_itself(const struct policy_facts *f)
{
	return memcmp(f->signer->spki_hash, f->csr->key.spki_hash,
	    PKI_HASH) == 0;
}

static int
rule_signer(const struct policy_facts *f, struct err *e)
{
	/* A renewal with a new key is signed by the old one; what is approved
	 * was looked at when it came, and is asked for by the same key. */
	if (policy_renews(f) || f->approved || signs_itself(f) ||
	    f->endpoint->signer_key == CONF_SIGNER_ANY)
		return 0;
	/* Its own fault: nobody shall allow any signer for a revoked one. */
	if (f->old != NULL)
		return policy_old_stands(f, e);
	err_set(e, ERR_KEY_MISMATCH, "endpoint wants signer_key = \"same\"");
	return -1;
}

static void
signer_inputs(const struct policy_facts *f, struct policy_step *s)
{
	struct err why = { .reason = ERR_NONE };

	policy_say_flag(s, "signed_by_own_key", signs_itself(f));
	policy_say_flag(s, "old_in_force", f->old != NULL &&
	    policy_old_stands(f, &why) == 0);
	policy_say(s, "signer_key", f->endpoint->signer_key ==
	    CONF_SIGNER_ANY ? "any" : "same");
}

static int
rule_subject(const struct policy_facts *f, struct err *e)
{
	size_t i;

	if (policy_no_subject(f) && !f->profile->empty_subject) {
		err_set(e, ERR_SUBJECT, "empty, and the profile says "
		    "empty_subject = false");
		return -1;
	}
	for (i = 0; i < f->csr->n_values; i++)
		if (policy_name_value(&f->csr->values[i], e) == -1)
			return -1;
	for (i = 0; i < f->n_authorities; i++)
		if (cert_has_subject(f->authorities[i], f->csr->subject)) {
			err_set(e, ERR_SUBJECT, "it is the name of a CA or RA "
			    "certificate");
			return -1;
		}
	return 0;
}

/* A certificate must name somebody. */
static int
rule_named(const struct policy_facts *f, struct err *e)
{
	if (!policy_no_subject(f) || f->csr->sans.n > 0)
		return 0;
	err_set(e, ERR_SUBJECT, "neither subject nor subjectAltName");
	return -1;
}

static void
named_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "subject", !policy_no_subject(f));
	policy_say_int(s, "sans", (int64_t)f->csr->sans.n);
}

static int
check_valid(const struct cert *c, int64_t now, struct err *e)
{
	if (now >= c->not_before && now <= c->not_after)
		return 0;
	err_set(e, ERR_CA_EXPIRED, "%s", c->subject_text);
	return -1;
}

/* Clients refuse a reply of an expired RA, and a chain with an expired link. */
static int
rule_ca(const struct policy_facts *f, struct err *e)
{
	size_t i;

	for (i = 0; i < f->n_chain; i++)
		if (check_valid(f->chain[i], f->now, e) == -1)
			return -1;
	return check_valid(f->ca, f->now, e);
}

static void
ca_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "ca", f->ca->subject_text);
	policy_say_time(s, "not_after", f->ca->not_after);
	policy_say_int(s, "chain", (int64_t)f->n_chain);
}

/* Only what goes into the certificate is looked at: the rest is dropped. */
static int
rule_sans(const struct policy_facts *f, struct err *e)
{
	size_t i, n = 0;

	for (i = 0; i < f->csr->sans.n; i++) {
		if (!policy_takes_san(f->profile, &f->csr->sans.v[i]))
			continue;
		if (policy_san(&f->csr->sans.v[i], e) == -1)
			return -1;
		n++;
	}
	if (policy_no_subject(f) && n == 0) {
		err_set(e, ERR_SAN, "no name is left: the profile takes none "
		    "of the request's kinds");
		return -1;
	}
	return 0;
}

static void
sans_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_sans(s, "san", &f->csr->sans);
	policy_say_list(s, "granted", &f->profile->san);
}

/* Under a challenge, what that one allows. One beside a renewal counts where
 * renew.challenge says so. */
static int
rules_challenge(const struct policy_facts *f, struct policy_trace *t,
    struct err *e)
{
	if (f->approved || f->challenge != POLICY_CHALLENGE_MATCH ||
	    f->limits == NULL || (policy_renews(f) &&
	    f->endpoint->renew_challenge == CONF_RENEW_CHALLENGE_IGNORED))
		return 0;
	return policy_limits(f, t, e);
}

/* A challenge's profile may take fewer types of keys than others here. */
static int
rule_signer_type(const struct policy_facts *f, struct err *e)
{
	return policy_signer(f->profile, f->signer, e);
}

static void
signer_type_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "signer_key", key_type_name(f->signer->type));
	policy_say_list(s, "key_types", &f->profile->key_types);
}

static const struct policy_rule rules[] = {
	{ "profile", rule_profile, policy_profile_inputs, NULL },
	{ "challenge", NULL, NULL, rules_challenge },
	{ "key", policy_rule_key, policy_key_inputs, NULL },
	{ "key_taken", rule_key_taken, key_taken_inputs, NULL },
	{ "key_compromised", rule_key_compromised, key_compromised_inputs,
	    NULL },
	{ "signer_type", rule_signer_type, signer_type_inputs, NULL },
	{ "proof", rule_proof, proof_inputs, NULL },
	{ "renewal", NULL, NULL, rules_renewal },
	{ "signed_by", rule_signer, signer_inputs, NULL },
	{ "reply", rule_reply, reply_inputs, NULL },
	{ "subject", rule_subject, policy_say_subject, NULL },
	{ "template", policy_rule_template, policy_template_inputs, NULL },
	{ "named", rule_named, named_inputs, NULL },
	{ "ca", rule_ca, ca_inputs, NULL },
	{ "sans", rule_sans, sans_inputs, NULL },
	{ "required", policy_rule_required, policy_required_inputs, NULL },
	{ "patterns", policy_rule_patterns, policy_patterns_inputs, NULL },
	{ "surplus", policy_rule_surplus, policy_surplus_inputs, NULL },
};

/* The profile is the effective one. */
static int
decide(const struct policy_facts *f, struct policy_verdict *v,
    struct policy_trace *t, struct err *e)
{
	if (policy_run(rules, sizeof(rules) / sizeof(rules[0]), f, t, e) == -1)
		return -1;
	if (policy_grant(f, v, e) == 0)
		return 0;
	policy_note(t, "grant", f, e);
	return -1;
}

/* By what vouches for it beside an old certificate. */
static int
decide_enrollment(const struct policy_facts *f, struct policy_verdict *v,
    struct policy_trace *t, struct err *e)
{
	struct policy_facts g = *f;

	g.enrolls = true;
	if (f->challenge == POLICY_CHALLENGE_MATCH && !f->approved &&
	    f->limits != NULL && f->limits->profile != NULL &&
	    f->named == NULL)
		g.profile = f->limits->profile;
	return decide(&g, v, t, e);
}

/* By what the old certificate allows, if it does so in all points. */
static int
try_renewal(const struct policy_facts *f, struct policy_verdict *v,
    struct policy_trace *t)
{
	struct err why = { .reason = ERR_NONE };

	if (policy_renews(f))
		return decide(f, v, t, &why);
	/* For the trace alone. */
	(void)policy_renewal(f, t, &why);
	return -1;
}

int
policy_decide(const struct policy_facts *f, struct policy_verdict *v,
    struct policy_trace *t, struct err *e)
{
	struct policy_facts g = *f;

	if (t != NULL)
		t->n = t->cut = 0;
	if (f->old == NULL)
		return decide_enrollment(f, v, t, e);
	if (f->approved)
		return decide(f, v, t, e);
	if (f->old->profile != NULL && f->named == NULL)
		g.profile = f->old->profile;
	if (f->renewal || f->challenge != POLICY_CHALLENGE_MATCH)
		return decide(&g, v, t, e);
	if (try_renewal(&g, v, t) == 0)
		return 0;
	return decide_enrollment(f, v, t, e);
}
