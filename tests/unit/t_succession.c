/*
 * A CA that follows another: before, at and behind the switch.
 */
#include <unistd.h>

#include "pki/chain.h"
#include "ra_lab.h"
#include "store_ask.h"
#include "pki/crl.h"
#include "store/revoked.h"

#define CA_MODE	"mode = \"ca\"; "

/* The certificates that GetNextCACert vouches for. */
static void
get_next(const struct cert *by, struct certs *out)
{
	struct cms_signed	 s;
	struct buf		 b = BUF_INIT(65536);

	assert_int_equal(lab_get("/e", "operation=GetNextCACert", &b), 200);
	lab_ok(cms_signed_parse(buf_bytes(&b), &s, &lab.e));
	assert_true(bytes_eq(s.signer->der, by->der));
	lab_ok(cms_signed_verify(&s, &lab.e));
	lab_ok(cms_unbag(s.content, out, &lab.e));
	cms_signed_clear(&s);
	buf_wipe(&b);
}

static bool
says_next(void)
{
	struct buf	 b = BUF_INIT(4096);
	bool		 says;

	assert_int_equal(lab_get("/e", "operation=GetCACaps", &b), 200);
	says = strstr(buf_cstr(&b), "GetNextCACert\n") != NULL;
	buf_wipe(&b);
	return says;
}

static void
assert_crl(const char *path, const struct cert *by)
{
	struct buf	 b = BUF_INIT(65536);
	struct crl	*c;

	if (lab_get(path, NULL, &b) != 200)
		fail_msg("%s", path);
	lab_ok(crl_parse(buf_bytes(&b), &c, &lab.e));
	lab_ok(crl_verify(c, by, &lab.e));
	crl_free(c);
	buf_wipe(&b);
}

static void
path_of(const struct cert *c, const char *begin, const char *end,
    char out[80])
{
	int	 n = snprintf(out, 80, "%s", begin);

	for (size_t i = 0; i < 20; i++)
		n += snprintf(out + n, 80 - (size_t)n, "%02x",
		    c->key.spki_hash[i]);
	(void)snprintf(out + n, 80 - (size_t)n, "%s", end);
}

/* Before the switch: the current one is shown, both are served. */
static void
test_next(void **state)
{
	const struct cert *const want[] = { lab.ra, lab.ca.cert };
	char		 path[80];
	struct certs	 cs;
	struct face	*f;

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, 0);
	lab_open(ONE, NEXT);
	lab_assert_shown((const struct cert *const[]){ lab.ra, want[1] }, N(want));
	assert_true(says_next());
	get_next(lab.ca.cert, &cs);
	assert_int_equal(cs.n, 2);
	assert_true(key_matches(lab.ra_key, cs.v[0]));
	assert_true(bytes_eq(cs.v[0]->issuer, lab.ca2.cert->subject));
	assert_true(bytes_eq(cs.v[1]->der, lab.ca2.cert->der));
	assert_int_equal(lab_issued_ra(), 1);
	lab_enroll(lab.ra, lab.ra, lab.ca.cert, NULL);
	lab_enroll(cs.v[0], cs.v[0], lab.ca2.cert, NULL);
	assert_crl("/crl/local.crl", lab.ca.cert);
	path_of(lab.ca2.cert, "/crl/", ".crl", path);
	assert_crl(path, lab.ca2.cert);
	path_of(lab.ca.cert, "/crl/", ".crl", path);
	assert_crl(path, lab.ca.cert);
	path_of(lab.ca2.cert, "/ca/", ".crt", path);
	assert_int_equal(lab_get(path, NULL, NULL), 200);
	lab_restart(ONE, NEXT);
	assert_int_equal(lab_issued_ra(), 1);
	/* Nothing is decided, so nothing happens. */
	lab_tick(50 * DAY);
	f = lab_face();
	assert_ptr_equal(f->gens[0].ca, &lab.site->cas[0]);
	face_put(f);
	certs_free(&cs);
}

