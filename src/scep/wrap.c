#include <string.h>

#include "scep/wrap.h"

#define BAG_MAX	CMS_MAX_DER

/* The digest of the request, or a sound one where that was refused. */
static enum alg
reply_digest(const struct scep_reply *r)
{
	return algs_accept(r->algs, r->to->cms.digest) ? r->to->cms.digest :
	    ALG_SHA256;
}

/* Signs content with the attributes all CertReps have, and these. */
static int
sign(const struct scep_reply *r, enum scep_status status,
    const struct cms_put *more, size_t n_more, struct bytes content,
    struct buf *out, struct err *e)
{
	const char *word = status == SCEP_SUCCESS ? "0" :
	    status == SCEP_FAILURE ? "2" : "3";
	struct cms_put puts[8] = {
		{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, bytes_str("3") },
		{ OID_SCEP_PKI_STATUS, CMS_PRINTABLE, bytes_str(word) },
		{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE,
		    bytes_str(r->to->txid) },
		{ OID_SCEP_SENDER_NONCE, CMS_OCTETS,
		    bytes_make(r->nonce, SCEP_NONCE_LEN) },
	};
	size_t n = 4;

	if (r->to->n_nonce > 0)
		puts[n++] = (struct cms_put){ OID_SCEP_RECIPIENT_NONCE,
		    CMS_OCTETS, bytes_make(r->to->nonce, r->to->n_nonce) };
	memcpy(&puts[n], more, n_more * sizeof(*more));
	return cms_sign(content, puts, n + n_more, r->key, r->cert, r->algs,
	    reply_digest(r), out, e);
}

/* To the signer's own certificate, whatever it says of itself. */
static int
seal(const struct scep_reply *r, struct cms_suite suite,
    struct bytes content, struct buf *out, struct err *e)
{
	const struct cert *to = r->to->cms.signer;

	if (to->key.type != KEY_RSA && r->password.n > 0)
		return cms_seal_password(content, r->password, r->algs,
		    suite.cipher, out, e);
	if (to->key.type == KEY_EC)
		suite.transport = alg_agreement(reply_digest(r));
	return cms_seal(content, to, r->algs, suite, out, e);
}

static const struct cms_put issued = {
	OID_NDES_DISPOSITION, CMS_UTF8, { (const uint8_t *)"Issued", 6 }
};

/* Eats the bag; n of the attribute goes out with it. */
static int
wrap_bag(const struct scep_reply *r, struct cms_suite suite, struct buf *bag,
    size_t n, struct buf *out, struct err *e)
{
	struct buf sealed = BUF_INIT(bag->max + BAG_MAX);
	int rc = -1;

	if (seal(r, suite, buf_bytes(bag), &sealed, e) == 0)
		rc = sign(r, SCEP_SUCCESS, &issued, n, buf_bytes(&sealed), out,
		    e);
	buf_wipe(bag);
	buf_wipe(&sealed);
	return rc;
}

int
scep_wrap_success(const struct scep_reply *r, struct cms_suite suite,
    const struct cert *const *certs, size_t n, struct buf *out,
    struct err *e)
{
	struct buf bag = BUF_INIT(BAG_MAX);

	if (cms_bag(certs, n, &bag, e) == -1) {
		buf_wipe(&bag);
		return -1;
	}
	return wrap_bag(r, suite, &bag, r->ndes ? 1 : 0, out, e);
}

int
scep_wrap_crl(const struct scep_reply *r, struct cms_suite suite,
    struct bytes crl, struct buf *out, struct err *e)
{
	struct buf bag = BUF_INIT(crl.n + BAG_MAX);

	if (cms_bag_crl(crl, &bag, e) == -1) {
		buf_wipe(&bag);
		return -1;
	}
	return wrap_bag(r, suite, &bag, 0, out, e);
}

/* An HRESULT that says about the same, signed and in decimal. */
static const char *
hresult(enum failinfo failinfo)
{
	switch (failinfo) {
	case FAIL_BADALG:
		return "-2146893816";	/* 80090008 NTE_BAD_ALGID */
	case FAIL_BADMESSAGECHECK:
		return "-2146893818";	/* 80090006 NTE_BAD_SIGNATURE */
	case FAIL_BADTIME:
		return "-2146762495";	/* 800B0101 CERT_E_EXPIRED */
	case FAIL_BADCERTID:
		return "-2146885628";	/* 80092004 CRYPT_E_NOT_FOUND */
	default:
		return "-2147024809";	/* 80070057 E_INVALIDARG */
	}
}

int
scep_wrap_failure(const struct scep_reply *r, enum failinfo failinfo,
    const char *text, struct buf *out, struct err *e)
{
	char digit[2] = { (char)('0' + (int)failinfo), '\0' };
	const struct cms_put why[3] = {
		{ OID_SCEP_FAIL_INFO, CMS_PRINTABLE, bytes_str(digit) },
		{ OID_SCEP_FAIL_INFO_TEXT, CMS_UTF8, bytes_str(text) },
		{ OID_NDES_HRESULT, CMS_PRINTABLE,
		    bytes_str(hresult(failinfo)) },
	};

	return sign(r, SCEP_FAILURE, why, r->ndes ? 3 : 2, bytes_str(""), out,
	    e);
}

int
scep_wrap_pending(const struct scep_reply *r, struct buf *out, struct err *e)
{
	const struct cms_put none = { .oid = NULL };

	return sign(r, SCEP_PENDING, &none, 0, bytes_str(""), out, e);
}
