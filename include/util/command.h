/*
 * Programs of an operator's that scepd runs to have something decided or made:
 * a command line from the configuration, a message on standard input, facts in
 * the environment, an answer on standard output. See util/proc.h for what such
 * a child inherits and when it ends.
 */
#ifndef UTIL_COMMAND_H
#define UTIL_COMMAND_H

#include <stdatomic.h>

#include "util/buf.h"
#include "util/err.h"

struct command;

/*
 * Exit codes with a meaning. None but 0 is one that a mistake ends with: not an
 * exception of Python, Java or Node (1) or Rust (101), a shell's set -e, a
 * usage error (2, 64), an errno of Perl's, a code of curl, a signal (128 on).
 */
enum command_status {
	COMMAND_DONE = 0,
	COMMAND_REFUSE = 40,
	COMMAND_HOLD = 41,
};

/*
 * A copy of argv, which ends with NULL. ERR_FILE unless argv[0] is a program
 * that this process may run, ERR_FILE_MODE if strangers could change it.
 */
int	 command_new(char *const *argv, int timeout_ms, struct command **out,
	    struct err *e);
void	 command_free(struct command *);	/* NULL is fine */
const char	*command_name(const struct command *);	/* argv[0] */

struct command_env {
	const char	*name;
	const char	*value;		/* text, never a secret */
};

struct command_run {
	struct bytes			 input;
	const struct command_env	*env;	/* beside PATH */
	size_t				 n_env;
	struct bytes			 secret;	/* may be in the input */
	int				 max_ms;	/* 0: the command's own */
	const atomic_bool		*stop;	/* ends it early; NULL: never */
};

/*
 * Runs it to its end; as proc_run(), *status too, with the secret blanked out in diag where
 * it stands as it is. Callable from several threads at once.
 */
int	 command_run(const struct command *, const struct command_run *,
	    struct buf *out, struct buf *diag, int *status, struct err *e);
/* Puts one * wherever the secret stands in text, however long it is: stars as
 * many as its characters would tell how many it has. */
void	 command_blank(struct buf *text, struct bytes secret);

#endif
