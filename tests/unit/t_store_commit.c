/*
 * The store's writer: group commit, an op that fails alone, a commit that fails
 * for all, and what a crash leaves.
 */
#include <sys/resource.h>

#include "store_file.h"

/* An op that holds the writer until the test has filled the queue. */
struct gate {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 cond;
	bool		 inside;
	bool		 open;
	struct db_op	 op;
};

static int
gate_run(struct db *db, void *arg, struct err *e)
{
	struct gate	*g = arg;

	(void)db;
	(void)e;
	pthread_mutex_lock(&g->mtx);
	g->inside = true;
	pthread_cond_signal(&g->cond);
	while (!g->open)
		pthread_cond_wait(&g->cond, &g->mtx);
	pthread_mutex_unlock(&g->mtx);
	return 0;
}

static void
gate_close(struct gate *g, struct db *db)
{
	memset(g, 0, sizeof(*g));
	pthread_mutex_init(&g->mtx, NULL);
	pthread_cond_init(&g->cond, NULL);
	g->op.run = gate_run;
	g->op.arg = g;
	db_submit(db, &g->op);
	pthread_mutex_lock(&g->mtx);
	while (!g->inside)
		pthread_cond_wait(&g->cond, &g->mtx);
	pthread_mutex_unlock(&g->mtx);
}

static int
gate_open(struct gate *g, struct db *db, struct err *e)
{
	int	 rc;

	pthread_mutex_lock(&g->mtx);
	g->open = true;
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->mtx);
	rc = db_wait(db, &g->op, e);
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->mtx);
	return rc;
}

/* Counts the commits from now on; before anything is submitted. */
static int
on_commit(void *arg)
{
	(*(unsigned *)arg)++;
	return 0;
}

static void
count_commits(struct db *db, unsigned *n)
{
	*n = 0;
	(void)sqlite3_commit_hook(db->writer->h, on_commit, n);
}

#define MANY	300

/* What waits while a commit runs is the next commit, up to its maximum. */
static void
test_batches(void **state)
{
	static struct issued_op	 op[MANY];
	static struct issued	 row[MANY];
	static struct serial	 serial[MANY];
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct gate		 g;
	unsigned		 n, commits;
	int64_t			 id = 0;

	(void)state;
	count_commits(db, &commits);
	for (unsigned i = 0; i < MANY; i++) {
		good(reserve(db, i + 1, &id, &e), &e);
		row[i] = row_of(&serial[i], id, i + 1);
	}
	n = commits;
	gate_close(&g, db);
	for (unsigned i = 0; i < MANY; i++)
		issued_add_start(db, &op[i], &row[i]);
	good(gate_open(&g, db, &e), &e);
	for (unsigned i = 0; i < MANY; i++)
		good(issued_add_wait(db, &op[i], &e), &e);
	assert_int_equal(commits - n, 2 + (MANY - 1) / DB_BATCH_MAX);
	assert_int_equal(count(db), MANY);
	db_close(db);
	empty_folder(true);
}

#define THREADS	32
#define EACH	50

struct worker {
	pthread_t	 thread;
	struct db	*db;
	unsigned	 first;
	int		 failed;
};

static void *
worker_main(void *arg)
{
	struct worker	*w = arg;
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id;

	for (unsigned i = 0; i < EACH; i++) {
		if (reserve(w->db, w->first + i, &id, &e) == -1)
			w->failed++;
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct worker	 w[THREADS] = { 0 };
	struct db	*db = open_db();
	unsigned	 commits;

	(void)state;
	count_commits(db, &commits);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i].db = db;
		w[i].first = i * EACH;
		assert_int_equal(pthread_create(&w[i].thread, NULL,
		    worker_main, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].failed, 0);
	}
	db_close(db);
	print_message("%u ops in %u commits\n", THREADS * EACH, commits);
	assert_true(commits < THREADS * EACH);
	db = open_db();
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn"),
	    THREADS * EACH);
	empty_folder(true);
}

