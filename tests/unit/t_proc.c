#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/proc.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define PATIENCE	30000		/* ms; nothing here takes so long */
#define SOON		1000		/* ms; a shell has spoken by then */

static char	*path_env[] = { (char[]){ "PATH=/usr/bin:/bin" }, NULL };

/* Outcome of the last run. */
static struct buf	 out = BUF_INIT(0);
static struct buf	 diag = BUF_INIT(PROC_STDERR_MAX);
static struct err	 err;
static int		 status;
static atomic_bool	 stop;

static int
shell(const char *script, struct bytes input, size_t max, int timeout_ms)
{
	char		*copy = strdup(script);
	char		 sh[] = "/bin/sh", c[] = "-c";
	char		*argv[] = { sh, c, copy, NULL };
	struct proc	 p = { .argv = argv, .envp = path_env, .input = input,
	    .timeout_ms = timeout_ms, .stop = &stop };
	int		 r;

	assert_non_null(copy);
	buf_wipe(&out);
	buf_wipe(&diag);
	buf_init(&out, max);
	err_clear(&err);
	status = 1000;
	r = proc_run(&p, &out, &diag, &status, &err);
	free(copy);
	return r;
}

/* No child is left, dead or alive. */
static void
assert_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
assert_ended(const char *words, int as)
{
	assert_int_equal(err.reason, ERR_CHILD);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_int_equal(status, as);
	assert_no_children();
}

/* Whatever it was at. */
static void
assert_failed(const char *words)
{
	assert_ended(words, PROC_CUT);
}

static void
test_runs(void **state)
{
	(void)state;
	assert_int_equal(shell("cat; echo warning >&2; exit 3",
	    bytes_str("hello"), 100, PATIENCE), 0);
	assert_string_equal(buf_cstr(&out), "hello");
	assert_string_equal(buf_cstr(&diag), "warning\n");
	assert_int_equal(status, 3);
	assert_int_equal(err.reason, ERR_NONE);
	assert_int_equal(diag.max, PROC_STDERR_MAX);
	assert_no_children();
	/* Nothing in, nothing out. */
	assert_int_equal(shell("cat", bytes_str(NULL), 0, PATIENCE), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(status, 0);
}

/* Far more than pipes hold, both ways at once, and back unchanged. */
static void
test_streams(void **state)
{
	size_t		 n = 1024 * 1024;
	uint8_t		*in = malloc(n);

	(void)state;
	assert_non_null(in);
	for (size_t i = 0; i < n; i++)
		in[i] = (uint8_t)(i * 31 + i / 251);
	assert_int_equal(shell("tee /dev/stderr", bytes_make(in, n), n,
	    PATIENCE), 0);
	assert_true(bytes_eq(buf_bytes(&out), bytes_make(in, n)));
	assert_int_equal(diag.n, PROC_STDERR_MAX);
	assert_memory_equal(diag.p, in, PROC_STDERR_MAX);
	/* One that answers much before it reads, and one that never reads. */
	assert_int_equal(shell("head -c 200000 /dev/zero; cat >/dev/null",
	    bytes_make(in, n), n, PATIENCE), 0);
	assert_int_equal(out.n, 200000);
	assert_int_equal(shell("exec <&-; echo ok", bytes_make(in, n), n,
	    PATIENCE), 0);
	assert_string_equal(buf_cstr(&out), "ok\n");
	assert_int_equal(shell(":", bytes_make(in, n), n, PATIENCE), 0);
	free(in);
}

static void
test_limits(void **state)
{
	(void)state;
	assert_int_equal(shell("printf 1234", bytes_str(NULL), 4, PATIENCE),
	    0);
	assert_string_equal(buf_cstr(&out), "1234");
	assert_int_equal(shell("printf 12345; echo why >&2", bytes_str(NULL),
	    4, PATIENCE), -1);
	assert_failed("answers more than 4 bytes");
	assert_string_equal(buf_cstr(&out), "1234");
	assert_int_equal(shell("cat /dev/zero", bytes_str(NULL), 100000,
	    PATIENCE), -1);
	assert_failed("answers more than 100000 bytes");
	assert_int_equal(out.n, 100000);
	assert_int_equal(shell("cat /dev/zero >&2", bytes_str(NULL), 4, SOON),
	    -1);
	assert_failed("took longer than 1000 ms");
	assert_int_equal(diag.n, PROC_STDERR_MAX);
	/* Standard error is cut, not refused. */
	assert_int_equal(shell("head -c 300000 /dev/zero >&2; echo ok",
	    bytes_str(NULL), 4, PATIENCE), 0);
	assert_string_equal(buf_cstr(&out), "ok\n");
	assert_int_equal(diag.n, PROC_STDERR_MAX);
}

static void
test_deadline(void **state)
{
	int64_t	 begin = clock_mono_us();

	(void)state;
	assert_int_equal(shell("echo a; echo b >&2; exec sleep 1000",
	    bytes_str(NULL), 100, SOON), -1);
	assert_failed("/bin/sh: killed, it took longer than 1000 ms");
	assert_true(clock_mono_us() - begin >= SOON * 1000);
	assert_true(clock_mono_us() - begin < PATIENCE * 1000);
	assert_string_equal(buf_cstr(&out), "a\n");
	assert_string_equal(buf_cstr(&diag), "b\n");
	/* Closed descriptors do not look like an end. */
	assert_int_equal(shell("exec <&- >&- 2>&-; exec sleep 1000",
	    bytes_str("x"), 100, 200), -1);
	assert_failed("took longer");
	/* One that shrugs signals off. */
	assert_int_equal(shell("trap '' TERM INT HUP; while :; do :; done",
	    bytes_str(NULL), 100, 200), -1);
	assert_failed("took longer");
	assert_int_equal(shell("sleep 1000", bytes_str(NULL), 100, 0), -1);
	assert_failed("took longer than 0 ms");
}

/* The exit code of a grandchild that became ours: it must have been killed. */
static void
assert_grandchild_killed(pid_t pid)
{
	int	 st = 0;

	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGKILL);
	assert_no_children();
}

