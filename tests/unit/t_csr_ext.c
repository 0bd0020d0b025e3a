/*
 * Extensions that a request asks for in more than one place: each counts.
 */
#include "pki_tool.h"

#include <openssl/x509v3.h>

#define PKCS9		"1.2.840.113549.1.9.14"
#define MICROSOFT	"1.3.6.1.4.1.311.2.1.14"
#define DRAFTS		"2.16.840.1.113733.1.9.8"
#define AGAIN		"1.2.840.113549.1.9.99"	/* becomes PKCS9 */

static struct key	*key;

static int
setup(void **state)
{
	(void)state;
	key = tool_key("ec:p256");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	key_free(key);
	return 0;
}

/* An attribute's value; its extensions as in a file of OpenSSL's, "|" between
 * them. */
struct attr {
	const char	*oid;
	const char	*exts;
	bool		 along;		/* one more value of the last one */
};

static void
add(X509_REQ *x, const struct attr *a)
{
	STACK_OF(X509_EXTENSION)	*exts = sk_X509_EXTENSION_new_null();
	char				*text = strdup(a->exts), *at = text;
	char				*line, *name;
	unsigned char			*der = NULL;
	int				 n;

	while ((line = strsep(&at, "|")) != NULL) {
		name = strsep(&line, "=");
		assert_true(sk_X509_EXTENSION_push(exts,
		    X509V3_EXT_nconf(NULL, NULL, name, line)) > 0);
	}
	n = ASN1_item_i2d((const ASN1_VALUE *)exts, &der,
	    ASN1_ITEM_rptr(X509_EXTENSIONS));
	assert_true(n > 0);
	if (a->along)
		assert_int_equal(X509_ATTRIBUTE_set1_data(X509_REQ_get_attr(x,
		    X509_REQ_get_attr_count(x) - 1), V_ASN1_SEQUENCE, der, n),
		    1);
	else
		assert_int_equal(X509_REQ_add1_attr_by_txt(x, a->oid,
		    V_ASN1_SEQUENCE, der, n), 1);
	OPENSSL_free(der);
	free(text);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

static int
parse(const struct attr *a, size_t n, struct csr **out, struct err *e)
{
	X509_REQ	*x = X509_REQ_new();
	struct bytes	 again = LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x63");
	unsigned char	*der = NULL, *at;
	int		 len, rc;

	assert_int_equal(X509_REQ_set_pubkey(x, key_pkey(key)), 1);
	for (size_t i = 0; i < n; i++)
		add(x, &a[i]);
	assert_true(X509_REQ_sign(x, key_pkey(key), EVP_sha256()) > 0);
	assert_true((len = i2d_X509_REQ(x, &der)) > 0);
	/* libcrypto adds no attribute that is there. */
	if ((at = memmem(der, (size_t)len, again.p, again.n)) != NULL)
		at[again.n - 1] = 0x0e;
	rc = csr_parse(bytes_make(der, (size_t)len), out, e);
	OPENSSL_free(der);
	X509_REQ_free(x);
	return rc;
}

/* "dns:a", EKUs, others: what was read, with blanks between. */
static void
show(const struct csr *r, char *out, size_t max)
{
	int	 n = snprintf(out, max, "ku=%u%s%s", r->asked.ku, r->asked.ca ?
	    " ca" : "", *r->asked.sid == '\0' ? "" : " sid");

	for (size_t i = 0; i < r->sans.n; i++)
		n += snprintf(out + n, max - (size_t)n, " %s",
		    r->sans.v[i].text);
	for (size_t i = 0; i < r->asked.n_eku; i++)
		n += snprintf(out + n, max - (size_t)n, " %s",
		    r->asked.eku[i]);
	for (size_t i = 0; i < r->asked.n_other; i++)
		n += snprintf(out + n, max - (size_t)n, " %s",
		    r->asked.other[i]);
}

static void
test_places(void **state)
{
	static const struct {
		struct attr	 v[3];
		size_t		 n;
		const char	*want;
		enum err_reason	 reason;
	} rows[] = {
		{ { { PKCS9, "subjectAltName=DNS:a", false } }, 1,
		    "ku=0 a", ERR_NONE },
		{ { { DRAFTS, "subjectAltName=DNS:a", false } }, 1,
		    "ku=0 a", ERR_NONE },
		{ { { PKCS9, "subjectAltName=DNS:a", false },
		    { MICROSOFT, "1.2.3.4=DER:0500", false } }, 2,
		    "ku=0 a 1.2.3.4", ERR_NONE },
		{ { { MICROSOFT, "subjectAltName=DNS:a", false },
		    { PKCS9, "keyUsage=digitalSignature", false },
		    { DRAFTS, "basicConstraints=CA:TRUE", false } }, 3,
		    "ku=1 ca a", ERR_NONE },
		{ { { PKCS9, "subjectAltName=DNS:a", false },
		    { AGAIN, "1.2.3.4=DER:0500", false } }, 2,
		    "ku=0 a 1.2.3.4", ERR_NONE },
		{ { { PKCS9, "subjectAltName=DNS:a", false },
		    { PKCS9, "extendedKeyUsage=clientAuth", true } }, 2,
		    "ku=0 a 1.3.6.1.5.5.7.3.2", ERR_NONE },
		/* said twice, or two things */
		{ { { PKCS9, "subjectAltName=DNS:a|1.2.3.4=DER:0500", false },
		    { MICROSOFT, "subjectAltName=DNS:a|1.2.3.4=DER:0500",
		    false } }, 2, "ku=0 a 1.2.3.4", ERR_NONE },
		{ { { PKCS9, "1.2.3.4=DER:0500", false },
		    { MICROSOFT, "1.2.3.4=critical,DER:0500", false } }, 2,
		    "ku=0 1.2.3.4 1.2.3.4", ERR_NONE },
		{ { { PKCS9, "subjectAltName=DNS:a", false },
		    { MICROSOFT, "subjectAltName=DNS:b", false } }, 2,
		    "doubled", ERR_CSR },
	};
	char	 text[1024];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct csr	*r = NULL;
		struct err	 e = ERR_INIT;

		if (parse(rows[i].v, rows[i].n, &r, &e) != (rows[i].reason ==
		    ERR_NONE ? 0 : -1))
			fail_msg("row %zu: %s", i, err_text(&e));
		if (rows[i].reason != ERR_NONE) {
			assert_err(&e, rows[i].reason, rows[i].want,
			    rows[i].want);
			continue;
		}
		show(r, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
		csr_free(r);
	}
}

/* In two attributes, each of which is small. */
static void
test_many(void **state)
{
	char		 texts[2][40 * 24] = { "", "" };
	struct attr	 v[2] = {
		{ PKCS9, texts[0], false }, { MICROSOFT, texts[1], false }
	};
	struct csr	*r = NULL;
	struct err	 e = ERR_INIT;

	(void)state;
	/* Those that nobody counts, as no certificate has them from a request. */
	for (int i = 0; i < 80; i++) {
		char	*at = texts[i / 40];

		(void)snprintf(at + strlen(at), sizeof(texts[0]) - strlen(at),
		    "%s2.5.29.14=DER:04%02x", i % 40 == 0 ? "" : "|", i);
	}
	assert_int_equal(parse(v, 1, &r, &e), 0);
	csr_free(r);
	assert_int_equal(parse(v, 2, &r, &e), -1);
	assert_err(&e, ERR_CSR, "too many extensions", "80");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
