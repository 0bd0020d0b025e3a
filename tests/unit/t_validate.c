/*
 * Validators in the way of a request: when one is asked, what it is told, and
 * what its word is worth.
 */
#include "csr_craft.h"
#include "scep/wrap.h"
#include "service/guard_int.h"
#include "util/clock.h"
#include "validator_lab.h"

/* What a request to the path, which the validator refuses, shows of its sender.
 */
static enum exchange_proof
refused_proof(const char *path)
{
	struct csr		*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_pkcsreq("proof", r);
	enum exchange_proof	 proof;
	struct exchange		 x;

	vlab_says(40, "");
	lab_post(path, &q, &x);
	proof = x.proof;
	exchange_clear(&x);
	csr_free(r);
	return proof;
}

/* ---- verdicts ---- */

static void
test_facts(void **state)
{
	struct scep_got	 got;

	(void)state;
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t-1", SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	vlab_assert_told("{\"version\": 1, \"event\": \"request\", "
	    "\"endpoint\": \"also\", \"transaction_id\": \"t-1\", ");
	vlab_assert_told("\"message_type\": \"PKCSReq\", \"renewal\": false, "
	    "\"subject\": \"CN=device\", \"sans\": [\"dns:device.example\"], ");
	vlab_assert_told("\"asked\": {\"sid\": null, \"sid_uris\": [], "
	    "\"template_oid\": null, \"template_name\": null, \"ku\": [], "
	    "\"eku\": [], \"ca\": false, \"extensions\": []}");
	vlab_assert_told("\"issued_here\": false");
	vlab_assert_told("\"profile\": \"p\", \"challenge\": null, "
	    "\"challenge_name\": \"c\", \"challenge_facts\": {}, "
	    "\"csr\": \"-----BEGIN CERTIFICATE REQUEST-----\\n");
	vlab_ask("/instead", SCEP_PKCSREQ, &lab.device, "t-2", " x\ty ", &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	vlab_assert_told("\"challenge\": \" x\\ty \", "
	    "\"challenge_name\": null");
}

#define SID_URI		"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"

/* It need not take the request apart to see for whom it asks. */
static void
test_asked(void **state)
{
	static const struct csr_craft	 all = {
		.more = "keyUsage=digitalSignature,keyCertSign",
		.also = {
		    "extendedKeyUsage=clientAuth,1.2.3.4",
		    "basicConstraints=CA:TRUE",
		    "1.3.6.1.4.1.311.21.7=DER:300506032A0309",
		    "1.3.6.1.4.1.311.20.2=DER:1E06005700650062",
		    "1.3.6.1.4.1.311.25.2=DER:301BA019060A2B06010401823719"
		    "0201A00B0409532D312D352D392D31", "1.2.3.5=DER:0500" },
	};
	struct csr_craft		 c = all;
	struct buf			 der = BUF_INIT(CSR_MAX_DER);
	struct scep_ask			 q;
	struct scep_got			 got;

	(void)state;
	vlab_again();
	vlab_says(40, "");
	c.key = lab.device.key;
	c.challenge_tag = V_ASN1_PRINTABLESTRING;
	c.challenge = bytes_str(SECRET);
	c.sans = LIT("\x30\x40\x86\x33" SID_URI "\x82\x09" "a.example");
	csr_craft(&c, &der);
	q = lab_question(SCEP_PKCSREQ, &lab.device, "asked", buf_bytes(&der));
	lab_ask("/also", &q, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	buf_wipe(&der);
	vlab_assert_told("\"sans\": [\"sid:" SID_URI "\", \"dns:a.example\"], "
	    "\"asked\": {\"sid\": \"S-1-5-9-1\", "
	    "\"sid_uris\": [\"" SID_URI "\"], "
	    "\"template_oid\": \"1.2.3.9\", \"template_name\": \"Web\", "
	    "\"ku\": [\"digitalSignature\", \"keyCertSign\"], "
	    "\"eku\": [\"1.3.6.1.5.5.7.3.2\", \"1.2.3.4\"], "
	    "\"ca\": true, \"extensions\": [\"1.3.6.1.4.1.311.21.7\", "
	    "\"1.3.6.1.4.1.311.20.2\", \"1.2.3.5\"]}");
}

static void
test_verdicts(void **state)
{
	static const struct {
		const char	*path;
		int		 verdict;
		const char	*words;
		int		 http;
		int		 status;	/* with 200 */
	} rows[] = {
		{ "/also", 0, "", 200, SCEP_SUCCESS },
		{ "/also", 40, "", 200, SCEP_FAILURE },
		{ "/also", 41, "", 200, SCEP_PENDING },
		{ "/also", 1, "", 503, 0 },
		{ "/also", 2, "", 503, 0 },
		{ "/also", 3, "", 503, 0 },
		{ "/also", 0, "yes", 503, 0 },
		{ "/also", 41, "yes", 503, 0 },
		{ "/also", 41, "{\"subject\": \"CN=x\"}", 503, 0 },
		{ "/also", 41, "{\"reason\": \"x\"}", 200, SCEP_PENDING },
		{ "/instead", 0, "", 200, SCEP_SUCCESS },
		{ "/instead", 40, "", 200, SCEP_FAILURE },
		{ "/instead", 41, "", 200, SCEP_PENDING },
		{ "/instead", 1, "", 503, 0 },
		{ "/instead", 7, "", 503, 0 },
		{ "/manual", 0, "", 200, SCEP_PENDING },
		{ "/manual", 40, "", 200, SCEP_FAILURE },
		{ "/manual", 0, "{\"validity\": \"1d\"}", 503, 0 },
	};
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		vlab_says(rows[i].verdict, rows[i].words);
		if (rows[i].http != 200) {
			assert_int_equal(vlab_try(rows[i].path, SECRET),
			    rows[i].http);
		} else {
			vlab_ask(rows[i].path, SCEP_PKCSREQ, &lab.device, "t",
			    SECRET, &got);
			if ((int)got.status != rows[i].status)
				fail_msg("row %zu: %d", i, got.status);
			scep_got_clear(&got);
		}
		assert_int_equal(vlab_asked(), 1);
	}
}

/* Guesses at what the validator alone knows count as any do. */
static void
test_guess(void **state)
{
	(void)state;
	assert_int_equal(refused_proof("/also"), PROOF_NONE);
	assert_int_equal(refused_proof("/instead"), PROOF_WRONG);
}

/* Nor does it judge them as often as somebody likes. */
static void
test_rationed(void **state)
{
	const struct conf	*c;
	struct abuse		*a;
	struct abuse_leave	 l = { .rationed = 0 };
	struct abuse_verdict	 v;
	int			 i;

	(void)state;
	vlab_again();
	c = site_conf(lab.service->site);
	a = lab.service->guard->abuse;
	vlab_says(40, "");
	lab.peer = "192.0.2.9";
	abuse_remember(a, lab.peer, clock_now());
	for (i = 0; i < 1000 && l.rationed == 0; i++) {
		abuse_enter(a, c, lab.peer, clock_now(), &l);
		if (l.rationed == 0)
			abuse_failed(a, c, lab.peer, "x", clock_now(), &v);
	}
	assert_true(l.rationed > 0 && l.locked == 0);
	assert_int_equal(vlab_try("/instead", SECRET), 429);
	assert_int_equal(vlab_asked(), 0);
	lab.peer = "192.0.2.10";
	assert_int_equal(vlab_try("/instead", SECRET), 200);
	assert_int_equal(vlab_asked(), 1);
	lab.peer = "";
}

/* It never hears of them. */
static void
test_refused_before(void **state)
{
	static const struct {
		const char	*path;
		int		 type;
		const char	*challenge;
	} rows[] = {
		{ "/also", SCEP_PKCSREQ, NULL },
		{ "/also", SCEP_PKCSREQ, " " },
		{ "/also", SCEP_PKCSREQ, "wrong" },
		{ "/also", SCEP_RENEWALREQ, SECRET },
		{ "/instead", SCEP_PKCSREQ, NULL },
		{ "/instead", SCEP_PKCSREQ, " " },
		{ "/instead", SCEP_PKCSREQ, "\t\r\n " },
		{ "/instead", SCEP_RENEWALREQ, "x" },
		/* Not even for an operator to vouch for it. */
		{ "/manual", SCEP_PKCSREQ, NULL },
		{ "/manual", SCEP_PKCSREQ, "wrong" },
	};
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_ask(rows[i].path, rows[i].type, &lab.device, "t",
		    rows[i].challenge, &got);
		if (got.status != SCEP_FAILURE || vlab_asked() != 0)
			fail_msg("row %zu: %d, asked %zu times", i,
			    got.status, vlab_asked());
		assert_int_equal(got.failinfo, FAIL_BADREQUEST);
		scep_got_clear(&got);
	}
}

