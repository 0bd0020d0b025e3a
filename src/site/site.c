/*
 * The configuration made real: keys and certificates read, proven to fit
 * together, and the documents that never change prepared.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "site/face.h"
#include "site/find.h"
#include "site/ra.h"
#include "site/site_int.h"
#include "site/trusted.h"
#include "store/db.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "validator/validator.h"

#define EXPIRY_WARNING	(30 * 86400)	/* seconds ahead */
#define NDES_PATH	"/certsrv/mscep/mscep.dll"

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

/* What nobody renews here: say so in time. */
static void
warn_expiry(const struct conf_issuer *conf, const struct issuer *is,
    int64_t now)
{
	const struct certs *upper = issuer_upper(is);
	const struct cert *c;
	char when[CLOCK_TEXT_MAX];
	size_t i;

	for (i = 0; i <= upper->n; i++) {
		c = i == 0 ? issuer_ca(is) : upper->v[i - 1];
		if (c->not_after - now > EXPIRY_WARNING)
			continue;
		clock_text(c->not_after, when);
		log_msg(LOG_L_WARN, "expires_soon", "issuer %s: %s expires "
		    "%s; issue it again", conf->name, c->subject_text, when);
	}
}

static int
check_cas(const struct site_endpoint *se, struct err *e)
{
	const struct site_ca *next = se->ca->next;

	if (se->conf->mode == CONF_MODE_RA)
		return 0;
	if (ra_check_ca(se->ca->issuer, e) == -1)
		return -1;
	if (next == NULL || ra_check_ca(next->issuer, e) == 0)
		return 0;
	err_prefix(e, "%s", se->ca->conf->next);
	return -1;
}

static int
open_endpoint(struct site *s, size_t i, int64_t now, struct err *e)
{
	const struct pairs none = { .n = 0 };
	struct site_endpoint *se = &s->endpoints[i];
	const struct conf_endpoint *c = &s->conf->endpoints[i];

	se->conf = c;
	se->profile = conf_profile(s->conf, c->profile);
	se->ca = &s->cas[conf_issuer(s->conf, c->issuer) - s->conf->issuers];
	if (*c->validator != '\0')
		se->validator = s->validators[conf_validator(s->conf,
		    c->validator) - s->conf->validators];
	if (algs_open_with(c->legacy.v, c->refuse.v, &se->algs, e) == 0 &&
	    check_cas(se, e) == 0 && ra_open(c, se->ca, now, &se->ra, e) == 0 &&
	    open_challenges(se, s->conf, e) == 0 && trusted_open(se, e) == 0 &&
	    face_new(se, &none, now, &se->face, e) == 0)
		return 0;
	err_prefix(e, "%s:%d: endpoint %s", s->conf->file, c->line, c->name);
	return -1;
}

