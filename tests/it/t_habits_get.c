/*
 * A PKIOperation by GET, its base64 written in the URL as each known client
 * writes it. All are issued, and told so in the same exact type.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: scep.example\r\n"
#define END		"\r\n"
#define CISCO		"User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; " \
			    "Cisco PKI)\r\n"
#define PART		(256u * 1024)
#define URL_MAX		65534	/* what NDES is told to accept */

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

#define ESCAPED		0x01u	/* all but letters and digits as %XX */
#define RAW_SLASH	0x02u	/* but '/' as it stands */
#define LINES		0x04u	/* of 64, and %0A behind the last too */
#define RAW		0x08u	/* nothing escaped */
#define RAW_BUT_EQUAL	0x10u	/* but '=' */
#define BLANKS		0x20u	/* ' ' in the request for '+' */
#define URL_SAFE	0x40u
#define UNPADDED	0x80u

static const struct get_row {
	const char	*name;
	const char	*begin;
	unsigned	 how;
	const char	*end;
} get_rows[] = {
#define MESSAGE	"?operation=PKIOperation&message="
#define V11	" HTTP/1.1\r\n" HOST
	{ "certmonger", "GET /scep" MESSAGE, ESCAPED, V11 END },
	{ "sscep", "GET /scep" MESSAGE, RAW_SLASH | LINES,
	    V11 "Connection: close\r\n" END },
	{ "strongSwan", "GET /scep" MESSAGE, RAW_SLASH | LINES,
	    " HTTP/1.1\r\n" END },
	{ "jscep", "GET /scep" MESSAGE, RAW, V11 END },
	{ "Apple", "GET /scep" MESSAGE, RAW_BUT_EQUAL, V11 END },
	{ "iOS 11", "GET /scep" MESSAGE, RAW_BUT_EQUAL | BLANKS, V11 END },
	{ "scepclient", "GET /scep?message=", URL_SAFE,
	    "&operation=PKIOperation" V11 END },
	{ "unpadded", "GET /scep" MESSAGE, URL_SAFE | UNPADDED, V11 END },
	{ "Cisco", "GET /cgi-bin/pkiclient.exe" MESSAGE, ESCAPED | LINES,
	    " HTTP/1.0\r\n" CISCO END },
	{ "by a proxy", "GET http://x.example/scep/pkiclient.exe" MESSAGE,
	    ESCAPED, V11 END },
	{ "another case", "GET /CERTSRV//mscep/MSCEP.dll" MESSAGE, ESCAPED,
	    V11 END },
	{ "old macOS", "POST /scep" MESSAGE, RAW,
	    V11 "Content-Length: 0\r\n" END },
	{ "old macOS, no length", "POST /scep" MESSAGE, ESCAPED,
	    V11 END },
};

static void
put_digit(char c, unsigned how, struct buf *out)
{
	bool plain = (how & (RAW | URL_SAFE)) || (c == '/' &&
	    how & (RAW_SLASH | RAW_BUT_EQUAL)) ||
	    (c == '+' && how & RAW_BUT_EQUAL);
	char text[2] = { c, '\0' };

	if (c == '+' && how & BLANKS)
		*text = ' ';
	else if (c == '+' && how & URL_SAFE)
		*text = '-';
	else if (c == '/' && how & URL_SAFE)
		*text = '_';
	if (c == '=' && how & UNPADDED)
		return;
	if (plain)
		assert_int_equal(buf_puts(out, text), 0);
	else
		http_escape(text, out);
}

static void
put_message(const char *base64, unsigned how, struct buf *out)
{
	size_t i;

	for (i = 0; base64[i] != '\0'; i++) {
		put_digit(base64[i], how, out);
		if (how & LINES && (i % 64 == 63 || base64[i + 1] == '\0'))
			assert_int_equal(buf_puts(out, "%0A"), 0);
	}
}

static void
get_issued(struct lab *l, const char *name, struct bytes request)
{
	struct http_answer a;

	lab_mark(l);
	lab_exchange(l, request, &a);
	lab_answer(name, &a, "application/x-pki-message");
	lab_check(l, name, &a, (struct want)WANT_ISSUED);
	http_answer_clear(&a);
}

static void
test_get(void **state)
{
	struct buf request = BUF_INIT(PART), base64 = BUF_INIT(PART);
	struct lab *l = *state;
	const struct get_row *r;

	for (r = get_rows; r < get_rows + N(get_rows); r++) {
		lab_base64(l, &base64);
		assert_int_equal(buf_puts(&request, r->begin), 0);
		put_message(buf_cstr(&base64), r->how, &request);
		assert_int_equal(buf_puts(&request, r->end), 0);
		get_issued(l, r->name, buf_bytes(&request));
		buf_reset(&request);
	}
	buf_wipe(&request);
	buf_wipe(&base64);
}

/* The longest URL that clients of an NDES may use, a message at its end. */
static void
test_long_get(void **state)
{
	struct buf request = BUF_INIT(PART), base64 = BUF_INIT(PART);
	struct buf tail = BUF_INIT(PART);
	struct lab *l = *state;

	lab_base64(l, &base64);
	assert_int_equal(buf_puts(&tail, "&operation=PKIOperation&message="),
	    0);
	put_message(buf_cstr(&base64), ESCAPED | LINES, &tail);
	assert_int_equal(buf_puts(&request, "GET /scep?pad="), 0);
	while (request.n - strlen("GET ") + tail.n < URL_MAX)
		assert_int_equal(buf_putc(&request, 'x'), 0);
	assert_int_equal(buf_puts(&request, buf_cstr(&tail)), 0);
	assert_int_equal(buf_puts(&request, V11 END), 0);
	get_issued(l, "URL of 65534", buf_bytes(&request));
	buf_wipe(&request);
	buf_wipe(&base64);
	buf_wipe(&tail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_long_get),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
