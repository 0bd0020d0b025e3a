/*
 * Requests that were made before: copies, and polls. What comes of them depends
 * on what became of the transaction.
 */
#include <string.h>

#include "service/flight_int.h"
#include "service/pipeline_int.h"
#include "site/face.h"
#include "site/trusted.h"
#include "util/clock.h"

#define WAIT_SECONDS	20	/* for a copy that another worker has */

static int
wait_end(struct work *w, struct err *e)
{
	int64_t left, until = clock_mono_us() + WAIT_SECONDS * 1000000;
	unsigned long mark;

	for (;;) {
		left = (until - clock_mono_us()) / 1000000;
		mark = flight_mark(w->s->flight);
		if (txn_state(w->s->db, w->found.id, &w->found.state,
		    e) == -1)
			return -1;
		if (w->found.state != TXN_RESERVED)
			return 0;
		if (left < 1 || atomic_load(&w->s->stopping) ||
		    flight_wait(w->s->flight, mark, (int)left) == -1) {
			err_set(e, ERR_BUSY, "the same request is being "
			    "worked on");
			return -1;
		}
	}
}

/* Waits while another worker has the transaction. */
static int
await_end(struct work *w, struct err *e)
{
	int rc;

	/* Whoever issues it needs that more than a copy does. */
	room_leave(w);
	if (txn_state(w->s->db, w->found.id, &w->found.state, e) == -1)
		return -1;
	if (w->found.state != TXN_RESERVED)
		return 0;
	if (room_linger(w, e) == -1)
		return -1;
	rc = wait_end(w, e);
	room_depart(w);
	return rc;
}

struct fetch {
	struct work	*w;
	struct err	*e;
};

/* Whoever revoked it wants no device to have it. */
static int
take_cert(const struct issued *row, void *arg)
{
	struct fetch *f = arg;
	struct work *w = f->w;
	struct err why = { .reason = ERR_NONE };

	if (row->revoked) {
		err_set(f->e, ERR_TXN_REVOKED, "send a new request");
		return -1;
	}
	/* The reply holds what its profile says. */
	w->verdict.profile = conf_profile(w->x->site->conf, row->profile);
	return cert_parse(row->der, &w->cert, &why);
}

static int
fetch_cert(struct work *w, struct err *e)
{
	struct fetch f = { .w = w, .e = e };

	if (issued_of_txn(w->s->db, w->found.id, take_cert, &f, e) == 0 &&
	    w->cert != NULL)
		return 0;
	err_set(e, ERR_STORE, "certificate of transaction %lld",
	    (long long)w->found.id);
	return -1;
}

/* The challenge that envelopes the reply is kept until the issue, no longer:
 * only the request has it then. */
static int
check_openable(const struct work *w, struct err *e)
{
	if (w->csr != NULL || !policy_by_password(w->se->conf,
	    &w->msg.cms.signer->key))
		return 0;
	err_set(e, ERR_REPLY_SECRET, "a poll has none, and the certificate "
	    "was sent once; the device must send its request again");
	return -1;
}

static const struct step flow_issued[] = {
	{ "wrap",    step_wrap    },
	{ NULL,      NULL         },
};

static const struct step flow_pending[] = {
	{ "wrap",    step_pending },
	{ NULL,      NULL         },
};

int
step_outcome(struct work *w, struct err *e)
{
	if (await_end(w, e) == -1)
		return -1;
	switch (w->found.state) {
	case TXN_ISSUED:
		w->flow = flow_issued;
		return check_openable(w, e) == -1 ? -1 : fetch_cert(w, e);
	case TXN_PENDING:
		w->flow = flow_pending;
		return 0;
	case TXN_APPROVED:
		w->flow = flow_approved;
		return 0;
	case TXN_REJECTED:
		err_set(e, ERR_REJECTED, "by an operator");
		return -1;
	case TXN_EXPIRED:
		err_set(e, ERR_PENDING_EXPIRED, "send a new request");
		return -1;
	default:
		err_set(e, ERR_TXN_ENDED, "send a new request");
		return -1;
	}
}

int
step_pending(struct work *w, struct err *e)
{
	struct scep_reply r;

	w->outcome = "pending";
	if (work_reply(w, &r, e) == -1)
		return -1;
	return scep_wrap_pending(&r, &w->reply, e);
}

const struct step flow_repeat[] = {
	{ "outcome", step_outcome },
	{ NULL,      NULL         },
};

/* ---- approved: issued when the client asks again ---- */

/* As at the time when it came: the wait is not the device's. But of the CAs
 * that may renew by now. */
static int
check_issuer(const struct work *w, struct err *e)
{
	if ((w->old_id != 0 && face_of(w->face, w->old) != NULL) ||
	    trusted_issuer(w->se, w->old, w->claim.since) != NULL)
		return 0;
	err_set(e, ERR_RENEWAL_SIGNER, "while this waited, its CA became none "
	    "that the endpoint has or trusts");
	return -1;
}

