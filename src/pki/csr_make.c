/*
 * Making requests, for clients and tests.
 */
#include <openssl/x509v3.h>

#include <stdlib.h>

#include "pki/cert_make.h"
#include "pki/pki_int.h"

static int
add_sans(X509_REQ *x, const char *sans)
{
	STACK_OF(X509_EXTENSION) *exts = NULL;
	X509_EXTENSION *ext = NULL;
	int ok;

	ok = (exts = sk_X509_EXTENSION_new_null()) != NULL &&
	    (ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    sans)) != NULL && sk_X509_EXTENSION_push(exts, ext) > 0;
	if (!ok)
		X509_EXTENSION_free(ext);
	ok = ok && X509_REQ_add_extensions(x, exts) == 1;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ok ? 0 : -1;
}

static int
set_subject(X509_REQ *x, const char *subject, struct err *e)
{
	struct buf der = BUF_INIT(CSR_MAX_DER);
	X509_NAME *name = NULL;
	const unsigned char *p;
	int rc = -1;

	if (name_make(subject, &der, e) == -1)
		goto out;
	p = der.p;
	if ((name = d2i_X509_NAME(NULL, &p, (long)der.n)) == NULL ||
	    X509_REQ_set_subject_name(x, name) != 1)
		set_ssl(e, ERR_CRYPTO, "subject");
	else
		rc = 0;
out:
	X509_NAME_free(name);
	buf_wipe(&der);
	return rc;
}

int
csr_make(const struct key *key, const char *subject, const char *sans,
    const char *challenge, struct buf *out, struct err *e)
{
	EVP_PKEY *pkey = key_pkey(key);
	struct bytes der = { .p = NULL, .n = 0 };
	X509_REQ *x;
	int rc = -1;

	if ((x = X509_REQ_new()) == NULL ||
	    X509_REQ_set_pubkey(x, pkey) != 1) {
		set_ssl(e, ERR_MEMORY, "request");
		goto out;
	}
	if (set_subject(x, subject, e) == -1)
		goto out;
	if ((sans != NULL && add_sans(x, sans) == -1) ||
	    (challenge != NULL && X509_REQ_add1_attr_by_NID(x,
	    NID_pkcs9_challengePassword, MBSTRING_UTF8,
	    (const unsigned char *)challenge, -1) != 1) ||
	    X509_REQ_sign(x, pkey, EVP_sha256()) <= 0) {
		set_ssl(e, ERR_CRYPTO, "request");
		goto out;
	}
	der = pki_i2d(ASN1_ITEM_rptr(X509_REQ), x);
	if (der.n == 0 || buf_put(out, der.p, der.n) == -1)
		err_set(e, ERR_MEMORY, "request");
	else
		rc = 0;
out:
	free((void *)(uintptr_t)der.p);
	X509_REQ_free(x);
	return rc;
}
