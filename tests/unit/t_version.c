#include "pki_tool.h"

#include "pki/version.h"

static void
test_days(void **state)
{
	static const struct {
		const char	*text;
		int		 day;
	} rows[] = {
		{ "OpenSSL 3.0.22 25 Aug 2026", 20260825 },
		{ "OpenSSL 3.0.2 15 Mar 2022", 20220315 },
		{ "OpenSSL 3.5.0 8 Apr 2025 (Library: x)", 20250408 },
		{ "OpenSSL 3.6.1  1 Jan 2027", 20270101 },
		{ "OpenSSL 4.0.0 31 Dec 2027", 20271231 },
		{ "OpenSSL 3.7.0-dev xx XXX xxxx", 0 },
		{ "OpenSSL 3.0.1 14 anF 2021", 0 },
		{ "OpenSSL 3.0.1 14 De 2021", 0 },
		{ "OpenSSL 3.0.1 0 Dec 2021", 0 },
		{ "OpenSSL 3.0.1", 0 }, { "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (version_day(rows[i].text) != rows[i].day)
			fail_msg("%s: %d", rows[i].text,
			    version_day(rows[i].text));
	assert_int_equal(version_day("OpenSSL 3.0.22 " VERSION_FLOOR_TEXT),
	    VERSION_FLOOR);
}

/* The one that runs says its day, or the warning would never come. */
static void
test_running(void **state)
{
	(void)state;
	assert_in_range(version_day(version_running()), 20210907, 20991231);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
