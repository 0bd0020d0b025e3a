/*
 * Public keys as facts: of which type and size, and which key it is.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>

#include <stdlib.h>
#include <string.h>

#include "pki/csr.h"
#include "pki/pki_int.h"

#define SPKI_MAX	3072	/* RSA of CSR_RSA_MAX bits, ML-DSA-87 */

/* With e = 1 a signature proves nothing; a huge e is only slow. */
static bool
rsa_exponent_ok(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool ok;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return false;
	ok = BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64;
	BN_free(e);
	return ok;
}

/* One of the three curves, but with its numbers in place of its name? */
static bool
is_spelled_out(const EVP_PKEY *pkey)
{
	int is = 1;

	return EVP_PKEY_get_int_param(pkey,
	    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is) != 1 ||
	    is != 0;
}

/* ---- a key as everybody writes it ---- */

struct form {
	const char	*name;		/* libcrypto's, of the type */
	const char	*curve;		/* of EC: libcrypto's */
	enum key_type	 type;
	size_t		 field;		/* of EC: bytes of a coordinate */
	/* Appends what the BIT STRING of a SubjectPublicKeyInfo holds. */
	int		(*put)(const EVP_PKEY *, const struct form *,
			    struct buf *);
	struct bytes	 alg;		/* AlgorithmIdentifier, DER */
};

/* INTEGER: a zero byte keeps what has its top bit set positive. */
static int
put_number(const EVP_PKEY *pkey, const char *name, struct buf *out)
{
	unsigned char bytes[1 + CSR_RSA_MAX / 8] = { 0 };
	BIGNUM *n = NULL;
	int len, rc = -1;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 &&
	    (len = BN_num_bytes(n)) < (int)sizeof(bytes) &&
	    BN_bn2bin(n, bytes + 1) == len)
		rc = der_put(out, V_ASN1_INTEGER, BN_num_bits(n) % 8 == 0 ?
		    bytes_make(bytes, (size_t)len + 1) :
		    bytes_make(bytes + 1, (size_t)len));
	BN_free(n);
	return rc;
}

/* RFC 3279, 2.3.1 */
static int
put_rsa(const EVP_PKEY *pkey, const struct form *f, struct buf *out)
{
	struct buf in = BUF_INIT(SPKI_MAX);
	int rc = -1;

	(void)f;
	if (put_number(pkey, OSSL_PKEY_PARAM_RSA_N, &in) == 0 &&
	    put_number(pkey, OSSL_PKEY_PARAM_RSA_E, &in) == 0)
		rc = der_put(out, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED,
		    buf_bytes(&in));
	buf_wipe(&in);
	return rc;
}

#define FIELD_MAX	66		/* of P-521 */

/* The point at infinity has no coordinates, and is no key. */
static int
put_coordinate(const EVP_PKEY *pkey, const char *name, size_t n,
    struct buf *out)
{
	unsigned char bytes[FIELD_MAX];
	BIGNUM *v = NULL;
	int rc = -1;

	if (EVP_PKEY_get_bn_param(pkey, name, &v) == 1 &&
	    BN_bn2binpad(v, bytes, (int)n) == (int)n)
		rc = buf_put(out, bytes, n);
	BN_free(v);
	return rc;
}

/* Uncompressed, which alone everybody reads (RFC 5480, 2.2). */
static int
put_point(const EVP_PKEY *pkey, const struct form *f, struct buf *out)
{
	if (buf_putc(out, POINT_CONVERSION_UNCOMPRESSED) == -1 ||
	    put_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, f->field, out) ==
	    -1)
		return -1;
	return put_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, f->field, out);
}

/* RFC 8410, 4, and those of its kind */
static int
put_raw(const EVP_PKEY *pkey, const struct form *f, struct buf *out)
{
	unsigned char bytes[SPKI_MAX];
	size_t n = sizeof(bytes);

	(void)f;
	return EVP_PKEY_get_raw_public_key(pkey, bytes, &n) == 1 ?
	    buf_put(out, bytes, n) : -1;
}

#define DER(s)	{ (const uint8_t *)(s), sizeof(s) - 1 }
#define EC_OID	"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define ML_DSA(last) \
	DER("\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03" last)

