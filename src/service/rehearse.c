/*
 * An enrollment that is only rehearsed. Who decides are the functions of the
 * pipeline themselves; what is written there is asked for here (txn_rehearse),
 * and what others are asked is left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "issuer/issuer.h"
#include "service/guard_int.h"
#include "service/pipeline_int.h"
#include "service/rehearse.h"
#include "service/validate_int.h"
#include "site/face.h"
#include "site/faces.h"
#include "site/succession.h"

#define DAY	86400

/* As much of a service as the steps look at. */
struct stage {
	struct service	 s;
	struct exchange	 x;
	struct work	 w;
	struct key	*key;	/* signs what is never used */
	struct cert	*signer; /* made here, or NULL */
	struct rehearsal *out;
};

/* ---- steps ---- */

static int
play_endpoint(struct stage *st, struct err *e)
{
	if (st->w.se->conf->enabled)
		return 0;
	err_set(e, ERR_DISABLED, "endpoint %s", st->w.se->conf->name);
	return -1;
}

/* A self-signed certificate as devices make it, but for its signature: that of
 * a message is proven before any of the steps. */
static int
make_signer(struct stage *st, struct err *e)
{
	static const uint8_t one = 1;
	const struct csr *r = st->w.csr;
	const struct cert_plan plan = {
		.serial = bytes_make(&one, 1), .subject = r->subject,
		.spki = r->key.spki, .not_before = st->w.now,
		.not_after = st->w.now + DAY,
	};

	if (cert_make(&plan, NULL, st->key, &st->signer, e) == -1)
		return -1;
	st->w.msg.cms.signer = st->signer;
	return 0;
}

static int
play_decode(struct stage *st, struct err *e)
{
	const struct cert *given = st->w.msg.cms.signer;
	const struct pubkey *k = given != NULL ? &given->key : &st->w.csr->key;

	if (scep_signer_key(k, e) == -1 ||
	    (given == NULL && make_signer(st, e) == -1))
		return -1;
	return work_check_signer(&st->w, e);
}

static int
play_admit(struct stage *st, struct err *e)
{
	if (*st->x.peer == '\0')
		return 0;
	if (guard_foresee(st->s.db, &st->x, st->w.now, e) == -1)
		return -1;
	return step_admit(&st->w, e);
}

static int
play_unwrap(struct stage *st, struct err *e)
{
	return admit_opened(&st->w, work_check_csr(&st->w, e), e);
}

static int
play_recall(struct stage *st, struct err *e)
{
	return step_recall(&st->w, e);
}

static int
play_signer(struct stage *st, struct err *e)
{
	return step_signer(&st->w, e);
}

static int
play_authorize(struct stage *st, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	struct work *w = &st->w;
	const struct conf_challenge *other;

	if (step_authorize(w, &why) == 0)
		return 0;
	if (why.reason == ERR_CHALLENGE_WRONG && w->challenge.name == NULL &&
	    !validate_instead(w)) {
		/* Those of other endpoints, as a daemon that has run for some
		 * time remembers them: it tells them from such as nobody
		 * knows. */
		if (challenge_anywhere(w, w->x->peer, &other, e) == -1)
			return -1;
		if (other != NULL)
			return step_authorize(w, e);
	}
	err_set(e, why.reason, "%s", why.text);
	return -1;
}

static int
play_reserve(struct stage *st, struct err *e)
{
	struct work *w = &st->w;

	return work_reservation(w, e) == -1 ? -1 :
	    txn_rehearse(w->s->db, &w->txn, &w->found, e);
}

/* A certificate needs a name. */
static int
stand_in(struct cert_plan *plan, struct buf *name, struct err *e)
{
	static char nobody[] = "?";
	const struct name_value cn = { .oid = "2.5.4.3", .text = nobody,
	    .n = 1 };

	if (name_of(&cn, 1, name, e) == -1)
		return -1;
	plan->subject = buf_bytes(name);
	return 0;
}

/* What the issuer would be told to make, as a certificate that no CA signed. */
static int
play_issue(struct stage *st, struct err *e)
{
	const struct issuer *is = work_way(&st->w)->gen->ca->issuer;
	struct cert_plan plan = st->w.verdict.plan;

	struct buf name = BUF_INIT(POLICY_SUBJECT_MAX);
	int rc = 0;

	plan.serial = bytes_make(st->w.serial, SERIAL_LEN);
	if (st->w.verdict.awaits)
		rc = stand_in(&plan, &name, e);
	if (rc == 0)
		rc = cert_make(&plan, issuer_ca(is), st->key, &st->out->cert,
		    e);
	buf_wipe(&name);
	return rc == -1 ? -1 : cert_sans(st->out->cert, &st->out->sans, e);
}

static const struct {
	const char	*name;	/* of the step that it stands for */
	int		(*play)(struct stage *, struct err *);
} scenes[] = {
	{ "endpoint",  play_endpoint  },
	{ "decode",    play_decode    },
	{ "admit",     play_admit     },
	{ "unwrap",    play_unwrap    },
	{ "recall",    play_recall    },
	{ "signer",    play_signer    },
	{ "authorize", play_authorize },
	{ "reserve",   play_reserve   },
	{ "issue",     play_issue     },
};

