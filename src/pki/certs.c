/*
 * Lists of certificates, from files of one or many.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdlib.h>
#include <string.h>

#include "pki/pki_int.h"
#include "util/file.h"

int
certs_take(struct certs *cs, struct cert *c)
{
	struct cert **v;

	if (cs->n >= CERTS_MAX)
		return -1;
	if ((v = realloc(cs->v, (cs->n + 1) * sizeof(*v))) == NULL)
		return -1;
	cs->v = v;
	cs->v[cs->n++] = c;
	return 0;
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
		if (strcmp(name, PEM_STRING_X509) == 0 ||
		    strcmp(name, PEM_STRING_X509_OLD) == 0)
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
