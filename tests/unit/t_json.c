#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "render/pki.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const struct json_cert plain = {
	.serial = "7c6c1c29",
	.subject = "CN=device-1,O=Example",
	.sans = "dns:a.example\nupn:b@example",
	.endpoint = "scep",
	.profile = "device",
	.issuer = "local",
	.role = "client",
	.txid = "A1B2",
	.challenge = NULL,
	.peer = "192.0.2.7",
	.not_before = 0,
	.not_after = 4102444799,
	.issued_at = 1700000000,
};

#define PLAIN								\
	"{\"serial\": \"7c6c1c29\", "					\
	"\"subject\": \"CN=device-1,O=Example\", "			\
	"\"sans\": [\"dns:a.example\", \"upn:b@example\"], "		\
	"\"not_before\": \"1970-01-01T00:00:00Z\", "			\
	"\"not_after\": \"2099-12-31T23:59:59Z\", "			\
	"\"issued_at\": \"2023-11-14T22:13:20Z\", "			\
	"\"revoked_at\": null, \"revoke_reason\": null, "		\
	"\"endpoint\": \"scep\", \"profile\": \"device\", "		\
	"\"issuer\": \"local\", \"role\": \"client\", "			\
	"\"transaction_id\": \"A1B2\", "				\
	"\"challenge\": null, \"peer\": \"192.0.2.7\", "		\
	"\"supersedes\": null, \"superseded_by\": null, "		\
	"\"migrates\": null}"

