#include <stdlib.h>

#include "store/audit.h"
#include "store/store_int.h"

/* ---- writing ---- */

int
audit_add(struct db_conn *c, const struct audit *a, int64_t txn,
    struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_AUDIT_ADD];
	int rc;

	if (a == NULL)
		return 0;
	rc = txn == 0 ? sqlite3_bind_null(st, 1) :
	    sqlite3_bind_int64(st, 1, txn);
	rc |= sqlite3_bind_int64(st, 2, a->when);
	rc |= db_bind_text(st, 3, a->endpoint);
	rc |= db_bind_text(st, 4, a->txid);
	rc |= db_bind_text(st, 5, a->outcome);
	rc |= db_bind_text(st, 6, a->reason);
	rc |= db_bind_text(st, 7, a->who);
	rc |= db_bind_text(st, 8, a->trail);
	rc |= a->signer == 0 ? sqlite3_bind_null(st, 9) :
	    sqlite3_bind_int64(st, 9, a->signer);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_AUDIT_ADD, e);
	return db_step_one(c, DB_STMT_AUDIT_ADD, e);
}

int
audit_decided(struct db_conn *c, int64_t txn, int64_t when,
    const char *outcome, const char *who, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_AUDIT_DECIDED];
	int rc = sqlite3_bind_int64(st, 1, txn);

	rc |= sqlite3_bind_int64(st, 2, when);
	rc |= db_bind_text(st, 3, outcome);
	rc |= db_bind_text(st, 4, who);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_AUDIT_DECIDED, e);
	return db_step_one(c, DB_STMT_AUDIT_DECIDED, e);
}

struct refusals {
	const struct audit	*v;
	size_t			 n;
	int64_t			 keep;
};

static int
prune(struct db_conn *c, bool ours, int64_t keep, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_AUDIT_PRUNE];

	if (sqlite3_bind_int(st, 1, ours) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, keep) != SQLITE_OK)
		return db_unbound(c, DB_STMT_AUDIT_PRUNE, e);
	return db_step(c, DB_STMT_AUDIT_PRUNE, e);
}

static int
refusals_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const struct refusals *r = arg;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (audit_add(c, &r->v[i], 0, e) == -1)
			return -1;
	if (prune(c, false, r->keep, e) == -1)
		return -1;
	return prune(c, true, r->keep, e);
}

int
audit_refusals(struct db *db, const struct audit *v, size_t n, int64_t keep,
    struct err *e)
{
	struct refusals r = { .v = v, .n = n, .keep = keep };
	struct db_op op = { .run = refusals_run, .arg = &r };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

struct thin {
	int64_t	 before;
	int64_t	 most;
	int64_t	 n;
};

static int
thin_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_AUDIT_THIN];
	struct thin *t = arg;

	if (sqlite3_bind_int64(st, 1, t->before) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, t->most) != SQLITE_OK)
		return db_unbound(c, DB_STMT_AUDIT_THIN, e);
	if (db_step(c, DB_STMT_AUDIT_THIN, e) == -1)
		return -1;
	t->n = sqlite3_changes(c->h);
	return 0;
}

int
audit_thin(struct db *db, int64_t before, int64_t most, int64_t *n,
    struct err *e)
{
	struct thin t = { .before = before, .most = most };
	struct db_op op = { .run = thin_run, .arg = &t };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*n = t.n;
	return 0;
}

/* ---- reading ---- */

/* Columns of STMT_AUDIT */
enum col {
	COL_ID, COL_TXN, COL_AT, COL_ENDPOINT, COL_TXID, COL_OUTCOME,
	COL_REASON, COL_WHO, COL_TRAIL, COL_SIGNER
};

/* A row, and what it is in. */
struct copy {
	struct audit	 a;
	uint8_t		*mem;
};

