/*
 * Accounts of Windows: which one a certificate may name, under a profile and its
 * patterns, and what a renewal makes of the one that the old certificate has.
 */
#include "pki_tool.h"

#include "policy/decide.h"

#define SID	"S-1-5-21-1-2-3-1107"
#define OTHER	"S-1-5-21-1-2-3-1108"
#define GROUP	"S-1-5-32-544"
#define URI	"tag:microsoft.com,2022-09-14:sid:"

static struct who	 ca;
static struct key	*key;
static struct cert	*with_sid, *without, *with_group;

static struct cert *
device(const struct csr *r, const char *sid)
{
	struct cert_plan plan = {
		.serial = LIT("\x41\x02"), .subject = r->subject,
		.spki = key_spki(key), .not_before = NOW - DAY,
		.not_after = NOW + DAY, .ku = KU_RA, .sid = sid,
	};
	struct err	 e = ERR_INIT;
	struct cert	*c;

	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &c, &e), 0);
	return c;
}

static int
setup(void **state)
{
	struct csr	*r;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	key = tool_key("rsa:2048");
	r = tool_csr(key, "/CN=pc", NULL, NULL);
	with_sid = device(r, SID);
	without = device(r, NULL);
	with_group = device(r, GROUP);
	csr_free(r);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(key);
	cert_free(with_sid);
	cert_free(without);
	cert_free(with_group);
	return 0;
}

static char	 w_rsa[] = "rsa", w_dns[] = "dns", no_text[] = "";
static char	 a_name[] = "a.example";
static char	*key_types[] = { w_rsa, NULL }, *sans[] = { w_dns, NULL },
    *none[] = { NULL };
static char	 p_subject[] = "CN glob *", *any_subject[] = { p_subject, NULL };