/* In one batch: good, serial used twice, no such transaction, good. */
static void
test_one_fails(void **state)
{
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct issued_op	 op[4];
	struct issued		 row[4];
	struct serial		 serial[4];
	int64_t			 id[4] = { 0 };
	struct gate		 g;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		good(reserve(db, i + 1, &id[i], &e), &e);
		row[i] = row_of(&serial[i], id[i], i + 1);
	}
	row[1].serial = row[0].serial;
	row[2].txn = 4711;
	gate_close(&g, db);
	for (unsigned i = 0; i < 4; i++)
		issued_add_start(db, &op[i], &row[i]);
	good(gate_open(&g, db, &e), &e);
	good(issued_add_wait(db, &op[0], &e), &e);
	bad(issued_add_wait(db, &op[1], &e), &e, ERR_STORE_CONFLICT,
	    "issued serial ");
	err_clear(&e);
	bad(issued_add_wait(db, &op[2], &e), &e, ERR_STORE, "TXN_ISSUED");
	err_clear(&e);
	good(issued_add_wait(db, &op[3], &e), &e);
	assert_int_equal(count(db), 2);
	db_close(db);
	/* The failed ones left their transactions as they were. */
	assert_int_equal(raw(file, "SELECT sum(id * 10) FROM txn"
	    " WHERE state = 'reserved'"), (id[1] + id[2]) * 10);
	empty_folder(true);
}

/* A file that is gone takes no more certificates, whoever removed it. */
static void
test_removed(void **state)
{
	static const char *const names[] = { "scepd.db", "scepd.db-wal" };

	(void)state;
	for (size_t i = 0; i < N(names); i++) {
		struct err	 e = { .reason = ERR_NONE }, e2 = e;
		struct db	*db = open_db();
		int64_t		 id = 7;

		enroll(db, 1);
		assert_int_equal(unlink(in_folder(names[i])), 0);
		bad(reserve(db, 2, &id, &e), &e, ERR_STORE, names[i]);
		good(file_write(in_folder(names[i]), bytes_str("new"), 0600,
		    true, &e2), &e2);
		err_clear(&e);
		bad(reserve(db, 2, &id, &e), &e, ERR_STORE, "replaced");
		assert_int_equal(id, 7);
		db_close(db);
		empty_folder(true);
	}
}

static int
sql_run(struct db *db, void *arg, struct err *e)
{
	return db_exec(db->writer, arg, e);
}

static void
run_sql(struct db *db, char *sql)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db_op	 op = { .run = sql_run, .arg = sql };

	db_submit(db, &op);
	good(db_wait(db, &op, &e), &e);
}

/* A full disk is told as such; with room again, the store goes on. */
static void
test_full(void **state)
{
	static char	 limit[] = "PRAGMA max_page_count = 1";
	static char	 none[] = "PRAGMA max_page_count = 1000000";
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	int64_t		 id = 0;
	unsigned	 n = 0;

	(void)state;
	run_sql(db, limit);
	while (n < 1000 && reserve(db, n, &id, &e) == 0)
		n++;
	bad(n < 1000 ? -1 : 0, &e, ERR_STORE, "database or disk is full");
	run_sql(db, none);
	err_clear(&e);
	good(reserve(db, n, &id, &e), &e);
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn"), n + 1);
	empty_folder(true);
}

static int
lose_run(struct db *db, void *arg, struct err *e)
{
	(void)arg;
	(void)db_exec(db->writer, "ROLLBACK", e);
	err_set(e, ERR_STORE, "disk I/O error");
	return -1;
}

/* A fault that undoes the transaction fails every op of it, whatever each
 * said: one of them conflicts with an op that is undone too. */
