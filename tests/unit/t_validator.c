/*
 * Validators: what a program or a server can do wrong.
 */
#include <signal.h>

#include "hook_fake.h"
#include "net/fetch.h"
#include "pki/secret.h"
#include "pki_tool.h"
#include "util/str.h"
#include "validator/validator.h"

#define SECRET	"0123456789abcdef0123456789abcdef"
#define HIDDEN	"hunter2-hunter2"

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
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_stop),
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
