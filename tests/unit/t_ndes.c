/*
 * render: the page of NDES, as those read it who look for a password in it.
 */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/ndes.h"

#define TEXT_MAX	4096

static const struct ndes_facts	 once = {
	.page = NDES_ONCE,
	.thumbprint = {
		0xa6, 0x56, 0xfa, 0x66, 0xab, 0x12, 0xb4, 0x33,
		0xa2, 0xda, 0x5c, 0xf7, 0xcc, 0x15, 0x3d, 0x9a
	},
	.password = "8CE317021F690069",
	.minutes = 60,
	.pool = 1000,
};

/* The page, decoded as UTF-16LE; what is not ASCII fails. */
static void
render(const struct ndes_facts *f, char text[TEXT_MAX])
{
	struct buf	 b = BUF_INIT(2 * TEXT_MAX);
	struct err	 e = { .reason = ERR_NONE };
	size_t		 i;

	if (ndes_render(f, &b, &e) != 0)
		fail_msg("%s", e.text);
	assert_true(b.n > 0 && b.n % 2 == 0 && b.n / 2 < TEXT_MAX);
	for (i = 0; i < b.n; i += 2) {
		assert_in_range(b.p[i], 1, 126);
		assert_int_equal(b.p[i + 1], 0);
		text[i / 2] = (char)b.p[i];
	}
	text[b.n / 2] = '\0';
	buf_wipe(&b);
}

static struct ndes_facts
with(enum ndes_page page, const char *password)
{
	struct ndes_facts	 f = once;

	f.page = page;
	f.password = password;
	return f;
}

/* The first group of a pattern, or "" if it does not match. */
static const char *
group(const char *pattern, int flags, const char *text)
{
	static char	 found[128];
	regex_t		 re;
	regmatch_t	 m[2];

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | flags), 0);
	found[0] = '\0';
	if (regexec(&re, text, 2, m, 0) == 0)
		(void)snprintf(found, sizeof(found), "%.*s",
		    (int)(m[1].rm_eo - m[1].rm_so), text + m[1].rm_so);
	regfree(&re);
	return found;
}

/* What stands between two texts; "" if one is missing. */
static const char *
between(const char *text, const char *from, const char *to)
{
	static char	 found[128];
	const char	*a = strstr(text, from), *b;

	found[0] = '\0';
	if (a == NULL || (b = strstr(a + strlen(from), to)) == NULL)
		return found;
	a += strlen(from);
	(void)snprintf(found, sizeof(found), "%.*s", (int)(b - a), a);
	return found;
}

/* The first word, cut by blanks, that is n upper-case hex digits. */
static const char *
token(const char *page, size_t n)
{
	static char	 found[TEXT_MAX];
	char		 copy[TEXT_MAX], *word, *rest = copy;

	memcpy(copy, page, strlen(page) + 1);
	while ((word = strsep(&rest, " ")) != NULL)
		if (strlen(word) == n &&
		    strspn(word, "0123456789ABCDEF") == n)
			break;
	(void)snprintf(found, sizeof(found), "%s", word == NULL ? "" : word);
	return found;
}

#define IS	"The enrollment challenge password is: <B> "

static void
assert_scraped(const char *text, const char *password)
{
	/* Fleet: any case, up to a blank; its encoding guessed from "<" NUL. */
	assert_int_equal(text[0], '<');
	assert_string_equal(group("The enrollment challenge password is: "
	    "<B> ([^[:space:]]*)", REG_ICASE, text), password);
	/* Junos: any case, a blank behind it */
	assert_string_equal(group("The enrollment challenge password is: "
	    "<b> ([A-Z0-9]+) ", REG_ICASE, text), password);
	/* .NET: the first run of hex digits behind two words, on their line;
	 * POSIX has no lazy star, so what lies between has no such run. */
	const char	*behind = strstr(text, "challenge password");

	assert_non_null(behind);
	assert_string_equal(group("([0-9A-Fa-f]{8,64})", 0, behind), password);
	assert_ptr_equal(memchr(behind, '\n', (size_t)(strstr(behind,
	    password) - behind)), NULL);
	/* PowerShell: the first word that looks like one */
	assert_string_equal(token(text, strlen(password)), password);
	/* Python: what stands between the second pair of '>' and '<' */
	assert_non_null(strstr(text, "The thumbprint (hash value) for the CA "
	    "certificate is: <B"));
	assert_string_equal(between(strstr(text,
	    "The enrollment challenge password is: <B"), "> ", " <"),
	    password);
	/* relays */
	assert_string_equal(between(text, "<Title>", "</Title>"),
	    "Network Device Enrollment Service");
}

