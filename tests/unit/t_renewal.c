#include "pki_tool.h"

#include "policy/decide.h"

/*
 * Who may renew, and what an operator's approval changes. Every row is one set
 * of facts; what is not listed as allowed is refused for the reason given.
 */

static struct who	 ca;
static struct key	*old_key, *new_key;
static struct csr	*same_names, *other_subject, *fewer, *more;
static struct cert	*old_cert, *expired, *future;
static struct sans	 old_sans;

static struct cert *
device(const struct csr *r, int64_t from, int64_t to)
{
	struct bytes	 sans[4];
	struct cert_plan plan = {
		.serial = LIT("\x41\x02"), .subject = r->subject,
		.spki = key_spki(old_key), .not_before = from,
		.not_after = to, .ku = KU_RA, .sans = sans,
		.n_sans = r->sans.n,
	};
	struct err	 e = ERR_INIT;
	struct cert	*c;

	for (size_t i = 0; i < r->sans.n; i++)
		sans[i] = r->sans.v[i].der;
	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &c, &e), 0);
	return c;
}

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	old_key = tool_key("rsa:2048");
	new_key = tool_key("rsa:2048");
	same_names = tool_csr(new_key, "/O=o/CN=x", "DNS:a,DNS:b", NULL);
	other_subject = tool_csr(new_key, "/O=o/CN=y", "DNS:a", NULL);
	fewer = tool_csr(new_key, "/O=o/CN=x", "DNS:a", NULL);
	more = tool_csr(new_key, "/O=o/CN=x", "DNS:a,DNS:c", NULL);
	old_cert = device(same_names, NOW - DAY, NOW + DAY);
	expired = device(same_names, NOW - 2 * DAY, NOW - 1);
	future = device(same_names, NOW + 1, NOW + DAY);
	assert_int_equal(cert_sans(old_cert, &old_sans, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(old_key);
	key_free(new_key);
	csr_free(same_names);
	csr_free(other_subject);
	csr_free(fewer);
	csr_free(more);
	cert_free(old_cert);
	cert_free(expired);
	cert_free(future);
	sans_free(&old_sans);
	return 0;
}

#define ABSENT	POLICY_CHALLENGE_ABSENT
#define WRONG	POLICY_CHALLENGE_WRONG
#define MATCH	POLICY_CHALLENGE_MATCH

static const struct row {
	const char		*name;
	bool			 renewal;	/* messageType 17 */
	struct cert		**old;		/* NULL: a stranger signed */
	struct csr		**csr;
	enum policy_challenge	 challenge;
	bool			 manual, approved, revoked;
	enum err_reason		 want;		/* ERR_NONE: allowed */
	bool			 renews, hold;
} rows[] = {
	{ "17 by the old one", true, &old_cert, &same_names, ABSENT,
	    .renews = true },
	{ "19 by the old one", false, &old_cert, &same_names, ABSENT,
	    .renews = true },
	{ "fewer names", true, &old_cert, &fewer, ABSENT, .renews = true },
	{ "a spent challenge beside it", true, &old_cert, &same_names, WRONG,
	    .renews = true },
	{ "a new name", true, &old_cert, &more, ABSENT,
	    .want = ERR_RENEWAL_NAMES },
	{ "another subject", true, &old_cert, &other_subject, ABSENT,
	    .want = ERR_RENEWAL_NAMES },
	{ "another subject, 19", false, &old_cert, &other_subject, WRONG,
	    .want = ERR_RENEWAL_NAMES },
	{ "another subject, with a challenge", false, &old_cert,
	    &other_subject, MATCH, .want = ERR_NONE },
	{ "17 by a stranger", true, NULL, &same_names, ABSENT,
	    .want = ERR_RENEWAL_SIGNER },
	{ "17 by a stranger with a challenge", true, NULL, &same_names,
	    MATCH, .want = ERR_RENEWAL_SIGNER },
	{ "expired", true, &expired, &same_names, ABSENT,
	    .want = ERR_RENEWAL_SIGNER },
	{ "not valid yet", true, &future, &same_names, ABSENT,
	    .want = ERR_RENEWAL_SIGNER },
	{ "expired, with a challenge", false, &expired, &same_names, MATCH,
	    .want = ERR_NONE },
	{ "revoked", true, &old_cert, &same_names, ABSENT, .revoked = true,
	    .want = ERR_RENEWAL_SIGNER },
	{ "revoked, with a challenge", true, &old_cert, &same_names, MATCH,
	    .revoked = true, .want = ERR_RENEWAL_SIGNER },
	{ "17 expired, with a challenge", true, &expired, &same_names, MATCH,
	    .want = ERR_RENEWAL_SIGNER },
	{ "17 for another subject, with a challenge", true, &old_cert,
	    &other_subject, MATCH, .want = ERR_RENEWAL_NAMES },
	{ "17 with a challenge", true, &old_cert, &same_names, MATCH,
	    .renews = true },
	{ "revoked, 19", false, &old_cert, &same_names, ABSENT,
	    .revoked = true, .want = ERR_RENEWAL_SIGNER },
	{ "a CA's", true, &ca.cert, &same_names, ABSENT,
	    .want = ERR_RENEWAL_SIGNER },
	{ "waits", false, NULL, &same_names, MATCH, .manual = true,
	    .hold = true },
	{ "waits without a challenge", false, NULL, &same_names, ABSENT,
	    .manual = true, .hold = true },
	{ "a wrong one does not wait", false, NULL, &same_names, WRONG,
	    .manual = true, .want = ERR_CHALLENGE_WRONG },
	{ "a renewal waits too", true, &old_cert, &same_names, ABSENT,
	    .manual = true, .hold = true, .renews = true },
	{ "approved", false, NULL, &same_names, ABSENT, .manual = true,
	    .approved = true },
	{ "nobody vouches", false, NULL, &same_names, ABSENT,
	    .want = ERR_CHALLENGE_MISSING },
};

static char	 w_rsa[] = "rsa", w_dns[] = "dns";
static char	*key_types[] = { w_rsa, NULL }, *sans[] = { w_dns, NULL },
    *none[] = { NULL };

static void
check_row(const struct row *r, enum conf_signer_key signer_key,
    const struct pubkey *signer)
{
	const struct conf_endpoint ep = { .signer_key = signer_key };
	const struct conf_profile pr = {
		.validity = DAY, .rsa_min = 2048, .rsa_max = 4096,
		.key_types = { key_types, 1 }, .san = { sans, 1 },
		.eku = { none, 0 }, .approval = r->manual ?
		    CONF_APPROVAL_MANUAL : CONF_APPROVAL_AUTO,
	};
	const struct policy_old old = {
		.cert = r->old == NULL ? NULL : *r->old, .sans = &old_sans,
		.revoked = r->revoked
	};
	const struct policy_facts f = {
		.endpoint = &ep, .profile = &pr, .renewal = r->renewal,
		.old = r->old == NULL ? NULL : &old,
		.approved = r->approved, .csr = *r->csr,
		.signer = signer, .challenge = r->challenge,
		.ca = ca.cert, .now = NOW,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	memset(&v, 0x55, sizeof(v));
	(void)policy_decide(&f, &v, &e);
	if (e.reason != r->want)
		fail_msg("%s: %s (%s)", r->name, err_slug(e.reason), e.text);
	if (r->want != ERR_NONE)
		return;
	if (v.renews != r->renews || v.hold != r->hold)
		fail_msg("%s: renews %d hold %d", r->name, v.renews, v.hold);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i], CONF_SIGNER_ANY, &(*rows[i].csr)->key);
}

/* A request with a new key, signed with the old one's key. */
static void
test_signer(void **state)
{
	static const struct row	 signers[] = {
		{ "renewal", true, &old_cert, &same_names, ABSENT,
		    .renews = true },
		{ "approved later", true, NULL, &same_names, ABSENT,
		    .manual = true, .approved = true },
		{ "a stranger", false, NULL, &same_names, MATCH,
		    .want = ERR_KEY_MISMATCH },
		{ "a stranger does not wait", false, NULL, &same_names, MATCH,
		    .manual = true, .want = ERR_KEY_MISMATCH },
	};

	(void)state;
	for (size_t i = 0; i < N(signers); i++)
		check_row(&signers[i], CONF_SIGNER_SAME, &old_cert->key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_signer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
