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
	free(w->endpoint);
	free(w->txid);
	free(w->peer);
	free(w->asked);
	memset(w, 0, sizeof(*w));
}

/* None of them is NULL. */
static char *
copy_text(sqlite3_stmt *st, int i)
{
	const unsigned char *s = sqlite3_column_text(st, i);

	return s == NULL ? NULL : strdup((const char *)s);
}

static int
row_copy(sqlite3_stmt *st, struct waiting_end *out, struct err *e)
{
	struct waiting_end w = {
		.id = sqlite3_column_int64(st, COL_ID),
		.endpoint = copy_text(st, COL_ENDPOINT),
		.txid = copy_text(st, COL_TXID),
		.peer = copy_text(st, COL_PEER),
		.asked = copy_text(st, COL_ASKED),
		.expired = sqlite3_column_int(st, COL_EXPIRED) == 1
	};

	if (w.endpoint == NULL || w.txid == NULL || w.peer == NULL ||
	    w.asked == NULL) {
		err_set(e, ERR_MEMORY, "outcome");
		waiting_end_clear(&w);
		return -1;
	}
	*out = w;
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
