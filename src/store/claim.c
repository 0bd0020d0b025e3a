/*
 * What an operator approved is claimed by the worker that issues it, and given
 * back if that fails for no fault of the request.
 */
#include "store/store_int.h"
#include "store/waiting.h"

/* Columns of TXN_CLAIMED */
enum col {
	COL_SERIAL, COL_CHALLENGE, COL_CSR, COL_CHALLENGE_ID, COL_PROFILE,
	COL_OLD, COL_RENEWS, COL_MIGRATES, COL_REVOKED, COL_SUPERSEDED,
	COL_SUPERSEDING, COL_GONE, COL_DESPITE, COL_ASKED, COL_FACTS,
	COL_SINCE, COL_CHALLENGE_PROFILE
};

struct claim {
	int64_t			 id;
	struct waiting_claim	*out;
	bool			 ours;
};

static void
take_facts(sqlite3_stmt *st, struct waiting_claim *out)
{
	out->challenge_id = sqlite3_column_int64(st, COL_CHALLENGE_ID);
	out->challenge_gone = sqlite3_column_int(st, COL_GONE) == 1;
	out->despite = sqlite3_column_int(st, COL_DESPITE) == 1;
	out->since = sqlite3_column_int64(st, COL_SINCE);
	out->renews = sqlite3_column_int64(st, COL_RENEWS);
	out->renews_revoked = sqlite3_column_int(st, COL_REVOKED) == 1;
	out->superseded_at = sqlite3_column_int64(st, COL_SUPERSEDED);
	out->superseding = sqlite3_column_int(st, COL_SUPERSEDING) == 1;
}

static int
take_claim(sqlite3_stmt *st, struct waiting_claim *out, struct err *e)
{
	if ((size_t)sqlite3_column_bytes(st, COL_SERIAL) >
	    sizeof(out->serial) ||
	    row_put_text(st, COL_CHALLENGE, out->challenge,
	    sizeof(out->challenge)) == -1 ||
	    row_put_text(st, COL_PROFILE, out->profile,
	    sizeof(out->profile)) == -1 ||
	    row_put_text(st, COL_ASKED, out->asked,
	    sizeof(out->asked)) == -1 ||
	    row_put_text(st, COL_CHALLENGE_PROFILE, out->challenge_profile,
	    sizeof(out->challenge_profile)) == -1 ||
	    row_put_buf(st, COL_CSR, out->csr) == -1 ||
	    row_put_buf(st, COL_OLD, out->old) == -1 ||
	    row_put_buf(st, COL_FACTS, out->facts) == -1 ||
	    row_put_buf(st, COL_MIGRATES, out->migrates) == -1) {
		err_set(e, ERR_STORE, "transaction is malformed");
		return -1;
	}
	out->n_serial = row_put_bytes(st, COL_SERIAL, out->serial,
	    sizeof(out->serial));
	take_facts(st, out);
	return 0;
}

static int
look(struct db_conn *c, struct claim *cl, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_TXN_CLAIMED];
	int rc;

	if (sqlite3_bind_int64(st, 1, cl->id) != SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_CLAIMED, e);
	if ((rc = db_row(c, DB_STMT_TXN_CLAIMED, e)) == 1)
		rc = take_claim(st, cl->out, e);
	else if (rc == 0)
		rc = -1;
	db_end(c, DB_STMT_TXN_CLAIMED);
	return rc;
}

static int
claim_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	struct claim *cl = arg;

	if (sqlite3_bind_int64(c->stmt[DB_STMT_TXN_CLAIM], 1, cl->id) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_CLAIM, e);
	if (db_step(c, DB_STMT_TXN_CLAIM, e) == -1)
		return -1;
	if (sqlite3_changes(c->h) == 0)
		return 0;
	cl->ours = true;
	return look(c, cl, e);
}

int
waiting_claim(struct db *db, int64_t id, struct waiting_claim *out,
    bool *ours, struct err *e)
{
	struct claim cl = { .id = id, .out = out };
	struct db_op op = { .run = claim_run, .arg = &cl };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*ours = cl.ours;
	return 0;
}

int
waiting_back(struct db_conn *c, int64_t id, struct err *e)
{
	if (sqlite3_bind_int64(c->stmt[DB_STMT_TXN_RELEASE], 1, id) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_TXN_RELEASE, e);
	return db_step_one(c, DB_STMT_TXN_RELEASE, e);
}

static int
release_run(struct db *db, void *arg, struct err *e)
{
	return waiting_back(db->writer, *(const int64_t *)arg, e);
}

int
waiting_release(struct db *db, int64_t id, struct err *e)
{
	struct db_op op = { .run = release_run, .arg = &id };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}