/* An empty one is none, and none is no matter for a validator. */
static void
test_empty_challenge(void **state)
{
	static const char *const paths[] = { "/also", "/instead", "/manual" };
	const struct csr_craft	 c = { .key = lab.device.key,
	    .challenge_tag = 0x0c, .challenge = LIT("") };
	struct buf		 der = BUF_INIT(CSR_MAX_DER);
	struct scep_got		 got;

	(void)state;
	csr_craft(&c, &der);
	for (size_t i = 0; i < N(paths); i++) {
		const struct scep_ask	 q = lab_question(SCEP_PKCSREQ,
		    &lab.device, "t", buf_bytes(&der));

		lab_ask(paths[i], &q, &got);
		assert_int_equal(got.status, SCEP_FAILURE);
		assert_int_equal(vlab_asked(), 0);
		scep_got_clear(&got);
	}
	buf_wipe(&der);
}

/* Of all messages only one that may enroll leads to it. */
static void
test_message_types(void **state)
{
	struct scep_got	 got;
	char		 txid[16];

	(void)state;
	for (int type = 0; type <= 256; type++) {
		(void)snprintf(txid, sizeof(txid), "type-%d", type);
		vlab_ask("/instead", type, &lab.device, txid, "guess", &got);
		if (got.status != (type == SCEP_PKCSREQ ? SCEP_SUCCESS :
		    SCEP_FAILURE))
			fail_msg("messageType %d: %d", type, got.status);
		scep_got_clear(&got);
	}
	assert_int_equal(vlab_asked(), 1);
	assert_int_equal(lab_issued(), 1);
}

