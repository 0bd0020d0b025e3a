/*
 * What stops a request: the certificate that it renews was revoked, or another
 * took its place; and what a revocation stops beside the certificate itself,
 * renewals of those that it came of, and its key. Looked at when it is
 * reserved, and again when what was made of it is recorded: an operator's word
 * between the two counts.
 */
#include <string.h>

#include "store/issued.h"
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

static int
check_revoked(struct db_conn *c, const struct txn *t, struct err *e)
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

/* The row of ISSUED_RENEWED or ISSUED_MIGRATED. Of those that are worked on the
 * first one to be recorded is good: what others are about to do counts only for
 * one that begins. */
static int
judge_renewed(sqlite3_stmt *st, const struct txn *t, bool begins,
    struct err *e)
{
	bool never = sqlite3_column_type(st, 1) == SQLITE_NULL;
	int64_t at = sqlite3_column_int64(st, 1);

	if (sqlite3_column_int(st, 0) == 1)
		err_set(e, ERR_RENEWAL_REVOKED, "the certificate that signs "
		    "was revoked or put on hold");
	/* That one may have come later, and been faster. */
	else if (!never && (t->superseded == 0 ||
	    t->when - at >= t->superseded))
		err_set(e, ERR_RENEWAL_SUPERSEDED, "another took its place "
		    "%lld s ago", (long long)(t->when > at ? t->when - at : 0));
	else if (begins && t->superseded == 0 &&
	    sqlite3_column_int64(st, 2) > 0)
		err_set(e, ERR_RENEWAL_SUPERSEDED, "another is about to take "
		    "its place");
	else
		return 0;
	return -1;
}

static int
check_renews(struct db_conn *c, const struct txn *t, bool begins,
    struct err *e)
{
	enum db_stmt id = t->renews != 0 ? DB_STMT_ISSUED_RENEWED :
	    DB_STMT_ISSUED_MIGRATED;
	sqlite3_stmt *st = c->stmt[id];
	int rc;

	if (t->renews == 0 && t->migrates == NULL)
		return 0;
	rc = t->renews != 0 ? sqlite3_bind_int64(st, 1, t->renews) :
	    db_bind_text(st, 1, t->migrates);
	if (rc != SQLITE_OK)
		return db_unbound(c, id, e);
	if ((rc = db_row(c, id, e)) == 1)
		rc = judge_renewed(st, t, begins, e);
	db_end(c, id);
	return rc;
}

int
stops_check(struct db_conn *c, const struct txn *t, struct err *e)
{
	return check_renews(c, t, true, e) == -1 ? -1 : check_revoked(c, t, e);
}

/* t lacks what its row knows. */
static int
check_rests(struct db_conn *c, struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_RESTS];

	t->renews = sqlite3_column_int64(st, 0);
	t->migrates = (const char *)sqlite3_column_text(st, 1);
	if (sqlite3_column_int(st, 2) == 1) {
		err_set(e, ERR_CHALLENGE_DISABLED, "it was disabled or "
		    "removed");
		return -1;
	}
	return check_renews(c, t, false, e) == -1 ? -1 :
	    check_revoked(c, t, e);
}

int
stops_check_again(struct db_conn *c, const struct issued *r, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_RESTS];
	struct txn t = {
		.old_key = r->old_key, .superseded = r->superseded,
		.when = r->issued_at
	};
	int rc;

	memcpy(t.key_hash, r->key_hash, TXN_HASH);
	if (sqlite3_bind_int64(st, 1, r->txn) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_RESTS, e);
	if ((rc = db_row(c, DB_STMT_TXN_RESTS, e)) == 1 &&
	    (rc = check_rests(c, &t, e)) == -1)
		err_prefix(e, "while the certificate was made");
	db_end(c, DB_STMT_TXN_RESTS);
	return rc;
}
