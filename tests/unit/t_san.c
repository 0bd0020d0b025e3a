#include "csr_craft.h"

#include <openssl/x509v3.h>

#include "pki/san.h"

static struct key	*ec;

static int
setup(void **state)
{
	(void)state;
	ec = tool_key("ec:p256");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	key_free(ec);
	return 0;
}

/* GeneralNames (a SEQUENCE) around the names given in hex. */
static void
put_sans(struct buf *out, const char *hex)
{
	csr_put(out, 0x30, tool_hex(hex));
}

#define UPN	"060a2b060104018237140203"	/* its OID */

static const struct {
	const char	*name;
	const char	*hex;
	enum san_kind	 kind;
	const char	*text;
} good[] = {
	{ "dns", "8203612e62", SAN_DNS, "a.b" },
	{ "email", "8103614062", SAN_EMAIL, "a@b" },
	{ "uri", "8604783a2f2f", SAN_URI, "x://" },
	{ "sid", "8618" "7461673a6d6963726f736f66742e636f6d2c323032323a78",
	    SAN_SID, "tag:microsoft.com,2022:x" },
	{ "sid, in capitals", "8613" "5441473a6d6963726f736f66742e636f6d2c78",
	    SAN_SID, "TAG:microsoft.com,x" },
	{ "ipv4", "8704c0000201", SAN_IP, "192.0.2.1" },
	{ "ipv6", "871020010db8000000000000000000000001", SAN_IP,
	    "2001:db8::1" },
	{ "upn", "a013" UPN "a0050c03614062", SAN_UPN, "a@b" },
	{ "upn, not UTF8String", "a013" UPN "a0051603614062", SAN_OTHER,
	    "other" },
	{ "other name", "a00a06032a0304a0030c0161", SAN_OTHER, "other" },
	{ "directory", "a40e300c310a300806035504030c0178", SAN_OTHER,
	    "other" },
	{ "registered id", "88032a0304", SAN_OTHER, "other" },
};

static void
test_kinds(void **state)
{
	static const struct { const char *name; enum san_kind kind; } rows[] = {
		{ "dns", SAN_DNS }, { "email", SAN_EMAIL }, { "uri", SAN_URI },
		{ "ip", SAN_IP }, { "upn", SAN_UPN }, { "sid", SAN_SID }
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_string_equal(san_kind_name(rows[i].kind), rows[i].name);
	}
	assert_string_equal(san_kind_name(SAN_OTHER), "other");
}

/* Extension requests under PKCS#9's attribute and under Microsoft's. */
static void
test_requests(void **state)
{
	static const int	 attrs[] = { NID_ext_req, NID_ms_ext_req };

	(void)state;
	for (size_t i = 0; i < 2 * N(good); i++) {
		size_t		 at = i / 2;
		struct buf	 sans = BUF_INIT(256), der = BUF_INIT(65536);
		struct err	 e = ERR_INIT;
		struct csr	*r = NULL;

		put_sans(&sans, good[at].hex);
		csr_craft(&(struct csr_craft){ .key = ec,
		    .sans = buf_bytes(&sans), .ext_nid = attrs[i % 2] }, &der);
		if (csr_parse(buf_bytes(&der), &r, &e) != 0)
			fail_msg("%s: %s", good[at].name, err_text(&e));
		assert_int_equal(r->sans.n, 1);
		if (r->sans.v[0].kind != good[at].kind ||
		    strcmp(r->sans.v[0].text, good[at].text) != 0 ||
		    !bytes_eq(r->sans.v[0].der, tool_hex(good[at].hex)))
			fail_msg("%s", good[at].name);
		csr_free(r);
		buf_wipe(&sans);
		buf_wipe(&der);
	}
}

static void
test_order(void **state)
{
	struct csr	*r = tool_csr(ec, "/CN=x", "email:a@b,DNS:a,DNS:b,"
	    "IP:192.0.2.1,URI:x:y", NULL);
	static const char *const want[] = {
		"a@b", "a", "b", "192.0.2.1", "x:y"
	};

	(void)state;
	assert_int_equal(r->sans.n, N(want));
	for (size_t i = 0; i < N(want); i++)
		assert_string_equal(r->sans.v[i].text, want[i]);
	csr_free(r);
}

static void
test_lists(void **state)
{
	struct csr	*r = tool_csr(ec, "/CN=x", "email:a@b,DNS:a,DNS:b", NULL);
	struct csr	*o = tool_csr(ec, "/CN=x", "DNS:b,email:b", NULL);
	struct buf	 out = BUF_INIT(64), small = BUF_INIT(16);

	(void)state;
	assert_int_equal(sans_put(&r->sans, ", ", &out), 0);
	assert_string_equal(buf_cstr(&out), "email:a@b, dns:a, dns:b");
	assert_int_equal(sans_put(&r->sans, " ", &small), -1);
	assert_string_equal(buf_cstr(&small), "email:a@b dns:a");
	assert_true(sans_has(&r->sans, &o->sans.v[0]));
	assert_false(sans_has(&r->sans, &o->sans.v[1]));
	csr_free(r);
	csr_free(o);
	buf_wipe(&out);
	buf_wipe(&small);
}

