/*
 * The audit trail in the store: written with what it explains or not at all,
 * found again, bounded where strangers cause it.
 */
#include "store_file.h"
#include "store/waiting.h"

static const struct audit issued = {
	.when = 2000, .endpoint = "default", .txid = "4711",
	.outcome = AUDIT_ISSUED, .who = "192.0.2.1", .trail = "{}",
};

static struct audit
refusal(int64_t when, const char *txid)
{
	return (struct audit){ .when = when, .endpoint = "default",
	    .txid = txid, .outcome = AUDIT_REFUSED,
	    .reason = "challenge_wrong", .who = "192.0.2.7" };
}

/* Outcomes in their order, each with its time and its transaction. */
static int
list(const struct audit *a, void *arg)
{
	char	*out = arg;
	size_t	 n = strlen(out);

	assert_true(a->id > 0);
	assert_true(snprintf(out + n, 256 - n, "%s %lld %lld;", a->outcome,
	    (long long)a->when, (long long)a->txn) < (int)(256 - n));
	return 0;
}

static void
assert_rows(struct db *db, const struct audit_filter *f, const char *want)
{
	struct err	 e = { .reason = ERR_NONE };
	char		 got[256] = "";

	good(audit_each(db, f, list, got, &e), &e);
	assert_string_equal(got, want);
}

/* ---- in the same step ---- */

static void
test_issued(void **state)
{
	const struct audit_filter	 f = { .txn = 1 };
	struct err			 e = { .reason = ERR_NONE };
	struct db			*db = open_db();
	struct audit			 odd = issued;
	struct serial			 s;
	struct issued			 r;
	int64_t				 id = 0;

	(void)state;
	good(reserve(db, 1, &id, &e), &e);
	r = row_of(&s, id, 1);
	/* No certificate without its trail... */
	odd.outcome = "odd";
	r.audit = &odd;
	bad(add(db, &r, &e), &e, ERR_STORE, "CHECK");
	assert_int_equal(raw(file, "SELECT count(*) FROM issued"), 0);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE state ="
	    " 'reserved'"), 1);
	/* ... and no trail without it. */
	err_clear(&e);
	r.audit = &issued;
	r.subject = NULL;
	bad(add(db, &r, &e), &e, ERR_STORE, "issued.subject");
	assert_rows(db, &f, "");
	err_clear(&e);
	r.subject = "CN=a";
	good(add(db, &r, &e), &e);
	assert_rows(db, &f, "issued 2000 1;");
	db_close(db);
	empty_folder(true);
}

static int
held(struct db *db, const char *txid, unsigned serial, const struct audit *a,
    struct txn_found *found, struct err *e)
{
	struct serial	 s;
	struct txn	 t = {
		.endpoint = "default", .txid = txid, .peer = "192.0.2.1",
		.when = 1000, .serial = serial_of(&s, serial),
		.hold = bytes_str("csr"), .room = 100, .vouched = true,
		.audit = a,
	};
	bool		 fresh;

	memset(t.msg_hash, (int)serial, sizeof(t.msg_hash));
	return txn_reserve(db, &t, found, &fresh, e);
}

/* By an operator, who is named. */
static void
test_waiting(void **state)
{
	const struct audit_filter	 f = { .txn = 1 }, g = { .txn = 2 };
	struct audit			 pending = issued, failed = issued;
	struct err			 e = { .reason = ERR_NONE };
	struct db			*db = open_db();
	struct buf			 csr = BUF_INIT(100);
	struct waiting_claim		 cl = { .csr = &csr };
	struct txn_found		 found;
	bool				 ours;

	(void)state;
	pending.when = 1000;
	pending.outcome = AUDIT_PENDING;
	good(held(db, "a", 1, &pending, &found, &e), &e);
	/* A copy has no row of its own. */
	good(held(db, "a", 1, &pending, &found, &e), &e);
	assert_rows(db, &f, "pending 1000 1;");
	good(waiting_decide(db, 1, true, 1500, "alice", &e), &e);
	bad(waiting_decide(db, 1, false, 1600, "bob", &e), &e,
	    ERR_NOT_PENDING, "approved");
	err_clear(&e);
	good(waiting_claim(db, 1, &cl, &ours, &e), &e);
	failed.outcome = AUDIT_FAILED;
	failed.reason = "issuer";
	good(txn_end(db, 1, ERR_ISSUER, 2000, &failed, &e), &e);
	assert_rows(db, &f, "pending 1000 1;approved 1500 1;failed 2000 1;");
	assert_int_equal(raw(file, "SELECT count(*) FROM audit WHERE who ="
	    " 'alice' AND txid = 'a' AND endpoint = 'default'"), 1);
	good(held(db, "b", 2, NULL, &found, &e), &e);
	good(waiting_decide(db, 2, false, 1700, "bob", &e), &e);
	assert_rows(db, &g, "rejected 1700 2;");
	buf_wipe(&csr);
	db_close(db);
	empty_folder(true);
}

