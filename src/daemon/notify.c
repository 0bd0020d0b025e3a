#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon_int.h"

int
notify_open(struct notify *n, const char *path, struct err *e)
{
	size_t	 len;
	int	 fd;

	*n = (struct notify){ .fd = -1 };
	if (path == NULL || path[0] == '\0')
		return 0;
	len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') ||
	    len >= sizeof(n->to.sun_path)) {
		err_set(e, ERR_ARGUMENT, "NOTIFY_SOCKET is not the path of a "
		    "socket; unset it");
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1) {
		err_set(e, ERR_ARGUMENT, "NOTIFY_SOCKET: %s", strerror(errno));
		return -1;
	}
	n->fd = fd;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len);
	/* unix(7): abstract names begin with NUL and end with their length. */
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

void
notify_send(const struct notify *n, const char *text)
{
	if (n->fd != -1)
		(void)sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->len);
}

void
notify_reloading(const struct notify *n, int64_t mono_us)
{
	char	 text[64];

	(void)snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64, mono_us);
	notify_send(n, text);
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		close(n->fd);
	n->fd = -1;
}
