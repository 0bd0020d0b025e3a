/*
 * The signed layer of msg_craft.h.
 */
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "msg_craft.h"
#include "pki/pki_int.h"
#include "scep/msg.h"

static void
put(struct buf *to, struct buf *from)
{
	must(buf_put(to, from->p, from->n) == 0, "size");
	buf_wipe(from);
}

static void
put_der(struct buf *to, int tag, struct bytes content)
{
	must(der_put(to, (unsigned char)tag, content) == 0, "size");
}

static void
put_any(struct buf *to, const ASN1_ITEM *it, const void *obj)
{
	struct bytes der = pki_i2d(it, obj);

	must(der.n > 0 && buf_put(to, der.p, der.n) == 0, "object");
	free((void *)(uintptr_t)der.p);
}

static void
put_alg(struct buf *to, int nid, bool null)
{
	struct buf b = BUF_INIT(256);

	put_any(&b, ASN1_ITEM_rptr(ASN1_OBJECT), OBJ_nid2obj(nid));
	if (null)
		put_der(&b, V_ASN1_NULL, bytes_make("", 0));
	put_der(to, 0x30, buf_bytes(&b));
	buf_wipe(&b);
}

static void
make_attr(struct buf *out, const char *oid, int tag, struct bytes value)
{
	struct buf set = BUF_INIT(4096), in = BUF_INIT(4096);
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	buf_init(out, 4096);
	put_any(&in, ASN1_ITEM_rptr(ASN1_OBJECT), o);
	put_der(&set, tag, value);
	put_der(&in, 0x31, buf_bytes(&set));
	put_der(out, 0x30, buf_bytes(&in));
	buf_wipe(&set);
	buf_wipe(&in);
	ASN1_OBJECT_free(o);
}

/* The order of DER: shorter ones first, as their length comes first. */
static int
compare(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int c = memcmp(x->p, y->p, n);

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static void
make_attrs(const struct message_craft *c, const EVP_MD *md, struct buf *out)
{
	static const uint8_t id_data[] = {
		0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01
	};
	uint8_t digest[EVP_MAX_MD_SIZE], nonce[SCEP_NONCE_MAX];
	struct buf a[5];
	unsigned n;
	size_t i;

	memset(nonce, 'n', sizeof(nonce));
	must(EVP_Digest(c->content.p, c->content.n, digest, &n, md,
	    NULL) == 1, "digest");
	make_attr(&a[0], "1.2.840.113549.1.9.3", 0x06,
	    bytes_make(id_data, sizeof(id_data)));
	make_attr(&a[1], "1.2.840.113549.1.9.4", 0x04, bytes_make(digest, n));
	make_attr(&a[2], OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE,
	    bytes_str("19"));
	make_attr(&a[3], OID_SCEP_TRANSACTION_ID, c->txid_tag == 0 ?
	    CMS_PRINTABLE : c->txid_tag, bytes_str(c->txid));
	make_attr(&a[4], OID_SCEP_SENDER_NONCE, CMS_OCTETS,
	    bytes_make(nonce, c->n_nonce));
	qsort(a, 5, sizeof(a[0]), compare);
	for (i = 0; i < 5; i++)
		put(out, &a[i]);
}

static void
put_sid(struct buf *to, const struct message_craft *c)
{
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(c->cert);
	struct buf b = BUF_INIT(4096);

	if (c->by_ski) {
		must(ski != NULL, "key identifier");
		put_der(to, 0x80, bytes_make(ASN1_STRING_get0_data(ski),
		    (size_t)ASN1_STRING_length(ski)));
		return;
	}
	put_any(&b, ASN1_ITEM_rptr(X509_NAME), X509_get_issuer_name(c->cert));
	put_any(&b, ASN1_ITEM_rptr(ASN1_INTEGER),
	    X509_get0_serialNumber(c->cert));
	put_der(to, 0x30, buf_bytes(&b));
	buf_wipe(&b);
}

static void
put_signature(struct buf *to, const struct message_craft *c, const EVP_MD *md,
    struct bytes attrs)
{
	bool pure = signs_purely(c->key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf set = BUF_INIT(MSG_MAX);
	uint8_t sig[SIG_MAX];
	size_t n = sizeof(sig);

	put_der(&set, 0x31, attrs);
	must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, pure ? NULL : md,
	    NULL, c->key) == 1 && EVP_DigestSign(ctx, sig, &n, set.p,
	    set.n) == 1, "signature");
	put_der(to, 0x04, bytes_make(sig, n));
	EVP_MD_CTX_free(ctx);
	buf_wipe(&set);
}

