/*
 * Many clients at once, each with its own choice of cipher, digest and key
 * transport, its own key, name and nonce. Each gets its own certificate, and a
 * reply in its own algorithms: nothing of one request is in another's answer.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"
#include "scep/client.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define THREADS		64
#define ROUNDS		3
#define KEYS		8

static const enum alg ciphers[] = {
	ALG_AES128_CBC, ALG_AES192_CBC, ALG_AES256_CBC, ALG_DES3_CBC
};
static const enum alg digests[] = {
	ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512
};
static const enum alg transports[] = { ALG_RSA_PKCS1, ALG_RSA_OAEP };

struct person {
	struct key	*key;
	struct cert	*cert;
};

struct client {
	pthread_t	 thread;
	const struct lab *lab;
	const struct person *person;
	size_t		 number;
	char		 failed[512];	/* why; "" if it did not */
};

static struct lab	 lab;
static struct person	 people[KEYS];

static int
setup(void **state)
{
	struct err e = { .reason = ERR_NONE };
	size_t i;

	(void)state;
	lab_open(&lab, "", 600);
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(key_generate("rsa:2048", &people[i].key, &e),
		    0);
		assert_int_equal(scep_client_self(people[i].key, "/CN=self",
		    (int64_t)time(NULL), &people[i].cert, &e), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		key_free(people[i].key);
		cert_free(people[i].cert);
	}
	lab_close(&lab);
	return 0;
}

#define FAIL(c, ...) \
	(void)snprintf((c)->failed, sizeof((c)->failed), __VA_ARGS__)

static void
compare(struct client *c, const struct scep_ask *ask,
    const struct scep_got *got)
{
	char subject[32];

	(void)snprintf(subject, sizeof(subject), "CN=%s", ask->txid);
	if (got->status != SCEP_SUCCESS || got->certs.n != 1)
		FAIL(c, "pkiStatus %d", got->status);
	else if (strcmp(got->txid, ask->txid) != 0 || !got->nonce_matches)
		FAIL(c, "reply for %s", got->txid);
	else if (got->digest != ask->digest ||
	    got->suite.cipher != ask->suite.cipher ||
	    got->suite.transport != ask->suite.transport)
		FAIL(c, "%s, %s, %s", alg_name(got->digest),
		    alg_name(got->suite.cipher),
		    alg_name(got->suite.transport));
	else if (strcmp(got->certs.v[0]->subject_text, subject) != 0 ||
	    !key_matches(ask->key, got->certs.v[0]))
		FAIL(c, "certificate of %s", got->certs.v[0]->subject_text);
}

static void
exchange(struct client *c, const struct scep_ask *ask, struct bytes request)
{
	struct http_answer a = { .status = 0 };
	struct err e = { .reason = ERR_NONE };
	struct scep_got got;
	int fd = http_open(c->lab->server.port);

	if (fd == -1 || http_send(fd, request) != request.n ||
	    http_recv(fd, &a) == -1 || a.status != 200)
		FAIL(c, "HTTP status %d", a.status);
	else if (scep_client_reply(buf_bytes(&a.body), ask, c->lab->algs,
	    c->lab->ra, &got, &e) == -1)
		FAIL(c, "%s", err_text(&e));
	else {
		compare(c, ask, &got);
		scep_got_clear(&got);
	}
	if (fd != -1)
		close(fd);
	http_answer_clear(&a);
}

static void
enroll(struct client *c, size_t round)
{
	struct buf csr = BUF_INIT(CSR_MAX_DER), message = BUF_INIT(CMS_MAX_DER);
	struct buf request = BUF_INIT(LAB_REQUEST_MAX);
	struct err e = { .reason = ERR_NONE };
	size_t n = c->number + round;
	char txid[24], subject[32];
	struct scep_ask ask = {
		.type = SCEP_PKCSREQ, .txid = txid,
		.key = c->person->key, .cert = c->person->cert,
		.to = c->lab->ra, .digest = digests[n / 4 % N(digests)],
		.suite = { ciphers[n % N(ciphers)],
		    transports[n / 16 % N(transports)], 0 }
	};

	(void)snprintf(txid, sizeof(txid), "c%zu-%zu", c->number, round);
	(void)snprintf(subject, sizeof(subject), "/CN=%s", txid);
	ask.nonce = bytes_str(txid);
	if (csr_make(ask.key, subject, NULL, SERVER_CHALLENGE, &csr,
	    &e) == -1) {
		FAIL(c, "%s", err_text(&e));
		return;
	}
	ask.content = buf_bytes(&csr);
	if (scep_client_request(&ask, c->lab->algs, &message, &e) == -1)
		FAIL(c, "%s", err_text(&e));
	else {
		http_put_post(&request, LAB_POST, buf_bytes(&message));
		exchange(c, &ask, buf_bytes(&request));
	}
	buf_wipe(&csr);
	buf_wipe(&message);
	buf_wipe(&request);
}

static void *
run(void *arg)
{
	struct client *c = arg;
	size_t i;

	for (i = 0; i < ROUNDS && c->failed[0] == '\0'; i++)
		enroll(c, i);
	return NULL;
}

static void
test_mixed(void **state)
{
	static struct client clients[THREADS];
	struct server_rows before = server_rows(&lab.server), after;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		clients[i].lab = &lab;
		clients[i].person = &people[i % KEYS];
		clients[i].number = i;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run,
		    &clients[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(clients[i].thread, NULL);
	for (i = 0; i < THREADS; i++)
		if (clients[i].failed[0] != '\0')
			fail_msg("client %zu: %s", i, clients[i].failed);
	after = server_rows(&lab.server);
	assert_int_equal(after.issued - before.issued, THREADS * ROUNDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
