/*
 * What a challenge allows: each row is one set of facts, and is refused for the
 * reason given or issued under the profile given.
 */
#include "pki_tool.h"

#include "policy/decide.h"

static struct who	 ca;
static struct key	*rsa, *ec;
static struct csr	*good, *other_cn, *more_names, *with_upn, *with_sid;
static struct csr	*no_names, *with_ec, *sid_ext, *sid_alone, *sid_uri;
static struct cert	*old_cert;
static struct sans	 old_sans;

#define SAN_OK	"DNS:a.example"
#define SID	"S-1-5-21-1-2-3-500"

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;
	struct bytes	 san;
	struct cert_plan plan;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	rsa = tool_key("rsa:2048");
	ec = tool_key("ec:p256");
	good = tool_csr(rsa, "/CN=a", SAN_OK, "pw");
	other_cn = tool_csr(rsa, "/CN=b", SAN_OK, "pw");
	more_names = tool_csr(rsa, "/CN=a", SAN_OK ",DNS:b.example", "pw");
	with_upn = tool_csr(rsa, "/CN=a", SAN_OK
	    ",otherName:1.3.6.1.4.1.311.20.2.3;UTF8:root@x", "pw");
	with_sid = tool_csr(rsa, "/CN=a", SAN_OK ",URI:x:y", "pw");
	with_sid->sans.v[1].kind = SAN_SID;
	no_names = tool_csr(rsa, "/CN=a", NULL, "pw");
	with_ec = tool_csr(ec, "/CN=a", SAN_OK, "pw");
	sid_ext = tool_csr(rsa, "/CN=a", SAN_OK, "pw");
	memcpy(sid_ext->asked.sid, SID, sizeof(SID));
	sid_alone = tool_csr(rsa, "/CN=a", NULL, "pw");
	memcpy(sid_alone->asked.sid, SID, sizeof(SID));
	sid_uri = tool_csr(rsa, "/CN=a", "URI:x:y", "pw");
	sid_uri->sans.v[0].kind = SAN_SID;
	free(sid_uri->sans.v[0].text);
	sid_uri->sans.v[0].text = strdup("tag:microsoft.com,2022-09-14:sid:"
	    SID);
	san = good->sans.v[0].der;
	plan = (struct cert_plan){
		.serial = LIT("\x41\x02"), .subject = good->subject,
		.spki = key_spki(rsa), .not_before = NOW - DAY,
		.not_after = NOW + DAY, .ku = KU_RA, .sans = &san,
		.n_sans = 1,
	};
	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &old_cert, &e), 0);
	assert_int_equal(cert_sans(old_cert, &old_sans, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	struct csr	*all[] = { good, other_cn, more_names, with_upn,
	    with_sid, no_names, with_ec, sid_ext, sid_alone,
	    sid_uri };

	(void)state;
	who_free(&ca);
	key_free(rsa);
	key_free(ec);
	for (size_t i = 0; i < N(all); i++)
		csr_free(all[i]);
	cert_free(old_cert);
	sans_free(&old_sans);
	return 0;
}

static char	 w_rsa[] = "rsa", w_ec[] = "ec", w_dns[] = "dns",
    n_own[] = "endpoint's", n_challenge[] = "challenge's", n_old[] = "old's",
    p_cn[] = "CN exact a", p_dns[] = "dns exact a.example", p_none[] = "none",
    p_sid[] = "sid exact " SID, p_other[] = "sid glob S-1-5-21-*-501";
static char	*none[] = { NULL }, *only_rsa[] = { w_rsa, NULL },
    *both[] = { w_rsa, w_ec, NULL }, *dns[] = { w_dns, NULL },
    *l_cn[] = { p_cn, NULL }, *l_dns[] = { p_dns, NULL },
    *l_none[] = { p_none, NULL }, *l_sid[] = { p_sid, NULL },
    *l_other[] = { p_other, NULL };

static struct conf_profile
profile(char *name)
{
	return (struct conf_profile){
		.name = name, .validity = DAY, .rsa_min = 2048,
		.rsa_max = 4096, .key_types = { both, 2 },
		.san = { dns, 1 }, .eku = { none, 0 },
	};
}

enum who_signs { STRANGER, OLD };

static const struct row {
	const char		*name;
	enum who_signs		 signer;
	struct csr		**csr;
	char			**subject, **san, **key_types;	/* NULL: any */
	struct policy_limits	 limits;	/* profile: see own_profile */
	bool			 own_profile;
	int64_t			 used;
	enum err_reason		 want;		/* ERR_NONE: issued */
	const char		*text;		/* in it, or the profile */
	bool			 renews;
	bool			 renewal;	/* messageType 17 */
	bool			 required;	/* renew.challenge */
	bool			 sid;		/* the profile grants it */
} rows[] = {
	{ "no limits", STRANGER, &good, .text = n_own },
	{ "its profile", STRANGER, &good, .own_profile = true,
	    .text = n_challenge },
	{ "in its names", STRANGER, &good, .subject = l_cn, .san = l_dns,
	    .text = n_own },

	{ "another endpoint", STRANGER, &good, .limits.elsewhere = true,
	    .want = ERR_CHALLENGE_ENDPOINT },
	{ "disabled", STRANGER, &good, .limits.disabled = true,
	    .want = ERR_CHALLENGE_DISABLED },
	{ "a second too early", STRANGER, &good, .limits.not_before = NOW + 1,
	    .want = ERR_CHALLENGE_NOT_YET, .text = "2027-01-15T08:00:01Z" },
	{ "in time", STRANGER, &good, .limits.not_before = NOW,
	    .limits.expires = NOW + 1, .text = n_own },
	{ "expired", STRANGER, &good, .limits.expires = NOW,
	    .want = ERR_CHALLENGE_EXPIRED, .text = "2027-01-15T08:00:00Z" },
	{ "last use", STRANGER, &good, .limits.uses = 3, .used = 2,
	    .text = n_own },
	{ "spent", STRANGER, &good, .limits.uses = 3, .used = 3,
	    .want = ERR_CHALLENGE_SPENT, .text = "3 of 3" },
	{ "spent, and more", STRANGER, &good, .limits.uses = 1, .used = 7,
	    .want = ERR_CHALLENGE_SPENT },
	{ "no limit of uses", STRANGER, &good, .used = 99, .text = n_own },
	{ "its profile is gone", STRANGER, &good,
	    .limits.unknown_profile = true, .want = ERR_CHALLENGE_PROFILE },
	{ "key type", STRANGER, &with_ec, .key_types = only_rsa,
	    .want = ERR_CHALLENGE_KEY, .text = "ec" },
	{ "key type taken", STRANGER, &with_ec, .key_types = both,
	    .text = n_own },
	{ "its profile's key type", STRANGER, &with_ec, .own_profile = true,
	    .want = ERR_CSR_KEY },

	{ "another subject", STRANGER, &other_cn, .subject = l_cn,
	    .want = ERR_CHALLENGE_SUBJECT },
	{ "another name", STRANGER, &more_names, .san = l_dns,
	    .want = ERR_CHALLENGE_SAN },
	{ "a UPN, which is dropped", STRANGER, &with_upn, .san = l_dns,
	    .want = ERR_CHALLENGE_SAN, .text = "upn" },
	{ "a SID, which is dropped", STRANGER, &with_sid, .san = l_dns,
	    .want = ERR_CHALLENGE_SAN, .text = "sid" },
	{ "a SID extension, which is dropped", STRANGER, &sid_ext,
	    .san = l_dns, .want = ERR_CHALLENGE_SAN, .text = "sid" },
	{ "a SID extension, which is granted", STRANGER, &sid_ext,
	    .san = l_dns, .sid = true, .want = ERR_CHALLENGE_SAN,
	    .text = "sid" },
	{ "a SID extension where no name may be", STRANGER, &sid_alone,
	    .san = l_none, .sid = true, .want = ERR_CHALLENGE_SAN },
	{ "a SID extension, no limit of names", STRANGER, &sid_ext,
	    .sid = true, .text = n_own },
	{ "a SID extension, the subject limited alone", STRANGER, &sid_ext,
	    .subject = l_cn, .sid = true, .want = ERR_CHALLENGE_SAN,
	    .text = "no sid pattern" },
	{ "a SID as a URI, the subject limited alone", STRANGER, &sid_uri,
	    .subject = l_cn, .sid = true, .want = ERR_CHALLENGE_SAN,
	    .text = "no sid pattern" },
	{ "a SID extension, dropped, the subject limited alone", STRANGER,
	    &sid_ext, .subject = l_cn, .text = n_own },
	{ "a SID as a URI, dropped, the subject limited alone", STRANGER,
	    &sid_uri, .subject = l_cn, .text = n_own },
	{ "no SID, the subject limited alone", STRANGER, &good,
	    .subject = l_cn, .sid = true, .text = n_own },
	{ "its SID, the subject limited too", STRANGER, &sid_alone,
	    .subject = l_cn, .san = l_sid, .sid = true, .text = n_own },
	{ "its SID, in the extension", STRANGER, &sid_alone, .san = l_sid,
	    .sid = true, .text = n_own },
	{ "its SID, as a URI", STRANGER, &sid_uri, .san = l_sid, .sid = true,
	    .text = n_own },
	{ "another SID", STRANGER, &sid_alone, .san = l_other, .sid = true,
	    .want = ERR_CHALLENGE_SAN, .text = "sid matches none" },
	{ "another SID, as a URI", STRANGER, &sid_uri, .san = l_other,
	    .sid = true, .want = ERR_CHALLENGE_SAN,
	    .text = "sid matches none" },
	{ "no SID", STRANGER, &no_names, .san = l_sid, .sid = true,
	    .want = ERR_CHALLENGE_SAN, .text = "sid is missing" },
	{ "no name", STRANGER, &no_names, .san = l_dns,
	    .want = ERR_CHALLENGE_SAN, .text = "missing" },
	{ "a name where none may be", STRANGER, &good, .san = l_none,
	    .want = ERR_CHALLENGE_SAN },
	{ "none where none may be", STRANGER, &no_names, .san = l_none,
	    .text = n_own },

	/* A certificate that could renew by itself: no use is spent, and it
	 * stays what it was. */
	{ "renews", OLD, &good, .own_profile = true, .text = n_old,
	    .renews = true },
	{ "renews, spent", OLD, &good, .limits.uses = 1, .used = 1,
	    .text = n_old, .renews = true },
	{ "renews, expired", OLD, &good, .limits.expires = 1, .text = n_old,
	    .renews = true },
	{ "other names by the challenge", OLD, &more_names,
	    .own_profile = true, .text = n_challenge },
	{ "other names, spent", OLD, &more_names, .limits.uses = 1,
	    .used = 1, .want = ERR_CHALLENGE_SPENT },
	{ "other names, disabled", OLD, &more_names, .limits.disabled = true,
	    .want = ERR_CHALLENGE_DISABLED },
	{ "other names, not its own", OLD, &more_names, .san = l_dns,
	    .want = ERR_CHALLENGE_SAN },
	/* What calls itself a renewal is judged as nothing else. */
	{ "17 renews, spent", OLD, &good, .limits.uses = 1, .used = 1,
	    .own_profile = true, .text = n_old, .renews = true,
	    .renewal = true },
	{ "17 for other names", OLD, &more_names, .renewal = true,
	    .want = ERR_RENEWAL_NAMES },
	{ "17 for other names, spent", OLD, &more_names, .limits.uses = 1,
	    .used = 1, .renewal = true, .want = ERR_RENEWAL_NAMES },
	/* One that a renewal needs must be good for it, and spends a use. */
	{ "19 with it, spent", OLD, &good, .limits.uses = 1, .used = 1,
	    .want = ERR_CHALLENGE_SPENT, .required = true },
	{ "17 with it, spent", OLD, &good, .limits.uses = 1, .used = 1,
	    .want = ERR_CHALLENGE_SPENT, .renewal = true, .required = true },
	{ "19 with its last use", OLD, &good, .limits.uses = 2, .used = 1,
	    .own_profile = true, .text = n_old, .renews = true,
	    .required = true },
	{ "17 with it, disabled", OLD, &good, .limits.disabled = true,
	    .want = ERR_CHALLENGE_DISABLED, .renewal = true,
	    .required = true },
	{ "17 with it, for no names", OLD, &good, .san = l_none,
	    .want = ERR_CHALLENGE_SAN, .renewal = true, .required = true },
	{ "19 with it, elsewhere", OLD, &good, .limits.elsewhere = true,
	    .want = ERR_CHALLENGE_ENDPOINT, .required = true },
};

static void
check_row(const struct row *r)
{
	const struct conf_endpoint	 ep = {
		.ec_reply = CONF_EC_REPLY_KARI, .renew_allowed = true,
		.renew_challenge = r->required ?
		    CONF_RENEW_CHALLENGE_REQUIRED :
		    CONF_RENEW_CHALLENGE_IGNORED,
	};
	const struct conf_profile	 olds = profile(n_old);
	struct conf_profile		 own = profile(n_own);
	struct conf_profile		 its = profile(n_challenge);
	const struct policy_written	 w = {
		r->subject != NULL ? r->subject : none,
		r->san != NULL ? r->san : none,
		r->key_types != NULL ? r->key_types : none, none
	};
	const struct policy_old		 old = {
		.cert = old_cert, .sans = &old_sans, .profile = &olds
	};
	struct policy_limits		 l = r->limits;
	struct policy_facts		 f = {
		.endpoint = &ep, .profile = &own, .csr = *r->csr,
		.renewal = r->renewal,
		.old = r->signer == OLD ? &old : NULL,
		.signer = &(*r->csr)->key, .challenge = POLICY_CHALLENGE_MATCH,
		.limits = &l, .used = r->used, .ca = ca.cert, .now = NOW,
	};
	struct policy_verdict		 v;
	struct err			 e = ERR_INIT;

	its.key_types = (struct conf_strings){ only_rsa, 1 };
	own.sid = r->sid ? CONF_SID_ALLOW : CONF_SID_STRIP;
	if (r->own_profile)
		l.profile = &its;
	assert_int_equal(policy_limits_read(&w, &l, &e), 0);
	if (policy_decide(&f, &v, NULL, &e) != (r->want == ERR_NONE ? 0 : -1) ||
	    e.reason != r->want)
		fail_msg("%s: %s", r->name, err_text(&e));
	if (r->want != ERR_NONE)
		assert_err(&e, r->want, r->text, r->name);
	else if (strcmp(v.profile->name, r->text) != 0 ||
	    v.renews != r->renews ||
	    v.spends != (!r->renews || r->required))
		fail_msg("%s: profile %s, renews %d, spends %d", r->name,
		    v.profile->name, v.renews, v.spends);
	/* An operator has looked at it. */
	f.approved = true;
	f.old = NULL;
	err_clear(&e);
	if (policy_decide(&f, &v, NULL, &e) != 0 || v.spends)
		fail_msg("%s, approved: %s", r->name, err_text(&e));
	policy_limits_clear(&l);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* Who guesses reads the same, whatever he hit. */
static void
test_one_text(void **state)
{
	static const enum err_reason	 all[] = {
		ERR_CHALLENGE_ENDPOINT, ERR_CHALLENGE_DISABLED,
		ERR_CHALLENGE_NOT_YET, ERR_CHALLENGE_EXPIRED,
		ERR_CHALLENGE_SPENT, ERR_CHALLENGE_PROFILE,
		ERR_CHALLENGE_KEY, ERR_CHALLENGE_SUBJECT, ERR_CHALLENGE_SAN
	};

	(void)state;
	for (size_t i = 0; i < N(all); i++) {
		assert_string_equal(err_what(all[i]),
		    err_what(ERR_CHALLENGE_WRONG));
		assert_int_equal(err_failinfo(all[i]), FAIL_BADREQUEST);
		assert_int_equal(err_http(all[i]),
		    err_http(ERR_CHALLENGE_WRONG));
	}
}

static void
test_read(void **state)
{
	static char	 bad_cn[] = "CN is x", bad_kind[] = "other exact x",
	    bad_type[] = "dsa";
	static char	 t_ec[] = "ec", t_ed25519[] = "ed25519",
	    t_mldsa[] = "mldsa";
	static char	*l_types[] = { w_rsa, t_ec, t_ed25519, t_mldsa, NULL };
	const struct policy_written types = { none, none, l_types, none };
	struct policy_limits all = { .uses = 0 };
	struct err	 none_e = ERR_INIT;
	static char	*l_bad_cn[] = { p_cn, bad_cn, NULL },
	    *l_bad_kind[] = { bad_kind, NULL },
	    *l_bad_type[] = { w_rsa, bad_type, NULL };
	static const struct {
		struct policy_written	 w;
		const char		*text;
	} bad[] = {
		{ { l_bad_cn, l_dns, none, none }, "subject: \"is\"" },
		{ { l_cn, l_bad_kind, none, none }, "san: \"other\"" },
		{ { l_cn, l_dns, l_bad_type, none }, "key_types: \"dsa\"" },
	};

	(void)state;
	assert_int_equal(policy_limits_read(&types, &all, &none_e), 0);
	assert_int_equal(all.key_types, 1u << KEY_RSA | 1u << KEY_EC |
	    1u << KEY_ED25519 | 1u << KEY_MLDSA);
	for (size_t i = 0; i < N(bad); i++) {
		struct policy_limits	 l = { .uses = 7 }, was = l;
		struct err		 e = ERR_INIT;

		assert_int_equal(policy_limits_read(&bad[i].w, &l, &e), -1);
		assert_err(&e, ERR_CONFIG, bad[i].text, bad[i].text);
		assert_memory_equal(&l, &was, sizeof(l));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_one_text),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
