/*
 * The RA as the configuration names it: keys and certificates read, and proven
 * to be fit for what they are to do.
 */
#include <stdlib.h>

#include "pki/chain.h"
#include "site/ra_int.h"
#include "util/file.h"
#include "util/log.h"

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
		    "" : " keyEncipherment", ra_role_wanted(role));
	else
		err_set(e, ERR_CERT_FILE, "%s: keyUsage is not that of the %s;"
		    " issue it again with %s", path, ra_role_name(role),
		    ra_role_wanted(role));
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

/* What is read, and for whom. */
struct opening {
	const struct conf_endpoint	*conf;
	const struct site_ca		*ca;
	int64_t				 now;
	struct ra			*ra;
};

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
check_chain(const struct opening *o, const struct cert *c,
    const char *path, struct err *e)
{
	const struct site_ca *ca = ca_of(o->ca, c);
	const struct issuer *is = ca->issuer;
	struct err why = { .reason = ERR_NONE };
	int64_t when = o->now;

	/* An expired one stops nothing if the next one can be issued here; it
	 * must have been good until its end, which libcrypto excludes. */
	if (o->now > c->not_after && ra_plan_hindrance(o->conf,
	    site_ca_current(o->ca, o->now), c, c, o->now) == NULL)
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
open_files(const struct opening *o, const struct files *f,
    enum ra_role role, struct err *e)
{
	struct cert *cert = NULL;
	struct key *key = NULL;
	struct pair *p;

	if (cert_load(f->cert, &cert, e) == -1 ||
	    key_load(f->key, f->passphrase, &key, e) == -1 ||
	    check_pair(key, cert, f->key, f->cert, e) == -1 ||
	    check_usage(cert, role, f->cert, e) == -1 ||
	    check_chain(o, cert, f->cert, e) == -1) {
		cert_free(cert);
		key_free(key);
		return -1;
	}
	if (pair_new(key, cert, &p, e) == -1)
		return -1;
	return pairs_take(&o->ra->files, p, e);
}

/* A client is shown both, and one CA above them. */
static int
check_split(const struct opening *o, struct err *e)
{
	const struct cert *sign = o->ra->files.v[0]->cert;
	const struct cert *open = o->ra->files.v[1]->cert;

	if (ca_of(o->ca, sign) == ca_of(o->ca, open))
		return 0;
	err_set(e, ERR_CERT_FILE, "ra_cert is issued by %s, ra_enc_cert by "
	    "%s; issue one of them again, by the same CA",
	    issuer_ca(ca_of(o->ca, sign)->issuer)->subject_text,
	    issuer_ca(ca_of(o->ca, open)->issuer)->subject_text);
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
open_also(const struct opening *o, const char *path, struct err *e)
{
	struct cert *cert = NULL;
	struct key *key = NULL;
	struct pair *p;

	if (read_also(path, o->conf->ra_key_passphrase, &cert, &key,
	    e) == -1 || check_also(key, cert, path, e) == -1) {
		cert_free(cert);
		key_free(key);
		return -1;
	}
	if (o->now > cert->not_after)
		log_msg(LOG_L_WARN, "ra_also", "endpoint %s: %s has expired; "
		    "remove it from ra_also", o->conf->name, path);
	if (pair_new(key, cert, &p, e) == -1)
		return -1;
	return pairs_take(&o->ra->also, p, e);
}

/* Clients that look for an RA by its keyUsage would find two. */
static void
warn_ca(const struct opening *o)
{
	const struct cert *ca = issuer_ca(o->ca->issuer);

	if (ra_suits(ca, RA_BOTH))
		log_msg(LOG_L_WARN, "ca_like_ra", "endpoint %s: the keyUsage "
		    "of %s has digitalSignature and keyEncipherment, as that "
		    "of an RA: some clients take it for one; issue it again "
		    "without, or use mode = \"ca\"", o->conf->name,
		    ca->subject_text);
}

static int
open_all(const struct opening *o, struct err *e)
{
	const struct conf_endpoint *c = o->conf;
	const struct files first = {
		c->ra_cert, c->ra_key, c->ra_key_passphrase
	}, second = {
		c->ra_enc_cert, c->ra_enc_key, c->ra_enc_key_passphrase
	};
	size_t i;

	o->ra->split = *c->ra_enc_cert != '\0';
	if (open_files(o, &first, o->ra->split ? RA_SIGN : RA_BOTH,
	    e) == -1 || (o->ra->split &&
	    (open_files(o, &second, RA_OPEN, e) == -1 ||
	    check_split(o, e) == -1)))
		return -1;
	for (i = 0; i < c->ra_also.n; i++)
		if (open_also(o, c->ra_also.v[i], e) == -1)
			return -1;
	warn_ca(o);
	return 0;
}

int
ra_open(const struct conf_endpoint *c, const struct site_ca *ca, int64_t now,
    struct ra **out, struct err *e)
{
	struct opening o = { .conf = c, .ca = ca, .now = now };

	if ((o.ra = calloc(1, sizeof(*o.ra))) == NULL) {
		err_set(e, ERR_MEMORY, "RA");
		return -1;
	}
	if (c->mode != CONF_MODE_CA && open_all(&o, e) == -1) {
		ra_free(o.ra);
		return -1;
	}
	*out = o.ra;
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
