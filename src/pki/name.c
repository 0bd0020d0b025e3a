/*
 * Names from text.
 */
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "pki/cert_make.h"
#include "pki/pki_int.h"

/* Adds "TYPE=value", n bytes of it. */
static int
add_entry(X509_NAME *name, const char *text, size_t n, struct err *e)
{
	const char *eq = memchr(text, '=', n);
	char type[64];
	size_t n_type = eq == NULL ? 0 : (size_t)(eq - text);

	if (n_type == 0 || n_type >= sizeof(type)) {
		err_set(e, ERR_ARGUMENT, "name: %.*s is not TYPE=value",
		    (int)n, text);
		return -1;
	}
	memcpy(type, text, n_type);
	type[n_type] = '\0';
	if (X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
	    (const unsigned char *)eq + 1, (int)(n - n_type - 1), -1,
	    0) != 1) {
		set_ssl(e, ERR_ARGUMENT, "name");
		return -1;
	}
	return 0;
}

static int
fill(X509_NAME *name, const char *text, struct err *e)
{
	size_t n;

	if (*text != '/') {
		if (X509_NAME_add_entry_by_NID(name, NID_commonName,
		    MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
		    0) == 1)
			return 0;
		set_ssl(e, ERR_ARGUMENT, "name");
		return -1;
	}
	for (; *text == '/'; text += n) {
		n = strcspn(++text, "/");
		if (n > 0 && add_entry(name, text, n, e) == -1)
			return -1;
	}
	return 0;
}

int
name_make(const char *text, struct buf *out, struct err *e)
{
	struct bytes der = { .p = NULL, .n = 0 };
	X509_NAME *name;
	int rc = -1;

	if ((name = X509_NAME_new()) == NULL) {
		set_ssl(e, ERR_MEMORY, "name");
		return -1;
	}
	if (fill(name, text, e) == 0) {
		der = pki_i2d(ASN1_ITEM_rptr(X509_NAME), name);
		if (der.n == 0 || buf_put(out, der.p, der.n) == -1)
			err_set(e, ERR_MEMORY, "name");
		else
			rc = 0;
	}
	free((void *)(uintptr_t)der.p);
	X509_NAME_free(name);
	return rc;
}
