/*
 * Envelopes for others than one RSA key: several recipients on either side, EC
 * keys, passwords; and single DES, which is found apart.
 */
#include "cms_craft.h"

#include <openssl/ec.h>

static struct who	 ra, old, stranger, ec256, ec384, ec521;
static struct algs	*algs, *legacy;

static void
ec_make(struct who *w, const char *curve)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(key_from_pkey(EVP_EC_gen(curve), &w->key, &e), 0);
	w->cert = tool_cert(&(struct order){ .name = curve, .key = w->key });
}

static int
setup(void **state)
{
	char		 des[] = "des";
	char *const	 words[] = { des, NULL };
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ra, &(struct order){ .name = "/C=DE/O=x/CN=ra",
	    .spec = "rsa:2048", .ku = KU_RA });
	who_make(&old, &(struct order){ .name = "/C=DE/O=x/CN=ra",
	    .spec = "rsa:2048", .ku = KU_RA });
	who_make(&stranger, &(struct order){ .name = "stranger",
	    .spec = "rsa:2048" });
	ec_make(&ec256, "P-256");
	ec_make(&ec384, "P-384");
	ec_make(&ec521, "P-521");
	assert_int_equal(algs_open(&algs, &e), 0);
	return algs_open_with(words, NULL, &legacy, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ra);
	who_free(&old);
	who_free(&stranger);
	who_free(&ec256);
	who_free(&ec384);
	who_free(&ec521);
	algs_free(algs);
	algs_free(legacy);
	return 0;
}

#define TEXT	LIT("a text of more than one block")

/* For several, some named by key identifier. */
struct to {
	const struct who	*who;
	bool			 by_ski;
};

static void
seal_for(const struct to *to, size_t n, struct buf *out)
{
	CMS_ContentInfo	*cms = CMS_encrypt(NULL, NULL, EVP_aes_128_cbc(),
	    CMS_BINARY | CMS_PARTIAL);
	BIO		*in = bio_of(TEXT), *bio = BIO_new(BIO_s_mem());

	assert_non_null(cms);
	for (size_t i = 0; i < n; i++)
		assert_non_null(CMS_add1_recipient_cert(cms,
		    to[i].who->cert->x, to[i].by_ski ? CMS_USE_KEYID : 0));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	assert_int_equal(i2d_CMS_bio(bio, cms), 1);
	buf_init(out, CMS_MAX_DER);
	assert_int_equal(bio_drain(bio, out), 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(bio);
}

/* Opens for the first n of RA and its predecessor. */
static int
open_as(const struct cms_recipient *us, size_t n, struct bytes der,
    struct buf *plain, struct err *e)
{
	struct cms_suite	 suite;

	buf_init(plain, 65536);
	err_clear(e);
	return cms_open(der, us, n, algs, plain, &suite, e);
}

static void
assert_opens(const struct cms_recipient *us, size_t n, struct bytes der,
    const char *row)
{
	struct buf	 plain;
	struct err	 e;

	if (open_as(us, n, der, &plain, &e) != 0)
		fail_msg("%s: %s", row, err_text(&e));
	assert_true(bytes_eq(buf_bytes(&plain), TEXT));
	buf_wipe(&plain);
}

static void
test_several(void **state)
{
	const struct cms_recipient us[] = {
		{ ra.key, ra.cert }, { old.key, old.cert }
	};
	const struct {
		const char	*name;
		struct to	 to[3];
		size_t		 n;
	} rows[] = {
		{ "the new one", { { &ra, false } }, 1 },
		{ "the old one", { { &old, false } }, 1 },
		{ "both", { { &old, false }, { &ra, false } }, 2 },
		{ "ours is last", { { &stranger, false }, { &ec256, false },
		    { &ra, false } }, 3 },
		{ "ours is first", { { &ra, false }, { &stranger, false } },
		    2 },
		{ "by key identifier", { { &ra, true } }, 1 },
		{ "the old one by key identifier", { { &stranger, true },
		    { &old, true } }, 2 },
		{ "by both", { { &stranger, false }, { &old, true } }, 2 },
	};
	struct buf	 der, plain;
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		seal_for(rows[i].to, rows[i].n, &der);
		assert_opens(us, 2, buf_bytes(&der), rows[i].name);
		buf_wipe(&der);
	}
	/* Neither is known to who has only the other. */
	seal_for(rows[1].to, 1, &der);
	assert_int_equal(open_as(us, 1, buf_bytes(&der), &plain, &e), -1);
	assert_err(&e, ERR_RECIPIENT, "none of 1 recipients", "retired");
	assert_int_equal(open_as(us, 0, buf_bytes(&der), &plain, &e), -1);
	assert_err(&e, ERR_RECIPIENT, "known", "nobody");
	buf_wipe(&der);
}

