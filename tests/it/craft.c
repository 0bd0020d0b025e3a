#include <openssl/asn1t.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"
#include "pki/pki_int.h"

#define OID_DATA	"1.2.840.113549.1.7.1"
#define OID_SIGNED	"1.2.840.113549.1.7.2"
#define OID_ENVELOPED	"1.2.840.113549.1.7.3"
#define OID_RSA		"1.2.840.113549.1.1.1"
#define OID_CONTENT_TYPE   "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST "1.2.840.113549.1.9.4"

/* A test that cannot make its input has no result. */
static void
need(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "craft: %s\n", what);
	exit(99);
}

static void
put(struct buf *to, struct buf *from)
{
	need(buf_put(to, from->p, from->n) == 0, "size");
	buf_wipe(from);
}

static void
put_der(struct buf *to, int tag, struct bytes content)
{
	need(der_put(to, (unsigned char)tag, content) == 0, "size");
}

void
craft_wrap(struct buf *b, int tag)
{
	struct buf out = BUF_INIT(CRAFT_MAX);

	put_der(&out, tag, buf_bytes(b));
	buf_move(b, &out);
}

static void
put_any(struct buf *to, const ASN1_ITEM *it, const void *obj)
{
	unsigned char *der = NULL;
	int n = ASN1_item_i2d(obj, &der, it);

	need(n > 0 && buf_put(to, der, (size_t)n) == 0, "object");
	OPENSSL_free(der);
}

static void
put_oid(struct buf *to, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	need(o != NULL, oid);
	put_any(to, ASN1_ITEM_rptr(ASN1_OBJECT), o);
	ASN1_OBJECT_free(o);
}

/* AlgorithmIdentifier; iv NULL: parameters are NULL. */
static void
put_alg(struct buf *to, const char *oid, const struct bytes *iv)
{
	struct buf b = BUF_INIT(CRAFT_MAX);

	put_oid(&b, oid);
	if (iv != NULL)
		put_der(&b, TAG_OCTETS, *iv);
	else
		put_der(&b, V_ASN1_NULL, bytes_make("", 0));
	craft_wrap(&b, TAG_SEQUENCE);
	put(to, &b);
}

static void
put_int(struct buf *to, uint8_t v)
{
	put_der(to, TAG_INTEGER, bytes_make(&v, 1));
}

static void
put_sid(struct buf *to, X509 *cert)
{
	struct buf b = BUF_INIT(CRAFT_MAX);

	put_any(&b, ASN1_ITEM_rptr(X509_NAME), X509_get_issuer_name(cert));
	put_any(&b, ASN1_ITEM_rptr(ASN1_INTEGER),
	    X509_get0_serialNumber(cert));
	craft_wrap(&b, TAG_SEQUENCE);
	put(to, &b);
}

static void
put_md(struct buf *to, const EVP_MD *md)
{
	char oid[64];

	OBJ_obj2txt(oid, sizeof(oid), OBJ_nid2obj(EVP_MD_get_type(md)), 1);
	put_alg(to, oid, NULL);
}

static void
make_attr(const char *oid, int tag, struct bytes value, struct buf *out)
{
	struct buf set = BUF_INIT(CRAFT_MAX);

	buf_init(out, CRAFT_MAX);
	put_oid(out, oid);
	if (tag != 0)
		put_der(&set, tag, value);
	else
		need(buf_put(&set, value.p, value.n) == 0, "size");
	craft_wrap(&set, TAG_SET);
	put(out, &set);
	craft_wrap(out, TAG_SEQUENCE);
}

void
craft_attr(const struct craft_attr *a, struct buf *out)
{
	make_attr(a->oid, a->tag, a->value, out);
}

