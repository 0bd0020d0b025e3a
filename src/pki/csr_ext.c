/*
 * The extensions that a request asks for, under any of the names that clients
 * have for the attribute: PKCS#9, Microsoft's, and the one of SCEP's drafts.
 */
#include <openssl/x509v3.h>

#include "pki/pki_int.h"

static const char *const oids[] = {
	"1.2.840.113549.1.9.14",
	"1.3.6.1.4.1.311.2.1.14",
	"2.16.840.1.113733.1.9.8",
};

/* The value of the attribute; NULL if there is none, or not one. */
static const ASN1_STRING *
find(X509_REQ *x, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	X509_ATTRIBUTE *a = NULL;
	ASN1_TYPE *t;
	int at = -1;

	if (o != NULL && (at = X509_REQ_get_attr_by_OBJ(x, o, -1)) >= 0)
		a = X509_REQ_get_attr(x, at);
	ASN1_OBJECT_free(o);
	if (a == NULL || (t = X509_ATTRIBUTE_get0_type(a, 0)) == NULL ||
	    ASN1_TYPE_get(t) != V_ASN1_SEQUENCE)
		return NULL;
	return t->value.sequence;
}

STACK_OF(X509_EXTENSION) *
csr_extensions(X509_REQ *x)
{
	const unsigned char *p;
	const ASN1_STRING *s;
	size_t i;

	for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++)
		if ((s = find(x, oids[i])) != NULL) {
			p = ASN1_STRING_get0_data(s);
			return (STACK_OF(X509_EXTENSION) *)ASN1_item_d2i(NULL,
			    &p, ASN1_STRING_length(s),
			    ASN1_ITEM_rptr(X509_EXTENSIONS));
		}
	return NULL;
}
