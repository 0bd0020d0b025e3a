/*
 * One CA takes over from another: once, and for good. The folder says when; that
 * it has happened is remembered in the store.
 */
#include <string.h>

#include "site/succession.h"
#include "store/followed.h"
#include "util/clock.h"
#include "util/log.h"

#define RETRY	60	/* seconds, where the store failed */

static const uint8_t *
key_of(const struct site_ca *ca)
{
	return issuer_ca(ca->issuer)->key.spki_hash;
}

static int
recall(struct db *db, struct site_ca *ca, struct err *e)
{
	uint8_t by[FOLLOWED_HASH];
	char when[CLOCK_TEXT_MAX];
	int64_t since;
	bool found;

	if (followed_get(db, key_of(ca), by, &since, &found, e) == -1)
		return -1;
	if (!found)
		return 0;
	if (ca->next != NULL && memcmp(key_of(ca->next), by, PKI_HASH) == 0) {
		ca->followed = true;
		return 0;
	}
	clock_text(since, when);
	err_set(e, ERR_CONFIG, "another CA took over from %s on %s, and is not "
	    "in the folder that next names; bring it back, or make it the "
	    "cert, key and chain of this issuer",
	    issuer_ca(ca->issuer)->subject_text, when);
	return -1;
}

int
succession_recall(struct db *db, struct site *site, struct err *e)
{
	size_t i;

	for (i = 0; i < site->conf->n_issuers; i++)
		if (recall(db, &site->cas[i], e) == -1) {
			err_prefix(e, "%s:%d: issuer %s", site->conf->file,
			    site->conf->issuers[i].line,
			    site->conf->issuers[i].name);
			return -1;
		}
	return 0;
}

static void
log_followed(const struct site_ca *ca, const struct err *e)
{
	bool bad = e->reason != ERR_NONE;
	struct log_line l;

	log_begin(&l, bad ? LOG_L_ERR : LOG_L_NOTICE, "ca_followed");
	log_str(&l, "issuer", ca->conf->name);
	log_str(&l, "ca", issuer_ca(ca->next->issuer)->subject_text);
	log_str(&l, "was", issuer_ca(ca->issuer)->subject_text);
	if (bad)
		log_err(&l, e);
	log_end(&l);
}

/* What cannot be remembered now is tried again: until then the time tells. */
static void
take_over(struct db *db, struct site_ca *ca, int64_t now)
{
	struct err e = { .reason = ERR_NONE };

	if (now < ca->retry_follow)
		return;
	ca->followed = followed_put(db, key_of(ca), key_of(ca->next),
	    ca->from, &e) == 0;
	ca->retry_follow = now + RETRY;
	log_followed(ca, &e);
}

void
succession_tick(struct db *db, struct site *site, int64_t now)
{
	struct site_ca *ca;
	size_t i;

	for (i = 0; i < site->conf->n_issuers; i++) {
		ca = &site->cas[i];
		if (!ca->followed && site_ca_current(ca, now) != ca)
			take_over(db, ca, now);
	}
}
