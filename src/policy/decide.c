#include <string.h>

#include "policy/decide.h"
#include "policy/policy_int.h"

/* Shorter ones can be guessed from a reply that was overheard (RFC 8894, 7.3),
 * at leisure and without the server noticing. */
#define REPLY_SECRET_MIN	16

static bool
takes_type(const struct conf_profile *p, enum key_type type)
{
	size_t i;

	for (i = 0; i < p->key_types.n; i++)
		if (strcmp(p->key_types.v[i], key_type_name(type)) == 0)
			return true;
	return false;
}

int
policy_signer(const struct conf_profile *p, const struct pubkey *k,
    struct err *e)
{
	if (k->type == KEY_RSA || takes_type(p, k->type))
		return 0;
	err_set(e, ERR_SIGNER_KEY, "key type %s is not in the profile's "
	    "key_types", key_type_name(k->type));
	return -1;
}

bool
policy_by_password(const struct conf_endpoint *ep, const struct pubkey *k)
{
	return k->type != KEY_RSA && (k->type != KEY_EC ||
	    ep->ec_reply == CONF_EC_REPLY_PASSWORD);
}

static int
check_key(const struct conf_profile *p, const struct pubkey *k,
    struct err *e)
{
	if (!takes_type(p, k->type)) {
		err_set(e, ERR_CSR_KEY, "key type %s is not in the profile's "
		    "key_types", key_type_name(k->type));
		return -1;
	}
	if (k->type == KEY_RSA && (k->bits < p->rsa_min ||
	    k->bits > p->rsa_max)) {
		err_set(e, ERR_CSR_KEY, "RSA key of %d bits, the profile "
		    "takes %lld to %lld", k->bits, (long long)p->rsa_min,
		    (long long)p->rsa_max);
		return -1;
	}
	return 0;
}

/* Rules: each sees the facts and refuses, or lets the next one look. */

static int
rule_key(const struct policy_facts *f, struct err *e)
{
	return check_key(f->profile, &f->csr->key, e);
}

/* A device's certificate for the CA's or the RA's key could stand in for them;
 * whoever can ask for one holds that key. */
static int
rule_key_taken(const struct policy_facts *f, struct err *e)
{
	size_t i;

	for (i = 0; i < f->n_authorities; i++)
		if (memcmp(f->authorities[i]->key.hash, f->csr->key.hash,
		    PKI_HASH) == 0) {
			err_set(e, ERR_KEY_TAKEN, "it is the key of %s",
			    f->authorities[i]->subject_text);
			return -1;
		}
	return 0;
}

static bool
is_manual(const struct policy_facts *f)
{
	return f->endpoint->approval == CONF_APPROVAL_MANUAL ||
	    f->profile->approval == CONF_APPROVAL_MANUAL;
}

/* Is the request allowed by its old certificate alone? An operator allows more,
 * and so does a matching challenge, unless the message itself calls it a
 * renewal: then it is judged as one. */
static bool
by_old(const struct policy_facts *f)
{
	return f->old != NULL && !f->approved && (f->renewal ||
	    f->challenge != POLICY_CHALLENGE_MATCH);
}

/* Deny by default: somebody must have vouched for the request. */
static int
rule_proof(const struct policy_facts *f, struct err *e)
{
	if (f->approved || f->old != NULL ||
	    (f->challenge == POLICY_CHALLENGE_MATCH && !f->renewal))
		return 0;
	if (f->renewal)
		err_set(e, ERR_RENEWAL_SIGNER, "the signer's certificate is "
		    "not in the ledger of this endpoint");
	else if (f->challenge != POLICY_CHALLENGE_ABSENT)
		err_set(e, ERR_CHALLENGE_WRONG, "matches none of the "
		    "endpoint's challenges");
	else if (is_manual(f) && !f->validated)
		return 0;
	else
		err_set(e, ERR_CHALLENGE_MISSING, "none in the request");
	return -1;
}

static bool
old_is_good(const struct policy_facts *f)
{
	const struct cert *c = f->old == NULL ? NULL : f->old->cert;

	return c != NULL && !c->is_ca && !f->old->revoked &&
	    f->now >= c->not_before && f->now <= c->not_after;
}

static bool
has_san(const struct sans *sans, const struct san *s)
{
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (bytes_eq(sans->v[i].der, s->der))
			return true;
	return false;
}

