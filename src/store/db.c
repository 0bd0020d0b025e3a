/*
 * Opening and closing the store, and the pool of reading connections.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "store/store_int.h"

static struct db *
db_new(const char *path, struct err *e)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL || (db->path = strdup(path)) == NULL) {
		err_set(e, ERR_MEMORY, "store");
		free(db);
		return NULL;
	}
	db->lock = -1;
	db->read_mode = DB_READER;
	db->tail = &db->head;
	pthread_mutex_init(&db->mtx, NULL);
	pthread_cond_init(&db->work, NULL);
	pthread_cond_init(&db->done, NULL);
	return db;
}

static void
db_free(struct db *db)
{
	struct db_conn *c;

	while ((c = db->idle) != NULL) {
		db->idle = c->next;
		db_conn_close(c);
	}
	db_conn_close(db->writer);
	pthread_cond_destroy(&db->done);
	pthread_cond_destroy(&db->work);
	pthread_mutex_destroy(&db->mtx);
	free(db->path);
	free(db);
}

static int
file_present(const char *path, bool *out, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			err_set(e, ERR_FILE, "%s: not a file: correct "
			    "store.path", path);
			return -1;
		}
		*out = true;
		return 0;
	}
	if (errno != ENOENT) {
		err_set(e, ERR_FILE, "%s: %s", path, strerror(errno));
		return -1;
	}
	*out = false;
	return 0;
}

static int
conn_checked(const char *path, enum db_mode mode, struct db_conn **out,
    struct err *e)
{
	struct db_conn *c;

	if (db_conn_open(path, mode, &c, e) == -1)
		return -1;
	if (db_schema_check(c, mode, db_migrations, e) == -1) {
		db_conn_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

/*
 * Looks at the bare file: one that is not ours, or too new, is not to be
 * changed, not even by the recovery of its journal. Our application_id was
 * there before the first log.
 */
static int
probe(const char *path, struct err *e)
{
	struct db_conn *c;
	int rc;

	if (db_conn_open(path, DB_FROZEN, &c, e) == -1)
		return -1;
	rc = db_schema_check(c, DB_WRITER, db_migrations, e);
	db_conn_close(c);
	return rc;
}

static int
use_wal(struct db_conn *c, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool wal = false;

	if (sqlite3_prepare_v2(c->h, "PRAGMA journal_mode = WAL", -1, &st,
	    NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
		db_fault(c, "journal_mode", e);
	else {
		const char *s = (const char *)sqlite3_column_text(st, 0);

		wal = s != NULL && strcmp(s, "wal") == 0;
		if (!wal)
			err_set(e, ERR_STORE, "this file system cannot hold a "
			    "SQLite write-ahead log");
	}
	sqlite3_finalize(st);
	return wal ? 0 : -1;
}

/* Some faults SQLite tells only to who writes; the start is the time. */
static int
try_write(struct db_conn *c, struct err *e)
{
	if (db_step(c, DB_STMT_BEGIN, e) == -1)
		return -1;
	return db_step(c, DB_STMT_ROLLBACK, e);
}

static int
writer_open(struct db *db, struct err *e)
{
	struct db_conn *c;

	if (probe(db->path, e) == -1 ||
	    conn_checked(db->path, DB_WRITER, &c, e) == -1)
		return -1;
	if (use_wal(c, e) == -1 || db_migrate(c, db_migrations, e) == -1 ||
	    db_conn_prepare(c, DB_WRITER, e) == -1 || try_write(c, e) == -1) {
		db_conn_close(c);
		return -1;
	}
	db->writer = c;
	return 0;
}

/*
 * A busy daemon leaves the lock for moments only, between one commit and the
 * next: who looks as seldom as SQLite's own handler may never find it free.
 */
static int
look_again(void *arg, int looks)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)arg;
	(void)nanosleep(&ms, NULL);
	return looks < DB_LOOKS_MAX;
}

/* The schema must be as it is: migrations are the daemon's. */
static int
beside_open(struct db *db, struct err *e)
{
	struct db_conn *c;

	if (db_conn_open(db->path, DB_WRITER, &c, e) == -1)
		return -1;
	(void)sqlite3_busy_handler(c->h, look_again, NULL);
	if (db_schema_check(c, DB_READER, db_migrations, e) == -1 ||
	    db_conn_prepare(c, DB_WRITER, e) == -1 || try_write(c, e) == -1) {
		db_conn_close(c);
		return -1;
	}
	db->writer = c;
	return 0;
}

