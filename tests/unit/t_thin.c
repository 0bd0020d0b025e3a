/*
 * The audit trail is thinned: in small steps, as long after an end as is set,
 * and nothing else is.
 */
#include "service/thin_int.h"
#include "store_file.h"

#define KEEP	1000
#define STEP	100	/* rows of one call */

static const struct audit trail = {
	.when = 2000, .endpoint = "default", .txid = "4711",
	.outcome = AUDIT_ISSUED, .who = "192.0.2.1", .trail = "{}",
};

/* One certificate with many rows, all of which end when it does. */
static struct db *
open_trail(int64_t rows)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 r;
	int64_t		 id = 0;
	char		 sql[256];

	good(reserve(db, 1, &id, &e), &e);
	r = row_of(&s, id, 1);
	r.audit = &trail;
	good(add(db, &r, &e), &e);
	(void)snprintf(sql, sizeof(sql), "WITH RECURSIVE n (i) AS (SELECT 2"
	    " UNION ALL SELECT i + 1 FROM n WHERE i < %lld) INSERT INTO audit"
	    " (txn, at, endpoint, txid, outcome, who, ends) SELECT a.txn, a.at,"
	    " a.endpoint, a.txid, a.outcome, a.who, a.ends FROM n, audit a"
	    " WHERE a.id = 1", (long long)rows);
	raw(file, sql);
	return db;
}

static void
assert_left(int64_t want)
{
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"), want);
	assert_int_equal(raw(file, "SELECT count(*) FROM issued"), 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn"), 1);
}

/* row_of() expires at DAY. */
static void
test_when(void **state)
{
	static const struct {
		int64_t	 keep, now, left;
	} rows[] = {
		{ 0, INT64_MAX / 2, 2 },	/* for good */
		{ KEEP, 2000, 2 },
		{ KEEP, DAY + KEEP, 2 },
		{ KEEP, DAY + KEEP + 1, 0 },
		{ 1, DAY + 2, 0 },
		{ INT64_C(3153600000), DAY + KEEP + 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct db	*db = open_trail(2);

		assert_int_equal(thin_trails(db, rows[i].keep, rows[i].now, 0),
		    rows[i].keep == 0 ? 0 : rows[i].now);
		assert_left(rows[i].left);
		db_close(db);
		empty_folder(true);
	}
}

/* A step each time while there is more, else once a minute. */
static void
test_steps(void **state)
{
	const int64_t	 now = 2 * DAY;
	struct db	*db = open_trail(2 * STEP + 50);
	int64_t		 last;

	(void)state;
	last = thin_trails(db, KEEP, now, 0);
	assert_left(STEP + 50);
	last = thin_trails(db, KEEP, now + 1, last);
	assert_left(50);
	last = thin_trails(db, KEEP, now + 2, last);
	assert_left(0);
	assert_int_equal(last, now + 2);
	raw(file, "INSERT INTO audit (txn, at, endpoint, txid, outcome, who,"
	    " ends) VALUES (1, 0, 'default', '4711', 'issued', 'x', 1)");
	last = thin_trails(db, KEEP, now + 61, last);
	assert_left(1);
	assert_int_equal(thin_trails(db, KEEP, now + 62, last), now + 62);
	assert_left(0);
	raw(file, "INSERT INTO audit (txn, at, endpoint, txid, outcome, who,"
	    " ends) VALUES (1, 0, 'default', '4711', 'issued', 'x', 1)");
	/* The clock was put back. */
	last = thin_trails(db, KEEP, now, now + 62);
	assert_left(0);
	assert_int_equal(last, now);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
