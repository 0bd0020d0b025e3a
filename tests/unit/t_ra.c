/*
 * RA certificates in a service: several at once, and those that it renews.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "ra_lab.h"
#include "store/revoked.h"
#include "util/file.h"

/* ---- several at once ---- */

static void
test_split(void **state)
{
	const struct cert *const want[] = { ras.sign, ras.enc, lab.ca.cert };

	(void)state;
	ras_open(SPLIT, LOCAL);
	ras_assert_shown(want, N(want));
	ras_enroll(ras.enc, ras.sign, lab.ca.cert, NULL);
	/* What only signs opens nothing. */
	ras_refused("/CN=device", SECRET, ras.sign, ras.sign);
}

#define BAD_SPLIT(s, sk, n, nk)	"ra_cert = \"" s "\"; ra_key = \"" sk "\"; " \
	"ra_enc_cert = \"" n "\"; ra_enc_key = \"" nk "\";"

static void
test_refused(void **state)
{
	static const struct {
		const char	*endpoint, *text, *mend;
	} rows[] = {
		{ BAD_SPLIT("ra.pem", "ra.key", "enc.pem", "enc.key"),
		  "ra.pem: keyUsage is not that of the RA certificate that "
		  "signs", "issue it again with digitalSignature alone" },
		{ BAD_SPLIT("sign.pem", "ra.key", "ra.pem", "ra.key"),
		  "ra.pem: keyUsage is not that of the RA certificate that "
		  "decrypts", "issue it again with keyEncipherment alone" },
		{ BAD_SPLIT("enc.pem", "enc.key", "sign.pem", "ra.key"),
		  "enc.pem: keyUsage is not", "digitalSignature alone" },
		{ BAD_SPLIT("sign.pem", "ra.key", "enc.pem", "ra.key"),
		  "ra.key: is not the key of", "name the two" },
		{ ONE "ra_also = [ \"ra.pem\" ];", "ra.pem",
		  "lets others read it" },
		{ ONE "ra_also = [ \"ra.key\" ];", "ra.key",
		  "no certificate in the PEM text" },
		{ ONE "ra_also = [ \"mixed.pem\" ];", "mixed.pem: is not the "
		  "key of", "name the two" },
		{ ONE "ra_also = [ \"signs.pem\" ];", "signs.pem: its keyUsage"
		  " lacks keyEncipherment", "remove it from ra_also" },
		{ ONE "ra_also = [ \"ca_also.pem\" ];",
		  "ca_also.pem: is a CA certificate", "an RA certificate" },
	};

	(void)state;
	ras_also("mixed.pem", ras.old, lab.ra.key);
	ras_also("signs.pem", ras.sign, lab.ra.key);
	ras_also("ca_also.pem", ras.both_ca.cert, ras.both_ca.key);
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&ras.e);
		if (ras_site(rows[i].endpoint, LOCAL, "") != -1)
			fail_msg("accepted: row %zu", i);
		assert_err(&ras.e, ras.e.reason, rows[i].text,
		    rows[i].endpoint);
		assert_err(&ras.e, ras.e.reason, rows[i].mend,
		    rows[i].endpoint);
	}
	err_clear(&ras.e);
}

