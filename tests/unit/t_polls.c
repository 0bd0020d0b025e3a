/*
 * Requests that wait until an operator has looked, as a device lives them: it
 * polls, and nobody else does.
 */
#include "scep/wrap.h"
#include "service_lab.h"
#include "store/waiting.h"

#define SECRET	"8CE317021F690069"

/* IssuerAndSubject, which decides nothing. */
#define OTHER_NAMES							\
	"\x30\x0f\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02" "xy" \
	"\x30\x00"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    LAB_END("auto") "profile = \"p\"; challenges = [ \"c\" ]; },\n"
    LAB_END("manual") "profile = \"p\"; challenges = [ \"c\" ];\n"
    "    approval = \"manual\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; key_types = [ \"rsa\", \"ec\" ]; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

/* Self-signed, under the device's name. */
static struct who	 thief, ec_device;

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&thief, "device", "rsa:2048", KU_RA, NULL);
	lab_who(&ec_device, "device", "ec:p256", KU_RA, NULL);
	return rc;
}

static int
teardown(void **state)
{
	who_free(&thief);
	who_free(&ec_device);
	return lab_teardown(state);
}

static int
begin(void **state)
{
	(void)state;
	lab_begin("%s", text);
	return 0;
}

static void
ask(const char *path, int type, const struct who *by, const char *txid,
    struct bytes content, struct scep_got *got)
{
	const struct scep_ask	 q = lab_question(type, by, txid, content);

	lab_ask(path, &q, got);
}

/* The device's request waits. */
static void
hold(const char *txid)
{
	struct csr		*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_pkcsreq(txid, r);

	assert_int_equal(lab_status("/manual", &q), SCEP_PENDING);
	csr_free(r);
}

static enum scep_status
poll_by(const struct who *by, const char *txid, const char *nonce,
    struct scep_got *got)
{
	struct scep_ask	 q = lab_question(SCEP_CERTPOLL, by, txid,
	    LIT(OTHER_NAMES));

	if (by == &ec_device)
		q.password = bytes_str(SECRET);

	/* The answer is to this poll, not to the request. */
	q.nonce = bytes_str(nonce);
	lab_ask("/manual", &q, got);
	return got->status;
}

static enum scep_status
poll(const char *txid, const char *nonce, struct scep_got *got)
{
	return poll_by(&lab.device, txid, nonce, got);
}

static void
decide(int64_t id, bool approve)
{
	struct err	 e = ERR_INIT;

	lab_ok(waiting_decide(lab.service->db, id, approve ? WAITING_APPROVE :
	    WAITING_REJECT, lab.now, "op", &e), &e);
}

static void
assert_pending(const char *txid, const char *nonce)
{
	struct scep_got	 got;

	assert_int_equal(poll(txid, nonce, &got), SCEP_PENDING);
	assert_int_equal(got.failinfo, -1);
	scep_got_clear(&got);
}

/* Two of one device at once, each with an end of its own. */
static void
test_polls(void **state)
{
	struct buf	 first = BUF_INIT(CERT_MAX_DER);
	struct scep_got	 got;

	(void)state;
	hold("A");
	hold("B");
	assert_pending("A", "first poll");
	assert_pending("A", "second poll");
	decide(1, true);
	assert_pending("B", "third poll");
	decide(2, false);
	/* Once more is the same certificate again. */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(poll("A", "fourth poll", &got),
		    SCEP_SUCCESS);
		assert_int_equal(got.certs.n, 1);
		assert_true(key_matches(lab.device.key, got.certs.v[0]));
		if (i == 0)
			assert_int_equal(buf_put(&first,
			    got.certs.v[0]->der.p, got.certs.v[0]->der.n), 0);
		assert_true(bytes_eq(got.certs.v[0]->der, buf_bytes(&first)));
		scep_got_clear(&got);
		(void)poll("B", "fifth poll", &got);
		lab_assert_failure(&got, FAIL_BADREQUEST, "rejected");
		scep_got_clear(&got);
	}
	assert_int_equal(lab_issued(), 1);
	buf_wipe(&first);
}

/* What was issued and is revoked is handed out no more; nor is what waits
 * issued, for a key that was compromised meanwhile. */
static void
test_poll_revoked(void **state)
{
	struct scep_got	 got;

	(void)state;
	for (int64_t i = 0; i < 2; i++) {
		hold(i == 0 ? "A" : "B");
		decide(i + 1, true);
	}
	assert_int_equal(poll("A", "1", &got), SCEP_SUCCESS);
	scep_got_clear(&got);
	store_do("UPDATE issued SET revoked_at = 1, revoke_reason = 6");
	(void)poll("A", "2", &got);
	lab_assert_failure(&got, FAIL_BADREQUEST, "on hold");
	scep_got_clear(&got);
	store_do("UPDATE issued SET revoked_at = NULL, revoke_reason = NULL");
	assert_int_equal(poll("A", "3", &got), SCEP_SUCCESS);
	scep_got_clear(&got);
	store_do("UPDATE issued SET revoked_at = 1, revoke_reason = 1");
	(void)poll("B", "4", &got);
	lab_assert_failure(&got, FAIL_BADREQUEST, "its key is compromised");
	scep_got_clear(&got);
	assert_int_equal(lab_issued(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM txn WHERE reason ="
	    " 'key_compromised'"), 1);
}

/* The reply to a key that cannot decrypt needs the request's challenge, which
 * is there until the issue; key agreement is not taken instead, unasked. */
static void
test_poll_by_password(void **state)
{
	struct scep_got	 got;
	struct scep_ask	 q;
	struct csr	*r = tool_csr(ec_device.key, "/CN=device", NULL,
			    SECRET);

	(void)state;
	q = lab_question(SCEP_PKCSREQ, &ec_device, "A", r->der);
	q.password = bytes_str(SECRET);
	lab_ask("/manual", &q, &got);
	assert_int_equal(got.status, SCEP_PENDING);
	scep_got_clear(&got);
	decide(1, true);
	assert_int_equal(poll_by(&ec_device, "A", "1", &got), SCEP_SUCCESS);
	assert_true(key_matches(ec_device.key, got.certs.v[0]));
	assert_int_equal(got.suite.transport, ALG_NONE);
	scep_got_clear(&got);
	(void)poll_by(&ec_device, "A", "2", &got);
	lab_assert_failure(&got, FAIL_BADREQUEST, "no challenge at hand");
	scep_got_clear(&got);
	lab_ask("/manual", &q, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(lab_issued(), 1);
	csr_free(r);
}

static void
test_poll_refused(void **state)
{
	struct scep_got	 got;

	(void)state;
	hold("A");
	decide(1, true);
	ask("/manual", SCEP_CERTPOLL, &lab.device, "B", LIT(OTHER_NAMES), &got);
	lab_assert_failure(&got, FAIL_BADCERTID, "unknown transactionID");
	scep_got_clear(&got);
	ask("/auto", SCEP_CERTPOLL, &lab.device, "A", LIT(OTHER_NAMES), &got);
	lab_assert_failure(&got, FAIL_BADCERTID, "at another endpoint");
	scep_got_clear(&got);
	ask("/manual", SCEP_CERTPOLL, &thief, "A", LIT(OTHER_NAMES), &got);
	lab_assert_failure(&got, FAIL_BADREQUEST, "another key");
	scep_got_clear(&got);
	assert_int_equal(lab_issued(), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_polls),
		TEST(test_poll_revoked),
		TEST(test_poll_by_password),
		TEST(test_poll_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
