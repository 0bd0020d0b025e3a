/*
 * The way of an enrollment: unwrap, recall, authorize, reserve, issue, record,
 * wrap, commit; and the shorter way of one that was seen before.
 */
#include <string.h>

#include "pki/secret.h"
#include "service/pipeline_int.h"

#define WAIT_SECONDS	20	/* for a copy that another worker has */

static int
step_unwrap(struct work *w, struct err *e)
{
	const struct cms_recipient us = { w->se->key, w->se->cert };

	if (scep_unwrap(&w->msg, &us, &w->csr, &w->suite, e) == -1)
		return -1;
	/* Before anything finer is said about it: see err.def. */
	return csr_verify(w->csr, e);
}

static int
match_challenge(struct work *w, enum policy_challenge *out, struct err *e)
{
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

static int
step_authorize(struct work *w, struct err *e)
{
	struct policy_facts f = {
		.endpoint = w->se->conf,
		.profile = w->se->profile,
		.is_pkcsreq = w->msg.type == SCEP_PKCSREQ,
		.csr = w->csr,
		.signer = &w->msg.cms.signer->key,
		.ca = issuer_ca(w->se->issuer),
		.authorities = w->se->authorities,
		.n_authorities = w->se->n_authorities,
		.now = w->now,
	};

	if (match_challenge(w, &f.challenge, e) == -1)
		return -1;
	return policy_decide(&f, &w->verdict, e);
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

static int
step_reserve(struct work *w, struct err *e)
{
	w->txn.challenge = w->challenge->name;
	if (txn_reserve(w->s->db, &w->txn, &w->found, &w->fresh, e) == -1)
		return -1;
	if (!w->fresh)
		w->flow = flow_repeat;
	return 0;
}

static int
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
static int
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
	r->profile = w->se->conf->profile;
	r->issuer = w->se->conf->issuer;
	r->txid = w->msg.txid;
	r->challenge = w->challenge->name;
	r->peer = w->x->peer;
	r->not_before = w->cert->not_before;
	r->not_after = w->cert->not_after;
	r->issued_at = w->now;
	w->recording = true;
	issued_add_start(w->s->db, &w->op, r);
	return 0;
}

static int
step_wrap(struct work *w, struct err *e)
{
	const struct cert *leaf = w->cert;
	struct scep_reply r;

	if (work_reply(w, &r, e) == -1)
		return -1;
	return scep_wrap_success(&r, w->suite, &leaf, 1, &w->reply, e);
}

/* Durable before the client can see it. */
static int
step_commit(struct work *w, struct err *e)
{
	w->recording = false;
	if (issued_add_wait(w->s->db, &w->op, e) == -1)
		return -1;
	w->fresh = false;
	flight_end(w->s->flight);
	return 0;
}

/* Waits while another worker has the transaction. */
static int
await_end(struct work *w, struct err *e)
{
	unsigned long mark;

	for (;;) {
		mark = flight_mark(w->s->flight);
		if (txn_state(w->s->db, w->found.id, &w->found.state,
		    e) == -1)
			return -1;
		if (w->found.state != TXN_RESERVED)
			return 0;
		if (flight_wait(w->s->flight, mark, WAIT_SECONDS) == -1) {
			err_set(e, ERR_BUSY, "the same request is being "
			    "worked on");
			return -1;
		}
	}
}

static int
take_cert(const struct issued *row, void *arg)
{
	struct work *w = arg;
	struct err e = { .reason = ERR_NONE };

	return cert_parse(row->der, &w->cert, &e);
}

static int
step_await(struct work *w, struct err *e)
{
	w->repeated = true;
	if (await_end(w, e) == -1)
		return -1;
	if (w->found.state != TXN_ISSUED) {
		err_set(e, ERR_BUSY, "the same request has just failed");
		return -1;
	}
	if (issued_of_txn(w->s->db, w->found.id, take_cert, w, e) == 0 &&
	    w->cert != NULL)
		return 0;
	err_set(e, ERR_STORE, "certificate of transaction %lld",
	    (long long)w->found.id);
	return -1;
}

const struct step flow_enroll[] = {
	{ "unwrap",    step_unwrap    },
	{ "recall",    step_recall    },
	{ "authorize", step_authorize },
	{ "reserve",   step_reserve   },
	{ "issue",     step_issue     },
	{ "record",    step_record    },
	{ "wrap",      step_wrap      },
	{ "commit",    step_commit    },
	{ NULL,        NULL           },
};

const struct step flow_repeat[] = {
	{ "await",     step_await     },
	{ "wrap",      step_wrap      },
	{ NULL,        NULL           },
};
