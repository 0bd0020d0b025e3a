#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http_fake.h"

struct service {
	pthread_mutex_t	 lock;
	pthread_cond_t	 changed;
	struct exchange	*later;		/* for the thread */
	struct exchange	*held;
	unsigned	 n_held;
	bool		 stop;
	pthread_t	 thread;
	enum err_reason	 refused;
	unsigned	 n_refused;
};

static void
fill(struct exchange *x)
{
	x->status = 200;
	x->type = "text/plain";
	if (buf_printf(&x->reply, "%s %s %s %zu %s",
	    x->method == SERVICE_GET ? "GET" : "POST", x->path,
	    x->query == NULL ? "(none)" : x->query, x->body.n,
	    x->peer) == -1)
		abort();
}

static void *
run(void *arg)
{
	struct service	*s = arg;
	struct exchange	*x;

	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->later == NULL && !s->stop)
			(void)pthread_cond_wait(&s->changed, &s->lock);
		if ((x = s->later) == NULL)
			break;
		s->later = x->next;
		(void)pthread_mutex_unlock(&s->lock);
		fill(x);
		x->done(x, x->arg);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct service *
fake_open(void)
{
	struct service	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    pthread_mutex_init(&s->lock, NULL) != 0 ||
	    pthread_cond_init(&s->changed, NULL) != 0 ||
	    pthread_create(&s->thread, NULL, run, s) != 0)
		abort();
	return s;
}

void
fake_close(struct service *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->changed);
	free(s);
}

