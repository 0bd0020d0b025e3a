#include <sys/socket.h>
#include <netinet/in.h>

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "hook_fake.h"
#include "util/file.h"

#define REQUEST_MAX	(1024u * 1024)
#define CONNECTIONS	256

struct hook {
	int		 listener;
	SSL_CTX		*tls;		/* NULL: none */
	pthread_t	 thread;
	pthread_t	 served[CONNECTIONS];
	size_t		 n_served;
	atomic_bool	 stop;
	pthread_mutex_t	 lock;		/* of what follows */
	struct buf	 last;
	unsigned	 count;
	const char	*folder;
};

/* A connection; ssl NULL: plain. */
struct link {
	struct hook	*h;
	int		 fd;
	SSL		*ssl;
};

static void
die(const char *what)
{
	(void)fprintf(stderr, "hook: %s\n", what);
	exit(1);
}

static int
link_read(struct link *l, void *p, size_t n)
{
	return l->ssl != NULL ? SSL_read(l->ssl, p, (int)n) :
	    (int)recv(l->fd, p, n, 0);
}

static int
link_write(struct link *l, const void *p, size_t n)
{
	return l->ssl != NULL ? SSL_write(l->ssl, p, (int)n) :
	    (int)send(l->fd, p, n, MSG_NOSIGNAL);
}

static void
put(struct link *l, const char *text)
{
	size_t n = strlen(text);
	int w;

	while (n > 0 && (w = link_write(l, text, n)) > 0) {
		text += w;
		n -= (size_t)w;
	}
}

static void
answer(struct link *l, const char *status, const char *more, const char *body)
{
	char head[512];

	(void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nConnection: close"
	    "\r\nContent-Type: application/json\r\n%sContent-Length: %zu"
	    "\r\n\r\n", status, more, strlen(body));
	put(l, head);
	put(l, body);
}

/* Naps until the peer has closed or the server stops. */
static bool
nap(struct link *l, int ms)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 0 && !atomic_load(&l->h->stop);
}

static void
serve_hang(struct link *l)
{
	while (nap(l, 20))
		continue;
}

