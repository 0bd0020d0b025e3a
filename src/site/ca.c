/*
 * An issuer as the world sees it: its certificate, those above it, and whether
 * there is a CRL.
 */
#include <stdlib.h>

#include "pki/secret.h"
#include "site/ca.h"
#include "util/log.h"
#include "util/str.h"

#define PEM_MAX	(2u * CERTS_MAX * CERT_MAX_DER)

static int
make_crt(struct site_ca *ca, struct err *e)
{
	const struct cert *c = issuer_ca(ca->issuer);
	struct buf der = BUF_INIT(CERT_MAX_DER);

	if (buf_put(&der, c->der.p, c->der.n) == -1) {
		err_set(e, ERR_MEMORY, "CA certificate");
		return -1;
	}
	return document_new("application/pkix-cert", &der, c->not_before, 0,
	    &ca->crt, e);
}

static int
make_pem(struct site_ca *ca, struct err *e)
{
	const struct certs *upper = issuer_upper(ca->issuer);
	const struct cert *c = issuer_ca(ca->issuer);
	struct buf pem = BUF_INIT(PEM_MAX);
	size_t i;
	int rc;

	rc = cert_pem(c, &pem, e);
	for (i = 0; rc == 0 && i < upper->n; i++)
		rc = cert_pem(upper->v[i], &pem, e);
	if (rc == -1) {
		buf_wipe(&pem);
		return -1;
	}
	return document_new("application/pem-certificate-chain", &pem,
	    c->not_before, 0, &ca->pem, e);
}

/* Nobody would accept a CRL of a CA that may not sign any. */
static bool
may_sign_crls(const struct site_ca *ca)
{
	const struct cert *c = issuer_ca(ca->issuer);

	if (!ca->conf->crl || issuer_key(ca->issuer) == NULL)
		return false;
	if (!c->has_ku || (c->ku & CERT_KU_CRL_SIGN) != 0)
		return true;
	log_msg(LOG_L_WARN, "no_crl", "issuer %s: its CA certificate lacks "
	    "keyUsage cRLSign, so there is no CRL; set crl = false, or issue "
	    "it again", ca->conf->name);
	return false;
}

/* Takes the issuer, also when it fails. */
static int
fill(struct site_ca *ca, const struct conf_issuer *conf, struct issuer *is,
    struct err *e)
{
	ca->conf = conf;
	ca->issuer = is;
	str_hex(bytes_make(issuer_ca(is)->key.spki_hash, SITE_CA_ID), ca->id);
	ca->has_crl = may_sign_crls(ca);
	if (secret_sha256(issuer_ca(is)->subject, ca->name_hash, e) == -1 ||
	    make_crt(ca, e) == -1)
		return -1;
	return make_pem(ca, e);
}

/* Takes the issuer, also when it fails. */
static int
add_next(struct site_ca *ca, struct issuer *is, struct err *e)
{
	if ((ca->next = calloc(1, sizeof(*ca->next))) == NULL) {
		issuer_close(is);
		err_set(e, ERR_MEMORY, "next CA");
		return -1;
	}
	ca->next->follows = true;
	return fill(ca->next, ca->conf, is, e);
}

/* When it must have been good: now or, once it has been followed, when it last
 * was in charge. It may have expired since, or before that. */
static int
judge_at(const struct conf_issuer *conf, int64_t from, int64_t now,
    int64_t *when, struct err *e)
{
	struct cert *c;

	*when = now;
	if (from == 0 || from > now)
		return 0;
	if (cert_load(conf->cert, &c, e) == -1)
		return -1;
	/* libcrypto excludes the end. */
	*when = from < c->not_after ? from : c->not_after - 1;
	cert_free(c);
	return 0;
}

int
site_ca_open(struct site_ca *ca, const struct conf_issuer *conf,
    int64_t now, struct err *e)
{
	struct issuer *is, *next = NULL;
	int64_t from = 0, when;

	if (issuer_open_next(conf, now, &next, &from, e) == -1)
		return -1;
	if (judge_at(conf, from, now, &when, e) == -1 ||
	    issuer_open(conf, when, &is, e) == -1 ||
	    fill(ca, conf, is, e) == -1) {
		issuer_close(next);
		return -1;
	}
	ca->from = from;
	return next == NULL ? 0 : add_next(ca, next, e);
}

void
site_ca_clear(struct site_ca *ca)
{
	if (ca->next != NULL) {
		site_ca_clear(ca->next);
		free(ca->next);
	}
	issuer_close(ca->issuer);
	document_put(ca->crt);
	document_put(ca->pem);
}

const struct site_ca *
site_ca_current(const struct site_ca *ca, int64_t now)
{
	return ca->next != NULL && (ca->followed || (ca->from != 0 &&
	    now >= ca->from)) ? ca->next : ca;
}
