/*
 * A CA as a folder of files: whole or not at all.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/ca_dir.h"
#include "ctl/ctl_int.h"
#include "util/file.h"

#define MODE_CERT	0644
#define MODE_KEY	0600
#define MODE_DIR	0755

static struct buf *
add_file(struct ca_files *f, const char *name, mode_t mode)
{
	struct ca_file	*file = &f->v[f->n++];

	*file = (struct ca_file){
		.name = name, .mode = mode, .content = BUF_INIT(FILE_MAX)
	};
	return &file->content;
}

static int
add_key(struct ca_files *f, const char *name, const struct key *k,
    struct err *e)
{
	return k == NULL ? 0 : key_pem(k, add_file(f, name, MODE_KEY), e);
}

static int
add_cert(struct ca_files *f, const char *name, const struct cert *c,
    struct err *e)
{
	return c == NULL ? 0 : cert_pem(c, add_file(f, name, MODE_CERT), e);
}

/* first, which may be NULL, and all of the list. */
static int
add_certs(struct ca_files *f, const char *name, const struct cert *first,
    const struct certs *rest, struct err *e)
{
	struct buf	*b = add_file(f, name, MODE_CERT);
	size_t		 i;

	if (first != NULL && cert_pem(first, b, e) != 0)
		return -1;
	for (i = 0; i < rest->n; i++)
		if (cert_pem(rest->v[i], b, e) != 0)
			return -1;
	return 0;
}

int
ca_files_make(const struct ca_set *s, struct ca_files *out, struct err *e)
{
	const struct cert	*root = NULL;
	struct ca_files		 f = { .n = 0 };

	if (s->upper.n > 0)
		root = s->upper.v[s->upper.n - 1];
	if (add_cert(&f, CA_DIR_ROOT, root, e) != 0 ||
	    add_key(&f, CA_DIR_ROOT_KEY, s->root_key, e) != 0 ||
	    add_cert(&f, CA_DIR_CERT, s->cert, e) != 0 ||
	    add_key(&f, CA_DIR_KEY, s->key, e) != 0 ||
	    add_cert(&f, CA_DIR_RA, s->ra, e) != 0 ||
	    add_key(&f, CA_DIR_RA_KEY, s->ra_key, e) != 0 ||
	    (root != NULL &&
	    add_certs(&f, CA_DIR_CHAIN, NULL, &s->upper, e) != 0) ||
	    add_certs(&f, CA_DIR_BUNDLE, s->cert, &s->upper, e) != 0) {
		ca_files_clear(&f);
		return -1;
	}
	*out = f;
	return 0;
}

void
ca_files_clear(struct ca_files *f)
{
	size_t	 i;

	for (i = 0; i < f->n; i++)
		buf_wipe(&f->v[i].content);
	f->n = 0;
}

static int
set_errno(struct err *e, const char *path, const char *what)
{
	err_set(e, ERR_FILE, "%s: %s: %s", path, what, strerror(errno));
	return -1;
}

static int
set_taken(struct err *e, const char *dir)
{
	err_set(e, ERR_EXISTS, "%s: exists and is not an empty folder; nothing "
	    "is overwritten, choose another", dir);
	return -1;
}

