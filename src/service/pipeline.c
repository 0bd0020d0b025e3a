/*
 * The way of a PKIOperation: decode, unwrap, authorize, reserve, issue, record,
 * wrap, commit. Data flows one way; the first step that fails ends it, and its
 * reason is told to the client and, once, to the log.
 */
#include <string.h>

#include "pki/secret.h"
#include "policy/decide.h"
#include "scep/caps.h"
#include "scep/op.h"
#include "scep/wrap.h"
#include "service/service_int.h"
#include "store/issued.h"
#include "store/txn.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/str.h"

#define SANS_TEXT_MAX	(64u * 1024)

struct work {
	struct service			*s;
	struct exchange			*x;
	const struct site_endpoint	*se;
	int64_t				 now;
	struct scep_msg			 msg;
	struct csr			*csr;
	struct cms_suite		 suite;
	const struct conf_challenge	*challenge;
	struct policy_verdict		 verdict;
	uint8_t				 serial[SERIAL_LEN];
	bool				 reserved;
	int64_t				 txn;
	struct cert			*cert;
	struct buf			 sans;
	struct issued			 row;
	struct issued_op		 op;
	bool				 recording;	/* op is in flight */
	struct buf			 reply;
};

static int
step_decode(struct work *w, struct err *e)
{
	struct buf der = BUF_INIT(w->x->body.max);
	struct scep_query q;
	int rc = -1;

	if (scep_query_parse(w->x->query, w->x->method == SERVICE_POST,
	    w->x->body.max, &q, e) == 0 &&
	    scep_message(buf_bytes(&w->x->body), &q, &der, e) == 0)
		rc = scep_decode(buf_bytes(&der), &w->msg, e);
	scep_query_clear(&q);
	buf_wipe(&der);
	return rc;
}

