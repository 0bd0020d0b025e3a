#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "pki/csr.h"
#include "pki/pki_int.h"
#include "pki/san_int.h"

/* Kinds that can be given as text; the others have no text form. */
static const struct {
	enum san_kind	 kind;
	int		 type;		/* of GENERAL_NAME */
} forms[] = {
	{ SAN_DNS,   GEN_DNS },
	{ SAN_EMAIL, GEN_EMAIL },
	{ SAN_URI,   GEN_URI },
	{ SAN_IP,    GEN_IPADD },
	{ SAN_UPN,   GEN_OTHERNAME },
};

/* "kind:value" -> the value's type and beginning; -1: no such kind. */
static int
split(const char *text, const char **value)
{
	const char *name;
	size_t i, n;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		name = san_kind_name(forms[i].kind);
		n = strlen(name);
		if (strncmp(text, name, n) == 0 && text[n] == ':') {
			*value = text + n + 1;
			return forms[i].type;
		}
	}
	return -1;
}

static int
set_other(GENERAL_NAME *gn, const char *value)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.311.20.2.3", 1);
	ASN1_TYPE *t = ASN1_TYPE_new();
	ASN1_UTF8STRING *s = ASN1_UTF8STRING_new();

	if (oid != NULL && t != NULL && s != NULL &&
	    ASN1_STRING_set(s, value, -1) == 1) {
		ASN1_TYPE_set(t, V_ASN1_UTF8STRING, s);
		s = NULL;
		if (GENERAL_NAME_set0_othername(gn, oid, t) == 1)
			return 0;
	}
	ASN1_OBJECT_free(oid);
	ASN1_TYPE_free(t);
	ASN1_UTF8STRING_free(s);
	return -1;
}

static int
set_string(GENERAL_NAME *gn, int type, const char *value)
{
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (s == NULL || ASN1_STRING_set(s, value, -1) != 1) {
		ASN1_IA5STRING_free(s);
		return -1;
	}
	GENERAL_NAME_set0_value(gn, type, s);
	return 0;
}

static int
set_ip(GENERAL_NAME *gn, const char *value)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(value);

	if (ip == NULL)
		return -1;
	GENERAL_NAME_set0_value(gn, GEN_IPADD, ip);
	return 0;
}

static int
add_san(GENERAL_NAMES *gns, const char *text, struct err *e)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	const char *value;
	int rc = -1, type = split(text, &value);

	if (gn == NULL || type == -1 || *value == '\0')
		goto out;
	if (type == GEN_OTHERNAME)
		rc = set_other(gn, value);
	else
		rc = type == GEN_IPADD ? set_ip(gn, value) :
		    set_string(gn, type, value);
	if (rc == 0 && sk_GENERAL_NAME_push(gns, gn) > 0)
		gn = NULL;
	else
		rc = -1;
out:
	if (rc == -1)
		set_ssl(e, ERR_SAN, "not a name such as dns:a.example");
	GENERAL_NAME_free(gn);
	return rc;
}

static int
read_sans(char *const *texts, struct sans *out, struct err *e)
{
	GENERAL_NAMES *gns;
	int rc = 0;
	size_t i;

	*out = (struct sans){ .v = NULL, .n = 0 };
	if (texts[0] == NULL)
		return 0;
	if ((gns = sk_GENERAL_NAME_new_null()) == NULL) {
		set_ssl(e, ERR_MEMORY, "subjectAltName");
		return -1;
	}
	for (i = 0; rc == 0 && texts[i] != NULL; i++)
		rc = add_san(gns, texts[i], e);
	if (rc == 0)
		rc = sans_read(gns, ERR_SAN, out, e);
	GENERAL_NAMES_free(gns);
	return rc;
}

/* What is not its own belongs to the request that it stands for. */
struct renamed {
	struct csr	 csr;		/* first: it is what is handed out */
	bool		 own_subject;
	bool		 own_sans;
	struct san	*fewer;		/* of the request's; NULL: all */
};

static int
rename_subject(struct renamed *r, const char *subject, struct err *e)
{
	X509_NAME *name;
	int rc;

	if (name_of_text(subject, &name, e) == -1)
		return -1;
	r->own_subject = true;
	r->csr.subject = bytes_make(NULL, 0);
	r->csr.subject_text = NULL;
	r->csr.values = NULL;
	r->csr.n_values = 0;
	rc = csr_read_subject(&r->csr, name, e);
	X509_NAME_free(name);
	return rc;
}

int
csr_renamed(const struct csr *c, const char *subject, char *const *sans,
    struct csr **out, struct err *e)
{
	struct renamed *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_set(e, ERR_MEMORY, "request");
		return -1;
	}
	r->csr = *c;
	r->csr.x = NULL;
	if (subject != NULL && rename_subject(r, subject, e) == -1)
		goto fail;
	if (sans != NULL) {
		r->own_sans = true;
		/* An account is a name too, and the strongest to Windows. */
		r->csr.asked.sid[0] = '\0';
		if (read_sans(sans, &r->csr.sans, e) == -1)
			goto fail;
	}
	*out = &r->csr;
	return 0;
fail:
	csr_renamed_free(&r->csr);
	return -1;
}

/* They are still the request's. */
static int
leave_sids(struct renamed *r, struct err *e)
{
	const struct sans *all = &r->csr.sans;
	size_t i, n = 0;

	if ((r->fewer = calloc(all->n + 1, sizeof(*r->fewer))) == NULL) {
		err_set(e, ERR_MEMORY, "request");
		return -1;
	}
	for (i = 0; i < all->n; i++)
		if (all->v[i].kind != SAN_SID)
			r->fewer[n++] = all->v[i];
	r->csr.sans = (struct sans){ r->fewer, n };
	return 0;
}

/* Whether one of its own names is another account's. */
static bool
names_other(const struct renamed *r, const char *sid)
{
	const struct sans *all = &r->csr.sans;
	const char *at;
	size_t i;

	for (i = 0; r->own_sans && i < all->n; i++) {
		if (all->v[i].kind != SAN_SID)
			continue;
		at = strrchr(all->v[i].text, ':');
		if (*sid == '\0' || strcmp(at + 1, sid) != 0)
			return true;
	}
	return false;
}

int
csr_set_sid(struct csr *c, const char *sid, struct err *e)
{
	struct renamed *r = (struct renamed *)c;

	if (strlen(sid) >= sizeof(c->asked.sid)) {
		err_set(e, ERR_SAN, "security identifier of %zu bytes",
		    strlen(sid));
		return -1;
	}
	if (names_other(r, sid)) {
		err_set(e, ERR_SAN, "another security identifier among the "
		    "names");
		return -1;
	}
	if (!r->own_sans && r->fewer == NULL && leave_sids(r, e) == -1)
		return -1;
	memset(c->asked.sid, 0, sizeof(c->asked.sid));
	memcpy(c->asked.sid, sid, strlen(sid));
	return 0;
}

void
csr_renamed_free(struct csr *c)
{
	struct renamed *r = (struct renamed *)c;
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; r->own_subject && i < c->n_values; i++)
		free(c->values[i].text);
	if (r->own_subject) {
		free(c->values);
		free(c->subject_text);
		pki_free(&c->subject);
	}
	if (r->own_sans)
		sans_free(&c->sans);
	free(r->fewer);
	free(r);
}
