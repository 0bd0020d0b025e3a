/*
 * The CA that is, and making the one that follows it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/ca_dir.h"
#include "ctl/ctl_int.h"
#include "pki/cert_make.h"
#include "pki/chain.h"
#include "util/file.h"

#define NAME_MAX_DER	4096

/* ---- the issuer ---- */

static void
list_issuers(const struct conf *c, char *out, size_t size)
{
	size_t	 i, n = 0;

	out[0] = '\0';
	for (i = 0; i < c->n_issuers && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    i > 0 ? ", " : "", c->issuers[i].name);
}

static enum ctl_exit
find_issuer(const struct ctl_call *call, const char *name,
    struct rollover *r)
{
	char	 names[256];
	size_t	 i;

	list_issuers(r->conf, names, sizeof(names));
	if (name == NULL && r->conf->n_issuers > 1)
		return ctl_usage(call, "there are several issuers: choose one "
		    "with --issuer (%s)", names);
	r->issuer = name == NULL ? &r->conf->issuers[0] :
	    conf_issuer(r->conf, name);
	if (r->issuer == NULL) {
		ctl_note(call, "no issuer \"%s\"; there is %s", name, names);
		return CTL_NOT_FOUND;
	}
	for (i = 0; i < r->conf->n_endpoints; i++)
		r->mode_ca |= r->conf->endpoints[i].mode == CONF_MODE_CA &&
		    strcmp(r->conf->endpoints[i].issuer,
		    r->issuer->name) == 0;
	return CTL_OK;
}

/* An expired CA is read too: it may be what is to be replaced. */
static int
read_ca(struct rollover *r, struct err *e)
{
	if (cert_load(r->issuer->cert, &r->ca, e) != 0)
		return -1;
	if (*r->issuer->chain == '\0')
		return 0;
	if (certs_load(r->issuer->chain, &r->upper, e) != 0)
		return -1;
	if (chain_sort(r->ca, &r->upper, e) == 0)
		return 0;
	err_prefix(e, "%s", r->issuer->chain);
	return -1;
}

enum ctl_exit
rollover_open(const struct ctl_call *call, const char *issuer,
    struct rollover *out)
{
	struct rollover	 r = { .conf = NULL };
	struct err	 e = { .reason = ERR_NONE };
	enum ctl_exit	 rc;

	if (ctl_conf(call, "name the configuration with -c", &r.conf,
	    &e) != 0)
		return ctl_fail(call, &e);
	rc = find_issuer(call, issuer, &r);
	if (rc == CTL_OK && read_ca(&r, &e) != 0)
		rc = ctl_fail(call, &e);
	if (rc == CTL_OK)
		*out = r;
	else
		rollover_close(&r);
	return rc;
}

void
rollover_close(struct rollover *r)
{
	cert_free(r->ca);
	certs_free(&r->upper);
	conf_free(r->conf);
	*r = (struct rollover){ .conf = NULL };
}

/* ---- who signs the next one ---- */

/* Copies the certificates of `from` that follow number `first`. */
static int
copy_certs(const struct certs *from, size_t first, struct certs *out,
    struct err *e)
{
	struct cert	*c;

	for (; first < from->n; first++) {
		if (cert_parse(from->v[first]->der, &c, e) != 0)
			return -1;
		if (certs_take(out, c) != 0) {
			cert_free(c);
			err_set(e, ERR_MEMORY, "chain");
			return -1;
		}
	}
	return 0;
}

/* The CAs above the one that was given: of a file, or known already. */
static int
find_above(const struct rollover *r, const struct cert *root,
    const char *chain, struct certs *out, struct err *e)
{
	size_t	 i;

	if (chain != NULL) {
		if (certs_load(chain, out, e) != 0 ||
		    chain_sort(root, out, e) != 0) {
			err_prefix(e, "%s", chain);
			return -1;
		}
		return 0;
	}
	if (root->self_issued)
		return 0;
	for (i = 0; i < r->upper.n; i++)
		if (bytes_eq(r->upper.v[i]->der, root->der))
			return copy_certs(&r->upper, i + 1, out, e);
	err_set(e, ERR_CERT_FILE, "%s is not a root; give the certificates "
	    "above it with --chain", root->subject_text);
	return -1;
}

/* A root that was given, and what is above it. */
static int
load_root(const struct rollover *r, const char *path, const char *chain,
    struct certs *out, struct err *e)
{
	struct certs	 above = { .n = 0 };
	struct cert	*root;
	int		 rc;

