/*
 * daemon: what is said of the listeners' certificates, and how often.
 * tests/it/tls_cert.sh has each complaint, at a start and at a reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/daemon_int.h"
#include "http_fake.h"

#define DAY	86400
#define BEGIN	INT64_C(1800000000)

static char	 folder[] = "/tmp/t_listeners.XXXXXX";

static int
setup(void **state)
{
	char	 text[256];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(text, sizeof(text), "cd %s && umask 077 && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-noenc -keyout key -out cert -days 3 -subj /CN=a "
	    "-addext subjectAltName=DNS:a 2>/dev/null", folder);
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

static struct http_server *
serve(struct service *svc)
{
	struct conf		 c = { .max_url = 4096, .max_connections = 4,
	    .max_per_address = 4, .idle_timeout = 4 };
	struct http_setup	 how = { .conf = &c, .who = SERVICE_PUBLIC };
	char			 cert[64], key[64];
	struct http_tls_files	 files = { cert, key, "", "", "" };
	struct http_server	*s;
	struct err		 e = { .reason = ERR_NONE };
	int			 fd;

	(void)snprintf(cert, sizeof(cert), "%s/cert", folder);
	(void)snprintf(key, sizeof(key), "%s/key", folder);
	assert_int_equal(http_tls_load(&files, &how.tls, &e), 0);
	assert_int_equal(http_listen("127.0.0.1:0", &fd, &e), 0);
	assert_int_equal(http_start(fd, &how, svc, &s, &e), 0);
	return s;
}

/* Lines about the certificate that are logged meanwhile. */
static int
told(struct listeners *ls, int64_t now)
{
	char	 name[64], line[512];
	FILE	*f;
	int	 saved = dup(STDERR_FILENO), n = 0;

	(void)snprintf(name, sizeof(name), "%s/log", folder);
	assert_non_null(f = fopen(name, "w+"));
	assert_int_not_equal(saved, -1);
	assert_int_not_equal(dup2(fileno(f), STDERR_FILENO), -1);
	listeners_tell(ls, now);
	assert_int_not_equal(dup2(saved, STDERR_FILENO), -1);
	close(saved);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "event=expires_soon") != NULL;
	(void)fclose(f);
	return n;
}

static void
test_daily(void **state)
{
	static const struct {
		int64_t	 now;
		int	 lines;
	} row[] = {
		{ BEGIN, 0 },		/* the start has told it */
		{ BEGIN + 1, 0 },
		{ BEGIN + DAY - 1, 0 },
		{ BEGIN + DAY, 1 },
		{ BEGIN + DAY + 1, 0 },
		{ BEGIN + 2 * DAY, 1 },
		{ BEGIN - 9 * DAY, 0 },	/* the clock was set back */
		{ BEGIN - 8 * DAY, 1 },
	};
	struct service		*svc = fake_open();
	struct listeners	 ls;
	size_t			 i;

	(void)state;
	listeners_init(&ls);
	ls.one[LISTENER_TLS].http = serve(svc);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (told(&ls, row[i].now) != row[i].lines)
			fail_msg("row %zu: not %d lines", i, row[i].lines);
	listeners_close(&ls);
	fake_close(svc);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_daily),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
