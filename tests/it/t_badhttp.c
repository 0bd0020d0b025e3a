/*
 * What can be wrong around a message: the body, its base64, the query, the
 * method, the request as such. Each is refused with the right status and one
 * line of the log, or served where clients are known to do it; then the server
 * enrolls as before.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: localhost\r\n"
#define END		"Content-Length: 0\r\n\r\n"
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
	{ "no next CA", "GET /scep?operation=GetNextCACert HTTP/1.1\r\n"
	    HOST "\r\n", WANT_HTTP(404, "not_found") },
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

/* ---- what is hardly HTTP: the library answers, or closes ---- */

static void
test_no_http(void **state)
{
	static const char *const rows[] = {
		"\026\003\001\002\r\n\r\n", "hello\r\n\r\n",
		"GET /scep?operation=GetCACaps\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /scep HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST /scep HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
	};
	struct lab *l = *state;
	struct http_answer a;
	size_t i;
	int fd;

	lab_mark(l);
	for (i = 0; i < N(rows); i++) {
		fd = http_open(l->server.port);
		(void)http_send(fd, bytes_str(rows[i]));
		if (!http_ends(fd))
			fail_msg("not closed: %s", rows[i]);
		close(fd);
	}
	/* One thread reads them all: when this is answered, they are done. */
	lab_exchange(l, bytes_str("GET /scep?operation=GetCACaps HTTP/1.1\r\n"
	    HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
	http_answer_clear(&a);
	assert_int_equal(server_rows(&l->server).txn, l->rows.txn);
	lab_good(l);
}

/* ---- messages that are no SignedData ---- */

static void
test_not_signed(void **state)
{
	const struct want not_cms = WANT_HTTP(400, "not_cms");
	const struct want structure = WANT_HTTP(400, "structure");
	struct lab *l = *state;
	struct buf b;

	lab_post(l, "one byte", bytes_make("\x30", 1), not_cms);
	lab_post(l, "a length of four octets that are not there",
	    bytes_make("\x30\x84", 2), not_cms);
	lab_post(l, "NULs", bytes_make("\0\0\0\0", 4), not_cms);
	lab_post(l, "text", bytes_str("operation=PKIOperation"), not_cms);
	lab_post(l, "certificate", l->ra->der, not_cms);
	lab_post(l, "request", buf_bytes(&l->csr), not_cms);
	lab_post(l, "envelope", buf_bytes(&l->sealed), not_cms);
	craft_nest(10000, false, &b);
	lab_post(l, "nested", buf_bytes(&b), structure);
	buf_wipe(&b);
	craft_nest(10000, true, &b);
	lab_post(l, "nested without end", buf_bytes(&b), structure);
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
		lab_base64(l, &text);
		rows[i].write(buf_cstr(&text), &message);
		http_put_get(&request, LAB_PATH, buf_cstr(&message));
		lab_request(l, rows[i].name, buf_bytes(&request),
		    (struct want)WANT_ISSUED);
		buf_reset(&message);
		buf_reset(&request);
	}
	lab_base64(l, &text);
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
		"POST /scep HTTP/1.1\r\n" HOST "Content-Type: \r\n",
		"POST /scep HTTP/1.1\r\n" HOST
		    "Content-Type: application/octet-stream\r\n",
		"POST /scep HTTP/1.1\r\n" HOST "Content-Type: "
		    "application/x-www-form-urlencoded\r\n",
		"POST /scep HTTP/1.1\r\n" HOST
		    "Content-Type: multipart/form-data; boundary=x\r\n",
		"POST /scep HTTP/1.1\r\n" HOST
		    "Content-Type: application/x-pki-message\r\n",
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

/* ---- what is the same for all: its type to the letter, and caches ---- */

#define TYPE	"Content-Type: "

static void
test_types(void **state)
{
	static const struct {
		const char	*operation;
		const char	*type;
	} rows[] = {
		{ "GetCACaps", TYPE "text/plain" },
		{ "GetCACert", TYPE "application/x-x509-ca-ra-cert" },
		{ "GetCACertChain", TYPE "application/x-x509-ca-ra-cert" },
	};
	struct lab *l = *state;
	struct http_answer a;
	char request[128];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		(void)snprintf(request, sizeof(request), "GET /scep?operation="
		    "%s HTTP/1.1\r\n" HOST "\r\n", rows[i].operation);
		lab_exchange(l, bytes_str(request), &a);
		assert_int_equal(a.status, 200);
		if (!http_has(&a, rows[i].type) ||
		    http_has(&a, "Cache-Control: no-store"))
			fail_msg("%s: %s", rows[i].operation,
			    buf_cstr(&a.head));
		http_answer_clear(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_no_http),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