/* The order of DER (X.690, 11.6). */
static int
compare(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int c = memcmp(x->p, y->p, n);

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static void
make_attrs(const struct craft *c, const EVP_MD *md, struct buf *out)
{
	const char *type = c->attr_type != NULL ? c->attr_type :
	    c->content_type != NULL ? c->content_type : OID_DATA;
	struct buf one[CRAFT_MAX_ATTRS + 2], oid = BUF_INIT(64);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n_digest = 0;
	size_t i, n = 0;

	need(c->n_attrs <= CRAFT_MAX_ATTRS && EVP_Digest(c->content.p,
	    c->content.n, digest, &n_digest, md, NULL) == 1, "digest");
	put_oid(&oid, type);
	if (!c->no_attr_type)
		make_attr(OID_CONTENT_TYPE, 0, buf_bytes(&oid), &one[n++]);
	buf_wipe(&oid);
	if (!c->no_digest)
		make_attr(OID_MESSAGE_DIGEST, TAG_OCTETS,
		    bytes_make(digest, n_digest), &one[n++]);
	for (i = 0; i < c->n_attrs; i++)
		make_attr(c->attrs[i].oid, c->attrs[i].tag,
		    c->attrs[i].value, &one[n++]);
	qsort(one, n, sizeof(one[0]), compare);
	for (i = 0; i < n; i++)
		put(out, &one[c->unsorted ? n - 1 - i : i]);
	craft_wrap(out, TAG_SET);
}

static void
put_signature(struct buf *to, const struct craft_signer *s, struct bytes what)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf sig = BUF_INIT(CRAFT_MAX);
	uint8_t bytes[4096];
	size_t n = sizeof(bytes);

	need(ctx != NULL && EVP_DigestSignInit(ctx, NULL, s->md, NULL,
	    s->key) == 1 && EVP_DigestSign(ctx, bytes, &n, what.p,
	    what.n) == 1, "signature");
	EVP_MD_CTX_free(ctx);
	need(buf_put(&sig, bytes, n) == 0, "size");
	craft_wrap(&sig, TAG_OCTETS);
	put(to, &sig);
}

static void
put_signer(struct buf *to, const struct craft *c,
    const struct craft_signer *s)
{
	struct buf si = BUF_INIT(CRAFT_MAX), attrs = BUF_INIT(CRAFT_MAX);

	put_int(&si, 1);
	put_sid(&si, s->cert);
	put_md(&si, s->md);
	if (!s->no_attrs) {
		make_attrs(c, s->md, &attrs);
		need(buf_put(&si, attrs.p, attrs.n) == 0, "size");
		/* It is signed as a SET OF and sent as [0]. */
		si.p[si.n - attrs.n] = 0xa0;
	}
	put_alg(&si, OID_RSA, NULL);
	put_signature(&si, s, s->no_attrs ? c->content : buf_bytes(&attrs));
	buf_wipe(&attrs);
	if (c->unsigned_attrs.n > 0)
		put_der(&si, 0xa1, c->unsigned_attrs);
	craft_wrap(&si, TAG_SEQUENCE);
	put(to, &si);
}

/* ContentInfo around what is in the buffer. */
static void
wrap_info(struct buf *b, const char *oid)
{
	struct buf info = BUF_INIT(CRAFT_MAX);

	put_oid(&info, oid);
	craft_wrap(b, 0xa0);
	put(&info, b);
	craft_wrap(&info, TAG_SEQUENCE);
	buf_move(b, &info);
}

static void
put_encap(struct buf *to, const struct craft *c)
{
	struct buf info = BUF_INIT(CRAFT_MAX), octets = BUF_INIT(CRAFT_MAX);

	put_oid(&info, c->content_type != NULL ? c->content_type : OID_DATA);
	if (!c->no_content) {
		put_der(&octets, TAG_OCTETS, c->content);
		craft_wrap(&octets, 0xa0);
		put(&info, &octets);
	}
	craft_wrap(&info, TAG_SEQUENCE);
	put(to, &info);
}

