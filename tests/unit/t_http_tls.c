/*
 * http: what a TLS listener can be given, and the listener on a Unix socket.
 * tests/it/tls.sh has the handshakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "http_fake.h"
#include "util/file.h"

static char	 folder[] = "/tmp/t_http_tls.XXXXXX";

/* Two pairs, one locked key, and what is neither. */
static const char make[] =
    "cd %s || exit 1\n"
    "pair() {\n"
    "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \\\n"
    "    -keyout $1.key -out $1.pem -days $2 -subj /CN=$1 2>/dev/null\n"
    "}\n"
    "umask 077; pair a 90 && pair b 90 && pair old 3 &&\n"
    "openssl pkey -in a.key -aes128 -passout pass:x -out locked.key &&\n"
    "echo x >right && echo y >wrong && echo noise >noise && : >empty &&\n"
    "cp a.key open.key && chmod 644 open.key && cat a.pem b.pem >two.pem\n"
    ": >index && printf '[c]\\ndatabase = index\\ndefault_md = sha256\\n' >c\n"
    "openssl ca -gencrl -config c -name c -crldays 2 -cert a.pem \\\n"
    "    -keyfile a.key -out a.crl 2>/dev/null";

static int
setup(void **state)
{
	char	 text[1024];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(text, sizeof(text), make, folder);
	return system(text) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	char	 text[64];

	(void)state;
	(void)snprintf(text, sizeof(text), "rm -r %s", folder);
	return system(text) == 0 ? 0 : -1;
}

struct row {
	const char	*cert, *key, *pass, *ca, *crl;
	enum err_reason	 reason;
	const char	*text;
};

/* With the names of a row in the folder; "" stays "". */
static int
load(const struct row *r, struct http_tls **out, struct err *e)
{
	const char	*name[] = { r->cert, r->key, r->pass, r->ca,
	    r->crl };
	char		 path[5][64] = { "" };
	size_t		 i;

	for (i = 0; i < 5; i++)
		if (*name[i] != '\0')
			(void)snprintf(path[i], sizeof(path[i]), "%s/%s",
			    folder, name[i]);
	return http_tls_load(&(struct http_tls_files){ path[0], path[1],
	    path[2], path[3], path[4] }, out, e);
}

static void
test_good(void **state)
{
	static const struct row	 good[] = {
		{ "a.pem", "a.key", "", "", "", ERR_NONE, "" },
		{ "a.pem", "locked.key", "right", "", "", ERR_NONE, "" },
		{ "old.pem", "old.key", "", "two.pem", "", ERR_NONE, "" },
		{ "a.pem", "a.key", "", "two.pem", "a.crl", ERR_NONE, "" },
	};
	struct err	 e = { .reason = ERR_NONE };
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct http_tls	*t = NULL;

		if (load(&good[i], &t, &e) != 0)
			fail_msg("%s: %s", good[i].key, e.text);
		assert_non_null(t);
		http_tls_put(t);
	}
}

static void
test_refused(void **state)
{
	static const struct row	 bad[] = {
		{ "none", "a.key", "", "", "", ERR_FILE, "none" },
		{ "noise", "a.key", "", "", "", ERR_CERT_FILE, "noise: no cert" },
		{ "empty", "a.key", "", "", "", ERR_CERT_FILE, "empty: no cert" },
		{ "a.key", "a.key", "", "", "", ERR_CERT_FILE, "a.key: no cert" },
		{ "two.pem", "a.key", "", "", "", ERR_CERT_FILE,
		    "two.pem: each certificate must be followed by" },
		{ "a.pem", "none", "", "", "", ERR_FILE, "none" },
		{ "a.pem", "noise", "", "", "", ERR_KEY_FILE, "noise" },
		{ "a.pem", "empty", "", "", "", ERR_KEY_FILE, "empty" },
		{ "a.pem", "a.pem", "", "", "", ERR_KEY_FILE, "a.pem" },
		{ "a.pem", "b.key", "", "", "", ERR_KEY_FILE, "b.key: is not the" },
		{ "a.pem", "open.key", "", "", "", ERR_FILE_MODE, "open.key" },
		{ "a.pem", "locked.key", "", "", "", ERR_PASSPHRASE,
		    "locked.key: is encrypted; name the file" },
		{ "a.pem", "locked.key", "wrong", "", "", ERR_PASSPHRASE,
		    "locked.key: the passphrase is wrong" },
		{ "a.pem", "locked.key", "none", "", "", ERR_FILE, "none" },
		{ "a.pem", "a.key", "", "none", "", ERR_FILE, "none" },
		{ "a.pem", "a.key", "", "noise", "", ERR_CERT_FILE, "noise: no CA" },
		{ "a.pem", "a.key", "", "empty", "", ERR_CERT_FILE, "empty: no CA" },
		{ "a.pem", "a.key", "", "a.pem", "none", ERR_FILE, "none" },
		{ "a.pem", "a.key", "", "a.pem", "noise", ERR_CERT_FILE,
		    "noise: not CRLs in PEM, each of a CA in" },
		{ "a.pem", "a.key", "", "a.pem", "empty", ERR_CERT_FILE,
		    "empty: not CRLs" },
		{ "a.pem", "a.key", "", "a.pem", "b.pem", ERR_CERT_FILE,
		    "b.pem: not CRLs" },
		{ "a.pem", "a.key", "", "b.pem", "a.crl", ERR_CERT_FILE,
		    "a.crl: not CRLs" },
	};
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err	 e = { .reason = ERR_NONE };
		struct http_tls	*t = NULL;

		if (load(&bad[i], &t, &e) != -1)
			fail_msg("row %zu is taken", i);
		assert_null(t);
		if (e.reason != bad[i].reason ||
		    strstr(e.text, bad[i].text) == NULL)
			fail_msg("row %zu: %s: %s", i, err_slug(e.reason),
			    e.text);
	}
}

