/*
 * The store's file: making it, refusing what is not ours, its lock, its modes,
 * its migrations, reading it beside the daemon and without.
 */
#include <sys/resource.h>

#include <grp.h>

#include "store_file.h"

static void
test_create(void **state)
{
	static const mode_t	 umasks[] = { 022, 0, 0777 };
	static const char *const names[] = {
		"scepd.db", "scepd.db-wal", "scepd.db-shm", "scepd.db.lock"
	};
	struct stat		 st;

	(void)state;
	for (size_t i = 0; i < N(umasks); i++) {
		mode_t		 old = umask(umasks[i]);
		struct db	*db = open_db();

		umask(old);
		enroll(db, 1);
		for (size_t k = 0; k < N(names); k++) {
			assert_int_equal(stat(in_folder(names[k]), &st), 0);
			assert_int_equal(st.st_mode & 07777, 0600);
		}
		assert_int_equal(empty_folder(false), N(names));
		db_close(db);
		/* At rest there is one file. */
		assert_int_equal(empty_folder(true), 1);
	}
}

static void
test_reopen(void **state)
{
	struct db	*db = open_db();

	(void)state;
	enroll(db, 1);
	db_close(db);
	for (int i = 0; i < 2; i++) {
		db = open_db();
		assert_int_equal(count(db), 1);
		db_close(db);
	}
	assert_int_equal(raw(file, "PRAGMA user_version"), 1);
	assert_int_equal(raw(file, "PRAGMA application_id"),
	    DB_APPLICATION_ID);
	db_close(NULL);
	empty_folder(true);
}

/* Each connection has what the store promises. */
static void
test_pragmas(void **state)
{
	static const struct {
		const char	*sql;
		int64_t		 want;
	} rows[] = {
		{ "PRAGMA synchronous", 2 },
		{ "PRAGMA foreign_keys", 1 },
		{ "PRAGMA trusted_schema", 0 },
		{ "PRAGMA cell_size_check", 1 },
		{ "PRAGMA busy_timeout", DB_BUSY_MS },
		{ "PRAGMA cache_size", -DB_CACHE_KIB },
		{ "PRAGMA journal_size_limit", DB_WAL_KEEP },
		{ "PRAGMA user_version", 1 },
		{ "SELECT count(*) FROM pragma_journal_mode"
		    " WHERE journal_mode = 'wal'", 1 },
	};
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	int64_t			 n;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		good(db_number(db->writer, rows[i].sql, &n, &e), &e);
		if (n != rows[i].want)
			fail_msg("%s: %lld", rows[i].sql, (long long)n);
	}
	db_close(db);
	empty_folder(true);
}

static void
write_file(const char *content)
{
	struct err	 e = { .reason = ERR_NONE };

	good(file_write(file, bytes_str(content), 0600, true, &e), &e);
}

static void
make_garbage(void)
{
	write_file("this is a letter to my aunt, and longer than a hundred "
	    "bytes so that it could hold the header of a database file");
}

static void
make_short(void)
{
	write_file("x");
}

static void
make_empty(void)
{
	write_file("");
}

static void
make_other(void)
{
	raw(file, "CREATE TABLE letters (aunt)");
}

static void
make_other_wal(void)
{
	raw(file, "PRAGMA journal_mode = WAL; CREATE TABLE letters (aunt)");
}

static void
make_newer(void)
{
	db_close(open_db());
	raw(file, "PRAGMA user_version = 99");
}

static void
make_folder(void)
{
	assert_int_equal(mkdir(file, 0700), 0);
}

