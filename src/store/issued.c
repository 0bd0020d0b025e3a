/*
 * Issued certificates: adding one, walking through them.
 */
#include <stdlib.h>
#include <string.h>

#include "store/issued.h"
#include "store/store_int.h"
#include "util/str.h"

/* Rows read at a time: no read transaction is open while a caller looks at
 * them, or a listing left in a pager would let the log grow without end. */
#define PAGE_ROWS	64
#define SERIAL_SHOWN	64	/* bytes of a serial number in an error */

/* Columns of STMT_ISSUED, and those of STMT_LEDGER behind them */
enum col {
	COL_ID, COL_TXN, COL_SERIAL, COL_ISSUER_HASH, COL_KEY_HASH,
	COL_SUBJECT, COL_SANS, COL_ENDPOINT, COL_PROFILE, COL_ISSUER, COL_TXID,
	COL_CHALLENGE, COL_PEER, COL_NOT_BEFORE, COL_NOT_AFTER, COL_ISSUED_AT,
	COL_REVOKED_AT, COL_REVOKE_REASON, COL_ROLE, COL_SUPERSEDES,
	COL_MIGRATES, COL_DER, COL_OLD_SERIAL, COL_NEW_SERIAL
};

static int
end_txn(struct db_conn *c, const struct issued *r, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_ISSUED];

	if (sqlite3_bind_int64(st, 1, r->txn) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, r->issued_at) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_ISSUED, e);
	return db_step_one(c, DB_STMT_TXN_ISSUED, e);
}

/* A parameter has its column's number: the first column, id, has none. */
static int
bind_row(sqlite3_stmt *st, const struct issued *r)
{
	int rc = 0;

	rc |= sqlite3_bind_int64(st, COL_TXN, r->txn);
	rc |= db_bind_blob(st, COL_SERIAL, r->serial);
	rc |= db_bind_blob(st, COL_ISSUER_HASH,
	    bytes_make(r->issuer_hash, ISSUED_HASH));
	rc |= db_bind_blob(st, COL_KEY_HASH,
	    bytes_make(r->key_hash, ISSUED_HASH));
	rc |= db_bind_text(st, COL_SUBJECT, r->subject);
	rc |= db_bind_text(st, COL_SANS, r->sans);
	rc |= db_bind_text(st, COL_ENDPOINT, r->endpoint);
	rc |= db_bind_text(st, COL_PROFILE, r->profile);
	rc |= db_bind_text(st, COL_ISSUER, r->issuer);
	rc |= db_bind_text(st, COL_TXID, r->txid);
	rc |= db_bind_text(st, COL_CHALLENGE, r->challenge);
	rc |= db_bind_text(st, COL_PEER, r->peer);
	rc |= sqlite3_bind_int64(st, COL_NOT_BEFORE, r->not_before);
	rc |= sqlite3_bind_int64(st, COL_NOT_AFTER, r->not_after);
	rc |= sqlite3_bind_int64(st, COL_ISSUED_AT, r->issued_at);
	rc |= db_bind_text(st, COL_ROLE, r->ra ? "ra" : "client");
	rc |= db_bind_blob(st, COL_DER, r->der);
	return rc == SQLITE_OK ? 0 : -1;
}

/* Serials of ours are drawn at random: a CA elsewhere repeats itself. */
static void
set_repeated(const struct issued *r, struct err *e)
{
	char serial[2 * SERIAL_SHOWN + 1];

	str_hex(bytes_make(r->serial.p, r->serial.n < SERIAL_SHOWN ?
	    r->serial.n : SERIAL_SHOWN), serial);
	err_clear(e);
	err_set(e, ERR_STORE_CONFLICT, "the CA has issued serial %s before",
	    serial);
}

/* Runs ISSUED_ADD; *old: the row that it supersedes, or 0. */
static int
insert(struct db_conn *c, int64_t *old, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_ISSUED_ADD];
	int rc = db_row(c, DB_STMT_ISSUED_ADD, e);

	if (rc == 1) {
		*old = sqlite3_column_int64(st, 0);
		rc = db_row(c, DB_STMT_ISSUED_ADD, e);
	}
	db_end(c, DB_STMT_ISSUED_ADD);
	return rc;
}

/* What goes with the new row. */
static int
add_rest(struct db_conn *c, const struct issued *r, int64_t old,
    struct err *e)
{
	if (r->revoke_old && old != 0 &&
	    revoked_superseded(c, old, r->issued_at, e) == -1)
		return -1;
	return audit_add(c, r->audit, r->txn, e);
}