void
craft_sign(const struct craft *c, struct buf *out)
{
	struct buf sd = BUF_INIT(CRAFT_MAX), set = BUF_INIT(CRAFT_MAX);
	size_t i;

	put_int(&sd, 1);
	for (i = 0; i < c->n_signers; i++)
		put_md(&set, c->signers[i].md);
	craft_wrap(&set, TAG_SET);
	put(&sd, &set);
	put_encap(&sd, c);
	if (!c->no_certs) {
		for (i = 0; i < c->n_signers; i++)
			put_any(&set, ASN1_ITEM_rptr(X509),
			    c->signers[i].cert);
		craft_wrap(&set, 0xa0);
		put(&sd, &set);
	}
	for (i = 0; i < c->n_signers; i++)
		put_signer(&set, c, &c->signers[i]);
	craft_wrap(&set, TAG_SET);
	put(&sd, &set);
	craft_wrap(&sd, TAG_SEQUENCE);
	wrap_info(&sd, OID_SIGNED);
	buf_init(out, CRAFT_MAX);
	put(out, &sd);
}

static int
add_recipient(CMS_ContentInfo *cms, enum craft_for how, X509 *to)
{
	CMS_RecipientInfo *ri;
	EVP_PKEY_CTX *ctx;

	switch (how) {
	case CRAFT_KEK:
		return CMS_add0_recipient_key(cms, NID_undef,
		    OPENSSL_memdup("0123456789abcdef", 16), 16,
		    OPENSSL_memdup("id", 2), 2, NULL, NULL, NULL) != NULL;
	case CRAFT_PASSWORD:
		return CMS_add0_recipient_password(cms, -1, NID_undef,
		    NID_undef, (unsigned char *)OPENSSL_strdup("password"), 8,
		    NULL) != NULL;
	case CRAFT_OAEP:
		ri = CMS_add1_recipient_cert(cms, to, CMS_KEY_PARAM);
		return ri != NULL &&
		    (ctx = CMS_RecipientInfo_get0_pkey_ctx(ri)) != NULL &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_OAEP_PADDING) > 0;
	default:
		return CMS_add1_recipient_cert(cms, to, 0) != NULL;
	}
}

