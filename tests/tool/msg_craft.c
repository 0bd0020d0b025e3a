#include <openssl/cms.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg_craft.h"
#include "pki/ber_int.h"
#include "pki/pki_int.h"

#define PART	1000	/* octets of a string in parts */

void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "messages: %s\n", what);
	exit(1);
}

static void
put(struct buf *to, struct bytes b)
{
	must(buf_put(to, b.p, b.n) == 0, "size");
}

static void
put_der(struct buf *to, int tag, struct bytes content)
{
	must(der_put(to, (unsigned char)tag, content) == 0, "size");
}

/* Puts identifier and length before what is in the buffer. */
static void
wrap(struct buf *b, int tag)
{
	struct buf out = BUF_INIT(MSG_MAX);

	put_der(&out, tag, buf_bytes(b));
	buf_move(b, &out);
}

static void
put_any(struct buf *to, const ASN1_ITEM *it, const void *obj)
{
	struct bytes der = pki_i2d(it, obj);

	must(der.n > 0, "object");
	put(to, der);
	free((void *)(uintptr_t)der.p);
}

static void
put_oid(struct buf *to, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 0);

	must(o != NULL, oid);
	put_any(to, ASN1_ITEM_rptr(ASN1_OBJECT), o);
	ASN1_OBJECT_free(o);
}

/* ---- certificates and requests ---- */

static void
add_ext(X509 *x, int nid, bool critical, struct bytes value)
{
	ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;

	must(os != NULL && ASN1_OCTET_STRING_set(os, value.p,
	    (int)value.n) == 1 && (ext = X509_EXTENSION_create_by_NID(NULL,
	    nid, critical, os)) != NULL && X509_add_ext(x, ext, -1) == 1,
	    "extension");
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(os);
}

static void
add_key_ids(X509 *x, const struct signer_craft *c)
{
	uint8_t ski[22] = { 0x04, 20 }, aki[24] = { 0x30, 22, 0x80, 20 };
	unsigned n;

	must(X509_pubkey_digest(x, EVP_sha1(), ski + 2, &n) == 1, "digest");
	memcpy(aki + 4, ski + 2, 20);
	if (c->ski)
		add_ext(x, NID_subject_key_identifier, false,
		    bytes_make(ski, sizeof(ski)));
	if (c->aki)
		add_ext(x, NID_authority_key_identifier, true,
		    bytes_make(aki, sizeof(aki)));
}

static X509_NAME *
name_of(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	must(name != NULL && X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1,
	    "name");
	return name;
}

bool
signs_purely(EVP_PKEY *key)
{
	return !EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC");
}

int
pure_nid(EVP_PKEY *key)
{
	int nid = OBJ_txt2nid(EVP_PKEY_get0_type_name(key));

	must(nid != NID_undef, "signature algorithm");
	return nid;
}

static const EVP_MD *
md_for(EVP_PKEY *key)
{
	return signs_purely(key) ? NULL : EVP_sha256();
}

X509 *
signer_craft(const struct signer_craft *c, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = name_of(c->cn);
	BIGNUM *bn = NULL;
	bool now = c->from == 0 && c->to == 0;

	must(x != NULL && X509_set_version(x, c->v1 ? 0 : 2) == 1 &&
	    BN_hex2bn(&bn, c->serial) > 0 && BN_to_ASN1_INTEGER(bn,
	    X509_get_serialNumber(x)) != NULL &&
	    X509_set_subject_name(x, name) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_time_adj_ex(X509_getm_notBefore(x), now ? -1 : c->from, 0,
	    NULL) != NULL && X509_time_adj_ex(X509_getm_notAfter(x),
	    now ? 7 : c->to, 0, NULL) != NULL &&
	    X509_set_pubkey(x, key) == 1, "certificate");
	if (c->ku)
		add_ext(x, NID_key_usage, true,
		    bytes_make("\x03\x02\x05\xa0", 4));
	add_key_ids(x, c);
	must(X509_sign(x, key, md_for(key)) > 0, "certificate's signature");
	X509_NAME_free(name);
	BN_free(bn);
	return x;
}

static void
put_ext(struct buf *to, const char *oid, struct bytes value)
{
	struct buf ext = BUF_INIT(MSG_MAX);

	put_oid(&ext, oid);
	put_der(&ext, 0x04, value);
	wrap(&ext, 0x30);
	put(to, buf_bytes(&ext));
	buf_wipe(&ext);
}

