/*
 * The extensions of certificates that we make: what the plan lists, no more.
 */
#include <openssl/x509v3.h>

#include <string.h>

#include "pki/cert_make_int.h"

static int
add(X509 *x, int nid, void *value, bool critical)
{
	return X509_add1_ext_i2d(x, nid, value, critical,
	    X509V3_ADD_DEFAULT) == 1 ? 0 : -1;
}

/*
 * Leaves say CA:FALSE although absence means it (RFC 5280, 4.2.1.9):
 * clients read the absence less reliably than the word.
 */
static int
add_constraints(X509 *x, const struct cert_plan *plan)
{
	BASIC_CONSTRAINTS *bc;
	int rc = -1;

	if ((bc = BASIC_CONSTRAINTS_new()) == NULL)
		return -1;
	bc->ca = plan->ca ? 0xff : 0;
	if (!plan->ca || plan->path_len < 0 ||
	    ((bc->pathlen = ASN1_INTEGER_new()) != NULL &&
	    ASN1_INTEGER_set(bc->pathlen, plan->path_len) == 1))
		rc = add(x, NID_basic_constraints, bc, true);
	BASIC_CONSTRAINTS_free(bc);
	return rc;
}

const char *
cert_ku_name(unsigned bit)
{
	static const char *const names[] = {
		"digitalSignature", "nonRepudiation", "keyEncipherment",
		"dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

static int
add_ku(X509 *x, const struct cert_plan *plan)
{
	ASN1_BIT_STRING *bits;
	int i, ok;

	if (plan->ku == 0)
		return 0;
	ok = (bits = ASN1_BIT_STRING_new()) != NULL;
	for (i = 0; ok && i < 9; i++)
		if (plan->ku & (1u << i))
			ok = ASN1_BIT_STRING_set_bit(bits, i, 1) == 1;
	ok = ok && add(x, NID_key_usage, bits, true) == 0;
	ASN1_BIT_STRING_free(bits);
	return ok ? 0 : -1;
}

/* Names of extended key usages that scepd.conf(5) takes beside OIDs. */
static const struct { const char *name; int nid; } ekus[] = {
	{ "clientAuth", NID_client_auth },
	{ "serverAuth", NID_server_auth },
	{ "emailProtection", NID_email_protect },
	{ "codeSigning", NID_code_sign },
	{ "smartcardLogon", NID_ms_smartcard_login },
	{ "ipsecIKE", NID_ipsec_IKE },
};

ASN1_OBJECT *
eku_object(const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < sizeof(ekus) / sizeof(ekus[0]); i++)
		if (strcmp(ekus[i].name, name) == 0)
			return OBJ_dup(OBJ_nid2obj(ekus[i].nid));
	/* libcrypto also takes blanks for dots, and a dot at the end. */
	if (strchr(name, '.') == NULL || name[n - 1] == '.' ||
	    strspn(name, "0123456789.") != n)
		return NULL;
	return OBJ_txt2obj(name, 1);
}

bool
eku_is(const char *name, const char *oid)
{
	ASN1_OBJECT *a = eku_object(name), *b = OBJ_txt2obj(oid, 1);
	bool is = a != NULL && b != NULL && OBJ_cmp(a, b) == 0;

	ASN1_OBJECT_free(a);
	ASN1_OBJECT_free(b);
	return is;
}

int
eku_check(char *const *names, struct err *e)
{
	ASN1_OBJECT *o;

	for (; *names != NULL; names++) {
		if ((o = eku_object(*names)) == NULL) {
			err_set(e, ERR_CONFIG, "eku: %s is no extended key "
			    "usage; give a dotted OID, or one of clientAuth, "
			    "serverAuth, emailProtection, codeSigning, "
			    "smartcardLogon, ipsecIKE", *names);
			return -1;
		}
		ASN1_OBJECT_free(o);
	}
	return 0;
}

static int
add_eku(X509 *x, const struct cert_plan *plan)
{
	EXTENDED_KEY_USAGE *eku;
	ASN1_OBJECT *o;
	char *const *name;
	int ok;

	if (plan->eku == NULL || plan->eku[0] == NULL)
		return 0;
	ok = (eku = sk_ASN1_OBJECT_new_null()) != NULL;
	for (name = plan->eku; ok && *name != NULL; name++) {
		o = eku_object(*name);
		ok = o != NULL && sk_ASN1_OBJECT_push(eku, o) > 0;
		if (!ok)
			ASN1_OBJECT_free(o);
	}
	ok = ok && add(x, NID_ext_key_usage, eku, false) == 0;
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	return ok ? 0 : -1;
}

static int
add_sans(X509 *x, const struct cert_plan *plan)
{
	GENERAL_NAMES *gns;
	GENERAL_NAME *gn;
	const unsigned char *p;
	bool alone;
	size_t i;
	int ok;

	if (plan->n_sans == 0)
		return 0;
	ok = (gns = sk_GENERAL_NAME_new_null()) != NULL;
	for (i = 0; ok && i < plan->n_sans; i++) {
		p = plan->sans[i].p;
		gn = d2i_GENERAL_NAME(NULL, &p, (long)plan->sans[i].n);
		ok = gn != NULL && sk_GENERAL_NAME_push(gns, gn) > 0;
		if (!ok)
			GENERAL_NAME_free(gn);
	}
	/* Critical where it is the only name (RFC 5280, 4.2.1.6). */
	alone = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
	ok = ok && add(x, NID_subject_alt_name, gns, alone) == 0;
	GENERAL_NAMES_free(gns);
	return ok ? 0 : -1;
}

/* SHA-1 over the key bits (RFC 5280, 4.2.1.2, method 1). */
static ASN1_OCTET_STRING *
key_id(const X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *id;
	unsigned n;

	if (X509_pubkey_digest(x, EVP_sha1(), md, &n) != 1 ||
	    (id = ASN1_OCTET_STRING_new()) == NULL)
		return NULL;
	if (ASN1_OCTET_STRING_set(id, md, (int)n) != 1) {
		ASN1_OCTET_STRING_free(id);
		return NULL;
	}
	return id;
}

static int
add_key_ids(X509 *x, const struct cert *issuer)
{
	const ASN1_OCTET_STRING *theirs;
	AUTHORITY_KEYID *aki = NULL;
	ASN1_OCTET_STRING *ski;
	int rc = -1;

	if ((ski = key_id(x)) == NULL ||
	    add(x, NID_subject_key_identifier, ski, false) == -1 ||
	    (aki = AUTHORITY_KEYID_new()) == NULL)
		goto out;
	theirs = issuer == NULL ? ski : X509_get0_subject_key_id(issuer->x);
	aki->keyid = theirs != NULL ? ASN1_OCTET_STRING_dup(theirs) :
	    key_id(issuer->x);
	if (aki->keyid != NULL)
		rc = add(x, NID_authority_key_identifier, aki, false);
out:
	AUTHORITY_KEYID_free(aki);
	ASN1_OCTET_STRING_free(ski);
	return rc;
}

static GENERAL_NAME *
uri_name(const char *url)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (gn == NULL || s == NULL || ASN1_STRING_set(s, url, -1) != 1) {
		GENERAL_NAME_free(gn);
		ASN1_IA5STRING_free(s);
		return NULL;
	}
	GENERAL_NAME_set0_value(gn, GEN_URI, s);
	return gn;
}

