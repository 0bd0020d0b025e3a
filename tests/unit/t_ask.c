/*
 * render: what a program asks for in JSON, and all that is no such thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "render/ask.h"

static int
ask(const char *text, struct ask_challenge *out, struct err *e)
{
	*e = (struct err){ .reason = ERR_NONE };
	return ask_challenge(bytes_str(text), out, e);
}

static void
test_whole(void **state)
{
	struct ask_challenge	 a;
	struct err		 e;

	(void)state;
	assert_int_equal(ask("{\"endpoint\": \"e\", \"profile\": \"p\","
	    " \"name\": \"n-1\","
	    " \"subject\": \"CN exact \\u00e4\","
	    " \"san\": [\"dns suffix .a\", \"none\"],"
	    " \"facts\": {\"user\": \"a=b, \u00e4\", \"asset\": \"1\"},"
	    " \"ttl\": \"15m\", \"uses\": 3}", &a, &e), 0);
	assert_string_equal(a.name, "n-1");
	assert_string_equal(a.endpoint, "e");
	assert_string_equal(a.profile, "p");
	assert_string_equal(buf_cstr(&a.subject), "CN exact \xc3\xa4");
	assert_string_equal(buf_cstr(&a.san), "dns suffix .a\nnone");
	assert_string_equal(buf_cstr(&a.facts),
	    "user=a=b, \xc3\xa4\nasset=1");
	assert_int_equal(a.ttl, 900);
	assert_int_equal(a.uses, 3);
	ask_clear(&a);
}

static void
test_nothing(void **state)
{
	static const char *const	 texts[] = {
		"", "{}", " {\n} "
	};
	struct ask_challenge		 a;
	struct err			 e;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask(texts[i], &a, &e), 0);
		assert_string_equal(a.endpoint, "");
		assert_string_equal(a.profile, "");
		assert_string_equal(buf_cstr(&a.subject), "");
		assert_string_equal(buf_cstr(&a.san), "");
		assert_int_equal(a.ttl, 0);
		assert_int_equal(a.uses, 0);
		ask_clear(&a);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*text, *says;
	} bad[] = {
		{ "{", "not a JSON object: it ends too early" },
		{ "[]", "not a JSON object, but another value" },
		{ "7", "not a JSON object" },
		{ "{} x", "not a JSON object: wrong at line 1" },
		{ "{\"ttl\": 1, \"ttl\": 2}", "a member stands there twice" },
		{ "{\"san\": \"\\u0000\"}", "not a JSON object" },
		{ "{\"subject\": \"\xff\"}", "not a JSON object" },
		{ "{\"Uses\": 1}", "\"Uses\": there is no such member" },
		{ "{\"name\": \"a b\"}", "\"name\": expects a name without" },
		{ "{\"name\": \"\"}", "\"name\": expects" },
		{ "{\"endpoint\": 1}", "\"endpoint\": expects the name" },
		{ "{\"endpoint\": \"\"}", "\"endpoint\": expects" },
		{ "{\"profile\": \"a\\nb\"}", "\"profile\": expects" },
		{ "{\"profile\": \"0123456789012345678901234567890123456789"
		    "0123456789012345678901234\"}", "\"profile\": expects" },
		{ "{\"subject\": \"\"}", "\"subject\": expects a pattern" },
		{ "{\"subject\": null}", "\"subject\": is null" },
		{ "{\"subject\": []}", "\"subject\": expects a pattern" },
		{ "{\"san\": []}", "\"san\": expects a pattern" },
		{ "{\"subject\": [\"\"]}", "\"subject\": expects" },
		{ "{\"subject\": [null]}", "\"subject\": expects" },
		{ "{\"subject\": [\"CN exact a\", \"\"]}", "\"subject\"" },
		{ "{\"subject\": {}}", "\"subject\": expects" },
		{ "{\"subject\": {\"CN\": \"a\"}}", "\"subject\": expects" },
		{ "{\"subject\": false}", "\"subject\": expects" },
		{ "{\"san\": 0}", "\"san\": expects" },
		{ "{\"san\": \"dns exact a\\u007f\"}", "\"san\": expects" },
		{ "{\"san\": [\"none\"], \"san\": []}", "not a JSON object" },
		{ "{\"su\xffject\": \"CN exact a\"}", "not a JSON object" },
		{ "{\"subject\": \"CN exact \\ud800\"}", "not a JSON" },
		{ "{\"subject\": \"CN exact \xed\xa0\x80\"}", "not a JSON" },
		{ "null", "not a JSON object" },
		{ "{\"\": 1}", "\"\": there is no such member" },
		{ "{\"endpoint\": null}", "\"endpoint\": is null" },
		{ "{\"profile\": []}", "\"profile\": expects" },
		{ "{\"profile\": \"\"}", "\"profile\": expects" },
		{ "{\"subject\": \"CN exact a\\nCN exact b\"}", "\"subject\"" },
		{ "{\"san\": [\"a\", 1]}", "\"san\": expects a pattern" },
		{ "{\"san\": [[\"a\"]]}", "\"san\": expects" },
		{ "{\"facts\": null}", "\"facts\": is null" },
		{ "{\"facts\": \"user=a\"}", "\"facts\": expects" },
		{ "{\"facts\": [\"user=a\"]}", "\"facts\": expects" },
		{ "{\"facts\": {\"user\": 1}}", "\"facts\": expects" },
		{ "{\"facts\": {\"user\": null}}", "\"facts\": expects" },
		{ "{\"facts\": {\"user\": \"\"}}", "\"facts\": expects" },
		{ "{\"facts\": {\"user\": \"a\\nb\"}}", "\"facts\": expects" },
		{ "{\"facts\": {\"us=er\": \"a\"}}", "\"facts\": expects" },
		{ "{\"facts\": {\"u\\nv\": \"a\"}}", "\"facts\": expects" },
		{ "{\"ttl\": 0}", "\"ttl\": expects seconds" },
		{ "{\"ttl\": -1}", "\"ttl\": expects" },
		{ "{\"ttl\": 1.5}", "\"ttl\": expects" },
		{ "{\"ttl\": 60.0}", "\"ttl\": expects" },
		{ "{\"ttl\": 1e3}", "\"ttl\": expects" },
		{ "{\"ttl\": null}", "\"ttl\": is null" },
		{ "{\"ttl\": true}", "\"ttl\": expects" },
		{ "{\"ttl\": [60]}", "\"ttl\": expects" },
		{ "{\"ttl\": \"\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"0\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"0m\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"-5m\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"1.5h\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"15 m\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"366d\"}", "\"ttl\": expects" },
		{ "{\"ttl\": 31536001}", "\"ttl\": expects" },
		{ "{\"ttl\": 9223372036854775808}", "not a JSON object" },
		{ "{\"ttl\": \"9223372036854775807d\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"soon\"}", "\"ttl\": expects" },
		{ "{\"ttl\": \"2y\"}", "\"ttl\": expects" },
		{ "{\"ttl\": 9223372036854775807}", "\"ttl\": expects" },
		{ "{\"uses\": 0}", "\"uses\": expects a number" },
		{ "{\"uses\": -1}", "\"uses\": expects a number" },
		{ "{\"uses\": 1.0}", "\"uses\": expects" },
		{ "{\"uses\": null}", "\"uses\": is null" },
		{ "{\"uses\": true}", "\"uses\": expects" },
		{ "{\"uses\": [1]}", "\"uses\": expects" },
		{ "{\"uses\": 99999999999999999999}", "not a JSON object" },
		{ "{\"uses\": \"1\"}", "\"uses\": expects" },
		{ "{\"uses\": 1000000001}", "from 1 to 1000000000" },
	};
	struct ask_challenge	 a;
	struct err		 e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ask(bad[i].text, &a, &e) != -1)
			fail_msg("%s is taken", bad[i].text);
		assert_int_equal(e.reason, ERR_API);
		if (strstr(e.text, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].text, e.text);
		ask_clear(&a);
	}
}

/* More than can be kept, and any beginning of a good one. */
static void
test_limits(void **state)
{
	static const char	 good[] = "{\"endpoint\": \"e\", \"san\": "
	    "[\"none\"], \"ttl\": 60, \"uses\": 1}";
	struct buf		 b = BUF_INIT(1 << 20);
	struct ask_challenge	 a;
	struct err		 e;

	(void)state;
	for (size_t n = 1; n < sizeof(good) - 1; n++) {
		e = (struct err){ .reason = ERR_NONE };
		assert_int_equal(ask_challenge(bytes_make(good, n), &a, &e),
		    -1);
		assert_int_equal(e.reason, ERR_API);
		ask_clear(&a);
	}
	assert_int_equal(buf_puts(&b, "{\"san\": [\"a\""), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_puts(&b, ",\"a\""), 0);
	assert_int_equal(buf_puts(&b, "]}"), 0);
	assert_int_equal(ask(buf_cstr(&b), &a, &e), -1);
	assert_int_equal(e.reason, ERR_API);
	ask_clear(&a);
	buf_reset(&b);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_puts(&b, "{\"san\": ["), 0);
	assert_int_equal(ask(buf_cstr(&b), &a, &e), -1);
	ask_clear(&a);
	buf_wipe(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
