#include "cms_craft.h"

#include "scep/client.h"

static struct who	 ra, client, ec, weak;
static struct algs	*algs;
static uint8_t		 digits257[257];

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&client, &(struct order){ .name = "client",
	    .spec = "rsa:2048" });
	who_make(&ec, &(struct order){ .name = "ec", .spec = "ec:p256" });
	if (key_from_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1023),
	    &weak.key, &e) != 0)
		return -1;
	weak.cert = tool_cert(&(struct order){ .name = "weak",
	    .key = weak.key });
	memset(digits257, '7', sizeof(digits257));
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ra);
	who_free(&client);
	who_free(&ec);
	who_free(&weak);
	algs_free(algs);
	return 0;
}

#define S(s)		{ (const uint8_t *)(s), sizeof(s) - 1 }
#define TYPE		{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, S("19") }
#define TXID		{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE, S("t") }
#define NONCE		{ OID_SCEP_SENDER_NONCE, CMS_OCTETS, \
			    S("0123456789abcdef") }
#define PLAIN		{ TYPE, TXID, NONCE }

static const struct cms_put plain[] = PLAIN;

static void
test_attributes(void **state)
{
	static const struct {
		const char	*name;
		struct cms_put	 p[3];
		int		 type;
		size_t		 n_txid, n_nonce;
	} rows[] = {
		{ "plain", PLAIN, 19, 1, 16 },
		{ "CertPoll", { { OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE,
		    S("20") }, TXID, NONCE }, 20, 1, 16 },
		{ "unknown type", { { OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE,
		    S("999") }, TXID, NONCE }, 999, 1, 16 },
		{ "UTF8String", { { OID_SCEP_MESSAGE_TYPE, CMS_UTF8,
		    S("19") }, { OID_SCEP_TRANSACTION_ID, CMS_UTF8,
		    S("+/= _@") }, NONCE }, 19, 6, 16 },
		{ "77 digits", { TYPE, { OID_SCEP_TRANSACTION_ID,
		    CMS_PRINTABLE, { digits257, 77 } }, NONCE },
		    19, 77, 16 },
		{ "256 digits", { TYPE, { OID_SCEP_TRANSACTION_ID,
		    CMS_PRINTABLE, { digits257, 256 } }, NONCE },
		    19, 256, 16 },
		{ "nonce of 1", { TYPE, TXID, { OID_SCEP_SENDER_NONCE,
		    CMS_OCTETS, S("\0") } }, 19, 1, 1 },
		{ "nonce of 64", { TYPE, TXID, { OID_SCEP_SENDER_NONCE,
		    CMS_OCTETS, { digits257, 64 } } }, 19, 1, 64 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 out = BUF_INIT(CMS_MAX_DER);
		struct err	 e = ERR_INIT;
		struct scep_msg	 m;

		sign_craft(&(struct sign_craft){ .by = &client,
		    .puts = rows[i].p, .n_puts = 3, .content = LIT("x"),
		    .flags = i % 2 ? CMS_STREAM : 0 }, &out);
		memset(&m, 0x55, sizeof(m));
		if (scep_decode(buf_bytes(&out), algs, &m, &e) != 0)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		assert_true(m.identified);
		assert_int_equal(m.type, rows[i].type);
		assert_true(bytes_eq(bytes_str(m.txid), rows[i].p[1].value));
		assert_int_equal(strlen(m.txid), rows[i].n_txid);
		assert_int_equal(m.n_nonce, rows[i].n_nonce);
		assert_memory_equal(m.nonce, rows[i].p[2].value.p, m.n_nonce);
		scep_msg_clear(&m);
		buf_wipe(&out);
	}
}

/* What a refused message was known to be: decides how it is answered. */
struct known {
	bool	 identified;
	int	 type;
	size_t	 n_nonce;
};

static void
assert_refused(struct bytes der, enum err_reason want,
    const struct known *k, const char *row)
{
	struct err	 e = ERR_INIT;
	struct scep_msg	 m;

	memset(&m, 0x55, sizeof(m));
	if (scep_decode(der, algs, &m, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, want, NULL, row);
	if (m.identified != k->identified || m.type != k->type ||
	    m.n_nonce != k->n_nonce)
		fail_msg("%s: identified %d, type %d, nonce of %zu", row,
		    m.identified, m.type, m.n_nonce);
	scep_msg_clear(&m);
}

static const struct known nothing = { false, -1, 0 };
static const struct known all = { true, 19, 16 };
static const struct known no_type = { true, -1, 16 };
static const struct known no_nonce = { true, 19, 0 };

/* One attribute is wrong, or has two values. */
static const struct {
	const char		*name;
	struct cms_put		 p[3];
	const char		*twice;
	enum err_reason		 want;
	const struct known	*known;
} spoiled[] = {
	{ "no txid", { TYPE, NONCE }, NULL, ERR_NO_TXID, &nothing },
	{ "empty txid", { TYPE, NONCE, { OID_SCEP_TRANSACTION_ID,
	    CMS_PRINTABLE, S("") } }, NULL, ERR_NO_TXID, &nothing },
	{ "long txid", { TYPE, NONCE, { OID_SCEP_TRANSACTION_ID,
	    CMS_PRINTABLE, { digits257, 257 } } }, NULL, ERR_NO_TXID,
	    &nothing },
	{ "txid of octets", { TYPE, NONCE, { OID_SCEP_TRANSACTION_ID,
	    CMS_OCTETS, S("t") } }, NULL, ERR_NO_TXID, &nothing },
	{ "txid with newline", { TYPE, NONCE, {
	    OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE, S("a\nb") } },
	    NULL, ERR_NO_TXID, &nothing },
	{ "txid with NUL", { TYPE, NONCE, { OID_SCEP_TRANSACTION_ID,
	    CMS_UTF8, S("a\0b") } }, NULL, ERR_NO_TXID, &nothing },
	{ "txid not ASCII", { TYPE, NONCE, { OID_SCEP_TRANSACTION_ID,
	    CMS_UTF8, S("\xc3\xa4") } }, NULL, ERR_NO_TXID, &nothing },
	{ "two txids", PLAIN, OID_SCEP_TRANSACTION_ID, ERR_NO_TXID,
	    &nothing },
	{ "no nonce", { TYPE, TXID }, NULL, ERR_ATTRIBUTE, &no_nonce },
	{ "empty nonce", { TYPE, TXID, { OID_SCEP_SENDER_NONCE,
	    CMS_OCTETS, S("") } }, NULL, ERR_ATTRIBUTE, &no_nonce },
	{ "long nonce", { TYPE, TXID, { OID_SCEP_SENDER_NONCE,
	    CMS_OCTETS, { digits257, 65 } } }, NULL,
	    ERR_ATTRIBUTE, &no_nonce },
	{ "nonce of text", { TYPE, TXID, { OID_SCEP_SENDER_NONCE,
	    CMS_PRINTABLE, S("abc") } }, NULL, ERR_ATTRIBUTE,
	    &no_nonce },
	{ "two nonces", PLAIN, OID_SCEP_SENDER_NONCE, ERR_ATTRIBUTE,
	    &no_nonce },
	{ "no type", { NONCE, TXID }, NULL, ERR_ATTRIBUTE, &no_type },
	{ "type of letters", { NONCE, TXID, { OID_SCEP_MESSAGE_TYPE,
	    CMS_PRINTABLE, S("1a") } }, NULL, ERR_ATTRIBUTE,
	    &no_type },
	{ "negative type", { NONCE, TXID, { OID_SCEP_MESSAGE_TYPE,
	    CMS_PRINTABLE, S("-1") } }, NULL, ERR_ATTRIBUTE,
	    &no_type },
	{ "long type", { NONCE, TXID, { OID_SCEP_MESSAGE_TYPE,
	    CMS_PRINTABLE, S("0019") } }, NULL, ERR_ATTRIBUTE,
	    &no_type },
	{ "type of octets", { NONCE, TXID, { OID_SCEP_MESSAGE_TYPE,
	    CMS_OCTETS, S("19") } }, NULL, ERR_ATTRIBUTE, &no_type },
	{ "two types", PLAIN, OID_SCEP_MESSAGE_TYPE, ERR_ATTRIBUTE,
	    &no_type },
};

static void
test_attributes_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(spoiled); i++) {
		const struct cms_put	*p = spoiled[i].p;
		struct buf		 out = BUF_INIT(CMS_MAX_DER);

		sign_craft(&(struct sign_craft){ .by = &client, .puts = p,
		    .n_puts = p[2].oid == NULL ? 2 : 3, .content = LIT("x"),
		    .twice = spoiled[i].twice }, &out);
		assert_refused(buf_bytes(&out), spoiled[i].want,
		    spoiled[i].known, spoiled[i].name);
		buf_wipe(&out);
	}
}

