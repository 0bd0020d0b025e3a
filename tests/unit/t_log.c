#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/log.h"
#include "util/str.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static int	 saved_stderr = -1;
static int	 capture = -1;
static char	 got[1024 * 1024];

/* Sends standard error to an unnamed file that poses as the journal. */
static int
capture_begin(void **state)
{
	const char	*folder = getenv("TMPDIR");
	char		 id[64], path[1024];
	struct stat	 st;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/t_log.XXXXXX",
	    folder == NULL ? "/tmp" : folder);
	capture = mkostemp(path, O_APPEND | O_CLOEXEC);
	(void)unlink(path);
	saved_stderr = dup(STDERR_FILENO);
	if (capture == -1 || saved_stderr == -1 || fstat(capture, &st) == -1)
		return -1;
	(void)snprintf(id, sizeof(id), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", id, 1);
	dup2(capture, STDERR_FILENO);
	log_setup(LOG_L_INFO, 0);
	return 0;
}

static int
capture_end(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture);
	return 0;
}

/* What was logged since the last call. */
static const char *
captured(void)
{
	ssize_t	 n;

	n = pread(capture, got, sizeof(got) - 1, 0);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_int_equal(ftruncate(capture, 0), 0);
	return got;
}

static void
test_fields(void **state)
{
	struct log_line	 l;
	struct err	 e = { 0 };

	(void)state;
	log_begin(&l, LOG_L_NOTICE, "issued");
	log_str(&l, "txid", "abc");
	log_str(&l, "peer", NULL);
	log_int(&l, "us", -12);
	log_hex(&l, "serial", bytes_make("\x01\xff", 2));
	log_hex(&l, "none", bytes_str(NULL));
	log_end(&l);
	assert_string_equal(captured(),
	    "<5>event=issued txid=abc us=-12 serial=01ff none=\"\"\n");

	err_set(&e, ERR_CSR_KEY, "RSA of %d bits", 512);
	log_begin(&l, LOG_L_WARN, "refused");
	log_err(&l, &e);
	log_end(&l);
	assert_string_equal(captured(), "<4>event=refused reason=csr_key "
	    "detail=\"RSA of 512 bits\"\n");

	err_clear(&e);
	err_set(&e, ERR_MEMORY, "%s", "");
	log_begin(&l, LOG_L_ERR, "failed");
	log_err(&l, &e);
	log_end(&l);
	assert_string_equal(captured(), "<3>event=failed reason=memory\n");

	log_msg(LOG_L_CRIT, "start", "a=%d", 1);
	assert_string_equal(captured(), "<2>event=start msg=\"a=1\"\n");
}

static void
test_escapes(void **state)
{
	static const struct {
		const char	*in;
		const char	*want;
	} rows[] = {
		{ "",			"\"\"" },
		{ "plain/-.:,'",	"plain/-.:,'" },
		{ "two words",		"\"two words\"" },
		{ "a=b",		"\"a=b\"" },
		{ "say \"x\"",		"\"say \\\"x\\\"\"" },
		{ "A\\b",		"\"A\\\\b\"" },
		{ "a\nevent=x",		"\"a\\x0aevent=x\"" },
		{ "\t\r\x1b[1m\x7f",	"\"\\x09\\x0d\\x1b[1m\\x7f\"" },
		{ "Z\xc3\xbcrich",	"Z\xc3\xbcrich" },
		{ "\xf0\x9f\x98\x80",	"\xf0\x9f\x98\x80" },
		{ "Z\xfcrich",		"\"Z\\xfcrich\"" },
		{ "\xc0\xaf",		"\"\\xc0\\xaf\"" },
		{ "\xed\xa0\x80",	"\"\\xed\\xa0\\x80\"" },
		{ "\xe2\x82",		"\"\\xe2\\x82\"" },
		{ "\xc2\x9b",		"\"\\xc2\\x9b\"" },
		{ "\xd8\x9c",		"\"\\xd8\\x9c\"" },
		{ "\xe2\x80\x8e",	"\"\\xe2\\x80\\x8e\"" },
		{ "\xe2\x80\x8f",	"\"\\xe2\\x80\\x8f\"" },
		{ "\xe2\x80\xa8",	"\"\\xe2\\x80\\xa8\"" },
		{ "\xe2\x80\xa9",	"\"\\xe2\\x80\\xa9\"" },
		{ "\xe2\x80\xaa",	"\"\\xe2\\x80\\xaa\"" },
		{ "\xe2\x80\xae",	"\"\\xe2\\x80\\xae\"" },
		{ "\xe2\x81\xa6",	"\"\\xe2\\x81\\xa6\"" },
		{ "\xe2\x81\xa9",	"\"\\xe2\\x81\\xa9\"" },
		{ "\xe2\x80\x93",	"\xe2\x80\x93" },
	};
	struct log_line	 l;
	char		 want[128];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		log_begin(&l, LOG_L_INFO, "e");
		log_str(&l, "k", rows[i].in);
		log_end(&l);
		(void)snprintf(want, sizeof(want), "<6>event=e k=%s\n",
		    rows[i].want);
		assert_string_equal(captured(), want);
	}
	log_begin(&l, LOG_L_INFO, "e");
	log_bytes(&l, "k", bytes_make("a\0b", 3));
	log_end(&l);
	assert_string_equal(captured(), "<6>event=e k=\"a\\x00b\"\n");
}