static const struct row {
	const char		*name;
	struct cert		**old;		/* NULL: an enrollment */
	const char		*asked;		/* in the extension */
	const char		*uri;		/* as a URI; NULL: none */
	const char		*pattern;	/* of the profile; NULL: any */
	bool			 strip;
	bool			 enrolls;	/* another, by a challenge */
	const char		*limit;		/* of a challenge that a
						 * renewal needs; NULL: none,
						 * "": one without san */
	bool			 subject_limit;	/* it has one of those */
	bool			 answered;	/* so says a validator */
	const char		*old_uri;	/* of the old one; NULL: none,
						 * "": it has another name */
	bool			 subset;	/* renew.names */
	enum err_reason		 want;
	const char		*text;		/* in it, or the SID granted */
} rows[] = {
	{ "asked for", NULL, SID, .text = SID },
	{ "not asked for", NULL, "", .text = "" },
	{ "dropped", NULL, SID, .strip = true, .text = "" },

	{ "the profile names it", NULL, SID, .pattern = "sid exact " SID,
	    .text = SID },
	{ "the profile names another", NULL, OTHER,
	    .pattern = "sid exact " SID, .want = ERR_SAN_PATTERN,
	    .text = "sid matches none" },
	{ "as a URI", NULL, "", URI SID, "sid exact " SID, .text = "" },
	{ "another as a URI", NULL, SID, URI OTHER, "sid exact " SID,
	    .want = ERR_SAN_PATTERN, .text = "sid matches none" },
	{ "the profile wants one", NULL, "", .pattern = "sid glob *",
	    .want = ERR_SAN_PATTERN, .text = "sid is missing" },
	{ "the profile names names only", NULL, SID,
	    .pattern = "dns glob *", .want = ERR_SAN_PATTERN,
	    .text = "sid has no pattern" },
	{ "what is dropped is not held against it", NULL, SID,
	    .pattern = "none", .strip = true, .text = "" },

	{ "renews it", &with_sid, SID, .text = SID },
	{ "keeps it", &with_sid, "", .text = SID },
	{ "keeps it, the profile names it", &with_sid, "",
	    .pattern = "sid exact " SID, .text = SID },
	{ "keeps none that the profile names no more", &with_sid, "",
	    .pattern = "sid exact " OTHER, .want = ERR_SAN_PATTERN,
	    .text = "sid matches none" },
	{ "keeps none that the profile drops", &with_sid, "", .strip = true,
	    .text = "" },
	{ "becomes another", &with_sid, OTHER, .want = ERR_RENEWAL_NAMES,
	    .text = OTHER " is new" },
	{ "becomes one", &without, SID, .want = ERR_RENEWAL_NAMES,
	    .text = SID " is new" },
	{ "becomes another as a URI", &with_sid, SID, URI OTHER,
	    .want = ERR_RENEWAL_NAMES, .text = "sid:" URI OTHER " is new" },
	{ "asks for another, dropped", &with_sid, OTHER, .strip = true,
	    .text = "" },
	{ "asks for what is none", &with_sid, GROUP, .text = SID },
	{ "another device beside it", &with_sid, "", .enrolls = true,
	    .text = "" },
	{ "another account beside it", &with_sid, OTHER, .enrolls = true,
	    .text = OTHER },
	{ "keeps it, the challenge names it", &with_sid, "",
	    .limit = "sid exact " SID, .text = SID },
	{ "keeps it, the challenge names another", &with_sid, "",
	    .limit = "sid exact " OTHER, .want = ERR_CHALLENGE_SAN,
	    .text = "sid matches none" },
	{ "keeps it, the challenge names none", &with_sid, "",
	    .limit = "none", .want = ERR_CHALLENGE_SAN,
	    .text = "sid has no pattern" },
	{ "keeps it, the challenge limits the subject", &with_sid, "",
	    .subject_limit = true, .limit = "", .text = SID },
	{ "another, the challenge limits the subject", &with_sid, OTHER,
	    .enrolls = true, .subject_limit = true,
	    .want = ERR_CHALLENGE_SAN, .text = "no sid pattern" },
	{ "taken away", &with_sid, "", .answered = true, .text = "" },
	{ "taken away, the profile names it", &with_sid, "",
	    .answered = true, .pattern = "sid exact " SID,
	    .want = ERR_SAN_PATTERN, .text = "sid is missing" },
	{ "answered as it was", &with_sid, SID, .answered = true,
	    .text = SID },
	{ "another is answered", &with_sid, OTHER, .answered = true,
	    .want = ERR_RENEWAL_NAMES, .text = OTHER " is new" },
	{ "one is answered", &without, SID, .answered = true,
	    .want = ERR_RENEWAL_NAMES, .text = SID " is new" },
	{ "a group is answered", &without, GROUP, .answered = true,
	    .text = "" },
	{ "leaves the URI out", &with_sid, "", .old_uri = URI SID,
	    .want = ERR_RENEWAL_NAMES, .text = "sid:" URI SID
	    " is left out" },
	{ "leaves the URI out, a subset", &with_sid, "", .old_uri = URI SID,
	    .subset = true, .text = SID },
	{ "keeps the URI", &with_sid, "", URI SID, .old_uri = URI SID,
	    .text = SID },
	{ "the URI is taken away", &with_sid, "", .old_uri = URI SID,
	    .answered = true, .text = "" },
	{ "another URI is answered", &with_sid, "", URI OTHER,
	    .old_uri = URI SID, .answered = true,
	    .want = ERR_RENEWAL_NAMES, .text = "sid:" URI OTHER " is new" },
	{ "a name is no account", &with_sid, "", .old_uri = "",
	    .answered = true, .want = ERR_RENEWAL_NAMES,
	    .text = "dns:a.example is left out" },
	{ "has none", &without, "", .text = "" },
	{ "has that of a group", &with_group, "", .text = "" },
};

