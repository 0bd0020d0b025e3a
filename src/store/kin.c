/*
 * A certificate is revoked, or released from hold, together with those that
 * belong to it; and which these are.
 */
#include <stdlib.h>

#include "store/revoked.h"
#include "store/store_int.h"

enum col { COL_ID, COL_KIN, COL_SERIAL, COL_SUBJECT, COL_NOT_AFTER };

void
revoked_others_clear(struct revoked_others *o)
{
	while (o->n > 0)
		free(o->v[--o->n].mem);
	free(o->v);
	o->v = NULL;
}

static int
add_row(sqlite3_stmt *st, struct revoked_others *o, struct err *e)
{
	struct revoked_other *v = realloc(o->v, (o->n + 1) * sizeof(*v));
	struct row r;

	if (v == NULL) {
		err_set(e, ERR_MEMORY, "list of certificates");
		return -1;
	}
	o->v = v;
	if (row_begin(&r, st, "list of certificates", e) == -1)
		return -1;
	v = &o->v[o->n++];
	*v = (struct revoked_other){
		.id = sqlite3_column_int64(st, COL_ID),
		.subject = row_text(&r, COL_SUBJECT),
		.not_after = sqlite3_column_int64(st, COL_NOT_AFTER),
		.kin = (unsigned)sqlite3_column_int(st, COL_KIN),
		.mem = r.mem
	};
	v->n_serial = row_put_bytes(st, COL_SERIAL, v->serial,
	    sizeof(v->serial));
	return 0;
}

static int
find(struct db_conn *c, const struct revoked_order *o,
    struct revoked_others *out, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_REVOKE_KIN];
	int rc;

	if (sqlite3_bind_int64(st, 1, o->id) != SQLITE_OK ||
	    sqlite3_bind_int(st, 2, o->reason) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 3, o->when) != SQLITE_OK)
		return db_unbound(c, DB_STMT_REVOKE_KIN, e);
	while ((rc = db_row(c, DB_STMT_REVOKE_KIN, e)) == 1)
		if ((rc = add_row(st, out, e)) == -1)
			break;
	db_end(c, DB_STMT_REVOKE_KIN);
	return rc;
}

struct put {
	const struct revoked_order	*order;
	struct revoked_others		 others;
};

static int
take(struct db_conn *c, struct put *p, size_t *n, struct err *e)
{
	const struct revoked_order *o = p->order;
	struct revoked_other *r;
	size_t i;

	for (i = 0; i < p->others.n; i++) {
		r = &p->others.v[i];
		if ((r->kin & o->also) == 0)
			continue;
		if (revoked_change(c, r->id, o->reason, o->when, &r->taken,
		    e) == -1)
			return -1;
		*n += r->taken;
	}
	return 0;
}

static int
put_run(struct db *db, void *arg, struct err *e)
{
	struct put *p = arg;
	const struct revoked_order *o = p->order;
	bool changed = false;
	size_t n = 0;

	if (find(db->writer, o, &p->others, e) == -1 ||
	    revoked_change(db->writer, o->id, o->reason, o->when, &changed,
	    e) == -1 || take(db->writer, p, &n, e) == -1)
		return -1;
	/* Who orders it for others too has them all revoked, by whomever. */
	if (changed || n > 0 || (o->also != 0 && o->reason != REVOKED_RELEASE))
		return 0;
	err_set(e, o->reason == REVOKED_RELEASE ? ERR_NOT_ON_HOLD :
	    ERR_ALREADY_REVOKED, "row %lld", (long long)o->id);
	return -1;
}

int
revoked_put_also(struct db *db, const struct revoked_order *o,
    struct revoked_others *others, struct err *e)
{
	struct put p = { .order = o };
	struct db_op op = { .run = put_run, .arg = &p };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1) {
		revoked_others_clear(&p.others);
		return -1;
	}
	*others = p.others;
	return 0;
}
