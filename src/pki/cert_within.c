/*
 * Whether a certificate that somebody else made stays within a plan.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/cert_make_int.h"
#include "pki/san.h"

static int
sans_within(const struct cert *c, const struct cert_plan *plan,
    struct err *e)
{
	struct sans sans;
	size_t i, k;
	int rc = 0;

	if (cert_sans(c, &sans, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < sans.n; i++) {
		for (k = 0; k < plan->n_sans; k++)
			if (bytes_eq(plan->sans[k], sans.v[i].der))
				break;
		if (k == plan->n_sans) {
			err_set(e, ERR_CERT_FILE, "its subjectAltName %s:%s "
			    "was not granted", san_kind_name(sans.v[i].kind),
			    sans.v[i].text);
			rc = -1;
		}
	}
	sans_free(&sans);
	return rc;
}

/* Is it among the plan's? */
static bool
eku_planned(const ASN1_OBJECT *o, char *const *names)
{
	ASN1_OBJECT *planned;
	bool found = false;

	for (; !found && names != NULL && *names != NULL; names++) {
		if ((planned = eku_object(*names)) == NULL)
			continue;
		found = OBJ_cmp(planned, o) == 0;
		ASN1_OBJECT_free(planned);
	}
	return found;
}

static int
eku_within(const struct cert *c, const struct cert_plan *plan, struct err *e)
{
	EXTENDED_KEY_USAGE *eku;
	char oid[64];
	int i, crit, rc = 0;

	eku = X509_get_ext_d2i(c->x, NID_ext_key_usage, &crit, NULL);
	if (eku == NULL && crit != -1) {
		set_ssl(e, ERR_CERT_FILE, "its extKeyUsage is malformed");
		return -1;
	}
	for (i = 0; rc == 0 && i < sk_ASN1_OBJECT_num(eku); i++)
		if (!eku_planned(sk_ASN1_OBJECT_value(eku, i), plan->eku)) {
			(void)OBJ_obj2txt(oid, sizeof(oid),
			    sk_ASN1_OBJECT_value(eku, i), 1);
			err_set(e, ERR_CERT_FILE, "its extKeyUsage %s is not "
			    "in the profile", oid);
			rc = -1;
		}
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	ERR_clear_error();
	return rc;
}

int
cert_within(const struct cert *c, const struct cert_plan *plan,
    struct err *e)
{
	if (c->is_ca || (c->ku & (CERT_KU_KEY_CERT_SIGN |
	    CERT_KU_CRL_SIGN)) != 0) {
		err_set(e, ERR_CERT_FILE, "it is a CA certificate");
		return -1;
	}
	if (sans_within(c, plan, e) == -1)
		return -1;
	return eku_within(c, plan, e);
}
