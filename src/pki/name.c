/*
 * Names from text.
 */
#include <openssl/err.h>
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

int
names_check(struct bytes der, int n)
{
	const unsigned char *p = der.p;
	STACK_OF(ASN1_TYPE) *seq;
	const unsigned char *q;
	ASN1_TYPE *t;
	X509_NAME *name;
	int i, rc = -1;

	if (der.n == 0 || (seq = d2i_ASN1_SEQUENCE_ANY(NULL, &p,
	    (long)der.n)) == NULL) {
		ERR_clear_error();
		return -1;
	}
	if (p != der.p + der.n || sk_ASN1_TYPE_num(seq) != n)
		goto out;
	for (i = 0; i < n; i++) {
		t = sk_ASN1_TYPE_value(seq, i);
		if (ASN1_TYPE_get(t) != V_ASN1_SEQUENCE)
			goto out;
		q = ASN1_STRING_get0_data(t->value.sequence);
		name = d2i_X509_NAME(NULL, &q,
		    ASN1_STRING_length(t->value.sequence));
		X509_NAME_free(name);
		if (name == NULL)
			goto out;
	}
	rc = 0;
out:
	ERR_clear_error();
	sk_ASN1_TYPE_pop_free(seq, ASN1_TYPE_free);
	return rc;
}
