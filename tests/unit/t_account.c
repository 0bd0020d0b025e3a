/*
 * service: who an administrator is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/secret.h"
#include "service/service_int.h"
#include "util/str.h"

/* a: a password; b: a token, at one endpoint; c: a certificate */
static char			 hash_a[SECRET_HASH_MAX], hash_b[SECRET_HASH_MAX];
static char			 name_a[] = "a", name_b[] = "b", name_c[] = "c",
    e_one[] = "one", metrics[] = "metrics", ndes[] = "ndes",
    subject_c[] = "CN=x,O=y", prof_p[] = "p", prof_q[] = "q", none[] = "";
static char			*rights_a[] = { metrics, ndes, NULL },
    *rights_b[] = { ndes, NULL }, *only_one[] = { e_one, NULL },
    *only_q[] = { prof_q, NULL };
static struct conf_account	 accounts[3];
static struct conf		 conf;
static struct site		 site;
static struct service		 svc;

static int
setup(void **state)
{
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	if (secret_hash(bytes_str("pass:a"), hash_a, &e) == -1 ||
	    secret_hash(bytes_str("pass-b"), hash_b, &e) == -1)
		return -1;
	accounts[0] = (struct conf_account){ .name = name_a, .hash = hash_a,
	    .certificate = none, .rights = { rights_a, 2 } };
	accounts[1] = (struct conf_account){ .name = name_b, .hash = hash_b,
	    .auth = CONF_ACCOUNT_BEARER, .certificate = none,
	    .rights = { rights_b, 1 }, .endpoints = { only_one, 1 },
	    .profiles = { only_q, 1 } };
	accounts[2] = (struct conf_account){ .name = name_c, .hash = none,
	    .auth = CONF_ACCOUNT_CERTIFICATE, .certificate = subject_c };
	conf = (struct conf){ .accounts = accounts, .n_accounts = 3 };
	site.conf = &conf;
	return proven_new(&svc.admins, &e) | tries_new(&svc.tries, &e);
}

static int
teardown(void **state)
{
	(void)state;
	proven_free(svc.admins);
	tries_free(svc.tries);
	return 0;
}

/* With the field Authorization, from an address, by a client certificate. */
static int
find(const char *field, const char *peer, const char *client,
    const struct conf_account **out, struct err *e)
{
	struct exchange	 x = { .site = &site };
	int		 rc;

	*e = (struct err){ .reason = ERR_NONE };
	(void)snprintf(x.peer, sizeof(x.peer), "%s", peer);
	(void)snprintf(x.client, sizeof(x.client), "%s", client);
	buf_init(&x.authorization, 4096);
	assert_int_equal(buf_puts(&x.authorization, field), 0);
	rc = account_find(&svc, &x, out, e);
	buf_wipe(&x.authorization);
	return rc;
}

static const char *
basic(const char *text)
{
	static char	 field[256];
	struct buf	 b = BUF_INIT(200);

	assert_int_equal(str_base64(bytes_str(text), &b), 0);
	(void)snprintf(field, sizeof(field), "Basic %s", buf_cstr(&b));
	buf_wipe(&b);
	return field;
}

static void
test_known(void **state)
{
	const struct {
		const char	*field, *client;
		int		 which;
	} rows[] = {
		{ "BASIC YTpwYXNzOmE=", "", 0 },
		{ "Basic   YTpwYXNzOmE=", "", 0 },
		{ "Bearer pass-b", "", 1 },
		{ "bearer   pass-b", "", 1 },
		{ "", "CN=x,O=y", 2 },
		/* That of no account does not count. */
		{ "Bearer pass-b", "CN=x", 1 },
	};
	const struct conf_account	*w;
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (find(rows[i].field, "known", rows[i].client, &w, &e) != 0)
			fail_msg("row %zu: %s", i, err_text(&e));
		assert_ptr_equal(w, &accounts[rows[i].which]);
	}
}

