/*
 * The way of an enrollment: unwrap, recall, signer, authorize, validate,
 * reserve, issue, record, wrap, commit.
 */
#include <string.h>

#include "pki/secret.h"
#include "service/pipeline_int.h"
#include "store/waiting.h"

static int
step_unwrap(struct work *w, struct err *e)
{
	const struct cms_recipient us = { w->se->key, w->se->cert };

	if (scep_unwrap(&w->msg, &us, 1, w->se->algs, &w->csr, &w->suite,
	    e) == -1)
		return -1;
	/* Before anything finer is said about it: see err.def. */
	if (csr_verify(w->csr, e) == -1)
		return -1;
	if (w->csr->digest == ALG_NONE ||
	    algs_accept(w->se->algs, w->csr->digest))
		return 0;
	err_set(e, ERR_DIGEST, "request is signed with %s",
	    alg_name(w->csr->digest));
	return -1;
}

static int
match_challenge(struct work *w, enum policy_challenge *out, struct err *e)
{
	if (validate_instead(w)) {
		*out = validate_presented(w);
		return 0;
	}
	*out = POLICY_CHALLENGE_ABSENT;
	if (!w->csr->has_challenge || w->csr->challenge.n == 0)
		return 0;
	if (proven_match(w->s->proven, w->se, buf_bytes(&w->csr->challenge),
	    &w->challenge, e) == -1)
		return -1;
	*out = w->challenge != NULL ? POLICY_CHALLENGE_MATCH :
	    POLICY_CHALLENGE_WRONG;
	return 0;
}

int
work_decide(struct work *w, enum policy_challenge challenge, struct err *e)
{
	const struct policy_old old = {
		w->old, &w->old_sans, w->old_revoked
	};
	struct policy_facts f = {
		.endpoint = w->se->conf,
		.profile = validate_profile(w),
		.renewal = w->type == SCEP_RENEWALREQ,
		.old = w->old == NULL ? NULL : &old,
		.approved = w->approved,
		.validated = w->se->validator != NULL,
		.csr = validate_csr(w),
		.signer = &w->msg.cms.signer->key,
		.challenge = challenge,
		.ca = issuer_ca(w->se->issuer),
		.authorities = w->se->authorities,
		.n_authorities = w->se->n_authorities,
		.now = w->now,
	};

	return policy_decide(&f, &w->verdict, e);
}

struct signer {
	struct work	*w;
	struct err	*e;
};

/* The ledger's row is the signer's certificate, byte for byte. */
static int
is_signer(const struct issued *row, void *arg)
{
	struct signer *s = arg;
	const struct cert *c = s->w->msg.cms.signer;

	if (!bytes_eq(row->der, c->der) ||
	    strcmp(row->endpoint, s->w->se->conf->name) != 0)
		return 0;
	if (cert_parse(row->der, &s->w->old, s->e) == -1 ||
	    cert_sans(s->w->old, &s->w->old_sans, s->e) == -1)
		return -1;
	s->w->old_revoked = row->revoked;
	return 1;
}

/*
 * Renewals are told by who signs, not by what the message says: certmonger,
 * jscep and Apple renew with a PKCSReq.
 */
static int
step_signer(struct work *w, struct err *e)
{
	const struct cert *c = w->msg.cms.signer;
	const struct issued_filter f = { .serial = c->serial };
	struct signer s = { w, e };

	if (!bytes_eq(c->issuer, issuer_ca(w->se->issuer)->subject))
		return 0;
	return issued_each(w->s->db, &f, is_signer, &s, e) == -1 ? -1 : 0;
}

static int
step_authorize(struct work *w, struct err *e)
{
	if (match_challenge(w, &w->presented, e) == -1)
		return -1;
	w->wrong = w->presented == POLICY_CHALLENGE_WRONG;
	return work_decide(w, w->presented, e);
}

/* What is asked, as the store remembers it. */
static int
describe(struct work *w, struct err *e)
{
	const struct cert *signer = w->msg.cms.signer;
	struct txn *t = &w->txn;

	*t = (struct txn){
		.endpoint = w->se->conf->name,
		.txid = w->msg.txid,
		.signer_serial = signer->serial,
		.serial = bytes_make(w->serial, SERIAL_LEN),
		.peer = w->x->peer,
		.when = w->now,
		.replay = w->x->site->conf->replay,
	};
	memcpy(t->msg_hash, w->msg.hash, TXN_HASH);
	memcpy(t->signer_hash, signer->key.hash, TXN_HASH);
	if (secret_sha256(signer->issuer, t->signer_issuer, e) == -1 ||
	    secret_sha256(w->csr->der, t->csr_hash, e) == -1)
		return -1;
	return serial_draw(w->serial, e);
}

/*
 * A device that lost the reply asks again, and must get the same certificate,
 * also when its challenge is spent or changed by then. Nobody gains by it: the
 * reply opens only with the key that asked first.
 */
