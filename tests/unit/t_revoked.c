/*
 * Revocations in the ledger, the last CRL, and a second process that writes
 * while the daemon does.
 */
#include "store_file.h"
#include "store/revoked.h"

#define OWNER	65534

static const uint8_t	 issuer_hash[ISSUED_HASH] = {
	0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3,
	0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3,
	0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3,
	0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3
};
static const uint8_t	 other_hash[ISSUED_HASH];

static int64_t
changes(struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 n = -1, none = -1;

	good(revoked_changes(db, issuer_hash, &n, &e), &e);
	good(revoked_changes(db, other_hash, &none, &e), &e);
	assert_int_equal(none, 0);
	return n;
}

struct seen {
	unsigned	 n;
	struct revoked	 last;
};

static int
see(const struct revoked *r, void *arg)
{
	struct seen	*s = arg;

	assert_int_equal(r->serial.n, 16);
	s->last = *r;
	s->n++;
	return 0;
}

static unsigned
revoked_from(struct db *db, int64_t from, struct seen *s)
{
	struct err	 e = { .reason = ERR_NONE };

	s->n = 0;
	good(revoked_each(db, issuer_hash, from, see, s, &e), &e);
	return s->n;
}

static void
test_states(void **state)
{
	static const struct {
		const char	*name;
		int		 reason;
		int64_t		 when;
		enum err_reason	 refused;
		int64_t		 changes;
		unsigned	 n;		/* revoked then */
		int64_t		 since;
	} rows[] = {
		{ "release valid", REVOKED_RELEASE, 10, ERR_NOT_ON_HOLD, 0, 0,
		    0 },
		{ "hold", REVOKED_HOLD, 11, ERR_NONE, 1, 1, 11 },
		{ "hold again", REVOKED_HOLD, 12, ERR_ALREADY_REVOKED, 1, 1,
		    11 },
		{ "release", REVOKED_RELEASE, 13, ERR_NONE, 2, 0, 0 },
		{ "release again", REVOKED_RELEASE, 14, ERR_NOT_ON_HOLD, 2, 0,
		    0 },
		{ "hold", REVOKED_HOLD, 15, ERR_NONE, 3, 1, 15 },
		{ "for good", 5, 16, ERR_NONE, 4, 1, 15 },
		{ "again", 4, 17, ERR_ALREADY_REVOKED, 4, 1, 15 },
		{ "hold it", REVOKED_HOLD, 18, ERR_ALREADY_REVOKED, 4, 1, 15 },
		{ "release it", REVOKED_RELEASE, 19, ERR_NOT_ON_HOLD, 4, 1,
		    15 },
	};
	struct db		*db = open_db();
	struct err		 e;
	struct seen		 s;

	(void)state;
	enroll(db, 5);
	for (size_t i = 0; i < N(rows); i++) {
		int	 rc;

		err_clear(&e);
		rc = revoked_put(db, 1, rows[i].reason, rows[i].when, &e);
		if ((rc == 0) != (rows[i].refused == ERR_NONE) ||
		    e.reason != rows[i].refused)
			fail_msg("%s: %s", rows[i].name, err_slug(e.reason));
		if (changes(db) != rows[i].changes ||
		    revoked_from(db, 0, &s) != rows[i].n ||
		    (s.n == 1 && s.last.when != rows[i].since))
			fail_msg("%s: %lld changes, %u revoked", rows[i].name,
			    (long long)changes(db), s.n);
	}
	err_clear(&e);
	bad(revoked_put(db, 2, 0, 20, &e), &e, ERR_ALREADY_REVOKED, "row 2");
	err_clear(&e);
	bad(revoked_put(db, 1, 7, 20, &e), &e, ERR_ALREADY_REVOKED, "row 1");
	enroll(db, 6);
	err_clear(&e);
	bad(revoked_put(db, 2, 7, 20, &e), &e, ERR_STORE, "CHECK");
	db_close(db);
	empty_folder(true);
}

