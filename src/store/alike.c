/*
 * Challenges with names that begin alike, as those have that were drawn for
 * one program or page: how many are out, and when they are forgotten.
 */
#include <string.h>

#include "store/challenge.h"
#include "store/store_int.h"

/* Binds a range of names, and a time. The name behind the last that begins so
 * is the prefix with its last byte, which is ASCII, made greater. */
static int
bind_range(sqlite3_stmt *st, const char *prefix, int64_t when)
{
	char end[CHALLENGE_NAME + 1];
	size_t n = strnlen(prefix, CHALLENGE_NAME);

	memcpy(end, prefix, n);
	end[n] = '\0';
	if (n > 0)
		end[n - 1]++;
	return db_bind_text(st, 1, prefix) == SQLITE_OK &&
	    sqlite3_bind_text(st, 2, end, -1, SQLITE_TRANSIENT) ==
	    SQLITE_OK && sqlite3_bind_int64(st, 3, when) == SQLITE_OK ?
	    0 : -1;
}

int
challenge_unused(struct db *db, const char *prefix, int64_t now, int64_t *n,
    struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_CHALLENGE_UNUSED];
	if (bind_range(st, prefix, now) == -1)
		rc = db_unbound(c, DB_STMT_CHALLENGE_UNUSED, e);
	else if ((rc = db_row(c, DB_STMT_CHALLENGE_UNUSED, e)) == 1)
		*n = sqlite3_column_int64(st, 0);
	db_end(c, DB_STMT_CHALLENGE_UNUSED);
	db_conn_give(db, c);
	return rc == -1 ? -1 : 0;
}

struct forgetting {
	const char	*prefix;
	int64_t		 before;
	int64_t		 now;
};

static int
forget_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const struct forgetting *f = arg;

	if (bind_range(c->stmt[DB_STMT_CHALLENGE_FORGET], f->prefix,
	    f->before) == -1)
		return db_unbound(c, DB_STMT_CHALLENGE_FORGET, e);
	if (db_step(c, DB_STMT_CHALLENGE_FORGET, e) == -1)
		return -1;
	if (bind_range(c->stmt[DB_STMT_CHALLENGE_RETIRE], f->prefix,
	    f->before) == -1 || sqlite3_bind_int64(
	    c->stmt[DB_STMT_CHALLENGE_RETIRE], 4, f->now) != SQLITE_OK)
		return db_unbound(c, DB_STMT_CHALLENGE_RETIRE, e);
	return db_step(c, DB_STMT_CHALLENGE_RETIRE, e);
}

int
challenge_forget(struct db *db, const char *prefix, int64_t before,
    int64_t now, struct err *e)
{
	struct forgetting f = { prefix, before, now };
	struct db_op op = { .run = forget_run, .arg = &f };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}
