/*
 * SignerInfo with Ed25519 (RFC 8419) and ML-DSA (RFC 9882): they sign the
 * attributes themselves, not a digest of them, which libcrypto's CMS code
 * learned late or not yet.
 */
#include <openssl/cms.h>
#include <openssl/err.h>

#include <stdlib.h>

#include "pki/cms_int.h"
#include "pki/pki_int.h"

/* The attributes as they are signed: SET OF in the order of DER. */
ASN1_ITEM_TEMPLATE(SIGNED_ATTRS) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attrs, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(SIGNED_ATTRS)

static struct bytes
signed_bytes(const CMS_SignerInfo *si)
{
	STACK_OF(X509_ATTRIBUTE) *attrs = sk_X509_ATTRIBUTE_new_null();
	struct bytes out = bytes_make(NULL, 0);
	int i, n = CMS_signed_get_attr_count(si);

	for (i = 0; attrs != NULL && i < n; i++)
		if (sk_X509_ATTRIBUTE_push(attrs,
		    CMS_signed_get_attr(si, i)) <= 0)
			n = -1;
	if (attrs != NULL && n > 0)
		out = pki_i2d(ASN1_ITEM_rptr(SIGNED_ATTRS), attrs);
	sk_X509_ATTRIBUTE_free(attrs);
	return out;
}

/* The digest of the content is as strong as the signature, at least; SHA-512
 * with all. NULL: it is not. */
static const EVP_MD *
strong(const struct cms_signed *s)
{
	switch (s->digest) {
	case ALG_SHA512:
		return EVP_sha512();
	case ALG_SHA384:
		return s->signature == ALG_ML_DSA_44 ||
		    s->signature == ALG_ML_DSA_65 ? EVP_sha384() : NULL;
	case ALG_SHA256:
		return s->signature == ALG_ML_DSA_44 ? EVP_sha256() : NULL;
	default:
		return NULL;
	}
}

/* The attributes bind the content by its digest. */
static bool
binds(const struct cms_signed *s, CMS_SignerInfo *si, const EVP_MD *how)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	const ASN1_OCTET_STRING *digest;
	unsigned n;

	digest = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING);
	return digest != NULL && how != NULL &&
	    EVP_Digest(s->content.p, s->content.n, md, &n, how, NULL) == 1 &&
	    bytes_eq(bytes_make(md, n), bytes_make(ASN1_STRING_get0_data(digest),
	    (size_t)ASN1_STRING_length(digest)));
}

bool
cms_is_pure(enum alg signature)
{
	switch (signature) {
	case ALG_ED25519:
	case ALG_ML_DSA_44:
	case ALG_ML_DSA_65:
	case ALG_ML_DSA_87:
		return true;
	default:
		return false;
	}
}

int
cms_verify_pure(const struct cms_signed *s, struct err *e)
{
	CMS_SignerInfo *si =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(s->cms), 0);
	const ASN1_OCTET_STRING *sig = CMS_SignerInfo_get0_signature(si);
	EVP_PKEY *pkey = X509_get0_pubkey(s->signer->x);
	struct bytes what = signed_bytes(si);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -1;

	/* Their names are libcrypto's names of the keys. */
	if (what.n == 0 || ctx == NULL || pkey == NULL ||
	    !binds(s, si, strong(s)) ||
	    !EVP_PKEY_is_a(pkey, alg_name(s->signature)) ||
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestVerify(ctx, ASN1_STRING_get0_data(sig),
	    (size_t)ASN1_STRING_length(sig), what.p, what.n) != 1)
		set_ssl(e, ERR_SIGNATURE, "signature");
	else
		rc = 0;
	EVP_MD_CTX_free(ctx);
	free((void *)(uintptr_t)what.p);
	return rc;
}
