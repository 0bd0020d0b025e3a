/*
 * What clients need to find in a CertRep, read from the bytes that a real
 * server sent: their own transactionID and nonce, attributes of the right
 * kind, the certificate they know as its signer, and nothing but DER.
 */
#include <openssl/cms.h>

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define NONCE64		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL" \
			    "MNOPQRSTUVWXYZ+/"

static int
open_lab(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	assert_non_null(l);
	lab_open(l, "", 0);
	*state = l;
	return 0;
}

static int
close_lab(void **state)
{
	lab_close(*state);
	free(*state);
	return 0;
}

/* What is asked: the lab's request under another name. */
struct question {
	const char	*type;
	struct bytes	 txid;
	struct bytes	 nonce;
};

/* The server's answer to it, as it came. */
static void
ask(struct lab *l, const struct question *q, struct http_answer *a)
{
	struct craft_attr attrs[N(lab_attrs)];
	struct craft c = {
		.content = buf_bytes(&l->sealed),
		.attrs = attrs, .n_attrs = N(attrs),
		.signers = &l->signer, .n_signers = 1
	};
	struct buf message, request = BUF_INIT(LAB_REQUEST_MAX);

	memcpy(attrs, lab_attrs, sizeof(attrs));
	attrs[LAB_ATTR_TYPE].value = bytes_str(q->type);
	attrs[LAB_ATTR_TXID].value = q->txid;
	attrs[LAB_ATTR_NONCE].value = q->nonce;
	craft_sign(&c, &message);
	http_put_post(&request, LAB_POST, buf_bytes(&message));
	lab_exchange(l, buf_bytes(&request), a);
	lab_answer(q->type, a, "application/x-pki-message");
	buf_wipe(&message);
	buf_wipe(&request);
}

static void
parse(const struct http_answer *a, struct cms_signed *s)
{
	struct err e = { .reason = ERR_NONE };

	if (cms_signed_parse(buf_bytes(&a->body), s, &e) == -1 ||
	    cms_signed_verify(s, &e) == -1)
		fail_msg("%s", err_text(&e));
}

/* The one value of the one attribute, which must be of this type. */
static struct bytes
attribute(const struct cms_signed *s, const char *oid, int tag)
{
	const struct cms_attr *a;
	size_t n;

	a = cms_attr_find(s, oid, &n);
	if (a == NULL || n != 1 || a->n_values != 1 || a->tag != tag)
		fail_msg("attribute %s", oid);
	return a->value;
}

/* ---- names of transactions, and nonces ---- */

#define TEXT(s)		{ (const uint8_t *)(s), sizeof(s) - 1 }

static const struct echo_row {
	const char	*name;
	struct bytes	 txid;
	struct bytes	 nonce;
} echo_rows[] = {
	{ "sscep", TEXT("F0D18E87CD97B7B58FC3B80D9E0F1A2C"),
	    TEXT("0123456789abcdef") },
	{ "strongSwan, Apple",
	    TEXT("81A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4"),
	    TEXT("0123456789abcdef") },
	{ "jscep", TEXT("9ae8f1cc2b4e9d9a01d8ad0d5ab2c1b0a1d2e3f4"),
	    TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "jscep, a counter", TEXT("0"), TEXT("0123456789abcdef") },
	{ "scepclient", TEXT("q83vEjRWeJCrze8SNFZ+kKvN7/I="),
	    TEXT("0123456789abcdef") },
	{ "certmonger", TEXT("90876112409587766110293847561029384756102938475"
	    "610293847561029384756102938475"), TEXT("0123456789abcdef") },
	{ "sscep, a constant", TEXT("SSCEP transactionId"),
	    TEXT("0123456789abcdef") },
	{ "iOS of 2016", TEXT("0B1F08C1AD2B5F0F7C0A9C6B12E84D553A7C09DA"),
	    TEXT("\xff" "234567\0") },
	{ "a device's name", TEXT(" printer-7.example (2nd floor) "),
	    TEXT("x") },
	{ "long nonce", TEXT("n"), TEXT(NONCE64) },
};

static void
test_echoes(void **state)
{
	/* SUCCESS, and FAILURE for a type that is none. */
	static const char *const types[] = { "19", "30" };
	struct lab *l = *state;
	const struct echo_row *r;
	struct http_answer a;
	struct cms_signed s;
	size_t i;

	for (i = 0; i < 2 * N(echo_rows); i++) {
		r = &echo_rows[i / 2];
		ask(l, &(struct question){ types[i % 2], r->txid, r->nonce },
		    &a);
		parse(&a, &s);
		if (!bytes_eq(attribute(&s, OID_SCEP_PKI_STATUS,
		    CMS_PRINTABLE), bytes_str(i % 2 == 0 ? "0" : "2")) ||
		    !bytes_eq(attribute(&s, OID_SCEP_TRANSACTION_ID,
		    CMS_PRINTABLE), r->txid) ||
		    !bytes_eq(attribute(&s, OID_SCEP_RECIPIENT_NONCE,
		    CMS_OCTETS), r->nonce))
			fail_msg("%s", r->name);
		cms_signed_clear(&s);
		http_answer_clear(&a);
	}
}

/* jscep takes no senderNonce twice, Windows and RouterOS need one: each answer
 * has its own, also to a copy, and to what is refused. */
