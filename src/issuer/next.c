/*
 * The CA that follows an issuer's own: a folder with the names of ca_dir.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ca_dir.h"
#include "issuer/issuer_int.h"
#include "util/clock.h"
#include "util/file.h"

/* The paths of its files, yours; NULL where there is no such file. */
struct files {
	char	*cert;
	char	*key;
	char	*chain;
	char	*from;
};

static void
files_free(struct files *f)
{
	free(f->cert);
	free(f->key);
	free(f->chain);
	free(f->from);
}

static int
find(const char *dir, const char *name, char **path, struct err *e)
{
	struct stat st;
	char *p;

	if (asprintf(&p, "%s/%s", dir, name) == -1) {
		err_set(e, ERR_MEMORY, "%s", dir);
		return -1;
	}
	if (stat(p, &st) == 0) {
		*path = p;
		return 0;
	}
	if (errno != ENOENT) {
		err_set(e, ERR_FILE, "%s: %s; give this program's user access "
		    "to it", p, strerror(errno));
		free(p);
		return -1;
	}
	free(p);
	return 0;
}

static int
find_files(const char *dir, struct files *f, struct err *e)
{
	return find(dir, CA_DIR_CERT, &f->cert, e) == -1 ||
	    find(dir, CA_DIR_KEY, &f->key, e) == -1 ||
	    find(dir, CA_DIR_CHAIN, &f->chain, e) == -1 ||
	    find(dir, CA_DIR_FROM, &f->from, e) == -1 ? -1 : 0;
}

/* Whether there is a next CA at all; a part of one is a fault. */
static int
is_there(const struct conf_issuer *c, const struct files *f, bool *there,
    struct err *e)
{
	*there = f->cert != NULL;
	if (f->cert == NULL && (f->key != NULL || f->chain != NULL ||
	    f->from != NULL)) {
		err_set(e, ERR_FILE, "%s/%s is missing, but other files of a "
		    "CA are there; complete the folder or empty it", c->next,
		    CA_DIR_CERT);
		return -1;
	}
	if (f->cert != NULL && f->key == NULL &&
	    c->type == CONF_ISSUER_LOCAL) {
		err_set(e, ERR_FILE, "%s/%s is missing, the key of %s; "
		    "complete the folder or empty it", c->next, CA_DIR_KEY,
		    f->cert);
		return -1;
	}
	return 0;
}

/* The same issuer with the other CA. */
static int
open_files(const struct conf_issuer *c, const struct files *f, int64_t now,
    struct issuer **out, struct err *e)
{
	struct conf_issuer next = *c;
	char none[] = "";

	next.cert = f->cert;
	next.chain = f->chain != NULL ? f->chain : none;
	next.key = f->key != NULL ? f->key : none;
	next.key_passphrase = none;
	return issuer_open(&next, now, out, e);
}

/* The ledger, CRLs and clients tell CAs by their Names. */
static int
check_name(const struct conf_issuer *c, const struct files *f,
    const struct issuer *next, struct err *e)
{
	struct cert *ca;
	int rc = 0;

	if (cert_load(c->cert, &ca, e) == -1)
		return -1;
	if (cert_has_subject(ca, issuer_ca(next)->subject)) {
		err_set(e, ERR_CERT_FILE, "%s has the name of the CA it "
		    "follows, %s, and CAs are told apart by their names; make "
		    "it with another name or, if it is in charge already, "
		    "remove the setting next", f->cert, ca->subject_text);
		rc = -1;
	}
	cert_free(ca);
	return rc;
}

/* "TIME\n" */
static int
read_from(const char *path, int64_t *from, struct err *e)
{
	struct buf text = BUF_INIT(256);
	int64_t when = 0;
	size_t n;
	int rc = -1;

	if (file_read(path, &text, e) == -1)
		goto out;
	n = text.n;
	if (n > 0 && text.p[n - 1] == '\n')
		text.p[--n] = '\0';
	if (n != strlen(buf_cstr(&text)) ||
	    clock_parse(buf_cstr(&text), &when) == -1 || when <= 0) {
		err_set(e, ERR_FILE, "%s: is not one line with a time such as "
		    "2027-01-31T00:00:00Z; set it by scepctl ca rollover "
		    "activate", path);
		goto out;
	}
	*from = when;
	rc = 0;
out:
	buf_wipe(&text);
	return rc;
}

static int
open_next(const struct conf_issuer *c, const struct files *f, int64_t now,
    struct issuer **out, int64_t *from, struct err *e)
{
	struct issuer *is = NULL;
	int64_t when = 0;

	if (open_files(c, f, now, &is, e) == -1)
		return -1;
	if (check_name(c, f, is, e) == -1 ||
	    (f->from != NULL && read_from(f->from, &when, e) == -1)) {
		issuer_close(is);
		return -1;
	}
	*out = is;
	*from = when;
	return 0;
}

int
issuer_open_next(const struct conf_issuer *c, int64_t now,
    struct issuer **out, int64_t *from, struct err *e)
{
	struct files f = { .cert = NULL };
	bool there = false;
	int rc = 0;

	if (*c->next != '\0' && (find_files(c->next, &f, e) == -1 ||
	    is_there(c, &f, &there, e) == -1))
		rc = -1;
	else if (there)
		rc = open_next(c, &f, now, out, from, e);
	else {
		*out = NULL;
		*from = 0;
	}
	files_free(&f);
	return rc;
}
