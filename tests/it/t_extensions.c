/*
 * Requests that ask for more than a device should have. What is issued holds
 * the profile's usages and the names that it takes, whatever the request says.
 */
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define MAX_EXTS	3

/* DER of extension values */
#define SID_EXT		"1.3.6.1.4.1.311.25.2"
#define SID_VALUE	"\x30\x3f\xa0\x3d\x06\x0a\x2b\x06\x01\x04\x01\x82\x37" \
			"\x19\x02\x01\xa0\x2f\x04\x2d" \
			"S-1-5-21-1111111111-2222222222-3333333333-500"
#define SID_URI		"\x86\x4d" "tag:microsoft.com,2022-09-14:sid:" \
			"S-1-5-21-1111111111-2222222222-333333333-500"
#define SID_URI_2	"\x86\x4d" "TAG:Microsoft.com,2022-09-14:SID:" \
			"S-1-5-21-1111111111-2222222222-333333333-501"
#define OWN_DNS		"\x82\x0b" "lab.example"
#define UPN		"\xa0\x25\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02" \
			"\x03\xa0\x17\x0c\x15" "administrator@example"
#define CA_TRUE		"\x30\x03\x01\x01\xff"
#define KEY_USAGE_CA	"\x03\x02\x01\x06"
#define EKU_OCSP	"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x09"
#define EKU_STAMP	"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08"
#define EKU_ANY		"\x30\x06\x06\x04\x55\x1d\x25\x00"
#define EKU_AGENT	"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02" \
			"\x01"
#define EKU_SMARTCARD	"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02" \
			"\x02"
#define TEMPLATE	"\x1e\x0c\0D\0o\0m\0a\0i\0n"
#define TEMPLATE_V2	"\x30\x0a\x06\x05\x2a\x03\x04\x05\x06\x02\x01\x64"
#define CONSTRAINTS	"\x30\x09\xa0\x07\x30\x05\x82\x03" "com"
#define POLICIES	"\x30\x06\x30\x04\x06\x02\x2a\x03"
#define CRL_POINT	"\x30\x11\x30\x0f\xa0\x0d\xa0\x0b\x86\x09" "http://x/"
#define NOTHING		"\x05\x00"

struct ext {
	const char	*oid;
	const char	*value;
	size_t		 n;
	bool		 critical;
};
#define EXT(oid, value)		{ oid, value, sizeof(value) - 1, false }
#define CRITICAL(oid, value)	{ oid, value, sizeof(value) - 1, true }

static const struct row {
	const char	*name;
	struct ext	 exts[MAX_EXTS];
	const char	*names;		/* GeneralNames beside lab.example */
	size_t		 n_names;
} rows[] = {
#define NAMES(s)	s, sizeof(s) - 1
	{ "nothing more", { { NULL, NULL, 0, false } }, NULL, 0 },
	{ "CA:TRUE", { CRITICAL("2.5.29.19", CA_TRUE) }, NULL, 0 },
	{ "keyCertSign and cRLSign", { CRITICAL("2.5.29.15", KEY_USAGE_CA) },
	    NULL, 0 },
	{ "a CA altogether", { CRITICAL("2.5.29.19", CA_TRUE),
	    CRITICAL("2.5.29.15", KEY_USAGE_CA) }, NULL, 0 },
	{ "OCSPSigning", { EXT("2.5.29.37", EKU_OCSP) }, NULL, 0 },
	{ "timeStamping", { CRITICAL("2.5.29.37", EKU_STAMP) }, NULL, 0 },
	{ "anyExtendedKeyUsage", { EXT("2.5.29.37", EKU_ANY) }, NULL, 0 },
	{ "enrollment agent", { EXT("2.5.29.37", EKU_AGENT) }, NULL, 0 },
	{ "smart card logon", { EXT("2.5.29.37", EKU_SMARTCARD) }, NULL, 0 },
	{ "no extendedKeyUsage in it", { EXT("2.5.29.37", "\x30\x00") }, NULL,
	    0 },
	{ "CA:FALSE with pathLen", { CRITICAL("2.5.29.19",
	    "\x30\x03\x02\x01\x00") }, NULL, 0 },
	{ "template name", { EXT("1.3.6.1.4.1.311.20.2", TEMPLATE) }, NULL,
	    0 },
	{ "template", { EXT("1.3.6.1.4.1.311.21.7", TEMPLATE_V2) }, NULL, 0 },
	{ "SID extension", { EXT(SID_EXT, SID_VALUE) }, NULL, 0 },
	{ "SID extension, critical", { CRITICAL(SID_EXT, SID_VALUE) }, NULL,
	    0 },
	{ "two SID extensions", { EXT(SID_EXT, SID_VALUE),
	    EXT(SID_EXT, SID_VALUE) }, NULL, 0 },
	{ "SID URI", { { NULL, NULL, 0, false } }, NAMES(SID_URI) },
	{ "two SID URIs", { { NULL, NULL, 0, false } },
	    NAMES(SID_URI SID_URI_2) },
	{ "SID extension and URI", { EXT(SID_EXT, SID_VALUE) },
	    NAMES(SID_URI) },
	{ "UPN", { { NULL, NULL, 0, false } }, NAMES(UPN) },
	{ "name constraints", { CRITICAL("2.5.29.30", CONSTRAINTS) }, NULL,
	    0 },
	{ "policies", { EXT("2.5.29.32", POLICIES) }, NULL, 0 },
	{ "its own CRL", { EXT("2.5.29.31", CRL_POINT) }, NULL, 0 },
	{ "nocheck", { EXT("1.3.6.1.5.5.7.48.1.5", NOTHING) }, NULL, 0 },
	{ "an extension of no name", { CRITICAL("1.2.3.4.5", NOTHING) }, NULL,
	    0 },
};

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

