/*
 * Degenerate SignedData: certificates only, or a CRL only (RFC 8894, 3.4).
 *
 * Written by hand because libcrypto sorts a SET OF, and Apple takes the first
 * certificate it finds for its own.
 */
#include <openssl/cms.h>

#include <stdlib.h>

#include "pki/cms.h"
#include "pki/cms_int.h"
#include "pki/pki_int.h"

#define BAG_MAX		(CERTS_MAX * CERT_MAX_DER)

static const uint8_t oid_signed_data[] = {
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02
};
/* version 1, no digestAlgorithms, encapContentInfo of id-data, no content */
static const uint8_t head[] = {
	0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x0b,
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01
};
static const uint8_t no_signers[] = { 0x31, 0x00 };

#define CERTIFICATES	0xa0	/* tags of its two sets */
#define CRLS		0xa1

static int
bag(unsigned char tag, struct bytes set, struct buf *out)
{
	struct buf body = BUF_INIT(set.n + 64), seq = BUF_INIT(set.n + 96);
	struct buf all = BUF_INIT(set.n + 128);
	int bad = 0;

	bad |= buf_put(&body, head, sizeof(head));
	bad |= der_put(&body, tag, set);
	bad |= buf_put(&body, no_signers, sizeof(no_signers));
	bad |= der_put(&seq, 0x30, buf_bytes(&body));
	bad |= buf_put(&all, oid_signed_data, sizeof(oid_signed_data));
	bad |= der_put(&all, 0xa0, buf_bytes(&seq));
	if (bad == 0)
		bad = der_put(out, 0x30, buf_bytes(&all));
	buf_wipe(&body);
	buf_wipe(&seq);
	buf_wipe(&all);
	return bad == 0 ? 0 : -1;
}

int
cms_bag(const struct cert *const *certs, size_t n, struct buf *out,
    struct err *e)
{
	struct buf set = BUF_INIT(BAG_MAX);
	int bad = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bad |= buf_put(&set, certs[i]->der.p, certs[i]->der.n);
	if (bad == 0)
		bad = bag(CERTIFICATES, buf_bytes(&set), out);
	buf_wipe(&set);
	if (bad == 0)
		return 0;
	err_set(e, ERR_MEMORY, "bag of %zu certificates", n);
	return -1;
}

int
cms_bag_crl(struct bytes crl, struct buf *out, struct err *e)
{
	if (bag(CRLS, crl, out) == 0)
		return 0;
	err_set(e, ERR_MEMORY, "CRL of %zu bytes", crl.n);
	return -1;
}

int
cms_unbag(struct bytes der, struct certs *out, struct err *e)
{
	struct certs cs = { .v = NULL, .n = 0 };
	STACK_OF(X509) *xs;
	CMS_ContentInfo *cms;
	int i, rc = 0;

	if ((cms = cms_read(der, e)) == NULL)
		return -1;
	/* NULL for anything but SignedData with certificates */
	xs = CMS_get1_certs(cms);
	for (i = 0; rc == 0 && i < sk_X509_num(xs); i++)
		rc = certs_add(&cs, sk_X509_value(xs, i), e);
	if (rc == 0 && cs.n == 0) {
		err_set(e, ERR_NOT_CMS, "no certificates");
		rc = -1;
	}
	sk_X509_pop_free(xs, X509_free);
	CMS_ContentInfo_free(cms);
	if (rc == 0)
		*out = cs;
	else
		certs_free(&cs);
	return rc;
}

int
cms_unbag_crl(struct bytes der, struct buf *out, struct err *e)
{
	struct bytes crl = { .p = NULL, .n = 0 };
	STACK_OF(X509_CRL) *crls;
	STACK_OF(X509) *certs;
	CMS_ContentInfo *cms;
	int rc = -1;

	if ((cms = cms_read(der, e)) == NULL)
		return -1;
	crls = CMS_get1_crls(cms);
	certs = CMS_get1_certs(cms);
	if (sk_X509_CRL_num(crls) == 1 && sk_X509_num(certs) <= 0)
		crl = pki_i2d(ASN1_ITEM_rptr(X509_CRL),
		    sk_X509_CRL_value(crls, 0));
	if (crl.n == 0)
		err_set(e, ERR_NOT_CMS, "not one CRL alone");
	else if ((rc = buf_put(out, crl.p, crl.n)) == -1)
		err_set(e, ERR_MEMORY, "CRL of %zu bytes", crl.n);
	free((void *)(uintptr_t)crl.p);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	return rc;
}
