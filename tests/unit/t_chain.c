#include "pki_tool.h"

#include "pki/chain.h"

/* root - middle - issuing - leaf, and strangers. */
static struct who	 root, middle, issuing, leaf, other;
static struct who	 twin;	/* root's name, another key */

static int
setup(void **state)
{
	struct order	 o = { .spec = "ec:p256", .ca = true, .ku = KU_CA };

	(void)state;
	o.name = "root";
	who_make(&root, &o);
	who_make(&twin, &o);
	o.name = "other";
	who_make(&other, &o);
	o.name = "middle";
	o.issuer = &root;
	who_make(&middle, &o);
	o.name = "issuing";
	o.issuer = &middle;
	who_make(&issuing, &o);
	who_make(&leaf, &(struct order){ .name = "leaf", .spec = "ec:p256",
	    .issuer = &issuing, .ku = KU_RA });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&root);
	who_free(&twin);
	who_free(&other);
	who_free(&middle);
	who_free(&issuing);
	who_free(&leaf);
	return 0;
}

static void
test_verifies(void **state)
{
	struct cert		*both[] = { middle.cert, root.cert };
	const struct certs	 none = { .n = 0 }, full = { both, 2 };
	const struct certs	 one = { both, 1 };
	struct err		 e = ERR_INIT;

	(void)state;
	if (chain_verify(leaf.cert, issuing.cert, &full, NOW, &e) != 0 ||
	    chain_verify(leaf.cert, issuing.cert, &none, NOW, &e) != 0 ||
	    chain_verify(leaf.cert, issuing.cert, &one, NOW, &e) != 0 ||
	    chain_verify(issuing.cert, middle.cert, &one, NOW, &e) != 0)
		fail_msg("%s", err_text(&e));
	/* Both ends of the validity are in it. */
	assert_int_equal(chain_verify(leaf.cert, issuing.cert, &full,
	    NOW - DAY, &e), 0);
	assert_int_equal(chain_verify(leaf.cert, issuing.cert, &full,
	    NOW + 365 * DAY - 1, &e), 0);
}

/* One with an extension that says that who does not know it must refuse. */
static struct cert *
critical(const struct who *w, bool is_ca, const struct who *by)
{
	static const struct cert_extra	 extra = { "1.2.3.4", true,
	    { (const uint8_t *)"\x05\x00", 2 } };
	static const uint8_t		 serial[] = { 0x40 };
	const struct cert_plan		 plan = {
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = w->cert->subject, .spki = key_spki(w->key),
		.not_before = NOW - DAY, .not_after = NOW + DAY,
		.ca = is_ca, .path_len = -1, .ku = is_ca ? KU_CA : KU_RA,
		.extras = &extra, .n_extras = 1
	};
	struct err			 e = ERR_INIT;
	struct cert			*c = NULL;

	assert_int_equal(cert_make(&plan, by->cert, by->key, &c, &e), 0);
	return c;
}

static void
test_critical(void **state)
{
	struct cert		*odd = critical(&leaf, false, &issuing);
	struct cert		*odd_ca = critical(&issuing, true, &middle);
	struct cert		*both[] = { middle.cert, root.cert };
	const struct certs	 full = { both, 2 };
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(chain_verify(odd, issuing.cert, &full, NOW, &e), -1);
	assert_err(&e, ERR_CERT_FILE, "critical", "leaf");
	err_clear(&e);
	if (chain_verify_odd(odd, issuing.cert, &full, NOW, &e) != 0)
		fail_msg("%s", err_text(&e));
	/* All else is as it was. */
	assert_int_equal(chain_verify_odd(odd, issuing.cert, &full,
	    NOW + 2 * DAY, &e), -1);
	assert_err(&e, ERR_CERT_FILE, "expired", "expired");
	err_clear(&e);
	assert_int_equal(chain_verify_odd(leaf.cert, odd_ca, &full, NOW, &e),
	    -1);
	assert_err(&e, ERR_CERT_FILE, "depth 1", "CA");
	cert_free(odd);
	cert_free(odd_ca);
}