static int
add_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const struct issued *r = ((struct issued_op *)arg)->row;
	int64_t old = 0;

	if (end_txn(c, r, e) == -1 || stops_check_again(c, r, e) == -1)
		return -1;
	if (bind_row(c->stmt[DB_STMT_ISSUED_ADD], r) == -1)
		return db_unbound(c, DB_STMT_ISSUED_ADD, e);
	if (insert(c, &old, e) == 0)
		return add_rest(c, r, old, e);
	/* Its transaction is not the second one's: end_txn() saw to that. */
	if (e->reason == ERR_STORE_CONFLICT)
		set_repeated(r, e);
	return -1;
}

void
issued_add_start(struct db *db, struct issued_op *op, const struct issued *row)
{
	op->row = row;
	op->op.run = add_run;
	op->op.arg = op;
	db_submit(db, &op->op);
}

int
issued_add_wait(struct db *db, struct issued_op *op, struct err *e)
{
	return db_wait(db, &op->op, e);
}

/* Rows copied out of the database. */
struct page {
	struct issued	 row[PAGE_ROWS];
	uint8_t		*mem[PAGE_ROWS];
	size_t		 n;
};

/* Where a walk stands. */
struct walk {
	const struct issued_filter	*f;
	int64_t				 not_after;	/* of the last row */
	int64_t				 id;
	int64_t				 left;
};

static bool
is_text(sqlite3_stmt *st, int i, const char *text)
{
	const unsigned char *s = sqlite3_column_text(st, i);

	return s != NULL && strcmp((const char *)s, text) == 0;
}

static int
page_add(struct page *pg, sqlite3_stmt *st, struct err *e)
{
	struct issued *r = &pg->row[pg->n];
	struct row c;

	if (row_begin(&c, st, "list of certificates", e) == -1)
		return -1;
	pg->mem[pg->n++] = c.mem;
	r->id = sqlite3_column_int64(st, COL_ID);
	r->txn = sqlite3_column_int64(st, COL_TXN);
	r->serial = row_blob(&c, COL_SERIAL);
	(void)row_put_bytes(st, COL_ISSUER_HASH, r->issuer_hash, ISSUED_HASH);
	(void)row_put_bytes(st, COL_KEY_HASH, r->key_hash, ISSUED_HASH);
	r->subject = row_text(&c, COL_SUBJECT);
	r->sans = row_text(&c, COL_SANS);
	r->endpoint = row_text(&c, COL_ENDPOINT);
	r->profile = row_text(&c, COL_PROFILE);
	r->issuer = row_text(&c, COL_ISSUER);
	r->txid = row_text(&c, COL_TXID);
	r->challenge = row_text(&c, COL_CHALLENGE);
	r->peer = row_text(&c, COL_PEER);
	r->not_before = sqlite3_column_int64(st, COL_NOT_BEFORE);
	r->not_after = sqlite3_column_int64(st, COL_NOT_AFTER);
	r->issued_at = sqlite3_column_int64(st, COL_ISSUED_AT);
	r->revoked = sqlite3_column_type(st, COL_REVOKED_AT) != SQLITE_NULL;
	r->revoked_at = sqlite3_column_int64(st, COL_REVOKED_AT);
	r->revoke_reason = sqlite3_column_int(st, COL_REVOKE_REASON);
	r->ra = is_text(st, COL_ROLE, "ra");
	r->supersedes = row_blob(&c, COL_OLD_SERIAL);
	r->superseded_by = row_blob(&c, COL_NEW_SERIAL);
	r->migrates = row_text(&c, COL_MIGRATES);
	r->der = row_blob(&c, COL_DER);
	return 0;
}

static int
page_bind(sqlite3_stmt *st, enum db_stmt id, const struct walk *w)
{
	const struct issued_filter *f = w->f;
	int64_t to = f->expires_to == 0 ? INT64_MAX : f->expires_to;
	int64_t n = w->left < PAGE_ROWS ? w->left : PAGE_ROWS;
	int rc = 0;

	rc |= sqlite3_bind_int64(st, 1, w->not_after);
	rc |= sqlite3_bind_int64(st, 2, w->id);
	rc |= sqlite3_bind_int64(st, 3, to);
	rc |= db_bind_text(st, 4, f->endpoint);
	rc |= sqlite3_bind_int64(st, 5, n);
	rc |= sqlite3_bind_int(st, 6, f->revoked);
	rc |= sqlite3_bind_int(st, 8, f->superseded);
	rc |= db_bind_text(st, 9, f->challenge);
	if (id == DB_STMT_ISSUED_SERIAL)
		rc |= db_bind_blob(st, 7, f->serial);
	return rc == SQLITE_OK ? 0 : -1;
}

static void
page_clear(struct page *pg)
{
	while (pg->n > 0)
		free(pg->mem[--pg->n]);
}

