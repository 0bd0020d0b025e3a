#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/proc.h"

#define STOP_MS	100		/* from one look at stop to the next */

enum { IN, OUT, ERR, END, N_FDS };

struct run {
	const struct proc	*proc;
	pid_t			 pid;
	int			 fd[N_FDS];	/* our ends; -1: closed */
	struct bytes		 input;		/* not yet written */
	struct buf		 out;
	struct buf		 diag;
	int64_t			 deadline;
};

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/*
 * A pipe for the child's descriptor `which`: ours does not block, the child's
 * does. Neither is 0 to 2, which dup2() in the child would overwrite.
 */
static int
make_pipe(int which, int *ours, int *theirs)
{
	int	 fd[2], high[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	high[0] = fcntl(fd[0], F_DUPFD_CLOEXEC, 3);
	high[1] = fcntl(fd[1], F_DUPFD_CLOEXEC, 3);
	close(fd[0]);
	close(fd[1]);
	*ours = high[which == IN ? 1 : 0];
	*theirs = high[which == IN ? 0 : 1];
	if (*ours == -1 || *theirs == -1)
		return -1;
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

/*
 * A session of its own: a process group to kill, and no terminal to ask for
 * passphrases. Who makes a session of its own in turn outlives the deadline.
 */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t	 none, all;
	int		 r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
		    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	return r;
}

static int
set_actions(posix_spawn_file_actions_t *actions, const int theirs[3])
{
	int	 r = 0;

	for (int i = IN; r == 0 && i <= ERR; i++)
		r = posix_spawn_file_actions_adddup2(actions, theirs[i], i);
	/* Ours close on exec; this is for those that libraries opened. */
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	return r;
}

/* 0 or an errno. */
static int
spawn(struct run *r, const int theirs[3])
{
	posix_spawn_file_actions_t	 actions;
	posix_spawnattr_t		 attr;
	int				 error;

	if ((error = posix_spawn_file_actions_init(&actions)) != 0)
		return error;
	if ((error = posix_spawnattr_init(&attr)) != 0)
		goto out;
	error = set_attributes(&attr);
	if (error == 0)
		error = set_actions(&actions, theirs);
	if (error == 0)
		error = posix_spawn(&r->pid, r->proc->argv[0], &actions, &attr,
		    r->proc->argv, r->proc->envp);
	posix_spawnattr_destroy(&attr);
out:
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int
start(struct run *r, struct err *e)
{
	int	 theirs[3] = { -1, -1, -1 }, error = 0;

	for (int i = IN; error == 0 && i <= ERR; i++)
		if (make_pipe(i, &r->fd[i], &theirs[i]) == -1)
			error = errno;
	if (error == 0)
		error = spawn(r, theirs);
	for (int i = IN; i <= ERR; i++)
		shut(&theirs[i]);
	if (error == 0) {
		r->fd[END] = (int)syscall(SYS_pidfd_open, r->pid, 0);
		if (r->fd[END] != -1)
			return 0;
		error = errno;
	}
	err_set(e, ERR_CHILD, "%s: cannot start: %s", r->proc->argv[0],
	    strerror(error));
	return -1;
}

/* A child need not read its input: that its pipe breaks is no fault. */
static void
give_input(struct run *r)
{
	ssize_t	 n;

	n = write(r->fd[IN], r->input.p, r->input.n);
	if (n >= 0)
		r->input = bytes_make(r->input.p + n, r->input.n - (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		r->input.n = 0;
	if (r->input.n == 0)
		shut(&r->fd[IN]);
}

/* Bytes read; 0: there is nothing now, or (and then it is closed) no more. */
static size_t
take(int *fd, uint8_t *block, size_t size)
{
	ssize_t	 n;

	if (*fd == -1)
		return 0;
	do
		n = read(*fd, block, size);
	while (n == -1 && errno == EINTR);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		shut(fd);
	return n > 0 ? (size_t)n : 0;
}

/* 1: there was some; 0: none; -1: failed, with what there is room for. */
static int
take_output(struct run *r, struct err *e)
{
	uint8_t	 block[4096];
	size_t	 n, room = r->out.max - r->out.n;
	int	 rc;

	n = take(&r->fd[OUT], block, sizeof(block));
	rc = n > 0 ? 1 : 0;
	if (n > 0 && buf_put(&r->out, block, n < room ? n : room) == -1) {
		err_set(e, ERR_MEMORY, "%s: output", r->proc->argv[0]);
		rc = -1;
	} else if (n > room) {
		err_set(e, ERR_CHILD, "%s: answers more than %zu bytes",
		    r->proc->argv[0], r->out.max);
		rc = -1;
	}
	explicit_bzero(block, sizeof(block));
	return rc;
}

/* What passes the limit is read and dropped, or the child would block. */
static bool
take_diag(struct run *r)
{
	uint8_t	 block[PROC_STDERR_MAX];
	size_t	 n, room = r->diag.max - r->diag.n;

	n = take(&r->fd[ERR], block, sizeof(block));
	(void)buf_put(&r->diag, block, n < room ? n : room);
	return n > 0;
}

/*
 * The child has ended, not yet been reaped: what it left running is killed
 * while its group is still surely its own, then the pipes are emptied.
 */
static int
take_rest(struct run *r, struct err *e)
{
	int	 rc;

	(void)kill(-r->pid, SIGKILL);
	while (r->diag.n < r->diag.max && take_diag(r))
		continue;
	do
		rc = take_output(r, e);
	while (rc == 1);
	return rc;
}

static bool
is_stopped(const struct run *r)
{
	return r->proc->stop != NULL && atomic_load(r->proc->stop);
}

/* Waits for something to do; -1 at the deadline, or when it is to stop. */
static int
wait_ready(struct run *r, struct pollfd pfd[N_FDS], struct err *e)
{
	int64_t	 left = r->deadline - clock_mono_us();

	for (int i = 0; i < N_FDS; i++)
		pfd[i] = (struct pollfd){ .fd = r->fd[i],
		    .events = i == IN ? POLLOUT : POLLIN };
	if (left <= 0) {
		err_set(e, ERR_CHILD, "%s: killed, it took longer than %d ms",
		    r->proc->argv[0], r->proc->timeout_ms);
		return -1;
	}
	if (is_stopped(r)) {
		err_set(e, ERR_CHILD, "%s: killed, the server stops",
		    r->proc->argv[0]);
		return -1;
	}
	if (r->proc->stop != NULL && left > STOP_MS * 1000)
		left = STOP_MS * 1000;
	if (poll(pfd, N_FDS, (int)((left + 999) / 1000)) == -1 &&
	    errno != EINTR) {
		err_set(e, ERR_CHILD, "%s: poll: %s", r->proc->argv[0],
		    strerror(errno));
		return -1;
	}
	return 0;
}

static int
attend(struct run *r, struct err *e)
{
	struct pollfd	 pfd[N_FDS];

	for (;;) {
		if (wait_ready(r, pfd, e) == -1)
			return -1;
		if (pfd[END].revents != 0)
			return take_rest(r, e);
		if (pfd[IN].revents != 0)
			give_input(r);
		if (pfd[ERR].revents != 0)
			(void)take_diag(r);
		if (pfd[OUT].revents != 0 && take_output(r, e) == -1)
			return -1;
	}
}

static int
reap(struct run *r, int *code, struct err *e)
{
	pid_t	 pid;
	int	 status = 0;

	do
		pid = waitpid(r->pid, &status, 0);
	while (pid == -1 && errno == EINTR);
	if (pid == -1)
		err_set(e, ERR_CHILD, "%s: waitpid: %s", r->proc->argv[0],
		    strerror(errno));
	else if (WIFSIGNALED(status))
		err_set(e, ERR_CHILD, "%s: killed by signal %d",
		    r->proc->argv[0], WTERMSIG(status));
	else
		*code = WEXITSTATUS(status);
	return pid == -1 || WIFSIGNALED(status) ? -1 : 0;
}

static int
run(struct run *r, int *code, struct err *e)
{
	int	 late, rc;

	rc = start(r, e);
	if (rc == 0)
		*code = PROC_CUT;
	if (rc == 0 && r->input.n == 0)
		shut(&r->fd[IN]);
	if (rc == 0)
		rc = attend(r, e);
	if (r->pid == -1)
		return -1;
	if (rc == 0)
		return reap(r, code, e);
	(void)kill(-r->pid, SIGKILL);
	(void)reap(r, &late, e);
	/* What it had said by then may be all that is known of what it did. */
	while (take_output(r, e) == 1)
		continue;
	return -1;
}

int
proc_run(const struct proc *p, struct buf *out, struct buf *diag, int *status,
    struct err *e)
{
	struct run	 r = { .proc = p, .pid = -1, .input = p->input,
	    .fd = { -1, -1, -1, -1 }, .out = BUF_INIT(out->max),
	    .diag = BUF_INIT(diag->max < PROC_STDERR_MAX ? diag->max :
	    PROC_STDERR_MAX) };
	int		 code = PROC_NEVER, rc;

	r.deadline = clock_mono_us() + (int64_t)p->timeout_ms * 1000;
	rc = run(&r, &code, e);
	for (int i = 0; i < N_FDS; i++)
		shut(&r.fd[i]);
	r.diag.max = diag->max;
	buf_move(diag, &r.diag);
	buf_move(out, &r.out);
	*status = code;
	return rc;
}
