#include "pki_tool.h"

#include "policy/policy_int.h"

static const struct {
	const char	*name;
	struct bytes	 text;
	const char	*why;		/* NULL: accepted */
} rows[] = {
	{ "plain", { (const uint8_t *)"router-1.example", 16 }, NULL },
	{ "one", { (const uint8_t *)"x", 1 }, NULL },
	{ "blank", { (const uint8_t *)" ", 1 }, NULL },
	{ "umlaut", { (const uint8_t *)"\xc3\xa4", 2 }, NULL },
	{ "no-break space", { (const uint8_t *)"a\xc2\xa0z", 4 }, NULL },
	{ "arabic", { (const uint8_t *)"\xd8\xa7", 2 }, NULL },
	{ "dash", { (const uint8_t *)"\xe2\x80\x93", 3 }, NULL },
	{ "quote", { (const uint8_t *)"\xe2\x80\x99", 3 }, NULL },
	{ "emoji", { (const uint8_t *)"\xf0\x9f\x90\x9f", 4 }, NULL },
	{ "dots", { (const uint8_t *)"a..b", 4 }, NULL },
	{ "slash", { (const uint8_t *)"a/b", 3 }, NULL },
	{ "dots at the end", { (const uint8_t *)"a/..", 4 }, NULL },
	{ "markup", { (const uint8_t *)"<b>&\"'", 6 }, NULL },
	{ "empty", { (const uint8_t *)"", 0 }, "is empty" },
	{ "newline", { (const uint8_t *)"a\nb", 3 }, "control" },
	{ "return", { (const uint8_t *)"a\r", 2 }, "control" },
	{ "tab", { (const uint8_t *)"\ta", 2 }, "control" },
	{ "escape", { (const uint8_t *)"\x1b[2J", 4 }, "control" },
	{ "delete", { (const uint8_t *)"a\x7f", 2 }, "control" },
	{ "C1", { (const uint8_t *)"a\xc2\x85", 3 }, "control" },
	{ "last C1", { (const uint8_t *)"\xc2\x9f", 2 }, "control" },
	{ "arabic mark", { (const uint8_t *)"\xd8\x9c", 2 }, "control" },
	{ "LRM", { (const uint8_t *)"a\xe2\x80\x8e", 4 }, "control" },
	{ "RLM", { (const uint8_t *)"\xe2\x80\x8f" "a", 4 }, "control" },
	{ "line separator", { (const uint8_t *)"\xe2\x80\xa8", 3 },
	    "control" },
	{ "RLO", { (const uint8_t *)"a\xe2\x80\xae" "fdp", 7 }, "control" },
	{ "LRI", { (const uint8_t *)"\xe2\x81\xa6", 3 }, "control" },
	{ "PDI", { (const uint8_t *)"\xe2\x81\xa9", 3 }, "control" },
	{ "climbing", { (const uint8_t *)"../../etc/passwd", 16 }, "climbs" },
	{ "inside", { (const uint8_t *)"a/../b", 6 }, "climbs" },
	{ "backwards", { (const uint8_t *)"a..\\b", 5 }, "climbs" },
};

static void
check(int rc, const struct err *e, enum err_reason want, size_t i)
{
	if (rows[i].why == NULL && rc == 0 && e->reason == ERR_NONE)
		return;
	if (rows[i].why == NULL || rc != -1)
		fail_msg("%s: %d %s", rows[i].name, rc, e->text);
	assert_err(e, want, rows[i].why, rows[i].name);
}

static void
test_subject_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct name_value	 v = { .oid = "2.5.4.3" };
		struct err		 e = ERR_INIT;
		char			 text[64];

		memcpy(text, rows[i].text.p, rows[i].text.n);
		v.text = text;
		v.n = rows[i].text.n;
		check(policy_name_value(&v, &e), &e, ERR_SUBJECT, i);
		if (rows[i].why != NULL)
			assert_err(&e, ERR_SUBJECT, "2.5.4.3", rows[i].name);
	}
}

static void
test_sans(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct san	 s = { .kind = SAN_UPN };
		struct err	 e = ERR_INIT;
		char		 text[64] = "";

		memcpy(text, rows[i].text.p, rows[i].text.n);
		s.text = text;
		check(policy_san(&s, &e), &e, ERR_SAN, i);
		if (rows[i].why != NULL)
			assert_err(&e, ERR_SAN, "upn", rows[i].name);
	}
}

/* The text of a subject value has its length: a NUL does not end it. */
static void
test_nul(void **state)
{
	char			 text[] = "a\0b";
	struct name_value	 v = { .oid = "2.5.4.3", .text = text, .n = 3 };
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_name_value(&v, &e), -1);
	assert_err(&e, ERR_SUBJECT, "control", "NUL");
}

static void
test_long(void **state)
{
	char			 text[SAN_TEXT_MAX + 2];
	struct name_value	 v = { .oid = "2.5.4.3", .text = text };
	struct san		 s = { .kind = SAN_DNS, .text = text };
	struct err		 e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	v.n = NAME_VALUE_MAX;
	assert_int_equal(policy_name_value(&v, &e), 0);
	v.n++;
	assert_int_equal(policy_name_value(&v, &e), -1);
	assert_err(&e, ERR_SUBJECT, "is too long", "value");
	err_clear(&e);
	text[SAN_TEXT_MAX] = '\0';
	assert_int_equal(policy_san(&s, &e), 0);
	text[SAN_TEXT_MAX] = 'x';
	text[SAN_TEXT_MAX + 1] = '\0';
	assert_int_equal(policy_san(&s, &e), -1);
	assert_err(&e, ERR_SAN, "is too long", "name");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_subject_values),
		cmocka_unit_test(test_sans),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
