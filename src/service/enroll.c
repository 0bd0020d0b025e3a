/*
 * The way of an enrollment: unwrap, recall, signer, authorize, validate, room,
 * reserve, issue, record, wrap, commit. What policy is asked about it is in
 * authorize.c.
 */
#include <string.h>

#include "issuer/issuer.h"
#include "pki/secret.h"
#include "service/flight_int.h"
#include "service/pipeline_int.h"
#include "service/validate_int.h"
#include "site/face.h"
#include "store/handed.h"

/* As of the message; keys of some types sign without a digest. */
static int
check_digest(const struct work *w, struct err *e)
{
	const struct csr *r = w->csr;

	if (r->digest == ALG_NONE ? r->key.type == KEY_ED25519 ||
	    r->key.type == KEY_MLDSA : algs_accept(w->se->algs, r->digest))
		return 0;
	err_set(e, ERR_DIGEST, "request is signed with %s",
	    alg_name(r->digest));
	return -1;
}

int
work_check_csr(const struct work *w, struct err *e)
{
	/* Before anything finer is said about it: see err.def. */
	return csr_verify(w->csr, e) == -1 ? -1 : check_digest(w, e);
}

static int
step_unwrap(struct work *w, struct err *e)
{
	int rc = scep_unwrap(&w->msg, w->face->open, w->face->n_ways,
	    w->se->algs, &w->csr, &w->suite, e);

	return admit_opened(w, rc == -1 ? -1 : work_check_csr(w, e), e);
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
	memcpy(t->signer_hash, signer->key.spki_hash, TXN_HASH);
	memcpy(t->key_hash, w->csr->key.identity, TXN_HASH);
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
int
step_recall(struct work *w, struct err *e)
{
	if (describe(w, e) == -1 ||
	    txn_repeated(w->s->db, &w->txn, &w->found, e) == -1)
		return -1;
	if (w->found.state != TXN_NONE)
		w->flow = flow_repeat;
	return 0;
}

/* Makes it wait; the queue is bounded in length and time. */
static void
hold(struct work *w)
{
	const struct conf *c = w->x->site->conf;

	w->txn.hold = w->csr->der;
	w->txn.asked = validate_name(w);
	w->txn.facts = w->facts.n == 0 ? NULL : buf_cstr(&w->facts);
	w->txn.room = c->pending_max;
	w->txn.room_address = c->pending_per_address;
	w->txn.waits_since = w->now - c->pending_expire;
}

/* Whether certificates may have another subject than was granted. */
static bool
is_renamed(const struct work *w)
{
	const struct conf_issuer *is = conf_issuer(w->x->site->conf,
	    w->se->conf->issuer);

	return is != NULL && conf_strings_has(&is->decides, "subject");
}

/* What the profile allows of one subject and of one key; what the CA renames is
 * kept as it was granted, for limits that may come. */
static int
limit(struct work *w, struct err *e)
{
	const struct conf_profile *p = w->verdict.profile;
	struct txn *t = &w->txn;
	bool kept = w->verdict.renews && memcmp(w->old->key.identity,
	    w->csr->key.identity, PKI_HASH) == 0;

	/* Of a rehearsal, nobody knows the subject yet. */
	if (w->verdict.awaits || (p->max_active == 0 &&
	    p->duplicate_key == CONF_DUPLICATE_ALLOW && !is_renamed(w)))
		return 0;
	if (name_show(w->verdict.plan.subject, &w->subject, e) == -1)
		return -1;
	t->subject = buf_cstr(&w->subject);
	t->max_active = p->max_active;
	/* A renewal with its old key follows renew.key. */
	if (!kept && p->duplicate_key != CONF_DUPLICATE_ALLOW)
		t->key_limit = p->duplicate_key == CONF_DUPLICATE_REFUSE ?
		    TXN_KEY_ALONE : TXN_KEY_SUBJECT;
	return 0;
}

int
work_reservation(struct work *w, struct err *e)
{
	struct txn *t = &w->txn;

	if (w->verdict.spends) {
		t->challenge = w->challenge.name;
		t->challenge_id = w->challenge.id;
		t->challenge_uses = w->challenge.limits.uses;
	}
	if (w->verdict.renews) {
		t->renews = w->old_id;
		t->migrates = w->old_id == 0 ? buf_cstr(&w->migrates) : NULL;
		if (w->old_id == 0 && w->verdict.hold)
			t->old = w->old->der;
		t->old_key = w->old->key.identity;
		t->superseded = w->se->conf->renew_superseded;
	}
	t->vouched = w->verdict.spends || w->verdict.renews ||
	    validate_holds(w);
	t->profile = w->verdict.profile->name;
	if (w->verdict.hold)
		hold(w);
	return limit(w, e);
}

static int
step_reserve(struct work *w, struct err *e)
{
	if (work_reservation(w, e) == -1)
		return -1;
	if (w->verdict.hold)
		w->txn.audit = work_audit(w, AUDIT_PENDING, "reserve", NULL);
	if ((w->verdict.hold &&
	    waiting_expire(w->s->db, w->txn.waits_since, w->now, e) == -1) ||
	    txn_reserve(w->s->db, &w->txn, &w->found, &w->fresh, e) == -1)
		return -1;
	/* A new one that waits is nobody's to end. */
	if (!w->fresh || w->verdict.hold) {
		w->fresh = false;
		w->flow = flow_repeat;
	}
	return 0;
}

/* A program may have made one although nobody hears of it any more: that it was
 * asked is durable before it is. */
static int
hand_over(struct work *w, struct err *e)
{
	struct err cut = { .reason = ERR_NONE };
	const struct audit *a;
	struct handed h = {
		.txn = w->found.id, .issuer = w->se->conf->issuer,
		.when = w->now
	};

	memcpy(h.issuer_hash, work_way(w)->gen->ca->name_hash, PKI_HASH);
	err_set(&cut, ERR_ISSUER_CUT, "it may have made a certificate");
	if (w->subject.n == 0 && name_show(w->verdict.plan.subject,
	    &w->subject, e) == -1)
		return -1;
	h.subject = buf_cstr(&w->subject);
	h.why = err_text(&cut);
	a = work_audit(w, AUDIT_FAILED, "issue", &cut);
	h.trail = a->trail;
	h.signer = a->signer;
	return handed_put(w->s->db, &h, e);
}

int
step_issue(struct work *w, struct err *e)
{
	const struct issuer *is = work_way(w)->gen->ca->issuer;
	struct issuer_request r = {
		.plan = &w->verdict.plan,
		.csr = w->csr,
		.endpoint = w->se->conf->name,
		.profile = w->verdict.profile->name,
		.txid = w->msg.txid,
		.peer = w->x->peer,
		.now = w->now,
		.stop = &w->s->stopping,
	};
	int rc;

	w->verdict.plan.serial = bytes_make(w->serial, SERIAL_LEN);
	if (issuer_key(is) == NULL && hand_over(w, e) == -1)
		return -1;
	rc = issuer_issue(is, &r, &w->cert, &w->strays, &w->maybe_stray, e);
	room_asked(w);
	return rc;
}

/* The certificate's names as the ledger keeps them, one a line. */
static int
list_sans(struct work *w, struct err *e)
{
	struct sans sans;
	int rc;

	if (cert_sans(w->cert, &sans, e) == -1)
		return -1;
	if ((rc = sans_put(&sans, "\n", &w->sans)) == -1)
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
	memcpy(r->key_hash, w->cert->key.identity, ISSUED_HASH);
	r->subject = w->cert->subject_text;
	r->sans = buf_cstr(&w->sans);
	r->endpoint = w->se->conf->name;
	r->profile = w->verdict.profile->name;
	r->issuer = w->se->conf->issuer;
	r->txid = w->msg.txid;
	r->challenge = w->txn.challenge;
	r->peer = w->x->peer;
	r->not_before = w->cert->not_before;
	r->not_after = w->cert->not_after;
	r->issued_at = w->now;
	r->revoke_old = w->se->conf->renew_revoke_old;
	r->old_key = w->verdict.renews ? w->old->key.identity : NULL;
	r->superseded = w->se->conf->renew_superseded;
	r->audit = work_audit(w, AUDIT_ISSUED, "record", NULL);
	w->recording = true;
	issued_add_start(w->s->db, &w->op, r);
	return 0;
}

/* Whose chain the certificate has: also one from before may be repeated. */
static const struct face_gen *
chain_of(const struct work *w)
{
	const struct face_gen *g = face_of(w->face, w->cert);

	return g != NULL ? g : work_way(w)->gen;
}

static bool
wants_chain(const struct work *w)
{
	const struct conf_profile *p = w->verdict.profile;

	return w->se->conf->reply_chain || (p != NULL && p->reply_chain);
}

int
step_wrap(struct work *w, struct err *e)
{
	const struct face_gen *g = chain_of(w);
	const struct cert *all[CERTS_MAX + 2];
	struct scep_reply r;
	size_t i, n = 0;

	if (work_reply(w, &r, e) == -1)
		return -1;
	all[n++] = w->cert;
	if (wants_chain(w))
		for (i = g->n_ra; i < g->n_chain; i++)
			all[n++] = g->chain[i];
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
	{ "room",      step_room      },
	{ "reserve",   step_reserve   },
	{ "issue",     step_issue     },
	{ "record",    step_record    },
	{ "wrap",      step_wrap      },
	{ "commit",    step_commit    },
	{ NULL,        NULL           },
};