/* subjectAltName with lab.example last. */
static void
put_names(const struct row *r, struct buf *out)
{
	buf_init(out, CRAFT_MAX);
	assert_int_equal(buf_put(out, r->names, r->n_names), 0);
	assert_int_equal(buf_put(out, OWN_DNS, sizeof(OWN_DNS) - 1), 0);
	craft_wrap(out, TAG_SEQUENCE);
}

static void
post_row(struct lab *l, const struct row *r, int attribute)
{
	struct craft_ext exts[MAX_EXTS + 1];
	struct craft_csr c = {
		.cn = bytes_str("lab"), .challenge = SERVER_CHALLENGE,
		.key = l->pkey, .exts = exts, .exts_nid = attribute
	};
	struct buf names, csr, message;
	size_t i;

	for (i = 0; i < MAX_EXTS && r->exts[i].oid != NULL; i++)
		exts[c.n_exts++] = (struct craft_ext){ r->exts[i].oid,
		    r->exts[i].critical, bytes_make(r->exts[i].value,
		    r->exts[i].n) };
	put_names(r, &names);
	exts[c.n_exts++] = (struct craft_ext){ "2.5.29.17", false,
	    buf_bytes(&names) };
	craft_csr(&c, &csr);
	lab_wrap(l, buf_bytes(&csr), &message);
	lab_post(l, r->name, buf_bytes(&message), (struct want)WANT_ISSUED);
	buf_wipe(&names);
	buf_wipe(&csr);
	buf_wipe(&message);
}

/* The extensions that a device's certificate has here, and no other. */
static void
check_list(X509 *x, const char *name)
{
	static const int known[] = {
		NID_subject_key_identifier, NID_authority_key_identifier,
		NID_key_usage, NID_ext_key_usage, NID_subject_alt_name,
		NID_basic_constraints
	};
	char oid[64];
	int i, nid;
	size_t k;

	for (i = 0; i < X509_get_ext_count(x); i++) {
		const ASN1_OBJECT *o = X509_EXTENSION_get_object(
		    X509_get_ext(x, i));

		nid = OBJ_obj2nid(o);
		for (k = 0; k < N(known) && known[k] != nid; k++)
			;
		OBJ_obj2txt(oid, sizeof(oid), o, 1);
		if (k == N(known))
			fail_msg("%s: issued with extension %s", name, oid);
	}
}

static void
check_cert(struct lab *l, const char *name)
{
	struct err e = { .reason = ERR_NONE };
	struct sans sans;
	struct cert *c;
	size_t n;
	uint8_t *der = server_newest(&l->server, &n);

	assert_int_equal(cert_parse(bytes_make(der, n), &c, &e), 0);
	check_list(c->x, name);
	if (c->is_ca || X509_check_ca(c->x) != 0)
		fail_msg("%s: it is a CA", name);
	if (c->ku != (CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT))
		fail_msg("%s: keyUsage %x", name, c->ku);
	if (X509_get_extended_key_usage(c->x) != XKU_SSL_CLIENT)
		fail_msg("%s: extendedKeyUsage %x", name,
		    (unsigned)X509_get_extended_key_usage(c->x));
	assert_int_equal(cert_sans(c, &sans, &e), 0);
	if (sans.n != 1 || sans.v[0].kind != SAN_DNS ||
	    strcmp(sans.v[0].text, "lab.example") != 0)
		fail_msg("%s: %zu names", name, sans.n);
	sans_free(&sans);
	cert_free(c);
	free(der);
}

/* Under PKCS#9's attribute and Microsoft's. */
static void
test_extensions(void **state)
{
	struct lab *l = *state;
	const struct row *r;

	for (r = rows; r < rows + N(rows); r++) {
		post_row(l, r, NID_ext_req);
		check_cert(l, r->name);
		post_row(l, r, NID_ms_ext_req);
		check_cert(l, r->name);
	}
	lab_good(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extensions),
	};

	return cmocka_run_group_tests(tests, open_lab, close_lab);
}