static void
test_nonces(void **state)
{
	static const char *const types[] = { "19", "19", "30", "30" };
	const struct question q = { "19", bytes_str(LAB_TXID),
	    bytes_str(LAB_NONCE) };
	uint8_t seen[N(types)][SCEP_NONCE_LEN];
	struct http_answer a;
	struct cms_signed s;
	struct bytes nonce;
	struct question one;
	struct lab l;
	size_t i, k;

	(void)state;
	/* Within the window the second is told the first's certificate. */
	lab_open(&l, "", 600);
	for (i = 0; i < N(types); i++) {
		one = q;
		one.type = types[i];
		ask(&l, &one, &a);
		parse(&a, &s);
		nonce = attribute(&s, OID_SCEP_SENDER_NONCE, CMS_OCTETS);
		assert_int_equal(nonce.n, SCEP_NONCE_LEN);
		memcpy(seen[i], nonce.p, SCEP_NONCE_LEN);
		for (k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k],
			    SCEP_NONCE_LEN);
		cms_signed_clear(&s);
		http_answer_clear(&a);
	}
	assert_int_equal(server_rows(&l.server).issued, 1);
	lab_close(&l);
}

/* ---- the form ---- */

/* What libcrypto writes again is the same: definite lengths, sorted sets. */
static void
check_der(struct bytes b)
{
	const unsigned char *p = b.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)b.n);
	unsigned char *der = NULL;
	int n;

	assert_non_null(cms);
	assert_ptr_equal(p, b.p + b.n);
	assert_true((n = i2d_CMS_ContentInfo(cms, &der)) > 0);
	assert_true(bytes_eq(b, bytes_make(der, (size_t)n)));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
}

/* jscep looks whether it lies in the signer's life. */
static void
check_time(CMS_SignerInfo *si)
{
	int day, sec;
	ASN1_TIME *t = CMS_signed_get0_data_by_OBJ(si,
	    OBJ_nid2obj(NID_pkcs9_signingTime), -3,
	    V_ASN1_UTCTIME);

	assert_non_null(t);
	assert_int_equal(ASN1_TIME_diff(&day, &sec, t, NULL), 1);
	assert_int_equal(day, 0);
	assert_in_range(sec + 5, 0, 65);
}

/* One signer, by rsaEncryption, with no certificate but its own. */
static void
check_signer(const struct lab *l, struct bytes b)
{
	const unsigned char *p = b.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)b.n);
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	CMS_SignerInfo *si = sk_CMS_SignerInfo_value(infos, 0);
	const ASN1_OBJECT *o;
	X509_ALGOR *sig;

	assert_int_equal(sk_CMS_SignerInfo_num(infos), 1);
	check_time(si);
	CMS_SignerInfo_get0_algs(si, NULL, NULL, NULL, &sig);
	X509_ALGOR_get0(&o, NULL, NULL, sig);
	assert_int_equal(OBJ_obj2nid(o), NID_rsaEncryption);
	assert_int_equal(sk_X509_num(certs), 1);
	assert_int_equal(X509_cmp(sk_X509_value(certs, 0), l->ra->x), 0);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
}

/* The first that GetCACert shows, byte for byte. */
static void
check_known(struct lab *l, const struct cert *signer)
{
	struct err e = { .reason = ERR_NONE };
	struct http_answer a;
	struct certs cs;

	lab_exchange(l, bytes_str("GET /scep?operation=GetCACert HTTP/1.1\r\n"
	    "Host: x\r\n\r\n"), &a);
	assert_int_equal(cms_unbag(buf_bytes(&a.body), &cs, &e), 0);
	assert_true(bytes_eq(signer->der, cs.v[0]->der));
	certs_free(&cs);
	http_answer_clear(&a);
}

static void
test_form(void **state)
{
	static const char *const types[] = { "19", "30" };
	struct lab *l = *state;
	struct http_answer a;
	struct cms_signed s;
	size_t i;

	for (i = 0; i < N(types); i++) {
		ask(l, &(struct question){ types[i], bytes_str("form"),
		    bytes_str(LAB_NONCE) }, &a);
		check_der(buf_bytes(&a.body));
		check_signer(l, buf_bytes(&a.body));
		parse(&a, &s);
		/* An attribute's value of fewer than 128 octets: its length
		 * is one, in what is proven to be DER. */
		assert_true(bytes_eq(attribute(&s, OID_SCEP_MESSAGE_TYPE,
		    CMS_PRINTABLE), bytes_str("3")));
		/* Zero octets, not none: certmonger. */
		assert_true(s.has_content && s.content_is_data);
		if (i == 0)
			check_der(s.content);
		else
			assert_int_equal(s.content.n, 0);
		check_known(l, s.signer);
		cms_signed_clear(&s);
		http_answer_clear(&a);
	}
}

/* ---- what is in it ---- */

/* One certificate, for the key, that can issue none. */
static void
test_issued(void **state)
{
	struct lab *l = *state;
	struct http_answer a;
	struct scep_got got;

	ask(l, &(struct question){ "19", bytes_str("issued"),
	    bytes_str(LAB_NONCE) }, &a);
	lab_reply(l, "issued", &a, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_true(got.nonce_matches);
	assert_int_equal(got.suite.cipher, ALG_AES128_CBC);
	assert_int_equal(got.suite.transport, ALG_RSA_PKCS1);
	assert_int_equal(got.certs.n, 1);
	assert_true(key_matches(l->key, got.certs.v[0]));
	assert_false(got.certs.v[0]->is_ca);
	assert_int_equal(got.certs.v[0]->ku, CERT_KU_DIGITAL_SIGNATURE |
	    CERT_KU_KEY_ENCIPHERMENT);
	scep_got_clear(&got);
	http_answer_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echoes),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_issued),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
