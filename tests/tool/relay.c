/*
 * relay: writes down what SCEP clients send.
 *
 *	relay PORT FOLDER [WORD...]
 *
 * Listens on a free port of 127.0.0.1, prints it, and passes all that comes to
 * PORT there and back. The octets of each request go to a file of their own in
 * FOLDER, numbered from 001. Lines of the answers that are one of the WORDs,
 * capabilities, are spoilt: a client does without them.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct relay {
	int		 port;
	const char	*folder;
	char		**words;	/* to spoil, up to a NULL */
	unsigned	 n;		/* requests so far */
	int		 file;		/* of the present one */
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in
local(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) }
	};
}

static int
listen_anywhere(void)
{
	struct sockaddr_in sin = local(0);
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd != -1 && bind(fd, (struct sockaddr *)&sin, n) == 0 &&
	    listen(fd, 64) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &n) == 0, "listen");
	(void)printf("%d\n", ntohs(sin.sin_port));
	(void)fflush(stdout);
	return fd;
}

static int
connect_to(int port)
{
	struct sockaddr_in sin = local(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd != -1 && connect(fd, (struct sockaddr *)&sin,
	    sizeof(sin)) == 0, "connect");
	return fd;
}

static void
next_file(struct relay *r)
{
	char path[512];

	if (r->file != -1)
		close(r->file);
	(void)snprintf(path, sizeof(path), "%s/%03u.http", r->folder, ++r->n);
	r->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(r->file != -1, path);
}

static void
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done)
		must((done = write(fd, p, n)) > 0, "write");
}

/* Small answers come in one piece. */
static void
spoil(char **words, char *p, size_t n)
{
	const char *end = p + n;
	char *eol;
	size_t len;

	for (; (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1) {
		len = (size_t)(eol - p);
		for (char **w = words; *w != NULL; w++)
			if (strlen(*w) == len && memcmp(p, *w, len) == 0)
				memset(p, '-', len);
	}
}

/* One connection, until either side ends it. A client that speaks after the
 * server did begins another request. */
static void
pass(struct relay *r, int client, int server)
{
	struct pollfd p[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	static char part[65536];
	bool answered = true;
	ssize_t n;

	for (;;) {
		must(poll(p, 2, -1) > 0, "poll");
		if (p[1].revents != 0) {
			if ((n = read(server, part, sizeof(part))) <= 0)
				return;
			spoil(r->words, part, (size_t)n);
			write_all(client, part, (size_t)n);
			answered = true;
		} else {
			if ((n = read(client, part, sizeof(part))) <= 0)
				return;
			if (answered)
				next_file(r);
			answered = false;
			write_all(r->file, part, (size_t)n);
			write_all(server, part, (size_t)n);
		}
	}
}

int
main(int argc, char **argv)
{
	struct relay r = { .file = -1 };
	int fd, client, server;

	if (argc < 3) {
		(void)fputs("usage: relay PORT FOLDER [WORD...]\n", stderr);
		return 1;
	}
	r.port = (int)strtol(argv[1], NULL, 10);
	r.folder = argv[2];
	r.words = argv + 3;
	(void)signal(SIGPIPE, SIG_IGN);
	fd = listen_anywhere();
	for (;;) {
		must((client = accept(fd, NULL, NULL)) != -1, "accept");
		server = connect_to(r.port);
		pass(&r, client, server);
		close(client);
		close(server);
	}
}
