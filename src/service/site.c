/*
 * The configuration made real: keys and certificates read, proven to fit
 * together, and the documents that never change prepared.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/chain.h"
#include "pki/secret.h"
#include "scep/caps.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/str.h"

#define EXPIRY_WARNING	(30 * 86400)	/* seconds ahead */
#define CAPS_MAX	4096
#define CACERT_MAX	(1024u * 1024)
#define KU_SCEP		(CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT)

/* Clients encrypt to this certificate and verify with it (RFC 8894, 2.1.2). */
static int
check_scep_cert(const struct cert *c, const char *path, struct err *e)
{
	if (c->key.type != KEY_RSA) {
		err_set(e, ERR_CERT_FILE, "%s: has a key of type %s; clients "
		    "encrypt to it, so it must be RSA", path,
		    key_type_name(c->key.type));
		return -1;
	}
	if ((c->ku & KU_SCEP) != KU_SCEP) {
		err_set(e, ERR_CERT_FILE, "%s: keyUsage lacks%s%s; issue it "
		    "again with both digitalSignature and keyEncipherment",
		    path, c->ku & CERT_KU_DIGITAL_SIGNATURE ? "" :
		    " digitalSignature", c->ku & CERT_KU_KEY_ENCIPHERMENT ?
		    "" : " keyEncipherment");
		return -1;
	}
	return 0;
}

static int
open_ra(struct site_endpoint *se, int64_t now, struct err *e)
{
	const struct conf_endpoint *c = se->conf;
	struct err why = { .reason = ERR_NONE };

	if (cert_load(c->ra_cert, &se->own_cert, e) == -1 ||
	    key_load(c->ra_key, c->ra_key_passphrase, &se->own_key, e) == -1)
		return -1;
	if (!key_matches(se->own_key, se->own_cert)) {
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s; name the "
		    "two that belong together", c->ra_key, c->ra_cert);
		return -1;
	}
	if (check_scep_cert(se->own_cert, c->ra_cert, e) == -1)
		return -1;
	if (se->own_cert->is_ca) {
		err_set(e, ERR_CERT_FILE, "%s: is a CA certificate; use mode "
		    "= \"ca\" or an RA certificate", c->ra_cert);
		return -1;
	}
	if (chain_verify(se->own_cert, issuer_ca(se->issuer),
	    issuer_upper(se->issuer), now, &why) == -1) {
		err_set(e, why.reason, "%s: %s; issue it again from %s",
		    c->ra_cert, why.text, issuer_ca(se->issuer)->subject_text);
		return -1;
	}
	se->key = se->own_key;
	se->cert = se->own_cert;
	return 0;
}

static int
open_ca(struct site_endpoint *se, struct err *e)
{
	se->key = issuer_key(se->issuer);
	se->cert = issuer_ca(se->issuer);
	if (se->key == NULL) {
		err_set(e, ERR_CONFIG, "mode = \"ca\" needs an issuer of type "
		    "local; use mode = \"ra\"");
		return -1;
	}
	return check_scep_cert(se->cert, "issuing CA", e);
}

static int
open_challenges(struct site_endpoint *se, const struct conf *conf,
    struct err *e)
{
	const struct conf_strings *names = &se->conf->challenges;
	size_t i;

	se->challenges = calloc(names->n + 1, sizeof(*se->challenges));
	if (se->challenges == NULL) {
		err_set(e, ERR_MEMORY, "challenges");
		return -1;
	}
	for (i = 0; i < names->n; i++)
		se->challenges[i] = conf_challenge(conf, names->v[i]);
	se->n_challenges = names->n;
	return 0;
}

static int
list_authorities(struct site_endpoint *se, struct err *e)
{
	const struct certs *upper = issuer_upper(se->issuer);
	size_t i, n = 0;

	se->authorities = calloc(upper->n + 2, sizeof(*se->authorities));
	if (se->authorities == NULL) {
		err_set(e, ERR_MEMORY, "CA certificates");
		return -1;
	}
	if (se->own_cert != NULL)
		se->authorities[n++] = se->own_cert;
	se->authorities[n++] = issuer_ca(se->issuer);
	for (i = 0; i < upper->n; i++)
		se->authorities[n++] = upper->v[i];
	se->n_authorities = n;
	return 0;
}