static void
test_long_value(void **state)
{
	struct log_line	 l;
	char		 in[LOG_VALUE_MAX + 2], want[LOG_VALUE_MAX + 32];

	(void)state;
	memset(in, 'x', sizeof(in));
	in[LOG_VALUE_MAX] = '\0';
	for (int extra = 0; extra < 2; extra++) {
		in[LOG_VALUE_MAX] = extra ? 'x' : '\0';
		in[LOG_VALUE_MAX + 1] = '\0';
		(void)snprintf(want, sizeof(want), "<6>event=e k=%.*s%s\n",
		    LOG_VALUE_MAX, in, extra ? "..." : "");
		log_begin(&l, LOG_L_INFO, "e");
		log_str(&l, "k", in);
		log_end(&l);
		assert_string_equal(captured(), want);
	}
	/* The limit counts what is written; no escape is cut. */
	memset(in, '\n', sizeof(in));
	in[0] = 'x';
	log_begin(&l, LOG_L_INFO, "e");
	log_bytes(&l, "k", bytes_make(in, sizeof(in)));
	log_end(&l);
	assert_int_equal(strlen(captured()),
	    strlen("<6>event=e k=\"\"\n") + 1 + 127 * 4 + 3);
	assert_non_null(strstr(got, "\\x0a...\"\n"));
	/* Hex too. */
	for (size_t n = LOG_VALUE_MAX / 2; n < LOG_VALUE_MAX / 2 + 2; n++) {
		log_begin(&l, LOG_L_INFO, "e");
		log_hex(&l, "k", bytes_make(in, n));
		log_end(&l);
		assert_int_equal(strstr(captured(), "0a...\n") != NULL,
		    n > LOG_VALUE_MAX / 2);
	}
}

static void
test_long_line(void **state)
{
	struct log_line	 l;
	char		 in[LOG_VALUE_MAX];

	(void)state;
	memset(in, 'x', sizeof(in));
	log_begin(&l, LOG_L_INFO, "e");
	for (int i = 0; i < 20; i++)
		log_bytes(&l, "k", bytes_make(in, sizeof(in)));
	/* One that still fits is still told. */
	log_int(&l, "last", 1);
	log_end(&l);
	assert_true(strlen(captured()) <= LOG_LINE_MAX);
	assert_true(strlen(got) > LOG_LINE_MAX - sizeof(in) - 64);
	assert_non_null(strstr(got, "x last=1 truncated=1\n"));
	assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1);
	log_msg(LOG_L_INFO, "e", "%.*s%.*s%.*s", LOG_VALUE_MAX, in,
	    LOG_VALUE_MAX, in, LOG_VALUE_MAX, in);
	assert_non_null(strstr(captured(), "x...\n"));
}

static void
test_level(void **state)
{
	struct log_line	 l;

	(void)state;
	log_msg(LOG_L_DEBUG, "e", "hidden");
	log_begin(&l, LOG_L_DEBUG, "e");
	assert_true(l.off);
	log_str(&l, "k", "v");
	log_int(&l, "k", 1);
	log_hex(&l, "k", bytes_str("v"));
	log_end(&l);
	assert_string_equal(captured(), "");
	log_setup(LOG_L_WARN, 0);
	log_msg(LOG_L_NOTICE, "e", "hidden");
	log_msg(LOG_L_WARN, "e", "shown");
	assert_string_equal(captured(), "<4>event=e msg=shown\n");
	log_setup(LOG_L_DEBUG, 0);
	log_msg(LOG_L_DEBUG, "e", "shown");
	assert_string_equal(captured(), "<7>event=e msg=shown\n");
	log_setup(LOG_L_INFO, 0);
}

