/*
 * The file of the database: its folder, its lock, its making.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store_int.h"
#include "util/file.h"

#define DB_MODE		0600
#define LOCK_TRIES	16

char *
db_path(const char *path, const char *suffix, struct err *e)
{
	char *s;

	if (asprintf(&s, "%s%s", path, suffix) == -1) {
		err_set(e, ERR_MEMORY, "file name");
		return NULL;
	}
	return s;
}

static char *
folder_of(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *s;

	if (slash == NULL)
		s = strdup(".");
	else if (slash == path)
		s = strdup("/");
	else
		s = strndup(path, (size_t)(slash - path));
	if (s == NULL)
		err_set(e, ERR_MEMORY, "file name");
	return s;
}

int
db_folder_check(const char *path, struct err *e)
{
	char *dir = folder_of(path, e);
	struct stat st;
	int rc = -1;

	if (dir == NULL)
		return -1;
	if (stat(dir, &st) == -1)
		err_set(e, ERR_FILE, "%s: folder %s: %s: create it, owned by "
		    "scepd's user", path, dir, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		err_set(e, ERR_FILE, "%s: %s is not a folder: correct "
		    "store.path", path, dir);
	else if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == -1)
		err_set(e, ERR_FILE, "%s: folder %s: %s: give it to scepd's "
		    "user", path, dir, strerror(errno));
	else
		rc = 0;
	free(dir);
	return rc;
}

int
db_owner_check(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		err_set(e, ERR_FILE, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (geteuid() == 0 || geteuid() == st.st_uid)
		return 0;
	err_set(e, ERR_FILE, "%s: belongs to another user: become root, or "
	    "the user of scepd", path);
	return -1;
}

static void
lock_refused(const char *path, int fd, struct err *e)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	err_set(e, ERR_STORE, "%s: in use by another scepd (pid %s): stop it, "
	    "or set store.path to another file", path,
	    *pid == '\0' ? "unknown" : pid);
}

/* Whether the name still leads to what is open: the holder before us removes
 * the file at its end, and a lock on a removed file keeps nobody out. */
static bool
same_file(const char *name, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(name, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* 1: ours, 0: try again, -1 */
static int
lock_try(const char *path, const char *name, int *out, struct err *e)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    DB_MODE);

	if (fd == -1) {
		err_set(e, ERR_FILE, "%s: %s: remove it if no scepd runs",
		    name, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			lock_refused(path, fd, e);
		else
			err_set(e, ERR_FILE, "%s: %s", name, strerror(errno));
		close(fd);
		return -1;
	}
	if (!same_file(name, fd)) {
		close(fd);
		return 0;
	}
	*out = fd;
	return 1;
}

int
db_lock(const char *path, int *out, struct err *e)
{
	char *name = db_path(path, ".lock", e);
	int fd = -1, rc = 0;

	if (name == NULL)
		return -1;
	for (int i = 0; rc == 0 && i < LOCK_TRIES; i++)
		rc = lock_try(path, name, &fd, e);
	if (rc == 0)
		err_set(e, ERR_FILE, "%s: another program keeps removing it",
		    name);
	if (rc == 1) {
		/* For the message above; the lock holds without it. */
		(void)fchmod(fd, DB_MODE);
		if (ftruncate(fd, 0) == 0)
			(void)dprintf(fd, "%ld\n", (long)getpid());
		*out = fd;
	}
	free(name);
	return rc == 1 ? 0 : -1;
}

void
db_unlock(const char *path, int fd)
{
	struct err e = { 0 };
	char *name;

	if (fd == -1)
		return;
	if ((name = db_path(path, ".lock", &e)) != NULL)
		(void)unlink(name);
	free(name);
	close(fd);
}

void
db_remove(const char *path)
{
	static const char *const suffixes[] = {
		"", "-journal", "-wal", "-shm"
	};
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *name = db_path(path, suffixes[i], &e);

		if (name != NULL)
			(void)unlink(name);
		free(name);
	}
}

/* SQLite gives its other files the mode of this one, whatever the umask. */
static int
make_empty(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, DB_MODE);

	if (fd == -1 || fchmod(fd, DB_MODE) == -1) {
		err_set(e, ERR_FILE, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int
fill(const char *path, struct err *e)
{
	struct db_conn *c;
	char sql[64];
	int rc = -1;

	if (db_conn_open(path, DB_WRITER, &c, e) == -1)
		return -1;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d",
	    DB_APPLICATION_ID);
	if (db_exec(c, sql, e) == 0 && db_migrate(c, db_migrations, e) == 0)
		rc = 0;
	db_conn_close(c);
	return rc;
}

/*
 * SQLite would play a log without its database into ours: and it may hold the
 * last certificates of a database that somebody moved, so it is not removed.
 */
static int
leftover_check(const char *path, const char *suffix, struct err *e)
{
	char *name = db_path(path, suffix, e);
	int rc = -1;

	if (name == NULL)
		return -1;
	if (access(name, F_OK) == 0)
		err_set(e, ERR_FILE, "%s: left of a database that is gone: "
		    "put the database back, or remove it", name);
	else
		rc = 0;
	free(name);
	return rc;
}

int
db_create(const char *path, struct err *e)
{
	char *name;
	int rc = -1;

	if (leftover_check(path, "-wal", e) == -1 ||
	    leftover_check(path, "-journal", e) == -1 ||
	    (name = db_path(path, ".new", e)) == NULL)
		return -1;
	/* What a crash left; the lock says that nobody is at work on it. */
	db_remove(name);
	if (make_empty(name, e) == -1)
		goto out;
	if (fill(name, e) == -1) {
		err_prefix(e, "%s", path);
		goto out;
	}
	if (rename(name, path) == -1) {
		err_set(e, ERR_FILE, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (file_sync_folder(path, e) == -1) {
		db_remove(path);
		goto out;
	}
	rc = 0;
out:
	if (rc == -1)
		db_remove(name);
	free(name);
	return rc;
}

int
db_file_id(const char *path, const char *suffix, struct db_file_id *out,
    struct err *e)
{
	char *name = db_path(path, suffix, e);
	struct stat st;
	int rc = -1;

	if (name == NULL)
		return -1;
	if (stat(name, &st) == -1)
		err_set(e, ERR_STORE, "%s: %s", name, strerror(errno));
	else {
		out->dev = st.st_dev;
		out->ino = st.st_ino;
		rc = 0;
	}
	free(name);
	return rc;
}

/*
 * Reading a WAL database needs its -shm file. Where there is none and we may
 * not make one, no daemon runs: the file is at rest and can be read as it is.
 */
enum db_mode
db_mode_read(const char *path)
{
	struct err e = { 0 };
	char *wal = db_path(path, "-wal", &e);
	char *dir = folder_of(path, &e);
	enum db_mode mode = DB_READER;

	if (wal != NULL && dir != NULL && access(wal, F_OK) == -1 &&
	    errno == ENOENT &&
	    faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == -1)
		mode = DB_FROZEN;
	free(wal);
	free(dir);
	return mode;
}
