#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "pki/cert_make.h"
#include "pki/p12.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW	1800000000

/* A CA, a certificate under it, and files made of them. */
struct fixture {
	struct key	*ca_key;
	struct key	*key;
	struct cert	*ca;
	struct cert	*cert;
	struct buf	 full;		/* key, cert, ca; "secret" */
	struct buf	 open;		/* the same without a passphrase */
	struct buf	 no_key;
	struct buf	 no_cert;	/* key and ca */
	struct buf	 tail;		/* full and a byte */
};

static void
make_cert(const char *cn, const struct key *k, const struct cert *issuer,
    const struct key *issuer_key, struct cert **out)
{
	uint8_t			 serial[SERIAL_LEN];
	struct buf		 name = BUF_INIT(256);
	struct err		 e = { .reason = ERR_NONE };
	struct cert_plan	 plan = {
		.not_before = NOW, .not_after = NOW + 1000,
		.ca = issuer == NULL, .path_len = -1,
		.ku = CERT_KU_KEY_CERT_SIGN
	};

	assert_int_equal(serial_draw(serial, &e), 0);
	assert_int_equal(name_make(cn, &name, &e), 0);
	plan.serial = bytes_make(serial, sizeof(serial));
	plan.subject = buf_bytes(&name);
	plan.spki = key_spki(k);
	assert_int_equal(cert_make(&plan, issuer, issuer_key, out, &e), 0);
	buf_wipe(&name);
}

static EVP_PKEY *
pkey_of(const struct key *k)
{
	struct buf	 pem = BUF_INIT(8192);
	struct err	 e = { .reason = ERR_NONE };
	EVP_PKEY	*pkey;
	BIO		*bio;

	assert_int_equal(key_pem(k, &pem, &e), 0);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(pkey);
	BIO_free(bio);
	buf_wipe(&pem);
	return pkey;
}

static void
make_file(const struct key *k, const struct cert *c, const struct cert *ca,
    const char *pass, struct buf *out)
{
	EVP_PKEY		*pkey = k == NULL ? NULL : pkey_of(k);
	STACK_OF(X509)		*others = sk_X509_new_null();
	unsigned char		*der = NULL;
	PKCS12			*p12;
	int			 n;

	assert_true(sk_X509_push(others, ca->x) > 0);
	p12 = PKCS12_create(pass, NULL, pkey, c == NULL ? NULL : c->x, others,
	    pass == NULL ? -1 : 0, pass == NULL ? -1 : 0, 1, 1, 0);
	assert_non_null(p12);
	assert_true((n = i2d_PKCS12(p12, &der)) > 0);
	assert_int_equal(buf_put(out, der, (size_t)n), 0);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_X509_free(others);
	EVP_PKEY_free(pkey);
}

static int
setup(void **state)
{
	struct fixture	*f = calloc(1, sizeof(*f));
	struct err	 e = { .reason = ERR_NONE };

	assert_non_null(f);
	f->full.max = f->open.max = f->no_key.max = f->no_cert.max =
	    f->tail.max = 65536;
	assert_int_equal(key_generate("ec:p256", &f->ca_key, &e), 0);
	assert_int_equal(key_generate("ec:p256", &f->key, &e), 0);
	make_cert("ca", f->ca_key, NULL, f->ca_key, &f->ca);
	make_cert("leaf", f->key, f->ca, f->ca_key, &f->cert);
	make_file(f->key, f->cert, f->ca, "secret", &f->full);
	make_file(f->key, f->cert, f->ca, NULL, &f->open);
	make_file(NULL, f->cert, f->ca, "secret", &f->no_key);
	make_file(f->key, NULL, f->ca, "secret", &f->no_cert);
	make_file(f->key, f->cert, f->ca, "secret", &f->tail);
	assert_int_equal(buf_putc(&f->tail, 0), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture	*f = *state;

	key_free(f->ca_key);
	key_free(f->key);
	cert_free(f->ca);
	cert_free(f->cert);
	buf_wipe(&f->full);
	buf_wipe(&f->open);
	buf_wipe(&f->no_key);
	buf_wipe(&f->no_cert);
	buf_wipe(&f->tail);
	free(f);
	return 0;
}

static void
assert_opens(const struct fixture *f, const struct buf *file, const char *pass)
{
	struct err	 e = { .reason = ERR_NONE };
	struct certs	 others = { .n = 0 };
	struct cert	*cert = NULL;
	struct key	*key = NULL;

	if (p12_parse(buf_bytes(file), bytes_str(pass), &key, &cert, &others,
	    &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_true(key_matches(key, f->cert));
	assert_true(bytes_eq(cert->der, f->cert->der));
	assert_int_equal(others.n, 1);
	assert_true(bytes_eq(others.v[0]->der, f->ca->der));
	certs_free(&others);
	cert_free(cert);
	key_free(key);
}

static void
test_opens(void **state)
{
	const struct fixture	*f = *state;

	assert_opens(f, &f->full, "secret");
	assert_opens(f, &f->open, "");
}

static void
assert_refused(struct bytes file, const char *pass, enum err_reason want,
    const char *name)
{
	struct err	 e = { .reason = ERR_NONE };
	struct certs	 others = { .n = 77 };
	struct cert	*cert = NULL;
	struct key	*key = NULL;

	assert_int_equal(p12_parse(file, bytes_str(pass), &key, &cert, &others,
	    &e), -1);
	if (e.reason != want)
		fail_msg("%s: %s: %s", name, err_slug(e.reason), err_text(&e));
	assert_null(key);
	assert_null(cert);
	assert_int_equal(others.n, 77);
	assert_null(others.v);
}

static void
test_refused(void **state)
{
	const struct fixture	*f = *state;
	const struct {
		const char	*name;
		struct bytes	 file;
		const char	*pass;
		enum err_reason	 want;
	} rows[] = {
		{ "empty", bytes_make(NULL, 0), "secret", ERR_KEY_FILE },
		{ "text", bytes_str("no DER at all"), "secret", ERR_KEY_FILE },
		{ "wrong", buf_bytes(&f->full), "Secret", ERR_PASSPHRASE },
		{ "longer", buf_bytes(&f->full), "secret ", ERR_PASSPHRASE },
		{ "none", buf_bytes(&f->full), "", ERR_PASSPHRASE },
		{ "tail", buf_bytes(&f->tail), "secret", ERR_KEY_FILE },
		{ "no key", buf_bytes(&f->no_key), "secret", ERR_KEY_FILE },
		{ "no cert", buf_bytes(&f->no_cert), "secret",
		    ERR_CERT_FILE },
	};

	for (size_t i = 0; i < N(rows); i++)
		assert_refused(rows[i].file, rows[i].pass, rows[i].want,
		    rows[i].name);
	for (size_t n = 0; n < f->full.n; n += 64)
		assert_refused(bytes_make(f->full.p, n), "secret",
		    ERR_KEY_FILE, "truncated");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
