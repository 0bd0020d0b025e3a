#include <stdlib.h>

#include "store/store_int.h"
#include "store/stray.h"

/* Columns of STRAY_NEXT */
enum col {
	COL_ID, COL_TXN, COL_ISSUER, COL_SERIAL, COL_WHY, COL_WHEN, COL_DER,
	COL_SUBJECT, COL_ENDPOINT, COL_TXID, COL_PEER, COL_CHALLENGE
};

int
stray_put(struct db_conn *c, const struct stray *s, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_STRAY_ADD];
	int rc = sqlite3_bind_int64(st, 1, s->txn);

	rc |= db_bind_text(st, 2, s->issuer);
	rc |= db_bind_blob(st, 3, s->serial);
	rc |= db_bind_text(st, 4, s->why);
	rc |= sqlite3_bind_int64(st, 5, s->when);
	rc |= s->der.n == 0 ? sqlite3_bind_null(st, 6) :
	    db_bind_blob(st, 6, s->der);
	rc |= db_bind_blob(st, 7, bytes_make(s->issuer_hash,
	    sizeof(s->issuer_hash)));
	rc |= db_bind_text(st, 8, s->subject);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_STRAY_ADD, e);
	return db_step(c, DB_STMT_STRAY_ADD, e);
}

/* ---- reading ---- */

int
stray_known(struct db *db, struct bytes serial, const uint8_t issuer_hash[32],
    bool *known, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc = -1;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_STRAY_KNOWN];
	if (db_bind_blob(st, 1, serial) != SQLITE_OK ||
	    db_bind_blob(st, 2, bytes_make(issuer_hash, 32)) != SQLITE_OK)
		db_fault(c, "strays", e);
	else if ((rc = db_row(c, DB_STMT_STRAY_KNOWN, e)) != -1)
		*known = rc == 1;
	db_end(c, DB_STMT_STRAY_KNOWN);
	db_conn_give(db, c);
	return rc == -1 ? -1 : 0;
}

/* *mem is the caller's to free. */
static int
row_copy(sqlite3_stmt *st, struct stray *s, uint8_t **mem, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "list of strays", e) == -1)
		return -1;
	*s = (struct stray){
		.id = sqlite3_column_int64(st, COL_ID),
		.txn = sqlite3_column_int64(st, COL_TXN),
		.issuer = row_text(&r, COL_ISSUER),
		.serial = row_blob(&r, COL_SERIAL),
		.why = row_text(&r, COL_WHY),
		.when = sqlite3_column_int64(st, COL_WHEN),
		.der = row_blob(&r, COL_DER),
		.subject = row_text(&r, COL_SUBJECT),
		.endpoint = row_text(&r, COL_ENDPOINT),
		.txid = row_text(&r, COL_TXID),
		.peer = row_text(&r, COL_PEER),
		.challenge = row_text(&r, COL_CHALLENGE)
	};
	*mem = r.mem;
	return 1;
}

/* The one behind s->id: 1, or 0 at the end. */
static int
next(struct db *db, struct stray *s, uint8_t **mem, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_STRAY_NEXT];
	if (sqlite3_bind_int64(st, 1, s->id) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_STRAY_NEXT, e);
	else if ((rc = db_row(c, DB_STMT_STRAY_NEXT, e)) == 1)
		rc = row_copy(st, s, mem, e);
	db_end(c, DB_STMT_STRAY_NEXT);
	db_conn_give(db, c);
	return rc;
}

int
stray_each(struct db *db, int (*cb)(const struct stray *, void *), void *arg,
    struct err *e)
{
	struct stray s = { .id = 0 };
	uint8_t *mem = NULL;
	int rc;

	while ((rc = next(db, &s, &mem, e)) == 1) {
		rc = cb(&s, arg);
		free(mem);
		mem = NULL;
		if (rc != 0)
			return rc;
	}
	return rc;
}
