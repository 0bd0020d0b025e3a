/*
 * A certificate request: parsed, proven, judged, and where policy lets it, made
 * a certificate, which must be what the profile promises.
 */
#include <string.h>

#include "fuzz.h"
#include "pki/cert_make.h"
#include "policy/decide.h"

static const struct cert	*ca;
static const struct key		*ca_key;

static char dns[] = "dns", email[] = "email", uri[] = "uri", ip[] = "ip";
static char upn[] = "upn", rsa[] = "rsa", ec[] = "ec";
static char client_auth[] = "clientAuth", profile_name[] = "device";
static char *san_kinds[] = { dns, email, uri, ip, upn, NULL };
static char *key_types[] = { rsa, ec, NULL };
static char *ekus[] = { client_auth, NULL };
static char *none[] = { NULL };

static const struct conf_endpoint endpoint = {
	.signer_key = CONF_SIGNER_ANY
};
static const struct conf_profile profile = {
	.name = profile_name,
	.validity = 86400, .backdate = 3600,
	.rsa_min = 2048, .rsa_max = 8192,
	.key_types = { key_types, 2 },
	.eku = { ekus, 1 },
	.san = { san_kinds, 5 },
	.empty_subject = true,
	.crl_urls = { none, 0 },
	.ca_issuers_urls = { none, 0 },
	.ocsp_urls = { none, 0 }
};

static void
check_cert(const struct cert *c, const struct csr *r)
{
	if (c->is_ca || (c->ku & (CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN)))
		fuzz_broken("a CA was issued");
	if (memcmp(c->key.spki_hash, r->key.spki_hash, PKI_HASH) != 0)
		fuzz_broken("another key");
	if (!bytes_eq(c->subject, r->subject) ||
	    cert_has_subject(ca, c->subject))
		fuzz_broken("another subject, or the CA's");
	if (c->not_after > FUZZ_NOW + profile.validity)
		fuzz_broken("a longer life");
}

static void
issue(const struct policy_verdict *v, const struct csr *r)
{
	static const uint8_t serial[] = { 1 };
	struct cert_plan plan = v->plan;
	struct err e = { .reason = ERR_NONE };
	struct cert *c;
	struct sans sans;

	plan.serial = bytes_make(serial, sizeof(serial));
	if (cert_make(&plan, ca, ca_key, &c, &e) == -1)
		return;
	check_cert(c, r);
	if (cert_sans(c, &sans, &e) == 0)
		sans_free(&sans);
	cert_free(c);
}

static void
judge(const struct csr *r)
{
	const struct policy_facts facts = {
		.endpoint = &endpoint, .profile = &profile,
		.challenge = POLICY_CHALLENGE_MATCH,
		.csr = r, .signer = &r->key, .ca = ca,
		.chain = &ca, .n_chain = 1,
		.authorities = &ca, .n_authorities = 1, .now = FUZZ_NOW
	};
	struct err e = { .reason = ERR_NONE };
	struct policy_verdict v;

	/* A fuzzer signs nothing: what is not proven is judged all the same. */
	(void)csr_verify(r, &e);
	err_clear(&e);
	if (policy_decide(&facts, &v, NULL, &e) == 0)
		issue(&v, r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf pem = BUF_INIT(2 * CSR_MAX_DER);
	struct err e = { .reason = ERR_NONE };
	struct csr *r;

	if (ca == NULL) {
		ca = fuzz_cert("test-only-ca");
		ca_key = fuzz_key("test-only-ca");
	}
	if (csr_parse(bytes_make(data, n), &r, &e) == -1) {
		if (e.reason == ERR_NONE)
			fuzz_broken("failure without a reason");
		return 0;
	}
	judge(r);
	(void)csr_pem(r, &pem, &e);
	buf_wipe(&pem);
	csr_free(r);
	return 0;
}
