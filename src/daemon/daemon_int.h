/*
 * What the files of daemon share among themselves.
 */
#ifndef DAEMON_INT_H
#define DAEMON_INT_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stdint.h>

#include "conf/conf.h"
#include "http/server.h"
#include "service/service.h"
#include "site/site.h"
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
/*
 * Gives a file, as root, to the user ("": as it is), and opens it for reading
 * and writing to a group ("": to none). ERR_PRIVILEGE.
 */
int	 priv_share(const char *path, const char *user, const char *group,
	    struct err *e);

/* Whether priv_share() would find the group. ERR_PRIVILEGE. */
int	 priv_check_group(const char *group, struct err *e);

/* ---- listeners.c: where the server is reached ---- */

enum listener_id {
	LISTENER_PLAIN, LISTENER_TLS, LISTENER_ADMIN, LISTENER_COUNT
};

struct listeners {
	struct listener {
		int			 fd;	/* until http has it; or -1 */
		struct http_server	*http;	/* NULL: none */
		bool			 tls;
		char			 url[HTTP_URL_MAX];	/* or "" */
	}	 one[LISTENER_COUNT];
	char	 socket[HTTP_URL_MAX];	/* Unix socket to remove, or "" */
	int64_t	 told;			/* when, by listeners_tell() */
};

/* The certificates of the listeners; what is used is taken out. */
struct listener_tls {
	struct http_tls	*of[LISTENER_COUNT];
};

void	 listeners_init(struct listeners *);
/* What can be known from the configuration's words; and, for its check, from
 * the machine. */
int	 listeners_check(const struct conf *, struct err *e);
int	 listeners_try(const struct conf *, struct err *e);
/* Sockets, as root; the certificates, as the server's user; then both. */
int	 listeners_open(struct listeners *, const struct conf *, struct err *e);
int	 listener_tls_load(const struct conf *, struct listener_tls *out,
	    struct err *e);
/* Logs what clients will not like of them; the check does not take those that
 * have expired. */
void	 listener_tls_tell(const struct listener_tls *);
int	 listener_tls_check(const struct conf *, const struct listener_tls *,
	    struct err *e);
void	 listener_tls_put(struct listener_tls *);
int	 listeners_start(struct listeners *, const struct conf *,
	    struct listener_tls *, struct service *, struct err *e);
/* New connections are shown these. */
void	 listeners_reload(struct listeners *, const struct conf *,
	    struct listener_tls *);
/* Once a day: what listener_tls_tell() does, for those in use. */
void	 listeners_tell(struct listeners *, int64_t now);
/* Connections that may be open at once. */
int64_t	 listeners_files(const struct conf *);
/* As their namesakes of http/server.h, for all. */
void	 listeners_sweep(struct listeners *, int64_t now_us, int64_t limit_us);
void	 listeners_quiesce(struct listeners *);
int	 listeners_drain(struct listeners *, int timeout_ms);
void	 listeners_close(struct listeners *);

/* ---- run.c ---- */

/* Serves until it is told to stop. An error is one of starting. */
int	 daemon_run(const char *file, const char *version, struct err *e);
/* Everything a start would check, apart from what scepd(8) excepts. */
int	 daemon_check(const char *file, struct err *e);

#endif
