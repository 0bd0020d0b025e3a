/*
 * The extensions that a request asks for, under any of the names that clients
 * have for the attribute: PKCS#9, Microsoft's, and the one of SCEP's drafts. All
 * of them count, so that nothing is asked for unseen.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "pki/pki_int.h"

#define EXTENSIONS_MAX	64

static bool
is_request(const ASN1_OBJECT *o)
{
	static const char *const oids[] = {
		"1.2.840.113549.1.9.14",
		"1.3.6.1.4.1.311.2.1.14",
		"2.16.840.1.113733.1.9.8",
	};
	char oid[64];
	size_t i;

	if (OBJ_obj2txt(oid, sizeof(oid), o, 1) < 0)
		return false;
	for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++)
		if (strcmp(oids[i], oid) == 0)
			return true;
	return false;
}

static bool
is_same(X509_EXTENSION *a, X509_EXTENSION *b)
{
	return X509_EXTENSION_get_critical(a) ==
	    X509_EXTENSION_get_critical(b) &&
	    OBJ_cmp(X509_EXTENSION_get_object(a),
	    X509_EXTENSION_get_object(b)) == 0 &&
	    ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(a),
	    X509_EXTENSION_get_data(b)) == 0;
}

/* Who writes two attributes may say the same in both. */
static bool
has(const STACK_OF(X509_EXTENSION) *all, X509_EXTENSION *ext)
{
	int i;

	for (i = 0; i < sk_X509_EXTENSION_num(all); i++)
		if (is_same(sk_X509_EXTENSION_value(all, i), ext))
			return true;
	return false;
}

/* Moves them into all. */
static int
add(STACK_OF(X509_EXTENSION) *all, STACK_OF(X509_EXTENSION) *exts,
    struct err *e)
{
	X509_EXTENSION *ext;

	while ((ext = sk_X509_EXTENSION_shift(exts)) != NULL) {
		if (has(all, ext)) {
			X509_EXTENSION_free(ext);
			continue;
		}
		if (sk_X509_EXTENSION_num(all) == EXTENSIONS_MAX) {
			X509_EXTENSION_free(ext);
			err_set(e, ERR_CSR, "it asks for too many extensions");
			return -1;
		}
		if (sk_X509_EXTENSION_push(all, ext) <= 0) {
			X509_EXTENSION_free(ext);
			err_set(e, ERR_MEMORY, "extensions");
			return -1;
		}
	}
	return 0;
}

/* One value of an attribute; what is malformed asks for nothing. */
static int
add_value(STACK_OF(X509_EXTENSION) *all, const ASN1_TYPE *t, struct err *e)
{
	STACK_OF(X509_EXTENSION) *exts;
	const unsigned char *p;
	int rc = 0;

	if (t == NULL || ASN1_TYPE_get(t) != V_ASN1_SEQUENCE)
		return 0;
	p = ASN1_STRING_get0_data(t->value.sequence);
	exts = (STACK_OF(X509_EXTENSION) *)ASN1_item_d2i(NULL, &p,
	    ASN1_STRING_length(t->value.sequence),
	    ASN1_ITEM_rptr(X509_EXTENSIONS));
	if (exts != NULL)
		rc = add(all, exts, e);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	ERR_clear_error();
	return rc;
}

int
csr_extensions(X509_REQ *x, STACK_OF(X509_EXTENSION) **out, struct err *e)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	int i, k, rc = 0;
	X509_ATTRIBUTE *a;

	if (all == NULL) {
		err_set(e, ERR_MEMORY, "extensions");
		return -1;
	}
	for (i = 0; rc == 0 && i < X509_REQ_get_attr_count(x); i++) {
		a = X509_REQ_get_attr(x, i);
		if (!is_request(X509_ATTRIBUTE_get0_object(a)))
			continue;
		for (k = 0; rc == 0 && k < X509_ATTRIBUTE_count(a); k++)
			rc = add_value(all, X509_ATTRIBUTE_get0_type(a, k), e);
	}
	if (rc == 0)
		*out = all;
	else
		sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return rc;
}
