#include "pki_tool.h"

#include <openssl/x509v3.h>

#include "pki/san.h"

static struct who	 ca, odd;	/* odd: without subjectKeyIdentifier */
static struct key	*rsa, *ec;
static char *const	 none[] = { NULL };

/* The CA's certificate without its subjectKeyIdentifier. */
static struct cert *
strip_ski(const struct who *w)
{
	X509		*x = X509_dup(w->cert->x);
	struct err	 e = ERR_INIT;
	struct cert	*c = NULL;
	unsigned char	*der = NULL;
	int		 n;

	X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_by_NID(x,
	    NID_subject_key_identifier, -1)));
	assert_true(X509_sign(x, key_pkey(w->key), EVP_sha256()) > 0);
	assert_true((n = i2d_X509(x, &der)) > 0);
	assert_int_equal(cert_parse(bytes_make(der, (size_t)n), &c, &e), 0);
	OPENSSL_free(der);
	X509_free(x);
	return c;
}

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&odd, &(struct order){ .name = "odd", .spec = "ec:p384",
	    .ca = true, .ku = KU_CA });
	struct cert *bare = strip_ski(&odd);
	cert_free(odd.cert);
	odd.cert = bare;
	rsa = tool_key("rsa:2048");
	ec = tool_key("ec:p256");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	who_free(&odd);
	key_free(rsa);
	key_free(ec);
	return 0;
}

static const uint8_t	 serial[] = { 0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    12, 13, 14, 15 };
static const uint8_t	 cn_x[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
    0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x' };
static const uint8_t	 cn_none[] = { 0x30, 0x00 };
static const uint8_t	 dns[] = { 0x82, 3, 'a', '.', 'b' };
static const uint8_t	 email[] = { 0x81, 3, 'a', '@', 'b' };

static struct cert_plan
plan_for(const struct key *k)
{
	return (struct cert_plan){
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = bytes_make(cn_x, sizeof(cn_x)),
		.spki = key_spki(k),
		.not_before = NOW, .not_after = NOW + DAY, .eku = none
	};
}

static struct cert *
made(const struct cert_plan *p, const struct who *by)
{
	struct err	 e = ERR_INIT;
	struct cert	*c = NULL;

	if (cert_make(p, by->cert, by->key, &c, &e) != 0)
		fail_msg("%s", err_text(&e));
	return c;
}

/* "basicConstraints! keyUsage! …": names in order, "!" for critical. */
static void
list_exts(const struct cert *c, char *out, size_t size)
{
	size_t	 at = 0;

	*out = '\0';
	for (int i = 0; i < X509_get_ext_count(c->x); i++) {
		X509_EXTENSION	*x = X509_get_ext(c->x, i);

		at += (size_t)snprintf(out + at, size - at, "%s%s%s",
		    i > 0 ? " " : "", OBJ_nid2sn(OBJ_obj2nid(
		    X509_EXTENSION_get_object(x))),
		    X509_EXTENSION_get_critical(x) ? "!" : "");
		assert_true(at < size);
	}
}

static void
assert_exts(const struct cert *c, const char *want)
{
	char	 text[512];

	list_exts(c, text, sizeof(text));
	assert_string_equal(text, want);
}

/* The value of the one extension of this kind. */
static struct bytes
ext(const struct cert *c, int nid)
{
	int			 i = X509_get_ext_by_NID(c->x, nid, -1);
	ASN1_OCTET_STRING	*s;

	assert_true(i >= 0);
	assert_int_equal(X509_get_ext_by_NID(c->x, nid, i), -1);
	s = X509_EXTENSION_get_data(X509_get_ext(c->x, i));
	return bytes_make(ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));
}

static void
assert_ext(const struct cert *c, int nid, const char *hex)
{
	if (!bytes_eq(ext(c, nid), tool_hex(hex)))
		fail_msg("%s is not %s", OBJ_nid2sn(nid), hex);
}

