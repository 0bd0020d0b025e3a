#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/origin.h"

static void
test_taken(void **state)
{
	static const struct http_origin	 rows[] = {
		/* Programs. */
		{ NULL, NULL, NULL, false }, { NULL, NULL, NULL, true },
		{ NULL, NULL, "h", false }, { NULL, NULL, "", true },
		{ NULL, NULL, ":::", true },
		/* The user himself. */
		{ "none", NULL, "h", false }, { "none", NULL, "h", true },
		{ "none", NULL, NULL, true },
		/* The page before. */
		{ "same-origin", NULL, "h:8081", false },
		{ "same-origin", "https://h", "h", true },
		{ NULL, "http://h", "h", false },
		{ NULL, "https://h", "h", true },
		{ NULL, "http://h:8081", "h:8081", false },
		{ NULL, "https://h:8081", "h:8081", true },
		{ NULL, "http://127.0.0.1:8081", "127.0.0.1:8081", false },
		/* Whoever writes them out, and in capitals. */
		{ NULL, "http://h:80", "h", false },
		{ NULL, "http://h", "h:80", false },
		{ NULL, "http://h", "h:", false },
		{ NULL, "https://h:443", "h", true },
		{ NULL, "https://h", "h:443", true },
		{ NULL, "HTTPS://CA.Example", "ca.eXample:443", true },
		{ NULL, "http://h:65535", "H:65535", false },
		{ NULL, "http://[::1]", "[::1]", false },
		{ NULL, "http://[::1]:8081", "[::1]:8081", false },
		{ NULL, "https://[2001:db8::A]", "[2001:db8::a]:443", true },
		/* TLS ends at a proxy. */
		{ NULL, "https://h", "h", false },
		{ NULL, "https://h:443", "h", false },
		{ NULL, "https://h:8443", "h:8443", false },
	};
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct err){ .reason = ERR_NONE };
		if (http_origin_check(&rows[i], &e) != 0)
			fail_msg("row %zu: %s", i, err_text(&e));
		assert_int_equal(e.reason, ERR_NONE);
	}
}

static void
test_refused(void **state)
{
	static const struct http_origin	 rows[] = {
		{ "cross-site", NULL, "h", false },
		{ "cross-site", NULL, NULL, false },
		{ "cross-site", "https://evil", "h", true },
		/* Beside an Origin that would do. */
		{ "cross-site", "https://h", "h", true },
		/* Another port, another name below the same one. */
		{ "same-site", NULL, "h", true },
		{ "same-site", "http://h", "h", false },
		{ "", NULL, "h", false }, { "Same-Origin", NULL, "h", false },
		{ "same-origin, cross-site", NULL, "h", false },
		{ "same-origin;x", NULL, "h", false },
		{ "nonesuch", NULL, "h", false }, { "no", NULL, "h", false },
		/* Beside a Sec-Fetch-Site that would do. */
		{ "same-origin", "http://evil", "h", false },
		{ "same-origin", "null", "h", false },
		{ "none", "http://evil", "h", false },
		{ NULL, "null", "h", false }, { NULL, "null", "null", false },
		{ NULL, "", "h", false }, { NULL, "", "", false },
		{ NULL, "http://", "", false }, { NULL, "http://", "h", false },
		{ NULL, "h", "h", false }, { NULL, "//h", "h", false },
		{ NULL, "ftp://h", "h", false },
		{ NULL, "chrome-extension://h", "h", false },
		/* Names that begin or end as ours. */
		{ NULL, "http://evil", "h", false },
		{ NULL, "http://h.evil", "h", false },
		{ NULL, "http://evil.h", "h", false },
		{ NULL, "http://h", "h.evil", false },
		{ NULL, "http://h.", "h", false },
		{ NULL, "http://h@evil", "h", false },
		{ NULL, "http://h:x@evil", "h", false },
		{ NULL, "http://evil#h", "h", false },
		{ NULL, "http://h/", "h", false },
		{ NULL, "http://h http://h", "h", false },
		/* Other ports. */
		{ NULL, "http://h:8080", "h:8081", false },
		{ NULL, "http://h", "h:8081", false },
		{ NULL, "http://h:8081", "h", false },
		{ NULL, "http://h:443", "h", false },
		{ NULL, "https://h:80", "h", true },
		{ NULL, "https://h", "h:80", true },
		{ NULL, "http://h:80x", "h:80", false },
		{ NULL, "http://h:+80", "h:80", false },
		{ NULL, "http://h:000080", "h:80", false },
		{ NULL, "http://h:4294967376", "h:80", false },
		{ NULL, "http://h:80", "h:80x", false },
		{ NULL, "http://h:80:80", "h:80:80", false },
		/* Without TLS anybody on the way can write such a page. */
		{ NULL, "http://h", "h", true },
		{ NULL, "http://h:443", "h", true },
		{ NULL, "http://h:443", "h:443", true },
		{ NULL, "http://[::1]", "[::2]", false },
		{ NULL, "http://[::1]", "[::1]:8081", false },
		{ NULL, "http://[::1", "[::1]", false },
		{ NULL, "http://[::1]x", "[::1]x", false },
		{ NULL, "http://::1", "::1", false },
		{ NULL, "http://[", "h", false },
		/* Nothing to hold it against. */
		{ NULL, "http://h", NULL, false }, { NULL, "http://h", "", false },
		{ NULL, "http://h", ":80", false },
	};
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct err){ .reason = ERR_NONE };
		if (http_origin_check(&rows[i], &e) != -1)
			fail_msg("row %zu is taken", i);
		assert_int_equal(e.reason, ERR_CROSS_SITE);
	}
}

/* What is logged of a field has an end. */
static void
test_bounded(void **state)
{
	static char		 text[4096];
	const struct http_origin rows[] = {
		{ text, NULL, "h", false }, { text, text, text, false },
		{ NULL, text, text, false }, { NULL, text, NULL, true },
	};
	struct err		 e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct err){ .reason = ERR_NONE };
		assert_int_equal(http_origin_check(&rows[i], &e), -1);
		assert_true(strlen(e.text) < 300);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