static void
put_attr(struct buf *to, const char *oid, int tag, struct bytes value)
{
	struct buf attr = BUF_INIT(MSG_MAX), set = BUF_INIT(MSG_MAX);

	put_oid(&attr, oid);
	put_der(&set, tag, value);
	put_der(&attr, 0x31, buf_bytes(&set));
	put_der(to, 0x30, buf_bytes(&attr));
	buf_wipe(&attr);
	buf_wipe(&set);
}

static void
put_extensions(struct buf *to, const struct request_craft *c)
{
	struct buf exts = BUF_INIT(MSG_MAX), names = BUF_INIT(MSG_MAX);

	if (c->path_len)	/* cA FALSE spelled out, pathLen 0 */
		put_ext(&exts, "2.5.29.19",
		    bytes_make("\x30\x06\x01\x01\x00\x02\x01\x00", 8));
	put_der(&names, 0x82, bytes_str(c->dns));
	wrap(&names, 0x30);
	put_ext(&exts, "2.5.29.17", buf_bytes(&names));
	put_attr(to, c->ext_oid, 0x30, buf_bytes(&exts));
	buf_wipe(&exts);
	buf_wipe(&names);
}

static void
put_attributes(struct buf *to, const struct request_craft *c)
{
	static const uint8_t validity[] = {
		0x1e, 8, 0, 'D', 0, 'a', 0, 'y', 0, 's',
		0x1e, 4, 0, '9', 0, '0'
	};

	if (c->ext_oid != NULL && c->disordered)
		put_extensions(to, c);
	if (c->challenge_tag != 0)
		put_attr(to, "1.2.840.113549.1.9.7", c->challenge_tag,
		    c->challenge);
	if (c->ext_oid != NULL && !c->disordered)
		put_extensions(to, c);
	if (c->validity)
		put_attr(to, "1.3.6.1.4.1.311.13.2.1", 0x30,
		    bytes_make(validity, sizeof(validity)));
	wrap(to, 0xa0);
}

/* Signature over `what`, of the bytes alone. */
static void
sign(EVP_PKEY *key, const EVP_MD *md, struct bytes what, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[SIG_MAX];
	size_t n = sizeof(sig);

	must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, md, NULL,
	    key) == 1 && EVP_DigestSign(ctx, sig, &n, what.p, what.n) == 1,
	    "signature");
	EVP_MD_CTX_free(ctx);
	put(out, bytes_make(sig, n));
}

static int
sig_nid(EVP_PKEY *key)
{
	int nid;

	if (signs_purely(key))
		return pure_nid(key);
	must(OBJ_find_sigid_by_algs(&nid, NID_sha256,
	    EVP_PKEY_is_a(key, "RSA") ? NID_rsaEncryption :
	    NID_X9_62_id_ecPublicKey) == 1, "signature algorithm");
	return nid;
}

static void
put_alg(struct buf *to, int nid)
{
	struct buf b = BUF_INIT(256);

	put_any(&b, ASN1_ITEM_rptr(ASN1_OBJECT), OBJ_nid2obj(nid));
	put_der(to, 0x30, buf_bytes(&b));
	buf_wipe(&b);
}

void
request_craft(const struct request_craft *c, EVP_PKEY *key, struct buf *out)
{
	struct buf info = BUF_INIT(MSG_MAX), attrs = BUF_INIT(MSG_MAX);
	struct buf bits = BUF_INIT(MSG_MAX);
	X509_NAME *name = name_of(c->cn);
	X509_PUBKEY *spki = NULL;

	must(X509_PUBKEY_set(&spki, key) == 1, "public key");
	put_der(&info, 0x02, bytes_make("", 1));
	put_any(&info, ASN1_ITEM_rptr(X509_NAME), name);
	put_any(&info, ASN1_ITEM_rptr(X509_PUBKEY), spki);
	put_attributes(&attrs, c);
	put(&info, buf_bytes(&attrs));
	wrap(&info, 0x30);
	put(&bits, bytes_make("", 1));
	sign(key, md_for(key), buf_bytes(&info), &bits);
	put_alg(&info, sig_nid(key));
	put_der(&info, 0x03, buf_bytes(&bits));
	wrap(&info, 0x30);
	put(out, buf_bytes(&info));
	X509_NAME_free(name);
	X509_PUBKEY_free(spki);
	buf_wipe(&attrs);
	buf_wipe(&info);
	buf_wipe(&bits);
}