/* Behind a program: an RA certificate of the next CA is in ra_also. */
static void
test_program(void **state)
{
	const struct order	 o = { .name = "RA", .key = lab.ra_key,
	    .issuer = &lab.ca2, .ku = KU_RA, .from = lab.start - DAY,
	    .to = lab.start + 90 * DAY };
	struct cert	*c = tool_cert(&o), *now;
	struct certs	 cs;

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, 0);
	lab_open(ONE, EXEC "next = \"next\";");
	assert_false(says_next());
	lab_also("under_next.pem", c, lab.ra_key);
	lab_reload(ONE "ra_also = [ \"under_next.pem\" ];",
	    EXEC "next = \"next\";");
	assert_true(says_next());
	get_next(lab.ra, &cs);
	assert_int_equal(cs.n, 2);
	assert_true(bytes_eq(cs.v[0]->der, c->der));
	certs_free(&cs);
	lab_next(&lab.ca2, lab.start - 5);
	lab_reload(ONE "ra_also = [ \"under_next.pem\" ];",
	    EXEC "next = \"next\";");
	now = lab_shown();
	assert_true(bytes_eq(now->der, c->der));
	assert_int_equal(lab_issued_ra(), 0);
	cert_free(now);
	cert_free(c);
}

/* The date comes while the server runs. */
static void
test_switch(void **state)
{
	struct face	*f;

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, lab.start + 2 * DAY);
	lab_open(ONE, NEXT);
	f = lab_face();
	assert_ptr_equal(f->gens[0].ca, &lab.site->cas[0]);
	assert_true(f->nextca.n > 0);
	face_put(f);
	for (int64_t t = 2 * DAY - 5; t < 2 * DAY + 5; t++) {
		lab_tick(t);
		f = lab_face();
		assert_int_equal(f->gens[0].ca == lab.site->cas[0].next,
		    t >= 2 * DAY);
		assert_int_equal(f->nextca.n == 0, t >= 2 * DAY);
		assert_int_equal(f->n_ways, 2);
		face_put(f);
	}
	assert_int_equal(lab_issued_ra(), 1);
}

static void
remove_next(void)
{
	(void)unlink(tool_path("next/issuing.pem"));
	(void)unlink(tool_path("next/issuing.key"));
	(void)unlink(tool_path("next/from"));
}

static void
assert_next_issues(void)
{
	struct face	*f = lab_face();

	assert_ptr_equal(f->gens[0].ca, lab.site->cas[0].next);
	face_put(f);
}

/* Once over, for good: whatever becomes of the folder and of the clock. */
static void
test_remembered(void **state)
{
	struct site	*site;

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, lab.start - 5);
	lab_open(ONE, NEXT);
	assert_next_issues();
	lab_next(&lab.ca2, lab.start + DAY);
	lab_restart(ONE, NEXT);
	assert_next_issues();
	lab_next(&lab.ca2, 0);
	lab_reload(ONE, NEXT);
	assert_next_issues();
	assert_int_equal(store_number("SELECT count(*) FROM followed"), 1);
	site = lab.site;
	remove_next();
	lab_ok(lab_site(ONE, NEXT, ""));
	assert_int_equal(service_replace(lab.service, lab.site, &lab.e), -1);
	assert_int_equal(lab.e.reason, ERR_CONFIG);
	assert_non_null(strstr(lab.e.text, "issuer local: another CA took "
	    "over from CN=CA on "));
	site_put(lab.site);
	lab.site = site;
	assert_next_issues();
	lab_close();
	err_clear(&lab.e);
	lab_next(&lab.both_ca, lab.start - 5);
	lab_ok(lab_site(ONE, NEXT, ""));
	assert_int_equal(service_open(lab.site, &lab.service, &lab.e), -1);
	assert_int_equal(lab.e.reason, ERR_CONFIG);
	site_put(lab.site);
}

