/*
 * Extensions beyond those that every certificate has: of a profile by OID, and
 * the two that Windows knows.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "pki/cert_make_int.h"
#include "pki/oid.h"

#define OID_TEMPLATE	"1.3.6.1.4.1.311.21.7"
#define OID_SID_EXT	"1.3.6.1.4.1.311.25.2"
#define OID_SID		"1.3.6.1.4.1.311.25.2.1"

/* What the plan has settings of its own for. */
static const char *const ours[] = {
	"2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.31",
	"2.5.29.35", "2.5.29.37", "1.3.6.1.5.5.7.1.1", OID_TEMPLATE,
	OID_SID_EXT,
};

static int
add_der(X509 *x, const char *oid, bool critical, struct bytes der)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	int ok;

	ok = o != NULL && s != NULL &&
	    ASN1_OCTET_STRING_set(s, der.p, (int)der.n) == 1 &&
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, o, critical, s)) !=
	    NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
	return ok ? 0 : -1;
}

static int
put_item(struct buf *out, const ASN1_ITEM *it, const void *value)
{
	struct bytes der = pki_i2d(it, value);
	int rc = der.n == 0 ? -1 : buf_put(out, der.p, der.n);

	pki_free(&der);
	return rc;
}

static int
put_integer(struct buf *out, int64_t n)
{
	ASN1_INTEGER *i = ASN1_INTEGER_new();
	int rc = -1;

	if (i != NULL && ASN1_INTEGER_set_int64(i, n) == 1)
		rc = put_item(out, ASN1_ITEM_rptr(ASN1_INTEGER), i);
	ASN1_INTEGER_free(i);
	return rc;
}

/* SEQUENCE { OID, major INTEGER, minor INTEGER } */
static int
add_template(X509 *x, const struct cert_plan *plan)
{
	struct buf in = BUF_INIT(256), seq = BUF_INIT(256);
	ASN1_OBJECT *o;
	int rc = -1;

	if (plan->template_oid == NULL || *plan->template_oid == '\0')
		return 0;
	o = OBJ_txt2obj(plan->template_oid, 1);
	if (o != NULL && put_item(&in, ASN1_ITEM_rptr(ASN1_OBJECT), o) == 0 &&
	    put_integer(&in, plan->template_major) == 0 &&
	    put_integer(&in, plan->template_minor) == 0 &&
	    der_put(&seq, 0x30, buf_bytes(&in)) == 0)
		rc = add_der(x, OID_TEMPLATE, false, buf_bytes(&seq));
	ASN1_OBJECT_free(o);
	buf_wipe(&in);
	buf_wipe(&seq);
	return rc;
}

/* GeneralNames of one otherName, an OCTET STRING with the SID as text. */
static int
add_sid(X509 *x, const struct cert_plan *plan)
{
	struct buf text = BUF_INIT(256), value = BUF_INIT(256);
	struct buf name = BUF_INIT(256), other = BUF_INIT(256);
	struct buf all = BUF_INIT(256);
	ASN1_OBJECT *o;
	int rc = -1;

	if (plan->sid == NULL)
		return 0;
	o = OBJ_txt2obj(OID_SID, 1);
	if (o != NULL && der_put(&text, 0x04, bytes_str(plan->sid)) == 0 &&
	    der_put(&value, 0xa0, buf_bytes(&text)) == 0 &&
	    put_item(&name, ASN1_ITEM_rptr(ASN1_OBJECT), o) == 0 &&
	    buf_put(&name, value.p, value.n) == 0 &&
	    der_put(&other, 0xa0, buf_bytes(&name)) == 0 &&
	    der_put(&all, 0x30, buf_bytes(&other)) == 0)
		rc = add_der(x, OID_SID_EXT, false, buf_bytes(&all));
	ASN1_OBJECT_free(o);
	buf_wipe(&text);
	buf_wipe(&value);
	buf_wipe(&name);
	buf_wipe(&other);
	buf_wipe(&all);
	return rc;
}

const char *
cert_extend_more(X509 *x, const struct cert_plan *plan)
{
	const struct cert_extra *ex;
	size_t i;

	if (add_template(x, plan) == -1)
		return "certificate template";
	if (add_sid(x, plan) == -1)
		return "security identifier";
	for (i = 0; i < plan->n_extras; i++) {
		ex = &plan->extras[i];
		if (add_der(x, ex->oid, ex->critical, ex->der) == -1)
			return ex->oid;
	}
	return NULL;
}

int
oid_check(const char *oid, struct err *e)
{
	ASN1_OBJECT *o = NULL;
	size_t n = strlen(oid);

	/* libcrypto also takes blanks for dots, and a dot at the end. */
	if (n > 0 && n < OID_TEXT && strchr(oid, '.') != NULL &&
	    oid[n - 1] != '.' && strspn(oid, "0123456789.") == n)
		o = OBJ_txt2obj(oid, 1);
	ERR_clear_error();
	if (o == NULL) {
		err_set(e, ERR_CONFIG, "\"%s\" is no dotted OID", oid);
		return -1;
	}
	ASN1_OBJECT_free(o);
	return 0;
}

/* One element, with nothing behind it. */
static bool
is_der(struct bytes der)
{
	const unsigned char *p = der.p;
	ASN1_TYPE *t = d2i_ASN1_TYPE(NULL, &p, (long)der.n);
	bool is = t != NULL && p == der.p + der.n;

	ASN1_TYPE_free(t);
	ERR_clear_error();
	return is;
}

int
cert_extra_check(const struct cert_extra *ex, struct err *e)
{
	size_t i;

	if (oid_check(ex->oid, e) == -1)
		return -1;
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(ours[i], ex->oid) == 0) {
			err_set(e, ERR_CONFIG, "%s has a setting of its own; "
			    "use that", ex->oid);
			return -1;
		}
	if (is_der(ex->der))
		return 0;
	err_set(e, ERR_CONFIG, "%s: the value is not one element of DER",
	    ex->oid);
	return -1;
}
