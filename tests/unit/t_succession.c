/*
 * A CA that follows another: before, at and behind the switch.
 */
#include <unistd.h>

#include "pki/chain.h"
#include "ra_lab.h"
#include "pki/crl.h"
#include "store/revoked.h"

#define CA_MODE	"mode = \"ca\"; "

/* The certificates that GetNextCACert vouches for. */
static void
get_next(const struct cert *by, struct certs *out)
{
	struct cms_signed	 s;
	struct buf		 b = BUF_INIT(65536);

	assert_int_equal(ras_get("/e", "operation=GetNextCACert", &b), 200);
	ras_ok(cms_signed_parse(buf_bytes(&b), &s, &ras.e));
	assert_true(bytes_eq(s.signer->der, by->der));
	ras_ok(cms_signed_verify(&s, &ras.e));
	ras_ok(cms_unbag(s.content, out, &ras.e));
	cms_signed_clear(&s);
	buf_wipe(&b);
}

static bool
says_next(void)
{
	struct buf	 b = BUF_INIT(4096);
	bool		 says;

	assert_int_equal(ras_get("/e", "operation=GetCACaps", &b), 200);
	says = strstr(buf_cstr(&b), "GetNextCACert\n") != NULL;
	buf_wipe(&b);
	return says;
}

static void
assert_crl(const char *path, const struct cert *by)
{
	struct buf	 b = BUF_INIT(65536);
	struct crl	*c;

	if (ras_get(path, NULL, &b) != 200)
		fail_msg("%s", path);
	ras_ok(crl_parse(buf_bytes(&b), &c, &ras.e));
	ras_ok(crl_verify(c, by, &ras.e));
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
	const struct cert *const want[] = { lab.ra.cert, lab.ca.cert };
	char		 path[80];
	struct certs	 cs;
	struct face	*f;

	(void)state;
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, 0);
	ras_open(ONE, NEXT);
	ras_assert_shown((const struct cert *const[]){ lab.ra.cert, want[1] },
	    N(want));
	assert_true(says_next());
	get_next(lab.ca.cert, &cs);
	assert_int_equal(cs.n, 2);
	assert_true(key_matches(lab.ra.key, cs.v[0]));
	assert_true(bytes_eq(cs.v[0]->issuer, ras.ca2.cert->subject));
	assert_true(bytes_eq(cs.v[1]->der, ras.ca2.cert->der));
	assert_int_equal(ras_issued(), 1);
	ras_enroll(lab.ra.cert, lab.ra.cert, lab.ca.cert, NULL);
	ras_enroll(cs.v[0], cs.v[0], ras.ca2.cert, NULL);
	assert_crl("/crl/local.crl", lab.ca.cert);
	path_of(ras.ca2.cert, "/crl/", ".crl", path);
	assert_crl(path, ras.ca2.cert);
	path_of(lab.ca.cert, "/crl/", ".crl", path);
	assert_crl(path, lab.ca.cert);
	path_of(ras.ca2.cert, "/ca/", ".crt", path);
	assert_int_equal(ras_get(path, NULL, NULL), 200);
	ras_restart(ONE, NEXT);
	assert_int_equal(ras_issued(), 1);
	/* Nothing is decided, so nothing happens. */
	ras_tick(50 * DAY);
	f = ras_face();
	assert_ptr_equal(f->gens[0].ca, &ras.site->cas[0]);
	face_put(f);
	certs_free(&cs);
}

/* Behind a program: an RA certificate of the next CA is in ra_also. */
static void
test_program(void **state)
{
	const struct order	 o = { .name = "RA", .key = lab.ra.key,
	    .issuer = &ras.ca2, .ku = KU_RA, .from = lab.now - DAY,
	    .to = lab.now + 90 * DAY };
	struct cert	*c = tool_cert(&o), *now;
	struct certs	 cs;

	(void)state;
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, 0);
	ras_open(ONE, EXEC "next = \"next\";");
	assert_false(says_next());
	ras_also("under_next.pem", c, lab.ra.key);
	ras_reload(ONE "ra_also = [ \"under_next.pem\" ];",
	    EXEC "next = \"next\";");
	assert_true(says_next());
	get_next(lab.ra.cert, &cs);
	assert_int_equal(cs.n, 2);
	assert_true(bytes_eq(cs.v[0]->der, c->der));
	certs_free(&cs);
	ras_next(&ras.ca2, lab.now - 5);
	ras_reload(ONE "ra_also = [ \"under_next.pem\" ];",
	    EXEC "next = \"next\";");
	now = ras_shown();
	assert_true(bytes_eq(now->der, c->der));
	assert_int_equal(ras_issued(), 0);
	cert_free(now);
	cert_free(c);
}

