#include "lab.h"
#include "util/str.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Repeated requests: what is the same request gets the same certificate, what
 * is another one gets another. The window is the default here, unlike in the
 * other tests.
 */

#define COPIES	50

static struct lab	 lab;

static int
setup(void **state)
{
	(void)state;
	lab_open(&lab, "", 600);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

struct copy {
	pthread_t	 thread;
	struct bytes	 request;
	int		 port;
	struct http_answer answer;
};

static void *
send_copy(void *arg)
{
	struct copy	*c = arg;
	int		 fd = http_open(c->port);

	if (fd != -1) {
		(void)http_send(fd, c->request);
		(void)http_recv(fd, &c->answer);
		(void)close(fd);
	}
	return NULL;
}

/* The serial of the certificate in an answer, as hex. */
static void
serial_of(const struct http_answer *a, char out[2 * PKI_SERIAL_MAX + 1])
{
	struct scep_got	 got;

	lab_reply(&lab, "copy", a, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_true(got.nonce_matches);
	str_hex(got.certs.v[0]->serial, out);
	scep_got_clear(&got);
}

/* Of many copies at once one is issued, and all get its certificate. */
static void
test_copies(void **state)
{
	static struct copy copies[COPIES];
	char		 first[2 * PKI_SERIAL_MAX + 1];
	char		 other[2 * PKI_SERIAL_MAX + 1];
	struct buf	 message = BUF_INIT(LAB_REQUEST_MAX);
	struct buf	 request = BUF_INIT(LAB_REQUEST_MAX);
	struct server_rows before = server_rows(&lab.server), after;

	(void)state;
	lab_wrap(&lab, buf_bytes(&lab.csr), &message);
	http_put_post(&request, LAB_POST, buf_bytes(&message));
	for (size_t i = 0; i < COPIES; i++) {
		copies[i].request = buf_bytes(&request);
		copies[i].port = lab.server.port;
		assert_int_equal(pthread_create(&copies[i].thread, NULL,
		    send_copy, &copies[i]), 0);
	}
	for (size_t i = 0; i < COPIES; i++) {
		(void)pthread_join(copies[i].thread, NULL);
		assert_int_equal(copies[i].answer.status, 200);
		serial_of(&copies[i].answer, i == 0 ? first : other);
		if (i > 0)
			assert_string_equal(first, other);
		http_answer_clear(&copies[i].answer);
	}
	after = server_rows(&lab.server);
	assert_int_equal(after.issued - before.issued, 1);
	assert_int_equal(after.txn - before.txn, 1);
	buf_wipe(&message);
	buf_wipe(&request);
}

/* Posts content wrapped anew; the serial of what comes. */
static void
ask(struct bytes content, char out[2 * PKI_SERIAL_MAX + 1])
{
	struct buf	 message = BUF_INIT(LAB_REQUEST_MAX);
	struct buf	 request = BUF_INIT(LAB_REQUEST_MAX);
	struct http_answer a = { .status = 0 };

	lab_wrap(&lab, content, &message);
	http_put_post(&request, LAB_POST, buf_bytes(&message));
	lab_exchange(&lab, buf_bytes(&request), &a);
	assert_int_equal(a.status, 200);
	serial_of(&a, out);
	http_answer_clear(&a);
	buf_wipe(&message);
	buf_wipe(&request);
}

static void
revoke_newest(int reason)
{
	char	 sql[256];
	sqlite3	*db;

	(void)snprintf(sql, sizeof(sql), "UPDATE issued SET revoked_at = 1,"
	    " revoke_reason = %d WHERE id = (SELECT max(id) FROM issued)",
	    reason);
	assert_int_equal(sqlite3_open(server_path(&lab.server, "scepd.db"),
	    &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A new message with the same transactionID, key and CSR is a retry; another
 * CSR is not. */
static void
test_retry(void **state)
{
	char		 a[2 * PKI_SERIAL_MAX + 1], b[2 * PKI_SERIAL_MAX + 1];
	struct buf	 other = BUF_INIT(CSR_MAX_DER);
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	ask(buf_bytes(&lab.csr), a);
	ask(buf_bytes(&lab.csr), b);
	assert_string_equal(a, b);
	assert_int_equal(csr_make(lab.key, "/CN=other", NULL,
	    SERVER_CHALLENGE, &other, &e), 0);
	ask(buf_bytes(&other), b);
	assert_string_not_equal(a, b);
	buf_wipe(&other);
}

/* What repeats a request whose certificate is revoked gets it no more: a copy
 * nothing at all, since anybody can send one; the device itself is judged
 * afresh. */
static void
test_revoked(void **state)
{
	char		 a[2 * PKI_SERIAL_MAX + 1], b[2 * PKI_SERIAL_MAX + 1];
	struct buf	 message = BUF_INIT(LAB_REQUEST_MAX);
	struct buf	 other = BUF_INIT(CSR_MAX_DER);
	struct err	 e = { .reason = ERR_NONE };
	struct want	 issued = WANT_ISSUED;
	struct want	 refused = WANT_FAIL(BAD_REQUEST,
			    "transaction_revoked");

	(void)state;
	assert_int_equal(csr_make(lab.key, "/CN=revoked", NULL,
	    SERVER_CHALLENGE, &other, &e), 0);
	lab_wrap(&lab, buf_bytes(&other), &message);
	lab_post(&lab, "first", buf_bytes(&message), issued);
	revoke_newest(5);
	lab_post(&lab, "copy", buf_bytes(&message), refused);
	ask(buf_bytes(&other), a);
	ask(buf_bytes(&other), b);
	assert_string_equal(a, b);
	revoke_newest(1);
	refused.slug = "key_compromised";
	buf_wipe(&message);
	lab_wrap(&lab, buf_bytes(&other), &message);
	lab_post(&lab, "the same once more", buf_bytes(&message), refused);
	buf_wipe(&message);
	buf_wipe(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
