/*
 * Challenges made at run time: finding, adding and removing them. Their uses are
 * in uses.c; those with names that begin alike, in alike.c.
 */
#include <stdlib.h>
#include <string.h>

#include "store/challenge.h"
#include "store/store_int.h"

/* Columns of STMT_CHALLENGE */
enum col {
	COL_ID, COL_NAME, COL_HASH, COL_ENDPOINTS, COL_PROFILE, COL_SUBJECT,
	COL_SAN, COL_KEY_TYPES, COL_FACTS, COL_USES, COL_NOT_BEFORE,
	COL_EXPIRES, COL_CREATED, COL_CREATED_BY, COL_DISABLED, COL_MAC,
	COL_MAC_KEY
};

void
challenge_clear(struct challenge *c)
{
	free(c->mem);
	memset(c, 0, sizeof(*c));
}

/* ---- reading ---- */

static int
row_copy(sqlite3_stmt *st, struct challenge *out, struct err *e)
{
	struct row r;

	if (row_begin(&r, st, "challenge", e) == -1)
		return -1;
	*out = (struct challenge){
		.id = sqlite3_column_int64(st, COL_ID),
		.name = row_text(&r, COL_NAME),
		.hash = row_text(&r, COL_HASH),
		.endpoints = row_text(&r, COL_ENDPOINTS),
		.profile = row_text(&r, COL_PROFILE),
		.subject = row_text(&r, COL_SUBJECT),
		.san = row_text(&r, COL_SAN),
		.key_types = row_text(&r, COL_KEY_TYPES),
		.facts = row_text(&r, COL_FACTS),
		.uses = sqlite3_column_int64(st, COL_USES),
		.not_before = sqlite3_column_int64(st, COL_NOT_BEFORE),
		.expires = sqlite3_column_int64(st, COL_EXPIRES),
		.created = sqlite3_column_int64(st, COL_CREATED),
		.created_by = row_text(&r, COL_CREATED_BY),
		.disabled = sqlite3_column_type(st, COL_DISABLED) !=
		    SQLITE_NULL,
		.disabled_at = sqlite3_column_int64(st, COL_DISABLED),
		.mem = r.mem
	};
	return 0;
}

/* The row that a bound statement finds; ends it. */
static int
row_read(struct db_conn *c, enum db_stmt id, struct challenge *out,
    bool *found, struct err *e)
{
	int rc = db_row(c, id, e);

	*found = false;
	if (rc == 1 && (rc = row_copy(c->stmt[id], out, e)) == 0)
		*found = true;
	db_end(c, id);
	return rc;
}

int
challenge_by_mac(struct db *db, const uint8_t mac[CHALLENGE_MAC],
    struct challenge *out, bool *found, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	if (db_bind_blob(c->stmt[DB_STMT_CHALLENGE_MAC], 1, bytes_make(mac,
	    CHALLENGE_MAC)) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_CHALLENGE_MAC, e);
	else
		rc = row_read(c, DB_STMT_CHALLENGE_MAC, out, found, e);
	db_conn_give(db, c);
	return rc;
}

int
challenge_hashed(struct db *db, const char *endpoint, int64_t id,
    struct challenge *out, bool *found, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_CHALLENGE_HASHED];
	if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK ||
	    db_bind_text(st, 2, endpoint) != SQLITE_OK)
		rc = db_unbound(c, DB_STMT_CHALLENGE_HASHED, e);
	else
		rc = row_read(c, DB_STMT_CHALLENGE_HASHED, out, found, e);
	db_conn_give(db, c);
	return rc;
}

/* The first behind a name. */
static int
read_next(struct db_conn *c, const char *name, struct challenge *out,
    bool *found, struct err *e)
{
	if (db_bind_text(c->stmt[DB_STMT_CHALLENGE_NEXT], 1, name) !=
	    SQLITE_OK)
		return db_unbound(c, DB_STMT_CHALLENGE_NEXT, e);
	return row_read(c, DB_STMT_CHALLENGE_NEXT, out, found, e);
}

int
challenge_each(struct db *db, int (*cb)(const struct challenge *, void *),
    void *arg, struct err *e)
{
	struct challenge row, last = { .name = NULL };
	struct db_conn *c;
	bool found;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	for (;;) {
		rc = read_next(c, last.name == NULL ? "" : last.name, &row,
		    &found, e);
		if (rc != 0 || !found)
			break;
		challenge_clear(&last);
		last = row;
		if ((rc = cb(&row, arg)) != 0)
			break;
	}
	challenge_clear(&last);
	db_conn_give(db, c);
	return rc;
}

/* ---- writing ---- */

struct adding {
	const struct challenge		*row;
	const struct challenge_mac	*mac;
};