static void
test_minimal(void **state)
{
	struct cert_plan	 p = plan_for(ec);
	struct cert		*c;

	(void)state;
	p.ku = CERT_KU_DIGITAL_SIGNATURE;
	p.eku = NULL;
	c = made(&p, &ca);
	assert_exts(c, "basicConstraints! keyUsage! subjectKeyIdentifier "
	    "authorityKeyIdentifier");
	assert_ext(c, NID_basic_constraints, "3000");
	assert_ext(c, NID_key_usage, "03020780");
	assert_int_equal(X509_get_version(c->x), X509_VERSION_3);
	assert_true(bytes_eq(c->serial, p.serial));
	assert_true(bytes_eq(c->subject, p.subject));
	assert_true(bytes_eq(c->issuer, ca.cert->subject));
	assert_true(bytes_eq(c->key.spki, p.spki));
	assert_int_equal(c->not_before, NOW);
	assert_int_equal(c->not_after, NOW + DAY);
	assert_false(c->is_ca);
	assert_int_equal(X509_verify(c->x, key_pkey(ca.key)), 1);
	cert_free(c);
	p.ku = 0;
	c = made(&p, &ca);
	assert_exts(c, "basicConstraints! subjectKeyIdentifier "
	    "authorityKeyIdentifier");
	cert_free(c);
}

static void
test_everything(void **state)
{
	static char	 client[] = "clientAuth", own[] = "1.3.6.1.4.1.1.2";
	static char	 u1[] = "http://a/1", u2[] = "http://a/2";
	char *const	 ekus[] = { client, own, NULL };
	char *const	 two[] = { u1, u2, NULL }, *const one[] = { u1, NULL };
	const struct bytes names[] = {
		{ email, sizeof(email) }, { dns, sizeof(dns) }
	};
	struct cert_plan p = plan_for(rsa);
	struct cert	*c;

	(void)state;
	p.ku = KU_RA;
	p.eku = ekus;
	p.sans = names;
	p.n_sans = 2;
	p.crl_urls = two;
	p.ca_issuers_urls = one;
	p.ocsp_urls = one;
	c = made(&p, &ca);
	assert_exts(c, "basicConstraints! keyUsage! extendedKeyUsage "
	    "subjectKeyIdentifier authorityKeyIdentifier subjectAltName "
	    "crlDistributionPoints authorityInfoAccess");
	assert_ext(c, NID_key_usage, "030205a0");
	assert_ext(c, NID_ext_key_usage,
	    "301306082b0601050507030206072b060104010102");
	assert_ext(c, NID_subject_alt_name, "300a810361406282" "03612e62");
	/* One point a URL: clients take the first they can read. */
	assert_ext(c, NID_crl_distribution_points, "3024"
	    "3010a00ea00c860a687474703a2f2f612f31"
	    "3010a00ea00c860a687474703a2f2f612f32");
	assert_ext(c, NID_info_access, "3030"
	    "301606082b06010505073001860a687474703a2f2f612f31"
	    "301606082b06010505073002860a687474703a2f2f612f31");
	cert_free(c);
}

static void
test_empty_subject(void **state)
{
	const struct bytes	 names[] = { { dns, sizeof(dns) } };
	struct cert_plan	 p = plan_for(ec);
	struct cert		*c;

	(void)state;
	p.subject = bytes_make(cn_none, sizeof(cn_none));
	p.sans = names;
	p.n_sans = 1;
	c = made(&p, &ca);
	assert_exts(c, "basicConstraints! subjectKeyIdentifier "
	    "authorityKeyIdentifier subjectAltName!");
	cert_free(c);
}

/* AKI is the issuer's SKI, or where it has none, made of its key. */
static void
test_key_ids(void **state)
{
	const struct who	*by[] = { &ca, &odd };
	unsigned char		 md[20];
	unsigned		 n;

	(void)state;
	for (size_t i = 0; i < N(by); i++) {
		struct cert_plan	 p = plan_for(ec);
		struct cert		*c = made(&p, by[i]);
		const ASN1_OCTET_STRING	*aki;

		aki = X509_get0_authority_key_id(c->x);
		assert_int_equal(X509_pubkey_digest(by[i]->cert->x,
		    EVP_sha1(), md, &n), 1);
		assert_int_equal(ASN1_STRING_length(aki), 20);
		assert_memory_equal(ASN1_STRING_get0_data(aki), md, 20);
		/* Nothing of issuer and serial in it. */
		assert_int_equal(ext(c, NID_authority_key_identifier).n, 24);
		cert_free(c);
	}
}

