/*
 * What may stand in a validator's answer, and what may not.
 */
#include "pki_tool.h"
#include "validator/validator.h"

#define A20	"aaaaaaaaaaaaaaaaaaaa"
#define A100	A20 A20 A20 A20 A20
#define A1000	A100 A100 A100 A100 A100 A100 A100 A100 A100 A100

static void
test_read(void **state)
{
	struct err	 e = ERR_INIT;
	struct answer	 a;

	(void)state;
	assert_int_equal(answer_read(LIT(" {\"verdict\": \"issue\", "
	    "\"reason\": \"\\u00e4 \\\"\", \"subject\": \"CN=x\", "
	    "\"sans\": [\"dns:a\", \"ip:::1\"], \"profile\": \"p\", "
	    "\"validity\": \"30d\", \"facts\": {\"a\": \"b=c\", \"d\": "
	    "\"\\u00e4\"}}\n"), ANSWER_WITH_VERDICT, &a, &e), 0);
	assert_string_equal(a.facts[0], "a=b=c");
	assert_string_equal(a.facts[1], "d=\xc3\xa4");
	assert_null(a.facts[2]);
	assert_int_equal(a.verdict, ANSWER_ISSUE);
	assert_string_equal(a.reason, "\xc3\xa4 \"");
	assert_string_equal(a.subject, "CN=x");
	assert_string_equal(a.sans[0], "dns:a");
	assert_string_equal(a.sans[1], "ip:::1");
	assert_null(a.sans[2]);
	assert_string_equal(a.profile, "p");
	assert_int_equal(a.validity, 30 * DAY);
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	assert_int_equal(answer_read(LIT("{\"verdict\": \"hold\", \"reason\": "
	    "null, \"subject\": null, \"sans\": null, \"profile\": null, "
	    "\"validity\": null}"), ANSWER_WITH_VERDICT, &a, &e), 0);
	assert_int_equal(a.verdict, ANSWER_HOLD);
	assert_false(answer_overrides(&a));
	answer_clear(&a);
	/* Facts are for whom needs them, and change nothing. */
	assert_int_equal(answer_read(LIT("{\"facts\": {\"a\": \"b\"}}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_string_equal(a.facts[0], "a=b");
	assert_false(answer_overrides(&a));
	answer_clear(&a);
	assert_null(a.facts);
	/* No names is something else than those of the request. */
	assert_int_equal(answer_read(LIT("{\"sans\": []}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_int_equal(a.verdict, ANSWER_ISSUE);
	assert_null(a.sans[0]);
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	/* Nor is no account the one of the request. */
	assert_int_equal(answer_read(LIT("{\"sid\": \"\"}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_string_equal(a.sid, "");
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	assert_null(a.sid);
}

#define V	"{\"verdict\": \"issue\", "

static void
test_garbage(void **state)
{
	static const struct {
		const char	*name;
		struct bytes	 text;
	} rows[] = {
#define ROW(name, text)	{ name, { (const uint8_t *)text, sizeof(text) - 1 } }
		ROW("empty", ""),
		ROW("blank", " \n"),
		ROW("word", "issue"),
		ROW("string", "\"issue\""),
		ROW("number", "0"),
		ROW("null", "null"),
		ROW("array", "[{\"verdict\": \"issue\"}]"),
		ROW("html", "<html>issue</html>"),
		ROW("truncated", "{\"verdict\": \"issue\""),
		ROW("truncated text", "{\"verdict\": \"iss"),
		ROW("two objects", "{\"verdict\": \"issue\"}{}"),
		ROW("something behind", "{\"verdict\": \"issue\"} x"),
		ROW("NUL behind", "{\"verdict\": \"issue\"}\0"),
		ROW("comma", "{\"verdict\": \"issue\",}"),
		ROW("comment", "{\"verdict\": \"issue\"} // yes"),
		ROW("single quotes", "{'verdict': 'issue'}"),
		ROW("no verdict", "{}"),
		ROW("no verdict but a reason", "{\"reason\": \"x\"}"),
		ROW("unknown verdict", "{\"verdict\": \"allow\"}"),
		ROW("capital verdict", "{\"verdict\": \"Issue\"}"),
		ROW("verdict and more", "{\"verdict\": \"issue \"}"),
		ROW("empty verdict", "{\"verdict\": \"\"}"),
		ROW("verdict of NUL", "{\"verdict\": \"issue\\u0000x\"}"),
		ROW("true", "{\"verdict\": true}"),
		ROW("verdict null", "{\"verdict\": null}"),
		ROW("verdict number", "{\"verdict\": 0}"),
		ROW("verdict array", "{\"verdict\": [\"issue\"]}"),
		ROW("two verdicts", V "\"verdict\": \"refuse\"}"),
		ROW("the same twice", V "\"verdict\": \"issue\"}"),
		ROW("twice by escape", V "\"\\u0076erdict\": \"refuse\"}"),
		ROW("unknown member", V "\"sub\": \"CN=x\"}"),
		ROW("nested", V "\"subject\": {\"cn\": \"x\"}}"),
		ROW("reason number", V "\"reason\": 1}"),
		ROW("subject array", V "\"subject\": [\"CN=x\"]}"),
		ROW("subject of NUL", V "\"subject\": \"CN=a\\u0000b\"}"),
		ROW("bare NUL", V "\"subject\": \"CN=a\0b\"}"),
		ROW("not UTF-8", V "\"subject\": \"CN=\xff\"}"),
		ROW("overlong UTF-8", V "\"subject\": \"CN=\xc0\xaf\"}"),
		ROW("half a surrogate", V "\"subject\": \"\\ud800\"}"),
		ROW("bare line end", V "\"reason\": \"a\nb\"}"),
		ROW("sans string", V "\"sans\": \"dns:a\"}"),
		ROW("sans of null", V "\"sans\": [null]}"),
		ROW("sans of numbers", V "\"sans\": [1]}"),
		ROW("sans of arrays", V "\"sans\": [[\"dns:a\"]]}"),
		ROW("sid number", V "\"sid\": 500}"),
		ROW("long sid", V "\"sid\": \"" A100 A20 A20 "\"}"),
		ROW("facts text", V "\"facts\": \"a=b\"}"),
		ROW("facts array", V "\"facts\": [\"a=b\"]}"),
		ROW("fact number", V "\"facts\": {\"a\": 1}}"),
		ROW("fact null", V "\"facts\": {\"a\": null}}"),
		ROW("fact of two", V "\"facts\": {\"a=b\": \"c\"}}"),
		ROW("fact twice", V "\"facts\": {\"a\": \"b\", \"a\": \"c\"}}"),
		ROW("fact with NUL", V "\"facts\": {\"a\": \"b\\u0000\"}}"),
		ROW("long fact", V "\"facts\": {\"a\": \"" A1000 "\"}}"),
		ROW("many facts", V "\"facts\": {\"a\": \"\", \"b\": \"\", "
		    "\"c\": \"\", \"d\": \"\", \"e\": \"\", \"f\": \"\", "
		    "\"g\": \"\", \"h\": \"\", \"i\": \"\", \"j\": \"\", "
		    "\"k\": \"\", \"l\": \"\", \"m\": \"\", \"n\": \"\", "
		    "\"o\": \"\", \"p\": \"\", \"q\": \"\"}}"),
		ROW("profile false", V "\"profile\": false}"),
		ROW("validity number", V "\"validity\": 30}"),
		ROW("validity zero", V "\"validity\": \"0\"}"),
		ROW("validity negative", V "\"validity\": \"-1d\"}"),
		ROW("validity words", V "\"validity\": \"a day\"}"),
		ROW("validity empty", V "\"validity\": \"\"}"),
		ROW("validity for ever", V "\"validity\": \"101y\"}"),
		ROW("validity overflow", V "\"validity\": \"99999999999y\"}"),
		ROW("long validity", V "\"validity\": \"" A20 "\"}"),
		ROW("long reason", V "\"reason\": \"" A1000 A100 "\"}"),
		ROW("long profile", V "\"profile\": \"" A100 "\"}"),
		ROW("long name", V "\"sans\": [\"" A1000 A100 "\"]}"),
		ROW("long subject",
		    V "\"subject\": \"" A1000 A1000 A1000 A1000 A100 "\"}"),
#undef ROW
	};
	struct answer	 a = { .verdict = ANSWER_HOLD };
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		if (answer_read(rows[i].text, ANSWER_WITH_VERDICT, &a, &e) !=
		    -1)
			fail_msg("%s is taken", rows[i].name);
		assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, rows[i].name);
		assert_int_equal(a.verdict, ANSWER_HOLD);
	}
	/* Where the exit code tells it, nothing else may. */
	err_clear(&e);
	assert_int_equal(answer_read(LIT("{\"verdict\": \"issue\"}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), -1);
	assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, "verdict");
}

/* n times text, in an object. */
static void
assert_too_much(const char *before, const char *text, size_t n,
    const char *after)
{
	struct buf	 b = BUF_INIT(1024 * 1024);
	struct err	 e = ERR_INIT;
	struct answer	 a;

	assert_int_equal(buf_puts(&b, before), 0);
	while (n-- > 0)
		assert_int_equal(buf_puts(&b, text), 0);
	assert_int_equal(buf_puts(&b, after), 0);
	assert_int_equal(answer_read(buf_bytes(&b), ANSWER_WITH_VERDICT, &a,
	    &e), -1);
	assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, text);
	buf_wipe(&b);
}

static void
test_huge(void **state)
{
	(void)state;
	assert_too_much(V "\"reason\": \"", " ", ANSWER_MAX, "\"}");
	assert_too_much("", " ", ANSWER_MAX, "{\"verdict\": \"issue\"}");
	assert_too_much(V "\"sans\": [\"dns:a\"", ", \"dns:a\"", 64, "]}");
	assert_too_much(V "\"sans\": ", "[", 30000, "}");
	assert_too_much("", "{\"sans\":", 6000, "}");
	assert_too_much("", "[", 60000, "");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
