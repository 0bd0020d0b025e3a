/*
 * fetch: one exchange, and every limit that it keeps.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "hook_fake.h"
#include "net/fetch.h"
#include "pki_tool.h"
#include "util/clock.h"
#include "util/file.h"

#define LIMIT		4096
#define SOON_MS		300	/* for what is meant to run out of time */
#define LONG_MS		20000

static struct who	 ca, other_ca, server, client, stranger, expired;
static struct hook	*plain, *tls, *mutual;
static struct buf	 ca_pem, other_pem;

static void
read_pem(const struct cert *c, struct buf *out)
{
	struct err	 e = ERR_INIT;

	buf_init(out, FILE_MAX);
	assert_int_equal(cert_pem(c, out, &e), 0);
}

static void
make_people(void)
{
	static const uint8_t	 localhost[] = "\x82\x09localhost";
	static const uint8_t	 address[] = { 0x87, 4, 127, 0, 0, 1 };
	const struct bytes	 sans[] = {
		{ localhost, sizeof(localhost) - 1 },
		{ address, sizeof(address) },
	};
	struct order		 o = { .name = "CA", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA };

	o.from = time(NULL) - DAY;
	o.to = o.from + 100 * DAY;
	who_make(&ca, &o);
	who_make(&other_ca, &o);
	o.ca = false;
	o.ku = CERT_KU_DIGITAL_SIGNATURE;
	o.name = "client";
	o.issuer = &ca;
	who_make(&client, &o);
	o.name = "server";
	o.sans = sans;
	o.n_sans = 2;
	who_make(&server, &o);
	/* The right CA, but a certificate for somebody else. */
	o.name = "stranger";
	o.n_sans = 0;
	who_make(&stranger, &o);
	o.name = "expired";
	o.n_sans = 2;
	o.to = o.from + DAY / 2;
	who_make(&expired, &o);
}

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fetch_begin(&e), 0);
	make_people();
	read_pem(ca.cert, &ca_pem);
	read_pem(other_ca.cert, &other_pem);
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_cert_file("server.pem", server.cert);
	(void)tool_key_file("server.key", server.key);
	plain = hook_start(NULL, NULL, NULL);
	tls = hook_start(tool_path("server.pem"), tool_path("server.key"),
	    NULL);
	mutual = hook_start(tool_path("server.pem"), tool_path("server.key"),
	    tool_path("ca.pem"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hook_stop(plain);
	hook_stop(tls);
	hook_stop(mutual);
	buf_wipe(&ca_pem);
	buf_wipe(&other_pem);
	who_free(&ca);
	who_free(&other_ca);
	who_free(&server);
	who_free(&client);
	who_free(&stranger);
	who_free(&expired);
	fetch_end();
	tool_clean();
	return 0;
}

/* SCHEME://HOST:PORT/WORD; borrowed until the next. */
static const char *
url_of(const char *scheme, const char *host, const struct hook *h,
    const char *word)
{
	static char	 url[256];

	(void)snprintf(url, sizeof(url), "%s://%s:%d/%s", scheme, host,
	    hook_port(h), word);
	return url;
}

static void
assert_fetched(const struct fetch *f, const char *want)
{
	struct buf	 out = BUF_INIT(LIMIT);
	struct err	 e = ERR_INIT;

	if (fetch_run(f, &out, &e) == -1)
		fail_msg("%s: %s", f->url, err_text(&e));
	assert_string_equal(buf_cstr(&out), want);
	assert_int_equal(out.max, LIMIT);
	buf_wipe(&out);
}

static void
assert_refused(const struct fetch *f, enum err_reason want, const char *text)
{
	struct buf	 out = BUF_INIT(LIMIT);
	struct err	 e = ERR_INIT;

	assert_int_equal(fetch_run(f, &out, &e), -1);
	assert_err(&e, want, text, f->url);
	assert_int_equal(out.n, 0);
}

static void
test_plain(void **state)
{
	struct buf	 request = BUF_INIT(65536);
	struct fetch	 f = { .timeout_ms = LONG_MS,
	    .headers = { "X-One: 1", "X-Two: 2" } };

	(void)state;
	f.url = url_of("http", "127.0.0.1", plain, "text");
	assert_fetched(&f, "hello");
	hook_last(plain, &request);
	assert_memory_equal(buf_cstr(&request), "GET /text HTTP/1.1\r\n", 20);
	assert_non_null(strstr(buf_cstr(&request), "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(buf_cstr(&request), "\r\nX-Two: 2\r\n"));
	f.post = LIT("a\0b");
	f.url = url_of("http", "localhost", plain, "text");
	assert_fetched(&f, "hello");
	buf_reset(&request);
	hook_last(plain, &request);
	assert_memory_equal(buf_cstr(&request), "POST /text HTTP/1.1\r\n", 21);
	assert_null(strcasestr(buf_cstr(&request), "Expect:"));
	assert_memory_equal(request.p + request.n - 3, "a\0b", 3);
	buf_wipe(&request);
}

/* What the server does, and what comes of it. */
static void
test_limits(void **state)
{
	static const struct {
		const char	*word;
		int		 ms;
		enum err_reason	 reason;
		const char	*text;
	} rows[] = {
		{ "404", LONG_MS, ERR_FETCH_STATUS, "404" },
		{ "500", LONG_MS, ERR_FETCH_STATUS, "500" },
		{ "redirect", LONG_MS, ERR_FETCH_STATUS, "302" },
		{ "huge", LONG_MS, ERR_FETCH_TOO_BIG, "4096" },
		{ "header", LONG_MS, ERR_FETCH_TOO_BIG, "32768" },
		{ "cut", LONG_MS, ERR_FETCH, NULL },
		{ "hang", SOON_MS, ERR_FETCH_TIMEOUT, "connected, but" },
		{ "drip", SOON_MS, ERR_FETCH_TIMEOUT, "connected, but" },
		{ "none", LONG_MS, ERR_FETCH, NULL },
	};
	struct hook	*hooks[] = { plain, tls };

	(void)state;
	for (size_t k = 0; k < N(hooks); k++)
		for (size_t i = 0; i < N(rows); i++) {
			struct fetch	 f = { .timeout_ms = rows[i].ms,
			    .post = LIT("x"), .ca = buf_bytes(&ca_pem) };
			unsigned	 before = hook_count(hooks[k]);

			f.url = url_of(k == 0 ? "http" : "https", "127.0.0.1",
			    hooks[k], rows[i].word);
			assert_refused(&f, rows[i].reason, rows[i].text);
			assert_int_equal(hook_count(hooks[k]), before + 1);
		}
}

static void
test_tls(void **state)
{
	struct buf	 cert, key = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	struct fetch	 f = { .timeout_ms = LONG_MS,
	    .ca = buf_bytes(&ca_pem) };
	unsigned	 before;

	(void)state;
	f.url = url_of("https", "127.0.0.1", tls, "text");
	assert_fetched(&f, "hello");
	f.url = url_of("https", "localhost", tls, "text");
	assert_fetched(&f, "hello");
	before = hook_count(tls);
	f.ca = buf_bytes(&other_pem);
	assert_refused(&f, ERR_FETCH_TLS, "from no CA that is trusted");
	f.ca = bytes_make(NULL, 0);
	assert_refused(&f, ERR_FETCH_TLS, "from no CA that is trusted");
	f.ca = buf_bytes(&ca_pem);
	f.url = url_of("https", "127.0.0.2", tls, "text");
	assert_refused(&f, ERR_FETCH_CONNECT, "connection refused");
	assert_int_equal(hook_count(tls), before);

	read_pem(client.cert, &cert);
	assert_int_equal(key_pem(client.key, &key, &e), 0);
	f.url = url_of("https", "127.0.0.1", mutual, "text");
	f.client_cert = buf_bytes(&cert);
	f.client_key = buf_bytes(&key);
	assert_fetched(&f, "hello");
	before = hook_count(mutual);
	f.client_cert = f.client_key = bytes_make(NULL, 0);
	assert_int_equal(fetch_run(&f, &(struct buf)BUF_INIT(LIMIT), &e), -1);
	assert_int_equal(hook_count(mutual), before);
	buf_wipe(&cert);
	buf_wipe(&key);
}

/* Certificates of the right CA: for another name, and expired. */
static void
test_certificate(void **state)
{
	static const struct {
		const struct who	*who;
		const char		*text;
	} rows[] = {
		{ &stranger, "does not match target host" },
		{ &expired, "its certificate has expired" },
	};
	struct fetch	 f = { .timeout_ms = LONG_MS,
	    .ca = buf_bytes(&ca_pem) };
	struct hook	*h;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		(void)tool_cert_file("shown.pem", rows[i].who->cert);
		(void)tool_key_file("shown.key", rows[i].who->key);
		h = hook_start(tool_path("shown.pem"), tool_path("shown.key"),
		    NULL);
		f.url = url_of("https", "127.0.0.1", h, "text");
		assert_refused(&f, ERR_FETCH_TLS, rows[i].text);
		assert_int_equal(hook_count(h), 0);
		hook_stop(h);
	}
}

static void
test_where(void **state)
{
	struct fetch	 f = { .timeout_ms = LONG_MS };
	struct hook	*gone = hook_start(NULL, NULL, NULL);
	char		 name[256], nobody[64];

	(void)state;
	(void)snprintf(nobody, sizeof(nobody), "http://127.0.0.1:%d/text",
	    hook_port(gone));
	hook_stop(gone);
	f.url = nobody;
	assert_refused(&f, ERR_FETCH_CONNECT, "connection refused");
	/* Documentation addresses: nothing is sent there, not even a SYN. */
	f.url = "http://192.0.2.1/text";
	assert_refused(&f, ERR_FETCH_CONNECT, "for this machine itself");
	f.url = "http://[2001:db8::1]/text";
	assert_refused(&f, ERR_FETCH_CONNECT, "for this machine itself");
	f.url = "ftp://127.0.0.1/text";
	assert_refused(&f, ERR_FETCH, NULL);
	/* The environment's proxies are not for us; ours is. */
	assert_int_equal(setenv("http_proxy", nobody, 1), 0);
	assert_int_equal(setenv("https_proxy", nobody, 1), 0);
	assert_int_equal(setenv("ALL_PROXY", nobody, 1), 0);
	(void)unsetenv("no_proxy");
	f.url = url_of("http", "127.0.0.1", plain, "text");
	assert_fetched(&f, "hello");
	(void)snprintf(name, sizeof(name), "http://127.0.0.1:%d",
	    hook_port(plain));
	assert_int_equal(setenv("no_proxy", "*", 1), 0);
	f.proxy = name;
	f.url = nobody;
	assert_fetched(&f, "hello");
}

static void
test_check(void **state)
{
	static const char *const good[] = {
		"https://host.example/path?q=1", "https://[2001:db8::1]:8443/",
		"http://127.0.0.1:8080/x", "http://127.1.2.3/",
		"http://localhost/x", "http://[::1]:81/x",
	};
	static const char *const bad[] = {
		"", "host.example", "/path", "ftp://127.0.0.1/",
		"http://host.example/", "http://192.0.2.1/",
		"http://127.0.0.1.example/", "http://localhost.example/",
		"http://[2001:db8::1]/", "https://", "https:// x/",
		"https://user@host.example/", "https://a:b@host.example/",
		"https://host.example:x/", "file:///etc/passwd",
	};
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		if (fetch_check(good[i], &e) == -1)
			fail_msg("%s: %s", good[i], err_text(&e));
	for (size_t i = 0; i < N(bad); i++) {
		err_clear(&e);
		if (fetch_check(bad[i], &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_err(&e, ERR_ARGUMENT, NULL, bad[i]);
	}
}

/* ---- many at once, and given up ---- */

static void *
fetch_some(void *arg)
{
	for (int i = 0; i < 10; i++)
		assert_fetched(arg, "hello");
	return NULL;
}

static void
test_threads(void **state)
{
	struct fetch	 f = { .timeout_ms = LONG_MS,
	    .ca = buf_bytes(&ca_pem) };
	pthread_t	 t[4];

	(void)state;
	f.url = url_of("https", "127.0.0.1", tls, "text");
	for (size_t i = 0; i < N(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, fetch_some, &f),
		    0);
	for (size_t i = 0; i < N(t); i++)
		(void)pthread_join(t[i], NULL);
}

struct stopper {
	atomic_bool	 stop;
	unsigned	 before;	/* requests that came */
};

static void *
stop_when_asked(void *arg)
{
	struct timespec	 nap = { .tv_nsec = 10 * 1000 * 1000 };
	struct stopper	*s = arg;

	while (hook_count(plain) == s->before)
		nanosleep(&nap, NULL);
	atomic_store(&s->stop, true);
	return NULL;
}

static void
test_stop(void **state)
{
	struct fetch	 f = { .timeout_ms = 60000 };
	int64_t		 began = clock_mono_us();
	struct stopper	 s = { .before = hook_count(plain) };
	pthread_t	 t;

	(void)state;
	atomic_init(&s.stop, false);
	f.stop = &s.stop;
	f.url = url_of("http", "127.0.0.1", plain, "hang");
	assert_int_equal(pthread_create(&t, NULL, stop_when_asked, &s), 0);
	assert_refused(&f, ERR_FETCH, "given up");
	(void)pthread_join(t, NULL);
	assert_true(clock_mono_us() - began < 30 * INT64_C(1000000));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
