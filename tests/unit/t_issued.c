/*
 * The ledger: transactions and certificates in, the same out, filters, and that
 * nothing is slower for a ledger of 100,000.
 */
#include "store_file.h"

#define MAX_SEEN	400

/* What a walk has shown. */
struct seen {
	unsigned	 n;
	unsigned	 stop;		/* ends the walk at this row */
	int64_t		 day[MAX_SEEN];
};

static int
see(const struct issued *r, void *arg)
{
	struct seen	*s = arg;

	assert_true(s->n < MAX_SEEN);
	s->day[s->n++] = r->not_after / DAY;
	return s->n == s->stop ? 42 : 0;
}

static int
see_all(const struct issued *r, void *arg)
{
	struct serial	 s;
	struct issued	 want = row_of(&s, 1, 5);
	unsigned	*n = arg;

	want.challenge = NULL;
	want.sans = "";
	(*n)++;
	assert_int_equal(r->id, 1);
	assert_int_equal(r->txn, want.txn);
	assert_true(bytes_eq(r->der, want.der));
	assert_true(bytes_eq(r->serial, want.serial));
	assert_memory_equal(r->issuer_hash, want.issuer_hash, ISSUED_HASH);
	assert_memory_equal(r->key_hash, want.key_hash, ISSUED_HASH);
	assert_string_equal(r->subject, want.subject);
	assert_string_equal(r->sans, want.sans);
	assert_string_equal(r->endpoint, want.endpoint);
	assert_string_equal(r->profile, want.profile);
	assert_string_equal(r->issuer, want.issuer);
	assert_string_equal(r->txid, want.txid);
	assert_null(r->challenge);
	assert_string_equal(r->peer, want.peer);
	assert_int_equal(r->not_before, want.not_before);
	assert_int_equal(r->not_after, want.not_after);
	assert_int_equal(r->issued_at, want.issued_at);
	return 0;
}

static void
test_round_trip(void **state)
{
	struct issued_filter	 any = { 0 };
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct serial		 s;
	struct issued		 r;
	int64_t			 id = 0;
	unsigned		 n = 0;

	(void)state;
	good(reserve(db, 5, &id, &e), &e);
	assert_int_equal(id, 1);
	r = row_of(&s, id, 5);
	r.challenge = NULL;
	r.sans = "";
	good(add(db, &r, &e), &e);
	good(issued_each(db, &any, see_all, &n, &e), &e);
	assert_int_equal(n, 1);
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE id = 1"
	    " AND endpoint = 'default' AND txid = '4711' AND"
	    " hex(signer_hash) LIKE 'A1A1%' AND hex(csr_hash) LIKE 'B2B2%'"
	    " AND hex(serial) = '11111111111111111111111111110005' AND"
	    " challenge = 'lab' AND peer = '192.0.2.1' AND state = 'issued'"
	    " AND reason IS NULL AND created = 1000 AND finished = 2000"), 1);
	empty_folder(true);
}

static void
test_refused(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct serial	 s;
	struct issued	 r;
	int64_t		 id = 0;

	(void)state;
	enroll(db, 1);
	bad(reserve(db, 1, &id, &e), &e, ERR_STORE_CONFLICT, "txn.serial");
	assert_int_equal(id, 0);
	/* A transaction ends once. */
	err_clear(&e);
	r = row_of(&s, 1, 2);
	bad(add(db, &r, &e), &e, ERR_STORE, "TXN_ISSUED");
	err_clear(&e);
	bad(txn_end(db, 1, ERR_ISSUER, 9, NULL, &e), &e, ERR_STORE, "TXN_FAIL");
	err_clear(&e);
	good(reserve(db, 2, &id, &e), &e);
	good(txn_end(db, id, ERR_ISSUER, 9, NULL, &e), &e);
	r.txn = id;
	bad(add(db, &r, &e), &e, ERR_STORE, "TXN_ISSUED");
	/* The same serial of the same issuer, then of another one. */
	err_clear(&e);
	good(reserve(db, 3, &r.txn, &e), &e);
	r.serial = serial_of(&s, 1);
	bad(add(db, &r, &e), &e, ERR_STORE_CONFLICT, "issued serial ");
	err_clear(&e);
	/* A row with a hole is a fault of ours, not a conflict. */
	r.issuer_hash[0]++;
	r.subject = NULL;
	bad(add(db, &r, &e), &e, ERR_STORE, "issued.subject");
	err_clear(&e);
	r.subject = "";
	good(add(db, &r, &e), &e);
	assert_int_equal(count(db), 2);
	db_close(db);
	empty_folder(true);
}

