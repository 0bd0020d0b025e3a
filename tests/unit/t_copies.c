/*
 * Copies of a request at a service that is whole: one of them is issued while
 * another has just been found to be new. What the first one took, be it a use,
 * a one-time secret or the place of the certificate that is renewed, does not
 * refuse the second: it gets the same certificate.
 */
#include "scep/wrap.h"
#include "service_lab.h"
#include "store/txn.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"
#define ONCE	"5F0C8E6A21D794B3"

/* Takes one-time secrets: the second question is refused. */
static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told\n"
    "echo x >>asked\n"
    "[ $(wc -l <asked) = 1 ]\n";

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    LAB_END("once") "profile = \"p\"; challenges = [ \"once\" ]; },\n"
    LAB_END("asked") "profile = \"p\"; validator = \"v\";\n"
    "    validator_challenge = \"instead\"; },\n"
    LAB_END("renews") "profile = \"p\"; challenges = [ \"c\" ];\n"
    "    renew: { superseded = 0; revoke_old = true; }; },\n"
    LAB_END("alone") "profile = \"alone\"; challenges = [ \"c\" ]; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; }, { name = \"alone\"; max_active = 1;\n"
    "    duplicate_key = \"refuse\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"once\"; secret = \"" ONCE "\"; uses = 1; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ]; } );\n";

static int
begin(void **state)
{
	(void)state;
	(void)tool_file("asked", bytes_str(""), 0600);
	lab_begin(text, tool_file("validate", bytes_str(script), 0700));
	return 0;
}

/* ---- the moment between two steps ---- */

struct question {
	const char		*path;
	struct scep_ask		 ask;
	struct scep_got		 got;
	enum exchange_proof	 proof;
};

static void
send_it(struct question *q)
{
	struct exchange	 x;

	lab_post(q->path, &q->ask, &x);
	lab_read(&x, &q->ask, lab.ra.cert, &q->got);
	q->proof = x.proof;
	exchange_clear(&x);
}

/* Sent, and answered, as soon as another one is found to be new. */
static struct question	*faster;

int	 __real_txn_repeated(struct db *, const struct txn *,
	    struct txn_found *, struct err *);
int	 __wrap_txn_repeated(struct db *, const struct txn *,
	    struct txn_found *, struct err *);

int
__wrap_txn_repeated(struct db *db, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	int		 rc = __real_txn_repeated(db, t, out, e);
	struct question	*q = faster;

	faster = NULL;
	if (q != NULL)
		send_it(q);
	return rc;
}

/* Two copies; the second one is through when the first has been looked up. */
static void
race(const char *path, const struct who *by, int type, const char *challenge)
{
	struct csr	*r = lab_csr(challenge);
	struct question	 slow = { .path = path,
	    .ask = lab_question(type, by, "t", r->der) };
	struct question	 fast = slow;

	faster = &fast;
	send_it(&slow);
	assert_null(faster);
	assert_int_equal(fast.got.status, SCEP_SUCCESS);
	assert_int_equal(slow.got.status, SCEP_SUCCESS);
	assert_true(bytes_eq(fast.got.certs.v[0]->der,
	    slow.got.certs.v[0]->der));
	assert_int_equal(fast.proof, PROOF_RIGHT);
	assert_int_equal(slow.proof, PROOF_NONE);
	scep_got_clear(&fast.got);
	scep_got_clear(&slow.got);
	csr_free(r);
}

static void
test_once(void **state)
{
	(void)state;
	race("/once", &lab.device, SCEP_PKCSREQ, ONCE);
}

static void
test_validator(void **state)
{
	struct buf	 asked = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;

	(void)state;
	race("/asked", &lab.device, SCEP_PKCSREQ, "one-time");
	lab_ok(file_read(tool_path("asked"), &asked, &e), &e);
	assert_string_equal(buf_cstr(&asked), "x\n");
	buf_wipe(&asked);
}

static void
test_alone(void **state)
{
	(void)state;
	race("/alone", &lab.device, SCEP_PKCSREQ, SECRET);
}

static void
test_renewal(void **state)
{
	struct csr	*r = lab_csr(SECRET);
	const struct scep_ask q = lab_pkcsreq("first", r);
	struct who	 old = { lab.device.key, lab_cert("/renews", &q) };

	(void)state;
	race("/renews", &old, SCEP_RENEWALREQ, NULL);
	cert_free(old.cert);
	csr_free(r);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)
	const struct CMUnitTest	 tests[] = {
		TEST(test_once),
		TEST(test_validator),
		TEST(test_alone),
		TEST(test_renewal),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
