/*
 * Whether patterns say whom a challenge is for: each form that does, and each
 * that does not.
 */
#include "pki_tool.h"

#include "policy/pattern.h"

struct row {
	const char	*patterns;	/* one a line */
	const char	*want;		/* what would do; NULL: they do */
};
#define ENDS_DNS	"use \"dns exact a.example.com\", or a glob that " \
    "fixes a domain, such as \"dns glob *.example.com\"; what is wider"
#define ENDS_MAIL	" exact ann@example.com\", or a glob that fixes a domain"
#define FIXES		"use \"CN exact laptop-7\", or a glob that fixes 4 " \
    "characters, such as \"CN glob lab-*\"; what is wider"
#define URI_EXACTLY	"use \"uri exact https://example.com/a\"; what"
#define IP_EXACTLY	"use \"ip exact 192.0.2.7\"; what"
#define SID_EXACTLY	"use \"sid exact S-1-5-21-1-2-3-1104\"; what"

/* What it says would do does. */
static void
check_told(enum pattern_of of, const char *text)
{
	struct err	 e = ERR_INIT;
	struct patterns	*p;
	char		 told[ERR_TEXT_MAX], *at, *end;

	(void)snprintf(told, sizeof(told), "%s", text);
	assert_int_equal(patterns_new(of, &p, &e), 0);
	at = strstr(told, ": use \"");
	assert_non_null(at);
	while ((at = strchr(at, '"')) != NULL) {
		end = strchr(at + 1, '"');
		assert_non_null(end);
		*end = '\0';
		if (patterns_add(p, at + 1, &e) != 0 ||
		    patterns_bind(p, &e) != 0)
			fail_msg("%s: %s", text, err_text(&e));
		at = end + 1;
	}
	patterns_free(p);
}

static void
check(enum pattern_of of, const struct row *r)
{
	struct err	 e = ERR_INIT;
	struct patterns	*p;
	char		*text = strdup(r->patterns), *at = text, *line;

	assert_int_equal(patterns_new(of, &p, &e), 0);
	while ((line = strsep(&at, "\n")) != NULL)
		if (patterns_add(p, line, &e) != 0)
			fail_msg("%s: %s", line, err_text(&e));
	if (patterns_bind(p, &e) != (r->want == NULL ? 0 : -1))
		fail_msg("%s: %s", r->patterns, err_text(&e));
	if (r->want != NULL) {
		assert_err(&e, ERR_CONFIG, r->want, r->patterns);
		assert_non_null(strstr(e.text, "for accounts with unbound"));
		check_told(of, e.text);
	}
	patterns_free(p);
	free(text);
}

