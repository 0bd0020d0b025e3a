/*
 * RA certificates that follow one another: one that ends soon is issued anew by
 * the CA whose key is here, in the ledger before anybody sees it. What was
 * issued so is found there again at the next start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pki/secret.h"
#include "site/ra_int.h"
#include "store/issued.h"
#include "store/revoked.h"
#include "store/txn.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/str.h"

#define DAY		86400
#define RETRY		60	/* seconds, after a failure */

/* ---- issuing one ---- */

/* What is reserved and recorded for a certificate of our own. */
struct order {
	uint8_t			 serial[SERIAL_LEN];
	char			 txid[2 * SERIAL_LEN + 4];
	struct txn_found	 txn;
	const struct key	*key;
	const struct cert	*like;
	const struct site_ca	*ca;
};

static int
reserve(const struct ra_look *l, struct order *o, struct err *e)
{
	struct bytes serial = bytes_make(o->serial, SERIAL_LEN);
	char hex[2 * SERIAL_LEN + 1];
	struct txn t = {
		.endpoint = l->se->conf->name,
		.txid = o->txid,
		.signer_serial = o->like->serial,
		.serial = serial,
		.peer = "scepd",
		.when = l->now,
	};
	bool fresh;

	if (serial_draw(o->serial, e) == -1)
		return -1;
	str_hex(serial, hex);
	(void)snprintf(o->txid, sizeof(o->txid), "ra-%s", hex);
	memcpy(t.signer_hash, o->like->key.spki_hash, TXN_HASH);
	if (secret_sha256(o->like->issuer, t.signer_issuer, e) == -1 ||
	    secret_sha256(key_spki(o->key), t.csr_hash, e) == -1 ||
	    secret_sha256(serial, t.msg_hash, e) == -1)
		return -1;
	return txn_reserve(l->db, &t, &o->txn, &fresh, e);
}

static int
sign(const struct ra_look *l, const struct order *o, struct cert **out,
    struct err *e)
{
	struct cert_plan plan = {
		.serial = bytes_make(o->serial, SERIAL_LEN),
		.subject = o->like->subject,
		.spki = key_spki(o->key),
		.ku = o->like->ku,
	};
	const struct issuer_request r = {
		.plan = &plan,
		.endpoint = l->se->conf->name,
		.txid = o->txid,
		.peer = "scepd",
		.now = l->now,
	};

	ra_plan_life(&plan, o->like, issuer_ca(o->ca->issuer), l->now);
	/* Only a CA whose key is here is asked: that leaves nothing astray. */
	return issuer_issue(o->ca->issuer, &r, out, NULL, NULL, e);
}

static int
record(const struct ra_look *l, const struct order *o, const struct cert *c,
    struct err *e)
{
	struct issued row = {
		.txn = o->txn.id,
		.der = c->der,
		.serial = c->serial,
		.subject = c->subject_text,
		.sans = "",
		.endpoint = l->se->conf->name,
		.profile = "",
		.issuer = l->se->conf->issuer,
		.txid = o->txid,
		.peer = "scepd",
		.not_before = c->not_before,
		.not_after = c->not_after,
		.issued_at = l->now,
		.ra = true,
	};
	struct issued_op op;

	memcpy(row.issuer_hash, o->ca->name_hash, ISSUED_HASH);
	memcpy(row.key_hash, c->key.identity, ISSUED_HASH);
	issued_add_start(l->db, &op, &row);
	return issued_add_wait(l->db, &op, e);
}

static void
log_renewed(const struct ra_look *l, const struct cert *c, enum ra_role role,
    const struct cert *ca)
{
	char when[CLOCK_TEXT_MAX];
	struct log_line line;

	clock_text(c->not_after, when);
	log_begin(&line, LOG_L_NOTICE, "ra_renewed");
	log_str(&line, "endpoint", l->se->conf->name);
	log_str(&line, "what", ra_role_name(role));
	log_hex(&line, "serial", c->serial);
	log_str(&line, "not_after", when);
	log_str(&line, "ca", ca->subject_text);
	log_end(&line);
}

void
ra_look_again(struct ra_look *l, int64_t when)
{
	if (when < l->next)
		l->next = when;
}

void
ra_look_failed(struct ra_look *l, const struct err *e)
{
	struct log_line line;

	l->next = l->now + RETRY;
	log_begin(&line, LOG_L_ERR, "ra_failed");
	log_str(&line, "endpoint", l->se->conf->name);
	log_err(&line, e);
	log_end(&line);
}

