/*
 * CRLs made and read back, and the names of certificates in requests for them.
 */
#include "pki_tool.h"
#include "pki/crl.h"
#include "pki/ias.h"

static struct who	 rsa, ec, bare;

static int
setup(void **state)
{
	const struct order	 a = { .name = "/C=DE/O=Example/CN=RSA CA",
	    .spec = "rsa:2048", .ca = true, .ku = KU_CA };
	const struct order	 b = { .name = "EC CA", .spec = "ec:p384",
	    .ca = true, .ku = KU_CA };
	const struct order	 c = { .name = "Other CA", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA };

	(void)state;
	who_make(&rsa, &a);
	who_make(&ec, &b);
	who_make(&bare, &c);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&rsa);
	who_free(&ec);
	who_free(&bare);
	tool_clean();
	return 0;
}

static struct crl_entry
entry(const char *hex, int64_t when, int reason)
{
	struct crl_entry	 x = { .when = when, .reason = reason };
	struct bytes		 serial = tool_hex(hex);

	memcpy(x.serial, serial.p, serial.n);
	x.n_serial = serial.n;
	return x;
}

static void
make(const struct crl_plan *plan, const struct who *ca, struct buf *der)
{
	struct err	 e = ERR_INIT;

	buf_init(der, CRL_MAX_DER);
	if (crl_make(plan, ca->cert, ca->key, der, &e) == -1)
		fail_msg("%s", err_text(&e));
}

static struct crl *
parse(const struct buf *der)
{
	struct err	 e = ERR_INIT;
	struct crl	*c = NULL;

	if (crl_parse(buf_bytes(der), &c, &e) == -1)
		fail_msg("%s", err_text(&e));
	return c;
}

static void
test_round_trip(void **state)
{
	const struct crl_entry	 in[] = {
		entry("7f01", NOW - 5, 1),
		entry("02", NOW - 4, CRL_UNSPECIFIED),
		entry("00ff", NOW - 3, CRL_HOLD),
		entry("ff01", NOW - 2, 10),
		entry("0102030405060708090a0b0c0d0e0f1011121314", NOW - 1, 9),
	};
	const struct who	*cas[] = { &rsa, &ec };
	struct crl_plan		 plan = { .number = INT64_MAX,
	    .this_update = NOW, .next_update = NOW + 7 * DAY, .entries = in,
	    .n_entries = N(in) };
	struct err		 e = ERR_INIT;
	struct crl_entry	 out;
	struct crl		*c;
	struct buf		 der;

	(void)state;
	for (size_t k = 0; k < N(cas); k++) {
		make(&plan, cas[k], &der);
		c = parse(&der);
		assert_int_equal(c->number, INT64_MAX);
		assert_int_equal(c->this_update, NOW);
		assert_int_equal(c->next_update, NOW + 7 * DAY);
		assert_int_equal(c->n_entries, N(in));
		assert_true(bytes_eq(c->issuer, cas[k]->cert->subject));
		assert_true(bytes_eq(c->der, buf_bytes(&der)));
		assert_int_equal(crl_verify(c, cas[k]->cert, &e), 0);
		assert_int_equal(crl_verify(c, bare.cert, &e), -1);
		assert_err(&e, ERR_SIGNATURE, "CRL", "another CA");
		err_clear(&e);
		for (size_t i = 0; i < N(in); i++) {
			struct bytes	 serial = bytes_make(in[i].serial,
			    in[i].n_serial);

			assert_true(tool_listed(c, serial, &out));
			assert_int_equal(out.when, in[i].when);
			assert_int_equal(out.reason, in[i].reason);
			assert_true(bytes_eq(bytes_make(out.serial,
			    out.n_serial), serial));
		}
		assert_false(tool_listed(c, tool_hex("03"), &out));
		assert_false(tool_listed(c, tool_hex("ff"), &out));
		crl_free(c);
		buf_wipe(&der);
	}
}

/* Octets that a verifier looks at. */
static void
test_octets(void **state)
{
	const struct crl_entry	 one = entry("4a0b", NOW, CRL_UNSPECIFIED);
	const struct crl_entry	 why = entry("4a0b", NOW, 4);
	struct crl_plan		 plan = { .number = 200,
	    .this_update = NOW, .next_update = NOW + DAY };
	/* version 2; cRLNumber 200; reasonCode; superseded */
	const struct bytes	 v2 = tool_hex("020101");
	const struct bytes	 number = tool_hex("0603551d140404020200c8");
	const struct bytes	 reason = tool_hex("0603551d15");
	const struct bytes	 superseded = tool_hex("0603551d1504030a0104");
	/* authorityKeyIdentifier with a keyid of 20 octets */
	const struct bytes	 aki = tool_hex("0603551d23041830168014");
	struct crl		*c;
	struct buf		 der;
	size_t			 at;

	(void)state;
	make(&plan, &ec, &der);
	c = parse(&der);
	assert_int_equal(c->n_entries, 0);
	crl_free(c);
	assert_int_equal(tool_count(buf_bytes(&der), v2, &at), 1);
	assert_true(at < 10);
	assert_int_equal(tool_count(buf_bytes(&der), number, &at), 1);
	assert_int_equal(tool_count(buf_bytes(&der), aki, &at), 1);
	assert_int_equal(tool_count(buf_bytes(&der), reason, &at), 0);
	buf_wipe(&der);
	plan.entries = &one;
	plan.n_entries = 1;
	make(&plan, &ec, &der);
	assert_int_equal(tool_count(buf_bytes(&der), reason, &at), 0);
	buf_wipe(&der);
	plan.entries = &why;
	make(&plan, &ec, &der);
	assert_int_equal(tool_count(buf_bytes(&der), superseded, &at), 1);
	buf_wipe(&der);
}