static void
enroll_at(struct db *db, const char *endpoint, unsigned n)
{
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 r = row_of(&s, 0, n);

	r.endpoint = endpoint;
	good(reserve(db, n, &r.txn, &e), &e);
	good(add(db, &r, &e), &e);
}

/* Days 9 to 1 of "a" and "b" in turn; each row is what a filter finds. */
static void
test_filters(void **state)
{
	static const struct {
		const char		*name;
		struct issued_filter	 f;
		unsigned		 serial;
		const char		*want;
	} rows[] = {
		{ "any", { 0 }, 0, "123456789" },
		{ "from", { .expires_from = 7 * DAY }, 0, "789" },
		{ "behind", { .expires_from = 7 * DAY + 1 }, 0, "89" },
		{ "to", { .expires_to = 3 * DAY }, 0, "123" },
		{ "before", { .expires_to = 3 * DAY - 1 }, 0, "12" },
		{ "window", { .expires_from = 3 * DAY, .expires_to = 5 * DAY },
		    0, "345" },
		{ "nothing", { .expires_from = 5 * DAY, .expires_to = 1 }, 0,
		    "" },
		{ "endpoint", { .endpoint = "a" }, 0, "13579" },
		{ "no endpoint", { .endpoint = "c" }, 0, "" },
		{ "limit", { .limit = 2 }, 0, "12" },
		{ "all of them", { .expires_from = 2 * DAY, .endpoint = "b",
		    .expires_to = 8 * DAY, .limit = 3 }, 0, "246" },
		{ "serial", { 0 }, 4, "4" },
		{ "no serial", { 0 }, 77, "" },
		{ "serial elsewhere", { .endpoint = "a" }, 4, "" },
		{ "our own", { .ra = true }, 0, "37" },
		{ "our own, later", { .ra = true, .expires_from = 4 * DAY }, 0,
		    "7" },
		{ "serial later", { .expires_from = 5 * DAY }, 4, "" },
	};
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();

	(void)state;
	for (unsigned n = 9; n > 0; n--)
		enroll_at(db, n % 2 == 1 ? "a" : "b", n);
	assert_int_equal(raw(file, "UPDATE issued SET role = 'ra' WHERE"
	    " not_after IN (3 * 86400, 7 * 86400)"), -1);
	for (size_t i = 0; i < N(rows); i++) {
		struct issued_filter	 f = rows[i].f;
		struct seen		 seen = { 0 };
		struct serial		 s;
		char			 got[16] = "";

		if (rows[i].serial != 0)
			f.serial = serial_of(&s, rows[i].serial);
		good(issued_each(db, &f, see, &seen, &e), &e);
		for (unsigned k = 0; k < seen.n; k++)
			got[k] = (char)('0' + seen.day[k]);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
	db_close(db);
	empty_folder(true);
}

struct nested {
	struct db	*db;
	unsigned	 n;
};

/* A callback may use the store, and write to it. */
static int
see_nested(const struct issued *r, void *arg)
{
	struct nested	*x = arg;

	x->n++;
	if (r->not_after == 100 * DAY)
		enroll(x->db, 1000);
	assert_true(count(x->db) >= 130);
	return 0;
}

/* More rows than a page, several with one expiry at the pages' seam. */
static void
test_pages(void **state)
{
	struct issued_filter	 any = { 0 }, some = { .limit = 100 };
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct seen		 seen = { 0 }, stop = { .stop = 70 };
	struct nested		 x = { .db = db };

	(void)state;
	for (unsigned n = 1; n <= 130; n++)
		enroll(db, n);
	db_close(db);
	raw(file, "UPDATE issued SET not_after = 60 * 86400"
	    " WHERE id BETWEEN 60 AND 70");
	db = x.db = open_db();
	good(issued_each(db, &any, see, &seen, &e), &e);
	assert_int_equal(seen.n, 130);
	for (unsigned i = 1; i < seen.n; i++)
		assert_true(seen.day[i - 1] <= seen.day[i]);
	assert_int_equal(issued_each(db, &any, see, &stop, &e), 42);
	assert_int_equal(stop.n, 70);
	seen.n = 0;
	good(issued_each(db, &some, see, &seen, &e), &e);
	assert_int_equal(seen.n, 100);
	good(issued_each(db, &any, see_nested, &x, &e), &e);
	assert_int_equal(x.n, 131);
	db_close(db);
	empty_folder(true);
}

static void *
read_main(void *arg)
{
	struct issued_filter	 any = { 0 };
	struct err		 e = { .reason = ERR_NONE };
	struct seen		 seen;
	struct db		*db = arg;

	for (int i = 0; i < 20; i++) {
		memset(&seen, 0, sizeof(seen));
		if (issued_each(db, &any, see, &seen, &e) != 0 || seen.n < 10)
			return arg;
	}
	return NULL;
}

/* More readers than idle connections are kept, beside the writer. */
static void
test_readers(void **state)
{
	pthread_t	 t[DB_IDLE_MAX * 2];
	struct db	*db = open_db();
	void		*failed;

	(void)state;
	for (unsigned n = 1; n <= 10; n++)
		enroll(db, n);
	for (size_t i = 0; i < N(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_main, db),
		    0);
	for (unsigned n = 11; n <= 40; n++)
		enroll(db, n);
	for (size_t i = 0; i < N(t); i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_true(db->idle_n <= DB_IDLE_MAX);
	db_close(db);
	empty_folder(true);
}

#define PLAN_MAX	1024

static int
plan_row(void *arg, int n, char **value, char **name)
{
	static const char covering[] = "COVERING ";
	size_t	 len = strlen(arg);
	char	*at = strstr(value[3], covering);

	(void)name;
	assert_int_equal(n, 4);
	/* Some versions of SQLite say so where others do not. */
	if (at != NULL)
		memmove(at, at + strlen(covering),
		    strlen(at + strlen(covering)) + 1);
	(void)snprintf((char *)arg + len, PLAN_MAX - len, "%s; ", value[3]);
	return 0;
}

/* No statement looks at the whole ledger or sorts it. */
static void
test_plans(void **state)
{
	static const struct {
		enum db_stmt	 id;
		const char	*plan;
	} rows[] = {
		{ DB_STMT_TXN_RECOVER,
		    "SCAN txn USING INDEX txn_reserved; " },
		{ DB_STMT_TXN_ISSUED,
		    "SEARCH txn USING INTEGER PRIMARY KEY (rowid=?); " },
		{ DB_STMT_ISSUED_EXPIRY, "SEARCH issued USING INDEX "
		    "issued_not_after (not_after>? AND not_after<?); " },
		{ DB_STMT_ISSUED_SERIAL, "SEARCH issued USING INDEX "
		    "sqlite_autoindex_issued_2 (serial=?); " },
		{ DB_STMT_ISSUED_RENEWED, "SEARCH issued USING INTEGER "
		    "PRIMARY KEY (rowid=?); SCALAR SUBQUERY 1; SEARCH new "
		    "USING INDEX issued_supersedes (supersedes=?); SCALAR "
		    "SUBQUERY 2; SCAN txn USING INDEX txn_reserved; " },
		{ DB_STMT_ISSUED_MIGRATED, "SCAN CONSTANT ROW; SCALAR "
		    "SUBQUERY 1; SEARCH issued USING INDEX issued_migrates "
		    "(migrates=?); SCALAR SUBQUERY 2; SCAN txn USING INDEX "
		    "txn_reserved; " },
		{ DB_STMT_TXN_SAME_KEY, "COMPOUND QUERY; LEFT-MOST SUBQUERY; "
		    "SEARCH i USING INDEX issued_key_hash (key_hash=?); "
		    "SEARCH t USING INTEGER PRIMARY KEY (rowid=?); "
		    "UNION ALL; SEARCH txn USING INDEX txn_key_hash "
		    "(key_hash=?); " },
		{ DB_STMT_TXN_ACTIVE, "SCAN CONSTANT ROW; SCALAR SUBQUERY 5; "
		    "SEARCH i USING INTEGER PRIMARY KEY (rowid=?); LIST "
		    "SUBQUERY 2; COMPOUND QUERY; LEFT-MOST SUBQUERY; SEARCH s "
		    "USING INDEX issued_subject (subject=?); SEARCH t USING "
		    "INTEGER PRIMARY KEY (rowid=?); UNION ALL; SEARCH t USING "
		    "INDEX txn_granted (subject=?); SEARCH s USING INDEX "
		    "sqlite_autoindex_issued_1 (txn=?); "
		    "CORRELATED SCALAR SUBQUERY 3; SEARCH new USING INDEX "
		    "issued_supersedes (supersedes=?); CORRELATED SCALAR "
		    "SUBQUERY 4; SEARCH t USING INDEX txn_subject (subject=?); "
		    "SCALAR SUBQUERY 6; SEARCH txn USING INDEX txn_subject "
		    "(subject=?); " },
	};
	struct db	*db = open_db();

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char	 sql[1536], got[PLAN_MAX] = "";

		(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    sqlite3_sql(db->writer->stmt[rows[i].id]));
		assert_int_equal(sqlite3_exec(db->writer->h, sql, plan_row,
		    got, NULL), SQLITE_OK);
		if (strncmp(got, rows[i].plan, strlen(rows[i].plan)) != 0)
			fail_msg("%d: %s", (int)rows[i].id, got);
	}
	db_close(db);
	empty_folder(true);
}

#define LEDGER	100000

static void
fill_ledger(void)
{
	db_close(open_db());
	raw(file, "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;"
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 100000)"
	    " INSERT INTO txn (id, endpoint, txid, msg_hash, signer_hash,"
	    " csr_hash, serial, challenge, peer, state, reason, created,"
	    " finished, csr, vouched) SELECT i, 'default', 'txid' || i,"
	    " randomblob(32), randomblob(32), randomblob(32),"
	    " randomblob(16), 'lab',"
	    " '192.0.2.1', 'issued', NULL, i, i, NULL, 1 FROM n;"
	    "INSERT INTO issued SELECT id, id, serial, zeroblob(32),"
	    " randomblob(32), 'CN=device-' || id, '', endpoint, 'client',"
	    " 'local', txid, challenge, peer, 0, 1 + id % 365 * 86400, id,"
	    " NULL, NULL, 'client', NULL, NULL, zeroblob(300) FROM txn;"
	    "UPDATE txn SET state = 'reserved', finished = NULL"
	    " WHERE id = 50000; COMMIT");
}

static void
test_ledger(void **state)
{
	struct issued_filter	 soon = {
		.expires_from = 10 * DAY, .expires_to = 11 * DAY
	};
	struct err		 e = { .reason = ERR_NONE };
	struct seen		 seen = { 0 };
	struct db		*db;
	int64_t			 n, t[5];

	(void)state;
	fill_ledger();
	t[0] = clock_mono_us();
	db = open_db();
	t[1] = clock_mono_us();
	good(txn_recover(db, 1, &n, &e), &e);
	t[2] = clock_mono_us();
	assert_int_equal(n, 1);
	good(issued_each(db, &soon, see, &seen, &e), &e);
	t[3] = clock_mono_us();
	assert_int_equal(seen.n, LEDGER / 365 + 1);
	enroll(db, 1);
	t[4] = clock_mono_us();
	assert_int_equal(count(db), LEDGER + 1);
	print_message("%d certificates: open %lld us, recover %lld us, "
	    "%u expiring %lld us, one more %lld us\n", LEDGER,
	    (long long)(t[1] - t[0]), (long long)(t[2] - t[1]), seen.n,
	    (long long)(t[3] - t[2]), (long long)(t[4] - t[3]));
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_ledger),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