static void
test_ca(void **state)
{
	static const struct { int len; const char *bc; } rows[] = {
		{ -1, "30030101ff" }, { 0, "30060101ff020100" },
		{ 2, "30060101ff020102" }
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert_plan p = plan_for(ec);
		struct err	 e = ERR_INIT;
		struct cert	*c = NULL;

		p.ca = true;
		p.path_len = rows[i].len;
		p.ku = KU_CA;
		assert_int_equal(cert_make(&p, NULL, ec, &c, &e), 0);
		assert_exts(c, "basicConstraints! keyUsage! "
		    "subjectKeyIdentifier authorityKeyIdentifier");
		assert_ext(c, NID_basic_constraints, rows[i].bc);
		assert_ext(c, NID_key_usage, "03020106");
		assert_true(c->is_ca && c->self_issued);
		assert_int_equal(X509_verify(c->x, key_pkey(ec)), 1);
		cert_free(c);
	}
}

static void
test_digests(void **state)
{
	struct who	 by_rsa = { rsa, ca.cert };
	const struct { const struct who *by; int nid; } rows[] = {
		{ &by_rsa, NID_sha256WithRSAEncryption },
		{ &ca, NID_ecdsa_with_SHA256 },
		{ &odd, NID_ecdsa_with_SHA384 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert_plan	 p = plan_for(ec);
		struct cert		*c = made(&p, rows[i].by);

		assert_int_equal(X509_get_signature_nid(c->x), rows[i].nid);
		cert_free(c);
	}
}

static void
test_refused(void **state)
{
	static char		 eku[] = "fishing";
	static char *const	 ekus[] = { eku, NULL };
	struct cert_plan	 p[9];
	static const uint8_t	 neg[] = { 0x80, 1 }, zero[] = { 0 };
	static const uint8_t	 longer[21] = { 1 };

	(void)state;
	for (size_t i = 0; i < N(p); i++)
		p[i] = plan_for(ec);
	p[0].serial = bytes_make(neg, sizeof(neg));
	p[1].serial = bytes_make(zero, sizeof(zero));
	p[2].serial = bytes_make(longer, sizeof(longer));
	p[3].serial = bytes_make(NULL, 0);
	p[4].subject = bytes_make(NULL, 0);
	p[5].subject.n--;
	p[6].spki = bytes_str("no key");
	p[7].eku = ekus;
	p[8].spki.n--;
	for (size_t i = 0; i < N(p); i++) {
		struct err	 e = ERR_INIT;
		struct cert	*c = ca.cert;

		if (cert_make(&p[i], ca.cert, ca.key, &c, &e) != -1)
			fail_msg("accepted: %zu", i);
		assert_int_equal(e.reason, ERR_CRYPTO);
		assert_ptr_equal(c, ca.cert);
	}
}

static void
test_serials(void **state)
{
	uint8_t		 s[64][SERIAL_LEN];
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(s); i++) {
		assert_int_equal(serial_draw(s[i], &e), 0);
		/* Positive, never with a leading zero octet. */
		assert_int_equal(s[i][0] & 0xc0, 0x40);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(s[i], s[k], SERIAL_LEN);
	}
}

static void
test_ekus(void **state)
{
	static char	 all[][16] = { "clientAuth", "serverAuth",
	    "emailProtection", "codeSigning", "smartcardLogon", "ipsecIKE",
	    "2.5.29.37.0" };
	static char	 bad[][24] = { "", "ClientAuth", "client auth", "42",
	    "1.3.", "1.3.6.x", "1 3.6", ".1", "9.1", "TLS Web Client Authent" };
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(all); i++) {
		char *const	 names[] = { all[i], NULL };

		if (eku_check(names, &e) != 0)
			fail_msg("%s", err_text(&e));
	}
	assert_int_equal(eku_check(none, &e), 0);
	for (size_t i = 0; i < N(bad); i++) {
		char *const	 names[] = { all[0], bad[i], NULL };

		err_clear(&e);
		if (eku_check(names, &e) != -1)
			fail_msg("accepted: %s", bad[i]);
		assert_err(&e, ERR_CONFIG, "give a dotted OID", bad[i]);
	}
}