static int
page_read(struct db_conn *c, const struct walk *w, struct page *pg,
    struct err *e)
{
	enum db_stmt id = w->f->ra ? DB_STMT_ISSUED_RA :
	    w->f->serial.n > 0 ? DB_STMT_ISSUED_SERIAL :
	    DB_STMT_ISSUED_EXPIRY;
	sqlite3_stmt *st = c->stmt[id];
	int rc = -1;

	if (page_bind(st, id, w) == -1) {
		db_fault(c, "filter", e);
		goto out;
	}
	while ((rc = db_row(c, id, e)) == 1) {
		if (page_add(pg, st, e) == -1) {
			rc = -1;
			goto out;
		}
	}
out:
	db_end(c, id);
	return rc;
}

static int
page_show(const struct page *pg, struct walk *w,
    int (*cb)(const struct issued *, void *), void *arg)
{
	int rc;

	for (size_t i = 0; i < pg->n; i++) {
		w->not_after = pg->row[i].not_after;
		w->id = pg->row[i].id;
		w->left--;
		if ((rc = cb(&pg->row[i], arg)) != 0)
			return rc;
	}
	return 0;
}

static int
walk_run(struct db_conn *c, struct walk *w, struct page *pg,
    int (*cb)(const struct issued *, void *), void *arg, struct err *e)
{
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && w->left > 0) {
		if ((rc = page_read(c, w, pg, e)) == 0) {
			more = pg->n == PAGE_ROWS;
			rc = page_show(pg, w, cb, arg);
		}
		page_clear(pg);
	}
	return rc;
}

int
issued_each(struct db *db, const struct issued_filter *f,
    int (*cb)(const struct issued *, void *), void *arg, struct err *e)
{
	struct walk w = {
		.f = f,
		.not_after = f->expires_from == 0 ? INT64_MIN :
		    f->expires_from,
		.left = f->limit == 0 ? INT64_MAX : f->limit,
	};
	struct page *pg = calloc(1, sizeof(*pg));
	struct db_conn *c;
	int rc;

	if (pg == NULL) {
		err_set(e, ERR_MEMORY, "list of certificates");
		return -1;
	}
	if (db_conn_take(db, &c, e) == -1) {
		free(pg);
		return -1;
	}
	rc = walk_run(c, &w, pg, cb, arg, e);
	db_conn_give(db, c);
	free(pg);
	return rc;
}

int
issued_of_txn(struct db *db, int64_t txn,
    int (*cb)(const struct issued *, void *), void *arg, struct err *e)
{
	struct page pg = { .n = 0 };
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_ISSUED_TXN];
	if ((rc = sqlite3_bind_int64(st, 1, txn)) != SQLITE_OK) {
		db_fault(c, "transaction", e);
		rc = -1;
	} else if ((rc = db_row(c, DB_STMT_ISSUED_TXN, e)) == 1)
		rc = page_add(&pg, st, e);
	db_end(c, DB_STMT_ISSUED_TXN);
	db_conn_give(db, c);
	if (rc == 0 && pg.n == 1)
		rc = cb(&pg.row[0], arg);
	page_clear(&pg);
	return rc;
}

int
issued_peers(struct db *db, int64_t rows, int64_t since,
    void (*cb)(const char *, int64_t, void *), void *arg, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_ISSUED_PEERS];
	if (sqlite3_bind_int64(st, 1, rows) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, since) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_ISSUED_PEERS, e);
	else
		while ((rc = db_row(c, DB_STMT_ISSUED_PEERS, e)) == 1)
			cb((const char *)sqlite3_column_text(st, 0),
			    sqlite3_column_int64(st, 1), arg);
	db_end(c, DB_STMT_ISSUED_PEERS);
	db_conn_give(db, c);
	return rc;
}

static int
line_read(struct db_conn *c, struct issued_line *out, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_ISSUED_LINE];
	int at;

	if (db_row(c, DB_STMT_ISSUED_LINE, e) != 1)
		return -1;
	at = sqlite3_column_type(st, 0) != SQLITE_NULL ? 0 : 1;
	out->superseded_at = sqlite3_column_int64(st, at);
	out->key_uses = sqlite3_column_int64(st, 2);
	return 0;
}

int
issued_line(struct db *db, int64_t id, const char *migrates,
    const uint8_t key_hash[ISSUED_HASH], struct issued_line *out,
    struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_ISSUED_LINE];
	if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK ||
	    db_bind_blob(st, 2, bytes_make(key_hash, ISSUED_HASH)) !=
	    SQLITE_OK || db_bind_text(st, 3, migrates) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_ISSUED_LINE, e);
	else {
		rc = line_read(c, out, e);
		db_end(c, DB_STMT_ISSUED_LINE);
	}
	db_conn_give(db, c);
	return rc;
}
