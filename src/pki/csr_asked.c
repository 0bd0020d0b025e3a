/*
 * The extensions that a request asks for, as facts. What is malformed counts as
 * an extension that nobody knows.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "pki/csr.h"
#include "pki/pki_int.h"

#define OID_SID_EXT	"1.3.6.1.4.1.311.25.2"
#define OID_SID		"1.3.6.1.4.1.311.25.2.1"
#define OID_TEMPLATE	"1.3.6.1.4.1.311.21.7"
#define OID_TEMPLATE_NAME "1.3.6.1.4.1.311.20.2"
#define KU_BITS		9

static int
read_ku(struct csr_asked *a, X509_EXTENSION *ext)
{
	ASN1_BIT_STRING *s = X509V3_EXT_d2i(ext);
	int i;

	if (s == NULL)
		return -1;
	for (i = 0; i < KU_BITS; i++)
		if (ASN1_BIT_STRING_get_bit(s, i) == 1)
			a->ku |= 1u << i;
	ASN1_BIT_STRING_free(s);
	return 0;
}

static int
add_oid(char v[][CSR_OID], size_t *n, size_t max, const ASN1_OBJECT *o)
{
	int len;

	if (*n == max)
		return -1;
	len = OBJ_obj2txt(v[*n], CSR_OID, o, 1);
	if (len < 1 || len >= CSR_OID)
		return -1;
	(*n)++;
	return 0;
}

static int
read_eku(struct csr_asked *a, X509_EXTENSION *ext)
{
	EXTENDED_KEY_USAGE *eku = X509V3_EXT_d2i(ext);
	int i, rc = eku == NULL ? -1 : 0;

	for (i = 0; rc == 0 && i < sk_ASN1_OBJECT_num(eku); i++)
		rc = add_oid(a->eku, &a->n_eku, CSR_MAX_EKU,
		    sk_ASN1_OBJECT_value(eku, i));
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	return rc;
}

static int
read_constraints(struct csr_asked *a, X509_EXTENSION *ext)
{
	BASIC_CONSTRAINTS *bc = X509V3_EXT_d2i(ext);

	if (bc == NULL)
		return -1;
	a->ca |= bc->ca != 0;
	BASIC_CONSTRAINTS_free(bc);
	return 0;
}

static int
take_sid(struct csr_asked *a, const GENERAL_NAME *gn)
{
	const ASN1_OCTET_STRING *s;
	char oid[CSR_OID];

	if (gn->type != GEN_OTHERNAME ||
	    OBJ_obj2txt(oid, sizeof(oid), gn->d.otherName->type_id, 1) < 0 ||
	    strcmp(oid, OID_SID) != 0 ||
	    ASN1_TYPE_get(gn->d.otherName->value) != V_ASN1_OCTET_STRING)
		return -1;
	s = gn->d.otherName->value->value.octet_string;
	if (ASN1_STRING_length(s) < 1 || ASN1_STRING_length(s) >= SID_TEXT ||
	    memchr(ASN1_STRING_get0_data(s), '\0',
	    (size_t)ASN1_STRING_length(s)) != NULL)
		return -1;
	memcpy(a->sid, ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s));
	return 0;
}

static int
read_sid(struct csr_asked *a, X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(s);
	GENERAL_NAMES *gns;
	int rc = -1;

	gns = d2i_GENERAL_NAMES(NULL, &p, ASN1_STRING_length(s));
	if (gns != NULL && *a->sid == '\0' && sk_GENERAL_NAME_num(gns) == 1)
		rc = take_sid(a, sk_GENERAL_NAME_value(gns, 0));
	GENERAL_NAMES_free(gns);
	return rc;
}

/* SEQUENCE of the OID and maybe two numbers, of its version */
static int
read_template(struct csr_asked *a, X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(s);
	ASN1_SEQUENCE_ANY *seq;
	const ASN1_TYPE *t;
	char oid[CSR_OID];
	int n, rc = -1;

	seq = d2i_ASN1_SEQUENCE_ANY(NULL, &p, ASN1_STRING_length(s));
	if (seq != NULL && sk_ASN1_TYPE_num(seq) > 0 &&
	    (t = sk_ASN1_TYPE_value(seq, 0))->type == V_ASN1_OBJECT &&
	    (n = OBJ_obj2txt(oid, sizeof(oid), t->value.object, 1)) > 0 &&
	    n < CSR_OID && *a->template_oid == '\0') {
		memcpy(a->template_oid, oid, sizeof(oid));
		rc = 0;
	}
	sk_ASN1_TYPE_pop_free(seq, ASN1_TYPE_free);
	return rc;
}

