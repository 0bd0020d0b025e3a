/*
 * Subjects made of facts: of a challenge, of a validator, and before that one
 * has been asked.
 */
#include "pki_tool.h"

#include "policy/decide.h"
#include "policy/fact.h"

static struct who	 ca, old;
static struct key	*rsa;
static struct csr	*plain;
static struct cert	*old_cert;
static struct sans	 no_sans;

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&old, &(struct order){ .name = "old", .spec = "rsa:2048",
	    .issuer = &ca, .ku = KU_RA });
	old_cert = old.cert;
	rsa = tool_key("rsa:2048");
	plain = tool_csr(rsa, "/CN=x", NULL, "pw");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	csr_free(plain);
	key_free(rsa);
	who_free(&old);
	who_free(&ca);
	return 0;
}

static char	 w_rsa[] = "rsa", w_client[] = "clientAuth", no_text[] = "";
static char	*types[] = { w_rsa, NULL }, *ekus[] = { w_client, NULL },
    *none[] = { NULL };

static struct policy_trace	 trace;

struct row {
	char			 text[96];
	const char		*facts;
	const char		*want;	/* subject, or why not */
	enum err_reason		 reason;
	enum policy_challenge	 challenge;
	bool			 asking, approved, renews, open;
	const char		*limit;	/* patterns of the challenge */
	const char		*pattern;	/* and of the profile */
};
#define MATCH	POLICY_CHALLENGE_MATCH

static int
decide(const struct row *r, struct policy_verdict *v, struct err *e)
{
	static const struct conf_endpoint ep = {
		.signer_key = CONF_SIGNER_ANY, .renew_allowed = true,
		.approval = CONF_APPROVAL_MANUAL,
		.ec_reply = CONF_EC_REPLY_KARI,
	};
	char			 file[] = "file", text[96], pat[64] = "";
	char			 lim[64] = "";
	char			*pats[] = { pat, NULL }, *lims[] = { lim, NULL };
	struct conf_profile	 p = {
		.validity = 30 * DAY, .key_types = { types, 1 },
		.rsa_min = 2048, .rsa_max = 4096, .eku = { ekus, 1 },
		.san = { none, 0 }, .crl_urls = { none, 0 },
		.ca_issuers_urls = { none, 0 }, .ocsp_urls = { none, 0 },
		.subject = text, .template_oid = no_text,
	};
	const struct conf	 c = {
		.file = file, .profiles = &p, .n_profiles = 1
	};
	const struct policy_written w = {
		r->limit == NULL ? none : lims, none, none, none
	};
	struct policy_limits	 l = { .uses = 0 };
	const struct policy_old	 was = { .cert = old_cert, .sans = &no_sans };
	struct policy_profiles	*made;
	struct policy_facts	 f = {
		.endpoint = &ep, .profile = &p, .csr = plain,
		.signer = r->renews ? &old_cert->key : &plain->key,
		.old = r->renews ? &was : NULL, .renewal = r->renews,
		.challenge = r->challenge, .challenge_name = "pad-7",
		.limits = &l, .facts = r->facts, .asking = r->asking,
		.approved = r->approved, .ca = ca.cert, .now = NOW,
	};
	int			 rc;

	memcpy(text, r->text, sizeof(text));
	if (r->pattern != NULL) {
		(void)snprintf(pat, sizeof(pat), "%s", r->pattern);
		p.subject_patterns = (struct conf_strings){ pats, 1 };
	}
	if (r->limit != NULL)
		(void)snprintf(lim, sizeof(lim), "%s", r->limit);
	assert_int_equal(policy_limits_read(&w, &l, e), 0);
	if (policy_profiles_new(&c, &made, e) == -1)
		return -1;
	f.profiles = made;
	rc = policy_decide(&f, v, &trace, e);
	policy_profiles_free(made);
	policy_limits_clear(&l);
	return rc;
}

