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
};

static void
test_rows(void **state)
{
	(void)state;
	assert_int_equal(ALG_COUNT, N(want) + 1);
	for (size_t i = 0; i < N(want); i++) {
		enum alg	 a = alg_by_name(want[i].name);
		const char	*word = alg_keyword(a);

		if (a == ALG_NONE || alg_accepted(a) != want[i].accepted ||
		    strcmp(alg_name(a), want[i].name) != 0 ||
		    alg_by_nid(want[i].kind, want[i].nid) != a)
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
	assert_int_equal(alg_by_name("rot13"), ALG_NONE);
	assert_int_equal(alg_by_name(""), ALG_NONE);
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_rc2_cbc), ALG_NONE);
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_undef), ALG_NONE);
	/* Of another kind: no cipher is a digest. */
	assert_int_equal(alg_by_nid(ALG_DIGEST, NID_aes_128_cbc), ALG_NONE);
	assert_int_equal(alg_by_nid(ALG_CIPHER, NID_sha1), ALG_NONE);
	assert_false(alg_accepted(ALG_NONE));
	assert_string_equal(alg_name(ALG_NONE), "unknown");
	assert_int_equal(alg_by_name("aes-128-cbc"), ALG_AES128_CBC);
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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
