#include "pki_tool.h"

#include "scep/op.h"

#define MAX	64	/* bytes of a message in a query */

static const struct {
	const char	*query;
	bool		 post;
	enum scep_op	 op;
	const char	*message;	/* NULL: none */
} queries[] = {
	{ "operation=GetCACaps", false, SCEP_OP_CAPS, NULL },
	{ "operation=GetCACert", false, SCEP_OP_CACERT, NULL },
	{ "operation=GetCACertChain", false, SCEP_OP_CACERT, NULL },
	{ "operation=GetNextCACert", false, SCEP_OP_NEXTCA, NULL },
	{ "operation=GetCACert&message=a", false, SCEP_OP_CACERT,
	    "a" },
	{ "message=a&operation=GetCACert", true, SCEP_OP_CACERT,
	    "a" },
	{ "operation=GetCACaps&message=%61%20b+", false, SCEP_OP_CAPS,
	    "a b+" },
	{ "operation=GetNextCACert&message=", false, SCEP_OP_NEXTCA, "" },
	/* Where it names a CA it may be anything: then it names none. */
	{ "operation=GetCACert&message=%00", false, SCEP_OP_CACERT,
	    NULL },
	{ "operation=GetCACert&message=abc%00d", false, SCEP_OP_CACERT,
	    NULL },
	{ "operation=GetCACaps&message=abc%4", false, SCEP_OP_CAPS, NULL },
	{ "operation=GetCACaps&message=0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789", false, SCEP_OP_CAPS,
	    NULL },
	{ "operation=PKIOperation&message=MIIB", false, SCEP_OP_PKI,
	    "MIIB" },
	{ "message=MIIB&operation=PKIOperation", false, SCEP_OP_PKI,
	    "MIIB" },
	{ "a=b&&operation=PKIOperation&c&message=x&", false,
	    SCEP_OP_PKI, "x" },
	{ "operation=PKIOperation", false, SCEP_OP_PKI, NULL },
	{ "operation=PKIOperation&message=", false, SCEP_OP_PKI, "" },
	{ "operation=PKIOperation&message=a%2Bb%2fc%3D%0A", false,
	    SCEP_OP_PKI, "a+b/c=\n" },
	{ "operation=PKIOperation&message=a+b c", false, SCEP_OP_PKI,
	    "a+b c" },
	{ "operation=PKIOperation&message=a=b", false, SCEP_OP_PKI,
	    "a=b" },
	{ "operation=PKIOperation&message=1&message=2", false,
	    SCEP_OP_PKI, "1" },
	{ "operation=GetCACaps&operation=PKIOperation", false,
	    SCEP_OP_CAPS, NULL },
	{ "operation=%50KIOperation", false, SCEP_OP_PKI, NULL },
	{ "xoperation=GetCACert&operation=GetCACaps", false,
	    SCEP_OP_CAPS, NULL },
	/* Many clients leave the operation out of a POST. */
	{ NULL, true, SCEP_OP_PKI, NULL },
	{ "", true, SCEP_OP_PKI, NULL },
	{ "operation=", true, SCEP_OP_PKI, NULL },
	{ "message=x", true, SCEP_OP_PKI, "x" },
};

static void
test_operations(void **state)
{
	struct scep_query	 q;
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(queries); i++) {
		memset(&q, 0x55, sizeof(q));
		if (scep_query_parse(queries[i].query, queries[i].post, MAX, &q,
		    &e) != 0)
			fail_msg("%s: %s", queries[i].query, err_text(&e));
		assert_int_equal(q.op, queries[i].op);
		assert_int_equal(q.has_message, queries[i].message != NULL);
		assert_string_equal(buf_cstr(&q.message),
		    queries[i].message == NULL ? "" : queries[i].message);
		scep_query_clear(&q);
	}
	assert_string_equal(scep_op_name(SCEP_OP_CAPS), "GetCACaps");
	assert_string_equal(scep_op_name(SCEP_OP_PKI), "PKIOperation");
}

