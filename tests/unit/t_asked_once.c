/*
 * When a validator is asked again, and when once is enough: renewals, copies of
 * a request, what an operator approved.
 */
#include <pthread.h>

#include "scep/wrap.h"
#include "store/waiting.h"
#include "validator_lab.h"

#define COPIES	8

static void
enroll(const char *path, const char *txid, struct who *out)
{
	struct csr		*r = tool_csr(lab.device.key, "/CN=device",
	    "DNS:device.example", SECRET);
	const struct scep_ask	 q = lab_pkcsreq(txid, r);

	out->key = lab.device.key;
	out->cert = lab_cert(path, &q);
	csr_free(r);
}

static void
test_renewals(void **state)
{
	struct scep_ask	 q;
	struct scep_got	 got;
	struct csr	*r;
	struct who	 old;

	(void)state;
	enroll("/also", "first", &old);
	vlab_says(40, "");
	vlab_ask("/also", SCEP_PKCSREQ, &old, "second", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(vlab_asked(), 2);
	vlab_assert_told("\"renewal\": true");
	vlab_assert_told("\"issued_here\": true");
	scep_got_clear(&got);
	vlab_says(0, "");
	vlab_ask("/also", SCEP_RENEWALREQ, &old, "third", NULL, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	vlab_assert_told("\"message_type\": \"RenewalReq\", \"renewal\": true");
	scep_got_clear(&got);
	/* One that cannot say refuses renewals like anything else. */
	vlab_says(0, "maybe");
	assert_int_equal(vlab_http("/also", SCEP_RENEWALREQ, &old,
	    NULL), 503);
	vlab_says(9, "");
	assert_int_equal(vlab_http("/also", SCEP_RENEWALREQ, &old,
	    NULL), 503);
	store_assert("SELECT count(*) FROM issued", "2");
	/* Names are those of the old one, whatever it says. */
	vlab_says(0, "{\"subject\": \"CN=other\"}");
	vlab_ask("/also", SCEP_RENEWALREQ, &old, "fourth", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	cert_free(old.cert);

	vlab_again();
	enroll("/once", "first", &old);
	vlab_says(40, "");
	vlab_ask("/once", SCEP_RENEWALREQ, &old, "second", NULL, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(vlab_asked(), 1);
	scep_got_clear(&got);
	/* What the old one allows is a renewal, challenge or not. */
	vlab_ask("/once", SCEP_PKCSREQ, &old, "third", SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(vlab_asked(), 1);
	scep_got_clear(&got);
	/* Under another name the challenge makes it an enrollment. */
	r = tool_csr(lab.device.key, "/CN=other", NULL, SECRET);
	q = lab_question(SCEP_PKCSREQ, &old, "fourth", r->der);
	lab_ask("/once", &q, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(vlab_asked(), 2);
	scep_got_clear(&got);
	csr_free(r);
	cert_free(old.cert);
}

/* A renewal whose profile is gone is another's only if the validator says
 * so. */
static void
test_renewal_profile(void **state)
{
	static const struct {
		const char	*path;
		int		 type;
		int		 verdict;
		const char	*words;
		const char	*challenge;
		bool		 issued;
		const char	*profile;	/* that it has then */
	} rows[] = {
		{ "/also", SCEP_RENEWALREQ, 0, "{\"profile\": \"q\"}", NULL,
		    true, "q" },
		{ "/also", SCEP_RENEWALREQ, 0, "{}", NULL, false, "" },
		{ "/also", SCEP_RENEWALREQ, 0, "{\"validity\": \"1d\"}",
		    NULL, false, "" },
		{ "/also", SCEP_RENEWALREQ, 41, "{}", NULL, false, "" },
		{ "/also", SCEP_PKCSREQ, 0, "{}", SECRET, true, "p" },
		{ "/once", SCEP_RENEWALREQ, 0, "{\"profile\": \"q\"}", NULL,
		    false, "" },
		{ "/once", SCEP_PKCSREQ, 0, "{}", SECRET, true, "p" },
	};
	char		 profile[STORE_TEXT];
	struct scep_got	 got;
	struct who	 old;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		enroll(rows[i].path, "first", &old);
		store_text("UPDATE issued SET profile = 'gone'", profile);
		vlab_says(rows[i].verdict, rows[i].words);
		vlab_ask(rows[i].path, rows[i].type, &old, "second",
		    rows[i].challenge, &got);
		if ((got.status == SCEP_SUCCESS) != rows[i].issued)
			fail_msg("row %zu: %d", i, got.status);
		store_text("SELECT profile FROM issued WHERE id > 1", profile);
		assert_string_equal(profile, rows[i].profile);
		assert_int_equal(store_number("SELECT count(*) FROM txn WHERE "
		    "state = 'pending'"), 0);
		scep_got_clear(&got);
		cert_free(old.cert);
	}
}

/* A secret that the validator alone can tell is not taken unseen. */
static void
test_renewal_secret(void **state)
{
	struct scep_got	 got;
	struct who	 old;

	(void)state;
	enroll("/vouched", "first", &old);
	vlab_says(40, "");
	vlab_ask("/vouched", SCEP_RENEWALREQ, &old, "second", "guess", &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(vlab_asked(), 2);
	vlab_assert_told("\"challenge\": \"guess\"");
	scep_got_clear(&got);
	vlab_ask("/vouched", SCEP_PKCSREQ, &old, "third", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(vlab_asked(), 2);
	scep_got_clear(&got);
	vlab_says(0, "");
	vlab_ask("/vouched", SCEP_RENEWALREQ, &old, "fourth", "right", &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(vlab_asked(), 3);
	scep_got_clear(&got);
	cert_free(old.cert);
}

static void
test_repeated(void **state)
{
	struct csr		*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_pkcsreq("t", r);
	struct scep_got		 got;

	(void)state;
	lab_ask("/also", &q, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	vlab_says(40, "");
	lab_ask("/also", &q, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(vlab_asked(), 1);
	csr_free(r);
}

struct copy {
	const struct scep_ask	*q;
	struct scep_got		 got;
};

static void *
send_copy(void *arg)
{
	struct copy	*c = arg;

	lab_ask("/instead", c->q, &c->got);
	return NULL;
}

/* A one-time secret is spent by the first question. */
static void
test_copies(void **state)
{
	struct csr		*r = lab_csr("one-time");
	const struct scep_ask	 q = lab_pkcsreq("t", r);
	struct copy		 copies[COPIES];
	pthread_t		 t[COPIES];

	(void)state;
	vlab_write("slow", "");
	for (size_t i = 0; i < COPIES; i++) {
		copies[i].q = &q;
		assert_int_equal(pthread_create(&t[i], NULL, send_copy,
		    &copies[i]), 0);
	}
	for (size_t i = 0; i < COPIES; i++) {
		(void)pthread_join(t[i], NULL);
		assert_int_equal(copies[i].got.status, SCEP_SUCCESS);
		assert_true(bytes_eq(copies[i].got.certs.v[0]->der,
		    copies[0].got.certs.v[0]->der));
	}
	for (size_t i = 0; i < COPIES; i++)
		scep_got_clear(&copies[i].got);
	assert_int_equal(vlab_asked(), 1);
	csr_free(r);
}

/* What it held and an operator approved is not its business any more. */
static void
test_approved(void **state)
{
	struct csr		*r = lab_csr("secret");
	const struct scep_ask	 q = lab_pkcsreq("t", r);
	struct err		 e = ERR_INIT;
	struct scep_got		 got;

	(void)state;
	vlab_says(41, "");
	lab_ask("/instead", &q, &got);
	assert_int_equal(got.status, SCEP_PENDING);
	scep_got_clear(&got);
	lab_ok(waiting_decide(lab.service->db, 1, WAITING_APPROVE, lab.now,
	    "op", &e), &e);
	vlab_says(40, "");
	lab_ask("/instead", &q, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(vlab_asked(), 1);
	csr_free(r);
	lab_close();
	assert_non_null(strstr(vlab_heard("outcome"), "\"issued\""));
	(void)vlab_begin(NULL);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, vlab_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_renewals),
		TEST(test_renewal_profile),
		TEST(test_renewal_secret),
		TEST(test_repeated),
		TEST(test_copies),
		TEST(test_approved),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
