/*
 * Requests that are too much: too long, too large, too slow. They are refused
 * or cut in one line of the log, and nobody else waits for them.
 */
#include <sys/resource.h>
#include <sys/time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "util/str.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: localhost\r\n"
#define FLOOD		(100u * 1024 * 1024)
#define PART		65536u

static int
open_lab(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	assert_non_null(l);
	lab_open(l, "", 0);
	*state = l;
	return 0;
}

static int
close_lab(void **state)
{
	lab_close(*state);
	free(*state);
	return 0;
}

/* ---- too long, too large ---- */

static void
test_long_url(void **state)
{
	struct lab *l = *state;
	struct buf request = BUF_INIT(2 * PART);
	size_t i;

	assert_int_equal(buf_puts(&request, "GET " LAB_POST "&message="), 0);
	for (i = 0; i < PART; i++)
		assert_int_equal(buf_putc(&request, 'M'), 0);
	assert_int_equal(buf_puts(&request, " HTTP/1.1\r\n" HOST "\r\n"), 0);
	lab_request(l, "URL of 64 KiB and more", buf_bytes(&request),
	    (struct want)WANT_HTTP(414, "url_too_long"));
	buf_wipe(&request);
	lab_good(l);
}

/* A message of the longest URL that is taken: line feeds make it long. */
static void
test_longest_url(void **state)
{
	static const char target[] = LAB_POST "&message=";
	struct lab *l = *state;
	struct buf request = BUF_INIT(2 * PART), text = BUF_INIT(PART);
	struct buf message;
	size_t i, n;

	lab_message(l, &message);
	assert_int_equal(str_base64(buf_bytes(&message), &text), 0);
	assert_int_equal(buf_printf(&request, "GET %s", target), 0);
	http_escape(buf_cstr(&text), &request);
	n = request.n - strlen("GET ");
	assert_in_range(n, 1, PART / 2);
	for (i = 0; i < (PART - n) / 3; i++)
		assert_int_equal(buf_puts(&request, "%0A"), 0);
	for (i = 0; i < (PART - n) % 3; i++)
		assert_int_equal(buf_putc(&request, '&'), 0);
	assert_int_equal(request.n, PART + strlen("GET "));
	assert_int_equal(buf_puts(&request, " HTTP/1.1\r\n" HOST "\r\n"), 0);
	lab_request(l, "URL of 64 KiB", buf_bytes(&request),
	    (struct want)WANT_ISSUED);
	buf_wipe(&message);
	buf_wipe(&text);
	buf_wipe(&request);
}

/* How much of a body the server takes, sent plainly or in chunks of 64 KiB. */
static size_t
flood(int fd, size_t total, bool chunked)
{
	static const char part[PART];
	size_t sent = 0, n = PART;

	for (; sent < total && n == PART; sent += n) {
		if (chunked && http_send(fd, bytes_str("10000\r\n")) < 7)
			break;
		n = http_send(fd, bytes_make(part, PART));
		if (chunked && http_send(fd, bytes_str("\r\n")) < 2)
			break;
	}
	return sent;
}

/* The answer comes before the body, which nobody wants. */
static void
test_flood_announced(void **state)
{
	struct lab *l = *state;
	struct http_answer a;
	int fd = http_open(l->server.port);

	lab_mark(l);
	(void)http_send(fd, bytes_str("POST " LAB_POST " HTTP/1.1\r\n" HOST
	    "Content-Length: 104857600\r\n\r\n"));
	assert_int_equal(http_recv(fd, &a), 0);
	lab_check(l, "100 MB announced", &a,
	    (struct want)WANT_HTTP(413, "body_too_big"));
	http_answer_clear(&a);
	assert_true(flood(fd, FLOOD, false) < FLOOD);
	close(fd);
	lab_good(l);
}

#define CHUNKED	"POST " LAB_POST " HTTP/1.1\r\n" HOST \
		    "Transfer-Encoding: chunked\r\n\r\n"

/* Not announced, it can be answered at its end only. */
static void
test_flood_chunked(void **state)
{
	struct lab *l = *state;
	struct http_answer a;
	int fd = http_open(l->server.port);

	lab_mark(l);
	(void)http_send(fd, bytes_str(CHUNKED));
	assert_int_equal(flood(fd, FLOOD, true), FLOOD);
	(void)http_send(fd, bytes_str("0\r\n\r\n"));
	assert_int_equal(http_recv(fd, &a), 0);
	lab_check(l, "100 MB in chunks", &a,
	    (struct want)WANT_HTTP(413, "body_too_big"));
	http_answer_clear(&a);
	close(fd);
	lab_good(l);
}

/* Or at the end of all patience. */
static void
test_flood_endless(void **state)
{
	struct lab *l = *state;
	struct server_rows now;
	char *log;
	int fd = http_open(l->server.port);

	lab_mark(l);
	(void)http_send(fd, bytes_str(CHUNKED));
	assert_true(flood(fd, 2 * FLOOD, true) < 2 * FLOOD);
	assert_true(http_ends(fd));
	close(fd);
	log = server_log_since(&l->server, l->log);
	assert_int_equal(server_lines(log, NULL), 1);
	assert_int_equal(server_lines(log, "reason=body_too_big "), 1);
	free(log);
	now = server_rows(&l->server);
	assert_int_equal(now.txn, l->rows.txn);
	assert_int_equal(now.issued, l->rows.issued);
	lab_good(l);
}

