#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/target.h"

static void
test_good(void **state)
{
	static const struct {
		const char	*text, *path, *query;
	} rows[] = {
		{ "/", "/", NULL },
		{ "", "/", NULL },
		{ "?operation=GetCACaps", "/", "operation=GetCACaps" },
		{ "/scep", "/scep", NULL },
		{ "/scep?", "/scep", "" },
		{ "/scep?a=b", "/scep", "a=b" },
		{ "/scep?a=b?c", "/scep", "a=b?c" },
		{ "/scep/pkiclient.exe?operation=PKIOperation&message=MI+/=%2B",
		    "/scep/pkiclient.exe",
		    "operation=PKIOperation&message=MI+/=%2B" },
		{ "/a+b%20c?d+e%20f", "/a+b c", "d+e%20f" },
		{ "/s?m=%00%zz%", "/s", "m=%00%zz%" },
		{ "//scep", "/scep", NULL },
		{ "/scep//pkiclient.exe//", "/scep/pkiclient.exe/", NULL },
		{ "/scep%2Fpkiclient.exe", "/scep/pkiclient.exe", NULL },
		{ "/scep/%2f%2F/x", "/scep/x", NULL },
		{ "/%73%63%65%70", "/scep", NULL },
		{ "/sc%65p%3Fa=b", "/scep?a=b", NULL },
		{ "/%25zz", "/%zz", NULL },
		{ "/%0a%ff", "/\n\xff", NULL },
		{ "/a/../b", "/a/../b", NULL },
		{ "/scep?x y", "/scep", "x y" },
		{ "http://h/scep?a=b", "/scep", "a=b" },
		{ "http://h:8080/scep", "/scep", NULL },
		{ "http://[::1]:80//scep", "/scep", NULL },
		{ "HTTPS://user@h/scep", "/scep", NULL },
		{ "http://h", "/", NULL },
		{ "http://h?a=b", "/", "a=b" },
		{ "http:///scep", "/scep", NULL },
		{ "/http://h/scep", "/http:/h/scep", NULL },
	};
	struct http_target	 t;
	struct err		 e;
	char			 text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", rows[i].text);
		err_clear(&e);
		if (http_target_parse(text, &t, &e) != 0)
			fail_msg("%s: %s", rows[i].text, err_text(&e));
		assert_string_equal(t.path, rows[i].path);
		if (rows[i].query == NULL)
			assert_null(t.query);
		else
			assert_string_equal(t.query, rows[i].query);
	}
}

static void
test_bad(void **state)
{
	static const char *const rows[] = {
		"scep", "*", "%2Fscep", "h:80", "://h/scep", "1http://h/scep",
		"http:/scep", "http", "/%", "/%4", "/%zz", "/%4z", "/%z4",
		"/scep%00", "/scep%00.exe?a=b", "/%0", "http://h/%00", "/%%41",
		"\\scep",
	};
	struct http_target	 t = { NULL, NULL };
	struct err		 e;
	char			 text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", rows[i]);
		err_clear(&e);
		if (http_target_parse(text, &t, &e) != -1)
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(e.reason, ERR_QUERY);
		assert_null(t.path);
		assert_null(t.query);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
