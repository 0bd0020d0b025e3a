/*
 * What the end-to-end scripts need beside standard tools:
 *
 *	client enroll PORT RA CHALLENGE NAME [TO]
 *		one enrollment of CN=NAME; prints its outcome; with TO the
 *		certificates go to TO.pem, as they came, the key to TO.key
 *	client load PORT RA CHALLENGE THREADS COUNT
 *		COUNT enrollments on THREADS connections; prints "sent" for each
 *		when it is on its way, then how many had which outcome
 *	client fetch PORT TARGET
 *		prints status and body of a GET
 *	client notify PATH
 *		prints what is sent to the socket PATH, as systemd would get it
 *
 * In the environment: CLIENT_PATH is the endpoint's (/scep), CLIENT_KEY the
 * key's type (rsa:2048); where CLIENT_PASSWORD is set, the reply is enveloped
 * with the challenge.
 *
 * An outcome is issued, failure (a CertRep), http (another status), or lost
 * (no answer).
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "pki/secret.h"
#include "scep/client.h"
#include "util/file.h"

#define TARGET		"?operation=PKIOperation"
#define THREADS_MAX	64

enum outcome { ISSUED, FAILURE, HTTP, LOST, N_OUTCOMES };
static const char *const outcome_names[] = {
	"issued", "failure", "http", "lost"
};

/* What all threads share. */
struct client {
	int		 port;
	struct cert	*ra;
	struct key	*key;
	struct cert	*cert;
	struct algs	*algs;
	struct buf	 csr;
	struct bytes	 password;
	char		 target[256];
	atomic_int	 left;
	atomic_int	 count[N_OUTCOMES];
};

static void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "client: %s%s%s\n", what,
	    e != NULL ? ": " : "", e != NULL ? err_text(e) : "");
	exit(1);
}

static void
client_init(struct client *c, char **argv, const char *name)
{
	const char *type = getenv("CLIENT_KEY");
	const char *path = getenv("CLIENT_PATH");
	struct err e = { .reason = ERR_NONE };
	char subject[256];

	memset(c, 0, sizeof(*c));
	if (getenv("CLIENT_PASSWORD") != NULL)
		c->password = bytes_str(argv[2]);
	c->port = (int)strtol(argv[0], NULL, 10);
	(void)snprintf(c->target, sizeof(c->target), "%s" TARGET,
	    path != NULL ? path : "/scep");
	(void)snprintf(subject, sizeof(subject), "/CN=%s", name);
	buf_init(&c->csr, CSR_MAX_DER);
	if (algs_open(&c->algs, &e) == -1 ||
	    cert_load(argv[1], &c->ra, &e) == -1 ||
	    key_generate(type != NULL ? type : "rsa:2048", &c->key,
	    &e) == -1 ||
	    scep_client_self(c->key, subject, time(NULL), &c->cert,
	    &e) == -1 ||
	    csr_make(c->key, subject, NULL, argv[2], &c->csr, &e) == -1)
		die("cannot begin", &e);
}

static void
client_free(struct client *c)
{
	buf_wipe(&c->csr);
	cert_free(c->cert);
	key_free(c->key);
	cert_free(c->ra);
	algs_free(c->algs);
}

/* Sends one request on fd; the ask is what its reply is held against. */
static void
send_one(const struct client *c, int fd, struct scep_ask *ask,
    uint8_t nonce[SCEP_NONCE_LEN])
{
	struct buf message = BUF_INIT(CMS_MAX_DER);
	struct buf request = BUF_INIT(2 * CMS_MAX_DER);
	struct err e = { .reason = ERR_NONE };

	if (secret_random(nonce, SCEP_NONCE_LEN, &e) == -1)
		die("nonce", &e);
	*ask = (struct scep_ask){
		.type = SCEP_PKCSREQ, .txid = "client",
		.nonce = bytes_make(nonce, SCEP_NONCE_LEN),
		.content = buf_bytes(&c->csr),
		.key = c->key, .cert = c->cert, .to = c->ra,
		.password = c->password,
		.digest = ALG_SHA256,
		.suite = { .cipher = ALG_AES128_CBC,
		    .transport = ALG_RSA_PKCS1 }
	};
	if (scep_client_request(ask, c->algs, &message, &e) == -1)
		die("request", &e);
	http_put_post(&request, c->target, buf_bytes(&message));
	(void)http_send(fd, buf_bytes(&request));
	buf_wipe(&message);
	buf_wipe(&request);
}

static void
put_certs(const struct certs *cs, struct buf *pem)
{
	struct err e = { .reason = ERR_NONE };
	size_t i;

	for (i = 0; i < cs->n; i++)
		if (cert_pem(cs->v[i], pem, &e) == -1)
			die("certificate", &e);
}

/* *issued: PEM of the certificates, if they were wanted. */
static enum outcome
recv_one(const struct client *c, int fd, const struct scep_ask *ask,
    struct buf *issued)
{
	enum outcome outcome = LOST;
	struct err e = { .reason = ERR_NONE };
	struct scep_got got;
	struct http_answer a;