/* A refused file keeps its content, and nothing is left beside it. */
static void
test_refused(void **state)
{
	static const struct {
		void		(*make)(void);
		enum err_reason	 reason;
		const char	*text;
	} rows[] = {
		{ make_garbage,   ERR_FILE,  "not a database of scepd" },
		{ make_short,     ERR_FILE,  "not a database of scepd" },
		{ make_empty,     ERR_FILE,  "not a database of scepd" },
		{ make_other,     ERR_FILE,  "not a database of scepd" },
		{ make_other_wal, ERR_FILE,  "not a database of scepd" },
		{ make_newer,     ERR_STORE, "schema 99 is newer" },
		{ make_folder,    ERR_FILE,  "not a file" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 was = BUF_INIT(FILE_MAX), is = was;
		struct err	 e = { .reason = ERR_NONE }, ignored = e;
		struct db	*db = NULL;

		rows[i].make();
		(void)file_read(file, &was, &ignored);
		bad(db_open(file, &db, &e), &e, rows[i].reason, rows[i].text);
		assert_non_null(strstr(e.text, file));
		assert_int_equal(empty_folder(false), 1);
		(void)file_read(file, &is, &ignored);
		assert_true(bytes_eq(buf_bytes(&was), buf_bytes(&is)));
		err_clear(&e);
		bad(db_open_reader(file, &db, &e), &e, rows[i].reason,
		    rows[i].text);
		assert_null(db);
		buf_wipe(&was);
		buf_wipe(&is);
		empty_folder(true);
	}
}

static void
test_no_folder(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;

	(void)state;
	bad(db_open(in_folder("none/scepd.db"), &db, &e), &e, ERR_FILE,
	    "create it");
	err_clear(&e);
	make_garbage();
	bad(db_open(in_folder("scepd.db/scepd.db"), &db, &e), &e, ERR_FILE,
	    "not a folder");
	err_clear(&e);
	bad(db_open_reader(in_folder("none.db"), &db, &e), &e, ERR_FILE,
	    "no such file");
	assert_null(db);
	assert_int_equal(empty_folder(true), 1);
}

/* What stands in the way of making it is told, and nothing is left. */
static void
test_create_fails(void **state)
{
	static const struct {
		const char	*in_the_way;
		enum err_reason	 reason;
		const char	*text;
	} rows[] = {
		{ "scepd.db.new",     ERR_FILE,  "scepd.db.new" },
		{ "scepd.db.lock",    ERR_FILE,  "scepd.db.lock" },
		{ "scepd.db-wal",     ERR_FILE,  "database that is gone" },
		{ "scepd.db-journal", ERR_FILE,  "database that is gone" },
		{ "scepd.db-shm",     ERR_STORE, "attempt to write" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct err	 e = { .reason = ERR_NONE };
		struct db	*db = NULL;

		assert_int_equal(mkdir(in_folder(rows[i].in_the_way), 0700),
		    0);
		bad(db_open(file, &db, &e), &e, rows[i].reason, rows[i].text);
		assert_null(db);
		assert_int_equal(empty_folder(true), 1);
	}
}

/* No room for the file: the folder is as it was. */
static void
test_create_full(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;
	struct rlimit	 was, low;
	int		 rc;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	low = was;
	low.rlim_cur = 5000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	rc = db_open(file, &db, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	bad(rc, &e, ERR_STORE, "disk");
	assert_null(db);
	assert_int_equal(empty_folder(false), 0);
}

/* What a killed daemon left of making it is in nobody's way. */
static void
test_create_again(void **state)
{
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	good(file_write(in_folder("scepd.db.new"), bytes_str("half"), 0600,
	    true, &e), &e);
	db_close(open_db());
	assert_int_equal(empty_folder(true), 1);
}

static void
test_lock(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db(), *second = NULL, *reader;
	char		 pid[32];

	(void)state;
	enroll(db, 1);
	(void)snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	bad(db_open(file, &second, &e), &e, ERR_STORE, "in use by another");
	assert_non_null(strstr(e.text, pid));
	assert_non_null(strstr(e.text, "store.path"));
	assert_null(second);
	/* A refused second one takes nothing away from the first. */
	enroll(db, 2);
	reader = open_reader();
	assert_int_equal(count(reader), 2);
	db_close(reader);
	err_clear(&e);
	bad(db_open(file, &second, &e), &e, ERR_STORE, "in use by another");
	db_close(db);
	db_close(open_db());
	empty_folder(true);
}

/* A lock file that a killed daemon left is no obstacle. */
static void
test_lock_stale(void **state)
{
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	good(file_write(in_folder("scepd.db.lock"), bytes_str("1\n"), 0600,
	    true, &e), &e);
	db_close(open_db());
	assert_int_equal(empty_folder(true), 1);
}

static void
test_reader(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db(), *reader = open_reader();
	int64_t		 id = 7;

	(void)state;
	assert_int_equal(count(reader), 0);
	enroll(db, 1);
	assert_int_equal(count(reader), 1);
	bad(reserve(reader, 2, &id, &e), &e, ERR_STORE, "reading only");
	assert_int_equal(id, 7);
	/* The daemon goes, the reader stays; then the other way round. */
	db_close(db);
	assert_int_equal(count(reader), 1);
	db_close(reader);
	reader = open_reader();
	assert_int_equal(count(reader), 1);
	db = open_db();
	enroll(db, 2);
	assert_int_equal(count(reader), 2);
	db_close(reader);
	db_close(db);
	empty_folder(true);
}

/* Runs it in a child that is nobody, whose folder is this one. */
static void
as_nobody(int (*run)(void), mode_t mode)
{
	pid_t	 pid;
	int	 status;

	assert_int_equal(chmod(folder, mode), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 65534, 65534), 0);
		assert_int_equal(chown(file, 65534, 65534), 0);
	}
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) == -1 ||
		    setgid(65534) == -1 || setuid(65534) == -1))
			_exit(99);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(status, 0);
}

