/*
 * What is kept of a decision: the facts of the work, and the steps that it took,
 * those of policy among them. Never the challenge itself.
 */
#include <stdio.h>
#include <string.h>

#include "issuer/issuer.h"
#include "render/trail.h"
#include "service/pipeline_int.h"
#include "service/refusals_int.h"
#include "service/validate_int.h"
#include "util/clock.h"
#include "util/str.h"

#define INPUT_MAX	1024
#define SANS_MAX	4096	/* more than a fact shows */

/* Steps of the pipeline, in the order in which there are any. */
static const char *const order[] = {
	"decode", "admit", "type", "unwrap", "find", "recall", "claim", "signer",
	"authorize", "validate", "room", "reserve", "issue", "record", "wrap",
	"commit"
};

struct telling {
	const struct work	*w;
	struct trail		*t;
	const char		*upto;	/* last step that was taken */
	const struct err	*why;	/* it refused; NULL: it passed */
	bool			 told;	/* the refusal is */
};

static size_t
rank(const char *step)
{
	size_t i, n = sizeof(order) / sizeof(order[0]);

	for (i = 0; i < n && strcmp(order[i], step) != 0; i++)
		continue;
	return i == n ? 0 : i;
}

static bool
came_to(const struct telling *x, const char *step)
{
	return rank(x->upto) >= rank(step);
}

/* step is its name in the pipeline, name the one in the trail. */
static void
tell(struct telling *x, const char *step, const char *name, struct buf *input)
{
	struct trail_step s = {
		.by = TRAIL_SERVICE, .step = name, .input = buf_cstr(input)
	};

	if (x->why != NULL && !x->told && strcmp(step, x->upto) == 0) {
		s.reason = err_slug(x->why->reason);
		s.detail = x->why->text;
		x->told = true;
	}
	trail_step(x->t, &s);
	buf_wipe(input);
}

/* ---- facts ---- */

static void
hex_fact(struct trail *t, const char *key, struct bytes b)
{
	char hex[CERT_HEX_MAX];

	cert_hex(b, hex);
	trail_fact(t, key, hex);
}

static void
sans_fact(struct trail *t, const struct sans *sans)
{
	struct buf text = BUF_INIT(SANS_MAX);

	/* What does not fit is left out. */
	(void)sans_put(sans, " ", &text);
	trail_fact(t, "sans", buf_cstr(&text));
	buf_wipe(&text);
}

/* What an operator is to approve; of what was issued, the ledger has it. */
static void
granted_facts(struct telling *x)
{
	const struct policy_verdict *v = &x->w->verdict;
	struct buf text = BUF_INIT(POLICY_SUBJECT_MAX);
	struct err e = { .reason = ERR_NONE };
	struct sans sans;

	if (x->why != NULL || !v->hold || v->awaits)
		return;
	if (name_show(v->plan.subject, &text, &e) == 0)
		trail_names(x->t, TRAIL_SUBJECT, buf_cstr(&text));
	buf_reset(&text);
	if (cert_plan_sans(&v->plan, &sans, &e) == 0) {
		(void)sans_put(&sans, " ", &text);
		trail_names(x->t, TRAIL_SANS, buf_cstr(&text));
		sans_free(&sans);
	}
	trail_fact(x->t, TRAIL_SID, v->plan.sid);
	trail_fact(x->t, TRAIL_LEFT_OUT, v->surplus);
	buf_wipe(&text);
}

static void
request_facts(struct trail *t, const struct csr *r)
{
	char key[32];

	trail_fact(t, "subject", r->subject_text);
	sans_fact(t, &r->sans);
	(void)snprintf(key, sizeof(key), "%s %d", key_type_name(r->key.type),
	    r->key.bits);
	trail_fact(t, "key", key);
	hex_fact(t, "key_sha256", bytes_make(r->key.spki_hash, PKI_HASH));
}

/* The first, where there are more; of ours that is refused, nothing is left. */
static void
stray_fact(struct telling *x)
{
	const struct work *w = x->w;
	char when[CLOCK_TEXT_MAX];

	if (x->why->reason == ERR_ISSUER_CUT || w->maybe_stray) {
		hex_fact(x->t, TRAIL_MAYBE, bytes_make(w->serial,
		    SERIAL_LEN));
		clock_text(w->now, when);
		trail_fact(x->t, TRAIL_MAYBE_AT, when);
	}
	if (w->strays.n > 0)
		hex_fact(x->t, TRAIL_STRAY, w->strays.v[0]->serial);
	else if (w->fresh && w->cert != NULL &&
	    issuer_key(work_way(w)->gen->ca->issuer) == NULL)
		hex_fact(x->t, TRAIL_STRAY, w->cert->serial);
}

