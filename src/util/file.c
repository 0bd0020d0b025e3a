#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/file.h"
#include "util/util_int.h"

/* What people can do about it. */
static const char *
mend(int error)
{
	switch (error) {
	case ENOENT:
		return "; correct the path or create what is missing";
	case EACCES:
	case EPERM:
		return "; give this program's user access to it";
	case EISDIR:
		return "; name a file, not a folder";
	case ENOTDIR:
		return "; a part of the path is not a folder";
	case ENOSPC:
	case EDQUOT:
		return "; make room";
	case EROFS:
		return "; choose a writable place";
	default:
		return "";
	}
}

static int
set_errno(struct err *e, const char *path, const char *what)
{
	int	 error = errno;

	err_set(e, ERR_FILE, "%s: %s: %s%s", path, what, strerror(error),
	    mend(error));
	return -1;
}

static int
open_read(const char *path, struct stat *st, struct err *e)
{
	int	 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return set_errno(e, path, "cannot open");
	if (fstat(fd, st) == 0 && !S_ISDIR(st->st_mode))
		return fd;
	if (S_ISDIR(st->st_mode))
		errno = EISDIR;
	set_errno(e, path, "cannot read");
	close(fd);
	return -1;
}

/* The size that fstat() tells is not trusted: the file may grow meanwhile. */
static int
read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	size_t	 start = out->n, most = out->max - start;
	uint8_t	 block[4096];
	ssize_t	 n;

	if (most > FILE_MAX)
		most = FILE_MAX;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n == -1) {
			if (errno == EINTR)
				continue;
			set_errno(e, path, "cannot read");
			break;
		}
		if ((size_t)n > most - (out->n - start)) {
			err_set(e, ERR_FILE, "%s: larger than %zu bytes; "
			    "is it the right file?", path, most);
			break;
		}
		if (buf_put(out, block, (size_t)n) == -1) {
			err_set(e, ERR_MEMORY, "%s", path);
			break;
		}
	}
	explicit_bzero(block, sizeof(block));
	if (n != 0)
		buf_cut(out, start);
	return n == 0 ? 0 : -1;
}

int
file_read(const char *path, struct buf *out, struct err *e)
{
	struct stat	 st;
	int		 fd, r;

	if ((fd = open_read(path, &st, e)) == -1)
		return -1;
	r = read_all(fd, path, out, e);
	close(fd);
	return r;
}

static int
check_owner(const char *path, const struct stat *st, struct err *e)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	err_set(e, ERR_FILE_MODE, "%s: owned by uid %lu, who could change it; "
	    "chown it to the user that runs this program", path,
	    (unsigned long)st->st_uid);
	return -1;
}

/* Of the opened file, not of its name: the name may change hands. */
static int
check_private(const char *path, const struct stat *st, struct err *e)
{
	unsigned	 mode = st->st_mode & 07777u;
	const char	*fault;

	if (check_owner(path, st, e) == -1)
		return -1;
	if ((mode & S_IWOTH) != 0)
		fault = "others write";
	else if ((mode & S_IROTH) != 0)
		fault = "others read";
	else if ((mode & S_IXOTH) != 0)
		fault = "others run";
	else if ((mode & S_IWGRP) != 0)
		fault = "its group write";
	else
		return 0;
	err_set(e, ERR_FILE_MODE, "%s: mode %04o lets %s it; chmod g-w,o= it",
	    path, mode, fault);
	return -1;
}

/* A sticky folder such as /tmp lets others add files, but replace none. */
static int
check_folder(const char *path, struct err *e)
{
	char		*folder = file_beside(path, ".");
	struct stat	 st;
	int		 r = -1;

	if (folder == NULL)
		err_set(e, ERR_MEMORY, "%s", path);
	else if (stat(folder, &st) == -1)
		set_errno(e, folder, "cannot look");
	else if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		err_set(e, ERR_FILE_MODE, "%s: mode %04o of its folder lets "
		    "others replace it; chmod o-w the folder", path,
		    (unsigned)st.st_mode & 07777u);
	else
		r = 0;
	free(folder);
	return r;
}

int
file_check_program(const char *path, struct err *e)
{
	struct stat	 st;
	char		*real = realpath(path, NULL);
	int		 r = -1;

	if (real == NULL || stat(real, &st) == -1)
		set_errno(e, path, "cannot look");
	else if (!S_ISREG(st.st_mode))
		err_set(e, ERR_FILE, "%s: is no file; name a program", path);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		err_set(e, ERR_FILE_MODE, "%s: mode %04o lets %s write it; "
		    "chmod go-w it", path, (unsigned)st.st_mode & 07777u,
		    (st.st_mode & S_IWOTH) != 0 ? "others" : "its group");
	else if (check_owner(path, &st, e) == 0 &&
	    check_folder(path, e) == 0 && check_folder(real, e) == 0)
		r = 0;
	free(real);
	return r;
}