static int
row_copy(sqlite3_stmt *st, struct copy *out, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "audit trail", e) == -1)
		return -1;
	out->mem = r.mem;
	out->a = (struct audit){
		.id = sqlite3_column_int64(st, COL_ID),
		.txn = sqlite3_column_int64(st, COL_TXN),
		.when = sqlite3_column_int64(st, COL_AT),
		.signer = sqlite3_column_int64(st, COL_SIGNER),
		.endpoint = row_text(&r, COL_ENDPOINT),
		.txid = row_text(&r, COL_TXID),
		.outcome = row_text(&r, COL_OUTCOME),
		.reason = row_text(&r, COL_REASON),
		.who = row_text(&r, COL_WHO),
		.trail = row_text(&r, COL_TRAIL)
	};
	return 1;
}

/* 1 and a row that is the caller's, 0, -1. Ends the statement. */
static int
row_read(struct db_conn *c, enum db_stmt id, struct copy *out, struct err *e)
{
	int rc = db_row(c, id, e);

	if (rc == 1)
		rc = row_copy(c->stmt[id], out, e);
	db_end(c, id);
	return rc;
}

static enum db_stmt
asks_for(const struct audit_filter *f)
{
	if (f->txid != NULL)
		return DB_STMT_AUDIT_TXID;
	return f->signer != 0 ? DB_STMT_AUDIT_SIGNER : DB_STMT_AUDIT_TXN;
}

/* What comes behind the row `last`. */
static int
read_next(struct db_conn *c, const struct audit_filter *f, int64_t last,
    struct copy *out, struct err *e)
{
	enum db_stmt id = asks_for(f);
	sqlite3_stmt *st = c->stmt[id];
	int rc = sqlite3_bind_int64(st, 1, last);

	if (f->txid != NULL) {
		rc |= db_bind_text(st, 2, f->txid);
		rc |= db_bind_text(st, 3, f->endpoint);
	} else
		rc |= sqlite3_bind_int64(st, 2, f->signer != 0 ? f->signer :
		    f->txn);
	if (rc != SQLITE_OK)
		return db_unbound(c, id, e);
	return row_read(c, id, out, e);
}

int
audit_each(struct db *db, const struct audit_filter *f,
    int (*cb)(const struct audit *, void *), void *arg, struct err *e)
{
	int64_t last = asks_for(f) == DB_STMT_AUDIT_SIGNER ? INT64_MAX : 0;
	struct db_conn *c;
	struct copy row;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	while ((rc = read_next(c, f, last, &row, e)) == 1) {
		last = row.a.id;
		rc = cb(&row.a, arg);
		free(row.mem);
		if (rc != 0)
			break;
	}
	db_conn_give(db, c);
	return rc;
}

int
audit_one(struct db *db, int64_t id, int (*cb)(const struct audit *, void *),
    void *arg, struct err *e)
{
	struct db_conn *c;
	struct copy row;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (sqlite3_bind_int64(c->stmt[DB_STMT_AUDIT_ONE], 1, id) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_AUDIT_ONE, e);
	else
		rc = row_read(c, DB_STMT_AUDIT_ONE, &row, e);
	db_conn_give(db, c);
	if (rc == 1) {
		rc = cb(&row.a, arg);
		free(row.mem);
	}
	return rc;
}

int
audit_signed(struct db *db, int64_t signer, int64_t *n, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (sqlite3_bind_int64(c->stmt[DB_STMT_AUDIT_SIGNED], 1, signer) !=
	    SQLITE_OK)
		rc = db_unbound(c, DB_STMT_AUDIT_SIGNED, e);
	else if ((rc = db_row(c, DB_STMT_AUDIT_SIGNED, e)) == 1)
		*n = sqlite3_column_int64(c->stmt[DB_STMT_AUDIT_SIGNED], 0);
	db_end(c, DB_STMT_AUDIT_SIGNED);
	db_conn_give(db, c);
	return rc == 1 ? 0 : -1;
}

