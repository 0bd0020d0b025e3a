#include "csr_craft.h"

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

static struct csr *
crafted(const struct csr_craft *c, const char *row)
{
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct err	 e = ERR_INIT;
	struct csr	*r = NULL;

	csr_craft(c, &der);
	if (csr_parse(buf_bytes(&der), &r, &e) != 0)
		fail_msg("%s: %s", row, err_text(&e));
	if (!bytes_eq(r->der, buf_bytes(&der)) || csr_verify(r, &e) != 0)
		fail_msg("%s: %s", row, err_text(&e));
	buf_wipe(&der);
	return r;
}

static void
test_facts(void **state)
{
	struct csr	*r = tool_csr(ec, "/C=DE/O=\xc3\x84/CN=a/CN=b", NULL,
	    "open sesame");
	static const struct { const char *oid, *text; } rows[] = {
		{ "2.5.4.6", "DE" }, { "2.5.4.10", "\xc3\x84" },
		{ "2.5.4.3", "a" }, { "2.5.4.3", "b" }
	};

	(void)state;
	assert_string_equal(r->subject_text, "CN=b,CN=a,O=\xc3\x84,C=DE");
	assert_false(r->subject_empty);
	assert_int_equal(r->n_values, N(rows));
	for (size_t i = 0; i < N(rows); i++) {
		assert_string_equal(r->values[i].oid, rows[i].oid);
		assert_string_equal(r->values[i].text, rows[i].text);
		assert_int_equal(r->values[i].n, strlen(rows[i].text));
	}
	assert_int_equal(r->key.type, KEY_EC);
	assert_true(bytes_eq(r->key.spki, key_spki(ec)));
	assert_true(r->has_challenge);
	assert_string_equal(buf_cstr(&r->challenge), "open sesame");
	assert_int_equal(r->sans.n, 0);
	csr_free(r);
	r = tool_csr(ec, "/", NULL, NULL);
	assert_true(r->subject_empty);
	assert_false(r->has_challenge);
	assert_int_equal(r->challenge.n, 0);
	csr_free(r);
	csr_free(NULL);
}