/* Each has its one way, and no other one's. */
static void
test_other_way(void **state)
{
	static const struct {
		const char	*field, *client;
	} rows[] = {
		{ "Bearer pass:a", "" },		/* a password */
		{ "Basic YjpwYXNzLWI=", "" },		/* a token */
		{ "Basic YzpwYXNzOmE=", "" },		/* of a certificate */
		{ "Basic Yzo=", "" },
		{ "", "CN=x" }, { "", "CN=x,O=y,C=z" }, { "", "cn=x,O=y" },
		{ "", "?" }, { "", "a" }, { "", "c" },
		{ "Bearer pass:a", "CN=x" },
		/* An account's certificate, and what is not its own. */
		{ "Bearer wrong", "CN=x,O=y" }, { "Bearer pass-b", "CN=x,O=y" },
		{ "BASIC YTpwYXNzOmE=", "CN=x,O=y" }, { "x", "CN=x,O=y" },
	};
	const struct conf_account	*w;
	char				 peer[16];
	struct err			 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(peer, sizeof(peer), "o%zu", i);
		if (find(rows[i].field, peer, rows[i].client, &w, &e) != -1)
			fail_msg("row %zu is taken", i);
		assert_int_equal(e.reason, ERR_UNAUTHORIZED);
	}
}

static void
test_rights(void **state)
{
	static char			 one[] = "one";
	const struct conf_endpoint	 ep = { .name = one,
	    .profile = prof_p };
	const struct conf_account	*a = &accounts[0], *b = &accounts[1];

	(void)state;
	assert_true(account_may(a, RIGHT_METRICS));
	assert_true(account_may(a, RIGHT_NDES));
	assert_false(account_may(a, RIGHT_CHALLENGE));
	assert_false(account_may(b, RIGHT_METRICS));
	for (int r = RIGHT_METRICS; r <= RIGHT_NDES; r++)
		assert_false(account_may(&accounts[2], (enum right)r));
	assert_true(account_may_for(a, "two"));
	assert_true(account_may_for(b, "one"));
	assert_false(account_may_for(b, "two"));
	assert_true(account_may_name(a, &ep, ""));
	assert_true(account_may_name(a, &ep, "p"));
	assert_false(account_may_name(a, &ep, "q"));
	assert_true(account_may_name(b, &ep, "p"));
	assert_true(account_may_name(b, &ep, "q"));
	assert_false(account_may_name(b, &ep, "r"));
	assert_false(account_may_name(b, &ep, "Q"));
}

static void
assert_unknown(const char *field, const char *peer)
{
	const struct conf_account	*w;
	struct err	 e;

	if (find(field, peer, "", &w, &e) != -1)
		fail_msg("%s is taken", field);
	if (e.reason != ERR_UNAUTHORIZED)
		fail_msg("%s: %s", field, err_text(&e));
	assert_null(strstr(e.text, "pass"  "-b"));
}

static void
test_unknown(void **state)
{
	static const char *const	 fields[] = {
		"", "Bearer", "Bearer ", "Bearer", "Basic", "Basic ", "Basic !",
		"Bearerpass-b", "pass-b", "Negotiate pass-b", "Basic YWI=",
		"Basic YTpwYXNzOmE", "Basic YTpwYXNzOmE= ", "Basic AAAA",
		"Digest username=\"b\"",
	};
	char				 peer[16];
	size_t				 i;

	(void)state;
	/* No two from one address: their number is another test's. */
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		(void)snprintf(peer, sizeof(peer), "u%zu", i);
		assert_unknown(fields[i], peer);
	}
	assert_unknown(basic("a:pass-b"), "v1");	/* another's */
	assert_unknown(basic("c:pass:a"), "v2");	/* nobody's name */
	assert_unknown(basic(":pass:a"), "v3");
	assert_unknown(basic("a:"), "v4");
	assert_unknown(basic("a:pass"), "v5");
	assert_unknown("Bearer a:pass:a", "v6");
	conf.n_accounts = 0;
	assert_unknown("Bearer pass-b", "v7");
	assert_unknown(basic("a:pass:a"), "v8");
	conf.n_accounts = 3;
}

