#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "scep/msg.h"

/* RSA keys of signers: below, anybody can forge; above, verifying is dear. */
#define SIGNER_RSA_MIN	1024
#define SIGNER_RSA_MAX	8192

static const struct {
	int		 type;
	const char	*name;
} types[] = {
	{ SCEP_CERTREP,	   "CertRep" },
	{ SCEP_RENEWALREQ, "RenewalReq" },
	{ SCEP_UPDATEREQ,  "UpdateReq" },
	{ SCEP_PKCSREQ,	   "PKCSReq" },
	{ SCEP_CERTPOLL,   "CertPoll" },
	{ SCEP_GETCERT,	   "GetCert" },
	{ SCEP_GETCRL,	   "GetCRL" },
};

const char *
scep_type_name(int type)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "unknown";
}

/* An attribute that must be there once, with one value of `size` 1 to max. */
static const struct cms_attr *
one_attr(const struct scep_msg *m, const char *oid, const char *name,
    size_t max, enum err_reason reason, struct err *e)
{
	const struct cms_attr *a;
	size_t n;

	if ((a = cms_attr_find(&m->cms, oid, &n)) == NULL || n != 1 ||
	    a->n_values != 1) {
		err_set(e, reason, "%s: %s", name, a == NULL ? "missing" :
		    n != 1 ? "doubled" : "not one value");
		return NULL;
	}
	if (a->value.n < 1 || a->value.n > max) {
		err_set(e, reason, "%s of %zu bytes", name, a->value.n);
		return NULL;
	}
	return a;
}

static bool
is_string(const struct cms_attr *a)
{
	return a->tag == CMS_PRINTABLE || a->tag == CMS_UTF8;
}

static bool
is_printable(struct bytes b)
{
	size_t i;

	for (i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] > 0x7e)
			return false;
	return true;
}

/* Opaque and echoed, but it goes to logs and the store as text. */
static int
read_txid(struct scep_msg *m, struct err *e)
{
	const struct cms_attr *a = one_attr(m, OID_SCEP_TRANSACTION_ID,
	    "transactionID", SCEP_TXID_MAX, ERR_NO_TXID, e);

	if (a == NULL)
		return -1;
	if (!is_string(a) || !is_printable(a->value)) {
		err_set(e, ERR_NO_TXID, "transactionID is no printable text");
		return -1;
	}
	memcpy(m->txid, a->value.p, a->value.n);
	m->txid[a->value.n] = '\0';
	m->identified = true;
	return 0;
}

static int
read_nonce(struct scep_msg *m, struct err *e)
{
	const struct cms_attr *a = one_attr(m, OID_SCEP_SENDER_NONCE,
	    "senderNonce", SCEP_NONCE_MAX, ERR_ATTRIBUTE, e);

	if (a == NULL)
		return -1;
	if (a->tag != CMS_OCTETS) {
		err_set(e, ERR_ATTRIBUTE, "senderNonce is no OCTET STRING");
		return -1;
	}
	memcpy(m->nonce, a->value.p, a->value.n);
	m->n_nonce = a->value.n;
	return 0;
}

static int
read_type(struct scep_msg *m, struct err *e)
{
	const struct cms_attr *a = one_attr(m, OID_SCEP_MESSAGE_TYPE,
	    "messageType", 3, ERR_ATTRIBUTE, e);
	int type = 0;
	size_t i;

	if (a == NULL)
		return -1;
	for (i = 0; i < a->value.n; i++) {
		if (a->value.p[i] < '0' || a->value.p[i] > '9' ||
		    !is_string(a)) {
			err_set(e, ERR_ATTRIBUTE, "messageType is no number");
			return -1;
		}
		type = type * 10 + (a->value.p[i] - '0');
	}
	m->type = type;
	return 0;
}

static int
read_attrs(struct scep_msg *m, struct err *e)
{
	int rc;

	if (read_txid(m, e) == -1)
		return -1;
	/* Both are read, so that a refusal of one echoes the other. */
	rc = read_nonce(m, e);
	return read_type(m, e) == -1 ? -1 : rc;
}

static bool
is_signer(const struct pubkey *k)
{
	switch (k->type) {
	case KEY_RSA:
		return k->bits >= SIGNER_RSA_MIN && k->bits <= SIGNER_RSA_MAX;
	case KEY_EC:
		return k->bits == 256 || k->bits == 384 || k->bits == 521;
	case KEY_ED25519:
	case KEY_MLDSA:
		return true;
	default:
		return false;
	}
}

int
scep_signer_key(const struct pubkey *k, struct err *e)
{
	if (is_signer(k))
		return 0;
	if (k->type == KEY_OTHER)
		err_set(e, ERR_SIGNER_KEY, "other key: of no kind that is "
		    "taken, or one that this OpenSSL does not know");
	else
		err_set(e, ERR_SIGNER_KEY, "%s key of %d bits",
		    key_type_name(k->type), k->bits);
	return -1;
}

