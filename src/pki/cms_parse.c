/*
 * SignedData with one signer: reading and proving.
 */
#include <openssl/cms.h>

#include <stdlib.h>
#include <string.h>

#include "pki/cms.h"
#include "pki/cms_int.h"
#include "pki/pki_int.h"
#include "pki/screen_int.h"

CMS_ContentInfo *
cms_read_into(CMS_ContentInfo *cms, struct bytes der, struct err *e)
{
	const unsigned char *p = der.p;

	if (der.n == 0 || der.n > CMS_MAX_DER) {
		err_set(e, der.n == 0 ? ERR_NOT_CMS : ERR_BODY_TOO_BIG,
		    "%zu bytes", der.n);
		CMS_ContentInfo_free(cms);
		return NULL;
	}
	/* What is read into is freed when reading fails. */
	if ((cms = d2i_CMS_ContentInfo(cms == NULL ? NULL : &cms, &p,
	    (long)der.n)) == NULL) {
		set_ssl(e, ERR_NOT_CMS, "CMS");
		return NULL;
	}
	if (p != der.p + der.n) {
		err_set(e, ERR_TRAILING, "%zu bytes",
		    (size_t)(der.p + der.n - p));
		CMS_ContentInfo_free(cms);
		return NULL;
	}
	return cms;
}

CMS_ContentInfo *
cms_read(struct bytes der, struct err *e)
{
	return cms_read_into(NULL, der, e);
}

static CMS_SignerInfo *
one_signer(CMS_ContentInfo *cms, struct err *e)
{
	STACK_OF(CMS_SignerInfo) *sis = CMS_get0_SignerInfos(cms);
	int n = sk_CMS_SignerInfo_num(sis);

	if (n == 1)
		return sk_CMS_SignerInfo_value(sis, 0);
	err_set(e, ERR_SIGNERS, "%d signers", n < 0 ? 0 : n);
	return NULL;
}

/* Content of a value whose type is a string; other types have none here. */
static void
read_value(const ASN1_TYPE *t, struct cms_attr *a)
{
	a->tag = ASN1_TYPE_get(t);
	switch (a->tag) {
	case V_ASN1_OCTET_STRING:
	case V_ASN1_UTF8STRING:
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_IA5STRING:
		a->value = bytes_make(
		    ASN1_STRING_get0_data(t->value.asn1_string),
		    (size_t)ASN1_STRING_length(t->value.asn1_string));
		break;
	default:
		break;
	}
}

static int
read_attrs(struct cms_signed *s, CMS_SignerInfo *si, struct err *e)
{
	int i, n = CMS_signed_get_attr_count(si);
	X509_ATTRIBUTE *xa;
	struct cms_attr *a;

	if (n < 1 || n > CMS_MAX_ATTRS) {
		err_set(e, n < 1 ? ERR_NO_ATTRIBUTES : ERR_ATTRIBUTE,
		    "%d signed attributes", n < 0 ? 0 : n);
		return -1;
	}
	if ((s->attrs = calloc((size_t)n, sizeof(*s->attrs))) == NULL) {
		err_set(e, ERR_MEMORY, "signed attributes");
		return -1;
	}
	for (i = 0; i < n; i++) {
		xa = CMS_signed_get_attr(si, i);
		a = &s->attrs[s->n_attrs++];
		(void)OBJ_obj2txt(a->oid, sizeof(a->oid),
		    X509_ATTRIBUTE_get0_object(xa), 1);
		a->n_values = X509_ATTRIBUTE_count(xa);
		if (a->n_values > 0)
			read_value(X509_ATTRIBUTE_get0_type(xa, 0), a);
	}
	return 0;
}

static void
read_content(struct cms_signed *s)
{
	ASN1_OCTET_STRING **os = CMS_get0_content(s->cms);

	s->content_is_data =
	    OBJ_obj2nid(CMS_get0_eContentType(s->cms)) == NID_pkcs7_data;
	if (os == NULL || *os == NULL)
		return;
	s->has_content = true;
	s->content = bytes_make(ASN1_STRING_get0_data(*os),
	    (size_t)ASN1_STRING_length(*os));
}