static void
test_refused(void **state)
{
	char	 big[sizeof("operation=PKIOperation&message=") + MAX + 1] =
	    "operation=PKIOperation&message=";
	char	 name[200] = "operation=";

	(void)state;
	memset(big + strlen(big), 'x', MAX + 1);
	memset(name + strlen(name), 'x', 150);
	const struct {
		const char	*query;
		bool		 post;
		enum err_reason	 want;
	} rows[] = {
		{ NULL, false, ERR_OPERATION },
		{ "", false, ERR_OPERATION },
		{ "operation=", false, ERR_OPERATION },
		{ "operation", false, ERR_OPERATION },
		{ "message=x", false, ERR_OPERATION },
		{ "operation=getcacert", false, ERR_OPERATION },
		{ "operation=GetCACert ", false, ERR_OPERATION },
		{ "operation=GetCACertX", true, ERR_OPERATION },
		{ "operation=GetCACer", true, ERR_OPERATION },
		{ "Operation=GetCACert", false, ERR_OPERATION },
		{ name, true, ERR_OPERATION },
		{ "operation=GetCACert%00", false, ERR_QUERY },
		{ "operation=%", true, ERR_QUERY },
		{ "operation=%4", true, ERR_QUERY },
		{ "operation=%4g", true, ERR_QUERY },
		{ "operation=PKIOperation&message=a%00b", false, ERR_QUERY },
		{ "operation=PKIOperation&message=%", false, ERR_QUERY },
		{ "operation=PKIOperation&message=%2", false, ERR_QUERY },
		{ "operation=PKIOperation&message=%2&x=B", false, ERR_QUERY },
		{ "operation=PKIOperation&message=% 2", false, ERR_QUERY },
		{ big, false, ERR_BODY_TOO_BIG },
	};
	struct scep_query	 q;
	struct err		 e = ERR_INIT;

	for (size_t i = 0; i < N(rows); i++) {
		const char	*text = rows[i].query == NULL ? "(none)" :
		    rows[i].query;

		err_clear(&e);
		memset(&q, 0x55, sizeof(q));
		if (scep_query_parse(rows[i].query, rows[i].post, MAX, &q,
		    &e) != -1)
			fail_msg("accepted: %s", text);
		assert_err(&e, rows[i].want, NULL, text);
		scep_query_clear(&q);
	}
}

/* What a PKIOperation carries, in body or query, armoured or not. */
static void
test_message(void **state)
{
	static const struct {
		struct bytes	 body;
		const char	*query;
		struct bytes	 want;		/* n == 0: refused */
		enum err_reason	 reason;
	} rows[] = {
		{ { (const uint8_t *)"\x30\x80\0x", 4 }, "a",
		    { (const uint8_t *)"\x30\x80\0x", 4 }, ERR_NONE },
		{ { (const uint8_t *)"MIA=", 4 }, NULL,
		    { (const uint8_t *)"\x30\x80", 2 }, ERR_NONE },
		{ { (const uint8_t *)"MI\r\nA\n", 6 }, NULL,
		    { (const uint8_t *)"\x30\x80", 2 }, ERR_NONE },
		{ { NULL, 0 }, "MIA%3D",
		    { (const uint8_t *)"\x30\x80", 2 }, ERR_NONE },
		{ { NULL, 0 }, "MIA", { (const uint8_t *)"\x30\x80", 2 },
		    ERR_NONE },
		{ { NULL, 0 }, "M+/+", { (const uint8_t *)"\x33\xef\xfe", 3 },
		    ERR_NONE },
		{ { NULL, 0 }, "M%2b%2F%20",
		    { (const uint8_t *)"\x33\xef\xfe", 3 }, ERR_NONE },
		{ { NULL, 0 }, "M-_-", { (const uint8_t *)"\x33\xef\xfe", 3 },
		    ERR_NONE },
		{ { (const uint8_t *)"M!", 2 }, NULL, { NULL, 0 },
		    ERR_BASE64 },
		{ { (const uint8_t *)"MIA\0", 4 }, NULL, { NULL, 0 },
		    ERR_BASE64 },
		{ { NULL, 0 }, "M", { NULL, 0 }, ERR_BASE64 },
		{ { NULL, 0 }, "MIA%3DMIA%3D", { NULL, 0 }, ERR_BASE64 },
		{ { NULL, 0 }, "", { NULL, 0 }, ERR_NO_MESSAGE },
		{ { NULL, 0 }, NULL, { NULL, 0 }, ERR_NO_MESSAGE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf		 der = BUF_INIT(MAX);
		struct scep_query	 q;
		struct err		 e = ERR_INIT;
		char			 text[64];
		int			 rc;

		(void)snprintf(text, sizeof(text), "message=%s",
		    rows[i].query == NULL ? "" : rows[i].query);
		assert_int_equal(scep_query_parse(rows[i].query == NULL ?
		    NULL : text, true, MAX, &q, &e), 0);
		rc = scep_message(rows[i].body, &q, &der, &e);
		if (rc != (rows[i].reason == ERR_NONE ? 0 : -1) ||
		    e.reason != rows[i].reason ||
		    !bytes_eq(buf_bytes(&der), rows[i].want))
			fail_msg("row %zu: %s", i, err_text(&e));
		buf_wipe(&der);
		scep_query_clear(&q);
	}
}

static void
test_message_too_big(void **state)
{
	uint8_t			 body[MAX + 1] = { 0x30 };
	struct buf		 der = BUF_INIT(MAX);
	struct scep_query	 q;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(scep_query_parse(NULL, true, MAX, &q, &e), 0);
	assert_int_equal(scep_message(bytes_make(body, MAX), &q, &der, &e), 0);
	buf_reset(&der);
	assert_int_equal(scep_message(bytes_make(body, MAX + 1), &q, &der,
	    &e), -1);
	assert_int_equal(e.reason, ERR_BODY_TOO_BIG);
	assert_int_equal(der.n, 0);
	buf_wipe(&der);
	scep_query_clear(&q);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_message_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
