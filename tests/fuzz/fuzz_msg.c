/*
 * A pkiMessage: decode, unwrap, and the envelope of a reply to whoever signed
 * it. A signature that does not verify ends the first in the server; here what
 * lies behind is tried all the same, since a stranger can sign anything.
 */
#include "fuzz.h"
#include "scep/msg.h"

static const struct cert	*cert;
static const struct key		*key;
static struct algs		*algs;

static void
setup(void)
{
	struct err e = { .reason = ERR_NONE };

	cert = fuzz_cert("test-only-ra");
	key = fuzz_key("test-only-ra");
	if (algs_open(&algs, &e) == -1)
		fuzz_broken(err_text(&e));
}

/* What is told of a message must hold, refused or not. */
static void
check(const struct scep_msg *m, int rc, const struct err *e)
{
	if ((rc == 0) != (e->reason == ERR_NONE))
		fuzz_broken("a reason without failure, or none");
	if (rc == 0 && (!m->identified || m->type < 0 || m->n_nonce == 0 ||
	    m->cms.signer == NULL || !alg_accepted(m->cms.digest)))
		fuzz_broken("a message that is no message");
	if (m->identified && (m->txid[0] == '\0' ||
	    strlen(m->txid) > SCEP_TXID_MAX))
		fuzz_broken("transactionID");
}

static void
open_envelope(const struct scep_msg *m)
{
	const struct cms_recipient us = { key, cert };
	struct err e = { .reason = ERR_NONE };
	struct cms_suite suite;
	struct csr *csr;

	if (scep_unwrap(m, &us, 1, algs, &csr, &suite, &e) == -1) {
		if (e.reason == ERR_NONE)
			fuzz_broken("failure without a reason");
		return;
	}
	if (!alg_accepted(suite.cipher) || !alg_accepted(suite.transport))
		fuzz_broken("algorithms of an envelope");
	csr_free(csr);
}

static void
seal_reply(const struct scep_msg *m)
{
	const struct cms_suite suite = {
		.cipher = ALG_AES128_CBC,
		.transport = m->cms.signer->key.type == KEY_EC ?
		    ALG_ECDH_SHA256 : ALG_RSA_PKCS1
	};
	struct buf out = BUF_INIT(CMS_MAX_DER);
	struct err e = { .reason = ERR_NONE };

	(void)cms_seal(bytes_str("reply"), m->cms.signer, algs, suite, &out,
	    &e);
	buf_wipe(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = { .reason = ERR_NONE };
	struct scep_msg m;
	int rc;

	if (algs == NULL)
		setup();
	rc = scep_decode(bytes_make(data, n), algs, &m, &e);
	check(&m, rc, &e);
	if (rc == 0 || e.reason == ERR_SIGNATURE) {
		open_envelope(&m);
		seal_reply(&m);
	}
	scep_msg_clear(&m);
	return 0;
}
