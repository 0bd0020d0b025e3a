/*
 * Who signed: renewals are told by that, not by what the message says.
 * certmonger, jscep and Apple renew with a PKCSReq.
 */
#include <stdio.h>
#include <string.h>

#include "service/pipeline_int.h"
#include "site/face.h"
#include "site/trusted.h"
#include "store/stray.h"
#include "util/str.h"

struct signer {
	struct work	*w;
	bool		 ours;		/* of a CA of this endpoint's */
	bool		 known;		/* to the ledger */
	int64_t		 row;		/* the one looked at last */
	struct err	*e;
};

static int
take_old(struct work *w, struct bytes der, struct err *e)
{
	if (cert_parse(der, &w->old, e) == -1 ||
	    cert_sans(w->old, &w->old_sans, e) == -1)
		return -1;
	return 0;
}

/* Of a CA that the endpoint had before, only where that one is trusted: its key
 * may have been stolen, and the one that has its name now be the answer. */
static bool
may_renew(const struct signer *s)
{
	const struct work *w = s->w;

	return s->ours || trusted_issuer(w->se, w->msg.cms.signer,
	    w->now) != NULL;
}

/* The ledger's row is the signer's certificate, byte for byte. One that differs
 * by its signature alone is the same, but nobody got it from here. */
static int
is_signer(const struct issued *row, void *arg)
{
	struct signer *s = arg;
	struct work *w = s->w;

	if (memcmp(row->issuer_hash, w->txn.signer_issuer, TXN_HASH) == 0)
		s->known = true;
	if (!bytes_eq(row->der, w->msg.cms.signer->der))
		return 0;
	/* Our own as an RA is renewed by ourselves only. */
	if (row->ra)
		return 0;
	if (strcmp(row->endpoint, w->se->conf->name) != 0) {
		(void)snprintf(w->elsewhere, sizeof(w->elsewhere), "%s",
		    row->endpoint);
		return 0;
	}
	if (!may_renew(s))
		return 0;
	if (take_old(w, row->der, s->e) == -1)
		return -1;
	w->old_id = row->id;
	w->old_revoked = row->revoked;
	w->old_issued = row->issued_at;
	w->old_profile = conf_profile(w->x->site->conf, row->profile);
	if (w->old_profile == NULL)
		(void)snprintf(w->old_gone, sizeof(w->old_gone), "%s",
		    row->profile);
	return 1;
}

/* Trusting a CA that has issued here as well is no way round what was found wrong
 * with what it made. */
static int
check_stray(const struct work *w, struct err *e)
{
	bool known;

	if (stray_known(w->s->db, w->msg.cms.signer->serial,
	    w->txn.signer_issuer, &known, e) == -1)
		return -1;
	if (!known)
		return 0;
	err_set(e, ERR_RENEWAL_STRAY, "scepctl list --stray tells why");
	return -1;
}

/* Of another server, whose CA is trusted. What this server issued, at another
 * endpoint or before it was revoked, is judged by the ledger alone. */
static int
take_foreign(struct work *w, struct err *e)
{
	const struct cert *c = w->msg.cms.signer;
	const struct cert *ca = trusted_issuer(w->se, c, w->now);
	struct bytes n = c->serial;
	char serial[2 * PKI_SERIAL_MAX + 1];

	if (ca == NULL)
		return 0;
	if (check_stray(w, e) == -1)
		return -1;
	if (n.n > PKI_SERIAL_MAX) {
		err_set(e, ERR_RENEWAL_SIGNER, "serial number of %zu bytes",
		    n.n);
		return -1;
	}
	/* As people write it, without what DER puts in front. */
	for (; n.n > 1 && n.p[0] == 0; n.n--)
		n.p++;
	str_hex(n, serial);
	if (buf_printf(&w->migrates, "%s of %s", serial,
	    ca->subject_text) == -1) {
		err_set(e, ERR_RENEWAL_SIGNER, "its issuer's name is too long");
		return -1;
	}
	return take_old(w, c->der, e);
}

static int
read_line(struct work *w, struct err *e)
{
	const uint8_t *key = w->csr->key.identity;

	if (issued_line(w->s->db, w->old_id, w->old_id == 0 ?
	    buf_cstr(&w->migrates) : NULL, key, &w->old_line, e) == -1)
		return -1;
	if (w->old_id == 0 && memcmp(w->old->key.identity, key,
	    PKI_HASH) == 0)
		w->old_line.key_uses = 1;
	return 0;
}

static int
is_good(const struct issued *row, void *arg)
{
	struct signer *s = arg;

	s->known = !row->ra && !row->revoked &&
	    strcmp(row->endpoint, s->w->se->conf->name) == 0 &&
	    bytes_eq(row->der, s->w->msg.cms.signer->der);
	return s->known;
}

int
signer_known(struct work *w, bool *known, struct err *e)
{
	const struct issued_filter f = { .serial = w->msg.cms.signer->serial };
	struct signer s = { .w = w, .e = e };

	if (issued_each(w->s->db, &f, is_good, &s, e) == -1)
		return -1;
	*known = s.known;
	return 0;
}

static int
is_row(const struct issued *row, void *arg)
{
	struct signer *s = arg;

	s->row = row->id;
	return bytes_eq(row->der, s->w->msg.cms.signer->der);
}

int64_t
signer_row(struct work *w)
{
	const struct cert *c = w->msg.cms.signer;
	struct err e = { .reason = ERR_NONE };
	struct signer s = { .w = w, .e = &e };

	/* Whose certificate a message names is proven by its signature alone. */
	if (!w->msg.verified || bytes_eq(c->subject, c->issuer))
		return 0;
	if (w->old_id != 0)
		return w->old_id;
	return issued_each(w->s->db, &(struct issued_filter){
	    .serial = c->serial }, is_row, &s, &e) == 1 ? s.row : 0;
}

int
work_stops(struct work *w, struct err *e)
{
	const bool foreign = w->old != NULL && w->old_id == 0;
	const struct revoked_ask a = {
		.renews = w->old_id,
		.migrates = foreign ? buf_cstr(&w->migrates) : NULL,
		.old_key = w->old == NULL ? NULL : w->old->key.identity,
		.key = w->csr->key.identity,
	};

	return revoked_stops(w->s->db, &a, &w->stops, e);
}

static int
find_old(struct work *w, struct err *e)
{
	const struct cert *c = w->msg.cms.signer;
	const struct issued_filter f = { .serial = c->serial };
	struct signer s = {
		.w = w, .ours = face_of(w->face, c) != NULL, .e = e
	};

	/* What a device signed by itself was issued nowhere. */
	if (!s.ours && w->se->n_trusted == 0 &&
	    bytes_eq(c->subject, c->issuer))
		return 0;
	if (issued_each(w->s->db, &f, is_signer, &s, e) == -1 ||
	    (!s.known && take_foreign(w, e) == -1))
		return -1;
	return w->old == NULL ? 0 : read_line(w, e);
}

int
step_signer(struct work *w, struct err *e)
{
	return find_old(w, e) == -1 ? -1 : work_stops(w, e);
}
