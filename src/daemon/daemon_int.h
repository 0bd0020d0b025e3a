/*
 * What the files of daemon share among themselves.
 */
#ifndef DAEMON_INT_H
#define DAEMON_INT_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stdint.h>

#include "util/err.h"

/* ---- notify.c: telling systemd how we are (sd_notify(3)) ---- */

struct notify {
	int			 fd;	/* -1: nobody wants to know */
	struct sockaddr_un	 to;
	socklen_t		 len;
};

/* path: $NOTIFY_SOCKET, or NULL. ERR_ARGUMENT if it is no such address. */
int	 notify_open(struct notify *, const char *path, struct err *e);
/* "READY=1", …; what cannot be sent is lost. */
void	 notify_send(const struct notify *, const char *text);
void	 notify_reloading(const struct notify *, int64_t mono_us);
void	 notify_close(struct notify *);

/* ---- priv.c: what the process may do, and what others may do to it ---- */

/*
 * Nobody may read its memory (no core dump, no ptrace by its own user) or
 * its new files. The first is undone by a change of user: call it again.
 */
void	 priv_harden(void);
/* Lets it open n files at least, if its hard limit allows. */
int	 priv_want_files(int64_t n);
/*
 * Becomes the user, for good, with the user's groups. Nothing to do unless
 * root; "" and users that are root themselves change nothing. ERR_PRIVILEGE.
 */
int	 priv_drop(const char *user, struct err *e);

/* ---- run.c ---- */

/* Serves until it is told to stop. An error is one of starting. */
int	 daemon_run(const char *file, const char *version, struct err *e);
/* Everything a start would check, apart from the listening address. */
int	 daemon_check(const char *file, struct err *e);

#endif
