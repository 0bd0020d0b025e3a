#include "cms_craft.h"

#include "scep/client.h"
#include "scep/wrap.h"

static struct who	 ra, client, issued, other;
static struct algs	*algs;
static const uint8_t	 our_nonce[SCEP_NONCE_LEN] = "FEDCBA987654321";

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA });
	who_make(&client, &(struct order){ .name = "client",
	    .spec = "rsa:2048" });
	who_make(&issued, &(struct order){ .name = "issued",
	    .spec = "ec:p256" });
	who_make(&other, &(struct order){ .name = "a", .spec = "ec:p256" });
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ra);
	who_free(&client);
	who_free(&issued);
	who_free(&other);
	algs_free(algs);
	return 0;
}

/* A question, decoded, and how it is answered. */
struct talk {
	struct scep_ask		 ask;
	struct csr		*csr;
	struct scep_msg		 msg;
	struct cms_suite	 suite;
	struct scep_reply	 reply;
	struct buf		 out;
};

static void
talk_begin(struct talk *t, enum alg digest, struct cms_suite suite,
    const char *txid, struct bytes nonce)
{
	const struct cms_recipient	 us = { ra.key, ra.cert };
	struct csr			*sent = tool_csr(client.key, "/CN=x",
	    NULL, NULL);
	struct err			 e = ERR_INIT;
	struct buf			 der = BUF_INIT(CMS_MAX_DER);

	t->ask = (struct scep_ask){ .type = SCEP_PKCSREQ, .txid = txid,
	    .nonce = nonce, .content = sent->der, .key = client.key,
	    .cert = client.cert, .to = ra.cert, .digest = digest,
	    .suite = suite };
	if (scep_client_request(&t->ask, algs, &der, &e) != 0 ||
	    scep_decode(buf_bytes(&der), algs, &t->msg, &e) != 0 ||
	    scep_unwrap(&t->msg, &us, 1, algs, &t->csr, &t->suite,
	    &e) != 0)
		fail_msg("%s", err_text(&e));
	t->reply = (struct scep_reply){ .to = &t->msg, .key = ra.key,
	    .cert = ra.cert, .algs = algs };
	memcpy(t->reply.nonce, our_nonce, SCEP_NONCE_LEN);
	buf_init(&t->out, CMS_MAX_DER);
	csr_free(sent);
	buf_wipe(&der);
}

static void
talk_end(struct talk *t)
{
	csr_free(t->csr);
	scep_msg_clear(&t->msg);
	buf_wipe(&t->out);
}

static void
succeed(struct talk *t)
{
	const struct cert	*two[] = { issued.cert, other.cert };
	struct err		 e = ERR_INIT;

	if (scep_wrap_success(&t->reply, t->suite, two, 2, &t->out, &e) != 0)
		fail_msg("%s", err_text(&e));
}

#define SUITE(c, t)	((struct cms_suite){ ALG_##c, ALG_##t, 0 })

/* Every accepted combination comes back as it was asked in. */
static void
test_mirrored(void **state)
{
	static const enum alg	 ciphers[] = {
		ALG_AES128_CBC, ALG_AES192_CBC, ALG_AES256_CBC, ALG_DES3_CBC
	}, digests[] = {
		ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512
	}, transports[] = { ALG_RSA_PKCS1, ALG_RSA_OAEP };

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		enum alg		 digest = digests[i / 2 % 4];
		struct cms_suite	 suite = { ciphers[i / 8],
		    transports[i % 2], 0 };
		struct scep_got		 got;
		struct talk		 t;
		struct err		 e = ERR_INIT;

		talk_begin(&t, digest, suite, "t", LIT("0123456789abcdef"));
		succeed(&t);
		assert_der(buf_bytes(&t.out), alg_name(suite.cipher));
		if (scep_client_reply(buf_bytes(&t.out), &t.ask, algs, ra.cert,
		    &got, &e) != 0)
			fail_msg("%s", err_text(&e));
		assert_int_equal(got.status, SCEP_SUCCESS);
		assert_int_equal(got.digest, digest);
		assert_int_equal(got.suite.cipher, suite.cipher);
		assert_int_equal(got.suite.transport, suite.transport);
		assert_int_equal(got.certs.n, 2);
		/* Leaf first, though the other sorts before it. */
		assert_true(bytes_eq(got.certs.v[0]->der, issued.cert->der));
		assert_true(bytes_eq(got.certs.v[1]->der, other.cert->der));
		scep_got_clear(&got);
		talk_end(&t);
	}
}

