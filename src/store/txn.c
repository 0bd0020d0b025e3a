/*
 * Transactions: reserved, then issued (issued.c), failed or abandoned. Those
 * that wait for an operator are in waiting.c.
 */
#include <string.h>

#include "store/store_int.h"
#include "store/txn.h"

enum txn_state
txn_state_named(const unsigned char *name)
{
	static const struct {
		const char	*name;
		enum txn_state	 state;
	} states[] = {
		{ "reserved", TXN_RESERVED },
		{ "pending", TXN_PENDING },
		{ "approved", TXN_APPROVED },
		{ "issued", TXN_ISSUED },
		{ "rejected", TXN_REJECTED },
		{ "expired", TXN_EXPIRED },
	};
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, (const char *)name) == 0)
			return states[i].state;
	return TXN_ENDED;
}

/* Seconds: more than those of a validator and an issuer, the longest that may be
 * set, together. */
#define WORKED_ON_MAX	1200

static int
bind_repeated(sqlite3_stmt *st, const struct txn *t)
{
	int rc = 0;

	rc |= db_bind_text(st, 1, t->endpoint);
	rc |= db_bind_text(st, 2, t->txid);
	rc |= db_bind_blob(st, 3, bytes_make(t->signer_hash, TXN_HASH));
	rc |= db_bind_blob(st, 4, bytes_make(t->csr_hash, TXN_HASH));
	rc |= db_bind_blob(st, 5, bytes_make(t->msg_hash, TXN_HASH));
	/* Without a window even what another worker's clock put ahead is old. */
	rc |= sqlite3_bind_int64(st, 6, t->replay == 0 ? INT64_MAX :
	    t->when - t->replay);
	rc |= db_bind_blob(st, 7, t->signer_serial);
	rc |= db_bind_blob(st, 8, bytes_make(t->signer_issuer, TXN_HASH));
	rc |= sqlite3_bind_int64(st, 9, t->when - WORKED_ON_MAX);
	return rc;
}

static int
repeated(struct db_conn *c, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_REPEATED];
	int rc;

	*out = (struct txn_found){ .id = 0, .state = TXN_NONE };
	if (bind_repeated(st, t) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_REPEATED, e);
	if ((rc = db_row(c, DB_STMT_TXN_REPEATED, e)) == 1) {
		out->id = sqlite3_column_int64(st, 0);
		out->state = txn_state_named(sqlite3_column_text(st, 1));
	}
	db_end(c, DB_STMT_TXN_REPEATED);
	return rc == -1 ? -1 : 0;
}

int
txn_repeated(struct db *db, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = repeated(c, t, out, e);
	db_conn_give(db, c);
	return rc;
}

int
txn_state_now(struct db_conn *c, int64_t id, enum txn_state *out,
    struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_STATE];
	int rc;

	if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_STATE, e);
	if ((rc = db_row(c, DB_STMT_TXN_STATE, e)) != -1)
		*out = rc == 0 ? TXN_NONE :
		    txn_state_named(sqlite3_column_text(st, 0));
	db_end(c, DB_STMT_TXN_STATE);
	return rc == -1 ? -1 : 0;
}

int
txn_state(struct db *db, int64_t id, enum txn_state *out, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = txn_state_now(c, id, out, e);
	db_conn_give(db, c);
	return rc;
}

struct reserve {
	const struct txn	*txn;
	struct txn_found	 found;
	bool			 fresh;
};

static int
bind_reserve(sqlite3_stmt *st, const struct txn *t)
{
	int rc = 0;

	rc |= db_bind_text(st, 1, t->endpoint);
	rc |= db_bind_text(st, 2, t->txid);
	rc |= db_bind_blob(st, 3, bytes_make(t->signer_hash, TXN_HASH));
	rc |= db_bind_blob(st, 4, bytes_make(t->csr_hash, TXN_HASH));
	rc |= db_bind_blob(st, 5, t->serial);
	rc |= db_bind_text(st, 6, t->challenge);
	rc |= db_bind_text(st, 7, t->peer);
	rc |= sqlite3_bind_int64(st, 8, t->when);
	rc |= db_bind_blob(st, 9, bytes_make(t->msg_hash, TXN_HASH));
	rc |= db_bind_blob(st, 10, t->hold);
	rc |= sqlite3_bind_int(st, 11, t->vouched);
	rc |= t->renews == 0 ? sqlite3_bind_null(st, 12) :
	    sqlite3_bind_int64(st, 12, t->renews);
	rc |= t->challenge_id == 0 ? sqlite3_bind_null(st, 13) :
	    sqlite3_bind_int64(st, 13, t->challenge_id);
	rc |= db_bind_text(st, 14, t->profile);
	rc |= db_bind_text(st, 15, t->migrates);
	rc |= db_bind_text(st, 16, t->subject);
	rc |= t->subject == NULL ? sqlite3_bind_null(st, 17) :
	    db_bind_blob(st, 17, bytes_make(t->key_hash, TXN_HASH));
	rc |= db_bind_blob(st, 18, t->old);
	rc |= db_bind_text(st, 19, t->asked);
	rc |= db_bind_text(st, 20, t->facts);
	return rc;
}

