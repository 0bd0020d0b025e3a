/*
 * Reading CRLs, and the names of reasons.
 */
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "pki/crl_int.h"

/* By number; 7 is not used. */
static const char *const reasons[] = {
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged",
	"superseded", "cessationOfOperation", "certificateHold", "",
	"removeFromCRL", "privilegeWithdrawn", "aACompromise"
};
#define N_REASONS	((int)(sizeof(reasons) / sizeof(reasons[0])))

const char *
crl_reason_name(int reason)
{
	if (reason < 0 || reason >= N_REASONS || *reasons[reason] == '\0')
		return NULL;
	return reasons[reason];
}

int
crl_reason_by_name(const char *name)
{
	int i;

	for (i = 0; i < N_REASONS; i++)
		if (*name != '\0' && strcmp(reasons[i], name) == 0)
			return i;
	return -1;
}

ASN1_INTEGER *
crl_serial(struct bytes content)
{
	struct buf der = BUF_INIT(PKI_SERIAL_MAX + 8);
	ASN1_INTEGER *ai = NULL;
	const unsigned char *p;

	if (der_put(&der, V_ASN1_INTEGER, content) == 0) {
		p = der.p;
		ai = d2i_ASN1_INTEGER(NULL, &p, (long)der.n);
	}
	buf_wipe(&der);
	return ai;
}

static int64_t
read_number(X509_CRL *x)
{
	ASN1_INTEGER *ai = X509_CRL_get_ext_d2i(x, NID_crl_number, NULL, NULL);
	int64_t n = -1;

	if (ai == NULL || ASN1_INTEGER_get_int64(&n, ai) != 1 || n < 0)
		n = -1;
	ASN1_INTEGER_free(ai);
	return n;
}

static int
read_facts(struct crl *c, struct err *e)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(c->x);
	int n;

	c->issuer = pki_i2d(ASN1_ITEM_rptr(X509_NAME),
	    X509_CRL_get_issuer(c->x));
	if (c->issuer.n == 0 || time_read(X509_CRL_get0_lastUpdate(c->x),
	    &c->this_update) == -1 ||
	    (next != NULL && time_read(next, &c->next_update) == -1)) {
		set_ssl(e, ERR_CERT_FILE, "CRL's issuer or times");
		return -1;
	}
	c->number = read_number(c->x);
	n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(c->x));
	c->n_entries = n < 0 ? 0 : (size_t)n;
	return 0;
}

int
crl_parse(struct bytes der, struct crl **out, struct err *e)
{
	const unsigned char *p = der.p;
	uint8_t *copy = NULL;
	struct crl *c;

	if (der.n == 0 || der.n > CRL_MAX_DER) {
		err_set(e, ERR_CERT_FILE, "CRL of %zu bytes", der.n);
		return -1;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (copy = malloc(der.n)) == NULL) {
		err_set(e, ERR_MEMORY, "CRL");
		goto fail;
	}
	memcpy(copy, der.p, der.n);
	c->der = bytes_make(copy, der.n);
	if ((c->x = d2i_X509_CRL(NULL, &p, (long)der.n)) == NULL ||
	    p != der.p + der.n) {
		set_ssl(e, ERR_CERT_FILE, "not a CRL in DER");
		goto fail;
	}
	if (read_facts(c, e) == -1)
		goto fail;
	*out = c;
	return 0;
fail:
	crl_free(c);
	return -1;
}

int
crl_verify(const struct crl *c, const struct cert *ca, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(ca->x);

	if (bytes_eq(c->issuer, ca->subject) && key != NULL &&
	    X509_CRL_verify(c->x, key) == 1)
		return 0;
	set_ssl(e, ERR_SIGNATURE, "CRL");
	return -1;
}

void
crl_free(struct crl *c)
{
	if (c == NULL)
		return;
	free((void *)(uintptr_t)c->der.p);
	free((void *)(uintptr_t)c->issuer.p);
	X509_CRL_free(c->x);
	free(c);
}