static int
each_txn(struct db_conn *c, int (*cb)(int64_t, void *), void *arg,
    struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_AUDIT_TXNS];
	int rc;

	while ((rc = db_row(c, DB_STMT_AUDIT_TXNS, e)) == 1)
		if ((rc = cb(sqlite3_column_int64(st, 0), arg)) != 0)
			break;
	db_end(c, DB_STMT_AUDIT_TXNS);
	return rc;
}

int
audit_txns(struct db *db, const char *endpoint, const char *txid,
    int (*cb)(int64_t, void *), void *arg, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_AUDIT_TXNS];
	if (db_bind_text(st, 1, txid) != SQLITE_OK ||
	    db_bind_text(st, 2, endpoint) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_AUDIT_TXNS, e);
	else
		rc = each_txn(c, cb, arg, e);
	db_conn_give(db, c);
	return rc;
}

/* ---- what became of it ---- */

static void
copy_fate(sqlite3_stmt *st, struct audit_fate *f)
{
	(void)row_put_text(st, 0, f->state, sizeof(f->state));
	f->created = sqlite3_column_int64(st, 1);
	f->finished = sqlite3_column_int64(st, 2);
	(void)row_put_text(st, 3, f->reason, sizeof(f->reason));
	(void)row_put_text(st, 4, f->endpoint, sizeof(f->endpoint));
	(void)row_put_text(st, 5, f->txid, sizeof(f->txid));
	(void)row_put_text(st, 6, f->peer, sizeof(f->peer));
	f->n_serial = row_put_bytes(st, 7, f->serial, AUDIT_SERIAL);
	f->issued = f->n_serial > 0;
	f->issued_at = sqlite3_column_int64(st, 8);
	f->not_after = sqlite3_column_int64(st, 9);
	f->revoked = sqlite3_column_type(st, 10) != SQLITE_NULL;
	f->revoked_at = sqlite3_column_int64(st, 10);
	f->revoke_reason = sqlite3_column_int(st, 11);
	f->n_next = row_put_bytes(st, 12, f->next, AUDIT_SERIAL);
	f->next_at = sqlite3_column_int64(st, 13);
	f->row = sqlite3_column_int64(st, 14);
}

int
audit_fate(struct db *db, int64_t txn, struct audit_fate *out, struct err *e)
{
	struct audit_fate f = { .created = 0 };
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (sqlite3_bind_int64(c->stmt[DB_STMT_AUDIT_FATE], 1, txn) !=
	    SQLITE_OK)
		rc = db_unbound(c, DB_STMT_AUDIT_FATE, e);
	else if ((rc = db_row(c, DB_STMT_AUDIT_FATE, e)) == 1)
		copy_fate(c->stmt[DB_STMT_AUDIT_FATE], &f);
	else if (rc == 0)
		err_set(e, ERR_TXN_UNKNOWN, "%lld", (long long)txn);
	db_end(c, DB_STMT_AUDIT_FATE);
	db_conn_give(db, c);
	if (rc != 1)
		return -1;
	*out = f;
	return 0;
}

/* ---- copies ---- */

/* Puts a text behind the others. */
static void
place(const char **text, char **at)
{
	size_t n;

	if (*text == NULL)
		return;
	n = strlen(*text) + 1;
	memcpy(*at, *text, n);
	*text = *at;
	*at += n;
}

struct audit *
audit_copy(const struct audit *a)
{
	const char *const texts[] = { a->endpoint, a->txid, a->outcome,
	    a->reason, a->who, a->trail };
	size_t i, size = sizeof(*a);
	struct audit *c;
	char *at;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += texts[i] == NULL ? 0 : strlen(texts[i]) + 1;
	if ((c = malloc(size)) == NULL)
		return NULL;
	*c = *a;
	at = (char *)(c + 1);
	place(&c->endpoint, &at);
	place(&c->txid, &at);
	place(&c->outcome, &at);
	place(&c->reason, &at);
	place(&c->who, &at);
	place(&c->trail, &at);
	return c;
}