/* Comes before the signature is verified: huge keys are dear. */
static int
check_algs(const struct scep_msg *m, const struct algs *algs, struct err *e)
{
	if (!algs_accept(algs, m->cms.digest)) {
		err_set(e, ERR_DIGEST, "digest %s", alg_name(m->cms.digest));
		return -1;
	}
	if (!algs_accept(algs, m->cms.signature)) {
		err_set(e, ERR_SIGNATURE_ALG, "signature algorithm %s",
		    alg_name(m->cms.signature));
		return -1;
	}
	return scep_signer_key(&m->cms.signer->key, e);
}

int
scep_decode(struct bytes der, const struct algs *algs, struct scep_msg *m,
    struct err *e)
{
	int rc;

	memset(m, 0, sizeof(*m));
	m->type = -1;
	rc = cms_signed_parse(der, &m->cms, e);
	if (m->cms.n_attrs == 0 || secret_sha256(der, m->hash, e) == -1)
		return -1;
	/* Whatever is wrong with the rest, the failure has an addressee. */
	if (read_attrs(m, e) == -1 || rc == -1)
		return -1;
	if (!m->cms.content_is_data) {
		err_set(e, ERR_CONTENT_TYPE, "eContentType");
		return -1;
	}
	if (check_algs(m, algs, e) == -1)
		return -1;
	m->verified = cms_signed_verify(&m->cms, e) == 0;
	return m->verified ? 0 : -1;
}

void
scep_msg_clear(struct scep_msg *m)
{
	cms_signed_clear(&m->cms);
}

static int
open_content(const struct scep_msg *m, const struct cms_recipient *us,
    size_t n, const struct algs *algs, struct buf *plain,
    struct cms_suite *suite, struct err *e)
{
	if (m->cms.has_content && m->cms.content.n > 0)
		return cms_open(m->cms.content, us, n, algs, plain, suite,
		    e);
	err_set(e, ERR_NOT_ENVELOPED, "no content");
	return -1;
}

/*
 * Noise from a wrong key, a broken padding and a broken request are not to be
 * told apart from outside, neither by the answer nor by how long it takes:
 * whatever came out of the envelope is parsed.
 */
static int
read_csr(struct bytes plain, int opened, struct csr **csr, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	struct csr *got = NULL;
	int rc;

	rc = csr_parse(plain, &got, &why);
	if (opened == -1) {
		csr_free(got);
		return -1;
	}
	if (rc == -1 && why.reason == ERR_CSR_DER)
		err_set(e, ERR_INTEGRITY, "pkcsPKIEnvelope");
	else if (rc == -1)
		err_set(e, why.reason, "%s", why.text);
	else
		*csr = got;
	return rc;
}

int
scep_unwrap_ias(const struct scep_msg *m, const struct cms_recipient *us,
    size_t n, const struct algs *algs, struct buf *plain, struct ias *ias,
    struct cms_suite *suite, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	int rc;

	rc = open_content(m, us, n, algs, plain, suite, &why);
	if ((rc == 0 || why.reason == ERR_INTEGRITY) &&
	    ias_parse(buf_bytes(plain), ias, &why) == -1)
		rc = -1;
	/* The content proves nothing, so it must not be told from noise. */
	if (rc == -1)
		err_set(e, why.reason == ERR_INTEGRITY ? ERR_CERT_ID :
		    why.reason, "%s", why.text);
	return rc;
}

int
scep_unwrap(const struct scep_msg *m, const struct cms_recipient *us,
    size_t n, const struct algs *algs, struct csr **csr,
    struct cms_suite *suite, struct err *e)
{
	struct buf plain = BUF_INIT(CSR_MAX_DER);
	int rc;

	rc = open_content(m, us, n, algs, &plain, suite, e);
	if (rc == 0 || e->reason == ERR_INTEGRITY)
		rc = read_csr(buf_bytes(&plain), rc, csr, e);
	buf_wipe(&plain);
	return rc;
}

int
scep_unwrap_poll(const struct scep_msg *m, const struct cms_recipient *us,
    size_t n, const struct algs *algs, struct cms_suite *suite,
    struct err *e)
{
	struct buf plain = BUF_INIT(CSR_MAX_DER);
	struct err why = { .reason = ERR_NONE };
	int rc;

	rc = open_content(m, us, n, algs, &plain, suite, &why);
	/* Whatever came out: an answer that depends on it is an oracle for
	 * anybody's envelope, and the content decides nothing. */
	if (rc == -1 && why.reason == ERR_INTEGRITY)
		rc = 0;
	if (rc == -1)
		err_set(e, why.reason, "%s", why.text);
	buf_wipe(&plain);
	return rc;
}