/* A certificate of another issuer and key with our serial number. */
static void
twin_make(struct who *w, const char *name)
{
	struct buf		 der = BUF_INIT(4096);
	struct err		 e = ERR_INIT;
	struct cert_plan	 p = { .not_before = NOW - DAY,
	    .not_after = NOW + DAY, .serial = ra.cert->serial };

	w->key = tool_key("rsa:2048");
	assert_int_equal(name_make(name, &der, &e), 0);
	p.subject = buf_bytes(&der);
	p.spki = key_spki(w->key);
	assert_int_equal(cert_make(&p, NULL, w->key, &w->cert, &e), 0);
	buf_wipe(&der);
}

/* By serial number alone, but never before who is named in full. */
static void
test_serial(void **state)
{
	const struct cms_recipient us[] = { { ra.key, ra.cert } };
	struct who	 twin;
	struct to	 to[2];
	struct buf	 der, plain;
	struct err	 e;

	(void)state;
	twin_make(&twin, "/CN=twin");
	to[0] = (struct to){ &twin, false };
	to[1] = (struct to){ &ra, false };
	seal_for(to, 2, &der);
	assert_opens(us, 1, buf_bytes(&der), "twin before ours");
	buf_wipe(&der);
	/* The twin alone: taken for ours, and opens to noise. */
	seal_for(to, 1, &der);
	if (open_as(us, 1, buf_bytes(&der), &plain, &e) == 0)
		assert_false(bytes_eq(buf_bytes(&plain), TEXT));
	else
		assert_err(&e, ERR_INTEGRITY, "pkcsPKIEnvelope", "twin");
	buf_wipe(&plain);
	buf_wipe(&der);
	who_free(&twin);
}

/*
 * Whatever is wrong with the encrypted key, the answer is the same, and mostly
 * the content is noise (RFC 3218): its length, its padding, its value.
 */
static void
test_wrong_content_key(void **state)
{
	static const size_t	 lengths[] = { 0, 1, 8, 15, 16, 17, 24, 32 };
	const struct cms_recipient us[] = { { ra.key, ra.cert } };
	uint8_t			 key[256], data[64] = { 7 };
	struct buf		 der = BUF_INIT(CMS_MAX_DER), plain;
	size_t			 n, opened = 0;
	struct err		 e;

	(void)state;
	for (size_t i = 0; i < N(lengths); i++) {
		uint8_t		 cek[32] = { 3 };
		EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new(key_pkey(ra.key),
		    NULL);

		n = sizeof(key);
		assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
		assert_int_equal(EVP_PKEY_encrypt(ctx, key, &n, cek,
		    lengths[i]), 1);
		EVP_PKEY_CTX_free(ctx);
		buf_reset(&der);
		env_craft(&(struct env_craft){ ra.cert, ALG_PKCS1_DER,
		    bytes_make(key, n), LIT("\x06\x09\x60\x86\x48\x01\x65\x03"
		    "\x04\x01\x02\x04\x10" "1234567812345678"),
		    bytes_make(data, sizeof(data)) }, &der);
		if (open_as(us, 1, buf_bytes(&der), &plain, &e) == 0)
			opened++;	/* noise that ends like padding */
		else
			assert_err(&e, ERR_INTEGRITY, "pkcsPKIEnvelope",
			    "length");
		buf_wipe(&plain);
	}
	assert_true(opened <= 2);
	buf_wipe(&der);
}

