/*
 * Envelopes and certificate requests that are wrong in one way each, inside a
 * signed layer that is right. Each is refused with the right failInfo, in one
 * line of the log, and leaves nothing behind; then the server enrolls as
 * before.
 */
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define LONG		70000
#define WRONG_SECRET	"Wrong-0DB5E1F7"

#define NOT_ENVELOPED	WANT_FAIL(BAD_REQUEST, "not_enveloped")
#define INTEGRITY	WANT_FAIL(BAD_MESSAGE_CHECK, "integrity")
/* Told to the client as that is, whatever the log knows. */
#define UNPROVEN	WANT_FAIL(BAD_MESSAGE_CHECK, "csr_signature")

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
	struct lab *l = *state;
	char *log = server_log_since(&l->server, 0);

	assert_null(strstr(log, WRONG_SECRET));
	free(log);
	lab_close(l);
	free(l);
	return 0;
}

/* Posts what is signed over this content. */
static void
post_content(struct lab *l, const char *name, struct bytes content,
    struct want want)
{
	struct buf message;

	lab_sign(l, content, &message);
	lab_post(l, name, buf_bytes(&message), want);
	buf_wipe(&message);
}

/* Posts what is enveloped around these bytes. */
static void
post_inside(struct lab *l, const char *name, struct bytes plain,
    struct want want)
{
	struct buf message;

	lab_wrap(l, plain, &message);
	lab_post(l, name, buf_bytes(&message), want);
	buf_wipe(&message);
}

/* ---- the envelope ---- */

#define RSA	"1.2.840.113549.1.1.1"
#define RSA_KEM	"1.2.840.113549.1.9.16.3.14"
#define AES	"2.16.840.1.101.3.4.1.2"

/* The RA's name and serial over another key. */
static X509 *
false_ra(const struct lab *l)
{
	EVP_PKEY *key = craft_rsa(2048);
	X509 *x = X509_dup(l->ra->x);

	assert_non_null(x);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	EVP_PKEY_free(key);
	return x;
}

static void
test_sealed(void **state)
{
	struct lab *l = *state;
	X509 *false_one = false_ra(l);
	const struct {
		const char		*name;
		enum craft_for		 how;
		X509			*to;
		const EVP_CIPHER	*cipher;
		struct want		 want;
	} rows[] = {
		{ "for another certificate", CRAFT_RSA, l->cert->x,
		    EVP_aes_128_cbc(), WANT_FAIL(BAD_CERT_ID, "recipient") },
		{ "for another key", CRAFT_RSA, false_one,
		    EVP_aes_128_cbc(), INTEGRITY },
		{ "OAEP for another key", CRAFT_OAEP, false_one,
		    EVP_aes_128_cbc(), INTEGRITY },
		{ "for a key encryption key", CRAFT_KEK, l->ra->x,
		    EVP_aes_128_cbc(), WANT_FAIL(BAD_ALG, "recipient_kind") },
		{ "for a password", CRAFT_PASSWORD, l->ra->x,
		    EVP_aes_128_cbc(), WANT_FAIL(BAD_ALG, "recipient_kind") },
		{ "AuthEnvelopedData", CRAFT_RSA, l->ra->x,
		    EVP_aes_128_gcm(), WANT_FAIL(BAD_ALG, "cipher") },
		{ "Camellia", CRAFT_RSA, l->ra->x,
		    EVP_camellia_128_cbc(), WANT_FAIL(BAD_ALG, "cipher") },
		{ "3DES", CRAFT_RSA, l->ra->x,
		    EVP_des_ede3_cbc(), WANT_ISSUED },
		{ "AES-256 and OAEP", CRAFT_OAEP, l->ra->x,
		    EVP_aes_256_cbc(), WANT_ISSUED },
	};
	struct buf sealed;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		craft_seal(buf_bytes(&l->csr), rows[i].how, rows[i].to,
		    rows[i].cipher, &sealed);
		post_content(l, rows[i].name, buf_bytes(&sealed),
		    rows[i].want);
		buf_wipe(&sealed);
	}
	X509_free(false_one);
	lab_good(l);
}