	if (cert_load(path, &root, e) != 0)
		return -1;
	rc = find_above(r, root, chain, &above, e);
	if (certs_take(out, root) != 0) {
		cert_free(root);
		err_set(e, ERR_MEMORY, "%s", path);
		rc = -1;
	}
	if (rc == 0)
		rc = copy_certs(&above, 0, out, e);
	certs_free(&above);
	return rc;
}

static int
set_no_root(const struct rollover *r, struct err *e)
{
	err_set(e, ERR_KEY_FILE, "a CA above %s must sign the next one; give "
	    "its key with --root-key (ca init named it %s), and its certificate "
	    "with --root-cert if it is not the one above the current CA",
	    r->ca->subject_text, CA_DIR_ROOT_KEY);
	return -1;
}

/* The certificates above; none for a CA that signs itself as the current one
 * does. */
static int
find_root(const struct rollover *r, const struct rollover_want *want,
    struct certs *out, struct err *e)
{
	if (want->root_cert != NULL)
		return load_root(r, want->root_cert, want->chain, out, e);
	if (r->ca->self_issued && want->root_key == NULL)
		return 0;
	if (r->upper.n == 0)
		return set_no_root(r, e);
	return copy_certs(&r->upper, 0, out, e);
}

static int
find_root_key(const struct rollover *r, const struct rollover_want *want,
    struct ca_set *s, struct err *e)
{
	const char	*path = want->root_key;
	char		*beside = NULL;
	struct stat	 st;
	int		 rc = -1;

	if (path == NULL) {
		beside = file_beside(r->issuer->cert, CA_DIR_ROOT_KEY);
		if (beside == NULL) {
			err_set(e, ERR_MEMORY, "path of a key");
			return -1;
		}
		if (stat(beside, &st) != 0 && errno == ENOENT) {
			free(beside);
			return set_no_root(r, e);
		}
		path = beside;
	}
	if (key_load(path, want->passphrase, &s->root_key, e) == 0) {
		if (key_matches(s->root_key, s->upper.v[0]))
			rc = 0;
		else
			err_set(e, ERR_KEY_FILE, "%s is not the key of %s; "
			    "name the right one with --root-key", path,
			    s->upper.v[0]->subject_text);
	}
	free(beside);
	return rc;
}

/* ---- the next one ---- */

static int
next_name(const struct rollover *r, const char *text, struct buf *der,
    struct err *e)
{
	int	 rc;

	rc = text != NULL ? name_make(text, der, e) :
	    name_following(r->ca, der, e);
	if (rc == -1 && e->reason == ERR_ARGUMENT)
		err_prefix(e, text != NULL ? "--name" : "give --name");
	return rc;
}

/* Alike in kind to the current one, and not smaller than ca init's. */
static const char *
next_key(const struct rollover *r)
{
	if (r->ca->key.type == KEY_EC && r->ca->key.bits <= 256)
		return "ec:p256";
	if (r->ca->key.type == KEY_EC)
		return "ec:p384";
	return r->ca->key.bits > 3072 ? "rsa:4096" : "rsa:3072";
}

int
rollover_check(const struct rollover *r, const struct ca_set *s,
    struct err *e)
{
	const char	*whose = NULL;
	size_t		 i;

	if (cert_has_subject(r->ca, s->cert->subject))
		whose = "the current CA";
	for (i = 0; i < s->upper.n; i++)
		if (cert_has_subject(s->upper.v[i], s->cert->subject))
			whose = "a CA above it";
	if (whose == NULL)
		return 0;
	err_set(e, ERR_CERT_FILE, "%s is the name of %s already; the next CA "
	    "needs another", s->cert->subject_text, whose);
	return -1;
}

int
rollover_make(const struct rollover *r, const struct rollover_want *want,
    struct ca_set *out, struct err *e)
{
	struct ca_set	 s = { .key = NULL };
	struct ca_want	 ca = want->ca;
	struct buf	 name = BUF_INIT(NAME_MAX_DER);
	int		 rc = -1;

	if (ca.key == NULL)
		ca.key = next_key(r);
	if (find_root(r, want, &s.upper, e) == 0 && (s.upper.n == 0 ||
	    find_root_key(r, want, &s, e) == 0) &&
	    next_name(r, ca.name, &name, e) == 0 &&
	    ca_make_next(&ca, buf_bytes(&name), &s, e) == 0 &&
	    rollover_check(r, &s, e) == 0)
		rc = 0;
	/* It signed, and is not to lie beside what it signed. */
	key_free(s.root_key);
	s.root_key = NULL;
	if (rc == 0)
		*out = s;
	else
		ca_set_clear(&s);
	buf_wipe(&name);
	return rc;
}
