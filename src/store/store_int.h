/*
 * What the modules of the store share: connections with their prepared
 * statements, the migrations, the file and its lock.
 *
 * A connection is used by one thread at a time: the writer's by the writer
 * thread alone (ops run there), a reading one by whoever took it from the pool.
 */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H

#include <sys/types.h>

#include <pthread.h>
#include <sqlite3.h>

#include "store/audit.h"
#include "store/db.h"
#include "store/issued.h"
#include "store/stray.h"
#include "store/txn.h"
#include "util/buf.h"
#include "util/bytes.h"

#define DB_APPLICATION_ID	0x73636570	/* "scep" */
#define DB_BATCH_MAX		256		/* ops in one commit */
#define DB_IDLE_MAX		4		/* reading connections kept */
#define DB_BUSY_MS		5000
#define DB_LOOKS_MAX		30000	/* for the lock, beside the daemon */
#define DB_CACHE_KIB		1024
#define DB_WAL_KEEP		4194304	/* bytes left after a checkpoint */

#define STMT_ISSUED							\
	"id, txn, serial, issuer_hash, key_hash, subject, sans,"	\
	" endpoint, profile, issuer, txid, challenge, peer,"		\
	" not_before, not_after, issued_at, revoked_at, revoke_reason,"	\
	" role, supersedes, migrates, der"
/* The same as it is read: rows are told by their serial numbers. */
#define STMT_LEDGER							\
	STMT_ISSUED ", (SELECT old.serial FROM issued old"		\
	" WHERE old.id = issued.supersedes),"				\
	" (SELECT new.serial FROM issued new"				\
	" WHERE new.supersedes = issued.id ORDER BY new.id DESC LIMIT 1)"

/* keyCompromise, cACompromise, aACompromise: as the index has it. */
#define STMT_COMPROMISED	"revoke_reason IN (1, 2, 10)"
/* So many are looked at; what so many came of renews no more. */
#define STMT_LATER_MAX		"10000"

#define STMT_WAITING							\
	"id, created, endpoint, txid, challenge, peer, csr, csr_hash,"	\
	" state = 'approved',"						\
	" (SELECT serial FROM issued WHERE issued.id = renews),"	\
	" (SELECT revoked_at FROM issued WHERE issued.id = renews),"	\
	" (SELECT not_after FROM issued WHERE issued.id = renews),"	\
	" coalesce((SELECT min(issued_at) FROM issued"			\
	" WHERE issued.supersedes = renews), (SELECT min(issued_at)"	\
	" FROM issued WHERE issued.migrates = txn.migrates)), migrates,"	\
	" challenge_id IS NULL, EXISTS (SELECT 1 FROM challenge c"	\
	" WHERE c.id = challenge_id AND (c.disabled_at IS NOT NULL"	\
	" OR c.removed_at IS NOT NULL)), despite, profile, asked, facts"

#define STMT_CHALLENGE							\
	"id, name, hash, endpoints, profile, subject, san, key_types,"	\
	" facts, uses, not_before, expires, created, created_by, disabled_at"

#define STMT_AUDIT							\
	"id, coalesce(txn, 0), at, endpoint, txid, outcome, reason, who,"	\
	" trail, coalesce(signer, 0)"

enum db_stmt {
#define STMT(id, who, sql)	DB_STMT_##id,
#include "store/stmt.def"
#undef STMT
	DB_STMT_COUNT
};

enum db_mode {
	DB_WRITER,
	DB_READER,
	DB_FROZEN	/* reading the file alone: no lock, no log */
};

struct db_conn {
	sqlite3		*h;
	sqlite3_stmt	*stmt[DB_STMT_COUNT];
	struct db_conn	*next;
};

struct db_file_id {
	dev_t	dev;
	ino_t	ino;
};

struct db {
	char			*path;
	enum db_mode		 read_mode;
	int			 lock;		/* descriptor, or -1 */
	struct db_conn		*writer;	/* NULL: reading only */
	struct db_file_id	 main_id;
	struct db_file_id	 wal_id;

	pthread_t		 thread;
	bool			 started;
	pthread_mutex_t		 mtx;		/* guards what follows */
	pthread_cond_t		 work;
	pthread_cond_t		 done;
	struct db_op		*head;
	struct db_op		**tail;
	bool			 stop;
	struct db_conn		*idle;
	unsigned		 idle_n;
};

/* conn.c: opening sets the pragmas; nothing is prepared yet. */
int	 db_conn_open(const char *path, enum db_mode, struct db_conn **out,
	    struct err *e);
int	 db_conn_prepare(struct db_conn *, enum db_mode, struct err *e);
void	 db_conn_close(struct db_conn *);
int	 db_exec(struct db_conn *, const char *sql, struct err *e);
int	 db_number(struct db_conn *, const char *sql, int64_t *out,
	    struct err *e);
/* The file is not ours: ERR_FILE. */
void	 db_foreign(struct err *e);
/* Records what SQLite says; a second unique value is ERR_STORE_CONFLICT. */
void	 db_fault(struct db_conn *, const char *what, struct err *e);
/* What is bound is borrowed until db_end(). */
int	 db_bind_text(sqlite3_stmt *, int, const char *);
int	 db_bind_blob(sqlite3_stmt *, int, struct bytes);
/* 1 for a row, 0 at the end, -1. */
int	 db_row(struct db_conn *, enum db_stmt, struct err *e);
void	 db_end(struct db_conn *, enum db_stmt);
/* Tells the fault of a statement that cannot be bound, and ends it; -1. */
int	 db_unbound(struct db_conn *, enum db_stmt, struct err *e);
/* Runs a statement without result to its end, and ends it. */
int	 db_step(struct db_conn *, enum db_stmt, struct err *e);
/* As db_step(), for one that must change exactly one row. */
int	 db_step_one(struct db_conn *, enum db_stmt, struct err *e);