/* The date comes while the server runs. */
static void
test_switch(void **state)
{
	struct face	*f;

	(void)state;
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, lab.now + 2 * DAY);
	ras_open(ONE, NEXT);
	f = ras_face();
	assert_ptr_equal(f->gens[0].ca, &ras.site->cas[0]);
	assert_true(f->nextca.n > 0);
	face_put(f);
	for (int64_t t = 2 * DAY - 5; t < 2 * DAY + 5; t++) {
		ras_tick(t);
		f = ras_face();
		assert_int_equal(f->gens[0].ca == ras.site->cas[0].next,
		    t >= 2 * DAY);
		assert_int_equal(f->nextca.n == 0, t >= 2 * DAY);
		assert_int_equal(f->n_ways, 2);
		face_put(f);
	}
	assert_int_equal(ras_issued(), 1);
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
	struct face	*f = ras_face();

	assert_ptr_equal(f->gens[0].ca, ras.site->cas[0].next);
	face_put(f);
}

/* Once over, for good: whatever becomes of the folder and of the clock. */
static void
test_remembered(void **state)
{
	struct site	*site;

	(void)state;
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, lab.now - 5);
	ras_open(ONE, NEXT);
	assert_next_issues();
	ras_next(&ras.ca2, lab.now + DAY);
	ras_restart(ONE, NEXT);
	assert_next_issues();
	ras_next(&ras.ca2, 0);
	ras_reload(ONE, NEXT);
	assert_next_issues();
	assert_int_equal(store_number("SELECT count(*) FROM followed"), 1);
	site = ras.site;
	remove_next();
	ras_ok(ras_site(ONE, NEXT, ""));
	assert_int_equal(service_replace(lab.service, ras.site, &ras.e), -1);
	assert_int_equal(ras.e.reason, ERR_CONFIG);
	assert_non_null(strstr(ras.e.text, "issuer local: another CA took "
	    "over from CN=CA on "));
	site_put(ras.site);
	ras.site = site;
	assert_next_issues();
	lab_close();
	err_clear(&ras.e);
	ras_next(&ras.both_ca, lab.now - 5);
	ras_ok(ras_site(ONE, NEXT, ""));
	assert_int_equal(service_open(ras.site, &lab.service, &ras.e), -1);
	assert_int_equal(ras.e.reason, ERR_CONFIG);
	site_put(ras.site);
}

