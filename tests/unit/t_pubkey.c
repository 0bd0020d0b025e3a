#include "pki_tool.h"

#include <openssl/ec.h>

#include "key_craft.h"

#include "pki/csr.h"

#define EC_OID	"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define P256	"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define RSA_OID	"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define PSS_OID	"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define ED_OID	"\x06\x03\x2b\x65\x70"
#define DER_NULL	"\x05\x00"

static void
put(struct buf *out, unsigned char tag, struct bytes content)
{
	assert_int_equal(der_put(out, tag, content), 0);
}

/* alg: what the AlgorithmIdentifier holds */
static void
spell(struct buf *out, struct bytes alg, int unused, struct bytes bits)
{
	struct buf	 in = BUF_INIT(65536), s = BUF_INIT(65536);

	assert_int_equal(buf_putc(&s, unused), 0);
	assert_int_equal(buf_put(&s, bits.p, bits.n), 0);
	put(&in, 0x30, alg);
	put(&in, 0x03, buf_bytes(&s));
	buf_reset(out);
	put(out, 0x30, buf_bytes(&in));
	buf_wipe(&in);
	buf_wipe(&s);
}

/* Of bytes that libcrypto takes for a SubjectPublicKeyInfo. */
static struct pubkey
taken(struct bytes der, const char *row)
{
	const unsigned char	*p = der.p;
	X509_PUBKEY		*xp = d2i_X509_PUBKEY(NULL, &p, (long)der.n);
	struct pubkey		 k = { .bits = -1 };
	struct err		 e = ERR_INIT;

	if (xp == NULL || p != der.p + der.n || pubkey_read(xp, &k, &e) != 0)
		fail_msg("%s: %s", row, err_text(&e));
	X509_PUBKEY_free(xp);
	return k;
}

static void
assert_same(const struct pubkey *a, const struct pubkey *b, bool hash,
    bool identity, const char *row)
{
	if (bytes_eq(a->spki, b->spki) != hash ||
	    (memcmp(a->spki_hash, b->spki_hash, PKI_HASH) == 0) != hash ||
	    (memcmp(a->identity, b->identity, PKI_HASH) == 0) != identity)
		fail_msg("%s: spelling, hash or identity", row);
}

/* ---- EC: the generator of a curve is as good a key as any */

static void
put_point(int nid, point_conversion_form_t form, struct buf *out)
{
	EC_GROUP	*g = EC_GROUP_new_by_curve_name(nid);
	unsigned char	 bytes[256];
	size_t		 n;

	n = EC_POINT_point2oct(g, EC_GROUP_get0_generator(g), form, bytes,
	    sizeof(bytes), NULL);
	assert_true(n > 0);
	buf_reset(out);
	assert_int_equal(buf_put(out, bytes, n), 0);
	EC_GROUP_free(g);
}

static void
test_ec(void **state)
{
	static const struct {
		const char	*name;
		int		 nid;
		struct bytes	 alg;
	} curves[] = {
		{ "P-256", NID_X9_62_prime256v1, { (const uint8_t *)
		    EC_OID P256, 19 } },
		{ "P-384", NID_secp384r1, { (const uint8_t *)
		    EC_OID "\x06\x05\x2b\x81\x04\x00\x22", 16 } },
		/* Its first coordinate begins with a zero. */
		{ "P-521", NID_secp521r1, { (const uint8_t *)
		    EC_OID "\x06\x05\x2b\x81\x04\x00\x23", 16 } },
	};
	static const point_conversion_form_t others[] = {
		POINT_CONVERSION_COMPRESSED, POINT_CONVERSION_HYBRID
	};
	struct buf	 der = BUF_INIT(65536), point = BUF_INIT(65536);

	(void)state;
	for (size_t i = 0; i < N(curves); i++) {
		const char	*row = curves[i].name;
		struct pubkey	 k, other;

		put_point(curves[i].nid, POINT_CONVERSION_UNCOMPRESSED,
		    &point);
		spell(&der, curves[i].alg, 0, buf_bytes(&point));
		k = taken(buf_bytes(&der), row);
		assert_int_equal(k.type, KEY_EC);
		assert_true(bytes_eq(k.spki, buf_bytes(&der)));
		for (size_t j = 0; j < N(others); j++) {
			put_point(curves[i].nid, others[j], &point);
			spell(&der, curves[i].alg, 0, buf_bytes(&point));
			other = taken(buf_bytes(&der), row);
			assert_int_equal(other.type, KEY_EC);
			assert_same(&k, &other, true, true, row);
			pubkey_clear(&other);
		}
		pubkey_clear(&k);
	}
	buf_wipe(&der);
	buf_wipe(&point);
}