static void
facts(struct telling *x)
{
	const struct work *w = x->w;
	const struct cert *signer = w->msg.cms.signer;

	trail_fact(x->t, "endpoint", w->se->conf->name);
	trail_fact(x->t, "transaction_id", w->msg.txid);
	trail_fact(x->t, "message", scep_type_name(w->msg.type));
	trail_fact(x->t, TRAIL_PEER, w->x->peer);
	if (w->csr != NULL)
		request_facts(x->t, w->csr);
	if (signer != NULL)
		trail_fact(x->t, "signer", signer->subject_text);
	trail_fact(x->t, TRAIL_ELSEWHERE, w->elsewhere);
	trail_fact(x->t, TRAIL_CHALLENGE, w->challenge.name);
	trail_fact(x->t, "validator", validate_name(w));
	if (w->verdict.profile != NULL)
		trail_fact(x->t, "profile", w->verdict.profile->name);
	if (w->verdict.renews && w->old_id != 0)
		hex_fact(x->t, "renews", w->old->serial);
	else if (w->verdict.renews)
		trail_fact(x->t, "migrates", buf_cstr(&w->migrates));
	if (x->why != NULL)
		stray_fact(x);
	else if (w->cert != NULL)
		hex_fact(x->t, "serial", w->cert->serial);
	granted_facts(x);
}

/* ---- steps around policy ---- */

static void
tell_signer(struct telling *x)
{
	const struct work *w = x->w;
	struct buf in = BUF_INIT(INPUT_MAX);
	char text[2 * PKI_SERIAL_MAX + 1], when[CLOCK_TEXT_MAX] = "no";

	if (w->approved || !came_to(x, "signer"))
		return;
	if (w->old == NULL && *w->elsewhere != '\0') {
		(void)buf_printf(&in, "certificate=of_another_endpoint "
		    "endpoint=%s", w->elsewhere);
	} else if (w->old == NULL) {
		(void)buf_puts(&in, "certificate=unknown");
	} else if (w->old->serial.n <= PKI_SERIAL_MAX) {
		str_hex(w->old->serial, text);
		if (w->old_line.superseded_at != 0)
			clock_text(w->old_line.superseded_at, when);
		(void)buf_printf(&in, "certificate=%s issued_here=%s "
		    "revoked=%s superseded=%s", text,
		    w->old_id != 0 ? "yes" : "no",
		    w->old_revoked ? "yes" : "no", when);
	}
	tell(x, "signer", "signer", &in);
}

/* What makes an address wait. */
static void
put_waits(const struct exchange *x, struct buf *in)
{
	if (x->locked > 0)
		(void)buf_printf(in, " locked_for=%llds",
		    (long long)x->locked);
	if (x->rationed > 0)
		(void)buf_printf(in, " rationed_for=%llds",
		    (long long)x->rationed);
}

/* Nobody looked at it: its address has no more guesses. */
static bool
is_unread(const struct telling *x)
{
	return x->w->unseen || (x->why != NULL &&
	    (x->why->reason == ERR_RATIONED || x->why->reason == ERR_LOCKED));
}

static void
tell_challenge(struct telling *x)
{
	const struct work *w = x->w;
	struct buf in = BUF_INIT(INPUT_MAX);

	if (w->approved || !came_to(x, "authorize"))
		return;
	if (is_unread(x)) {
		(void)buf_puts(&in, "challenge=unread");
		put_waits(w->x, &in);
	} else if (validate_instead(w))
		(void)buf_printf(&in, "challenge=%s judged_by=validator",
		    w->presented == POLICY_CHALLENGE_ABSENT ? "absent" :
		    "present");
	else
		(void)buf_printf(&in, "challenge=%s",
		    policy_challenge_name(w->presented));
	if (w->challenge.name != NULL)
		(void)buf_printf(&in, " name=%s used=%lld",
		    w->challenge.name, (long long)w->challenge.used);
	tell(x, "authorize", "challenge", &in);
}

/* Of a step that is told where it refuses alone. */
static void
put_last(const struct telling *x, struct buf *in)
{
	const struct work *w = x->w;
	const struct cert *signer = w->msg.cms.signer;

	if (strcmp(x->upto, "decode") == 0 && signer != NULL)
		(void)buf_printf(in, "signer_key=%s bits=%d profile=%s",
		    key_type_name(signer->key.type), signer->key.bits,
		    w->se->profile->name);
	else if (strcmp(x->upto, "admit") == 0 ||
	    (w->stranger && strcmp(x->upto, "unwrap") == 0)) {
		(void)buf_printf(in, "address=%s", w->x->peer);
		put_waits(w->x, in);
	} else if (strcmp(x->upto, "type") == 0)
		(void)buf_printf(in, "message=%s",
		    scep_type_name(w->msg.type));
	else if (strcmp(x->upto, "unwrap") == 0 && w->csr != NULL)
		(void)buf_printf(in, "key=%s bits=%d digest=%s",
		    key_type_name(w->csr->key.type), w->csr->key.bits,
		    alg_name(w->csr->digest));
	else if (strcmp(x->upto, "unwrap") == 0)
		(void)buf_printf(in, "enveloped_for_certificates=%zu",
		    w->face->n_ways);
}

