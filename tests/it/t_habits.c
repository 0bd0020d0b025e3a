/*
 * Requests as known clients write them, byte for byte where it matters, each
 * answered as all of them need it: no redirect, the exact type, a length, and
 * in the list of capabilities nothing that a careless reader stumbles over.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: scep.example\r\n"
#define END		"\r\n"
#define PART		(256u * 1024)

#define CISCO		"User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; " \
			    "Cisco PKI)\r\n"
#define WINDOWS		"User-Agent: Mozilla/4.0 (compatible; Win32; NDES " \
			    "client 10.0.19041.1/vb_release)\r\n" \
			    "Cache-Control: no-cache\r\nPragma: no-cache\r\n" \
			    "Connection: Keep-Alive\r\n"
#define DLL		"/certsrv/mscep/mscep.dll/pkiclient.exe"

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

static void
ask(struct lab *l, const char *name, const char *text, struct http_answer *a)
{
	lab_mark(l);
	lab_exchange(l, bytes_str(text), a);
	if (a->status != 200)
		fail_msg("%s: HTTP status %d", name, a->status);
}

/* ---- GetCACaps and GetCACert ---- */

enum document { CAPS, CACERT };

#define GET(target)	"GET " target " HTTP/1.1\r\n" HOST END
#define GET10(target)	"GET " target " HTTP/1.0\r\n"

