/*
 * The bytes of a service's replies: what is in them, each time anew, and what
 * never is; and which requests' signatures are taken.
 */
#include <openssl/rsa.h>

#include "scep/wrap.h"
#include "service_lab.h"

#define SECRET	"8CE317021F690069"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { delay_max = 0; };\n"
    "endpoints = (\n"
    LAB_END("auto") "profile = \"p\"; challenges = [ \"c\" ]; },\n"
    LAB_END("ndes") "profile = \"p\"; challenges = [ \"c\" ];\n"
    "    ndes = true; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

static int
begin(void **state)
{
	(void)state;
	lab_begin("%s", text);
	return 0;
}

/* ---- what NDES adds ---- */

static bool
holds(const struct buf *b, const void *what, size_t n)
{
	return memmem(b->p, b->n, what, n) != NULL;
}

/* 1.3.6.1.4.1.311.21.33 and .38 in DER */
static void
test_ndes(void **state)
{
	static const uint8_t	 hresult[] = {
		6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 0x21
	}, disposition[] = {
		6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 0x26
	};
	static const struct {
		const char	*path, *challenge;
		bool		 why, word;
	} rows[] = {
		{ "/ndes", "wrong", true, false },
		{ "/ndes", SECRET, false, true },
		{ "/auto", "wrong", false, false },
		{ "/auto", SECRET, false, false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct csr	*r = lab_csr(rows[i].challenge);
		char		 txid[2] = { (char)('0' + i), '\0' };
		const struct scep_ask q = lab_pkcsreq(txid, r);
		struct exchange	 x;

		lab_post(rows[i].path, &q, &x);
		assert_int_equal(x.status, 200);
		assert_int_equal(holds(&x.reply, hresult, sizeof(hresult)),
		    rows[i].why);
		assert_int_equal(holds(&x.reply, disposition,
		    sizeof(disposition)), rows[i].word);
		exchange_clear(&x);
		csr_free(r);
	}
}

/* ---- nonces, texts ---- */

static void
take_nonce(const struct exchange *x, uint8_t out[SCEP_NONCE_LEN])
{
	const struct cms_attr	*a;
	struct err		 e = ERR_INIT;
	struct cms_signed	 s;
	size_t			 n;

	lab_ok(cms_signed_parse(buf_bytes(&x->reply), &s, &e), &e);
	a = cms_attr_find(&s, OID_SCEP_SENDER_NONCE, &n);
	assert_non_null(a);
	assert_int_equal(a->value.n, SCEP_NONCE_LEN);
	memcpy(out, a->value.p, SCEP_NONCE_LEN);
	cms_signed_clear(&s);
}

/* No reply is sent twice: one message, two answers with nonces of their own. */
static void
test_nonces(void **state)
{
	struct csr	*r = lab_csr(SECRET);
	const struct scep_ask q = lab_pkcsreq("A", r);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	uint8_t		 nonce[2][SCEP_NONCE_LEN];
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	(void)state;
	lab_ok(scep_client_request(&q, lab.algs, &message, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		lab_send("/auto", buf_bytes(&message), &x);
		take_nonce(&x, nonce[i]);
		exchange_clear(&x);
	}
	assert_memory_not_equal(nonce[0], nonce[1], SCEP_NONCE_LEN);
	assert_int_equal(lab_issued(), 1);
	buf_wipe(&message);
	csr_free(r);
}

/* failInfoText is the reason's one text, and nothing of the request or of the
 * configuration: neither secrets nor names. */
static void
test_failure_text(void **state)
{
	static const char *const hidden[] = {
		"guess-7F3C9A5B21D8", SECRET, "secret-name", "scepd.conf"
	};
	struct csr	*r = tool_csr(lab.device.key, "/CN=secret-name", NULL,
			    hidden[0]);
	const struct scep_ask q = lab_pkcsreq("A", r);
	struct exchange	 x;
	size_t		 at;

	(void)state;
	lab_post("/auto", &q, &x);
	assert_int_equal(tool_count(buf_bytes(&x.reply),
	    bytes_str(err_what(ERR_CHALLENGE_WRONG)), &at), 1);
	for (size_t i = 0; i < N(hidden); i++)
		assert_int_equal(tool_count(buf_bytes(&x.reply),
		    bytes_str(hidden[i]), &at), 0);
	exchange_clear(&x);
	csr_free(r);
}

/* ---- digests ---- */

/* The request of a CSR, signed anew. */
static void
sign_again(const struct csr *r, const char *md, bool pss, struct buf *out)
{
	X509_REQ	*x = X509_REQ_dup(r->x);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*key;
	struct bytes	 der;

	assert_int_equal(EVP_DigestSignInit(ctx, &key,
	    EVP_get_digestbyname(md), NULL, key_pkey(lab.device.key)), 1);
	if (pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(key,
		    RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(X509_REQ_sign_ctx(x, ctx) > 0);
	der = pki_i2d(ASN1_ITEM_rptr(X509_REQ), x);
	assert_int_equal(buf_put(out, der.p, der.n), 0);
	pki_free(&der);
	EVP_MD_CTX_free(ctx);
	X509_REQ_free(x);
}

/* What is accepted of a message is accepted of the request in it, no more,
 * however the digest is named. */
static void
test_request_digest(void **state)
{
	static const struct {
		const char	*md;
		bool		 pss, good;
	} rows[] = {
		{ "SHA256", false, true },	{ "SHA256", true, true },
		{ "SHA1", true, true },		{ "MD5", false, false },
		{ "RIPEMD160", false, false },	{ "SHA224", true, false },
	};
	struct csr	*r = lab_csr(SECRET);
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct scep_got	 got;
	char		 txid[2] = "A";

	(void)state;
	for (size_t i = 0; i < N(rows); i++, txid[0]++) {
		buf_reset(&der);
		sign_again(r, rows[i].md, rows[i].pss, &der);
		const struct scep_ask q = lab_question(SCEP_PKCSREQ,
		    &lab.device, txid, buf_bytes(&der));

		lab_ask("/auto", &q, &got);
		if (got.status != (rows[i].good ? SCEP_SUCCESS : SCEP_FAILURE))
			fail_msg("row %zu", i);
		scep_got_clear(&got);
	}
	buf_wipe(&der);
	csr_free(r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_ndes),
		TEST(test_nonces),
		TEST(test_failure_text),
		TEST(test_request_digest),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
