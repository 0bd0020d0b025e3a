#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "render/metrics.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void
family(void **state)
{
	struct buf out = BUF_INIT(1024);

	(void)state;
	assert_int_equal(metrics_family("a_total", METRICS_COUNTER, "What it "
	    "counts.", &out), 0);
	assert_int_equal(metrics_sample("a_total", NULL, 0, 7, &out), 0);
	assert_int_equal(metrics_family("b", METRICS_GAUGE, "H.", &out), 0);
	assert_int_equal(metrics_sample("b", NULL, 0, -1, &out), 0);
	assert_string_equal(buf_cstr(&out),
	    "# HELP a_total What it counts.\n# TYPE a_total counter\n"
	    "a_total 7\n# HELP b H.\n# TYPE b gauge\nb -1\n");
	buf_wipe(&out);
}

static void
labels(void **state)
{
	static const struct row {
		struct metrics_label	 l[2];
		size_t			 n;
		const char		*line;
	} rows[] = {
		{ { { "x", "" } }, 1, "m{x=\"\"} 1\n" },
		{ { { "x", "a" }, { "y", "b c" } }, 2,
		    "m{x=\"a\",y=\"b c\"} 1\n" },
		{ { { "x", "a\"b\\c\nd" } }, 1,
		    "m{x=\"a\\\"b\\\\c\\nd\"} 1\n" },
		{ { { "x", "J\xc3\xbcrgen" } }, 1, "m{x=\"J\xc3\xbcrgen\"} 1\n" },
		{ { { "x", "a\xff" } }, 1, "m{x=\"a\xef\xbf\xbd\"} 1\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		struct buf out = BUF_INIT(256);

		assert_int_equal(metrics_sample("m", rows[i].l, rows[i].n, 1,
		    &out), 0);
		assert_string_equal(buf_cstr(&out), rows[i].line);
		buf_wipe(&out);
	}
}

static void
long_and_full(void **state)
{
	char text[5000];
	struct metrics_label l = { "x", text };
	struct buf out = BUF_INIT(2048), small = BUF_INIT(16);

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(metrics_sample("m", &l, 1, 1, &out), 0);
	assert_int_equal(buf_bytes(&out).n, strlen("m{x=\"\"} 1\n") + 1024);
	assert_int_equal(metrics_sample("m", &l, 1, 1, &small), -1);
	buf_wipe(&out);
	buf_wipe(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(family),
		cmocka_unit_test(labels),
		cmocka_unit_test(long_and_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
