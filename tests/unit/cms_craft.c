#include "cms_craft.h"

static void
add_attr(CMS_SignerInfo *si, const struct cms_put *p, bool twice)
{
	const unsigned char	*text = p->value.n == 0 ?
	    (const unsigned char *)"" : p->value.p;
	X509_ATTRIBUTE		*a;

	a = X509_ATTRIBUTE_create_by_txt(NULL, p->oid, p->tag, text,
	    (int)p->value.n);
	assert_non_null(a);
	if (twice)
		assert_int_equal(X509_ATTRIBUTE_set1_data(a, p->tag, text,
		    (int)p->value.n), 1);
	assert_int_equal(CMS_signed_add1_attr(si, a), 1);
	X509_ATTRIBUTE_free(a);
}

static void
add_signer(CMS_ContentInfo *cms, const struct sign_craft *c,
    const struct who *by)
{
	unsigned	 flags = c->flags & (CMS_NOATTR | CMS_NOCERTS |
	    CMS_USE_KEYID);
	CMS_SignerInfo	*si;

	si = CMS_add1_signer(cms, by->cert->x, key_pkey(by->key),
	    c->md == NULL ? EVP_sha256() : c->md, flags | CMS_NOSMIMECAP);
	assert_non_null(si);
	for (size_t i = 0; i < c->n_puts; i++)
		add_attr(si, &c->puts[i], c->twice != NULL &&
		    strcmp(c->twice, c->puts[i].oid) == 0);
}

void
sign_craft(const struct sign_craft *c, struct buf *out)
{
	unsigned	 flags = CMS_BINARY | CMS_PARTIAL |
	    (c->flags & (CMS_STREAM | CMS_DETACHED));
	BIO		*in = bio_of(c->content), *bio = BIO_new(BIO_s_mem());
	CMS_ContentInfo	*cms = CMS_sign(NULL, NULL, NULL, NULL, flags);

	assert_non_null(cms);
	if (c->type != 0)
		assert_int_equal(CMS_set1_eContentType(cms,
		    OBJ_nid2obj(c->type)), 1);
	for (size_t i = 0; i < c->n_more; i++)
		assert_int_equal(CMS_add1_cert(cms, c->more[i]->x), 1);
	add_signer(cms, c, c->by);
	if (c->also != NULL)
		add_signer(cms, c, c->also);
	if (!(flags & CMS_STREAM))
		assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
	assert_int_equal(i2d_CMS_bio_stream(bio, cms, in, (int)flags), 1);
	assert_int_equal(bio_drain(bio, out), 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(bio);
}

static void
wrap(struct buf *b, unsigned char tag)
{
	struct buf	 in = BUF_INIT(CMS_MAX_DER);

	assert_int_equal(buf_put(&in, b->p, b->n), 0);
	buf_reset(b);
	assert_int_equal(der_put(b, tag, buf_bytes(&in)), 0);
	buf_wipe(&in);
}

static void
put(struct buf *out, struct bytes b)
{
	assert_int_equal(buf_put(out, b.p, b.n), 0);
}

/* KeyTransRecipientInfo with issuerAndSerialNumber */
static void
put_recipient(const struct env_craft *c, struct buf *out)
{
	struct buf	 id = BUF_INIT(65536), ri = BUF_INIT(65536);

	put(&id, c->to->issuer);
	assert_int_equal(der_put(&id, 0x02, c->to->serial), 0);
	wrap(&id, 0x30);
	put(&ri, LIT("\x02\x01\x00"));
	put(&ri, buf_bytes(&id));
	put(&ri, c->transport);
	assert_int_equal(der_put(&ri, 0x04, c->key), 0);
	wrap(&ri, 0x30);
	put(out, buf_bytes(&ri));
	buf_wipe(&id);
	buf_wipe(&ri);
}

void
env_craft(const struct env_craft *c, struct buf *out)
{
	struct buf	 ris = BUF_INIT(65536), eci = BUF_INIT(65536);
	struct buf	 env = BUF_INIT(CMS_MAX_DER);

	if (c->to != NULL)
		put_recipient(c, &ris);
	put(&eci, LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"));
	assert_int_equal(der_put(&eci, 0x30, c->cipher), 0);
	assert_int_equal(der_put(&eci, 0x80, c->data), 0);
	put(&env, LIT("\x02\x01\x00"));
	assert_int_equal(der_put(&env, 0x31, buf_bytes(&ris)), 0);
	assert_int_equal(der_put(&env, 0x30, buf_bytes(&eci)), 0);
	wrap(&env, 0x30);
	wrap(&env, 0xa0);
	put(out, LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"));
	put(out, buf_bytes(&env));
	wrap(out, 0x30);
	buf_wipe(&ris);
	buf_wipe(&eci);
	buf_wipe(&env);
}

void
seal_craft(struct bytes content, const struct cert *to, const EVP_CIPHER *c,
    bool stream, struct buf *out)
{
	unsigned	 flags = CMS_BINARY | (stream ? CMS_STREAM : 0);
	STACK_OF(X509)	*xs = sk_X509_new_null();
	BIO		*in = bio_of(content), *bio = BIO_new(BIO_s_mem());
	CMS_ContentInfo	*cms;

	assert_true(sk_X509_push(xs, to->x) > 0);
	cms = CMS_encrypt(xs, in, c, flags);
	assert_non_null(cms);
	assert_int_equal(i2d_CMS_bio_stream(bio, cms, in, (int)flags), 1);
	assert_int_equal(bio_drain(bio, out), 0);
	CMS_ContentInfo_free(cms);
	sk_X509_free(xs);
	BIO_free(in);
	BIO_free(bio);
}

void
assert_der(struct bytes b, const char *row)
{
	const unsigned char	*p = b.p;
	CMS_ContentInfo		*cms;
	unsigned char		*again = NULL;
	int			 n;

	cms = d2i_CMS_ContentInfo(NULL, &p, (long)b.n);
	if (cms == NULL || p != b.p + b.n)
		fail_msg("%s: not CMS", row);
	assert_true((n = i2d_CMS_ContentInfo(cms, &again)) > 0);
	if (!bytes_eq(bytes_make(again, (size_t)n), b))
		fail_msg("%s: not DER", row);
	OPENSSL_free(again);
	CMS_ContentInfo_free(cms);
}

CMS_SignerInfo *
craft_signer(struct bytes der, CMS_ContentInfo **cms)
{
	const unsigned char	*p = der.p;

	*cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	assert_non_null(*cms);
	assert_int_equal(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(*cms)), 1);
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(*cms), 0);
}