/* The reply's envelope, opened by libcrypto alone. */
static void
test_envelope(void **state)
{
	struct talk		 t;
	struct cms_signed	 s;
	const unsigned char	*p;
	CMS_ContentInfo		*cms;
	struct buf		 plain = BUF_INIT(65536), bag = plain;
	const struct cert	*two[] = { issued.cert, other.cert };
	struct err		 e = ERR_INIT;
	BIO			*bio = BIO_new(BIO_s_mem());
	size_t			 at;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_OAEP), "t", LIT("n"));
	succeed(&t);
	assert_int_equal(cms_signed_parse(buf_bytes(&t.out), &s, &e), 0);
	assert_int_equal(tool_count(s.content, ALG_OAEP_DER, &at), 1);
	assert_der(s.content, "envelope");
	p = s.content.p;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)s.content.n);
	assert_int_equal(CMS_decrypt(cms, key_pkey(client.key),
	    client.cert->x, NULL, bio, 0), 1);
	assert_int_equal(bio_drain(bio, &plain), 0);
	assert_int_equal(cms_bag(two, 2, &bag, &e), 0);
	assert_true(bytes_eq(buf_bytes(&plain), buf_bytes(&bag)));
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	cms_signed_clear(&s);
	buf_wipe(&plain);
	buf_wipe(&bag);
	talk_end(&t);
}

struct want {
	const char	*oid;
	int		 tag;
	struct bytes	 value;
};

/* Each attribute once, with one value, this tag and content; no others. */
static void
assert_attrs(struct bytes der, const struct want *w, size_t n)
{
	const struct cms_attr	*a;
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;
	size_t			 times;

	assert_int_equal(cms_signed_parse(der, &s, &e), 0);
	assert_int_equal(cms_signed_verify(&s, &e), 0);
	for (size_t i = 0; i < n; i++) {
		a = cms_attr_find(&s, w[i].oid, &times);
		if (a == NULL || times != 1 || a->n_values != 1 ||
		    a->tag != w[i].tag || !bytes_eq(a->value, w[i].value))
			fail_msg("attribute %s", w[i].oid);
	}
	/* contentType, signingTime, messageDigest are CMS's own. */
	assert_int_equal(s.n_attrs, n + 3);
	cms_signed_clear(&s);
}

static void
test_success_attributes(void **state)
{
	const struct want	 w[] = {
		{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, LIT("3") },
		{ OID_SCEP_PKI_STATUS, CMS_PRINTABLE, LIT("0") },
		{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE, LIT("t 1") },
		{ OID_SCEP_SENDER_NONCE, CMS_OCTETS,
		    { our_nonce, SCEP_NONCE_LEN } },
		{ OID_SCEP_RECIPIENT_NONCE, CMS_OCTETS, LIT("nonce") },
	};
	struct talk		 t;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t 1",
	    LIT("nonce"));
	succeed(&t);
	assert_attrs(buf_bytes(&t.out), w, N(w));
	talk_end(&t);
}

/* SEQUENCE { id-data, [0] { OCTET STRING of zero bytes } } */
#define EMPTY	LIT("\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" \
		    "\xa0\x02\x04\x00")