static int
issue(struct ra_look *l, struct order *o, enum ra_role role, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	struct cert *c = NULL;
	struct key *k;
	struct pair *p;

	if (reserve(l, o, e) == -1)
		return -1;
	if (sign(l, o, &c, e) == -1 || record(l, o, c, e) == -1) {
		cert_free(c);
		ends_write(l->ends, l->db, &(struct ending){
		    .txn = o->txn.id, .reason = e->reason, .when = l->now });
		return -1;
	}
	log_renewed(l, c, role, issuer_ca(o->ca->issuer));
	/* It is in the ledger: what fails here is found there again. */
	if (key_get1(o->key, &k, &why) == -1)
		cert_free(c);
	else if (pair_new(k, c, &p, &why) == 0)
		(void)pairs_take(&l->all, p, &why);
	if (why.reason != ERR_NONE)
		ra_look_failed(l, &why);
	return 0;
}

/* Nothing is issued for a key that was compromised. */
static int
wants_key(const struct ra_look *l, const struct pair *like, bool first,
    bool *wants, struct err *e)
{
	const struct revoked_ask a = { .key = like->cert->key.identity };
	struct revoked_stops s;

	if (revoked_stops(l->db, &a, &s, e) == -1)
		return -1;
	*wants = s.key ||
	    (!first && l->se->conf->ra_renew_key == CONF_RA_RENEW_NEW);
	return 0;
}

/* With the key of the one before, or a new one if so configured; the first one
 * under a CA has the key of that under the other. */
static int
renew(struct ra_look *l, const struct site_ca *ca, const struct pair *like,
    bool first, enum ra_role role, struct err *e)
{
	struct order o = { .key = like->key, .like = like->cert, .ca = ca };
	struct key *made = NULL;
	char *path = NULL;
	bool wants;
	int rc;

	if (wants_key(l, like, first, &wants, e) == -1)
		return -1;
	if (wants) {
		if (kept_make_key(l->conf, like->key, &made, &path,
		    e) == -1)
			return -1;
		o.key = made;
	}
	rc = issue(l, &o, role, e);
	/* Or each try would leave one. */
	if (rc == -1 && path != NULL)
		(void)unlink(path);
	free(path);
	key_free(made);
	return rc;
}

/* ---- looking ---- */

static void
warn(struct ra_look *l, const struct site_ca *ca, const struct cert *best,
    enum ra_role role, const char *mend)
{
	const char *ca_name = issuer_ca(ca->issuer)->subject_text;
	char when[CLOCK_TEXT_MAX];

	/* What is told now does not hide the rest; nor does a clock put back
	 * silence anything. */
	if (l->now - l->se->warned < DAY && l->now > l->se->warned)
		return;
	l->se->warned = l->now;
	if (best == NULL) {
		log_msg(LOG_L_WARN, "ra_expires", "endpoint %s: there is no "
		    "%s of %s; %s", l->se->conf->name, ra_role_name(role),
		    ca_name, mend);
		return;
	}
	clock_text(best->not_after, when);
	log_msg(LOG_L_WARN, "ra_expires", "endpoint %s: the %s of %s %s %s; "
	    "%s", l->se->conf->name, ra_role_name(role), ca_name,
	    best->not_after < l->now ? "expired" : "expires", when, mend);
}

static void
keep(struct ra_look *l, const struct site_ca *ca, enum ra_role role)
{
	const struct cert *up = issuer_ca(ca->issuer);
	const struct pair *best, *like;
	struct err e = { .reason = ERR_NONE };
	const char *mend;

	best = ra_best(&l->all, l->all.n, up, role, l->now);
	if (best == NULL)
		best = ra_best(&l->se->ra->also, l->se->ra->also.n, up,
		    role, l->now);
	like = best;
	if (like == NULL)
		like = ra_best(&l->all, l->all.n, NULL, role, l->now);
	if (best != NULL && l->now < ra_plan_due(l->se->conf, best->cert)) {
		ra_look_again(l, ra_plan_due(l->se->conf, best->cert));
		return;
	}
	mend = ra_plan_hindrance(l->se->conf, ca, like->cert, best == NULL ? NULL :
	    best->cert, l->now);
	if (mend != NULL)
		warn(l, ca, best == NULL ? NULL : best->cert, role, mend);
	else if (renew(l, ca, like, best == NULL, role, &e) == -1)
		ra_look_failed(l, &e);
}

void
ra_renew(struct ra_look *l, const struct site_ca *ca)
{
	if (l->se->ra->split) {
		keep(l, ca, RA_SIGN);
		keep(l, ca, RA_OPEN);
	} else
		keep(l, ca, RA_BOTH);
}
