#include "pki_tool.h"

#include "pki/alg.h"

/* What alg.def must say: the table that administrators rely on. */
static const struct {
	const char	*name;
	enum alg_kind	 kind;
	int		 nid;
	bool		 accepted;
	const char	*keyword;
} want[] = {
	{ "AES-128-CBC", ALG_CIPHER, NID_aes_128_cbc, true, "AES" },
	{ "AES-192-CBC", ALG_CIPHER, NID_aes_192_cbc, true, NULL },
	{ "AES-256-CBC", ALG_CIPHER, NID_aes_256_cbc, true, NULL },
	{ "DES-EDE3-CBC", ALG_CIPHER, NID_des_ede3_cbc, true, "DES3" },
	{ "DES-CBC", ALG_CIPHER, NID_des_cbc, false, NULL },
	{ "SHA1", ALG_DIGEST, NID_sha1, true, "SHA-1" },
	{ "SHA256", ALG_DIGEST, NID_sha256, true, "SHA-256" },
	{ "SHA384", ALG_DIGEST, NID_sha384, true, "SHA-384" },
	{ "SHA512", ALG_DIGEST, NID_sha512, true, "SHA-512" },
	{ "MD5", ALG_DIGEST, NID_md5, false, NULL },
	{ "RSAES-PKCS1-v1_5", ALG_TRANSPORT, NID_rsaEncryption, true, NULL },
	{ "RSAES-OAEP", ALG_TRANSPORT, NID_rsaesOaep, true, NULL },
	{ "ECDH-SHA1", ALG_AGREEMENT, NID_dhSinglePass_stdDH_sha1kdf_scheme,
	    true, NULL },
	{ "ECDH-SHA256", ALG_AGREEMENT,
	    NID_dhSinglePass_stdDH_sha256kdf_scheme, true, NULL },
	{ "ECDH-SHA384", ALG_AGREEMENT,
	    NID_dhSinglePass_stdDH_sha384kdf_scheme, true, NULL },
	{ "ECDH-SHA512", ALG_AGREEMENT,
	    NID_dhSinglePass_stdDH_sha512kdf_scheme, true, NULL },
	{ "RSA", ALG_SIGNATURE, NID_rsaEncryption, true, NULL },
	{ "RSA-MD5", ALG_SIGNATURE, NID_md5WithRSAEncryption, false, NULL },
	{ "RSA-SHA1", ALG_SIGNATURE, NID_sha1WithRSAEncryption, true, NULL },
	{ "RSA-SHA256", ALG_SIGNATURE, NID_sha256WithRSAEncryption, true,
	    NULL },
	{ "RSA-SHA384", ALG_SIGNATURE, NID_sha384WithRSAEncryption, true,
	    NULL },
	{ "RSA-SHA512", ALG_SIGNATURE, NID_sha512WithRSAEncryption, true,
	    NULL },
	{ "EC", ALG_SIGNATURE, NID_X9_62_id_ecPublicKey, true, NULL },
	{ "ECDSA-SHA1", ALG_SIGNATURE, NID_ecdsa_with_SHA1, true, NULL },
	{ "ECDSA-SHA256", ALG_SIGNATURE, NID_ecdsa_with_SHA256, true, NULL },
	{ "ECDSA-SHA384", ALG_SIGNATURE, NID_ecdsa_with_SHA384, true, NULL },
	{ "ECDSA-SHA512", ALG_SIGNATURE, NID_ecdsa_with_SHA512, true, NULL },
	{ "Ed25519", ALG_SIGNATURE, NID_ED25519, true, NULL },
	/* These have no NID that all of libcrypto's versions know. */
	{ "ML-DSA-44", ALG_SIGNATURE, -17, true, NULL },
	{ "ML-DSA-65", ALG_SIGNATURE, -18, true, NULL },
	{ "ML-DSA-87", ALG_SIGNATURE, -19, true, NULL },
};

static struct bytes
oid_of(int nid)
{
	static uint8_t		 nist[] = "\x60\x86\x48\x01\x65\x03\x04\x03?";
	const ASN1_OBJECT	*o;

	if (nid < 0) {
		nist[8] = (uint8_t)-nid;
		return bytes_make(nist, 9);
	}
	o = OBJ_nid2obj(nid);

	return bytes_make(OBJ_get0_data(o), OBJ_length(o));
}

static void
test_rows(void **state)
{
	(void)state;
	assert_int_equal(ALG_COUNT, N(want) + 1);
	for (size_t i = 0; i < N(want); i++) {
		enum alg	 a = alg_by_nid(want[i].kind, want[i].nid);
		const char	*word = alg_keyword(a);

		if (a == ALG_NONE || alg_accepted(a) != want[i].accepted ||
		    strcmp(alg_name(a), want[i].name) != 0 ||
		    alg_by_oid(want[i].kind, oid_of(want[i].nid)) != a)
			fail_msg("%s", want[i].name);
		if (want[i].keyword == NULL)
			assert_null(word);
		else
			assert_string_equal(word, want[i].keyword);
	}
}

