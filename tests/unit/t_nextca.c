/*
 * GetNextCACert, judged on its bytes.
 */
#include "cms_craft.h"

#include "scep/caps.h"

static struct who	 now_rsa, now_ec, root, next, ra, ra2;
static struct algs	*algs;

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&now_rsa, &(struct order){ .name = "now",
	    .spec = "rsa:2048", .ca = true, .ku = KU_CA });
	who_make(&now_ec, &(struct order){ .name = "now", .spec = "ec:p384",
	    .ca = true, .ku = KU_CA });
	who_make(&root, &(struct order){ .name = "root G2",
	    .spec = "ec:p256", .ca = true, .ku = KU_CA });
	who_make(&next, &(struct order){ .name = "next", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA, .issuer = &next });
	who_make(&ra2, &(struct order){ .name = "ra 2", .spec = "rsa:2048",
	    .ku = KU_RA, .issuer = &next });
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&now_rsa);
	who_free(&now_ec);
	who_free(&root);
	who_free(&next);
	who_free(&ra);
	who_free(&ra2);
	algs_free(algs);
	return 0;
}

static void
make(const struct scep_next *n, const struct who *now, struct buf *out)
{
	struct err	 e = ERR_INIT;

	if (scep_nextca(n, now->key, now->cert, algs, out, &e) != 0)
		fail_msg("%s", err_text(&e));
}

/* As a client does that knows and trusts nothing but the current CA. */
static void
assert_signed(struct bytes der, const struct who *now)
{
	const uint8_t	*p = der.p;
	CMS_ContentInfo	*cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	X509_STORE	*store = X509_STORE_new();
	BIO		*content = BIO_new(BIO_s_mem());

	assert_ptr_equal(p, der.p + der.n);
	assert_int_equal(X509_STORE_add_cert(store, now->cert->x), 1);
	X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME);
	assert_int_equal(X509_STORE_set_purpose(store, X509_PURPOSE_ANY), 1);
	assert_int_equal(CMS_verify(cms, NULL, store, NULL, content,
	    CMS_BINARY), 1);
	BIO_free(content);
	X509_STORE_free(store);
	CMS_ContentInfo_free(cms);
}

static bool
holds(const struct certs *cs, const struct who *who)
{
	for (size_t i = 0; i < cs->n; i++)
		if (bytes_eq(cs->v[i]->der, who->cert->der))
			return true;
	return false;
}

/* The signer's certificate, and for jscep the next CA's. */
static void
assert_outer(struct bytes der, const struct who *now)
{
	struct certs	 cs = { .n = 0 };
	struct err	 e = ERR_INIT;

	assert_int_equal(cms_unbag(der, &cs, &e), 0);
	assert_int_equal(cs.n, 2);
	assert_true(holds(&cs, now));
	assert_true(holds(&cs, &next));
	certs_free(&cs);
}

/* The set within: exactly these, in this order. */
static void
assert_inner(struct bytes der, const struct who *const *want, size_t n)
{
	struct cms_signed	 s;
	struct certs		 cs = { .n = 0 };
	struct err		 e = ERR_INIT;

	assert_int_equal(cms_signed_parse(der, &s, &e), 0);
	assert_int_equal(cms_signed_verify(&s, &e), 0);
	assert_int_equal(s.digest, ALG_SHA256);
	assert_true(s.content_is_data);
	assert_int_equal(cms_unbag(s.content, &cs, &e), 0);
	assert_int_equal(cs.n, n);
	for (size_t i = 0; i < n; i++)
		assert_true(bytes_eq(cs.v[i]->der, want[i]->cert->der));
	certs_free(&cs);
	cms_signed_clear(&s);
}

static void
test_sets(void **state)
{
	const struct cert	*ras[] = { ra.cert, ra2.cert };
	struct cert		*v[] = { root.cert };
	const struct certs	 upper = { v, 1 }, none = { .n = 0 };
	const struct {
		struct scep_next	 next;
		const struct who	*want[4];
		size_t			 n;
	} rows[] = {
		{ { NULL, 0, next.cert, &none }, { &next }, 1 },
		{ { NULL, 0, next.cert, &upper }, { &next, &root }, 2 },
		{ { ras, 1, next.cert, &upper }, { &ra, &next, &root }, 3 },
		{ { ras, 2, next.cert, &upper },
		    { &ra, &ra2, &next, &root }, 4 },
	};
	const struct who	*nows[] = { &now_rsa, &now_ec };

	(void)state;
	for (size_t i = 0; i < N(rows) * N(nows); i++) {
		const struct who	*now = nows[i % N(nows)];
		struct buf		 out = BUF_INIT(CMS_MAX_DER);

		make(&rows[i / N(nows)].next, now, &out);
		assert_der(buf_bytes(&out), "next CA");
		assert_signed(buf_bytes(&out), now);
		assert_outer(buf_bytes(&out), now);
		assert_inner(buf_bytes(&out), rows[i / N(nows)].want,
		    rows[i / N(nows)].n);
		buf_wipe(&out);
	}
}

static void
test_refused(void **state)
{
	const struct certs	 none = { .n = 0 };
	const struct scep_next	 good = { NULL, 0, next.cert, &none };
	const struct scep_next	 many = { NULL, CERTS_MAX + 1, next.cert,
	    &none };
	const struct {
		const struct scep_next	*next;
		const struct key	*key;
		size_t			 room;
		enum err_reason		 want;
	} rows[] = {
		{ &good, now_rsa.key, 100, ERR_MEMORY },
		{ &good, now_ec.key, CMS_MAX_DER, ERR_CRYPTO },
		{ &many, now_rsa.key, CMS_MAX_DER, ERR_INTERNAL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct buf	 out = BUF_INIT(rows[i].room);
		struct err	 e = ERR_INIT;

		assert_int_equal(scep_nextca(rows[i].next, rows[i].key,
		    now_rsa.cert, algs, &out, &e), -1);
		assert_int_equal(e.reason, rows[i].want);
		assert_int_equal(out.n, 0);
		buf_wipe(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
