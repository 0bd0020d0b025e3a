#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_int.h"

#define SPEC_MAX	128

/* "host:port" or "[host]:port" taken apart. */
static int
split_spec(char *spec, char **host, char **port, struct err *e)
{
	char	*colon = strrchr(spec, ':'), *end;

	if (colon == NULL)
		goto bad;
	*colon = '\0';
	if (colon[1] == '\0' || strspn(colon + 1, "0123456789") !=
	    strlen(colon + 1) || strlen(colon + 1) > 5)
		goto bad;
	*host = spec;
	if (spec[0] == '[') {
		end = colon - 1;
		if (*end != ']')
			goto bad;
		*end = '\0';
		*host = spec + 1;
	} else if (*spec == '\0' || strchr(spec, ':') != NULL) {
		goto bad;
	}
	*port = colon + 1;
	return 0;
bad:
	err_set(e, ERR_LISTEN, "not ADDRESS:PORT; write it as in "
	    "127.0.0.1:8080 or [::1]:8080");
	return -1;
}

static void
set_listen_err(struct err *e, const char *spec, int error)
{
	const char	*mend;

	switch (error) {
	case EADDRINUSE:
		mend = "the port is in use; stop the other server or choose "
		    "another port";
		break;
	case EACCES:
		mend = "ports below 1024 need root or CAP_NET_BIND_SERVICE; "
		    "start as root with `user` set, or choose another port";
		break;
	case EADDRNOTAVAIL:
		mend = "this machine does not have the address; correct it";
		break;
	default:
		mend = strerror(error);
		break;
	}
	err_set(e, ERR_LISTEN, "%s: %s", spec, mend);
}

/* Returns the bound socket, or -1 and errno. */
static int
open_socket(const struct addrinfo *ai)
{
	int	 fd, on = 1, off = 0, saved;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		goto fail;
	/* [::] is IPv4 too, whatever net.ipv6.bindv6only says. */
	if (ai->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1)
		goto fail;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
resolve(const char *spec, struct addrinfo **ai, struct err *e)
{
	struct addrinfo	 hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	char		 copy[SPEC_MAX + 1], *host, *port;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", spec) >= sizeof(copy)) {
		err_set(e, ERR_LISTEN, "the address is too long");
		return -1;
	}
	if (split_spec(copy, &host, &port, e) == -1)
		return -1;
	/* The library takes 70000 and means 4464. */
	if (strtol(port, NULL, 10) > 65535 ||
	    getaddrinfo(host, port, &hints, ai) != 0) {
		err_set(e, ERR_LISTEN, "%s: not a numeric address and a port "
		    "up to 65535; correct it", spec);
		return -1;
	}
	return 0;
}

int
http_listen_check(const char *spec, struct err *e)
{
	struct addrinfo	*ai;

	if (*spec == '/')
		return unix_check(spec, e);
	if (resolve(spec, &ai, e) == -1)
		return -1;
	freeaddrinfo(ai);
	return 0;
}

int
http_listen(const char *spec, int *fd, struct err *e)
{
	struct addrinfo	*ai;
	int		 s;

	if (*spec == '/')
		return unix_listen(spec, fd, e);
	if (resolve(spec, &ai, e) == -1)
		return -1;
	if ((s = open_socket(ai)) == -1 || listen(s, SOMAXCONN) == -1) {
		set_listen_err(e, spec, errno);
		if (s != -1)
			close(s);
		s = -1;
	}
	freeaddrinfo(ai);
	if (s == -1)
		return -1;
	*fd = s;
	return 0;
}

/* Port 0: the true one may be our own, while we run. */
static void
forget_port(struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		((struct sockaddr_in *)(void *)sa)->sin_port = 0;
	else
		((struct sockaddr_in6 *)(void *)sa)->sin6_port = 0;
}

int
http_listen_try(const char *spec, struct err *e)
{
	struct addrinfo	*ai;
	int		 s;

	if (*spec == '/')
		return unix_try(spec, e);
	if (resolve(spec, &ai, e) == -1)
		return -1;
	forget_port(ai->ai_addr);
	if ((s = open_socket(ai)) == -1)
		set_listen_err(e, spec, errno);
	freeaddrinfo(ai);
	if (s == -1)
		return -1;
	close(s);
	return 0;
}

void
http_listen_url(int fd, bool tls, char out[HTTP_URL_MAX])
{
	const char		*scheme = tls ? "https" : "http";
	union {
		struct sockaddr		 sa;
		struct sockaddr_storage	 ss;
		struct sockaddr_un	 sun;
	}			 at = { .sa = { .sa_family = AF_UNSPEC } };
	socklen_t		 len = sizeof(at);
	char			 host[INET6_ADDRSTRLEN + 1], port[8];

	out[0] = '\0';
	if (getsockname(fd, &at.sa, &len) == -1)
		return;
	if (at.sa.sa_family == AF_UNIX) {
		(void)snprintf(out, HTTP_URL_MAX, "unix:%s", at.sun.sun_path);
		return;
	}
	if (getnameinfo(&at.sa, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	(void)snprintf(out, HTTP_URL_MAX, at.sa.sa_family == AF_INET6 ?
	    "%s://[%s]:%s" : "%s://%s:%s", scheme, host, port);
}