/* An expired RA certificate is the classic outage: say so in time. */
static void
warn_expiry(const struct site_endpoint *se, int64_t now)
{
	const struct cert *c;
	char when[CLOCK_TEXT_MAX];
	size_t i;

	for (i = 0; i < se->n_authorities; i++) {
		c = se->authorities[i];
		if (c->not_after - now > EXPIRY_WARNING)
			continue;
		clock_text(c->not_after, when);
		log_msg(LOG_L_WARN, "expires_soon", "endpoint %s: %s expires "
		    "%s; issue it again", se->conf->name, c->subject_text,
		    when);
	}
}

static int
open_algs(struct site_endpoint *se, struct err *e)
{
	if (algs_open_with(se->conf->legacy.v, se->conf->refuse.v, &se->algs,
	    e) == -1)
		return -1;
	if (scep_caps(se->algs, &se->caps) == 0)
		return 0;
	err_set(e, ERR_MEMORY, "GetCACaps");
	return -1;
}

static int
open_endpoint(struct site *s, size_t i, int64_t now, struct err *e)
{
	struct site_endpoint *se = &s->endpoints[i];
	const struct conf_endpoint *c = &s->conf->endpoints[i];
	int rc;

	se->conf = c;
	se->profile = conf_profile(s->conf, c->profile);
	se->ca = &s->cas[conf_issuer(s->conf, c->issuer) - s->conf->issuers];
	se->issuer = se->ca->issuer;
	if (*c->validator != '\0')
		se->validator = s->validators[conf_validator(s->conf,
		    c->validator) - s->conf->validators];
	buf_init(&se->caps, CAPS_MAX);
	buf_init(&se->cacert, CACERT_MAX);
	if (open_algs(se, e) == -1)
		rc = -1;
	else
		rc = c->mode == CONF_MODE_RA ? open_ra(se, now, e) :
		    open_ca(se, e);
	if (rc == 0 && (open_challenges(se, s->conf, e) == -1 ||
	    list_authorities(se, e) == -1 ||
	    scep_cacert(se->own_cert, issuer_ca(se->issuer),
	    issuer_upper(se->issuer), &se->cacert, &se->cacert_type,
	    e) == -1))
		rc = -1;
	if (rc == -1)
		err_prefix(e, "%s:%d: endpoint %s", s->conf->file, c->line,
		    c->name);
	return rc;
}

static int
open_issuers(struct site *s, int64_t now, struct err *e)
{
	const struct conf_issuer *c;
	size_t i;

	for (i = 0; i < s->conf->n_issuers; i++) {
		c = &s->conf->issuers[i];
		if (issuer_open(c, now, &s->issuers[i], e) == -1 ||
		    site_ca_open(&s->cas[i], c, s->issuers[i], e) == -1) {
			err_prefix(e, "%s:%d: issuer %s", s->conf->file,
			    c->line, c->name);
			return -1;
		}
	}
	return 0;
}

static int
open_validators(struct site *s, struct err *e)
{
	const struct conf_validator *c;
	size_t i;

	for (i = 0; i < s->conf->n_validators; i++) {
		c = &s->conf->validators[i];
		if (validator_open(c, &s->validators[i], e) == -1) {
			err_prefix(e, "%s:%d: validator %s", s->conf->file,
			    c->line, c->name);
			return -1;
		}
	}
	return 0;
}

/* What the configuration says in words that only libcrypto understands. */
static int
check_words(const struct conf *c, struct err *e)
{
	size_t i;

	for (i = 0; i < c->n_profiles; i++)
		if (eku_check(c->profiles[i].eku.v, e) == -1) {
			err_prefix(e, "%s:%d: profile %s", c->file,
			    c->profiles[i].line, c->profiles[i].name);
			return -1;
		}
	for (i = 0; i < c->n_challenges; i++)
		if (*c->challenges[i].hash != '\0' &&
		    secret_check(c->challenges[i].hash, e) == -1) {
			err_prefix(e, "%s:%d: challenge %s", c->file,
			    c->challenges[i].line, c->challenges[i].name);
			return -1;
		}
	return 0;
}