static void
test_all_fail(void **state)
{
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	struct db_op		 lose = { .run = lose_run };
	struct issued_op	 op[3];
	struct issued		 row[3];
	struct serial		 serial[3];
	struct gate		 g;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		row[i] = row_of(&serial[i], 0, i + 1);
		good(reserve(db, i + 1, &row[i].txn, &e), &e);
	}
	row[1].serial = row[0].serial;
	gate_close(&g, db);
	issued_add_start(db, &op[0], &row[0]);
	issued_add_start(db, &op[1], &row[1]);
	db_submit(db, &lose);
	issued_add_start(db, &op[2], &row[2]);
	good(gate_open(&g, db, &e), &e);
	for (unsigned i = 0; i < 3; i++) {
		bad(issued_add_wait(db, &op[i], &e), &e, ERR_STORE,
		    "disk I/O error");
		err_clear(&e);
	}
	bad(db_wait(db, &lose, &e), &e, ERR_STORE, "disk I/O error");
	assert_int_equal(count(db), 0);
	err_clear(&e);
	good(add(db, &row[0], &e), &e);
	db_close(db);
	empty_folder(true);
}

/* The log cannot grow: the commit itself fails. */
static void
test_commit_fails(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct rlimit	 was, low;
	struct stat	 st;
	int64_t		 id = 7;
	int		 rc;

	(void)state;
	enroll(db, 1);
	assert_int_equal(stat(in_folder("scepd.db-wal"), &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	low = was;
	low.rlim_cur = (rlim_t)st.st_size;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	rc = reserve(db, 2, &id, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	bad(rc, &e, ERR_STORE, "COMMIT: disk I/O error");
	assert_int_equal(id, 7);
	enroll(db, 2);
	assert_int_equal(count(db), 2);
	db_close(db);
	empty_folder(true);
}

/* The log is cut back; it does not grow with the ledger. */
static void
test_wal_bounded(void **state)
{
	struct db	*db = open_db();
	struct stat	 st;

	(void)state;
	for (unsigned i = 1; i <= 2000; i++)
		enroll(db, i);
	assert_int_equal(stat(in_folder("scepd.db-wal"), &st), 0);
	print_message("log after 2000 enrollments: %lld KiB\n",
	    (long long)st.st_size / 1024);
	assert_true(st.st_size < 2 * DB_WAL_KEEP);
	db_close(db);
	empty_folder(true);
}

/*
 * Killed once the last wait has returned: one issued, two reserved, one failed.
 * Asserts nothing: a failed assertion would go on as the parent.
 */
static void
crash_child(int fd)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db;
	struct serial	 s;
	struct issued	 r;
	int64_t		 id;

	if (db_open(file, &db, &e) == -1 || reserve(db, 1, &id, &e) == -1)
		_exit(1);
	r = row_of(&s, id, 1);
	if (reserve(db, 2, &id, &e) == -1 || reserve(db, 3, &id, &e) == -1 ||
	    txn_end(db, id, ERR_ISSUER, 3000, NULL, &e) == -1 ||
	    reserve(db, 4, &id, &e) == -1 || add(db, &r, &e) == -1 ||
	    write(fd, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void
test_crash(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db;
	int64_t		 n = -1;
	int		 fd[2], status;
	char		 x;
	pid_t		 pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0)
		crash_child(fd[1]);
	close(fd[1]);
	assert_int_equal(read(fd[0], &x, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd[0]);

	db = open_db();
	assert_int_equal(count(db), 1);
	good(txn_recover(db, 4000, &n, &e), &e);
	assert_int_equal(n, 2);
	good(txn_recover(db, 5000, &n, &e), &e);
	assert_int_equal(n, 0);
	/* A serial number once reserved is not reserved again. */
	bad(reserve(db, 2, &n, &e), &e, ERR_STORE_CONFLICT, "txn.serial");
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE"
	    " state = 'abandoned' AND finished = 4000"), 2);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE"
	    " state = 'failed' AND reason = 'issuer' AND finished = 3000"), 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE"
	    " state = 'issued' AND finished = 2000"), 1);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_one_fails),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_all_fail),
		cmocka_unit_test(test_commit_fails),
		cmocka_unit_test(test_wal_bounded),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
