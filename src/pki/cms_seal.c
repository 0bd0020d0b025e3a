/*
 * Making envelopes.
 */
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "pki/cms_int.h"
#include "pki/pki_int.h"

/* Slows guessing at the password of a reply that was overheard; what carries
 * the secrecy is the password's own strength. */
#define PASSWORD_ROUNDS	10000

static const struct {
	enum alg	 agreement;
	enum alg	 digest;
} derivations[] = {
	{ ALG_ECDH_SHA1,   ALG_SHA1   },
	{ ALG_ECDH_SHA256, ALG_SHA256 },
	{ ALG_ECDH_SHA384, ALG_SHA384 },
	{ ALG_ECDH_SHA512, ALG_SHA512 },
};

/* The digest in a key agreement; ALG_NONE if it is none. */
static enum alg
derivation(enum alg agreement)
{
	size_t i;

	for (i = 0; i < sizeof(derivations) / sizeof(derivations[0]); i++)
		if (derivations[i].agreement == agreement)
			return derivations[i].digest;
	return ALG_NONE;
}

static int
add_recipient(CMS_ContentInfo *cms, const struct cert *to,
    const struct algs *algs, enum alg transport)
{
	CMS_RecipientInfo *ri;
	EVP_PKEY_CTX *ctx;

	if (to->key.type == KEY_RSA && transport != ALG_RSA_OAEP)
		return CMS_add1_recipient_cert(cms, to->x, 0) != NULL ? 0 : -1;
	ri = CMS_add1_recipient_cert(cms, to->x, CMS_KEY_PARAM);
	if (ri == NULL || (ctx = CMS_RecipientInfo_get0_pkey_ctx(ri)) == NULL)
		return -1;
	if (to->key.type == KEY_EC)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, algs_md(algs,
		    derivation(transport))) > 0 ? 0 : -1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_OAEP_PADDING) > 0 ? 0 : -1;
}

static CMS_ContentInfo *
begin(const struct algs *algs, enum alg cipher)
{
	return CMS_encrypt_ex(NULL, NULL, algs_cipher(algs, cipher),
	    CMS_BINARY | CMS_PARTIAL, algs_ctx(algs, cipher), NULL);
}

/* Encrypts the content; frees cms. */
static int
finish(CMS_ContentInfo *cms, bool ok, struct bytes content, struct buf *out,
    struct err *e)
{
	BIO *bio = bio_of(content);
	int rc = -1;

	if (!ok || bio == NULL || CMS_final(cms, bio, NULL, CMS_BINARY) != 1)
		set_ssl(e, ERR_CRYPTO, "envelope");
	else
		rc = cms_write(cms, out, e);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return rc;
}

int
cms_seal(struct bytes content, const struct cert *to,
    const struct algs *algs, struct cms_suite suite, struct buf *out,
    struct err *e)
{
	CMS_ContentInfo *cms;

	if (to->key.type != KEY_RSA && (to->key.type != KEY_EC ||
	    derivation(suite.transport) == ALG_NONE)) {
		err_set(e, ERR_SIGNER_KEY, "a key of type %s cannot decrypt",
		    key_type_name(to->key.type));
		return -1;
	}
	cms = begin(algs, suite.cipher);
	return finish(cms, cms != NULL && add_recipient(cms, to, algs,
	    suite.transport) == 0, content, out, e);
}

int
cms_seal_password(struct bytes content, struct bytes password,
    const struct algs *algs, enum alg cipher, struct buf *out, struct err *e)
{
	CMS_ContentInfo *cms = begin(algs, cipher);
	unsigned char *pass = OPENSSL_memdup(password.p, password.n);
	bool ok = false;

	/* The recipient takes the password. */
	if (cms != NULL && pass != NULL &&
	    CMS_add0_recipient_password(cms, PASSWORD_ROUNDS, NID_undef,
	    NID_undef, pass, (ossl_ssize_t)password.n, NULL) != NULL)
		ok = true;
	else
		OPENSSL_clear_free(pass, password.n);
	return finish(cms, ok, content, out, e);
}