	if (http_recv(fd, &a) == 0 && a.status != 200)
		outcome = HTTP;
	else if (a.status == 200) {
		if (scep_client_reply(buf_bytes(&a.body), ask, c->algs, c->ra,
		    &got, &e) == -1)
			die("reply", &e);
		outcome = got.status == SCEP_SUCCESS ? ISSUED : FAILURE;
		if (issued != NULL && outcome == ISSUED)
			put_certs(&got.certs, issued);
		scep_got_clear(&got);
	}
	http_answer_clear(&a);
	return outcome;
}

static void
write_file(const char *to, const char *suffix, struct buf *b)
{
	struct err e = { .reason = ERR_NONE };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s%s", to, suffix);
	if (file_write(path, buf_bytes(b), 0600, true, &e) == -1)
		die("file", &e);
	buf_wipe(b);
}

static int
enroll(int argc, char **argv)
{
	struct buf pem = BUF_INIT(CMS_MAX_DER), key = BUF_INIT(65536);
	uint8_t nonce[SCEP_NONCE_LEN];
	struct err e = { .reason = ERR_NONE };
	struct scep_ask ask;
	struct client c;
	enum outcome outcome;
	int fd;

	if (argc != 4 && argc != 5)
		die("usage: client enroll PORT RA CHALLENGE NAME [TO]", NULL);
	client_init(&c, argv, argv[3]);
	fd = http_open(c.port);
	send_one(&c, fd, &ask, nonce);
	outcome = recv_one(&c, fd, &ask, &pem);
	close(fd);
	if (outcome == ISSUED && argc == 5) {
		if (key_pem(c.key, &key, &e) == -1)
			die("key", &e);
		write_file(argv[4], ".pem", &pem);
		write_file(argv[4], ".key", &key);
	}
	buf_wipe(&pem);
	(void)puts(outcome_names[outcome]);
	client_free(&c);
	return 0;
}

static void *
load_thread(void *arg)
{
	uint8_t nonce[SCEP_NONCE_LEN];
	struct client *c = arg;
	struct scep_ask ask;
	enum outcome outcome;
	int fd = -1;

	while (atomic_fetch_sub(&c->left, 1) > 0) {
		if (fd == -1)
			fd = http_open(c->port);
		send_one(c, fd, &ask, nonce);
		if (write(STDOUT_FILENO, "sent\n", 5) != 5)
			die("output", NULL);
		outcome = recv_one(c, fd, &ask, NULL);
		atomic_fetch_add(&c->count[outcome], 1);
		if (outcome == LOST) {
			close(fd);
			fd = -1;
		}
	}
	if (fd != -1)
		close(fd);
	return NULL;
}

static int
load(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	struct client c;
	int i, n = 0;

	if (argc != 5 || (n = (int)strtol(argv[3], NULL, 10)) < 1 ||
	    n > THREADS_MAX)
		die("usage: client load PORT RA CHALLENGE THREADS COUNT",
		    NULL);
	client_init(&c, argv, "load");
	atomic_store(&c.left, (int)strtol(argv[4], NULL, 10));
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, load_thread, &c) != 0)
			die("thread", NULL);
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	for (i = 0; i < N_OUTCOMES; i++)
		(void)printf("%s=%d%s", outcome_names[i],
		    atomic_load(&c.count[i]), i < N_OUTCOMES - 1 ? " " : "\n");
	client_free(&c);
	return 0;
}

static int
fetch(int argc, char **argv)
{
	struct buf request = BUF_INIT(65536);
	struct http_answer a;
	int fd, rc;

	if (argc != 2)
		die("usage: client fetch PORT TARGET", NULL);
	fd = http_open((int)strtol(argv[0], NULL, 10));
	if (buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
	    argv[1]) == -1)
		die("target is too long", NULL);
	(void)http_send(fd, buf_bytes(&request));
	rc = http_recv(fd, &a);
	if (rc == 0)
		(void)printf("%d\n%s", a.status, buf_cstr(&a.body));
	http_answer_clear(&a);
	buf_wipe(&request);
	close(fd);
	return rc == 0 ? 0 : 1;
}

static int
notify(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096];
	ssize_t n;

	if (argc != 1 || strlen(argv[0]) >= sizeof(sun.sun_path))
		die("usage: client notify PATH", NULL);
	memcpy(sun.sun_path, argv[0], strlen(argv[0]));
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		die("socket", NULL);
	while ((n = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[n] = '\0';
		(void)puts(text);
		(void)fflush(stdout);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char	*name;
		int		(*run)(int, char **);
	} commands[] = {
		{ "enroll", enroll },
		{ "load", load },
		{ "fetch", fetch },
		{ "notify", notify },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]);
	    i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	die("enroll, load, fetch, or notify?", NULL);
	return 1;
}
