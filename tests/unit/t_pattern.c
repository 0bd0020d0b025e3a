/*
 * Patterns: what is no pattern, what matches, and that no value makes one work
 * for long.
 */
#include "pki_tool.h"

#include <sys/resource.h>

#include "policy/pattern.h"

static char	 w_dns[] = "dns", w_email[] = "email", w_uri[] = "uri";
static char	*kinds[] = { w_dns, w_email, w_uri, NULL };
static const struct conf_strings granted = { kinds, 3 };

/* Patterns of one list, one a line. */
static struct patterns *
list(enum pattern_of of, const char *lines)
{
	struct err	 e = ERR_INIT;
	struct patterns	*p = NULL;
	char		*text = strdup(lines), *at = text, *line;

	assert_int_equal(patterns_new(of, &p, &e), 0);
	while ((line = strsep(&at, "\n")) != NULL)
		if (patterns_add(p, line, &e) != 0)
			fail_msg("%s: %s", line, err_text(&e));
	free(text);
	return p;
}

/* A request with these attributes of the subject: OID and value, as given. */
struct attr {
	const char	*oid;
	const char	*text;
	size_t		 n;		/* 0: up to the NUL */
};

static int
check_attrs(const char *lines, const struct attr *a, size_t n, struct err *e)
{
	struct patterns		*p = list(PATTERN_SUBJECT, lines);
	struct name_value	 v[4];
	const struct csr	 r = { .values = v, .n_values = n };
	int			 rc;

	memset(v, 0, sizeof(v));
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(v[i].oid, sizeof(v[i].oid), "%s", a[i].oid);
		v[i].text = (char *)(uintptr_t)a[i].text;
		v[i].n = a[i].n != 0 ? a[i].n : strlen(a[i].text);
	}
	rc = patterns_subject(p, &r, e);
	patterns_free(p);
	return rc;
}

static int
check_san(const char *lines, const struct san *s, size_t n, const char *sid,
    struct err *e)
{
	struct patterns		*p = list(PATTERN_SAN, lines);
	const struct sans	 sans = { (struct san *)(uintptr_t)s, n };
	int			 rc = patterns_san(p, &sans, &granted, sid, e);

	patterns_free(p);
	return rc;
}

static void
test_bad(void **state)
{
	static const struct {
		enum pattern_of	 of;
		const char	*first;		/* added before; NULL: none */
		const char	*text;
		const char	*error;
	} rows[] = {
		{ PATTERN_SUBJECT, NULL, "", "reads TYPE" },
		{ PATTERN_SUBJECT, NULL, "CN", "reads TYPE" },
		{ PATTERN_SUBJECT, NULL, "CN exact", "reads TYPE" },
		{ PATTERN_SUBJECT, NULL, "CN exact ", "reads TYPE" },
		{ PATTERN_SUBJECT, NULL, " exact x", "no attribute type" },
		{ PATTERN_SUBJECT, NULL, "CM exact x", "\"CM\" is no attr" },
		{ PATTERN_SUBJECT, NULL, "1.2.x exact x", "no attribute" },
		{ PATTERN_SUBJECT, NULL, "dns exact x", "no attribute type" },
		{ PATTERN_SUBJECT, NULL, "CN is x", "\"is\" is none of" },
		{ PATTERN_SUBJECT, NULL, "CN  exact x", "\"\" is none of" },
		{ PATTERN_SUBJECT, NULL, "CN EXACT x", "is none of" },
		{ PATTERN_SUBJECT, NULL, "CN regex a(b", "regex \"a(b\": miss"
		    "ing closing parenthesis at character 4" },
		{ PATTERN_SUBJECT, NULL, "CN regex *", "at character" },
		{ PATTERN_SUBJECT, NULL, "CN regex \\C", "\\C" },
		{ PATTERN_SUBJECT, NULL, "CN regex \xff", "UTF-8" },
		{ PATTERN_SUBJECT, "CN exact x", "none", "stands alone" },
		{ PATTERN_SUBJECT, "none", "CN exact x", "stands alone" },
		{ PATTERN_SUBJECT, "none", "none", "stands alone" },
		{ PATTERN_SUBJECT, NULL, "None", "reads TYPE" },
		{ PATTERN_SAN, NULL, "CN exact x", "no kind of subjectAlt" },
		{ PATTERN_SAN, NULL, "DNS exact x", "no kind of subjectAlt" },
		{ PATTERN_SAN, NULL, "other glob *", "no kind of subjectA" },
		{ PATTERN_SAN, NULL, "dns suffix example.com", "begin it with "
		    "." },
		{ PATTERN_SAN, NULL, "email suffix example.com", "begin it wi"
		    "th @ or ." },
		{ PATTERN_SAN, NULL, "upn suffix x", "begin it with @" },
		{ PATTERN_SAN, NULL, "uri suffix example.com", "no letter or" },
		{ PATTERN_SAN, NULL, "ip suffix 1", "is no letter or digit" },
		{ PATTERN_SAN, NULL, "sid suffix 500", "no letter or digit" },
		{ PATTERN_SUBJECT, NULL, "CN suffix example.com", "begin it w"
		    "ith what is no letter or digit" },
		{ PATTERN_SUBJECT, NULL, "O suffix Ltd", "no letter or dig" },
		{ PATTERN_SUBJECT, NULL, "CN suffix \xc3\xa4", "no letter" },
	};
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct patterns	*p = list(rows[i].of, rows[i].first != NULL ?
		    rows[i].first : rows[i].of == PATTERN_SAN ?
		    "uri exact x" : "O exact x");

		err_clear(&e);
		if (patterns_add(p, rows[i].text, &e) != -1)
			fail_msg("accepted: %s", rows[i].text);
		assert_err(&e, ERR_CONFIG, rows[i].error, rows[i].text);
		patterns_free(p);
	}
	patterns_free(NULL);
}

