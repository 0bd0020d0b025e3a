/*
 * What the end-to-end scripts need beside standard tools:
 *
 *	client enroll PORT RA CHALLENGE NAME [TO]
 *		one enrollment of CN=NAME; prints its outcome; with TO the
 *		certificates go to TO.pem, as they came, the key to TO.key
 *	client csr PORT RA KEY CSR
 *		sends the request in the file CSR (DER) signed with the key in
 *		the file KEY; prints its outcome
 *	client race PORT RA KEY CSR...
 *		sends such requests at the same moment, each on its connection;
 *		prints how many had which outcome
 *	client load PORT RA CHALLENGE THREADS COUNT
 *		COUNT enrollments on THREADS connections; prints "sent" for each
 *		when it is on its way, then how many had which outcome
 *	client fetch PORT TARGET
 *		prints status and body of a GET
 *	client send PORT FILE TO
 *		sends the octets of FILE, an HTTP request; prints the status,
 *		the body goes to TO
 *	client notify PATH
 *		prints what is sent to the socket PATH, as systemd would get it
 *
 * In the environment: CLIENT_KEY is the key's type (rsa:2048); where
 * CLIENT_PASSWORD is set, the reply is enveloped with the challenge;
 * CLIENT_TXID is the transactionID (client); where CLIENT_TXIDS is set, each
 * message has one of its own; CLIENT_PATH is the URL path (/scep); csr and race
 * sign with the certificate in the file CLIENT_CERT. No CHALLENGE is "". The
 * request asks for the subject CLIENT_SUBJECT (/CN=NAME) and the names
 * CLIENT_SANS (as in DNS:a); its key is in CLIENT_KEY_FILE (a new one); or it is
 * the one in the file CLIENT_CSR (DER), of that key. The message is signed by the
 * key and the certificate in CLIENT_OLD.key and CLIENT_OLD.pem (the request's
 * key) and is of the type CLIENT_TYPE (19).
 *
 * An outcome is issued, pending, failure (a CertRep), http (another status), or
 * lost (no answer).
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

#define THREADS_MAX	64

enum outcome { ISSUED, PENDING, FAILURE, HTTP, LOST, N_OUTCOMES };
static const char *const outcome_names[] = {
	"issued", "pending", "failure", "http", "lost"
};

/* What all threads share. */
struct client {
	int		 port;
	struct cert	*ra;
	struct key	*key;		/* of the request */
	struct key	*signer;	/* of the message */
	struct cert	*cert;
	enum scep_type	 type;
	struct algs	*algs;
	struct buf	 csr;
	struct bytes	 password;
	const char	*path;
	const char	*txid;
	bool		 txids;
	atomic_int	 asked;
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

static const char *
env(const char *name, const char *or)
{
	const char *value = getenv(name);

	return value != NULL ? value : or;
}

/* What the environment says. */
static void
client_env(struct client *c, int port)
{
	memset(c, 0, sizeof(*c));
	c->port = port;
	c->path = env("CLIENT_PATH", "/scep");
	c->txid = env("CLIENT_TXID", "client");
	c->txids = getenv("CLIENT_TXIDS") != NULL;
	c->type = (enum scep_type)strtol(env("CLIENT_TYPE", "19"), NULL, 10);
	buf_init(&c->csr, CSR_MAX_DER);
}

/* Reads PATH, of the environment variable and a suffix; NULL: it is not set. */
static const char *
env_path(const char *variable, const char *suffix, char path[512])
{
	const char *name = getenv(variable);

	if (name == NULL)
		return NULL;
	(void)snprintf(path, 512, "%s%s", name, suffix);
	return path;
}

/* The request's key, and what signs the message. */
static int
client_keys(struct client *c, const char *subject, struct err *e)
{
	char path[512];

	if ((env_path("CLIENT_KEY_FILE", "", path) != NULL ?
	    key_load(path, "", &c->key, e) :
	    key_generate(env("CLIENT_KEY", "rsa:2048"), &c->key,
	    e)) == -1)
		return -1;
	if (env_path("CLIENT_OLD", ".key", path) == NULL) {
		c->signer = c->key;
		return scep_client_self(c->key, subject, time(NULL), &c->cert,
		    e);
	}
	if (key_load(path, "", &c->signer, e) == -1)
		return -1;
	return cert_load(env_path("CLIENT_OLD", ".pem", path), &c->cert, e);
}

static void
client_init(struct client *c, char **argv, const char *name)
{
	struct err e = { .reason = ERR_NONE };
	char named[256];
	const char *subject;

	client_env(c, (int)strtol(argv[0], NULL, 10));
	if (getenv("CLIENT_PASSWORD") != NULL)
		c->password = bytes_str(argv[2]);
	(void)snprintf(named, sizeof(named), "/CN=%s", name);
	subject = env("CLIENT_SUBJECT", named);
	if (algs_open(&c->algs, &e) == -1 ||
	    cert_load(argv[1], &c->ra, &e) == -1 ||
	    client_keys(c, subject, &e) == -1 ||
	    (getenv("CLIENT_CSR") != NULL ?
	    file_read(getenv("CLIENT_CSR"), &c->csr, &e) :
	    csr_make(c->key, subject, getenv("CLIENT_SANS"),
	    *argv[2] == '\0' ? NULL : argv[2], &c->csr, &e)) == -1)
		die("cannot begin", &e);
}

static void
client_free(struct client *c)
{
	buf_wipe(&c->csr);
	cert_free(c->cert);
	if (c->signer != c->key)
		key_free(c->signer);
	key_free(c->key);
	cert_free(c->ra);
	algs_free(c->algs);
}

/* Makes one request; the ask is what its reply is held against. */
static void
put_one(struct client *c, struct scep_ask *ask, uint8_t nonce[SCEP_NONCE_LEN],
    struct buf *request)
{
	struct buf message = BUF_INIT(CMS_MAX_DER);
	struct err e = { .reason = ERR_NONE };
	char target[256], txid[64];

