/*
 * The writer thread: takes everything queued, commits it together, wakes the
 * waiters. The queue is bounded by its callers: each waits for its op.
 */
#include <signal.h>

#include "store/store_int.h"

/*
 * Runs one op within its savepoint; -1 when the transaction is lost, not when
 * only the op failed.
 */
static int
op_run(struct db *db, struct db_op *op, struct err *e)
{
	struct db_conn *c = db->writer;

	if (db_step(c, DB_STMT_OP_BEGIN, e) == -1)
		return -1;
	op->rc = op->run(db, op->arg, &op->err);
	/* A full disk or an I/O error undoes more than the savepoint. */
	if (sqlite3_get_autocommit(c->h)) {
		err_set(e, ERR_STORE, "%s", op->err.text);
		return -1;
	}
	if (op->rc != 0 && db_step(c, DB_STMT_OP_UNDO, e) == -1)
		return -1;
	return db_step(c, DB_STMT_OP_END, e);
}

static int
file_is(struct db *db, const char *suffix, const struct db_file_id *want,
    struct err *e)
{
	struct db_file_id now;

	if (db_file_id(db->path, suffix, &now, e) == -1)
		return -1;
	if (now.dev == want->dev && now.ino == want->ino)
		return 0;
	err_set(e, ERR_STORE, "%s%s: replaced while in use: restart scepd",
	    db->path, suffix);
	return -1;
}

/* SQLite writes on into a file that was removed; such a commit would be
 * durable for nobody. */
static int
files_check(struct db *db, struct err *e)
{
	if (file_is(db, "", &db->main_id, e) == -1)
		return -1;
	return file_is(db, "-wal", &db->wal_id, e);
}

static int
batch_commit(struct db *db, struct db_op *ops, struct err *e)
{
	struct db_conn *c = db->writer;

	if (db_step(c, DB_STMT_BEGIN, e) == -1)
		return -1;
	for (struct db_op *op = ops; op != NULL; op = op->next) {
		if (op_run(db, op, e) == -1)
			goto fail;
	}
	if (files_check(db, e) == 0 && db_step(c, DB_STMT_COMMIT, e) == 0)
		return 0;
fail:
	if (!sqlite3_get_autocommit(c->h))
		(void)db_step(c, DB_STMT_ROLLBACK, e);
	return -1;
}

/* An op's own reason may rest on what was rolled back with it. */
static void
batch_fail(struct db_op *ops, const struct err *why)
{
	for (struct db_op *op = ops; op != NULL; op = op->next) {
		op->rc = -1;
		err_clear(&op->err);
		err_set(&op->err, ERR_STORE, "%s", why->text);
	}
}

/* Up to DB_BATCH_MAX ops from the head of the queue. */
static struct db_op *
queue_take(struct db *db)
{
	struct db_op *first = db->head, *last = first;

	for (int n = 1; n < DB_BATCH_MAX && last->next != NULL; n++)
		last = last->next;
	db->head = last->next;
	if (db->head == NULL)
		db->tail = &db->head;
	last->next = NULL;
	return first;
}

/* Once done is told, the op belongs to its waiter again. */
static void
batch_tell(struct db *db, struct db_op *ops)
{
	struct db_op *op, *next;

	pthread_mutex_lock(&db->mtx);
	for (op = ops; op != NULL; op = next) {
		next = op->next;
		op->done = true;
	}
	pthread_cond_broadcast(&db->done);
	pthread_mutex_unlock(&db->mtx);
}

static void *
writer_main(void *arg)
{
	struct db *db = arg;
	struct db_op *ops;
	struct err e;

	for (;;) {
		pthread_mutex_lock(&db->mtx);
		while (db->head == NULL && !db->stop)
			pthread_cond_wait(&db->work, &db->mtx);
		ops = db->head == NULL ? NULL : queue_take(db);
		pthread_mutex_unlock(&db->mtx);
		if (ops == NULL)
			return NULL;
		err_clear(&e);
		if (batch_commit(db, ops, &e) == -1)
			batch_fail(ops, &e);
		batch_tell(db, ops);
	}
}

int
db_writer_start(struct db *db, struct err *e)
{
	sigset_t all, old;
	int rc;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&db->thread, NULL, writer_main, db);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		err_set(e, ERR_STORE, "writer thread: %s", strerror(rc));
		return -1;
	}
	db->started = true;
	return 0;
}

void
db_writer_stop(struct db *db)
{
	if (!db->started)
		return;
	pthread_mutex_lock(&db->mtx);
	db->stop = true;
	pthread_cond_signal(&db->work);
	pthread_mutex_unlock(&db->mtx);
	pthread_join(db->thread, NULL);
	db->started = false;
}

void
db_submit(struct db *db, struct db_op *op)
{
	op->next = NULL;
	op->rc = 0;
	op->done = false;
	err_clear(&op->err);
	if (!db->started) {
		op->rc = -1;
		op->done = true;
		err_set(&op->err, ERR_STORE, "open for reading only");
		return;
	}
	pthread_mutex_lock(&db->mtx);
	*db->tail = op;
	db->tail = &op->next;
	pthread_cond_signal(&db->work);
	pthread_mutex_unlock(&db->mtx);
}

int
db_wait(struct db *db, struct db_op *op, struct err *e)
{
	pthread_mutex_lock(&db->mtx);
	while (!op->done)
		pthread_cond_wait(&db->done, &db->mtx);
	pthread_mutex_unlock(&db->mtx);
	if (op->rc == 0)
		return 0;
	err_set(e, op->err.reason, "%s", op->err.text);
	return -1;
}
