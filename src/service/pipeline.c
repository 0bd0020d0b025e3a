/*
 * A PKIOperation on its way: decode tells what is asked, then the steps of that
 * message type run. Data flows one way; the first step that fails ends it, and
 * its reason is told to the client and, once, to the log.
 */
#include <stdlib.h>
#include <string.h>

#include "issuer/issuer.h"
#include "pki/secret.h"
#include "render/trail.h"
#include "scep/caps.h"
#include "scep/op.h"
#include "service/figures_int.h"
#include "service/flight_int.h"
#include "service/pipeline_int.h"
#include "service/validate_int.h"
#include "site/face.h"
#include "site/urls.h"
#include "store/ends.h"
#include "util/clock.h"
#include "util/log.h"

#define MIGRATES_MAX	8192
#define SANS_TEXT_MAX	(64u * 1024)

/* Which way a message goes. */
static const struct {
	int			 type;
	const struct step	*flow;
} flows[] = {
	{ SCEP_PKCSREQ,	   flow_enroll },
	{ SCEP_RENEWALREQ, flow_enroll },
	{ SCEP_CERTPOLL,   flow_poll },
	{ SCEP_GETCERT,	   flow_getcert },
	{ SCEP_GETCRL,	   flow_getcrl },
};

static int
step_type(struct work *w, struct err *e)
{
	size_t i;

	w->type = w->msg.type;
	if (w->type == SCEP_UPDATEREQ && w->se->conf->update)
		w->type = SCEP_RENEWALREQ;
	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		if (flows[i].type == w->type) {
			w->flow = flows[i].flow;
			return 0;
		}
	err_set(e, ERR_MESSAGE_TYPE, "messageType %d (%s)", w->msg.type,
	    scep_type_name(w->msg.type));
	return -1;
}

/* Which profile it will be is not known yet: some must take such a key. */
int
work_check_signer(const struct work *w, struct err *e)
{
	const struct pubkey *k = &w->msg.cms.signer->key;
	const struct conf *c = w->x->site->conf;
	struct err why = { .reason = ERR_NONE };
	size_t i;

	for (i = 0; i < c->n_profiles; i++)
		if (policy_signer(&c->profiles[i], k, &why) == 0)
			return 0;
	return policy_signer(w->se->profile, k, e);
}

static int
step_decode(struct work *w, struct err *e)
{
	struct buf der = BUF_INIT(w->x->body.max);
	struct scep_query q;
	int rc = -1;

	if (scep_query_parse(w->x->query, w->x->method == SERVICE_POST,
	    w->x->body.max, &q, e) == 0 &&
	    scep_message(buf_bytes(&w->x->body), &q, &der, e) == 0)
		rc = scep_decode(buf_bytes(&der), w->se->algs, &w->msg, e);
	scep_query_clear(&q);
	buf_wipe(&der);
	/* Of a locked address, nothing is said about what cannot be read. */
	if (rc == -1 && w->x->locked > 0) {
		err_clear(e);
		return admit_guess(w, e);
	}
	return rc == -1 ? -1 : work_check_signer(w, e);
}

static const struct step flow_begin[] = {
	{ "decode", step_decode },
	{ "admit",  step_admit  },
	{ "type",   step_type   },
	{ NULL,     NULL        },
};

static const char *
outcome(const struct work *w, bool bad)
{
	if (bad)
		return "refused";
	if (w->outcome != NULL)
		return w->outcome;
	return w->recorded ? "issued" : "repeated";
}

/* Ours is the fault where the device is told to try again, but for what anybody
 * brings about by asking too much. */
static enum log_level
level_of(const struct err *e)
{
	switch (e->reason) {
	case ERR_NONE:
		return LOG_L_INFO;
	case ERR_BUSY:
	case ERR_STOPPING:
	case ERR_PENDING_FULL:
	case ERR_PENDING_STRANGER:
		return LOG_L_WARN;
	default:
		return err_failinfo(e->reason) == FAIL_TROUBLE ? LOG_L_ERR :
		    LOG_L_WARN;
	}
}

