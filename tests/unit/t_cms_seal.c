#include "cms_craft.h"

static struct who	 us, them, ec;
static struct algs	*algs;

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&us, &(struct order){ .name = "us", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&them, &(struct order){ .name = "them", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&ec, &(struct order){ .name = "ec", .spec = "ec:p256" });
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&us);
	who_free(&them);
	who_free(&ec);
	algs_free(algs);
	return 0;
}

static const enum alg ciphers[] = {
	ALG_AES128_CBC, ALG_AES192_CBC, ALG_AES256_CBC, ALG_DES3_CBC
};
static const enum alg transports[] = { ALG_RSA_PKCS1, ALG_RSA_OAEP };

static void
assert_opens(struct bytes der, struct bytes want, struct cms_suite *suite)
{
	const struct cms_recipient r = { us.key, us.cert };
	struct buf		 plain = BUF_INIT(65536);
	struct err		 e = ERR_INIT;

	if (cms_open(der, &r, 1, algs, &plain, suite, &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_true(bytes_eq(buf_bytes(&plain), want));
	buf_wipe(&plain);
}

static void
test_round_trip(void **state)
{
	static const struct bytes contents[] = {
		{ (const uint8_t *)"", 0 }, { (const uint8_t *)"a\0b", 3 },
		{ (const uint8_t *)"0123456789abcdef", 16 }
	};
	struct buf	 out = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(ciphers) * N(transports); i++) {
		const struct cms_suite	 suite = { ciphers[i / 2],
		    transports[i % 2], 0 };
		struct cms_suite	 found = { ALG_NONE, ALG_NONE, 0 };
		struct bytes		 text = contents[i % N(contents)];

		buf_reset(&out);
		if (cms_seal(text, us.cert, algs, suite, &out, &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_der(buf_bytes(&out), alg_name(suite.cipher));
		assert_opens(buf_bytes(&out), text, &found);
		assert_int_equal(found.cipher, suite.cipher);
		assert_int_equal(found.transport, suite.transport);
	}
	buf_wipe(&out);
}

/* The algorithms as clients compare them, byte by byte. */
static void
test_golden_algorithms(void **state)
{
	struct buf	 out = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	size_t		 at;

	(void)state;
	assert_int_equal(cms_seal(LIT("x"), us.cert, algs, (struct cms_suite){
	    ALG_AES256_CBC, ALG_RSA_OAEP, 0 }, &out, &e), 0);
	assert_int_equal(tool_count(buf_bytes(&out), ALG_OAEP_DER, &at), 1);
	assert_int_equal(tool_count(buf_bytes(&out), LIT("\x06\x09\x60\x86\x48"
	    "\x01\x65\x03\x04\x01\x2a\x04\x10"), &at), 1);
	buf_reset(&out);
	assert_int_equal(cms_seal(LIT("x"), us.cert, algs, (struct cms_suite){
	    ALG_DES3_CBC, ALG_RSA_PKCS1, 0 }, &out, &e), 0);
	assert_int_equal(tool_count(buf_bytes(&out), ALG_PKCS1_DER, &at), 1);
	assert_int_equal(tool_count(buf_bytes(&out), LIT("\x06\x08\x2a\x86\x48"
	    "\x86\xf7\x0d\x03\x07\x04\x08"), &at), 1);
	/* EnvelopedData, and id-data in it before the cipher */
	assert_int_equal(tool_count(buf_bytes(&out), LIT("\x06\x09\x2a\x86"
	    "\x48\x86\xf7\x0d\x01\x07\x03"), &at), 1);
	assert_int_equal(tool_count(buf_bytes(&out), LIT("\x06\x09\x2a\x86"
	    "\x48\x86\xf7\x0d\x01\x07\x01" "\x30\x14\x06\x08"), &at), 1);
	buf_wipe(&out);
}

static void
test_ber(void **state)
{
	struct buf	 out = BUF_INIT(CMS_MAX_DER), in = BUF_INIT(65536);
	struct cms_suite suite;

	(void)state;
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf_printf(&in, "%d,", i), 0);
	seal_craft(buf_bytes(&in), us.cert, EVP_aes_192_cbc(), true, &out);
	assert_int_equal(out.p[1], 0x80);
	assert_opens(buf_bytes(&out), buf_bytes(&in), &suite);
	assert_int_equal(suite.cipher, ALG_AES192_CBC);
	buf_wipe(&out);
	buf_wipe(&in);
}

static void
test_seal_refused(void **state)
{
	struct buf	 out = BUF_INIT(CMS_MAX_DER), small = BUF_INIT(64);
	const struct cms_suite suite = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 };
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(cms_seal(LIT("x"), ec.cert, algs, suite, &out, &e),
	    -1);
	assert_err(&e, ERR_SIGNER_KEY, "type ec", "EC recipient");
	assert_int_equal(out.n, 0);
	err_clear(&e);
	assert_int_equal(cms_seal(LIT("x"), us.cert, algs, suite, &small, &e),
	    -1);
	assert_int_equal(small.n, 0);
	buf_wipe(&out);
}

static void
assert_refused(struct bytes der, enum err_reason want, const char *text,
    const char *row)
{
	const struct cms_recipient r = { us.key, us.cert };
	struct cms_suite	 suite = { ALG_MD5, ALG_MD5, 0 };
	struct buf		 plain = BUF_INIT(65536);
	struct err		 e = ERR_INIT;

	if (cms_open(der, &r, 1, algs, &plain, &suite, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, want, text, row);
	/* What came out of a failed decryption is there to be parsed, and how
	 * it was made is known. */
	if (want != ERR_INTEGRITY) {
		assert_int_equal(plain.n, 0);
		assert_int_equal(suite.cipher, ALG_MD5);
		assert_int_equal(suite.transport, ALG_MD5);
	}
	buf_wipe(&plain);
}

#define IV8	"\x04\x08" "12345678"
#define IV16	"\x04\x10" "1234567812345678"
#define AES_CBC	"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02" IV16
#define AES_GCM	"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06" \
		"\x30\x11\x04\x0c" "123456781234" "\x02\x01\x10"
#define DES	"\x06\x05\x2b\x0e\x03\x02\x07" IV8
#define RC2	"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x02" IV8
#define PSS	"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00"

static void
test_screened(void **state)
{
	uint8_t		 junk[256] = { 1 };
	/* Never whole blocks: noise that looks padded opens, 1 time in 256. */
	struct bytes	 key = { junk, 256 }, data = { junk, 63 };
	const struct {
		const char		*name;
		struct env_craft	 c;
		enum err_reason		 want;
		const char		*text;
	} rows[] = {
		{ "DES", { us.cert, ALG_PKCS1_DER, key, LIT(DES), data },
		    ERR_CIPHER, "DES-CBC" },
		{ "RC2", { us.cert, ALG_PKCS1_DER, key, LIT(RC2), data },
		    ERR_CIPHER, "unknown" },
		{ "GCM without authentication", { us.cert, ALG_PKCS1_DER, key,
		    LIT(AES_GCM), data }, ERR_CIPHER, "unknown" },
		{ "PSS as transport", { us.cert, LIT(PSS), key, LIT(AES_CBC),
		    data }, ERR_KEY_TRANSPORT, "unknown" },
		{ "no recipient", { NULL, ALG_PKCS1_DER, key, LIT(AES_CBC),
		    data }, ERR_RECIPIENT, "none of 0" },
		{ "other recipient", { them.cert, ALG_PKCS1_DER, key,
		    LIT(AES_CBC), data }, ERR_RECIPIENT, "none of 1" },
		{ "noise", { us.cert, ALG_PKCS1_DER, key, LIT(AES_CBC), data },
		    ERR_INTEGRITY, "pkcsPKIEnvelope" },
		{ "noise, OAEP", { us.cert, ALG_OAEP_DER, key, LIT(AES_CBC),
		    data }, ERR_INTEGRITY, "pkcsPKIEnvelope" },
		{ "short key", { us.cert, ALG_PKCS1_DER, { junk, 5 },
		    LIT(AES_CBC), data }, ERR_INTEGRITY, "pkcsPKIEnvelope" },
	};
	struct buf	 out = BUF_INIT(CMS_MAX_DER);

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		env_craft(&rows[i].c, &out);
		assert_refused(buf_bytes(&out), rows[i].want, rows[i].text,
		    rows[i].name);
	}
	buf_wipe(&out);
}

static void
put_auth_enveloped(struct buf *out)
{
	CMS_ContentInfo	*cms;
	BIO		*in = bio_of(LIT("x")), *bio = BIO_new(BIO_s_mem());

	cms = CMS_AuthEnvelopedData_create(EVP_aes_128_gcm());
	assert_non_null(cms);
	assert_non_null(CMS_add1_recipient_cert(cms, us.cert->x, 0));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	assert_int_equal(i2d_CMS_bio(bio, cms), 1);
	assert_int_equal(bio_drain(bio, out), 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(bio);
}

static void
test_other_types(void **state)
{
	struct buf	 out = BUF_INIT(CMS_MAX_DER);
	uint8_t		*big = calloc(1, CMS_MAX_DER + 1);

	(void)state;
	put_auth_enveloped(&out);
	assert_refused(buf_bytes(&out), ERR_CIPHER, "AuthEnvelopedData",
	    "AES-GCM");
	buf_reset(&out);
	sign_craft(&(struct sign_craft){ .by = &us, .content = LIT("x") },
	    &out);
	assert_refused(buf_bytes(&out), ERR_NOT_ENVELOPED, NULL, "signed");
	buf_reset(&out);
	seal_craft(LIT("x"), us.cert, EVP_aes_128_cbc(), false, &out);
	for (size_t n = 0; n < out.n; n += 13)
		assert_refused(bytes_make(out.p, n), ERR_NOT_ENVELOPED, NULL,
		    "cut");
	assert_int_equal(buf_putc(&out, 0), 0);
	assert_refused(buf_bytes(&out), ERR_NOT_ENVELOPED, NULL, "trailing");
	assert_refused(bytes_make(big, CMS_MAX_DER + 1), ERR_NOT_ENVELOPED,
	    NULL, "big");
	assert_refused(bytes_str("hello"), ERR_NOT_ENVELOPED, NULL, "text");
	free(big);
	buf_wipe(&out);
}

/* A key that is not the certificate's: an error or noise, never the text. */
static void
test_wrong_key(void **state)
{
	const struct cms_recipient r = { them.key, us.cert };
	const struct bytes	 text = LIT("a text of more than one block");
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct buf		 plain = BUF_INIT(65536);
	struct cms_suite	 suite = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 };
	struct err		 e;

	(void)state;
	for (int i = 0; i < 32; i++) {
		buf_reset(&out);
		buf_reset(&plain);
		err_clear(&e);
		assert_int_equal(cms_seal(text, us.cert, algs, suite, &out,
		    &e), 0);
		if (cms_open(buf_bytes(&out), &r, 1, algs, &plain, &suite, &e) != 0)
			assert_err(&e, ERR_INTEGRITY, "pkcs", "wrong key");
		assert_false(bytes_eq(buf_bytes(&plain), text));
	}
	buf_wipe(&out);
	buf_wipe(&plain);
}

/* More than the caller has room for is the same fault as any other. */
static void
test_no_room(void **state)
{
	const struct cms_recipient r = { us.key, us.cert };
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct buf		 plain = BUF_INIT(8);
	struct cms_suite	 suite;
	struct err		 e = ERR_INIT;

	(void)state;
	seal_craft(LIT("nine bytes"), us.cert, EVP_aes_128_cbc(), false, &out);
	assert_int_equal(cms_open(buf_bytes(&out), &r, 1, algs, &plain, &suite, &e),
	    -1);
	assert_int_equal(e.reason, ERR_INTEGRITY);
	assert_int_equal(plain.n, 0);
	buf_wipe(&out);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_golden_algorithms),
		cmocka_unit_test(test_ber),
		cmocka_unit_test(test_seal_refused),
		cmocka_unit_test(test_screened),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
