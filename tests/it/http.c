#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "http.h"

#define HEAD_MAX	(64u * 1024)
#define BODY_MAX	(1024u * 1024)

/* All of 127.0.0.0/8 is ours. */
static int
come_from(int fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	const char *from = getenv("HTTP_FROM");

	if (from == NULL)
		return 0;
	return inet_pton(AF_INET, from, &sin.sin_addr) == 1 ?
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) : -1;
}

int
http_open(int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) }
	};
	struct timeval wait = { .tv_sec = HTTP_WAIT };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
	    sizeof(wait)) == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &wait, sizeof(wait)) == -1 || come_from(fd) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

size_t
http_send(int fd, struct bytes b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b.n && (n = send(fd, b.p + done, b.n - done,
	    MSG_NOSIGNAL)) > 0)
		done += (size_t)n;
	return done;
}

static const char *
find_field(const struct buf *head, const char *name)
{
	const char *line = buf_cstr(head);
	size_t n = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " ");
	}
	return NULL;
}

/* One byte at a time: what follows the head is left in the socket. */
static int
recv_head(int fd, struct buf *head)
{
	char c;

	while (head->n < 4 ||
	    memcmp(head->p + head->n - 4, "\r\n\r\n", 4) != 0)
		if (recv(fd, &c, 1, 0) != 1 || buf_putc(head, c) == -1)
			return -1;
	return 0;
}

static int
recv_body(int fd, size_t n, struct buf *body)
{
	char part[16384];
	ssize_t got;

	while (n > 0) {
		got = recv(fd, part, n < sizeof(part) ? n : sizeof(part), 0);
		if (got <= 0 || buf_put(body, part, (size_t)got) == -1)
			return -1;
		n -= (size_t)got;
	}
	return 0;
}

int
http_recv(int fd, struct http_answer *a)
{
	const char *length;

	a->status = 0;
	buf_init(&a->head, HEAD_MAX);
	buf_init(&a->body, BODY_MAX);
	do {
		buf_reset(&a->head);
		if (recv_head(fd, &a->head) == -1 ||
		    strncmp(buf_cstr(&a->head), "HTTP/1.", 7) != 0)
			return -1;
		a->status = (int)strtol(buf_cstr(&a->head) + 9, NULL, 10);
	} while (a->status == 100);
	if ((length = find_field(&a->head, "Content-Length")) == NULL)
		return -1;
	return recv_body(fd, strtoul(length, NULL, 10), &a->body);
}

void
http_answer_clear(struct http_answer *a)
{
	buf_wipe(&a->head);
	buf_wipe(&a->body);
}

bool
http_has(const struct http_answer *a, const char *field)
{
	const char *colon = strchr(field, ':'), *value;
	char name[64];
	size_t n;

	if (colon == NULL || (size_t)(colon - field) >= sizeof(name))
		return false;
	memcpy(name, field, (size_t)(colon - field));
	name[colon - field] = '\0';
	if ((value = find_field(&a->head, name)) == NULL)
		return false;
	colon++;
	colon += strspn(colon, " ");
	n = strlen(colon);
	return strncasecmp(value, colon, n) == 0 && value[n] == '\r';
}

bool
http_has_line(const struct http_answer *a, const char *line)
{
	const char *at = strstr(buf_cstr(&a->head), line);

	return at != NULL && at > buf_cstr(&a->head) && at[-1] == '\n' &&
	    at[strlen(line)] == '\r';
}

bool
http_ends(int fd)
{
	char part[16384];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		continue;
	/* A reset is an end too; only silence is none. */
	return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void
http_put_post(struct buf *out, const char *target, struct bytes body)
{
	if (buf_printf(out, "POST %s HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: application/x-pki-message\r\n"
	    "Content-Length: %zu\r\n\r\n", target, body.n) == -1 ||
	    buf_put(out, body.p, body.n) == -1)
		abort();
}

void
http_put_get(struct buf *out, const char *path, const char *message)
{
	if (buf_printf(out, "GET %s?operation=PKIOperation&message=", path) ==
	    -1 || buf_puts(out, message) == -1 ||
	    buf_puts(out, " HTTP/1.1\r\nHost: localhost\r\n\r\n") == -1)
		abort();
}

void
http_escape(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		if ((isalnum((unsigned char)*text) ? buf_putc(out, *text) :
		    buf_printf(out, "%%%02X", (unsigned char)*text)) == -1)
			abort();
}
