/*
 * Listening on a Unix socket: its mode is right from the first moment, and what
 * an earlier server left behind does not hinder.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "http/http_int.h"
#include "util/file.h"
#include "util/log.h"

int
unix_check(const char *path, struct err *e)
{
	if (strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return 0;
	err_set(e, ERR_LISTEN, "%s: too long for the path of a socket; choose "
	    "a shorter one", path);
	return -1;
}

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path, path, strlen(path) + 1);
	return sun;
}

static int
check_kind(const char *path, const struct stat *st, struct err *e)
{
	if (S_ISSOCK(st->st_mode))
		return 0;
	err_set(e, ERR_LISTEN, "%s: exists and is no socket; remove it or "
	    "choose another path", path);
	return -1;
}

/* Right in /run a unit makes it (RuntimeDirectory=) when it starts. */
static bool
is_made_later(const char *path)
{
	const char	*slash = strrchr(path, '/');
	struct sockaddr_un sun = address(path);

	sun.sun_path[slash - path] = '\0';
	return strncmp(sun.sun_path, "/run/", strlen("/run/")) == 0 &&
	    strchr(sun.sun_path + strlen("/run/"), '/') == NULL &&
	    access(sun.sun_path, F_OK) == -1 && errno == ENOENT;
}

int
unix_try(const char *path, struct err *e)
{
	struct err	 why = { .reason = ERR_NONE };
	struct stat	 st;

	if (unix_check(path, e) == -1)
		return -1;
	if (lstat(path, &st) == 0)
		return check_kind(path, &st, e);
	if (is_made_later(path)) {
		log_msg(LOG_L_WARN, "no_folder", "%s: its folder is not there "
		    "yet; the unit must make it (RuntimeDirectory=)", path);
		return 0;
	}
	if (file_check_folder(path, &why) == 0)
		return 0;
	err_set(e, ERR_LISTEN, "%s", why.text);
	return -1;
}

static bool
is_served(const struct sockaddr_un *sun)
{
	int	 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	bool	 served;

	if (fd == -1)
		return true;
	served = connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)) == 0 || errno != ECONNREFUSED;
	close(fd);
	return served;
}

/* Makes room for a socket. */
static int
clear(const struct sockaddr_un *sun, struct err *e)
{
	struct stat	 st;

	if (lstat(sun->sun_path, &st) == -1)
		return 0;	/* bind() finds out why, if it matters */
	if (check_kind(sun->sun_path, &st, e) == -1)
		return -1;
	if (is_served(sun)) {
		err_set(e, ERR_LISTEN, "%s: the socket is in use; stop the "
		    "other server or choose another path", sun->sun_path);
		return -1;
	}
	if (unlink(sun->sun_path) == -1) {
		err_set(e, ERR_LISTEN, "%s: an earlier server left it, and it "
		    "cannot be removed: %s", sun->sun_path, strerror(errno));
		return -1;
	}
	return 0;
}

int
unix_listen(const char *path, int *out, struct err *e)
{
	struct sockaddr_un	 sun;
	int			 fd;

	if (unix_check(path, e) == -1)
		return -1;
	sun = address(path);
	if (clear(&sun, e) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* On Linux bind() gives the file the mode that the socket has. */
	if (fd == -1 || fchmod(fd, S_IRUSR | S_IWUSR) == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		err_set(e, ERR_LISTEN, "%s: %s; its folder must exist and "
		    "belong to the server's user", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	*out = fd;
	return 0;
}