static void
test_names(void **state)
{
	static const struct { const char *text, *hex; } rows[] = {
		{ "x", "300c310a300806035504030c0178" },
		{ "/CN=x", "300c310a300806035504030c0178" },
		{ "/", "3000" },
		{ "/C=DE/CN=x", "3019" "310b3009060355040613024445"
		    "310a300806035504030c0178" },
		{ "/CN=\xc3\xa4=", "300e310c300a06035504030c03c3a43d" },
	};
	static const char *const bad[] = {
		"", "/x", "/=x", "/NOSUCH=x", "/CN=", "/C=Germany",
		"/CN=\xff", "/CN=x/y"
	};
	struct buf	 out = BUF_INIT(256);
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		if (name_make(rows[i].text, &out, &e) != 0)
			fail_msg("%s: %s", rows[i].text, err_text(&e));
		if (!bytes_eq(buf_bytes(&out), tool_hex(rows[i].hex)))
			fail_msg("%s", rows[i].text);
	}
	buf_reset(&out);
	for (size_t i = 0; i < N(bad); i++) {
		err_clear(&e);
		if (name_make(bad[i], &out, &e) != -1)
			fail_msg("accepted: %s", bad[i]);
		assert_err(&e, ERR_ARGUMENT, "name", bad[i]);
		assert_int_equal(out.n, 0);
	}
	buf_wipe(&out);
}

/* What such lines make is proven by tests/it/exec_issuer.sh. */
static void
test_lines(void **state)
{
	struct cert_plan	 p = plan_for(ec);
	struct bytes		 names[] = { bytes_make(dns, sizeof(dns)) };
	struct buf		 out = BUF_INIT(4096), small = BUF_INIT(20);
	struct err		 e = ERR_INIT;

	(void)state;
	p.ku = CERT_KU_DIGITAL_SIGNATURE;
	p.sans = names;
	p.n_sans = 1;
	assert_int_equal(cert_plan_lines(&p, ca.cert, &out, &e), 0);
	assert_ptr_equal(strstr(buf_cstr(&out), "2.5.29.19 = critical,"
	    "DER:3000\n2.5.29.15 = critical,DER:03020780\n2.5.29.14 = "
	    "DER:0414"), buf_cstr(&out));
	assert_non_null(strstr(buf_cstr(&out), "\n2.5.29.35 = DER:30168014"));
	assert_non_null(strstr(buf_cstr(&out),
	    "\n2.5.29.17 = DER:30058203612e62\n"));
	assert_int_equal(cert_plan_lines(&p, ca.cert, &small, &e), -1);
	assert_err(&e, ERR_CRYPTO, "extensions", "no room");
	buf_wipe(&out);
	buf_wipe(&small);
}

/* As OpenSSL's programs read it back: see tests/it/exec_issuer.sh. */
static void
test_slashes(void **state)
{
	static const struct { const char *hex, *want; } rows[] = {
		{ "3000", "/" },
		{ "300c310a300806035504030c0178", "/CN=x" },
		{ "301a310b3009060355040613024445310b300906035504030c02c3a4",
		    "/C=DE/CN=\xc3\xa4" },
		{ "300f310d300b06035504030c042f2b5c3d",
		    "/CN=\\/\\+\\\\=" },
		/* two values in one RDN, Latin-1, a type without a name */
		{ "3016311430080603550403140178300806035504031401e4",
		    "/CN=x+CN=\xc3\xa4" },
		{ "300c310a300806032a03040c0178", "/1.2.3.4=x" },
	};
	struct buf	 out = BUF_INIT(256);
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		if (name_slashes(tool_hex(rows[i].hex), &out, &e) != 0)
			fail_msg("%s: %s", rows[i].want, err_text(&e));
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
	assert_int_equal(name_slashes(LIT("\x30\x01"), &out, &e), -1);
	assert_err(&e, ERR_SUBJECT, NULL, "no name");
	err_clear(&e);
	/* A NUL would end the text. */
	assert_int_equal(name_slashes(tool_hex(
	    "300e310c300a06035504030c03780079"), &out, &e), -1);
	assert_err(&e, ERR_SUBJECT, NULL, "NUL");
	buf_wipe(&out);
}

/* All but the common name stays, in its place. */
static void
test_following_names(void **state)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "x", "x G2" },
		{ "x G2", "x G3" },
		{ "x G9", "x G10" },
		{ "x G999", "x G1000" },
		{ "x G1000", "x G1000 G2" },
		/* no generations of ours */
		{ "x G", "x G G2" },
		{ "x G1", "x G1 G2" },
		{ "x G02", "x G02 G2" },
		{ "x G-2", "x G-2 G2" },
		{ "x G2a", "x G2a G2" },
		{ "G2", "G2 G2" },
		{ "/C=DE/CN=a/O=\xc3\xa4", "/C=DE/CN=a G2/O=\xc3\xa4" },
		{ "/CN=a/CN=b G2", "/CN=a/CN=b G3" },
	};
	struct buf	 out = BUF_INIT(256), want = BUF_INIT(256);
	struct err	 e = ERR_INIT;
	struct cert	*c;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&out);
		buf_reset(&want);
		c = tool_cert(&(struct order){ .name = rows[i].text,
		    .key = ca.key });
		assert_int_equal(name_make(rows[i].want, &want, &e), 0);
		if (name_following(c, &out, &e) != 0)
			fail_msg("%s: %s", rows[i].text, err_text(&e));
		if (!bytes_eq(buf_bytes(&out), buf_bytes(&want)))
			fail_msg("%s", rows[i].text);
		cert_free(c);
	}
	buf_wipe(&out);
	buf_wipe(&want);
}

