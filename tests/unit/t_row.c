/*
 * What a row has, copied: the copy is whole when the row is gone, and what does
 * not fit is cut within its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/store_int.h"

#define BLOB	"\x01\x00\x02"

static sqlite3		*h;
static sqlite3_stmt	*st;

/* 0: NULL, 1: "", 2: text, 3: number, 4: an empty blob, 5: a blob, 6: text */
static int
begin(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT NULL, '', 'abc', 77,"
	    " x'', x'010002', ?", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(db_bind_text(st, 1, "z\xc3\xbc"), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sqlite3_finalize(st);
	sqlite3_close(h);
	return 0;
}

static void
test_row(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct row	 r;
	struct bytes	 empty, blob, nothing;
	const char	*none, *text, *last;

	(void)state;
	assert_int_equal(row_begin(&r, st, "row", &e), 0);
	/* In any order. */
	last = row_text(&r, 6);
	blob = row_blob(&r, 5);
	empty = row_blob(&r, 4);
	nothing = row_blob(&r, 0);
	text = row_text(&r, 2);
	none = row_text(&r, 1);
	assert_null(row_text(&r, 0));
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	assert_string_equal(last, "z\xc3\xbc");
	assert_string_equal(text, "abc");
	assert_string_equal(none, "");
	assert_int_equal(empty.n, 0);
	assert_int_equal(nothing.n, 0);
	assert_int_equal(blob.n, 3);
	assert_memory_equal(blob.p, BLOB, 3);
	free(r.mem);
}

static void
test_text(void **state)
{
	static const struct {
		int		 i;
		size_t		 size;
		int		 rc;
		const char	*want;
	} rows[] = {
		{ 0, 4, 0, "" },
		{ 1, 4, 0, "" },
		{ 2, 4, 0, "abc" },
		{ 2, 3, -1, "ab" },
		{ 2, 1, -1, "" },
		{ 0, 1, 0, "" },
	};
	char	 out[8];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(out, '#', sizeof(out));
		assert_int_equal(row_put_text(st, rows[i].i, out,
		    rows[i].size), rows[i].rc);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(out[rows[i].size], '#');
	}
}

static void
test_bytes(void **state)
{
	uint8_t		 out[4] = "####";
	struct buf	 b = BUF_INIT(3), small = BUF_INIT(2);

	(void)state;
	assert_int_equal(row_put_bytes(st, 0, out, 2), 0);
	assert_int_equal(row_put_bytes(st, 5, out, 2), 2);
	assert_memory_equal(out, "\x01\x00##", 4);
	assert_int_equal(row_put_bytes(st, 5, out, 4), 3);
	assert_memory_equal(out, BLOB "#", 4);
	assert_int_equal(row_put_buf(st, 0, &b), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(row_put_buf(st, 5, &b), 0);
	assert_int_equal(b.n, 3);
	assert_memory_equal(b.p, BLOB, 3);
	assert_int_equal(row_put_buf(st, 5, &small), -1);
	buf_wipe(&b);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest	 tests[] = {
		TEST(test_row),
		TEST(test_text),
		TEST(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
