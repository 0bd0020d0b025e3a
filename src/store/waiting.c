#include <stdlib.h>
#include <string.h>

#include "store/store_int.h"
#include "store/waiting.h"

int
waiting_polled(struct db *db, const char *endpoint, const char *txid,
    const uint8_t signer_hash[TXN_HASH], struct txn_found *out, bool *other,
    struct err *e)
{
	sqlite3_stmt *st;
	struct db_conn *c;
	bool same;
	int rc = -1;

	*out = (struct txn_found){ .id = 0, .state = TXN_NONE };
	*other = false;
	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_TXN_POLLED];
	if (db_bind_text(st, 1, endpoint) != SQLITE_OK ||
	    db_bind_text(st, 2, txid) != SQLITE_OK || db_bind_blob(st, 3,
	    bytes_make(signer_hash, TXN_HASH)) != SQLITE_OK)
		db_fault(c, "transaction", e);
	else if ((rc = db_row(c, DB_STMT_TXN_POLLED, e)) == 1) {
		same = sqlite3_column_int(st, 2) == 1;
		*other = !same;
		if (same)
			*out = (struct txn_found){
			    .id = sqlite3_column_int64(st, 0),
			    .state = txn_state_named(
			    sqlite3_column_text(st, 1)) };
	}
	db_end(c, DB_STMT_TXN_POLLED);
	db_conn_give(db, c);
	return rc == -1 ? -1 : 0;
}

struct expire {
	int64_t	 before;
	int64_t	 now;
};

static int
expire_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_EXPIRE];
	const struct expire *x = arg;

	if (sqlite3_bind_int64(st, 1, x->before) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, x->now) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_EXPIRE, e);
	return db_step(c, DB_STMT_TXN_EXPIRE, e);
}

int
waiting_expire(struct db *db, int64_t before, int64_t now, struct err *e)
{
	struct expire x = { .before = before, .now = now };
	struct db_op op = { .run = expire_run, .arg = &x };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

/* Strangers must not keep out whoever has a challenge. */
static int
room_for_stranger(struct db_conn *c, const struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_STRANGERS];
	int rc = -1;

	if (db_bind_text(st, 1, t->peer) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, t->waits_since) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_STRANGERS, e);
	if (db_row(c, DB_STMT_TXN_STRANGERS, e) != 1)
		err_set(e, ERR_STORE, "queue");
	else if (sqlite3_column_int64(st, 0) >= t->room / 2)
		err_set(e, ERR_PENDING_STRANGER, "half of "
		    "transaction.pending_max = %lld", (long long)t->room);
	else if (t->room_address > 0 &&
	    sqlite3_column_int64(st, 1) >= t->room_address)
		err_set(e, ERR_PENDING_STRANGER,
		    "transaction.pending_per_address = %lld",
		    (long long)t->room_address);
	else
		rc = 0;
	db_end(c, DB_STMT_TXN_STRANGERS);
	return rc;
}

static int
count(struct db_conn *c, int64_t since, int64_t *n, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_WAITING];
	int rc;

	if (sqlite3_bind_int64(st, 1, since) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_WAITING, e);
	if ((rc = db_row(c, DB_STMT_TXN_WAITING, e)) == 1)
		*n = sqlite3_column_int64(st, 0);
	db_end(c, DB_STMT_TXN_WAITING);
	return rc == 1 ? 0 : -1;
}

int
waiting_count(struct db *db, int64_t *n, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = count(c, 0, n, e);
	db_conn_give(db, c);
	return rc;
}

int
waiting_room(struct db_conn *c, const struct txn *t, struct err *e)
{
	int64_t n;

	if (count(c, t->waits_since, &n, e) == -1)
		return -1;
	if (n >= t->room) {
		err_set(e, ERR_PENDING_FULL, "transaction.pending_max = %lld",
		    (long long)t->room);
		return -1;
	}
	return t->vouched ? 0 : room_for_stranger(c, t, e);
}

/* Tells why there is no such row among those that wait. */
static int
set_gone(struct db_conn *c, int64_t id, struct err *e)
{
	int rc;

	if (sqlite3_bind_int64(c->stmt[DB_STMT_TXN_STATE], 1, id) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_STATE, e);
	rc = db_row(c, DB_STMT_TXN_STATE, e);
	if (rc == 0)
		err_set(e, ERR_TXN_UNKNOWN, "%lld", (long long)id);
	else if (rc == 1)
		err_set(e, ERR_NOT_PENDING, "%lld is %s", (long long)id,
		    (const char *)sqlite3_column_text(
		    c->stmt[DB_STMT_TXN_STATE], 0));
	db_end(c, DB_STMT_TXN_STATE);
	return -1;
}

struct decide {
	int64_t			 id;
	enum waiting_word	 word;
	int64_t			 now;
	const char		*who;
};

static int
decide_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_DECIDE];
	const struct decide *d = arg;
	bool approve = d->word != WAITING_REJECT;
	int rc = 0;

	rc |= sqlite3_bind_int64(st, 1, d->id);
	rc |= db_bind_text(st, 2, approve ? "approved" : "rejected");
	/* What is approved has not ended yet. */
	rc |= approve ? sqlite3_bind_null(st, 3) :
	    sqlite3_bind_int64(st, 3, d->now);
	rc |= sqlite3_bind_int(st, 4, d->word == WAITING_APPROVE_DESPITE);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_DECIDE, e);
	if (db_step(c, DB_STMT_TXN_DECIDE, e) == -1)
		return -1;
	if (sqlite3_changes(c->h) != 1)
		return set_gone(c, d->id, e);
	return audit_decided(c, d->id, d->now, approve ? AUDIT_APPROVED :
	    AUDIT_REJECTED, d->who, e);
}

