/*
 * What requests came to, while the store cannot write it: kept, and written as
 * soon as that is possible, so that nothing stays taken; but what is issued in
 * truth stays issued, and what a CA elsewhere made is not forgotten.
 */
#include <unistd.h>

#include "scep/wrap.h"
#include "service_lab.h"
#include "store/ends.h"

#define ONCE	"5F0C8E6A21D794B3"
#define OTHER	"8CE317021F690069"

#define END(name, issuer, challenge)					\
	LAB_END_OF(name, issuer)					\
	"    profile = \"p\"; challenges = [ \"" challenge "\" ]; }"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n" END("here", "i", "once") ",\n"
    END("there", "x", "other") " );\n"
    "issuers = (" LAB_ISSUER ",\n"
    "  { name = \"x\"; type = \"exec\"; cert = \"ca.pem\";\n"
    "    command = [ \"%s\" ]; } );\n"
    "profiles = ( { name = \"p\"; max_active = 1; } );\n"
    "challenges = ( { name = \"once\"; secret = \"" ONCE "\"; uses = 1; },\n"
    "  { name = \"other\"; secret = \"" OTHER "\"; uses = 1; } );\n";

/* The CA's program made it for another key. */
static const char	 script[] = "#!/bin/sh\n"
			    "[ ! -e \"${0%/*}/loud\" ] || exec yes\n"
			    "cat \"${0%/*}/stranger.pem\"\n";

static struct who	 stranger;

static int
begin(void **state)
{
	(void)state;
	lab_begin(text, tool_file("issue", bytes_str(script), 0700));
	return 0;
}

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&stranger, "stranger", "rsa:2048", KU_RA, &lab.ca);
	(void)tool_cert_file("stranger.pem", stranger.cert);
	return rc;
}

static int
teardown(void **state)
{
	who_free(&stranger);
	return lab_teardown(state);
}

/* The HTTP status, and what the CertRep says, if it is one. */
static int
ask(const char *path, const char *txid, const char *challenge,
    enum scep_status *said)
{
	struct csr		*r = lab_csr(challenge);
	const struct scep_ask	 q = lab_pkcsreq(txid, r);
	int			 status = lab_try(path, &q, said);

	csr_free(r);
	return status;
}

/* ---- trouble, as a disk that is full causes it ---- */

static void
trouble(void)
{
	store_do("CREATE TRIGGER trouble BEFORE UPDATE OF state"
	    " ON txn BEGIN SELECT RAISE(ABORT, 'trouble'); END");
}

static void
no_trouble(void)
{
	store_do("DROP TRIGGER trouble");
}

static void
assert_state(const char *want)
{
	store_assert("SELECT state FROM txn ORDER BY id LIMIT 1", want);
}

static long
used(void)
{
	return store_number("SELECT used FROM challenge_use");
}

static void
test_kept(void **state)
{
	enum scep_status	 said;

	(void)state;
	trouble();
	assert_int_equal(ask("/here", "a", ONCE, &said), 503);
	service_tick(lab.service);
	no_trouble();
	/* Until then, it counts. */
	assert_state("reserved");
	assert_int_equal(used(), 1);
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_FAILURE);
	service_tick(lab.service);
	assert_state("failed");
	assert_int_equal(used(), 0);
	/* Use and subject are free again. */
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_SUCCESS);
	/* What a CA here made for nobody is none to be revoked. */
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
}

/* The commit was done, and told to have failed. */
static void
test_in_truth(void **state)
{
	const struct stray	 s = { .txn = 1, .issuer = "x",
	    .why = "trouble", .when = 2, .serial = bytes_str("1"),
	    .der = bytes_str("2") };
	const struct ending	 e = { .txn = 1, .reason = ERR_STORE,
	    .when = 2, .strays = &s, .n_strays = 1 };
	enum scep_status	 said;

	(void)state;
	trouble();
	assert_int_equal(ask("/here", "a", ONCE, &said), 503);
	no_trouble();
	store_do("UPDATE txn SET state = 'issued', finished = 1");
	ends_write(lab.service->ends, lab.service->db, &e);
	service_tick(lab.service);
	assert_state("issued");
	assert_int_equal(used(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
}

static void
test_stray(void **state)
{
	enum scep_status	 said;
	char			 text_of[STORE_TEXT];

	(void)state;
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	assert_state("failed");
	assert_int_equal(used(), 1);
	store_text("SELECT why FROM stray WHERE issuer = 'x' AND txn = 1",
	    text_of);
	assert_non_null(strstr(text_of, "has the request's key"));
	assert_int_equal(ask("/there", "b", OTHER, &said), 200);
	assert_int_equal(said, SCEP_FAILURE);
}

/* It says more than anybody reads. */
static void
test_possible(void **state)
{
	enum scep_status	 said;

	(void)state;
	(void)tool_file("loud", bytes_str(""), 0600);
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	(void)unlink(tool_path("loud"));
	assert_state("failed");
	assert_int_equal(store_number("SELECT count(*) FROM stray s JOIN txn t"
	    " ON t.id = s.txn WHERE s.der IS NULL AND s.serial = t.serial"
	    " AND s.subject = 'CN=device'"), 1);
	assert_int_equal(used(), 1);
}

/* At the latest, when the service is closed. */
static void
test_stray_kept(void **state)
{
	enum scep_status	 said;

	(void)state;
	store_do("CREATE TRIGGER full BEFORE INSERT ON stray"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	store_do("DROP TRIGGER full");
	assert_state("reserved");
	lab_close();
	assert_state("failed");
	assert_int_equal(used(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 1);
}

/* One that nobody has seen is kept with the subject that it may have. */
static void
test_possible_kept(void **state)
{
	enum scep_status	 said;

	(void)state;
	(void)tool_file("loud", bytes_str(""), 0600);
	store_do("CREATE TRIGGER full BEFORE INSERT ON stray"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	(void)unlink(tool_path("loud"));
	store_do("DROP TRIGGER full");
	lab_close();
	assert_int_equal(store_number("SELECT count(*) FROM stray s JOIN txn t"
	    " ON t.id = s.txn WHERE s.der IS NULL AND s.serial = t.serial"
	    " AND s.subject = 'CN=device'"), 1);
	assert_int_equal(used(), 1);
}

/* No program is asked before it is known that it is; and nothing is written about
 * a CA whose key is here. */
static void
test_handed_first(void **state)
{
	enum scep_status	 said;

	(void)state;
	store_do("CREATE TRIGGER full BEFORE INSERT ON handed"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	assert_state("failed");
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
	assert_int_equal(used(), 0);
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_SUCCESS);
	store_do("DROP TRIGGER full");
	assert_int_equal(ask("/there", "c", OTHER, &said), 503);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)
	const struct CMUnitTest	 tests[] = {
		TEST(test_kept),
		TEST(test_in_truth),
		TEST(test_stray),
		TEST(test_possible),
		TEST(test_stray_kept),
		TEST(test_possible_kept),
		TEST(test_handed_first),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