/* ---- the stage ---- */

static int
open_service(struct stage *st, const struct conf *c, struct db *db,
    struct err *e)
{
	char *path = mac_key_path(c->store_path, e);
	int rc = -1;

	st->s.db = db;
	if (path != NULL && mac_key_load(path, &st->s.mac_key, e) == 0 &&
	    proven_new(&st->s.proven, e) == 0)
		rc = key_generate("ec:p256", &st->key, e);
	free(path);
	return rc;
}

static int
open_stage(struct stage *st, struct site *site, struct db *db,
    const struct rehearsal_request *r, struct err *e)
{
	const struct conf_endpoint *c = conf_endpoint(site->conf,
	    r->endpoint);
	struct site_endpoint *se;

	if (c == NULL) {
		err_set(e, ERR_NOT_FOUND, "there is no endpoint %s",
		    r->endpoint);
		return -1;
	}
	se = &site->endpoints[c - site->conf->endpoints];
	st->x.site = site;
	st->x.endpoint = se;
	(void)snprintf(st->x.peer, sizeof(st->x.peer), "%s", r->peer);
	if (open_service(st, site->conf, db, e) == -1 ||
	    succession_recall(db, site, e) == -1 ||
	    faces_foresee(site, db, se, r->now, &st->x.face, e) == -1)
		return -1;
	work_init(&st->w, &st->s, &st->x, r->now);
	st->w.msg.type = st->w.type = r->renewal ? SCEP_RENEWALREQ :
	    SCEP_PKCSREQ;
	st->w.csr = r->csr;
	st->w.msg.cms.signer = r->signer;
	return 0;
}

static void
close_stage(struct stage *st)
{
	/* Both are borrowed. */
	st->w.csr = NULL;
	st->w.msg.cms.signer = NULL;
	work_clear(&st->w);
	face_put(st->x.face);
	proven_free(st->s.proven);
	key_free(st->key);
	cert_free(st->signer);
	explicit_bzero(&st->s.mac_key, sizeof(st->s.mac_key));
	free(st);
}

/* ---- what came of it ---- */

/* Here something is out of order, not there. */
static bool
is_fault(enum err_reason r)
{
	return r == ERR_MEMORY || r == ERR_STORE || r == ERR_CRYPTO ||
	    r == ERR_INTERNAL;
}

static void
tell(struct stage *st)
{
	const struct work *w = &st->w;
	struct rehearsal *r = st->out;

	r->end = w->verdict.hold ? REHEARSAL_WAITS : REHEARSAL_ISSUED;
	r->renews = w->verdict.renews;
	r->spends = w->verdict.spends && w->challenge.name != NULL;
	r->awaits = w->verdict.awaits;
	/* Of a renewal whose own is gone, the validator must name one. */
	r->profile = w->verdict.renews && *w->old_gone != '\0' ? NULL :
	    w->verdict.profile->name;
	r->validator = validate_is_due(w) ? w->se->conf->validator : NULL;
	r->issuer = w->se->conf->issuer;
	r->elsewhere = issuer_key(work_way(w)->gen->ca->issuer) == NULL;
	r->eku = w->verdict.plan.eku;
	r->dropped = w->verdict.dropped;
	memcpy(r->surplus, w->verdict.surplus, sizeof(r->surplus));
}

static int
play(struct stage *st, struct err *e)
{
	const size_t n = sizeof(scenes) / sizeof(scenes[0]);
	struct rehearsal *r = st->out;
	size_t i;

	for (i = 0; i < n && r->why.reason == ERR_NONE; i++) {
		r->step = scenes[i].name;
		(void)scenes[i].play(st, &r->why);
	}
	if (is_fault(r->why.reason)) {
		err_set(e, r->why.reason, "%s", r->why.text);
		return -1;
	}
	if (r->why.reason != ERR_NONE) {
		r->end = REHEARSAL_REFUSED;
		r->trail = work_trail(&st->w, r->step, &r->why);
	} else {
		tell(st);
		/* The issuer was not asked. */
		r->trail = work_trail(&st->w, "reserve", NULL);
	}
	if (r->trail != NULL)
		return 0;
	err_set(e, ERR_MEMORY, "trail");
	return -1;
}

int
rehearse(struct site *site, struct db *db, const struct rehearsal_request *r,
    struct rehearsal *out, struct err *e)
{
	struct stage *st = calloc(1, sizeof(*st));
	int rc;

	memset(out, 0, sizeof(*out));
	if (st == NULL) {
		err_set(e, ERR_MEMORY, "rehearsal");
		return -1;
	}
	st->out = out;
	rc = open_stage(st, site, db, r, e);
	if (rc == 0)
		rc = play(st, e);
	close_stage(st);
	if (rc == -1)
		rehearsal_clear(out);
	return rc;
}

void
rehearsal_clear(struct rehearsal *r)
{
	sans_free(&r->sans);
	cert_free(r->cert);
	r->cert = NULL;
	trail_free(r->trail);
	r->trail = NULL;
}