/* ---- refusals ---- */

static void
test_pruned(void **state)
{
	static const struct {
		size_t		 n;
		int64_t		 keep;
		const char	*want;
	} rows[] = {
		{ 2, 3, "refused 0 0;refused 1 0;issued 2000 1;" },
		{ 3, 3, "issued 2000 1;refused 0 0;refused 1 0;refused 2 0;" },
		{ 1, 3, "issued 2000 1;refused 1 0;refused 2 0;refused 0 0;" },
		{ 0, 1, "issued 2000 1;refused 0 0;" },
		{ 3, 2, "issued 2000 1;refused 1 0;refused 2 0;" },
		{ 0, 0, "issued 2000 1;" },
	};
	const struct audit_filter	 f = { .txid = "4711" };
	struct audit			 v[3];
	struct err			 e = { .reason = ERR_NONE };
	struct db			*db = open_db();
	struct serial			 s;
	struct issued			 r;
	int64_t				 id = 0;

	(void)state;
	for (size_t i = 0; i < N(v); i++)
		v[i] = refusal((int64_t)i, "4711");
	for (size_t i = 0; i < N(rows); i++) {
		good(audit_refusals(db, v, rows[i].n, rows[i].keep, &e), &e);
		if (i == 0) {
			good(reserve(db, 1, &id, &e), &e);
			r = row_of(&s, id, 1);
			r.audit = &issued;
			good(add(db, &r, &e), &e);
		}
		assert_rows(db, &f, rows[i].want);
	}
	db_close(db);
	empty_folder(true);
}

/* Strangers push out strangers. */
static void
test_apart(void **state)
{
	const struct audit_filter	 f = { .txid = "a" }, g = { .txid = "b" };
	struct audit			 ours = refusal(1, "a"), v[4];
	struct err			 e = { .reason = ERR_NONE };
	struct db			*db = open_db();

	(void)state;
	enroll(db, 1);
	ours.signer = 1;
	good(audit_refusals(db, &ours, 1, 2, &e), &e);
	for (size_t i = 0; i < N(v); i++)
		v[i] = refusal((int64_t)i, "b");
	good(audit_refusals(db, v, N(v), 2, &e), &e);
	assert_rows(db, &f, "refused 1 0;");
	assert_rows(db, &g, "refused 2 0;refused 3 0;");
	for (int64_t i = 2; i < 4; i++) {
		ours.when = i;
		good(audit_refusals(db, &ours, 1, 2, &e), &e);
	}
	assert_rows(db, &f, "refused 2 0;refused 3 0;");
	assert_rows(db, &g, "refused 2 0;refused 3 0;");
	good(audit_refusals(db, NULL, 0, 0, &e), &e);
	assert_rows(db, &f, "");
	assert_rows(db, &g, "");
	db_close(db);
	empty_folder(true);
}

/* ---- what may be forgotten, and when ---- */

/* "outcome ends;" of each row of the transaction. */
static void
assert_ends(int64_t txn, const char *want)
{
	char	 sql[512];

	(void)snprintf(sql, sizeof(sql), "SELECT '%s' = (SELECT"
	    " group_concat(outcome || ' ' || coalesce(ends, '-'), ';') FROM"
	    " (SELECT * FROM audit WHERE txn = %lld ORDER BY id))", want,
	    (long long)txn);
	if (raw(file, sql) != 1)
		fail_msg("transaction %lld: not %s", (long long)txn, want);
}

