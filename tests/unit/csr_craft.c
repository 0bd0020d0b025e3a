#include "csr_craft.h"

#include <openssl/x509v3.h>

struct bytes
csr_craft_oid(void)
{
	return LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07");
}

struct bytes
csr_craft_xoid(void)
{
	return LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x63");
}

static void
set_subject(X509_REQ *x, struct bytes der)
{
	const unsigned char	*p = der.p;
	X509_NAME		*name;

	if (der.n == 0) {
		name = X509_NAME_new();
		assert_int_equal(X509_NAME_add_entry_by_NID(name,
		    NID_commonName, MBSTRING_UTF8, (const unsigned char *)"x",
		    -1, -1, 0), 1);
	} else {
		name = d2i_X509_NAME(NULL, &p, (long)der.n);
		assert_non_null(name);
	}
	assert_int_equal(X509_REQ_set_subject_name(x, name), 1);
	X509_NAME_free(name);
}

static void
add_attr(X509_REQ *x, const char *oid, int tag, struct bytes value, int n)
{
	X509_ATTRIBUTE	*a;

	a = X509_ATTRIBUTE_create_by_txt(NULL, oid, tag, value.n == 0 ?
	    (const unsigned char *)"" : value.p, (int)value.n);
	assert_non_null(a);
	for (; n > 1; n--)
		assert_int_equal(X509_ATTRIBUTE_set1_data(a, tag, value.p,
		    (int)value.n), 1);
	assert_int_equal(X509_REQ_add1_attr(x, a), 1);
	X509_ATTRIBUTE_free(a);
}

static void
push(STACK_OF(X509_EXTENSION) *exts, X509_EXTENSION *ext)
{
	assert_non_null(ext);
	assert_true(sk_X509_EXTENSION_push(exts, ext) > 0);
}

/* "name=value", as in a file of OpenSSL's */
static void
push_text(STACK_OF(X509_EXTENSION) *exts, const char *text)
{
	const char	*eq = strchr(text, '=');
	char		 name[64];

	(void)snprintf(name, sizeof(name), "%.*s", (int)(eq - text), text);
	push(exts, X509V3_EXT_nconf(NULL, NULL, name, eq + 1));
}

static void
add_exts(X509_REQ *x, const struct csr_craft *c)
{
	STACK_OF(X509_EXTENSION)	*exts = sk_X509_EXTENSION_new_null();
	ASN1_OCTET_STRING		*os = ASN1_OCTET_STRING_new();
	int				 nid = c->ext_nid;

	if (c->sans.n > 0) {
		assert_int_equal(ASN1_OCTET_STRING_set(os, c->sans.p,
		    (int)c->sans.n), 1);
		push(exts, X509_EXTENSION_create_by_NID(NULL,
		    NID_subject_alt_name, 0, os));
	}
	if (c->more != NULL)
		push_text(exts, c->more);
	for (size_t i = 0; i < N(c->also) && c->also[i] != NULL; i++)
		push_text(exts, c->also[i]);
	assert_int_equal(X509_REQ_add_extensions_nid(x, exts, nid == 0 ?
	    NID_ext_req : nid), 1);
	ASN1_OCTET_STRING_free(os);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

void
csr_craft(const struct csr_craft *c, struct buf *out)
{
	X509_REQ	*x = X509_REQ_new();
	unsigned char	*der = NULL;
	int		 n;

	assert_int_equal(X509_REQ_set_pubkey(x, key_pkey(c->key)), 1);
	set_subject(x, c->subject);
	if (c->challenge_tag != 0)
		add_attr(x, "1.2.840.113549.1.9.7", c->challenge_tag,
		    c->challenge, c->n_challenges);
	if (c->other.n > 0)
		add_attr(x, "1.2.840.113549.1.9.99", V_ASN1_PRINTABLESTRING,
		    c->other, 1);
	if (c->sans.n > 0 || c->more != NULL)
		add_exts(x, c);
	assert_true(X509_REQ_sign(x, key_pkey(c->key), EVP_sha256()) > 0);
	assert_true((n = i2d_X509_REQ(x, &der)) > 0);
	assert_int_equal(buf_put(out, der, (size_t)n), 0);
	OPENSSL_free(der);
	X509_REQ_free(x);
}

void
csr_put(struct buf *out, unsigned char tag, struct bytes content)
{
	assert_int_equal(der_put(out, tag, content), 0);
}