#define OID_DER(last)	"\x06\x0a\x60\x86\x48\x01\x86\xf8\x45\x01\x09" last

/* The same attribute twice in the set. */
static void
test_doubled(void **state)
{
	const struct cms_put	 puts4[] = { TYPE, TXID, NONCE,
	    { "2.16.840.1.113733.1.9.99", CMS_PRINTABLE, S("u") } };
	struct buf		 out = BUF_INIT(CMS_MAX_DER);

	(void)state;
	sign_craft(&(struct sign_craft){ .by = &client, .puts = puts4,
	    .n_puts = 4, .content = LIT("x") }, &out);
	tool_patch(&out, LIT(OID_DER("\x63")), LIT(OID_DER("\x07")));
	assert_refused(buf_bytes(&out), ERR_NO_TXID, &nothing, "two txids");
	buf_wipe(&out);
}

static void
test_messages_refused(void **state)
{
	const struct {
		const char		*name;
		struct sign_craft	 c;
		enum err_reason		 want;
		const struct known	*known;
	} rows[] = {
		{ "weak signer", { .by = &weak }, ERR_SIGNER_KEY, &all },
		{ "MD5", { .by = &client, .md = EVP_md5() }, ERR_DIGEST,
		    &all },
		{ "SHA-224", { .by = &client, .md = EVP_sha224() },
		    ERR_DIGEST, &all },
		{ "content type", { .by = &client,
		    .type = NID_pkcs7_enveloped }, ERR_CONTENT_TYPE, &all },
		{ "no certificate", { .by = &client, .flags = CMS_NOCERTS },
		    ERR_NO_SIGNER_CERT, &all },
		{ "two signers", { .by = &client, .also = &ra }, ERR_SIGNERS,
		    &nothing },
		{ "no attributes", { .by = &client, .flags = CMS_NOATTR },
		    ERR_NO_ATTRIBUTES, &nothing },
	};
	struct buf	 out = BUF_INIT(CMS_MAX_DER);

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct sign_craft	 c = rows[i].c;

		c.puts = plain;
		c.n_puts = c.flags == CMS_NOATTR ? 0 : N(plain);
		c.content = LIT("x");
		buf_reset(&out);
		sign_craft(&c, &out);
		assert_refused(buf_bytes(&out), rows[i].want, rows[i].known,
		    rows[i].name);
	}
	buf_reset(&out);
	sign_craft(&(struct sign_craft){ .by = &client, .puts = plain,
	    .n_puts = N(plain), .content = LIT("content!") }, &out);
	tool_patch(&out, LIT("content!"), LIT("Content!"));
	assert_refused(buf_bytes(&out), ERR_SIGNATURE, &all, "tampered");
	assert_int_equal(buf_putc(&out, 0), 0);
	assert_refused(buf_bytes(&out), ERR_TRAILING, &nothing, "trailing");
	assert_refused(bytes_make(NULL, 0), ERR_NOT_CMS, &nothing, "empty");
	buf_wipe(&out);
}

