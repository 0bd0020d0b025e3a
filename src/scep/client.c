#include <string.h>

#include "pki/cert_make.h"
#include "scep/client.h"

#define DAY	86400

int
scep_client_self(const struct key *key, const char *subject, int64_t now,
    struct cert **out, struct err *e)
{
	struct buf name = BUF_INIT(4096);
	uint8_t serial[SERIAL_LEN];
	struct cert_plan plan = {
		.serial = bytes_make(serial, sizeof(serial)),
		.spki = key_spki(key),
		.not_before = now - DAY,
		.not_after = now + 7 * DAY,
		.ku = CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT,
	};
	int rc = -1;

	if (serial_draw(serial, e) == 0 && name_make(subject, &name, e) == 0) {
		plan.subject = buf_bytes(&name);
		rc = cert_make(&plan, NULL, key, out, e);
	}
	buf_wipe(&name);
	return rc;
}

int
scep_client_request(const struct scep_ask *ask, const struct algs *algs,
    struct buf *out, struct err *e)
{
	struct buf sealed = BUF_INIT(CMS_MAX_DER), type = BUF_INIT(16);
	struct cms_put puts[] = {
		{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, { NULL, 0 } },
		{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE,
		    bytes_str(ask->txid) },
		{ OID_SCEP_SENDER_NONCE, CMS_OCTETS, ask->nonce },
	};
	int rc = -1;

	if (buf_printf(&type, "%d", ask->type) == -1) {
		err_set(e, ERR_MEMORY, "messageType");
		goto out;
	}
	puts[0].value = buf_bytes(&type);
	if (cms_seal(ask->content, ask->to, algs, ask->suite, &sealed,
	    e) == 0)
		rc = cms_sign(buf_bytes(&sealed), puts, 3, ask->key,
		    ask->cert, algs, ask->digest, out, e);
out:
	buf_wipe(&sealed);
	buf_wipe(&type);
	return rc;
}

/* A one-digit attribute; -1 if it is not there as such. */
static int
digit(const struct cms_signed *s, const char *oid)
{
	const struct cms_attr *a;
	size_t n;

	if ((a = cms_attr_find(s, oid, &n)) == NULL || n != 1 ||
	    a->n_values != 1 || a->tag != CMS_PRINTABLE || a->value.n != 1 ||
	    a->value.p[0] < '0' || a->value.p[0] > '9')
		return -1;
	return a->value.p[0] - '0';
}

static bool
octets_equal(const struct cms_signed *s, const char *oid, struct bytes want)
{
	const struct cms_attr *a;
	size_t n;

	a = cms_attr_find(s, oid, &n);
	return a != NULL && n == 1 && a->tag == CMS_OCTETS &&
	    bytes_eq(a->value, want);
}

static int
read_attrs(const struct cms_signed *s, const struct scep_ask *ask,
    struct scep_got *got, struct err *e)
{
	const struct cms_attr *a;
	int status = digit(s, OID_SCEP_PKI_STATUS);
	size_t n;

	if (digit(s, OID_SCEP_MESSAGE_TYPE) != SCEP_CERTREP ||
	    (status != SCEP_SUCCESS && status != SCEP_FAILURE &&
	    status != SCEP_PENDING)) {
		err_set(e, ERR_ATTRIBUTE, "not a CertRep");
		return -1;
	}
	a = cms_attr_find(s, OID_SCEP_TRANSACTION_ID, &n);
	if (a == NULL || a->tag != CMS_PRINTABLE ||
	    a->value.n > SCEP_TXID_MAX) {
		err_set(e, ERR_NO_TXID, "CertRep");
		return -1;
	}
	memcpy(got->txid, a->value.p, a->value.n);
	got->status = (enum scep_status)status;
	got->failinfo = digit(s, OID_SCEP_FAIL_INFO);
	got->digest = s->digest;
	got->nonce_matches = octets_equal(s, OID_SCEP_RECIPIENT_NONCE,
	    ask->nonce);
	a = cms_attr_find(s, OID_SCEP_SENDER_NONCE, &n);
	got->has_sender_nonce = a != NULL && a->value.n == SCEP_NONCE_LEN;
	return 0;
}

static int
read_bag(const struct cms_signed *s, const struct scep_ask *ask,
    const struct algs *algs, struct scep_got *got, struct err *e)
{
	const struct cms_recipient us = { ask->key, ask->cert };
	struct buf bag = BUF_INIT(CMS_MAX_DER);
	int rc;

	rc = ask->password.n > 0 ? cms_open_password(s->content,
	    ask->password, algs, &bag, &got->suite, e) :
	    cms_open(s->content, &us, 1, algs, &bag, &got->suite, e);
	if (rc == 0)
		rc = ask->type == SCEP_GETCRL ?
		    cms_unbag_crl(buf_bytes(&bag), &got->crl, e) :
		    cms_unbag(buf_bytes(&bag), &got->certs, e);
	buf_wipe(&bag);
	return rc;
}

int
scep_client_reply(struct bytes der, const struct scep_ask *ask,
    const struct algs *algs, const struct cert *ra, struct scep_got *out,
    struct err *e)
{
	struct scep_got got = {
		.failinfo = -1, .crl = BUF_INIT(CMS_MAX_DER)
	};
	struct cms_signed s;
	int rc = -1;

	if (cms_signed_parse(der, &s, e) == -1)
		goto out;
	if (!bytes_eq(s.signer->der, ra->der)) {
		err_set(e, ERR_NO_SIGNER_CERT, "signed by %s",
		    s.signer->subject_text);
		goto out;
	}
	if (cms_signed_verify(&s, e) == -1 ||
	    read_attrs(&s, ask, &got, e) == -1)
		goto out;
	if (got.status == SCEP_SUCCESS &&
	    read_bag(&s, ask, algs, &got, e) == -1)
		goto out;
	*out = got;
	rc = 0;
out:
	cms_signed_clear(&s);
	return rc;
}

void
scep_got_clear(struct scep_got *got)
{
	certs_free(&got->certs);
	buf_wipe(&got->crl);
}
