/*
 * Names from text.
 */
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/cert_make.h"
#include "pki/oid.h"
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

static int
write_name(const X509_NAME *name, struct buf *out, struct err *e)
{
	struct bytes der = pki_i2d(ASN1_ITEM_rptr(X509_NAME), name);
	int rc = -1;

	if (der.n == 0 || buf_put(out, der.p, der.n) == -1)
		err_set(e, ERR_MEMORY, "name");
	else
		rc = 0;
	pki_free(&der);
	return rc;
}

int
name_make(const char *text, struct buf *out, struct err *e)
{
	X509_NAME *name;
	int rc = -1;

	if ((name = X509_NAME_new()) == NULL) {
		set_ssl(e, ERR_MEMORY, "name");
		return -1;
	}
	if (fill(name, text, e) == 0)
		rc = write_name(name, out, e);
	X509_NAME_free(name);
	return rc;
}

int
name_of(const struct name_value *v, size_t n, struct buf *out, struct err *e)
{
	X509_NAME *name = X509_NAME_new();
	ASN1_OBJECT *o;
	int ok = name != NULL, rc = -1;
	size_t i;

	for (i = 0; ok && i < n; i++) {
		o = OBJ_txt2obj(v[i].oid, 1);
		ok = o != NULL && X509_NAME_add_entry_by_OBJ(name, o,
		    MBSTRING_UTF8, (const unsigned char *)v[i].text,
		    (int)v[i].n, -1, 0) == 1;
		ASN1_OBJECT_free(o);
	}
	if (!ok)
		set_ssl(e, ERR_SUBJECT, "a value does not fit its type");
	else
		rc = write_name(name, out, e);
	X509_NAME_free(name);
	return rc;
}

static int
put_value(const X509_NAME_ENTRY *entry, const char *oid, struct buf *out)
{
	unsigned char *text = NULL;
	char type[OID_TEXT];
	int n, rc = -1;

	if (OBJ_obj2txt(type, sizeof(type), X509_NAME_ENTRY_get_object(entry),
	    1) <= 0 || strcmp(type, oid) != 0)
		return -1;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	if (n >= 0)
		rc = buf_put(out, text, (size_t)n);
	OPENSSL_free(text);
	return rc;
}

int
name_value_at(struct bytes der, size_t i, const char *oid, struct buf *out,
    struct err *e)
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	int rc = -1;

	if (name != NULL && i < (size_t)X509_NAME_entry_count(name))
		rc = put_value(X509_NAME_get_entry(name, (int)i), oid, out);
	if (rc == -1)
		set_ssl(e, ERR_SUBJECT, "value of a name");
	X509_NAME_free(name);
	return rc;
}

int
name_show(struct bytes der, struct buf *out, struct err *e)
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	char *text = name == NULL ? NULL : name_text(name);
	int rc = -1;

	if (text == NULL || buf_puts(out, text) == -1)
		set_ssl(e, ERR_MEMORY, "name");
	else
		rc = 0;
	free(text);
	X509_NAME_free(name);
	return rc;
}

/* "/" begins a value, "+" another one of the same RDN; both, and a backslash,
 * have one before them where they stand in a text. */
static int
put_slashed(const X509_NAME_ENTRY *entry, bool joins, struct buf *out)
{
	const ASN1_OBJECT *o = X509_NAME_ENTRY_get_object(entry);
	int nid = OBJ_obj2nid(o), n, i, rc;
	unsigned char *text = NULL;
	char oid[OID_TEXT];

	if (nid != NID_undef)
		(void)snprintf(oid, sizeof(oid), "%s", OBJ_nid2sn(nid));
	else
		(void)OBJ_obj2txt(oid, sizeof(oid), o, 1);
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	rc = n < 0 || memchr(text, '\0', (size_t)n) != NULL ? -1 :
	    buf_printf(out, "%c%s=", joins ? '+' : '/', oid);
	for (i = 0; rc == 0 && i < n; i++) {
		if (strchr("/+\\", text[i]) != NULL)
			rc = buf_putc(out, '\\');
		if (rc == 0)
			rc = buf_putc(out, text[i]);
	}
	OPENSSL_free(text);
	return rc;
}

int
name_slashes(struct bytes der, struct buf *out, struct err *e)
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	int i, set = -1, rc = name == NULL ? -1 : 0;
	const X509_NAME_ENTRY *entry;

	if (rc == 0 && X509_NAME_entry_count(name) == 0)
		rc = buf_putc(out, '/');
	for (i = 0; rc == 0 && i < X509_NAME_entry_count(name); i++) {
		entry = X509_NAME_get_entry(name, i);
		rc = put_slashed(entry, X509_NAME_ENTRY_set(entry) == set,
		    out);
		set = X509_NAME_ENTRY_set(entry);
	}
	if (rc == -1)
		set_ssl(e, ERR_SUBJECT, "name as text");
	X509_NAME_free(name);
	return rc;
}

/* "x" -> "x G2", "x G2" -> "x G3" */
static int
next_generation(const char *text, struct buf *out)
{
	const char *last = strrchr(text, ' ');
	unsigned n;
	int end = 0;

	/* sscanf(3) takes signs and zeros in front too. */
	if (last != NULL && sscanf(last, " G%3u%n", &n, &end) == 1 &&
	    last[end] == '\0' && n > 1 && last[2] >= '1' && last[2] <= '9')
		return buf_printf(out, "%.*s G%u", (int)(last - text), text,
		    n + 1);
	return buf_printf(out, "%s G2", text);
}

/* Its last common name, in UTF-8; yours. -1: none, or one with a NUL. */
static int
last_cn(const X509_NAME *name, unsigned char **text)
{
	int at, last = -1, n;

	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName,
	    last)) >= 0)
		last = at;
	if (last == -1)
		return -1;
	n = ASN1_STRING_to_UTF8(text, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(name, last)));
	if (n < 0)
		return -1;
	if ((size_t)n == strlen((const char *)*text))
		return last;
	OPENSSL_free(*text);
	return -1;
}

/* The entry's place among the RDNs stays. */
static int
replace_entry(X509_NAME *name, int at, struct bytes text, struct err *e)
{
	X509_NAME_ENTRY *old = X509_NAME_delete_entry(name, at);
	int rc = -1;

	/* The table of string types knows how long a common name may be. */
	if (old != NULL && X509_NAME_add_entry_by_NID(name, NID_commonName,
	    MBSTRING_UTF8, text.p, (int)text.n, at, 0) == 1)
		rc = 0;
	else
		set_ssl(e, ERR_ARGUMENT, "common name");
	X509_NAME_ENTRY_free(old);
	return rc;
}

int
name_following(const struct cert *c, struct buf *out, struct err *e)
{
	struct buf text = BUF_INIT(CERT_MAX_DER);
	unsigned char *cn = NULL;
	X509_NAME *name;
	int at, rc = -1;

	name = X509_NAME_dup(X509_get_subject_name(c->x));
	if (name == NULL) {
		set_ssl(e, ERR_MEMORY, "name");
		return -1;
	}
	if ((at = last_cn(name, &cn)) == -1)
		err_set(e, ERR_ARGUMENT, "%s has no common name",
		    c->subject_text);
	else if (next_generation((const char *)cn, &text) == -1)
		err_set(e, ERR_MEMORY, "name");
	else if (replace_entry(name, at, buf_bytes(&text), e) == 0)
		rc = write_name(name, out, e);
	OPENSSL_free(cn);
	buf_wipe(&text);
	X509_NAME_free(name);
	return rc;
}