static void
test_group(void **state)
{
	int64_t	 begin = clock_mono_us();

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	/* At the deadline; its number comes by standard error. */
	assert_int_equal(shell("sleep 1000 & echo $! >&2; wait",
	    bytes_str(NULL), 100, SOON), -1);
	assert_int_equal(err.reason, ERR_CHILD);
	assert_grandchild_killed(atoi(buf_cstr(&diag)));
	/* At the end, although it holds the pipes open. */
	assert_int_equal(shell("sleep 1000 & echo $!", bytes_str(NULL), 100,
	    PATIENCE), 0);
	assert_int_equal(status, 0);
	assert_grandchild_killed(atoi(buf_cstr(&out)));
	assert_true(clock_mono_us() - begin < PATIENCE * 1000);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static char	 pid_file[] = "/tmp/t_proc.XXXXXX";

/* The program says that it runs by what it writes there. */
static void *
stop_when_begun(void *arg)
{
	const struct timespec	 some = { .tv_nsec = 10000000 };
	struct stat		 st;

	while (stat(pid_file, &st) == 0 && st.st_size == 0)
		(void)nanosleep(&some, NULL);
	atomic_store(&stop, true);
	return arg;
}

static pid_t
read_pid(void)
{
	FILE	*f = fopen(pid_file, "r");
	int	 pid = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	return pid;
}

/* The server stops while it runs, or before. */
static void
test_stop(void **state)
{
	int64_t		 begin = clock_mono_us();
	char		 script[128];
	pthread_t	 other;
	int		 fd = mkstemp(pid_file);

	(void)state;
	assert_true(fd != -1);
	(void)close(fd);
	(void)snprintf(script, sizeof(script), "trap '' TERM; echo made; "
	    "sleep 1000 & echo $! >%s; wait", pid_file);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pthread_create(&other, NULL, stop_when_begun, NULL),
	    0);
	assert_int_equal(shell(script, bytes_str(NULL), 100, PATIENCE), -1);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_grandchild_killed(read_pid());
	assert_failed("/bin/sh: killed, the server stops");
	assert_string_equal(buf_cstr(&out), "made\n");
	assert_int_equal(shell("sleep 1000", bytes_str(NULL), 100, PATIENCE),
	    -1);
	assert_failed("killed, the server stops");
	assert_true(clock_mono_us() - begin < PATIENCE * 1000);
	assert_int_equal(unlink(pid_file), 0);
	atomic_store(&stop, false);
}

