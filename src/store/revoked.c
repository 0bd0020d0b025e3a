#include "store/revoked.h"
#include "store/store_int.h"

struct put {
	int64_t	 id;
	int64_t	 when;
	int	 reason;
};

static int
bind_put(sqlite3_stmt *st, const struct put *p)
{
	int rc = sqlite3_bind_int64(st, 1, p->id);

	if (p->reason != REVOKED_RELEASE) {
		rc |= sqlite3_bind_int64(st, 2, p->when);
		rc |= sqlite3_bind_int(st, 3, p->reason);
	}
	return rc == SQLITE_OK ? 0 : -1;
}

int
revoked_change(struct db_conn *c, int64_t id, int reason, int64_t when,
    bool *changed, struct err *e)
{
	const struct put p = { .id = id, .when = when, .reason = reason };
	enum db_stmt st = reason == REVOKED_RELEASE ? DB_STMT_REVOKE_RELEASE :
	    DB_STMT_REVOKE;

	if (bind_put(c->stmt[st], &p) == -1)
		return db_unbound(c, st, e);
	if (db_step(c, st, e) == -1)
		return -1;
	*changed = sqlite3_changes(c->h) == 1;
	return 0;
}

int
revoked_superseded(struct db_conn *c, int64_t id, int64_t when, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_REVOKE_SUPERSEDED];

	if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 2, when) != SQLITE_OK)
		return db_unbound(c, DB_STMT_REVOKE_SUPERSEDED, e);
	return db_step(c, DB_STMT_REVOKE_SUPERSEDED, e);
}

int
revoked_put(struct db *db, int64_t id, int reason, int64_t when,
    struct err *e)
{
	const struct revoked_order o = { .id = id, .reason = reason,
	    .when = when };
	struct revoked_others others;

	if (revoked_put_also(db, &o, &others, e) == -1)
		return -1;
	revoked_others_clear(&others);
	return 0;
}

static struct bytes
column_bytes(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	return bytes_make(p, (size_t)sqlite3_column_bytes(st, i));
}

static int
each_row(struct db_conn *c, const uint8_t *issuer_hash, int64_t from,
    int (*cb)(const struct revoked *, void *), void *arg, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_REVOKED];
	struct revoked r;
	int rc;

	if (db_bind_blob(st, 1, bytes_make(issuer_hash, ISSUED_HASH)) !=
	    SQLITE_OK || sqlite3_bind_int64(st, 2, from) != SQLITE_OK)
		return db_unbound(c, DB_STMT_REVOKED, e);
	while ((rc = db_row(c, DB_STMT_REVOKED, e)) == 1) {
		r.serial = column_bytes(st, 0);
		r.when = sqlite3_column_int64(st, 1);
		r.reason = sqlite3_column_int(st, 2);
		if ((rc = cb(&r, arg)) != 0)
			break;
	}
	db_end(c, DB_STMT_REVOKED);
	return rc;
}

int
revoked_each(struct db *db, const uint8_t issuer_hash[ISSUED_HASH],
    int64_t from, int (*cb)(const struct revoked *, void *), void *arg,
    struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	rc = each_row(c, issuer_hash, from, cb, arg, e);
	db_conn_give(db, c);
	return rc;
}

/* The number that a statement finds by the issuer; 0 if it finds none. */
static int
issuer_number(struct db *db, enum db_stmt id, const uint8_t *issuer_hash,
    int64_t *out, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (db_bind_blob(c->stmt[id], 1, bytes_make(issuer_hash,
	    ISSUED_HASH)) != SQLITE_OK)
		rc = db_unbound(c, id, e);
	else if ((rc = db_row(c, id, e)) != -1)
		*out = rc == 0 ? 0 : sqlite3_column_int64(c->stmt[id], 0);
	db_end(c, id);
	db_conn_give(db, c);
	return rc == -1 ? -1 : 0;
}

int
revoked_changes(struct db *db, const uint8_t issuer_hash[ISSUED_HASH],
    int64_t *changes, struct err *e)
{
	return issuer_number(db, DB_STMT_REVOKED_CHANGES, issuer_hash,
	    changes, e);
}

int
revoked_crl_number(struct db *db, const uint8_t issuer_hash[ISSUED_HASH],
    int64_t *number, struct err *e)
{
	return issuer_number(db, DB_STMT_CRL_NUMBER, issuer_hash, number, e);
}

static int
read_crl(sqlite3_stmt *st, struct revoked_crl *crl, struct buf *der,
    struct err *e)
{
	struct bytes b = column_bytes(st, 5);

	if (buf_put(der, b.p, b.n) == -1) {
		err_set(e, ERR_MEMORY, "CRL of %zu bytes", b.n);
		return -1;
	}
	crl->number = sqlite3_column_int64(st, 0);
	crl->changes = sqlite3_column_int64(st, 1);
	crl->this_update = sqlite3_column_int64(st, 2);
	crl->next_update = sqlite3_column_int64(st, 3);
	crl->scheduled = sqlite3_column_int64(st, 4);
	return 0;
}

static int
bind_hashes(sqlite3_stmt *st, const struct revoked_crl *crl)
{
	int rc = db_bind_blob(st, 1, bytes_make(crl->issuer_hash,
	    ISSUED_HASH));

	return rc | db_bind_blob(st, 2, bytes_make(crl->key_hash,
	    ISSUED_HASH));
}

int
revoked_crl_get(struct db *db, struct revoked_crl *crl, struct buf *der,
    bool *found, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_CRL_GET];
	if (bind_hashes(st, crl) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_CRL_GET, e);
	else if ((rc = db_row(c, DB_STMT_CRL_GET, e)) != -1) {
		*found = rc == 1;
		if (rc == 1)
			rc = read_crl(st, crl, der, e);
	}
	db_end(c, DB_STMT_CRL_GET);
	db_conn_give(db, c);
	return rc;
}

struct put_crl {
	const struct revoked_crl	*crl;
	struct bytes			 der;
};

static int
put_crl_run(struct db *db, void *arg, struct err *e)
{
	const struct put_crl *p = arg;
	struct db_conn *c = db->writer;
	sqlite3_stmt *st = c->stmt[DB_STMT_CRL_PUT];
	int rc = bind_hashes(st, p->crl);

	rc |= sqlite3_bind_int64(st, 3, p->crl->number);
	rc |= sqlite3_bind_int64(st, 4, p->crl->changes);
	rc |= sqlite3_bind_int64(st, 5, p->crl->this_update);
	rc |= sqlite3_bind_int64(st, 6, p->crl->next_update);
	rc |= sqlite3_bind_int64(st, 7, p->crl->scheduled);
	rc |= db_bind_blob(st, 8, p->der);
	if (rc != SQLITE_OK)
		return db_unbound(c, DB_STMT_CRL_PUT, e);
	return db_step_one(c, DB_STMT_CRL_PUT, e);
}

int
revoked_crl_put(struct db *db, const struct revoked_crl *crl,
    struct bytes der, struct err *e)
{
	struct put_crl p = { .crl = crl, .der = der };
	struct db_op op = { .run = put_crl_run, .arg = &p };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}