static void
test_agreement(void **state)
{
	const struct who *const	 whos[] = { &ec256, &ec384, &ec521 };
	static const enum alg	 ciphers[] = {
		ALG_AES128_CBC, ALG_AES256_CBC, ALG_DES3_CBC
	}, agreements[] = {
		ALG_ECDH_SHA1, ALG_ECDH_SHA256, ALG_ECDH_SHA384,
		ALG_ECDH_SHA512
	};
	struct buf		 der = BUF_INIT(CMS_MAX_DER), plain;

	(void)state;
	for (size_t i = 0; i < N(whos) * 12; i++) {
		const struct cms_recipient us = { whos[i / 12]->key,
		    whos[i / 12]->cert };
		struct cms_suite	 suite = { ciphers[i % 3],
		    agreements[i / 3 % 4], 0 }, got;
		struct err		 e = ERR_INIT;

		buf_reset(&der);
		buf_init(&plain, 4096);
		if (cms_seal(TEXT, us.cert, algs, suite, &der, &e) != 0 ||
		    cms_open(buf_bytes(&der), &us, 1, algs, &plain, &got,
		    &e) != 0)
			fail_msg("%s, %s: %s", alg_name(suite.cipher),
			    alg_name(suite.transport), err_text(&e));
		assert_true(bytes_eq(buf_bytes(&plain), TEXT));
		assert_int_equal(got.cipher, suite.cipher);
		assert_int_equal(got.transport, suite.transport);
		assert_der(buf_bytes(&der), alg_name(suite.transport));
		buf_wipe(&plain);
	}
	buf_wipe(&der);
}

static void
test_password(void **state)
{
	const struct bytes	 secret = LIT("8CE317021F690069");
	struct buf		 der = BUF_INIT(CMS_MAX_DER), plain;
	struct cms_suite	 suite;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(cms_seal_password(TEXT, secret, algs, ALG_AES128_CBC,
	    &der, &e), 0);
	assert_der(buf_bytes(&der), "password");
	buf_init(&plain, 4096);
	assert_int_equal(cms_open_password(buf_bytes(&der), secret, algs,
	    &plain, &suite, &e), 0);
	assert_true(bytes_eq(buf_bytes(&plain), TEXT));
	assert_int_equal(suite.cipher, ALG_AES128_CBC);
	assert_int_equal(suite.transport, ALG_NONE);
	buf_wipe(&plain);
	assert_int_equal(cms_open_password(buf_bytes(&der),
	    LIT("8CE317021F690068"), algs, &plain, &suite, &e), -1);
	assert_err(&e, ERR_INTEGRITY, NULL, "wrong password");
	/* The server itself opens no such envelope. */
	err_clear(&e);
	assert_int_equal(cms_open(buf_bytes(&der), &(struct cms_recipient){
	    ra.key, ra.cert }, 1, algs, &plain, &suite, &e), -1);
	assert_err(&e, ERR_RECIPIENT_KIND, "a password", "to a server");
	buf_wipe(&plain);
	buf_wipe(&der);
}

static void
test_des(void **state)
{
	const struct cms_recipient us = { ra.key, ra.cert };
	struct cms_suite	 suite = { ALG_DES_CBC, ALG_RSA_PKCS1, 0 }, got;
	struct buf		 der = BUF_INIT(CMS_MAX_DER);
	struct buf		 plain = BUF_INIT(4096);
	struct err		 e = ERR_INIT;

	(void)state;
	for (int oaep = 0; oaep < 2; oaep++) {
		suite.transport = oaep ? ALG_RSA_OAEP : ALG_RSA_PKCS1;
		buf_reset(&der);
		buf_reset(&plain);
		if (cms_seal(TEXT, ra.cert, legacy, suite, &der, &e) != 0 ||
		    cms_open(buf_bytes(&der), &us, 1, legacy, &plain, &got,
		    &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_true(bytes_eq(buf_bytes(&plain), TEXT));
		assert_int_equal(got.cipher, ALG_DES_CBC);
		assert_int_equal(got.transport, suite.transport);
		assert_int_equal(cms_open(buf_bytes(&der), &us, 1, algs,
		    &plain, &got, &e), -1);
		assert_err(&e, ERR_CIPHER, "DES-CBC", "not legacy");
		err_clear(&e);
	}
	buf_wipe(&plain);
	buf_wipe(&der);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_serial),
		cmocka_unit_test(test_wrong_content_key),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_des),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
