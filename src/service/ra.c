/*
 * The RA as the configuration names it: keys and certificates read, and proven
 * to be fit for what they are to do.
 */
#include <stdlib.h>

#include "pki/chain.h"
#include "service/face_int.h"
#include "util/file.h"
#include "util/log.h"

#define KU_SCEP		(CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT)

static const struct {
	const char	*name;
	const char	*wanted;	/* keyUsage, in words */
} roles[] = {
	[RA_BOTH] = { "RA certificate",
	    "both digitalSignature and keyEncipherment" },
	[RA_SIGN] = { "RA certificate that signs",
	    "digitalSignature alone: clients choose by it, and another one "
	    "decrypts" },
	[RA_OPEN] = { "RA certificate that decrypts",
	    "keyEncipherment alone: clients choose by it, and another one "
	    "signs" },
};

const char *
ra_role_name(enum ra_role role)
{
	return roles[role].name;
}

/* Of two certificates Apple and others take the one with exactly one bit. */
bool
ra_suits(const struct cert *c, enum ra_role role)
{
	switch (role) {
	case RA_SIGN:
		return c->ku == CERT_KU_DIGITAL_SIGNATURE;
	case RA_OPEN:
		return c->ku == CERT_KU_KEY_ENCIPHERMENT;
	default:
		return (c->ku & KU_SCEP) == KU_SCEP;
	}
}

static int
check_rsa(const struct cert *c, const char *path, struct err *e)
{
	if (c->key.type == KEY_RSA)
		return 0;
	err_set(e, ERR_CERT_FILE, "%s: has a key of type %s; clients "
	    "encrypt to it, so it must be RSA", path,
	    key_type_name(c->key.type));
	return -1;
}

/* Clients encrypt to this certificate and verify with it (RFC 8894, 2.1.2). */
static int
check_usage(const struct cert *c, enum ra_role role, const char *path,
    struct err *e)
{
	if (check_rsa(c, path, e) == -1)
		return -1;
	if (ra_suits(c, role))
		return 0;
	if (role == RA_BOTH)
		err_set(e, ERR_CERT_FILE, "%s: keyUsage lacks%s%s; issue it "
		    "again with %s", path,
		    c->ku & CERT_KU_DIGITAL_SIGNATURE ? "" :
		    " digitalSignature", c->ku & CERT_KU_KEY_ENCIPHERMENT ?
		    "" : " keyEncipherment", roles[role].wanted);
	else
		err_set(e, ERR_CERT_FILE, "%s: keyUsage is not that of the %s;"
		    " issue it again with %s", path, roles[role].name,
		    roles[role].wanted);
	return -1;
}

int
ra_check_ca(const struct issuer *is, struct err *e)
{
	if (issuer_key(is) != NULL)
		return check_usage(issuer_ca(is), RA_BOTH, "issuing CA", e);
	err_set(e, ERR_CONFIG, "mode = \"ca\" needs an issuer of type "
	    "local; use mode = \"ra\"");
	return -1;
}

static int
check_pair(const struct key *key, const struct cert *cert,
    const char *key_path, const char *cert_path, struct err *e)
{
	if (!key_matches(key, cert)) {
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s; name the "
		    "two that belong together", key_path, cert_path);
		return -1;
	}
	if (cert->is_ca) {
		err_set(e, ERR_CERT_FILE, "%s: is a CA certificate; use mode "
		    "= \"ca\" or an RA certificate", cert_path);
		return -1;
	}
	return 0;
}

/* The CA whose name the certificate gives as its issuer's. */
static const struct site_ca *
ca_of(const struct site_ca *ca, const struct cert *c)
{
	if (ca->next != NULL &&
	    cert_has_subject(issuer_ca(ca->next->issuer), c->issuer))
		return ca->next;
	return ca;
}

static int
check_chain(const struct site_endpoint *se, const struct cert *c,
    const char *path, int64_t now, struct err *e)
{
	const struct site_ca *ca = ca_of(se->ca, c);
	const struct issuer *is = ca->issuer;
	struct err why = { .reason = ERR_NONE };
	int64_t when = now;

	/* An expired one stops nothing if the next one can be issued here; it
	 * must have been good until its end, which libcrypto excludes. */
	if (now > c->not_after && ra_not_renewed(se,
	    site_ca_current(se->ca, now), c, c, now) == NULL)
		when = c->not_after - 1;
	if (chain_verify(c, issuer_ca(is), issuer_upper(is), when,
	    &why) == 0)
		return 0;
	err_set(e, why.reason, "%s: %s; issue it again from %s", path,
	    why.text, issuer_ca(is)->subject_text);
	return -1;
}

/* The files of one role. */
struct files {
	const char	*cert;
	const char	*key;
	const char	*passphrase;
};

static int
open_files(struct site_endpoint *se, const struct files *f,
    enum ra_role role, int64_t now, struct err *e)
{
	struct cert *cert = NULL;
	struct key *key = NULL;
	struct pair *p;

