/*
 * Certificates, in PEM or DER, as devices, administrators and issuing programs
 * hand them in.
 */
#include <string.h>

#include "fuzz.h"
#include "pki/chain.h"
#include "pki/san.h"

static const struct cert *ca;

static void
read_cert(const struct cert *c)
{
	const struct certs none = { .v = NULL, .n = 0 };
	struct buf pem = BUF_INIT(2 * CERT_MAX_DER);
	struct err e = { .reason = ERR_NONE };
	char fp[CERT_FP_MAX];
	struct sans sans;

	if (cert_sans(c, &sans, &e) == 0)
		sans_free(&sans);
	if (cert_fingerprint(c, "SHA256", fp, &e) == 0 && strlen(fp) != 64)
		fuzz_broken("fingerprint");
	(void)cert_pem(c, &pem, &e);
	buf_wipe(&pem);
	err_clear(&e);
	if (c->is_ca)
		(void)chain_verify(ca, c, &none, FUZZ_NOW, &e);
	else
		(void)chain_verify(c, ca, &none, FUZZ_NOW, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = { .reason = ERR_NONE };
	struct certs cs;
	size_t i;

	if (ca == NULL)
		ca = fuzz_cert("test-only-ca");
	certs_salvage(bytes_make(data, n), &cs);
	for (i = 0; i < cs.n; i++)
		read_cert(cs.v[i]);
	certs_free(&cs);
	if (certs_parse(bytes_make(data, n), &cs, &e) == -1) {
		if (e.reason == ERR_NONE)
			fuzz_broken("failure without a reason");
		return 0;
	}
	if (cs.n == 0 || cs.n > CERTS_MAX)
		fuzz_broken("number of certificates");
	for (i = 0; i < cs.n; i++)
		read_cert(cs.v[i]);
	certs_free(&cs);
	return 0;
}