static void
test_type_names(void **state)
{
	(void)state;
	assert_string_equal(scep_type_name(19), "PKCSReq");
	assert_string_equal(scep_type_name(17), "RenewalReq");
	assert_string_equal(scep_type_name(3), "CertRep");
	assert_string_equal(scep_type_name(-1), "unknown");
	assert_string_equal(scep_type_name(190), "unknown");
}

/* Signs content as a PKCSReq's, decodes that, unwraps it. */
static int
unwrap(struct bytes content, unsigned flags, struct csr **csr,
    struct cms_suite *suite, struct err *e)
{
	const struct cms_recipient	 us = { ra.key, ra.cert };
	struct buf			 out = BUF_INIT(CMS_MAX_DER);
	struct scep_msg			 m;
	int				 rc;

	sign_craft(&(struct sign_craft){ .by = &client, .puts = plain,
	    .n_puts = N(plain), .content = content, .flags = flags }, &out);
	if (scep_decode(buf_bytes(&out), algs, &m, e) != 0)
		fail_msg("%s", err_text(e));
	rc = scep_unwrap(&m, &us, 1, algs, csr, suite, e);
	scep_msg_clear(&m);
	buf_wipe(&out);
	return rc;
}

static void
test_unwrap(void **state)
{
	struct csr	*sent = tool_csr(client.key, "/CN=x", "DNS:a", "pw");
	struct csr	*got = NULL;
	struct buf	 env = BUF_INIT(CMS_MAX_DER);
	struct cms_suite suite;
	struct err	 e = ERR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		buf_reset(&env);
		seal_craft(sent->der, ra.cert, EVP_aes_256_cbc(), i == 1,
		    &env);
		if (unwrap(buf_bytes(&env), i == 1 ? CMS_STREAM : 0, &got,
		    &suite, &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_true(bytes_eq(got->der, sent->der));
		assert_int_equal(suite.cipher, ALG_AES256_CBC);
		assert_int_equal(suite.transport, ALG_RSA_PKCS1);
		csr_free(got);
	}
	csr_free(sent);
	buf_wipe(&env);
}

static void
assert_sealed_refused(struct bytes content, const struct cert *to,
    enum err_reason want, const char *row)
{
	struct csr	*was = (struct csr *)(uintptr_t)&ra, *got = was;
	struct cms_suite suite = { ALG_MD5, ALG_MD5, 0 };
	struct buf	 env = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;

	if (to != NULL)
		seal_craft(content, to, EVP_aes_128_cbc(), false, &env);
	else
		assert_int_equal(buf_put(&env, content.p, content.n), 0);
	if (unwrap(buf_bytes(&env), 0, &got, &suite, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, want, NULL, row);
	assert_ptr_equal(got, was);
	/* Whom it was for is known if it was for us. */
	if (to != NULL && want == ERR_RECIPIENT)
		assert_int_equal(suite.cipher, ALG_MD5);
	/* One text for all that does not open: no oracle. */
	if (want == ERR_INTEGRITY)
		assert_string_equal(e.text, "pkcsPKIEnvelope");
	buf_wipe(&env);
}

static void
test_unwrap_refused(void **state)
{
	struct csr	*ok = tool_csr(client.key, "/CN=x", "DNS:abc", "pw");
	struct buf	 tail = BUF_INIT(CSR_MAX_DER), bad = tail;
	uint8_t		*big = calloc(1, CSR_MAX_DER + 1);
	struct csr	*got = NULL;
	struct cms_suite suite;
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(buf_put(&tail, ok->der.p, ok->der.n), 0);
	assert_int_equal(buf_put(&bad, ok->der.p, ok->der.n), 0);
	assert_int_equal(buf_putc(&tail, 0), 0);
	tool_patch(&bad, LIT("\x82\x03" "abc"), LIT("\x82\x03" "a\0c"));
	assert_sealed_refused(buf_bytes(&tail), ra.cert, ERR_INTEGRITY, "tail");
	assert_sealed_refused(LIT("noise"), ra.cert, ERR_INTEGRITY, "noise");
	assert_sealed_refused(LIT(""), ra.cert, ERR_INTEGRITY, "nothing");
	assert_sealed_refused(bytes_make(big, CSR_MAX_DER + 1), ra.cert,
	    ERR_INTEGRITY, "big");
	assert_sealed_refused(buf_bytes(&bad), ra.cert, ERR_CSR, "bad SAN");
	assert_sealed_refused(ok->der, client.cert, ERR_RECIPIENT, "other");
	assert_sealed_refused(ok->der, NULL, ERR_NOT_ENVELOPED, "bare");
	assert_sealed_refused(LIT(""), NULL, ERR_NOT_ENVELOPED, "empty");
	assert_int_equal(unwrap(LIT(""), CMS_DETACHED, &got, &suite, &e), -1);
	assert_err(&e, ERR_NOT_ENVELOPED, "no content", "absent");
	csr_free(ok);
	buf_wipe(&tail);
	buf_wipe(&bad);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attributes_refused),
		cmocka_unit_test(test_doubled),
		cmocka_unit_test(test_messages_refused),
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_unwrap),
		cmocka_unit_test(test_unwrap_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