static void
test_claimed(void **state)
{
	static const struct {
		const char	*name;
		const char	*transport;
		const char	*cipher;
		struct want	 want;
	} rows[] = {
		{ "DES", RSA, "1.3.14.3.2.7", WANT_FAIL(BAD_ALG, "cipher") },
		{ "RC2", RSA, "1.2.840.113549.3.2",
		    WANT_FAIL(BAD_ALG, "cipher") },
		{ "RC4", RSA, "1.2.840.113549.3.4",
		    WANT_FAIL(BAD_ALG, "cipher") },
		{ "cipher of no name", RSA, "1.2.3.4",
		    WANT_FAIL(BAD_ALG, "cipher") },
		{ "RSA-KEM", RSA_KEM, AES,
		    WANT_FAIL(BAD_ALG, "key_transport") },
		{ "noise", RSA, AES, INTEGRITY },
		{ "noise in 3DES", RSA, "1.2.840.113549.3.7", INTEGRITY },
	};
	struct lab *l = *state;
	struct buf sealed;
	size_t i;

	for (i = 0; i < N(rows); i++) {
		craft_seal_noise(rows[i].transport, rows[i].cipher,
		    l->ra->x, &sealed);
		post_content(l, rows[i].name, buf_bytes(&sealed),
		    rows[i].want);
		buf_wipe(&sealed);
	}
	lab_good(l);
}

static void
test_no_envelope(void **state)
{
	struct lab *l = *state;
	struct buf deep, other;
	size_t i;
	char name[48];

	post_content(l, "unencrypted request", buf_bytes(&l->csr),
	    (struct want)NOT_ENVELOPED);
	post_content(l, "text", bytes_str("MIIB"),
	    (struct want)NOT_ENVELOPED);
	lab_sign(l, buf_bytes(&l->sealed), &other);
	post_content(l, "SignedData", buf_bytes(&other),
	    (struct want)NOT_ENVELOPED);
	buf_wipe(&other);
	buf_init(&other, CRAFT_MAX);
	assert_int_equal(buf_put(&other, l->sealed.p, l->sealed.n), 0);
	assert_int_equal(buf_putc(&other, 0), 0);
	post_content(l, "trailing byte", buf_bytes(&other),
	    (struct want)NOT_ENVELOPED);
	buf_wipe(&other);
	for (i = 1; i < 16; i++) {
		(void)snprintf(name, sizeof(name), "envelope cut at %zu/16",
		    i);
		post_content(l, name, bytes_make(l->sealed.p,
		    l->sealed.n * i / 16), (struct want)NOT_ENVELOPED);
	}
	craft_nest(10000, false, &deep);
	post_content(l, "nested", buf_bytes(&deep),
	    (struct want)WANT_FAIL(BAD_REQUEST, "structure"));
	buf_wipe(&deep);
	lab_good(l);
}

/* ---- what is in the envelope ---- */

static void
test_no_request(void **state)
{
	struct lab *l = *state;
	struct buf b = BUF_INIT(CRAFT_MAX);
	size_t i;
	char name[48];

	post_inside(l, "nothing", bytes_make("", 0), (struct want)INTEGRITY);
	post_inside(l, "text", bytes_str("no request"),
	    (struct want)INTEGRITY);
	post_inside(l, "certificate", l->ra->der, (struct want)INTEGRITY);
	post_inside(l, "envelope", buf_bytes(&l->sealed),
	    (struct want)INTEGRITY);
	assert_int_equal(buf_put(&b, l->csr.p, l->csr.n), 0);
	assert_int_equal(buf_putc(&b, 0), 0);
	post_inside(l, "trailing byte", buf_bytes(&b),
	    (struct want)INTEGRITY);
	buf_wipe(&b);
	for (i = 1; i < 16; i++) {
		(void)snprintf(name, sizeof(name), "request cut at %zu/16",
		    i);
		post_inside(l, name, bytes_make(l->csr.p, l->csr.n * i / 16),
		    (struct want)INTEGRITY);
	}
	craft_nest(10000, false, &b);
	post_inside(l, "nested", buf_bytes(&b), (struct want)INTEGRITY);
	buf_wipe(&b);
	craft_nest(10000, true, &b);
	post_inside(l, "nested without end", buf_bytes(&b),
	    (struct want)INTEGRITY);
	buf_wipe(&b);
	lab_good(l);
}

static void
post_csr(struct lab *l, const char *name, const struct craft_csr *c,
    struct want want)
{
	struct buf csr;

