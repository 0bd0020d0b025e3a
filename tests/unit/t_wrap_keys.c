/*
 * Replies to signers whose keys cannot decrypt, and to devices that know broken
 * algorithms only.
 */
#include "cms_craft.h"

#include <openssl/ec.h>

#include "scep/client.h"
#include "scep/wrap.h"
#include "util/file.h"

#define SECRET	LIT("8CE317021F690069")

static struct who	 ra, issued, ec[3], rsa;
static struct algs	*algs, *legacy;

static int
setup(void **state)
{
	static const char *const curves[] = { "P-256", "P-384", "P-521" };
	char		 des[] = "des", md5[] = "md5";
	char *const	 words[] = { des, md5, NULL };
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&issued, &(struct order){ .name = "issued",
	    .spec = "ec:p256" });
	who_make(&rsa, &(struct order){ .name = "rsa", .spec = "rsa:2048" });
	for (size_t i = 0; i < N(ec); i++) {
		assert_int_equal(key_from_pkey(EVP_EC_gen(curves[i]),
		    &ec[i].key, &e), 0);
		ec[i].cert = tool_cert(&(struct order){ .name = curves[i],
		    .key = ec[i].key });
	}
	assert_int_equal(algs_open(&algs, &e), 0);
	return algs_open_with(words, NULL, &legacy, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ra);
	who_free(&issued);
	who_free(&rsa);
	for (size_t i = 0; i < N(ec); i++)
		who_free(&ec[i]);
	algs_free(algs);
	algs_free(legacy);
	return 0;
}

/* Asks, answers and reads the answer. */
static void
talk(const struct who *who, enum alg digest, enum alg cipher,
    struct bytes password, const struct algs *as, struct scep_got *got)
{
	const struct cms_recipient us = { ra.key, ra.cert };
	const struct cert	*leaf = issued.cert;
	struct csr		*sent = tool_csr(who->key, "/CN=x", NULL,
				    "8CE317021F690069"), *csr = NULL;
	struct scep_ask		 ask = { .type = SCEP_PKCSREQ, .txid = "t",
	    .nonce = LIT("0123456789abcdef"), .content = sent->der,
	    .key = who->key, .cert = who->cert, .to = ra.cert,
	    .digest = digest, .suite = { cipher, ALG_RSA_PKCS1, 0 },
	    .password = password };
	struct scep_reply	 r = { .key = ra.key, .cert = ra.cert,
	    .algs = as, .password = password };
	struct buf		 der = BUF_INIT(CMS_MAX_DER);
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct cms_suite	 suite = { ALG_NONE, ALG_NONE, 0 };
	struct scep_msg		 m;

	r.to = &m;
	if (scep_client_request(&ask, as, &der, &e) != 0 ||
	    scep_decode(buf_bytes(&der), as, &m, &e) != 0 ||
	    scep_unwrap(&m, &us, 1, as, &csr, &suite, &e) != 0 ||
	    scep_wrap_success(&r, suite, &leaf, 1, &out, &e) != 0 ||
	    scep_client_reply(buf_bytes(&out), &ask, as, ra.cert, got,
	    &e) != 0)
		fail_msg("%s, %s: %s", key_type_name(who->cert->key.type),
		    alg_name(digest), err_text(&e));
	assert_der(buf_bytes(&out), who->cert->subject_text);
	assert_int_equal(got->status, SCEP_SUCCESS);
	assert_int_equal(got->digest, digest);
	assert_int_equal(got->suite.cipher, cipher);
	assert_int_equal(got->certs.n, 1);
	assert_true(bytes_eq(got->certs.v[0]->der, leaf->der));
	csr_free(csr);
	csr_free(sent);
	scep_msg_clear(&m);
	buf_wipe(&der);
	buf_wipe(&out);
}

/* The key derivation follows the digest of the request. */
static void
test_agreement(void **state)
{
	static const enum alg	 digests[] = {
		ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512
	};
	struct scep_got		 got;

	(void)state;
	for (size_t i = 0; i < N(ec) * N(digests); i++) {
		enum alg	 digest = digests[i % N(digests)];

		talk(&ec[i / N(digests)], digest, ALG_AES128_CBC,
		    bytes_make(NULL, 0), algs, &got);
		assert_int_equal(got.suite.transport, alg_agreement(digest));
		scep_got_clear(&got);
	}
}

static void
test_password(void **state)
{
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(ec); i++) {
		talk(&ec[i], ALG_SHA256, ALG_AES256_CBC, SECRET, algs, &got);
		assert_int_equal(got.suite.transport, ALG_NONE);
		scep_got_clear(&got);
	}
	/* A reply to RSA is never under the password. */
	talk(&rsa, ALG_SHA256, ALG_AES128_CBC, bytes_make(NULL, 0), algs,
	    &got);
	assert_int_equal(got.suite.transport, ALG_RSA_PKCS1);
	scep_got_clear(&got);
}

static void
test_legacy(void **state)
{
	static const enum alg	 ciphers[] = { ALG_DES_CBC, ALG_AES128_CBC };
	static const enum alg	 digests[] = { ALG_MD5, ALG_SHA256 };
	struct scep_got		 got;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		talk(&rsa, digests[i % 2], ciphers[i / 2],
		    bytes_make(NULL, 0), legacy, &got);
		scep_got_clear(&got);
	}
}