/* "2026-01-31T23:59:59Z info event=…" */
static void
test_without_journal(void **state)
{
	static const char	 shape[] = "dddd-dd-ddTdd:dd:ddZ ";
	char			*id = strdup(getenv("JOURNAL_STREAM"));

	(void)state;
	assert_non_null(id);
	/* Inherited from a session whose journal is another stream. */
	setenv("JOURNAL_STREAM", "9:12345", 1);
	log_setup(LOG_L_INFO, 0);
	log_msg(LOG_L_WARN, "e", "x");
	captured();
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == 'd')
			assert_in_range(got[i], '0', '9');
		else
			assert_int_equal(got[i], shape[i]);
	}
	assert_string_equal(got + strlen(shape), "warn event=e msg=x\n");
	unsetenv("JOURNAL_STREAM");
	log_setup(LOG_L_INFO, 0);
	log_msg(LOG_L_INFO, "e", "x");
	assert_string_equal(captured() + strlen(shape),
	    "info event=e msg=x\n");
	setenv("JOURNAL_STREAM", id, 1);
	free(id);
	log_setup(LOG_L_INFO, 0);
}

/* Counts lines and adds up what they say was suppressed. */
static int
count_lines(int *suppressed)
{
	static const char	 key[] = " suppressed=";
	const char		*s;
	int			 lines = 0;

	*suppressed = 0;
	for (s = captured(); (s = strchr(s, '\n')) != NULL; s++)
		lines++;
	for (s = got; (s = strstr(s, key)) != NULL; s += strlen(key))
		*suppressed += atoi(s + strlen(key));
	return lines;
}

static void
test_rate(void **state)
{
	struct log_line	 l;
	int		 lines, suppressed;

	(void)state;
	log_setup(LOG_L_INFO, 3);
	for (int i = 0; i < 1000; i++) {
		log_begin_limited(&l, LOG_L_INFO, "stranger");
		log_end(&l);
		/* A hidden line takes nothing from the allowance. */
		log_begin_limited(&l, LOG_L_DEBUG, "stranger");
		log_end(&l);
	}
	log_msg(LOG_L_INFO, "own", "never limited");
	log_msg(LOG_L_INFO, "own", "told once");
	lines = count_lines(&suppressed);
	/* The clock may have passed into other seconds. */
	assert_true(lines >= 3 + 2);
	assert_true(suppressed > 0);
	assert_int_equal(lines - 2 + suppressed, 1000);
	assert_non_null(strstr(got, "msg=\"told once\"\n"));

	log_setup(LOG_L_INFO, 0);
	for (int i = 0; i < 1000; i++) {
		log_begin_limited(&l, LOG_L_INFO, "stranger");
		log_end(&l);
	}
	assert_int_equal(count_lines(&suppressed), 1000);
	assert_int_equal(suppressed, 0);
}

static void *
log_much(void *arg)
{
	struct log_line	 l;

	for (int i = 0; i < 500; i++) {
		log_begin_limited(&l, LOG_L_INFO, "thread");
		log_str(&l, "name", arg);
		log_str(&l, "end", "here");
		log_end(&l);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	static char	 names[][8] = { "aaaaaaa", "bbbbbbb", "ccccccc",
	    "ddddddd" };
	pthread_t	 threads[N(names)];
	int		 lines, suppressed;

	(void)state;
	log_setup(LOG_L_INFO, 100);
	for (size_t i = 0; i < N(names); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_much,
		    names[i]), 0);
	for (size_t i = 0; i < N(names); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	log_msg(LOG_L_INFO, "last", "x");
	lines = count_lines(&suppressed);
	assert_int_equal(lines - 1 + suppressed, N(names) * 500);
	for (char *s = got, *end; *s != '\0'; s = end + 1) {
		end = strchr(s, '\n');
		assert_non_null(end);
		*end = '\0';
		if (strncmp(s, "<6>event=last", 13) == 0)
			continue;
		assert_int_equal(strncmp(s, "<6>event=thread name=", 21), 0);
		for (int i = 1; i < 7; i++)
			assert_int_equal(s[21 + i], s[21]);
		assert_int_equal(strncmp(s + 28, " end=here", 9), 0);
	}
	log_setup(LOG_L_INFO, 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_long_value),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_without_journal),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, capture_begin, capture_end);
}