static void
test_unknown(void **state)
{
	(void)state;
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_rc2_cbc), ALG_NONE);
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_undef), ALG_NONE);
	/* Of another kind: no cipher is a digest. */
	assert_int_equal(alg_by_nid(ALG_DIGEST, NID_aes_128_cbc), ALG_NONE);
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_sha1), ALG_NONE);
	assert_false(alg_accepted(ALG_NONE));
	assert_string_equal(alg_name(ALG_NONE), "unknown");
	/* Next to those of NIST's that are known, and above them. */
	assert_int_equal(alg_by_oid(ALG_SIGNATURE, oid_of(-16)), ALG_NONE);
	assert_int_equal(alg_by_oid(ALG_SIGNATURE, oid_of(-20)), ALG_NONE);
	assert_int_equal(alg_by_oid(ALG_DIGEST, oid_of(-17)), ALG_NONE);
	assert_int_equal(alg_by_oid(ALG_SIGNATURE,
	    bytes_make(oid_of(-17).p, 8)), ALG_NONE);
	assert_int_equal(alg_by_oid(ALG_SIGNATURE, bytes_make("", 0)),
	    ALG_NONE);
}

static void
test_objects(void **state)
{
	struct err	 e = ERR_INIT;
	struct algs	*as = NULL;

	(void)state;
	assert_int_equal(algs_open(&as, &e), 0);
	assert_int_equal(EVP_MD_get_size(algs_md(as, ALG_SHA1)), 20);
	assert_int_equal(EVP_MD_get_size(algs_md(as, ALG_SHA512)), 64);
	assert_int_equal(EVP_CIPHER_get_key_length(algs_cipher(as,
	    ALG_AES192_CBC)), 24);
	assert_int_equal(EVP_CIPHER_get_key_length(algs_cipher(as,
	    ALG_DES3_CBC)), 24);
	/* What is refused has no implementation at hand. */
	assert_null(algs_md(as, ALG_MD5));
	assert_null(algs_cipher(as, ALG_DES_CBC));
	assert_null(algs_md(as, ALG_AES128_CBC));
	algs_free(as);
	algs_free(NULL);
}

/* The settings legacy and refuse of an endpoint. */
static void
test_words(void **state)
{
	char *const	 both[] = { (char *)(uintptr_t)"des",
			    (char *)(uintptr_t)"md5", NULL };
	char *const	 old[] = { (char *)(uintptr_t)"3des",
			    (char *)(uintptr_t)"sha1", NULL };
	const enum alg	 legacy[] = { ALG_DES_CBC, ALG_MD5, ALG_RSA_MD5 };
	const enum alg	 refused[] = { ALG_DES3_CBC, ALG_SHA1, ALG_RSA_SHA1,
			    ALG_ECDSA_SHA1, ALG_ECDH_SHA1 };
	struct err	 e = ERR_INIT;
	struct algs	*as = NULL;
	size_t		 i;

	(void)state;
	assert_int_equal(algs_open(&as, &e), 0);
	assert_false(algs_legacy(as));
	for (i = 0; i < N(legacy); i++)
		assert_false(algs_accept(as, legacy[i]));
	for (i = 0; i < N(refused); i++)
		assert_true(algs_accept(as, refused[i]));
	assert_false(algs_accept(as, ALG_NONE));
	algs_free(as);
	assert_int_equal(algs_open_with(both, old, &as, &e), 0);
	assert_true(algs_legacy(as));
	for (i = 0; i < N(legacy); i++)
		assert_true(algs_accept(as, legacy[i]));
	for (i = 0; i < N(refused); i++)
		assert_false(algs_accept(as, refused[i]));
	assert_true(algs_accept(as, ALG_AES128_CBC));
	assert_int_equal(EVP_MD_get_size(algs_md(as, ALG_MD5)), 16);
	assert_int_equal(algs_block(as, ALG_DES_CBC), 8);
	assert_int_equal(algs_block(as, ALG_AES128_CBC), 16);
	assert_int_equal(algs_block(as, ALG_DES3_CBC), 0);
	/* Only single DES is found apart, and nobody else finds it. */
	assert_non_null(algs_ctx(as, ALG_DES_CBC));
	assert_null(algs_ctx(as, ALG_AES128_CBC));
	assert_null(algs_ctx(as, ALG_MD5));
	assert_null(EVP_CIPHER_fetch(NULL, "DES-CBC", NULL));
	algs_free(as);
}

/* Each word is for one of the two. */
static void
test_bad_words(void **state)
{
	static const struct {
		const char	*legacy, *refuse;
	} bad[] = {
		{ "3des", NULL }, { "sha1", NULL }, { "", NULL },
		{ "rc4", NULL }, { NULL, "des" }, { NULL, "md5" },
		{ NULL, "aes" }, { NULL, "SHA1" },
	};
	struct algs	*as = NULL;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		char *const	 l[] = { (char *)(uintptr_t)bad[i].legacy,
				    NULL };
		char *const	 r[] = { (char *)(uintptr_t)bad[i].refuse,
				    NULL };
		struct err	 e = ERR_INIT;

		assert_int_equal(algs_open_with(l, r, &as, &e), -1);
		assert_err(&e, ERR_CONFIG, bad[i].legacy != NULL ? "legacy" :
		    "refuse", "word");
		assert_null(as);
	}
}

static void
test_agreement(void **state)
{
	(void)state;
	assert_int_equal(alg_agreement(ALG_SHA1), ALG_ECDH_SHA1);
	assert_int_equal(alg_agreement(ALG_SHA256), ALG_ECDH_SHA256);
	assert_int_equal(alg_agreement(ALG_SHA384), ALG_ECDH_SHA384);
	assert_int_equal(alg_agreement(ALG_SHA512), ALG_ECDH_SHA512);
	assert_int_equal(alg_agreement(ALG_MD5), ALG_ECDH_SHA256);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
