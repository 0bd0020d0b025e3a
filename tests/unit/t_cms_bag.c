#include "cms_craft.h"

static struct who	 root, ca, ra;

static int
setup(void **state)
{
	(void)state;
	who_make(&root, &(struct order){ .name = "root", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&ca, &(struct order){ .name = "issuing", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA, .issuer = &ca });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&root);
	who_free(&ca);
	who_free(&ra);
	return 0;
}

/* The whole bag, written by the test. */
static void
put_golden(struct buf *out, const struct cert *const *cs, size_t n)
{
	struct buf	 set = BUF_INIT(65536), body = BUF_INIT(65536);
	struct buf	 seq = BUF_INIT(65536);
	struct bytes	 head = LIT("\x02\x01\x01" "\x31\x00" "\x30\x0b\x06\x09"
	    "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
	struct bytes	 oid = LIT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
	    "\x02");

	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_put(&set, cs[i]->der.p, cs[i]->der.n), 0);
	assert_int_equal(buf_put(&body, head.p, head.n), 0);
	assert_int_equal(der_put(&body, 0xa0, buf_bytes(&set)), 0);
	assert_int_equal(buf_put(&body, "\x31\x00", 2), 0);
	assert_int_equal(der_put(&seq, 0x30, buf_bytes(&body)), 0);
	buf_reset(&set);
	assert_int_equal(buf_put(&set, oid.p, oid.n), 0);
	assert_int_equal(der_put(&set, 0xa0, buf_bytes(&seq)), 0);
	assert_int_equal(der_put(out, 0x30, buf_bytes(&set)), 0);
	buf_wipe(&set);
	buf_wipe(&body);
	buf_wipe(&seq);
}

/* Every order is kept: the first certificate matters, DER's sorting not. */
static void
test_order(void **state)
{
	const struct cert *const	 rows[][3] = {
		{ ra.cert, ca.cert, root.cert },
		{ ra.cert, root.cert, ca.cert },
		{ ca.cert, ra.cert, root.cert },
		{ ca.cert, root.cert, ra.cert },
		{ root.cert, ra.cert, ca.cert },
		{ root.cert, ca.cert, ra.cert },
	};
	struct buf	 bag = BUF_INIT(65536), want = BUF_INIT(65536);
	struct certs	 cs = { .n = 0 };
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		buf_reset(&bag);
		buf_reset(&want);
		assert_int_equal(cms_bag(rows[i], 3, &bag, &e), 0);
		put_golden(&want, rows[i], 3);
		assert_true(bytes_eq(buf_bytes(&bag), buf_bytes(&want)));
		assert_int_equal(cms_unbag(buf_bytes(&bag), &cs, &e), 0);
		assert_int_equal(cs.n, 3);
		for (size_t k = 0; k < 3; k++)
			assert_true(bytes_eq(cs.v[k]->der, rows[i][k]->der));
		certs_free(&cs);
	}
	buf_wipe(&bag);
	buf_wipe(&want);
}

static void
test_lengths(void **state)
{
	const struct cert	*cs[CERTS_MAX];
	struct buf		 bag = BUF_INIT(1 << 20), small = BUF_INIT(99);
	struct certs		 back = { .n = 0 };
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < CERTS_MAX; i++)
		cs[i] = i % 2 ? ca.cert : root.cert;
	for (size_t n = 1; n <= CERTS_MAX; n++) {
		buf_reset(&bag);
		assert_int_equal(cms_bag(cs, n, &bag, &e), 0);
		assert_int_equal(cms_unbag(buf_bytes(&bag), &back, &e), 0);
		assert_int_equal(back.n, n);
		certs_free(&back);
	}
	assert_int_equal(cms_bag(cs, 1, &small, &e), -1);
	assert_int_equal(small.n, 0);
	buf_wipe(&bag);
}

static void
test_unbag_refused(void **state)
{
	struct buf		 bag = BUF_INIT(1 << 20), sealed = bag;
	struct buf		 none = bag, many = bag;
	const struct cert	*cs[CERTS_MAX + 1];
	struct err		 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(cs); i++)
		cs[i] = ca.cert;
	assert_int_equal(cms_bag(cs, N(cs), &many, &e), 0);
	assert_int_equal(cms_bag(cs, 1, &bag, &e), 0);
	assert_int_equal(buf_putc(&bag, 0), 0);
	seal_craft(LIT("x"), ra.cert, EVP_aes_128_cbc(), false, &sealed);
	assert_int_equal(cms_bag(cs, 0, &none, &e), 0);
	const struct {
		const char	*name;
		struct bytes	 in;
		enum err_reason	 want;
	} rows[] = {
		{ "empty", { NULL, 0 }, ERR_NOT_CMS },
		{ "text", bytes_str("x"), ERR_NOT_CMS },
		{ "trailing", buf_bytes(&bag), ERR_TRAILING },
		{ "cut", { bag.p, bag.n / 2 }, ERR_NOT_CMS },
		{ "enveloped", buf_bytes(&sealed), ERR_NOT_CMS },
		{ "no certificates", buf_bytes(&none), ERR_NOT_CMS },
		{ "17 certificates", buf_bytes(&many), ERR_CERT_FILE },
		{ "a certificate", ca.cert->der, ERR_NOT_CMS },
	};
	for (size_t i = 0; i < N(rows); i++) {
		struct certs	 out = { .v = NULL, .n = 77 };

		err_clear(&e);
		if (cms_unbag(rows[i].in, &out, &e) != -1)
			fail_msg("accepted: %s", rows[i].name);
		assert_err(&e, rows[i].want, NULL, rows[i].name);
		assert_int_equal(out.n, 77);
	}
	buf_wipe(&bag);
	buf_wipe(&sealed);
	buf_wipe(&none);
	buf_wipe(&many);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_unbag_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