int
ca_dir_check(const char *dir, struct err *e)
{
	struct dirent	*entry;
	DIR		*d;
	size_t		 n = 0;

	if ((d = opendir(dir)) == NULL) {
		if (errno == ENOENT)
			return 0;
		return errno == ENOTDIR ? set_taken(e, dir) :
		    set_errno(e, dir, "cannot look into it");
	}
	while ((entry = readdir(d)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0;
	(void)closedir(d);
	return n == 0 ? 0 : set_taken(e, dir);
}

/* The name that rename(2) needs: no link, no slash at the end. Yours. */
static char *
plain_name(const char *dir)
{
	char	*name = realpath(dir, NULL);
	size_t	 n;

	if (name != NULL || (name = strdup(dir)) == NULL)
		return name;
	for (n = strlen(name); n > 1 && name[n - 1] == '/'; n--)
		name[n - 1] = '\0';
	return name;
}

/* A folder that is being filled. */
struct draft {
	char		*target;
	char		*path;
	struct stat	 old;		/* the empty folder it replaces */
	bool		 replaces;
};

static int
draft_begin(const char *dir, struct draft *d, struct err *e)
{
	char	*name = NULL, *template = NULL;
	int	 rc = -1;

	if ((d->target = plain_name(dir)) == NULL ||
	    asprintf(&name, ".%s.XXXXXX", basename(d->target)) == -1 ||
	    (template = file_beside(d->target, name)) == NULL) {
		err_set(e, ERR_MEMORY, "%s", dir);
		goto out;
	}
	d->replaces = stat(d->target, &d->old) == 0;
	if (mkdtemp(template) == NULL) {
		set_errno(e, dir, "cannot create a folder there");
		goto out;
	}
	d->path = template;
	template = NULL;
	rc = 0;
out:
	free(name);
	free(template);
	return rc;
}

static void
draft_remove(const struct draft *d, const struct ca_files *f)
{
	char	*path;
	size_t	 i;

	for (i = 0; i < f->n; i++) {
		if (asprintf(&path, "%s/%s", d->path, f->v[i].name) == -1)
			continue;
		(void)unlink(path);
		free(path);
	}
	(void)rmdir(d->path);
}

/* Who prepared an empty folder for us keeps his access to what fills it. */
static int
set_owner(const struct draft *d, const char *path, struct err *e)
{
	struct stat	 st;

	if (!d->replaces)
		return 0;
	if (stat(path, &st) != 0 || ((st.st_uid != d->old.st_uid ||
	    st.st_gid != d->old.st_gid) &&
	    chown(path, d->old.st_uid, d->old.st_gid) != 0))
		return set_errno(e, d->target, "cannot keep its owner");
	return 0;
}

static int
write_file(const struct draft *d, const struct ca_file *file, struct err *e)
{
	char	*path;
	int	 rc = -1;

	if (asprintf(&path, "%s/%s", d->path, file->name) == -1) {
		err_set(e, ERR_MEMORY, "%s", file->name);
		return -1;
	}
	if (file_write(path, buf_bytes(&file->content), file->mode, false,
	    e) == 0)
		rc = set_owner(d, path, e);
	free(path);
	return rc;
}

static int
draft_publish(const struct draft *d, struct err *e)
{
	mode_t	 mode = d->replaces ? d->old.st_mode & 07777 : MODE_DIR;

	if (set_owner(d, d->path, e) != 0)
		return -1;
	if (chmod(d->path, mode) != 0)
		return set_errno(e, d->path, "cannot set its mode");
	if (rename(d->path, d->target) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
		return set_taken(e, d->target);
	return set_errno(e, d->target, "cannot give the folder its name");
}

/* Makes the folder's new name durable. */
static int
write_all(const struct ca_files *f, const char *dir, struct err *e)
{
	struct draft	 d = { .path = NULL };
	size_t		 i;
	int		 rc;

	rc = draft_begin(dir, &d, e);
	for (i = 0; rc == 0 && i < f->n; i++)
		rc = write_file(&d, &f->v[i], e);
	if (rc == 0)
		rc = draft_publish(&d, e);
	if (rc != 0 && d.path != NULL)
		draft_remove(&d, f);
	if (rc == 0)
		rc = file_sync_folder(d.target, e);
	free(d.target);
	free(d.path);
	return rc;
}

int
ca_files_write(const struct ca_files *f, const char *dir, struct err *e)
{
	sigset_t	 all, old;
	int		 rc;

	/* Ctrl-C waits these few milliseconds: no half folder stays behind. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	rc = write_all(f, dir, e);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}
