/*
 * For each reason with which a device's request can end, there is something to
 * do about it, with the facts of the trail in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/ctl_int.h"

/* What never is the end of a device's request at an endpoint: there is none yet,
 * or it is an administrator's. */
static bool
is_elsewhere(enum err_reason r)
{
	return r < ERR_DISABLED || r > ERR_INTERNAL;
}

static void
test_all(void **state)
{
	(void)state;
	for (enum err_reason r = ERR_NONE + 1; r < ERR_COUNT; r++) {
		if (!is_elsewhere(r) && advice_for(r) == NULL)
			fail_msg("%s", err_slug(r));
		if (advice_for(r) != NULL && strlen(advice_for(r)) < 10)
			fail_msg("%s: %s", err_slug(r), advice_for(r));
	}
	assert_null(advice_for(ERR_NONE));
}

static struct trail *
told(void)
{
	struct trail	*t = trail_new();

	trail_fact(t, TRAIL_PEER, "192.0.2.7");
	trail_fact(t, TRAIL_ELSEWHERE, "scep\x1b[1m");
	trail_fact(t, TRAIL_CHALLENGE, "limited");
	trail_fact(t, TRAIL_STRAY, "1008");
	trail_fact(t, TRAIL_MAYBE, "1009");
	trail_fact(t, TRAIL_MAYBE_AT, "2026-01-31T23:59:59Z");
	return t;
}

static void
test_facts(void **state)
{
	static const struct {
		enum err_reason	 reason;
		const char	*with, *without;
	} rows[] = {
		{ ERR_LOCKED, "lockout clear 192.0.2.7", "lockout clear ..." },
		{ ERR_RENEWAL_SIGNER, "/scep/scep\\u{1b}[1m",
		    "renew.trusted" },
		{ ERR_CHALLENGE_SUBJECT, "challenge show limited",
		    "challenge show ..." },
		{ ERR_CHALLENGE_SAN, "challenge show limited",
		    "challenge show ..." },
		{ ERR_CHALLENGE_KEY, "challenge show limited",
		    "challenge show ..." },
		{ ERR_RENEWAL_REVOKED, "list --stray): 1008",
		    "enroll anew, with a challenge" },
		{ ERR_ISSUER_ANSWER, "list --stray): 1008",
		    "mend what the issuer makes" },
		{ ERR_ISSUER, "may have made (scepctl list --stray): 1009",
		    "runuser -u scepd -- PROGRAM" },
		{ ERR_RENEWAL_NAMES, "as the validator wants it",
		    "in a renewal the names that the old certificate has" },
		{ ERR_VALIDATOR_ANSWER, "it may not change what waits",
		    "mend the validator's answer" },
		{ ERR_ISSUER_CUT, "at 2026-01-31T23:59:59Z, by the serial "
		    "number 1009, ", "at ..., by the serial number ..., " },
		{ ERR_CHALLENGE_WRONG, "scepctl challenge list",
		    "belongs to another endpoint" },
	};
	struct trail	*t = told();
	struct buf	 b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		assert_int_equal(advice_put(rows[i].reason, t, &b), 0);
		if (strstr(buf_cstr(&b), rows[i].with) == NULL)
			fail_msg("%s", buf_cstr(&b));
		buf_reset(&b);
		assert_int_equal(advice_put(rows[i].reason, NULL, &b), 0);
		if (strstr(buf_cstr(&b), rows[i].without) == NULL)
			fail_msg("%s", buf_cstr(&b));
	}
	buf_reset(&b);
	assert_int_equal(advice_put(ERR_NONE, t, &b), 0);
	assert_int_equal(b.n, 0);
	buf_wipe(&b);
	trail_free(t);
}

/* A request that is refused twice: the first refusal is told beside the
 * second. */
static void
test_renewal(void **state)
{
	const struct trail_step	 ok = { TRAIL_RENEWAL, "renewal.allowed", "",
				    NULL, NULL };
	const struct trail_step	 first = { TRAIL_RENEWAL, "renewal.names", "",
				    "renewal_names", "dns:a is new" };
	const struct trail_step	 second = { TRAIL_ENROLLMENT,
				    "challenge.uses", "", "challenge_spent",
				    "used 1 of 1 times" };
	struct trail		*t = trail_new();
	struct buf		 b = BUF_INIT(4096);

	(void)state;
	trail_step(t, &ok);
	trail_step(t, &first);
	assert_int_equal(ctl_trail_put_renewal(t, &b), 0);
	assert_int_equal(b.n, 0);
	trail_step(t, &second);
	assert_int_equal(ctl_trail_put_renewal(t, &b), 0);
	assert_string_equal(buf_cstr(&b), "as a renewal   renewal asks for "
	    "other names: dns:a is new (renewal_names)\n");
	buf_reset(&b);
	assert_int_equal(ctl_trail_put_renewal(NULL, &b), 0);
	assert_int_equal(b.n, 0);
	buf_wipe(&b);
	trail_free(t);
}

static void
test_failinfo(void **state)
{
	(void)state;
	assert_string_equal(advice_failinfo(ERR_CSR_KEY), "badAlg");
	assert_string_equal(advice_failinfo(ERR_CSR_SIGNATURE),
	    "badMessageCheck");
	assert_string_equal(advice_failinfo(ERR_CHALLENGE_WRONG),
	    "badRequest");
	assert_string_equal(advice_failinfo(ERR_RECIPIENT), "badCertId");
	assert_null(advice_failinfo(ERR_PENDING_FULL));
	assert_null(advice_failinfo(ERR_LOCKED));
	assert_null(advice_failinfo(ERR_RATIONED));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_failinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
