/*
 * Messages as clients in the field send them, read from tests/data/messages:
 * decoded, opened, and what is in them found again. tests/tool/messages wrote
 * them.
 */
#include "pki_tool.h"

#include "scep/wrap.h"
#include "util/file.h"

static struct algs		*algs, *legacy;
static struct cert		*ra;
static struct key		*key;
static struct cms_recipient	 us;

static void
read_data(const char *name, struct buf *out)
{
	const char	*top = getenv("srcdir");
	struct err	 e = ERR_INIT;
	char		 path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/data/messages/%s",
	    top != NULL ? top : ".", name);
	buf_init(out, FILE_MAX);
	if (file_read(path, out, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static int
setup(void **state)
{
	char		 des[] = "des", md5[] = "md5";
	char *const	 words[] = { des, md5, NULL };
	struct err	 e = ERR_INIT;
	struct certs	 cs;
	struct buf	 b;

	(void)state;
	read_data("ra.pem", &b);
	assert_int_equal(certs_parse(buf_bytes(&b), &cs, &e), 0);
	ra = cs.v[0];
	free(cs.v);
	buf_wipe(&b);
	read_data("ra.key", &b);
	assert_int_equal(key_parse(buf_bytes(&b), bytes_make("", 0), &key,
	    &e), 0);
	buf_wipe(&b);
	us = (struct cms_recipient){ key, ra };
	assert_int_equal(algs_open(&algs, &e), 0);
	assert_int_equal(algs_open_with(words, NULL, &legacy, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cert_free(ra);
	key_free(key);
	algs_free(algs);
	algs_free(legacy);
	return 0;
}

#define SHORT	16	/* the challenge of most */
#define LONG	5000

static const struct row {
	const char	*name;
	bool		 ber;		/* begins with an indefinite length */
	enum err_reason	 refused;	/* unless legacy algorithms are on */
	enum alg	 digest, signature, cipher, transport;
	const char	*txid;
	size_t		 nonce;
	enum key_type	 key;
	const char	*signer;	/* subject */
	size_t		 serial;	/* octets */
	size_t		 challenge;
	const char	*san;
} rows[] = {
#define AES	ALG_AES128_CBC
#define P1	ALG_RSA_PKCS1
#define SAN	"device.example"
#define DEVICE	"CN=device"
	{ "apple", true, 0, ALG_SHA512, ALG_RSA, AES, P1,
	    "3A7C09DA4B1F08C1AD2B5F0F7C0A9C6B12E84D55", 16, KEY_RSA,
	    "CN=5F0D81A2-74A5-4B09-9F0B-5B7A62C2B9C4", 1, SHORT, SAN },
	{ "apple-2016", true, 0, ALG_SHA1, ALG_RSA, ALG_DES3_CBC, P1,
	    "0B1F08C1AD2B5F0F7C0A9C6B12E84D553A7C09DA", 8, KEY_RSA,
	    "CN=MDM SCEP SIGNER", 1, SHORT, SAN },
	{ "windows", false, 0, ALG_SHA256, ALG_RSA, AES, ALG_RSA_OAEP,
	    "D1F4A7", 16, KEY_RSA, "CN=SCEP Protocol Certificate", 16,
	    SHORT, SAN },
	{ "cisco-ios", false, ERR_DIGEST, ALG_MD5, ALG_RSA, ALG_DES_CBC, P1,
	    "8A9B7C6D5E4F30211203F4E5D6C7B8A9", 16, KEY_RSA,
	    "CN=router.example", 1, SHORT, SAN },
	{ "jscep", true, 0, ALG_SHA512, ALG_RSA_SHA512, AES, P1,
	    "9ae8f1cc2b4e9d9a01d8ad0d5ab2c1b0a1d2e3f4", 16, KEY_RSA, DEVICE,
	    1, SHORT, SAN },
	{ "scepclient", false, ERR_CIPHER, ALG_SHA1, ALG_RSA_SHA1,
	    ALG_DES_CBC, P1, "q83vEjRWeJCrze8SNFZ+kKvN7/I=", 16, KEY_RSA,
	    "CN=SCEP SIGNER", 3, SHORT, SAN },
	{ "sscep", false, 0, ALG_SHA256, ALG_RSA, AES, P1,
	    "F0D18E87CD97B7B58FC3B80D9E0F1A2C", 16, KEY_RSA, DEVICE, 32,
	    SHORT, SAN },
	{ "certmonger", false, 0, ALG_SHA256, ALG_RSA, ALG_AES256_CBC, P1,
	    "9087611240958776611029384756102938475610293847561029384756102938"
	    "4756102938475", 16, KEY_RSA, "CN=host.example", 33, SHORT,
	    SAN },
	{ "strongswan", false, 0, ALG_SHA256, ALG_RSA_SHA256, AES, P1,
	    "81A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4", 16, KEY_RSA, DEVICE,
	    21, SHORT, SAN },
	{ "ski", false, 0, ALG_SHA256, ALG_RSA, ALG_AES192_CBC, P1, "ski",
	    16, KEY_RSA, DEVICE, 1, SHORT, SAN },
	{ "reordered-issuer", false, 0, ALG_SHA256, ALG_RSA, AES, P1,
	    "reordered", 16, KEY_RSA, DEVICE, 1, SHORT, SAN },
	{ "three-recipients", true, 0, ALG_SHA256, ALG_RSA, AES, P1, "three",
	    16, KEY_RSA, DEVICE, 1, SHORT, SAN },
	{ "expired-signer", false, 0, ALG_SHA256, ALG_RSA, AES, P1,
	    "expired", 1, KEY_RSA, DEVICE, 1, SHORT, SAN },
	{ "future-signer", false, 0, ALG_SHA384, ALG_RSA, AES, P1, "future",
	    64, KEY_RSA, DEVICE, 1, SHORT, SAN },
	{ "blank-txid", false, 0, ALG_SHA256, ALG_RSA, AES, P1,
	    "SSCEP transactionId", 16, KEY_RSA, DEVICE, 1, 0, NULL },
	{ "ec-p256", false, 0, ALG_SHA256, ALG_ECDSA_SHA256, AES, P1, "p256",
	    16, KEY_EC, DEVICE, 1, SHORT, SAN },
	{ "ec-p384", false, 0, ALG_SHA384, ALG_ECDSA_SHA384, ALG_AES256_CBC,
	    P1, "p384", 16, KEY_EC, DEVICE, 1, SHORT, SAN },
	{ "ec-p521", false, 0, ALG_SHA512, ALG_ECDSA_SHA512, ALG_AES256_CBC,
	    P1, "p521", 16, KEY_EC, DEVICE, 1, SHORT, SAN },
	{ "ed25519", false, 0, ALG_SHA512, ALG_ED25519, AES, P1, "ed25519",
	    16, KEY_ED25519, DEVICE, 1, SHORT, SAN },
	{ "mldsa44", false, 0, ALG_SHA256, ALG_ML_DSA_44, AES, P1, "mldsa44",
	    16, KEY_MLDSA, DEVICE, 1, SHORT, SAN },
	{ "mldsa65", false, 0, ALG_SHA384, ALG_ML_DSA_65, ALG_AES256_CBC, P1,
	    "mldsa65", 16, KEY_MLDSA, DEVICE, 1, SHORT, SAN },
	{ "mldsa87", false, 0, ALG_SHA512, ALG_ML_DSA_87, ALG_AES256_CBC, P1,
	    "mldsa87", 16, KEY_MLDSA, DEVICE, 1, SHORT, SAN },
#define CHALLENGE(type) \
	{ "challenge-" type, false, 0, ALG_SHA256, ALG_RSA, AES, P1, \
	    "challenge-" type, 16, KEY_RSA, DEVICE, 1, LONG, NULL }
	CHALLENGE("printable"),
	CHALLENGE("utf8"),
	CHALLENGE("t61"),
	CHALLENGE("ia5"),
	CHALLENGE("bmp"),
	CHALLENGE("universal"),
};

static void
load(const struct row *r, struct buf *der)
{
	char	 file[64];

	(void)snprintf(file, sizeof(file), "%s.der", r->name);
	read_data(file, der);
	assert_int_equal(der->p[1] == 0x80, r->ber);
}

static void
check_message(const struct row *r, const struct scep_msg *m)
{
	const struct cert	*s = m->cms.signer;

	if (m->type != SCEP_PKCSREQ || strcmp(m->txid, r->txid) != 0 ||
	    m->n_nonce != r->nonce || m->cms.digest != r->digest ||
	    m->cms.signature != r->signature || s->key.type != r->key ||
	    strcmp(s->subject_text, r->signer) != 0 ||
	    s->serial.n != r->serial)
		fail_msg("%s: type %d, txid %s, nonce of %zu, %s, %s, "
		    "signer %s %s, serial of %zu", r->name, m->type, m->txid,
		    m->n_nonce, alg_name(m->cms.digest),
		    alg_name(m->cms.signature), key_type_name(s->key.type),
		    s->subject_text, s->serial.n);
	for (size_t i = 0; i < m->n_nonce; i++)
		assert_int_equal(m->nonce[i], 'n');
}

static void
check_challenge(const struct row *r, const struct csr *csr)
{
	assert_int_equal(csr->has_challenge, r->challenge > 0);
	if (csr->challenge.n != r->challenge)
		fail_msg("%s: challenge of %zu", r->name, csr->challenge.n);
	if (r->challenge == SHORT)
		assert_memory_equal(csr->challenge.p, "8CE317021F690069",
		    SHORT);
	for (size_t i = 0; r->challenge == LONG && i < LONG; i++)
		assert_int_equal(csr->challenge.p[i], 'A' + i % 26);
}

static void
check_request(const struct row *r, const struct csr *csr,
    struct cms_suite suite)
{
	struct err	 e = ERR_INIT;
	size_t		 at;

	if (suite.cipher != r->cipher || suite.transport != r->transport)
		fail_msg("%s: %s, %s", r->name, alg_name(suite.cipher),
		    alg_name(suite.transport));
	assert_string_equal(csr->subject_text, "CN=device");
	check_challenge(r, csr);
	/* As everybody writes it is as it was sent. */
	assert_int_equal(tool_count(csr->der, csr->key.spki, &at), 1);
	assert_int_equal(csr->sans.n, r->san != NULL);
	if (r->san != NULL)
		assert_string_equal(csr->sans.v[0].text, r->san);
	/* Over the octets as they came, whatever their order. */
	if (csr_verify(csr, &e) != 0)
		fail_msg("%s: %s", r->name, err_text(&e));
}

/* The reply names its recipient as the request's signer names itself. */
static void
check_reply(const struct row *r, const struct scep_msg *m,
    const struct algs *as, struct cms_suite suite)
{
	const struct cert	*s = m->cms.signer;
	const struct cert	*leaf = ra;
	struct buf		 id = BUF_INIT(65536), out = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	size_t			 at;

	if (r->key == KEY_EC)
		suite.transport = alg_agreement(m->cms.digest);
	if (r->key == KEY_RSA || r->key == KEY_EC) {
		if (cms_seal(LIT("x"), s, as, suite, &out, &e) != 0)
			fail_msg("%s: %s", r->name, err_text(&e));
		assert_int_equal(buf_put(&id, s->issuer.p, s->issuer.n), 0);
		assert_int_equal(der_put(&id, V_ASN1_INTEGER, s->serial), 0);
		assert_int_equal(tool_count(buf_bytes(&out), buf_bytes(&id),
		    &at), 1);
	}
	buf_reset(&out);
	if (scep_wrap_success(&(struct scep_reply){ .to = m, .key = key,
	    .cert = ra, .algs = as, .password = r->key == KEY_RSA ||
	    r->key == KEY_EC ? bytes_make(NULL, 0) :
	    bytes_str("8CE317021F690069") }, suite,
	    &leaf, 1, &out, &e) != 0)
		fail_msg("%s: %s", r->name, err_text(&e));
	buf_wipe(&id);
	buf_wipe(&out);
}

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct row	*r = &rows[i];
		const struct algs	*as = r->refused != ERR_NONE ?
					    legacy : algs;
		struct err		 e = ERR_INIT;
		struct cms_suite	 suite = { ALG_NONE, ALG_NONE, 0 };
		struct scep_msg		 m;
		struct csr		*csr = NULL;
		struct buf		 der;

		if (r->key == KEY_MLDSA && !tool_knows("ML-DSA-65"))
			continue;
		load(r, &der);
		if (scep_decode(buf_bytes(&der), as, &m, &e) != 0 ||
		    scep_unwrap(&m, &us, 1, as, &csr, &suite, &e) != 0)
			fail_msg("%s: %s", r->name, err_text(&e));
		check_message(r, &m);
		check_request(r, csr, suite);
		check_reply(r, &m, as, suite);
		csr_free(csr);
		scep_msg_clear(&m);
		buf_wipe(&der);
	}
}

/* Broken algorithms are refused by name where legacy does not name them. */
static void
test_legacy(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct row	*r = &rows[i];
		struct err		 e = ERR_INIT;
		struct cms_suite	 suite = { ALG_NONE, ALG_NONE, 0 };
		struct scep_msg		 m;
		struct csr		*csr = NULL;
		struct buf		 der;

		if (r->refused == ERR_NONE)
			continue;
		load(r, &der);
		if (scep_decode(buf_bytes(&der), algs, &m, &e) == 0)
			assert_int_equal(scep_unwrap(&m, &us, 1, algs, &csr,
			    &suite, &e), -1);
		assert_err(&e, r->refused, r->refused == ERR_DIGEST ? "MD5" :
		    "DES-CBC", r->name);
		assert_true(m.identified);
		assert_int_equal(err_failinfo(e.reason), FAIL_BADALG);
		scep_msg_clear(&m);
		buf_wipe(&der);
	}
}

/* Where libcrypto has no ML-DSA, such keys are of no type that is taken; where
 * it has, the digest must be as strong as the signature. */
static void
test_mldsa(void **state)
{
	static const char *const names[] = {
		"mldsa44", "mldsa65", "mldsa87", "mldsa87-sha256"
	};
	bool			 known = tool_knows("ML-DSA-65");

	(void)state;
	for (size_t i = known ? N(names) - 1 : 0; i < N(names); i++) {
		struct row	 r = { .name = names[i] };
		struct err	 e = ERR_INIT;
		struct scep_msg	 m;
		struct buf	 der;

		load(&r, &der);
		assert_int_equal(scep_decode(buf_bytes(&der), algs, &m, &e),
		    -1);
		assert_err(&e, known ? ERR_SIGNATURE : ERR_SIGNER_KEY,
		    known ? NULL : "other key", r.name);
		assert_true(m.identified);
		scep_msg_clear(&m);
		buf_wipe(&der);
	}
}

/* What makes them worth keeping, on the octets. */
static void
test_habits(void **state)
{
	static const uint8_t	 oaep[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d"
				    "\x01\x01\x07\x30";	/* then 0 */
	static const uint8_t	 parts[] = "\x24\x80\x04\x82\x03\xe8";
	struct buf		 der;
	size_t			 at;

	(void)state;
	read_data("windows.der", &der);
	assert_int_equal(tool_count(buf_bytes(&der),
	    bytes_make(oaep, sizeof(oaep)), &at), 1);
	buf_wipe(&der);
	read_data("apple.der", &der);
	assert_int_equal(tool_count(buf_bytes(&der),
	    bytes_make(parts, sizeof(parts) - 1), &at), 1);
	buf_wipe(&der);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_mldsa),
		cmocka_unit_test(test_habits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