static int
see_row(const struct issued *r, void *arg)
{
	struct seen	*s = arg;

	s->n++;
	assert_int_equal(r->not_after, 3 * DAY);
	assert_true(r->revoked);
	assert_int_equal(r->revoked_at, 42);
	assert_int_equal(r->revoke_reason, 4);
	return 0;
}

/* What a CRL lists, and what the ledger shows. */
static void
test_each(void **state)
{
	struct issued_filter	 f = { .revoked = true };
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct seen		 s = { .n = 0 };

	(void)state;
	for (unsigned n = 1; n <= 5; n++)
		enroll(db, n);
	good(revoked_put(db, 3, 4, 42, &e), &e);
	assert_int_equal(revoked_from(db, 0, &s), 1);
	assert_int_equal(s.last.when, 42);
	assert_int_equal(s.last.reason, 4);
	assert_int_equal(revoked_from(db, 3 * DAY, &s), 1);
	assert_int_equal(revoked_from(db, 3 * DAY + 1, &s), 0);
	s.n = 0;
	good(issued_each(db, &f, see_row, &s, &e), &e);
	assert_int_equal(s.n, 1);
	/* Behind the store's back: counted too. */
	assert_int_equal(changes(db), 1);
	(void)raw(file, "UPDATE issued SET revoked_at = 7, revoke_reason = 0"
	    " WHERE id = 5");
	assert_int_equal(changes(db), 2);
	assert_int_equal(revoked_from(db, 0, &s), 2);
	db_close(db);
	empty_folder(true);
}

static void
test_crl(void **state)
{
	struct revoked_crl	 in = { .number = 5, .changes = 2,
	    .this_update = 100, .next_update = 200, .scheduled = 90 };
	struct revoked_crl	 out = { .number = 0 };
	struct buf		 der = BUF_INIT(64), full = BUF_INIT(2);
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	int64_t			 number;
	bool			 found = true;

	(void)state;
	good(revoked_crl_get(db, &out, &der, &found, &e), &e);
	assert_false(found);
	good(revoked_crl_number(db, in.issuer_hash, &number, &e), &e);
	assert_int_equal(number, 0);
	good(revoked_crl_put(db, &in, bytes_str("five"), &e), &e);
	good(revoked_crl_get(db, &out, &der, &found, &e), &e);
	assert_true(found);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_string_equal(buf_cstr(&der), "five");
	bad(revoked_crl_get(db, &out, &full, &found, &e), &e, ERR_MEMORY,
	    "CRL of 4 bytes");
	/* Numbers rise, also when another key of that name signs. */
	err_clear(&e);
	bad(revoked_crl_put(db, &in, bytes_str("again"), &e), &e, ERR_STORE,
	    "CRL_PUT");
	err_clear(&e);
	in.key_hash[0] = 1;
	in.number = 4;
	bad(revoked_crl_put(db, &in, bytes_str("four"), &e), &e, ERR_STORE,
	    "CRL_PUT");
	err_clear(&e);
	in.number = 6;
	good(revoked_crl_put(db, &in, bytes_str("six"), &e), &e);
	in.key_hash[0] = 0;
	in.number = 7;
	good(revoked_crl_put(db, &in, bytes_str("seven"), &e), &e);
	in.issuer_hash[0] = 1;
	in.number = 1;
	good(revoked_crl_put(db, &in, bytes_str("one"), &e), &e);
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM crl"), 3);
	assert_int_equal(raw(file, "SELECT max(number) FROM crl"), 7);
	buf_wipe(&der);
	buf_wipe(&full);
	empty_folder(true);
}

/* ---- the second process ---- */

#define BESIDE	40

/* Opens, revokes one, closes: as often as there are rows. */
static int
beside(void)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db;

	for (int64_t id = 1; id <= BESIDE; id++) {
		if (db_open_beside(file, &db, &e) == -1 ||
		    revoked_put(db, id, 0, id, &e) == -1) {
			(void)fprintf(stderr, "%s\n", err_text(&e));
			return 1;
		}
		db_close(db);
	}
	return 0;
}

