/*
 * What a certificate will hold, once the rules have let the request pass.
 */
#include <string.h>

#include "policy/policy_int.h"

/* Copies the names whose kind the profile lists; the others are dropped. */
static void
grant_sans(const struct policy_facts *f, struct policy_verdict *v)
{
	const struct san *s;
	size_t i;

	for (i = 0; i < f->csr->sans.n; i++) {
		s = &f->csr->sans.v[i];
		if (policy_takes_san(f->profile, s))
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

static int
put(struct bytes subject, struct buf *name, struct err *e)
{
	if (buf_put(name, subject.p, subject.n) == 0)
		return 0;
	err_set(e, ERR_SUBJECT, "it is too long");
	return -1;
}

/* The old certificate's name, as the validator spells it. */
static int
respell(const struct policy_facts *f, struct buf *name, struct err *e)
{
	return cert_has_subject(f->old->cert, f->csr->subject) ?
	    put(f->csr->subject, name, e) : policy_subject_again(f, name, e);
}

/* A renewal keeps the spelling that was granted before, but for one that a
 * validator answers. */
static int
grant_subject(const struct policy_facts *f, struct buf *name, struct err *e)
{
	const struct bytes old = policy_renews(f) ? f->old->cert->subject :
	    bytes_make(NULL, 0);

	if (old.n == 0)
		return policy_subject(f, name, e);
	return f->subject_answered ? respell(f, name, e) : put(old, name, e);
}

static void
fill(const struct policy_facts *f, struct bytes name,
    struct policy_verdict *v)
{
	const struct conf_profile *p = f->profile;
	const struct policy_made *m = policy_made(f);

	memset(v, 0, sizeof(*v));
	memcpy(v->subject, name.p, name.n);
	policy_sid(f, v->sid);
	v->made = policy_makes_subject(f);
	v->awaits = policy_awaits(f);
	v->hold = policy_is_manual(f) && !f->approved;
	v->renews = policy_renews(f);
	v->spends = !f->approved && policy_spends(f) &&
	    f->challenge == POLICY_CHALLENGE_MATCH;
	v->profile = p;
	v->plan = (struct cert_plan){
		.subject = bytes_make(v->subject, name.n),
		.spki = f->csr->key.spki,
		.not_before = latest(f->now - p->backdate,
		    f->ca->not_before),
		.not_after = earliest(f->now + life(f),
		    f->ca->not_after),
		.ku = policy_ku(p, &f->csr->key),
		.eku = p->eku.v,
		.sans = v->sans,
		.crl_urls = p->crl_urls.v,
		.ca_issuers_urls = p->ca_issuers_urls.v,
		.ocsp_urls = p->ocsp_urls.v,
		.template_oid = p->template_oid,
		.template_major = p->template_major,
		.template_minor = p->template_minor,
		.sid = *v->sid == '\0' ? NULL : v->sid,
		.extras = m->extras,
		.n_extras = m->n_extras,
	};
	grant_sans(f, v);
	policy_surplus(f, v->surplus);
}

int
policy_grant(const struct policy_facts *f, struct policy_verdict *v,
    struct err *e)
{
	struct buf name = BUF_INIT(POLICY_SUBJECT_MAX);
	int rc = grant_subject(f, &name, e);

	if (rc == 0)
		fill(f, buf_bytes(&name), v);
	buf_wipe(&name);
	return rc;
}