/* Ten thousand: sorted, found, in reasonable size. */
static void
test_many(void **state)
{
	enum { MANY = 10000 };
	struct crl_entry	*v = calloc(MANY, sizeof(*v)), out;
	struct crl_plan		 plan = { .number = 1, .this_update = NOW,
	    .next_update = NOW + DAY, .entries = v, .n_entries = MANY };
	struct crl		*c;
	struct buf		 der;

	(void)state;
	assert_non_null(v);
	for (unsigned i = 0; i < MANY; i++) {
		v[i].n_serial = 16;
		memset(v[i].serial, 0x11, 16);
		v[i].serial[1] = (uint8_t)(i * 7);
		v[i].serial[14] = (uint8_t)(i >> 8);
		v[i].serial[15] = (uint8_t)i;
		v[i].when = NOW - i;
	}
	make(&plan, &ec, &der);
	assert_true(der.n < MANY * 50);
	c = parse(&der);
	assert_int_equal(c->n_entries, MANY);
	for (unsigned i = 0; i < MANY; i += 997)
		assert_true(tool_listed(c, bytes_make(v[i].serial, 16), &out) &&
		    out.when == v[i].when);
	crl_free(c);
	buf_wipe(&der);
	free(v);
}

static void
test_make_refused(void **state)
{
	const struct crl_entry	 padded = entry("0001", NOW, 0);
	const struct crl_entry	 empty = { .when = NOW };
	const struct {
		const char	*name;
		struct crl_plan	 plan;
		size_t		 room;
		enum err_reason	 want;
	} rows[] = {
		{ "negative number", { .number = -1 }, 4096, ERR_CRYPTO },
		{ "padded serial", { .number = 1, .entries = &padded,
		    .n_entries = 1 }, 4096, ERR_CRYPTO },
		{ "no serial", { .number = 1, .entries = &empty,
		    .n_entries = 1 }, 4096, ERR_CRYPTO },
		{ "no room", { .number = 1 }, 10, ERR_MEMORY },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct crl_plan	 plan = rows[i].plan;
		struct buf	 der = BUF_INIT(rows[i].room);
		struct err	 e = ERR_INIT;

		plan.this_update = NOW;
		plan.next_update = NOW + DAY;
		assert_int_equal(crl_make(&plan, ec.cert, ec.key, &der, &e),
		    -1);
		assert_err(&e, rows[i].want, NULL, rows[i].name);
		assert_int_equal(der.n, 0);
		buf_wipe(&der);
	}
}

static void
test_parse_refused(void **state)
{
	struct crl_plan	 plan = { .number = 1, .this_update = NOW,
	    .next_update = NOW + DAY };
	struct err	 e = ERR_INIT;
	struct crl	*out = NULL;
	struct buf	 der;
	uint8_t		*copy;

	(void)state;
	make(&plan, &ec, &der);
	assert_non_null(copy = calloc(1, der.n + 1));
	memcpy(copy, der.p, der.n);
	const struct {
		const char	*name;
		struct bytes	 der;
	} rows[] = {
		{ "empty", { copy, 0 } },
		{ "cut", { copy, der.n - 1 } },
		{ "trailing", { copy, der.n + 1 } },
		{ "certificate", ec.cert->der },
		{ "huge", { copy, CRL_MAX_DER + 1 } },
	};
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		assert_int_equal(crl_parse(rows[i].der, &out, &e), -1);
		assert_err(&e, ERR_CERT_FILE, "CRL", rows[i].name);
		assert_null(out);
	}
	crl_free(NULL);
	free(copy);
	buf_wipe(&der);
}

static void
test_reasons(void **state)
{
	static const char *const	 none[] = {
		"", "keycompromise", "7", "keyCompromise "
	};
	unsigned			 n = 0;

	(void)state;
	for (int i = -2; i < 20; i++) {
		const char	*name = crl_reason_name(i);

		if (name == NULL)
			continue;
		assert_int_equal(crl_reason_by_name(name), i);
		n++;
	}
	assert_int_equal(n, 10);
	assert_null(crl_reason_name(7));
	assert_int_equal(crl_reason_by_name("certificateHold"), CRL_HOLD);
	assert_int_equal(crl_reason_by_name("removeFromCRL"), CRL_RELEASE);
	for (size_t i = 0; i < N(none); i++)
		assert_int_equal(crl_reason_by_name(none[i]), -1);
}

/* ---- IssuerAndSerialNumber ---- */

