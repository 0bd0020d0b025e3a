/*
 * Opening envelopes.
 */
#include <openssl/cms.h>
#include <openssl/err.h>

#include <stdlib.h>

#include "pki/cms.h"
#include "pki/cms_int.h"
#include "pki/pki_int.h"

#define MAX_RECIPIENTS	16

/* Steps into a constructed element, or over it when enter is false. */
static int
der_step(struct bytes *at, int tag, bool enter)
{
	const unsigned char *p = at->p;
	int got, class;
	long len;

	if (at->n == 0 || (ASN1_get_object(&p, &len, &got, &class,
	    (long)at->n) & 0x80) || (tag >= 0 && (got != tag ||
	    class != V_ASN1_UNIVERSAL)))
		return -1;
	if (enter)
		*at = bytes_make(p, (size_t)len);
	else
		*at = bytes_make(p + len,
		    at->n - (size_t)(p - at->p) - (size_t)len);
	return 0;
}

/* Is the next element this one? */
static bool
der_peek(struct bytes at, unsigned char identifier)
{
	return at.n > 0 && at.p[0] == identifier;
}

/*
 * The content cipher. libcrypto tells it only once the key is decrypted, so
 * the DER is walked: ContentInfo, [0], EnvelopedData, encryptedContentInfo,
 * contentEncryptionAlgorithm (RFC 5652, 6.1).
 */
static enum alg
walk_cipher(struct bytes at)
{
	const unsigned char *p;
	ASN1_OBJECT *o;
	enum alg alg;

	if (der_step(&at, V_ASN1_SEQUENCE, true) == -1 ||
	    der_step(&at, V_ASN1_OBJECT, false) == -1 ||
	    der_step(&at, -1, true) == -1 ||
	    der_step(&at, V_ASN1_SEQUENCE, true) == -1 ||
	    der_step(&at, V_ASN1_INTEGER, false) == -1)
		return ALG_NONE;
	if (der_peek(at, 0xa0) && der_step(&at, -1, false) == -1)
		return ALG_NONE;	/* originatorInfo */
	if (der_step(&at, V_ASN1_SET, false) == -1 ||
	    der_step(&at, V_ASN1_SEQUENCE, true) == -1 ||
	    der_step(&at, V_ASN1_OBJECT, false) == -1 ||
	    der_step(&at, V_ASN1_SEQUENCE, true) == -1)
		return ALG_NONE;
	p = at.p;
	if ((o = d2i_ASN1_OBJECT(NULL, &p, (long)at.n)) == NULL)
		return ALG_NONE;
	alg = alg_by_nid(ALG_CIPHER, OBJ_obj2nid(o));
	ASN1_OBJECT_free(o);
	return alg;
}

static int
find_cipher(CMS_ContentInfo *cms, enum alg *out, struct err *e)
{
	/* Written anew as DER: what came may be BER of indefinite length. */
	struct bytes der = pki_i2d(ASN1_ITEM_rptr(CMS_ContentInfo), cms);
	enum alg alg = walk_cipher(der);

	free((void *)(uintptr_t)der.p);
	if (!alg_accepted(alg)) {
		err_set(e, ERR_CIPHER, "content cipher %s", alg_name(alg));
		return -1;
	}
	*out = alg;
	return 0;
}

static int
find_transport(CMS_ContentInfo *cms, const struct cert *cert, enum alg *out,
    struct err *e)
{
	STACK_OF(CMS_RecipientInfo) *ris = CMS_get0_RecipientInfos(cms);
	int i, n = sk_CMS_RecipientInfo_num(ris);
	CMS_RecipientInfo *ri;
	const ASN1_OBJECT *o;
	X509_ALGOR *alg;

	for (i = 0; i < n && i < MAX_RECIPIENTS; i++) {
		ri = sk_CMS_RecipientInfo_value(ris, i);
		if (CMS_RecipientInfo_type(ri) != CMS_RECIPINFO_TRANS ||
		    CMS_RecipientInfo_ktri_cert_cmp(ri, cert->x) != 0)
			continue;
		if (CMS_RecipientInfo_ktri_get0_algs(ri, NULL, NULL,
		    &alg) != 1)
			break;
		X509_ALGOR_get0(&o, NULL, NULL, alg);
		*out = alg_by_nid(ALG_TRANSPORT, OBJ_obj2nid(o));
		if (alg_accepted(*out))
			return 0;
		err_set(e, ERR_KEY_TRANSPORT, "key transport %s",
		    alg_name(*out));
		return -1;
	}
	err_set(e, ERR_RECIPIENT, "none of %d recipients is %s", n < 0 ? 0 : n,
	    cert->subject_text);
	return -1;
}

static int
screen(CMS_ContentInfo *cms, const struct cms_recipient *us,
    struct cms_suite *suite, struct err *e)
{
	int nid = OBJ_obj2nid(CMS_get0_type(cms));

	if (nid == NID_id_smime_ct_authEnvelopedData) {
		err_set(e, ERR_CIPHER, "AuthEnvelopedData");
		return -1;
	}
	if (nid != NID_pkcs7_enveloped) {
		err_set(e, ERR_NOT_ENVELOPED, "another content type");
		return -1;
	}
	if (find_cipher(cms, &suite->cipher, e) == -1)
		return -1;
	return find_transport(cms, us->cert, &suite->transport, e);
}

int
cms_open(struct bytes der, const struct cms_recipient *us, struct buf *plain,
    struct cms_suite *suite, struct err *e)
{
	struct cms_suite found = { .cipher = ALG_NONE };
	CMS_ContentInfo *cms;
	struct err why;
	BIO *bio = NULL;
	int rc = -1;

	err_clear(&why);
	if ((cms = cms_read(der, &why)) == NULL) {
		err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
		    ERR_NOT_ENVELOPED, "%s", why.text);
		return -1;
	}
	if (screen(cms, us, &found, e) == -1)
		goto out;
	if ((bio = BIO_new(BIO_s_mem())) == NULL) {
		err_set(e, ERR_MEMORY, "envelope");
		goto out;
	}
	/* Always with the certificate: without it a wrong key "succeeds". */
	if (CMS_decrypt(cms, key_pkey(us->key), us->cert->x, NULL, bio,
	    0) != 1 || bio_drain(bio, plain) == -1) {
		ERR_clear_error();
		err_set(e, ERR_INTEGRITY, "pkcsPKIEnvelope");
		goto out;
	}
	*suite = found;
	rc = 0;
out:
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return rc;
}
