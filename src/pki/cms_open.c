/*
 * Opening envelopes.
 */
#include <openssl/cms.h>
#include <openssl/err.h>

#include "pki/cms_int.h"
#include "pki/pki_int.h"
#include "pki/screen_int.h"

/* Screens and reads an envelope; NULL and the reason. */
static CMS_ContentInfo *
read_sealed(struct bytes der, const struct algs *algs, bool password,
    enum alg *cipher, struct err *e)
{
	OSSL_LIB_CTX *ctx;
	CMS_ContentInfo *cms = NULL;
	struct err why;

	if (screen_sealed(der, algs, password, cipher, e) == -1)
		return NULL;
	if ((ctx = algs_ctx(algs, *cipher)) != NULL &&
	    (cms = CMS_ContentInfo_new_ex(ctx, NULL)) == NULL) {
		set_ssl(e, ERR_MEMORY, "envelope");
		return NULL;
	}
	err_clear(&why);
	if ((cms = cms_read_into(cms, der, &why)) == NULL)
		err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
		    ERR_NOT_ENVELOPED, "%s", why.text);
	return cms;
}

/*
 * Gives the envelope the content key of its recipient. libcrypto replaces one
 * that does not come out by a random one (RFC 3218), so that nobody learns by
 * which fault the content is noise: the outcome here is ignored.
 */
static void
unlock(CMS_ContentInfo *cms, const struct cms_match *m)
{
	EVP_PKEY *pkey = key_pkey(m->us->key);

	if (EVP_PKEY_up_ref(pkey) != 1)
		return;
	if (CMS_RecipientInfo_set0_pkey(m->ri, pkey) != 1) {
		EVP_PKEY_free(pkey);
		return;
	}
	(void)CMS_RecipientInfo_decrypt(cms, m->ri);
	(void)CMS_RecipientInfo_set0_pkey(m->ri, NULL);
	ERR_clear_error();
}

/* Decrypts what was unlocked; pkey and cert only for a key agreement. */
static int
decrypt(CMS_ContentInfo *cms, EVP_PKEY *pkey, X509 *cert, struct buf *plain,
    struct err *e)
{
	int bad = 0;
	BIO *bio;

	if ((bio = BIO_new(BIO_s_mem())) == NULL) {
		err_set(e, ERR_MEMORY, "envelope");
		return -1;
	}
	if (CMS_decrypt(cms, pkey, cert, NULL, bio, 0) != 1)
		bad = -1;
	if (bio_drain(bio, plain) == -1)
		bad = -1;
	ERR_clear_error();
	BIO_free(bio);
	if (bad != 0)
		err_set(e, ERR_INTEGRITY, "pkcsPKIEnvelope");
	return bad;
}

int
cms_open(struct bytes der, const struct cms_recipient *us, size_t n,
    const struct algs *algs, struct buf *plain, struct cms_suite *suite,
    struct err *e)
{
	struct cms_suite found;
	struct cms_match m;
	CMS_ContentInfo *cms;
	int rc = -1;

	if ((cms = read_sealed(der, algs, false, &found.cipher, e)) == NULL)
		return -1;
	if (cms_match(cms, us, n, &m, e) == -1)
		goto out;
	found.transport = m.transport;
	found.to = (size_t)(m.us - us);
	/* Also if it does not decrypt: see scep_unwrap_poll(). */
	*suite = found;
	if (CMS_RecipientInfo_type(m.ri) == CMS_RECIPINFO_TRANS) {
		unlock(cms, &m);
		rc = decrypt(cms, NULL, NULL, plain, e);
	} else
		rc = decrypt(cms, key_pkey(m.us->key), m.us->cert->x, plain,
		    e);
out:
	CMS_ContentInfo_free(cms);
	return rc;
}

int
cms_open_password(struct bytes der, struct bytes password,
    const struct algs *algs, struct buf *plain, struct cms_suite *suite,
    struct err *e)
{
	struct cms_suite found = { .transport = ALG_NONE };
	unsigned char *pass = NULL;
	CMS_ContentInfo *cms;
	int rc = -1;

	if ((cms = read_sealed(der, algs, true, &found.cipher, e)) == NULL)
		return -1;
	if ((pass = OPENSSL_memdup(password.p, password.n)) == NULL)
		err_set(e, ERR_MEMORY, "password");
	else if (CMS_decrypt_set1_password(cms, pass,
	    (ossl_ssize_t)password.n) != 1) {
		ERR_clear_error();
		err_set(e, ERR_INTEGRITY, "pkcsPKIEnvelope");
	} else
		rc = decrypt(cms, NULL, NULL, plain, e);
	if (rc == 0)
		*suite = found;
	OPENSSL_clear_free(pass, password.n);
	CMS_ContentInfo_free(cms);
	return rc;
}
