#include <openssl/x509v3.h>

#include <string.h>

#include "pki/cert_make_int.h"
#include "pki/secret.h"

int
serial_draw(uint8_t out[SERIAL_LEN], struct err *e)
{
	if (secret_random(out, SERIAL_LEN, e) == -1)
		return -1;
	/* Positive, and always of the same length. */
	out[0] = (uint8_t)((out[0] & 0x7f) | 0x40);
	return 0;
}

static int
set_serial(X509 *x, struct bytes serial)
{
	ASN1_INTEGER *ai = NULL;
	BIGNUM *bn;
	int ok;

	if (serial.n == 0 || serial.n > 20 || (serial.p[0] & 0x80))
		return -1;
	bn = BN_bin2bn(serial.p, (int)serial.n, NULL);
	ok = bn != NULL && !BN_is_zero(bn) &&
	    (ai = BN_to_ASN1_INTEGER(bn, NULL)) != NULL &&
	    X509_set_serialNumber(x, ai) == 1;
	ASN1_INTEGER_free(ai);
	BN_free(bn);
	return ok ? 0 : -1;
}

static int
set_name(X509 *x, struct bytes der, int (*set)(X509 *, const X509_NAME *))
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	int ok = name != NULL && p == der.p + der.n && set(x, name) == 1;

	X509_NAME_free(name);
	return ok ? 0 : -1;
}

static int
set_pubkey(X509 *x, struct bytes spki)
{
	const unsigned char *p = spki.p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)spki.n);
	int ok = pkey != NULL && p == spki.p + spki.n &&
	    X509_set_pubkey(x, pkey) == 1;

	EVP_PKEY_free(pkey);
	return ok ? 0 : -1;
}

static int
set_validity(X509 *x, const struct cert_plan *plan)
{
	return ASN1_TIME_set(X509_getm_notBefore(x),
	    (time_t)plan->not_before) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x),
	    (time_t)plan->not_after) != NULL ? 0 : -1;
}

static int
fill(X509 *x, const struct cert_plan *plan, struct bytes issuer,
    struct err *e)
{
	const char *what = NULL;

	if (X509_set_version(x, X509_VERSION_3) != 1)
		what = "version";
	else if (set_serial(x, plan->serial) == -1)
		what = "serial number";
	else if (set_name(x, plan->subject, X509_set_subject_name) == -1)
		what = "subject";
	else if (set_name(x, issuer, X509_set_issuer_name) == -1)
		what = "issuer";
	else if (set_pubkey(x, plan->spki) == -1)
		what = "public key";
	else if (set_validity(x, plan) == -1)
		what = "validity";
	if (what == NULL)
		return 0;
	set_ssl(e, ERR_CRYPTO, what);
	return -1;
}

int
cert_plan_draft(const struct cert_plan *plan, const struct cert *issuer,
    X509 **out, struct err *e)
{
	X509 *x = X509_new();

	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    set_name(x, plan->subject, X509_set_subject_name) == -1 ||
	    set_pubkey(x, plan->spki) == -1) {
		set_ssl(e, ERR_CRYPTO, "draft of a certificate");
		X509_free(x);
		return -1;
	}
	if (cert_extend(x, plan, issuer, e) == -1) {
		X509_free(x);
		return -1;
	}
	*out = x;
	return 0;
}

const EVP_MD *
digest_for(const struct key *key)
{
	if (key_type(key) == KEY_EC && key_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

int
cert_make(const struct cert_plan *plan, const struct cert *issuer,
    const struct key *issuer_key, struct cert **out, struct err *e)
{
	X509 *x;
	int rc = -1;

	if ((x = X509_new()) == NULL) {
		set_ssl(e, ERR_MEMORY, "certificate");
		return -1;
	}
	if (fill(x, plan, issuer == NULL ? plan->subject : issuer->subject,
	    e) == -1 || cert_extend(x, plan, issuer, e) == -1)
		goto out;
	if (X509_sign(x, key_pkey(issuer_key), digest_for(issuer_key)) <= 0) {
		set_ssl(e, ERR_CRYPTO, "signing a certificate");
		goto out;
	}
	rc = cert_of(x, out, e);
out:
	X509_free(x);
	return rc;
}