static void
test_ias(void **state)
{
	static const char *const	 serials[] = { "05", "00ff", "ff01" };
	struct buf			 der = BUF_INIT(4096);
	struct err			 e = ERR_INIT;
	struct ias			 ias;

	(void)state;
	for (size_t i = 0; i < N(serials); i++) {
		buf_reset(&der);
		assert_int_equal(ias_make(rsa.cert->subject,
		    tool_hex(serials[i]), &der, &e), 0);
		assert_int_equal(ias_parse(buf_bytes(&der), &ias, &e), 0);
		assert_true(bytes_eq(ias.serial, tool_hex(serials[i])));
		assert_true(bytes_eq(ias.issuer, rsa.cert->subject));
		assert_true(ias_issued_by(&ias, rsa.cert));
		assert_false(ias_issued_by(&ias, ec.cert));
	}
	buf_wipe(&der);
}

/* Names of every length keep to DER's lengths. */
static void
test_ias_long(void **state)
{
	static const size_t	 lengths[] = {
		1, 110, 111, 112, 113, 114, 240, 241, 242, 243, 244, 300, 4095,
		4096, 4097, 32750, 32767
	};
	struct err		 e = ERR_INIT;
	struct ias		 ias;

	(void)state;
	for (size_t i = 0; i < N(lengths); i++) {
		struct buf	 text = BUF_INIT(65536);
		struct buf	 der = BUF_INIT(65536);
		X509_NAME	*x = X509_NAME_new();
		struct bytes	 b;

		assert_non_null(x);
		for (size_t n = 0; n < lengths[i]; n++)
			assert_int_equal(buf_putc(&text, 'x'), 0);
		/* A description has no upper bound in libcrypto. */
		assert_int_equal(X509_NAME_add_entry_by_NID(x, NID_description,
		    V_ASN1_UTF8STRING, text.p, (int)text.n, -1, 0), 1);
		b = pki_i2d(ASN1_ITEM_rptr(X509_NAME), x);
		assert_int_equal(ias_make(b, tool_hex("05"), &der, &e), 0);
		if (ias_parse(buf_bytes(&der), &ias, &e) == -1)
			fail_msg("a name of %zu", lengths[i]);
		assert_true(bytes_eq(ias.issuer, b));
		free((void *)(uintptr_t)b.p);
		X509_NAME_free(x);
		buf_wipe(&text);
		buf_wipe(&der);
	}
}

/* The same name in another type of string, and in other letters. */
static void
test_ias_name(void **state)
{
	/* CN=EC CA, as UTF8String, PrintableString, in lower case, with two
	 * blanks, and another one */
	static const struct {
		const char	*name;
		const char	*hex;
		bool		 same;
	} rows[] = {
		{ "UTF8String", "3010310e300c06035504030c054543204341", true },
		{ "PrintableString", "3010310e300c060355040313054543204341",
		    true },
		{ "lower case", "3010310e300c06035504030c056563206361", true },
		{ "two blanks", "3011310f300d06035504030c06454320204341",
		    true },
		{ "another", "3010310e300c06035504030c054543204342", false },
		{ "empty", "3000", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct ias	 ias = { .issuer = tool_hex(rows[i].hex) };

		if (ias_issued_by(&ias, ec.cert) != rows[i].same)
			fail_msg("%s", rows[i].name);
	}
}

static void
test_ias_refused(void **state)
{
	/* A name without parts and serial 5: 3005 3000 020105 */
	static const struct {
		const char	*name;
		const char	*hex;
		bool		 good;
	} rows[] = {
		{ "good", "30053000020105", true },
		{ "trailing", "3005300002010500", false },
		{ "trailing inside", "300630000201050500", false },
		{ "cut", "300530000201", false },
		{ "indefinite", "308030000201050000", false },
		{ "no serial", "30023000", false },
		{ "empty serial", "300430000200", false },
		{ "padded serial", "3006300002020005", false },
		{ "serial an OCTET STRING", "30053000040105", false },
		{ "name a SET", "30053100020105", false },
		{ "name malformed", "300730023000020105", false },
		{ "parts turned", "30050201053000", false },
		{ "a SET", "31053000020105", false },
		{ "serial alone", "020105", false },
		{ "long length", "3081053000020105", false },
	};
	struct err	 e = ERR_INIT;
	struct ias	 ias = { .serial = { NULL, 77 } };

	(void)state;
	assert_int_equal(ias_parse(bytes_make(NULL, 0), &ias, &e), -1);
	assert_err(&e, ERR_INTEGRITY, "pkcsPKIEnvelope", "empty");
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		ias.serial.n = 77;
		if ((ias_parse(tool_hex(rows[i].hex), &ias, &e) == 0) !=
		    rows[i].good)
			fail_msg("%s", rows[i].name);
		if (rows[i].good)
			continue;
		assert_err(&e, ERR_INTEGRITY, "pkcsPKIEnvelope", rows[i].name);
		assert_int_equal(ias.serial.n, 77);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_make_refused),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_ias),
		cmocka_unit_test(test_ias_long),
		cmocka_unit_test(test_ias_name),
		cmocka_unit_test(test_ias_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