/* ECParameters that give the numbers of P-256. */
static void
put_numbers(struct buf *alg)
{
	EC_GROUP	*g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	unsigned char	*der = NULL;
	int		 n;

	EC_GROUP_set_asn1_flag(g, OPENSSL_EC_EXPLICIT_CURVE);
	assert_true((n = i2d_ECPKParameters(g, &der)) > 0);
	assert_int_equal(buf_put(alg, EC_OID, sizeof(EC_OID) - 1), 0);
	assert_int_equal(buf_put(alg, der, (size_t)n), 0);
	OPENSSL_free(der);
	EC_GROUP_free(g);
}

/* Taken by nobody, but a CA may have such a key: a device must not. */
static void
test_ec_odd(void **state)
{
	struct buf	 der = BUF_INIT(65536), point = BUF_INIT(65536),
			 alg = BUF_INIT(65536);
	struct pubkey	 k, other;

	(void)state;
	put_point(NID_X9_62_prime256v1, POINT_CONVERSION_UNCOMPRESSED, &point);
	spell(&der, LIT(EC_OID P256), 0, buf_bytes(&point));
	k = taken(buf_bytes(&der), "P-256");
	put_numbers(&alg);
	spell(&der, buf_bytes(&alg), 0, buf_bytes(&point));
	other = taken(buf_bytes(&der), "numbers");
	assert_int_equal(other.type, KEY_OTHER);
	assert_true(bytes_eq(other.spki, buf_bytes(&der)));
	assert_same(&k, &other, false, true, "numbers");
	pubkey_clear(&other);
	/* The point at infinity. */
	spell(&der, LIT(EC_OID P256), 0, LIT("\0"));
	other = taken(buf_bytes(&der), "infinity");
	assert_int_equal(other.type, KEY_OTHER);
	assert_true(bytes_eq(other.spki, buf_bytes(&der)));
	pubkey_clear(&other);
	pubkey_clear(&k);
	buf_wipe(&der);
	buf_wipe(&point);
	buf_wipe(&alg);
}

/* ---- RSA */

#define MODULUS	256	/* bytes */

static void
put_rsa(struct buf *out, bool is_signed, uint8_t last, struct bytes e)
{
	struct buf	 in = BUF_INIT(65536), n = BUF_INIT(65536);

	if (is_signed)
		assert_int_equal(buf_putc(&n, 0), 0);
	for (size_t i = 0; i + 1 < MODULUS; i++)
		assert_int_equal(buf_putc(&n, 0xc5), 0);
	assert_int_equal(buf_putc(&n, last), 0);
	put(&in, 0x02, buf_bytes(&n));
	put(&in, 0x02, e);
	buf_reset(out);
	put(out, 0x30, buf_bytes(&in));
	buf_wipe(&in);
	buf_wipe(&n);
}

#define F4	{ (const uint8_t *)"\x01\x00\x01", 3 }
#define ALG(s)	{ (const uint8_t *)(s), sizeof(s) - 1 }

