#include "pki_tool.h"

#include "pki/cert.h"
#include "util/str.h"

static struct who	 ca, leaf;

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "/C=DE/O=Example/CN=ca",
	    .spec = "ec:p384", .ca = true, .ku = KU_CA });
	who_make(&leaf, &(struct order){ .name = "/CN=\xc3\xa4, b",
	    .spec = "ec:p256", .issuer = &ca, .ku = KU_RA });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	who_free(&leaf);
	tool_clean();
	return 0;
}

static void
test_facts(void **state)
{
	const struct cert	*c = leaf.cert;
	uint8_t			 hash[PKI_HASH];

	(void)state;
	assert_string_equal(c->subject_text, "CN=\xc3\xa4\\, b");
	assert_string_equal(ca.cert->subject_text, "CN=ca,O=Example,C=DE");
	assert_true(bytes_eq(c->issuer, ca.cert->subject));
	assert_int_equal(c->serial.n, SERIAL_LEN);
	assert_int_equal(c->not_before, NOW - DAY);
	assert_int_equal(c->not_after, NOW + 365 * DAY);
	assert_int_equal(c->key.type, KEY_EC);
	assert_int_equal(c->key.bits, 256);
	assert_true(bytes_eq(c->key.spki, key_spki(leaf.key)));
	assert_int_equal(EVP_Digest(c->key.spki.p, c->key.spki.n, hash, NULL,
	    EVP_sha256(), NULL), 1);
	assert_memory_equal(hash, c->key.spki_hash, PKI_HASH);
	assert_true(c->has_ku && c->ku == KU_RA);
	assert_false(c->is_ca || c->self_issued);
	assert_true(ca.cert->is_ca && ca.cert->self_issued);
	assert_int_equal(ca.cert->ku, KU_CA);
	assert_string_equal(key_type_name(KEY_RSA), "rsa");
	assert_string_equal(key_type_name(KEY_OTHER), "other");
	cert_free(NULL);
}

static void
test_exts(void **state)
{
	struct cert_ext	 ext[CERT_EXTS_MAX];
	size_t		 n = cert_exts(ca.cert, ext, CERT_EXTS_MAX);
	bool		 critical = false;

	(void)state;
	assert_true(n >= 3 && n < CERT_EXTS_MAX);
	for (size_t i = 0; i < n; i++)
		if (strcmp(ext[i].oid, "2.5.29.19") == 0) {
			assert_string_equal(ext[i].name, "basicConstraints");
			critical = ext[i].critical;
		}
	assert_true(critical);
	assert_int_equal(cert_exts(ca.cert, ext, 1), 1);
}

/* The leaf with another serial number, given by its content octets. */
static struct cert *
with_serial(struct bytes serial)
{
	X509			*x = X509_dup(leaf.cert->x);
	struct buf		 tlv = BUF_INIT(128);
	unsigned char		*der = NULL;
	struct err		 e = ERR_INIT;
	struct cert		*c = NULL;
	const unsigned char	*p;
	ASN1_INTEGER		*ai;
	int			 n;

	assert_int_equal(der_put(&tlv, 0x02, serial), 0);
	p = tlv.p;
	assert_non_null(ai = d2i_ASN1_INTEGER(NULL, &p, (long)tlv.n));
	assert_int_equal(X509_set_serialNumber(x, ai), 1);
	/* Else libcrypto writes the encoding that it remembers. */
	assert_true(i2d_re_X509_tbs(x, &der) > 0);
	OPENSSL_free(der);
	der = NULL;
	assert_true((n = i2d_X509(x, &der)) > 0);
	if (cert_parse(bytes_make(der, (size_t)n), &c, &e) != 0)
		fail_msg("%s", err_text(&e));
	ASN1_INTEGER_free(ai);
	OPENSSL_free(der);
	X509_free(x);
	buf_wipe(&tlv);
	return c;
}

/* Devices have serials with a sign bit, and longer ones than RFC 5280's. */
static void
test_odd_serials(void **state)
{
	static const char *const rows[] = {
		"00", "01", "80", "ff", "0080",
		"00ff2233445566778899aabbccddeeff00112233445566778899aabb"
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert	*c = with_serial(tool_hex(rows[i]));

		if (!bytes_eq(c->serial, tool_hex(rows[i])))
			fail_msg("%s", rows[i]);
		cert_free(c);
	}
}