/* Takes gn, also when it fails. */
static int
push_crl(STACK_OF(DIST_POINT) *dps, GENERAL_NAME *gn)
{
	DIST_POINT *dp = DIST_POINT_new();

	if (dp == NULL || gn == NULL ||
	    (dp->distpoint = DIST_POINT_NAME_new()) == NULL ||
	    (dp->distpoint->name.fullname = GENERAL_NAMES_new()) == NULL)
		goto fail;
	dp->distpoint->type = 0;	/* fullName */
	if (sk_GENERAL_NAME_push(dp->distpoint->name.fullname, gn) <= 0)
		goto fail;
	gn = NULL;
	if (sk_DIST_POINT_push(dps, dp) > 0)
		return 0;
fail:
	GENERAL_NAME_free(gn);
	DIST_POINT_free(dp);
	return -1;
}

static int
add_crl_urls(X509 *x, char *const *urls)
{
	STACK_OF(DIST_POINT) *dps;
	int rc = 0;

	if (urls == NULL || *urls == NULL)
		return 0;
	if ((dps = sk_DIST_POINT_new_null()) == NULL)
		return -1;
	for (; rc == 0 && *urls != NULL; urls++)
		rc = push_crl(dps, uri_name(*urls));
	if (rc == 0)
		rc = add(x, NID_crl_distribution_points, dps, false);
	sk_DIST_POINT_pop_free(dps, DIST_POINT_free);
	return rc;
}

static int
push_access(AUTHORITY_INFO_ACCESS *aia, int method, char *const *urls)
{
	ACCESS_DESCRIPTION *ad;

	for (; urls != NULL && *urls != NULL; urls++) {
		if ((ad = ACCESS_DESCRIPTION_new()) == NULL)
			return -1;
		GENERAL_NAME_free(ad->location);
		ad->location = uri_name(*urls);
		ad->method = OBJ_nid2obj(method);
		if (ad->location == NULL ||
		    sk_ACCESS_DESCRIPTION_push(aia, ad) <= 0) {
			ACCESS_DESCRIPTION_free(ad);
			return -1;
		}
	}
	return 0;
}

static int
add_access(X509 *x, const struct cert_plan *plan)
{
	AUTHORITY_INFO_ACCESS *aia;
	int rc = 0;

	if ((aia = sk_ACCESS_DESCRIPTION_new_null()) == NULL)
		return -1;
	if (push_access(aia, NID_ad_OCSP, plan->ocsp_urls) == -1 ||
	    push_access(aia, NID_ad_ca_issuers, plan->ca_issuers_urls) == -1)
		rc = -1;
	else if (sk_ACCESS_DESCRIPTION_num(aia) > 0)
		rc = add(x, NID_info_access, aia, false);
	AUTHORITY_INFO_ACCESS_free(aia);
	return rc;
}

int
cert_extend(X509 *x, const struct cert_plan *plan, const struct cert *issuer,
    struct err *e)
{
	const char *what = NULL;

	if (add_constraints(x, plan) == -1)
		what = "basicConstraints";
	else if (add_ku(x, plan) == -1)
		what = "keyUsage";
	else if (add_eku(x, plan) == -1)
		what = "extKeyUsage";
	else if (add_key_ids(x, issuer) == -1)
		what = "key identifiers";
	else if (add_sans(x, plan) == -1)
		what = "subjectAltName";
	else if (add_crl_urls(x, plan->crl_urls) == -1)
		what = "cRLDistributionPoints";
	else if (add_access(x, plan) == -1)
		what = "authorityInfoAccess";
	else
		what = cert_extend_more(x, plan);
	if (what == NULL)
		return 0;
	set_ssl(e, ERR_CRYPTO, what);
	return -1;
}
