/*
 * What a validator may change of what is issued: names, account, profile and
 * validity, within the limits of profile and challenge.
 */
#include "scep/wrap.h"
#include "validator_lab.h"

static void
test_overrides(void **state)
{
	static const struct {
		const char	*words;
		const char	*subject;	/* NULL: not issued */
		int		 days;
		size_t		 n_sans;
	} rows[] = {
		{ "{}", "CN=device", 365, 1 },
		{ "{\"subject\": \"CN=x,O=y\"}", "CN=x,O=y", 365, 1 },
		{ "{\"sans\": [\"dns:a\", \"dns:b\"]}", "CN=device", 365, 2 },
		{ "{\"sans\": []}", "CN=device", 365, 0 },
		{ "{\"validity\": \"2d\"}", "CN=device", 2, 1 },
		{ "{\"validity\": \"9y\"}", "CN=device", 365, 1 },
		{ "{\"profile\": \"q\"}", "CN=device", 10, 1 },
		{ "{\"profile\": \"q\", \"validity\": \"3d\", \"subject\": "
		  "\"CN=z\", \"sans\": [\"upn:u@x\"]}", "CN=z", 3, 1 },
		{ "{\"profile\": \"q\", \"validity\": \"30d\"}", "CN=device",
		  10, 1 },
		{ "{\"subject\": \"CN=CA\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=RA\"}", NULL, 0, 0 },
		{ "{\"subject\": \"\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=../../x\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=a\\\\00b\"}", NULL, 0, 0 },
		{ "{\"subject\": \"device\"}", NULL, 0, 0 },
		{ "{\"sans\": [\"upn:u@x\"]}", NULL, 0, 0 },
		{ "{\"sans\": [\"email:a@b.example\"]}", NULL, 0, 0 },
		{ "{\"sans\": [\"a\"]}", NULL, 0, 0 },
		{ "{\"profile\": \"nosuch\"}", NULL, 0, 0 },
		{ "{\"profile\": \"ec\"}", NULL, 0, 0 },
		{ "{\"profile\": \"\"}", NULL, 0, 0 },
	};
	struct scep_got	 got;
	struct sans	 sans;
	struct err	 e = ERR_INIT;
	const struct cert *c;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		vlab_says(0, rows[i].words);
		if (rows[i].subject == NULL) {
			int	 status = vlab_try("/also", SECRET);

			/* Refused by policy, or not understood at all. */
			assert_true(status == 200 || status == 503);
			lab_close();
			if (strstr(vlab_heard("outcome"), "\"issued\"") != NULL)
				fail_msg("%s is issued", rows[i].words);
			continue;
		}
		vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", SECRET, &got);
		if (got.status != SCEP_SUCCESS)
			fail_msg("%s: %d", rows[i].words, got.failinfo);
		c = got.certs.v[0];
		assert_string_equal(c->subject_text, rows[i].subject);
		/* One of these days lies in the past. */
		assert_int_equal((c->not_after - c->not_before) / DAY,
		    rows[i].days + 1);
		lab_ok(cert_sans(c, &sans, &e), &e);
		assert_int_equal(sans.n, rows[i].n_sans);
		sans_free(&sans);
		scep_got_clear(&got);
	}
}

/* The account that a device is, only where the profile lets it be one. */
static void
test_account(void **state)
{
#define SID	"S-1-5-21-1-2-3-1107"
	static const struct {
		const char	*words;
		const char	*sid;		/* NULL: not issued */
	} rows[] = {
		{ "{\"profile\": \"q\"}", "" },
		{ "{\"profile\": \"q\", \"sid\": \"" SID "\"}", SID },
		{ "{\"profile\": \"q\", \"sid\": \"\"}", "" },
		{ "{\"sid\": \"\"}", "" },
		{ "{\"sid\": \"" SID "\"}", NULL },
		{ "{\"profile\": \"q\", \"sid\": \"S-1-5-32-544\"}", NULL },
	};
	char		 sid[SID_TEXT];
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		vlab_says(0, rows[i].words);
		if (rows[i].sid == NULL) {
			assert_int_equal(vlab_try("/also", SECRET), 503);
			lab_close();
			assert_null(strstr(vlab_heard("outcome"),
			    "\"issued\""));
			continue;
		}
		vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", SECRET, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		cert_sid(got.certs.v[0], sid);
		assert_string_equal(sid, rows[i].sid);
		scep_got_clear(&got);
	}
}

/* A validator's profile, before the challenge's, before the endpoint's. */
static void
test_profiles(void **state)
{
	static const struct {
		const char	*words;
		int		 days;
	} rows[] = {
		{ "{}", 10 },
		{ "{\"validity\": \"3d\"}", 3 },
		{ "{\"validity\": \"30d\"}", 10 },
		{ "{\"profile\": \"p\"}", 365 },
		{ "{\"profile\": \"p\", \"validity\": \"30d\"}", 30 },
	};
	struct scep_got	 got;
	const struct cert *c;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		vlab_says(0, rows[i].words);
		vlab_ask("/limited", SCEP_PKCSREQ, &lab.device, "t", LIMITED,
		    &got);
		if (got.status != SCEP_SUCCESS)
			fail_msg("%s: %d", rows[i].words, got.failinfo);
		vlab_assert_told("\"profile\": \"q\"");
		vlab_assert_told("\"challenge_name\": \"d\"");
		c = got.certs.v[0];
		assert_int_equal((c->not_after - c->not_before) / DAY,
		    rows[i].days + 1);
		scep_got_clear(&got);
	}
	/* Names that the challenge does not allow. */
	vlab_again();
	vlab_says(0, "{\"subject\": \"CN=other\"}");
	vlab_ask("/limited", SCEP_PKCSREQ, &lab.device, "t", LIMITED, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	/* What waits could not remember all that was changed. */
	vlab_again();
	vlab_says(0, "{\"profile\": \"held\", \"validity\": \"1d\"}");
	assert_int_equal(vlab_try("/also", SECRET), 503);
}

static void
test_recorded(void **state)
{
	struct scep_got	 got;

	(void)state;
	vlab_says(0, "{\"profile\": \"q\", \"subject\": \"CN=z\", "
	    "\"validity\": \"1d\"}");
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", SECRET, &got);
	scep_got_clear(&got);
	store_assert("SELECT profile || ' ' || subject FROM issued", "q CN=z");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, vlab_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_overrides),
		TEST(test_account),
		TEST(test_profiles),
		TEST(test_recorded),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
