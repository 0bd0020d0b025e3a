/*
 * One good message, cut at every sixteenth and at its last byte, and with each
 * of its bytes changed in turn. Not all of a message is signed: certificates
 * and version numbers are not, so that some changes are none. But whatever is
 * issued is for the key and the names of the request, and what is refused
 * leaves nothing behind.
 */
#include <openssl/cms.h>

#include <stdlib.h>
#include <string.h>

#include "lab.h"

struct flip {
	struct lab	 lab;
	struct buf	 message;
	struct buf	 request;	/* message, as POST */
	bool		*proven;	/* of each byte: signed, or signature */
	struct csr	*csr;
	size_t		 issued;
};

/* Marks where this stands in the message. */
static void
mark(struct flip *f, struct bytes part)
{
	const uint8_t *at = memmem(f->message.p, f->message.n, part.p,
	    part.n);
	size_t i;

	assert_non_null(at);
	for (i = 0; i < part.n; i++)
		f->proven[(size_t)(at - f->message.p) + i] = true;
}

/* libcrypto says which bytes the signature covers. */
static void
mark_proven(struct flip *f)
{
	const uint8_t *p = f->message.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p,
	    (long)f->message.n);
	CMS_SignerInfo *si;
	X509_ATTRIBUTE *a;
	ASN1_OCTET_STRING *os;
	uint8_t *der;
	int i, n;

	assert_non_null(cms);
	si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	for (i = 0; i < CMS_signed_get_attr_count(si); i++) {
		a = CMS_signed_get_attr(si, i);
		der = NULL;
		assert_true((n = i2d_X509_ATTRIBUTE(a, &der)) > 0);
		mark(f, bytes_make(der, (size_t)n));
		OPENSSL_free(der);
	}
	os = CMS_SignerInfo_get0_signature(si);
	mark(f, bytes_make(ASN1_STRING_get0_data(os),
	    (size_t)ASN1_STRING_length(os)));
	os = *CMS_get0_content(cms);
	mark(f, bytes_make(ASN1_STRING_get0_data(os),
	    (size_t)ASN1_STRING_length(os)));
	CMS_ContentInfo_free(cms);
}

static int
open_flip(void **state)
{
	struct flip *f = calloc(1, sizeof(*f));
	struct err e = { .reason = ERR_NONE };

	assert_non_null(f);
	lab_open(&f->lab, "", 0);
	lab_message(&f->lab, &f->message);
	f->proven = calloc(f->message.n, sizeof(*f->proven));
	assert_non_null(f->proven);
	mark_proven(f);
	assert_int_equal(csr_parse(buf_bytes(&f->lab.csr), &f->csr, &e), 0);
	buf_init(&f->request, LAB_REQUEST_MAX);
	*state = f;
	return 0;
}

static int
close_flip(void **state)
{
	struct flip *f = *state;

	lab_close(&f->lab);
	csr_free(f->csr);
	buf_wipe(&f->message);
	buf_wipe(&f->request);
	free(f->proven);
	free(f);
	return 0;
}

static void
test_truncated(void **state)
{
	struct flip *f = *state;
	size_t i, n;
	char name[32];

	for (i = 1; i <= 16; i++) {
		n = i < 16 ? f->message.n * i / 16 : f->message.n - 1;
		(void)snprintf(name, sizeof(name), "cut at %zu", n);
		lab_post(&f->lab, name, bytes_make(f->message.p, n),
		    (struct want)WANT_HTTP(400, "not_cms"));
	}
	lab_good(&f->lab);
}

/* What the ledger holds, not what a changed message can still open. */
static void
check_issued(struct flip *f, size_t at)
{
	struct err e = { .reason = ERR_NONE };
	struct cert *c;
	struct sans sans;
	uint8_t *der;
	size_t n;

	if (f->proven[at])
		fail_msg("issued with byte %zu changed", at);
	der = server_newest(&f->lab.server, &n);
	assert_int_equal(cert_parse(bytes_make(der, n), &c, &e), 0);
	assert_memory_equal(c->key.spki_hash, f->csr->key.spki_hash, PKI_HASH);
	assert_true(bytes_eq(c->subject, f->csr->subject));
	assert_int_equal(cert_sans(c, &sans, &e), 0);
	assert_int_equal(sans.n, f->csr->sans.n);
	assert_true(bytes_eq(sans.v[0].der, f->csr->sans.v[0].der));
	sans_free(&sans);
	cert_free(c);
	free(der);
	f->issued++;
}

static void
check_flip(struct flip *f, size_t at, const struct http_answer *a)
{
	struct lab *l = &f->lab;
	char *log = server_log_since(&l->server, l->log);
	struct server_rows now = server_rows(&l->server);
	bool issued = server_lines(log, "outcome=issued ") == 1;

	if (server_lines(log, "event=request ") != 1 ||
	    (!issued && server_lines(log, "outcome=refused ") != 1))
		fail_msg("byte %zu: log: %s", at, log);
	free(log);
	/* Every refusal is the message's fault, none is ours. */
	if (a->status != 200 && (a->status != 400 || issued))
		fail_msg("byte %zu: HTTP status %d", at, a->status);
	assert_int_equal(now.txn, l->rows.txn + issued);
	assert_int_equal(now.issued, l->rows.issued + issued);
	if (issued)
		check_issued(f, at);
}

static void
flip_all(struct flip *f, uint8_t (*mask)(size_t))
{
	struct lab *l = &f->lab;
	struct http_answer a;
	uint8_t *p;
	size_t i;

	buf_reset(&f->request);
	http_put_post(&f->request, LAB_POST, buf_bytes(&f->message));
	p = f->request.p + f->request.n - f->message.n;
	for (i = 0; i < f->message.n; i++) {
		p[i] ^= mask(i);
		lab_mark(l);
		lab_exchange(l, buf_bytes(&f->request), &a);
		check_flip(f, i, &a);
		http_answer_clear(&a);
		p[i] ^= mask(i);
	}
	lab_good(l);
}

static uint8_t
whole(size_t i)
{
	(void)i;
	return 0xff;
}

static uint8_t
one_bit(size_t i)
{
	return (uint8_t)(1u << i % 8);
}

static void
test_flipped(void **state)
{
	struct flip *f = *state;

	flip_all(f, whole);
	flip_all(f, one_bit);
	print_message("%zu bytes, issued with %zu changes\n", f->message.n,
	    f->issued);
	/* The lab's own certificate is the most that nobody signed. */
	assert_in_range(f->issued, 1, 2 * f->lab.cert->der.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
	};

	return cmocka_run_group_tests(tests, open_flip, close_flip);
}