static void
test_subject(void **state)
{
	static const struct row rows[] = {
		{ "none", NULL },
		{ "CN exact *", NULL },
		{ "CN exact a\nCN exact b", NULL },
		{ "CN glob a", NULL },
		{ "CN glob dev-*", NULL },
		{ "CN glob dev-?", NULL },
		{ "CN glob dev-[0-9][0-9]", NULL },
		{ "CN glob *-dev", NULL },
		{ "CN glob ?*[a]-dev", NULL },
		{ "CN glob \\*-dev", NULL },
		{ "CN suffix -dev\nO exact Example", NULL },
		{ "CN suffix .net.example", NULL },
		{ "CN suffix @example.com", NULL },
		{ "CN glob *.net.example", NULL },
		{ "CN glob a*.net.example", NULL },
		{ "CN glob www.*.net.example", NULL },
		{ "CN glob \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f*", NULL },
		{ "emailAddress exact a@b", NULL },
		{ "emailAddress suffix @example.com", NULL },
		{ "emailAddress glob *@example.com", NULL },

		{ "CN glob *", FIXES },
		{ "CN glob **", FIXES },
		{ "CN glob ?*", FIXES },
		{ "CN glob ?*.*", FIXES },
		{ "CN glob *.*", FIXES },
		{ "CN glob *a*", FIXES },
		{ "CN glob *admin*", FIXES },
		{ "CN glob * *", FIXES },
		{ "CN glob ????????", FIXES },
		{ "CN glob [a-z]*", FIXES },
		{ "CN glob [!q]*", FIXES },
		{ "CN glob *[abcdef]", FIXES },
		{ "CN glob dev*", FIXES },
		{ "CN glob *dev", FIXES },
		{ "CN glob d*v-1", FIXES },
		{ "CN glob d\\*v-*", FIXES },
		{ "CN glob abc\\d*", FIXES },
		{ "CN glob \\a[b-c]", FIXES },
		{ "CN suffix -de", FIXES },
		{ "CN glob \xc3\xa4\xc3\xb6\xc3\xbc*", FIXES },
		/* A beginning or end that any domain has. */
		{ "CN glob www.*", FIXES },
		{ "CN glob administrator@*", FIXES },
		{ "CN glob *.com", FIXES },
		{ "CN glob *bank.com", FIXES },
		{ "CN suffix .com", FIXES },
		{ "CN suffix .corp", FIXES },
		{ "CN suffix @corp", FIXES },
		{ "CN suffix ..com", FIXES },
		{ "CN suffix .example.com.", FIXES },
		{ "CN glob *.a@corp", FIXES },
		{ "emailAddress glob info*", ENDS_MAIL },
		{ "emailAddress glob *info", ENDS_MAIL },
		{ "emailAddress glob *@*.*", ENDS_MAIL },
		{ "mail suffix @com", ENDS_MAIL },
		{ "0.9.2342.19200300.100.1.3 glob info*", ENDS_MAIL },
		{ "0.9.2342.19200300.100.1.3 glob *info", ENDS_MAIL },
		{ "1.3.6.1.4.1.311.20.2.3 glob *info", ENDS_MAIL },
		/* The regex that takes one name may take all others too. */
		{ "CN regex .*", FIXES },
		{ "CN regex dev-[0-9]{4}", FIXES },
		{ "CN regex printer", FIXES },
		{ "CN regex [A-Z][a-z]+", FIXES },
		{ "CN regex .*[^a-z]", FIXES },
		{ "CN regex (?!admin)[a-z-]+", FIXES },
		/* One of them is enough. */
		{ "CN exact a\nCN glob *", "\"CN glob *\" leaves open" },
		{ "CN exact a\n2.5.4.10 glob *", "\"2.5.4.10 glob *\"" },
		{ "CN glob *\nCN exact a", "\"CN glob *\" leaves open" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check(PATTERN_SUBJECT, &rows[i]);
}

static void
test_san(void **state)
{
	static const struct row rows[] = {
		{ "none", NULL },
		{ "dns exact a", NULL },
		{ "dns exact *.example.com", NULL },
		{ "dns suffix .dev.example", NULL },
		{ "dns glob a", NULL },
		{ "dns glob *.dev.example\nip exact 10.0.0.1", NULL },
		{ "dns glob dev-*.corp.example", NULL },
		{ "dns glob *x.dev.example", NULL },
		{ "email exact a@b", NULL },
		{ "email suffix @example.com", NULL },
		{ "email suffix .example.com", NULL },
		{ "email glob a.*@example.com", NULL },
		{ "email glob *.b@example.com", NULL },
		{ "email glob *.example.com", NULL },
		{ "upn suffix @corp.example", NULL },
		{ "upn glob *@corp.example", NULL },
		{ "uri exact https://example.com/a", NULL },
		{ "uri glob urn:a", NULL },
		{ "ip exact 10.0.0.1", NULL },
		{ "sid exact S-1-5-21-1-2-3-500", NULL },

		{ "dns glob *", ENDS_DNS },
		{ "dns glob *.*", ENDS_DNS },
		{ "dns glob *.*.*", ENDS_DNS },
		{ "dns glob ?*.*", ENDS_DNS },
		{ "dns glob www.*", ENDS_DNS },
		{ "dns glob printer-*", ENDS_DNS },
		{ "dns glob *printer", ENDS_DNS },
		{ "dns glob *.com", ENDS_DNS },
		{ "dns glob *example.com", ENDS_DNS },
		{ "dns glob *.example.com.", ENDS_DNS },
		{ "dns glob *..com", ENDS_DNS },
		{ "dns glob *.[a-z]*.com", ENDS_DNS },
		{ "dns glob *.example.[c]om", ENDS_DNS },
		{ "dns glob *.example.co?", ENDS_DNS },
		{ "dns suffix .example", ENDS_DNS },
		{ "dns suffix .a.", ENDS_DNS },
		{ "dns regex [a-z0-9.-]+", ENDS_DNS },
		{ "dns regex a\\.dev\\.example", ENDS_DNS },
		{ "email glob *@*", ENDS_MAIL },
		{ "email glob *@*.*.*", ENDS_MAIL },
		{ "email glob administrator@*", ENDS_MAIL },
		{ "email glob *example.com", ENDS_MAIL },
		{ "email glob *.b@com", ENDS_MAIL },
		{ "email glob *.b.c@com", ENDS_MAIL },
		{ "email glob *@b.c@com", ENDS_MAIL },
		{ "email glob *chief", ENDS_MAIL },
		{ "email suffix @com", ENDS_MAIL },
		{ "email suffix .com", ENDS_MAIL },
		{ "upn glob *@*.*", ENDS_MAIL },
		{ "upn glob administrator*", ENDS_MAIL },
		{ "upn glob *administrator", ENDS_MAIL },
		{ "upn suffix @corp", ENDS_MAIL },
		{ "upn regex [a-z]+@example\\.com", ENDS_MAIL },
		/* One of these is like the next. */
		{ "uri glob *", URI_EXACTLY },
		{ "uri glob https://*", URI_EXACTLY },
		{ "uri glob https://example.com/*", URI_EXACTLY },
		{ "uri suffix /of.example.com", URI_EXACTLY },
		{ "uri regex urn:.*", URI_EXACTLY },
		{ "ip glob *", IP_EXACTLY },
		{ "ip glob 10.0.0.*", IP_EXACTLY },
		{ "ip glob ?*.*.*.?", IP_EXACTLY },
		{ "ip suffix .0.0.1", IP_EXACTLY },
		{ "ip regex [0-9a-f:]+", IP_EXACTLY },
		{ "sid glob S-1-5-21-1-2-3-*", SID_EXACTLY },
		{ "sid suffix -500", SID_EXACTLY },
		{ "sid regex S-1-5-21-1-2-3-500", SID_EXACTLY },
		{ "dns exact a.example\nip glob *", IP_EXACTLY },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check(PATTERN_SAN, &rows[i]);
}

/* Of a long one the beginning is told, and all of what would do. */
static void
test_long(void **state)
{
	char		 text[PATTERN_MAX + 1] = "CN glob *";
	const struct row row = { text, "\"CN glob lab-*\"; what" };

	(void)state;
	memset(text + strlen(text), '*', 1000);
	check(PATTERN_SUBJECT, &row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_san),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