static void
serve_drip(struct link *l)
{
	put(l, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
	while (nap(l, 50))
		put(l, " ");
}

static void
serve_cut(struct link *l)
{
	put(l, "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"
	    "{\"verdict\": \"is");
}

static void
serve_huge(struct link *l)
{
	int i;

	put(l, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	    "{\"verdict\": \"issue\"}");
	for (i = 0; i < 16384 && !atomic_load(&l->h->stop); i++)
		put(l, "                                                    "
		    "            ");
}

static void
serve_header(struct link *l)
{
	int i;

	put(l, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 1024 && !atomic_load(&l->h->stop); i++)
		put(l, "X-Filler: 123456789012345678901234567890123456789012"
		    "\r\n");
	put(l, "Content-Length: 20\r\n\r\n{\"verdict\": \"issue\"}");
}

static void
serve_judge(struct link *l)
{
	bool good;

	pthread_mutex_lock(&l->h->lock);
	good = strstr(buf_cstr(&l->h->last),
	    "\"challenge\": \"good-challenge\"") != NULL;
	pthread_mutex_unlock(&l->h->lock);
	answer(l, "200 OK", "", good ? "{\"verdict\": \"issue\"}" :
	    "{\"verdict\": \"refuse\", \"reason\": \"wrong challenge\"}");
}

static const struct {
	const char	*word;
	const char	*status;
	const char	*more;
	const char	*body;
	void		(*serve)(struct link *);
} answers[] = {
	{ "/issue", "200 OK", "", "{\"verdict\": \"issue\"}", NULL },
	{ "/refuse", "200 OK", "", "{\"verdict\": \"refuse\", "
	    "\"reason\": \"not in the inventory\"}", NULL },
	{ "/hold", "200 OK", "", "{\"verdict\": \"hold\"}", NULL },
	{ "/override", "200 OK", "", "{\"verdict\": \"issue\", "
	    "\"subject\": \"CN=renamed,O=Example\", "
	    "\"sans\": [\"dns:renamed.example\"]}", NULL },
	{ "/text", "200 OK", "", "hello", NULL },
	{ "/garbage", "200 OK", "", "<html>issue</html>", NULL },
	{ "/empty", "200 OK", "", "", NULL },
	{ "/redirect", "302 Found", "Location: /issue\r\n",
	    "{\"verdict\": \"issue\"}", NULL },
	{ "/404", "404 Not Found", "", "{\"verdict\": \"issue\"}", NULL },
	{ "/500", "500 Internal Server Error", "",
	    "{\"verdict\": \"issue\"}", NULL },
	{ "/judge", NULL, NULL, NULL, serve_judge },
	{ "/huge", NULL, NULL, NULL, serve_huge },
	{ "/header", NULL, NULL, NULL, serve_header },
	{ "/cut", NULL, NULL, NULL, serve_cut },
	{ "/drip", NULL, NULL, NULL, serve_drip },
	{ "/hang", NULL, NULL, NULL, serve_hang },
};

/* Header and the body of which it tells the length; -1: not a whole one. */
static int
take_request(struct link *l, struct buf *b)
{
	const char *end, *length;
	char block[4096];
	size_t want = 0;
	int n;

	while ((end = strstr(buf_cstr(b), "\r\n\r\n")) == NULL ||
	    b->n < want) {
		n = link_read(l, block, sizeof(block));
		if (n <= 0 || buf_put(b, block, (size_t)n) == -1)
			return -1;
		end = strstr(buf_cstr(b), "\r\n\r\n");
		if (end == NULL || want != 0)
			continue;
		length = strcasestr(buf_cstr(b), "\r\nContent-Length:");
		want = (size_t)(end + 4 - buf_cstr(b)) + (length == NULL ? 0 :
		    strtoul(length + 17, NULL, 10));
	}
	return 0;
}

static void
remember(struct hook *h, struct buf *request)
{
	struct err e = { .reason = ERR_NONE };
	char file[512];

	pthread_mutex_lock(&h->lock);
	buf_move(&h->last, request);
	h->count++;
	if (h->folder != NULL) {
		(void)snprintf(file, sizeof(file), "%s/%u", h->folder,
		    h->count);
		if (file_write(file, buf_bytes(&h->last), 0600, true, &e) ==
		    -1)
			die(err_text(&e));
	}
	pthread_mutex_unlock(&h->lock);
}

static void
serve(struct link *l)
{
	struct buf request = BUF_INIT(REQUEST_MAX);
	char path[256] = "";
	const char *word;
	size_t i;

	if (take_request(l, &request) == 0) {
		(void)sscanf(buf_cstr(&request), "%*s %255s", path);
		remember(l->h, &request);
		word = strrchr(path, '/');
		for (i = 0; word != NULL &&
		    i < sizeof(answers) / sizeof(answers[0]); i++) {
			if (strcmp(word, answers[i].word) != 0)
				continue;
			if (answers[i].serve != NULL)
				answers[i].serve(l);
			else
				answer(l, answers[i].status, answers[i].more,
				    answers[i].body);
		}
	}
	buf_wipe(&request);
}

static void *
connection(void *arg)
{
	struct link *l = arg;

	if (l->h->tls != NULL) {
		if ((l->ssl = SSL_new(l->h->tls)) == NULL)
			die("SSL_new");
		if (SSL_set_fd(l->ssl, l->fd) == 1 && SSL_accept(l->ssl) == 1) {
			serve(l);
			(void)SSL_shutdown(l->ssl);
		}
		SSL_free(l->ssl);
	} else {
		serve(l);
	}
	/* Its bytes go out even if the peer has not read them all. */
	(void)shutdown(l->fd, SHUT_WR);
	close(l->fd);
	free(l);
	return NULL;
}

static void *
accept_all(void *arg)
{
	struct timeval wait = { .tv_sec = 30 };
	struct hook *h = arg;
	struct link *l;
	int fd;

	while ((fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		if (h->n_served == CONNECTIONS ||
		    (l = calloc(1, sizeof(*l))) == NULL)
			die("too many connections");
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
		    sizeof(wait));
		*l = (struct link){ .h = h, .fd = fd };
		if (pthread_create(&h->served[h->n_served++], NULL,
		    connection, l) != 0)
			die("cannot start a thread");
	}
	return NULL;
}

static SSL_CTX *
make_tls(const char *cert, const char *key, const char *clients)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL ||
	    SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("certificate or key");
	if (clients != NULL) {
		if (SSL_CTX_load_verify_file(tls, clients) != 1)
			die("CA of clients");
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return tls;
}

struct hook *
hook_start(const char *cert, const char *key, const char *clients)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct hook *h = calloc(1, sizeof(*h));

	if (h == NULL)
		die("memory");
	buf_init(&h->last, REQUEST_MAX);
	pthread_mutex_init(&h->lock, NULL);
	atomic_init(&h->stop, false);
	if (cert != NULL)
		h->tls = make_tls(cert, key, clients);
	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->listener == -1 || bind(h->listener, (struct sockaddr *)&to,
	    sizeof(to)) == -1 || listen(h->listener, 64) == -1 ||
	    pthread_create(&h->thread, NULL, accept_all, h) != 0)
		die("cannot listen");
	return h;
}

int
hook_port(const struct hook *h)
{
	struct sockaddr_in at;
	socklen_t n = sizeof(at);

	if (getsockname(h->listener, (struct sockaddr *)&at, &n) == -1)
		die("getsockname");
	return ntohs(at.sin_port);
}

unsigned
hook_count(struct hook *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

void
hook_last(struct hook *h, struct buf *out)
{
	pthread_mutex_lock(&h->lock);
	if (buf_put(out, h->last.p, h->last.n) == -1)
		die("memory");
	pthread_mutex_unlock(&h->lock);
}

void
hook_keep(struct hook *h, const char *folder)
{
	h->folder = folder;
}

void
hook_stop(struct hook *h)
{
	size_t i;

	atomic_store(&h->stop, true);
	(void)shutdown(h->listener, SHUT_RDWR);
	(void)pthread_join(h->thread, NULL);
	for (i = 0; i < h->n_served; i++)
		(void)pthread_join(h->served[i], NULL);
	close(h->listener);
	SSL_CTX_free(h->tls);
	buf_wipe(&h->last);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