/* A next CA that was given up for another one of its name. */
static void
test_given_up(void **state)
{
	const struct order	 o = { .name = "CA 2", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .from = lab.start - DAY,
	    .to = lab.start + 400 * DAY };
	struct certs	 cs;
	struct who	 other;

	(void)state;
	who_make(&other, &o);
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, 0);
	lab_open(ONE, NEXT);
	assert_int_equal(lab_issued_ra(), 1);
	lab_next(&other, 0);
	lab_reload(ONE, NEXT);
	assert_int_equal(lab_issued_ra(), 2);
	get_next(lab.ca.cert, &cs);
	assert_int_equal(cs.n, 2);
	lab_ok(chain_link(cs.v[0], other.cert, &lab.e));
	lab_enroll(cs.v[0], cs.v[0], other.cert, NULL);
	certs_free(&cs);
	who_free(&other);
}

/* What the old CA gave out is revoked in its CRL, not in the other's. */
static void
assert_revocable(const struct cert *was)
{
	char		 other[80];
	const char	*paths[] = { "/crl/local.crl", other };
	struct crl_entry found;
	struct crl	*c;

	path_of(lab.ca2.cert, "/crl/", ".crl", other);
	lab_ok(revoked_put(lab.service->db, store_number("SELECT min(id) FROM"
	    " issued WHERE role = 'client'"), 1, lab.start, &lab.e));
	service_tick(lab.service);
	for (size_t i = 0; i < N(paths); i++) {
		struct buf	 b = BUF_INIT(65536);

		assert_int_equal(lab_get(paths[i], NULL, &b), 200);
		lab_ok(crl_parse(buf_bytes(&b), &c, &lab.e));
		assert_int_equal(tool_listed(c, was->serial, &found), i == 0);
		crl_free(c);
		buf_wipe(&b);
	}
}

/* Behind the switch: the new one is shown, and what the old one gave out is
 * still good. */