/* Two requests must not wait under one name: which would a poll mean? */
static int
check_live(struct db_conn *c, const struct txn *t, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_LIVE];
	int rc = -1;

	if (db_bind_text(st, 1, t->endpoint) != SQLITE_OK ||
	    db_bind_text(st, 2, t->txid) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 3, t->waits_since) != SQLITE_OK)
		db_fault(c, "transaction", e);
	else if ((rc = db_row(c, DB_STMT_TXN_LIVE, e)) == 1) {
		err_set(e, ERR_TXN_LIVE, "another key or certificate request");
		rc = -1;
	}
	db_end(c, DB_STMT_TXN_LIVE);
	return rc;
}

/* All that can be said against it; nothing is, if it repeats one. */
static int
judge(struct db_conn *c, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	if (repeated(c, t, out, e) == -1)
		return -1;
	if (out->state != TXN_NONE)
		return 0;
	if (check_live(c, t, e) == -1 || stops_check(c, t, e) == -1 ||
	    challenge_reserve(c, t, e) == -1 || limits_check(c, t, e) == -1)
		return -1;
	return t->hold.n > 0 ? waiting_room(c, t, e) : 0;
}

int
txn_rehearse(struct db *db, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = judge(c, t, out, e);
	db_conn_give(db, c);
	return rc;
}

static int
reserve_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	struct reserve *r = arg;

	if (judge(c, r->txn, &r->found, e) == -1)
		return -1;
	if (r->found.state != TXN_NONE)
		return 0;
	if (bind_reserve(c->stmt[DB_STMT_TXN_RESERVE], r->txn) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_RESERVE, e);
	if (db_step_one(c, DB_STMT_TXN_RESERVE, e) == -1)
		return -1;
	r->fresh = true;
	r->found = (struct txn_found){ .state = r->txn->hold.n > 0 ?
	    TXN_PENDING : TXN_RESERVED, .id = sqlite3_last_insert_rowid(c->h) };
	return r->txn->hold.n == 0 ? 0 : audit_add(c, r->txn->audit,
	    r->found.id, e);
}

int
txn_reserve(struct db *db, const struct txn *t, struct txn_found *out,
    bool *fresh, struct err *e)
{
	struct reserve r = { .txn = t };
	struct db_op op = { .run = reserve_run, .arg = &r };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*out = r.found;
	*fresh = r.fresh;
	return 0;
}

int
txn_fail(struct db_conn *c, int64_t id, enum err_reason reason, int64_t when,
    const struct audit *audit, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_FAIL];

	if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, when) != SQLITE_OK ||
	    db_bind_text(st, 3, err_slug(reason)) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_FAIL, e);
	if (db_step_one(c, DB_STMT_TXN_FAIL, e) == -1)
		return -1;
	return audit_add(c, audit, id, e);
}

struct fail {
	int64_t			 id;
	enum err_reason		 reason;
	int64_t			 when;
	const struct audit	*audit;
};

static int
fail_run(struct db *db, void *arg, struct err *e)
{
	const struct fail *f = arg;

	return txn_fail(db->writer, f->id, f->reason, f->when, f->audit, e);
}

int
txn_end(struct db *db, int64_t id, enum err_reason reason, int64_t when,
    const struct audit *audit, struct err *e)
{
	struct fail f = { .id = id, .reason = reason, .when = when,
	    .audit = audit };
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
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_RECOVER];
	struct recover *r = arg;

	/* While they are still known. */
	if (handed_recover(c, r->when, e) == -1)
		return -1;
	if (sqlite3_bind_int64(st, 1, r->when) != SQLITE_OK ||
	    db_bind_text(st, 2, err_slug(ERR_ISSUER_CUT)) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_RECOVER, e);
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
