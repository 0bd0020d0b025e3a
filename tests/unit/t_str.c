#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/str.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void
assert_buf(const struct buf *b, const char *want, const char *name)
{
	if (!bytes_eq(buf_bytes(b), bytes_str(want)))
		fail_msg("%s: got \"%s\"", name, buf_cstr(b));
}

static void
test_hex(void **state)
{
	char		 out[9];
	struct buf	 b = BUF_INIT(6);
	static const char *const bad[] = {
		"a", "abc", "0g", "a:b", "0x12", " 12", "1 2",
		"01020304",		/* more than the buffer takes */
	};

	(void)state;
	str_hex(bytes_make("\x00\x9f\xff\x0a", 4), out);
	assert_string_equal(out, "009fff0a");
	str_hex(bytes_str(NULL), out);
	assert_string_equal(out, "");

	assert_int_equal(buf_puts(&b, "pre"), 0);
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(str_unhex(bad[i], &b), -1);
		assert_buf(&b, "pre", bad[i]);
	}
	assert_int_equal(str_unhex("", &b), 0);
	assert_int_equal(str_unhex("61:4b:4C", &b), 0);
	assert_buf(&b, "preaKL", "61:4b:4C");
	buf_wipe(&b);
}

/* RFC 4648, section 10, and the two last digits of the alphabet. */
static const struct {
	const char	*plain;
	const char	*base64;
} vectors[] = {
	{ "",		"" },
	{ "f",		"Zg==" },
	{ "fo",		"Zm8=" },
	{ "foo",	"Zm9v" },
	{ "foob",	"Zm9vYg==" },
	{ "fooba",	"Zm9vYmE=" },
	{ "foobar",	"Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

static void
test_base64(void **state)
{
	struct buf	 b = BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < N(vectors); i++) {
		buf_reset(&b);
		assert_int_equal(str_base64(bytes_str(vectors[i].plain), &b),
		    0);
		assert_buf(&b, vectors[i].base64, vectors[i].plain);
		buf_reset(&b);
		assert_int_equal(str_unbase64(vectors[i].base64, &b), 0);
		assert_buf(&b, vectors[i].plain, vectors[i].base64);
		buf_reset(&b);
		assert_int_equal(str_unbase64_lenient(
		    bytes_str(vectors[i].base64), &b), 0);
		assert_buf(&b, vectors[i].plain, vectors[i].base64);
	}
	buf_wipe(&b);
}

static void
test_base64_all_bytes(void **state)
{
	struct buf	 text = BUF_INIT(400), back = BUF_INIT(256);
	uint8_t		 all[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	for (size_t n = 0; n <= sizeof(all); n++) {
		buf_reset(&text);
		buf_reset(&back);
		assert_int_equal(str_base64(bytes_make(all, n), &text), 0);
		assert_int_equal(str_unbase64(buf_cstr(&text), &back), 0);
		assert_true(bytes_eq(buf_bytes(&back), bytes_make(all, n)));
	}
	buf_wipe(&text);
	buf_wipe(&back);
}

static void
test_base64_refused(void **state)
{
	struct buf	 b = BUF_INIT(6);
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "Zm9v=", "Zm9v====",
		"=", "====", "Zh==",	/* an unused bit is set */
		"Zm9=", "Z g==", "Zg==\n", "Zg==Zg==", "-__-", "Zm9\x80",
		"Zm9vYmFy",		/* more than the buffer takes */
	};

	(void)state;
	assert_int_equal(buf_puts(&b, "pre"), 0);
	for (size_t i = 0; i < N(bad); i++) {
		if (str_unbase64(bad[i], &b) != -1)
			fail_msg("accepted: %s", bad[i]);
		assert_buf(&b, "pre", bad[i]);
	}
	assert_int_equal(str_base64(bytes_str("foo"), &b), -1);
	assert_buf(&b, "pre", "limit");
	buf_wipe(&b);
}

static void
test_lenient(void **state)
{
	struct buf	 b = BUF_INIT(12);
	static const struct {
		const char	*in;
		const char	*want;		/* NULL: refused */
	} rows[] = {
		{ "Zg",			"f" },
		{ "Zg=",		"f" },
		{ "Zm8",		"fo" },
		{ "Zh==",		"f" },
		{ " // ",		"\xfb\xff\xfe" },
		{ "-__-",		"\xfb\xff\xfe" },
		{ "Zm\r\n9v\tYm\nFy\n",	"foobar" },
		{ "Zg=\n=\n",		"f" },
		{ "\r\n\t",		"" },
		{ "Z",			NULL },
		{ "Zm9vY",		NULL },
		{ "Zg===",		NULL },
		{ "Zm8==",		NULL },
		{ "Zm9v=",		NULL },
		{ "=",			NULL },
		{ "Zg==Zg==",		NULL },
		{ "Zg== ",		NULL },
		{ "Zm9v%2B",		NULL },
		{ "Zm9v.",		NULL },
		{ "Zm9vZm9vZm9vZm9vZm9v", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&b);
		assert_int_equal(buf_putc(&b, '>'), 0);
		assert_int_equal(str_unbase64_lenient(bytes_str(rows[i].in),
		    &b), rows[i].want == NULL ? -1 : 0);
		assert_int_equal(b.p[0], '>');
		assert_string_equal(buf_cstr(&b) + 1,
		    rows[i].want == NULL ? "" : rows[i].want);
	}
	buf_reset(&b);
	assert_int_equal(str_unbase64_lenient(bytes_make("Zm\0v", 4), &b), -1);
	buf_wipe(&b);
}

static void
test_equal(void **state)
{
	static const struct {
		const char	*a, *b;
		bool		 same, nocase;
	} rows[] = {
		{ "",		"",		true,	true },
		{ "abc",	"abc",		true,	true },
		{ "abc",	"aBC",		false,	true },
		{ "abc",	"abd",		false,	false },
		{ "abc",	"xbc",		false,	false },
		{ "abc",	"abcd",		false,	false },
		{ "@[`{",	"`{@[",		false,	false },
		{ "\xc3\x84",	"\xc3\xa4",	false,	false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct bytes	 a = bytes_str(rows[i].a);
		struct bytes	 b = bytes_str(rows[i].b);

		assert_int_equal(str_equal_secret(a, b), rows[i].same);
		assert_int_equal(str_equal_nocase(a, b), rows[i].nocase);
	}
}

static void
test_duration(void **state)
{
	static const struct {
		const char	*in;
		int64_t		 want;
		const char	*print;
	} good[] = {
		{ "0",		0,		"0" },
		{ "0y",		0,		"0" },
		{ "10",		10,		"10" },
		{ "90",		90,		"90" },
		{ "90s",	90,		"90" },
		{ "60",		60,		"1m" },
		{ "15m",	900,		"15m" },
		{ "90m",	5400,		"90m" },
		{ "24h",	86400,		"1d" },
		{ "30d",	2592000,	"30d" },
		{ "7d",		604800,		"1w" },
		{ "2w",		1209600,	"2w" },
		{ "1y",		31536000,	"1y" },
		{ "825d",	71280000,	"825d" },
		{ "007",	7,		"7" },
		{ "9223372036854775807", INT64_MAX, "9223372036854775807" },
	};
	static const char *const bad[] = {
		"", "s", "-1", "+1", " 1", "1 ", "1 d", "1D", "1.5h", "1h30m",
		"1ms", "0x10", "9223372036854775808", "9223372036854775807m",
		"300000000000y", "99999999999999999999",
	};
	char	 text[24];
	int64_t	 v;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		v = -1;
		assert_int_equal(str_duration(good[i].in, &v), 0);
		assert_int_equal(v, good[i].want);
		str_duration_print(v, text);
		assert_string_equal(text, good[i].print);
		assert_int_equal(str_duration(text, &v), 0);
		assert_int_equal(v, good[i].want);
	}
	v = 42;
	for (size_t i = 0; i < N(bad); i++)
		if (str_duration(bad[i], &v) != -1)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(v, 42);
}

static void
test_utf8(void **state)
{
	static const struct {
		const char	*in;
		bool		 want;
	} rows[] = {
		{ "",			true },
		{ "plain",		true },
		{ "\xc2\x80",		true },
		{ "\xdf\xbf",		true },
		{ "\xe0\xa0\x80",	true },
		{ "\xed\x9f\xbf",	true },
		{ "\xee\x80\x80",	true },
		{ "\xef\xbf\xbf",	true },
		{ "\xf0\x90\x80\x80",	true },
		{ "\xf4\x8f\xbf\xbf",	true },
		{ "\x80",		false },
		{ "\xc0\x80",		false },
		{ "\xc1\xbf",		false },
		{ "\xe0\x9f\xbf",	false },
		{ "\xed\xa0\x80",	false },
		{ "\xed\xbf\xbf",	false },
		{ "\xf0\x8f\xbf\xbf",	false },
		{ "\xf4\x90\x80\x80",	false },
		{ "\xf5\x80\x80\x80",	false },
		{ "\xff",		false },
		{ "a\xc3",		false },
		{ "\xe2\x82",		false },
		{ "\xe2\x82z",		false },
		{ "\xf0\x9f\x98",	false },
		{ "\xc3z",		false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (str_is_utf8(bytes_str(rows[i].in)) != rows[i].want)
			fail_msg("row %zu", i);
	assert_true(str_is_utf8(bytes_make("a\0b", 3)));
}

static void
test_dup(void **state)
{
	char	*s;

	(void)state;
	s = str_dup_bytes(bytes_make("abcdef", 3));
	assert_string_equal(s, "abc");
	free(s);
	s = str_dup_bytes(bytes_str(NULL));
	assert_string_equal(s, "");
	free(s);
}

static void
test_clock(void **state)
{
	static const struct {
		int64_t		 when;
		const char	*want;
		const char	*http;
	} rows[] = {
		{ 0,			"1970-01-01T00:00:00Z",
		    "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 1769903999,		"2026-01-31T23:59:59Z",
		    "Sat, 31 Jan 2026 23:59:59 GMT" },
		{ 951782400,		"2000-02-29T00:00:00Z",
		    "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ -1,			"1969-12-31T23:59:59Z",
		    "Wed, 31 Dec 1969 23:59:59 GMT" },
		{ INT64_C(4102444800),	"2100-01-01T00:00:00Z",
		    "Fri, 01 Jan 2100 00:00:00 GMT" },
		{ INT64_MAX,		"9999-12-31T23:59:59Z",
		    "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MIN,		"1000-01-01T00:00:00Z",
		    "Wed, 01 Jan 1000 00:00:00 GMT" },
	};
	static const char *const bad[] = {
		"", "2026-01-31", "2026-01-31T23:59:59", "x",
		"2026-01-31T23:59:59Z ", " 2026-01-31T23:59:59Z",
		"2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-01-31T24:00:00Z", "2026-01-31T23:59:60Z",
		"2026-1-31T23:59:59Z", "2026-01-31t23:59:59z",
		"2026-01-31T23:59:59+01:00", "0026-01-31T23:59:59Z"
	};
	char	 text[CLOCK_TEXT_MAX], http[CLOCK_HTTP_MAX];
	int64_t	 a;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		clock_text(rows[i].when, text);
		assert_string_equal(text, rows[i].want);
		clock_http(rows[i].when, http);
		assert_string_equal(http, rows[i].http);
	}
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(clock_parse(rows[i].want, &a), 0);
		clock_text(a, text);
		assert_string_equal(text, rows[i].want);
	}
	for (size_t i = 0; i < N(bad); i++) {
		a = 77;
		if (clock_parse(bad[i], &a) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(a, 77);
	}
	assert_true(clock_now() > 1700000000);
	a = clock_mono_us();
	assert_true(clock_mono_us() >= a);
}

/* Nobody signals: the wait ends when it should, by the clock it is told in. */
static void
test_wait(void **state)
{
	static const int64_t	 waits[] = { 0, 1, 30, 999, 1001 };
	pthread_mutex_t		 lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t		 cond;
	struct timespec		 until;
	int64_t			 begin = clock_mono_us();

	(void)state;
	for (size_t i = 0; i < N(waits); i++) {
		int64_t	 us;

		until = clock_cond_until(waits[i]);
		us = (int64_t)until.tv_sec * 1000000 + until.tv_nsec / 1000;
		assert_in_range(until.tv_nsec, 0, 999999999);
		assert_true(us >= begin + waits[i] * 1000);
		assert_true(us <= clock_mono_us() + waits[i] * 1000);
	}
	assert_int_equal(clock_cond_init(&cond), 0);
	begin = clock_mono_us();
	until = clock_cond_until(30);
	(void)pthread_mutex_lock(&lock);
	while (pthread_cond_timedwait(&cond, &lock, &until) != ETIMEDOUT)
		continue;
	(void)pthread_mutex_unlock(&lock);
	assert_true(clock_mono_us() >= begin + 30000);
	(void)pthread_cond_destroy(&cond);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_all_bytes),
		cmocka_unit_test(test_base64_refused),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