static void
test_rsa(void **state)
{
	static const struct {
		const char	*name;
		struct bytes	 alg;
		bool		 is_signed;	/* the modulus: a zero first */
		uint8_t		 last;		/* its last byte */
		struct bytes	 e;
		const char	*behind;	/* bytes behind the key */
		enum key_type	 type;
		bool		 hash, identity;
	} rows[] = {
		{ "usual", ALG(RSA_OID DER_NULL), true, 1, F4, "", KEY_RSA,
		    true, true },
		{ "no parameters", ALG(RSA_OID), true, 1, F4, "", KEY_RSA, true,
		    true },
		{ "other parameters", ALG(RSA_OID "\x02\x01\x05"), true, 1, F4,
		    "", KEY_RSA, true, true },
		{ "unsigned", ALG(RSA_OID DER_NULL), false, 1, F4, "", KEY_RSA,
		    true, true },
		{ "bytes behind", ALG(RSA_OID DER_NULL), true, 1, F4, "abc",
		    KEY_RSA, true, true },
		{ "zeros in front of e", ALG(RSA_OID DER_NULL), true, 1,
		    ALG("\x00\x00\x01\x00\x01"), "", KEY_RSA, true, true },
		{ "e = 3", ALG(RSA_OID DER_NULL), true, 1, ALG("\x03"), "",
		    KEY_RSA, false, true },
		{ "e of 64 bits", ALG(RSA_OID DER_NULL), true, 1,
		    ALG("\x00\xff\x00\x00\x00\x00\x00\x00\x01"), "", KEY_RSA,
		    false, true },
		/* A CA may have such a one. */
		{ "e = 1", ALG(RSA_OID DER_NULL), true, 1, ALG("\x01"), "",
		    KEY_OTHER, false, true },
		{ "PSS", ALG(PSS_OID), true, 1, F4, "", KEY_OTHER, false,
		    true },
		{ "another modulus", ALG(RSA_OID DER_NULL), true, 3, F4, "",
		    KEY_RSA, false, false },
	};
	struct buf	 der = BUF_INIT(65536), bits = BUF_INIT(65536);
	struct pubkey	 usual = { .bits = -1 };

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct pubkey	 k;

		put_rsa(&bits, rows[i].is_signed, rows[i].last, rows[i].e);
		assert_int_equal(buf_puts(&bits, rows[i].behind), 0);
		spell(&der, rows[i].alg, 0, buf_bytes(&bits));
		k = taken(buf_bytes(&der), rows[i].name);
		if (k.type != rows[i].type)
			fail_msg("%s: type", rows[i].name);
		if (i == 0) {
			assert_true(bytes_eq(k.spki, buf_bytes(&der)));
			usual = k;
			continue;
		}
		assert_same(&usual, &k, rows[i].hash, rows[i].identity,
		    rows[i].name);
		pubkey_clear(&k);
	}
	pubkey_clear(&usual);
	buf_wipe(&der);
	buf_wipe(&bits);
}

/* ---- the others */

static void
test_ed25519(void **state)
{
	struct buf	 der = BUF_INIT(65536);
	uint8_t		 bits[32] = { 1, 2, 3, [31] = 0x58 };
	struct pubkey	 k, other;

	(void)state;
	spell(&der, LIT(ED_OID), 0, bytes_make(bits, sizeof(bits)));
	k = taken(buf_bytes(&der), "usual");
	assert_int_equal(k.type, KEY_ED25519);
	assert_true(bytes_eq(k.spki, buf_bytes(&der)));
	spell(&der, LIT(ED_OID), 3, bytes_make(bits, sizeof(bits)));
	other = taken(buf_bytes(&der), "unused bits");
	assert_int_equal(other.type, KEY_ED25519);
	assert_same(&k, &other, true, true, "unused bits");
	pubkey_clear(&other);
	spell(&der, LIT(ED_OID DER_NULL), 0, bytes_make(bits, sizeof(bits)));
	other = taken(buf_bytes(&der), "parameters");
	assert_int_equal(other.type, KEY_OTHER);
	pubkey_clear(&other);
	bits[0]++;
	spell(&der, LIT(ED_OID), 0, bytes_make(bits, sizeof(bits)));
	other = taken(buf_bytes(&der), "another");
	assert_same(&k, &other, false, false, "another");
	pubkey_clear(&other);
	pubkey_clear(&k);
	buf_wipe(&der);
}

/* Requests with such keys verify, and show whose they are. */
static void
test_requests(void **state)
{
	static const struct {
		const char	*spec, *how;
		bool		 hash;
	} rows[] = {
		{ "ec:p256", "uncompressed", true },
		{ "ec:p256", "compressed", true },
		{ "ec:p384", "hybrid", true },
		{ "rsa:2048", "exponent", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct key	*k = tool_key(rows[i].spec),
				*other = key_respell(k, rows[i].how);
		struct csr	*a, *b;
		struct err	 e = ERR_INIT;

		assert_non_null(other);
		a = tool_csr(k, "/CN=x", NULL, NULL);
		b = tool_csr(other, "/CN=x", NULL, NULL);
		assert_int_equal(csr_verify(b, &e), 0);
		assert_same(&a->key, &b->key, rows[i].hash, true,
		    rows[i].how);
		csr_free(a);
		csr_free(b);
		key_free(k);
		key_free(other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ec),
		cmocka_unit_test(test_ec_odd),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