static void
tell_validator(struct telling *x)
{
	struct buf in = BUF_INIT(INPUT_MAX);

	if (validate_name(x->w) == NULL)
		return;
	validate_input(x->w, &in);
	tell(x, "validate", "validator", &in);
}

/* What a validator judges is no challenge of ours. */
static bool
spends(const struct work *w)
{
	return w->verdict.spends && w->challenge.name != NULL;
}

static void
tell_reserve(struct telling *x)
{
	const struct conf_profile *p = x->w->verdict.profile;
	struct buf in = BUF_INIT(INPUT_MAX);

	if (x->w->approved || p == NULL || !came_to(x, "reserve"))
		return;
	(void)buf_printf(&in, "profile=%s waits=%s spends_challenge=%s "
	    "max_active=%lld", p->name, x->w->verdict.hold ? "yes" : "no",
	    spends(x->w) ? "yes" : "no", (long long)p->max_active);
	tell(x, "reserve", "reserve", &in);
}

static void
tell_issue(struct telling *x)
{
	struct buf in = BUF_INIT(INPUT_MAX);

	if (!came_to(x, "issue"))
		return;
	(void)buf_printf(&in, "issuer=%s", x->w->se->conf->issuer);
	tell(x, "issue", "issue", &in);
}

/* ---- steps of policy ---- */

static void
tell_policy(struct telling *x, const struct policy_trace *p)
{
	const struct policy_step *s;
	size_t i;

	for (i = 0; i < p->n; i++) {
		s = &p->v[i];
		trail_step(x->t, &(struct trail_step){
		    .by = s->as == POLICY_AS_RENEWAL ? TRAIL_RENEWAL :
		    TRAIL_ENROLLMENT, .step = s->rule, .input = s->input,
		    .reason = s->reason == ERR_NONE ? NULL :
		    err_slug(s->reason), .detail = s->detail });
	}
	if (p->cut)
		trail_cut(x->t);
}

/* Whether it is policy that refused, the last time that it was asked. */
static bool
is_policys(const struct telling *x)
{
	const struct policy_trace *p;

	if (x->why == NULL || x->w->n_traces == 0)
		return false;
	p = &x->w->traces[x->w->n_traces - 1];
	return p->n > 0 && p->v[p->n - 1].reason == x->why->reason;
}

static void
steps(struct telling *x)
{
	const struct work *w = x->w;
	struct buf last = BUF_INIT(INPUT_MAX);

	x->told = is_policys(x);
	tell_signer(x);
	tell_challenge(x);
	if (w->n_traces > 0)
		tell_policy(x, &w->traces[0]);
	tell_validator(x);
	if (w->n_traces > 1)
		tell_policy(x, &w->traces[1]);
	tell_reserve(x);
	tell_issue(x);
	if (x->why == NULL || x->told)
		return;
	put_last(x, &last);
	tell(x, x->upto, x->upto, &last);
}

struct trail *
work_trail(const struct work *w, const char *upto, const struct err *why)
{
	struct telling x = { .w = w, .upto = upto, .why = why };

	x.t = trail_new();
	facts(&x);
	steps(&x);
	return x.t;
}

const struct audit *
work_audit(struct work *w, const char *outcome, const char *upto,
    const struct err *why)
{
	struct trail *t = work_trail(w, upto, why);
	struct err e = { .reason = ERR_NONE };

	buf_reset(&w->trail);
	w->audit = (struct audit){
		.when = w->now, .endpoint = w->se->conf->name,
		.txid = w->msg.txid, .outcome = outcome,
		.reason = why == NULL ? NULL : err_slug(why->reason),
		.who = w->x->peer, .signer = signer_row(w),
	};
	/* Without memory for it, the row says what there is to say. */
	if (trail_print(t, &w->trail, &e) == 0)
		w->audit.trail = buf_cstr(&w->trail);
	trail_free(t);
	return &w->audit;
}

const char *
audit_outcome(enum err_reason why)
{
	return err_failinfo(why) == FAIL_TROUBLE ? AUDIT_FAILED :
	    AUDIT_REFUSED;
}

/* What repeats another request was told with that one, and questions about
 * certificates are no decisions. */
void
work_refused(struct work *w, const char *upto, const struct err *why)
{
	int64_t keep = w->x->site->conf->audit_refusals;

	if (keep == 0 || w->told || w->recorded || !w->msg.identified ||
	    w->type == SCEP_GETCERT || w->type == SCEP_GETCRL ||
	    strcmp(upto, "outcome") == 0 || !refusals_room(w->s->refusals))
		return;
	refusals_put(w->s->refusals, work_audit(w, audit_outcome(why->reason),
	    upto, why));
}