static int
sig_nid(const struct message_craft *c, const EVP_MD *md)
{
	bool rsa = EVP_PKEY_is_a(c->key, "RSA");
	int nid;

	if (signs_purely(c->key))
		return pure_nid(c->key);
	if (rsa && !c->named_sig)
		return NID_rsaEncryption;
	must(OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(md), rsa ?
	    NID_rsaEncryption : NID_X9_62_id_ecPublicKey) == 1, "algorithm");
	return nid;
}

static void
put_signer(struct buf *to, const struct message_craft *c, const EVP_MD *md)
{
	struct buf si = BUF_INIT(MSG_MAX), attrs = BUF_INIT(MSG_MAX);

	put_der(&si, 0x02, bytes_make(c->by_ski ? "\3" : "\1", 1));
	put_sid(&si, c);
	put_alg(&si, EVP_MD_get_type(md), true);
	make_attrs(c, md, &attrs);
	put_der(&si, 0xa0, buf_bytes(&attrs));
	put_alg(&si, sig_nid(c, md), EVP_PKEY_is_a(c->key, "RSA"));
	put_signature(&si, c, md, buf_bytes(&attrs));
	put_der(to, 0x30, buf_bytes(&si));
	buf_wipe(&attrs);
	buf_wipe(&si);
}

/* Wraps what is in the buffer. */
static void
wrap(struct buf *b, int tag)
{
	struct buf out = BUF_INIT(MSG_MAX);

	put_der(&out, tag, buf_bytes(b));
	buf_move(b, &out);
}

static void
put_encap(struct buf *to, struct bytes content)
{
	struct buf b = BUF_INIT(MSG_MAX), info = BUF_INIT(MSG_MAX);

	put_any(&info, ASN1_ITEM_rptr(ASN1_OBJECT), OBJ_nid2obj(
	    NID_pkcs7_data));
	put_der(&b, 0x04, content);
	wrap(&b, 0xa0);
	put(&info, &b);
	wrap(&info, 0x30);
	put(to, &info);
}

void
message_craft(const struct message_craft *c, struct buf *out)
{
	struct buf sd = BUF_INIT(MSG_MAX), b = BUF_INIT(MSG_MAX);
	EVP_MD *md = EVP_MD_fetch(NULL, c->md, NULL);

	must(md != NULL, c->md);
	put_der(&sd, 0x02, bytes_make(c->by_ski ? "\3" : "\1", 1));
	put_alg(&b, EVP_MD_get_type(md), true);
	wrap(&b, 0x31);
	put(&sd, &b);
	put_encap(&sd, c->content);
	put_any(&b, ASN1_ITEM_rptr(X509), c->cert);
	wrap(&b, 0xa0);
	put(&sd, &b);
	put_signer(&b, c, md);
	wrap(&b, 0x31);
	put(&sd, &b);
	wrap(&sd, 0x30);
	wrap(&sd, 0xa0);
	put_any(&b, ASN1_ITEM_rptr(ASN1_OBJECT), OBJ_nid2obj(
	    NID_pkcs7_signed));
	put(&b, &sd);
	wrap(&b, 0x30);
	put(out, &b);
	EVP_MD_free(md);
}