static void
log_request(const struct work *w, const char *step, const struct err *e)
{
	bool bad = e->reason != ERR_NONE;
	struct log_line l;

	/* Strangers cause these at will: whoever knows no challenge. */
	if (bad && w->challenge.name == NULL)
		log_begin_limited(&l, level_of(e), "request");
	else
		log_begin(&l, level_of(e), "request");
	log_str(&l, "endpoint", w->se->conf->name);
	if (w->msg.identified)
		log_str(&l, "txid", w->msg.txid);
	log_str(&l, "peer", w->x->peer);
	if (w->msg.type != -1)
		log_str(&l, "type", scep_type_name(w->msg.type));
	log_str(&l, "outcome", outcome(w, bad));
	if (bad) {
		log_str(&l, "step", step);
		log_err(&l, e);
	} else
		log_str(&l, "detail", validate_reason(w));
	if (w->csr != NULL)
		log_str(&l, "subject", w->csr->subject_text);
	/* One beside a renewal may have no part in it. */
	if (w->challenge.name != NULL && (bad || !w->verdict.renews ||
	    w->verdict.spends))
		log_str(&l, "challenge", w->challenge.name);
	if (w->wrong && !bad)
		log_str(&l, "challenge", "wrong");
	log_str(&l, "validator", validate_name(w));
	if (w->verdict.renews && w->old_id != 0)
		log_hex(&l, "renews", w->old->serial);
	else if (w->verdict.renews)
		log_str(&l, "migrates", buf_cstr(&w->migrates));
	else if (bad && w->old_id != 0 && w->old != NULL)
		log_hex(&l, "signer_serial", w->old->serial);
	if (w->cert != NULL)
		log_hex(&l, "serial", w->cert->serial);
	if (w->verdict.dropped > 0)
		log_int(&l, "names_dropped", (long long)w->verdict.dropped);
	if (*w->verdict.surplus != '\0')
		log_str(&l, "surplus", w->verdict.surplus);
	log_int(&l, "us", clock_mono_us() - w->x->began_us);
	log_end(&l);
}

/* What a CA elsewhere made for this request; a certificate of ours that nobody
 * has seen is forgotten. */
static struct certs
made_astray(struct work *w)
{
	struct certs made = { .v = &w->cert, .n = 1 };

	if (w->cert != NULL &&
	    issuer_key(work_way(w)->gen->ca->issuer) == NULL)
		return made;
	return w->strays;
}

/* Whatever becomes of the store, this is how it can be revoked; c NULL: looked
 * for. */
static void
log_stray(const struct work *w, const struct cert *c, const struct err *why)
{
	struct log_line l;

	log_begin(&l, LOG_L_ERR, c == NULL ? "stray_possible" : "stray");
	log_str(&l, "endpoint", w->se->conf->name);
	log_str(&l, "txid", w->msg.txid);
	log_str(&l, "issuer", w->se->conf->issuer);
	log_hex(&l, "serial", c == NULL ? bytes_make(w->serial, SERIAL_LEN) :
	    c->serial);
	log_str(&l, "subject", c == NULL ? buf_cstr(&w->subject) :
	    c->subject_text);
	log_err(&l, why);
	log_end(&l);
}

/* c NULL: of the one that nobody has seen. */
static struct stray
stray_row(const struct work *w, const struct cert *c, const struct err *why)
{
	struct stray s = {
		.txn = w->found.id, .when = w->now,
		.issuer = w->se->conf->issuer, .why = err_text(why),
		.serial = bytes_make(w->serial, SERIAL_LEN),
	};
	struct err e = { .reason = ERR_NONE };

	log_stray(w, c, why);
	if (c == NULL) {
		s.subject = buf_cstr(&w->subject);
		memcpy(s.issuer_hash, work_way(w)->gen->ca->name_hash,
		    PKI_HASH);
		return s;
	}
	s.der = c->der;
	s.serial = c->serial;
	/* Without it the row is worth as much to whoever revokes it. */
	(void)secret_sha256(c->issuer, s.issuer_hash, &e);
	return s;
}

/* Logged, and made rows of, which are the caller's to free; without memory for
 * them all, the first, in *one: so the challenge's use stays spent. */
static struct stray *
list_strays(const struct work *w, const struct certs *made,
    const struct err *why, struct stray *one, size_t *n)
{
	size_t i, all = made->n + (w->maybe_stray ? 1 : 0);
	struct stray *v, row;

	*n = all;
	if (all == 0)
		return NULL;
	if ((v = calloc(all, sizeof(*v))) == NULL)
		*n = 1;
	for (i = 0; i < all; i++) {
		row = stray_row(w, i < made->n ? made->v[i] : NULL, why);
		if (i < *n)
			(v != NULL ? v : one)[i] = row;
	}
	return v;
}

/* An operator's word outlives our own trouble. */
static void
end_txn(struct work *w, const char *failed, const struct err *why)
{
	const struct certs made = made_astray(w);
	struct ending end = {
		.txn = w->found.id, .reason = why->reason, .when = w->now,
		.release = w->approved &&
		    err_failinfo(why->reason) == FAIL_TROUBLE,
	};
	struct stray one, *v;

	if (!end.release) {
		end.audit = work_audit(w, audit_outcome(why->reason), failed,
		    why);
		w->told = true;
	}
	v = list_strays(w, &made, why, &one, &end.n_strays);
	end.strays = v != NULL ? v : &one;
	ends_write(w->s->ends, w->s->db, &end);
	free(v);
}

