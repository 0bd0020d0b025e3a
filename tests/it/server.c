#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server.h"

#define START_WAIT	30	/* seconds */

static const char configuration[] =
    "http: { listen = \"127.0.0.1:0\"; %s };\n"
    "store: { path = \"scepd.db\"; };\n"
    "transaction: { replay = %d; };\n"
    "log: { rate = 0; };\n"
    "abuse: { lock_after = 0; delay_max = 0; };\n"
    "endpoints = ( { name = \"scep\"; issuer = \"local\";\n"
    "    profile = \"device\"; challenges = [ \"test\" ];\n"
    "    ra_cert = \"ca/ra.pem\"; ra_key = \"ca/ra.key\"; } );\n"
    "issuers = ( { name = \"local\"; cert = \"ca/issuing.pem\";\n"
    "    key = \"ca/issuing.key\"; chain = \"ca/chain.pem\"; } );\n"
    "profiles = ( { name = \"device\"; } );\n"
    "challenges = ( { name = \"test\"; secret = \"" SERVER_CHALLENGE
    "\"; } );\n";

const char *
server_path(const struct server *s, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

/* Starts a program whose output goes to the file. */
static pid_t
spawn(const char *output, char *const argv[])
{
	pid_t pid = fork();
	int fd;

	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	/* A test that dies takes its server along. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd != -1 && dup2(fd, STDOUT_FILENO) != -1 &&
	    dup2(fd, STDERR_FILENO) != -1)
		(void)execv(argv[0], argv);
	_exit(127);
}

static char *
program(const char *variable)
{
	char *path = getenv(variable);

	if (path == NULL)
		fail_msg("%s is not set: run by make check", variable);
	return path;
}

static void
write_conf(const struct server *s, const char *settings, int replay)
{
	FILE *f = fopen(server_path(s, "scepd.conf"), "wx");

	assert_non_null(f);
	/* The challenge stands in it. */
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_true(fprintf(f, configuration, settings, replay) > 0);
	assert_int_equal(fclose(f), 0);
}

static void
make_ca(const struct server *s)
{
	char dir[128], option_ca[] = "ca", option_init[] = "init";
	char option_dir[] = "--dir", option_key[] = "--key", key[] = "ec:p256";
	char *argv[] = { program("SCEPCTL"), option_ca, option_init,
	    option_dir, dir, option_key, key, NULL };
	int status;
	pid_t pid;

	(void)snprintf(dir, sizeof(dir), "%s/ca", s->dir);
	pid = spawn(server_path(s, "ca.log"), argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
nap(void)
{
	const struct timespec ts = { .tv_nsec = 10 * 1000 * 1000 };

	(void)nanosleep(&ts, NULL);
}

static void
wait_listening(struct server *s)
{
	time_t end = time(NULL) + START_WAIT;
	const char *at;
	char *log;

	for (s->port = 0; s->port == 0; nap()) {
		log = server_log_since(s, 0);
		if ((at = strstr(log, "event=listening")) != NULL &&
		    (at = strstr(at, "127.0.0.1:")) != NULL &&
		    strchr(at, '\n') != NULL)
			s->port = (int)strtol(at + strlen("127.0.0.1:"), NULL,
			    10);
		else if (time(NULL) > end ||
		    waitpid(s->pid, NULL, WNOHANG) != 0)
			fail_msg("scepd does not start: %s", log);
		free(log);
	}
}

void
server_start(struct server *s, const char *settings, int replay)
{
	const char *tmp = getenv("TMPDIR");
	char conf[128], option[] = "-c";
	char *argv[] = { program("SCEPD"), option, conf, NULL };

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->dir, sizeof(s->dir), "%.40s/scepd-it.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	make_ca(s);
	write_conf(s, settings, replay);
	(void)snprintf(conf, sizeof(conf), "%s/scepd.conf", s->dir);
	s->pid = spawn(server_path(s, "scepd.log"), argv);
	wait_listening(s);
	assert_int_equal(sqlite3_open_v2(server_path(s, "scepd.db"), &s->db,
	    SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(s->db, 10000);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
server_stop(struct server *s)
{
	int status;
	char *log;

	(void)sqlite3_close(s->db);
	assert_int_equal(kill(s->pid, SIGTERM), 0);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	log = server_log_since(s, 0);
	if (status != 0)
		fail_msg("scepd ended with status %x: %s", (unsigned)status,
		    log);
	assert_null(strstr(log, SERVER_CHALLENGE));
	assert_null(strstr(log, "-----BEGIN"));
	free(log);
	assert_int_equal(nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS),
	    0);
}

struct server_rows
server_rows(const struct server *s)
{
	struct server_rows rows;
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_prepare_v2(s->db, "SELECT (SELECT count(*) "
	    "FROM txn), (SELECT count(*) FROM issued)", -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	rows.txn = sqlite3_column_int64(st, 0);
	rows.issued = sqlite3_column_int64(st, 1);
	(void)sqlite3_finalize(st);
	return rows;
}

uint8_t *
server_newest(const struct server *s, size_t *n)
{
	sqlite3_stmt *st;
	uint8_t *der;

	assert_int_equal(sqlite3_prepare_v2(s->db, "SELECT der FROM issued "
	    "ORDER BY id DESC LIMIT 1", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	*n = (size_t)sqlite3_column_bytes(st, 0);
	assert_non_null(der = malloc(*n));
	memcpy(der, sqlite3_column_blob(st, 0), *n);
	(void)sqlite3_finalize(st);
	return der;
}

size_t
server_log_end(const struct server *s)
{
	struct stat st;

	if (stat(server_path(s, "scepd.log"), &st) == -1)
		return 0;
	return (size_t)st.st_size;
}

char *
server_log_since(const struct server *s, size_t from)
{
	size_t end = server_log_end(s), n = 0;
	FILE *f = fopen(server_path(s, "scepd.log"), "r");
	char *text = calloc(1, end - from + 1);

	assert_non_null(text);
	/* Before its start there is no file. */
	if (f == NULL)
		return text;
	assert_int_equal(fseek(f, (long)from, SEEK_SET), 0);
	n = fread(text, 1, end - from, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

size_t
server_lines(const char *text, const char *what)
{
	const char *end, *at;
	size_t n = 0;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		at = what == NULL ? text : strstr(text, what);
		if (at != NULL && at < end)
			n++;
	}
	return n;
}
