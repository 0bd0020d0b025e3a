#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "http_fake.h"
#include "util/clock.h"

#define SECOND		INT64_C(1000000)

/* A GET whose target is n bytes long. */
static int
ask_long(struct fake_http *f, size_t n, struct http_answer *a)
{
	static const char	 rest[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
	char			*text;
	int			 r;

	assert_non_null(text = malloc(n + 64));
	memcpy(text, "GET ", 4);
	memset(text + 4, 'A', n);
	memcpy(text + 4, "/echo?message=", 14);
	memcpy(text + 4 + n, rest, sizeof(rest));
	r = client_ask(f, text, a);
	free(text);
	return r;
}

static void
test_long_url(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;

	assert_int_equal(ask_long(f, FAKE_MAX_URL, &a), 0);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.length, strlen("GET /echo  0 127.0.0.1") +
	    FAKE_MAX_URL - strlen("/echo?"));
	assert_int_equal(ask_long(f, FAKE_MAX_URL + 1, &a), 0);
	assert_int_equal(a.status, 414);
	assert_int_equal(fake_refused(f->service), ERR_URL_TOO_LONG);
	assert_int_equal(ask_long(f, 2 * FAKE_MAX_URL, &a), 0);
	assert_int_equal(a.status, 414);
	assert_int_equal(fake_n_refused(f->service), 2);
	/* More than a connection's memory: libmicrohttpd answers. */
	assert_int_equal(ask_long(f, 8 * FAKE_MAX_URL, &a), 0);
	assert_int_equal(a.status, 414);
}

/* Sends a chunked body of n bytes and reads the answer. */
static int
ask_chunked(struct fake_http *f, size_t n, struct http_answer *a)
{
	static char	 chunk[8 + 1000];
	int		 fd, r;

	memcpy(chunk, "3e8\r\n", 5);
	memset(chunk + 5, 'x', 1000);
	memcpy(chunk + 5 + 1000, "\r\n", 2);
	assert_int_not_equal(fd = client_open(f->url), -1);
	client_puts(fd, "POST /echo HTTP/1.1\r\nHost: h\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	for (; n >= 1000; n -= 1000)
		client_send(fd, chunk, 5 + 1000 + 2);
	client_puts(fd, n == 0 ? "0\r\n\r\n" : "1\r\ny\r\n0\r\n\r\n");
	r = client_read(fd, true, a);
	close(fd);
	return r;
}

static void
test_chunked(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;

	assert_int_equal(ask_chunked(f, FAKE_MAX_BODY, &a), 0);
	assert_string_equal(a.body, "POST /echo (none) 1000 127.0.0.1");
	assert_int_equal(ask_chunked(f, FAKE_MAX_BODY + 1, &a), 0);
	assert_int_equal(a.status, 413);
	assert_int_equal(ask_chunked(f, 1000 * 1000, &a), 0);
	assert_int_equal(a.status, 413);
	assert_int_equal(fake_n_refused(f->service), 2);
	/* Without end: no answer, but still told once. */
	assert_int_equal(ask_chunked(f, 8 * 1000 * 1000, &a), -1);
	assert_int_equal(fake_n_refused(f->service), 3);
	assert_int_equal(fake_refused(f->service), ERR_BODY_TOO_BIG);
}

/* Waits until the server has seen the connections. */
static void
settle(struct fake_http *f)
{
	struct http_answer	 a;

	assert_int_equal(client_ask(f, "GET /later HTTP/1.0\r\n\r\n", &a), 0);
}

static void
test_sweep(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;
	int		 silent, slow, held, kept;
	int64_t		 now;

	assert_int_not_equal(silent = client_open(f->url), -1);
	assert_int_not_equal(slow = client_open(f->url), -1);
	assert_int_not_equal(held = client_open(f->url), -1);
	assert_int_not_equal(kept = client_open(f->url), -1);
	client_puts(slow, "POST /echo HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 10\r\n\r\n1");
	client_puts(held, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	fake_wait_held(f->service, 1);
	client_puts(kept, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(client_read(kept, true, &a), 0);
	settle(f);
	now = clock_mono_us();
	assert_int_equal(http_sweep(f->server, now, 50 * SECOND), 0);
	client_puts(slow, "2");
	/* A drip does not move the deadline; held is ours to answer. */
	assert_true(http_sweep(f->server, now + 50 * SECOND, 50 * SECOND) >=
	    3);
	assert_true(client_at_end(silent));
	assert_true(client_at_end(slow));
	assert_true(client_at_end(kept));
	fake_release(f->service);
	assert_int_equal(client_read(held, true, &a), 0);
	assert_int_equal(a.status, 200);
	/* From its answer on it has the whole time again. */
	assert_int_equal(http_drain(f->server, 10000), 0);
	assert_int_equal(http_sweep(f->server, now + 49 * SECOND, 50 * SECOND),
	    0);
	assert_true(http_sweep(f->server, now + 90 * SECOND, 50 * SECOND) >=
	    1);
	assert_true(client_at_end(held));
	close(silent);
	close(slow);
	close(held);
	close(kept);
}

static void
test_per_address(void **state)
{
	struct fake_http	 f;
	struct http_answer		 a;
	struct err		 e = { .reason = ERR_NONE };
	const char		*any = "[::]:0";
	int			 fd[4], i;

	(void)state;
	if (http_listen(any, &fd[0], &e) == 0)
		close(fd[0]);
	else			/* a kernel without IPv6 */
		any = "0.0.0.0:0";
	fake_http_start(&f, any, 3);
	for (i = 0; i < 4; i++) {
		assert_int_not_equal(fd[i] = client_open(f.url), -1);
		client_puts(fd[i], "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
		assert_int_equal(client_read(fd[i], true, &a),
		    i < 3 ? 0 : -1);
		if (i < 3)	/* IPv4 is shown as IPv4 */
			assert_string_equal(a.body,
			    "GET /echo (none) 0 127.0.0.1");
	}
	for (i = 0; i < 4; i++)
		close(fd[i]);
	fake_http_stop(&f);
}

static void
test_listen(void **state)
{
	static const char *const bad[] = {
		"", ":80", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
		"localhost:80",
		"127.0.0.1:70000", "127.0.0.1:123456", "::1:80", "[::1]",
		"[::1:80", "[::1]80", "[]:80", "1.2.3.4.5:80", "[1.2.3.4]x:80",
		"192.0.2.1:0", "127.0.0.1:-1",
	};
	struct err	 e = { .reason = ERR_NONE };
	char		 url[HTTP_URL_MAX];
	int		 fd, other = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		if (http_listen(bad[i], &other, &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(e.reason, ERR_LISTEN);
		assert_non_null(strstr(e.text, "correct it") != NULL ?
		    e.text : strstr(e.text, "write it as in"));
	}
	err_clear(&e);
	assert_int_equal(http_listen("127.0.0.1:0", &fd, &e), 0);
	http_listen_url(fd, false, url);
	assert_memory_equal(url, "http://127.0.0.1:", 17);
	assert_int_equal(http_listen(url + 7, &other, &e), -1);
	assert_int_equal(e.reason, ERR_LISTEN);
	assert_non_null(strstr(e.text, "in use"));
	assert_int_equal(other, -1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_long_url, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_chunked, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_sweep, fake_setup,
		    fake_teardown),
		cmocka_unit_test(test_per_address),
		cmocka_unit_test(test_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
