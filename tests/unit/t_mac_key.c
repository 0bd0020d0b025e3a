#include "pki_tool.h"

#include <sys/stat.h>

#include <unistd.h>

#include "pki/mac_key.h"

static void
test_round_trip(void **state)
{
	const char	*path = tool_path("store.db.key");
	struct mac_key	 made, read, second;
	struct err	 e = ERR_INIT;
	struct stat	 st;

	(void)state;
	assert_int_equal(mac_key_make(path, &made, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mac_key_load(path, &read, &e), 0);
	assert_memory_equal(&made, &read, sizeof(made));
	assert_memory_not_equal(made.key, made.name, SECRET_MAC);
	/* Never replaced. */
	assert_int_equal(mac_key_make(path, &second, &e), -1);
	assert_int_equal(e.reason, ERR_EXISTS);
	err_clear(&e);
	assert_int_equal(mac_key_load(path, &read, &e), 0);
	assert_memory_equal(&made, &read, sizeof(made));
	/* Another is another. */
	assert_int_equal(mac_key_make(tool_path("other"), &second, &e), 0);
	assert_memory_not_equal(made.key, second.key, SECRET_MAC);
	assert_memory_not_equal(made.name, second.name, SECRET_MAC);
	assert_int_equal(unlink(tool_path("other")), 0);
	assert_int_equal(unlink(path), 0);
}

#define HEX16	"00112233445566778899aabbccddeeff"

static void
test_refused(void **state)
{
	static const struct {
		const char	*name, *content;
		unsigned	 mode;
		enum err_reason	 want;
	} rows[] = {
		{ "empty", "", 0600, ERR_FILE },
		{ "short", HEX16 "\n", 0600, ERR_KEY_FILE },
		{ "no hex", HEX16 "00112233445566778899aabbccddeefg\n", 0600,
		    ERR_KEY_FILE },
		{ "long", HEX16 HEX16 "00\n", 0600, ERR_FILE },
		{ "open to others", HEX16 HEX16 "\n", 0604, ERR_FILE_MODE },
		{ "the group writes", HEX16 HEX16 "\n", 0660, ERR_FILE_MODE },
		{ "good", HEX16 HEX16 "\n", 0600, ERR_NONE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char	*path = tool_file("key", bytes_str(
		    rows[i].content), rows[i].mode);
		struct mac_key	 k;
		struct err	 e = ERR_INIT;

		if (mac_key_load(path, &k, &e) != (rows[i].want == ERR_NONE ?
		    0 : -1) || e.reason != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		assert_null(strstr(e.text, "0011"));
		assert_int_equal(unlink(path), 0);
	}
}

static int
clean(void **state)
{
	(void)state;
	tool_clean();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
