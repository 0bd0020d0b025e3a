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

static void
assert_headers(const struct http_answer *a, const char *const *want)
{
	size_t	 i;

	for (i = 0; want[i] != NULL; i++) {
		assert_true(i < a->n_headers);
		if (strcmp(want[i], "Date") == 0)
			assert_memory_equal(a->headers[i], "Date: ", 6);
		else
			assert_string_equal(a->headers[i], want[i]);
	}
	assert_int_equal(a->n_headers, i);
}

static void
test_headers(void **state)
{
	static const char *const	 plain[] = {
		"Content-Length: 26", "Content-Type: text/plain", "Date", NULL
	};
	static const char *const	 busy[] = {
		"Cache-Control: no-store", "Content-Length: 0", "Date",
		"Retry-After: 5", NULL
	};
	static const char *const	 method[] = {
		"Allow: GET, HEAD, POST", "Connection: close",
		"Content-Length: 19", "Content-Type: text/plain", "Date", NULL
	};
	struct http_answer	 a;

	assert_int_equal(client_ask(*state,
	    "GET /echo?q HTTP/1.1\r\nHost: h\r\n\r\n", &a), 0);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "GET /echo q 0 127.0.0.1");
	assert_int_equal(client_ask(*state,
	    "GET /echo?q=++ HTTP/1.1\r\nHost: h\r\n\r\n", &a), 0);
	assert_headers(&a, plain);
	assert_int_equal(client_ask(*state,
	    "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n", &a), 0);
	assert_int_equal(a.status, 503);
	assert_headers(&a, busy);
	assert_int_equal(client_ask(*state,
	    "PUT /echo HTTP/1.1\r\nHost: h\r\n\r\n", &a), 0);
	assert_int_equal(a.status, 405);
	assert_headers(&a, method);
}

/* What caches are told, with the answer and without it. */
static void
test_caching(void **state)
{
	static const char *const	 whole[] = {
		"Cache-Control: max-age=77", "Content-Length: 10",
		"Content-Type: application/x-lent", "Date", "ETag: \"tag\"",
		"Expires: Fri, 15 Jan 2027 08:00:00 GMT",
		"Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT", NULL
	};
	static const char *const	 fields[] = {
		"If-None-Match: \"tag\"",
		"If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT"
	};
	char		 text[256];
	struct http_answer	 a;

	assert_int_equal(client_ask(*state,
	    "GET /lent HTTP/1.1\r\nHost: h\r\n\r\n", &a), 0);
	assert_int_equal(a.status, 200);
	assert_headers(&a, whole);
	assert_string_equal(a.body, "lent bytes");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "GET /lent HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n",
		    fields[i]);
		assert_int_equal(client_ask(*state, text, &a), 0);
		assert_int_equal(a.status, 304);
		assert_string_equal(a.body, "");
		assert_string_equal(client_header(&a, "ETag"), "\"tag\"");
		assert_string_equal(client_header(&a, "Cache-Control"),
		    "max-age=77");
		assert_null(client_header(&a, "Content-Type"));
	}
}

