/*
 * Public keys as facts: of which type and size, and which key it is.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>

#include <stdlib.h>
#include <string.h>

#include "pki/csr.h"
#include "pki/pki_int.h"

#define SPKI_MAX	2048	/* of an RSA key of CSR_RSA_MAX bits, and more */

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

static bool
ec_curve_ok(const EVP_PKEY *pkey)
{
	static const char *const curves[] = {
		"prime256v1", "secp384r1", "secp521r1"
	};
	int spelled_out = 0;
	char name[32];
	size_t i;

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
	    name, sizeof(name), NULL) != 1 || EVP_PKEY_get_int_param(pkey,
	    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
	    &spelled_out) != 1 || spelled_out != 0)
		return false;
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(curves[i], name) == 0)
			return true;
	return false;
}

static bool
is_mldsa(const EVP_PKEY *pkey)
{
	return EVP_PKEY_is_a(pkey, "ML-DSA-44") ||
	    EVP_PKEY_is_a(pkey, "ML-DSA-65") ||
	    EVP_PKEY_is_a(pkey, "ML-DSA-87");
}

static enum key_type
pkey_type(const EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA") && rsa_exponent_ok(pkey))
		return KEY_RSA;
	if (EVP_PKEY_is_a(pkey, "EC") && ec_curve_ok(pkey))
		return KEY_EC;
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return KEY_ED25519;
	if (is_mldsa(pkey))
		return KEY_MLDSA;
	return KEY_OTHER;
}

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

/*
 * The SubjectPublicKeyInfo of an RSA key as everybody writes it (RFC 3279,
 * 2.3.1). libcrypto reads others too, with bytes behind the key for one, and
 * writes this: one key must have one hash.
 */
static int
rsa_spki(const EVP_PKEY *pkey, struct buf *out)
{
	static const unsigned char head[] = {
		0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x01, 0x01, 0x05, 0x00
	};
	struct buf in = BUF_INIT(SPKI_MAX), mid = BUF_INIT(SPKI_MAX);
	int rc = -1;

	if (put_number(pkey, OSSL_PKEY_PARAM_RSA_N, &in) == 0 &&
	    put_number(pkey, OSSL_PKEY_PARAM_RSA_E, &in) == 0 &&
	    buf_putc(&mid, 0) == 0 &&
	    der_put(&mid, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED,
	    buf_bytes(&in)) == 0) {
		buf_reset(&in);
		if (buf_put(&in, head, sizeof(head)) == 0 &&
		    der_put(&in, V_ASN1_BIT_STRING, buf_bytes(&mid)) == 0)
			rc = der_put(out, V_ASN1_SEQUENCE |
			    V_ASN1_CONSTRUCTED, buf_bytes(&in));
	}
	buf_wipe(&in);
	buf_wipe(&mid);
	return rc;
}

/* A key too large for rsa_spki() is refused by whoever looks at its bits. */
static int
read_spki(X509_PUBKEY *xp, const EVP_PKEY *pkey, struct pubkey *out)
{
	struct buf b = BUF_INIT(SPKI_MAX);

	if (out->type == KEY_RSA && out->bits <= CSR_RSA_MAX &&
	    rsa_spki(pkey, &b) == 0)
		out->spki = buf_bytes(&b);
	else
		out->spki = pki_i2d(ASN1_ITEM_rptr(X509_PUBKEY), xp);
	return out->spki.n > 0 && EVP_Digest(out->spki.p, out->spki.n,
	    out->hash, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

int
pubkey_read(X509_PUBKEY *xp, struct pubkey *out, struct err *e)
{
	const EVP_PKEY *pkey;

	out->type = KEY_OTHER;
	out->bits = 0;
	/* A key libcrypto cannot read is of an unknown type, not an error. */
	if ((pkey = X509_PUBKEY_get0(xp)) != NULL) {
		out->bits = EVP_PKEY_get_bits(pkey);
		out->type = pkey_type(pkey);
	}
	ERR_clear_error();
	if (read_spki(xp, pkey, out) == -1) {
		set_ssl(e, ERR_MEMORY, "public key");
		return -1;
	}
	return 0;
}

void
pubkey_clear(struct pubkey *k)
{
	free((void *)(uintptr_t)k->spki.p);
	memset(k, 0, sizeof(*k));
}
