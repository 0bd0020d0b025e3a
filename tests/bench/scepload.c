/*
 * scepload: many enrollments against a running server, and what they took.
 *
 *	scepload HOST PORT PATH RA.pem CHALLENGE COUNT THREADS [SERVER-PID]
 *
 * Each thread keeps one connection and sends COUNT / THREADS PKCSReqs, each
 * with its own transactionID, nonce and signature; every reply is opened and
 * must carry a certificate. With the server's pid its CPU time is told too.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pki/secret.h"
#include "scep/client.h"
#include "util/clock.h"
#include "util/str.h"

#define REPLY_MAX	(256u * 1024)

struct load {
	const char	*host, *port, *path, *challenge;
	struct cert	*ra;
	struct key	*key;
	struct cert	*self;
	struct algs	*algs;
	struct buf	 csr;
	size_t		 count;
	atomic_size_t	 next;
	atomic_size_t	 failed;
	int64_t		*us;		/* latency of each enrollment */
};

static void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "scepload: %s%s%s\n", what, e != NULL ? ": " : "",
	    e != NULL ? err_text(e) : "");
	exit(1);
}

static int
dial(const struct load *ld)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int fd;

	if (getaddrinfo(ld->host, ld->port, &hints, &ai) != 0)
		die("address", NULL);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		die("connect", NULL);
	freeaddrinfo(ai);
	return fd;
}

static int
send_all(int fd, struct bytes b)
{
	ssize_t n;

	while (b.n > 0) {
		if ((n = send(fd, b.p, b.n, MSG_NOSIGNAL)) <= 0)
			return -1;
		b = bytes_make(b.p + n, b.n - (size_t)n);
	}
	return 0;
}

/* Reads one reply with Content-Length; *body lies in in. */
static int
receive(int fd, struct buf *in, struct bytes *body)
{
	const char *end = NULL, *len;
	size_t head, want = 0;
	char part[16384];
	ssize_t n;

	for (;;) {
		if (end == NULL && (end = strstr(buf_cstr(in),
		    "\r\n\r\n")) != NULL) {
			head = (size_t)(end - buf_cstr(in)) + 4;
			len = strcasestr(buf_cstr(in), "content-length:");
			if (len == NULL || len > end)
				return -1;
			want = head + strtoul(len + 15, NULL, 10);
			*body = bytes_make(NULL, head);
		}
		if (end != NULL && in->n >= want) {
			*body = bytes_make(in->p + body->n, want - body->n);
			return strncmp(buf_cstr(in), "HTTP/1.1 200", 12) == 0 ?
			    0 : -1;
		}
		if ((n = recv(fd, part, sizeof(part), 0)) <= 0 ||
		    buf_put(in, part, (size_t)n) == -1)
			return -1;
	}
}

static int
make_message(struct load *ld, size_t i, struct scep_ask *ask,
    uint8_t nonce[SCEP_NONCE_LEN], char txid[33], struct buf *http)
{
	struct buf der = BUF_INIT(CMS_MAX_DER);
	struct err e = { .reason = ERR_NONE };
	int rc = -1;

	(void)snprintf(txid, 33, "LOAD%08zX", i);
	*ask = (struct scep_ask){
		.type = SCEP_PKCSREQ, .txid = txid,
		.nonce = bytes_make(nonce, SCEP_NONCE_LEN),
		.content = buf_bytes(&ld->csr), .key = ld->key,
		.cert = ld->self, .to = ld->ra, .digest = ALG_SHA256,
		.suite = { ALG_AES128_CBC, ALG_RSA_PKCS1 },
	};
	if (secret_random(nonce, SCEP_NONCE_LEN, &e) == 0 &&
	    scep_client_request(ask, ld->algs, &der, &e) == 0 &&
	    buf_printf(http, "POST %s?operation=PKIOperation HTTP/1.1\r\n"
	    "Host: %s\r\nContent-Type: application/x-pki-message\r\n"
	    "Content-Length: %zu\r\n\r\n", ld->path, ld->host, der.n) == 0 &&
	    buf_put(http, der.p, der.n) == 0)
		rc = 0;
	buf_wipe(&der);
	return rc;
}