/* One request text, its status, the refusal and the body. */
static void
test_requests(void **state)
{
	static const struct {
		const char	*text;
		int		 status;
		enum err_reason	 reason;
		const char	*body;
	} rows[] = {
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"
		    "abc", 200, ERR_NONE, "POST /echo (none) 3 127.0.0.1" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		    200, ERR_NONE, "POST /echo (none) 0 127.0.0.1" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "POST /echo (none) 0 127.0.0.1" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
		    200, ERR_NONE, "POST /echo (none) 7 127.0.0.1" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		    "Content-Length: 30\r\n\r\nabc", 400, ERR_QUERY,
		    "malformed query\n" },
		{ "HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200, ERR_NONE, "" },
		{ "GET /echo?a+b=%2B%00&c HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /echo a+b=%2B%00&c 0 127.0.0.1" },
		{ "GET /echo?m=a b HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /echo m=a b 0 127.0.0.1" },
		{ "GET http://other:1/echo?a HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /echo a 0 127.0.0.1" },
		{ "GET //x%2fy/+?a HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /x/y/+ a 0 127.0.0.1" },
		{ "GET /echo HTTP/1.0\r\n\r\n",
		    200, ERR_NONE, "GET /echo (none) 0 127.0.0.1" },
		{ "GET /echo HTTP/1.1\r\n\r\n",
		    200, ERR_NONE, "GET /echo (none) 0 127.0.0.1" },
		{ "GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /later (none) 0 127.0.0.1" },
		{ "GET /fast HTTP/1.1\r\nHost: h\r\n\r\n",
		    200, ERR_NONE, "GET /fast (none) 0 127.0.0.1" },
		{ "GET /echo%00 HTTP/1.1\r\nHost: h\r\n\r\n",
		    400, ERR_QUERY, "malformed query\n" },
		{ "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
		    400, ERR_QUERY, "malformed query\n" },
		{ "GET echo HTTP/1.1\r\nHost: h\r\n\r\n",
		    400, ERR_QUERY, "malformed query\n" },
		{ "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"
		    "abc", 405, ERR_METHOD, "method not allowed\n" },
		{ "TRACE /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		    405, ERR_METHOD, "method not allowed\n" },
		{ "DELETE /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		    405, ERR_METHOD, "method not allowed\n" },
		{ "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
		    405, ERR_METHOD, "method not allowed\n" },
		{ "get /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		    405, ERR_METHOD, "method not allowed\n" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: 1001\r\n\r\n",
		    413, ERR_BODY_TOO_BIG, "message larger than the limit\n" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: 104857600\r\nExpect: 100-continue\r\n\r\n",
		    413, ERR_BODY_TOO_BIG, "message larger than the limit\n" },
		{ "GET /echo HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: 18446744073709551614\r\n\r\n",
		    413, ERR_BODY_TOO_BIG, "message larger than the limit\n" },
	};
	struct fake_http	*f = *state;
	struct http_answer	 a;
	unsigned	 n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (client_ask(f, rows[i].text, &a) == -1)
			fail_msg("no answer to %s", rows[i].text);
		if (a.status != rows[i].status)
			fail_msg("%d to %s", a.status, rows[i].text);
		assert_string_equal(a.body, rows[i].body);
		if (rows[i].reason != ERR_NONE) {
			assert_int_equal(fake_refused(f->service),
			    rows[i].reason);
			n++;
		}
		assert_int_equal(fake_n_refused(f->service), n);
	}
	assert_int_equal(client_ask(f, "HEAD /echo HTTP/1.0\r\n\r\n", &a), 0);
	assert_int_equal(a.length, strlen("GET /echo (none) 0 127.0.0.1"));
}

static void
test_continue(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;
	int		 fd;

	assert_int_not_equal(fd = client_open(f->url), -1);
	client_puts(fd, "POST /later HTTP/1.1\r\nHost: h\r\n"
	    "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	assert_int_equal(client_read(fd, false, &a), 0);
	assert_int_equal(a.status, 100);
	client_puts(fd, "12345");
	assert_int_equal(client_read(fd, true, &a), 0);
	assert_string_equal(a.body, "POST /later (none) 5 127.0.0.1");
	close(fd);
}

static void
test_keep_alive(void **state)
{
	static const char	 get[] = "GET /%s?%d HTTP/1.%d\r\nHost: h\r\n"
				    "Connection: %s\r\n\r\n";
	static const char *const paths[] = { "echo", "later", "fast" };
	struct fake_http	*f = *state;
	struct http_answer	 a;
	char		 text[128], want[64];
	int		 fd, i, pass;

	/* First one by one, then all at once (pipelined). */
	assert_int_not_equal(fd = client_open(f->url), -1);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < 12; i++) {
			(void)snprintf(text, sizeof(text), get, paths[i % 3],
			    i, i % 2, i == 11 && pass == 1 ? "close" :
			    "keep-alive");
			client_puts(fd, text);
			if (pass == 0)
				assert_int_equal(client_read(fd, true, &a), 0);
		}
		for (i = 0; i < 12 && pass == 1; i++) {
			assert_int_equal(client_read(fd, true, &a), 0);
			(void)snprintf(want, sizeof(want),
			    "GET /%s %d 0 127.0.0.1", paths[i % 3], i);
			assert_string_equal(a.body, want);
		}
	}
	assert_true(client_at_end(fd));
	close(fd);
	/* HTTP/1.0 without keep-alive ends. */
	assert_int_not_equal(fd = client_open(f->url), -1);
	client_puts(fd, "GET /echo HTTP/1.0\r\n\r\n");
	assert_int_equal(client_read(fd, true, &a), 0);
	assert_true(client_at_end(fd));
	close(fd);
}

