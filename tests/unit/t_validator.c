/*
 * Validators: what may stand in an answer, and what a program or a server can
 * do wrong. Names from text, which answers bring, are here too.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "hook_fake.h"
#include "net/fetch.h"
#include "pki/secret.h"
#include "pki_tool.h"
#include "service/doors_int.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/str.h"
#include "validator/validator.h"

#define SECRET	"0123456789abcdef0123456789abcdef"
#define HIDDEN	"hunter2-hunter2"

/* ---- answers ---- */

#define A20	"aaaaaaaaaaaaaaaaaaaa"
#define A100	A20 A20 A20 A20 A20
#define A1000	A100 A100 A100 A100 A100 A100 A100 A100 A100 A100

static void
test_read(void **state)
{
	struct err	 e = ERR_INIT;
	struct answer	 a;

	(void)state;
	assert_int_equal(answer_read(LIT(" {\"verdict\": \"issue\", "
	    "\"reason\": \"\\u00e4 \\\"\", \"subject\": \"CN=x\", "
	    "\"sans\": [\"dns:a\", \"ip:::1\"], \"profile\": \"p\", "
	    "\"validity\": \"30d\", \"facts\": {\"a\": \"b=c\", \"d\": "
	    "\"\\u00e4\"}}\n"), ANSWER_WITH_VERDICT, &a, &e), 0);
	assert_string_equal(a.facts[0], "a=b=c");
	assert_string_equal(a.facts[1], "d=\xc3\xa4");
	assert_null(a.facts[2]);
	assert_int_equal(a.verdict, ANSWER_ISSUE);
	assert_string_equal(a.reason, "\xc3\xa4 \"");
	assert_string_equal(a.subject, "CN=x");
	assert_string_equal(a.sans[0], "dns:a");
	assert_string_equal(a.sans[1], "ip:::1");
	assert_null(a.sans[2]);
	assert_string_equal(a.profile, "p");
	assert_int_equal(a.validity, 30 * DAY);
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	assert_int_equal(answer_read(LIT("{\"verdict\": \"hold\", \"reason\": "
	    "null, \"subject\": null, \"sans\": null, \"profile\": null, "
	    "\"validity\": null}"), ANSWER_WITH_VERDICT, &a, &e), 0);
	assert_int_equal(a.verdict, ANSWER_HOLD);
	assert_false(answer_overrides(&a));
	answer_clear(&a);
	/* Facts are for whom needs them, and change nothing. */
	assert_int_equal(answer_read(LIT("{\"facts\": {\"a\": \"b\"}}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_string_equal(a.facts[0], "a=b");
	assert_false(answer_overrides(&a));
	answer_clear(&a);
	assert_null(a.facts);
	/* No names is something else than those of the request. */
	assert_int_equal(answer_read(LIT("{\"sans\": []}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_int_equal(a.verdict, ANSWER_ISSUE);
	assert_null(a.sans[0]);
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	/* Nor is no account the one of the request. */
	assert_int_equal(answer_read(LIT("{\"sid\": \"\"}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), 0);
	assert_string_equal(a.sid, "");
	assert_true(answer_overrides(&a));
	answer_clear(&a);
	assert_null(a.sid);
}

#define V	"{\"verdict\": \"issue\", "

static void
test_garbage(void **state)
{
	static const struct {
		const char	*name;
		struct bytes	 text;
	} rows[] = {
#define ROW(name, text)	{ name, { (const uint8_t *)text, sizeof(text) - 1 } }
		ROW("empty", ""),
		ROW("blank", " \n"),
		ROW("word", "issue"),
		ROW("string", "\"issue\""),
		ROW("number", "0"),
		ROW("null", "null"),
		ROW("array", "[{\"verdict\": \"issue\"}]"),
		ROW("html", "<html>issue</html>"),
		ROW("truncated", "{\"verdict\": \"issue\""),
		ROW("truncated text", "{\"verdict\": \"iss"),
		ROW("two objects", "{\"verdict\": \"issue\"}{}"),
		ROW("something behind", "{\"verdict\": \"issue\"} x"),
		ROW("NUL behind", "{\"verdict\": \"issue\"}\0"),
		ROW("comma", "{\"verdict\": \"issue\",}"),
		ROW("comment", "{\"verdict\": \"issue\"} // yes"),
		ROW("single quotes", "{'verdict': 'issue'}"),
		ROW("no verdict", "{}"),
		ROW("no verdict but a reason", "{\"reason\": \"x\"}"),
		ROW("unknown verdict", "{\"verdict\": \"allow\"}"),
		ROW("capital verdict", "{\"verdict\": \"Issue\"}"),
		ROW("verdict and more", "{\"verdict\": \"issue \"}"),
		ROW("empty verdict", "{\"verdict\": \"\"}"),
		ROW("verdict of NUL", "{\"verdict\": \"issue\\u0000x\"}"),
		ROW("true", "{\"verdict\": true}"),
		ROW("verdict null", "{\"verdict\": null}"),
		ROW("verdict number", "{\"verdict\": 0}"),
		ROW("verdict array", "{\"verdict\": [\"issue\"]}"),
		ROW("two verdicts", V "\"verdict\": \"refuse\"}"),
		ROW("the same twice", V "\"verdict\": \"issue\"}"),
		ROW("twice by escape", V "\"\\u0076erdict\": \"refuse\"}"),
		ROW("unknown member", V "\"sub\": \"CN=x\"}"),
		ROW("nested", V "\"subject\": {\"cn\": \"x\"}}"),
		ROW("reason number", V "\"reason\": 1}"),
		ROW("subject array", V "\"subject\": [\"CN=x\"]}"),
		ROW("subject of NUL", V "\"subject\": \"CN=a\\u0000b\"}"),
		ROW("bare NUL", V "\"subject\": \"CN=a\0b\"}"),
		ROW("not UTF-8", V "\"subject\": \"CN=\xff\"}"),
		ROW("overlong UTF-8", V "\"subject\": \"CN=\xc0\xaf\"}"),
		ROW("half a surrogate", V "\"subject\": \"\\ud800\"}"),
		ROW("bare line end", V "\"reason\": \"a\nb\"}"),
		ROW("sans string", V "\"sans\": \"dns:a\"}"),
		ROW("sans of null", V "\"sans\": [null]}"),
		ROW("sans of numbers", V "\"sans\": [1]}"),
		ROW("sans of arrays", V "\"sans\": [[\"dns:a\"]]}"),
		ROW("sid number", V "\"sid\": 500}"),
		ROW("long sid", V "\"sid\": \"" A100 A20 A20 "\"}"),
		ROW("facts text", V "\"facts\": \"a=b\"}"),
		ROW("facts array", V "\"facts\": [\"a=b\"]}"),
		ROW("fact number", V "\"facts\": {\"a\": 1}}"),
		ROW("fact null", V "\"facts\": {\"a\": null}}"),
		ROW("fact of two", V "\"facts\": {\"a=b\": \"c\"}}"),
		ROW("fact twice", V "\"facts\": {\"a\": \"b\", \"a\": \"c\"}}"),
		ROW("fact with NUL", V "\"facts\": {\"a\": \"b\\u0000\"}}"),
		ROW("long fact", V "\"facts\": {\"a\": \"" A1000 "\"}}"),
		ROW("many facts", V "\"facts\": {\"a\": \"\", \"b\": \"\", "
		    "\"c\": \"\", \"d\": \"\", \"e\": \"\", \"f\": \"\", "
		    "\"g\": \"\", \"h\": \"\", \"i\": \"\", \"j\": \"\", "
		    "\"k\": \"\", \"l\": \"\", \"m\": \"\", \"n\": \"\", "
		    "\"o\": \"\", \"p\": \"\", \"q\": \"\"}}"),
		ROW("profile false", V "\"profile\": false}"),
		ROW("validity number", V "\"validity\": 30}"),
		ROW("validity zero", V "\"validity\": \"0\"}"),
		ROW("validity negative", V "\"validity\": \"-1d\"}"),
		ROW("validity words", V "\"validity\": \"a day\"}"),
		ROW("validity empty", V "\"validity\": \"\"}"),
		ROW("validity for ever", V "\"validity\": \"101y\"}"),
		ROW("validity overflow", V "\"validity\": \"99999999999y\"}"),
		ROW("long validity", V "\"validity\": \"" A20 "\"}"),
		ROW("long reason", V "\"reason\": \"" A1000 A100 "\"}"),
		ROW("long profile", V "\"profile\": \"" A100 "\"}"),
		ROW("long name", V "\"sans\": [\"" A1000 A100 "\"]}"),
		ROW("long subject",
		    V "\"subject\": \"" A1000 A1000 A1000 A1000 A100 "\"}"),
#undef ROW
	};
	struct answer	 a = { .verdict = ANSWER_HOLD };
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		if (answer_read(rows[i].text, ANSWER_WITH_VERDICT, &a, &e) !=
		    -1)
			fail_msg("%s is taken", rows[i].name);
		assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, rows[i].name);
		assert_int_equal(a.verdict, ANSWER_HOLD);
	}
	/* Where the exit code tells it, nothing else may. */
	err_clear(&e);
	assert_int_equal(answer_read(LIT("{\"verdict\": \"issue\"}"),
	    ANSWER_WITHOUT_VERDICT, &a, &e), -1);
	assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, "verdict");
}

/* n times text, in an object. */
static void
assert_too_much(const char *before, const char *text, size_t n,
    const char *after)
{
	struct buf	 b = BUF_INIT(1024 * 1024);
	struct err	 e = ERR_INIT;
	struct answer	 a;

	assert_int_equal(buf_puts(&b, before), 0);
	while (n-- > 0)
		assert_int_equal(buf_puts(&b, text), 0);
	assert_int_equal(buf_puts(&b, after), 0);
	assert_int_equal(answer_read(buf_bytes(&b), ANSWER_WITH_VERDICT, &a,
	    &e), -1);
	assert_err(&e, ERR_VALIDATOR_ANSWER, NULL, text);
	buf_wipe(&b);
}

static void
test_huge(void **state)
{
	(void)state;
	assert_too_much(V "\"reason\": \"", " ", ANSWER_MAX, "\"}");
	assert_too_much("", " ", ANSWER_MAX, "{\"verdict\": \"issue\"}");
	assert_too_much(V "\"sans\": [\"dns:a\"", ", \"dns:a\"", 64, "]}");
	assert_too_much(V "\"sans\": ", "[", 30000, "}");
	assert_too_much("", "{\"sans\":", 6000, "}");
	assert_too_much("", "[", 60000, "");
}

/* ---- names ---- */

static const char *const none[] = { NULL };

static void
test_renamed(void **state)
{
	static const struct {
		const char	*text;
		const char	*want;		/* NULL: the same */
	} good[] = {
		{ "CN=device-1,O=Example,C=DE", NULL },
		{ "", NULL },
		{ "CN= a b , O=x", "CN=a b,O=x" },
		{ "CN=a\\,b\\+c\\\"d\\\\e", NULL },
		{ "CN=\\ a\\ ,O=x", "CN=\\ a\\ ,O=x" },
		{ "CN=M\\C3\\BCller", "CN=M\xc3\xbcller" },
		{ "CN=M\xc3\xbcller", NULL },
		{ "2.5.4.3=x", "CN=x" },
		{ "cn=x", "CN=x" },
		{ "UID=u,DC=example,DC=org", NULL },
		{ "CN=a,CN=b,CN=c", NULL },
		{ "serialNumber=1+CN=x,O=y", NULL },
		{ "O=a\\=b", "O=a=b" },
	};
	static const char *const bad[] = {
		"CN", "=x", "CN =x", "CN=", "CN=x,", "CN=x+", ",CN=x", "CN=x,,O=y",
		"CN=x;O=y", "CN=\"x\"", "CN=<x>", "CN=#0c0178", "CN=x\\",
		"CN=x\\4", "CN=x\\zz", "CN=x\\ff", "nosuch=x",
		"C=Germany", "CN= ", "/CN=x", "CN=x O=y,", "C N=x",
	};
	struct csr	*r, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=asked", "DNS:asked.example", HIDDEN);
	for (size_t i = 0; i < N(good); i++) {
		if (csr_renamed(r, good[i].text, NULL, &named, &e) == -1)
			fail_msg("%s: %s", good[i].text, err_text(&e));
		if (good[i].want == NULL || *good[i].want != '\0')
			assert_non_null(named->subject_text);
		if (strchr(good[i].text, '+') == NULL)
			assert_string_equal(named->subject_text,
			    good[i].want == NULL ? good[i].text :
			    good[i].want);
		assert_int_equal(named->subject_empty, *good[i].text == '\0');
		assert_ptr_equal(named->sans.v, r->sans.v);
		assert_ptr_equal(named->key.spki.p, r->key.spki.p);
		csr_renamed_free(named);
	}
	for (size_t i = 0; i < N(bad); i++) {
		err_clear(&e);
		if (csr_renamed(r, bad[i], NULL, &named, &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_err(&e, ERR_SUBJECT, NULL, bad[i]);
	}
	assert_string_equal(r->subject_text, "CN=asked");
	csr_renamed_free(NULL);
	csr_free(r);
	key_free(k);
}

/* What a validator writes is what a request would have asked for. */
static void
test_other_sans(void **state)
{
	char		 dns[] = "dns:a.example", mail[] = "email:a@b.example",
	    uri[] = "uri:https://a.example/", v4[] = "ip:192.0.2.1",
	    v6[] = "ip:2001:db8::1", upn[] = "upn:a@b.example";
	char *const	 all[] = { dns, mail, uri, v4, v6, upn, NULL };
	static const char *const bad[] = {
		"a.example", "dns:", "DNS:a.example", "dns", "ip:a.example",
		"ip:192.0.2", "ip:192.0.2.1/24", "other:x", "sid:S-1-5",
		"dns:\xc3\xa4.example", "", ":", "upn:",
	};
	char		 text[64];
	char *const	 one[] = { text, NULL };
	struct csr	*r, *same, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=asked", "DNS:asked.example", NULL);
	same = tool_csr(k, "/CN=asked", "DNS:a.example,email:a@b.example,"
	    "URI:https://a.example/,IP:192.0.2.1,IP:2001:db8::1,"
	    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b.example", NULL);
	assert_int_equal(csr_renamed(r, NULL, all, &named, &e), 0);
	assert_int_equal(named->sans.n, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(bytes_eq(named->sans.v[i].der,
		    same->sans.v[i].der));
		assert_int_equal(named->sans.v[i].kind, same->sans.v[i].kind);
	}
	csr_renamed_free(named);
	assert_int_equal(csr_renamed(r, NULL, (char *const *)(uintptr_t)none,
	    &named, &e), 0);
	assert_int_equal(named->sans.n, 0);
	csr_renamed_free(named);
	/* Nor is an account left that the device named. */
	(void)snprintf(r->asked.sid, sizeof(r->asked.sid), "S-1-5-21-1-2-3-5");
	assert_int_equal(csr_renamed(r, "CN=x", NULL, &named, &e), 0);
	assert_string_equal(named->asked.sid, r->asked.sid);
	csr_renamed_free(named);
	assert_int_equal(csr_renamed(r, NULL, all, &named, &e), 0);
	assert_string_equal(named->asked.sid, "");
	csr_renamed_free(named);
	/* A URI that maps to an account is none. */
	(void)snprintf(text, sizeof(text), "uri:tag:microsoft.com,2022-09-14:"
	    "sid:S-1-5");
	assert_int_equal(csr_renamed(r, NULL, one, &named, &e), 0);
	assert_int_equal(named->sans.v[0].kind, SAN_SID);
	csr_renamed_free(named);
	for (size_t i = 0; i < N(bad); i++) {
		(void)snprintf(text, sizeof(text), "%s", bad[i]);
		err_clear(&e);
		if (csr_renamed(r, "CN=x", one, &named, &e) != -1)
			fail_msg("%s is taken", bad[i]);
		assert_err(&e, ERR_SAN, NULL, bad[i]);
	}
	csr_free(r);
	csr_free(same);
	key_free(k);
}

static void
test_other_sid(void **state)
{
	char		 uri[] = "uri:tag:microsoft.com,2022-09-14:sid:S-1-9";
	char *const	 own[] = { uri, NULL };
	static const char *const others[] = { "", "S-1-8", "9", "S-1-9:" };
	char		 longest[SID_TEXT + 1];
	struct csr	*r, *named;
	struct key	*k = tool_key("ec:p256");
	struct err	 e = ERR_INIT;

	(void)state;
	r = tool_csr(k, "/CN=x", "DNS:a,URI:x:y,DNS:b", NULL);
	r->sans.v[1].kind = SAN_SID;
	(void)snprintf(r->asked.sid, sizeof(r->asked.sid), "S-1-5-21-1-2-3-4");
	assert_int_equal(csr_renamed(r, NULL, NULL, &named, &e), 0);
	assert_int_equal(named->sans.n, 3);
	assert_int_equal(csr_set_sid(named, "S-1-5", &e), 0);
	assert_string_equal(named->asked.sid, "S-1-5");
	assert_int_equal(named->sans.n, 2);
	assert_string_equal(named->sans.v[1].text, "b");
	assert_int_equal(csr_set_sid(named, "", &e), 0);
	assert_string_equal(named->asked.sid, "");
	csr_renamed_free(named);
	assert_int_equal(r->sans.n, 3);
	/* Whoever names it as a URI too wants it so. */
	assert_int_equal(csr_renamed(r, "CN=y", own, &named, &e), 0);
	assert_int_equal(csr_set_sid(named, "S-1-9", &e), 0);
	assert_int_equal(named->sans.n, 1);
	memset(longest, '1', sizeof(longest));
	longest[SID_TEXT] = '\0';
	assert_int_equal(csr_set_sid(named, longest, &e), -1);
	assert_err(&e, ERR_SAN, "of 128 bytes", "long");
	assert_string_equal(named->asked.sid, "S-1-9");
	/* But not as two. */
	for (size_t i = 0; i < N(others); i++) {
		err_clear(&e);
		assert_int_equal(csr_set_sid(named, others[i], &e), -1);
		assert_err(&e, ERR_SAN, "another security identifier",
		    others[i]);
		assert_string_equal(named->asked.sid, "S-1-9");
	}
	csr_renamed_free(named);
	longest[SID_TEXT - 1] = '\0';
	assert_int_equal(csr_renamed(r, NULL, NULL, &named, &e), 0);
	assert_int_equal(csr_set_sid(named, longest, &e), 0);
	csr_renamed_free(named);
	csr_free(r);
	key_free(k);
}

/* ---- programs ---- */

static void
ask(const struct conf_validator *c, enum err_reason reason,
    enum answer_verdict verdict, const char *text)
{
	const struct validator_message	 m = {
		.json = LIT("{\"challenge\": \"" HIDDEN "\"}"),
		.secret = LIT(HIDDEN), .endpoint = "e", .now = 1700000000,
	};
	struct err		 e = ERR_INIT;
	struct validator	*v;
	struct answer		 a;
	int			 rc;

	if (validator_open(c, &v, &e) == -1)
		fail_msg("%s", err_text(&e));
	rc = validator_ask(v, &m, &a, &e);
	if (reason != ERR_NONE) {
		assert_int_equal(rc, -1);
		assert_err(&e, reason, text, c->name);
		assert_null(strstr(err_text(&e), HIDDEN));
	} else {
		if (rc == -1)
			fail_msg("%s: %s", c->name, err_text(&e));
		assert_int_equal(a.verdict, verdict);
		if (text == NULL)
			assert_null(a.reason);
		else
			assert_string_equal(a.reason, text);
		answer_clear(&a);
	}
	validator_close(v);
}

/* A server that stops asks nobody any more. */
static void
test_exec_stop(void **state)
{
	char			 sh[] = "/bin/sh", c[] = "-c",
				 script[] = "exec sleep 1000";
	char			*argv[] = { sh, c, script, NULL };
	const struct conf_validator conf = { .name = script,
	    .command = { argv, 3 }, .timeout = 300 };
	const atomic_bool	 stop = true;
	const struct validator_message	 m = { .json = LIT("{}"),
	    .endpoint = "e", .stop = &stop };
	struct err		 e = ERR_INIT;
	struct validator	*v;
	struct answer		 a;

	(void)state;
	assert_int_equal(validator_open(&conf, &v, &e), 0);
	assert_int_equal(validator_ask(v, &m, &a, &e), -1);
	assert_err(&e, ERR_VALIDATOR, "the server stops", "ask");
	err_clear(&e);
	assert_int_equal(validator_tell(v, &m, &e), -1);
	assert_err(&e, ERR_VALIDATOR, "the server stops", "tell");
	validator_close(v);
}

static void
test_exec(void **state)
{
	static char	 shell[] = "/bin/sh", option[] = "-c";
	static const struct {
		const char		*script;
		enum err_reason		 reason;
		enum answer_verdict	 verdict;
		const char		*text;
	} rows[] = {
		{ "exit 0", ERR_NONE, ANSWER_ISSUE, NULL },
		{ "exit 40", ERR_NONE, ANSWER_REFUSE, NULL },
		{ "exit 41", ERR_NONE, ANSWER_HOLD, NULL },
		{ "echo ' '; exit 0", ERR_NONE, ANSWER_ISSUE, NULL },
		{ "echo '{\"reason\": \"why\"}'; exit 0", ERR_NONE,
		    ANSWER_ISSUE, "why" },
		{ "echo '{\"reason\": \"why\"}'; exit 40", ERR_NONE,
		    ANSWER_REFUSE, "why" },
		{ "echo why; exit 40", ERR_NONE, ANSWER_REFUSE, NULL },
		{ "echo -n why >&2; exit 40", ERR_NONE, ANSWER_REFUSE, "why" },
		{ "cat >&2; exit 40", ERR_NONE, ANSWER_REFUSE,
		    "{\"challenge\": \"*\"}" },
		{ "echo '{\"reason\": \"" HIDDEN "\"}'; exit 40", ERR_NONE,
		    ANSWER_REFUSE, "*" },
		{ "printf '%s%s.%s' " HIDDEN " " HIDDEN " " HIDDEN " >&2;"
		    " exit 40", ERR_NONE, ANSWER_REFUSE, "**.*" },
		{ "grep -q '" HIDDEN "' && exit 41; exit 3", ERR_NONE,
		    ANSWER_HOLD, NULL },
		{ "[ $SCEPD_ENDPOINT = e ]", ERR_NONE, ANSWER_ISSUE, NULL },
		{ "exit 1", ERR_VALIDATOR, 0, "exit 1 is no verdict" },
		{ "exit 2", ERR_VALIDATOR, 0, "exit 2 is no verdict" },
		{ "set -e; false; exit 40", ERR_VALIDATOR, 0, "exit 1 is" },
		{ "exit 39", ERR_VALIDATOR, 0, "exit 39 is no verdict" },
		{ "exit 42", ERR_VALIDATOR, 0, "exit 42 is no verdict" },
		{ "cat >&2; exit 9", ERR_VALIDATOR, 0, "\"*\"" },
		{ "exit 127", ERR_VALIDATOR, 0, "exit 127" },
		{ "kill -9 $$", ERR_VALIDATOR, 0, "signal 9" },
		{ "sleep 60", ERR_VALIDATOR, 0, "longer than" },
		{ "yes", ERR_VALIDATOR, 0, "more than" },
		{ "echo ok; exit 0", ERR_VALIDATOR_ANSWER, 0, NULL },
		{ "cat; exit 0", ERR_VALIDATOR_ANSWER, 0, "\"challenge\"" },
		{ "echo '{\"" HIDDEN "\": 1}'", ERR_VALIDATOR_ANSWER, 0,
		    "\"*\", which is no member" },
		{ "echo '{\"verdict\": \"issue\"}'", ERR_VALIDATOR_ANSWER, 0,
		    NULL },
		{ "echo '{'; exit 41", ERR_VALIDATOR_ANSWER, 0, NULL },
	};
	char	 script[256];
	char	*argv[] = { shell, option, script, NULL };

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct conf_validator	 c = {
			.name = script, .type = CONF_VALIDATOR_EXEC,
			.command = { argv, 3 }, .timeout = 1,
		};

		(void)snprintf(script, sizeof(script), "%s", rows[i].script);
		ask(&c, rows[i].reason, rows[i].verdict, rows[i].text);
	}
}

/* ---- servers ---- */

static char	 empty[] = "", name[] = "hook";

static struct conf_validator
webhook(char *url, enum conf_auth auth)
{
	static char	 file[256];

	(void)snprintf(file, sizeof(file), "%s", tool_path("secret"));
	return (struct conf_validator){
		.name = name, .type = CONF_VALIDATOR_WEBHOOK, .url = url,
		.timeout = 1, .ca_file = empty, .auth = auth,
		.secret_file = file, .client_cert = empty,
		.client_key = empty, .proxy = empty,
	};
}

static void
test_webhook(void **state)
{
	static const struct {
		const char		*word;
		enum err_reason		 reason;
		enum answer_verdict	 verdict;
		const char		*text;
	} rows[] = {
		{ "issue", ERR_NONE, ANSWER_ISSUE, NULL },
		{ "refuse", ERR_NONE, ANSWER_REFUSE, "not in the inventory" },
		{ "hold", ERR_NONE, ANSWER_HOLD, NULL },
		{ "override", ERR_NONE, ANSWER_ISSUE, NULL },
		{ "404", ERR_VALIDATOR, 0, "fetch_status: HTTP status 404" },
		{ "500", ERR_VALIDATOR, 0, "fetch_status: HTTP status 500" },
		{ "redirect", ERR_VALIDATOR, 0, "302" },
		{ "hang", ERR_VALIDATOR, 0, "fetch_timeout" },
		{ "drip", ERR_VALIDATOR, 0, "fetch_timeout" },
		{ "huge", ERR_VALIDATOR, 0, "fetch_too_big" },
		{ "cut", ERR_VALIDATOR, 0, "fetch" },
		{ "garbage", ERR_VALIDATOR_ANSWER, 0, "no JSON object" },
		{ "text", ERR_VALIDATOR_ANSWER, 0, "no JSON object" },
		{ "empty", ERR_VALIDATOR_ANSWER, 0, "no JSON object" },
	};
	struct hook	*h = hook_start(NULL, NULL, NULL);
	char		 url[128];

	(void)state;
	(void)tool_file("secret", LIT(SECRET "\n"), 0600);
	for (size_t i = 0; i < N(rows); i++) {
		const struct conf_validator	 c = webhook(url,
		    CONF_AUTH_HMAC);

		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s",
		    hook_port(h), rows[i].word);
		ask(&c, rows[i].reason, rows[i].verdict, rows[i].text);
	}
	hook_stop(h);
}

/* The server can tell who asks, and when. */
static void
test_proof(void **state)
{
	struct hook	*h = hook_start(NULL, NULL, NULL);
	struct buf	 request = BUF_INIT(65536), text = BUF_INIT(4096);
	struct err	 e = ERR_INIT;
	uint8_t		 mac[SECRET_MAC];
	char		 url[128], want[128], hex[2 * SECRET_MAC + 1];
	struct conf_validator	 c = webhook(url, CONF_AUTH_HMAC);

	(void)state;
	(void)tool_file("secret", LIT(SECRET "\n"), 0600);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/issue",
	    hook_port(h));
	ask(&c, ERR_NONE, ANSWER_ISSUE, NULL);
	hook_last(h, &request);
	assert_int_equal(buf_printf(&text, "1700000000.%s",
	    strstr(buf_cstr(&request), "\r\n\r\n") + 4), 0);
	assert_int_equal(secret_hmac(LIT(SECRET), buf_bytes(&text), mac, &e),
	    0);
	str_hex(bytes_make(mac, sizeof(mac)), hex);
	(void)snprintf(want, sizeof(want), "\r\nX-Scepd-Signature: v1=%s\r\n",
	    hex);
	assert_non_null(strstr(buf_cstr(&request), want));
	assert_non_null(strstr(buf_cstr(&request),
	    "\r\nX-Scepd-Timestamp: 1700000000\r\n"));
	assert_null(strstr(buf_cstr(&request), SECRET));
	buf_reset(&request);
	c.auth = CONF_AUTH_BEARER;
	ask(&c, ERR_NONE, ANSWER_ISSUE, NULL);
	hook_last(h, &request);
	assert_non_null(strstr(buf_cstr(&request),
	    "\r\nAuthorization: Bearer " SECRET "\r\n"));
	buf_wipe(&request);
	buf_wipe(&text);
	hook_stop(h);
}

/* What a start refuses. */
static void
test_open(void **state)
{
	static char	 sound[] = "https://host.example/", far[] =
	    "http://host.example/", gone[] = "/nonexistent";
	static const struct {
		const char	*secret;
		unsigned	 mode;
		enum err_reason	 reason;
	} rows[] = {
		{ SECRET, 0600, ERR_NONE },
		{ SECRET "\nmore\n", 0640, ERR_NONE },
		{ SECRET, 0644, ERR_FILE_MODE },
		{ "", 0600, ERR_PASSPHRASE },
		{ "0123456789abcde", 0600, ERR_FILE },
		{ "0123456789 abcdef", 0600, ERR_FILE },
		{ "0123456789\tabcdef", 0600, ERR_FILE },
		{ "0123456789\xc3\xa4" "bcdef", 0600, ERR_FILE },
	};
	struct conf_validator	 c = webhook(sound, CONF_AUTH_HMAC);
	struct validator	*v;
	char			*argv[] = { gone, NULL };
	struct err		 e;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		(void)tool_file("secret", bytes_str(rows[i].secret),
		    rows[i].mode);
		if (rows[i].reason == ERR_NONE) {
			assert_int_equal(validator_open(&c, &v, &e), 0);
			validator_close(v);
			continue;
		}
		assert_int_equal(validator_open(&c, &v, &e), -1);
		assert_int_not_equal(e.reason, ERR_NONE);
		assert_null(strstr(err_text(&e), "0123"));
	}
	(void)tool_file("secret", LIT(SECRET), 0600);
	err_clear(&e);
	c.url = far;
	assert_int_equal(validator_open(&c, &v, &e), -1);
	assert_err(&e, ERR_ARGUMENT, "use https", "url");
	err_clear(&e);
	c.url = sound;
	c.ca_file = gone;
	assert_int_equal(validator_open(&c, &v, &e), -1);
	assert_err(&e, ERR_FILE, gone, "ca_file");
	err_clear(&e);
	c = (struct conf_validator){ .type = CONF_VALIDATOR_EXEC,
	    .command = { argv, 1 } };
	assert_int_equal(validator_open(&c, &v, &e), -1);
	assert_err(&e, ERR_FILE, "name a program", "command");
}

/* ---- doors ---- */

struct visitor {
	struct doors	*doors;
	int		 rc;
	struct err	 e;
};

static void *
visit(void *arg)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 };
	struct visitor		*v = arg;

	/* Whoever looks whether it waits is outside for a moment himself. */
	do {
		err_clear(&v->e);
		v->rc = doors_enter(v->doors, key, 30, &v->e);
	} while (v->rc == -1 && strstr(v->e.text, "copies wait") != NULL);
	if (v->rc == 0) {
		doors_asked(v->doors);
		doors_leave(v->doors, key);
	}
	return NULL;
}

static void
test_doors(void **state)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 }, other[DOOR_KEY] = { 2 };
	struct visitor		 v = { .rc = -2 };
	struct err		 e = ERR_INIT;
	pthread_t		 t;

	(void)state;
	assert_int_equal(doors_new(8, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(doors_enter(v.doors, other, 30, &e), 0);
	doors_leave(v.doors, other);
	assert_int_equal(doors_enter(v.doors, key, 0, &e), -1);
	assert_err(&e, ERR_BUSY, "the same request", "worked on");
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	doors_leave(v.doors, key);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, 0);
	err_clear(&e);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	doors_stop(v.doors);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, -1);
	assert_int_equal(v.e.reason, ERR_BUSY);
	doors_leave(v.doors, key);
	doors_free(v.doors);
}

/* Half of the workers wait, also outside; whoever has asked waits no more. */
static void
test_doors_room(void **state)
{
	static const struct { size_t workers, room; } rows[] = {
		{ 1, 1 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 9, 4 }, { 32, 16 }
	};
	uint8_t			 key[DOOR_KEY] = { 0 };
	struct doors		*d;
	struct err		 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err_clear(&e);
		assert_int_equal(doors_new(rows[i].workers, &d, &e), 0);
		for (key[0] = 0; key[0] < rows[i].room; key[0]++)
			assert_int_equal(doors_enter(d, key, 30, &e), 0);
		assert_int_equal(doors_enter(d, key, 30, &e), -1);
		assert_err(&e, ERR_BUSY, "wait for validators", "requests");
		err_clear(&e);
		doors_asked(d);
		assert_int_equal(doors_enter(d, key, 30, &e), 0);
		for (key[0] = 0; key[0] <= rows[i].room; key[0]++)
			doors_leave(d, key);
		doors_free(d);
	}
}

