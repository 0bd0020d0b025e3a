/*
 * Whether a certificate that somebody else made is what a plan says.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/cert_make_int.h"
#include "pki/san_int.h"
#include "util/clock.h"

#define NAMES_MAX	256	/* of usages, as text */

struct check {
	const struct cert	*c;
	const struct cert_plan	*plan;
	X509			*draft;		/* of the plan */
	unsigned		 leaves;
};

static int
check_subject(const struct check *k, struct err *e)
{
	char *text;

	if (X509_NAME_cmp(X509_get_subject_name(k->c->x),
	    X509_get_issuer_name(k->c->x)) == 0) {
		err_set(e, ERR_CERT_FILE, "its subject is its CA's");
		return -1;
	}
	if (k->leaves & CERT_LEAVES_SUBJECT ||
	    cert_has_subject(k->c, k->plan->subject))
		return 0;
	text = name_text(X509_get_subject_name(k->draft));
	err_set(e, ERR_CERT_FILE, "its subject is \"%s\", not \"%s\" as "
	    "granted", k->c->subject_text, text != NULL ? text : "?");
	free(text);
	return -1;
}

/* The first of a that is not in b, or NULL. */
static const struct san *
missing(const struct sans *a, const struct sans *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!sans_has(b, &a->v[i]))
			return &a->v[i];
	return NULL;
}

static int
check_sans(const struct check *k, struct err *e)
{
	struct sans has = { NULL, 0 }, granted = { NULL, 0 };
	const struct san *s;
	int rc = -1;

	if (cert_sans(k->c, &has, e) == -1 ||
	    sans_of(k->draft, &granted, e) == -1)
		goto out;
	if ((s = missing(&has, &granted)) != NULL)
		err_set(e, ERR_CERT_FILE, "its subjectAltName %s:%s was not "
		    "granted", san_kind_name(s->kind), s->text);
	else if (!(k->leaves & CERT_LEAVES_NAMES) &&
	    (s = missing(&granted, &has)) != NULL)
		err_set(e, ERR_CERT_FILE, "it lacks the subjectAltName %s:%s",
		    san_kind_name(s->kind), s->text);
	else
		rc = 0;
out:
	sans_free(&has);
	sans_free(&granted);
	return rc;
}

/* It may have been made when the device asked before. */
static int
check_life(const struct check *k, struct err *e)
{
	char is[CLOCK_TEXT_MAX], granted[CLOCK_TEXT_MAX];
	bool early = k->c->not_before < k->plan->not_before -
	    CERT_BEGINS_BEFORE;

	if (k->leaves & CERT_LEAVES_VALIDITY || (!early &&
	    k->c->not_after <= k->plan->not_after + CERT_CLOCK_SKEW))
		return 0;
	clock_text(early ? k->c->not_before : k->c->not_after, is);
	clock_text(early ? k->plan->not_before : k->plan->not_after, granted);
	err_set(e, ERR_CERT_FILE, "its %s is %s, %s was granted", early ?
	    "notBefore" : "notAfter", is, granted);
	return -1;
}

static void
usage_text(unsigned ku, char out[NAMES_MAX])
{
	unsigned bit;
	size_t n = 0;

	(void)snprintf(out, NAMES_MAX, "none");
	for (bit = 1; cert_ku_name(bit) != NULL; bit <<= 1)
		if (ku & bit)
			n += (size_t)snprintf(out + n, NAMES_MAX - n, "%s%s",
			    n > 0 ? "," : "", cert_ku_name(bit));
}

static int
check_ku(const struct check *k, struct err *e)
{
	char is[NAMES_MAX], granted[NAMES_MAX];

	if (k->leaves & CERT_LEAVES_USAGE || k->c->ku == k->plan->ku)
		return 0;
	usage_text(k->c->ku, is);
	usage_text(k->plan->ku, granted);
	err_set(e, ERR_CERT_FILE, "its keyUsage is %s, not %s as granted", is,
	    granted);
	return -1;
}

/* The first of a that is not in b, or NULL. */
static const ASN1_OBJECT *
unlisted(const EXTENDED_KEY_USAGE *a, const EXTENDED_KEY_USAGE *b)
{
	int i, k;

	for (i = 0; i < sk_ASN1_OBJECT_num(a); i++) {
		for (k = 0; k < sk_ASN1_OBJECT_num(b); k++)
			if (OBJ_cmp(sk_ASN1_OBJECT_value(a, i),
			    sk_ASN1_OBJECT_value(b, k)) == 0)
				break;
		if (k >= sk_ASN1_OBJECT_num(b))
			return sk_ASN1_OBJECT_value(a, i);
	}
	return NULL;
}

static int
refuse_oid(const ASN1_OBJECT *o, const char *before, const char *behind,
    struct err *e)
{
	char oid[64];

	(void)OBJ_obj2txt(oid, sizeof(oid), o, 1);
	err_set(e, ERR_CERT_FILE, "%s %s%s", before, oid, behind);
	return -1;
}