int
file_read_private(const char *path, struct buf *out, struct err *e)
{
	struct stat	 st;
	int		 fd, r;

	if ((fd = open_read(path, &st, e)) == -1)
		return -1;
	r = check_private(path, &st, e);
	if (r == 0)
		r = read_all(fd, path, out, e);
	close(fd);
	return r;
}

int
file_read_secret(const char *path, struct buf *out, struct err *e)
{
	struct buf	 all = BUF_INIT(FILE_MAX);
	size_t		 n;
	int		 r = -1;

	if (file_read_private(path, &all, e) == -1)
		return -1;
	n = strcspn(buf_cstr(&all), "\n");
	if (n < all.n && all.p[n] == '\0') {
		err_set(e, ERR_FILE, "%s: NUL byte in the first line; "
		    "write the secret as text", path);
		goto out;
	}
	if (n > 0 && n < all.n && all.p[n - 1] == '\r')
		n--;
	if (n == 0)
		err_set(e, ERR_FILE, "%s: first line is empty; "
		    "write the secret there", path);
	else if (n > out->max - out->n)
		err_set(e, ERR_FILE, "%s: first line is longer than %zu bytes;"
		    " is it the right file?", path, out->max - out->n);
	else if (buf_put(out, all.p, n) == -1)
		err_set(e, ERR_MEMORY, "%s", path);
	else
		r = 0;
out:
	buf_wipe(&all);
	return r;
}

static int
write_all(int fd, struct bytes b)
{
	ssize_t	 n;

	while (b.n > 0) {
		n = write(fd, b.p, b.n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		b = bytes_make(b.p + n, b.n - (size_t)n);
	}
	return 0;
}

/* A whole, durable new file. Nobody else can open it before its mode is set. */
static int
write_new(const char *temp, struct bytes b, mode_t mode, const char *path,
    struct err *e)
{
	int	 fd;

	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	if (fd == -1)
		return set_errno(e, path, "cannot create");
	if (write_all(fd, b) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1) {
		set_errno(e, path, "cannot write");
		close(fd);
		(void)unlink(temp);
		return -1;
	}
	if (close(fd) == -1) {
		set_errno(e, path, "cannot write");
		(void)unlink(temp);
		return -1;
	}
	return 0;
}

/* Gives the new file its name; never takes it from another if !replace. */
static int
publish(const char *temp, const char *path, bool replace)
{
	if (replace)
		return rename(temp, path);
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Some file systems (NFS, 9p) only have the older way. */
	if (link(temp, path) == -1)
		return -1;
	(void)unlink(temp);
	return 0;
}

int
file_check_folder(const char *path, struct err *e)
{
	struct stat	 st;
	char		*folder;
	int		 r = -1;

	if ((folder = file_beside(path, ".")) == NULL) {
		err_set(e, ERR_MEMORY, "%s", path);
		return -1;
	}
	if (access(folder, W_OK | X_OK) == -1) {
		set_errno(e, path, "cannot create");
	} else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		set_errno(e, path, "cannot write");
	} else {
		r = 0;
	}
	free(folder);
	return r;
}

/* Makes the name durable. */
int
file_sync_folder(const char *path, struct err *e)
{
	char	*folder;
	int	 fd, r = -1;

	if ((folder = file_beside(path, ".")) == NULL) {
		err_set(e, ERR_MEMORY, "%s", path);
		return -1;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system that does not sync folders. */
	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL))
		set_errno(e, folder, "cannot sync folder");
	else
		r = 0;
	if (fd != -1)
		close(fd);
	free(folder);
	return r;
}

static char *
temp_name(const char *path)
{
	uint64_t	 random;
	char		*name;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
	    asprintf(&name, "%s.%016jx.tmp", path, (uintmax_t)random) == -1)
		return NULL;
	return name;
}

int
file_write(const char *path, struct bytes b, mode_t mode, bool replace,
    struct err *e)
{
	char	*temp;
	int	 r = -1;

	if ((temp = temp_name(path)) == NULL) {
		err_set(e, ERR_MEMORY, "%s", path);
		return -1;
	}
	if (write_new(temp, b, mode, path, e) == -1)
		goto out;
	if (publish(temp, path, replace) == 0) {
		r = file_sync_folder(path, e);
		goto out;
	}
	if (errno == EEXIST)
		err_set(e, ERR_EXISTS, "%s: exists already; move it away or "
		    "choose another name", path);
	else
		set_errno(e, path, "cannot write");
	(void)unlink(temp);
out:
	free(temp);
	return r;
}

char *
file_beside(const char *base, const char *name)
{
	const char	*slash = strrchr(base, '/');
	char		*path;

	if (name[0] == '/' || slash == NULL)
		return strdup(name);
	if (asprintf(&path, "%.*s/%s", (int)(slash - base), base, name) == -1)
		return NULL;
	return path;
}