void
craft_seal(struct bytes content, enum craft_for how, X509 *to,
    const EVP_CIPHER *cipher, struct buf *out)
{
	bool auth = (EVP_CIPHER_get_flags(cipher) &
	    EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
	CMS_ContentInfo *cms = auth ? CMS_AuthEnvelopedData_create(cipher) :
	    CMS_encrypt(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL);
	BIO *bio = BIO_new_mem_buf(content.p, (int)content.n);

	need(cms != NULL && bio != NULL && add_recipient(cms, how, to) &&
	    CMS_final(cms, bio, NULL, CMS_BINARY) == 1, "envelope");
	buf_init(out, CRAFT_MAX);
	put_any(out, ASN1_ITEM_rptr(CMS_ContentInfo), cms);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
}

void
craft_seal_noise(const char *transport_oid, const char *cipher_oid, X509 *to,
    struct buf *out)
{
	struct buf ed = BUF_INIT(CRAFT_MAX), ri = BUF_INIT(CRAFT_MAX);
	struct buf eci = BUF_INIT(CRAFT_MAX);
	uint8_t noise[256] = { 0 };
	/* AES has larger blocks than the others. */
	struct bytes iv = bytes_make(noise,
	    strncmp(cipher_oid, "2.16.840.1.101.3.4.1.", 21) == 0 ? 16 : 8);

	need(RAND_bytes(noise + 1, sizeof(noise) - 1) == 1, "noise");
	put_int(&ri, 0);
	put_sid(&ri, to);
	put_alg(&ri, transport_oid, NULL);
	put_der(&ri, TAG_OCTETS, bytes_make(noise, sizeof(noise)));
	craft_wrap(&ri, TAG_SEQUENCE);
	craft_wrap(&ri, TAG_SET);
	put_oid(&eci, OID_DATA);
	put_alg(&eci, cipher_oid, &iv);
	put_der(&eci, 0x80, bytes_make(noise, sizeof(noise)));
	craft_wrap(&eci, TAG_SEQUENCE);
	put_int(&ed, 0);
	put(&ed, &ri);
	put(&ed, &eci);
	craft_wrap(&ed, TAG_SEQUENCE);
	wrap_info(&ed, OID_ENVELOPED);
	buf_init(out, CRAFT_MAX);
	put(out, &ed);
}

static void
add_exts(X509_REQ *x, const struct craft_csr *c)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid;
	size_t i;

	need(exts != NULL && value != NULL, "extensions");
	for (i = 0; i < c->n_exts; i++) {
		oid = OBJ_txt2obj(c->exts[i].oid, 1);
		need(oid != NULL && ASN1_OCTET_STRING_set(value,
		    c->exts[i].value.p, (int)c->exts[i].value.n) == 1 &&
		    sk_X509_EXTENSION_push(exts, X509_EXTENSION_create_by_OBJ(
		    NULL, oid, c->exts[i].critical, value)) > 0, "extension");
		ASN1_OBJECT_free(oid);
	}
	need(X509_REQ_add_extensions_nid(x, exts, c->exts_nid != 0 ?
	    c->exts_nid : NID_ext_req) == 1, "extensions");
	ASN1_OCTET_STRING_free(value);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

void
craft_csr(const struct craft_csr *c, struct buf *out)
{
	EVP_PKEY *by = c->signer != NULL ? c->signer : c->key;
	X509_REQ *x = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();

	need(x != NULL && name != NULL && X509_REQ_set_version(x, 0) == 1 &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName,
	    V_ASN1_UTF8STRING, c->cn.p, (int)c->cn.n, -1, 0) == 1 &&
	    X509_REQ_set_subject_name(x, name) == 1 &&
	    X509_REQ_set_pubkey(x, c->key) == 1, "request");
	if (c->challenge != NULL)
		need(X509_REQ_add1_attr_by_NID(x, NID_pkcs9_challengePassword,
		    V_ASN1_UTF8STRING, (const unsigned char *)c->challenge,
		    (int)strlen(c->challenge)) == 1, "challenge");
	if (c->n_exts > 0)
		add_exts(x, c);
	need(X509_REQ_sign(x, by, EVP_sha256()) > 0, "request's signature");
	buf_init(out, CRAFT_MAX);
	put_any(out, ASN1_ITEM_rptr(X509_REQ), x);
	X509_NAME_free(name);
	X509_REQ_free(x);
}

EVP_PKEY *
craft_rsa(unsigned bits)
{
	EVP_PKEY *k = EVP_RSA_gen(bits);

	need(k != NULL, "RSA key");
	return k;
}

EVP_PKEY *
craft_ec(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	need(k != NULL, "EC key");
	return k;
}

EVP_PKEY *
craft_rsa_noise(unsigned bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *k = NULL;

	need(ctx != NULL && bld != NULL && n != NULL && e != NULL &&
	    BN_rand(n, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) == 1 &&
	    BN_set_word(e, 65537) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(bld)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &k,
	    EVP_PKEY_PUBLIC_KEY, params) == 1, "public key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return k;
}

X509 *
craft_cert(EVP_PKEY *key, EVP_PKEY *by, const char *cn)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	need(x != NULL && name != NULL && X509_set_version(x, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_subject_name(x, name) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL &&
	    X509_set_pubkey(x, key) == 1 &&
	    X509_sign(x, by, EVP_sha256()) > 0, "certificate");
	X509_NAME_free(name);
	return x;
}

void
craft_nest(size_t depth, bool indefinite, struct buf *out)
{
	size_t i;

	buf_init(out, CRAFT_MAX);
	for (i = 0; i < depth; i++) {
		if (indefinite)
			need(buf_put(out, "\x30\x80", 2) == 0, "size");
		else
			craft_wrap(out, TAG_SEQUENCE);
	}
}
