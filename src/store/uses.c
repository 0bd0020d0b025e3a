/*
 * Uses of a challenge, of the store or of scepd.conf: triggers count them, and
 * whoever reserves asks here whether one is left.
 */
#include "store/challenge.h"
#include "store/store_int.h"

static int
count_uses(struct db_conn *c, const char *name, int64_t id,
    struct challenge_use *out, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_CHALLENGE_USED];
	int rc;

	if (db_bind_text(st, 1, name) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, id) != SQLITE_OK)
		return db_unbound(c, DB_STMT_CHALLENGE_USED, e);
	*out = (struct challenge_use){ .used = 0 };
	if ((rc = db_row(c, DB_STMT_CHALLENGE_USED, e)) == 1)
		*out = (struct challenge_use){
			.used = sqlite3_column_int64(st, 0),
			.issued = sqlite3_column_int64(st, 1),
			.last = sqlite3_column_int64(st, 2),
		};
	db_end(c, DB_STMT_CHALLENGE_USED);
	return rc == -1 ? -1 : 0;
}

int
challenge_used(struct db *db, const char *name, int64_t id,
    struct challenge_use *out, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = count_uses(c, name, id, out, e);
	db_conn_give(db, c);
	return rc;
}

/* What an operator did since it was looked up counts. */
static int
check_live(struct db_conn *c, const struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_CHALLENGE_LIVE];
	int rc;

	if (sqlite3_bind_int64(st, 1, t->challenge_id) != SQLITE_OK)
		return db_unbound(c, DB_STMT_CHALLENGE_LIVE, e);
	rc = db_row(c, DB_STMT_CHALLENGE_LIVE, e);
	if (rc == 1 && sqlite3_column_int(st, 1) == 0 &&
	    sqlite3_column_int(st, 0) == 0)
		rc = 0;
	else if (rc != -1) {
		err_set(e, ERR_CHALLENGE_DISABLED, "meanwhile");
		rc = -1;
	}
	db_end(c, DB_STMT_CHALLENGE_LIVE);
	return rc;
}

int
challenge_reserve(struct db_conn *c, const struct txn *t, struct err *e)
{
	struct challenge_use u;

	if (t->challenge == NULL)
		return 0;
	if (t->challenge_id != 0 && check_live(c, t, e) == -1)
		return -1;
	if (t->challenge_uses == 0)
		return 0;
	if (count_uses(c, t->challenge, t->challenge_id, &u, e) == -1)
		return -1;
	if (u.used < t->challenge_uses)
		return 0;
	err_set(e, ERR_CHALLENGE_SPENT, "%lld of %lld uses",
	    (long long)u.used, (long long)t->challenge_uses);
	return -1;
}
