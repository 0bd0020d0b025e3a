#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/buf.h"

static void
test_put(void **state)
{
	struct buf	 b = BUF_INIT(10);

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_put(&b, NULL, 0), 0);
	assert_null(b.p);
	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(buf_putc(&b, 'd'), 0);
	assert_int_equal(buf_printf(&b, "%d%s", 12, "x"), 0);
	assert_string_equal(buf_cstr(&b), "abcd12x");
	assert_int_equal(buf_bytes(&b).n, 7);
	assert_ptr_equal(buf_bytes(&b).p, b.p);
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 10);
}

static void
test_limit(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_puts(&b, "12345"), -1);
	assert_null(b.p);
	assert_int_equal(buf_puts(&b, "123"), 0);
	/* All or nothing. */
	assert_int_equal(buf_puts(&b, "45"), -1);
	assert_int_equal(buf_printf(&b, "%d", 45), -1);
	assert_int_equal(buf_put(&b, "x", SIZE_MAX), -1);
	assert_string_equal(buf_cstr(&b), "123");
	assert_int_equal(buf_printf(&b, "%d", 4), 0);
	assert_int_equal(buf_putc(&b, '5'), -1);
	assert_string_equal(buf_cstr(&b), "1234");
	assert_true(b.cap <= 5);
	buf_wipe(&b);

	buf_init(&b, 0);
	assert_int_equal(buf_putc(&b, 'x'), -1);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_wipe(&b);
}

static void
test_grows(void **state)
{
	struct buf	 b = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_putc(&b, i & 0xff), 0);
	assert_int_equal(buf_putc(&b, 0), -1);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.p[i], i & 0xff);
	assert_int_equal(b.p[b.n], 0);
	buf_wipe(&b);
}

static void
test_no_limit(void **state)
{
	struct buf	 b = BUF_INIT(SIZE_MAX);

	(void)state;
	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(buf_put(&b, "x", SIZE_MAX - 3), -1);
	assert_string_equal(buf_cstr(&b), "abc");
	buf_wipe(&b);
}

static void
test_reset_zeroes(void **state)
{
	struct buf	 b = BUF_INIT(100);
	uint8_t		*p;

	(void)state;
	assert_int_equal(buf_puts(&b, "secret"), 0);
	p = b.p;
	buf_reset(&b);
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.n, 0);
	for (size_t i = 0; i < b.cap; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(buf_puts(&b, "again"), 0);
	assert_string_equal(buf_cstr(&b), "again");
	buf_wipe(&b);
	buf_wipe(&b);
	buf_reset(&b);
}

static void
test_move(void **state)
{
	struct buf	 a = BUF_INIT(10), b = BUF_INIT(20);

	(void)state;
	assert_int_equal(buf_puts(&a, "old"), 0);
	assert_int_equal(buf_puts(&b, "new"), 0);
	buf_move(&a, &b);
	assert_string_equal(buf_cstr(&a), "new");
	assert_int_equal(a.max, 20);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.max, 20);
	buf_move(&a, &b);
	assert_null(a.p);
	buf_wipe(&a);
	buf_wipe(&b);
}

static void
test_bytes(void **state)
{
	(void)state;
	assert_int_equal(bytes_str(NULL).n, 0);
	assert_int_equal(bytes_str("abc").n, 3);
	assert_true(bytes_eq(bytes_str("abc"), bytes_make("abcd", 3)));
	assert_true(bytes_eq(bytes_str(NULL), bytes_str("")));
	assert_false(bytes_eq(bytes_str("abc"), bytes_str("abd")));
	assert_false(bytes_eq(bytes_str("abc"), bytes_str("ab")));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_reset_zeroes),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