/* Every string type is read as UTF-8: so it is compared with the secret. */
static void
test_challenge_types(void **state)
{
	static const struct {
		const char	*name;
		int		 tag;
		struct bytes	 in;
		struct bytes	 out;
	} rows[] = {
		{ "printable", V_ASN1_PRINTABLESTRING,
		    { (const uint8_t *)"ab c", 4 },
		    { (const uint8_t *)"ab c", 4 } },
		{ "printable, not really", V_ASN1_PRINTABLESTRING,
		    { (const uint8_t *)"a_@*", 4 },
		    { (const uint8_t *)"a_@*", 4 } },
		{ "utf8", V_ASN1_UTF8STRING,
		    { (const uint8_t *)"\xc3\xa4" "b", 3 },
		    { (const uint8_t *)"\xc3\xa4" "b", 3 } },
		{ "t61", V_ASN1_T61STRING,
		    { (const uint8_t *)"\xe4" "b", 2 },
		    { (const uint8_t *)"\xc3\xa4" "b", 3 } },
		{ "ia5", V_ASN1_IA5STRING,
		    { (const uint8_t *)"a@b", 3 },
		    { (const uint8_t *)"a@b", 3 } },
		{ "bmp", V_ASN1_BMPSTRING,
		    { (const uint8_t *)"\0\xe4\0b", 4 },
		    { (const uint8_t *)"\xc3\xa4" "b", 3 } },
		{ "universal", V_ASN1_UNIVERSALSTRING,
		    { (const uint8_t *)"\0\0\0\xe4\0\0\0b", 8 },
		    { (const uint8_t *)"\xc3\xa4" "b", 3 } },
		{ "with a NUL", V_ASN1_UTF8STRING,
		    { (const uint8_t *)"a\0b", 3 },
		    { (const uint8_t *)"a\0b", 3 } },
		{ "empty", V_ASN1_UTF8STRING, { NULL, 0 }, { NULL, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct csr	*r = crafted(&(struct csr_craft){ .key = ec,
		    .challenge_tag = rows[i].tag, .challenge = rows[i].in },
		    rows[i].name);

		if (!r->has_challenge ||
		    !bytes_eq(buf_bytes(&r->challenge), rows[i].out))
			fail_msg("%s", rows[i].name);
		csr_free(r);
	}
}

static void
test_long_challenge(void **state)
{
	static const size_t	 sizes[] = { 5 * 1024, CSR_MAX_CHALLENGE };
	uint8_t			*text = malloc(CSR_MAX_CHALLENGE);

	(void)state;
	memset(text, 'x', CSR_MAX_CHALLENGE);
	for (size_t i = 0; i < N(sizes); i++) {
		struct csr	*r = crafted(&(struct csr_craft){ .key = ec,
		    .challenge_tag = V_ASN1_UTF8STRING,
		    .challenge = { text, sizes[i] } }, "long");

		assert_true(bytes_eq(buf_bytes(&r->challenge),
		    bytes_make(text, sizes[i])));
		csr_free(r);
	}
	free(text);
}

static void
assert_refused(struct bytes der, enum err_reason want, const char *text,
    const char *row)
{
	struct csr	*r = NULL, *was = (struct csr *)(uintptr_t)&ec;
	struct err	 e = ERR_INIT;

	r = was;
	if (csr_parse(der, &r, &e) != -1)
		fail_msg("accepted: %s", row);
	assert_err(&e, want, text, row);
	assert_ptr_equal(r, was);
	assert_null(strstr(e.text, "sesame"));
}

static void
test_challenge_refused(void **state)
{
	uint8_t		*big = malloc(CSR_MAX_CHALLENGE + 1);
	struct bytes	 text = LIT("open sesame");

	(void)state;
	memset(big, 'x', CSR_MAX_CHALLENGE + 1);
	const struct {
		const char	*name;
		int		 tag;
		struct bytes	 value;
		int		 n;
		struct bytes	 other;
		const char	*text;
	} rows[] = {
		{ "two values", V_ASN1_UTF8STRING, text, 2, { NULL, 0 },
		    "more than one challengePassword" },
		{ "two attributes", V_ASN1_UTF8STRING, text, 1, text,
		    "more than one challengePassword" },
		{ "octets", V_ASN1_OCTET_STRING, text, 1, { NULL, 0 },
		    "is no string" },
		{ "bits", V_ASN1_BIT_STRING, text, 1, { NULL, 0 },
		    "is no string" },
		{ "integer", V_ASN1_INTEGER, LIT("\x05"), 1, { NULL, 0 },
		    "is no string" },
		{ "bad UTF-8", V_ASN1_UTF8STRING, LIT("\xc3\x28"), 1,
		    { NULL, 0 }, "is no text" },
		{ "too long", V_ASN1_UTF8STRING,
		    { big, CSR_MAX_CHALLENGE + 1 }, 1, { NULL, 0 },
		    "of 8193 bytes" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 der = BUF_INIT(CSR_MAX_DER);

		csr_craft(&(struct csr_craft){ .key = ec,
		    .challenge_tag = rows[i].tag, .challenge = rows[i].value,
		    .n_challenges = rows[i].n, .other = rows[i].other }, &der);
		if (rows[i].other.n > 0)
			tool_patch(&der, csr_craft_xoid(), csr_craft_oid());
		assert_refused(buf_bytes(&der), ERR_CSR, rows[i].text,
		    rows[i].name);
		buf_wipe(&der);
	}
	free(big);
}

/* A string of a broken length makes the whole no request. */
static void
test_half_character(void **state)
{
	struct buf	 der = BUF_INIT(CSR_MAX_DER);

	(void)state;
	csr_craft(&(struct csr_craft){ .key = ec,
	    .challenge_tag = V_ASN1_UTF8STRING,
	    .challenge = LIT("\0a\0") }, &der);
	tool_patch(&der, LIT("\x0c\x03\0a\0"), LIT("\x1e\x03\0a\0"));
	assert_refused(buf_bytes(&der), ERR_CSR_DER, NULL, "half BMP");
	buf_wipe(&der);
}

static void
test_refused(void **state)
{
	struct csr	*r = tool_csr(ec, "/CN=x", "DNS:a", "open sesame");
	struct buf	 tail = BUF_INIT(CSR_MAX_DER);
	uint8_t		*big = calloc(1, CSR_MAX_DER + 1);

	(void)state;
	assert_int_equal(buf_put(&tail, r->der.p, r->der.n), 0);
	assert_int_equal(buf_putc(&tail, 0), 0);
	assert_refused(bytes_make(NULL, 0), ERR_CSR_DER, "of 0 bytes",
	    "empty");
	assert_refused(bytes_make(big, CSR_MAX_DER + 1), ERR_CSR, "of 65537",
	    "big");
	assert_refused(buf_bytes(&tail), ERR_CSR_DER, "bytes after", "tail");
	assert_refused(bytes_str("hello"), ERR_CSR_DER, "not a request",
	    "text");
	assert_refused(key_spki(ec), ERR_CSR_DER, NULL, "key");
	for (size_t n = 1; n < r->der.n; n++)
		assert_refused(bytes_make(r->der.p, n), ERR_CSR_DER, NULL,
		    "truncated");
	csr_free(r);
	buf_wipe(&tail);
	free(big);
}

/* A Name of n times CN=x, or of one CN with a broken value. */
static void
put_name(struct buf *out, size_t n, unsigned char tag, struct bytes value)
{
	struct buf	 rdns = BUF_INIT(65536);

	for (size_t i = 0; i < n; i++) {
		struct buf	 ava = BUF_INIT(256), seq = BUF_INIT(256);

		csr_put(&ava, 0x06, LIT("\x55\x04\x03"));
		csr_put(&ava, tag, value);
		csr_put(&seq, 0x30, buf_bytes(&ava));
		csr_put(&rdns, 0x31, buf_bytes(&seq));
		buf_wipe(&ava);
		buf_wipe(&seq);
	}
	csr_put(out, 0x30, buf_bytes(&rdns));
	buf_wipe(&rdns);
}

static void
test_subjects(void **state)
{
	struct buf	 name = BUF_INIT(65536), der = BUF_INIT(CSR_MAX_DER);
	struct csr	*r;

	(void)state;
	put_name(&name, CSR_MAX_VALUES, 0x0c, LIT("x"));
	r = crafted(&(struct csr_craft){ .key = ec,
	    .subject = buf_bytes(&name) }, "32 values");
	assert_int_equal(r->n_values, CSR_MAX_VALUES);
	csr_free(r);
	buf_reset(&name);
	put_name(&name, CSR_MAX_VALUES + 1, 0x0c, LIT("x"));
	csr_craft(&(struct csr_craft){ .key = ec,
	    .subject = buf_bytes(&name) }, &der);
	assert_refused(buf_bytes(&der), ERR_CSR, "subject of 33 values",
	    "33 values");
	/* A NUL is kept, with its length, for policy to see. */
	buf_reset(&name);
	put_name(&name, 1, 0x0c, LIT("a\0b"));
	r = crafted(&(struct csr_craft){ .key = ec,
	    .subject = buf_bytes(&name) }, "NUL");
	assert_int_equal(r->values[0].n, 3);
	assert_memory_equal(r->values[0].text, "a\0b", 4);
	csr_free(r);
	buf_wipe(&name);
	buf_wipe(&der);
}

static void
test_verify(void **state)
{
	struct csr	*r = tool_csr(ec, "/CN=x", NULL, NULL), *bad = NULL;
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(csr_verify(r, &e), 0);
	assert_int_equal(buf_put(&der, r->der.p, r->der.n), 0);
	tool_patch(&der, LIT("\x55\x04\x03\x0c\x01x"),
	    LIT("\x55\x04\x03\x0c\x01y"));
	assert_int_equal(csr_parse(buf_bytes(&der), &bad, &e), 0);
	assert_string_equal(bad->subject_text, "CN=y");
	assert_int_equal(csr_verify(bad, &e), -1);
	assert_int_equal(e.reason, ERR_CSR_SIGNATURE);
	buf_reset(&der);
	err_clear(&e);
	assert_int_equal(csr_pem(r, &der, &e), 0);
	assert_int_equal(strncmp(buf_cstr(&der),
	    "-----BEGIN CERTIFICATE REQUEST-----\n", 36), 0);
	csr_free(r);
	csr_free(bad);
	buf_wipe(&der);
}

/* ---- what it asks for ---- */

#define TEMPLATE	"1.3.6.1.4.1.311.21.7=DER:"
#define NAME		"1.3.6.1.4.1.311.20.2=DER:"
#define SID_EXT		"1.3.6.1.4.1.311.25.2=DER:"
/* OtherName 1.3.6.1.4.1.311.25.2.1 with the octets S-1-5-9 */
#define SID_HEX		"301BA019060A2B060104018237190201A00B0409" \
			"532D312D352D392D31"

static void
test_asked(void **state)
{
	static const struct csr_craft	 all = {
		.more = "keyUsage=digitalSignature,keyAgreement,cRLSign,"
		    "decipherOnly",
		.also = { "extendedKeyUsage=clientAuth,1.2.3.4",
		    /* 1.2.3.9, version 100.2 */
		    TEMPLATE "300B06032A0309020164020102",
		    /* BMPString "Web" */
		    NAME "1E06005700650062",
		    SID_EXT SID_HEX, "1.2.3.5=DER:0500" },
	};
	struct csr_craft		 c = all;
	struct csr			*r;

	(void)state;
	c.key = ec;
	r = crafted(&c, "all");
	assert_int_equal(r->asked.ku, 0x01 | 0x10 | 0x40 | 0x100);
	assert_int_equal(r->asked.n_eku, 2);
	assert_string_equal(r->asked.eku[0], "1.3.6.1.5.5.7.3.2");
	assert_string_equal(r->asked.eku[1], "1.2.3.4");
	assert_string_equal(r->asked.template_oid, "1.2.3.9");
	assert_string_equal(r->asked.template_name, "Web");
	assert_string_equal(r->asked.sid, "S-1-5-9-1");
	/* Policy judges templates as what a profile does not know. */
	assert_int_equal(r->asked.n_other, 3);
	assert_string_equal(r->asked.other[0], "1.3.6.1.4.1.311.21.7");
	assert_string_equal(r->asked.other[1], "1.3.6.1.4.1.311.20.2");
	assert_string_equal(r->asked.other[2], "1.2.3.5");
	csr_free(r);
}

/* What is malformed, or there twice, is an extension that nobody knows. */
static void
test_asked_badly(void **state)
{
	static const struct {
		const char	*one, *two;
		const char	*oid, *name, *sid;
		size_t		 others;
	} rows[] = {
		{ TEMPLATE "30050603" "2A0309", NULL, "1.2.3.9", "", "", 1 },
		{ TEMPLATE "3000", NULL, "", "", "", 1 },
		{ TEMPLATE "0500", NULL, "", "", "", 1 },
		{ TEMPLATE "3003020101", NULL, "", "", "", 1 },
		{ TEMPLATE "30060603" "2A0309", NULL, "", "", "", 1 },
		{ TEMPLATE "300506032A0309", TEMPLATE "300506032A030A",
		    "1.2.3.9", "", "", 2 },
		{ NAME "0C03576562", NULL, "", "Web", "", 1 },
		{ NAME "0C00", NULL, "", "", "", 1 },
		{ NAME "0C03570062", NULL, "", "", "", 1 },
		{ NAME "1E03570062", NULL, "", "", "", 1 },
		{ NAME "020101", NULL, "", "", "", 1 },
		{ NAME "0C03576562", NAME "0C03576563", "", "Web", "", 2 },
		{ SID_EXT SID_HEX, SID_EXT SID_HEX, "", "", "S-1-5-9-1", 1 },
		{ SID_EXT "0500", NULL, "", "", "", 1 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct csr_craft	 c = { .key = ec, .more = rows[i].one,
		    .also = { rows[i].two } };
		struct csr		*r = crafted(&c, rows[i].one);

		if (strcmp(r->asked.template_oid, rows[i].oid) != 0 ||
		    strcmp(r->asked.template_name, rows[i].name) != 0 ||
		    strcmp(r->asked.sid, rows[i].sid) != 0 ||
		    r->asked.n_other != rows[i].others)
			fail_msg("row %zu: %s %s %s %zu", i,
			    r->asked.template_oid, r->asked.template_name,
			    r->asked.sid, r->asked.n_other);
		csr_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_challenge_types),
		cmocka_unit_test(test_long_challenge),
		cmocka_unit_test(test_challenge_refused),
		cmocka_unit_test(test_half_character),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_asked_badly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
