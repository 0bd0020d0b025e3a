/*
 * Making CMS: signed messages, envelopes, bags of certificates.
 */
#include <openssl/cms.h>
#include <openssl/rsa.h>

#include <stdlib.h>

#include "pki/cms.h"
#include "pki/cms_int.h"
#include "pki/pki_int.h"

int
cms_write(CMS_ContentInfo *cms, struct buf *out, struct err *e)
{
	struct bytes der = pki_i2d(ASN1_ITEM_rptr(CMS_ContentInfo), cms);
	int rc;

	if (der.n == 0) {
		set_ssl(e, ERR_CRYPTO, "writing CMS");
		return -1;
	}
	if ((rc = buf_put(out, der.p, der.n)) == -1)
		err_set(e, ERR_MEMORY, "writing CMS");
	free((void *)(uintptr_t)der.p);
	return rc;
}

static int
put_attrs(CMS_SignerInfo *si, const struct cms_put *attrs, size_t n,
    struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (CMS_signed_add1_attr_by_txt(si, attrs[i].oid,
		    attrs[i].tag, attrs[i].value.n == 0 ? "" :
		    (const char *)attrs[i].value.p,
		    (int)attrs[i].value.n) != 1) {
			set_ssl(e, ERR_CRYPTO, attrs[i].oid);
			return -1;
		}
	return 0;
}

int
cms_sign(struct bytes content, const struct cms_put *attrs, size_t n,
    const struct key *key, const struct cert *cert, const struct algs *algs,
    enum alg digest, struct buf *out, struct err *e)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	BIO *bio;
	int rc = -1;

	bio = bio_of(content);
	cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	if (bio == NULL || cms == NULL || (si = CMS_add1_signer(cms, cert->x,
	    key_pkey(key), algs_md(algs, digest), flags)) == NULL) {
		set_ssl(e, ERR_CRYPTO, "signer");
		goto out;
	}
	if (put_attrs(si, attrs, n, e) == -1)
		goto out;
	if (CMS_final(cms, bio, NULL, flags) != 1) {
		set_ssl(e, ERR_CRYPTO, "signing");
		goto out;
	}
	rc = cms_write(cms, out, e);
out:
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return rc;
}

static int
add_recipient(CMS_ContentInfo *cms, const struct cert *to,
    enum alg transport)
{
	CMS_RecipientInfo *ri;
	EVP_PKEY_CTX *ctx;

	if (transport != ALG_RSA_OAEP)
		return CMS_add1_recipient_cert(cms, to->x, 0) != NULL ? 0 : -1;
	ri = CMS_add1_recipient_cert(cms, to->x, CMS_KEY_PARAM);
	if (ri == NULL || (ctx = CMS_RecipientInfo_get0_pkey_ctx(ri)) == NULL)
		return -1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_OAEP_PADDING) > 0 ? 0 : -1;
}

int
cms_seal(struct bytes content, const struct cert *to,
    const struct algs *algs, struct cms_suite suite, struct buf *out,
    struct err *e)
{
	CMS_ContentInfo *cms = NULL;
	BIO *bio = NULL;
	int rc = -1;

	if (to->key.type != KEY_RSA) {
		err_set(e, ERR_SIGNER_KEY, "a key of type %s cannot decrypt",
		    key_type_name(to->key.type));
		return -1;
	}
	bio = bio_of(content);
	cms = CMS_encrypt(NULL, NULL, algs_cipher(algs, suite.cipher),
	    CMS_BINARY | CMS_PARTIAL);
	if (bio == NULL || cms == NULL ||
	    add_recipient(cms, to, suite.transport) == -1 ||
	    CMS_final(cms, bio, NULL, CMS_BINARY) != 1)
		set_ssl(e, ERR_CRYPTO, "envelope");
	else
		rc = cms_write(cms, out, e);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return rc;
}