/* A next CA that was given up for another one of its name. */
static void
test_given_up(void **state)
{
	const struct order	 o = { .name = "CA 2", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .from = lab.now - DAY,
	    .to = lab.now + 400 * DAY };
	struct certs	 cs;
	struct who	 other;

	(void)state;
	who_make(&other, &o);
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, 0);
	ras_open(ONE, NEXT);
	assert_int_equal(ras_issued(), 1);
	ras_next(&other, 0);
	ras_reload(ONE, NEXT);
	assert_int_equal(ras_issued(), 2);
	get_next(lab.ca.cert, &cs);
	assert_int_equal(cs.n, 2);
	ras_ok(chain_link(cs.v[0], other.cert, &ras.e));
	ras_enroll(cs.v[0], cs.v[0], other.cert, NULL);
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

	path_of(ras.ca2.cert, "/crl/", ".crl", other);
	ras_ok(revoked_put(lab.service->db, store_number("SELECT min(id) FROM"
	    " issued WHERE role = 'client'"), 1, lab.now, &ras.e));
	service_tick(lab.service);
	for (size_t i = 0; i < N(paths); i++) {
		struct buf	 b = BUF_INIT(65536);

		assert_int_equal(ras_get(paths[i], NULL, &b), 200);
		ras_ok(crl_parse(buf_bytes(&b), &c, &ras.e));
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
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, 0);
	ras_open(ONE, NEXT);
	ras_enroll(lab.ra.cert, lab.ra.cert, lab.ca.cert, &was);
	ras_next(&ras.ca2, lab.now - 5);
	ras_reload(ONE, NEXT);
	now = ras_shown();
	ras_assert_shown((const struct cert *const[]){ now, ras.ca2.cert }, 2);
	assert_true(bytes_eq(now->issuer, ras.ca2.cert->subject));
	assert_false(says_next());
	assert_int_equal(ras_get("/e", "operation=GetNextCACert", NULL), 404);
	ras_enroll(now, now, ras.ca2.cert, NULL);
	ras_enroll(lab.ra.cert, lab.ra.cert, ras.ca2.cert, NULL);
	/* A certificate of the old CA proves who renews. */
	for (size_t i = 0; i < 2; i++) {
		const struct cert *to = i == 0 ? lab.ra.cert : now;

		ras_csr(SCEP_RENEWALREQ, "/CN=device", NULL, lab.device.key,
		    was, to, to, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		assert_true(bytes_eq(got.certs.v[0]->issuer,
		    ras.ca2.cert->subject));
		scep_got_clear(&got);
	}
	/* Both CAs' certificates and CRLs are to be had. */
	ras_ok(ias_make(lab.ca.cert->subject, was->serial, &ias, &ras.e));
	for (int type = SCEP_GETCERT; type <= SCEP_GETCRL; type++) {
		struct scep_ask	 q = lab_question(type, &lab.device, "t",
		    buf_bytes(&ias));
		struct crl	*c;

		ras_ask(&q, now, now, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		if (type == SCEP_GETCERT)
			assert_true(bytes_eq(got.certs.v[0]->der, was->der));
		else {
			ras_ok(crl_parse(buf_bytes(&got.crl), &c, &ras.e));
			ras_ok(crl_verify(c, lab.ca.cert, &ras.e));
			crl_free(c);
		}
		scep_got_clear(&got);
	}
	assert_crl("/crl/local.crl", lab.ca.cert);
	assert_revocable(was);
	ras_csr(SCEP_RENEWALREQ, "/CN=device", NULL, lab.device.key, was, now,
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
	    .spec = "ec:p256", .from = lab.now - 90 * DAY,
	    .to = lab.now - DAY };
	struct who	 was;
	struct cert	*late, *now;

	(void)state;
	who_make(&was, &o);
	late = tool_cert(&(struct order){ .name = "RA", .key = lab.ra.key,
	    .issuer = &was, .ku = KU_RA, .from = lab.now - 80 * DAY,
	    .to = lab.now - 2 * DAY });
	(void)tool_cert_file("ca.pem", was.cert);
	(void)tool_key_file("ca.key", was.key);
	(void)tool_cert_file("ra.pem", late);
	ras_next(&ras.ca2, lab.now - 20 * DAY);
	ras_open(ONE, NEXT);
	now = ras_shown();
	ras_enroll(now, now, ras.ca2.cert, NULL);
	/* A reply signed by what has expired is refused, its certificate
	 * lost. */
	ras_refused("/CN=device", SECRET, late, now);
	lab_close();
	/* Not so while nobody has taken over. */
	ras_next(&ras.ca2, lab.now + 20 * DAY);
	assert_int_equal(ras_site(ONE, NEXT, ""), -1);
	assert_err(&ras.e, ERR_CERT_FILE, "has expired", "before");
	err_clear(&ras.e);
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
	ras_make(-DAY, 90 * DAY);
	ras_next(&ras.ca2, 0);
	ras_ok(ras_site(ONE, NEXT, profile));
	ras_ok(service_open(ras.site, &lab.service, &ras.e));
	f = ras_face();
	ras_enroll(f->open[0].cert, lab.ra.cert, lab.ca.cert, &by_old);
	ras_enroll(f->open[1].cert, f->open[1].cert, ras.ca2.cert, &by_new);
	assert_int_equal(tool_count(by_old->der,
	    bytes_str("http://x.example/crl/local.crl"), &at), 1);
	path_of(ras.ca2.cert, "http://x.example/crl/", ".crl", url);
	assert_int_equal(tool_count(by_new->der, bytes_str(url), &at), 1);
	assert_int_equal(tool_count(by_new->der,
	    bytes_str("http://y/crl/other.crl"), &at), 1);
	path_of(ras.ca2.cert, "http://x.example/ca/", ".crt", url);
	assert_int_equal(tool_count(by_new->der, bytes_str(url), &at), 1);
	/* As the profile of the challenge has it. */
	to = f->open[1].cert;
	ras_csr(SCEP_PKCSREQ, "/CN=q", SECRET_Q, lab.device.key,
	    lab.device.cert, to, to, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	path_of(ras.ca2.cert, "http://q.example/crl/", ".crl", url);
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
	(void)tool_cert_file("ca.pem", ras.both_ca.cert);
	(void)tool_key_file("ca.key", ras.both_ca.key);
	ras_next(&ras.both_ca2, 0);
	ras_open(CA_MODE, both);
	ras_enroll(ras.both_ca.cert, ras.both_ca.cert, ras.both_ca.cert, NULL);
	ras_enroll(ras.both_ca2.cert, ras.both_ca2.cert, ras.both_ca2.cert,
	    NULL);
	get_next(ras.both_ca.cert, &cs);
	assert_int_equal(cs.n, 1);
	assert_true(bytes_eq(cs.v[0]->der, ras.both_ca2.cert->der));
	certs_free(&cs);
	ras_next(&ras.both_ca2, lab.now - 5);
	ras_reload(CA_MODE, both);
	ras_enroll(ras.both_ca.cert, ras.both_ca.cert, ras.both_ca2.cert, NULL);
	ras_enroll(ras.both_ca2.cert, ras.both_ca2.cert, ras.both_ca2.cert,
	    NULL);
	assert_int_equal(ras_issued(), 0);
	lab_close();
	/* A next CA that clients cannot encrypt to */
	ras_next(&ras.ca2, 0);
	assert_int_equal(ras_site(CA_MODE, both, ""), -1);
	assert_err(&ras.e, ERR_CERT_FILE, "/next: issuing CA", "ec");
	err_clear(&ras.e);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
	(void)tool_key_file("ca.key", lab.ca.key);
}

/* The CA expired, then another one took over. */
static void
test_expired(void **state)
{
	const struct order	 o = { .name = "CA", .key = lab.ca.key,
	    .ca = true, .ku = KU_CA, .from = lab.now - 100 * DAY,
	    .to = lab.now - 10 * DAY };
	struct cert	*c = tool_cert(&o), *now;

	(void)state;
	ras_make(-50 * DAY, -11 * DAY);
	(void)tool_cert_file("ca.pem", c);
	ras_next(&ras.ca2, lab.now - DAY);
	ras_open(ONE, NEXT);
	now = ras_shown();
	assert_true(bytes_eq(now->issuer, ras.ca2.cert->subject));
	ras_enroll(now, now, ras.ca2.cert, NULL);
	cert_free(now);
	cert_free(c);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
}

/* Two by different CAs are no pair: nobody would sign the replies. */
static void
test_apart(void **state)
{
	const struct order	 o = { .name = "RA enc", .key = ras.enc_key,
	    .issuer = &ras.ca2, .ku = KU_ENC, .from = lab.now - DAY,
	    .to = lab.now + 90 * DAY };
	struct cert	*c = tool_cert(&o);

	(void)state;
	ras_next(&ras.ca2, 0);
	(void)tool_cert_file("enc.pem", c);
	assert_int_equal(ras_site(SPLIT "ra_renew = 0;", NEXT, ""), -1);
	assert_err(&ras.e, ERR_CERT_FILE, "CN=CA, ra_enc_cert by CN=CA 2",
	    "apart");
	err_clear(&ras.e);
	(void)tool_cert_file("enc.pem", ras.enc);
	cert_free(c);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, ras_begin, lab_end)

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

	return cmocka_run_group_tests(tests, ras_setup, ras_teardown);
}
