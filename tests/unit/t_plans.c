/*
 * How SQLite goes about each statement: a ledger of any size is asked by its
 * indexes. Walked through from end to end is only what stays small.
 */
#include "store_file.h"

#define COVERING	"COVERING "

static const char *const	 names[] = {
#define STMT(id, who, sql)	#id,
#include "store/stmt.def"
#undef STMT
};

/* -1: in any statement */
static const struct {
	int		 id;
	const char	*step;
} small[] = {
	{ -1, "SCAN CONSTANT ROW" },
	/* What is worked on, or waits, or is to be told. */
	{ -1, "SCAN txn USING INDEX txn_reserved" },
	{ -1, "SCAN o USING INDEX txn_reserved" },
	{ -1, "SCAN txn USING INDEX txn_strangers" },
	{ -1, "SCAN txn USING INDEX txn_untold" },
	{ -1, "SCAN h" },
	/* What the statement itself has found by then. */
	{ DB_STMT_AUDIT_TXNS, "SCAN at" },
	{ DB_STMT_ISSUED_LINE, "SCAN line" },
	{ DB_STMT_ISSUED_STOPS, "SCAN later" },
	{ DB_STMT_REVOKE_KIN, "SCAN up" },
	{ DB_STMT_REVOKE_KIN, "SCAN line" },
	{ DB_STMT_REVOKE_KIN, "SCAN kin" },
	{ DB_STMT_LOCKOUT_END, "SCAN lockout" },
	{ DB_STMT_LOCKOUT_CLEAR, "SCAN lockout" },
	{ DB_STMT_LOCKOUT_EACH, "SCAN lockout" },
	/* At start alone. */
	{ DB_STMT_CHALLENGE_LOST, "SCAN challenge" },
	/* A foreign key's, passed over unless another was violated. */
	{ DB_STMT_ISSUED_ADD, "SCAN txn" },
};

static bool
is_small(enum db_stmt id, const char *step)
{
	size_t	 i;

	for (i = 0; i < N(small); i++)
		if ((small[i].id == -1 || small[i].id == (int)id) &&
		    strcmp(step, small[i].step) == 0)
			return true;
	return false;
}

static int
see_step(void *arg, int n, char **value, char **name)
{
	enum db_stmt	 id = *(enum db_stmt *)arg;
	char		*step = value[3], *at;

	(void)name;
	assert_int_equal(n, 4);
	/* Some versions of SQLite say so where others do not. */
	if ((at = strstr(step, COVERING)) != NULL)
		memmove(at, at + strlen(COVERING),
		    strlen(at + strlen(COVERING)) + 1);
	if (strstr(step, "AUTOMATIC") != NULL ||
	    (strncmp(step, "SCAN ", 5) == 0 && !is_small(id, step)))
		fail_msg("%s: %s", names[id], step);
	return 0;
}

static void
test_plans(void **state)
{
	struct db	*db = open_db();
	enum db_stmt	 id;
	char		 sql[2048];
	int		 n;

	(void)state;
	for (id = 0; id < DB_STMT_COUNT; id++) {
		n = snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    sqlite3_sql(db->writer->stmt[id]));
		assert_in_range(n, 1, sizeof(sql) - 1);
		assert_int_equal(sqlite3_exec(db->writer->h, sql, see_step,
		    &id, NULL), SQLITE_OK);
	}
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
