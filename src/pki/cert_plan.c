/*
 * What a plan says, for others who make certificates.
 */
#include "pki/cert_make_int.h"
#include "pki/san_int.h"

int
cert_plan_sans(const struct cert_plan *plan, struct sans *out, struct err *e)
{
	X509 *x;
	int rc;

	if (cert_plan_draft(plan, NULL, &x, e) == -1)
		return -1;
	rc = sans_of(x, out, e);
	X509_free(x);
	return rc;
}

/* Its value is DER: no name in it can be taken for another setting. */
static int
put_line(X509_EXTENSION *ext, struct buf *out)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(value);
	int i, n = ASN1_STRING_length(value), rc;
	char oid[CSR_OID];

	if (OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext),
	    1) < 0)
		return -1;
	rc = buf_printf(out, "%s = %sDER:", oid,
	    X509_EXTENSION_get_critical(ext) ? "critical," : "");
	for (i = 0; rc == 0 && i < n; i++)
		rc = buf_printf(out, "%02x", p[i]);
	return rc == 0 ? buf_putc(out, '\n') : -1;
}

int
cert_plan_lines(const struct cert_plan *plan, const struct cert *issuer,
    struct buf *out, struct err *e)
{
	X509 *x;
	int i, rc = 0;

	if (cert_plan_draft(plan, issuer, &x, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < X509_get_ext_count(x); i++)
		rc = put_line(X509_get_ext(x, i), out);
	if (rc == -1)
		set_ssl(e, ERR_CRYPTO, "extensions as text");
	X509_free(x);
	return rc;
}