static const struct form forms[] = {
	{ "RSA", NULL, KEY_RSA, 0, put_rsa, DER("\x30\x0d\x06\x09\x2a\x86"
	    "\x48\x86\xf7\x0d\x01\x01\x01\x05\x00") },
	{ "EC", "prime256v1", KEY_EC, 32, put_point, DER("\x30\x13" EC_OID
	    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07") },
	{ "EC", "secp384r1", KEY_EC, 48, put_point, DER("\x30\x10" EC_OID
	    "\x06\x05\x2b\x81\x04\x00\x22") },
	{ "EC", "secp521r1", KEY_EC, FIELD_MAX, put_point, DER("\x30\x10"
	    EC_OID "\x06\x05\x2b\x81\x04\x00\x23") },
	{ "ED25519", NULL, KEY_ED25519, 0, put_raw, DER("\x30\x05\x06\x03"
	    "\x2b\x65\x70") },
	{ "ML-DSA-44", NULL, KEY_MLDSA, 0, put_raw, ML_DSA("\x11") },
	{ "ML-DSA-65", NULL, KEY_MLDSA, 0, put_raw, ML_DSA("\x12") },
	{ "ML-DSA-87", NULL, KEY_MLDSA, 0, put_raw, ML_DSA("\x13") },
};

static bool
is_on(const EVP_PKEY *pkey, const char *curve)
{
	char name[32];

	return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
	    name, sizeof(name), NULL) == 1 && strcmp(name, curve) == 0;
}

static const struct form *
form_of(const EVP_PKEY *pkey)
{
	const struct form *f = forms;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++, f++)
		if (EVP_PKEY_is_a(pkey, f->name) &&
		    (f->curve == NULL || is_on(pkey, f->curve)))
			return f;
	return NULL;
}

/*
 * libcrypto reads keys in many spellings: bytes behind an RSA key, a compressed
 * point, bits that a BIT STRING leaves unused. It remembers some of them.
 */
static int
put_spki(const EVP_PKEY *pkey, const struct form *f, struct buf *out)
{
	struct buf bits = BUF_INIT(SPKI_MAX), in = BUF_INIT(SPKI_MAX);
	int rc = -1;

	if (buf_putc(&bits, 0) == 0 && f->put(pkey, f, &bits) == 0 &&
	    buf_put(&in, f->alg.p, f->alg.n) == 0 &&
	    der_put(&in, V_ASN1_BIT_STRING, buf_bytes(&bits)) == 0)
		rc = der_put(out, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED,
		    buf_bytes(&in));
	buf_wipe(&bits);
	buf_wipe(&in);
	return rc;
}

/* ---- which key it is ---- */

static enum key_type
type_of(const EVP_PKEY *pkey, const struct form *f, bool written)
{
	switch (f->type) {
	case KEY_RSA:
		/* Of one too large to be written, whoever looks at its bits
		 * says so. */
		return rsa_exponent_ok(pkey) ? KEY_RSA : KEY_OTHER;
	case KEY_EC:
		return written && !is_spelled_out(pkey) ? KEY_EC : KEY_OTHER;
	default:
		return written ? f->type : KEY_OTHER;
	}
}

/* Its SubjectPublicKeyInfo, yours; n == 0 where nobody writes such a key. */
static struct bytes
read_plain(const EVP_PKEY *pkey, enum key_type *type)
{
	struct buf spki = BUF_INIT(SPKI_MAX);
	const struct form *f = form_of(pkey);

	if (f == NULL)
		return bytes_make(NULL, 0);
	if (put_spki(pkey, f, &spki) == -1)
		buf_wipe(&spki);
	*type = type_of(pkey, f, spki.n > 0);
	return buf_bytes(&spki);
}

static int
digest(struct bytes b, uint8_t out[PKI_HASH])
{
	return EVP_Digest(b.p, b.n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 :
	    -1;
}

/* Whoever has the primes has the key to any exponent, so that the modulus alone
 * counts; that of a key which is for PSS only, too. */
static int
identify(const EVP_PKEY *pkey, struct bytes spki, uint8_t out[PKI_HASH])
{
	struct buf n = BUF_INIT(SPKI_MAX);
	int rc;

	if (pkey != NULL && (EVP_PKEY_is_a(pkey, "RSA") ||
	    EVP_PKEY_is_a(pkey, "RSA-PSS")) &&
	    put_number(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 0)
		spki = buf_bytes(&n);
	rc = digest(spki, out);
	buf_wipe(&n);
	ERR_clear_error();
	return rc;
}

int
pubkey_read(X509_PUBKEY *xp, struct pubkey *out, struct err *e)
{
	struct bytes sent = pki_i2d(ASN1_ITEM_rptr(X509_PUBKEY), xp);
	struct bytes plain = { .p = NULL, .n = 0 }, *keep;
	const EVP_PKEY *pkey;

	out->type = KEY_OTHER;
	out->bits = 0;
	/* A key libcrypto cannot read is of an unknown type, not an error. */
	if ((pkey = X509_PUBKEY_get0(xp)) != NULL) {
		out->bits = EVP_PKEY_get_bits(pkey);
		plain = read_plain(pkey, &out->type);
	}
	ERR_clear_error();
	keep = plain.n > 0 && out->type != KEY_OTHER ? &plain : &sent;
	if (sent.n == 0 || digest(*keep, out->spki_hash) == -1 || identify(pkey,
	    plain.n > 0 ? plain : sent, out->identity) == -1) {
		set_ssl(e, ERR_MEMORY, "public key");
		pki_free(&sent);
		pki_free(&plain);
		return -1;
	}
	out->spki = *keep;
	pki_free(keep == &plain ? &sent : &plain);
	return 0;
}

void
pubkey_clear(struct pubkey *k)
{
	pki_free(&k->spki);
	memset(k, 0, sizeof(*k));
}