/* By the certificate's end; without one, by the transaction's. */
static void
test_ends(void **state)
{
	struct audit		 pending = issued, failed = issued;
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct buf		 csr = BUF_INIT(100);
	struct waiting_claim	 cl = { .csr = &csr };
	struct txn_found	 found;
	struct serial		 s;
	struct issued		 r;
	int64_t			 n = 0;
	bool			 ours;

	(void)state;
	pending.outcome = AUDIT_PENDING;
	failed.outcome = AUDIT_FAILED;
	failed.reason = "issuer";
	for (unsigned i = 1; i <= 5; i++) {
		char	 txid[] = { (char)('a' + i), '\0' };

		good(held(db, txid, i, &pending, &found, &e), &e);
	}
	assert_ends(1, "pending -");
	good(waiting_decide(db, 1, WAITING_APPROVE, 1500, "a", &e), &e);
	good(waiting_claim(db, 1, &cl, &ours, &e), &e);
	assert_ends(1, "pending -;approved -");
	r = row_of(&s, 1, 1);
	r.audit = &issued;
	good(add(db, &r, &e), &e);
	good(waiting_decide(db, 2, WAITING_REJECT, 1600, "a", &e), &e);
	good(waiting_decide(db, 3, WAITING_APPROVE, 1700, "a", &e), &e);
	good(waiting_claim(db, 3, &cl, &ours, &e), &e);
	good(txn_end(db, 3, ERR_ISSUER, 1800, &failed, &e), &e);
	good(waiting_decide(db, 4, WAITING_APPROVE, 1900, "a", &e), &e);
	good(waiting_claim(db, 4, &cl, &ours, &e), &e);
	good(waiting_release(db, 4, &e), &e);
	assert_ends(1, "pending 86400;approved 86400;issued 86400");
	assert_ends(2, "pending 1600;rejected 1600");
	assert_ends(3, "pending 1800;approved 1800;failed 1800");
	assert_ends(4, "pending -;approved -");
	assert_ends(5, "pending -");
	good(waiting_expire(db, 1001, 2000, &e), &e);
	assert_ends(5, "pending 2000");
	failed.when = 1;
	good(audit_refusals(db, &failed, 1, 10, &e), &e);
	/* What ends at that moment has not ended before it. */
	good(audit_thin(db, 1600, 100, &n, &e), &e);
	assert_int_equal(n, 0);
	good(audit_thin(db, 1801, 4, &n, &e), &e);
	assert_int_equal(n, 4);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit WHERE txn = 2"),
	    0);
	good(audit_thin(db, 1801, 4, &n, &e), &e);
	assert_int_equal(n, 1);
	good(audit_thin(db, INT64_MAX, 100, &n, &e), &e);
	assert_int_equal(n, 3 + 2 + 1);
	/* Refusals, which never ended, are counted instead. */
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"), 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn"), 5);
	assert_int_equal(raw(file, "SELECT count(*) FROM issued"), 1);
	buf_wipe(&csr);
	db_close(db);
	empty_folder(true);
}

/* ---- finding ---- */

/* What a certificate signed, the newest first; who decides by hand did not. */
static void
test_signed(void **state)
{
	const struct audit_filter	 f = { .signer = 1 }, g = { .signer = 2 };
	struct audit			 ours = refusal(7, "a"), pending = issued;
	struct err			 e = { .reason = ERR_NONE };
	struct db			*db = open_db();
	struct txn_found		 found;
	int64_t				 n = -1;

	(void)state;
	enroll(db, 1);
	enroll(db, 2);
	good(audit_signed(db, 1, &n, &e), &e);
	assert_int_equal(n, 0);
	assert_rows(db, &f, "");
	ours.signer = 1;
	good(audit_refusals(db, &ours, 1, 10, &e), &e);
	pending.outcome = AUDIT_PENDING;
	pending.signer = 1;
	good(held(db, "b", 3, &pending, &found, &e), &e);
	good(waiting_decide(db, found.id, WAITING_REJECT, 3000, "bob", &e),
	    &e);
	ours.signer = 2;
	good(audit_refusals(db, &ours, 1, 10, &e), &e);
	assert_rows(db, &f, "rejected 3000 3;pending 2000 3;refused 7 0;");
	assert_rows(db, &g, "refused 7 0;");
	good(audit_signed(db, 1, &n, &e), &e);
	assert_int_equal(n, 3);
	db_close(db);
	empty_folder(true);
}