static void
test_many(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;
	char		 text[64], want[64];
	int		 fd[200], i;

	for (i = 0; i < 200; i++) {
		assert_int_not_equal(fd[i] = client_open(f->url), -1);
		(void)snprintf(text, sizeof(text),
		    "GET /hold?%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
		client_puts(fd[i], text);
	}
	fake_wait_held(f->service, 200);
	/* The others do not wait for them. */
	assert_int_equal(client_ask(f, "GET /later HTTP/1.0\r\n\r\n", &a), 0);
	assert_int_equal(http_drain(f->server, 0), -1);
	fake_release(f->service);
	for (i = 0; i < 200; i++) {
		assert_int_equal(client_read(fd[i], true, &a), 0);
		(void)snprintf(want, sizeof(want), "GET /hold %d 0 127.0.0.1",
		    i);
		assert_string_equal(a.body, want);
		close(fd[i]);
	}
	assert_int_equal(http_drain(f->server, 10000), 0);
}

static void
test_quiesce(void **state)
{
	struct fake_http	*f = *state;
	struct http_answer	 a;
	int		 held, kept;

	assert_int_not_equal(held = client_open(f->url), -1);
	assert_int_not_equal(kept = client_open(f->url), -1);
	client_puts(held, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	fake_wait_held(f->service, 1);
	client_puts(kept, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(client_read(kept, true, &a), 0);
	assert_null(client_header(&a, "Connection"));
	http_quiesce(f->server);
	assert_int_equal(client_open(f->url), -1);
	client_puts(kept, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(client_read(kept, true, &a), 0);
	assert_string_equal(client_header(&a, "Connection"), "close");
	assert_true(client_at_end(kept));
	assert_int_equal(http_drain(f->server, 1), -1);
	fake_release(f->service);
	assert_int_equal(http_drain(f->server, 10000), 0);
	assert_int_equal(client_read(held, true, &a), 0);
	assert_string_equal(client_header(&a, "Connection"), "close");
	close(held);
	close(kept);
}

/* Stopped while the service still works: its exchanges outlive the server. */
static void
test_stop_unanswered(void **state)
{
	struct fake_http	 f;
	int		 fd[3], i;

	(void)state;
	fake_http_start(&f, "127.0.0.1:0", 10);
	for (i = 0; i < 3; i++) {
		assert_int_not_equal(fd[i] = client_open(f.url), -1);
		client_puts(fd[i], "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	fake_wait_held(f.service, 3);
	http_stop(f.server);
	for (i = 0; i < 3; i++) {
		assert_true(client_at_end(fd[i]));
		close(fd[i]);
	}
	fake_release(f.service);
	fake_close(f.service);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_headers, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_caching, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_requests, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_continue, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_keep_alive, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_many, fake_setup,
		    fake_teardown),
		cmocka_unit_test_setup_teardown(test_quiesce, fake_setup,
		    fake_teardown),
		cmocka_unit_test(test_stop_unanswered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