	craft_csr(c, &csr);
	post_inside(l, name, buf_bytes(&csr), want);
	buf_wipe(&csr);
}

#define CSR_KEY		WANT_FAIL(BAD_ALG, "csr_key")

static void
test_keys(void **state)
{
	struct lab *l = *state;
	EVP_PKEY *other = craft_rsa(2048);
	const struct {
		const char	*name;
		EVP_PKEY	*key;
		bool		 falsely;	/* signed by another */
		struct want	 want;
	} rows[] = {
		{ "RSA of 512 bits", craft_rsa(512), false, CSR_KEY },
		{ "RSA of 1024 bits", craft_rsa(1024), false, CSR_KEY },
		{ "RSA of 16384 bits", craft_rsa_noise(16384), true,
		    UNPROVEN },
		{ "EC", craft_ec(), false, CSR_KEY },
		{ "another key than the signer's", craft_rsa(2048), false,
		    WANT_FAIL(BAD_REQUEST, "key_mismatch") },
		{ "signature by another key", craft_rsa(2048), true,
		    UNPROVEN },
	};
	struct craft_csr c = { .cn = bytes_str("keys") };
	size_t i;

	c.challenge = SERVER_CHALLENGE;
	for (i = 0; i < N(rows); i++) {
		c.key = rows[i].key;
		c.signer = rows[i].falsely ? other : NULL;
		post_csr(l, rows[i].name, &c, rows[i].want);
		EVP_PKEY_free(rows[i].key);
	}
	c.key = l->pkey;
	c.signer = other;
	post_csr(l, "the signer's key, signature by another", &c,
	    (struct want)UNPROVEN);
	EVP_PKEY_free(other);
	lab_good(l);
}

/* Every byte of the signature counts. */
static void
test_signature(void **state)
{
	struct lab *l = *state;
	size_t i;

	for (i = 1; i <= 256; i += 51) {
		l->csr.p[l->csr.n - i] ^= 0x10;
		post_inside(l, "broken signature", buf_bytes(&l->csr),
		    (struct want)UNPROVEN);
		l->csr.p[l->csr.n - i] ^= 0x10;
	}
	lab_good(l);
}

static void
test_challenges(void **state)
{
	static char huge[8200];
	static const struct {
		const char	*name;
		const char	*challenge;
		struct want	 want;
	} rows[] = {
		{ "no challenge", NULL,
		    WANT_FAIL(BAD_REQUEST, "challenge_missing") },
		{ "empty challenge", "",
		    WANT_FAIL(BAD_REQUEST, "challenge_missing") },
		{ "blank challenge", " ",
		    WANT_FAIL(BAD_REQUEST, "challenge_wrong") },
		{ "challenge and a blank", SERVER_CHALLENGE " ",
		    WANT_FAIL(BAD_REQUEST, "challenge_wrong") },
		{ "wrong challenge", WRONG_SECRET,
		    WANT_FAIL(BAD_REQUEST, "challenge_wrong") },
		{ "challenge and more", SERVER_CHALLENGE "x",
		    WANT_FAIL(BAD_REQUEST, "challenge_wrong") },
		{ "challenge of 5 KB", huge + sizeof(huge) - 5001,
		    WANT_FAIL(BAD_REQUEST, "challenge_wrong") },
		{ "challenge too long", huge,
		    WANT_FAIL(BAD_MESSAGE_CHECK, "csr") },
		{ "challenge", SERVER_CHALLENGE, WANT_ISSUED },
	};
	struct lab *l = *state;
	struct craft_csr c = { .cn = bytes_str("challenges") };
	size_t i;

	memset(huge, 'y', sizeof(huge) - 1);
	c.key = l->pkey;
	for (i = 0; i < N(rows); i++) {
		c.challenge = rows[i].challenge;
		post_csr(l, rows[i].name, &c, rows[i].want);
	}
	lab_good(l);
}

/* A challenge counts in the request alone; server_stop() looks for it in the
 * log. */
