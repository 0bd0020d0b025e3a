/*
 * Facts: what one may be called and say, and how it is found.
 */
#include "pki_tool.h"

#include "policy/fact.h"

#define A31		"abcdefghijklmnopqrstuvwxyz_0123"

static void
test_add(void **state)
{
	static const struct {
		const char	*text;
		const char	*why;	/* NULL: it is one */
	} rows[] = {
		{ "user=alice", NULL },
		{ "a=1", NULL },
		{ A31 "4=x", NULL },
		{ "dn=CN=a,O=b/c=d+e#;<>\"\\ ", NULL },
		{ "city=Z\xc3\xbcrich", NULL },
		{ "", "is written as in user=alice" },
		{ "user", "is written as in user=alice" },
		{ "=alice", "is written as in user=alice" },
		{ "User=alice", "is written as in user=alice" },
		{ "_user=alice", "is written as in user=alice" },
		{ "1user=alice", "is written as in user=alice" },
		{ "us er=alice", "is written as in user=alice" },
		{ "us-er=alice", "is written as in user=alice" },
		{ "challenge.user=alice", "is written as in user=alice" },
		{ A31 "45=x", "is written as in user=alice" },
		{ "user=", "fact user: its value is empty" },
		{ "user=a\nother=b", "fact user: its value holds control" },
		{ "user=a\tb", "its value holds control" },
		{ "user=\x7f", "its value holds control" },
		{ "user=a\xe2\x80\xae" "b", "its value holds control" },
		{ "user=\xff", "its value is not UTF-8" },
		{ "user=\xc3", "its value is not UTF-8" },
		{ "user=../etc", "looks like a path" },
		{ "known=x", "fact known: it is given twice" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 lines = BUF_INIT(FACTS_TEXT);
		struct err	 e = ERR_INIT;
		int		 rc;

		assert_int_equal(fact_add(&lines, "known=1", &e), 0);
		rc = fact_add(&lines, rows[i].text, &e);
		if (rc != (rows[i].why == NULL ? 0 : -1))
			fail_msg("%s: %s", rows[i].text, err_text(&e));
		if (rc == -1) {
			assert_err(&e, ERR_CONFIG, rows[i].why, rows[i].text);
			assert_string_equal(buf_cstr(&lines), "known=1");
		} else
			assert_string_equal(buf_cstr(&lines) + 8,
			    rows[i].text);
		buf_wipe(&lines);
	}
}

/* As many as there may be, each as long as it may be, fit. */
static void
test_full(void **state)
{
	struct buf	 lines = BUF_INIT(FACTS_TEXT);
	struct buf	 whose = BUF_INIT(FACTS_WHOSE);
	char		 text[FACT_NAME + FACT_VALUE + 3];
	struct err	 e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, A31 "0=", FACT_NAME + 1);
	text[sizeof(text) - 2] = '\0';
	for (int i = 0; i < FACTS_MAX; i++) {
		text[FACT_NAME - 1] = (char)('a' + i);
		if (fact_add(&lines, text, &e) != 0)
			fail_msg("%d: %s", i, err_text(&e));
	}
	assert_int_equal(fact_add(&lines, "a=b", &e), -1);
	assert_err(&e, ERR_CONFIG, "more than 16", "a=b");
	err_clear(&e);
	assert_int_equal(facts_of(FACT_CHALLENGE, buf_cstr(&lines), &whose,
	    &e), 0);
	assert_int_equal(facts_of(FACT_VALIDATOR, buf_cstr(&lines), &whose,
	    &e), 0);
	assert_int_equal(fact_find(buf_cstr(&whose), FACT_VALIDATOR A31
	    "p").n, FACT_VALUE);
	buf_wipe(&lines);
	text[sizeof(text) - 2] = 'x';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(fact_add(&lines, text, &e), -1);
	assert_err(&e, ERR_CONFIG, "is too long", "257");
	buf_wipe(&lines);
	buf_wipe(&whose);
}

static void
test_find(void **state)
{
	static const char	 lines[] = "user=alice\nasset=user=bob\n"
	    "challenge.user=carol";
	static const struct {
		const char	*name, *want;	/* NULL: there is none */
	} rows[] = {
		{ "user", "alice" }, { "asset", "user=bob" },
		{ "challenge.user", "carol" }, { "use", NULL },
		{ "usera", NULL }, { "asset=user", "bob" }, { "carol", NULL },
		{ "", NULL },
	};
	struct bytes	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		got = fact_find(lines, rows[i].name);
		if (rows[i].want == NULL ? got.n != 0 :
		    !bytes_eq(got, bytes_str(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].name, (int)got.n,
			    (const char *)got.p);
	}
	assert_int_equal(fact_find("", "user").n, 0);
}

static void
test_whose(void **state)
{
	struct buf	 out = BUF_INIT(64), small = BUF_INIT(16);
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(facts_of(FACT_CHALLENGE, "", &out, &e), 0);
	assert_string_equal(buf_cstr(&out), "");
	assert_int_equal(facts_of(FACT_CHALLENGE, "a=1\nb=2", &out, &e), 0);
	assert_int_equal(facts_of(FACT_VALIDATOR, "a=3", &out, &e), 0);
	assert_string_equal(buf_cstr(&out),
	    "challenge.a=1\nchallenge.b=2\nvalidator.a=3");
	assert_int_equal(facts_of(FACT_CHALLENGE, "a=1\nb=2", &small, &e),
	    -1);
	assert_err(&e, ERR_MEMORY, "facts", "small");
	buf_wipe(&out);
	buf_wipe(&small);
}

static void
test_words(void **state)
{
	static const struct {
		const char	*word;
		bool		 is;
	} rows[] = {
		{ "challenge.user", true }, { "challenge." A31 "4", true },
		{ "challenge." A31 "45", false }, { "challenge.", false },
		{ "challenge", false }, { "challenge.User", false },
		{ "challenge.a.b", false }, { "challenge.a ", false },
		{ "validator.user", false }, { "xchallenge.user", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (fact_is_word(FACT_CHALLENGE, rows[i].word) != rows[i].is)
			fail_msg("%s", rows[i].word);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