/* What it renews, as it is by now: policy looks at that again. */
static int
take_renewed(struct work *w, struct err *e)
{
	const struct waiting_claim *cl = &w->claim;

	if (w->claimed_old.n == 0)
		return 0;
	if (cert_parse(buf_bytes(&w->claimed_old), &w->old, e) == -1 ||
	    cert_sans(w->old, &w->old_sans, e) == -1)
		return -1;
	w->old_id = cl->renews;
	w->old_revoked = cl->renews_revoked;
	w->old_line.superseded_at = cl->superseded_at;
	if (check_issuer(w, e) == -1)
		return -1;
	if (w->se->conf->renew_superseded > 0 || !cl->superseding)
		return 0;
	err_set(e, ERR_RENEWAL_SUPERSEDED, "another is about to take its "
	    "place");
	return -1;
}

static const struct conf_challenge *
in_conf(const struct site_endpoint *se, const char *challenge)
{
	size_t i;

	for (i = 0; i < se->n_challenges; i++)
		if (strcmp(se->challenges[i]->name, challenge) == 0)
			return se->challenges[i];
	return NULL;
}

/* It was spent when the request came, and may have expired since. But whoever
 * takes one out of use wants nothing more issued under it, unless he approves
 * that afterwards. */
static int
take_challenge(struct work *w, struct err *e)
{
	struct waiting_claim *cl = &w->claim;

	if (*cl->challenge == '\0')
		return 0;
	w->challenge.name = w->txn.challenge = cl->challenge;
	if (cl->despite || (cl->challenge_id == 0 ?
	    in_conf(w->se, cl->challenge) != NULL : !cl->challenge_gone))
		return 0;
	err_set(e, ERR_CHALLENGE_DISABLED, "while this waited, or removed");
	return -1;
}

/* The one that the same request would get by now; NULL: its challenge could
 * tell, and whoever approved it knows that it is gone. */
static const char *
todays_profile(const struct work *w)
{
	const struct waiting_claim *cl = &w->claim;
	const struct conf_challenge *c;
	const char *name = cl->challenge_profile;

	if (*cl->challenge != '\0' && cl->challenge_id == 0) {
		if ((c = in_conf(w->se, cl->challenge)) == NULL)
			return NULL;
		name = c->profile;
	}
	return *name != '\0' ? name : w->se->profile->name;
}

/* It is issued by the profile that was decided on, as that is by now: where
 * another counts now, nobody has decided. A renewal keeps that of the old
 * certificate. */
static int
check_profile(const struct work *w, struct err *e)
{
	const char *name = w->claim.profile;
	const char *now = w->old_id != 0 ? NULL : todays_profile(w);

	if (conf_profile(w->x->site->conf, name) != NULL &&
	    (now == NULL || strcmp(now, name) == 0))
		return 0;
	err_set(e, w->old_id != 0 ? ERR_RENEWAL_PROFILE : ERR_TXN_ENDED,
	    "it was decided by profile %s, which counts no more", name);
	return -1;
}

static int
step_claim(struct work *w, struct err *e)
{
	struct waiting_claim *cl = &w->claim;
	bool ours;

	cl->csr = &w->plain;
	cl->old = &w->claimed_old;
	cl->migrates = &w->migrates;
	buf_reset(&w->facts);
	cl->facts = &w->facts;
	if (waiting_claim(w->s->db, w->found.id, cl, &ours, e) == -1)
		return -1;
	if (!ours) {
		/* Another copy was faster; it may be done by now. */
		w->flow = flow_repeat;
		return 0;
	}
	w->fresh = true;
	w->approved = true;
	csr_free(w->csr);
	w->csr = NULL;
	if (csr_parse(buf_bytes(&w->plain), &w->csr, e) == -1)
		return -1;
	memcpy(w->serial, cl->serial, cl->n_serial < SERIAL_LEN ? cl->n_serial :
	    SERIAL_LEN);
	if (take_challenge(w, e) == -1 || take_renewed(w, e) == -1 ||
	    check_profile(w, e) == -1)
		return -1;
	return work_stops(w, e);
}

static int
step_authorize_approved(struct work *w, struct err *e)
{
	return work_decide(w, POLICY_CHALLENGE_ABSENT, e);
}

const struct step flow_approved[] = {
	{ "claim",     step_claim              },
	{ "authorize", step_authorize_approved },
	{ "room",      step_room               },
	{ "issue",     step_issue              },
	{ "record",    step_record             },
	{ "wrap",      step_wrap               },
	{ "commit",    step_commit             },
	{ NULL,        NULL                    },
};

/* ---- polls ---- */

static int
step_unwrap_poll(struct work *w, struct err *e)
{
	return scep_unwrap_poll(&w->msg, w->face->open, w->face->n_ways,
	    w->se->algs, &w->suite, e);
}

/* By transactionID and the key that asked first: anybody may know the former. */
static int
step_find(struct work *w, struct err *e)
{
	const struct conf *c = w->x->site->conf;
	bool other;

	if (waiting_expire(w->s->db, w->now - c->pending_expire, w->now,
	    e) == -1 || waiting_polled(w->s->db, w->se->conf->name,
	    w->msg.txid, w->msg.cms.signer->key.spki_hash, &w->found, &other,
	    e) == -1)
		return -1;
	if (w->found.state != TXN_NONE)
		return 0;
	err_set(e, other ? ERR_TXN_KEY : ERR_TXN_UNKNOWN, "%s",
	    other ? "poll with the key of the request" : "nothing to poll");
	return -1;
}

const struct step flow_poll[] = {
	{ "unwrap",  step_unwrap_poll },
	{ "find",    step_find        },
	{ "outcome", step_outcome     },
	{ NULL,      NULL             },
};