/* ---- encoding ---- */

static void
put_parts(struct buf *out, int tag, struct bytes b)
{
	size_t n;

	put(out, bytes_make((uint8_t[]){ (uint8_t)tag, 0x80 }, 2));
	while (b.n > 0) {
		n = b.n < PART ? b.n : PART;
		put_der(out, 0x04, bytes_make(b.p, n));
		b = bytes_make(b.p + n, b.n - n);
	}
	put(out, bytes_make("\0\0", 2));
}

/* Depth of what jscep writes so; 2 is SignedData or EnvelopedData itself. */
static bool
is_open(const struct ber *b, size_t depth, enum ber_style style)
{
	if (!(b->tag & BER_CONSTRUCTED))
		return false;
	if (style == BER_ALL || depth < 3)
		return true;
	return b->tag != BER_SET && depth < 5;
}

static void
restyle(struct bytes in, size_t depth, enum ber_style style,
    struct buf *out)
{
	struct ber b;

	while (in.n > 0) {
		must(ber_next(&in, &b), "DER");
		/* Certificates stay as they were signed. */
		if (depth == 3 && b.tag == 0xa0) {
			put(out, bytes_make("\xa0\x80", 2));
			put(out, b.body);
			put(out, bytes_make("\0\0", 2));
		} else if (is_open(&b, depth, style)) {
			put(out, bytes_make((uint8_t[]){ b.tag, 0x80 }, 2));
			restyle(b.body, depth + 1, style, out);
			put(out, bytes_make("\0\0", 2));
		} else if (b.body.n > 256 && b.tag == BER_OCTETS &&
		    depth == 5) {
			put_parts(out, 0x24, b.body);
		} else if (b.tag == BER_CONTEXT(0) && depth == 4) {
			put_parts(out, 0xa0, b.body);
		} else
			put_der(out, b.tag, b.body);
	}
}

void
ber_style(struct bytes der, enum ber_style style, struct buf *out)
{
	if (style == BER_NONE)
		put(out, der);
	else
		restyle(der, 0, style, out);
}

/* ---- envelope ---- */

static void
add_recipient(CMS_ContentInfo *cms, X509 *to, const struct seal_craft *c)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, to,
	    (c->oaep ? CMS_KEY_PARAM : 0) | (c->by_ski ? CMS_USE_KEYID : 0));
	EVP_PKEY_CTX *ctx;

	must(ri != NULL, "recipient");
	if (c->oaep)
		must((ctx = CMS_RecipientInfo_get0_pkey_ctx(ri)) != NULL &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_OAEP_PADDING) > 0, "OAEP");
}

/* The issuer's name in the message, its RDNs back to front. */
static void
reverse_issuer(struct buf *b, X509 *to)
{
	struct bytes name = pki_i2d(ASN1_ITEM_rptr(X509_NAME),
	    X509_get_issuer_name(to)), in = name;
	uint8_t *at = memmem(b->p, b->n, name.p, name.n), *end;
	struct ber seq, rdn;
	struct bytes from;

	must(at != NULL && ber_next(&in, &seq), "issuer");
	end = at + name.n;
	while (seq.body.n > 0) {
		from = seq.body;
		must(ber_next(&seq.body, &rdn), "RDN");
		end -= from.n - seq.body.n;
		memcpy(end, from.p, from.n - seq.body.n);
	}
	free((void *)(uintptr_t)name.p);
}

void
envelope_craft(struct bytes content, const struct seal_craft *c,
    struct buf *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(c->ctx, c->cipher, NULL);
	CMS_ContentInfo *cms = CMS_encrypt_ex(NULL, NULL, cipher,
	    CMS_BINARY | CMS_PARTIAL, c->ctx, NULL);
	BIO *bio = bio_of(content);
	size_t i;

	must(cms != NULL && bio != NULL, "envelope");
	for (i = 0; i < 2; i++)
		if (c->also[i] != NULL)
			add_recipient(cms, c->also[i], c);
	add_recipient(cms, c->to, c);
	must(CMS_final(cms, bio, NULL, CMS_BINARY) == 1, "envelope");
	put_any(out, ASN1_ITEM_rptr(CMS_ContentInfo), cms);
	if (c->reversed)
		reverse_issuer(out, c->to);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	EVP_CIPHER_free(cipher);
}