static void
test_many(void **state)
{
	char		 text[PATTERN_MAX + 2];
	struct patterns	*p = list(PATTERN_SUBJECT, "CN exact x");
	struct err	 e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "CN exact ", 9);
	text[PATTERN_MAX] = '\0';
	assert_int_equal(patterns_add(p, text, &e), 0);
	text[PATTERN_MAX] = 'x';
	text[PATTERN_MAX + 1] = '\0';
	assert_int_equal(patterns_add(p, text, &e), -1);
	assert_err(&e, ERR_CONFIG, "at most", "long");
	for (int i = 2; i < PATTERNS_MAX; i++)
		assert_int_equal(patterns_add(p, "O exact x", &e), 0);
	err_clear(&e);
	assert_int_equal(patterns_add(p, "O exact x", &e), -1);
	assert_err(&e, ERR_CONFIG, "at most 64", "many");
	patterns_free(p);
}

#define CN	"2.5.4.3"
#define O	"2.5.4.10"
#define OU	"2.5.4.11"

static void
test_subject(void **state)
{
	static const struct {
		const char	*patterns;
		struct attr	 a[3];
		size_t		 n;
		const char	*error;		/* NULL: accepted */
	} rows[] = {
		{ "CN exact a", { { CN, "a", 0 } }, 1, NULL },
		{ "2.5.4.3 exact a", { { CN, "a", 0 } }, 1, NULL },
		{ "commonName exact a", { { CN, "a", 0 } }, 1, NULL },
		{ "CN exact a b", { { CN, "a b", 0 } }, 1, NULL },
		{ "CN exact a", { { CN, "b", 0 } }, 1, "CN matches none" },
		{ "CN exact a", { { CN, "A", 0 } }, 1, "CN matches none" },
		{ "CN exact a", { { CN, "a ", 0 } }, 1, "matches none" },
		{ "CN exact a", { { CN, "", 0 } }, 1, "matches none" },
		{ "CN exact a\nCN exact b", { { CN, "b", 0 } }, 1, NULL },
		/* no pattern for a type, a type without a value */
		{ "CN exact a", { { CN, "a", 0 }, { O, "x", 0 } }, 2,
		    "O has no pattern" },
		{ "CN exact a", { { CN, "a", 0 }, { "1.2.3.4", "x", 0 } }, 2,
		    "1.2.3.4 has no pattern" },
		{ "CN exact a\nO exact x", { { CN, "a", 0 } }, 1,
		    "O is missing" },
		{ "CN exact a", { { NULL, NULL, 0 } }, 0, "CN is missing" },
		/* every value, not one of them */
		{ "CN exact a", { { CN, "a", 0 }, { CN, "b", 0 } }, 2,
		    "CN matches none" },
		{ "CN exact a", { { CN, "b", 0 }, { CN, "a", 0 } }, 2,
		    "CN matches none" },
		{ "CN exact a\nCN exact b", { { CN, "b", 0 }, { CN, "a", 0 } },
		    2, NULL },
		{ "none", { { NULL, NULL, 0 } }, 0, NULL },
		{ "none", { { CN, "a", 0 } }, 1, "CN has no pattern" },
		{ "CN suffix -dev", { { CN, "a-dev", 0 } }, 1, NULL },
		{ "CN suffix -dev", { { CN, "-dev", 0 } }, 1, "matches no" },
		{ "CN suffix -dev", { { CN, "a-dev2", 0 } }, 1, "matches" },
		{ "CN suffix -dev", { { CN, "a-DEV", 0 } }, 1, "matches" },
		{ "O suffix  Ltd", { { O, "A Ltd", 0 } }, 1, NULL },
		{ "CN suffix .example", { { CN, "a.example", 0 } }, 1, NULL },
		{ "CN glob dev-*", { { CN, "dev-1", 0 } }, 1, NULL },
		{ "CN glob dev-*", { { CN, "dev-", 0 } }, 1, NULL },
		{ "CN glob dev-*", { { CN, "xdev-1", 0 } }, 1, "matches" },
		{ "CN glob dev-?", { { CN, "dev-12", 0 } }, 1, "matches" },
		{ "CN glob dev-[0-9]", { { CN, "dev-1", 0 } }, 1, NULL },
		{ "CN glob dev-[0-9]", { { CN, "dev-a", 0 } }, 1, "match" },
		{ "CN glob DEV-*", { { CN, "dev-1", 0 } }, 1, "matches" },
		{ "CN glob *", { { CN, "../x", 0 } }, 1, NULL },
		{ "CN glob *", { { CN, "*.example", 0 } }, 1, "matches" },
		{ "CN exact *.example", { { CN, "*.example", 0 } }, 1, NULL },
		{ "CN regex [a-z]+", { { CN, "abc", 0 } }, 1, NULL },
		{ "CN regex [a-z]+", { { CN, "abc1", 0 } }, 1, "matches" },
		{ "CN regex [a-z]+", { { CN, "1abc", 0 } }, 1, "matches" },
		{ "CN regex ^[a-z]+$", { { CN, "abc", 0 } }, 1, NULL },
		{ "CN regex ^[a-z]+$", { { CN, "abc\n", 0 } }, 1, "matches" },
		{ "CN regex (?m)^a$", { { CN, "a\nb", 0 } }, 1, "matches" },
		{ "CN regex a|b", { { CN, "b", 0 } }, 1, NULL },
		{ "CN regex a|b", { { CN, "bx", 0 } }, 1, "matches" },
		{ "CN regex a|b", { { CN, "xa", 0 } }, 1, "matches" },
		{ "CN regex a(*ACCEPT)b", { { CN, "axyz", 0 } }, 1, "match" },
		{ "CN regex (a)(b)(c)", { { CN, "abc", 0 } }, 1, NULL },
		{ "CN regex (?i)dev", { { CN, "DEV", 0 } }, 1, NULL },
		{ "CN regex dev", { { CN, "DEV", 0 } }, 1, "matches" },
		/* UTF-8: one character, however many bytes */
		{ "CN regex .", { { CN, "\xc3\xa4", 0 } }, 1, NULL },
		{ "CN regex \\x{e4}", { { CN, "\xc3\xa4", 0 } }, 1, NULL },
		{ "CN exact \xc3\xa4", { { CN, "\xc3\xa4", 0 } }, 1, NULL },
		{ "CN regex .*", { { CN, "\xc3", 0 } }, 1, "no text" },
		{ "CN glob *", { { CN, "\xff", 0 } }, 1, "no text" },
		/* NUL */
		{ "CN exact a", { { CN, "a\0.evil", 7 } }, 1, "no text" },
		{ "CN glob *", { { CN, "a\0b", 3 } }, 1, "no text" },
		{ "CN regex .*", { { CN, "a\0b", 3 } }, 1, "no text" },
		{ "CN exact a\nOU glob *", { { CN, "a", 0 },
		    { OU, "x\0y", 3 } }, 2, "OU is too long, or no text" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct err	 e = ERR_INIT;

		if (check_attrs(rows[i].patterns, rows[i].a, rows[i].n, &e) !=
		    (rows[i].error == NULL ? 0 : -1))
			fail_msg("row %zu, %s: %s", i, rows[i].patterns,
			    err_text(&e));
		if (rows[i].error != NULL)
			assert_err(&e, ERR_CHALLENGE_SUBJECT, rows[i].error,
			    rows[i].patterns);
	}
}

static void
test_san(void **state)
{
#define S(k, t)	{ SAN_##k, { NULL, 0 }, (char *)(uintptr_t)(t) }
#define URI	"tag:microsoft.com,2022-09-14:sid:"
	static const struct {
		const char	*patterns;
		struct san	 s[3];
		size_t		 n;
		const char	*error;		/* NULL: accepted */
	} rows[] = {
		{ "dns exact a.example", { S(DNS, "a.example") }, 1, NULL },
		{ "dns exact a.example", { S(DNS, "A.Example") }, 1, NULL },
		{ "dns exact a.example", { S(DNS, "b.example") }, 1,
		    "dns matches none" },
		{ "dns exact a", { S(DNS, "a"), S(DNS, "b") }, 2, "dns matc" },
		{ "dns suffix .example", { S(DNS, "a.EXAMPLE") }, 1, NULL },
		{ "dns suffix .example", { S(DNS, "a.b.example") }, 1, NULL },
		{ "dns suffix .example", { S(DNS, "aexample") }, 1, "match" },
		{ "dns suffix .example", { S(DNS, ".example") }, 1, "match" },
		{ "dns suffix .example", { S(DNS, "a.example.evil") }, 1,
		    "matches none" },
		{ "dns glob *.Example", { S(DNS, "a.example") }, 1, NULL },
		{ "dns regex [a-z]+\\.example", { S(DNS, "A.example") }, 1,
		    NULL },
		/* a wildcard only where the pattern is it */
		{ "dns suffix .example", { S(DNS, "*.example") }, 1, "match" },
		{ "dns suffix .example", { S(DNS, "a*.example") }, 1, "mat" },
		{ "dns glob *.example", { S(DNS, "*.example") }, 1, "match" },
		{ "dns glob [*].example", { S(DNS, "*.example") }, 1, "mat" },
		{ "dns regex [^.]+\\.example", { S(DNS, "*.example") }, 1,
		    "dns matches none" },
		{ "dns exact *.example", { S(DNS, "*.example") }, 1, NULL },
		{ "dns exact *.example", { S(DNS, "*.EXAMPLE") }, 1, NULL },
		{ "dns exact *.example", { S(DNS, "a.example") }, 1, "match" },
		{ "email suffix @example", { S(EMAIL, "a@Example") }, 1,
		    NULL },
		{ "email suffix @example", { S(EMAIL, "a@evilexample") }, 1,
		    "matches none" },
		{ "uri exact x:y", { S(URI, "X:y") }, 1, "uri matches none" },
		/* kinds that the profile drops do not count ... */
		{ "dns exact a", { S(DNS, "a"), S(IP, "192.0.2.1") }, 2,
		    NULL },
		{ "dns exact a", { S(DNS, "a"), S(OTHER, "other") }, 2,
		    NULL },
		{ "ip exact 192.0.2.1", { S(IP, "192.0.2.1") }, 1,
		    "ip is missing" },
		/* ... but for names of accounts */
		{ "dns exact a", { S(DNS, "a"), S(UPN, "root@x") }, 2,
		    "upn has no pattern" },
		{ "dns exact a\nupn exact u@x", { S(DNS, "a"),
		    S(UPN, "root@x") }, 2, "upn matches none" },
		{ "dns exact a\nupn exact u@x", { S(DNS, "a"),
		    S(UPN, "u@x") }, 2, NULL },
		{ "upn exact u@x", { S(UPN, "U@x") }, 1, "upn matches" },
		{ "dns exact a", { S(DNS, "a"), S(SID, URI "S-1-5-21-1") }, 2,
		    "sid has no pattern" },
		{ "uri glob *", { S(SID, URI "S-1-5") }, 1,
		    "sid has no pattern" },
		{ "dns exact a", { S(DNS, "a"), S(URI, "x:y") }, 2,
		    "uri has no pattern" },
		{ "dns exact a", { S(DNS, "a") }, 0, "dns is missing" },
		{ "none", { S(DNS, "a") }, 0, NULL },
		{ "none", { S(DNS, "a") }, 1, "dns has no pattern" },
		{ "none", { S(IP, "192.0.2.1") }, 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct err	 e = ERR_INIT;

		if (check_san(rows[i].patterns, rows[i].s, rows[i].n, "",
		    &e) != (rows[i].error == NULL ? 0 : -1))
			fail_msg("row %zu, %s: %s", i, rows[i].patterns,
			    err_text(&e));
		if (rows[i].error != NULL)
			assert_err(&e, ERR_CHALLENGE_SAN, rows[i].error,
			    rows[i].patterns);
	}
}

/* In the extension of Windows, as a URI, or both. */
static void
test_sid(void **state)
{
	static const struct {
		const char	*patterns;
		const char	*sid;
		const char	*uri;		/* NULL: none */
		const char	*error;		/* NULL: accepted */
	} rows[] = {
		{ "sid exact S-1-5", "S-1-5", NULL, NULL },
		{ "sid exact S-1-5", "", URI "S-1-5", NULL },
		{ "sid exact S-1-5", "S-1-5", URI "S-1-5", NULL },
		{ "sid exact S-1-5", "", NULL, "sid is missing" },
		{ "sid exact S-1-5", "S-1-6", NULL, "sid matches none" },
		{ "sid exact S-1-5", "S-1-6", URI "S-1-5", "sid matches no" },
		{ "sid exact S-1-5", "S-1-5", URI "S-1-6", "sid matches no" },
		{ "sid exact S-1-5", "s-1-5", NULL, "sid matches none" },
		{ "sid regex S-1-5-[0-9]+", "S-1-5-7", NULL, NULL },
		{ "dns glob *", "S-1-5", NULL, "sid has no pattern" },
		{ "none", "S-1-5", NULL, "sid has no pattern" },
		{ "none", "", URI "S-1-5", "sid has no pattern" },
		/* Only behind what is well known it is one. */
		{ "sid suffix :S-1-5", "", "tag:microsoft.com,2030-01-01:sid:S"
		    "-1-5", NULL },
		{ "sid exact S-1-5", "", "tag:microsoft.com,2030-01-01:sid:S-"
		    "1-5", "sid matches none" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct san	 s = S(SID, rows[i].uri);
		struct err		 e = ERR_INIT;

		if (check_san(rows[i].patterns, &s, rows[i].uri != NULL,
		    rows[i].sid, &e) != (rows[i].error == NULL ? 0 : -1))
			fail_msg("row %zu: %s", i, err_text(&e));
		if (rows[i].error != NULL)
			assert_err(&e, ERR_CHALLENGE_SAN, rows[i].error,
			    rows[i].patterns);
	}
}

static double
seconds(void)
{
	struct rusage	 u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

/* Values that make a backtracking matcher work for ages. */
static void
test_expensive(void **state)
{
	static const struct {
		const char	*patterns;
		size_t		 n;		/* letters a */
		const char	*error;
	} rows[] = {
		{ "CN regex (a+)+[bc]", 200, "regex too long to match" },
		{ "CN regex (a|a)*[bc]", 1000, "regex too long to match" },
		{ "CN regex (a*)*(a*)*(a*)*[bc]", 1000, "regex too long" },
		{ "CN regex (?:(?:a+)+)+[bc]\nCN glob b*", 200, "too long to" },
		{ "CN regex ((a)|(?R))*[bc]", 1000, "too long to match" },
		{ "CN glob *a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", 1000,
		    "matches none" },
		{ "CN glob *", 1025, "is too long" },
		{ "CN regex a*", 1024, NULL },
		{ "CN regex (a+)+[bc]\nCN glob a*", 200, NULL },
	};
	char	 text[2048];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct attr	 a = { CN, text, rows[i].n };
		double			 before = seconds();
		struct err		 e = ERR_INIT;

		memset(text, 'a', rows[i].n);
		text[rows[i].n] = '\0';
		if (check_attrs(rows[i].patterns, &a, 1, &e) !=
		    (rows[i].error == NULL ? 0 : -1))
			fail_msg("%s: %s", rows[i].patterns, err_text(&e));
		if (rows[i].error != NULL)
			assert_err(&e, ERR_CHALLENGE_SUBJECT, rows[i].error,
			    rows[i].patterns);
		if (seconds() - before > 1)
			fail_msg("%s: %g s", rows[i].patterns, seconds() -
			    before);
	}
}

/* As somebody wrote them, cut where there is no room. */
static void
test_text(void **state)
{
	struct patterns	*p;
	struct err	 e = { .reason = ERR_NONE };
	char		 text[64], small[12];

	(void)state;
	patterns_text(NULL, text, sizeof(text));
	assert_string_equal(text, "any");
	assert_int_equal(patterns_new(PATTERN_SUBJECT, &p, &e), 0);
	assert_int_equal(patterns_add(p, "CN exact a b", &e), 0);
	assert_int_equal(patterns_add(p, "O regex x.*", &e), 0);
	patterns_text(p, text, sizeof(text));
	assert_string_equal(text, "CN exact a b, O regex x.*");
	patterns_text(p, small, sizeof(small));
	assert_string_equal(small, "CN exact a ");
	patterns_free(p);
	assert_int_equal(patterns_new(PATTERN_SAN, &p, &e), 0);
	assert_int_equal(patterns_add(p, "none", &e), 0);
	patterns_text(p, text, sizeof(text));
	assert_string_equal(text, "none");
	patterns_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_san),
		cmocka_unit_test(test_sid),
		cmocka_unit_test(test_expensive),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