/* Ends what was begun; its own failure changes nothing for the client. */
static void
undo(struct work *w, const char *failed, const struct err *why)
{
	struct err e = { .reason = ERR_NONE };

	if (!w->fresh)
		return;
	/* What is recorded stays issued, even if the reply went wrong. */
	if (w->recording && issued_add_wait(w->s->db, &w->op, &e) == 0)
		w->recorded = true;
	else
		end_txn(w, failed, why);
	flight_end(w->s->flight);
}

const struct face_way *
work_way(const struct work *w)
{
	return &w->face->ways[w->suite.to];
}

int
work_reply(const struct work *w, struct scep_reply *r, struct err *e)
{
	*r = (struct scep_reply){
		.to = &w->msg,
		.key = work_way(w)->sign.key,
		.cert = work_way(w)->sign.cert,
		.algs = w->se->algs,
		.ndes = w->se->conf->ndes,
	};
	if (w->csr != NULL && policy_by_password(w->se->conf,
	    &w->msg.cms.signer->key))
		r->password = buf_bytes(&w->csr->challenge);
	return secret_random(r->nonce, sizeof(r->nonce), e);
}

static void
answer_failure(struct work *w, const struct err *why)
{
	struct err e = { .reason = ERR_NONE };
	struct scep_reply r;

	/* A device that is to come again later must not take it for the end. */
	if (!w->msg.identified || err_failinfo(why->reason) == FAIL_TROUBLE ||
	    err_http(why->reason) == 429) {
		answer_text(w->x, why->reason);
		return;
	}
	buf_reset(&w->reply);
	if (work_reply(w, &r, &e) == 0 && scep_wrap_failure(&r,
	    err_failinfo(why->reason), err_what(why->reason), &w->reply,
	    &e) == 0) {
		answer_put(w->x, 200, SCEP_TYPE_MESSAGE, &w->reply);
		return;
	}
	log_msg(LOG_L_ERR, "failure_reply", "%s", err_text(&e));
	answer_text(w->x, e.reason);
}

/* Runs the steps of a flow, and of the flow a step changes to; the name of the
 * step that failed, or NULL. */
static const char *
run_steps(struct work *w, struct err *e)
{
	const struct step *flow = flow_begin, *step = flow;

	w->flow = flow;
	while (step->name != NULL) {
		if (step->run(w, e) == -1)
			return step->name;
		step++;
		if (w->flow != flow)
			step = flow = w->flow;
	}
	return NULL;
}

void
work_init(struct work *w, struct service *s, struct exchange *x, int64_t now)
{
	*w = (struct work){
		.s = s, .x = x, .se = x->endpoint, .face = x->face,
		.now = now,
		.sans = BUF_INIT(SANS_TEXT_MAX),
		.migrates = BUF_INIT(MIGRATES_MAX),
		.claimed_old = BUF_INIT(CMS_MAX_DER),
		.subject = BUF_INIT(SANS_TEXT_MAX),
		.facts = BUF_INIT(FACTS_WHOSE),
		.reply = BUF_INIT(CMS_MAX_DER),
		.plain = BUF_INIT(CMS_MAX_DER),
		.trail = BUF_INIT(TRAIL_MAX),
	};
	w->msg.type = -1;
}

void
work_clear(struct work *w)
{
	validate_end(w);
	room_leave(w);
	buf_wipe(&w->reply);
	buf_wipe(&w->plain);
	document_put(w->crl);
	buf_wipe(&w->sans);
	cert_free(w->cert);
	certs_free(&w->strays);
	cert_free(w->old);
	sans_free(&w->old_sans);
	matched_clear(&w->challenge);
	urls_free(w->crl_urls);
	urls_free(w->ca_issuers_urls);
	buf_wipe(&w->migrates);
	buf_wipe(&w->claimed_old);
	buf_wipe(&w->subject);
	buf_wipe(&w->facts);
	buf_wipe(&w->trail);
	csr_free(w->csr);
	scep_msg_clear(&w->msg);
}

void
pipeline_run(struct exchange *x, void *service)
{
	struct err e = { .reason = ERR_NONE };
	const char *failed;
	struct work w;

	work_init(&w, service, x, clock_now());
	x->no_store = true;
	/* The stop has run out of patience: nobody is there to be answered. */
	if (atomic_load(&w.s->stopping)) {
		answer_text(x, ERR_STOPPING);
		return;
	}
	if ((failed = run_steps(&w, &e)) == NULL) {
		answer_put(x, 200, SCEP_TYPE_MESSAGE, &w.reply);
	} else {
		undo(&w, failed, &e);
		answer_failure(&w, &e);
		work_refused(&w, failed, &e);
	}
	log_request(&w, failed, &e);
	x->proof = work_proof(&w, e.reason);
	figures_count(w.s->figures, w.se->conf->name, w.msg.type == -1 ? "" :
	    scep_type_name(w.msg.type), outcome(&w, failed != NULL), e.reason);
	told_outcome(&w, &e);
	work_clear(&w);
}