static void
test_challenge_elsewhere(void **state)
{
	static const char head[] = "POST " LAB_POST "&challenge="
	    SERVER_CHALLENGE "&challengePassword=" SERVER_CHALLENGE
	    " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
	    SERVER_CHALLENGE "\r\nX-Challenge: " SERVER_CHALLENGE
	    "\r\nContent-Length: ";
	struct lab *l = *state;
	struct craft_csr c = { .cn = bytes_str("elsewhere") };
	struct buf request = BUF_INIT(LAB_REQUEST_MAX), csr, message;
	struct http_answer a;

	c.key = l->pkey;
	craft_csr(&c, &csr);
	lab_wrap(l, buf_bytes(&csr), &message);
	assert_int_equal(buf_printf(&request, "%s%zu\r\n\r\n", head,
	    message.n), 0);
	assert_int_equal(buf_put(&request, message.p, message.n), 0);
	lab_mark(l);
	lab_exchange(l, buf_bytes(&request), &a);
	lab_check(l, "challenge elsewhere", &a,
	    (struct want)WANT_FAIL(BAD_REQUEST, "challenge_missing"));
	http_answer_clear(&a);
	buf_wipe(&request);
	buf_wipe(&csr);
	buf_wipe(&message);
	lab_good(l);
}

#define SUBJECT		WANT_FAIL(BAD_REQUEST, "subject")

static void
test_names(void **state)
{
	static const struct {
		const char	*name;
		const char	*cn;
		size_t		 n;
		struct want	 want;
	} rows[] = {
		{ "CN of 64 KiB", long_text, 65536,
		    WANT_HTTP(413, "body_too_big") },
		{ "CN of 40 KB", long_text, 40000, SUBJECT },
		{ "CN with NUL", "good\0.evil", 10, SUBJECT },
		{ "CN with newline", "a\nevent=request outcome=issued", 30,
		    SUBJECT },
		{ "CN with escape", "\033[2Ja", 5, SUBJECT },
		{ "CN with DEL", "a\177", 2, SUBJECT },
		{ "CN turned around", "a\342\200\256b", 5, SUBJECT },
		{ "CN that climbs", "../../x", 7, SUBJECT },
		{ "CN that climbs in Windows", "..\\..\\x", 7, SUBJECT },
		{ "CN empty", "", 0, SUBJECT },
		{ "CN", "d\303\251vice 1/2 \"x\"=<y>", 19, WANT_ISSUED },
	};
	struct lab *l = *state;
	struct craft_csr c = { .challenge = SERVER_CHALLENGE };
	size_t i;

	c.key = l->pkey;
	for (i = 0; i < N(rows); i++) {
		c.cn = bytes_make(rows[i].cn, rows[i].n);
		post_csr(l, rows[i].name, &c, rows[i].want);
	}
	lab_good(l);
}

/* libcrypto makes no such name, and takes none for a name. */
static void
test_not_utf8(void **state)
{
	struct craft_csr c = {
		.cn = bytes_str("\001\002"), .challenge = SERVER_CHALLENGE
	};
	struct lab *l = *state;
	struct buf csr;
	uint8_t *at;

	c.key = l->pkey;
	craft_csr(&c, &csr);
	at = memmem(csr.p, csr.n, "\001\002", 2);
	assert_non_null(at);
	memcpy(at, "\377\376", 2);
	post_inside(l, "CN not UTF-8", buf_bytes(&csr),
	    (struct want)INTEGRITY);
	buf_wipe(&csr);
	lab_good(l);
}

/* ---- a server that takes larger bodies ---- */

static void
test_large(void **state)
{
	struct craft_csr c = { .challenge = SERVER_CHALLENGE };
	struct buf b = BUF_INIT(CRAFT_MAX);
	struct lab l;

	(void)state;
	lab_open(&l, "max_body = 1048576;", 0);
	c.key = l.pkey;
	c.cn = bytes_make(long_text, 65536);
	post_csr(&l, "CN of 64 KiB", &c, (struct want)INTEGRITY);
	c.cn = bytes_make(long_text, 64000);
	post_csr(&l, "CN of 64000", &c, (struct want)SUBJECT);
	while (b.n < 300000)
		assert_int_equal(buf_put(&b, long_text, 10000), 0);
	post_content(&l, "300 KB", buf_bytes(&b),
	    (struct want)WANT_HTTP(413, "body_too_big"));
	b.n = 200000;
	post_content(&l, "200 KB", buf_bytes(&b), (struct want)NOT_ENVELOPED);
	buf_wipe(&b);
	lab_good(&l);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_claimed),
		cmocka_unit_test(test_no_envelope),
		cmocka_unit_test(test_no_request),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_challenge_elsewhere),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