/* A CA certificate for the issuing key that breaks one rule. */
static struct cert *
spoiled(const struct order *o)
{
	struct order	 with = *o;

	with.name = "issuing";
	with.key = issuing.key;
	with.issuer = &middle;
	return tool_cert(&with);
}

static void
test_verify_refused(void **state)
{
	struct cert		*both[] = { middle.cert, root.cert };
	const struct certs	 full = { both, 2 };
	struct err		 e = ERR_INIT;
	struct cert		*no_ca = spoiled(&(struct order){
	    .ku = KU_CA });
	struct cert		*no_ku = spoiled(&(struct order){ .ca = true,
	    .ku = CERT_KU_CRL_SIGN });
	struct cert		*old = spoiled(&(struct order){ .ca = true,
	    .ku = KU_CA, .from = NOW - 9 * DAY, .to = NOW - DAY });

	(void)state;
	const struct {
		const char		*name;
		const struct cert	*leaf, *issuer;
		int64_t			 when;
		const char		*text;
	} rows[] = {
		{ "other CA", leaf.cert, other.cert, NOW,
		    "CN=leaf was not issued by CN=other" },
		{ "twin's key", middle.cert, twin.cert, NOW,
		    "CN=middle: signature" },
		{ "leaf as CA", leaf.cert, leaf.cert, NOW, "not issued by" },
		{ "no CA", leaf.cert, no_ca, NOW, "is not a CA certificate" },
		{ "no keyCertSign", leaf.cert, no_ku, NOW,
		    "is not a CA certificate" },
		{ "CA expired", leaf.cert, old, NOW,
		    "depth 1: certificate has expired" },
		{ "early", leaf.cert, issuing.cert, NOW - 2 * DAY,
		    "not yet valid" },
		{ "late", leaf.cert, issuing.cert, NOW + 366 * DAY,
		    "has expired" },
	};
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		if (chain_verify(rows[i].leaf, rows[i].issuer, &full,
		    rows[i].when, &e) != -1)
			fail_msg("accepted: %s", rows[i].name);
		assert_err(&e, ERR_CERT_FILE, rows[i].text, rows[i].name);
	}
	cert_free(no_ca);
	cert_free(no_ku);
	cert_free(old);
}

static void
test_sort(void **state)
{
	struct cert	*v[2] = { root.cert, middle.cert };
	struct certs	 cs = { v, 2 };
	struct err	 e = ERR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chain_sort(issuing.cert, &cs, &e), 0);
		assert_ptr_equal(v[0], middle.cert);
		assert_ptr_equal(v[1], root.cert);
	}
	cs.n = 0;
	assert_int_equal(chain_sort(issuing.cert, &cs, &e), 0);
	/* The root may be missing: clients bring it. */
	cs.n = 1;
	assert_int_equal(chain_sort(issuing.cert, &cs, &e), 0);
}

static void
test_sort_refused(void **state)
{
	const struct {
		const char		*name;
		const struct cert	*issuer;
		struct cert		*v[3];
		size_t			 n;
	} rows[] = {
		{ "stranger", issuing.cert,
		    { middle.cert, root.cert, other.cert }, 3 },
		{ "twice", issuing.cert,
		    { middle.cert, root.cert, root.cert }, 3 },
		{ "gap", issuing.cert, { root.cert }, 1 },
		{ "itself", issuing.cert, { issuing.cert }, 1 },
		{ "leaf", issuing.cert, { middle.cert, leaf.cert }, 2 },
		{ "twin", middle.cert, { twin.cert }, 1 },
		{ "above a root", root.cert, { root.cert }, 1 },
	};
	struct err	 e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert	*v[3];
		struct certs	 cs = { v, rows[i].n };

		memcpy(v, rows[i].v, sizeof(v));
		err_clear(&e);
		if (chain_sort(rows[i].issuer, &cs, &e) != -1)
			fail_msg("accepted: %s", rows[i].name);
		assert_err(&e, ERR_CERT_FILE, "does not belong", rows[i].name);
		assert_int_equal(cs.n, rows[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_verifies),
		cmocka_unit_test(test_critical),
		cmocka_unit_test(test_verify_refused),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
