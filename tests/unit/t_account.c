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

static char			 hash_a[SECRET_HASH_MAX], hash_b[SECRET_HASH_MAX];
static char			 name_a[] = "a", name_b[] = "b", e_one[] = "one",
    metrics[] = "metrics", ndes[] = "ndes";
static char			*rights_a[] = { metrics, ndes, NULL },
    *rights_b[] = { ndes, NULL }, *only_one[] = { e_one, NULL };
static struct conf_account	 accounts[2];
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
	    .rights = { rights_a, 2 } };
	accounts[1] = (struct conf_account){ .name = name_b, .hash = hash_b,
	    .rights = { rights_b, 1 }, .endpoints = { only_one, 1 } };
	conf = (struct conf){ .accounts = accounts, .n_accounts = 2 };
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
    struct administrator *out, struct err *e)
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
		const char	*field, *name;
	} rows[] = {
		{ "Bearer pass:a", "a" }, { "bearer   pass-b", "b" },
		{ "BASIC YTpwYXNzOmE=", "a" }, { "Basic YjpwYXNzLWI=", "b" },
	};
	struct administrator	 w;
	struct err	 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (find(rows[i].field, "known", "", &w, &e) != 0)
			fail_msg("%s: %s", rows[i].field, err_text(&e));
		assert_string_equal(w.name, rows[i].name);
		assert_ptr_equal(w.account, &accounts[i % 2]);
	}
	/* A certificate that was verified is enough, whatever else is sent. */
	assert_int_equal(find("Bearer wrong", "known", "CN=x", &w, &e), 0);
	assert_string_equal(w.name, "CN=x");
	assert_null(w.account);
}

static void
test_rights(void **state)
{
	const struct administrator	 a = { .account = &accounts[0] },
				 b = { .account = &accounts[1] },
				 cert = { .account = NULL };

	(void)state;
	assert_true(account_may(&a, RIGHT_METRICS));
	assert_true(account_may(&a, RIGHT_NDES));
	assert_false(account_may(&a, RIGHT_CHALLENGE));
	assert_false(account_may(&b, RIGHT_METRICS));
	assert_true(account_may_for(&a, "two"));
	assert_true(account_may_for(&b, "one"));
	assert_false(account_may_for(&b, "two"));
	for (int r = RIGHT_METRICS; r <= RIGHT_NDES; r++)
		assert_true(account_may(&cert, (enum right)r));
	assert_true(account_may_for(&cert, "two"));
}

static void
assert_unknown(const char *field, const char *peer)
{
	struct administrator	 w;
	struct err	 e;

	if (find(field, peer, "", &w, &e) != -1)
		fail_msg("%s is taken", field);
	if (e.reason != ERR_UNAUTHORIZED)
		fail_msg("%s: %s", field, err_text(&e));
	assert_null(w.account);
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
	conf.n_accounts = 2;
}

static void
test_tries(void **state)
{
	char		 guess[32];
	struct administrator	 w;
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
	assert_int_equal(secret_hash(bytes_str("new"), hash_a, &e), 0);
	assert_int_equal(find("Bearer new", "guesser", "", &w, &e), -1);
	assert_int_equal(e.reason, ERR_TRIES);
	assert_int_equal(find("Bearer new", "another", "", &w, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tries),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