int
waiting_decide(struct db *db, int64_t id, enum waiting_word word,
    int64_t now, const char *who, struct err *e)
{
	struct decide d = { .id = id, .word = word, .now = now,
	    .who = who };
	struct db_op op = { .run = decide_run, .arg = &d };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

/* ---- what waits ---- */

/* Columns of STMT_WAITING */
enum col {
	COL_ID, COL_CREATED, COL_ENDPOINT, COL_TXID, COL_CHALLENGE, COL_PEER,
	COL_CSR, COL_CSR_HASH, COL_APPROVED, COL_RENEWS, COL_RENEWS_REVOKED,
	COL_RENEWS_UNTIL, COL_SUPERSEDED, COL_MIGRATES, COL_CHALLENGE_CONF,
	COL_CHALLENGE_GONE, COL_DESPITE, COL_PROFILE, COL_ASKED, COL_FACTS
};

/* A row, and what it is in. */
struct copy {
	struct waiting	 w;
	uint8_t		*mem;
};

static void
copy_free(struct copy *c)
{
	/* The challenge is in it. */
	explicit_bzero((void *)(uintptr_t)c->w.csr.p, c->w.csr.n);
	free(c->mem);
}

static int
row_copy(sqlite3_stmt *st, struct copy *out, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "list of requests", e) == -1)
		return -1;
	out->mem = r.mem;
	out->w = (struct waiting){
		.id = sqlite3_column_int64(st, COL_ID),
		.since = sqlite3_column_int64(st, COL_CREATED),
		.endpoint = row_text(&r, COL_ENDPOINT),
		.txid = row_text(&r, COL_TXID),
		.challenge = row_text(&r, COL_CHALLENGE),
		.peer = row_text(&r, COL_PEER),
		.csr = row_blob(&r, COL_CSR),
		.approved = sqlite3_column_int(st, COL_APPROVED) == 1,
		.renews = row_blob(&r, COL_RENEWS),
		.renews_revoked = sqlite3_column_type(st,
		    COL_RENEWS_REVOKED) != SQLITE_NULL,
		.renews_revoked_at = sqlite3_column_int64(st,
		    COL_RENEWS_REVOKED),
		.renews_until = sqlite3_column_int64(st, COL_RENEWS_UNTIL),
		.superseded_at = sqlite3_column_int64(st, COL_SUPERSEDED),
		.migrates = row_text(&r, COL_MIGRATES),
		.challenge_conf = sqlite3_column_int(st,
		    COL_CHALLENGE_CONF) == 1,
		.challenge_gone = sqlite3_column_int(st,
		    COL_CHALLENGE_GONE) == 1,
		.despite = sqlite3_column_int(st, COL_DESPITE) == 1,
		.profile = row_text(&r, COL_PROFILE),
		.asked = row_text(&r, COL_ASKED),
		.facts = row_text(&r, COL_FACTS)
	};
	(void)row_put_bytes(st, COL_CSR_HASH, out->w.csr_hash, TXN_HASH);
	return 1;
}

/* 1 and a row that is the caller's, 0, -1. Ends the statement. */
static int
row_read(struct db_conn *c, enum db_stmt id, struct copy *out,
    struct err *e)
{
	int rc = db_row(c, id, e);

	if (rc == 1)
		rc = row_copy(c->stmt[id], out, e);
	db_end(c, id);
	return rc;
}

static int
read_next(struct db_conn *c, int64_t since, int64_t id, struct copy *out,
    struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_WAITING_NEXT];

	if (sqlite3_bind_int64(st, 1, since) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, id) != SQLITE_OK)
		return db_unbound(c, DB_STMT_WAITING_NEXT, e);
	return row_read(c, DB_STMT_WAITING_NEXT, out, e);
}

int
waiting_each(struct db *db, int (*cb)(const struct waiting *, void *),
    void *arg, struct err *e)
{
	int64_t since = INT64_MIN, id = 0;
	struct db_conn *c;
	struct copy row;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	while ((rc = read_next(c, since, id, &row, e)) == 1) {
		since = row.w.since;
		id = row.w.id;
		rc = cb(&row.w, arg);
		copy_free(&row);
		if (rc != 0)
			break;
	}
	db_conn_give(db, c);
	return rc;
}

int
waiting_one(struct db *db, int64_t id,
    int (*cb)(const struct waiting *, void *), void *arg, struct err *e)
{
	struct db_conn *c;
	struct copy row;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (sqlite3_bind_int64(c->stmt[DB_STMT_WAITING_ONE], 1, id) !=
	    SQLITE_OK)
		rc = db_unbound(c, DB_STMT_WAITING_ONE, e);
	else if ((rc = row_read(c, DB_STMT_WAITING_ONE, &row, e)) == 0)
		rc = set_gone(c, id, e);
	db_conn_give(db, c);
	if (rc == 1) {
		rc = cb(&row.w, arg);
		copy_free(&row);
	}
	return rc;
}