static int
open_issuers(struct site *s, int64_t now, struct err *e)
{
	const struct conf_issuer *c;
	size_t i;

	for (i = 0; i < s->conf->n_issuers; i++) {
		c = &s->conf->issuers[i];
		if (site_ca_open(&s->cas[i], c, now, e) == -1) {
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
	return 0;
}

/* What a challenge of the file allows; to be cleared. */
static int
read_limits(const struct conf *conf, const struct conf_challenge *c,
    struct policy_limits *out, struct err *e)
{
	const struct policy_written w = {
		c->subject.v, c->san.v, c->key_types.v, c->facts.v
	};

	*out = (struct policy_limits){
		.profile = *c->profile == '\0' ? NULL :
		    conf_profile(conf, c->profile),
		.uses = c->uses,
	};
	/* conf_load() proved that they are times. */
	if (*c->not_before != '\0')
		(void)clock_parse(c->not_before, &out->not_before);
	if (*c->expires != '\0')
		(void)clock_parse(c->expires, &out->expires);
	return policy_limits_read(&w, out, e);
}

static int
open_limits(struct site *s, struct err *e)
{
	const struct conf_challenge *c;
	size_t i;

	for (i = 0; i < s->conf->n_challenges; i++) {
		c = &s->conf->challenges[i];
		if ((*c->hash != '\0' && secret_check(c->hash, e) == -1) ||
		    read_limits(s->conf, c, &s->limits[i], e) == -1) {
			err_prefix(e, "%s:%d: challenge %s", s->conf->file,
			    c->line, c->name);
			return -1;
		}
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
	struct site_endpoint *se;
	size_t i;

	ndes_clear(s);
	for (i = 0; s->endpoints != NULL && i < s->conf->n_endpoints; i++) {
		se = &s->endpoints[i];
		face_put(se->face);
		ra_free(se->ra);
		trusted_clear(se);
		free(se->challenges);
		algs_free(se->algs);
	}
	for (i = 0; s->cas != NULL && i < s->conf->n_issuers; i++)
		site_ca_clear(&s->cas[i]);
	for (i = 0; s->limits != NULL && i < s->conf->n_challenges; i++)
		policy_limits_clear(&s->limits[i]);
	for (i = 0; s->validators != NULL && i < s->conf->n_validators; i++)
		validator_close(s->validators[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->limits);
	policy_profiles_free(s->profiles);
	free(s->validators);
	free(s->cas);
	free(s->endpoints);
	free(s);
}

/* Others may be in the store, so it is no mistake. */
static void
warn_ended(const struct conf *c, const struct site_endpoint *se, int64_t now)
{
	int64_t end;
	size_t i;

	for (i = 0; i < se->n_challenges; i++)
		if (*se->challenges[i]->expires == '\0' ||
		    clock_parse(se->challenges[i]->expires, &end) == -1 ||
		    end > now)
			return;
	if (se->n_challenges > 0)
		log_msg(LOG_L_WARN, "challenges_expired", "%s:%d: endpoint %s: "
		    "all challenges that it lists have expired", c->file,
		    se->conf->line, se->conf->name);
}

/* Whoever reads the page enrolls where NDES has it. */
static void
warn_ndes_path(const struct site *s)
{
	const struct site_endpoint *se = site_find(s, NDES_PATH);

	if (s->ndes != NULL && se != s->ndes)
		log_msg(LOG_L_WARN, "ndes_path", "challenges of the page of "
		    "NDES are for endpoint %s, and %s leads to %s%s, which "
		    "refuses them; add it to the paths of %s, or tell the "
		    "devices its own", s->ndes->conf->name, NDES_PATH,
		    se == NULL ? "none" : "endpoint ",
		    se == NULL ? "" : se->conf->name, s->ndes->conf->name);
}

/* One would list what the other revokes, and have its GetCert answered. */
static void
warn_namesakes(const struct site *s)
{
	const struct site_ca *a, *b;
	size_t i, k;

	for (i = 0; i < s->conf->n_issuers; i++)
		for (k = 0; k < i; k++) {
			a = &s->cas[k];
			b = &s->cas[i];
			if (memcmp(a->name_hash, b->name_hash,
			    PKI_HASH) == 0 && strcmp(a->id, b->id) != 0)
				log_msg(LOG_L_WARN, "same_name", "issuers %s "
				    "and %s: their CAs are both called %s, and"
				    " ledger and CRLs tell CAs by their names;"
				    " make one anew with another name",
				    a->conf->name, b->conf->name,
				    issuer_ca(a->issuer)->subject_text);
		}
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
	pthread_mutex_init(&s->lock, NULL);
	s->cas = calloc(conf->n_issuers, sizeof(*s->cas));
	s->endpoints = calloc(conf->n_endpoints, sizeof(*s->endpoints));
	s->limits = calloc(conf->n_challenges + 1, sizeof(*s->limits));
	s->validators = calloc(conf->n_validators + 1,
	    sizeof(*s->validators));
	if (s->cas == NULL || s->endpoints == NULL || s->limits == NULL ||
	    s->validators == NULL) {
		err_set(e, ERR_MEMORY, "site");
		goto fail;
	}
	if (check_words(conf, e) == -1 || open_limits(s, e) == -1 ||
	    policy_profiles_new(conf, &s->profiles, e) == -1 ||
	    open_issuers(s, now, e) == -1 || open_validators(s, e) == -1)
		goto fail;
	for (i = 0; i < conf->n_endpoints; i++)
		if (open_endpoint(s, i, now, e) == -1)
			goto fail;
	if (accounts_check(s, e) == -1 || ndes_open(s, e) == -1)
		goto fail;
	warn_plain(conf);
	site_warn_lacking(s);
	warn_namesakes(s);
	warn_ndes_path(s);
	for (i = 0; i < conf->n_endpoints; i++)
		warn_ended(conf, &s->endpoints[i], now);
	for (i = 0; i < conf->n_issuers; i++)
		warn_expiry(&conf->issuers[i], site_ca_current(&s->cas[i],
		    now)->issuer, now);
	*out = s;
	return 0;
fail:
	site_free(s);
	return -1;
}

/* What is written while it runs: a start does not wait for these folders. */
static int
check_written(const struct conf *c, struct err *e)
{
	const struct conf_issuer *is = c->issuers, *end = is + c->n_issuers;

	if (*c->metrics_file != '\0' &&
	    file_check_folder(c->metrics_file, e) == -1) {
		conf_blame(c, "metrics.file", e);
		return -1;
	}
	for (; is < end; is++)
		if (*is->crl_file != '\0' &&
		    file_check_folder(is->crl_file, e) == -1) {
			err_prefix(e, "%s:%d: issuer %s: crl_file", c->file,
			    is->line, is->name);
			return -1;
		}
	return 0;
}

int
site_check(const struct site *s, struct err *e)
{
	if (db_check(s->conf->store_path, e) == -1) {
		conf_blame(s->conf, "store.path", e);
		return -1;
	}
	return check_written(s->conf, e);
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

struct face *
site_face(struct site *s, const struct site_endpoint *se)
{
	struct face *f;

	pthread_mutex_lock(&s->lock);
	f = face_get(se->face);
	pthread_mutex_unlock(&s->lock);
	return f;
}

void
site_show(struct site *s, struct site_endpoint *se, struct face *f)
{
	struct face *old;

	pthread_mutex_lock(&s->lock);
	old = se->face;
	se->face = f;
	pthread_mutex_unlock(&s->lock);
	face_put(old);
}