/* ---- long fields, which nobody reads ---- */

/* How GetCACaps is answered behind a field of so many bytes; 0: not at all. */
static int
ask_behind(struct lab *l, size_t n)
{
	struct buf request = BUF_INIT(LAB_REQUEST_MAX);
	struct http_answer a;
	int fd = http_open(l->server.port), status = 0;

	assert_int_equal(buf_puts(&request, "GET " LAB_PATH
	    "?operation=GetCACaps HTTP/1.1\r\n" HOST "User-Agent: "), 0);
	while (n-- > 0)
		assert_int_equal(buf_putc(&request, 'a'), 0);
	assert_int_equal(buf_puts(&request, "\r\n\r\n"), 0);
	(void)http_send(fd, buf_bytes(&request));
	if (http_recv(fd, &a) == 0)
		status = a.status;
	http_answer_clear(&a);
	buf_wipe(&request);
	close(fd);
	return status;
}

static void
test_long_fields(void **state)
{
	struct lab *l = *state;
	int status;
	char *log;

	lab_mark(l);
	assert_int_equal(ask_behind(l, 60000), 200);
	status = ask_behind(l, 4000000);
	assert_true(status == 0 || status == 413 || status == 431);
	/* One thread reads them all: behind this they are done with. */
	assert_int_equal(ask_behind(l, 1), 200);
	log = server_log_since(&l->server, l->log);
	assert_null(strstr(log, "aaaa"));
	free(log);
	lab_good(l);
}

/* ---- many that say nothing ---- */

#define IDLE		1000
#define IDLE_KB		(64 * 1024)

/* Resident memory of the server, in KiB. */
static long
resident(const struct server *s)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	(void)fclose(f);
	assert_true(kb > 0);
	return kb;
}

static void
test_idle(void **state)
{
	struct rlimit files;
	struct lab l;
	int fds[IDLE];
	long before;
	size_t i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < 2 * IDLE)
		skip();
	files.rlim_cur = files.rlim_max < 4 * IDLE ? files.rlim_max :
	    4 * IDLE;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	lab_open(&l, "max_connections = 1100; max_per_address = 1100;", 0);
	lab_good(&l);
	before = resident(&l.server);
	for (i = 0; i < IDLE; i++) {
		assert_int_not_equal(fds[i] = http_open(l.server.port), -1);
		if (i % 2 == 0)
			(void)http_send(fds[i], bytes_str("POST " LAB_POST
			    " HTTP/1.1\r\n" HOST "X-Slow: "));
	}
	lab_good(&l);
	assert_in_range(resident(&l.server), 1, before + IDLE_KB);
	for (i = 0; i < IDLE; i++)
		close(fds[i]);
	lab_close(&l);
}

/* ---- too slow ---- */

#define TIMEOUT_S	1

/* So far they come, then they fall silent; the last one goes on, slowly. */
static const char *const slow[] = {
	"", "P", "POST /scep?operation=PKI",
	"POST " LAB_POST " HTTP/1.1\r\nHost: x\r\nX-Y: ",
	"POST " LAB_POST " HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n",
	"POST " LAB_POST " HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n0",
	"POST " LAB_POST " HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n10\r\n0",
	"POST /scep?drip=",
};

/* How many connections were cut, as the lines of the log add up. */
static long
count_cut(const struct lab *l)
{
	char *log = server_log_since(&l->server, l->log);
	const char *at = log;
	long n = 0;

	while ((at = strstr(at, "event=connections_cut "
	    "reason=request_timeout count=")) != NULL) {
		at = strstr(at, "count=") + strlen("count=");
		n += strtol(at, NULL, 10);
	}
	free(log);
	return n;
}

static void
test_slow(void **state)
{
	struct timeval begin, end, took;
	int fds[N(slow)];
	struct lab l;
	size_t i;

	(void)state;
	lab_open(&l, "request_timeout = 1;", 0);
	(void)gettimeofday(&begin, NULL);
	for (i = 0; i < N(slow); i++) {
		fds[i] = http_open(l.server.port);
		assert_int_not_equal(fds[i], -1);
		(void)http_send(fds[i], bytes_str(slow[i]));
	}
	/* Nobody waits for them. */
	lab_good(&l);
	close(l.fd);
	l.fd = -1;
	lab_mark(&l);
	while (http_send(fds[N(slow) - 1], bytes_str("x")) == 1)
		(void)usleep(20000);
	for (i = 0; i < N(slow); i++) {
		assert_true(http_ends(fds[i]));
		close(fds[i]);
	}
	(void)gettimeofday(&end, NULL);
	timersub(&end, &begin, &took);
	assert_in_range(took.tv_sec, TIMEOUT_S, 10);
	/* They are cut first, and told then. */
	for (i = 0; i < 500 && count_cut(&l) < (long)N(slow); i++)
		(void)usleep(10000);
	assert_int_equal(count_cut(&l), N(slow));
	lab_good(&l);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_url),
		cmocka_unit_test(test_longest_url),
		cmocka_unit_test(test_flood_announced),
		cmocka_unit_test(test_flood_chunked),
		cmocka_unit_test(test_flood_endless),
		cmocka_unit_test(test_long_fields),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