/* Its words are for the log. */
static void
test_words_stay(void **state)
{
	static const struct {
		int		 verdict;
		const char	*words;
	} rows[] = {
		{ 40, "{\"reason\": \"upstream-7 knows no such device\"}" },
		{ 7, "upstream-7 is down" },
		{ 0, "upstream-7 sends no JSON" },
		{ 0, "{\"profile\": \"upstream-7\"}" },
		{ 0, "{\"subject\": \"CN=RA,O=upstream-7\", \"sans\": "
		    "[\"upn:upstream-7\"]}" },
	};
	struct csr		*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_pkcsreq("words", r);
	struct exchange		 x;
	size_t			 at;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		vlab_again();
		vlab_says(rows[i].verdict, rows[i].words);
		lab_post("/also", &q, &x);
		assert_int_equal(vlab_asked(), 1);
		assert_true(x.reply.n > 0);
		if (tool_count(buf_bytes(&x.reply), bytes_str("upstream-7"),
		    &at) != 0)
			fail_msg("told on: %s", rows[i].words);
		exchange_clear(&x);
	}
	assert_int_equal(lab_issued(), 0);
	csr_free(r);
}

/* ---- outcomes ---- */

static void
test_outcomes(void **state)
{
	struct scep_got	 got;

	(void)state;
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t-9", SECRET, &got);
	scep_got_clear(&got);
	lab_close();
	assert_non_null(strstr(vlab_heard("outcome"), "{\"version\": 1, "
	    "\"event\": \"outcome\", \"endpoint\": \"also\", "
	    "\"transaction_id\": \"t-9\", "));
	assert_non_null(strstr(vlab_heard("outcome"),
	    "\"outcome\": \"issued\", "
	    "\"reason\": null, \"serial\": \""));
	assert_non_null(strstr(vlab_heard("outcome"),
	    "\"certificate\": \"-----BEGIN CERTIFICATE-----\\n"));
	(void)vlab_begin(NULL);
	vlab_says(40, "");
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", SECRET, &got);
	scep_got_clear(&got);
	lab_close();
	assert_non_null(strstr(vlab_heard("outcome"), "\"outcome\": "
	    "\"refused\", \"reason\": \"validator_refused\"}"));
	(void)vlab_begin(NULL);
	vlab_says(9, "");
	assert_int_equal(vlab_try("/also", SECRET), 503);
	lab_close();
	assert_non_null(strstr(vlab_heard("outcome"), "\"outcome\": "
	    "\"failed\", \"reason\": \"validator\"}"));
	/* Of what waits, or never got to it, there is no news. */
	(void)vlab_begin(NULL);
	vlab_says(41, "");
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", SECRET, &got);
	scep_got_clear(&got);
	vlab_ask("/also", SCEP_PKCSREQ, &lab.device, "t", "wrong", &got);
	scep_got_clear(&got);
	lab_close();
	assert_string_equal(vlab_heard("outcome"), "");
	(void)vlab_begin(NULL);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, vlab_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_facts),
		TEST(test_asked),
		TEST(test_verdicts),
		TEST(test_guess),
		TEST(test_rationed),
		TEST(test_refused_before),
		TEST(test_empty_challenge),
		TEST(test_message_types),
		TEST(test_words_stay),
		TEST(test_outcomes),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
