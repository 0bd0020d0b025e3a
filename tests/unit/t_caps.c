#include "pki_tool.h"

#include "pki/chain.h"
#include "pki/cms.h"
#include "scep/caps.h"

static struct who	 root, middle, ca, ra, enc;

static int
setup(void **state)
{
	(void)state;
	who_make(&root, &(struct order){ .name = "root", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&middle, &(struct order){ .name = "middle",
	    .spec = "ec:p256", .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&ca, &(struct order){ .name = "issuing", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .issuer = &middle });
	who_make(&ra, &(struct order){ .name = "ra", .spec = "rsa:2048",
	    .ku = KU_RA, .issuer = &ca });
	who_make(&enc, &(struct order){ .name = "encryption RA",
	    .spec = "rsa:2048", .ku = CERT_KU_KEY_ENCIPHERMENT,
	    .issuer = &ca });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&root);
	who_free(&middle);
	who_free(&ca);
	who_free(&ra);
	who_free(&enc);
	return 0;
}

/* Exactly this: clients compare lines, and one chokes on a blank one. */
static void
test_caps(void **state)
{
	struct buf	 out = BUF_INIT(4096), small = BUF_INIT(10);
	struct err	 e = ERR_INIT;
	struct algs	*algs = NULL;

	(void)state;
	assert_int_equal(algs_open(&algs, &e), 0);
	assert_int_equal(scep_caps(algs, false, &out), 0);
	assert_string_equal(buf_cstr(&out), "AES\nDES3\nSHA-1\nSHA-256\n"
	    "SHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n");
	assert_int_equal(scep_caps(algs, false, &small), -1);
	buf_reset(&out);
	assert_int_equal(scep_caps(algs, true, &out), 0);
	assert_string_equal(buf_cstr(&out), "AES\nDES3\nSHA-1\nSHA-256\n"
	    "SHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n"
	    "GetNextCACert\n");
	algs_free(algs);
	buf_wipe(&out);
	buf_wipe(&small);
}

/* What an endpoint accepts is what it says, and broken algorithms it does not
 * say: whoever has others must not fall for them. */
static void
test_endpoint_caps(void **state)
{
	char		 des[] = "des", md5[] = "md5", des3[] = "3des";
	char		 sha1[] = "sha1";
	char *const	 legacy[] = { des, md5, NULL };
	char *const	 refuse[] = { des3, sha1, NULL };
	struct buf	 out = BUF_INIT(4096);
	struct err	 e = ERR_INIT;
	struct algs	*algs = NULL;

	(void)state;
	assert_int_equal(algs_open_with(legacy, NULL, &algs, &e), 0);
	assert_int_equal(scep_caps(algs, false, &out), 0);
	assert_string_equal(buf_cstr(&out), "AES\nDES3\nSHA-1\nSHA-256\n"
	    "SHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\n");
	algs_free(algs);
	buf_wipe(&out);
	assert_int_equal(algs_open_with(NULL, refuse, &algs, &e), 0);
	assert_int_equal(scep_caps(algs, false, &out), 0);
	assert_string_equal(buf_cstr(&out), "AES\nSHA-256\nSHA-384\nSHA-512"
	    "\nPOSTPKIOperation\nRenewal\nSCEPStandard\n");
	algs_free(algs);
	buf_wipe(&out);
}

static void
test_ca_mode(void **state)
{
	struct cert	*v[] = { middle.cert, root.cert };
	struct certs	 upper = { v, 2 };
	struct buf	 out = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	const char	*type = NULL;

	(void)state;
	assert_int_equal(scep_cacert(NULL, 0, ca.cert, &upper, &out, &type,
	    &e), 0);
	assert_string_equal(type, "application/x-x509-ca-cert");
	assert_true(bytes_eq(buf_bytes(&out), ca.cert->der));
	buf_wipe(&out);
}

/* On the bytes: n RAs, issuing, …, root follow one another in the set. */
static void
assert_set(const struct cert *const *want, size_t n, size_t n_ras)
{
	struct cert	*v[] = { root.cert, middle.cert };
	struct certs	 upper = { v, 2 };
	struct buf	 out = BUF_INIT(65536), all = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	const char	*type = NULL;
	size_t		 at;

	assert_int_equal(chain_sort(ca.cert, &upper, &e), 0);
	assert_int_equal(scep_cacert(want, n_ras, ca.cert, &upper, &out,
	    &type, &e), 0);
	assert_string_equal(type, "application/x-x509-ca-ra-cert");
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_put(&all, want[i]->der.p,
		    want[i]->der.n), 0);
	/* [0] IMPLICIT with exactly these, then no signers. */
	struct buf set = BUF_INIT(65536);
	assert_int_equal(der_put(&set, 0xa0, buf_bytes(&all)), 0);
	assert_int_equal(buf_put(&set, "\x31\x00", 2), 0);
	assert_int_equal(tool_count(buf_bytes(&out), buf_bytes(&set), &at), 1);
	assert_int_equal(at + set.n, out.n);
	buf_wipe(&set);
	buf_wipe(&all);
	buf_wipe(&out);
}

/* Encoders that sort would put the shorter or the smaller first. */
static void
test_ra_mode(void **state)
{
	const struct cert *const one[] = {
		ra.cert, ca.cert, middle.cert, root.cert
	};
	const struct cert *const two[] = {
		ra.cert, enc.cert, ca.cert, middle.cert, root.cert
	};
	const struct cert *const swapped[] = {
		enc.cert, ra.cert, ca.cert, middle.cert, root.cert
	};

	(void)state;
	assert_set(one, N(one), 1);
	assert_set(two, N(two), 2);
	assert_set(swapped, N(swapped), 2);
}

static void
test_ra_mode_of_a_root(void **state)
{
	const struct certs	 none = { .n = 0 };
	const struct cert	*ras = ra.cert;
	struct certs		 cs = { .n = 0 };
	struct buf		 out = BUF_INIT(65536);
	struct err		 e = ERR_INIT;
	const char		*type = NULL;

	(void)state;
	assert_int_equal(scep_cacert(&ras, 1, root.cert, &none, &out, &type,
	    &e), 0);
	assert_int_equal(cms_unbag(buf_bytes(&out), &cs, &e), 0);
	assert_int_equal(cs.n, 2);
	assert_true(bytes_eq(cs.v[0]->der, ra.cert->der));
	assert_true(bytes_eq(cs.v[1]->der, root.cert->der));
	certs_free(&cs);
	buf_wipe(&out);
}

static void
test_no_room(void **state)
{
	const struct certs	 none = { .n = 0 };
	const struct cert	*ras[] = { ra.cert };

	(void)state;
	for (size_t i = 0; i <= N(ras); i++) {
		struct buf	 small = BUF_INIT(100);
		struct err	 e = ERR_INIT;
		const char	*type = "was";

		assert_int_equal(scep_cacert(ras, i, ca.cert, &none, &small,
		    &type, &e), -1);
		assert_int_equal(e.reason, ERR_MEMORY);
		assert_int_equal(small.n, 0);
		assert_string_equal(type, "was");
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_endpoint_caps),
		cmocka_unit_test(test_ca_mode),
		cmocka_unit_test(test_ra_mode),
		cmocka_unit_test(test_ra_mode_of_a_root),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