static int
count_row(const struct issued *row, void *arg)
{
	(void)row;
	(*(int *)arg)++;
	return 0;
}

static int
read_frozen(void)
{
	const struct issued_filter all = { .limit = 0 };
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db;
	int		 n = 0;

	if (db_open_reader(file, &db, &e) == -1)
		return 1;
	if (issued_each(db, &all, count_row, &n, &e) == -1 || n != 1)
		return 2;
	db_close(db);
	return 0;
}

/* "?" and "%" in a name mean themselves. */
static void
test_reader_frozen(void **state)
{
	static const char *const names[] = { "scepd.db", "a?b%41#.db" };

	(void)state;
	for (size_t i = 0; i < N(names); i++) {
		struct db	*db;

		(void)snprintf(file, sizeof(file), "%s", in_folder(names[i]));
		db = open_db();
		enroll(db, 1);
		db_close(db);
		as_nobody(read_frozen, 0500);
		assert_int_equal(empty_folder(true), 1);
	}
	(void)snprintf(file, sizeof(file), "%s", in_folder(names[0]));
}

static int
open_unwritable(void)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;

	if (db_open(file, &db, &e) == 0 || e.reason != ERR_FILE)
		return 1;
	return strstr(e.text, "give it to scepd's user") == NULL ? 2 : 0;
}

static void
test_unwritable(void **state)
{
	(void)state;
	db_close(open_db());
	as_nobody(open_unwritable, 0500);
	assert_int_equal(chmod(file, 0400), 0);
	as_nobody(open_unwritable, 0700);
	assert_int_equal(empty_folder(true), 1);
}

/* All or nothing, and never twice. */
static void
test_migrate(void **state)
{
	static const struct db_migration	 broken[] = {
		{ 1, "one", "CREATE TABLE one (a);" },
		{ 2, "two", "CREATE TABLE two (a); INSERT INTO none (a);" },
		{ 0, NULL, NULL }
	}, two[] = {
		{ 1, "one", "CREATE TABLE one (a);" },
		{ 2, "two", "CREATE TABLE two (a);"
		    "INSERT INTO one VALUES (5)" },
		{ 0, NULL, NULL }
	};
	struct err		 e = { .reason = ERR_NONE };
	struct db_conn		*c;
	int64_t			 n = -1;

	(void)state;
	make_empty();
	good(db_conn_open(file, DB_WRITER, &c, &e), &e);
	bad(db_migrate(c, broken, &e), &e, ERR_STORE, "migration 002_two");
	err_clear(&e);
	good(db_number(c, "SELECT count(*) FROM sqlite_schema", &n, &e), &e);
	assert_int_equal(n, 0);
	for (int i = 0; i < 2; i++) {
		good(db_migrate(c, two, &e), &e);
		good(db_number(c, "SELECT sum(a) FROM one", &n, &e), &e);
		assert_int_equal(n, 5);
		good(db_number(c, "PRAGMA user_version", &n, &e), &e);
		assert_int_equal(n, 2);
	}
	good(db_exec(c, "PRAGMA application_id = 1935893872", &e), &e);
	good(db_schema_check(c, DB_READER, two, &e), &e);
	good(db_exec(c, "PRAGMA user_version = 1", &e), &e);
	good(db_schema_check(c, DB_WRITER, two, &e), &e);
	bad(db_schema_check(c, DB_READER, two, &e), &e, ERR_STORE, "older");
	db_conn_close(c);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_pragmas),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_create_full),
		cmocka_unit_test(test_create_again),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_lock_stale),
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_frozen),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_migrate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