static const struct document_row {
	const char	*name;
	enum document	 document;
	const char	*request;
} document_rows[] = {
	{ "plain", CAPS, GET("/scep?operation=GetCACaps") },
	{ "plain", CACERT, GET("/scep?operation=GetCACert") },
	{ "sscep", CAPS, "GET /scep?operation=GetCACaps HTTP/1.1\r\n" HOST
	    "Connection: close\r\n" END },
	{ "sscep", CACERT, "GET /scep?operation=GetCACert&message="
	    "CAIdentifier HTTP/1.1\r\n" HOST "Connection: close\r\n" END },
	{ "jscep", CAPS, GET("/scep?operation=GetCACaps&message=") },
	{ "jscep", CACERT, GET("/scep?operation=GetCACert&message=") },
	{ "Intune on Android", CACERT,
	    GET("/scep?operation=GetCACert&message=ca") },
	{ "certmonger", CAPS, GET("/scep?operation=GetCACaps&message=0") },
	{ "certmonger", CACERT, GET("/scep?operation=GetCACert&message=0") },
	{ "certmonger, next", CACERT,
	    GET("/scep?operation=GetCACert&message=1") },
	{ "certmonger, last", CACERT,
	    GET("/scep?operation=GetCACert&message=32") },
	{ "Apple", CACERT, "GET /scep?operation=GetCACert&message="
	    "SCEP%20Authority HTTP/1.1\r\n" HOST "Accept: */*\r\n"
	    "Accept-Language: en-us\r\nAccept-Encoding: gzip, deflate\r\n"
	    "User-Agent: mdmclient/1 CFNetwork/1 Darwin/1\r\n" END },
	{ "Apple's command", CAPS, GET10("/scep?operation=GetCACaps&message=")
	    HOST END },
	{ "Windows", CAPS, "GET " DLL "?operation=GetCACaps&message=default "
	    "HTTP/1.1\r\nHost: scep.example\r\n" WINDOWS END },
	{ "Windows", CACERT, "GET " DLL "?operation=GetCACert&message="
	    "default HTTP/1.1\r\n" HOST WINDOWS END },
	{ "Windows, an AIK", CACERT, "GET " DLL "?operation=GetCACertChain&"
	    "message=default HTTP/1.1\r\n" HOST WINDOWS END },
	{ "Windows, another case", CAPS, GET("/CertSrv/mscep/MSCEP.DLL"
	    "/PKICLIENT.EXE/?operation=GetCACaps&message=default") },
	{ "Cisco", CACERT, GET10("/cgi-bin/pkiclient.exe?operation=GetCACert"
	    "&message=TP-self") CISCO END },
	{ "Cisco before an NDES", CACERT, GET10("/certsrv/mscep/mscep.dll"
	    "/pkiclient.exe?operation=GetCACert&message=trustpoint") CISCO
	    END },
	{ "Cisco, URL of ours", CAPS,
	    GET10("/scep/pkiclient.exe?operation=GetCACaps") CISCO END },
	{ "MikroTik", CACERT, GET("/scep/?operation=GetCACert&message="
	    "DummyCAIdentity") },
	{ "scepclient", CACERT,
	    GET("/scep?message=name&operation=GetCACert") },
	{ "strongSwan, no Host", CAPS,
	    "GET /scep?operation=GetCACaps HTTP/1.1\r\n" END },
	{ "unknown parameters", CACERT, GET("/scep?a=b&operation=GetCACert&"
	    "message=x&cacheid=5&&z") },
	{ "escaped", CAPS, GET("/%73cep?operation=%47etCACaps") },
	{ "a message of anything", CACERT,
	    GET("/scep?operation=GetCACert&message=%00%ff%zz%") },
	{ "a message of 255", CAPS, GET("/scep?operation=GetCACaps&message="
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxx") },
	{ "doubled slash", CACERT,
	    GET("//scep//pkiclient.exe?operation=GetCACert") },
	{ "by a proxy", CACERT, GET("http://other.example:8080/scep/"
	    "pkiclient.exe?operation=GetCACert&message=ca") },
	{ "by a proxy, HTTP/1.0", CAPS,
	    GET10("http://other.example/scep?operation=GetCACaps") END },
	{ "POST", CAPS, "POST /scep?operation=GetCACaps HTTP/1.1\r\n" HOST
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: 19\r\n\r\noperation=GetCACaps" },
};

/* Nothing but LF, no line empty or with a blank, the words that iOS, macOS,
 * jscep and strongSwan look for. */
static void
check_caps(const char *name, const struct http_answer *a)
{
	static const char *const words[] = {
		"AES", "DES3", "SHA-1", "SHA-256", "SHA-384", "SHA-512",
		"POSTPKIOperation", "Renewal", "SCEPStandard"
	};
	char text[256], line[32];
	size_t i;

	lab_answer(name, a, "text/plain");
	(void)snprintf(text, sizeof(text), "\n%s", buf_cstr(&a->body));
	if (strpbrk(text, "\r\t ") != NULL || strstr(text, "\n\n") != NULL ||
	    text[strlen(text) - 1] != '\n')
		fail_msg("%s: %s", name, text);
	for (i = 0; i < N(words); i++) {
		(void)snprintf(line, sizeof(line), "\n%s\n", words[i]);
		if (strstr(text, line) == NULL)
			fail_msg("%s: no %s", name, words[i]);
	}
	assert_null(strstr(text, "GetNextCACert"));
}

/* RA certificate, issuing CA and root, and always these. */
static void
check_cacert(const struct lab *l, const char *name,
    const struct http_answer *a)
{
	static const char *const files[] = {
		"ca/ra.pem", "ca/issuing.pem", "ca/root.pem"
	};
	struct err e = { .reason = ERR_NONE };
	struct cert *want;
	struct certs cs;
	size_t i;

	lab_answer(name, a, "application/x-x509-ca-ra-cert");
	assert_int_equal(cms_unbag(buf_bytes(&a->body), &cs, &e), 0);
	assert_int_equal(cs.n, N(files));
	for (i = 0; i < N(files); i++) {
		assert_int_equal(cert_load(server_path(&l->server, files[i]),
		    &want, &e), 0);
		assert_true(bytes_eq(cs.v[i]->der, want->der));
		cert_free(want);
	}
	certs_free(&cs);
}

static void
test_documents(void **state)
{
	struct lab *l = *state;
	const struct document_row *r;
	struct http_answer a;

	for (r = document_rows; r < document_rows + N(document_rows); r++) {
		ask(l, r->name, r->request, &a);
		if (r->document == CAPS)
			check_caps(r->name, &a);
		else
			check_cacert(l, r->name, &a);
		http_answer_clear(&a);
	}
	lab_good(l);
}

/* ---- connections ---- */

/* Whoever reads to the end gets there; whoever keeps it may ask again. */
static void
test_connections(void **state)
{
#define TARGET	"GET /scep?operation=GetCACaps HTTP/"
	static const struct {
		const char	*request;
		bool		 ends;
	} rows[] = {
		{ TARGET "1.1\r\n" HOST END, false },
		{ TARGET "1.1\r\n" HOST "Connection: Keep-Alive\r\n" END,
		    false },
		{ TARGET "1.0\r\nConnection: Keep-Alive\r\n" END, false },
		{ TARGET "1.1\r\n" HOST "Connection: close\r\n" END, true },
		{ TARGET "1.1\r\n" HOST "Connection: Close\r\n" END, true },
		{ TARGET "1.0\r\n" END, true },
		{ TARGET "1.0\r\nConnection: close\r\n" END, true },
	};
	struct lab *l = *state;
	struct http_answer a;
	int fd, times;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		fd = http_open(l->server.port);
		for (times = rows[i].ends ? 1 : 3; times > 0; times--) {
			(void)http_send(fd, bytes_str(rows[i].request));
			if (http_recv(fd, &a) == -1)
				fail_msg("row %zu: no answer", i);
			check_caps(rows[i].request, &a);
			http_answer_clear(&a);
		}
		if (rows[i].ends)
			assert_true(http_ends(fd));
		close(fd);
	}
}

/* ---- PKIOperation by POST ---- */

enum body { LENGTH, CHUNKED, CONTINUE };

#define POST		"POST /scep?operation=PKIOperation HTTP/1.1\r\n" HOST
#define TYPE(t)		"Content-Type: " t "\r\n"

static const struct post_row {
	const char	*name;
	const char	*head;
	enum body	 body;
} post_rows[] = {
	{ "sscep and strongSwan: no type", POST, LENGTH },
	{ "an empty type", POST "Content-Type:\r\n", LENGTH },
	{ "Apple", POST TYPE("application/x-pki-message"), LENGTH },
	{ "scepclient and jscep", POST TYPE("application/octet-stream")
	    "User-Agent: Go-http-client/1.1\r\n", LENGTH },
	{ "curl", POST TYPE("application/x-www-form-urlencoded"), LENGTH },
	{ "multipart that is none",
	    POST TYPE("multipart/form-data; boundary=x"), LENGTH },
	{ "a type with parameters",
	    POST TYPE("application/x-pki-message; charset=utf-8"), LENGTH },
	{ "no type that there is", POST TYPE("x"), LENGTH },
	{ "Windows", "POST " DLL "?operation=PKIOperation HTTP/1.1\r\n"
	    TYPE("application/x-pki-message") HOST WINDOWS, LENGTH },
	{ "Connection: close", POST "Connection: close\r\n", LENGTH },
	{ "no Host", "POST /scep?operation=PKIOperation HTTP/1.1\r\n",
	    LENGTH },
	{ "HTTP/1.0", "POST /scep?operation=PKIOperation HTTP/1.0\r\n",
	    LENGTH },
	{ "message empty", "POST /scep?operation=PKIOperation&message= "
	    "HTTP/1.1\r\n" HOST, LENGTH },
	{ "no operation", "POST /scep/ HTTP/1.1\r\n" HOST, LENGTH },
	{ "chunked", POST, CHUNKED },
	{ "Expect", POST "Expect: 100-continue\r\n", CONTINUE },
};

static void
put_chunks(struct bytes message, struct buf *out)
{
	size_t at, n;

	assert_int_equal(buf_puts(out, "Transfer-Encoding: chunked\r\n\r\n"),
	    0);
	for (at = 0; at < message.n; at += n) {
		n = message.n - at < 500 ? message.n - at : 500;
		assert_int_equal(buf_printf(out, "%zx\r\n", n), 0);
		assert_int_equal(buf_put(out, message.p + at, n), 0);
		assert_int_equal(buf_puts(out, "\r\n"), 0);
	}
	assert_int_equal(buf_puts(out, "0\r\n\r\n"), 0);
}

static void
put_post(const struct post_row *r, struct bytes message, struct buf *out)
{
	assert_int_equal(buf_puts(out, r->head), 0);
	if (r->body == CHUNKED) {
		put_chunks(message, out);
		return;
	}
	assert_int_equal(buf_printf(out, "Content-Length: %zu\r\n\r\n",
	    message.n), 0);
	if (r->body == LENGTH)
		assert_int_equal(buf_put(out, message.p, message.n), 0);
}

/* The message is sent only when the server has said that it may be. */
static void
go_on(struct lab *l, struct bytes head, struct bytes message,
    struct http_answer *a)
{
	static const char ready[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char got[sizeof(ready)] = "";
	size_t n = 0;

	if (l->fd != -1)
		close(l->fd);
	l->fd = http_open(l->server.port);
	(void)http_send(l->fd, head);
	while (n < sizeof(got) - 1 && read(l->fd, got + n, 1) == 1)
		n++;
	assert_string_equal(got, ready);
	(void)http_send(l->fd, message);
	assert_int_equal(http_recv(l->fd, a), 0);
}

static void
test_post(void **state)
{
	struct buf request = BUF_INIT(PART), message;
	struct lab *l = *state;
	const struct post_row *r;
	struct http_answer a;

	for (r = post_rows; r < post_rows + N(post_rows); r++) {
		lab_message(l, &message);
		put_post(r, buf_bytes(&message), &request);
		lab_mark(l);
		if (r->body == CONTINUE)
			go_on(l, buf_bytes(&request), buf_bytes(&message),
			    &a);
		else
			lab_exchange(l, buf_bytes(&request), &a);
		lab_answer(r->name, &a, "application/x-pki-message");
		assert_true(http_has_line(&a, "Cache-Control: no-store"));
		lab_check(l, r->name, &a, (struct want)WANT_ISSUED);
		http_answer_clear(&a);
		buf_wipe(&message);
		buf_reset(&request);
	}
	buf_wipe(&request);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_post),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
