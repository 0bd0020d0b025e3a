/*
 * CRLs. The ledger counts the changes of what is revoked and keeps the last CRL
 * of each CA; a tick compares, and makes the next one. It is durable before
 * anybody sees it, so that no number is ever used twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/crl.h"
#include "site/crls.h"
#include "store/revoked.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

#define RETRY		60	/* seconds, after a failure */
#define ENTRIES_MAX	500000	/* what fits into CRL_MAX_DER */

/* The CRL of one CA, by Name and key: issuers may share it. */
struct slot {
	struct slot		*next;
	uint8_t			 name_hash[PKI_HASH];
	uint8_t			 key_hash[PKI_HASH];
	struct revoked_crl	 last;		/* number 0: there is none */
	bool			 asked;		/* the store, for the last */
	struct document		*doc;		/* under the lock; or NULL */
};

struct crls {
	pthread_mutex_t	 lock;
	struct slot	*first;		/* the list: under the lock too */
};

int
crls_new(struct crls **out, struct err *e)
{
	struct crls *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_set(e, ERR_MEMORY, "CRLs");
		return -1;
	}
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void
crls_free(struct crls *c)
{
	struct slot *s;

	if (c == NULL)
		return;
	while ((s = c->first) != NULL) {
		c->first = s->next;
		document_put(s->doc);
		free(s);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct slot *
slot_find(struct crls *c, const struct site_ca *ca)
{
	const uint8_t *key = issuer_ca(ca->issuer)->key.spki_hash;
	struct slot *s;

	for (s = c->first; s != NULL; s = s->next)
		if (memcmp(s->name_hash, ca->name_hash, PKI_HASH) == 0 &&
		    memcmp(s->key_hash, key, PKI_HASH) == 0)
			return s;
	return NULL;
}

static struct slot *
slot_add(struct crls *c, const struct site_ca *ca, struct err *e)
{
	struct slot *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_set(e, ERR_MEMORY, "CRL");
		return NULL;
	}
	memcpy(s->name_hash, ca->name_hash, PKI_HASH);
	memcpy(s->key_hash, issuer_ca(ca->issuer)->key.spki_hash, PKI_HASH);
	memcpy(s->last.issuer_hash, s->name_hash, PKI_HASH);
	memcpy(s->last.key_hash, s->key_hash, PKI_HASH);
	pthread_mutex_lock(&c->lock);
	s->next = c->first;
	c->first = s;
	pthread_mutex_unlock(&c->lock);
	return s;
}

struct document *
crls_get(struct crls *c, const struct site_ca *ca)
{
	struct document *d = NULL;
	struct slot *s;

	if (!ca->has_crl)
		return NULL;
	pthread_mutex_lock(&c->lock);
	if ((s = slot_find(c, ca)) != NULL && s->doc != NULL)
		d = document_get(s->doc);
	pthread_mutex_unlock(&c->lock);
	return d;
}

/* From here on everybody gets this one. Takes der. */
static int
publish(struct crls *c, struct slot *s, struct buf *der, struct err *e)
{
	struct document *d, *old;

	if (document_new("application/pkix-crl", der, s->last.this_update,
	    s->last.next_update, &d, e) == -1)
		return -1;
	pthread_mutex_lock(&c->lock);
	old = s->doc;
	s->doc = d;
	pthread_mutex_unlock(&c->lock);
	document_put(old);
	return 0;
}

static void
log_failed(const struct site_ca *ca, const struct err *e)
{
	struct log_line l;

	log_begin(&l, LOG_L_ERR, "crl_failed");
	log_str(&l, "issuer", ca->conf->name);
	log_err(&l, e);
	log_end(&l);
}

/* Serves what the store has kept, if it is the CA's. */
static int
serve_kept(struct crls *c, struct slot *s, const struct site_ca *ca,
    struct buf *der, struct err *e)
{
	struct crl *crl;
	int rc;

	if (crl_parse(buf_bytes(der), &crl, e) == -1)
		return -1;
	rc = crl_verify(crl, issuer_ca(ca->issuer), e);
	if (rc == 0)
		rc = publish(c, s, der, e);
	crl_free(crl);
	return rc;
}

/* The last one before this start; one that is of no use is made anew. */
static int
recall(struct crls *c, struct slot *s, const struct site_ca *ca,
    struct db *db, struct err *e)
{
	struct buf der = BUF_INIT(CRL_MAX_DER);
	struct err why = { .reason = ERR_NONE };
	bool found = false;
	int rc;

	rc = revoked_crl_get(db, &s->last, &der, &found, e);
	if (rc == 0 && found && serve_kept(c, s, ca, &der, &why) == -1) {
		s->last.number = 0;
		log_failed(ca, &why);
	}
	buf_wipe(&der);
	s->asked = rc == 0;
	return rc;
}

/* ---- is it time? ---- */

/* When a CRL is followed by the next even if nothing was revoked. One that ends
 * with its CA has no other end. */
static bool
is_scheduled(const struct slot *s, const struct site_ca *ca, int64_t now)
{
	const struct conf_issuer *conf = ca->conf;
	const struct revoked_crl *last = &s->last;

	return now - last->scheduled >= conf->crl_validity - conf->crl_renew ||
	    (last->next_update - now <= conf->crl_renew &&
	    last->next_update < issuer_ca(ca->issuer)->not_after);
}

/* Why a new one is due, in a word; NULL: it is not. */
static const char *
is_due(const struct slot *s, const struct site_ca *ca, int64_t changes,
    int64_t now)
{
	/* What an expired CA signs convinces nobody. */
	if (now >= issuer_ca(ca->issuer)->not_after)
		return NULL;
	if (s->last.number == 0)
		return "first";
	if (s->last.changes != changes)
		return "revocation";
	return is_scheduled(s, ca, now) ? "schedule" : NULL;
}

/* ---- making one ---- */

struct entries {
	struct crl_entry	*v;
	size_t			 n;
	size_t			 max;
	struct err		*e;
};

static int
add_entry(const struct revoked *r, void *arg)
{
	struct entries *all = arg;
	struct crl_entry *v;

	if (all->n == all->max) {
		all->max = all->max == 0 ? 64 : 2 * all->max;
		if (all->n >= ENTRIES_MAX || (v = realloc(all->v,
		    all->max * sizeof(*v))) == NULL) {
			err_set(all->e, ERR_MEMORY, "CRL of %zu entries",
			    all->n);
			return -1;
		}
		all->v = v;
	}
	v = &all->v[all->n];
	if (r->serial.n > sizeof(v->serial)) {
		err_set(all->e, ERR_STORE, "serial of %zu bytes",
		    r->serial.n);
		return -1;
	}
	memcpy(v->serial, r->serial.p, r->serial.n);
	v->n_serial = r->serial.n;
	v->when = r->when;
	v->reason = r->reason;
	all->n++;
	return 0;
}

/*
 * Numbers follow the clock where they can: they rise even if the ledger is
 * lost, or put back from a copy.
 */
static int
next_number(const struct revoked_crl *crl, struct db *db, int64_t now,
    int64_t *out, struct err *e)
{
	int64_t highest;

	if (revoked_crl_number(db, crl->issuer_hash, &highest, e) == -1)
		return -1;
	*out = highest >= now ? highest + 1 : now;
	return 0;
}

static void
log_made(const struct site_ca *ca, const struct revoked_crl *crl,
    size_t entries, const char *why)
{
	char next[CLOCK_TEXT_MAX];
	struct log_line l;

	clock_text(crl->next_update, next);
	log_begin(&l, LOG_L_INFO, "crl");
	log_str(&l, "issuer", ca->conf->name);
	log_str(&l, "ca", ca->id);
	log_str(&l, "why", why);
	log_int(&l, "number", crl->number);
	log_int(&l, "entries", (long long)entries);
	log_str(&l, "next_update", next);
	log_end(&l);
}

/* The facts of the one after the last. */
static int
plan_next(const struct slot *s, const struct site_ca *ca, struct db *db,
    int64_t changes, int64_t now, struct revoked_crl *out, struct err *e)
{
	const struct cert *cert = issuer_ca(ca->issuer);

	*out = s->last;
	out->changes = changes;
	out->this_update = now;
	out->next_update = cert->not_after - now < ca->conf->crl_validity ?
	    cert->not_after : now + ca->conf->crl_validity;
	if (s->last.number == 0 || is_scheduled(s, ca, now))
		out->scheduled = now;
	return next_number(out, db, now, &out->number, e);
}

static int
sign_and_keep(const struct revoked_crl *crl, const struct entries *all,
    const struct site_ca *ca, struct db *db, struct buf *der, struct err *e)
{
	const struct crl_plan plan = {
		.number = crl->number,
		.this_update = crl->this_update,
		.next_update = crl->next_update,
		.entries = all->v,
		.n_entries = all->n,
	};

	if (crl_make(&plan, issuer_ca(ca->issuer), issuer_key(ca->issuer),
	    der, e) == -1)
		return -1;
	return revoked_crl_put(db, crl, buf_bytes(der), e);
}

/*
 * A certificate stays listed until one CRL made on schedule after its end has
 * told of it (RFC 5280, 3.3): what ended before the last of these may go.
 */
static int
make(struct crls *c, struct slot *s, const struct site_ca *ca,
    struct db *db, int64_t changes, int64_t now, const char *why,
    struct err *e)
{
	int64_t from = s->last.number == 0 ? now : s->last.scheduled;
	struct entries all = { .e = e };
	struct buf der = BUF_INIT(CRL_MAX_DER);
	struct revoked_crl next;
	int rc = -1;

	if (plan_next(s, ca, db, changes, now, &next, e) == 0 &&
	    revoked_each(db, ca->name_hash, from, add_entry, &all, e) == 0 &&
	    sign_and_keep(&next, &all, ca, db, &der, e) == 0) {
		s->last = next;
		log_made(ca, &next, all.n, why);
		rc = publish(c, s, &der, e);
	}
	free(all.v);
	buf_wipe(&der);
	return rc;
}

/* ---- the tick ---- */

/* Also after a reload, which may have named another file. */
static int
write_file(const struct slot *s, struct site_ca *ca, struct err *e)
{
	char *path;
	int rc;

	if (*ca->conf->crl_file == '\0' || s->doc == NULL ||
	    strcmp(ca->filed, s->doc->etag) == 0)
		return 0;
	if (asprintf(&path, "%s%s", ca->conf->crl_file,
	    ca->follows ? ".next" : "") == -1) {
		err_set(e, ERR_MEMORY, "crl_file");
		return -1;
	}
	rc = file_write(path, buf_bytes(&s->doc->content), 0644, true, e);
	free(path);
	if (rc == 0)
		memcpy(ca->filed, s->doc->etag, sizeof(ca->filed));
	return rc;
}

static int
refresh(struct crls *c, struct slot *s, struct site_ca *ca,
    struct db *db, int64_t now, struct err *e)
{
	int64_t changes;
	const char *why;

	if (!s->asked && recall(c, s, ca, db, e) == -1)
		return -1;
	if (revoked_changes(db, ca->name_hash, &changes, e) == -1)
		return -1;
	if ((why = is_due(s, ca, changes, now)) != NULL &&
	    make(c, s, ca, db, changes, now, why, e) == -1)
		return -1;
	return write_file(s, ca, e);
}

static void
tick(struct crls *c, struct site_ca *ca, struct db *db, int64_t now)
{
	struct err e = { .reason = ERR_NONE };
	struct slot *s;

	if (!ca->has_crl)
		return;
	if ((s = slot_find(c, ca)) == NULL &&
	    (s = slot_add(c, ca, &e)) == NULL) {
		log_failed(ca, &e);
		return;
	}
	/* The second half: a clock put back delays nothing. */
	if (now < ca->retry && ca->retry - now <= RETRY)
		return;
	ca->retry = 0;
	if (refresh(c, s, ca, db, now, &e) == -1) {
		ca->retry = now + RETRY;
		log_failed(ca, &e);
	}
}

void
crls_tick(struct crls *c, struct site *site, struct db *db, int64_t now)
{
	struct site_ca *ca;
	size_t i;

	for (i = 0; i < site->conf->n_issuers; i++)
		for (ca = &site->cas[i]; ca != NULL; ca = ca->next)
			tick(c, ca, db, now);
}