static void
test_no_following_name(void **state)
{
	char			 longest[65];
	const struct { const char *text, *why; } rows[] = {
		{ "/O=x", "O=x has no common name" },
		{ longest, "common name" },
	};
	struct buf		 out = BUF_INIT(256);
	struct cert		*c;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < N(rows); i++) {
		struct err	 e = ERR_INIT;

		c = tool_cert(&(struct order){ .name = rows[i].text,
		    .key = ca.key });
		assert_int_equal(name_following(c, &out, &e), -1);
		assert_err(&e, ERR_ARGUMENT, rows[i].why, rows[i].text);
		assert_int_equal(out.n, 0);
		cert_free(c);
	}
}

/* The value of the one extension of this OID, and whether it is critical. */
static struct bytes
ext_oid(const struct cert *c, const char *oid, bool critical)
{
	ASN1_OBJECT		*o = OBJ_txt2obj(oid, 1);
	int			 i = X509_get_ext_by_OBJ(c->x, o, -1);
	X509_EXTENSION		*x;
	ASN1_OCTET_STRING	*s;

	assert_true(i >= 0);
	assert_int_equal(X509_get_ext_by_OBJ(c->x, o, i), -1);
	ASN1_OBJECT_free(o);
	x = X509_get_ext(c->x, i);
	assert_int_equal(X509_EXTENSION_get_critical(x), critical);
	s = X509_EXTENSION_get_data(x);
	return bytes_make(ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));
}

/* Those of Windows, and those that a profile gives as they stand. */
static void
test_more(void **state)
{
	static const uint8_t null[] = { 0x05, 0x00 };
	static const uint8_t template[] = { 0x30, 0x0b, 0x06, 0x03, 0x2a,
	    0x03, 0x04, 0x02, 0x01, 0x65, 0x02, 0x01, 0x00 };
	static const uint8_t sid[] = { 0x30, 0x18, 0xa0, 0x16, 0x06, 0x0a,
	    0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01, 0xa0,
	    0x08, 0x04, 0x06, 'S', '-', '1', '-', '5', '-' };
	const struct cert_extra extras[] = {
		{ "1.2.3.4", true, { null, sizeof(null) } },
		{ "1.2.3.5", false, { null, sizeof(null) } },
	};
	struct key		*k = tool_key("ec:p256");
	struct cert_plan	 p = plan_for(k);
	struct cert		*c;
	char			 text[SID_TEXT];

	(void)state;
	p.template_oid = "1.2.3.4";
	p.template_major = 101;
	p.sid = "S-1-5-";
	p.extras = extras;
	p.n_extras = 2;
	c = made(&p, &ca);
	assert_true(bytes_eq(ext_oid(c, "1.3.6.1.4.1.311.21.7", false),
	    bytes_make(template, sizeof(template))));
	assert_true(bytes_eq(ext_oid(c, "1.3.6.1.4.1.311.25.2", false),
	    bytes_make(sid, sizeof(sid))));
	assert_true(bytes_eq(ext_oid(c, "1.2.3.4", true),
	    bytes_make(null, sizeof(null))));
	assert_true(bytes_eq(ext_oid(c, "1.2.3.5", false),
	    bytes_make(null, sizeof(null))));
	cert_sid(c, text);
	assert_string_equal(text, "S-1-5-");
	cert_sid(ca.cert, text);
	assert_string_equal(text, "");
	cert_free(c);
	key_free(k);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_empty_subject),
		cmocka_unit_test(test_key_ids),
		cmocka_unit_test(test_ca),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_ekus),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_slashes),
		cmocka_unit_test(test_following_names),
		cmocka_unit_test(test_no_following_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
