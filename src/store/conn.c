/*
 * One SQLite connection: its pragmas, its prepared statements, its errors.
 */
#include <stdlib.h>

#include "store/store_int.h"
#include "util/buf.h"

#define TEXT_(x)	#x
#define TEXT(x)		TEXT_(x)

/* The schema of a file is not trusted more than its content: no functions
 * with side effects in it, and corrupt pages are found when read. */
static const char common_sql[] =
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -" TEXT(DB_CACHE_KIB) ";";

static const char writer_sql[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = FAST;"	/* challenges of held requests */
    "PRAGMA journal_size_limit = " TEXT(DB_WAL_KEEP) ";";

enum who { W, R };

static const struct {
	enum who	 who;
	const char	*name;
	const char	*sql;
} stmts[DB_STMT_COUNT] = {
#define STMT(id, who, sql)	{ who, #id, sql },
#include "store/stmt.def"
#undef STMT
};

static int
is_conflict(int rc)
{
	return rc == SQLITE_CONSTRAINT_UNIQUE ||
	    rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
	    rc == SQLITE_CONSTRAINT_ROWID;
}

void
db_foreign(struct err *e)
{
	err_set(e, ERR_FILE, "not a database of scepd: set store.path to "
	    "another file, or move this one away");
}

void
db_fault(struct db_conn *c, const char *what, struct err *e)
{
	int rc = sqlite3_extended_errcode(c->h);
	int sys = sqlite3_system_errno(c->h);
	const char *msg = sqlite3_errmsg(c->h);

	if (rc == SQLITE_NOTADB)
		db_foreign(e);
	else if (is_conflict(rc))
		err_set(e, ERR_STORE_CONFLICT, "%s: %s", what, msg);
	else if (sys != 0 && ((rc & 0xff) == SQLITE_IOERR ||
	    (rc & 0xff) == SQLITE_CANTOPEN))
		err_set(e, ERR_STORE, "%s: %s (%s)", what, msg, strerror(sys));
	else
		err_set(e, ERR_STORE, "%s: %s", what, msg);
}

int
db_exec(struct db_conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->h, sql, NULL, NULL, NULL) != SQLITE_OK) {
		db_fault(c, "SQLite", e);
		return -1;
	}
	return 0;
}

int
db_number(struct db_conn *c, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(c->h, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = 0;
	} else
		db_fault(c, sql, e);
	sqlite3_finalize(st);
	return rc;
}

/* The name that tells SQLite to take the file as it is, without locks. */
static int
frozen_name(const char *path, struct buf *name)
{
	const unsigned char *p = (const unsigned char *)path;

	if (buf_puts(name, *path == '/' ? "file://" : "file:") == -1)
		return -1;
	for (; *p != '\0'; p++) {
		int rc = *p == '/' ? buf_putc(name, '/') :
		    buf_printf(name, "%%%02x", *p);

		if (rc == -1)
			return -1;
	}
	return buf_puts(name, "?immutable=1");
}

static int
handle_open(const char *path, enum db_mode mode, sqlite3 **out)
{
	struct buf name = BUF_INIT(16384);
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = SQLITE_NOMEM;

	if (mode == DB_WRITER)
		rc = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_READWRITE,
		    NULL);
	else if (mode == DB_READER)
		rc = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_READONLY,
		    NULL);
	else if (frozen_name(path, &name) == 0)
		rc = sqlite3_open_v2(buf_cstr(&name), out,
		    flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	buf_wipe(&name);
	return rc == SQLITE_OK ? 0 : -1;
}

int
db_conn_open(const char *path, enum db_mode mode, struct db_conn **out,
    struct err *e)
{
	struct db_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_set(e, ERR_MEMORY, "connection");
		return -1;
	}
	if (handle_open(path, mode, &c->h) == -1) {
		db_fault(c, "open", e);
		goto fail;
	}
	/* SQLite takes what it gets; we would notice at the first request. */
	if (mode == DB_WRITER && sqlite3_db_readonly(c->h, "main") == 1) {
		err_set(e, ERR_FILE, "cannot be written: give it to scepd's "
		    "user");
		goto fail;
	}
	if (sqlite3_busy_timeout(c->h, DB_BUSY_MS) != SQLITE_OK ||
	    sqlite3_db_config(c->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
	    SQLITE_OK) {
		db_fault(c, "settings", e);
		goto fail;
	}
	if (db_exec(c, common_sql, e) == -1 ||
	    (mode == DB_WRITER && db_exec(c, writer_sql, e) == -1))
		goto fail;
	*out = c;
	return 0;
fail:
	db_conn_close(c);
	return -1;
}

int
db_conn_prepare(struct db_conn *c, enum db_mode mode, struct err *e)
{
	for (int i = 0; i < DB_STMT_COUNT; i++) {
		if (stmts[i].who == W && mode != DB_WRITER)
			continue;
		if (sqlite3_prepare_v3(c->h, stmts[i].sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &c->stmt[i], NULL) !=
		    SQLITE_OK) {
			db_fault(c, stmts[i].name, e);
			return -1;
		}
	}
	return 0;
}

void
db_conn_close(struct db_conn *c)
{
	if (c == NULL)
		return;
	for (int i = 0; i < DB_STMT_COUNT; i++)
		sqlite3_finalize(c->stmt[i]);
	sqlite3_close(c->h);
	free(c);
}

int
db_row(struct db_conn *c, enum db_stmt id, struct err *e)
{
	int rc = sqlite3_step(c->stmt[id]);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	db_fault(c, stmts[id].name, e);
	return -1;
}

/* A statement at rest holds no read lock and no caller's memory. */
void
db_end(struct db_conn *c, enum db_stmt id)
{
	sqlite3_reset(c->stmt[id]);
	sqlite3_clear_bindings(c->stmt[id]);
}

int
db_unbound(struct db_conn *c, enum db_stmt id, struct err *e)
{
	db_fault(c, stmts[id].name, e);
	db_end(c, id);
	return -1;
}

int
db_step(struct db_conn *c, enum db_stmt id, struct err *e)
{
	int rc = db_row(c, id, e);

	db_end(c, id);
	return rc == 0 ? 0 : -1;
}

int
db_step_one(struct db_conn *c, enum db_stmt id, struct err *e)
{
	if (db_step(c, id, e) == -1)
		return -1;
	if (sqlite3_changes(c->h) != 1) {
		err_set(e, ERR_STORE, "%s: no such row in that state",
		    stmts[id].name);
		return -1;
	}
	return 0;
}

int
db_bind_text(sqlite3_stmt *st, int i, const char *s)
{
	return sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

int
db_bind_blob(sqlite3_stmt *st, int i, struct bytes b)
{
	return sqlite3_bind_blob64(st, i, b.p, b.n, SQLITE_STATIC);
}