/* Read from the messages of the field, whose key is not here. */
static void
read_message(const char *name, struct scep_msg *m)
{
	const char	*top = getenv("srcdir");
	struct buf	 der = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	char		 path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/data/messages/%s.der",
	    top != NULL ? top : ".", name);
	if (file_read(path, &der, &e) != 0 ||
	    scep_decode(buf_bytes(&der), algs, m, &e) != 0)
		fail_msg("%s", err_text(&e));
	buf_wipe(&der);
}

/* To a signer whose key can sign and nothing else. */
static void
answer(const char *name, const char *type)
{
	const struct cert	*leaf = issued.cert;
	const struct cms_suite	 asked = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 };
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct buf		 bag = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct cms_suite	 suite;
	struct cms_signed	 s;
	struct scep_msg		 m;
	struct scep_reply	 r = { .to = &m, .key = ra.key,
	    .cert = ra.cert, .algs = algs };
	struct certs		 cs;

	read_message(name, &m);
	assert_string_equal(key_type_name(m.cms.signer->key.type), type);
	assert_int_equal(scep_wrap_success(&r, asked, &leaf, 1, &out, &e),
	    -1);
	assert_err(&e, ERR_SIGNER_KEY, type, "no password");
	err_clear(&e);
	r.password = SECRET;
	assert_int_equal(scep_wrap_success(&r, asked, &leaf, 1, &out, &e), 0);
	assert_int_equal(cms_signed_parse(buf_bytes(&out), &s, &e), 0);
	assert_int_equal(cms_open_password(s.content, SECRET, algs, &bag,
	    &suite, &e), 0);
	assert_int_equal(cms_unbag(buf_bytes(&bag), &cs, &e), 0);
	assert_true(bytes_eq(cs.v[0]->der, leaf->der));
	certs_free(&cs);
	cms_signed_clear(&s);
	/* Nothing is enveloped in a failure. */
	buf_reset(&out);
	r.password = bytes_make(NULL, 0);
	assert_int_equal(scep_wrap_failure(&r, FAIL_BADREQUEST, "no", &out,
	    &e), 0);
	scep_msg_clear(&m);
	buf_wipe(&out);
	buf_wipe(&bag);
}

static void
test_signers_only(void **state)
{
	(void)state;
	answer("ed25519", "ed25519");
	if (!tool_knows("ML-DSA-65"))
		return;
	answer("mldsa44", "mldsa");
	answer("mldsa65", "mldsa");
	answer("mldsa87", "mldsa");
}

/* A changed octet of a message that is signed as it stands. */
static void
flip(const char *name)
{
	const char	*top = getenv("srcdir");
	struct buf	 der = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	struct scep_msg	 good, m;
	char		 path[512];
	size_t		 at = 0;

	(void)snprintf(path, sizeof(path), "%s/tests/data/messages/%s.der",
	    top != NULL ? top : ".", name);
	assert_int_equal(file_read(path, &der, &e), 0);
	assert_int_equal(scep_decode(buf_bytes(&der), algs, &good, &e), 0);
	assert_int_equal(tool_count(buf_bytes(&der), good.cms.content, &at),
	    1);
	/* In the content: its digest is signed. */
	der.p[at + 40] ^= 1;
	assert_int_equal(scep_decode(buf_bytes(&der), algs, &m, &e), -1);
	assert_err(&e, ERR_SIGNATURE, NULL, "content");
	scep_msg_clear(&m);
	err_clear(&e);
	der.p[at + 40] ^= 1;
	/* In an attribute, and in the signature at the end. */
	assert_int_equal(tool_count(buf_bytes(&der), LIT("nnnnnnnn"), &at) >
	    0, 1);
	der.p[at] ^= 1;
	assert_int_equal(scep_decode(buf_bytes(&der), algs, &m, &e), -1);
	assert_err(&e, ERR_SIGNATURE, NULL, "nonce");
	scep_msg_clear(&m);
	err_clear(&e);
	der.p[at] ^= 1;
	der.p[der.n - 1] ^= 1;
	assert_int_equal(scep_decode(buf_bytes(&der), algs, &m, &e), -1);
	assert_err(&e, ERR_SIGNATURE, NULL, "signature");
	scep_msg_clear(&m);
	scep_msg_clear(&good);
	buf_wipe(&der);
}

static void
test_flipped(void **state)
{
	(void)state;
	flip("ed25519");
	if (!tool_knows("ML-DSA-65"))
		return;
	flip("mldsa44");
	flip("mldsa65");
	flip("mldsa87");
}

/* The signature is good for the key, but says that it is another key's. */
static void
test_other_name(void **state)
{
	const struct bytes mldsa65 = tool_hex("608648016503040312");
	const char	*top = getenv("srcdir");
	struct buf	 der = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	struct scep_msg	 m;
	uint8_t		*at = NULL, *next;
	char		 path[512];

	(void)state;
	if (!tool_knows("ML-DSA-65"))
		return;
	(void)snprintf(path, sizeof(path), "%s/tests/data/messages/"
	    "mldsa65.der", top != NULL ? top : ".");
	assert_int_equal(file_read(path, &der, &e), 0);
	for (next = der.p; next != NULL; next = memmem(next,
	    (size_t)(der.p + der.n - next), mldsa65.p, mldsa65.n))
		at = next++;
	assert_true(at > der.p);	/* the last is the SignerInfo's */
	at[8] = 0x11;
	assert_int_equal(scep_decode(buf_bytes(&der), algs, &m, &e), -1);
	assert_err(&e, ERR_SIGNATURE, NULL, "name");
	assert_int_equal(m.cms.signature, ALG_ML_DSA_44);
	scep_msg_clear(&m);
	buf_wipe(&der);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_signers_only),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_other_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
