/*
 * Degenerate SignedData: certificates only (RFC 8894, 3.4).
 *
 * Written by hand because libcrypto sorts a SET OF, and Apple takes the first
 * certificate it finds for its own.
 */
#include <openssl/cms.h>

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

int
cms_bag(const struct cert *const *certs, size_t n, struct buf *out,
    struct err *e)
{
	struct buf set = BUF_INIT(BAG_MAX), body = BUF_INIT(BAG_MAX + 64);
	struct buf seq = BUF_INIT(BAG_MAX + 96), all = BUF_INIT(BAG_MAX + 128);
	size_t i;
	int bad = 0, rc = -1;

	for (i = 0; i < n; i++)
		bad |= buf_put(&set, certs[i]->der.p, certs[i]->der.n);
	bad |= buf_put(&body, head, sizeof(head));
	bad |= der_put(&body, 0xa0, buf_bytes(&set));
	bad |= buf_put(&body, no_signers, sizeof(no_signers));
	bad |= der_put(&seq, 0x30, buf_bytes(&body));
	bad |= buf_put(&all, oid_signed_data, sizeof(oid_signed_data));
	bad |= der_put(&all, 0xa0, buf_bytes(&seq));
	if (bad != 0 || der_put(out, 0x30, buf_bytes(&all)) == -1)
		err_set(e, ERR_MEMORY, "bag of %zu certificates", n);
	else
		rc = 0;
	buf_wipe(&set);
	buf_wipe(&body);
	buf_wipe(&seq);
	buf_wipe(&all);
	return rc;
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
