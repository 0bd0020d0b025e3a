#include <stdlib.h>

#include "store/handed.h"
#include "store/store_int.h"

/* Columns of HANDED_NEXT */
enum col {
	COL_TXN, COL_ISSUER, COL_SUBJECT, COL_WHY, COL_WHEN, COL_SERIAL,
	COL_ENDPOINT, COL_TXID
};

static int
put_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_HANDED_PUT];
	const struct handed *h = arg;
	int rc = sqlite3_bind_int64(st, 1, h->txn);

	rc |= db_bind_text(st, 2, h->issuer);
	rc |= db_bind_text(st, 3, h->subject);
	rc |= db_bind_text(st, 4, h->why);
	rc |= db_bind_text(st, 5, h->trail);
	rc |= db_bind_blob(st, 6, bytes_make(h->issuer_hash,
	    sizeof(h->issuer_hash)));
	rc |= sqlite3_bind_int64(st, 7, h->when);
	rc |= sqlite3_bind_int64(st, 8, h->signer);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_HANDED_PUT, e);
	return db_step_one(c, DB_STMT_HANDED_PUT, e);
}

int
handed_put(struct db *db, const struct handed *h, struct err *e)
{
	struct handed row = *h;
	struct db_op op = { .run = put_run, .arg = &row };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

int
handed_recover(struct db_conn *c, int64_t when, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_HANDED_AUDIT];

	if (db_step(c, DB_STMT_HANDED_STRAYS, e) == -1)
		return -1;
	if (sqlite3_bind_int64(st, 1, when) != SQLITE_OK ||
	    db_bind_text(st, 2, err_slug(ERR_ISSUER_CUT)) != SQLITE_OK)
		return db_unbound(c, DB_STMT_HANDED_AUDIT, e);
	return db_step(c, DB_STMT_HANDED_AUDIT, e);
}

/* ---- reading ---- */

/* *mem is the caller's to free. */
static int
row_copy(sqlite3_stmt *st, struct handed *h, uint8_t **mem, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "what programs are at work on", e) == -1)
		return -1;
	*h = (struct handed){
		.txn = sqlite3_column_int64(st, COL_TXN),
		.issuer = row_text(&r, COL_ISSUER),
		.subject = row_text(&r, COL_SUBJECT),
		.why = row_text(&r, COL_WHY),
		.when = sqlite3_column_int64(st, COL_WHEN),
		.serial = row_blob(&r, COL_SERIAL),
		.endpoint = row_text(&r, COL_ENDPOINT),
		.txid = row_text(&r, COL_TXID)
	};
	*mem = r.mem;
	return 1;
}

/* The one behind h->txn: 1, or 0 at the end. */
static int
next(struct db *db, struct handed *h, uint8_t **mem, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_HANDED_NEXT];
	if (sqlite3_bind_int64(st, 1, h->txn) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_HANDED_NEXT, e);
	else if ((rc = db_row(c, DB_STMT_HANDED_NEXT, e)) == 1)
		rc = row_copy(st, h, mem, e);
	db_end(c, DB_STMT_HANDED_NEXT);
	db_conn_give(db, c);
	return rc;
}

int
handed_each(struct db *db, int (*cb)(const struct handed *, void *),
    void *arg, struct err *e)
{
	struct handed h = { .txn = 0 };
	uint8_t *mem = NULL;
	int rc;

	while ((rc = next(db, &h, &mem, e)) == 1) {
		rc = cb(&h, arg);
		free(mem);
		mem = NULL;
		if (rc != 0)
			return rc;
	}
	return rc;
}