static int
step_recall(struct work *w, struct err *e)
{
	if (describe(w, e) == -1 ||
	    txn_repeated(w->s->db, &w->txn, &w->found, e) == -1)
		return -1;
	if (w->found.state != TXN_NONE)
		w->flow = flow_repeat;
	return 0;
}

/* The queue is bounded in length and time. */
static int
check_room(struct work *w, struct err *e)
{
	const struct conf *c = w->x->site->conf;
	int64_t n;

	if (waiting_expire(w->s->db, w->now - c->pending_expire, w->now,
	    e) == -1 || waiting_count(w->s->db, &n, e) == -1)
		return -1;
	if (n < c->pending_max)
		return 0;
	err_set(e, ERR_PENDING_FULL, "transaction.pending_max = %lld",
	    (long long)c->pending_max);
	return -1;
}

static int
step_reserve(struct work *w, struct err *e)
{
	if (w->challenge != NULL)
		w->txn.challenge = w->challenge->name;
	if (w->verdict.hold) {
		w->txn.hold = w->csr->der;
		if (check_room(w, e) == -1)
			return -1;
	}
	if (txn_reserve(w->s->db, &w->txn, &w->found, &w->fresh, e) == -1)
		return -1;
	/* A new one that waits is nobody's to end. */
	if (!w->fresh || w->verdict.hold) {
		w->fresh = false;
		w->flow = flow_repeat;
	}
	return 0;
}

int
step_issue(struct work *w, struct err *e)
{
	struct issuer_request r = {
		.plan = &w->verdict.plan,
		.csr = w->csr,
		.endpoint = w->se->conf->name,
		.txid = w->msg.txid,
		.peer = w->x->peer,
		.now = w->now,
	};

	w->verdict.plan.serial = bytes_make(w->serial, SERIAL_LEN);
	return issuer_issue(w->se->issuer, &r, &w->cert, e);
}

/* The certificate's names as the ledger keeps them, one a line. */
static int
list_sans(struct work *w, struct err *e)
{
	struct sans sans;
	int rc = 0;
	size_t i;

	if (cert_sans(w->cert, &sans, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < sans.n; i++)
		rc = buf_printf(&w->sans, "%s%s:%s", i > 0 ? "\n" : "",
		    san_kind_name(sans.v[i].kind), sans.v[i].text);
	if (rc == -1)
		err_set(e, ERR_MEMORY, "subjectAltName");
	sans_free(&sans);
	return rc;
}

/* Starts writing; the reply is signed while the disk works. */
int
step_record(struct work *w, struct err *e)
{
	struct issued *r = &w->row;

	if (list_sans(w, e) == -1 ||
	    secret_sha256(w->cert->issuer, r->issuer_hash, e) == -1)
		return -1;
	r->txn = w->found.id;
	r->der = w->cert->der;
	r->serial = w->cert->serial;
	memcpy(r->key_hash, w->cert->key.hash, ISSUED_HASH);
	r->subject = w->cert->subject_text;
	r->sans = buf_cstr(&w->sans);
	r->endpoint = w->se->conf->name;
	r->profile = validate_profile(w)->name;
	r->issuer = w->se->conf->issuer;
	r->txid = w->msg.txid;
	r->challenge = w->txn.challenge;
	r->peer = w->x->peer;
	r->not_before = w->cert->not_before;
	r->not_after = w->cert->not_after;
	r->issued_at = w->now;
	w->recording = true;
	issued_add_start(w->s->db, &w->op, r);
	return 0;
}

int
step_wrap(struct work *w, struct err *e)
{
	const struct certs *upper = issuer_upper(w->se->issuer);
	const struct cert *all[CERTS_MAX + 2];
	struct scep_reply r;
	size_t i, n = 0;

	if (work_reply(w, &r, e) == -1)
		return -1;
	all[n++] = w->cert;
	if (w->se->conf->reply_chain) {
		all[n++] = issuer_ca(w->se->issuer);
		for (i = 0; i < upper->n; i++)
			all[n++] = upper->v[i];
	}
	return scep_wrap_success(&r, w->suite, all, n, &w->reply, e);
}

/* Durable before the client can see it. */
int
step_commit(struct work *w, struct err *e)
{
	w->recording = false;
	if (issued_add_wait(w->s->db, &w->op, e) == -1)
		return -1;
	w->fresh = false;
	w->recorded = true;
	flight_end(w->s->flight);
	return 0;
}

const struct step flow_enroll[] = {
	{ "unwrap",    step_unwrap    },
	{ "recall",    step_recall    },
	{ "signer",    step_signer    },
	{ "authorize", step_authorize },
	{ "validate",  step_validate  },
	{ "reserve",   step_reserve   },
	{ "issue",     step_issue     },
	{ "record",    step_record    },
	{ "wrap",      step_wrap      },
	{ "commit",    step_commit    },
	{ NULL,        NULL           },
};
