/*
 * Messages that are wrong in one way each: in the signed layer, its attributes,
 * the envelope. Each is refused with the right failInfo, in one line of the
 * log, and leaves nothing behind; then the server enrolls as before.
 */
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define LONG		20000

static char	 long_text[LONG];

static int
open_lab(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	assert_non_null(l);
	memset(long_text, 'x', sizeof(long_text));
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

/* The lab's three attributes, one of them replaced by n copies of another. */
static void
sign_with(const struct lab *l, size_t which, const struct craft_attr *a,
    size_t n, struct buf *out)
{
	struct craft_attr attrs[CRAFT_MAX_ATTRS];
	struct craft c = {
		.content = buf_bytes(&l->sealed), .attrs = attrs,
		.signers = &l->signer, .n_signers = 1
	};
	size_t i;

	for (i = 0; i < N(lab_attrs); i++)
		if (i != which)
			attrs[c.n_attrs++] = lab_attrs[i];
	for (i = 0; i < n; i++)
		attrs[c.n_attrs++] = *a;
	craft_sign(&c, out);
}

#define NO_TXID		WANT_HTTP(400, "no_transaction_id")
#define BAD_ATTR	WANT_FAIL(BAD_REQUEST, "attribute")

/* value of n bytes; tag 0: all that is in the SET */
static const struct attr_row {
	const char	*name;
	size_t		 which;
	int		 copies;
	int		 tag;
	const char	*value;
	size_t		 n;
	struct want	 want;
} attr_rows[] = {
#define TXID	LAB_ATTR_TXID
	{ "transactionID missing", TXID, 0, 0, "", 0, NO_TXID },
	{ "transactionID doubled", TXID, 2, TAG_PRINTABLE, "a", 1, NO_TXID },
	{ "transactionID of two values", TXID, 1, 0,
	    "\x13\x01" "a\x13\x01" "b", 6, NO_TXID },
	{ "transactionID of no value", TXID, 1, 0, "", 0, NO_TXID },
	{ "transactionID empty", TXID, 1, TAG_PRINTABLE, "", 0, NO_TXID },
	{ "transactionID as octets", TXID, 1, TAG_OCTETS, "a", 1, NO_TXID },
	{ "transactionID as number", TXID, 1, TAG_INTEGER, "\1", 1, NO_TXID },
	{ "transactionID as NULL", TXID, 1, 5, "", 0, NO_TXID },
	{ "transactionID as BMPString", TXID, 1, 30, "\0a", 2, NO_TXID },
	{ "transactionID as SEQUENCE", TXID, 1, TAG_SEQUENCE, "", 0,
	    NO_TXID },
	{ "transactionID with NUL", TXID, 1, TAG_PRINTABLE, "a\0b", 3,
	    NO_TXID },
	{ "transactionID with newline", TXID, 1, TAG_UTF8,
	    "a\nevent=request", 15, NO_TXID },
	{ "transactionID with escape", TXID, 1, TAG_UTF8, "\033[2J", 4,
	    NO_TXID },
	{ "transactionID not UTF-8", TXID, 1, TAG_UTF8, "\xff\xfe", 2,
	    NO_TXID },
	{ "transactionID of 257", TXID, 1, TAG_PRINTABLE, long_text, 257,
	    NO_TXID },
	{ "transactionID of 20000", TXID, 1, TAG_PRINTABLE, long_text, LONG,
	    NO_TXID },
	/* Strings in parts, as BER has them: read, but no DER to verify. */
#define PARTS	WANT_FAIL(BAD_MESSAGE_CHECK, "signature")
	{ "transactionID constructed", TXID, 1, 0x33, "\x13\1a", 3, PARTS },
	{ "transactionID in parts that are too long", TXID, 1, 0x33,
	    "\x13\x7f" "a", 3, WANT_HTTP(400, "not_cms") },
	{ "transactionID in parts of another type", TXID, 1, 0x33, "\2\1a",
	    3, PARTS },
	{ "transactionID of 256", TXID, 1, TAG_PRINTABLE, long_text, 256,
	    WANT_ISSUED },
	{ "transactionID with SQL", TXID, 1, TAG_UTF8,
	    "'); DELETE FROM txn; --", 23, WANT_ISSUED },
	{ "transactionID that climbs", TXID, 1, TAG_UTF8, "../../x", 7,
	    WANT_ISSUED },
	{ "transactionID with blanks", TXID, 1, TAG_UTF8, "a b=\"c\"", 7,
	    WANT_ISSUED },
#define NONCE	LAB_ATTR_NONCE
	{ "senderNonce missing", NONCE, 0, 0, "", 0, BAD_ATTR },
	{ "senderNonce doubled", NONCE, 2, TAG_OCTETS, "a", 1, BAD_ATTR },
	{ "senderNonce of two values", NONCE, 1, 0, "\4\1a\4\1b", 6,
	    BAD_ATTR },
	{ "senderNonce of no value", NONCE, 1, 0, "", 0, BAD_ATTR },
	{ "senderNonce empty", NONCE, 1, TAG_OCTETS, "", 0, BAD_ATTR },
	{ "senderNonce as text", NONCE, 1, TAG_PRINTABLE, "a", 1, BAD_ATTR },
	{ "senderNonce as number", NONCE, 1, TAG_INTEGER, "\1", 1, BAD_ATTR },
	{ "senderNonce of 65", NONCE, 1, TAG_OCTETS, long_text, 65,
	    BAD_ATTR },
	{ "senderNonce of 20000", NONCE, 1, TAG_OCTETS, long_text, LONG,
	    BAD_ATTR },
	{ "senderNonce constructed", NONCE, 1, 0x24, "\4\1a", 3, PARTS },
	{ "senderNonce of 64", NONCE, 1, TAG_OCTETS, long_text, 64,
	    WANT_ISSUED },
	{ "senderNonce of 1", NONCE, 1, TAG_OCTETS, "a", 1, WANT_ISSUED },
#define TYPE	LAB_ATTR_TYPE
	{ "messageType missing", TYPE, 0, 0, "", 0, BAD_ATTR },
	{ "messageType doubled", TYPE, 2, TAG_PRINTABLE, "19", 2, BAD_ATTR },
	{ "messageType of two values", TYPE, 1, 0, "\x13\x02" "19\x13\x02"
	    "19", 8, BAD_ATTR },
	{ "messageType of no value", TYPE, 1, 0, "", 0, BAD_ATTR },
	{ "messageType empty", TYPE, 1, TAG_PRINTABLE, "", 0, BAD_ATTR },
	{ "messageType as octets", TYPE, 1, TAG_OCTETS, "19", 2, BAD_ATTR },
	{ "messageType as number", TYPE, 1, TAG_INTEGER, "\x13", 1,
	    BAD_ATTR },
	{ "messageType as IA5String", TYPE, 1, 0x16, "19", 2, BAD_ATTR },
	{ "messageType as NumericString", TYPE, 1, 0x12, "19", 2, BAD_ATTR },
	{ "messageType as T61String", TYPE, 1, 0x14, "19", 2, BAD_ATTR },
	{ "messageType as BMPString", TYPE, 1, 0x1e, "\0001\0009", 4,
	    BAD_ATTR },
	{ "messageType as SEQUENCE", TYPE, 1, TAG_SEQUENCE, "\x13\x02" "19",
	    4, BAD_ATTR },
	{ "messageType constructed", TYPE, 1, 0x33, "\x13\x02" "19", 4,
	    PARTS },
	{ "messageType as UTF8String", TYPE, 1, TAG_UTF8, "19", 2,
	    WANT_ISSUED },
	{ "messageType abc", TYPE, 1, TAG_PRINTABLE, "abc", 3, BAD_ATTR },
	{ "messageType 1a", TYPE, 1, TAG_PRINTABLE, "1a", 2, BAD_ATTR },
	{ "messageType -1", TYPE, 1, TAG_PRINTABLE, "-1", 2, BAD_ATTR },
	{ "messageType with blank", TYPE, 1, TAG_PRINTABLE, "19 ", 3,
	    BAD_ATTR },
	{ "messageType with NUL", TYPE, 1, TAG_PRINTABLE, "19\0", 3,
	    BAD_ATTR },
	{ "messageType of 20000", TYPE, 1, TAG_PRINTABLE, long_text, LONG,
	    BAD_ATTR },
	{ "messageType 999", TYPE, 1, TAG_PRINTABLE, "999", 3,
	    WANT_FAIL(BAD_REQUEST, "message_type") },
	{ "messageType 019", TYPE, 1, TAG_PRINTABLE, "019", 3, WANT_ISSUED },
};

static void
test_attributes(void **state)
{
	struct lab *l = *state;
	const struct attr_row *r;
	struct craft_attr a;
	struct buf message;

	for (r = attr_rows; r < attr_rows + N(attr_rows); r++) {
		a.oid = lab_attrs[r->which].oid;
		a.tag = r->tag;
		a.value = bytes_make(r->value, r->n);
		sign_with(l, r->which, &a, (size_t)r->copies, &message);
		lab_post(l, r->name, buf_bytes(&message), r->want);
		buf_wipe(&message);
	}
	lab_good(l);
}

/* Devices without a clock sign when they please: nobody gets badTime. */
static void
test_signing_time(void **state)
{
	static const char *const times[] = {
		"500101000000Z", "200101000000Z", "491231235959Z"
	};
	struct craft_attr a = { .oid = "1.2.840.113549.1.9.5", .tag = 0x17 };
	struct lab *l = *state;
	struct buf message;
	size_t i;

	for (i = 0; i < N(times); i++) {
		a.value = bytes_str(times[i]);
		sign_with(l, N(lab_attrs), &a, 1, &message);
		lab_post(l, times[i], buf_bytes(&message),
		    (struct want)WANT_ISSUED);
		buf_wipe(&message);
	}
}

/* More attributes than anybody has use for: not even looked at. */
static void
test_many_attributes(void **state)
{
	const struct craft_attr other = {
		"1.2.3.4", TAG_PRINTABLE, bytes_make("x", 1)
	};
	struct lab *l = *state;
	struct buf message;

	sign_with(l, N(lab_attrs), &other, 27, &message);
	lab_post(l, "32 attributes", buf_bytes(&message),
	    (struct want)WANT_ISSUED);
	buf_wipe(&message);
	sign_with(l, N(lab_attrs), &other, 28, &message);
	lab_post(l, "33 attributes", buf_bytes(&message),
	    (struct want)WANT_HTTP(400, "attribute"));
	buf_wipe(&message);
	lab_good(l);
}

/* What a poll holds is not looked at: it gets what became of the transaction,
 * the certificate that was issued for PKCSReq, and no other. */
static void
check_poll(struct lab *l, struct bytes message)
{
	struct server_rows before = server_rows(&l->server), after;
	struct buf request = BUF_INIT(LAB_REQUEST_MAX);
	struct http_answer answer;
	struct scep_got got;

	http_put_post(&request, LAB_POST, message);
	lab_exchange(l, buf_bytes(&request), &answer);
	lab_reply(l, "poll", &answer, &got);
	after = server_rows(&l->server);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(after.issued, before.issued);
	assert_int_equal(after.txn, before.txn);
	scep_got_clear(&got);
	http_answer_clear(&answer);
	buf_wipe(&request);
}

static void
test_message_types(void **state)
{
	const struct want good = WANT_ISSUED;
	const struct want bad = WANT_FAIL(BAD_REQUEST, "message_type");
	const struct want stranger = WANT_FAIL(BAD_REQUEST, "renewal_signer");
	/* A request is not what these ask with; nobody is told so. */
	const struct want other = WANT_FAIL(BAD_CERT_ID, "cert_id");
	struct lab *l = *state;
	struct craft_attr a = lab_attrs[LAB_ATTR_TYPE];
	struct buf message;
	char text[4], name[32];
	int type;

	for (type = 0; type <= 256; type++) {
		(void)snprintf(text, sizeof(text), "%d", type);
		(void)snprintf(name, sizeof(name), "messageType %d", type);
		a.value = bytes_str(text);
		sign_with(l, LAB_ATTR_TYPE, &a, 1, &message);
		if (type == SCEP_CERTPOLL)
			check_poll(l, buf_bytes(&message));
		else
			lab_post(l, name, buf_bytes(&message),
			    type == SCEP_PKCSREQ ? good :
			    type == SCEP_RENEWALREQ ? stranger :
			    type == SCEP_GETCERT || type == SCEP_GETCRL ?
			    other : bad);
		buf_wipe(&message);
	}
	lab_good(l);
}

/* What nobody signed says nothing: neither what is asked nor under which
 * transactionID. */
static void
test_unsigned(void **state)
{
	const struct craft_attr rows[] = {
		{ OID_SCEP_TRANSACTION_ID, TAG_PRINTABLE,
		    bytes_str("other") },
		{ OID_SCEP_MESSAGE_TYPE, TAG_PRINTABLE, bytes_str("22") },
		{ OID_SCEP_SENDER_NONCE, TAG_OCTETS, bytes_str("x") },
	};
	struct lab *l = *state;
	struct buf all = BUF_INIT(1024), one, message;
	struct buf request = BUF_INIT(LAB_REQUEST_MAX);
	struct http_answer answer;
	struct scep_got got;
	struct craft c = {
		.content = buf_bytes(&l->sealed), .attrs = lab_attrs,
		.n_attrs = N(lab_attrs), .signers = &l->signer, .n_signers = 1
	};
	size_t i;

	for (i = 0; i < N(rows); i++) {
		craft_attr(&rows[i], &one);
		assert_int_equal(buf_put(&all, one.p, one.n), 0);
		buf_wipe(&one);
	}
	c.unsigned_attrs = buf_bytes(&all);
	craft_sign(&c, &message);
	http_put_post(&request, LAB_POST, buf_bytes(&message));
	lab_mark(l);
	lab_exchange(l, buf_bytes(&request), &answer);
	lab_check(l, "unsigned attributes", &answer,
	    (struct want)WANT_ISSUED);
	lab_reply(l, "unsigned attributes", &answer, &got);
	assert_string_equal(got.txid, LAB_TXID);
	assert_true(got.nonce_matches);
	scep_got_clear(&got);
	http_answer_clear(&answer);
	buf_wipe(&request);
	buf_wipe(&message);
	buf_wipe(&all);
}

/* A failure is told to the transaction it belongs to, in its own digest. */
static void
test_echo(void **state)
{
	struct lab *l = *state;
	struct craft_attr a = lab_attrs[LAB_ATTR_TYPE];
	struct buf message, request = BUF_INIT(LAB_REQUEST_MAX);
	struct http_answer answer;
	struct scep_got got;

	l->signer.md = EVP_sha512();
	a.value = bytes_str("30");
	sign_with(l, LAB_ATTR_TYPE, &a, 1, &message);
	l->signer.md = EVP_sha256();
	http_put_post(&request, LAB_POST, buf_bytes(&message));
	lab_exchange(l, buf_bytes(&request), &answer);
	lab_reply(l, "echo", &answer, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_string_equal(got.txid, LAB_TXID);
	assert_true(got.nonce_matches);
	assert_int_equal(got.digest, ALG_SHA512);
	scep_got_clear(&got);
	http_answer_clear(&answer);
	buf_wipe(&request);
	buf_wipe(&message);
}

/* ---- the signed layer ---- */

enum signer { LABS, OTHER, RSA512, RSA1024, RSA16384, EC, N_SIGNERS };

#define NO_SIGNER	0x01u
#define TWO_SIGNERS	0x02u
#define NO_ATTRS	0x04u
#define NO_CERTS	0x08u
#define NO_CONTENT	0x10u
#define EMPTY		0x20u
#define WRONG_CERT	0x40u	/* signed by OTHER */
#define NO_TYPE		0x80u	/* attributes of CMS itself */
#define NO_DIGEST	0x100u
#define OTHER_TYPE	0x200u
#define UNSORTED	0x400u	/* as sent, so signed */

#define UNPROVEN	WANT_FAIL(BAD_MESSAGE_CHECK, "signature")

static const struct signed_row {
	const char	*name;
	unsigned	 flags;
	enum signer	 signer;
	const char	*md;
	const char	*content_type;
	struct want	 want;
} signed_rows[] = {
	{ "no signer", NO_SIGNER, LABS, "SHA256", NULL,
	    WANT_HTTP(400, "signers") },
	{ "two signers", TWO_SIGNERS, LABS, "SHA256", NULL,
	    WANT_HTTP(400, "signers") },
	{ "no signed attributes", NO_ATTRS, LABS, "SHA256", NULL,
	    WANT_HTTP(400, "no_signed_attributes") },
	{ "no certificates", NO_CERTS, LABS, "SHA256", NULL,
	    WANT_FAIL(BAD_REQUEST, "no_signer_cert") },
	{ "no content", NO_CONTENT, LABS, "SHA256", NULL,
	    WANT_FAIL(BAD_REQUEST, "not_enveloped") },
	{ "empty content", EMPTY, LABS, "SHA256", NULL,
	    WANT_FAIL(BAD_REQUEST, "not_enveloped") },
	{ "content type signedData", 0, LABS, "SHA256",
	    "1.2.840.113549.1.7.2", WANT_FAIL(BAD_REQUEST, "content_type") },
	{ "content type envelopedData", 0, LABS, "SHA256",
	    "1.2.840.113549.1.7.3", WANT_FAIL(BAD_REQUEST, "content_type") },
	{ "no contentType", NO_TYPE, LABS, "SHA256", NULL, UNPROVEN },
	{ "no messageDigest", NO_DIGEST, LABS, "SHA256", NULL, UNPROVEN },
	{ "another contentType", OTHER_TYPE, LABS, "SHA256", NULL,
	    UNPROVEN },
	{ "MD5", 0, LABS, "MD5", NULL, WANT_FAIL(BAD_ALG, "digest") },
	{ "SHA-224", 0, LABS, "SHA224", NULL, WANT_FAIL(BAD_ALG, "digest") },
	{ "SHA-1", 0, LABS, "SHA1", NULL, WANT_ISSUED },
	{ "SHA-384", 0, LABS, "SHA384", NULL, WANT_ISSUED },
	{ "attributes not sorted", UNSORTED, LABS, "SHA256", NULL,
	    WANT_ISSUED },
	{ "signed by another key", WRONG_CERT, LABS, "SHA256", NULL,
	    UNPROVEN },
	{ "signer with another key", 0, OTHER, "SHA256", NULL,
	    WANT_FAIL(BAD_REQUEST, "key_mismatch") },
	{ "signer of 512 bits", 0, RSA512, "SHA256", NULL,
	    WANT_FAIL(BAD_ALG, "signer_key") },
	{ "signer of 1024 bits", 0, RSA1024, "SHA256", NULL,
	    WANT_FAIL(BAD_REQUEST, "key_mismatch") },
	{ "signer of 16384 bits", WRONG_CERT, RSA16384, "SHA256", NULL,
	    WANT_FAIL(BAD_ALG, "signer_key") },
	{ "signer with EC", 0, EC, "SHA256", NULL,
	    WANT_FAIL(BAD_ALG, "signer_key") },
};

static void
make_signers(const struct lab *l, struct craft_signer *s)
{
	int i;

	memset(s, 0, N_SIGNERS * sizeof(*s));
	s[OTHER].key = craft_rsa(2048);
	s[RSA512].key = craft_rsa(512);
	s[RSA1024].key = craft_rsa(1024);
	s[RSA16384].key = craft_rsa_noise(16384);
	s[EC].key = craft_ec();
	for (i = OTHER; i < N_SIGNERS; i++)
		s[i].cert = craft_cert(s[i].key, i == RSA16384 ?
		    s[OTHER].key : s[i].key, "signer");
	s[LABS] = l->signer;
}

static void
free_signers(struct craft_signer *s)
{
	int i;

	for (i = OTHER; i < N_SIGNERS; i++) {
		EVP_PKEY_free(s[i].key);
		X509_free(s[i].cert);
	}
}

static void
sign_as(const struct lab *l, const struct signed_row *r,
    const struct craft_signer *all, struct buf *out)
{
	struct craft_signer two[2] = { all[r->signer], all[OTHER] };
	struct craft c = {
		.content = buf_bytes(&l->sealed),
		.no_content = r->flags & NO_CONTENT,
		.content_type = r->content_type,
		.attr_type = r->flags & OTHER_TYPE ?
		    "1.2.840.113549.1.7.3" : NULL,
		.no_attr_type = r->flags & NO_TYPE,
		.no_digest = r->flags & NO_DIGEST,
		.attrs = lab_attrs, .n_attrs = N(lab_attrs),
		.signers = two,
		.n_signers = r->flags & NO_SIGNER ? 0 :
		    r->flags & TWO_SIGNERS ? 2 : 1,
		.no_certs = r->flags & (NO_CERTS | NO_SIGNER),
		.unsorted = r->flags & UNSORTED,
	};

	if (r->flags & (NO_CONTENT | EMPTY))
		c.content = bytes_make("", 0);
	if (r->flags & WRONG_CERT)
		two[0].key = all[OTHER].key;
	two[0].md = two[1].md = EVP_get_digestbyname(r->md);
	two[0].no_attrs = r->flags & NO_ATTRS;
	craft_sign(&c, out);
}

static void
test_signed(void **state)
{
	struct craft_signer all[N_SIGNERS];
	struct lab *l = *state;
	const struct signed_row *r;
	struct buf message;

	make_signers(l, all);
	for (r = signed_rows; r < signed_rows + N(signed_rows); r++) {
		sign_as(l, r, all, &message);
		lab_post(l, r->name, buf_bytes(&message), r->want);
		buf_wipe(&message);
	}
	free_signers(all);
	lab_good(l);
}

/* Posts a good request signed with this certificate of the lab's key. */
static void
post_signed_by(struct lab *l, X509 *x, const EVP_MD *md)
{
	const struct craft_signer was = l->signer;
	struct cert *own = l->cert;
	struct err e = { .reason = ERR_NONE };
	struct buf message;
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);

	assert_true(n > 0);
	assert_int_equal(cert_parse(bytes_make(der, (size_t)n), &l->cert,
	    &e), 0);
	l->signer.cert = x;
	l->signer.md = md;
	lab_sign(l, buf_bytes(&l->sealed), &message);
	lab_post(l, EVP_MD_get0_name(md), buf_bytes(&message),
	    (struct want)WANT_ISSUED);
	buf_wipe(&message);
	cert_free(l->cert);
	l->cert = own;
	l->signer = was;
	OPENSSL_free(der);
}

/* A signer's certificate without any extension, and of another name than the
 * request's: many clients have no better one. Some sign it with SHA-1. */
static void
test_bare_signer(void **state)
{
	const EVP_MD *const mds[] = { EVP_sha256(), EVP_sha1() };
	struct lab *l = *state;
	X509 *x = craft_cert(l->pkey, l->pkey, "another name");
	size_t i;

	assert_int_equal(X509_get_ext_count(x), 0);
	for (i = 0; i < N(mds); i++) {
		assert_true(X509_sign(x, l->pkey, mds[i]) > 0);
		post_signed_by(l, x, mds[i]);
	}
	X509_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_signing_time),
		cmocka_unit_test(test_many_attributes),
		cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_bare_signer),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