static void
test_failures(void **state)
{
	static const char *const digit[] = { "0", "1", "2", "3", "4" };
	struct talk	 t;
	struct err	 e = ERR_INIT;
	size_t		 at;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t 1",
	    LIT("nonce"));
	for (size_t i = 0; i < N(digit); i++) {
		const struct want	 w[] = {
			{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, LIT("3") },
			{ OID_SCEP_PKI_STATUS, CMS_PRINTABLE, LIT("2") },
			{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE,
			    LIT("t 1") },
			{ OID_SCEP_SENDER_NONCE, CMS_OCTETS,
			    { our_nonce, SCEP_NONCE_LEN } },
			{ OID_SCEP_RECIPIENT_NONCE, CMS_OCTETS,
			    LIT("nonce") },
			{ "2.16.840.1.113733.1.9.4", CMS_PRINTABLE,
			    bytes_str(digit[i]) },
			{ "1.3.6.1.5.5.7.24.1", CMS_UTF8, LIT("why") },
		};

		buf_reset(&t.out);
		assert_int_equal(scep_wrap_failure(&t.reply, (enum failinfo)i,
		    "why", &t.out, &e), 0);
		assert_attrs(buf_bytes(&t.out), w, N(w));
		assert_der(buf_bytes(&t.out), digit[i]);
		/* Empty, not absent: certmonger. */
		assert_int_equal(tool_count(buf_bytes(&t.out), EMPTY, &at), 1);
	}
	talk_end(&t);
}

static void
test_pending(void **state)
{
	const struct want	 w[] = {
		{ OID_SCEP_MESSAGE_TYPE, CMS_PRINTABLE, LIT("3") },
		{ OID_SCEP_PKI_STATUS, CMS_PRINTABLE, LIT("3") },
		{ OID_SCEP_TRANSACTION_ID, CMS_PRINTABLE, LIT("t 1") },
		{ OID_SCEP_SENDER_NONCE, CMS_OCTETS,
		    { our_nonce, SCEP_NONCE_LEN } },
		{ OID_SCEP_RECIPIENT_NONCE, CMS_OCTETS, LIT("nonce") },
	};
	struct talk	 t;
	struct err	 e = ERR_INIT;
	size_t		 at;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t 1",
	    LIT("nonce"));
	assert_int_equal(scep_wrap_pending(&t.reply, &t.out, &e), 0);
	assert_attrs(buf_bytes(&t.out), w, N(w));
	assert_der(buf_bytes(&t.out), "pending");
	assert_int_equal(tool_count(buf_bytes(&t.out), EMPTY, &at), 1);
	talk_end(&t);
}

/* The attributes on the bytes, with identifiers written out here: whatever our
 * own header may say, clients look for these. */
static void
test_octets(void **state)
{
#define ATTR(len, n, set)	"\x30" len "\x06\x0a\x60\x86\x48\x01\x86\xf8" \
				"\x45\x01\x09" n "\x31" set
	static const struct {
		const char	*name;
		struct bytes	 der;
		bool		 failure;	/* in this reply alone */
	} rows[] = {
#define ROW(name, s, failure)	{ name, \
	{ (const uint8_t *)(s), sizeof(s) - 1 }, failure }
		ROW("messageType", ATTR("\x11", "\x02", "\x03\x13\x01" "3"),
		    false),
		ROW("pkiStatus", ATTR("\x11", "\x03", "\x03\x13\x01" "2"),
		    true),
		ROW("failInfo", ATTR("\x11", "\x04", "\x03\x13\x01" "4"),
		    true),
		ROW("senderNonce", ATTR("\x20", "\x05", "\x12\x04\x10"
		    "FEDCBA987654321\0"), false),
		ROW("recipientNonce", ATTR("\x20", "\x06", "\x12\x04\x10"
		    "0123456789abcdef"), false),
		ROW("transactionID", ATTR("\x13", "\x07", "\x05\x13\x03"
		    "t 1"), false),
		ROW("failInfoText", "\x30\x11\x06\x08\x2b\x06\x01\x05\x05"
		    "\x07\x18\x01\x31\x05\x0c\x03" "why", true),
		ROW("contentType", "\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d"
		    "\x01\x09\x03\x31\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d"
		    "\x01\x07\x01", false),
	};
	struct talk	 t;
	struct err	 e = ERR_INIT;
	size_t		 at;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t 1",
	    LIT("0123456789abcdef"));
	for (int failure = 0; failure < 2; failure++) {
		buf_reset(&t.out);
		if (failure)
			assert_int_equal(scep_wrap_failure(&t.reply,
			    FAIL_BADCERTID, "why", &t.out, &e), 0);
		else
			succeed(&t);
		for (size_t i = 0; i < N(rows); i++)
			if (tool_count(buf_bytes(&t.out), rows[i].der, &at) !=
			    (failure || !rows[i].failure ? 1 : 0))
				fail_msg("%s, %d", rows[i].name, failure);
	}
	talk_end(&t);
}