	if (cert_load(f->cert, &cert, e) == -1 ||
	    key_load(f->key, f->passphrase, &key, e) == -1 ||
	    check_pair(key, cert, f->key, f->cert, e) == -1 ||
	    check_usage(cert, role, f->cert, e) == -1 ||
	    check_chain(se, cert, f->cert, now, e) == -1) {
		cert_free(cert);
		key_free(key);
		return -1;
	}
	if (pair_new(key, cert, &p, e) == -1)
		return -1;
	return pairs_take(&se->ra->files, p, e);
}

/* A client is shown both, and one CA above them. */
static int
check_split(const struct site_endpoint *se, struct err *e)
{
	const struct cert *sign = se->ra->files.v[0]->cert;
	const struct cert *open = se->ra->files.v[1]->cert;

	if (ca_of(se->ca, sign) == ca_of(se->ca, open))
		return 0;
	err_set(e, ERR_CERT_FILE, "ra_cert is issued by %s, ra_enc_cert by "
	    "%s; issue one of them again, by the same CA",
	    issuer_ca(ca_of(se->ca, sign)->issuer)->subject_text,
	    issuer_ca(ca_of(se->ca, open)->issuer)->subject_text);
	return -1;
}

/* ---- earlier ones ---- */

static int
check_also(const struct key *key, const struct cert *c, const char *path,
    struct err *e)
{
	if (check_pair(key, c, path, path, e) == -1 ||
	    check_rsa(c, path, e) == -1)
		return -1;
	if (ra_suits(c, RA_BOTH) || ra_suits(c, RA_OPEN))
		return 0;
	err_set(e, ERR_CERT_FILE, "%s: its keyUsage lacks keyEncipherment, so "
	    "nobody encrypts to it; remove it from ra_also", path);
	return -1;
}

/* The certificate and the key of one file. */
static int
read_also(const char *path, const char *passphrase, struct cert **cert,
    struct key **key, struct err *e)
{
	struct buf file = BUF_INIT(FILE_MAX);
	struct certs cs = { .n = 0 };
	int rc = -1;

	if (key_load(path, passphrase, key, e) == -1 ||
	    file_read_private(path, &file, e) == -1)
		goto out;
	if (certs_parse(buf_bytes(&file), &cs, e) == -1) {
		err_prefix(e, "%s", path);
		goto out;
	}
	if (cs.n != 1) {
		err_set(e, ERR_CERT_FILE, "%s: holds %zu certificates, one "
		    "and its key are wanted", path, cs.n);
		goto out;
	}
	*cert = cs.v[0];
	cs.v[0] = NULL;
	rc = 0;
out:
	certs_free(&cs);
	buf_wipe(&file);
	return rc;
}

static int
open_also(struct site_endpoint *se, const char *path, int64_t now,
    struct err *e)
{
	struct cert *cert = NULL;
	struct key *key = NULL;
	struct pair *p;

	if (read_also(path, se->conf->ra_key_passphrase, &cert, &key,
	    e) == -1 || check_also(key, cert, path, e) == -1) {
		cert_free(cert);
		key_free(key);
		return -1;
	}
	if (now > cert->not_after)
		log_msg(LOG_L_WARN, "ra_also", "endpoint %s: %s has expired; "
		    "remove it from ra_also", se->conf->name, path);
	if (pair_new(key, cert, &p, e) == -1)
		return -1;
	return pairs_take(&se->ra->also, p, e);
}

/* Clients that look for an RA by its keyUsage would find two. */
static void
warn_ca(const struct site_endpoint *se)
{
	const struct cert *ca = issuer_ca(se->ca->issuer);

	if (ra_suits(ca, RA_BOTH))
		log_msg(LOG_L_WARN, "ca_like_ra", "endpoint %s: the keyUsage "
		    "of %s has digitalSignature and keyEncipherment, as that "
		    "of an RA: some clients take it for one; issue it again "
		    "without, or use mode = \"ca\"", se->conf->name,
		    ca->subject_text);
}

int
ra_open(struct site_endpoint *se, int64_t now, struct err *e)
{
	const struct conf_endpoint *c = se->conf;
	const struct files first = {
		c->ra_cert, c->ra_key, c->ra_key_passphrase
	}, second = {
		c->ra_enc_cert, c->ra_enc_key, c->ra_enc_key_passphrase
	};
	size_t i;

	if ((se->ra = calloc(1, sizeof(*se->ra))) == NULL) {
		err_set(e, ERR_MEMORY, "RA");
		return -1;
	}
	if (c->mode == CONF_MODE_CA)
		return 0;
	se->ra->split = *c->ra_enc_cert != '\0';
	if (open_files(se, &first, se->ra->split ? RA_SIGN : RA_BOTH, now,
	    e) == -1 || (se->ra->split &&
	    (open_files(se, &second, RA_OPEN, now, e) == -1 ||
	    check_split(se, e) == -1)))
		return -1;
	for (i = 0; i < c->ra_also.n; i++)
		if (open_also(se, c->ra_also.v[i], now, e) == -1)
			return -1;
	warn_ca(se);
	return 0;
}

void
ra_free(struct ra *ra)
{
	if (ra == NULL)
		return;
	pairs_clear(&ra->files);
	pairs_clear(&ra->also);
	free(ra);
}
