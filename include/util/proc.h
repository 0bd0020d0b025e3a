/*
 * A child process with limits: what it reads, how much it may answer, how long
 * it may take. It runs in a session of its own, without a terminal; its whole
 * process group is killed when it ends, at the deadline, and when it is to stop
 * (looked at ten times a second). It inherits no
 * descriptor but its own three, default signals and only the environment given
 * here. Its standard error is cut at 1 KiB for the log. Callable from threads;
 * the calling process ignores SIGPIPE and reaps no children of others.
 */
#ifndef UTIL_PROC_H
#define UTIL_PROC_H

#include <stdatomic.h>

#include "util/buf.h"
#include "util/err.h"

struct proc {
	char *const	*argv;		/* argv[0]: absolute path */
	char *const	*envp;
	struct bytes	 input;		/* its standard input */
	int		 timeout_ms;	/* for the whole run */
	const atomic_bool *stop;	/* ends it early; NULL: never */
};

#define PROC_STDERR_MAX	1024

/* In place of the exit code, where it has none. */
#define PROC_CUT	(-1)		/* killed, at whatever it was */
#define PROC_NEVER	(-2)		/* it was not started */

/*
 * Runs it to its end. out gets its standard output (its max is the limit),
 * diag the beginning of its standard error, both on failure too, as far as they
 * were written by then; *status its exit code, or why it has none. ERR_CHILD
 * when it cannot start, is killed by a signal, answers too much or takes too
 * long. Output is read also when the child reads no input.
 */
int	 proc_run(const struct proc *, struct buf *out, struct buf *diag,
	    int *status, struct err *e);

#endif
