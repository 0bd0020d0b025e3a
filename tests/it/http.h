/*
 * A raw HTTP client for tests: what is sent are the caller's bytes. Sockets do
 * not wait longer than HTTP_WAIT for anything.
 */
#ifndef IT_HTTP_H
#define IT_HTTP_H

#include "util/buf.h"

#define HTTP_WAIT	60	/* seconds */

struct http_answer {
	int		 status;	/* 0: there was none */
	struct buf	 head;		/* status line and fields */
	struct buf	 body;
};

/* A connection to 127.0.0.1, or -1; from the address HTTP_FROM, if that is in the
 * environment. */
int	 http_open(int port);
/* How many bytes of it could be sent before the server closed. */
size_t	 http_send(int fd, struct bytes);
/* Reads one answer; -1: closed or silent before its end. To be cleared. */
int	 http_recv(int fd, struct http_answer *);
void	 http_answer_clear(struct http_answer *);
/* Has the field "Name: value", any case. */
bool	 http_has(const struct http_answer *, const char *field);
/* Has this line, byte for byte. */
bool	 http_has_line(const struct http_answer *, const char *line);
/* Waits for the end of the connection; false if it stays open. */
bool	 http_ends(int fd);

/* A POST with Content-Length, appended. */
void	 http_put_post(struct buf *, const char *target, struct bytes body);
/* A GET of PKIOperation with the message as it stands, appended. */
void	 http_put_get(struct buf *, const char *path, const char *message);
/* Appends text with everything but letters and digits as %XX. */
void	 http_escape(const char *text, struct buf *out);

#endif