static void
read_digest(struct cms_signed *s, CMS_SignerInfo *si)
{
	const ASN1_OBJECT *o;
	X509_ALGOR *alg;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &alg, NULL);
	X509_ALGOR_get0(&o, NULL, NULL, alg);
	s->digest = alg_by_nid(ALG_DIGEST, OBJ_obj2nid(o));
}

static int
take_signer(struct cms_signed *s, CMS_SignerInfo *si, X509 *x, struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	CMS_SignerInfo_set1_signer_cert(si, x);
	if (cert_of(x, &s->signer, &why) == 0)
		return 0;
	err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY : ERR_NO_SIGNER_CERT,
	    "%s", why.text);
	return -1;
}

/* By SignerIdentifier, not by place: a chain may come along (RFC 8894, 2.3). */
static int
find_signer(struct cms_signed *s, CMS_SignerInfo *si, struct err *e)
{
	STACK_OF(X509) *xs = CMS_get1_certs(s->cms);
	int i, n = sk_X509_num(xs), rc = -1;

	for (i = 0; i < n && i < CERTS_MAX; i++)
		if (CMS_SignerInfo_cert_cmp(si, sk_X509_value(xs, i)) == 0)
			break;
	if (i < n && i < CERTS_MAX)
		rc = take_signer(s, si, sk_X509_value(xs, i), e);
	else
		err_set(e, ERR_NO_SIGNER_CERT, "none of %d certificates",
		    n < 0 ? 0 : n);
	sk_X509_pop_free(xs, X509_free);
	return rc;
}

int
cms_signed_parse(struct bytes der, struct cms_signed *s, struct err *e)
{
	CMS_SignerInfo *si;

	memset(s, 0, sizeof(*s));
	if (screen_signed(der, &s->signature, e) == -1 ||
	    (s->cms = cms_read(der, e)) == NULL)
		return -1;
	if ((si = one_signer(s->cms, e)) == NULL ||
	    read_attrs(s, si, e) == -1)
		return -1;
	read_content(s);
	read_digest(s, si);
	return find_signer(s, si, e);
}

/* The contentType that is signed is that of the content (RFC 5652, 11.1):
 * libcrypto sees to it that there is one, and compares nothing. */
static bool
type_matches(const struct cms_signed *s)
{
	CMS_SignerInfo *si =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(s->cms), 0);
	const ASN1_OBJECT *type = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);

	return type != NULL &&
	    OBJ_cmp(type, CMS_get0_eContentType(s->cms)) == 0;
}

int
cms_signed_verify(const struct cms_signed *s, struct err *e)
{
	BIO *none = NULL;
	int rc = -1;

	if (!type_matches(s)) {
		err_set(e, ERR_SIGNATURE, "contentType is not the content's");
		return -1;
	}
	if (cms_is_pure(s->signature))
		return cms_verify_pure(s, e);
	/* Without eContent libcrypto wants to be given the nothing. */
	if (!s->has_content && (none = bio_of(bytes_make("", 0))) == NULL) {
		err_set(e, ERR_MEMORY, "signature");
		return -1;
	}
	/* Who the signer is, is policy's question: device certificates carry
	 * extensions (critical authorityKeyIdentifier) that fail any chain. */
	if (CMS_verify(s->cms, NULL, NULL, none, NULL,
	    CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1)
		rc = 0;
	else
		set_ssl(e, ERR_SIGNATURE, "signature");
	BIO_free(none);
	return rc;
}

const struct cms_attr *
cms_attr_find(const struct cms_signed *s, const char *oid, size_t *n)
{
	const struct cms_attr *found = NULL;
	size_t i;

	*n = 0;
	for (i = 0; i < s->n_attrs; i++)
		if (strcmp(s->attrs[i].oid, oid) == 0) {
			if (found == NULL)
				found = &s->attrs[i];
			++*n;
		}
	return found;
}

void
cms_signed_clear(struct cms_signed *s)
{
	cert_free(s->signer);
	free(s->attrs);
	CMS_ContentInfo_free(s->cms);
	memset(s, 0, sizeof(*s));
}
