/*
 * Strays in the store: kept once, told with the request they were made for,
 * until they are issued after all; a use of a challenge stays spent with them.
 */
#include "store/stray.h"
#include "store/waiting.h"
#include "store_file.h"

static const char	 q_used[] = "SELECT used FROM challenge_use"
			    " WHERE challenge = 'lab'";

static struct stray
stray_of(struct serial *s, int64_t txn, unsigned n)
{
	return (struct stray){
		.txn = txn, .issuer = "local", .serial = serial_of(s, n),
		.why = "it is no good", .when = 1234,
		.der = bytes_str("certificate"),
	};
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
	good(stray_add(db, &row, &e), &e);
	/* Once, also for another request. */
	good(stray_add(db, &row, &e), &e);
	row.txn = b;
	good(stray_add(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	row = stray_of(&s, b, 2);
	good(stray_add(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 2);
	assert_int_equal(look(db, 0).txn, b);
	assert_int_equal(look(db, 7).n, 1);
	/* The CA's program was asked again, and its answer is good now. */
	good_one = row_of(&s, b, 2);
	good(add(db, &good_one, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	assert_int_equal(look(db, 0).txn, a);
	/* What was issued before is none. */
	enroll(db, 3);
	good(reserve(db, 4, &b, &e), &e);
	row = stray_of(&s, b, 3);
	good(stray_add(db, &row, &e), &e);
	assert_int_equal(look(db, 0).n, 1);
	row.txn = 99;
	row.der = bytes_str("other");
	bad(stray_add(db, &row, &e), &e, ERR_STORE, "");
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
	int64_t		 a = 0, b = 0, c = 0, n;

	(void)state;
	good(reserve(db, 1, &a, &e), &e);
	good(reserve(db, 2, &b, &e), &e);
	good(reserve(db, 3, &c, &e), &e);
	assert_int_equal(raw(file, q_used), 3);
	row = stray_of(&s, a, 1);
	good(stray_add(db, &row, &e), &e);
	good(txn_end(db, a, ERR_ISSUER_ANSWER, 1500, NULL, &e), &e);
	assert_int_equal(raw(file, q_used), 3);
	good(txn_end(db, b, ERR_ISSUER, 1500, NULL, &e), &e);
	assert_int_equal(raw(file, q_used), 2);
	/* A crash between the two. */
	row = stray_of(&s, c, 3);
	good(stray_add(db, &row, &e), &e);
	good(txn_recover(db, 1600, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_int_equal(raw(file, q_used), 2);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_uses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