/* rsaEncryption, the request's digest, the certificate of GetCACert. */
static void
test_signer(void **state)
{
	struct talk		 t;
	struct err		 e = ERR_INIT;
	CMS_ContentInfo		*cms;
	CMS_SignerInfo		*si;
	const ASN1_OBJECT	*o;
	X509_ALGOR		*dig, *sig;
	STACK_OF(X509)		*xs;

	(void)state;
	talk_begin(&t, ALG_SHA384, SUITE(AES128_CBC, RSA_PKCS1), "t",
	    LIT("n"));
	assert_int_equal(scep_wrap_failure(&t.reply, FAIL_BADREQUEST, "why",
	    &t.out, &e), 0);
	si = craft_signer(buf_bytes(&t.out), &cms);
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &dig, &sig);
	X509_ALGOR_get0(&o, NULL, NULL, sig);
	assert_int_equal(OBJ_obj2nid(o), NID_rsaEncryption);
	X509_ALGOR_get0(&o, NULL, NULL, dig);
	assert_int_equal(OBJ_obj2nid(o), NID_sha384);
	xs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(xs), 1);
	assert_int_equal(X509_cmp(sk_X509_value(xs, 0), ra.cert->x), 0);
	sk_X509_pop_free(xs, X509_free);
	CMS_ContentInfo_free(cms);
	talk_end(&t);
}

static void
test_echoes(void **state)
{
	char		 long_txid[SCEP_TXID_MAX + 1] = "";
	uint8_t		 bytes64[SCEP_NONCE_MAX];

	(void)state;
	memset(long_txid, '7', SCEP_TXID_MAX);
	for (size_t i = 0; i < sizeof(bytes64); i++)
		bytes64[i] = (uint8_t)(i * 5);
	const struct { const char *txid; size_t n_nonce; } rows[] = {
		{ "+/= ", 1 }, { "a+/= b", 8 },
		{ long_txid + SCEP_TXID_MAX - 77, 16 }, { long_txid, 64 },
	};
	for (size_t i = 0; i < 2 * N(rows); i++) {
		struct bytes	 nonce = { bytes64, rows[i / 2].n_nonce };
		struct scep_got	 got;
		struct talk	 t;
		struct err	 e = ERR_INIT;

		talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1),
		    rows[i / 2].txid, nonce);
		if (i % 2 == 0)
			succeed(&t);
		else
			assert_int_equal(scep_wrap_failure(&t.reply,
			    FAIL_BADTIME, "why", &t.out, &e), 0);
		assert_int_equal(scep_client_reply(buf_bytes(&t.out), &t.ask, algs,
		    ra.cert, &got, &e), 0);
		assert_string_equal(got.txid, rows[i / 2].txid);
		assert_true(got.nonce_matches && got.has_sender_nonce);
		assert_int_equal(got.failinfo, i % 2 ? FAIL_BADTIME : -1);
		scep_got_clear(&got);
		talk_end(&t);
	}
}

/* A refused digest is not used for the answer; an unread nonce not echoed. */
static void
test_half_known(void **state)
{
	struct scep_msg		 msg = { .identified = true, .txid = "t" };
	struct scep_reply	 r = { .to = &msg, .key = ra.key,
	    .cert = ra.cert, .algs = algs };
	struct cms_signed	 s;
	struct buf		 out = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	size_t			 n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		msg.cms.digest = i == 0 ? ALG_NONE : ALG_MD5;
		buf_reset(&out);
		assert_int_equal(scep_wrap_failure(&r, FAIL_BADALG, "why",
		    &out, &e), 0);
		assert_int_equal(cms_signed_parse(buf_bytes(&out), &s, &e), 0);
		assert_int_equal(s.digest, ALG_SHA256);
		assert_null(cms_attr_find(&s, OID_SCEP_RECIPIENT_NONCE, &n));
		cms_signed_clear(&s);
	}
	buf_wipe(&out);
}

