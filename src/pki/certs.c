/*
 * Lists of certificates, from files of one or many.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdlib.h>
#include <string.h>

#include "pki/pki_int.h"
#include "util/file.h"

static int
put(struct certs *cs, struct cert *c)
{
	struct cert **v;

	if ((v = realloc(cs->v, (cs->n + 1) * sizeof(*v))) == NULL)
		return -1;
	cs->v = v;
	cs->v[cs->n++] = c;
	return 0;
}

int
certs_take(struct certs *cs, struct cert *c)
{
	return cs->n >= CERTS_MAX ? -1 : put(cs, c);
}

void
certs_free(struct certs *cs)
{
	size_t i;

	for (i = 0; i < cs->n; i++)
		cert_free(cs->v[i]);
	free(cs->v);
	cs->v = NULL;
	cs->n = 0;
}

/* Takes c, also when it fails. */
static int
append(struct certs *cs, struct cert *c, struct err *e)
{
	if (certs_take(cs, c) == 0)
		return 0;
	cert_free(c);
	err_set(e, ERR_CERT_FILE, "more than %d certificates", CERTS_MAX);
	return -1;
}

int
certs_add(struct certs *cs, X509 *x, struct err *e)
{
	struct cert *c;

	return cert_of(x, &c, e) == -1 ? -1 : append(cs, c, e);
}

static int
append_der(struct certs *cs, struct bytes der, struct err *e)
{
	struct cert *c;

	return cert_parse(der, &c, e) == -1 ? -1 : append(cs, c, e);
}

static bool
is_cert(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 ||
	    strcmp(name, PEM_STRING_X509_OLD) == 0;
}

/* The certificates among a PEM text's blocks; other blocks are passed over. */
static int
parse_pem(struct bytes file, struct certs *cs, struct err *e)
{
	unsigned char *der = NULL;
	char *name = NULL, *header = NULL;
	BIO *bio;
	long n;
	int rc = 0;

	if ((bio = bio_of(file)) == NULL) {
		err_set(e, ERR_MEMORY, "certificates");
		return -1;
	}
	while (rc == 0 && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		if (is_cert(name))
			rc = append_der(cs, bytes_make(der,
			    (size_t)n), e);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	BIO_free(bio);
	if (rc == -1)
		return -1;
	/* The end is that no further block begins; else one is broken. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		set_ssl(e, ERR_CERT_FILE, "a block of the PEM text is broken");
		return -1;
	}
	ERR_clear_error();
	if (cs->n == 0) {
		err_set(e, ERR_CERT_FILE, "no certificate in the PEM text");
		return -1;
	}
	return 0;
}

int
certs_parse(struct bytes file, struct certs *out, struct err *e)
{
	struct certs cs = { .v = NULL, .n = 0 };
	int rc;

	rc = is_pem(file) ? parse_pem(file, &cs, e) :
	    append_der(&cs, file, e);
	if (rc == -1) {
		certs_free(&cs);
		return -1;
	}
	*out = cs;
	return 0;
}

static void
salvage_der(struct certs *cs, struct bytes der)
{
	struct err ignored = { .reason = ERR_NONE };
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	struct cert *c;

	if (x != NULL && cert_of(x, &c, &ignored) == 0 && put(cs, c) == -1)
		cert_free(c);
	X509_free(x);
}

static void
salvage_block(struct certs *cs, struct bytes block)
{
	unsigned char *der = NULL;
	char *name = NULL, *header = NULL;
	BIO *bio;
	long n;

	if ((bio = bio_of(block)) == NULL)
		return;
	if (PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		if (is_cert(name))
			salvage_der(cs, bytes_make(der, (size_t)n));
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	BIO_free(bio);
}

void
certs_salvage(struct bytes text, struct certs *out)
{
	static const char mark[] = "-----BEGIN ";
	const uint8_t *p = text.p, *end = text.p + text.n, *next;
	struct certs cs = { .v = NULL, .n = 0 };

	if (text.n > 0 && !is_pem(text))
		salvage_der(&cs, text);
	/* Each block ends where the next begins, or one that is cut would take
	 * that with it. */
	p = text.n > 0 ? memmem(p, text.n, mark, sizeof(mark) - 1) : NULL;
	for (; p != NULL; p = next) {
		next = memmem(p + 1, (size_t)(end - p - 1), mark,
		    sizeof(mark) - 1);
		salvage_block(&cs, bytes_make(p,
		    (size_t)((next != NULL ? next : end) - p)));
	}
	ERR_clear_error();
	*out = cs;
}

int
certs_load(const char *path, struct certs *out, struct err *e)
{
	struct buf file = BUF_INIT(FILE_MAX);
	int rc = -1;

	if (file_read(path, &file, e) == 0 &&
	    (rc = certs_parse(buf_bytes(&file), out, e)) == -1)
		err_prefix(e, "%s", path);
	buf_wipe(&file);
	return rc;
}

int
cert_load(const char *path, struct cert **out, struct err *e)
{
	struct certs cs;

	if (certs_load(path, &cs, e) == -1)
		return -1;
	if (cs.n != 1) {
		err_set(e, ERR_CERT_FILE, "%s: holds %zu certificates, one is "
		    "wanted", path, cs.n);
		certs_free(&cs);
		return -1;
	}
	*out = cs.v[0];
	free(cs.v);
	return 0;
}
