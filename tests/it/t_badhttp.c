/*
 * What can be wrong around a message: the body, its base64, the query, the
 * method, the request as such, its size and its pace. Each is refused with the
 * right status and one line of the log, or served where clients are known to do
 * it; then the server enrolls as before.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lab.h"
#include "util/str.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: localhost\r\n"
#define END		"Content-Length: 0\r\n\r\n"
#define FLOOD		(100u * 1024 * 1024)
#define PART		65536u

static int
open_lab(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	assert_non_null(l);
	lab_open(l, "");
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

/* ---- requests that are text ---- */

#define GET_PKI		"GET /scep?operation=PKIOperation"

static const struct text_row {
	const char	*name;
	const char	*request;
	struct want	 want;
} text_rows[] = {
	{ "empty body", "POST /scep?operation=PKIOperation HTTP/1.1\r\n"
	    HOST END, WANT_HTTP(400, "no_message") },
	{ "no length", "POST /scep?operation=PKIOperation HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(400, "no_message") },
	{ "empty body in chunks",
	    "POST /scep?operation=PKIOperation HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    WANT_HTTP(400, "no_message") },
	{ "no message", GET_PKI " HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "no_message") },
	{ "empty message", GET_PKI "&message= HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "no_message") },
	{ "not base64", GET_PKI "&message=!!!! HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "base64") },
	{ "not base64 in the body",
	    "POST /scep?operation=PKIOperation HTTP/1.1\r\n" HOST
	    "Content-Length: 8\r\n\r\nMIIB*AAA", WANT_HTTP(400, "base64") },
	{ "data behind padding", GET_PKI "&message=TQ==TQ== HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(400, "base64") },
	{ "base64 of text", GET_PKI "&message=aGVsbG8= HTTP/1.1\r\n" HOST
	    "\r\n", WANT_HTTP(400, "not_cms") },
	{ "NUL in the message", GET_PKI "&message=MIIB%00AAA HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(400, "query") },
	{ "NUL in the operation",
	    "GET /scep?operation=PKIOperation%00 HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "query") },
	{ "NUL in the path", "GET /scep%00?operation=GetCACaps HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(400, "query") },
	{ "broken escape", GET_PKI "&message=%4 HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "query") },
	{ "escape of no digits", GET_PKI "&message=%zz HTTP/1.1\r\n" HOST
	    "\r\n", WANT_HTTP(400, "query") },
	{ "unknown operation", "GET /scep?operation=GetRich HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(400, "operation") },
	{ "operation in another case",
	    "GET /scep?operation=getcacaps HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "operation") },
	{ "empty operation", "GET /scep?operation= HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "operation") },
	{ "no operation", "GET /scep HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(400, "operation") },
	{ "unknown operation by POST",
	    "POST /scep?operation=GetRich HTTP/1.1\r\n" HOST END,
	    WANT_HTTP(400, "operation") },
	{ "unknown path", "GET /?operation=GetCACaps HTTP/1.1\r\n" HOST
	    "\r\n", WANT_HTTP(404, "not_found") },
	{ "path beside it", "GET /scepter?operation=GetCACaps HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(404, "not_found") },
	{ "path that climbs",
	    "GET /../../etc/passwd HTTP/1.1\r\n" HOST "\r\n",
	    WANT_HTTP(404, "not_found") },
	{ "PUT", "PUT /scep?operation=PKIOperation HTTP/1.1\r\n" HOST END,
	    WANT_HTTP(405, "method") },
	{ "DELETE", "DELETE /scep HTTP/1.1\r\n" HOST END,
	    WANT_HTTP(405, "method") },
	{ "OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST END,
	    WANT_HTTP(405, "method") },
	{ "a method of its own", "ENROLL /scep HTTP/1.1\r\n" HOST END,
	    WANT_HTTP(405, "method") },
	{ "HTTP/1.0, no Host, no message",
	    "POST /scep?operation=PKIOperation HTTP/1.0\r\n" END,
	    WANT_HTTP(400, "no_message") },
};

static void
test_text(void **state)
{
	struct lab *l = *state;
	const struct text_row *r;

	for (r = text_rows; r < text_rows + N(text_rows); r++)
		lab_request(l, r->name, bytes_str(r->request), r->want);
	lab_good(l);
}

/* ---- messages that are no SignedData ---- */

static void
test_not_signed(void **state)
{
	const struct want not_cms = WANT_HTTP(400, "not_cms");
	struct lab *l = *state;
	struct buf b;

	lab_post(l, "one byte", bytes_make("\x30", 1), not_cms);
	lab_post(l, "NULs", bytes_make("\0\0\0\0", 4), not_cms);
	lab_post(l, "text", bytes_str("operation=PKIOperation"), not_cms);
	lab_post(l, "certificate", l->ra->der, not_cms);
	lab_post(l, "request", buf_bytes(&l->csr), not_cms);
	lab_post(l, "envelope", buf_bytes(&l->sealed), not_cms);
	craft_nest(10000, false, &b);
	lab_post(l, "nested", buf_bytes(&b), not_cms);
	buf_wipe(&b);
	craft_nest(10000, true, &b);
	lab_post(l, "nested without end", buf_bytes(&b), not_cms);
	buf_wipe(&b);
	lab_message(l, &b);
	assert_int_equal(buf_puts(&b, "\r\n"), 0);
	lab_post(l, "trailing bytes", buf_bytes(&b),
	    (struct want)WANT_HTTP(400, "trailing_bytes"));
	buf_wipe(&b);
	lab_good(l);
}

/* ---- base64 as clients write it ---- */

/* Replaces every `from` by the text `to`. */
static void
replace(const char *text, char from, const char *to, struct buf *out)
{
	for (; *text != '\0'; text++)
		assert_int_equal(*text == from ? buf_puts(out, to) :
		    buf_putc(out, *text), 0);
}

static void
as_escaped(const char *text, struct buf *out)
{
	http_escape(text, out);
}

/* Plus, slash and padding as they stand. */
static void
as_raw(const char *text, struct buf *out)
{
	assert_int_equal(buf_puts(out, text), 0);
}

static void
as_blanks(const char *text, struct buf *out)
{
	replace(text, '+', "%20", out);
}

static void
as_lines(const char *text, struct buf *out)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		assert_int_equal(buf_putc(out, text[i]), 0);
		if (i % 64 == 63)
			assert_int_equal(buf_puts(out, i % 128 == 63 ?
			    "%0D%0A" : "%0a"), 0);
	}
}

static void
as_unpadded(const char *text, struct buf *out)
{
	assert_non_null(strchr(text, '='));
	replace(text, '=', "", out);
}

static void
as_url_safe(const char *text, struct buf *out)
{
	struct buf half = BUF_INIT(out->max);

	replace(text, '+', "-", &half);
	replace(buf_cstr(&half), '/', "_", out);
	buf_wipe(&half);
}

/* Base64 of a good message that has all that can be written differently. */
static void
make_base64(struct lab *l, struct buf *out)
{
	struct buf message;
	const char *text;

	do {
		buf_reset(out);
		lab_message(l, &message);
		assert_int_equal(str_base64(buf_bytes(&message), out), 0);
		buf_wipe(&message);
		text = buf_cstr(out);
	} while (strchr(text, '+') == NULL || strchr(text, '/') == NULL ||
	    strchr(text, '=') == NULL);
}

static void
test_base64(void **state)
{
	static const struct {
		const char	*name;
		void		(*write)(const char *, struct buf *);
	} rows[] = {
		{ "escaped", as_escaped },
		{ "raw +", as_raw },
		{ "blanks", as_blanks },
		{ "lines", as_lines },
		{ "unpadded", as_unpadded },
		{ "URL-safe", as_url_safe },
	};
	struct lab *l = *state;
	struct buf text = BUF_INIT(PART), message = BUF_INIT(PART);
	struct buf request = BUF_INIT(2 * PART);
	size_t i;

	for (i = 0; i < N(rows); i++) {
		make_base64(l, &text);
		rows[i].write(buf_cstr(&text), &message);
		http_put_get(&request, LAB_PATH, buf_cstr(&message));
		lab_request(l, rows[i].name, buf_bytes(&request),
		    (struct want)WANT_ISSUED);
		buf_reset(&message);
		buf_reset(&request);
	}
	make_base64(l, &text);
	lab_post(l, "base64 in the body", buf_bytes(&text),
	    (struct want)WANT_ISSUED);
	buf_wipe(&text);
	buf_wipe(&message);
	buf_wipe(&request);
	lab_good(l);
}

/* ---- forms of requests that old clients use ---- */

static void
test_forms(void **state)
{
	static const char *const heads[] = {
		"POST /scep?operation=PKIOperation HTTP/1.0\r\n",
		"POST http://scep.example/scep?operation=PKIOperation "
		    "HTTP/1.1\r\n" HOST,
		"POST HTTP://127.0.0.1:1/SCEP/pkiclient.exe"
		    "?operation=PKIOperation HTTP/1.0\r\n",
		"POST /cgi-bin/pkiclient.exe?operation=PKIOperation "
		    "HTTP/1.1\r\n" HOST,
		"POST //certsrv//mscep/mscep.dll?message=x&"
		    "operation=PKIOperation HTTP/1.1\r\n" HOST,
		"POST /scep HTTP/1.1\r\n" HOST,
	};
	struct lab *l = *state;
	struct buf request = BUF_INIT(PART), message;
	size_t i;

	for (i = 0; i < N(heads); i++) {
		lab_message(l, &message);
		assert_int_equal(buf_printf(&request,
		    "%sContent-Length: %zu\r\n\r\n", heads[i], message.n), 0);
		assert_int_equal(buf_put(&request, message.p, message.n), 0);
		lab_request(l, heads[i], buf_bytes(&request),
		    (struct want)WANT_ISSUED);
		buf_wipe(&message);
		buf_reset(&request);
	}
	buf_wipe(&request);
	lab_good(l);
}

/* ---- too much ---- */

static void
test_long_url(void **state)
{
	struct lab *l = *state;
	struct buf request = BUF_INIT(2 * PART);
	size_t i;

	assert_int_equal(buf_puts(&request, GET_PKI "&message="), 0);
	for (i = 0; i < PART; i++)
		assert_int_equal(buf_putc(&request, 'M'), 0);
	assert_int_equal(buf_puts(&request, " HTTP/1.1\r\n" HOST "\r\n"), 0);
	lab_request(l, "URL of 64 KiB and more", buf_bytes(&request),
	    (struct want)WANT_HTTP(414, "url_too_long"));
	buf_wipe(&request);
	lab_good(l);
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

static void
test_slow(void **state)
{
	struct timeval begin, end, took;
	int fds[N(slow)];
	struct lab l;
	char *log;
	size_t i;

	(void)state;
	lab_open(&l, "request_timeout = 1;");
	(void)gettimeofday(&begin, NULL);
	for (i = 0; i < N(slow); i++) {
		fds[i] = http_open(l.server.port);
		assert_int_not_equal(fds[i], -1);
		(void)http_send(fds[i], bytes_str(slow[i]));
	}
	/* Nobody waits for them. */
	lab_good(&l);
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
	log = server_log_since(&l.server, l.log);
	assert_int_equal(server_lines(log, NULL),
	    server_lines(log, "event=connections_cut "
	    "reason=request_timeout "));
	assert_in_range(server_lines(log, NULL), 1, N(slow));
	free(log);
	lab_good(&l);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_long_url),
		cmocka_unit_test(test_flood_announced),
		cmocka_unit_test(test_flood_chunked),
		cmocka_unit_test(test_flood_endless),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