static int
read_template_name(struct csr_asked *a, X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(s);
	unsigned char *text = NULL;
	ASN1_STRING *name;
	int n = -1, rc = -1;

	name = d2i_ASN1_PRINTABLE(NULL, &p, ASN1_STRING_length(s));
	if (name != NULL)
		n = ASN1_STRING_to_UTF8(&text, name);
	if (n > 0 && n < TEMPLATE_TEXT && *a->template_name == '\0' &&
	    memchr(text, '\0', (size_t)n) == NULL) {
		memcpy(a->template_name, text, (size_t)n);
		rc = 0;
	}
	OPENSSL_free(text);
	ASN1_STRING_free(name);
	return rc;
}

static const struct {
	const char	*oid;
	int		(*read)(struct csr_asked *, X509_EXTENSION *);
	bool		 told;		/* only, and otherwise as unknown */
} known[] = {
	{ "2.5.29.15", read_ku, false },
	{ "2.5.29.37", read_eku, false },
	{ "2.5.29.19", read_constraints, false },
	{ OID_SID_EXT, read_sid, false },
	{ "2.5.29.17", NULL, false },	/* csr.sans */
	{ "2.5.29.14", NULL, false },	/* it names the key, as ours does */
	{ OID_TEMPLATE, read_template, true },
	{ OID_TEMPLATE_NAME, read_template_name, true },
};

/* 0: that is all there is to be known of it. */
static int
read_known(struct csr_asked *a, const char *oid, X509_EXTENSION *ext)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].oid, oid) != 0)
			continue;
		if (known[i].read != NULL && known[i].read(a, ext) == -1)
			return -1;
		return known[i].told ? -1 : 0;
	}
	return -1;
}

static int
read_one(struct csr_asked *a, X509_EXTENSION *ext)
{
	const ASN1_OBJECT *o = X509_EXTENSION_get_object(ext);
	char oid[CSR_OID];

	if (OBJ_obj2txt(oid, sizeof(oid), o, 1) < 0)
		return -1;
	if (read_known(a, oid, ext) == 0)
		return 0;
	return add_oid(a->other, &a->n_other, CSR_MAX_OTHER, o);
}

int
csr_read_asked(struct csr *r, struct err *e)
{
	STACK_OF(X509_EXTENSION) *exts = csr_extensions(r->x);
	int i, n = exts == NULL ? 0 : sk_X509_EXTENSION_num(exts);
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		if ((rc = read_one(&r->asked, sk_X509_EXTENSION_value(exts,
		    i))) == -1)
			err_set(e, ERR_CSR, "it asks for too many extensions");
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	ERR_clear_error();
	return rc;
}

void
cert_sid(const struct cert *c, char out[SID_TEXT])
{
	ASN1_OBJECT *o = OBJ_txt2obj(OID_SID_EXT, 1);
	struct csr_asked a = { .sid = "" };
	int at = o == NULL ? -1 : X509_get_ext_by_OBJ(c->x, o, -1);

	if (at >= 0)
		(void)read_sid(&a, X509_get_ext(c->x, at));
	memcpy(out, a.sid, SID_TEXT);
	ASN1_OBJECT_free(o);
	ERR_clear_error();
}