static int
step_unwrap(struct work *w, struct err *e)
{
	const struct cms_recipient us = { w->se->key, w->se->cert };

	if (w->msg.type != SCEP_PKCSREQ) {
		err_set(e, ERR_MESSAGE_TYPE, "messageType %d (%s)",
		    w->msg.type, scep_type_name(w->msg.type));
		return -1;
	}
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

static int
step_reserve(struct work *w, struct err *e)
{
	struct txn t = {
		.endpoint = w->se->conf->name,
		.txid = w->msg.txid,
		.serial = bytes_make(w->serial, SERIAL_LEN),
		.challenge = w->challenge->name,
		.peer = w->x->peer,
		.when = w->now,
	};

	memcpy(t.signer_hash, w->msg.cms.signer->key.hash, TXN_HASH);
	if (serial_draw(w->serial, e) == -1 ||
	    secret_sha256(w->csr->der, t.csr_hash, e) == -1 ||
	    txn_reserve(w->s->db, &t, &w->txn, e) == -1)
		return -1;
	w->reserved = true;
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
	r->txn = w->txn;
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
reply_init(const struct work *w, struct scep_reply *r, struct err *e)
{
	*r = (struct scep_reply){
		.to = &w->msg,
		.key = w->se->key,
		.cert = w->se->cert,
		.algs = w->s->algs,
	};
	return secret_random(r->nonce, sizeof(r->nonce), e);
}

static int
step_wrap(struct work *w, struct err *e)
{
	const struct cert *leaf = w->cert;
	struct scep_reply r;

	if (reply_init(w, &r, e) == -1)
		return -1;
	return scep_wrap_success(&r, w->suite, &leaf, 1, &w->reply, e);
}

/* Durable before the client can see it. */
static int
step_commit(struct work *w, struct err *e)
{
	w->recording = false;
	return issued_add_wait(w->s->db, &w->op, e);
}

static const struct step {
	const char	*name;
	int		(*run)(struct work *, struct err *);
} steps[] = {
	{ "decode",    step_decode    },
	{ "unwrap",    step_unwrap    },
	{ "authorize", step_authorize },
	{ "reserve",   step_reserve   },
	{ "issue",     step_issue     },
	{ "record",    step_record    },
	{ "wrap",      step_wrap      },
	{ "commit",    step_commit    },
};

static void
log_request(const struct work *w, const char *step, const struct err *e)
{
	bool bad = e->reason != ERR_NONE;
	struct log_line l;

	/* Strangers cause these at will: whoever knows no challenge. */
	if (bad && w->challenge == NULL)
		log_begin_limited(&l, LOG_L_WARN, "request");
	else
		log_begin(&l, !bad ? LOG_L_INFO :
		    err_failinfo(e->reason) == FAIL_TROUBLE ? LOG_L_ERR :
		    LOG_L_WARN, "request");
	log_str(&l, "endpoint", w->se->conf->name);
	if (w->msg.identified)
		log_str(&l, "txid", w->msg.txid);
	log_str(&l, "peer", w->x->peer);
	if (w->msg.type != -1)
		log_str(&l, "type", scep_type_name(w->msg.type));
	log_str(&l, "outcome", bad ? "refused" : "issued");
	if (bad) {
		log_str(&l, "step", step);
		log_err(&l, e);
	}
	if (w->csr != NULL)
		log_str(&l, "subject", w->csr->subject_text);
	if (w->challenge != NULL)
		log_str(&l, "challenge", w->challenge->name);
	if (w->cert != NULL)
		log_hex(&l, "serial", w->cert->serial);
	if (w->verdict.dropped > 0)
		log_int(&l, "names_dropped", (long long)w->verdict.dropped);
	log_int(&l, "us", clock_mono_us() - w->x->began_us);
	log_end(&l);
}

/* Ends what was begun; its own failure changes nothing for the client. */
static void
undo(struct work *w, const struct err *why)
{
	struct err e = { .reason = ERR_NONE };

	/* What is recorded stays issued, even if the reply went wrong. */
	if (w->recording && issued_add_wait(w->s->db, &w->op, &e) == 0)
		return;
	err_clear(&e);
	if (w->reserved && txn_fail(w->s->db, w->txn, why->reason, w->now,
	    &e) == -1)
		log_msg(LOG_L_ERR, "txn_fail", "%s", err_text(&e));
}

static void
answer_failure(struct work *w, const struct err *why)
{
	struct err e = { .reason = ERR_NONE };
	struct scep_reply r;

	if (!w->msg.identified || err_failinfo(why->reason) == FAIL_TROUBLE) {
		answer_text(w->x, why->reason);
		return;
	}
	buf_reset(&w->reply);
	if (reply_init(w, &r, &e) == 0 && scep_wrap_failure(&r,
	    err_failinfo(why->reason), err_what(why->reason), &w->reply,
	    &e) == 0) {
		answer_put(w->x, 200, SCEP_TYPE_MESSAGE, &w->reply);
		return;
	}
	log_msg(LOG_L_ERR, "failure_reply", "%s", err_text(&e));
	answer_text(w->x, e.reason);
}

void
pipeline_run(struct exchange *x, void *service)
{
	struct work w = {
		.s = service, .x = x, .se = x->endpoint, .now = clock_now(),
		.sans = BUF_INIT(SANS_TEXT_MAX), .reply = BUF_INIT(CMS_MAX_DER),
	};
	struct err e = { .reason = ERR_NONE };
	const char *failed = NULL;
	size_t i;

	w.msg.type = -1;
	x->no_store = true;
	/* The stop has run out of patience: nobody is there to be answered. */
	if (atomic_load(&w.s->stopping)) {
		answer_text(x, ERR_STOPPING);
		return;
	}
	for (i = 0; failed == NULL &&
	    i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].run(&w, &e) == -1)
			failed = steps[i].name;
	if (failed == NULL) {
		answer_put(x, 200, SCEP_TYPE_MESSAGE, &w.reply);
	} else {
		undo(&w, &e);
		answer_failure(&w, &e);
	}
	log_request(&w, failed, &e);
	buf_wipe(&w.reply);
	buf_wipe(&w.sans);
	cert_free(w.cert);
	csr_free(w.csr);
	scep_msg_clear(&w.msg);
}
