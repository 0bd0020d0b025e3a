#include "pki_tool.h"

#include <openssl/encoder.h>

#include "pki/key.h"

/* One key, and files that hold it. */
static struct key	*rsa;
static struct buf	 pem = BUF_INIT(16384);

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	rsa = tool_key("rsa:2048");
	return key_pem(rsa, &pem, &e);
}

static int
teardown(void **state)
{
	(void)state;
	key_free(rsa);
	buf_wipe(&pem);
	tool_clean();
	return 0;
}

/* The key in another form, encrypted if there is a passphrase. */
static void
encode(const char *format, const char *structure, const char *pass,
    struct buf *out)
{
	OSSL_ENCODER_CTX	*ctx;
	unsigned char		*p = NULL;
	size_t			 n = 0;

	ctx = OSSL_ENCODER_CTX_new_for_pkey(key_pkey(rsa), EVP_PKEY_KEYPAIR,
	    format, structure, NULL);
	assert_non_null(ctx);
	if (pass != NULL) {
		assert_int_equal(OSSL_ENCODER_CTX_set_cipher(ctx,
		    "AES-256-CBC", NULL), 1);
		assert_int_equal(OSSL_ENCODER_CTX_set_passphrase(ctx,
		    (const unsigned char *)pass, strlen(pass)), 1);
	}
	assert_int_equal(OSSL_ENCODER_to_data(ctx, &p, &n), 1);
	assert_int_equal(buf_put(out, p, n), 0);
	OPENSSL_free(p);
	OSSL_ENCODER_CTX_free(ctx);
}

static void
test_generate(void **state)
{
	static const struct {
		const char	*spec;
		enum key_type	 type;
		int		 bits;
	} rows[] = {
		{ "rsa:2048", KEY_RSA, 2048 },
		{ "ec:p256", KEY_EC, 256 },
		{ "ec:p384", KEY_EC, 384 },
	};
	static const char *const bad[] = {
		"", "rsa", "rsa:1024", "rsa:16384", "RSA:2048", "ec:p521",
		"ed25519", "rsa:2048 "
	};
	struct err	 e = ERR_INIT;
	struct key	*k;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		k = tool_key(rows[i].spec);
		assert_int_equal(key_type(k), rows[i].type);
		assert_int_equal(key_bits(k), rows[i].bits);
		assert_true(key_spki(k).n > 64);
		key_free(k);
	}
	for (size_t i = 0; i < N(bad); i++) {
		k = rsa;
		err_clear(&e);
		assert_int_equal(key_generate(bad[i], &k, &e), -1);
		assert_ptr_equal(k, rsa);
		assert_err(&e, ERR_ARGUMENT, "rsa:2048", bad[i]);
	}
	key_free(NULL);
}

static void
test_forms(void **state)
{
	static const struct {
		const char	*format;
		const char	*structure;
		const char	*pass;
	} rows[] = {
		{ "PEM", "PrivateKeyInfo", NULL },
		{ "DER", "PrivateKeyInfo", NULL },
		{ "PEM", "type-specific", NULL },
		{ "DER", "type-specific", NULL },
		{ "PEM", "EncryptedPrivateKeyInfo", "open sesame" },
		{ "DER", "EncryptedPrivateKeyInfo", "open sesame" },
		{ "PEM", "type-specific", "open sesame" },
	};
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 file = BUF_INIT(16384);
		struct key	*k = NULL;

		encode(rows[i].format, rows[i].structure, rows[i].pass, &file);
		if (key_parse(buf_bytes(&file), bytes_str(rows[i].pass), &k,
		    &e) != 0)
			fail_msg("%zu: %s", i, err_text(&e));
		assert_true(bytes_eq(key_spki(k), key_spki(rsa)));
		key_free(k);
		buf_wipe(&file);
	}
}

