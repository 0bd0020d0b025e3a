/*
 * A scepd of the test's own: a folder with CA, configuration, database and log,
 * a free port. SCEPD and SCEPCTL name the programs. Whatever goes wrong fails
 * the test.
 */
#ifndef IT_SERVER_H
#define IT_SERVER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define SERVER_CHALLENGE	"Sesame-7F3C9A5B21D8E640"

struct sqlite3;

struct server {
	char		 dir[64];	/* ca/, scepd.conf, .db and .log */
	pid_t		 pid;
	int		 port;
	struct sqlite3	*db;		/* for looking, not for writing */
};

struct server_rows {
	int64_t		 txn;
	int64_t		 issued;
};

/* `settings` are lines of configuration to add, or "". */
/* replay: transaction.replay; 0 makes each message a request of its own. */
void	 server_start(struct server *, const char *settings, int replay);
/*
 * SIGTERM; it must end well, and its log must hold neither the challenge nor a
 * PEM armour.
 */
void	 server_stop(struct server *);

/* dir/name; lives until the next call. */
const char	*server_path(const struct server *, const char *name);
struct server_rows server_rows(const struct server *);
/* DER of the newest certificate in the ledger; to be freed. */
uint8_t	*server_newest(const struct server *, size_t *n);

/* The log's length, and what was written since, to be freed. */
size_t	 server_log_end(const struct server *);
char	*server_log_since(const struct server *, size_t end);
/* How many of the text's lines contain what; all if NULL. */
size_t	 server_lines(const char *text, const char *what);

#endif