/* A renewal is for the same names, by a certificate that is still good. */
static int
rule_renewal(const struct policy_facts *f, struct err *e)
{
	size_t i;

	if (!by_old(f))
		return 0;
	if (f->old->cert->is_ca || f->now < f->old->cert->not_before ||
	    f->now > f->old->cert->not_after) {
		err_set(e, ERR_RENEWAL_SIGNER, "%s",
		    f->now > f->old->cert->not_after ? "it has expired" :
		    "it is not valid yet");
		return -1;
	}
	if (f->old->revoked) {
		err_set(e, ERR_RENEWAL_SIGNER, "it is revoked");
		return -1;
	}
	if (!cert_has_subject(f->old->cert, f->csr->subject)) {
		err_set(e, ERR_RENEWAL_NAMES, "the subject was %s",
		    f->old->cert->subject_text);
		return -1;
	}
	for (i = 0; i < f->csr->sans.n; i++)
		if (!has_san(f->old->sans, &f->csr->sans.v[i])) {
			err_set(e, ERR_RENEWAL_NAMES, "%s:%s is new",
			    san_kind_name(f->csr->sans.v[i].kind),
			    f->csr->sans.v[i].text);
			return -1;
		}
	return 0;
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

static int
rule_signer(const struct policy_facts *f, struct err *e)
{
	/* A renewal with a new key is signed by the old one; what is approved
	 * was looked at when it came, and is asked for by the same key. */
	if (old_is_good(f) || f->approved ||
	    f->endpoint->signer_key == CONF_SIGNER_ANY ||
	    memcmp(f->signer->hash, f->csr->key.hash, PKI_HASH) == 0)
		return 0;
	err_set(e, ERR_KEY_MISMATCH, "endpoint wants signer_key = \"same\"");
	return -1;
}

static int
rule_subject(const struct policy_facts *f, struct err *e)
{
	size_t i;

	if (f->csr->subject_empty && !f->profile->empty_subject) {
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
	if (!f->csr->subject_empty || f->csr->sans.n > 0)
		return 0;
	err_set(e, ERR_SUBJECT, "neither subject nor subjectAltName");
	return -1;
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

static bool
is_granted(const struct conf_profile *p, const struct san *s)
{
	const char *kind = san_kind_name(s->kind);
	size_t i;

	for (i = 0; i < p->san.n; i++)
		if (strcmp(p->san.v[i], kind) == 0)
			return true;
	return false;
}

/* Only what goes into the certificate is looked at: the rest is dropped. */
static int
rule_sans(const struct policy_facts *f, struct err *e)
{
	size_t i, n = 0;

	for (i = 0; i < f->csr->sans.n; i++) {
		if (!is_granted(f->profile, &f->csr->sans.v[i]))
			continue;
		if (policy_san(&f->csr->sans.v[i], e) == -1)
			return -1;
		n++;
	}
	if (f->csr->subject_empty && n == 0) {
		err_set(e, ERR_SAN, "no name is left: the profile takes none "
		    "of the request's kinds");
		return -1;
	}
	return 0;
}

/* Under a challenge, what that one allows. */
static int
rule_challenge(const struct policy_facts *f, struct err *e)
{
	const struct policy_claim c = {
		.csr = f->csr, .san = &f->profile->san, .used = f->used,
		.now = f->now
	};

	if (f->approved || f->challenge != POLICY_CHALLENGE_MATCH ||
	    f->limits == NULL)
		return 0;
	return policy_limits_check(f->limits, &c, e);
}

/* A challenge's profile may take fewer types of keys than others here. */
static int
rule_signer_type(const struct policy_facts *f, struct err *e)
{
	return policy_signer(f->profile, f->signer, e);
}

static int (*const rules[])(const struct policy_facts *, struct err *) = {
	rule_challenge, rule_key, rule_key_taken, rule_signer_type, rule_proof,
	rule_renewal, rule_signer, rule_reply, rule_subject, rule_named,
	rule_ca, rule_sans,
};

static unsigned
key_usage(const struct pubkey *k)
{
	return k->type == KEY_RSA ?
	    CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT :
	    CERT_KU_DIGITAL_SIGNATURE;
}

/* Copies the names whose kind the profile lists; the others are dropped. */
static void
grant_sans(const struct policy_facts *f, struct policy_verdict *v)
{
	const struct san *s;
	size_t i;

	for (i = 0; i < f->csr->sans.n; i++) {
		s = &f->csr->sans.v[i];
		if (is_granted(f->profile, s))
			v->sans[v->plan.n_sans++] = s->der;
		else
			v->dropped++;
	}
}

static int64_t
latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
life(const struct policy_facts *f)
{
	return f->validity == 0 ? f->profile->validity :
	    earliest(f->validity, f->profile->validity);
}

/* The profile is the effective one. */
static int
decide(const struct policy_facts *f, struct policy_verdict *v, struct err *e)
{
	const struct conf_profile *p = f->profile;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i](f, e) == -1)
			return -1;
	memset(v, 0, sizeof(*v));
	v->hold = is_manual(f) && !f->approved;
	v->renews = by_old(f);
	v->spends = !f->approved && f->challenge == POLICY_CHALLENGE_MATCH;
	v->profile = p;
	v->plan = (struct cert_plan){
		/* A renewal keeps the spelling that was granted before. */
		.subject = by_old(f) ? f->old->cert->subject :
		    f->csr->subject,
		.spki = f->csr->key.spki,
		.not_before = latest(f->now - p->backdate,
		    f->ca->not_before),
		.not_after = earliest(f->now + life(f),
		    f->ca->not_after),
		.ku = key_usage(&f->csr->key),
		.eku = p->eku.v,
		.sans = v->sans,
		.crl_urls = p->crl_urls.v,
		.ca_issuers_urls = p->ca_issuers_urls.v,
		.ocsp_urls = p->ocsp_urls.v,
	};
	grant_sans(f, v);
	return 0;
}

/* By the old certificate alone. */
static int
decide_by_old(const struct policy_facts *f, struct policy_verdict *v,
    struct err *e)
{
	struct policy_facts g = *f;

	if (f->old->profile != NULL && f->named == NULL)
		g.profile = f->old->profile;
	if (f->challenge == POLICY_CHALLENGE_MATCH)
		g.challenge = POLICY_CHALLENGE_ABSENT;
	return decide(&g, v, e);
}

static int
decide_by_challenge(const struct policy_facts *f, struct policy_verdict *v,
    struct err *e)
{
	struct policy_facts g = *f;

	if (f->limits != NULL && f->limits->profile != NULL &&
	    f->named == NULL)
		g.profile = f->limits->profile;
	return decide(&g, v, e);
}

int
policy_decide(const struct policy_facts *f, struct policy_verdict *v,
    struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	if (f->approved)
		return decide(f, v, e);
	if (by_old(f))
		return decide_by_old(f, v, e);
	if (f->challenge != POLICY_CHALLENGE_MATCH)
		return decide(f, v, e);
	if (f->old != NULL && decide_by_old(f, v, &why) == 0)
		return 0;
	return decide_by_challenge(f, v, e);
}