static void
test_fails(void **state)
{
	char		 missing[] = "/nonexistent/issuer";
	char		 folder[] = "/";
	char		*names[] = { missing, folder };

	(void)state;
	buf_wipe(&out);
	status = 1000;
	for (size_t i = 0; i < N(names); i++) {
		char		*argv[] = { names[i], NULL };
		struct proc	 p = { .argv = argv, .envp = path_env,
		    .timeout_ms = PATIENCE };

		err_clear(&err);
		assert_int_equal(proc_run(&p, &out, &diag, &status, &err), -1);
		assert_ended("cannot start: ", PROC_NEVER);
		assert_non_null(strstr(err.text, names[i]));
	}
	assert_int_equal(shell("echo made; echo oops >&2; kill -SEGV $$",
	    bytes_str(NULL), 100, PATIENCE), -1);
	assert_failed("killed by signal 11");
	assert_string_equal(buf_cstr(&out), "made\n");
	assert_non_null(strstr(buf_cstr(&diag), "oops"));
}

static int
count_descriptors(void)
{
	int	 n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Too few descriptors: it fails cleanly at whatever step it gets to. */
static void
test_no_descriptors(void **state)
{
	int		 before = count_descriptors(), r, failed = 0;
	struct rlimit	 old, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	do {
		few.rlim_cur = (rlim_t)(before + failed);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		r = shell("echo ok", bytes_str(NULL), 100, PATIENCE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (r == -1)
			assert_ended("cannot start: Too many open files",
			    PROC_NEVER);
		assert_int_equal(count_descriptors(), before);
	} while (r == -1 && ++failed < 20);
	assert_int_equal(r, 0);
	assert_true(failed >= 4);
	assert_string_equal(buf_cstr(&out), "ok\n");
}

static void
test_inherits_nothing(void **state)
{
	unsigned long long	 blocked, ignored;
	sigset_t		 block, old;
	int			 fd;

	(void)state;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &block, &old), 0);
	assert_int_equal(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status",
	    bytes_str(NULL), 200, PATIENCE), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
	assert_int_equal(sscanf(buf_cstr(&out), "SigBlk: %llx SigIgn: %llx",
	    &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	/* glibc ignores 32 and 33, its own, in what it spawns. */
	assert_int_equal(ignored & ~(3ull << 31), 0);

	/* One that a library forgot to mark. */
	fd = fcntl(STDIN_FILENO, F_DUPFD, 50);
	assert_true(fd >= 50);
	assert_int_equal(shell("cd /proc/$$/fd && echo *", bytes_str(NULL), 200,
	    PATIENCE), 0);
	close(fd);
	assert_non_null(strstr(buf_cstr(&out), "0 1 2"));
	assert_null(strstr(buf_cstr(&out), "50"));

	assert_int_equal(setenv("SCEPD_TEST_SECRET", "x", 1), 0);
	assert_int_equal(shell("exec env", bytes_str(NULL), 500, PATIENCE), 0);
	assert_null(strstr(buf_cstr(&out), "SECRET"));
	assert_non_null(strstr(buf_cstr(&out), "PATH=/usr/bin:/bin\n"));

	/* No terminal to ask on. */
	assert_int_equal(shell("exec 2>/dev/null; : </dev/tty && echo tty",
	    bytes_str(NULL), 500, PATIENCE), 0);
	assert_int_equal(out.n, 0);
}

static void *
run_many(void *arg)
{
	char		 sh[] = "/bin/sh", c[] = "-c", script[] = "cat";
	char		*argv[] = { sh, c, script, NULL };
	struct proc	 p = { .argv = argv, .envp = path_env,
	    .input = bytes_str(arg), .timeout_ms = PATIENCE };

	for (int i = 0; i < 10; i++) {
		struct buf	 o = BUF_INIT(100), d = BUF_INIT(100);
		struct err	 e = { 0 };
		int		 code = -1;
		bool		 good;

		good = proc_run(&p, &o, &d, &code, &e) == 0 && code == 0 &&
		    bytes_eq(buf_bytes(&o), p.input);
		buf_wipe(&o);
		buf_wipe(&d);
		if (!good)
			return NULL;
	}
	return arg;
}

static void
test_threads(void **state)
{
	static char	 inputs[][4] = { "one", "two", "six", "ten" };
	pthread_t	 threads[N(inputs)];
	void		*r;
	int		 before = count_descriptors();

	(void)state;
	for (size_t i = 0; i < N(inputs); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_many,
		    inputs[i]), 0);
	for (size_t i = 0; i < N(inputs); i++) {
		assert_int_equal(pthread_join(threads[i], &r), 0);
		assert_ptr_equal(r, inputs[i]);
	}
	assert_int_equal(count_descriptors(), before);
	assert_no_children();
}

static int
set_up(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_wipe(&out);
	buf_wipe(&diag);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_inherits_nothing),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