/* Everything but creating and the lock. */
static int
db_start(struct db *db, int (*open_writer)(struct db *, struct err *),
    struct err *e)
{
	if (open_writer(db, e) == -1) {
		err_prefix(e, "%s", db->path);
		return -1;
	}
	if (db_file_id(db->path, "", &db->main_id, e) == -1 ||
	    db_file_id(db->path, "-wal", &db->wal_id, e) == -1)
		return -1;
	return db_writer_start(db, e);
}

static void
db_finish(struct db *db, bool keep)
{
	char *path = db->path;
	int lock = db->lock;

	db->path = NULL;
	db_free(db);
	if (!keep)
		db_remove(path);
	db_unlock(path, lock);
	free(path);
}

int
db_open(const char *path, struct db **out, struct err *e)
{
	struct db *db = NULL;
	bool present, created = false;

	if ((db = db_new(path, e)) == NULL)
		return -1;
	if (db_folder_check(path, e) == -1 ||
	    db_lock(path, &db->lock, e) == -1 ||
	    file_present(path, &present, e) == -1)
		goto fail;
	if (!present) {
		if (db_create(path, e) == -1)
			goto fail;
		created = true;
	}
	if (db_start(db, writer_open, e) == -1)
		goto fail;
	*out = db;
	return 0;
fail:
	db_finish(db, !created);
	return -1;
}

static int
must_exist(const char *path, struct err *e)
{
	bool present;

	if (file_present(path, &present, e) == -1)
		return -1;
	if (present)
		return 0;
	err_set(e, ERR_FILE, "%s: no such file: correct store.path, or start "
	    "scepd once", path);
	return -1;
}

int
db_open_beside(const char *path, struct db **out, struct err *e)
{
	struct db *db = NULL;

	if (must_exist(path, e) == -1 || db_owner_check(path, e) == -1 ||
	    (db = db_new(path, e)) == NULL)
		return -1;
	if (db_start(db, beside_open, e) == -1) {
		db_free(db);
		return -1;
	}
	*out = db;
	return 0;
}

int
db_check(const char *path, struct err *e)
{
	return db_folder_check(path, e);
}

int
db_open_reader(const char *path, struct db **out, struct err *e)
{
	struct db *db = NULL;
	struct db_conn *c;

	if (must_exist(path, e) == -1 || (db = db_new(path, e)) == NULL)
		return -1;
	db->read_mode = db_mode_read(path);
	if (db_conn_take(db, &c, e) == -1) {
		db_free(db);
		return -1;
	}
	db_conn_give(db, c);
	*out = db;
	return 0;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_writer_stop(db);
	/* What a busy reader keeps in the log is durable there. */
	if (db->writer != NULL)
		(void)sqlite3_wal_checkpoint_v2(db->writer->h, NULL,
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	db_finish(db, true);
}

static int
reader_open(struct db *db, struct db_conn **out, struct err *e)
{
	struct db_conn *c;

	if (conn_checked(db->path, db->read_mode, &c, e) == -1) {
		err_prefix(e, "%s", db->path);
		return -1;
	}
	if (db_conn_prepare(c, db->read_mode, e) == -1) {
		err_prefix(e, "%s", db->path);
		db_conn_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

int
db_conn_take(struct db *db, struct db_conn **out, struct err *e)
{
	struct db_conn *c;

	pthread_mutex_lock(&db->mtx);
	if ((c = db->idle) != NULL) {
		db->idle = c->next;
		db->idle_n--;
	}
	pthread_mutex_unlock(&db->mtx);
	if (c != NULL) {
		*out = c;
		return 0;
	}
	return reader_open(db, out, e);
}

void
db_conn_give(struct db *db, struct db_conn *c)
{
	bool kept = false;

	pthread_mutex_lock(&db->mtx);
	if (db->idle_n < DB_IDLE_MAX) {
		c->next = db->idle;
		db->idle = c;
		db->idle_n++;
		kept = true;
	}
	pthread_mutex_unlock(&db->mtx);
	if (!kept)
		db_conn_close(c);
}
