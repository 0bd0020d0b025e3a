/*
 * The store: one SQLite file in WAL mode, synchronous=FULL, with every
 * transaction and every certificate.
 *
 * All writing is done by one thread that commits the work of many callers
 * together: an op is handed over with db_submit() and is durable when
 * db_wait() returns 0. An op that fails is rolled back alone (SAVEPOINT); when
 * the commit fails, all ops of that commit fail with ERR_STORE.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdint.h>

#include "util/err.h"

struct db;

/* Opens for the daemon, as the user it stays: creates the file (0600) if it is
 * missing, runs the migrations of sql/ in one transaction, starts the writer.
 * Refused: a file that is not ours (and it stays untouched), a schema newer
 * than the program, a store that another daemon has open (flock on PATH.lock).
 * When creating fails, no file is left. */
int	 db_open(const char *path, struct db **out, struct err *e);
/* What can be known without opening: its folder is there and writable. */
int	 db_check(const char *path, struct err *e);
/* Opens an existing store for reading only, without a writer. */
int	 db_open_reader(const char *path, struct db **out, struct err *e);
/*
 * Opens an existing store of the current schema for writing beside the daemon,
 * which need not run: a few small ops, for no longer than they take. Whoever is
 * neither root nor the file's owner is refused: SQLite's other files would be
 * theirs, and the daemon could not open them.
 */
int	 db_open_beside(const char *path, struct db **out, struct err *e);
/* Waits for submitted ops, checkpoints, stops the writer. NULL is fine. */
void	 db_close(struct db *);

/* One piece of writing; lives with the caller until db_wait() has returned. */
struct db_op {
	int	(*run)(struct db *, void *arg, struct err *e);
	void	*arg;
	/* the writer's */
	struct db_op	*next;
	int		 rc;
	bool		 done;
	struct err	 err;
};

void	 db_submit(struct db *, struct db_op *);
int	 db_wait(struct db *, struct db_op *, struct err *e);

#endif
