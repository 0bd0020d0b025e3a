/*
 * Making CMS: signed messages. The DER of any.
 */
#include <openssl/cms.h>

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

static int
put_certs(CMS_ContentInfo *cms, const struct cert *const *certs, size_t n,
    struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (CMS_add1_cert(cms, certs[i]->x) != 1) {
			set_ssl(e, ERR_CRYPTO, "certificate beside the "
			    "signer's");
			return -1;
		}
	return 0;
}

/* What goes into a SignedData beside its content. */
struct parts {
	const struct cms_put		*attrs;
	size_t				 n_attrs;
	const struct cert *const	*more;
	size_t				 n_more;
};

static int
sign(struct bytes content, const struct parts *p, const struct key *key,
    const struct cert *cert, const EVP_MD *md, struct buf *out, struct err *e)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	BIO *bio;
	int rc = -1;

	bio = bio_of(content);
	cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	if (bio == NULL || cms == NULL || (si = CMS_add1_signer(cms, cert->x,
	    key_pkey(key), md, flags)) == NULL) {
		set_ssl(e, ERR_CRYPTO, "signer");
		goto out;
	}
	if (put_attrs(si, p->attrs, p->n_attrs, e) == -1 ||
	    put_certs(cms, p->more, p->n_more, e) == -1)
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

int
cms_sign(struct bytes content, const struct cms_put *attrs, size_t n,
    const struct key *key, const struct cert *cert, const struct algs *algs,
    enum alg digest, struct buf *out, struct err *e)
{
	const struct parts p = { .attrs = attrs, .n_attrs = n };

	return sign(content, &p, key, cert, algs_md(algs, digest), out, e);
}

int
cms_sign_beside(struct bytes content, const struct cert *const *more,
    size_t n, const struct key *key, const struct cert *cert,
    const struct algs *algs, enum alg digest, struct buf *out, struct err *e)
{
	const struct parts p = { .more = more, .n_more = n };

	return sign(content, &p, key, cert, algs_md(algs, digest), out, e);
}