static int
bind_row(sqlite3_stmt *st, const struct adding *a)
{
	const struct challenge *r = a->row;
	int rc = 0;

	rc |= db_bind_text(st, COL_NAME, r->name);
	rc |= db_bind_text(st, COL_HASH, r->hash);
	rc |= db_bind_text(st, COL_ENDPOINTS, r->endpoints);
	rc |= db_bind_text(st, COL_PROFILE, r->profile);
	rc |= db_bind_text(st, COL_SUBJECT, r->subject);
	rc |= db_bind_text(st, COL_SAN, r->san);
	rc |= db_bind_text(st, COL_KEY_TYPES, r->key_types);
	rc |= db_bind_text(st, COL_FACTS, r->facts);
	rc |= sqlite3_bind_int64(st, COL_USES, r->uses);
	rc |= sqlite3_bind_int64(st, COL_NOT_BEFORE, r->not_before);
	rc |= sqlite3_bind_int64(st, COL_EXPIRES, r->expires);
	rc |= sqlite3_bind_int64(st, COL_CREATED, r->created);
	rc |= db_bind_text(st, COL_CREATED_BY, r->created_by);
	if (a->mac->mac != NULL)
		rc |= db_bind_blob(st, COL_MAC, bytes_make(a->mac->mac,
		    CHALLENGE_MAC));
	rc |= db_bind_blob(st, COL_MAC_KEY, bytes_make(a->mac->key_name,
	    CHALLENGE_MAC));
	return rc == SQLITE_OK ? 0 : -1;
}

/* Each costs whoever guesses, and us, another stretch. */
static int
check_hashed(struct db_conn *c, struct err *e)
{
	sqlite3_stmt *st = c->stmt[DB_STMT_CHALLENGE_HASHED];
	struct challenge row;
	int64_t id = 0;
	bool found = true;
	int n;

	for (n = 0; found; n++) {
		if (sqlite3_bind_int64(st, 1, id) != SQLITE_OK)
			return db_unbound(c, DB_STMT_CHALLENGE_HASHED, e);
		if (row_read(c, DB_STMT_CHALLENGE_HASHED, &row, &found,
		    e) == -1)
			return -1;
		if (found) {
			id = row.id;
			challenge_clear(&row);
		}
	}
	if (n <= CHALLENGE_HASHED_MAX)
		return 0;
	err_set(e, ERR_ARGUMENT, "%d challenges with secrets of their own are "
	    "enough; remove one, or let the secret be drawn", n - 1);
	return -1;
}

static int
add_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	const struct adding *a = arg;

	if (a->mac->mac == NULL && check_hashed(c, e) == -1)
		return -1;
	if (bind_row(c->stmt[DB_STMT_CHALLENGE_ADD], a) == -1)
		return db_unbound(c, DB_STMT_CHALLENGE_ADD, e);
	if (db_step_one(c, DB_STMT_CHALLENGE_ADD, e) == 0)
		return 0;
	if (e->reason == ERR_STORE_CONFLICT) {
		err_clear(e);
		err_set(e, ERR_EXISTS, "there is a challenge named \"%s\" "
		    "already", a->row->name);
	}
	return -1;
}

int
challenge_add(struct db *db, const struct challenge *row,
    const struct challenge_mac *mac, struct err *e)
{
	struct adding a = { row, mac };
	struct db_op op = { .run = add_run, .arg = &a };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

struct change {
	enum db_stmt	 id;
	const char	*name;
	bool		 has_when;
	int64_t		 when;
	bool		 found;
};

static int
change_run(struct db *db, void *arg, struct err *e)
{
	struct db_conn *c = db->writer;
	struct change *ch = arg;
	sqlite3_stmt *st = c->stmt[ch->id];

	if (db_bind_text(st, 1, ch->name) != SQLITE_OK || (ch->has_when &&
	    sqlite3_bind_int64(st, 2, ch->when) != SQLITE_OK))
		return db_unbound(c, ch->id, e);
	if (db_step(c, ch->id, e) == -1)
		return -1;
	ch->found = sqlite3_changes(c->h) == 1;
	return 0;
}

static int
change(struct db *db, struct change *ch, bool *found, struct err *e)
{
	struct db_op op = { .run = change_run, .arg = ch };

	db_submit(db, &op);
	if (db_wait(db, &op, e) == -1)
		return -1;
	*found = ch->found;
	return 0;
}

int
challenge_disable(struct db *db, const char *name, bool disable,
    int64_t when, bool *found, struct err *e)
{
	struct change ch = {
		.id = DB_STMT_CHALLENGE_DISABLE, .name = name,
		.has_when = disable, .when = when
	};

	return change(db, &ch, found, e);
}

int
challenge_remove(struct db *db, const char *name, int64_t when, bool *found,
    struct err *e)
{
	struct change ch = {
		.id = DB_STMT_CHALLENGE_REMOVE, .name = name,
		.has_when = true, .when = when
	};

	return change(db, &ch, found, e);
}

int
challenge_lost(struct db *db, const uint8_t key_name[CHALLENGE_MAC],
    int64_t *n, struct err *e)
{
	struct db_conn *c;
	sqlite3_stmt *st;
	int rc;

	if (db_conn_take(db, &c, e) == -1)
		return -1;
	st = c->stmt[DB_STMT_CHALLENGE_LOST];
	if (db_bind_blob(st, 1, bytes_make(key_name, CHALLENGE_MAC)) !=
	    SQLITE_OK)
		rc = db_unbound(c, DB_STMT_CHALLENGE_LOST, e);
	else if ((rc = db_row(c, DB_STMT_CHALLENGE_LOST, e)) == 1)
		*n = sqlite3_column_int64(st, 0);
	db_end(c, DB_STMT_CHALLENGE_LOST);
	db_conn_give(db, c);
	return rc == 1 ? 0 : -1;
}
