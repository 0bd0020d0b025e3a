#include "store_file.h"
#include "store/lockout.h"

static struct lockout
lock_of(const char *address, int64_t since, int64_t until)
{
	struct lockout	 l = {
		.since = since, .until = until, .failures = 30
	};

	(void)snprintf(l.address, sizeof(l.address), "%s", address);
	(void)snprintf(l.endpoint, sizeof(l.endpoint), "scep");
	return l;
}

static void
put(struct db *db, const struct lockout *v, size_t n, int64_t now)
{
	struct err	 e = { .reason = ERR_NONE };

	good(lockout_put(db, v, n, now, &e), &e);
}

struct seen {
	char	 text[256];
};

static int
on_row(const struct lockout *l, void *arg)
{
	struct seen	*s = arg;
	size_t		 n = strlen(s->text);

	(void)snprintf(s->text + n, sizeof(s->text) - n, "%s %lld-%lld %lld %s;",
	    l->address, (long long)l->since, (long long)l->until,
	    (long long)l->failures, l->endpoint);
	return 0;
}

static void
holds(struct db *db, const char *wanted)
{
	struct err	 e = { .reason = ERR_NONE };
	struct seen	 s = { "" };

	good(lockout_each(db, on_row, &s, &e), &e);
	assert_string_equal(s.text, wanted);
}

static int
on_first(const struct lockout *l, void *arg)
{
	(void)l;
	(*(int *)arg)++;
	return 7;
}

static int
on_shown(const struct lockout *l, void *arg)
{
	sqlite3	*h;

	(void)l;
	(*(int *)arg)++;
	assert_int_equal(sqlite3_open(file, &h), SQLITE_OK);
	/* It finds the log when it reads. */
	assert_int_equal(sqlite3_exec(h, "SELECT * FROM lockout", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_wal_checkpoint_v2(h, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(h), SQLITE_OK);
	return 0;
}

/* Whoever looks at them for long does not keep the log from being emptied. */
static void
test_shown(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct lockout	 v[2] = {
		lock_of("192.0.2.1", 100, 300), lock_of("192.0.2.2", 100, 300)
	};
	int		 n = 0;

	(void)state;
	put(db, v, 2, 100);
	good(lockout_each(db, on_shown, &n, &e), &e);
	assert_int_equal(n, 2);
	db_close(db);
	empty_folder(true);
}

static void
test_put(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct lockout	 v[2] = {
		lock_of("192.0.2.2", 200, 300),
		lock_of("192.0.2.1", 100, 250)
	};
	int		 n = 0;

	(void)state;
	holds(db, "");
	put(db, v, 2, 200);
	holds(db, "192.0.2.1 100-250 30 scep;192.0.2.2 200-300 30 scep;");
	assert_int_equal(lockout_each(db, on_first, &n, &e), 7);
	assert_int_equal(n, 1);
	/* Begun anew, and ended before its time. */
	v[0] = lock_of("192.0.2.2", 220, 400);
	v[1].until = 220;
	put(db, v, 2, 220);
	holds(db, "192.0.2.2 220-400 30 scep;");
	/* What ended by now goes with any change. */
	v[0] = lock_of("192.0.2.3", 400, 500);
	put(db, v, 1, 400);
	db_close(db);
	db = open_db();
	holds(db, "192.0.2.3 400-500 30 scep;");
	db_close(db);
	empty_folder(true);
}

/* All or nothing. */
static void
test_put_fails(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct lockout	 v[2] = {
		lock_of("192.0.2.1", 100, 300), lock_of("192.0.2.2", 100, 300)
	};

	(void)state;
	v[1].failures = 0;
	assert_int_equal(lockout_put(db, v, 2, 100, &e), -1);
	assert_int_equal(e.reason, ERR_STORE);
	holds(db, "");
	db_close(db);
	empty_folder(true);
}

static void
test_clear(void **state)
{
	struct db	*db = open_db(), *beside;
	struct err	 e = { .reason = ERR_NONE };
	const struct lockout v[3] = {
		lock_of("192.0.2.1", 1, 300), lock_of("2001:db8::/64", 2, 300),
		lock_of("192.0.2.3", 3, 300)
	};
	int64_t		 n = -1;

	(void)state;
	put(db, v, 3, 10);
	good(db_open_beside(file, &beside, &e), &e);
	good(lockout_clear(beside, "192.0.2.9", &n, &e), &e);
	assert_int_equal(n, 0);
	good(lockout_clear(beside, "2001:db8::/64", &n, &e), &e);
	assert_int_equal(n, 1);
	holds(db, "192.0.2.1 1-300 30 scep;192.0.2.3 3-300 30 scep;");
	good(lockout_clear(beside, NULL, &n, &e), &e);
	assert_int_equal(n, 2);
	holds(db, "");
	db_close(beside);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_put_fails),
		cmocka_unit_test(test_clear),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