	(void)snprintf(target, sizeof(target), "%s?operation=PKIOperation",
	    c->path);
	(void)snprintf(txid, sizeof(txid), "%s", c->txid);
	if (c->txids)
		(void)snprintf(txid, sizeof(txid), "%ld-%d", (long)getpid(),
		    atomic_fetch_add(&c->asked, 1));
	if (secret_random(nonce, SCEP_NONCE_LEN, &e) == -1)
		die("nonce", &e);
	*ask = (struct scep_ask){
		.type = c->type, .txid = txid,
		.nonce = bytes_make(nonce, SCEP_NONCE_LEN),
		.content = buf_bytes(&c->csr),
		.key = c->signer, .cert = c->cert, .to = c->ra,
		.password = c->password,
		.digest = ALG_SHA256,
		.suite = { .cipher = ALG_AES128_CBC,
		    .transport = ALG_RSA_PKCS1 }
	};
	if (scep_client_request(ask, c->algs, &message, &e) == -1)
		die("request", &e);
	http_put_post(request, target, buf_bytes(&message));
	buf_wipe(&message);
}

static void
send_one(struct client *c, int fd, struct scep_ask *ask,
    uint8_t nonce[SCEP_NONCE_LEN])
{
	struct buf request = BUF_INIT(2 * CMS_MAX_DER);

	put_one(c, ask, nonce, &request);
	(void)http_send(fd, buf_bytes(&request));
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
		outcome = got.status == SCEP_SUCCESS ? ISSUED :
		    got.status == SCEP_PENDING ? PENDING : FAILURE;
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

/* A client with the key in a file and a request in another. */
static void
client_read(struct client *c, char **argv)
{
	const char *cert = getenv("CLIENT_CERT");
	struct err e = { .reason = ERR_NONE };

	client_env(c, (int)strtol(argv[0], NULL, 10));
	if (algs_open(&c->algs, &e) == -1 ||
	    cert_load(argv[1], &c->ra, &e) == -1 ||
	    key_load(argv[2], NULL, &c->key, &e) == -1 ||
	    (cert != NULL ? cert_load(cert, &c->cert, &e) :
	    scep_client_self(c->key, "/CN=client", time(NULL), &c->cert,
	    &e)) == -1 || file_read(argv[3], &c->csr, &e) == -1)
		die("cannot begin", &e);
	c->signer = c->key;
}

static int
csr(int argc, char **argv)
{
	uint8_t nonce[SCEP_NONCE_LEN];
	struct client c;
	struct scep_ask ask;
	int fd;

	if (argc != 4)
		die("usage: client csr PORT RA KEY CSR", NULL);
	client_read(&c, argv);
	fd = http_open(c.port);
	send_one(&c, fd, &ask, nonce);
	(void)puts(outcome_names[recv_one(&c, fd, &ask, NULL)]);
	close(fd);
	client_free(&c);
	return 0;
}

struct racer {
	pthread_t		 thread;
	struct client		 c;
	pthread_barrier_t	*start;
	enum outcome		 outcome;
};

static void *
race_thread(void *arg)
{
	struct buf request = BUF_INIT(2 * CMS_MAX_DER);
	uint8_t nonce[SCEP_NONCE_LEN];
	struct racer *r = arg;
	struct scep_ask ask;
	int fd = http_open(r->c.port);

	put_one(&r->c, &ask, nonce, &request);
	(void)pthread_barrier_wait(r->start);
	(void)http_send(fd, buf_bytes(&request));
	r->outcome = recv_one(&r->c, fd, &ask, NULL);
	close(fd);
	buf_wipe(&request);
	return NULL;
}

static int
race(int argc, char **argv)
{
	static struct racer r[THREADS_MAX];
	int i, n = argc - 3, count[N_OUTCOMES] = { 0 };
	pthread_barrier_t start;

	if (n < 1 || n > THREADS_MAX ||
	    pthread_barrier_init(&start, NULL, (unsigned)n) != 0)
		die("usage: client race PORT RA KEY CSR...", NULL);
	for (i = 0; i < n; i++) {
		argv[3] = argv[3 + i];
		client_read(&r[i].c, argv);
		r[i].start = &start;
		if (pthread_create(&r[i].thread, NULL, race_thread,
		    &r[i]) != 0)
			die("thread", NULL);
	}
	for (i = 0; i < n; i++) {
		(void)pthread_join(r[i].thread, NULL);
		count[r[i].outcome]++;
		client_free(&r[i].c);
	}
	for (i = 0; i < N_OUTCOMES; i++)
		(void)printf("%s=%d%s", outcome_names[i], count[i],
		    i < N_OUTCOMES - 1 ? " " : "\n");
	(void)pthread_barrier_destroy(&start);
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
send_file(int argc, char **argv)
{
	struct buf request = BUF_INIT(FILE_MAX);
	struct err e = { .reason = ERR_NONE };
	struct http_answer a;
	int fd;

	if (argc != 3)
		die("usage: client send PORT FILE TO", NULL);
	if (file_read(argv[1], &request, &e) == -1)
		die("request", &e);
	fd = http_open((int)strtol(argv[0], NULL, 10));
	(void)http_send(fd, buf_bytes(&request));
	if (http_recv(fd, &a) == -1)
		die("no answer", NULL);
	(void)printf("%d\n", a.status);
	write_file(argv[2], "", &a.body);
	http_answer_clear(&a);
	buf_wipe(&request);
	close(fd);
	return 0;
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
		{ "csr", csr },
		{ "race", race },
		{ "load", load },
		{ "fetch", fetch },
		{ "send", send_file },
		{ "notify", notify },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]);
	    i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	die("enroll, csr, race, load, fetch, send, or notify?", NULL);
	return 1;
}
