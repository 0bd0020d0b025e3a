#include <string.h>

#include "store/followed.h"
#include "store/store_int.h"

static int
read_row(sqlite3_stmt *st, uint8_t by[FOLLOWED_HASH], int64_t *since,
    struct err *e)
{
	const void *p = sqlite3_column_blob(st, 0);

	if (p == NULL || sqlite3_column_bytes(st, 0) != FOLLOWED_HASH) {
		err_set(e, ERR_STORE, "CA that was followed is malformed");
		return -1;
	}
	memcpy(by, p, FOLLOWED_HASH);
	*since = sqlite3_column_int64(st, 1);
	return 0;
}

int
followed_get(struct db *db, const uint8_t key[FOLLOWED_HASH],
    uint8_t by[FOLLOWED_HASH], int64_t *since, bool *found, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_FOLLOWED_GET];
	if (db_bind_blob(st, 1, bytes_make(key, FOLLOWED_HASH)) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_FOLLOWED_GET, e);
	else if ((rc = db_row(c, DB_STMT_FOLLOWED_GET, e)) != -1) {
		*found = rc == 1;
		if (rc == 1)
			rc = read_row(st, by, since, e);
	}
	db_end(c, DB_STMT_FOLLOWED_GET);
	db_conn_give(db, c);
	return rc;
}

struct put {
	const uint8_t	*key;
	const uint8_t	*by;
	int64_t		 since;
};

static int
put_run(struct db *db, void *arg, struct err *e)
{
	const struct put *p = arg;
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_FOLLOWED_PUT];
	int rc = db_bind_blob(st, 1, bytes_make(p->key, FOLLOWED_HASH));

	rc |= db_bind_blob(st, 2, bytes_make(p->by, FOLLOWED_HASH));
	rc |= sqlite3_bind_int64(st, 3, p->since);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_FOLLOWED_PUT, e);
	return db_step_one(c, DB_STMT_FOLLOWED_PUT, e);
}

int
followed_put(struct db *db, const uint8_t key[FOLLOWED_HASH],
    const uint8_t by[FOLLOWED_HASH], int64_t since, struct err *e)
{
	struct put p = { key, by, since };
	struct db_op op = { .run = put_run, .arg = &p };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}
