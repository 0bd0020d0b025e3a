/*
 * What came to an end while it waited, and whom it is told.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_int.h"
#include "store/waiting.h"

/* Columns of WAITING_ENDED */
enum col {
	COL_ID, COL_ENDPOINT, COL_TXID, COL_PEER, COL_ASKED, COL_EXPIRED
};

void
waiting_end_clear(struct waiting_end *w)
{
	free(w->mem);
	memset(w, 0, sizeof(*w));
}

static int
row_copy(sqlite3_stmt *st, struct waiting_end *out, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "outcome", e) == -1)
		return -1;
	*out = (struct waiting_end){
		.id = sqlite3_column_int64(st, COL_ID),
		.endpoint = row_text(&r, COL_ENDPOINT),
		.txid = row_text(&r, COL_TXID),
		.peer = row_text(&r, COL_PEER),
		.asked = row_text(&r, COL_ASKED),
		.expired = sqlite3_column_int(st, COL_EXPIRED) == 1,
		.mem = r.mem
	};
	return 0;
}

int
waiting_ended(struct db *db, struct waiting_end *out, bool *found,
    struct err *e)
{
	struct db_conn *c;
	int rc;

	*found = false;
	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if ((rc = db_row(c, DB_STMT_WAITING_ENDED, e)) == 1) {
		rc = row_copy(c->stmt[DB_STMT_WAITING_ENDED], out, e);
		*found = rc == 0;
	}
	db_end(c, DB_STMT_WAITING_ENDED);
	db_conn_give(db, c);
	return rc;
}

static int
told_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const int64_t *id = arg;

	if (sqlite3_bind_int64(c->stmt[DB_STMT_WAITING_TOLD], 1, *id) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_WAITING_TOLD, e);
	return db_step_one(c, DB_STMT_WAITING_TOLD, e);
}

int
waiting_told(struct db *db, int64_t id, struct err *e)
{
	struct db_op op = { .run = told_run, .arg = &id };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}