static void
check_row(const struct row *r)
{
	const struct conf_endpoint ep = { .renew_allowed = true,
	    .renew_names = r->subset ? CONF_RENEW_NAMES_SUBSET :
	    CONF_RENEW_NAMES_SAME,
	    .renew_challenge = r->limit == NULL ?
	    CONF_RENEW_CHALLENGE_IGNORED : CONF_RENEW_CHALLENGE_REQUIRED };
	char			 limit[64] = "", *limits[] = { NULL, NULL };
	const struct policy_written w = {
		r->subject_limit ? any_subject : none, limits, none, none
	};
	struct policy_limits	 l = { .uses = 0 };
	bool			 needs = r->old == NULL || r->enrolls ||
	    r->limit != NULL;
	char			 file[] = "file", pattern[64] = "";
	char			*patterns[] = { pattern, NULL };
	struct conf_profile	 p = {
		.validity = DAY, .rsa_min = 2048, .rsa_max = 4096,
		.key_types = { key_types, 1 }, .san = { sans, 1 },
		.eku = { none, 0 }, .subject = no_text,
		.template_oid = no_text,
		.sid = r->strip ? CONF_SID_STRIP : CONF_SID_ALLOW,
		.san_patterns = { patterns, r->pattern != NULL },
	};
	const struct conf	 c = {
		.file = file, .profiles = &p, .n_profiles = 1
	};
	struct san		 uri = { .kind = SAN_SID };
	struct san		 had = { .kind = SAN_SID };
	const struct sans	 old_sans = { &had, r->old_uri != NULL };
	const struct policy_old	 old = {
		.cert = r->old == NULL ? NULL : *r->old, .sans = &old_sans
	};
	struct csr		*asked = tool_csr(key, r->enrolls ?
	    "/CN=other" : "/CN=pc", NULL, NULL);
	struct csr		 csr = *asked;
	struct policy_profiles	*made;
	struct policy_verdict	 v;
	struct policy_facts	 f = {
		.endpoint = &ep, .profile = &p, .csr = &csr,
		.old = r->old == NULL ? NULL : &old, .signer = &csr.key,
		.renewal = r->old != NULL && !r->enrolls,
		.challenge = needs ? POLICY_CHALLENGE_MATCH :
		    POLICY_CHALLENGE_ABSENT,
		.limits = &l, .ca = ca.cert, .now = NOW,
		.sid_answered = r->answered,
	};
	struct err		 e = ERR_INIT;

	(void)snprintf(csr.asked.sid, SID_TEXT, "%s", r->asked);
	if (r->limit != NULL && *r->limit != '\0') {
		(void)snprintf(limit, sizeof(limit), "%s", r->limit);
		limits[0] = limit;
	}
	assert_int_equal(policy_limits_read(&w, &l, &e), 0);
	if (r->pattern != NULL)
		(void)snprintf(pattern, sizeof(pattern), "%s", r->pattern);
	if (r->uri != NULL) {
		uri.text = (char *)(uintptr_t)r->uri;
		uri.der = bytes_str(r->uri);
		csr.sans = (struct sans){ &uri, 1 };
	}
	if (r->old_uri != NULL && *r->old_uri == '\0')
		had = (struct san){ .kind = SAN_DNS, .text = a_name,
		    .der = bytes_str(a_name) };
	else if (r->old_uri != NULL) {
		had.text = (char *)(uintptr_t)r->old_uri;
		had.der = bytes_str(r->old_uri);
	}
	assert_int_equal(policy_profiles_new(&c, &made, &e), 0);
	f.profiles = made;
	if (policy_decide(&f, &v, NULL, &e) != (r->want == ERR_NONE ? 0 : -1))
		fail_msg("%s: %s", r->name, err_text(&e));
	if (r->want != ERR_NONE)
		assert_err(&e, r->want, r->text, r->name);
	else if (strcmp(v.plan.sid == NULL ? "" : v.plan.sid, r->text) != 0)
		fail_msg("%s: %s", r->name, v.plan.sid);
	else
		assert_true(bytes_eq(v.plan.subject, asked->subject));
	policy_limits_clear(&l);
	policy_profiles_free(made);
	csr_free(asked);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
