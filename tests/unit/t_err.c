#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/err.h"

static void
test_first_wins(void **state)
{
	struct err	 e = { 0 };

	(void)state;
	assert_string_equal(err_text(&e), "no error");
	err_prefix(&e, "nothing to prefix");
	assert_string_equal(e.text, "");
	err_set(&e, ERR_CSR, "row %d", 1);
	err_set(&e, ERR_MEMORY, "row %d", 2);
	assert_int_equal(e.reason, ERR_CSR);
	assert_string_equal(e.text, "row 1");
	err_clear(&e);
	assert_int_equal(e.reason, ERR_NONE);
	assert_string_equal(e.text, "");
	err_set(&e, ERR_MEMORY, "row %d", 2);
	assert_int_equal(e.reason, ERR_MEMORY);
}

static void
test_text(void **state)
{
	struct err	 e = { 0 };

	(void)state;
	err_set(&e, ERR_SUBJECT, "%s", "");
	assert_string_equal(err_text(&e), "subject name is not accepted");
	err_prefix(&e, "row %d", 7);
	assert_string_equal(e.text, "row 7");
	err_prefix(&e, "%s", "a.csv");
	assert_string_equal(e.text, "a.csv: row 7");
	assert_string_equal(err_text(&e),
	    "subject name is not accepted: a.csv: row 7");
	err_clear(&e);
	/* Where the detail says everything it stands alone. */
	err_set(&e, ERR_FILE_MODE, "x.key: chmod 600 it");
	assert_string_equal(err_text(&e), "x.key: chmod 600 it");
}

/* U+20AC is three bytes: a cut must not leave one or two of them. */
static void
test_cut_at_character(void **state)
{
	char		 euros[ERR_TEXT_MAX + 4] = "";
	struct err	 e;

	(void)state;
	for (int i = 0; i < ERR_TEXT_MAX / 3; i++)
		memcpy(euros + 3 * i, "\xe2\x82\xac", 4);
	for (int lead = 0; lead < 5; lead++) {
		err_clear(&e);
		err_set(&e, ERR_STORE, "%.*s%s%s", lead, "12345", euros,
		    euros);
		assert_true(strlen(e.text) > ERR_TEXT_MAX - 5);
		assert_int_equal((strlen(e.text) - (size_t)lead) % 3, 0);
		err_prefix(&e, "%s", euros);
		assert_true(strlen(e.text) > ERR_TEXT_MAX - 5);
		err_prefix(&e, "%s%s", euros, euros);
		assert_int_equal(strlen(e.text) % 3, 0);
		assert_non_null(strstr(err_text(&e), e.text));
	}
	err_clear(&e);
	memset(euros, 'a', sizeof(euros) - 1);
	euros[sizeof(euros) - 1] = '\0';
	err_set(&e, ERR_STORE, "%s", euros);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

/* What the rows promise to the log, the client and the metrics. */
static void
test_rows(void **state)
{
	struct err	 e = { 0 };

	(void)state;
	for (int i = ERR_NONE; i < ERR_COUNT; i++) {
		enum err_reason	 r = (enum err_reason)i;
		const char	*slug = err_slug(r);

		assert_int_equal(strspn(slug,
		    "abcdefghijklmnopqrstuvwxyz_0123456789"),
		    strlen(slug));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(slug,
			    err_slug((enum err_reason)j));
		/* "what: detail" is never cut. */
		assert_true(strlen(err_what(r)) + 2 <=
		    sizeof(e.full) - sizeof(e.text));
		assert_in_range(err_http(r), 400, 599);
		assert_true(err_failinfo(r) <= FAIL_BADCERTID ||
		    err_failinfo(r) == FAIL_TROUBLE);
		/* The client's fault is 4xx, ours is 5xx. */
		assert_int_equal(err_http(r) >= 500,
		    err_failinfo(r) == FAIL_TROUBLE);
	}
	assert_string_equal(err_slug(ERR_INTEGRITY), "integrity");
	assert_int_equal(err_failinfo(ERR_INTEGRITY), FAIL_BADMESSAGECHECK);
	assert_int_equal(err_http(ERR_BODY_TOO_BIG), 413);
	assert_string_equal(err_slug(ERR_COUNT), "internal");
}

static void
test_named(void **state)
{
	(void)state;
	for (int r = ERR_NONE + 1; r < ERR_COUNT; r++)
		assert_int_equal(err_named(err_slug((enum err_reason)r)), r);
	assert_int_equal(err_named("none"), ERR_NONE);
	assert_int_equal(err_named("no_such"), ERR_NONE);
	assert_int_equal(err_named(NULL), ERR_NONE);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_first_wins),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut_at_character),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
