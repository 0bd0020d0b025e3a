/*
 * What a profile allows of one subject and of one key, counted in the step that
 * reserves: of requests that race, no more get through.
 */
#include "store/store_int.h"

#define SUBJECT_MAX	(64u * 1024)

/*
 * 1: the subject that what it renews was granted, to out: it asks for the one
 * that the CA certified. 0: no other is known.
 */
static int
granted(struct db_conn *c, const struct txn *t, struct buf *out, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_GRANTED];
	int rc;

	if (sqlite3_bind_int64(st, 1, t->renews) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_GRANTED, e);
	if ((rc = db_row(c, DB_STMT_TXN_GRANTED, e)) == 1 &&
	    row_put_buf(st, 0, out) == -1) {
		err_set(e, ERR_MEMORY, "subject");
		rc = -1;
	}
	db_end(c, DB_STMT_TXN_GRANTED);
	return rc;
}

static int
bind_active(sqlite3_stmt *st, const struct txn *t)
{
	int rc = 0;

	rc |= db_bind_text(st, 1, t->subject);
	rc |= db_bind_text(st, 2, t->endpoint);
	rc |= sqlite3_bind_int64(st, 3, t->when);
	rc |= sqlite3_bind_int64(st, 4, t->renews);
	rc |= sqlite3_bind_int64(st, 5, t->waits_since);
	return rc;
}

static int
check_active(struct db_conn *c, const struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_ACTIVE];
	int rc = -1;
	int64_t n;

	if (t->max_active == 0)
		return 0;
	if (bind_active(st, t) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_ACTIVE, e);
	if (db_row(c, DB_STMT_TXN_ACTIVE, e) == 1) {
		n = sqlite3_column_int64(st, 0);
		if (n < t->max_active)
			rc = 0;
		else
			err_set(e, ERR_MAX_ACTIVE, "%lld, the profile takes "
			    "%lld", (long long)n, (long long)t->max_active);
	}
	db_end(c, DB_STMT_TXN_ACTIVE);
	return rc;
}

static int
bind_key(sqlite3_stmt *st, const struct txn *t)
{
	int rc = 0;

	rc |= db_bind_blob(st, 1, bytes_make(t->key_hash, TXN_HASH));
	rc |= db_bind_text(st, 2, t->subject);
	rc |= sqlite3_bind_int(st, 3, t->key_limit == TXN_KEY_ALONE);
	rc |= sqlite3_bind_int64(st, 4, t->waits_since);
	return rc;
}

static int
check_key(struct db_conn *c, const struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_SAME_KEY];
	int rc;

	if (t->key_limit == TXN_KEY_ANY)
		return 0;
	if (bind_key(st, t) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_SAME_KEY, e);
	if ((rc = db_row(c, DB_STMT_TXN_SAME_KEY, e)) == 1) {
		err_set(e, ERR_DUPLICATE_KEY, "%s", t->key_limit ==
		    TXN_KEY_ALONE ? "one has been issued, or is about to be" :
		    "of another subject");
		rc = -1;
	}
	db_end(c, DB_STMT_TXN_SAME_KEY);
	return rc;
}

int
limits_check(struct db_conn *c, const struct txn *t, struct err *e)
{
	struct buf subject = BUF_INIT(SUBJECT_MAX);
	struct txn by = *t;
	int rc = 0;

	if (t->max_active == 0 && t->key_limit == TXN_KEY_ANY)
		return 0;
	if (t->renews != 0 && (rc = granted(c, t, &subject, e)) == 1)
		by.subject = buf_cstr(&subject);
	if (rc != -1)
		rc = check_active(c, &by, e) == -1 ? -1 : check_key(c, &by, e);
	buf_wipe(&subject);
	return rc;
}