/* A key behind a certificate, as one file may hold them. */
static void
test_behind_cert(void **state)
{
	struct cert	*c = tool_cert(&(struct order){ .name = "x",
	    .key = rsa });
	struct buf	 file = BUF_INIT(16384);
	struct err	 e = ERR_INIT;
	struct key	*k = NULL, *again;

	(void)state;
	assert_int_equal(cert_pem(c, &file, &e), 0);
	assert_int_equal(key_parse(buf_bytes(&file), bytes_str(NULL), &k, &e),
	    -1);
	assert_int_equal(e.reason, ERR_KEY_FILE);
	err_clear(&e);
	encode("PEM", "EncryptedPrivateKeyInfo", "open sesame", &file);
	if (key_parse(buf_bytes(&file), bytes_str("open sesame"), &k, &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_true(bytes_eq(key_spki(k), key_spki(rsa)));
	assert_int_equal(key_get1(k, &again, &e), 0);
	key_free(k);
	assert_true(key_matches(again, c));
	key_free(again);
	cert_free(c);
	buf_wipe(&file);
}

static void
test_refused(void **state)
{
	struct buf	 locked = BUF_INIT(16384), old = BUF_INIT(16384);
	struct buf	 pub = BUF_INIT(16384);
	struct err	 e = ERR_INIT;

	(void)state;
	encode("PEM", "EncryptedPrivateKeyInfo", "open sesame", &locked);
	encode("PEM", "type-specific", "open sesame", &old);
	assert_int_equal(buf_put(&pub, key_spki(rsa).p, key_spki(rsa).n), 0);
	const struct {
		const char	*name;
		struct bytes	 file;
		const char	*pass;
		enum err_reason	 want;
	} rows[] = {
		{ "empty", { NULL, 0 }, "", ERR_KEY_FILE },
		{ "text", bytes_str("no key"), "", ERR_KEY_FILE },
		{ "armour", bytes_str("-----BEGIN PRIVATE KEY-----\n"
		    "-----END PRIVATE KEY-----\n"), "", ERR_KEY_FILE },
		{ "public", buf_bytes(&pub), "", ERR_KEY_FILE },
		{ "truncated", { pem.p, pem.n / 2 }, "", ERR_KEY_FILE },
		{ "no passphrase", buf_bytes(&locked), "", ERR_PASSPHRASE },
		{ "wrong", buf_bytes(&locked), "open", ERR_PASSPHRASE },
		{ "old, none", buf_bytes(&old), "", ERR_PASSPHRASE },
		{ "old, wrong", buf_bytes(&old), "sesame", ERR_PASSPHRASE },
	};
	for (size_t i = 0; i < N(rows); i++) {
		struct key	*k = rsa;

		err_clear(&e);
		assert_int_equal(key_parse(rows[i].file,
		    bytes_str(rows[i].pass), &k, &e), -1);
		assert_err(&e, rows[i].want, NULL, rows[i].name);
		assert_ptr_equal(k, rsa);
		assert_null(strstr(e.text, "sesame"));
	}
	buf_wipe(&locked);
	buf_wipe(&old);
	buf_wipe(&pub);
}

static void
test_files(void **state)
{
	struct buf	 locked = BUF_INIT(16384);
	const char	*plain, *crypt, *pass, *wrong, *open;
	struct err	 e = ERR_INIT;
	struct key	*k = NULL;

	(void)state;
	encode("PEM", "EncryptedPrivateKeyInfo", "open sesame", &locked);
	plain = tool_file("plain.key", buf_bytes(&pem), 0600);
	open = tool_file("open.key", buf_bytes(&pem), 0644);
	crypt = tool_file("crypt.key", buf_bytes(&locked), 0640);
	pass = tool_file("pass", bytes_str("open sesame\nmore\n"), 0600);
	wrong = tool_file("wrong", bytes_str("open\n"), 0600);
	assert_int_equal(key_load(plain, "", &k, &e), 0);
	key_free(k);
	assert_int_equal(key_load(crypt, pass, &k, &e), 0);
	key_free(k);
	assert_int_equal(key_load(plain, NULL, &k, &e), 0);
	const struct {
		const char	*file, *pass;
		enum err_reason	 want;
		const char	*text;
	} rows[] = {
		{ open, "", ERR_FILE_MODE, "open.key: mode 0644" },
		{ tool_path("none"), "", ERR_FILE, "none: cannot open" },
		{ crypt, "", ERR_PASSPHRASE, "crypt.key: the key is" },
		{ crypt, wrong, ERR_PASSPHRASE, "crypt.key: the pass" },
		{ crypt, tool_path("none"), ERR_FILE, "none: cannot" },
		{ pass, "", ERR_KEY_FILE, "pass: no private key" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		struct key	*out = k;

		err_clear(&e);
		assert_int_equal(key_load(rows[i].file, rows[i].pass, &out,
		    &e), -1);
		assert_err(&e, rows[i].want, rows[i].text, rows[i].file);
		assert_ptr_equal(out, k);
	}
	key_free(k);
	buf_wipe(&locked);
}

static void
test_matches(void **state)
{
	struct who	 ec;
	struct cert	*c;

	(void)state;
	who_make(&ec, &(struct order){ .name = "ec", .spec = "ec:p256" });
	c = tool_cert(&(struct order){ .name = "rsa", .key = rsa });
	assert_true(key_matches(rsa, c));
	assert_true(key_matches(ec.key, ec.cert));
	assert_false(key_matches(rsa, ec.cert));
	assert_false(key_matches(ec.key, c));
	assert_true(bytes_eq(key_spki(rsa), c->key.spki));
	cert_free(c);
	who_free(&ec);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_behind_cert),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