static void
test_previous(void **state)
{
	struct cert	*was, *now;
	struct scep_got	 got;
	struct buf	 ias = BUF_INIT(4096);

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, 0);
	lab_open(ONE, NEXT);
	lab_enroll(lab.ra, lab.ra, lab.ca.cert, &was);
	lab_next(&lab.ca2, lab.start - 5);
	lab_reload(ONE, NEXT);
	now = lab_shown();
	lab_assert_shown((const struct cert *const[]){ now, lab.ca2.cert }, 2);
	assert_true(bytes_eq(now->issuer, lab.ca2.cert->subject));
	assert_false(says_next());
	assert_int_equal(lab_get("/e", "operation=GetNextCACert", NULL), 404);
	lab_enroll(now, now, lab.ca2.cert, NULL);
	lab_enroll(lab.ra, lab.ra, lab.ca2.cert, NULL);
	/* A certificate of the old CA proves who renews. */
	for (size_t i = 0; i < 2; i++) {
		const struct cert *to = i == 0 ? lab.ra : now;

		lab_csr(SCEP_RENEWALREQ, "/CN=device", NULL, lab.client_key, was,
		    to, to, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		assert_true(bytes_eq(got.certs.v[0]->issuer,
		    lab.ca2.cert->subject));
		scep_got_clear(&got);
	}
	/* Both CAs' certificates and CRLs are to be had. */
	lab_ok(ias_make(lab.ca.cert->subject, was->serial, &ias, &lab.e));
	for (int type = SCEP_GETCERT; type <= SCEP_GETCRL; type++) {
		struct scep_ask	 q = { .type = type,
		    .content = buf_bytes(&ias), .key = lab.client_key,
		    .cert = lab.self };
		struct crl	*c;

		lab_ask(&q, now, now, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		if (type == SCEP_GETCERT)
			assert_true(bytes_eq(got.certs.v[0]->der, was->der));
		else {
			lab_ok(crl_parse(buf_bytes(&got.crl), &c, &lab.e));
			lab_ok(crl_verify(c, lab.ca.cert, &lab.e));
			crl_free(c);
		}
		scep_got_clear(&got);
	}
	assert_crl("/crl/local.crl", lab.ca.cert);
	assert_revocable(was);
	lab_csr(SCEP_RENEWALREQ, "/CN=device", NULL, lab.client_key, was, now,
	    now, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	buf_wipe(&ias);
	cert_free(was);
	cert_free(now);
}

/* Years later: the old one has expired, and is still configured. */
static void
test_late(void **state)
{
	const struct order	 o = { .name = "CA", .ca = true, .ku = KU_CA,
	    .spec = "ec:p256", .from = lab.start - 90 * DAY,
	    .to = lab.start - DAY };
	struct who	 was;
	struct cert	*late, *now;

	(void)state;
	who_make(&was, &o);
	late = tool_cert(&(struct order){ .name = "RA", .key = lab.ra_key,
	    .issuer = &was, .ku = KU_RA, .from = lab.start - 80 * DAY,
	    .to = lab.start - 2 * DAY });
	(void)tool_cert_file("ca.pem", was.cert);
	(void)tool_key_file("ca.key", was.key);
	(void)tool_cert_file("ra.pem", late);
	lab_next(&lab.ca2, lab.start - 20 * DAY);
	lab_open(ONE, NEXT);
	now = lab_shown();
	lab_enroll(now, now, lab.ca2.cert, NULL);
	/* A reply signed by what has expired is refused, its certificate lost. */
	lab_refused("/CN=device", SECRET, late, now);
	lab_close();
	/* Not so while nobody has taken over. */
	lab_next(&lab.ca2, lab.start + 20 * DAY);
	assert_int_equal(lab_site(ONE, NEXT, ""), -1);
	assert_err(&lab.e, ERR_CERT_FILE, "has expired", "before");
	err_clear(&lab.e);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
	(void)tool_key_file("ca.key", lab.ca.key);
	cert_free(late);
	cert_free(now);
	who_free(&was);
}

/* A certificate names the CRL of the CA that issued it. */
static void
test_urls(void **state)
{
	static const char	 profile[] = "crl_urls = [ "
	    "\"http://x.example/crl/local.crl\", \"http://y/crl/other.crl\" ];"
	    " ca_issuers_urls = [ \"http://x.example/ca/local.crt\" ];";
	struct cert	*by_old, *by_new;
	const struct cert *to;
	struct scep_got	 got;
	struct face	*f;
	char		 url[80];
	size_t		 at;

	(void)state;
	lab_ra(-DAY, 90 * DAY);
	lab_next(&lab.ca2, 0);
	lab_ok(lab_site(ONE, NEXT, profile));
	lab_ok(service_open(lab.site, &lab.service, &lab.e));
	f = lab_face();
	lab_enroll(f->open[0].cert, lab.ra, lab.ca.cert, &by_old);
	lab_enroll(f->open[1].cert, f->open[1].cert, lab.ca2.cert, &by_new);
	assert_int_equal(tool_count(by_old->der,
	    bytes_str("http://x.example/crl/local.crl"), &at), 1);
	path_of(lab.ca2.cert, "http://x.example/crl/", ".crl", url);
	assert_int_equal(tool_count(by_new->der, bytes_str(url), &at), 1);
	assert_int_equal(tool_count(by_new->der,
	    bytes_str("http://y/crl/other.crl"), &at), 1);
	path_of(lab.ca2.cert, "http://x.example/ca/", ".crt", url);
	assert_int_equal(tool_count(by_new->der, bytes_str(url), &at), 1);
	/* As the profile of the challenge has it. */
	to = f->open[1].cert;
	lab_csr(SCEP_PKCSREQ, "/CN=q", SECRET_Q, lab.client_key, lab.self, to,
	    to, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	path_of(lab.ca2.cert, "http://q.example/crl/", ".crl", url);
	assert_int_equal(tool_count(got.certs.v[0]->der, bytes_str(url), &at),
	    1);
	assert_int_equal(tool_count(got.certs.v[0]->der,
	    bytes_str("http://x.example/"), &at), 0);
	scep_got_clear(&got);
	face_put(f);
	cert_free(by_old);
	cert_free(by_new);
}

/* Without an RA: the CAs themselves. */
static void
test_ca_mode(void **state)
{
	static const char	 both[] = "key = \"ca.key\"; next = \"next\"; ";
	struct certs	 cs;

	(void)state;
	(void)tool_cert_file("ca.pem", lab.both_ca.cert);
	(void)tool_key_file("ca.key", lab.both_ca.key);
	lab_next(&lab.both_ca2, 0);
	lab_open(CA_MODE, both);
	lab_enroll(lab.both_ca.cert, lab.both_ca.cert, lab.both_ca.cert, NULL);
	lab_enroll(lab.both_ca2.cert, lab.both_ca2.cert, lab.both_ca2.cert, NULL);
	get_next(lab.both_ca.cert, &cs);
	assert_int_equal(cs.n, 1);
	assert_true(bytes_eq(cs.v[0]->der, lab.both_ca2.cert->der));
	certs_free(&cs);
	lab_next(&lab.both_ca2, lab.start - 5);
	lab_reload(CA_MODE, both);
	lab_enroll(lab.both_ca.cert, lab.both_ca.cert, lab.both_ca2.cert, NULL);
	lab_enroll(lab.both_ca2.cert, lab.both_ca2.cert, lab.both_ca2.cert, NULL);
	assert_int_equal(lab_issued_ra(), 0);
	lab_close();
	/* A next CA that clients cannot encrypt to */
	lab_next(&lab.ca2, 0);
	assert_int_equal(lab_site(CA_MODE, both, ""), -1);
	assert_err(&lab.e, ERR_CERT_FILE, "/next: issuing CA", "ec");
	err_clear(&lab.e);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
	(void)tool_key_file("ca.key", lab.ca.key);
}

/* The CA expired, then another one took over. */
static void
test_expired(void **state)
{
	const struct order	 o = { .name = "CA", .key = lab.ca.key,
	    .ca = true, .ku = KU_CA, .from = lab.start - 100 * DAY,
	    .to = lab.start - 10 * DAY };
	struct cert	*c = tool_cert(&o), *now;

	(void)state;
	lab_ra(-50 * DAY, -11 * DAY);
	(void)tool_cert_file("ca.pem", c);
	lab_next(&lab.ca2, lab.start - DAY);
	lab_open(ONE, NEXT);
	now = lab_shown();
	assert_true(bytes_eq(now->issuer, lab.ca2.cert->subject));
	lab_enroll(now, now, lab.ca2.cert, NULL);
	cert_free(now);
	cert_free(c);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
}

/* Two by different CAs are no pair: nobody would sign the replies. */
static void
test_apart(void **state)
{
	const struct order	 o = { .name = "RA enc", .key = lab.enc_key,
	    .issuer = &lab.ca2, .ku = KU_ENC, .from = lab.start - DAY,
	    .to = lab.start + 90 * DAY };
	struct cert	*c = tool_cert(&o);

	(void)state;
	lab_next(&lab.ca2, 0);
	(void)tool_cert_file("enc.pem", c);
	assert_int_equal(lab_site(SPLIT "ra_renew = 0;", NEXT, ""), -1);
	assert_err(&lab.e, ERR_CERT_FILE, "CN=CA, ra_enc_cert by CN=CA 2",
	    "apart");
	err_clear(&lab.e);
	(void)tool_cert_file("enc.pem", lab.enc);
	cert_free(c);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, lab_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_next),
		TEST(test_program),
		TEST(test_switch),
		TEST(test_remembered),
		TEST(test_given_up),
		TEST(test_previous),
		TEST(test_late),
		TEST(test_urls),
		TEST(test_ca_mode),
		TEST(test_expired),
		TEST(test_apart),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
