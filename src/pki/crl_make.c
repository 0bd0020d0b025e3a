#include <openssl/x509v3.h>

#include <stdlib.h>

#include "pki/cert_make_int.h"
#include "pki/crl_int.h"

/* unspecified is told by silence (RFC 5280, 5.3.1). */
static int
add_reason(X509_REVOKED *r, int reason)
{
	ASN1_ENUMERATED *en;
	int ok;

	if (reason == CRL_UNSPECIFIED)
		return 0;
	ok = (en = ASN1_ENUMERATED_new()) != NULL &&
	    ASN1_ENUMERATED_set(en, reason) == 1 &&
	    X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, en, 0, 0) == 1;
	ASN1_ENUMERATED_free(en);
	return ok ? 0 : -1;
}

static int
add_entry(X509_CRL *x, const struct crl_entry *entry)
{
	ASN1_INTEGER *serial = crl_serial(bytes_make(entry->serial,
	    entry->n_serial));
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)entry->when);
	X509_REVOKED *r = X509_REVOKED_new();
	int ok;

	ok = serial != NULL && when != NULL && r != NULL &&
	    X509_REVOKED_set_serialNumber(r, serial) == 1 &&
	    X509_REVOKED_set_revocationDate(r, when) == 1 &&
	    add_reason(r, entry->reason) == 0 &&
	    X509_CRL_add0_revoked(x, r) == 1;
	if (!ok)
		X509_REVOKED_free(r);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	return ok ? 0 : -1;
}

static int
add_entries(X509_CRL *x, const struct crl_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n_entries; i++)
		if (add_entry(x, &plan->entries[i]) == -1)
			return -1;
	return X509_CRL_sort(x) == 1 ? 0 : -1;
}

static int
add_number(X509_CRL *x, int64_t number)
{
	ASN1_INTEGER *ai;
	int ok;

	ok = number >= 0 && (ai = ASN1_INTEGER_new()) != NULL;
	if (!ok)
		return -1;
	ok = ASN1_INTEGER_set_int64(ai, number) == 1 &&
	    X509_CRL_add1_ext_i2d(x, NID_crl_number, ai, 0, 0) == 1;
	ASN1_INTEGER_free(ai);
	return ok ? 0 : -1;
}

/* The CA's key identifier, or where it has none its issuer and serial. */
static int
add_aki(X509_CRL *x, const struct cert *ca)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, ca->x, NULL, NULL, x, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier,
	    "keyid,issuer");
	ok = ext != NULL && X509_CRL_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok ? 0 : -1;
}

static int
set_times(X509_CRL *x, const struct crl_plan *plan)
{
	ASN1_TIME *this = ASN1_TIME_set(NULL, (time_t)plan->this_update);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)plan->next_update);
	int ok;

	ok = this != NULL && next != NULL &&
	    X509_CRL_set1_lastUpdate(x, this) == 1 &&
	    X509_CRL_set1_nextUpdate(x, next) == 1;
	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
	return ok ? 0 : -1;
}

static int
fill(X509_CRL *x, const struct crl_plan *plan, const struct cert *ca,
    struct err *e)
{
	const char *what = NULL;

	if (X509_CRL_set_version(x, X509_CRL_VERSION_2) != 1)
		what = "version";
	else if (X509_CRL_set_issuer_name(x,
	    X509_get_subject_name(ca->x)) != 1)
		what = "issuer";
	else if (set_times(x, plan) == -1)
		what = "times";
	else if (add_entries(x, plan) == -1)
		what = "entries";
	else if (add_aki(x, ca) == -1)
		what = "authorityKeyIdentifier";
	else if (add_number(x, plan->number) == -1)
		what = "cRLNumber";
	if (what == NULL)
		return 0;
	set_ssl(e, ERR_CRYPTO, what);
	return -1;
}

int
crl_make(const struct crl_plan *plan, const struct cert *ca,
    const struct key *key, struct buf *out, struct err *e)
{
	struct bytes der = { .p = NULL, .n = 0 };
	X509_CRL *x;
	int rc = -1;

	if ((x = X509_CRL_new()) == NULL) {
		set_ssl(e, ERR_MEMORY, "CRL");
		return -1;
	}
	if (fill(x, plan, ca, e) == -1)
		goto out;
	if (X509_CRL_sign(x, key_pkey(key), digest_for(key)) <= 0) {
		set_ssl(e, ERR_CRYPTO, "signing a CRL");
		goto out;
	}
	der = pki_i2d(ASN1_ITEM_rptr(X509_CRL), x);
	if (der.n == 0 || der.n > CRL_MAX_DER ||
	    buf_put(out, der.p, der.n) == -1)
		err_set(e, ERR_MEMORY, "CRL of %zu bytes", der.n);
	else
		rc = 0;
out:
	free((void *)(uintptr_t)der.p);
	X509_CRL_free(x);
	return rc;
}
