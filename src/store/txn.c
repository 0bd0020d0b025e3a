/*
 * Transactions: reserved, then issued (issued.c), failed or abandoned.
 */
#include "store/store_int.h"
#include "store/txn.h"

struct reserve {
	const struct txn	*txn;
	int64_t			 id;
};

static int
reserve_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_RESERVE];
	struct reserve *r = arg;
	const struct txn *t = r->txn;
	int rc = 0;

	rc |= db_bind_text(st, 1, t->endpoint);
	rc |= db_bind_text(st, 2, t->txid);
	rc |= db_bind_blob(st, 3, bytes_make(t->signer_hash, TXN_HASH));
	rc |= db_bind_blob(st, 4, bytes_make(t->csr_hash, TXN_HASH));
	rc |= db_bind_blob(st, 5, t->serial);
	rc |= db_bind_text(st, 6, t->challenge);
	rc |= db_bind_text(st, 7, t->peer);
	rc |= sqlite3_bind_int64(st, 8, t->when);
	if (rc != SQLITE_OK) {
		db_fault(c, "reserve", e);
		db_end(c, DB_STMT_TXN_RESERVE);
		return -1;
	}
	if (db_step_one(c, DB_STMT_TXN_RESERVE, e) == -1)
		return -1;
	r->id = sqlite3_last_insert_rowid(c->h);
	return 0;
}

int
txn_reserve(struct db *db, const struct txn *t, int64_t *id, struct err *e)
{
	struct reserve r = { .txn = t };
	struct db_op op = { .run = reserve_run, .arg = &r };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*id = r.id;
	return 0;
}

struct fail {
	int64_t		 id;
	int64_t		 when;
	const char	*reason;
};

static int
fail_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_FAIL];
	struct fail *f = arg;

	if (sqlite3_bind_int64(st, 1, f->id) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, f->when) != SQLITE_OK ||
	    db_bind_text(st, 3, f->reason) != SQLITE_OK) {
		db_fault(c, "fail", e);
		db_end(c, DB_STMT_TXN_FAIL);
		return -1;
	}
	return db_step_one(c, DB_STMT_TXN_FAIL, e);
}

int
txn_fail(struct db *db, int64_t id, enum err_reason reason, int64_t when,
    struct err *e)
{
	struct fail f = { .id = id, .when = when, .reason = err_slug(reason) };
	struct db_op op = { .run = fail_run, .arg = &f };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

struct recover {
	int64_t	 when;
	int64_t	 n;
};

static int
recover_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	struct recover *r = arg;

	if (sqlite3_bind_int64(c->stmt[DB_STMT_TXN_RECOVER], 1, r->when) !=
	    SQLITE_OK) {
		db_fault(c, "recover", e);
		return -1;
	}
	if (db_step(c, DB_STMT_TXN_RECOVER, e) == -1)
		return -1;
	r->n = sqlite3_changes(c->h);
	return 0;
}

int
txn_recover(struct db *db, int64_t when, int64_t *n, struct err *e)
{
	struct recover r = { .when = when };
	struct db_op op = { .run = recover_run, .arg = &r };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*n = r.n;
	return 0;
}
