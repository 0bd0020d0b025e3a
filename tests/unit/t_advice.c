/*
 * Whoever is refused by policy can be told what to do about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/ctl_int.h"

static void
test_policy(void **state)
{
	(void)state;
	for (int r = ERR_CHALLENGE_MISSING; r <= ERR_DUPLICATE_KEY; r++)
		if (advice_for((enum err_reason)r) == NULL)
			fail_msg("%s", err_slug((enum err_reason)r));
	for (int r = ERR_RENEWAL_SIGNER; r <= ERR_RENEWAL_NAMES; r++)
		if (advice_for((enum err_reason)r) == NULL)
			fail_msg("%s", err_slug((enum err_reason)r));
	assert_non_null(advice_for(ERR_CSR_KEY));
	assert_non_null(advice_for(ERR_CA_EXPIRED));
	assert_null(advice_for(ERR_NONE));
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
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_failinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