static void
warn_plain(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->n_challenges; i++)
		if (*c->challenges[i].secret != '\0')
			log_msg(LOG_L_WARN, "plain_secret", "%s:%d: challenge "
			    "%s stands in the file as plain text; replace it "
			    "by a hash made with: scepctl challenge hash",
			    c->file, c->challenges[i].line,
			    c->challenges[i].name);
}

static void
site_free(struct site *s)
{
	size_t i;

	for (i = 0; s->endpoints != NULL && i < s->conf->n_endpoints; i++) {
		cert_free(s->endpoints[i].own_cert);
		key_free(s->endpoints[i].own_key);
		free(s->endpoints[i].challenges);
		free(s->endpoints[i].authorities);
		algs_free(s->endpoints[i].algs);
		buf_wipe(&s->endpoints[i].caps);
		buf_wipe(&s->endpoints[i].cacert);
	}
	for (i = 0; s->issuers != NULL && i < s->conf->n_issuers; i++)
		issuer_close(s->issuers[i]);
	for (i = 0; s->cas != NULL && i < s->conf->n_issuers; i++)
		site_ca_clear(&s->cas[i]);
	for (i = 0; s->validators != NULL && i < s->conf->n_validators; i++)
		validator_close(s->validators[i]);
	free(s->validators);
	free(s->cas);
	free(s->endpoints);
	free(s->issuers);
	free(s);
}

int
site_open(struct conf *conf, struct site **out, struct err *e)
{
	int64_t now = clock_now();
	struct site *s;
	size_t i;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_set(e, ERR_MEMORY, "site");
		return -1;
	}
	s->conf = conf;
	atomic_init(&s->refs, 1);
	s->issuers = calloc(conf->n_issuers, sizeof(struct issuer *));
	s->cas = calloc(conf->n_issuers, sizeof(*s->cas));
	s->endpoints = calloc(conf->n_endpoints, sizeof(*s->endpoints));
	s->validators = calloc(conf->n_validators + 1,
	    sizeof(*s->validators));
	if (s->issuers == NULL || s->cas == NULL || s->endpoints == NULL ||
	    s->validators == NULL) {
		err_set(e, ERR_MEMORY, "site");
		goto fail;
	}
	if (check_words(conf, e) == -1 || open_issuers(s, now, e) == -1 ||
	    open_validators(s, e) == -1)
		goto fail;
	for (i = 0; i < conf->n_endpoints; i++)
		if (open_endpoint(s, i, now, e) == -1)
			goto fail;
	warn_plain(conf);
	for (i = 0; i < conf->n_endpoints; i++)
		warn_expiry(&s->endpoints[i], now);
	*out = s;
	return 0;
fail:
	site_free(s);
	return -1;
}

int
site_check(const struct site *s, struct err *e)
{
	if (db_check(s->conf->store_path, e) == 0)
		return 0;
	conf_blame(s->conf, "store.path", e);
	return -1;
}

struct site *
site_get(struct site *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
site_put(struct site *s)
{
	struct conf *conf;

	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	conf = s->conf;
	site_free(s);
	conf_free(conf);
}

const struct conf *
site_conf(const struct site *s)
{
	return s->conf;
}

/* Does path lie at or below prefix? Case is ignored: IIS did. */
static bool
below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	while (n > 1 && prefix[n - 1] == '/')
		n--;
	return strlen(path) >= n &&
	    str_equal_nocase(bytes_make(path, n), bytes_make(prefix, n)) &&
	    (path[n] == '\0' || path[n] == '/' || prefix[n - 1] == '/');
}

const struct site_endpoint *
site_find(const struct site *s, const char *path)
{
	const struct site_endpoint *found = NULL;
	const struct conf_strings *paths;
	size_t i, k, longest = 0;

	for (i = 0; i < s->conf->n_endpoints; i++) {
		paths = &s->conf->endpoints[i].paths;
		for (k = 0; k < paths->n; k++)
			if (strlen(paths->v[k]) > longest &&
			    below(path, paths->v[k])) {
				longest = strlen(paths->v[k]);
				found = &s->endpoints[i];
			}
	}
	return found;
}
