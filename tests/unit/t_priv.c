#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/daemon_int.h"

/* Runs f in a child, because it changes what the process is. */
static int
in_child(int (*f)(void))
{
	pid_t	 pid = fork();
	int	 status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
become_nobody(void)
{
	struct err	 e = { .reason = ERR_NONE };
	gid_t		 groups[64];
	int		 n;

	if (priv_drop("nobody", &e) != 0)
		return 1;
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
		return 2;
	if ((n = getgroups(64, groups)) == -1)
		return 3;
	while (n-- > 0)
		if (groups[n] == 0)
			return 4;
	/* Not root any more: nothing to give up, no user is looked up. */
	return priv_drop("no-such-user-here", &e) == 0 ? 0 : 5;
}

static void
test_drop(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(become_nobody), 0);
}

static void
test_drop_nothing(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	uid_t		 uid = geteuid();

	(void)state;
	assert_int_equal(priv_drop("", &e), 0);
	assert_int_equal(priv_drop("root", &e), 0);
	assert_int_equal(geteuid(), uid);
}

static void
test_unknown_user(void **state)
{
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(priv_drop("no-such-user-here", &e), -1);
	assert_int_equal(e.reason, ERR_PRIVILEGE);
	assert_non_null(strstr(e.text, "no-such-user-here"));
	assert_int_equal(geteuid(), 0);
}

static void
test_share(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct stat	 st;
	struct group	*own = getgrgid(getegid());
	char		 path[] = "/tmp/t_priv.XXXXXX";
	int		 fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(fchmod(fd, 0777), 0);
	assert_int_equal(priv_share(path, "", "", &e), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(priv_share(path, "", "no-such-group-here", &e), -1);
	assert_int_equal(e.reason, ERR_PRIVILEGE);
	assert_non_null(strstr(e.text, "no-such-group-here"));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	err_clear(&e);
	assert_int_equal(priv_check_group("no-such-group-here", &e), -1);
	assert_int_equal(e.reason, ERR_PRIVILEGE);
	err_clear(&e);
	assert_int_equal(priv_check_group("", &e), 0);
	if (own != NULL) {
		assert_int_equal(priv_check_group(own->gr_name, &e), 0);
		assert_int_equal(priv_share(path, "", own->gr_name, &e), 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0660);
		assert_int_equal(st.st_gid, getegid());
	}
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static int
harden(void)
{
	priv_harden();
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && umask(0) == 077 ?
	    0 : 1;
}

static void
test_harden(void **state)
{
	(void)state;
	assert_int_equal(in_child(harden), 0);
}

static int
want_files(void)
{
	struct rlimit	 rl = { .rlim_cur = 64, .rlim_max = 128 };

	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return 1;
	if (priv_want_files(32) != 0 || getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur != 64)
		return 2;
	if (priv_want_files(100) != 0 || getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur != 100)
		return 3;
	/* Above the hard limit: as much as there is, and it is told. */
	if (priv_want_files(1000) != -1 ||
	    getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur != 128)
		return 4;
	return 0;
}

static void
test_files(void **state)
{
	(void)state;
	assert_int_equal(in_child(want_files), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_nothing),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_harden),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
