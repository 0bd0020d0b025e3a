#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render/text.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define B(s)	{ (const uint8_t *)(s), sizeof(s) - 1 }

static const struct row {
	struct bytes	 in;
	const char	*line;
	const char	*csv;		/* without its quotes */
	const char	*utf8;		/* NULL: as it came */
} rows[] = {
	{ B(""), "", "", NULL },
	{ B("CN=a b"), "CN=a b", "CN=a b", NULL },
	{ B("CN=a\\, b\""), "CN=a\\, b\"", "CN=a\\, b\"\"", NULL },
	{ B("J\xc3\xbcrgen \xe6\x97\xa5 \xf0\x9f\x94\x91"),
	    "J\xc3\xbcrgen \xe6\x97\xa5 \xf0\x9f\x94\x91",
	    "J\xc3\xbcrgen \xe6\x97\xa5 \xf0\x9f\x94\x91", NULL },
	/* formulas, half and full width */
	{ B("=1+1"), "=1+1", "'=1+1", NULL },
	{ B("+1"), "+1", "'+1", NULL },
	{ B("-1"), "-1", "'-1", NULL },
	{ B("@SUM(A1)"), "@SUM(A1)", "'@SUM(A1)", NULL },
	{ B("\xef\xbc\x9d" "1"), "\xef\xbc\x9d" "1", "'\xef\xbc\x9d" "1",
	    NULL },
	{ B("a=1"), "a=1", "a=1", NULL },
	{ B("\t=1"), "\\u{9}=1", "\\u{9}=1", NULL },
	{ B("\r=1"), "\\u{d}=1", "\\u{d}=1", NULL },
	/* what a terminal would obey */
	{ B("a\nb"), "a\\u{a}b", "a\\u{a}b", NULL },
	{ B("\x1b[2J"), "\\u{1b}[2J", "\\u{1b}[2J", NULL },
	{ B("\x7f"), "\\u{7f}", "\\u{7f}", NULL },
	{ B("\xc2\x9b" "2J"), "\\u{9b}2J", "\\u{9b}2J", NULL },
	{ B("\xc2\xa0"), "\xc2\xa0", "\xc2\xa0", NULL },
	{ B("x\0y"), "x\\u{0}y", "x\\u{0}y", NULL },
	/* direction, separators, invisible characters */
	{ B("\xe2\x80\xae" "cod"), "\\u{202e}cod", "\\u{202e}cod", NULL },
	{ B("\xe2\x81\xa6" "i"), "\\u{2066}i", "\\u{2066}i", NULL },
	{ B("\xe2\x80\xa8"), "\\u{2028}", "\\u{2028}", NULL },
	{ B("\xe2\x80\x8b"), "\\u{200b}", "\\u{200b}", NULL },
	{ B("\xd8\x9c"), "\\u{61c}", "\\u{61c}", NULL },
	{ B("\xef\xbb\xbf" "="), "\\u{feff}=", "\\u{feff}=", NULL },
	{ B("\xf3\xa0\x81\x81"), "\\u{e0041}", "\\u{e0041}", NULL },
	/* not UTF-8 */
	{ B("\xff"), "\\xff", "\\xff", "\xef\xbf\xbd" },
	{ B("a\x80" "b"), "a\\x80b", "a\\x80b", "a\xef\xbf\xbd" "b" },
	{ B("\xc3"), "\\xc3", "\\xc3", "\xef\xbf\xbd" },
	{ B("\xe2\x80"), "\\xe2\\x80", "\\xe2\\x80",
	    "\xef\xbf\xbd\xef\xbf\xbd" },
	{ B("\xc0\xaf"), "\\xc0\\xaf", "\\xc0\\xaf",
	    "\xef\xbf\xbd\xef\xbf\xbd" },
	{ B("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\xed\\xa0\\x80",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

static void
assert_bytes(const struct buf *got, struct bytes want, size_t row)
{
	if (!bytes_eq(buf_bytes(got), want))
		fail_msg("row %zu: got \"%s\"", row, buf_cstr(got));
}

static void
test_line(void **state)
{
	struct buf	 b = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(text_line(rows[i].in, &b), 0);
		assert_bytes(&b, bytes_str(rows[i].line), i);
		buf_reset(&b);
	}
	buf_wipe(&b);
}

static void
test_csv(void **state)
{
	struct buf	 b = BUF_INIT(256), want = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(text_csv(rows[i].in, &b), 0);
		assert_int_equal(buf_printf(&want, "\"%s\"", rows[i].csv), 0);
		assert_bytes(&b, buf_bytes(&want), i);
		buf_reset(&b);
		buf_reset(&want);
	}
	buf_wipe(&b);
	buf_wipe(&want);
}

static void
test_utf8(void **state)
{
	struct buf	 b = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(text_utf8(rows[i].in, &b), 0);
		assert_bytes(&b, rows[i].utf8 == NULL ? rows[i].in :
		    bytes_str(rows[i].utf8), i);
		buf_reset(&b);
	}
	buf_wipe(&b);
}

static void
test_full(void **state)
{
	static int	(*const all[])(struct bytes, struct buf *) = {
		text_line, text_csv, text_utf8
	};

	(void)state;
	for (size_t i = 0; i < N(all); i++) {
		for (size_t max = 0; max < 6; max++) {
			struct buf	 b = BUF_INIT(max);

			assert_int_equal(all[i](bytes_str("=\n\xff" "abc"),
			    &b), -1);
			assert_true(b.n <= max);
			buf_wipe(&b);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
