/*
 * Strays in the store: kept once, told with the request they were made for,
 * until they are issued after all; a use of a challenge stays spent with them.
 * Where a program's work was cut short, there is a possible one.
 */
#include "store/ends.h"
#include "store/handed.h"
#include "store_file.h"

static const char	 q_used[] = "SELECT used FROM challenge_use"
			    " WHERE challenge = 'lab'";

static struct stray
stray_of(struct serial *s, int64_t txn, unsigned n)
{
	return (struct stray){
		.txn = txn, .issuer = "local", .serial = serial_of(s, n),
		.why = "it is no good", .when = 1234,
		.der = bytes_str("certificate"), .issuer_hash = { 7 },
	};
}

/* With the end of its transaction, if that has not ended yet. */
static int
put(struct db *db, const struct stray *row, struct err *e)
{
	const struct ending	 end = {
		.txn = row->txn, .reason = ERR_ISSUER_ANSWER, .when = 1500,
		.strays = row, .n_strays = 1
	};

	return ends_put(db, &end, e);
}

struct seen {
	size_t	 n;
	int64_t	 txn;
	int	 rc;
};

static int
on_row(const struct stray *s, void *arg)
{
	struct seen	*k = arg;
	struct serial	 want;

	k->n++;
	k->txn = s->txn;
	assert_string_equal(s->issuer, "local");
	assert_string_equal(s->why, "it is no good");
	assert_int_equal(s->when, 1234);
	assert_true(bytes_eq(s->serial, serial_of(&want, (unsigned)k->n)));
	assert_true(bytes_eq(s->der, bytes_str("certificate")));
	assert_string_equal(s->endpoint, "default");
	assert_string_equal(s->txid, "4711");
	assert_string_equal(s->peer, "192.0.2.1");
	assert_string_equal(s->challenge, "lab");
	return k->rc;
}

static struct seen
look(struct db *db, int rc)
{
	struct err	 e = { .reason = ERR_NONE };
	struct seen	 k = { .rc = rc };

	assert_int_equal(stray_each(db, on_row, &k, &e), rc);
	return k;
}

static bool
known(struct db *db, unsigned n, uint8_t issuer)
{
	const uint8_t	 hash[32] = { issuer };
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	bool		 is = false;

	good(stray_known(db, serial_of(&s, n), hash, &is, &e), &e);
	return is;
}

