#include "cms_craft.h"

static struct who	 rsa, other, ec;
static struct algs	*algs;

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&rsa, &(struct order){ .name = "rsa", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&other, &(struct order){ .name = "other",
	    .spec = "rsa:2048" });
	who_make(&ec, &(struct order){ .name = "ec", .spec = "ec:p256" });
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&rsa);
	who_free(&other);
	who_free(&ec);
	algs_free(algs);
	return 0;
}

static const struct cms_put attrs[] = {
	{ "2.16.840.1.113733.1.9.7", CMS_PRINTABLE,
	    { (const uint8_t *)"transaction 1", 13 } },
	{ "2.16.840.1.113733.1.9.5", CMS_OCTETS,
	    { (const uint8_t *)"\0\1\2", 3 } },
	{ "1.3.6.1.5.5.7.24.1", CMS_UTF8,
	    { (const uint8_t *)"\xc3\xa4 reason", 9 } },
};

static void
make(struct bytes content, enum alg digest, struct buf *out)
{
	struct err	 e = ERR_INIT;

	buf_reset(out);
	if (cms_sign(content, attrs, N(attrs), rsa.key, rsa.cert, algs, digest,
	    out, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static void
test_round_trip(void **state)
{
	static const enum alg	 digests[] = {
		ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512
	};
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(digests); i++) {
		make(LIT("some\0thing"), digests[i], &out);
		assert_der(buf_bytes(&out), alg_name(digests[i]));
		if (cms_signed_parse(buf_bytes(&out), &s, &e) != 0 ||
		    cms_signed_verify(&s, &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_int_equal(s.digest, digests[i]);
		assert_true(s.has_content && s.content_is_data);
		assert_true(bytes_eq(s.content, LIT("some\0thing")));
		assert_true(bytes_eq(s.signer->der, rsa.cert->der));
		/* and contentType, signingTime, messageDigest */
		assert_int_equal(s.n_attrs, N(attrs) + 3);
		cms_signed_clear(&s);
		assert_null(s.signer);
	}
	buf_wipe(&out);
}

static void
test_attributes(void **state)
{
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	const struct cms_attr	*a;
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;
	size_t			 n;

	(void)state;
	make(LIT("x"), ALG_SHA256, &out);
	assert_int_equal(cms_signed_parse(buf_bytes(&out), &s, &e), 0);
	for (size_t i = 0; i < N(attrs); i++) {
		a = cms_attr_find(&s, attrs[i].oid, &n);
		assert_non_null(a);
		assert_int_equal(n, 1);
		assert_int_equal(a->n_values, 1);
		assert_int_equal(a->tag, attrs[i].tag);
		assert_true(bytes_eq(a->value, attrs[i].value));
	}
	assert_null(cms_attr_find(&s, "1.2.3", &n));
	assert_int_equal(n, 0);
	/* An OBJECT IDENTIFIER has a tag, and no string content. */
	a = cms_attr_find(&s, "1.2.840.113549.1.9.3", &n);
	assert_int_equal(a->tag, V_ASN1_OBJECT);
	assert_int_equal(a->value.n, 0);
	cms_signed_clear(&s);
	buf_wipe(&out);
}

/* rsaEncryption, not sha256WithRSAEncryption: some clients know no other. */
static void
test_signature_algorithm(void **state)
{
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	const ASN1_OBJECT	*o;
	CMS_ContentInfo		*cms;
	CMS_SignerInfo		*si;
	X509_ALGOR		*dig, *sig;
	int			 type;

	(void)state;
	make(LIT("x"), ALG_SHA512, &out);
	si = craft_signer(buf_bytes(&out), &cms);
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &dig, &sig);
	X509_ALGOR_get0(&o, &type, NULL, sig);
	assert_int_equal(OBJ_obj2nid(o), NID_rsaEncryption);
	assert_int_equal(type, V_ASN1_NULL);
	X509_ALGOR_get0(&o, NULL, NULL, dig);
	assert_int_equal(OBJ_obj2nid(o), NID_sha512);
	CMS_ContentInfo_free(cms);
	buf_wipe(&out);
}

/* certmonger takes an absent eContent for an unreachable CA. */
static void
test_empty_content(void **state)
{
	/* SEQUENCE { id-data, [0] { OCTET STRING of zero bytes } } */
	const struct bytes	 empty = LIT("\x30\x0f\x06\x09\x2a\x86\x48\x86"
	    "\xf7\x0d\x01\x07\x01\xa0\x02\x04\x00");
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;
	size_t			 at;

	(void)state;
	make(bytes_str(""), ALG_SHA256, &out);
	assert_int_equal(tool_count(buf_bytes(&out), empty, &at), 1);
	assert_int_equal(cms_signed_parse(buf_bytes(&out), &s, &e), 0);
	assert_true(s.has_content);
	assert_int_equal(s.content.n, 0);
	assert_int_equal(cms_signed_verify(&s, &e), 0);
	cms_signed_clear(&s);
	buf_wipe(&out);
}

/* What other programs send: BER, two certificates, no eContent. */
static void
test_accepted(void **state)
{
	const struct sign_craft	 rows[] = {
		{ .by = &rsa, .content = LIT("x"), .flags = CMS_STREAM },
		{ .by = &rsa, .content = LIT(""), .flags = CMS_DETACHED },
		{ .by = &ec, .content = LIT("x") },
		{ .by = &rsa, .content = LIT("x"), .md = EVP_md5() },
		{ .by = &rsa, .content = LIT("x"),
		    .type = NID_pkcs7_enveloped },
	};
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		sign_craft(&rows[i], &out);
		if (cms_signed_parse(buf_bytes(&out), &s, &e) != 0 ||
		    cms_signed_verify(&s, &e) != 0)
			fail_msg("%zu: %s", i, err_text(&e));
		assert_true(bytes_eq(s.signer->der, rows[i].by->cert->der));
		assert_int_equal(s.has_content,
		    !(rows[i].flags & CMS_DETACHED));
		assert_int_equal(s.content_is_data, rows[i].type == 0);
		assert_int_equal(s.digest, rows[i].md != NULL ? ALG_MD5 :
		    ALG_SHA256);
		if (rows[i].flags & CMS_STREAM)
			assert_int_equal(out.p[1], 0x80);
		cms_signed_clear(&s);
	}
	buf_wipe(&out);
}

/* Wherever it stands among others, which may have its name or its key. */
static void
test_signer_found(void **state)
{
	struct cert	*same_name = tool_cert(&(struct order){ .name = "rsa",
	    .key = other.key });
	struct cert	*same_key = tool_cert(&(struct order){ .name = "x",
	    .key = rsa.key });
	const struct cert *const more[] = {
		other.cert, same_name, same_key, ec.cert
	};
	const struct sign_craft	 rows[] = {
		{ .by = &rsa, .more = more, .n_more = N(more) },
		{ .by = &rsa, .more = more, .n_more = 2,
		    .flags = CMS_USE_KEYID },
		{ .by = &ec, .more = more, .n_more = 3 },
	};
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct sign_craft	 c = rows[i];

		c.content = LIT("x");
		buf_reset(&out);
		sign_craft(&c, &out);
		if (cms_signed_parse(buf_bytes(&out), &s, &e) != 0 ||
		    cms_signed_verify(&s, &e) != 0)
			fail_msg("%zu: %s", i, err_text(&e));
		assert_true(bytes_eq(s.signer->der, c.by->cert->der));
		cms_signed_clear(&s);
	}
	cert_free(same_name);
	cert_free(same_key);
	buf_wipe(&out);
}

static void
assert_refused(struct bytes der, enum err_reason want, const char *row)
{
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;

	memset(&s, 0x55, sizeof(s));
	if (cms_signed_parse(der, &s, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, want, NULL, row);
	cms_signed_clear(&s);
}

static void
test_refused(void **state)
{
	const struct {
		const char		*name;
		struct sign_craft	 c;
		enum err_reason		 want;
	} rows[] = {
		{ "two signers", { .by = &rsa, .also = &other,
		    .content = LIT("x") }, ERR_SIGNERS },
		{ "no attributes", { .by = &rsa, .content = LIT("x"),
		    .flags = CMS_NOATTR }, ERR_NO_ATTRIBUTES },
		{ "no certificate", { .by = &rsa, .content = LIT("x"),
		    .flags = CMS_NOCERTS }, ERR_NO_SIGNER_CERT },
		{ "another's certificate", { .by = &rsa, .content = LIT("x"),
		    .more = (const struct cert *[]){ other.cert },
		    .n_more = 1, .flags = CMS_NOCERTS },
		    ERR_NO_SIGNER_CERT },
	};
	uint8_t			*big = calloc(1, CMS_MAX_DER + 1);
	const struct cert	*cert = rsa.cert;
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		sign_craft(&rows[i].c, &out);
		assert_refused(buf_bytes(&out), rows[i].want, rows[i].name);
	}
	buf_reset(&out);
	assert_int_equal(cms_bag(&cert, 1, &out, &e), 0);
	assert_refused(buf_bytes(&out), ERR_SIGNERS, "no signer");
	buf_reset(&out);
	seal_craft(LIT("x"), rsa.cert, EVP_aes_128_cbc(), false, &out);
	assert_refused(buf_bytes(&out), ERR_NOT_CMS, "enveloped");
	make(LIT("x"), ALG_SHA256, &out);
	for (size_t n = 0; n < out.n; n += n < 64 ? 1 : 61)
		assert_refused(bytes_make(out.p, n), ERR_NOT_CMS, "cut");
	assert_int_equal(buf_putc(&out, 0), 0);
	assert_refused(buf_bytes(&out), ERR_TRAILING, "trailing byte");
	assert_refused(bytes_make(big, CMS_MAX_DER + 1), ERR_BODY_TOO_BIG,
	    "too big");
	assert_refused(bytes_str("hello"), ERR_NOT_CMS, "text");
	free(big);
	buf_wipe(&out);
}

static void
test_too_many_attributes(void **state)
{
	struct cms_put		 many[CMS_MAX_ATTRS];
	char			 oid[CMS_MAX_ATTRS][16];
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;

	(void)state;
	for (int i = 0; i < CMS_MAX_ATTRS; i++) {
		(void)snprintf(oid[i], sizeof(oid[i]), "1.2.3.%d", i);
		many[i] = (struct cms_put){ oid[i], CMS_OCTETS, LIT("x") };
	}
	/* Three come by themselves. */
	sign_craft(&(struct sign_craft){ .by = &rsa, .puts = many,
	    .n_puts = CMS_MAX_ATTRS - 3, .content = LIT("x") }, &out);
	assert_int_equal(cms_signed_parse(buf_bytes(&out), &s, &e), 0);
	assert_int_equal(s.n_attrs, CMS_MAX_ATTRS);
	cms_signed_clear(&s);
	buf_reset(&out);
	sign_craft(&(struct sign_craft){ .by = &rsa, .puts = many,
	    .n_puts = CMS_MAX_ATTRS - 2, .content = LIT("x") }, &out);
	assert_refused(buf_bytes(&out), ERR_ATTRIBUTE, "33 attributes");
	buf_wipe(&out);
}

/* Any bit of content, attributes or signature counts. */
static void
test_tampered(void **state)
{
	static const char *const	 marks[] = {
		"content!", "transaction 1", "\xc3\xa4 reason"
	};
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;
	size_t			 at;

	(void)state;
	for (size_t i = 0; i <= N(marks); i++) {
		make(LIT("content!"), ALG_SHA256, &out);
		at = out.n - 1;
		if (i < N(marks))
			assert_true(tool_count(buf_bytes(&out),
			    bytes_str(marks[i]), &at) >= 1);
		out.p[at] ^= 1;
		err_clear(&e);
		if (cms_signed_parse(buf_bytes(&out), &s, &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_int_equal(cms_signed_verify(&s, &e), -1);
		assert_int_equal(e.reason, ERR_SIGNATURE);
		cms_signed_clear(&s);
	}
	buf_wipe(&out);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_signature_algorithm),
		cmocka_unit_test(test_empty_content),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_signer_found),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many_attributes),
		cmocka_unit_test(test_tampered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
