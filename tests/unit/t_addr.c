#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/addr.h"

static void
test_addresses(void **state)
{
	static const struct {
		const char	*in;
		const char	*out;	/* NULL: no address */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "2001:db8:1:2::", "2001:db8:1:2::/64" },
		{ "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
		{ "2001:DB8:1:3::1", "2001:db8:1:3::/64" },
		{ "::1", "::/64" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff::/64" },
		{ "", NULL },
		{ "/64", NULL },
		{ ":/64", NULL },
		{ "192.0.2.1/64", NULL },
		{ "192.0.2.1/32", NULL },
		{ "2001:db8::/48", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.1 ", NULL },
		{ "fe80::1%eth0", NULL },
		{ "host.example", NULL },
		{ "1111111111111111111111111111111111111111111111111111111",
		    NULL },
	};
	uint8_t addr[ADDR_LEN];
	char text[ADDR_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].out == NULL) {
			if (addr_parse(rows[i].in, addr) != -1)
				fail_msg("\"%s\" is an address", rows[i].in);
			continue;
		}
		assert_int_equal(addr_parse(rows[i].in, addr), 0);
		addr_text(addr, text);
		assert_string_equal(text, rows[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_addresses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