static int
check_eku(const struct check *k, struct err *e)
{
	EXTENDED_KEY_USAGE *has, *granted;
	const ASN1_OBJECT *o;
	int crit, rc = 0;

	has = X509_get_ext_d2i(k->c->x, NID_ext_key_usage, &crit, NULL);
	if (has == NULL && crit != -1) {
		set_ssl(e, ERR_CERT_FILE, "its extKeyUsage is malformed");
		return -1;
	}
	granted = X509_get_ext_d2i(k->draft, NID_ext_key_usage, NULL, NULL);
	if ((o = unlisted(has, granted)) != NULL)
		rc = refuse_oid(o, "its extKeyUsage", " was not granted", e);
	else if (!(k->leaves & CERT_LEAVES_USAGE) &&
	    (o = unlisted(granted, has)) != NULL)
		rc = refuse_oid(o, "it lacks the extKeyUsage", "", e);
	sk_ASN1_OBJECT_pop_free(has, ASN1_OBJECT_free);
	sk_ASN1_OBJECT_pop_free(granted, ASN1_OBJECT_free);
	ERR_clear_error();
	return rc;
}

/* ---- other extensions ---- */

enum about {
	ABOUT_CHECKED,		/* by the functions above */
	ABOUT_CA,		/* tells nothing about the holder */
	ABOUT_ACCOUNT,		/* makes the holder a user of Windows */
	ABOUT_HOLDER
};

static enum about
about(const ASN1_OBJECT *o)
{
	static const struct { const char *oid; enum about about; } known[] = {
		{ "2.5.29.19", ABOUT_CHECKED }, { "2.5.29.15", ABOUT_CHECKED },
		{ "2.5.29.37", ABOUT_CHECKED }, { "2.5.29.17", ABOUT_CHECKED },
		/* The key identifiers are the CA's, whatever the draft has. */
		{ "2.5.29.14", ABOUT_CHECKED }, { "2.5.29.35", ABOUT_CHECKED },
		/* CRLs, CA certificates, policies, issuerAltName, logs */
		{ "2.5.29.31", ABOUT_CA }, { "2.5.29.46", ABOUT_CA },
		{ "1.3.6.1.5.5.7.1.1", ABOUT_CA }, { "2.5.29.32", ABOUT_CA },
		{ "2.5.29.18", ABOUT_CA },
		{ "1.3.6.1.4.1.11129.2.4.2", ABOUT_CA },
		{ "1.3.6.1.4.1.311.25.2", ABOUT_ACCOUNT },
	};
	char oid[64];
	size_t i;

	(void)OBJ_obj2txt(oid, sizeof(oid), o, 1);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].oid, oid) == 0)
			return known[i].about;
	return ABOUT_HOLDER;
}

static X509_EXTENSION *
find(const X509 *x, const ASN1_OBJECT *o)
{
	int i = X509_get_ext_by_OBJ(x, o, -1);

	return i < 0 ? NULL : X509_get_ext(x, i);
}

static bool
same(X509_EXTENSION *a, X509_EXTENSION *b)
{
	return X509_EXTENSION_get_critical(a) ==
	    X509_EXTENSION_get_critical(b) && ASN1_OCTET_STRING_cmp(
	    X509_EXTENSION_get_data(a), X509_EXTENSION_get_data(b)) == 0;
}

/* One that the certificate has. */
static int
check_extension(const struct check *k, X509_EXTENSION *has, struct err *e)
{
	const ASN1_OBJECT *o = X509_EXTENSION_get_object(has);
	X509_EXTENSION *granted = find(k->draft, o);
	enum about what = about(o);

	if (what == ABOUT_CHECKED || (what != ABOUT_ACCOUNT &&
	    k->leaves & CERT_LEAVES_EXTENSIONS))
		return 0;
	if (granted == NULL)
		return what == ABOUT_CA ? 0 : refuse_oid(o, "its extension",
		    " was not granted", e);
	return same(has, granted) ? 0 : refuse_oid(o, "its extension",
	    " is not the one that was granted", e);
}

static int
check_extensions(const struct check *k, struct err *e)
{
	const ASN1_OBJECT *o;
	int i;

	for (i = 0; i < X509_get_ext_count(k->c->x); i++)
		if (check_extension(k, X509_get_ext(k->c->x, i), e) == -1)
			return -1;
	if (k->leaves & CERT_LEAVES_EXTENSIONS)
		return 0;
	for (i = 0; i < X509_get_ext_count(k->draft); i++) {
		o = X509_EXTENSION_get_object(X509_get_ext(k->draft, i));
		if (about(o) != ABOUT_CHECKED && find(k->c->x, o) == NULL)
			return refuse_oid(o, "it lacks the extension", "", e);
	}
	return 0;
}

static int (*const checks[])(const struct check *, struct err *) = {
	check_subject, check_sans, check_life, check_ku, check_eku,
	check_extensions,
};

int
cert_within(const struct cert *c, const struct cert_plan *plan,
    unsigned leaves, struct err *e)
{
	struct check k = { .c = c, .plan = plan, .leaves = leaves };
	int rc = 0;
	size_t i;

	/* Of such a one libcrypto does not tell the usages. */
	if ((X509_get_extension_flags(c->x) & EXFLAG_INVALID) != 0) {
		err_set(e, ERR_CERT_FILE, "an extension of it is malformed");
		return -1;
	}
	if (c->is_ca || (c->ku & (CERT_KU_KEY_CERT_SIGN |
	    CERT_KU_CRL_SIGN)) != 0) {
		err_set(e, ERR_CERT_FILE, "it is a CA certificate");
		return -1;
	}
	if (cert_plan_draft(plan, NULL, &k.draft, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		rc = checks[i](&k, e);
	X509_free(k.draft);
	return rc;
}