static void
test_once(void **state)
{
	char	 text[TEXT_MAX];

	(void)state;
	render(&once, text);
	assert_scraped(text, once.password);
	assert_string_equal(between(text, IS,
	    " </B> <P> This password can be used only once"), once.password);
	assert_string_equal(between(text, "will expire within ", " minutes"),
	    "60");
	assert_null(strstr(text, "will not expire"));
	assert_string_equal(between(text, "The thumbprint (hash value) for "
	    "the CA certificate is: <B> ", " </B>"),
	    "A656FA66 AB12B433 A2DA5CF7 CC153D9A");
	assert_null(strstr(text, "cache is full"));
	assert_null(strstr(text, "sufficient permission"));
}

static void
test_fixed(void **state)
{
	static const char	 password[] =
	    "0123456789ABCDEF0123456789ABCDEF";
	struct ndes_facts	 f = with(NDES_FIXED, password);
	char			 text[TEXT_MAX];

	(void)state;
	render(&f, text);
	assert_scraped(text, password);
	assert_string_equal(between(text, IS, " </B> <P> This password can be "
	    "used multiple times and will not expire."), password);
	assert_null(strstr(text, "only once"));
	assert_null(strstr(text, "will expire within"));
}

/* The refusals show no password, and nothing that looks like one. */
static void
test_without(void **state)
{
	static const struct {
		enum ndes_page	 page;
		const char	*says, *not;
	} rows[] = {
		{ NDES_FULL, "The password cache is full.",
		    "sufficient permission" },
		{ NDES_DENIED, " You do not have sufficient permission to "
		    "enroll with SCEP.  Please contact your system "
		    "administrator. ", "cache is full" },
	};
	char	 text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ndes_facts	 f = with(rows[i].page, NULL);

		render(&f, text);
		assert_non_null(strstr(text, rows[i].says));
		assert_null(strstr(text, rows[i].not));
		assert_null(strstr(text, "challenge password"));
		assert_string_equal(group("([0-9A-Fa-f]{8,64})", 0, text), "");
		assert_string_equal(between(text, "<Title>", "</Title>"),
		    "Network Device Enrollment Service");
	}
	struct ndes_facts	 f = with(NDES_FULL, NULL);

	render(&f, text);
	assert_non_null(strstr(text, " 1000 passwords wait unused, each for "
	    "60 minutes."));
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		NULL, "", "8CE3170", "8CE317021", "8CE31702", "8ce317021f690069", "8CE317021F69006G",
		"8CE31702 1F690069", "<B>8CE317021F690069",
		"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABC"
		    "DEF0",
	};
	struct buf	 b = BUF_INIT(2 * TEXT_MAX), small = BUF_INIT(100);
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ndes_facts	 f = with(NDES_ONCE, bad[i]);

		err_clear(&e);
		assert_int_equal(ndes_render(&f, &b, &e), -1);
		assert_int_equal(e.reason, ERR_ARGUMENT);
		assert_true(bad[i] == NULL || strlen(bad[i]) < 10 ||
		    strstr(e.text, bad[i]) == NULL);
		assert_int_equal(b.n, 0);
	}
	err_clear(&e);
	assert_int_equal(ndes_render(&once, &small, &e), -1);
	assert_int_equal(e.reason, ERR_MEMORY);
	assert_int_equal(small.n, 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