/*
 * row.c: the columns of the row that a statement stands at, copied, so that no
 * read transaction is open while anybody looks at them. Text or blob, each is
 * copied once at most.
 */
struct row {
	sqlite3_stmt	*st;
	uint8_t		*mem;	/* all that is copied: the caller's to free() */
	uint8_t		*at;	/* where the next goes */
};
/* With room for all columns; fails for memory alone, to copy `what`. */
int	 row_begin(struct row *, sqlite3_stmt *, const char *what,
	    struct err *e);
char	*row_text(struct row *, int);		/* NULL is NULL */
struct bytes row_blob(struct row *, int);	/* n == 0: NULL, or empty */
/* Into what the caller has, with a NUL; NULL is "". -1: it is cut, being too
 * long. */
int	 row_put_text(sqlite3_stmt *, int, char *out, size_t size);
/* As many bytes as fit; returns how many. */
size_t	 row_put_bytes(sqlite3_stmt *, int, uint8_t *out, size_t size);
/* As buf_put(). */
int	 row_put_buf(sqlite3_stmt *, int, struct buf *);

/* txn.c: the column state; and as an op sees it. */
enum txn_state	 txn_state_named(const unsigned char *);
int	 txn_state_now(struct db_conn *, int64_t id, enum txn_state *,
	    struct err *e);

/* txn.c, claim.c, stray.c: what ends a transaction, together in one op. */
int	 txn_fail(struct db_conn *, int64_t id, enum err_reason, int64_t when,
	    const struct audit *, struct err *e);
int	 waiting_back(struct db_conn *, int64_t id, struct err *e);
int	 stray_put(struct db_conn *, const struct stray *, struct err *e);

/* uses.c: in the writer, ERR_CHALLENGE_ unless there is a use left. */
int	 challenge_reserve(struct db_conn *, const struct txn *,
	    struct err *e);

/* audit.c: called by the op that adds or changes the transaction. NULL adds
 * nothing. */
int	 audit_add(struct db_conn *, const struct audit *, int64_t txn,
	    struct err *e);
int	 audit_decided(struct db_conn *, int64_t txn, int64_t when,
	    const char *outcome, const char *who, struct err *e);

/* handed.c: makes possible strays, and rows of the audit trail, of what a crash
 * left handed over. Called by the op that ends it. */
int	 handed_recover(struct db_conn *, int64_t when, struct err *e);

/* waiting.c: is there room for it? Called by an op that adds it. */
int	 waiting_room(struct db_conn *, const struct txn *, struct err *e);

/* limits.c: of subject and key. Called by an op that adds it. */
int	 limits_check(struct db_conn *, const struct txn *, struct err *e);

/* stops.c: does what it renews, or a revocation, stop it? Looked up before, and
 * perhaps changed since: called by the op that adds it, and again by the one
 * that adds its certificate. */
int	 stops_check(struct db_conn *, const struct txn *, struct err *e);
int	 stops_check_again(struct db_conn *, const struct issued *,
	    struct err *e);

/* revoked.c: what revoked_put() does; *changed: it could be done. */
int	 revoked_change(struct db_conn *, int64_t id, int reason, int64_t when,
	    bool *changed, struct err *e);

/* revoked.c: revokes a row that another took the place of, unless it is
 * revoked or on hold already. Called by the op that adds the other. */
int	 revoked_superseded(struct db_conn *, int64_t id, int64_t when,
	    struct err *e);

/* migrate.c */
struct db_migration {
	int		 number;	/* from 1, without a gap; 0 ends */
	const char	*name;
	const char	*sql;
};
extern const struct db_migration db_migrations[];

/* Applies what user_version does not have yet, all or nothing. */
int	 db_migrate(struct db_conn *, const struct db_migration *,
	    struct err *e);
/* Refuses what is not ours, what is newer, and for reading what is older. */
int	 db_schema_check(struct db_conn *, enum db_mode,
	    const struct db_migration *, struct err *e);

/* dbfile.c */
char	*db_path(const char *path, const char *suffix, struct err *e);
int	 db_folder_check(const char *path, struct err *e);
/* Root may write: SQLite gives the files that it makes to the file's owner. */
int	 db_owner_check(const char *path, struct err *e);
/* One daemon a database; the descriptor holds the lock until db_unlock(). */
int	 db_lock(const char *path, int *fd, struct err *e);
void	 db_unlock(const char *path, int fd);
/* Makes a whole database or no file. */
int	 db_create(const char *path, struct err *e);
void	 db_remove(const char *path);
int	 db_file_id(const char *path, const char *suffix,
	    struct db_file_id *out, struct err *e);
/* How a program without the daemon's rights can read it. */
enum db_mode db_mode_read(const char *path);

/* writer.c */
int	 db_writer_start(struct db *, struct err *e);
void	 db_writer_stop(struct db *);

/* db.c: a reading connection for this thread, from the pool. */
int	 db_conn_take(struct db *, struct db_conn **out, struct err *e);
void	 db_conn_give(struct db *, struct db_conn *);

#endif
