/*
 * The CA that follows: what makes a folder one, and what does not.
 */
#include "pki_tool.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "issuer/issuer.h"

#define FROM	"2027-02-03T04:05:06Z"
#define WHEN	INT64_C(1801627506)

static struct who	 root, now, next, same, leaf, late;

static int
setup(void **state)
{
	(void)state;
	who_make(&root, &(struct order){ .name = "root", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&now, &(struct order){ .name = "issuing", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&next, &(struct order){ .name = "issuing G2",
	    .spec = "ec:p256", .ca = true, .ku = KU_CA, .issuer = &root });
	/* Names are compared as RFC 5280 says. */
	who_make(&same, &(struct order){ .name = "ISSUING",
	    .spec = "ec:p256", .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&leaf, &(struct order){ .name = "leaf", .spec = "ec:p256" });
	who_make(&late, &(struct order){ .name = "late", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .from = NOW + DAY });
	tool_cert_file("now.pem", now.cert);
	tool_key_file("now.key", now.key);
	return 0;
}

static const char *const names[] = {
	"next/issuing.pem", "next/issuing.key", "next/chain.pem", "next/from"
};

static void
empty_folder(void)
{
	for (size_t i = 0; i < N(names); i++)
		(void)unlink(tool_path(names[i]));
}

static int
teardown(void **state)
{
	(void)state;
	empty_folder();
	(void)rmdir(tool_path("next"));
	who_free(&root);
	who_free(&now);
	who_free(&next);
	who_free(&same);
	who_free(&leaf);
	who_free(&late);
	tool_clean();
	return 0;
}

/* What lies in the folder; NULL: no such file. */
struct folder {
	const struct who	*cert, *key, *chain;
	const char		*from;
	int			 type;		/* of the issuer */
};

static void
fill(const struct folder *f)
{
	empty_folder();
	if (mkdir(tool_path("next"), 0755) != 0)
		assert_int_equal(errno, EEXIST);
	if (f->cert != NULL)
		tool_cert_file(names[0], f->cert->cert);
	if (f->key != NULL)
		tool_key_file(names[1], f->key->key);
	if (f->chain != NULL)
		tool_cert_file(names[2], f->chain->cert);
	if (f->from != NULL)
		tool_file(names[3], bytes_str(f->from), 0644);
}

static int
open_next(int type, const char *dir, struct issuer **out, int64_t *from,
    struct err *e)
{
	char			 sh[] = "/bin/true", *argv[] = { sh, NULL };
	char			 none[] = "";
	struct conf_issuer	 c = {
		.type = type, .chain = none, .key_passphrase = none,
		.command = { argv, 1 }
	};
	int			 rc;

	c.cert = strdup(tool_path("now.pem"));
	c.key = strdup(tool_path("now.key"));
	c.next = strdup(dir);
	rc = issuer_open_next(&c, NOW, out, from, e);
	free(c.cert);
	free(c.key);
	free(c.next);
	return rc;
}

static void
test_none(void **state)
{
	static const char *const dirs[] = { NULL, "nowhere", "next" };
	struct err	 e = ERR_INIT;

	(void)state;
	fill(&(struct folder){ .cert = NULL });
	for (size_t i = 0; i < N(dirs); i++) {
		struct issuer	*is = (struct issuer *)(uintptr_t)&root;
		int64_t		 from = 77;

		assert_int_equal(open_next(CONF_ISSUER_LOCAL, dirs[i] == NULL ?
		    "" : tool_path(dirs[i]), &is, &from, &e), 0);
		assert_null(is);
		assert_int_equal(from, 0);
	}
}

static void
test_there(void **state)
{
	const struct {
		struct folder	 f;
		size_t		 n_upper;
		int64_t		 from;
	} rows[] = {
		{ { &next, &next, &root, NULL, CONF_ISSUER_LOCAL }, 1, 0 },
		{ { &next, &next, NULL, NULL, CONF_ISSUER_LOCAL }, 0, 0 },
		{ { &next, &next, &root, FROM "\n", CONF_ISSUER_LOCAL }, 1,
		    WHEN },
		{ { &next, &next, &root, FROM, CONF_ISSUER_LOCAL }, 1, WHEN },
		{ { &next, NULL, &root, FROM, CONF_ISSUER_EXEC }, 1, WHEN },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct issuer	*is = NULL;
		struct err	 e = ERR_INIT;
		int64_t		 from = 77;

		fill(&rows[i].f);
		if (open_next(rows[i].f.type, tool_path("next"), &is, &from,
		    &e) != 0)
			fail_msg("row %zu: %s", i, err_text(&e));
		assert_true(bytes_eq(issuer_ca(is)->der, next.cert->der));
		assert_int_equal(issuer_upper(is)->n, rows[i].n_upper);
		assert_int_equal(from, rows[i].from);
		if (rows[i].f.type == CONF_ISSUER_LOCAL)
			assert_true(key_matches(issuer_key(is), next.cert));
		else
			assert_null(issuer_key(is));
		issuer_close(is);
	}
}

static void
test_refused(void **state)
{
	const struct {
		struct folder	 f;
		enum err_reason	 want;
		const char	*text;
	} rows[] = {
		/* half of one */
		{ { NULL, &next, NULL, NULL, 0 }, ERR_FILE,
		    "next/issuing.pem is missing" },
		{ { NULL, NULL, &root, NULL, 0 }, ERR_FILE,
		    "next/issuing.pem is missing" },
		{ { NULL, NULL, NULL, FROM, 0 }, ERR_FILE,
		    "next/issuing.pem is missing" },
		{ { &next, NULL, &root, NULL, 0 }, ERR_FILE,
		    "next/issuing.key is missing" },
		/* none that could take over */
		{ { &next, &now, &root, NULL, 0 }, ERR_KEY_FILE,
		    "next/issuing.key: is not the key of" },
		{ { &next, &next, &leaf, NULL, 0 }, ERR_CERT_FILE,
		    "next/chain.pem" },
		{ { &leaf, &leaf, NULL, NULL, 0 }, ERR_CERT_FILE,
		    "next/issuing.pem: CN=leaf is not a CA" },
		{ { &late, &late, NULL, NULL, 0 }, ERR_CERT_FILE,
		    "is not valid yet" },
		{ { &now, &now, &root, NULL, 0 }, ERR_CERT_FILE,
		    "next/issuing.pem has the name of the CA it follows" },
		{ { &same, &same, &root, NULL, 0 }, ERR_CERT_FILE,
		    "make it with another name" },
		{ { &same, NULL, &root, NULL, CONF_ISSUER_EXEC },
		    ERR_CERT_FILE, "remove the setting next" },
		/* a time that is none */
		{ { &next, &next, &root, "", 0 }, ERR_FILE, "next/from" },
		{ { &next, &next, &root, "soon\n", 0 }, ERR_FILE,
		    "next/from: is not one line" },
		{ { &next, &next, &root, FROM "\n\n", 0 }, ERR_FILE,
		    "next/from" },
		{ { &next, &next, &root, FROM "\nx", 0 }, ERR_FILE,
		    "next/from" },
		{ { &next, &next, &root, "1970-01-01T00:00:00Z\n", 0 },
		    ERR_FILE, "next/from" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct issuer	*was = (struct issuer *)(uintptr_t)&root;
		struct issuer	*is = was;
		struct err	 e = ERR_INIT;
		int64_t		 from = 77;

		fill(&rows[i].f);
		if (open_next(rows[i].f.type, tool_path("next"), &is, &from,
		    &e) != -1)
			fail_msg("accepted: row %zu", i);
		assert_err(&e, rows[i].want, rows[i].text, rows[i].text);
		assert_ptr_equal(is, was);
		assert_int_equal(from, 77);
	}
}

/* A path that cannot be looked into is not "no next CA". */
static void
test_unreadable(void **state)
{
	const char	*file = tool_file("plain", LIT("x"), 0644);
	struct issuer	*is = NULL;
	struct err	 e = ERR_INIT;
	int64_t		 from;

	(void)state;
	assert_int_equal(open_next(CONF_ISSUER_LOCAL, file, &is, &from, &e),
	    -1);
	assert_err(&e, ERR_FILE, "plain/issuing.pem", "a file");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
