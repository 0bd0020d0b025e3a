/*
 * What is foretold of a request, where no message can show that it is right:
 * of other times and addresses, and where nobody can tell.
 */
#include <time.h>
#include <unistd.h>

#include "rehearse_lab.h"
#include "scep/wrap.h"
#include "store/lockout.h"

#define D	"/CN=device"
#define PKCS	SCEP_PKCSREQ

static void
assert_foretold(const struct rehearse_row *r, int64_t now, const char *peer,
    enum err_reason want, const char *step)
{
	struct csr	*csr = tool_csr(*r->key, r->subject, r->sans,
			    r->challenge);
	const struct rehearsal_request q = { .endpoint = r->endpoint,
	    .csr = csr, .peer = peer, .now = now };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	lab_ok(rehearse(lab.service->site, reader, &q, &f, &e), &e);
	if (f.why.reason != want)
		fail_msg("%s: %s %s", r->name, err_slug(f.why.reason),
		    f.why.text);
	if (want != ERR_NONE)
		assert_string_equal(f.step, step);
	rehearsal_clear(&f);
	csr_free(csr);
}

static void
test_alone(void **state)
{
	const struct rehearse_row good = { "good", "auto", SELF, PKCS, &key,
	    D, NULL, SECRET, ERR_NONE, false }, off = { "off", "off", SELF,
	    PKCS, &key, D, NULL, SECRET, ERR_DISABLED, false }, hashed = {
	    "hashed", "auto", SELF, PKCS, &key, D, NULL, "hashed-" OTHERS,
	    ERR_NONE, false };
	const struct lockout lock = { .address = "192.0.2.7",
	    .since = time(NULL), .until = time(NULL) + 1000, .failures = 9,
	    .endpoint = "auto" };
	struct err	 e = ERR_INIT;

	(void)state;
	lab_ok(lockout_put(lab.service->db, &lock, 1, time(NULL), &e), &e);
	assert_foretold(&good, time(NULL), "", ERR_NONE, NULL);
	assert_foretold(&good, time(NULL), "192.0.2.8", ERR_NONE, NULL);
	assert_foretold(&good, time(NULL), "192.0.2.7", ERR_LOCKED,
	    "unwrap");
	assert_foretold(&good, time(NULL) + 1001, "192.0.2.7", ERR_NONE, NULL);
	assert_foretold(&good, lab.ca.cert->not_after + 1, "", ERR_CA_EXPIRED,
	    "authorize");
	assert_foretold(&off, time(NULL), "", ERR_DISABLED, "endpoint");
	/* A daemon knows it once it was used at its own endpoint. */
	assert_foretold(&hashed, time(NULL), "", ERR_CHALLENGE_ENDPOINT,
	    "authorize");
}

static void
test_proof(void **state)
{
	struct csr	*r = tool_csr(key, D, NULL, SECRET), *bad = NULL;
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct rehearsal_request q = { .endpoint = "auto", .peer = "",
	    .now = time(NULL) };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	(void)state;
	assert_int_equal(buf_put(&der, r->der.p, r->der.n), 0);
	der.p[der.n - 1] ^= 1;
	lab_ok(csr_parse(buf_bytes(&der), &bad, &e), &e);
	q.csr = bad;
	lab_ok(rehearse(lab.service->site, reader, &q, &f, &e), &e);
	assert_int_equal(f.why.reason, ERR_CSR_SIGNATURE);
	assert_string_equal(f.step, "unwrap");
	rehearsal_clear(&f);
	csr_free(bad);
	csr_free(r);
	buf_wipe(&der);
}

/* Nobody can tell: no such endpoint, no key to the challenges. */
static void
test_faults(void **state)
{
	struct csr	*r = tool_csr(key, D, NULL, SECRET);
	struct rehearsal_request q = { .endpoint = "none", .csr = r,
	    .peer = "", .now = time(NULL) };
	struct err	 e = ERR_INIT;
	struct rehearsal f;

	(void)state;
	assert_int_equal(rehearse(lab.service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_NOT_FOUND, "none", "endpoint");
	err_clear(&e);
	q.endpoint = "auto";
	(void)tool_file("scepd.db.key", bytes_str("not hex\n"), 0600);
	assert_int_equal(rehearse(lab.service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_KEY_FILE, "scepd.db.key", "key");
	assert_int_equal(unlink(tool_path("scepd.db.key")), 0);
	err_clear(&e);
	assert_int_equal(rehearse(lab.service->site, reader, &q, &f, &e), -1);
	assert_err(&e, ERR_FILE, "scepd.db.key", "key");
	csr_free(r);
}

#define TEST(f)								\
	cmocka_unit_test_setup_teardown(f, rehearse_begin, rehearse_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_alone),
		TEST(test_proof),
		TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, rehearse_setup,
	    rehearse_teardown);
}