static void
assert_refused(const struct csr_craft *c, const char *text, const char *row)
{
	struct csr	*was = (struct csr *)(uintptr_t)&ec, *r = was;
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct err	 e = ERR_INIT;

	csr_craft(c, &der);
	if (csr_parse(buf_bytes(&der), &r, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, ERR_CSR, text, row);
	assert_ptr_equal(r, was);
	buf_wipe(&der);
}

static void
test_refused(void **state)
{
	static const struct { const char *name, *hex, *text; } rows[] = {
		{ "NUL in a DNS name", "8203610062", "1 is malformed" },
		{ "second is bad", "8203612e62" "8203610062",
		    "2 is malformed" },
		{ "NUL in an email", "8103610040", "is malformed" },
		{ "NUL in a UPN", "a013" UPN "a0050c03610062",
		    NULL },
		{ "DNS name not ASCII", "8202c3a4", "is malformed" },
		{ "email not ASCII", "8103c3a440", "is malformed" },
		{ "URI not ASCII", "8603783ac3", "is malformed" },
		{ "DNS name with delete", "82027f61", "is malformed" },
		{ "empty DNS name", "8200", "is malformed" },
		{ "IP of 5 bytes", "8705c000020101", "is malformed" },
		{ "IP of none", "8700", "is malformed" },
		{ "no names", "", "of 0 names" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 sans = BUF_INIT(256);

		put_sans(&sans, rows[i].hex);
		if (rows[i].text != NULL)
			assert_refused(&(struct csr_craft){ .key = ec,
			    .sans = buf_bytes(&sans) }, rows[i].text,
			    rows[i].name);
		buf_wipe(&sans);
	}
	assert_refused(&(struct csr_craft){ .key = ec,
	    .sans = LIT("\x04\x01x") }, "malformed or doubled", "octets");
	assert_refused(&(struct csr_craft){ .key = ec,
	    .sans = LIT("\x30\x03\x82\x01x"),
	    .more = "subjectAltName=DNS:a" }, "malformed or doubled", "twice");
}

/* What is no UPN that we can read is an other name, never text with a NUL. */
static void
test_upn_with_nul(void **state)
{
	struct buf	 sans = BUF_INIT(256), der = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	struct csr	*r = NULL;

	(void)state;
	put_sans(&sans, "a013" UPN "a0050c03610062");
	csr_craft(&(struct csr_craft){ .key = ec, .sans = buf_bytes(&sans) },
	    &der);
	assert_int_equal(csr_parse(buf_bytes(&der), &r, &e), 0);
	assert_int_equal(r->sans.v[0].kind, SAN_OTHER);
	assert_string_equal(r->sans.v[0].text, "other");
	csr_free(r);
	buf_wipe(&sans);
	buf_wipe(&der);
}

static void
test_limit(void **state)
{
	struct buf	 names = BUF_INIT(4096), sans = BUF_INIT(4096);
	struct buf	 der = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	struct csr	*r = NULL;

	(void)state;
	for (int i = 0; i < SANS_MAX_NAMES; i++)
		csr_put(&names, 0x82, LIT("a.b"));
	csr_put(&sans, 0x30, buf_bytes(&names));
	csr_craft(&(struct csr_craft){ .key = ec, .sans = buf_bytes(&sans) },
	    &der);
	assert_int_equal(csr_parse(buf_bytes(&der), &r, &e), 0);
	assert_int_equal(r->sans.n, SANS_MAX_NAMES);
	csr_free(r);
	csr_put(&names, 0x82, LIT("a.b"));
	buf_reset(&sans);
	csr_put(&sans, 0x30, buf_bytes(&names));
	assert_refused(&(struct csr_craft){ .key = ec,
	    .sans = buf_bytes(&sans) }, "of 65 names", "65");
	buf_wipe(&names);
	buf_wipe(&sans);
	buf_wipe(&der);
}

/* Extensions that devices ask for are read over, however odd. */
static void
test_other_extensions(void **state)
{
	static const char *const rows[] = {
		"basicConstraints=CA:FALSE,pathlen:0",
		"basicConstraints=critical,CA:TRUE",
		"keyUsage=keyCertSign",
		"extendedKeyUsage=serverAuth",
		"2.5.29.17.1=DER:0500",
		"basicConstraints=DER:ffff"
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 der = BUF_INIT(65536);
		struct err	 e = ERR_INIT;
		struct csr	*r = NULL;

		csr_craft(&(struct csr_craft){ .key = ec, .more = rows[i],
		    .sans = LIT("\x30\x03\x82\x01x") }, &der);
		if (csr_parse(buf_bytes(&der), &r, &e) != 0)
			fail_msg("%s: %s", rows[i], err_text(&e));
		assert_int_equal(r->sans.n, 1);
		csr_free(r);
		buf_wipe(&der);
	}
}

/* The same names in a certificate, as its ledger row lists them. */
static void
test_certificates(void **state)
{
	struct bytes	 names[N(good)];
	uint8_t		 serial[] = { 1 };
	struct cert_plan plan = { .serial = { serial, 1 },
	    .subject = LIT("\x30\x00"), .spki = key_spki(ec),
	    .not_before = NOW, .not_after = NOW + 1, .sans = names,
	    .n_sans = N(good) };
	struct cert	*c = NULL;
	struct sans	 sans;
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		names[i] = tool_hex(good[i].hex);
	assert_int_equal(cert_make(&plan, NULL, ec, &c, &e), 0);
	assert_int_equal(cert_sans(c, &sans, &e), 0);
	assert_int_equal(sans.n, N(good));
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(sans.v[i].kind, good[i].kind);
		assert_string_equal(sans.v[i].text, good[i].text);
		assert_true(bytes_eq(sans.v[i].der, names[i]));
	}
	sans_free(&sans);
	assert_null(sans.v);
	cert_free(c);
	plan.n_sans = 0;
	assert_int_equal(cert_make(&plan, NULL, ec, &c, &e), 0);
	sans.n = 77;
	assert_int_equal(cert_sans(c, &sans, &e), 0);
	assert_int_equal(sans.n, 0);
	cert_free(c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_upn_with_nul),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_other_extensions),
		cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