static bool
is_outside(struct doors *d, const uint8_t key[DOOR_KEY])
{
	struct err	 e = ERR_INIT;

	assert_int_equal(doors_enter(d, key, 0, &e), -1);
	return strstr(e.text, "copies wait") != NULL;
}

/* Less than half of the room is for copies; the rest is for other requests. */
static void
test_doors_copies(void **state)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 };
	uint8_t			 other[DOOR_KEY] = { 2 };
	struct visitor		 v = { .rc = -2 };
	struct err		 e = ERR_INIT;
	pthread_t		 t;

	(void)state;
	assert_int_equal(doors_new(4, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_true(is_outside(v.doors, key));
	doors_leave(v.doors, key);
	doors_free(v.doors);

	assert_int_equal(doors_new(8, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	while (!is_outside(v.doors, key))
		continue;
	for (; other[0] < 4; other[0]++)
		assert_int_equal(doors_enter(v.doors, other, 30, &e), 0);
	doors_leave(v.doors, key);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, 0);
	for (other[0] = 2; other[0] < 4; other[0]++)
		doors_leave(v.doors, other);
	doors_free(v.doors);
}

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	return fetch_begin(&e);
}

static int
teardown(void **state)
{
	(void)state;
	fetch_end();
	tool_clean();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_other_sans),
		cmocka_unit_test(test_other_sid),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_stop),
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_doors_room),
		cmocka_unit_test(test_doors_copies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