static int
enroll(struct load *ld, int fd, size_t i)
{
	struct buf out = BUF_INIT(CMS_MAX_DER), in = BUF_INIT(REPLY_MAX);
	struct err e = { .reason = ERR_NONE };
	uint8_t nonce[SCEP_NONCE_LEN];
	struct scep_got got;
	struct scep_ask ask;
	struct bytes body;
	int64_t began;
	char txid[33];
	int rc = -1;

	if (make_message(ld, i, &ask, nonce, txid, &out) == -1)
		goto out;
	began = clock_mono_us();
	if (send_all(fd, buf_bytes(&out)) == -1 ||
	    receive(fd, &in, &body) == -1)
		goto out;
	ld->us[i] = clock_mono_us() - began;
	if (scep_client_reply(body, &ask, ld->algs, ld->ra, &got, &e) == -1)
		goto out;
	if (got.status == SCEP_SUCCESS && got.certs.n == 1 &&
	    got.nonce_matches)
		rc = 0;
	scep_got_clear(&got);
out:
	buf_wipe(&out);
	buf_wipe(&in);
	return rc;
}

static void *
worker(void *arg)
{
	struct load *ld = arg;
	int fd = dial(ld);
	size_t i;

	while ((i = atomic_fetch_add(&ld->next, 1)) < ld->count)
		if (enroll(ld, fd, i) == -1) {
			atomic_fetch_add(&ld->failed, 1);
			(void)close(fd);
			fd = dial(ld);
		}
	(void)close(fd);
	return NULL;
}

/* User and system time of a process, in microseconds; 0 if it is unknown. */
static int64_t
cpu_us(const char *pid)
{
	unsigned long user = 0, sys = 0;
	char path[64];
	FILE *f;

	if (pid == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
	    "%*u %lu %lu", &user, &sys) != 2)
		user = sys = 0;
	(void)fclose(f);
	return (int64_t)(user + sys) * 1000000 / sysconf(_SC_CLK_TCK);
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print(struct load *ld, int64_t us, int64_t cpu)
{
	size_t n = ld->count;

	qsort(ld->us, n, sizeof(*ld->us), by_value);
	(void)printf("enrollments          %zu (%zu failed)\n", n,
	    atomic_load(&ld->failed));
	(void)printf("per second           %.0f\n", (double)n * 1e6 /
	    (double)us);
	(void)printf("latency ms           p50 %.1f  p99 %.1f  max %.1f\n",
	    (double)ld->us[n / 2] / 1000, (double)ld->us[n * 99 / 100] / 1000,
	    (double)ld->us[n - 1] / 1000);
	if (cpu > 0)
		(void)printf("server CPU ms each   %.2f\n",
		    (double)cpu / (double)n / 1000);
}

static void
prepare(struct load *ld, const char *ra)
{
	struct err e = { .reason = ERR_NONE };

	if (algs_open(&ld->algs, &e) == -1 ||
	    cert_load(ra, &ld->ra, &e) == -1 ||
	    key_generate("rsa:2048", &ld->key, &e) == -1 ||
	    scep_client_self(ld->key, "scepload", clock_now(), &ld->self,
	    &e) == -1 || csr_make(ld->key, "/O=Bench/CN=scepload",
	    "DNS:bench.example", ld->challenge, &ld->csr, &e) == -1)
		die("setting up", &e);
	if ((ld->us = calloc(ld->count, sizeof(*ld->us))) == NULL)
		die("memory", NULL);
}

static void
release(struct load *ld)
{
	free(ld->us);
	buf_wipe(&ld->csr);
	cert_free(ld->self);
	cert_free(ld->ra);
	key_free(ld->key);
	algs_free(ld->algs);
}

int
main(int argc, char **argv)
{
	struct load ld = { .csr = BUF_INIT(CSR_MAX_DER) };
	pthread_t threads[64];
	int64_t began, cpu;
	size_t i, n;

	if (argc < 8)
		die("usage: HOST PORT PATH RA.pem CHALLENGE COUNT THREADS "
		    "[PID]", NULL);
	ld.host = argv[1];
	ld.port = argv[2];
	ld.path = argv[3];
	ld.challenge = argv[5];
	ld.count = strtoul(argv[6], NULL, 10);
	n = strtoul(argv[7], NULL, 10);
	if (ld.count == 0 || n == 0 || n > 64)
		die("COUNT at least 1, THREADS 1 to 64", NULL);
	prepare(&ld, argv[4]);
	cpu = cpu_us(argc > 8 ? argv[8] : NULL);
	began = clock_mono_us();
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, worker, &ld) != 0)
			die("threads", NULL);
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	began = clock_mono_us() - began;
	print(&ld, began, cpu_us(argc > 8 ? argv[8] : NULL) - cpu);
	i = atomic_load(&ld.failed);
	release(&ld);
	return i == 0 ? 0 : 1;
}
