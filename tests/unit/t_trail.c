#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "render/trail.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define ERR_INIT { .reason = ERR_NONE }

static const struct trail_step passed = {
	TRAIL_ENROLLMENT, "key", "key=rsa bits=2048", NULL, NULL
};
static const struct trail_step refused = {
	TRAIL_ENROLLMENT, "proof", "challenge=wrong", "challenge_wrong",
	"matches none"
};

#define WHOLE								\
	"{\"facts\":{\"endpoint\":\"scep\",\"subject\":\"CN=\xc3\xa9\"},"	\
	"\"steps\":[{\"by\":\"enrollment\",\"step\":\"key\","		\
	"\"input\":\"key=rsa bits=2048\"},"				\
	"{\"by\":\"enrollment\",\"step\":\"proof\","			\
	"\"input\":\"challenge=wrong\",\"reason\":\"challenge_wrong\","	\
	"\"detail\":\"matches none\"}]}"

static void
test_made(void **state)
{
	struct trail	*t = trail_new();
	struct buf	 b = BUF_INIT(TRAIL_MAX);
	struct err	 e = ERR_INIT;

	(void)state;
	trail_fact(t, "endpoint", "scep");
	trail_fact(t, "subject", "CN=\xc3\xa9");
	trail_fact(t, "challenge", NULL);
	trail_fact(t, "profile", "");
	trail_step(t, &passed);
	trail_step(t, &refused);
	assert_int_equal(trail_print(t, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), WHOLE);
	trail_free(t);
	buf_wipe(&b);
	/* Without memory. */
	trail_fact(NULL, "a", "b");
	trail_step(NULL, &passed);
	trail_cut(NULL);
	assert_int_equal(trail_print(NULL, &b, &e), -1);
	assert_int_equal(e.reason, ERR_MEMORY);
	trail_free(NULL);
}

static void
test_read(void **state)
{
	const char		*key, *value;
	struct trail_step	 s;
	struct err		 e = ERR_INIT;
	struct trail		*t;
	struct buf		 b = BUF_INIT(TRAIL_MAX);
	struct json		*d;

	(void)state;
	assert_int_equal(trail_read(bytes_str(WHOLE), &t, &e), 0);
	assert_true(trail_get_fact(t, 1, &key, &value));
	assert_string_equal(key, "subject");
	assert_string_equal(value, "CN=\xc3\xa9");
	assert_false(trail_get_fact(t, 2, &key, &value));
	assert_string_equal(trail_find(t, "endpoint"), "scep");
	assert_null(trail_find(t, "steps"));
	assert_true(trail_get_step(t, 0, &s));
	assert_string_equal(s.step, "key");
	assert_null(s.reason);
	assert_string_equal(s.detail, "");
	assert_true(trail_get_step(t, 1, &s));
	assert_string_equal(s.by, TRAIL_ENROLLMENT);
	assert_string_equal(s.reason, "challenge_wrong");
	assert_string_equal(s.detail, "matches none");
	assert_false(trail_get_step(t, 2, &s));
	assert_false(trail_is_cut(t));
	d = trail_json(t);
	assert_int_equal(json_print(d, JSON_LINE, &b, &e), 0);
	assert_non_null(strstr(buf_cstr(&b), "\"reason\": null"));
	assert_non_null(strstr(buf_cstr(&b), "\"cut\": false"));
	json_free(d);
	buf_wipe(&b);
	trail_free(t);
}

static void
test_strangers(void **state)
{
	static const char	*const bad[] = {
		"", "null", "[]", "{}", "{\"facts\":{}}",
		"{\"facts\":{},\"steps\":{}}",
		"{\"facts\":{\"a\":1},\"steps\":[]}",
		"{\"facts\":{},\"steps\":[{\"by\":\"x\"}]}",
		"{\"facts\":{},\"steps\":[7]}",
		"{\"facts\":{},\"steps\":[]} x",
		"{\"facts\":{},\"facts\":{},\"steps\":[]}",
	};
	struct trail		*t = NULL;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		struct err	 e = ERR_INIT;

		assert_int_equal(trail_read(bytes_str(bad[i]), &t, &e), -1);
		assert_int_equal(e.reason, ERR_STORE);
		assert_null(t);
	}
}

/* Whatever is put in, the text stays below its limit and the refusal in it. */
static void
test_bounded(void **state)
{
	char			 long_text[4096], controls[600];
	struct trail_step	 many = passed, last = refused, s;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	memset(controls, 1, sizeof(controls) - 1);
	controls[sizeof(controls) - 1] = '\0';
	for (size_t n = 8; n < 2000; n *= 4) {
		struct trail	*t = trail_new();
		struct buf	 b = BUF_INIT(TRAIL_MAX);
		struct err	 e = ERR_INIT;
		size_t		 k = 0;

		many.input = n < 100 ? long_text : controls;
		last.input = last.detail = controls;
		trail_fact(t, "subject", long_text);
		trail_fact(t, "bytes", "a\xff\xfe");
		trail_names(t, "names", long_text);
		for (size_t i = 0; i < n; i++)
			trail_step(t, &many);
		trail_step(t, &last);
		assert_int_equal(trail_print(t, &b, &e), 0);
		assert_true(b.n <= TRAIL_MAX);
		trail_free(t);
		assert_int_equal(trail_read(buf_bytes(&b), &t, &e), 0);
		assert_int_equal(trail_is_cut(t), n > 8);
		assert_int_equal(strlen(trail_find(t, "subject")),
		    TRAIL_FACT_MAX + 3);
		assert_int_equal(strlen(trail_find(t, "names")),
		    TRAIL_NAMES_MAX + 3);
		while (trail_get_step(t, k, &s))
			k++;
		assert_true(k > 0 && s.reason != NULL);
		trail_free(t);
		buf_wipe(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