static int
collect(int64_t id, void *arg)
{
	char	*out = arg;
	size_t	 n = strlen(out);

	(void)snprintf(out + n, 64 - n, "%lld ", (long long)id);
	return id == 3 ? 7 : 0;
}

static void
assert_txns(struct db *db, const char *endpoint, const char *txid, int rc,
    const char *want)
{
	struct err	 e = { .reason = ERR_NONE };
	char		 got[64] = "";

	assert_int_equal(audit_txns(db, endpoint, txid, collect, got, &e), rc);
	assert_string_equal(got, want);
}

static int
stop(const struct audit *a, void *arg)
{
	(*(int *)arg)++;
	return a->reason == NULL ? 0 : 5;
}

static void
test_found(void **state)
{
	struct audit_filter	 f = { .txid = "x" };
	struct audit		 v[2] = { refusal(1, "x"), refusal(2, "y") };
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	int			 n = 0;

	(void)state;
	assert_txns(db, NULL, "4711", 0, "");
	enroll(db, 1);
	enroll(db, 2);
	raw(file, "UPDATE txn SET endpoint = 'other' WHERE id = 1");
	assert_txns(db, NULL, "4711", 0, "1 2 ");
	assert_txns(db, "other", "4711", 0, "1 ");
	assert_txns(db, "none", "4711", 0, "");
	assert_txns(db, NULL, "4712", 0, "");
	enroll(db, 3);
	assert_txns(db, NULL, "4711", 7, "1 2 3 ");
	v[1].endpoint = "other";
	v[1].txid = "x";
	good(audit_refusals(db, v, 2, 10, &e), &e);
	assert_rows(db, &f, "refused 1 0;refused 2 0;");
	f.endpoint = "other";
	assert_rows(db, &f, "refused 2 0;");
	f.endpoint = "none";
	assert_rows(db, &f, "");
	f.endpoint = NULL;
	assert_int_equal(audit_each(db, &f, stop, &n, &e), 5);
	assert_int_equal(n, 1);
	assert_int_equal(audit_one(db, 2, stop, &n, &e), 5);
	assert_int_equal(audit_one(db, 99, stop, &n, &e), 0);
	assert_int_equal(n, 2);
	db_close(db);
	empty_folder(true);
}

static void
test_fate(void **state)
{
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct audit_fate	 f;
	int64_t			 id = 0;

	(void)state;
	enroll(db, 1);
	enroll(db, 2);
	enroll(db, 3);
	good(audit_fate(db, 1, &f, &e), &e);
	assert_string_equal(f.state, "issued");
	assert_string_equal(f.txid, "4711");
	assert_string_equal(f.endpoint, "default");
	assert_string_equal(f.peer, "192.0.2.1");
	assert_string_equal(f.reason, "");
	assert_int_equal(f.created, 1000);
	assert_int_equal(f.finished, 2000);
	assert_true(f.issued);
	assert_int_equal(f.row, 1);
	assert_int_equal(f.n_serial, 16);
	assert_int_equal(f.serial[15], 1);
	assert_int_equal(f.not_after, DAY);
	assert_false(f.revoked);
	assert_int_equal(f.n_next, 0);
	/* The first that took its place. */
	raw(file, "UPDATE issued SET supersedes = 1, issued_at = 2000 + id"
	    " WHERE id > 1; UPDATE issued SET revoked_at = 3000,"
	    " revoke_reason = 4 WHERE id = 1");
	good(audit_fate(db, 1, &f, &e), &e);
	assert_true(f.revoked);
	assert_int_equal(f.revoked_at, 3000);
	assert_int_equal(f.revoke_reason, 4);
	assert_int_equal(f.n_next, 16);
	assert_int_equal(f.next[15], 2);
	assert_int_equal(f.next_at, 2002);
	good(reserve(db, 4, &id, &e), &e);
	good(txn_end(db, id, ERR_ISSUER_REFUSED, 2500, NULL, &e), &e);
	good(audit_fate(db, id, &f, &e), &e);
	assert_string_equal(f.state, "failed");
	assert_string_equal(f.reason, err_slug(ERR_ISSUER_REFUSED));
	assert_false(f.issued);
	bad(audit_fate(db, 99, &f, &e), &e, ERR_TXN_UNKNOWN, "99");
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issued),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_pruned),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_fate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
