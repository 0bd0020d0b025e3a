#include <openssl/err.h>

#include "pki/ias.h"
#include "pki/pki_int.h"

/* Octets that DER spends on identifier and length. */
static size_t
head_size(size_t content)
{
	size_t n = 2;

	if (content >= 0x80)
		for (; content > 0; content >>= 8)
			n++;
	return n;
}

/* Takes the next element off; whole is all of it, content what it holds. */
static int
take(struct bytes *at, int tag, struct bytes *whole, struct bytes *content)
{
	const unsigned char *p = at->p;
	int got, class, flags;
	long len;

	if (at->n == 0)
		return -1;
	flags = ASN1_get_object(&p, &len, &got, &class, (long)at->n);
	/* 0x80: malformed, 1: of indefinite length */
	if ((flags & 0x81) != 0 || got != tag || class != V_ASN1_UNIVERSAL)
		return -1;
	if ((size_t)(p - at->p) != head_size((size_t)len))
		return -1;
	*content = bytes_make(p, (size_t)len);
	*whole = bytes_make(at->p, (size_t)(p - at->p) + content->n);
	*at = bytes_make(at->p + whole->n, at->n - whole->n);
	return 0;
}

static X509_NAME *
read_name(struct bytes der)
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);

	if (name != NULL && p == der.p + der.n)
		return name;
	X509_NAME_free(name);
	return NULL;
}

static bool
is_name(struct bytes der)
{
	X509_NAME *name = read_name(der);

	X509_NAME_free(name);
	return name != NULL;
}

static bool
is_integer(struct bytes der)
{
	const unsigned char *p = der.p;
	ASN1_INTEGER *ai = d2i_ASN1_INTEGER(NULL, &p, (long)der.n);

	ASN1_INTEGER_free(ai);
	return ai != NULL;
}

int
ias_parse(struct bytes der, struct ias *out, struct err *e)
{
	struct bytes all, at, name, number, inner;
	struct ias ias;

	if (take(&der, V_ASN1_SEQUENCE, &all, &at) == -1 || der.n != 0 ||
	    take(&at, V_ASN1_SEQUENCE, &name, &inner) == -1 ||
	    take(&at, V_ASN1_INTEGER, &number, &ias.serial) == -1 ||
	    at.n != 0 || ias.serial.n > PKI_SERIAL_MAX ||
	    !is_name(name) || !is_integer(number)) {
		ERR_clear_error();
		err_set(e, ERR_INTEGRITY, "pkcsPKIEnvelope");
		return -1;
	}
	ias.issuer = name;
	*out = ias;
	return 0;
}

bool
ias_issued_by(const struct ias *ias, const struct cert *ca)
{
	X509_NAME *name = read_name(ias->issuer);
	bool same;

	same = name != NULL &&
	    X509_NAME_cmp(name, X509_get_subject_name(ca->x)) == 0;
	X509_NAME_free(name);
	return same;
}

int
ias_make(struct bytes issuer, struct bytes serial, struct buf *der,
    struct err *e)
{
	struct buf b = BUF_INIT(CERT_MAX_DER);
	int rc = -1;

	if (buf_put(&b, issuer.p, issuer.n) == -1 ||
	    der_put(&b, V_ASN1_INTEGER, serial) == -1 ||
	    der_put(der, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED,
	    buf_bytes(&b)) == -1)
		err_set(e, ERR_MEMORY, "IssuerAndSerialNumber");
	else
		rc = 0;
	buf_wipe(&b);
	return rc;
}