static void
test_strays(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct stray	 row;
	struct issued	 good_one;
	int64_t		 a = 0, b = 0;

	(void)state;
	good(reserve(db, 1, &a, &e), &e);
	good(reserve(db, 2, &b, &e), &e);
	assert_int_equal(look(db, 0).n, 0);
	row = stray_of(&s, a, 1);
	assert_false(known(db, 1, 7));
	good(put(db, &row, &e), &e);
	assert_true(known(db, 1, 7));
	assert_false(known(db, 1, 8));
	assert_false(known(db, 2, 7));
	/* Once, also for another request. */
	good(put(db, &row, &e), &e);
	row.txn = b;
	good(put(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	row = stray_of(&s, b, 2);
	good(put(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 2);
	assert_int_equal(look(db, 0).txn, b);
	assert_int_equal(look(db, 7).n, 1);
	/* The CA's program was asked again, and its answer is good now. */
	good(reserve(db, 5, &b, &e), &e);
	good_one = row_of(&s, b, 2);
	good(add(db, &good_one, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	assert_int_equal(look(db, 0).txn, a);
	/* Nor does a transaction that is in truth issued get one. */
	row = stray_of(&s, b, 9);
	good(put(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	/* What was issued before is none. */
	enroll(db, 3);
	good(reserve(db, 4, &b, &e), &e);
	row = stray_of(&s, b, 3);
	good(put(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	db_close(db);
	empty_folder(true);
}

static void
test_uses(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct stray	 row;
	int64_t		 a = 0, b = 0;

	(void)state;
	good(reserve(db, 1, &a, &e), &e);
	good(reserve(db, 2, &b, &e), &e);
	assert_int_equal(raw(file, q_used), 2);
	row = stray_of(&s, a, 1);
	good(put(db, &row, &e), &e);
	assert_int_equal(raw(file, q_used), 2);
	good(txn_end(db, b, ERR_ISSUER, 1500, NULL, &e), &e);
	assert_int_equal(raw(file, q_used), 1);
	db_close(db);
	empty_folder(true);
}

/* What fails in the middle leaves nothing behind, and is there once when it is
 * tried again: also what has no bytes to be known by. */
static void
test_together(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s, t;
	struct stray	 rows[2];
	struct ending	 end = { .reason = ERR_ISSUER, .when = 1500,
	    .strays = rows, .n_strays = 2 };

	(void)state;
	good(reserve(db, 1, &end.txn, &e), &e);
	rows[0] = stray_of(&s, end.txn, 1);
	rows[1] = stray_of(&t, end.txn, 2);
	rows[1].der.n = 0;
	rows[1].subject = "CN=a";
	(void)raw(file, "CREATE TRIGGER trouble BEFORE UPDATE OF state ON txn"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	bad(ends_put(db, &end, &e), &e, ERR_STORE, "trouble");
	assert_int_equal(raw(file, "SELECT count(*) FROM stray"), 0);
	(void)raw(file, "DROP TRIGGER trouble");
	err_clear(&e);
	good(ends_put(db, &end, &e), &e);
	assert_int_equal(raw(file, "SELECT count(*) FROM stray"), 2);
	assert_int_equal(raw(file, "SELECT count(*) FROM stray WHERE"
	    " der IS NULL AND subject = 'CN=a'"), 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE"
	    " state = 'failed' AND reason = 'issuer'"), 1);
	/* It was written, and told to have failed. */
	good(ends_put(db, &end, &e), &e);
	assert_int_equal(raw(file, "SELECT count(*) FROM stray"), 2);
	db_close(db);
	empty_folder(true);
}

/* ---- programs at work when the server ended ---- */

static int
hand(struct db *db, int64_t txn, struct err *e)
{
	const struct handed	 h = {
		.txn = txn, .issuer = "upstream", .subject = "CN=a",
		.why = "cut short", .trail = "{}", .issuer_hash = { 9 },
		.when = 1550 + txn
	};

	err_clear(e);
	return handed_put(db, &h, e);
}

static int
on_handed(const struct handed *h, void *arg)
{
	struct seen	*k = arg;
	struct serial	 want;

	k->n++;
	k->txn = h->txn;
	assert_string_equal(h->issuer, "upstream");
	assert_string_equal(h->subject, "CN=a");
	assert_string_equal(h->why, "cut short");
	assert_int_equal(h->when, 1550 + h->txn);
	assert_string_equal(h->endpoint, "default");
	assert_string_equal(h->txid, "4711");
	assert_true(bytes_eq(h->serial, serial_of(&want, (unsigned)h->txn)));
	return k->rc;
}

static struct seen
at_work(struct db *db, int rc)
{
	struct err	 e = { .reason = ERR_NONE };
	struct seen	 k = { .rc = rc };

	assert_int_equal(handed_each(db, on_handed, &k, &e), rc);
	return k;
}

static int
on_possible(const struct stray *s, void *arg)
{
	struct seen	*k = arg;
	struct serial	 want;

	k->n++;
	k->txn = s->txn;
	assert_string_equal(s->issuer, "upstream");
	assert_string_equal(s->why, "cut short");
	/* Neither when it was asked for, nor when the server came back. */
	assert_int_equal(s->when, 1550 + s->txn);
	assert_int_equal(s->der.n, 0);
	assert_string_equal(s->subject, "CN=a");
	assert_true(bytes_eq(s->serial, serial_of(&want, (unsigned)s->txn)));
	return 0;
}

static struct seen
possible(struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };
	struct seen	 k = { .n = 0 };

	good(stray_each(db, on_possible, &k, &e), &e);
	return k;
}

/* The transactions 1 to n, with serial numbers and uses of their own. */
static void
reserve_all(struct db *db, unsigned n)
{
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id = 0;

	for (unsigned i = 1; i <= n; i++) {
		good(reserve(db, i, &id, &e), &e);
		assert_int_equal(id, i);
	}
}

static void
test_handed(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 row;

	(void)state;
	reserve_all(db, 3);
	assert_int_equal(at_work(db, 0).n, 0);
	good(hand(db, 1, &e), &e);
	good(hand(db, 2, &e), &e);
	assert_int_equal(at_work(db, 0).n, 2);
	assert_int_equal(at_work(db, 0).txn, 2);
	assert_int_equal(at_work(db, 5).n, 1);
	bad(hand(db, 2, &e), &e, ERR_STORE_CONFLICT, "");
	/* Over with the transaction, however it ends. */
	err_clear(&e);
	row = row_of(&s, 1, 1);
	good(add(db, &row, &e), &e);
	good(txn_end(db, 2, ERR_ISSUER, 1500, NULL, &e), &e);
	assert_int_equal(at_work(db, 0).n, 0);
	bad(hand(db, 2, &e), &e, ERR_STORE, "HANDED_PUT");
	bad(hand(db, 9, &e), &e, ERR_STORE, "HANDED_PUT");
	assert_int_equal(raw(file, q_used), 2);
	db_close(db);
	empty_folder(true);
}

static void
test_cut_short(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 n;

	(void)state;
	reserve_all(db, 3);
	good(hand(db, 1, &e), &e);
	/* An operator had approved it. */
	good(hand(db, 3, &e), &e);
	(void)raw(file, "UPDATE txn SET csr = x'00' WHERE id = 3");
	good(txn_recover(db, 1600, &n, &e), &e);
	assert_int_equal(n, 3);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE (id = 1 AND"
	    " state = 'failed' AND reason = 'issuer_cut' AND finished = 1600)"
	    " OR (id = 2 AND state = 'abandoned' AND finished = 1600)"
	    " OR (id = 3 AND state = 'approved' AND finished IS NULL)"), 3);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit WHERE"
	    " txn IN (1, 3) AND outcome = 'failed' AND reason = 'issuer_cut'"
	    " AND at = 1600 AND who = '192.0.2.1' AND txid = '4711'"
	    " AND endpoint = 'default' AND trail = '{}'"), 2);
	assert_int_equal(possible(db).n, 2);
	assert_int_equal(possible(db).txn, 3);
	assert_true(known(db, 3, 9));
	assert_false(known(db, 2, 9));
	/* That of the second one alone came back. */
	assert_int_equal(raw(file, q_used), 2);
	assert_int_equal(at_work(db, 0).n, 0);
	good(txn_recover(db, 1700, &n, &e), &e);
	assert_int_equal(n, 0);
	assert_int_equal(possible(db).n, 2);
	(void)raw(file, "UPDATE txn SET state = 'expired', finished = 1800"
	    " WHERE id = 3");
	assert_int_equal(raw(file, q_used), 2);
	db_close(db);
	empty_folder(true);
}

/* The program answers another request with what it had made for that one. */
static void
test_found_again(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 row;
	int64_t		 n, id = 0;

	(void)state;
	reserve_all(db, 2);
	good(hand(db, 1, &e), &e);
	good(hand(db, 2, &e), &e);
	good(txn_recover(db, 1600, &n, &e), &e);
	good(reserve(db, 3, &id, &e), &e);
	row = row_of(&s, id, 1);
	good(add(db, &row, &e), &e);
	assert_int_equal(possible(db).n, 1);
	assert_int_equal(possible(db).txn, 2);
	assert_int_equal(raw(file, q_used), 3);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_handed),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_found_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
