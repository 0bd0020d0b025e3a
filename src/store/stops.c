/*
 * What a revocation stops beside the certificate itself: renewals of those that
 * it came of, and its key.
 */
#include "store/revoked.h"
#include "store/store_int.h"

static int
bind_key(sqlite3_stmt *st, int i, const uint8_t *key)
{
	return key == NULL ? sqlite3_bind_null(st, i) :
	    db_bind_blob(st, i, bytes_make(key, ISSUED_HASH));
}

static int
bind_ask(sqlite3_stmt *st, const struct revoked_ask *a)
{
	int rc = sqlite3_bind_int64(st, 1, a->renews);

	rc |= db_bind_text(st, 2, a->migrates);
	rc |= bind_key(st, 3, a->old_key);
	return rc | bind_key(st, 4, a->key);
}

static int
read_stops(struct db_conn *c, const struct revoked_ask *a,
    struct revoked_stops *out, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_ISSUED_STOPS];
	int rc;

	if (bind_ask(st, a) != SQLITE_OK)
		return db_unbound(c, DB_STMT_ISSUED_STOPS, e);
	if ((rc = db_row(c, DB_STMT_ISSUED_STOPS, e)) == 1)
		*out = (struct revoked_stops){
			.successor = sqlite3_column_int(st, 0) == 1,
			.many = sqlite3_column_int(st, 1) == 1,
			.old_key = sqlite3_column_int(st, 2) == 1,
			.key = sqlite3_column_int(st, 3) == 1
		};
	db_end(c, DB_STMT_ISSUED_STOPS);
	return rc == 1 ? 0 : -1;
}

int
revoked_stops(struct db *db, const struct revoked_ask *a,
    struct revoked_stops *out, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = read_stops(c, a, out, e);
	db_conn_give(db, c);
	return rc;
}

int
stops_check(struct db_conn *c, const struct txn *t, struct err *e)
{
	const struct revoked_ask a = {
		.renews = t->renews, .migrates = t->migrates,
		.old_key = t->old_key, .key = t->key_hash
	};
	struct revoked_stops s;

	if (read_stops(c, &a, &s, e) == -1)
		return -1;
	if (s.key)
		err_set(e, ERR_KEY_COMPROMISED, "a certificate of it was "
		    "revoked for that");
	else if (s.successor)
		err_set(e, ERR_RENEWAL_SUCCESSOR, "one that came of it is "
		    "revoked");
	else if (s.many)
		err_set(e, ERR_RENEWAL_MANY, "one of them may be revoked");
	else if (s.old_key)
		err_set(e, ERR_RENEWAL_COMPROMISED, "a certificate of that key "
		    "was revoked for that");
	else
		return 0;
	return -1;
}
