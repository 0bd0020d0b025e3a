#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include <stdlib.h>
#include <string.h>

#include "pki/p12.h"
#include "pki/pki_int.h"
#include "util/str.h"

static PKCS12 *
decode(struct bytes file, struct err *e)
{
	const unsigned char *p = file.p;
	PKCS12 *p12 = NULL;

	if (file.n > 0 && file.n <= INT32_MAX)
		p12 = d2i_PKCS12(NULL, &p, (long)file.n);
	if (p12 == NULL) {
		set_ssl(e, ERR_KEY_FILE, "not a PKCS#12 file");
		return NULL;
	}
	if (p != file.p + file.n) {
		err_set(e, ERR_KEY_FILE, "bytes after the PKCS#12 structure");
		PKCS12_free(p12);
		return NULL;
	}
	return p12;
}

/* The MAC tells a wrong passphrase from a broken file. */
static int
check_mac(PKCS12 *p12, const char *pass, struct err *e)
{
	bool ok = true;

	if (PKCS12_mac_present(p12) == 1) {
		ok = PKCS12_verify_mac(p12, pass, -1) == 1;
		/* "No passphrase" is written in two ways. */
		if (!ok && *pass == '\0')
			ok = PKCS12_verify_mac(p12, NULL, 0) == 1;
	}
	ERR_clear_error();
	if (ok)
		return 0;
	err_set(e, ERR_PASSPHRASE, *pass == '\0' ?
	    "the PKCS#12 file has a passphrase and none is given" :
	    "the passphrase does not open the PKCS#12 file");
	return -1;
}

/* Why PKCS12_parse() failed; its newest error says only "parse error". */
static void
set_parse_error(const char *pass, struct err *e)
{
	unsigned long code;
	bool cipher = false, old = false;

	while ((code = ERR_get_error()) != 0) {
		old |= ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
		cipher |= ERR_GET_LIB(code) == ERR_LIB_PKCS12 &&
		    ERR_GET_REASON(code) == PKCS12_R_PKCS12_CIPHERFINAL_ERROR;
	}
	if (old)
		err_set(e, ERR_KEY_FILE, "the PKCS#12 file is encrypted with "
		    "an outdated cipher; make a new one: openssl pkcs12 "
		    "-legacy -noenc -in OLD.p12 -passin file:PASSFILE -out "
		    "TMP.pem && openssl pkcs12 -export -in TMP.pem -out "
		    "NEW.p12 -passout file:PASSFILE; rm TMP.pem");
	else if (cipher)
		err_set(e, ERR_PASSPHRASE, "the passphrase %s",
		    *pass == '\0' ? "is missing" :
		    "does not open the PKCS#12 file");
	else
		err_set(e, ERR_KEY_FILE, "the PKCS#12 file is damaged");
}

/* Moves the certificate that belongs to the key out of the list. */
static int
split(const struct key *key, struct certs *all, struct cert **cert,
    struct err *e)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (key_matches(key, all->v[i]))
			break;
	ERR_clear_error();	/* each mismatch left one */
	if (i == all->n) {
		err_set(e, ERR_CERT_FILE, "no certificate in the PKCS#12 file "
		    "belongs to its key");
		return -1;
	}
	*cert = all->v[i];
	all->v[i] = all->v[--all->n];
	return 0;
}

/* What libcrypto found in the file. */
struct found {
	EVP_PKEY	*pkey;
	X509		*cert;
	STACK_OF(X509)	*others;
};

static int
convert(struct found *f, struct key **key, struct cert **cert,
    struct certs *others, struct err *e)
{
	struct certs all = { .v = NULL, .n = 0 };
	struct key *k = NULL;
	int i;

	if (f->pkey == NULL) {
		err_set(e, ERR_KEY_FILE, "no key in the PKCS#12 file");
		return -1;
	}
	if (key_from_pkey(f->pkey, &k, e) == -1) {
		f->pkey = NULL;
		return -1;
	}
	f->pkey = NULL;
	if (f->cert != NULL && certs_add(&all, f->cert, e) == -1)
		goto fail;
	for (i = 0; i < sk_X509_num(f->others); i++)
		if (certs_add(&all, sk_X509_value(f->others, i), e) == -1)
			goto fail;
	if (split(k, &all, cert, e) == -1)
		goto fail;
	*key = k;
	*others = all;
	return 0;
fail:
	certs_free(&all);
	key_free(k);
	return -1;
}

int
p12_parse(struct bytes file, struct bytes passphrase, struct key **key,
    struct cert **cert, struct certs *others, struct err *e)
{
	struct found f = { .pkey = NULL };
	PKCS12 *p12 = NULL;
	char *pass = NULL;
	int rc = -1;

	if ((pass = str_dup_bytes(passphrase)) == NULL) {
		err_set(e, ERR_MEMORY, "passphrase");
		return -1;
	}
	if ((p12 = decode(file, e)) == NULL || check_mac(p12, pass, e) == -1)
		goto out;
	if (PKCS12_parse(p12, pass, &f.pkey, &f.cert, &f.others) != 1) {
		set_parse_error(pass, e);
		goto out;
	}
	rc = convert(&f, key, cert, others, e);
out:
	EVP_PKEY_free(f.pkey);
	X509_free(f.cert);
	sk_X509_pop_free(f.others, X509_free);
	PKCS12_free(p12);
	OPENSSL_cleanse(pass, strlen(pass));
	free(pass);
	return rc;
}
