/*
 * The schema's version: sql/NNN_name.sql, of which PRAGMA user_version tells
 * the last one applied.
 */
#include <stdio.h>

#include "store/store_int.h"

static int
latest(const struct db_migration *m)
{
	int n = 0;

	for (; m->sql != NULL; m++)
		n = m->number;
	return n;
}

static int
apply(struct db_conn *c, const struct db_migration *m, struct err *e)
{
	char sql[64];

	if (db_exec(c, m->sql, e) == -1) {
		err_prefix(e, "migration %03d_%s", m->number, m->name);
		return -1;
	}
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", m->number);
	return db_exec(c, sql, e);
}

int
db_migrate(struct db_conn *c, const struct db_migration *m, struct err *e)
{
	int64_t have;

	if (db_number(c, "PRAGMA user_version", &have, e) == -1)
		return -1;
	if (have >= latest(m))
		return 0;
	if (db_exec(c, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	for (; m->sql != NULL; m++) {
		if (m->number > have && apply(c, m, e) == -1)
			goto fail;
	}
	if (db_exec(c, "COMMIT", e) == 0)
		return 0;
fail:
	/* Some faults have rolled back already. */
	if (!sqlite3_get_autocommit(c->h))
		(void)db_exec(c, "ROLLBACK", e);
	return -1;
}

int
db_schema_check(struct db_conn *c, enum db_mode mode,
    const struct db_migration *m, struct err *e)
{
	int64_t id, have;

	if (db_number(c, "PRAGMA application_id", &id, e) == -1)
		return -1;
	if (id != DB_APPLICATION_ID) {
		db_foreign(e);
		return -1;
	}
	if (db_number(c, "PRAGMA user_version", &have, e) == -1)
		return -1;
	if (have > latest(m)) {
		err_set(e, ERR_STORE, "schema %lld is newer than this "
		    "program's (%d): use the scepd that wrote it, or a newer "
		    "one", (long long)have, latest(m));
		return -1;
	}
	if (have < latest(m) && mode != DB_WRITER) {
		err_set(e, ERR_STORE, "schema %lld is older than this "
		    "program's (%d): start scepd once to bring it up to date",
		    (long long)have, latest(m));
		return -1;
	}
	return 0;
}