/* Prints d on one line, compares, frees it. */
static void
assert_json(struct json *d, const char *want)
{
	struct buf	 b = BUF_INIT(4096);
	struct err	 e = { .reason = ERR_NONE };

	assert_int_equal(json_print(d, JSON_LINE, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(e.reason, ERR_NONE);
	buf_wipe(&b);
	json_free(d);
}

static void
test_values(void **state)
{
	struct json	*d = json_new_object(), *a = json_new_array();

	(void)state;
	json_add_str(a, NULL, "x");
	json_add_int(a, NULL, INT64_MIN);
	json_add_str(d, "s", "q\"\\");
	json_add_str(d, "n", NULL);
	json_add_int(d, "i", INT64_MAX);
	json_add_time(d, "t", 951782400);
	json_add_take(d, "a", a);
	json_add_take(d, "o", json_new_object());
	assert_json(d, "{\"s\": \"q\\\"\\\\\", \"n\": null, "
	    "\"i\": 9223372036854775807, \"t\": \"2000-02-29T00:00:00Z\", "
	    "\"a\": [\"x\", -9223372036854775808], \"o\": {}}");
}

/* Peers' text cannot break the JSON, nor the terminal that shows it. */
static void
test_strings(void **state)
{
	static const struct {
		const char	*in;
		const char	*out;
	} rows[] = {
		{ "", "[\"\"]" },
		{ "\n\r\t\x1b", "[\"\\n\\r\\t\\u001B\"]" },
		{ "\xc3\xbc", "[\"\\u00FC\"]" },
		{ "\xe2\x80\xae", "[\"\\u202E\"]" },
		{ "\xf0\x9f\x94\x91", "[\"\\uD83D\\uDD11\"]" },
		{ "a\xff" "b", "[\"a\\uFFFDb\"]" },
		{ "\xed\xa0\x80", "[\"\\uFFFD\\uFFFD\\uFFFD\"]" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct json	*a = json_new_array();

		json_add_str(a, NULL, rows[i].in);
		assert_json(a, rows[i].out);
	}
}

static void
test_cert(void **state)
{
	struct json_cert	 c = plain;

	(void)state;
	assert_json(json_new_cert(&c), PLAIN);
	c.sans = "";
	c.challenge = "lab";
	c.revoked = true;
	c.revoked_at = 1700000001;
	c.revoke_reason = "keyCompromise";
	c.supersedes = "0a";
	c.superseded_by = "0c";
	c.migrates = "0b of CN=Old CA";
	c.sha256 = "00ff";
	c.pem = "-----BEGIN\n";
	assert_json(json_new_cert(&c),
	    "{\"serial\": \"7c6c1c29\", "
	    "\"subject\": \"CN=device-1,O=Example\", \"sans\": [], "
	    "\"not_before\": \"1970-01-01T00:00:00Z\", "
	    "\"not_after\": \"2099-12-31T23:59:59Z\", "
	    "\"issued_at\": \"2023-11-14T22:13:20Z\", "
	    "\"revoked_at\": \"2023-11-14T22:13:21Z\", "
	    "\"revoke_reason\": \"keyCompromise\", "
	    "\"endpoint\": \"scep\", \"profile\": \"device\", "
	    "\"issuer\": \"local\", \"role\": \"client\", "
	    "\"transaction_id\": \"A1B2\", "
	    "\"challenge\": \"lab\", \"peer\": \"192.0.2.7\", "
	    "\"supersedes\": \"0a\", \"superseded_by\": \"0c\", "
	    "\"migrates\": \"0b of CN=Old CA\", "
	    "\"sha256\": \"00ff\", \"pem\": \"-----BEGIN\\n\"}");
}

static void
test_list(void **state)
{
	static const char *const	 want[] = {
		"[]", "[\n" PLAIN "\n]", "[\n" PLAIN ",\n" PLAIN "\n]"
	};
	struct err			 e = { .reason = ERR_NONE };

	(void)state;
	for (size_t n = 0; n < N(want); n++) {
		struct buf	 b = BUF_INIT(4096);

		for (size_t i = 0; i < n; i++) {
			struct json	*d = json_new_cert(&plain);

			assert_int_equal(json_list_item(i, d, &b, &e), 0);
			json_free(d);
		}
		assert_int_equal(json_list_end(n, &b, &e), 0);
		assert_string_equal(buf_cstr(&b), want[n]);
		buf_wipe(&b);
	}
}

/* A document that lacks a part is not printed at all. */
static void
test_failures(void **state)
{
	struct json	*d = json_new_object();
	struct buf	 small = BUF_INIT(10), b = BUF_INIT(100);
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	json_add_str(NULL, "a", "b");
	json_add_take(NULL, "a", json_new_array());
	assert_int_equal(json_print(NULL, JSON_LINE, &b, &e), -1);
	assert_int_equal(e.reason, ERR_MEMORY);

	err_clear(&e);
	json_add_str(d, "long", "longer than ten");
	assert_int_equal(json_print(d, JSON_PRETTY, &small, &e), -1);
	assert_int_equal(e.reason, ERR_MEMORY);
	assert_int_equal(small.n, 0);

	err_clear(&e);
	json_add_take(d, "lost", NULL);
	assert_int_equal(json_print(d, JSON_PRETTY, &b, &e), -1);
	assert_int_equal(e.reason, ERR_MEMORY);
	assert_int_equal(b.n, 0);
	json_free(d);
	json_free(NULL);
	buf_wipe(&small);
	buf_wipe(&b);
}

static void
test_lists(void **state)
{
	static char	 a[] = "a", b[] = "b \" c";
	char		*const words[] = { a, b, NULL };
	struct json	*d = json_new_object();

	(void)state;
	assert_json(json_new_words(words), "[\"a\", \"b \\\" c\"]");
	assert_json(json_new_words(words + 2), "[]");
	assert_json(json_new_words(NULL), "[]");
	assert_json(json_new_lines("a\nb c\n"), "[\"a\", \"b c\"]");
	assert_json(json_new_lines(""), "[]");
	assert_json(json_new_lines(NULL), "[]");
	json_add_time_if(d, "is", true, 0);
	json_add_time_if(d, "none", false, 1);
	assert_json(d, "{\"is\": \"1970-01-01T00:00:00Z\", \"none\": null}");
}

static void
test_ku(void **state)
{
	(void)state;
	assert_json(json_new_ku(0), "[]");
	assert_json(json_new_ku(CERT_KU_CRL_SIGN | CERT_KU_DIGITAL_SIGNATURE |
	    CERT_KU_KEY_ENCIPHERMENT), "[\"digitalSignature\", "
	    "\"keyEncipherment\", \"cRLSign\"]");
}

static void
test_sans(void **state)
{
	static char		 dns[] = "a.example", other[] = "other";
	struct san		 v[] = {
		{ .kind = SAN_DNS, .text = dns },
		{ .kind = SAN_OTHER, .text = other },
	};
	const struct sans	 both = { v, 2 }, none = { NULL, 0 };

	(void)state;
	assert_json(json_new_sans(&none), "[]");
	assert_json(json_new_sans(&both),
	    "[\"dns:a.example\", \"other:other\"]");
}

/* A name that cannot be written is not left out: the document fails. */
static void
test_sans_lost(void **state)
{
	static char		 text[2 * 1024 * 1024];
	struct san		 v[] = { { .kind = SAN_DNS, .text = text } };
	const struct sans	 sans = { v, 1 };

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_null(json_new_sans(&sans));
}

static void
test_key(void **state)
{
	struct pubkey	 k = { .type = KEY_EC, .bits = 256 };

	(void)state;
	memset(k.spki_hash, 0xab, sizeof(k.spki_hash));
	assert_json(json_new_key(&k), "{\"type\": \"ec\", \"bits\": 256, "
	    "\"sha256\": \"abababababababababababababababab"
	    "abababababababababababababababab\"}");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_ku),
		cmocka_unit_test(test_sans),
		cmocka_unit_test(test_sans_lost),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
