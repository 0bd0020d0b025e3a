/*
 * What a request shows about whoever sent it: all that has to do with the
 * challenge counts, nothing that others can cause does.
 */
#include "pki_tool.h"

#include "service/pipeline_int.h"

static void
test_rows(void **state)
{
	static const struct {
		const char		*name;
		enum err_reason		 reason;
		bool			 wrong, vouched, recorded, hold;
		enum exchange_proof	 proof;
	} rows[] = {
		{ "wrong challenge", ERR_CHALLENGE_WRONG,
		    true, false, false, false, PROOF_WRONG },
		{ "no challenge", ERR_CHALLENGE_MISSING,
		    false, false, false, false, PROOF_WRONG },
		{ "guess beside a renewal of other names", ERR_RENEWAL_NAMES,
		    true, false, false, false, PROOF_WRONG },
		{ "renewal of other names", ERR_RENEWAL_NAMES,
		    false, false, false, false, PROOF_NONE },
		{ "malformed", ERR_NOT_CMS,
		    false, false, false, false, PROOF_NONE },
		{ "does not open", ERR_INTEGRITY,
		    false, false, false, false, PROOF_NONE },
		{ "subject", ERR_SUBJECT,
		    false, false, false, false, PROOF_NONE },
		{ "queue of unknown challenges is full", ERR_BUSY,
		    false, false, false, false, PROOF_NONE },
		{ "issuer is down, challenge right", ERR_ISSUER,
		    false, true, false, false, PROOF_NONE },
		{ "issued", ERR_NONE, false, true, true, false, PROOF_RIGHT },
		{ "renewed, with an old challenge", ERR_NONE,
		    true, true, true, false, PROOF_RIGHT },
		{ "waits, challenge right", ERR_NONE,
		    false, true, false, true, PROOF_RIGHT },
		{ "waits, no challenge", ERR_NONE,
		    false, false, false, true, PROOF_NONE },
		{ "issued by an operator's word", ERR_NONE,
		    false, false, true, false, PROOF_NONE },
		{ "a copy", ERR_NONE,
		    false, false, false, false, PROOF_NONE },
		{ "a copy that was overtaken", ERR_NONE,
		    false, true, false, false, PROOF_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct work w = {
			.wrong = rows[i].wrong, .recorded = rows[i].recorded,
			.verdict = { .spends = rows[i].vouched,
			    .hold = rows[i].hold },
		};

		if (work_proof(&w, rows[i].reason) != rows[i].proof)
			fail_msg("%s", rows[i].name);
	}
}

/* What an operator approved, and is asked for again: a copy may, and its
 * challenge may have been disabled since. */
static void
test_approved(void **state)
{
	const struct work w = {
		.approved = true, .recorded = true,
		.verdict = { .renews = true },
	};

	(void)state;
	assert_int_equal(work_proof(&w, ERR_NONE), PROOF_NONE);
	assert_int_equal(work_proof(&w, ERR_CHALLENGE_DISABLED), PROOF_NONE);
}

/* A reason that is added counts if it has to do with the challenge. */
static void
test_reasons(void **state)
{
	const struct work w = { .wrong = false };
	size_t n = 0;
	int i;

	(void)state;
	for (i = ERR_NONE + 1; i < ERR_COUNT; i++) {
		bool is = strncmp(err_slug((enum err_reason)i), "challenge",
		    strlen("challenge")) == 0;

		n += is;
		assert_int_equal(work_proof(&w, (enum err_reason)i),
		    is ? PROOF_WRONG : PROOF_NONE);
	}
	assert_true(n >= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_approved),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