static void
check_row(const struct row *r)
{
	struct policy_verdict	 v, was;
	struct buf		 text = BUF_INIT(512);
	struct err		 e = ERR_INIT;

	memset(&v, 0x55, sizeof(v));
	memset(&was, 0x55, sizeof(was));
	if (decide(r, &v, &e) != (r->reason == ERR_NONE ? 0 : -1))
		fail_msg("%s, %s: %s", r->text, r->want, err_text(&e));
	if (r->reason != ERR_NONE) {
		assert_err(&e, r->reason, r->want, r->text);
		assert_memory_equal(&v, &was, sizeof(v));
		return;
	}
	assert_int_equal(name_show(v.plan.subject, &text, &e), 0);
	assert_string_equal(buf_cstr(&text), r->want);
	assert_int_equal(v.awaits, r->open);
	buf_wipe(&text);
}

static void
test_facts(void **state)
{
	static const struct row rows[] = {
		{ "/O=Example/CN={challenge.user}", "challenge.user=alice",
		    "CN=alice,O=Example", ERR_NONE, .challenge = MATCH },
		{ "/CN={challenge.a}-{challenge.b}.{CN}",
		    "challenge.a=1\nchallenge.b=2", "CN=1-2.x", ERR_NONE,
		    .challenge = MATCH },
		/* One value, whatever it holds. */
		{ "/CN={challenge.user}", "challenge.user=a,O=b/CN=c+d=e{CN}",
		    "CN=a\\,O=b/CN=c\\+d=e{CN}", ERR_NONE, .challenge = MATCH },
		{ "/CN={challenge.user}", "challenge.user=a\x1b",
		    "control", ERR_SUBJECT, .challenge = MATCH },
		/* The fact that is there must be the fact that is asked for. */
		{ "/CN={challenge.user}", NULL, "needs {challenge.user}, and "
		    "challenge pad-7 has no such fact", ERR_FACT_MISSING,
		    .challenge = MATCH },
		{ "/CN={challenge.user}", "", "challenge pad-7",
		    ERR_FACT_MISSING, .challenge = MATCH },
		{ "/CN={challenge.user}", "challenge.users=x\nvalidator.user=y",
		    "challenge pad-7", ERR_FACT_MISSING, .challenge = MATCH },
		{ "/CN={validator.user}", "challenge.user=x",
		    "needs {validator.user}, and the validator gave no such",
		    ERR_FACT_MISSING, .challenge = MATCH },
		{ "/CN={validator.user}", "validator.user=bob", "CN=bob",
		    ERR_NONE, .challenge = MATCH },
		/* Of a challenge that does not vouch it is none. */
		{ "/CN={challenge.user}", "challenge.user=alice",
		    "{challenge.user}", ERR_FACT_MISSING,
		    .challenge = POLICY_CHALLENGE_ABSENT },
		{ "/CN={validator.user}", "validator.user=bob", "CN=bob",
		    ERR_NONE, .challenge = POLICY_CHALLENGE_ABSENT },
		/* What was approved keeps what it came with. */
		{ "/CN={challenge.user}.{validator.user}",
		    "challenge.user=a\nvalidator.user=b", "CN=a.b", ERR_NONE,
		    .challenge = POLICY_CHALLENGE_ABSENT, .approved = true },
		{ "/CN={challenge.user}", NULL, "{challenge.user}",
		    ERR_FACT_MISSING, .challenge = POLICY_CHALLENGE_ABSENT,
		    .approved = true },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* Before the validator is asked: what it alone can tell is left open. */
static void
test_asking(void **state)
{
	static const struct row rows[] = {
		{ "/CN={validator.user}", NULL, "", ERR_NONE, .challenge = MATCH,
		    .asking = true, .open = true },
		{ "/C={validator.land}", NULL, "", ERR_NONE, .challenge = MATCH,
		    .asking = true, .open = true },
		{ "/CN={CN}/OU={validator.unit}", NULL, "", ERR_NONE, .challenge = MATCH,
		    .asking = true, .open = true },
		{ "/CN={challenge.user}/OU={validator.unit}",
		    "challenge.user=a", "", ERR_NONE, .challenge = MATCH, .asking = true,
		    .open = true },
		{ "/CN={challenge.user}", "challenge.user=a", "CN=a", ERR_NONE,
		    .challenge = MATCH, .asking = true },
		{ "/CN={challenge.user}/OU={validator.unit}", NULL,
		    "{challenge.user}", ERR_FACT_MISSING, .challenge = MATCH,
		    .asking = true },
		{ "/OU={validator.unit}/CN={challenge.user}", NULL,
		    "{challenge.user}", ERR_FACT_MISSING, .challenge = MATCH,
		    .asking = true },
		{ "/OU={validator.unit}/CN={serialNumber}", NULL,
		    "needs one serialNumber", ERR_SUBJECT, .challenge = MATCH,
		    .asking = true },
		{ "/CN={validator.user}-{challenge.user}", NULL,
		    "{challenge.user}", ERR_FACT_MISSING, .challenge = MATCH,
		    .asking = true },
		/* Nobody is asked any more. */
		{ "/CN={validator.user}", NULL, "{validator.user}",
		    ERR_FACT_MISSING, .challenge = MATCH },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* A renewal has its subject (CN=old), and asks for that or for what it asked for
 * when it came (CN=x); what others said then nobody needs to say again. */
static void
test_renewal(void **state)
{
	static const struct row rows[] = {
		{ "/CN={challenge.user}", NULL, "CN=old", ERR_NONE,
		    .renews = true },
		{ "/CN={challenge}", NULL, "CN=old", ERR_NONE,
		    .renews = true },
		{ "/CN={validator.user}", NULL, "CN=old", ERR_NONE,
		    .renews = true },
		{ "/CN={validator.user}", NULL, "CN=old", ERR_NONE,
		    .renews = true, .asking = true },
		{ "/CN=a-{validator.user}", "validator.user=new", "CN=old",
		    ERR_NONE, .renews = true },
		{ "/CN={challenge.user}", "challenge.user=new", "CN=old",
		    ERR_NONE, .challenge = MATCH, .renews = true },
		/* What the request says counts as ever. */
		{ "/CN={CN}", NULL, "the subject was CN=old",
		    ERR_RENEWAL_NAMES, .renews = true },
		{ "/OU={challenge.user}", NULL, "the subject was CN=old",
		    ERR_RENEWAL_NAMES, .renews = true },
		{ "/CN={challenge.user}/O={CN}", NULL,
		    "the subject was CN=old", ERR_RENEWAL_NAMES,
		    .renews = true },
		{ "/O={CN}/CN={challenge.user}", NULL,
		    "the subject was CN=old", ERR_RENEWAL_NAMES,
		    .renews = true },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* Patterns of the challenge and of the profile hold for what facts make. */
static void
test_limits(void **state)
{
	static const struct row rows[] = {
		{ "/CN={challenge.user}", "challenge.user=x", "CN=x", ERR_NONE,
		    .challenge = MATCH, .limit = "CN exact x" },
		{ "/CN={challenge.user}", "challenge.user=y", "made of "
		    "{challenge.user}: CN matches none", ERR_CHALLENGE_SUBJECT,
		    .challenge = MATCH, .limit = "CN exact x" },
		{ "/CN={validator.user}", "validator.user=y", "made of "
		    "{validator.user}: CN matches none", ERR_CHALLENGE_SUBJECT,
		    .challenge = MATCH, .limit = "CN exact x" },
		{ "/CN=a-{validator.user}", "validator.user=x", "made of",
		    ERR_CHALLENGE_SUBJECT, .challenge = MATCH, .limit = "CN exact x" },
		/* Other types it leaves open, and so does fixed text. */
		{ "/CN={CN}/OU={validator.user}", "validator.user=y",
		    "OU=y,CN=x", ERR_NONE, .challenge = MATCH, .limit = "CN exact x" },
		{ "/CN=fixed", NULL, "CN=fixed", ERR_NONE, .challenge = MATCH,
		    .limit = "CN exact x" },
		{ "/CN={validator.user}", NULL, "", ERR_NONE, .challenge = MATCH,
		    .limit = "CN exact x", .asking = true, .open = true },
		/* An operator has looked at it. */
		{ "/CN={challenge.user}", "challenge.user=y", "CN=y", ERR_NONE,
		    .challenge = MATCH, .limit = "CN exact x", .approved = true },
		{ "/CN={challenge.user}", "challenge.user=x1", "CN=x1",
		    ERR_NONE, .challenge = MATCH, .pattern = "CN glob x*" },
		{ "/CN={challenge.user}", "challenge.user=y1", "made of "
		    "{challenge.user}: CN matches none", ERR_SUBJECT_PATTERN,
		    .challenge = MATCH, .pattern = "CN glob x*" },
		{ "/CN={challenge.user}", "challenge.user=y1", "made of",
		    ERR_SUBJECT_PATTERN, .challenge = MATCH, .pattern = "CN glob x*",
		    .approved = true },
		/* Its name is no device's to choose; what the device asks is
		 * held as it is asked. */
		{ "/CN={challenge}", NULL, "CN=pad-7", ERR_NONE,
		    .challenge = MATCH, .limit = "CN exact x" },
		{ "/CN=a-{CN}", NULL, "CN=a-x", ERR_NONE, .challenge = MATCH,
		    .limit = "CN exact x" },
		{ "/CN={CN}", NULL, "CN matches none", ERR_CHALLENGE_SUBJECT,
		    .challenge = MATCH, .limit = "CN exact y" },
		{ "/CN=a-{CN}{challenge.a}", "challenge.a=1", "made of "
		    "{challenge.a}", ERR_CHALLENGE_SUBJECT,
		    .challenge = MATCH, .limit = "CN exact x" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* Patterns of the profile hold for whatever is made of anything. */
static void
test_patterns(void **state)
{
	static const struct row rows[] = {
		{ "/O=Example/CN={challenge}", NULL, "made of {challenge}: CN "
		    "matches none", ERR_SUBJECT_PATTERN, .challenge = MATCH,
		    .pattern = "CN glob x*" },
		{ "/O=Example/CN={challenge}", NULL, "made of {challenge}",
		    ERR_SUBJECT_PATTERN, .approved = true,
		    .pattern = "CN glob x*" },
		{ "/CN=x-{challenge}", NULL, "CN=x-pad-7", ERR_NONE,
		    .challenge = MATCH, .pattern = "CN glob x*" },
		{ "/CN={CN}", NULL, "CN=x", ERR_NONE, .challenge = MATCH,
		    .pattern = "CN glob x*" },
		{ "/CN=a-{CN}", NULL, "made of {CN}: CN matches none",
		    ERR_SUBJECT_PATTERN, .challenge = MATCH,
		    .pattern = "CN glob x*" },
		{ "/CN={CN}{validator.a}", "validator.a=y", "made of {CN}: CN "
		    "matches none", ERR_SUBJECT_PATTERN, .challenge = MATCH,
		    .pattern = "CN exact x" },
		{ "/CN={CN}{validator.a}", NULL, "", ERR_NONE,
		    .challenge = MATCH, .pattern = "CN exact x",
		    .asking = true, .open = true },
		/* What the administrator wrote himself is not looked at, nor a
		 * type that he has no pattern for. */
		{ "/CN=fixed", NULL, "CN=fixed", ERR_NONE, .challenge = MATCH,
		    .pattern = "CN exact x" },
		{ "/O=Example/CN={CN}/OU={challenge}", NULL,
		    "OU=pad-7,CN=x,O=Example", ERR_NONE, .challenge = MATCH,
		    .pattern = "CN exact x" },
		/* The request's own counts as ever. */
		{ "/CN=x-{challenge}", NULL, "CN matches none",
		    ERR_SUBJECT_PATTERN, .challenge = MATCH,
		    .pattern = "CN glob x-*" },
		/* What was granted before. */
		{ "/CN={challenge}", NULL, "CN=old", ERR_NONE, .renews = true,
		    .pattern = "CN glob x*" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* Who explains a decision sees the facts, and those that are not there. */
static void
test_trace(void **state)
{
	static const struct { struct row row; const char *input; } rows[] = {
		{ { "/CN={challenge.a} {validator.b}",
		    "challenge.a=1 2\nvalidator.b=3", "CN=1 2 3", ERR_NONE,
		    .challenge = MATCH },
		    "subject=template challenge.a=\"1 2\" validator.b=3" },
		{ { "/CN={CN}{challenge.a}", NULL, "{challenge.a}",
		    ERR_FACT_MISSING, .challenge = MATCH },
		    "subject=template lacks=challenge.a" },
		{ { "/CN={validator.b}", NULL, "{validator.b}",
		    ERR_FACT_MISSING, .challenge = MATCH },
		    "subject=template lacks=validator.b" },
		{ { "/CN={validator.b}", NULL, "", ERR_NONE,
		    .challenge = MATCH, .asking = true, .open = true },
		    "subject=template awaits=validator.b" },
		{ { "/CN={validator.b}", NULL, "CN=old", ERR_NONE,
		    .renews = true }, "subject=old" },
	};
	const struct policy_step *s;
	size_t k;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		check_row(&rows[i].row);
		for (s = NULL, k = 0; k < trace.n; k++)
			if (strcmp(trace.v[k].rule, "template") == 0)
				s = &trace.v[k];
		assert_non_null(s);
		assert_string_equal(s->input, rows[i].input);
	}
}

static void
test_words(void **state)
{
	static const struct row rows[] = {
		{ "/CN={challenge.}", NULL, "challenge.", ERR_CONFIG, .challenge = MATCH },
		{ "/CN={challenge.User}", NULL, "challenge.User", ERR_CONFIG,
		    .challenge = MATCH },
		{ "/CN={validator}", NULL, "validator", ERR_CONFIG, .challenge = MATCH },
		{ "/CN={other.user}", NULL, "other.user", ERR_CONFIG, .challenge = MATCH },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* A challenge that lacks one is of use beside a renewal alone. */
static void
check_beside(const struct policy_profiles *ps, const struct conf_profile *p,
    const char *facts, bool lacks)
{
	static const enum conf_renew_challenge looked_at[] = {
		CONF_RENEW_CHALLENGE_OPTIONAL, CONF_RENEW_CHALLENGE_REQUIRED
	};
	struct conf_endpoint	 ep = {
		.renew_challenge = CONF_RENEW_CHALLENGE_IGNORED
	};
	char			 word[PROFILE_WORD];

	assert_int_equal(policy_challenge_lacks(ps, &ep, p, facts, word),
	    lacks);
	for (size_t i = 0; i < N(looked_at); i++) {
		ep.renew_challenge = looked_at[i];
		assert_false(policy_challenge_lacks(ps, &ep, p, facts, word));
	}
}

/* Which facts a template lacks is known beforehand. */
static void
test_lacks(void **state)
{
	static const struct {
		char		 text[96];
		const char	*whose, *facts, *want;	/* NULL: none */
	} rows[] = {
		{ "/CN=x", FACT_CHALLENGE, NULL, NULL },
		{ "/CN={challenge}", FACT_CHALLENGE, NULL, NULL },
		{ "/CN={challenge.a}", FACT_CHALLENGE, NULL, "challenge.a" },
		{ "/CN={challenge.a}", FACT_CHALLENGE, "a=1", NULL },
		{ "/CN={challenge.a}", FACT_VALIDATOR, NULL, NULL },
		{ "/O=x/CN={challenge.a}{CN}{challenge.b}", FACT_CHALLENGE,
		    "a=1", "challenge.b" },
		{ "/O={dns}/CN={validator.a}", FACT_VALIDATOR, NULL,
		    "validator.a" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char			 text[96], file[] = "f";
		char			 word[PROFILE_WORD] = "";
		struct conf_profile	 p = {
			.subject = text, .template_oid = no_text
		};
		const struct conf	 c = {
			.file = file, .profiles = &p, .n_profiles = 1
		};
		struct policy_profiles	*made;
		struct err		 e = ERR_INIT;
		bool			 lacks;

		memcpy(text, rows[i].text, sizeof(text));
		assert_int_equal(policy_profiles_new(&c, &made, &e), 0);
		lacks = policy_profile_lacks(made, &p, rows[i].whose,
		    rows[i].facts, word);
		assert_int_equal(lacks, rows[i].want != NULL);
		if (lacks)
			assert_string_equal(word, rows[i].want);
		if (strcmp(rows[i].whose, FACT_CHALLENGE) == 0)
			check_beside(made, &p, rows[i].facts, lacks);
		policy_profiles_free(made);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lacks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