static void
test_parse_refused(void **state)
{
	struct buf	 tail = BUF_INIT(CERT_MAX_DER);
	uint8_t		*big = calloc(1, CERT_MAX_DER + 1);
	struct bytes	 der = leaf.cert->der;
	struct err	 e = ERR_INIT;
	struct cert	*c = leaf.cert;

	(void)state;
	assert_int_equal(buf_put(&tail, der.p, der.n), 0);
	assert_int_equal(buf_putc(&tail, 0), 0);
	const struct {
		const char	*name;
		struct bytes	 in;
		const char	*text;
	} rows[] = {
		{ "empty", { NULL, 0 }, "of 0 bytes" },
		{ "big", { big, CERT_MAX_DER + 1 }, "of 65537 bytes" },
		{ "trailing", buf_bytes(&tail), "bytes after" },
		{ "text", bytes_str("hello"), "not a certificate" },
		{ "key", key_spki(leaf.key), "not a certificate" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		assert_int_equal(cert_parse(rows[i].in, &c, &e), -1);
		assert_err(&e, ERR_CERT_FILE, rows[i].text, rows[i].name);
		assert_ptr_equal(c, leaf.cert);
	}
	for (size_t n = 0; n < der.n; n++) {
		err_clear(&e);
		assert_int_equal(cert_parse(bytes_make(der.p, n), &c, &e), -1);
		assert_int_equal(e.reason, ERR_CERT_FILE);
	}
	assert_ptr_equal(c, leaf.cert);
	buf_wipe(&tail);
	free(big);
}

static void
test_fingerprint(void **state)
{
	static const struct { const char *name; size_t digits; } rows[] = {
		{ "SHA256", 64 }, { "SHA1", 40 }, { "MD5", 32 }
	};
	char		 out[CERT_FP_MAX], want[CERT_FP_MAX];
	unsigned char	 md[EVP_MAX_MD_SIZE];
	struct err	 e = ERR_INIT;
	size_t		 n;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(cert_fingerprint(ca.cert, rows[i].name, out,
		    &e), 0);
		assert_int_equal(EVP_Q_digest(NULL, rows[i].name, NULL,
		    ca.cert->der.p, ca.cert->der.n, md, &n), 1);
		str_hex(bytes_make(md, n), want);
		assert_string_equal(out, want);
		assert_int_equal(strlen(out), rows[i].digits);
	}
	assert_int_equal(cert_fingerprint(ca.cert, "SHA512", out, &e), -1);
	assert_string_equal(out, want);
	assert_int_equal(e.reason, ERR_CRYPTO);
}

/* A PEM text of n copies, between words and a key that are passed over. */
static void
put_pem(struct buf *out, size_t n)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(buf_puts(out, "Bag Attributes\n"), 0);
	assert_int_equal(key_pem(leaf.key, out, &e), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(cert_pem(i == 0 ? leaf.cert : ca.cert, out,
		    &e), 0);
	assert_int_equal(buf_puts(out, "\nthe end\n"), 0);
}

static void
test_lists(void **state)
{
	struct buf	 pem = BUF_INIT(1 << 20);
	struct certs	 cs = { .n = 0 };
	struct err	 e = ERR_INIT;

	(void)state;
	put_pem(&pem, CERTS_MAX);
	assert_int_equal(certs_parse(buf_bytes(&pem), &cs, &e), 0);
	assert_int_equal(cs.n, CERTS_MAX);
	assert_true(bytes_eq(cs.v[0]->der, leaf.cert->der));
	assert_true(bytes_eq(cs.v[1]->der, ca.cert->der));
	/* Full: nothing is taken, nothing is lost. */
	assert_int_equal(certs_take(&cs, leaf.cert), -1);
	assert_int_equal(cs.n, CERTS_MAX);
	certs_free(&cs);
	assert_null(cs.v);
	assert_int_equal(cs.n, 0);
	assert_int_equal(certs_parse(ca.cert->der, &cs, &e), 0);
	assert_int_equal(cs.n, 1);
	certs_free(&cs);
	buf_wipe(&pem);
}

