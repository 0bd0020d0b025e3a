#include "pki_tool.h"

#include "pki/secret.h"
#include "util/str.h"

/* scrypt of "open sesame" with salt "0123456789abcdef", made by the test. */
static void
cheap(const char *secret, unsigned ln, unsigned r, unsigned p, char *out,
    size_t size)
{
	static const char	 salt[] = "0123456789abcdef";
	struct buf		 b = BUF_INIT(SECRET_HASH_MAX);
	uint8_t			 hash[32];

	assert_int_equal(EVP_PBE_scrypt(secret, strlen(secret),
	    (const unsigned char *)salt, 16, UINT64_C(1) << ln, r, p,
	    1u << 28, hash, sizeof(hash)), 1);
	assert_int_equal(str_base64(bytes_make(salt, 16), &b), 0);
	b.n -= 2;			/* padding */
	assert_int_equal(buf_putc(&b, '$'), 0);
	assert_int_equal(str_base64(bytes_make(hash, 32), &b), 0);
	b.n--;
	assert_true((size_t)snprintf(out, size, "$scrypt$ln=%u,r=%u,p=%u$%.*s",
	    ln, r, p, (int)b.n, (const char *)b.p) < size);
	buf_wipe(&b);
}

static bool
matches(const char *secret, const char *hash)
{
	struct err	 e = ERR_INIT;
	bool		 match = false;

	if (secret_verify(bytes_str(secret), hash, &match, &e) != 0)
		fail_msg("%s", err_text(&e));
	return match;
}

static void
test_hash(void **state)
{
	char		 a[SECRET_HASH_MAX], b[SECRET_HASH_MAX];
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(secret_hash(bytes_str("open sesame"), a, &e), 0);
	assert_int_equal(secret_hash(bytes_str("open sesame"), b, &e), 0);
	assert_string_not_equal(a, b);		/* salted */
	assert_int_equal(strncmp(a, "$scrypt$ln=14,r=8,p=1$", 22), 0);
	assert_int_equal(strlen(a), 22 + 22 + 1 + 43);
	assert_int_equal(secret_check(a, &e), 0);
	assert_true(matches("open sesame", a));
	assert_false(matches("open sesame ", a));
}

static void
test_other_costs(void **state)
{
	static const unsigned rows[][3] = {
		{ 10, 8, 1 }, { 11, 1, 4 }, { 10, 8, 2 }
	};
	char	 hash[SECRET_HASH_MAX];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		cheap("open sesame", rows[i][0], rows[i][1], rows[i][2], hash,
		    sizeof(hash));
		assert_true(matches("open sesame", hash));
		assert_false(matches("open sesam", hash));
		assert_false(matches("Open sesame", hash));
		assert_false(matches("", hash));
	}
}

#define SALT	"MDEyMzQ1Njc4OWFiY2RlZg"
#define HASH	"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"

static void
test_malformed(void **state)
{
	static const struct { const char *hash, *text; } rows[] = {
		{ "", "not a hash of the form" },
		{ "secret", "not a hash of the form" },
		{ "$scrypt$", "make one with: scepctl challenge hash" },
		{ "$scrypt$ln=14,r=8$" SALT "$" HASH, "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT, "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT "$", "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$$" HASH, "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$c2FsdA$" HASH, "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT "$qqqq", "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT "$" HASH "qqqq", "not a" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT "$" HASH "$", "not a hash" },
		{ "$scrypt$ln=14,r=8,p=1$" SALT "$%%%" HASH, "not a hash" },
		{ "$2b$ln=14,r=8,p=1$" SALT "$" HASH, "not a hash" },
		{ "$scrypt$ln=9,r=8,p=1$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=18,r=8,p=1$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=99,r=8,p=1$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=14,r=0,p=1$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=14,r=9,p=1$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=14,r=8,p=0$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=14,r=8,p=5$" SALT "$" HASH, "out of range" },
		{ "$scrypt$ln=114,r=8,p=1$" SALT "$" HASH, "not a hash" },
		{ "$scrypt$ln=-4,r=8,p=1$" SALT "$" HASH, "" },
	};
	struct err	 e = ERR_INIT;
	bool		 match;

	(void)state;
	assert_int_equal(secret_check("$scrypt$ln=14,r=8,p=1$" SALT "$" HASH,
	    &e), 0);
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		if (secret_check(rows[i].hash, &e) != -1)
			fail_msg("accepted: %s", rows[i].hash);
		assert_err(&e, ERR_CONFIG, rows[i].text, rows[i].hash);
		err_clear(&e);
		match = true;
		assert_int_equal(secret_verify(bytes_str("x"), rows[i].hash,
		    &match, &e), -1);
		assert_true(match);
		assert_int_equal(e.reason, ERR_CONFIG);
	}
}

/* RFC 4231, test case 2 has a shorter key; this is its case 1 padded. */
static void
test_mac(void **state)
{
	uint8_t		 key[SECRET_MAC] = { 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
	    0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
	    0x0b, 0x0b, 0x0b, 0x0b };
	uint8_t		 mac[SECRET_MAC], other[SECRET_MAC];
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(secret_mac(key, bytes_str("Hi There"), mac, &e), 0);
	assert_true(bytes_eq(bytes_make(mac, sizeof(mac)), tool_hex(
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7")));
	key[31] = 1;
	assert_int_equal(secret_mac(key, bytes_str("Hi There"), other, &e), 0);
	assert_memory_not_equal(mac, other, sizeof(mac));
	assert_int_equal(secret_mac(key, bytes_make(NULL, 0), mac, &e), 0);
}

static void
test_digest_and_random(void **state)
{
	uint8_t		 a[32], b[32];
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(secret_sha256(bytes_str("abc"), a, &e), 0);
	assert_true(bytes_eq(bytes_make(a, 32), tool_hex(
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad")));
	assert_int_equal(secret_random(a, sizeof(a), &e), 0);
	assert_int_equal(secret_random(b, sizeof(b), &e), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_other_costs),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_digest_and_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
