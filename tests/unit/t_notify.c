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

/* A socket as systemd has one: a datagram socket, bound to name. */
static int
listen_at(const char *name)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	size_t			 n = strlen(name);
	int			 fd;

	assert_int_not_equal(fd = socket(AF_UNIX, SOCK_DGRAM, 0), -1);
	assert_true(n < sizeof(sun.sun_path));
	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	return fd;
}

static void
expect(int fd, const char *want)
{
	char	 text[128];
	ssize_t	 n;

	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void
talk(const char *name)
{
	struct err	 e = { .reason = ERR_NONE };
	struct notify	 n;
	int		 fd = listen_at(name);

	assert_int_equal(notify_open(&n, name, &e), 0);
	notify_send(&n, "READY=1");
	expect(fd, "READY=1");
	notify_reloading(&n, 1234567);
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=1234567");
	close(fd);
	notify_send(&n, "STOPPING=1");	/* nobody there: no harm */
	notify_close(&n);
	assert_int_equal(n.fd, -1);
}

static void
test_path(void **state)
{
	const char	*top = getenv("TMPDIR");
	char		 dir[80], name[100];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%.60s/notifyXXXXXX",
	    top == NULL ? "/tmp" : top);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(name, sizeof(name), "%s/socket", dir);
	talk(name);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_abstract(void **state)
{
	char	 name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "@scepd-test-%ld", (long)getpid());
	talk(name);
}

static void
test_nobody(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct notify	 n;

	(void)state;
	assert_int_equal(notify_open(&n, NULL, &e), 0);
	assert_int_equal(n.fd, -1);
	notify_send(&n, "READY=1");
	assert_int_equal(notify_open(&n, "", &e), 0);
	assert_int_equal(n.fd, -1);
	notify_close(&n);
}

static void
test_bad(void **state)
{
	char			 longest[200] = "/";
	const char *const	 rows[] = { "socket", "vsock:2:1", longest };
	struct err		 e;
	struct notify		 n;

	(void)state;
	memset(longest + 1, 'x', sizeof(longest) - 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err_clear(&e);
		assert_int_equal(notify_open(&n, rows[i], &e), -1);
		assert_int_equal(e.reason, ERR_ARGUMENT);
		assert_int_equal(n.fd, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
