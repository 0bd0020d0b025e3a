#include <stdlib.h>

#include "store/lockout.h"
#include "store/store_int.h"

struct put {
	const struct lockout	*v;
	size_t			 n;
	int64_t			 now;
};

static int
put_one(struct db_conn *c, const struct lockout *l, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_LOCKOUT_PUT];
	int rc = db_bind_text(st, 1, l->address);

	rc |= sqlite3_bind_int64(st, 2, l->since);
	rc |= sqlite3_bind_int64(st, 3, l->until);
	rc |= sqlite3_bind_int64(st, 4, l->failures);
	rc |= db_bind_text(st, 5, l->endpoint);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_LOCKOUT_PUT, e);
	return db_step_one(c, DB_STMT_LOCKOUT_PUT, e);
}

static int
end_one(struct db_conn *c, const char *address, struct err *e)
{
	if (db_bind_text(c->stmt[DB_STMT_LOCKOUT_CLEAR], 1, address) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_LOCKOUT_CLEAR, e);
	return db_step(c, DB_STMT_LOCKOUT_CLEAR, e);
}

static int
put_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const struct put *p = arg;
	size_t i;

	for (i = 0; i < p->n; i++)
		if ((p->v[i].until > p->now ? put_one(c, &p->v[i], e) :
		    end_one(c, p->v[i].address, e)) == -1)
			return -1;
	if (sqlite3_bind_int64(c->stmt[DB_STMT_LOCKOUT_END], 1, p->now) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_LOCKOUT_END, e);
	return db_step(c, DB_STMT_LOCKOUT_END, e);
}

int
lockout_put(struct db *db, const struct lockout *v, size_t n, int64_t now,
    struct err *e)
{
	struct put p = { .v = v, .n = n, .now = now };
	struct db_op op = { .run = put_run, .arg = &p };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

struct clear {
	const char	*address;
	int64_t		 n;
};

static int
clear_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	struct clear *cl = arg;

	if (cl->address != NULL && db_bind_text(c->stmt[DB_STMT_LOCKOUT_CLEAR],
	    1, cl->address) != SQLITE_OK)
		return db_unbound(c, DB_STMT_LOCKOUT_CLEAR, e);
	if (db_step(c, DB_STMT_LOCKOUT_CLEAR, e) == -1)
		return -1;
	cl->n = sqlite3_changes(c->h);
	return 0;
}

int
lockout_clear(struct db *db, const char *address, int64_t *cleared,
    struct err *e)
{
	struct clear cl = { .address = address };
	struct db_op op = { .run = clear_run, .arg = &cl };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*cleared = cl.n;
	return 0;
}

/* All of them, copied: no read transaction is open while a caller shows them, to
 * a pager perhaps. */
struct list {
	struct lockout	*v;
	size_t		 n;
};

static int
add_row(sqlite3_stmt *st, struct list *l, struct err *e)
{
	struct lockout *v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (v == NULL) {
		err_set(e, ERR_MEMORY, "list of addresses");
		return -1;
	}
	l->v = v;
	v += l->n++;
	*v = (struct lockout){
		.since = sqlite3_column_int64(st, 1),
		.until = sqlite3_column_int64(st, 2),
		.failures = sqlite3_column_int64(st, 3)
	};
	(void)row_put_text(st, 0, v->address, sizeof(v->address));
	(void)row_put_text(st, 4, v->endpoint, sizeof(v->endpoint));
	return 0;
}

static int
read_all(struct db *db, struct list *l, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	while ((rc = db_row(c, DB_STMT_LOCKOUT_EACH, e)) == 1)
		if ((rc = add_row(c->stmt[DB_STMT_LOCKOUT_EACH], l, e)) == -1)
			break;
	db_end(c, DB_STMT_LOCKOUT_EACH);
	db_conn_give(db, c);
	return rc;
}

int
lockout_each(struct db *db, int (*cb)(const struct lockout *, void *),
    void *arg, struct err *e)
{
	struct list l = { .v = NULL };
	int rc = read_all(db, &l, e);
	size_t i;

	for (i = 0; rc == 0 && i < l.n; i++)
		rc = cb(&l.v[i], arg);
	free(l.v);
	return rc;
}