/* Of each attribute that NDES adds: its value, or "" if it is not there. */
static void
ndes_attributes(const struct talk *t, char hresult[32], char word[32])
{
	static const struct {
		const char	*oid;
		int		 tag;
	} want[2] = {
		{ "1.3.6.1.4.1.311.21.33", CMS_PRINTABLE },
		{ "1.3.6.1.4.1.311.21.38", CMS_UTF8 },
	};
	char			*out[2] = { hresult, word };
	struct cms_signed	 s;
	struct err		 e = ERR_INIT;
	const struct cms_attr	*a;
	size_t			 n;

	assert_int_equal(cms_signed_parse(buf_bytes(&t->out), &s, &e), 0);
	for (size_t i = 0; i < 2; i++) {
		out[i][0] = '\0';
		if ((a = cms_attr_find(&s, want[i].oid, &n)) == NULL)
			continue;
		assert_int_equal(n, 1);
		assert_int_equal(a->tag, want[i].tag);
		assert_in_range(a->value.n, 1, 31);
		memcpy(out[i], a->value.p, a->value.n);
		out[i][a->value.n] = '\0';
	}
	cms_signed_clear(&s);
}

static void
test_ndes(void **state)
{
	static const struct {
		enum failinfo	 failinfo;
		int32_t		 hresult;
	} rows[] = {
		{ FAIL_BADALG, INT32_MIN + 0x90008 },
		{ FAIL_BADMESSAGECHECK, INT32_MIN + 0x90006 },
		{ FAIL_BADREQUEST, INT32_MIN + 0x70057 },
		{ FAIL_BADTIME, INT32_MIN + 0xb0101 },
		{ FAIL_BADCERTID, INT32_MIN + 0x92004 },
	};
	char		 hresult[32], word[32], want[32];
	struct talk	 t;
	struct err	 e = ERR_INIT;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t",
	    LIT("n"));
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		t.reply.ndes = i % 2 == 1;
		buf_reset(&t.out);
		assert_int_equal(scep_wrap_failure(&t.reply,
		    rows[i / 2].failinfo, "why", &t.out, &e), 0);
		ndes_attributes(&t, hresult, word);
		(void)snprintf(want, sizeof(want), "%ld",
		    (long)rows[i / 2].hresult);
		assert_string_equal(hresult, i % 2 == 1 ? want : "");
		assert_string_equal(word, "");
	}
	for (int i = 0; i < 2; i++) {
		t.reply.ndes = i == 1;
		buf_reset(&t.out);
		succeed(&t);
		ndes_attributes(&t, hresult, word);
		assert_string_equal(hresult, "");
		assert_string_equal(word, i == 1 ? "Issued" : "");
	}
	buf_reset(&t.out);
	assert_int_equal(scep_wrap_pending(&t.reply, &t.out, &e), 0);
	ndes_attributes(&t, hresult, word);
	assert_string_equal(hresult, "");
	assert_string_equal(word, "");
	talk_end(&t);
}

/* The client of tests and bench does not believe everything. */
static void
test_client_doubts(void **state)
{
	struct scep_got	 got = { .failinfo = 77 };
	struct talk	 t;
	struct err	 e = ERR_INIT;

	(void)state;
	talk_begin(&t, ALG_SHA256, SUITE(AES128_CBC, RSA_PKCS1), "t",
	    LIT("n"));
	succeed(&t);
	assert_int_equal(scep_client_reply(buf_bytes(&t.out), &t.ask, algs,
	    other.cert, &got, &e), -1);
	assert_int_equal(e.reason, ERR_NO_SIGNER_CERT);
	err_clear(&e);
	t.out.p[t.out.n - 1] ^= 1;
	assert_int_equal(scep_client_reply(buf_bytes(&t.out), &t.ask, algs, ra.cert,
	    &got, &e), -1);
	assert_int_equal(e.reason, ERR_SIGNATURE);
	assert_int_equal(got.failinfo, 77);
	talk_end(&t);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_mirrored),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_success_attributes),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_echoes),
		cmocka_unit_test(test_half_known),
		cmocka_unit_test(test_ndes),
		cmocka_unit_test(test_client_doubts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