static void
test_lists_refused(void **state)
{
	struct buf	 many = BUF_INIT(1 << 20), none = BUF_INIT(65536);
	struct certs	 cs = { .v = &leaf.cert, .n = 77 };
	struct err	 e = ERR_INIT;

	(void)state;
	put_pem(&many, CERTS_MAX + 1);
	put_pem(&none, 0);
	const struct {
		const char	*name;
		struct bytes	 in;
		const char	*text;
	} rows[] = {
		{ "empty", { NULL, 0 }, "of 0 bytes" },
		{ "many", buf_bytes(&many), "more than 16" },
		{ "none", buf_bytes(&none), "no certificate in the PEM" },
		{ "garbage", bytes_str("-----BEGIN CERTIFICATE-----\nMAAA\n"
		    "-----END CERTIFICATE-----\n"), "not a certificate" },
		{ "no base64", bytes_str("-----BEGIN CERTIFICATE-----\n%%%%\n"
		    "-----END CERTIFICATE-----\n"), "is broken" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		assert_int_equal(certs_parse(rows[i].in, &cs, &e), -1);
		assert_err(&e, ERR_CERT_FILE, rows[i].text, rows[i].name);
		assert_ptr_equal(cs.v, &leaf.cert);
		assert_int_equal(cs.n, 77);
	}
	buf_wipe(&many);
	buf_wipe(&none);
}

/* What is cut or broken takes nothing else with it. */
static void
test_salvage(void **state)
{
	static const struct {
		const char	*before, *between, *after;
	} rows[] = {
		{ "", "", "" },
		{ "issued: ", "noise", "\n-----BEGIN" },
		{ "-----BEGIN CERTIFICATE-----\nMIIB\n", "", "" },
		{ "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERT\n",
		    "-----BEGIN CERTIFICATE-----\n", "-----BEGIN X" },
		{ "-----BEGIN PKCS7-----\n", "-----BEGIN ", "" },
	};
	struct buf	 one = BUF_INIT(65536), all = BUF_INIT(1 << 20);
	struct certs	 cs;

	(void)state;
	put_pem(&one, 1);
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&all);
		assert_int_equal(buf_printf(&all, "%s%s%s%s%s", rows[i].before,
		    buf_cstr(&one), rows[i].between, buf_cstr(&one),
		    rows[i].after), 0);
		certs_salvage(buf_bytes(&all), &cs);
		if (cs.n != 2)
			fail_msg("row %zu: %zu certificates", i, cs.n);
		certs_free(&cs);
		/* Cut before its last line, the second is lost. */
		all.n -= strlen(rows[i].after) + strlen("----\n\nthe end\n");
		certs_salvage(buf_bytes(&all), &cs);
		assert_int_equal(cs.n, 1);
		certs_free(&cs);
	}
	buf_reset(&all);
	put_pem(&all, CERTS_MAX + 1);
	certs_salvage(buf_bytes(&all), &cs);
	assert_int_equal(cs.n, CERTS_MAX + 1);
	certs_free(&cs);
	buf_reset(&all);
	assert_int_equal(buf_put(&all, leaf.cert->der.p, leaf.cert->der.n), 0);
	assert_int_equal(buf_puts(&all, "more"), 0);
	certs_salvage(buf_bytes(&all), &cs);
	assert_int_equal(cs.n, 1);
	assert_true(bytes_eq(cs.v[0]->der, leaf.cert->der));
	certs_free(&cs);
	certs_salvage(bytes_make(NULL, 0), &cs);
	assert_int_equal(cs.n, 0);
	buf_wipe(&one);
	buf_wipe(&all);
}

static void
test_files(void **state)
{
	struct buf	 pem = BUF_INIT(65536);
	struct certs	 cs = { .n = 0 };
	struct cert	*c = NULL;
	struct err	 e = ERR_INIT;
	const char	*one, *two;

	(void)state;
	one = tool_file("one.der", ca.cert->der, 0644);
	put_pem(&pem, 2);
	two = tool_file("two.pem", buf_bytes(&pem), 0644);
	assert_int_equal(cert_load(one, &c, &e), 0);
	assert_true(bytes_eq(c->der, ca.cert->der));
	assert_int_equal(certs_load(two, &cs, &e), 0);
	assert_int_equal(cs.n, 2);
	certs_free(&cs);
	const struct {
		const char	*file;
		enum err_reason	 want;
		const char	*text;
	} rows[] = {
		{ two, ERR_CERT_FILE, "two.pem: holds 2 certificates" },
		{ tool_path("no.pem"), ERR_FILE, "no.pem: cannot open" },
		{ tool_file("x.pem", bytes_str("x"), 0644), ERR_CERT_FILE,
		    "x.pem: not a certificate" },
		{ tool_folder(), ERR_FILE, "name a file, not a folder" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		struct cert	*out = c;

		err_clear(&e);
		assert_int_equal(cert_load(rows[i].file, &out, &e), -1);
		assert_err(&e, rows[i].want, rows[i].text, rows[i].file);
		assert_ptr_equal(out, c);
	}
	cert_free(c);
	buf_wipe(&pem);
}

static void
test_hex(void **state)
{
	uint8_t	 longer[PKI_SERIAL_MAX + 1];
	char	 out[CERT_HEX_MAX];

	(void)state;
	cert_hex(bytes_make("\0\xab\x10", 3), out);
	assert_string_equal(out, "00ab10");
	cert_hex(bytes_make(NULL, 0), out);
	assert_string_equal(out, "");
	memset(longer, 0x7f, sizeof(longer));
	cert_hex(bytes_make(longer, sizeof(longer)), out);
	assert_int_equal(strlen(out), 2 * PKI_SERIAL_MAX);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_exts),
		cmocka_unit_test(test_odd_serials),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_lists_refused),
		cmocka_unit_test(test_salvage),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