static int
unix_client(const char *path)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
test_unix(void **state)
{
	struct fake_http	 f;
	struct http_answer		 a;
	struct stat		 st;
	struct err		 e = { .reason = ERR_NONE };
	char			 path[64], url[80];
	int			 fd, other = -1;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	(void)snprintf(url, sizeof(url), "unix:%s", path);
	(void)umask(0);
	fake_http_start(&f, path, 400);
	assert_string_equal(f.url, url);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	fd = unix_client(path);
	client_puts(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(client_read(fd, true, &a), 0);
	assert_string_equal(a.body, "GET /echo (none) 0 unix");
	close(fd);
	assert_int_equal(http_listen(path, &other, &e), -1);
	assert_int_equal(e.reason, ERR_LISTEN);
	assert_non_null(strstr(e.text, "in use"));
	fake_http_stop(&f);
	/* Nobody listens any more: it is replaced. */
	err_clear(&e);
	assert_int_equal(http_listen(path, &fd, &e), 0);
	close(fd);
}

static void
test_unix_refused(void **state)
{
	static const struct {
		const char	*path, *text;
	} bad[] = {
		{ "noise", "exists and is no socket" },
		{ "no-folder/sock", "its folder must exist" },
		{ "long-name-long-name-long-name-long-name-long-name-long-nam"
		    "e-long-name-long-name-long-name", "too long" },
	};
	char	 path[160];
	size_t	 i;
	int	 fd = -1;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err	 e = { .reason = ERR_NONE };

		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    bad[i].path);
		assert_int_equal(http_listen(path, &fd, &e), -1);
		assert_int_equal(fd, -1);
		assert_int_equal(e.reason, ERR_LISTEN);
		if (strstr(e.text, bad[i].text) == NULL)
			fail_msg("%s: %s", path, e.text);
	}
}

static void
test_try(void **state)
{
	static const struct {
		const char	*spec, *text;
	} row[] = {
		{ "127.0.0.1:1", NULL },
		{ "0.0.0.0:1", NULL },
		{ "[::]:1", NULL },
		{ "192.0.2.1:8080", "this machine does not have the address" },
		{ "[2001:db8::1]:8080", "this machine does not have" },
		{ "localhost:8080", "not a numeric address" },
		{ "/run/no-such-folder-of-a-unit/sock", NULL },
		{ "/run/no-such-folder/other/sock", "cannot create" },
		{ "/no-such-folder/sock", "cannot create" },
		{ "/dev/null", "exists and is no socket" },
	};
	char	 path[64];
	size_t	 i;
	int	 fd, r;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err	 e = { .reason = ERR_NONE };

		r = http_listen_try(row[i].spec, &e);
		if (r != (row[i].text == NULL ? 0 : -1) || (r == -1 &&
		    strstr(e.text, row[i].text) == NULL))
			fail_msg("%s: %d %s", row[i].spec, r, e.text);
		if (r == -1)
			assert_int_equal(e.reason, ERR_LISTEN);
	}
	/* It leaves nothing, and what listens does not matter to it. */
	(void)snprintf(path, sizeof(path), "%s/tried", folder);
	for (i = 0; i < 2; i++) {
		struct err	 e = { .reason = ERR_NONE };

		assert_int_equal(http_listen_try(path, &e), 0);
		if (i == 0) {
			assert_int_equal(access(path, F_OK), -1);
			assert_int_equal(http_listen(path, &fd, &e), 0);
		}
	}
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_try),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
