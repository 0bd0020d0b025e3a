/*
 * For the tests of store: a folder with one database, rows that differ by a
 * number, and SQL behind the store's back.
 */
#ifndef TESTS_STORE_FILE_H
#define TESTS_STORE_FILE_H

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/issued.h"
#include "store/store_int.h"
#include "store/txn.h"
#include "util/clock.h"
#include "util/file.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define DAY	86400

static char	 folder[512];
static char	 file[1024];

static inline const char *
in_folder(const char *name)
{
	static char	 path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline int
setup(void **state)
{
	const char	*tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/t_store.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/scepd.db", folder);
	return 0;
}

/* Tells how many files there are, and removes them. */
static inline int
empty_folder(bool remove_them)
{
	DIR		*d = opendir(folder);
	struct dirent	*entry;
	int		 n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (remove_them)
			assert_int_equal(remove(in_folder(entry->d_name)), 0);
		n++;
	}
	closedir(d);
	return n;
}

static inline int
teardown(void **state)
{
	(void)state;
	(void)empty_folder(true);
	return rmdir(folder);
}

/* The outcome of a call that must succeed. */
static inline void
good(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s: %s", err_slug(e->reason), e->text);
}

static inline void
bad(int rc, const struct err *e, enum err_reason reason, const char *text)
{
	if (rc != -1)
		fail_msg("accepted, no \"%s\"", text);
	if (e->reason != reason || strstr(e->text, text) == NULL)
		fail_msg("\n got: %s: %s\nwant: %s", err_slug(e->reason),
		    e->text, text);
}

static inline struct db *
open_db(void)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;

	good(db_open(file, &db, &e), &e);
	return db;
}

static inline struct db *
open_reader(void)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = NULL;

	good(db_open_reader(file, &db, &e), &e);
	return db;
}

/* SQL with a connection of its own; the first column of the last row. */
static inline int
raw_row(void *arg, int n, char **value, char **name)
{
	(void)name;
	if (n > 0 && value[0] != NULL)
		*(int64_t *)arg = strtoll(value[0], NULL, 10);
	return 0;
}

static inline int64_t
raw(const char *path, const char *sql)
{
	sqlite3	*h = NULL;
	char	*msg = NULL;
	int64_t	 n = -1;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	sqlite3_busy_timeout(h, DB_BUSY_MS);
	if (sqlite3_exec(h, sql, raw_row, &n, &msg) != SQLITE_OK)
		fail_msg("%s: %s", sql, msg);
	sqlite3_close(h);
	return n;
}

/* Serial number n, as 16 bytes. */
struct serial {
	uint8_t	 b[16];
};

static inline struct bytes
serial_of(struct serial *s, unsigned n)
{
	memset(s->b, 0x11, sizeof(s->b));
	s->b[14] = (uint8_t)(n >> 8);
	s->b[15] = (uint8_t)n;
	return bytes_make(s->b, sizeof(s->b));
}

/* Not between threads that race: what is foretold may be gone by then. */
static bool	 racing;

/* Reserves; what was foretold without writing must be what it says. */
static inline int
reserve_txn(struct db *db, const struct txn *t, struct txn_found *found,
    bool *fresh, struct err *e)
{
	struct err	 why = { .reason = ERR_NONE };
	struct txn_found told = { .id = 0, .state = TXN_NONE };
	int		 foretold = racing ? 0 : txn_rehearse(db, t, &told,
			    &why);
	int		 rc = txn_reserve(db, t, found, fresh, e);

	if (racing)
		return rc;
	if (foretold != rc || why.reason != e->reason ||
	    strcmp(why.text, e->text) != 0)
		fail_msg("foretold: %s %s; got: %s %s", err_slug(why.reason),
		    why.text, err_slug(e->reason), e->text);
	if (rc == 0 && *fresh != (told.state == TXN_NONE))
		fail_msg("foretold: %d; got: %d", (int)told.state,
		    (int)found->state);
	return rc;
}

static inline int
reserve(struct db *db, unsigned n, int64_t *id, struct err *e)
{
	struct serial	 s;
	struct txn	 t = {
		.endpoint = "default", .txid = "4711", .challenge = "lab",
		.peer = "192.0.2.1", .when = 1000, .serial = serial_of(&s, n),
	};

	static atomic_uint asked;
	unsigned	 mine = atomic_fetch_add(&asked, 1);
	struct txn_found found;
	bool		 fresh;

	memset(t.signer_hash, 0xa1, sizeof(t.signer_hash));
	memset(t.csr_hash, 0xb2, sizeof(t.csr_hash));
	/* Each is a request of its own. */
	memcpy(t.msg_hash, &mine, sizeof(mine));
	memcpy(t.csr_hash + 4, &mine, sizeof(mine));
	memcpy(t.csr_hash + 8, &(pid_t){ getpid() }, sizeof(pid_t));
	if (txn_reserve(db, &t, &found, &fresh, e) == -1)
		return -1;
	*id = found.id;
	return 0;
}

/* A row for transaction txn that expires n days after 1970. */
static inline struct issued
row_of(struct serial *s, int64_t txn, unsigned n)
{
	struct issued	 r = {
		.txn = txn, .der = bytes_str("certificate"),
		.serial = serial_of(s, n), .subject = "CN=a.example",
		.sans = "dns:a.example\ndns:b.example", .endpoint = "default",
		.profile = "client", .issuer = "local", .txid = "4711",
		.challenge = "lab", .peer = "192.0.2.1", .not_before = 1000,
		.not_after = (int64_t)n * DAY, .issued_at = 2000,
	};

	memset(r.issuer_hash, 0xc3, sizeof(r.issuer_hash));
	memset(r.key_hash, 0xd4, sizeof(r.key_hash));
	return r;
}

static inline int
add(struct db *db, const struct issued *r, struct err *e)
{
	struct issued_op	 op;

	issued_add_start(db, &op, r);
	return issued_add_wait(db, &op, e);
}

static inline void
enroll(struct db *db, unsigned n)
{
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 r;
	int64_t		 id = 0;

	good(reserve(db, n, &id, &e), &e);
	r = row_of(&s, id, n);
	good(add(db, &r, &e), &e);
}

static inline int64_t
count(struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db_conn	*c;
	int64_t		 n = -1;

	good(db_conn_take(db, &c, &e), &e);
	assert_int_equal(sqlite3_exec(c->h, "SELECT count(*) FROM issued",
	    raw_row, &n, NULL), SQLITE_OK);
	db_conn_give(db, c);
	return n;
}

#endif