/* Who holds the old one is answered by it. */
static void
test_also(void **state)
{
	const struct cert *const want[] = { lab.ra.cert, lab.ca.cert };
	struct scep_got	 got;

	(void)state;
	ras_open(ONE "ra_also = [ \"old.pem\" ];", LOCAL);
	ras_assert_shown(want, N(want));
	ras_enroll(lab.ra.cert, lab.ra.cert, lab.ca.cert, NULL);
	ras_enroll(ras.old, ras.old, lab.ca.cert, NULL);
	/* A refusal too, and a poll. */
	ras_csr(SCEP_PKCSREQ, "/CN=device", "wrong", lab.device.key,
	    lab.device.cert, ras.old, ras.old, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(got.failinfo, FAIL_BADREQUEST);
	scep_got_clear(&got);
	/* Nobody gets the name of either. */
	ras_refused("/CN=old RA", SECRET, lab.ra.cert, lab.ra.cert);
	ras_reload(ONE, LOCAL);
	ras_refused("/CN=device", SECRET, ras.old, lab.ra.cert);
}

/* An earlier one that only decrypts: who signs now signs. */
static void
test_also_split(void **state)
{
	struct cert	*old_enc = ras_cert("old enc", ras.old_key, KU_ENC,
	    -DAY, DAY);

	(void)state;
	ras_also("old_enc.pem", old_enc, ras.old_key);
	ras_open(SPLIT "ra_also = [ \"old_enc.pem\", \"old.pem\" ];",
	    LOCAL);
	ras_enroll(ras.enc, ras.sign, lab.ca.cert, NULL);
	ras_enroll(old_enc, ras.sign, lab.ca.cert, NULL);
	ras_enroll(ras.old, ras.old, lab.ca.cert, NULL);
	cert_free(old_enc);
}

/* ---- renewal ---- */

static void
test_renewed(void **state)
{
	const struct cert *want[] = { NULL, lab.ca.cert };
	struct cert	*c, *again;
	struct scep_got	 got;

	(void)state;
	ras_make(-20 * DAY, 10 * DAY);
	ras_open(ONE, LOCAL);
	c = ras_shown();
	want[0] = c;
	ras_assert_shown(want, N(want));
	assert_false(bytes_eq(c->der, lab.ra.cert->der));
	assert_true(key_matches(lab.ra.key, c));
	assert_true(bytes_eq(c->subject, lab.ra.cert->subject));
	assert_int_equal(c->ku, KU_RA);
	/* Nobody's agent: its key enrolls for nobody elsewhere. */
	assert_int_equal(X509_get_ext_by_NID(c->x, NID_ext_key_usage, -1),
	    -1);
	assert_false(c->is_ca);
	assert_int_equal(c->not_after - c->not_before, 30 * DAY);
	assert_true(c->not_before >= lab.now - DAY && c->not_before <= lab.now);
	assert_int_equal(ras_issued(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM txn WHERE state ="
	    " 'issued'"), 1);
	/* Whoever knows which one: each is answered by its own. */
	ras_enroll(c, c, lab.ca.cert, NULL);
	ras_enroll(lab.ra.cert, lab.ra.cert, lab.ca.cert, NULL);
	/* It is nobody's to renew. */
	ras_csr(SCEP_RENEWALREQ, "/CN=RA", NULL, lab.ra.key, c, c, c, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	/* It stays, for as long as it is good. */
	ras_tick(0);
	ras_tick(3601);
	ras_tick(7 * DAY);
	ras_restart(ONE, LOCAL);
	ras_reload(ONE, LOCAL);
	again = ras_shown();
	assert_true(bytes_eq(c->der, again->der));
	assert_int_equal(ras_issued(), 1);
	cert_free(again);
	cert_free(c);
}

/* An expired one in the file stops nothing. */
static void
test_expired(void **state)
{
	struct cert	*c;

	(void)state;
	ras_make(-20 * DAY, -DAY);
	ras_open(ONE, LOCAL);
	c = ras_shown();
	assert_true(c->not_after > lab.now);
	ras_enroll(c, c, lab.ca.cert, NULL);
	cert_free(c);
	ras_restart(ONE, LOCAL);
	assert_int_equal(ras_issued(), 1);
	lab_close();
	assert_int_equal(ras_site(ONE "ra_renew = 0;", LOCAL, ""), -1);
	assert_err(&ras.e, ERR_CERT_FILE, "has expired", "ra_renew = 0");
	err_clear(&ras.e);
	assert_int_equal(ras_site(ONE, EXEC, ""), -1);
	assert_err(&ras.e, ERR_CERT_FILE, "has expired", "exec");
	err_clear(&ras.e);
}

/* As time goes by: each in time, none past its CA, no more than needed. */
static void
test_time(void **state)
{
	struct cert	*c = NULL, *was;
	int64_t		 t;

	(void)state;
	ras_make(-DAY, 29 * DAY);
	ras_open(ONE "ra_renew = \"10d\";", LOCAL);
	was = ras_shown();
	assert_true(bytes_eq(was->der, lab.ra.cert->der));
	for (t = 0; t < 100 * DAY; t += DAY / 4) {
		ras_tick(t);
		c = ras_shown();
		if (c->not_after < lab.now + t ||
		    (t < 90 * DAY && c->not_after < lab.now + t + 9 * DAY))
			fail_msg("day %lld: until day %lld",
			    (long long)(t / DAY),
			    (long long)((c->not_after - lab.now) / DAY));
		assert_true(c->not_after <= lab.ca.cert->not_after);
		if (t < 19 * DAY)
			assert_true(bytes_eq(was->der, c->der));
		cert_free(c);
	}
	cert_free(was);
	/* Days 19, 38, 57, 76, and 95 that is not worth it. */
	assert_int_equal(ras_issued(), 4);
	assert_true(ras.site->endpoints[0].warned >= lab.now + 90 * DAY);
}

static void
test_not_renewed(void **state)
{
	static const struct { const char *endpoint, *issuer; } rows[] = {
		{ ONE "ra_renew = 0;", LOCAL }, { ONE, EXEC },
	};
	int64_t		 warned;

	(void)state;
	ras_make(-20 * DAY, 10 * DAY);
	for (size_t i = 0; i < N(rows); i++) {
		ras_open(rows[i].endpoint, rows[i].issuer);
		warned = ras.site->endpoints[0].warned;
		assert_true(warned >= lab.now);
		ras_tick(7200);
		assert_int_equal(ras.site->endpoints[0].warned, warned);
		ras_tick(DAY + 60);
		assert_int_equal(ras.site->endpoints[0].warned, lab.now + DAY +
		    60);
		ras_tick(20 * DAY);
		assert_int_equal(ras_issued(), 0);
		lab_close();
	}
}

/* How often the log of an opening tells of this. */
static size_t
count_told(const char *endpoint, const char *what)
{
	struct buf	 log = BUF_INIT(FILE_MAX);
	FILE		*f = tmpfile();
	int		 saved = dup(STDERR_FILENO), c;
	size_t		 n, at = 0;

	assert_non_null(f);
	fflush(stderr);
	assert_int_equal(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	ras_open(endpoint, LOCAL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	while ((c = fgetc(f)) != EOF)
		assert_int_equal(buf_putc(&log, (char)c), 0);
	(void)fclose(f);
	n = tool_count(buf_bytes(&log), bytes_str(what), &at);
	buf_wipe(&log);
	return n;
}

/* The one that expires does not hide the other one. */
static void
test_both_told(void **state)
{
	struct cert	*s = ras_cert("RA sign", lab.ra.key, KU_SIGN, -20 * DAY,
	    10 * DAY);
	struct cert	*n = ras_cert("RA enc", ras.enc_key, KU_ENC, -9 * DAY,
	    DAY);

	(void)state;
	(void)tool_cert_file("sign.pem", s);
	(void)tool_cert_file("enc.pem", n);
	assert_int_equal(count_told(SPLIT "ra_renew = 0;", "ra_expires"), 2);
	(void)tool_cert_file("sign.pem", ras.sign);
	(void)tool_cert_file("enc.pem", ras.enc);
	cert_free(s);
	cert_free(n);
}

/* The key goes into a file of its own, and the old one keeps opening. */
static void
test_new_key(void **state)
{
	struct cert	*c, *again;
	struct stat	 st;
	char		 name[64] = "ra-";

	(void)state;
	ras_make(-20 * DAY, 10 * DAY);
	ras_open(ONE "ra_renew_key = \"new\";", LOCAL);
	c = ras_shown();
	assert_false(key_matches(lab.ra.key, c));
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(name + 3 + 2 * i, 3, "%02x",
		    c->key.spki_hash[i]);
	(void)strcat(name, ".key");
	assert_int_equal(stat(tool_path(name), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	ras_enroll(c, c, lab.ca.cert, NULL);
	ras_enroll(lab.ra.cert, lab.ra.cert, lab.ca.cert, NULL);
	ras_restart(ONE "ra_renew_key = \"new\";", LOCAL);
	again = ras_shown();
	assert_true(bytes_eq(c->der, again->der));
	ras_enroll(c, c, lab.ca.cert, NULL);
	cert_free(again);
	/* Without its file it is told, and the next one is made. */
	assert_int_equal(unlink(tool_path(name)), 0);
	ras_restart(ONE, LOCAL);
	again = ras_shown();
	assert_true(key_matches(lab.ra.key, again));
	assert_int_equal(ras_issued(), 2);
	ras_enroll(again, again, lab.ca.cert, NULL);
	cert_free(again);
	cert_free(c);
}

static void
test_split_renewed(void **state)
{
	struct cert	*s = ras_cert("RA sign", lab.ra.key, KU_SIGN, -20 * DAY,
	    10 * DAY);
	struct cert	*n = ras_cert("RA enc", ras.enc_key, KU_ENC, -9 * DAY,
	    DAY);
	struct face	*f;

	(void)state;
	(void)tool_cert_file("sign.pem", s);
	(void)tool_cert_file("enc.pem", n);
	ras_open(SPLIT, LOCAL);
	assert_int_equal(ras_issued(), 2);
	f = ras_face();
	assert_int_equal(f->gens[0].n_ra, 2);
	assert_int_equal(f->gens[0].sign.cert->ku, KU_SIGN);
	assert_int_equal(f->gens[0].open.cert->ku, KU_ENC);
	assert_true(f->gens[0].sign.cert->not_after > lab.now + 20 * DAY);
	assert_true(f->gens[0].open.cert->not_after > lab.now + 8 * DAY);
	ras_enroll(f->gens[0].open.cert, f->gens[0].sign.cert, lab.ca.cert,
	    NULL);
	ras_enroll(n, f->gens[0].sign.cert, lab.ca.cert, NULL);
	face_put(f);
	(void)tool_cert_file("sign.pem", ras.sign);
	(void)tool_cert_file("enc.pem", ras.enc);
	cert_free(s);
	cert_free(n);
}

/* A revoked one is followed by another within an hour. */
static void
test_revoked(void **state)
{
	struct cert	*c, *d;

	(void)state;
	ras_make(-20 * DAY, 10 * DAY);
	ras_open(ONE, LOCAL);
	c = ras_shown();
	ras_ok(revoked_put(lab.service->db, 1, 0, lab.now, &ras.e));
	ras_tick(3700);
	d = ras_shown();
	assert_false(bytes_eq(c->der, d->der));
	assert_int_equal(ras_issued(), 2);
	cert_free(c);
	cert_free(d);
}

/* With another key, where that is why. */
static void
test_compromised(void **state)
{
	struct cert	*c;

	(void)state;
	ras_make(-20 * DAY, 10 * DAY);
	ras_open(ONE, LOCAL);
	ras_ok(revoked_put(lab.service->db, 1, 1, lab.now, &ras.e));
	ras_tick(3700);
	c = ras_shown();
	assert_false(key_matches(lab.ra.key, c));
	assert_int_equal(ras_issued(), 2);
	ras_enroll(c, c, lab.ca.cert, NULL);
	cert_free(c);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, ras_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_split),
		TEST(test_refused),
		TEST(test_also),
		TEST(test_also_split),
		TEST(test_renewed),
		TEST(test_expired),
		TEST(test_time),
		TEST(test_not_renewed),
		TEST(test_both_told),
		TEST(test_new_key),
		TEST(test_split_renewed),
		TEST(test_revoked),
		TEST(test_compromised),
	};

	return cmocka_run_group_tests(tests, ras_setup, ras_teardown);
}
