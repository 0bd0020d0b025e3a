#include "pki_tool.h"

static struct who	 ca;
static struct key	*key;

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	key = tool_key("ec:p256");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(key);
	return 0;
}

static char	 client[] = "clientAuth", client_oid[] = "1.3.6.1.5.5.7.3.2",
    server[] = "serverAuth", any[] = "2.5.29.37.0";
static char *const	 by_name[] = { client, NULL };
static char *const	 by_oid[] = { client_oid, NULL };
static char *const	 both[] = { client, server, NULL };
static char *const	 anything[] = { any, NULL };
static char *const	 none[] = { NULL };

#define NAME(s)	{ (const uint8_t *)(s), sizeof(s) - 1 }
static const struct bytes a_and_b[] = { NAME("\x82\x01" "a"),
    NAME("\x82\x01" "b") };
static const struct bytes capital[] = { NAME("\x82\x01" "A") };
static const struct bytes email[] = { NAME("\x81\x01" "a") };

static const struct {
	const char	*name;
	struct order	 made;		/* what the other CA put in */
	size_t		 n_sans;	/* of a_and_b in the plan */
	char *const	*eku;		/* of the plan */
	const char	*text;		/* NULL: within */
} rows[] = {
	{ "bare", { .ku = 0 }, 0, none, NULL },
	{ "bare, no list", { .ku = 0 }, 0, NULL, NULL },
	{ "as planned", { .ku = KU_RA, .eku = both, .sans = a_and_b,
	    .n_sans = 2 }, 2, both, NULL },
	{ "less", { .eku = by_name, .sans = a_and_b, .n_sans = 1 }, 2, both,
	    NULL },
	{ "last name", { .sans = a_and_b + 1, .n_sans = 1 }, 2, none, NULL },
	{ "the same usage", { .eku = by_oid }, 0, by_name, NULL },
	{ "the same, by OID", { .eku = by_name }, 0, by_oid, NULL },
	{ "a name too much", { .sans = a_and_b, .n_sans = 2 }, 1, none,
	    "subjectAltName dns:b was not granted" },
	{ "a name, none planned", { .sans = a_and_b, .n_sans = 1 }, 0, none,
	    "dns:a was not granted" },
	{ "other case", { .sans = capital, .n_sans = 1 }, 2, none,
	    "dns:A was not granted" },
	{ "other kind", { .sans = email, .n_sans = 1 }, 2, none,
	    "email:a was not granted" },
	{ "a usage too much", { .eku = both }, 0, by_name,
	    "extKeyUsage 1.3.6.1.5.5.7.3.1 is not in the profile" },
	{ "a usage, no list", { .eku = by_name }, 0, NULL, "extKeyUsage" },
	{ "any usage", { .eku = anything }, 0, both, "2.5.29.37.0" },
	{ "CA", { .ca = true, .ku = KU_RA }, 0, none, "is a CA certificate" },
	{ "signs certificates", { .ku = CERT_KU_KEY_CERT_SIGN }, 0, none,
	    "is a CA certificate" },
	{ "signs CRLs", { .ku = KU_RA | CERT_KU_CRL_SIGN }, 0, none,
	    "is a CA certificate" },
};

static void
test_within(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert_plan plan = { .sans = a_and_b,
		    .n_sans = rows[i].n_sans, .eku = rows[i].eku };
		struct order	 o = rows[i].made;
		struct err	 e = ERR_INIT;
		struct cert	*c;

		o.name = "x";
		o.key = key;
		o.issuer = &ca;
		c = tool_cert(&o);
		if (cert_within(c, &plan, &e) != (rows[i].text == NULL ? 0 :
		    -1))
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		if (rows[i].text != NULL)
			assert_err(&e, ERR_CERT_FILE, rows[i].text,
			    rows[i].name);
		cert_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