static void
test_beside(void **state)
{
	struct db	*db = open_db();
	unsigned	 n = BESIDE;
	int		 status;
	pid_t		 pid;

	(void)state;
	for (unsigned i = 1; i <= BESIDE; i++)
		enroll(db, i);
	if ((pid = fork()) == 0)
		_exit(beside());
	while (waitpid(pid, &status, WNOHANG) == 0)
		enroll(db, ++n);
	assert_int_equal(status, 0);
	assert_int_equal(count(db), n);
	assert_int_equal(changes(db), BESIDE);
	enroll(db, ++n);
	db_close(db);
	/* Nobody else is there. */
	assert_int_equal(empty_folder(false), 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM issued WHERE"
	    " revoked_at = id"), BESIDE);
	assert_int_equal(raw(file, "PRAGMA integrity_check"), 0);
	empty_folder(true);
}

/* Without the daemon, and beside one that starts meanwhile. */
static void
test_alone(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db(), *daemon;

	(void)state;
	enroll(db, 1);
	enroll(db, 2);
	db_close(db);
	good(db_open_beside(file, &db, &e), &e);
	good(revoked_put(db, 1, 0, 5, &e), &e);
	daemon = open_db();
	enroll(daemon, 3);
	good(revoked_put(db, 2, 0, 5, &e), &e);
	db_close(db);
	enroll(daemon, 4);
	assert_int_equal(changes(daemon), 2);
	db_close(daemon);
	assert_int_equal(empty_folder(true), 1);
}

static void
test_beside_refused(void **state)
{
	static const struct {
		const char	*name;
		const char	*sql;
		enum err_reason	 reason;
		const char	*text;
	} rows[] = {
		{ "foreign", "PRAGMA application_id = 1", ERR_FILE,
		    "not a database of scepd" },
		{ "newer", "PRAGMA user_version = 99", ERR_STORE, "newer" },
		{ "older", "PRAGMA user_version = 0", ERR_STORE, "older" },
	};
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;

	(void)state;
	bad(db_open_beside(file, &db, &e), &e, ERR_FILE, "no such file");
	assert_int_equal(empty_folder(false), 0);
	for (size_t i = 0; i < N(rows); i++) {
		db_close(open_db());
		(void)raw(file, rows[i].sql);
		err_clear(&e);
		db = NULL;
		bad(db_open_beside(file, &db, &e), &e, rows[i].reason,
		    rows[i].text);
		assert_null(db);
		empty_folder(true);
	}
}

/* What root makes beside the file belongs to its owner. */
static void
test_owner(void **state)
{
	static const char *const names[] = {
		"scepd.db", "scepd.db-wal", "scepd.db-shm"
	};
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct stat	 st;
	int		 status;
	pid_t		 pid;

	(void)state;
	enroll(db, 1);
	db_close(db);
	if (geteuid() != 0) {
		empty_folder(true);
		skip();
	}
	assert_int_equal(chown(folder, OWNER, OWNER), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chown(file, OWNER, OWNER), 0);
	good(db_open_beside(file, &db, &e), &e);
	good(revoked_put(db, 1, 0, 5, &e), &e);
	for (size_t i = 0; i < N(names); i++) {
		assert_int_equal(stat(in_folder(names[i]), &st), 0);
		assert_int_equal(st.st_uid, OWNER);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	if ((pid = fork()) == 0) {
		if (setuid(OWNER) == -1 || db_open(file, &db, &e) == -1)
			_exit(1);
		enroll(db, 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	db_close(db);
	if ((pid = fork()) == 0) {
		if (setuid(OWNER - 1) == -1)
			_exit(1);
		bad(db_open_beside(file, &db, &e), &e, ERR_FILE,
		    "belongs to another user");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chown(folder, 0, 0), 0);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_crl),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_beside_refused),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
