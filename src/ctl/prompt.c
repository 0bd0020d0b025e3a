/*
 * Reading a secret from standard input.
 */
#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl_int.h"
#include "util/str.h"

static int
set_read_error(struct err *e)
{
	err_set(e, ERR_FILE, "standard input: %s", strerror(errno));
	return -1;
}

/*
 * A terminal without echo, and signals that wait until it is mended: taken
 * from here they end the program with the terminal as it was.
 */
struct quiet {
	struct termios	 tty;
	sigset_t	 mask;
	int		 signals;	/* readable when one waits */
};

static int
quiet_begin(struct quiet *q, struct err *e)
{
	struct termios	 t;
	sigset_t	 set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGHUP);
	if ((q->signals = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return set_read_error(e);
	(void)sigaddset(&set, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &set, &q->mask);
	if (tcgetattr(STDIN_FILENO, &q->tty) == 0) {
		t = q->tty;
		t.c_lflag &= ~(tcflag_t)ECHO;
		if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0)
			return 0;
	}
	(void)set_read_error(e);
	(void)close(q->signals);
	(void)sigprocmask(SIG_SETMASK, &q->mask, NULL);
	return -1;
}

static void
quiet_end(struct quiet *q)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &q->tty);
	(void)close(q->signals);
	(void)sigprocmask(SIG_SETMASK, &q->mask, NULL);
}

/* The terminal gives a line at a time; a signal ends the wait. */
static int
read_typed(const struct quiet *q, struct buf *out, struct err *e)
{
	struct pollfd	 p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = q->signals, .events = POLLIN }
	};
	char		 c = '\0';
	ssize_t		 n;

	while (c != '\n') {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return set_read_error(e);
		if (p[1].revents != 0) {
			errno = EINTR;
			return set_read_error(e);
		}
		if (p[0].revents == 0)
			continue;
		if ((n = read(STDIN_FILENO, &c, 1)) == -1)
			return set_read_error(e);
		if (n == 0)
			break;
		if (buf_putc(out, c) != 0) {
			err_set(e, ERR_ARGUMENT, "the secret is longer than "
			    "%d bytes", CTL_SECRET_MAX);
			return -1;
		}
	}
	return 0;
}

static int
ask(const struct quiet *q, const char *question, struct buf *out,
    struct err *e)
{
	int	 rc;

	(void)fprintf(stderr, "%s: ", question);
	rc = read_typed(q, out, e);
	(void)fputc('\n', stderr);
	return rc;
}

static int
ask_once(struct buf *out, struct err *e)
{
	struct quiet	 q;
	int		 rc;

	if (quiet_begin(&q, e) != 0)
		return -1;
	rc = ask(&q, "Secret", out, e);
	quiet_end(&q);
	return rc;
}

static int
ask_twice(struct buf *out, struct err *e)
{
	struct buf	 again = BUF_INIT(out->max);
	struct quiet	 q;
	int		 rc;

	if (quiet_begin(&q, e) != 0)
		return -1;
	rc = ask(&q, "Secret", out, e);
	if (rc == 0)
		rc = ask(&q, "Again", &again, e);
	quiet_end(&q);
	if (rc == 0 && !str_equal_secret(buf_bytes(out), buf_bytes(&again))) {
		err_set(e, ERR_ARGUMENT, "the two entries differ");
		rc = -1;
	}
	buf_wipe(&again);
	return rc;
}

static int
read_piped(struct buf *out, struct err *e)
{
	char	 block[1024];
	ssize_t	 n;
	int	 rc = 0;

	while (rc == 0 && (n = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			rc = set_read_error(e);
		} else if (buf_put(out, block, (size_t)n) != 0) {
			err_set(e, ERR_ARGUMENT, "the secret is longer than "
			    "%d bytes", CTL_SECRET_MAX);
			rc = -1;
		}
	}
	explicit_bzero(block, sizeof(block));
	return rc;
}

/* What no client could send the same way is refused, not mended in silence. */
static int
check_line(struct bytes line, struct err *e)
{
	size_t	 i;

	if (line.n == 0 || line.n > CTL_SECRET_MAX) {
		err_set(e, ERR_ARGUMENT, line.n == 0 ?
		    "the secret is empty" : "the secret is too long");
		return -1;
	}
	for (i = 0; i < line.n; i++) {
		if (line.p[i] < 0x20 || line.p[i] == 0x7f) {
			err_set(e, ERR_ARGUMENT, "the secret must be one line "
			    "without control characters");
			return -1;
		}
	}
	if (!str_is_utf8(line)) {
		err_set(e, ERR_ARGUMENT, "the secret is not UTF-8");
		return -1;
	}
	return 0;
}

static int
read_secret(int (*ask_for)(struct buf *, struct err *), struct buf *out,
    struct err *e)
{
	struct buf	 all = BUF_INIT(CTL_SECRET_MAX + 1);
	struct bytes	 line;
	int		 rc;

	rc = isatty(STDIN_FILENO) == 1 ? ask_for(&all, e) :
	    read_piped(&all, e);
	if (rc != 0)
		goto out;
	line = buf_bytes(&all);
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if ((rc = check_line(line, e)) == 0 &&
	    (rc = buf_put(out, line.p, line.n)) != 0)
		err_set(e, ERR_MEMORY, "secret");
out:
	buf_wipe(&all);
	return rc;
}

int
ctl_read_secret(struct buf *out, struct err *e)
{
	return read_secret(ask_twice, out, e);
}

int
ctl_read_known_secret(struct buf *out, struct err *e)
{
	return read_secret(ask_once, out, e);
}