void
fake_wait_held(struct service *s, unsigned n)
{
	(void)pthread_mutex_lock(&s->lock);
	while (s->n_held < n)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

void
fake_release(struct service *s)
{
	struct exchange	*x;

	(void)pthread_mutex_lock(&s->lock);
	while ((x = s->held) != NULL) {
		s->held = x->next;
		x->next = s->later;
		s->later = x;
	}
	s->n_held = 0;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

enum err_reason
fake_refused(struct service *s)
{
	enum err_reason	 r;

	(void)pthread_mutex_lock(&s->lock);
	r = s->refused;
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

unsigned
fake_n_refused(struct service *s)
{
	unsigned	 n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->n_refused;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

/* ---- service/service.h ---- */

void
exchange_init(struct exchange *x, struct service *s)
{
	(void)s;
	*x = (struct exchange){ .status = 0 };
	buf_init(&x->body, FAKE_MAX_BODY);
	buf_init(&x->reply, 128 * 1024);
}

void
exchange_clear(struct exchange *x)
{
	buf_wipe(&x->body);
	buf_wipe(&x->reply);
}

size_t
exchange_max_body(const struct exchange *x)
{
	(void)x;
	return FAKE_MAX_BODY;
}

static void *
answer_fast(void *arg)
{
	struct exchange	*x = arg;

	fill(x);
	x->done(x, x->arg);
	return NULL;
}

enum service_when
service_begin(struct service *s, struct exchange *x)
{
	pthread_t	 t;

	if (strcmp(x->path, "/busy") == 0) {
		x->status = 503;
		x->retry_after = 5;
		x->no_store = true;
		return SERVICE_NOW;
	}
	if (strcmp(x->path, "/lent") == 0) {
		x->status = x->if_none_match != NULL &&
		    strcmp(x->if_none_match, "\"tag\"") == 0 ? 304 : 200;
		if (x->if_modified_since != NULL)
			x->status = 304;
		x->type = x->status == 200 ? "application/x-lent" : NULL;
		if (x->status == 200)
			x->lent = bytes_str("lent bytes");
		x->etag = "\"tag\"";
		x->modified = 1;
		x->expires = INT64_C(1800000000);
		x->max_age = 77;
		return SERVICE_NOW;
	}
	if (strcmp(x->path, "/fast") == 0) {
		if (pthread_create(&t, NULL, answer_fast, x) != 0)
			abort();
		(void)pthread_join(t, NULL);
		return SERVICE_LATER;
	}
	if (strcmp(x->path, "/later") != 0 && strcmp(x->path, "/hold") != 0) {
		fill(x);
		return SERVICE_NOW;
	}
	(void)pthread_mutex_lock(&s->lock);
	if (x->path[1] == 'h') {
		x->next = s->held;
		s->held = x;
		s->n_held++;
	} else {
		x->next = s->later;
		s->later = x;
	}
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	return SERVICE_LATER;
}

void
service_refuse(struct service *s, struct exchange *x, const struct err *e)
{
	(void)pthread_mutex_lock(&s->lock);
	s->refused = e->reason;
	s->n_refused++;
	(void)pthread_mutex_unlock(&s->lock);
	x->status = err_http(e->reason);
	x->type = "text/plain";
	if (buf_printf(&x->reply, "%s\n", err_what(e->reason)) == -1)
		abort();
}

/* ---- server ---- */

void
fake_http_start(struct fake_http *f, const char *spec, int max_per_address)
{
	struct conf	 c = {
		.max_url = FAKE_MAX_URL,
		.max_connections = 500,
		.max_per_address = max_per_address,
		.idle_timeout = 60,
	};
	struct http_setup setup = { .conf = &c };
	struct err	 e = { .reason = ERR_NONE };
	int		 fd;

	if (http_listen(spec, &fd, &e) == -1)
		abort();
	http_listen_url(fd, false, f->url);
	f->service = fake_open();
	if (http_start(fd, &setup, f->service, &f->server, &e) == -1)
		abort();
}

void
fake_http_stop(struct fake_http *f)
{
	http_stop(f->server);
	fake_close(f->service);
}

int
fake_setup(void **state)
{
	struct fake_http	*f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	fake_http_start(f, "127.0.0.1:0", 400);
	*state = f;
	return 0;
}

int
fake_teardown(void **state)
{
	fake_http_stop(*state);
	free(*state);
	return 0;
}

/* ---- client ---- */

int
client_open(const char *url)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	struct timeval		 tv = { .tv_sec = 20 };
	int			 fd;

	sin.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL,
	    10));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		abort();
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The server may hang up on us: that is for client_read() to find. */
void
client_send(int fd, const void *p, size_t n)
{
	const char	*at = p;
	ssize_t		 r;

	while (n > 0 && (r = send(fd, at, n, MSG_NOSIGNAL)) > 0) {
		at += r;
		n -= (size_t)r;
	}
}

void
client_puts(int fd, const char *s)
{
	client_send(fd, s, strlen(s));
}

static int
read_line(int fd, char *line, size_t size)
{
	size_t	 n = 0;
	char	 c;

	for (;;) {
		if (recv(fd, &c, 1, 0) != 1)
			return -1;
		if (c == '\n')
			break;
		if (c != '\r' && n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *
client_header(const struct http_answer *a, const char *name)
{
	size_t	 n = strlen(name);

	for (size_t i = 0; i < a->n_headers; i++)
		if (strncasecmp(a->headers[i], name, n) == 0 &&
		    strncmp(a->headers[i] + n, ": ", 2) == 0)
			return a->headers[i] + n + 2;
	return NULL;
}

int
client_read(int fd, bool has_body, struct http_answer *a)
{
	char		 line[128];
	const char	*length;

	memset(a, 0, sizeof(*a));
	if (read_line(fd, line, sizeof(line)) == -1 ||
	    sscanf(line, "HTTP/1.%*d %d", &a->status) != 1)
		return -1;
	while (read_line(fd, line, sizeof(line)) == 0 && line[0] != '\0')
		if (a->n_headers < 16)
			memcpy(a->headers[a->n_headers++], line, sizeof(line));
	qsort(a->headers, a->n_headers, sizeof(a->headers[0]), compare);
	if ((length = client_header(a, "Content-Length")) == NULL)
		return 0;
	a->length = strtoul(length, NULL, 10);
	for (size_t i = 0; has_body && i < a->length; i++) {
		if (recv(fd, line, 1, 0) != 1)
			return -1;
		if (i + 1 < sizeof(a->body))
			a->body[i] = line[0];
	}
	return 0;
}

int
client_ask(struct fake_http *f, const char *text, struct http_answer *a)
{
	int	 fd, r;

	if ((fd = client_open(f->url)) == -1)
		return -1;
	client_puts(fd, text);
	r = client_read(fd, strncmp(text, "HEAD", 4) != 0, a);
	close(fd);
	return r;
}

bool
client_at_end(int fd)
{
	char	 c;

	return recv(fd, &c, 1, 0) <= 0;
}