static void
test_tries(void **state)
{
	char		 guess[32];
	const struct conf_account	*w;
	struct err	 e;
	int		 i;

	(void)state;
	assert_int_equal(find("Bearer pass-b", "guesser", "", &w, &e), 0);
	for (i = 0; i < 10; i++) {
		(void)snprintf(guess, sizeof(guess), "Bearer g%d", i);
		assert_unknown(guess, "guesser");
	}
	assert_int_equal(find("Bearer g99", "guesser", "", &w, &e), -1);
	assert_int_equal(e.reason, ERR_TRIES);
	/* What was proven goes on; others are not concerned. */
	assert_int_equal(find("Bearer pass-b", "guesser", "", &w, &e), 0);
	assert_unknown("Bearer g99", "another");
	/* What nobody has proven is not looked at. */
	assert_int_equal(secret_hash(bytes_str("new"), hash_b, &e), 0);
	assert_int_equal(find("Bearer new", "guesser", "", &w, &e), -1);
	assert_int_equal(e.reason, ERR_TRIES);
	assert_int_equal(find("Bearer new", "another", "", &w, &e), 0);
}

/* Many behind one address, or the socket: who guesses at one account stops
 * nobody who has another. */
static void
test_others(void **state)
{
	static const char	 token[] = "Bearer 0123456789ABCDEF0123456789"
	    "ABCDEF";
	const struct conf_account	*w;
	char			 guess[64];
	struct err		 e;
	int			 i;

	(void)state;
	proven_free(svc.admins);
	assert_int_equal(proven_new(&svc.admins, &e), 0);
	assert_int_equal(secret_hash(bytes_str(token + 7), hash_b, &e), 0);
	for (i = 0; i < 10; i++) {
		(void)snprintf(guess, sizeof(guess), "nobody:g%d", i);
		assert_int_equal(find(basic(guess), "unix", "", &w, &e), -1);
		(void)snprintf(guess, sizeof(guess), "Bearer t%d", i);
		assert_int_equal(find(guess, "unix", "", &w, &e), -1);
	}
	assert_int_equal(e.reason, ERR_TRIES);
	assert_int_equal(find(basic("nobody:x"), "unix", "", &w, &e), -1);
	assert_int_equal(e.reason, ERR_TRIES);
	/* None of them was proven before. */
	assert_int_equal(find(basic("a:pass:a"), "unix", "", &w, &e), 0);
	assert_int_equal(find(token, "unix", "", &w, &e), 0);
	for (i = 0; i < 10; i++) {
		(void)snprintf(guess, sizeof(guess), "a:g%d", i);
		assert_unknown(basic(guess), "unix");
	}
	assert_int_equal(find(basic("a:g10"), "unix", "", &w, &e), -1);
	assert_int_equal(e.reason, ERR_TRIES);
	assert_unknown(basic("a:g10"), "other");
}

/* One after the other they make room; time forgets them. */
static void
test_tries_kept(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct tries	*t;
	char		 who[16];
	int		 i;

	(void)state;
	assert_int_equal(tries_new(&t, &e), 0);
	for (i = 0; i < 10; i++) {
		assert_int_equal(tries_check(t, "w", 100 + i, &e), 0);
		tries_add(t, "w", 100 + i);
	}
	assert_int_equal(tries_check(t, "w", 159, &e), -1);
	err_clear(&e);
	assert_int_equal(tries_check(t, "w", 160, &e), 0);
	assert_int_equal(tries_check(t, "w", 99, &e), 0);
	assert_int_equal(tries_check(t, "v", 159, &e), 0);
	for (i = 0; i < 255; i++) {
		(void)snprintf(who, sizeof(who), "%d", i);
		tries_add(t, who, 150);
	}
	assert_int_equal(tries_check(t, "w", 159, &e), -1);
	tries_add(t, "last", 150);
	err_clear(&e);
	assert_int_equal(tries_check(t, "w", 159, &e), 0);
	tries_free(t);
	tries_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_other_way),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tries),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_tries_kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
