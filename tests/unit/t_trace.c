/*
 * What the trace of a decision tells: each row is one set of facts, with the
 * rules that were asked and some of what they looked at.
 */
#include "pki_tool.h"

#include "policy/decide.h"

static struct who	 ca;
static struct key	*rsa;
static struct csr	*good, *other, *odd;
static struct cert	*old_cert;
static struct sans	 old_sans;

#define SECRET	"open-sesame-1"

static struct cert *
device(const struct csr *r)
{
	struct bytes		 san = r->sans.v[0].der;
	struct cert_plan	 plan = {
		.serial = LIT("\x41\x02"), .subject = r->subject,
		.spki = key_spki(rsa), .not_before = NOW - DAY,
		.not_after = NOW + DAY, .ku = KU_RA, .sans = &san,
		.n_sans = 1,
	};
	struct err		 e = ERR_INIT;
	struct cert		*c;

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
	rsa = tool_key("rsa:2048");
	good = tool_csr(rsa, "/O=An Org/CN=a", "DNS:a.example", SECRET);
	other = tool_csr(rsa, "/CN=b", "DNS:b.example", SECRET);
	odd = tool_csr(rsa, "/CN=a\nb\"c", "DNS:a.example", SECRET);
	old_cert = device(good);
	assert_int_equal(cert_sans(old_cert, &old_sans, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(rsa);
	csr_free(good);
	csr_free(other);
	csr_free(odd);
	cert_free(old_cert);
	sans_free(&old_sans);
	return 0;
}

static char	 w_rsa[] = "rsa", w_dns[] = "dns", p_cn[] = "CN exact b",
    n_own[] = "own";
static char	 p_dns[] = "dns exact a.example";
static char	*dns_c[] = { p_dns, NULL };
static char	*none[] = { NULL }, *types[] = { w_rsa, NULL },
    *dns[] = { w_dns, NULL }, *only_b[] = { p_cn, NULL };

#define FIRST	"profile challenge.endpoint challenge.disabled challenge.time " \
	    "challenge.uses challenge.profile challenge.key "
#define LIMITS	FIRST "challenge.subject challenge.san challenge.template "
#define KEYS	"key key_taken key_compromised signer_type proof "
#define PROFILE	"profile "
#define RENEWAL	"renewal.allowed renewal.authority renewal.revoked " \
	    "renewal.successor renewal.compromised renewal.valid " \
	    "renewal.superseded renewal.window "
#define RENEWED	RENEWAL "renewal.names renewal.key renewal.reuse " \
	    "renewal.challenge "
#define REST	"signed_by reply subject template named ca sans required " \
	    "patterns surplus "

static const struct row {
	const char		*name;
	bool			 old, renewal;
	struct csr		**csr;
	enum policy_challenge	 challenge;
	bool			 limited;	/* the challenge, to CN b */
	int64_t			 used;
	enum err_reason		 want;
	const char		*as_renewal, *as_enrollment;	/* rules */
	const char		*rule, *input;	/* one of them, part of its */
} rows[] = {
	{ "granted", .csr = &good, .challenge = POLICY_CHALLENGE_MATCH,
	    .as_renewal = "", .as_enrollment = LIMITS KEYS REST,
	    .rule = "key", .input = "key=rsa bits=2048 key_types=rsa "
	    "rsa_min=2048 rsa_max=4096" },
	{ "wrong challenge", .csr = &good,
	    .challenge = POLICY_CHALLENGE_WRONG, .want = ERR_CHALLENGE_WRONG,
	    .as_renewal = "", .as_enrollment = PROFILE KEYS,
	    .rule = "proof",
	    .input = "challenge=wrong signer_known=no called_renewal=no "
	    "approved=no approval=auto validator=no" },
	{ "limit of the challenge", .csr = &good,
	    .challenge = POLICY_CHALLENGE_MATCH, .limited = true,
	    .want = ERR_CHALLENGE_SUBJECT, .as_renewal = "",
	    .as_enrollment = FIRST "challenge.subject ",
	    .rule = "challenge.subject",
	    .input = "subject=\"CN=a,O=An Org\" patterns=\"CN exact b\"" },
	{ "spent", .csr = &good, .challenge = POLICY_CHALLENGE_MATCH,
	    .used = 1, .want = ERR_CHALLENGE_SPENT, .as_renewal = "",
	    .as_enrollment = PROFILE "challenge.endpoint challenge.disabled "
	    "challenge.time challenge.uses ", .rule = "challenge.uses",
	    .input = "used=1 uses=1" },
	{ "renewal", .old = true, .renewal = true, .csr = &good,
	    .as_renewal = PROFILE KEYS RENEWED REST, .as_enrollment = "",
	    .rule = "renewal.key", .input = "key=same renew.key=any" },
	{ "renewal, too early", .old = true, .renewal = true, .csr = &good,
	    .as_renewal = PROFILE KEYS RENEWAL, .as_enrollment = "",
	    .rule = "renewal.window",
	    .input = "now=2027-01-15T08:00:00Z not_after="
	    "2027-01-16T08:00:00Z from=2027-01-15T20:00:00Z",
	    .want = ERR_RENEWAL_EARLY },
	{ "renewal for other names", .old = true, .renewal = true,
	    .csr = &other, .want = ERR_RENEWAL_NAMES,
	    .as_renewal = PROFILE KEYS RENEWAL "renewal.names ", .as_enrollment = "",
	    .rule = "renewal.names", .input = "subject=CN=b old_subject="
	    "\"CN=a,O=An Org\" san=dns:b.example old_san=dns:a.example "
	    "renew.names=same" },
	{ "a renewal, then an enrollment", .old = true, .csr = &other,
	    .challenge = POLICY_CHALLENGE_MATCH,
	    .as_renewal = RENEWAL "renewal.names ",
	    .as_enrollment = LIMITS KEYS REST },
	{ "a renewal, then no enrollment either", .old = true, .csr = &other,
	    .challenge = POLICY_CHALLENGE_MATCH, .used = 1,
	    .want = ERR_CHALLENGE_SPENT,
	    .as_renewal = RENEWAL "renewal.names ",
	    .as_enrollment = PROFILE "challenge.endpoint challenge.disabled "
	    "challenge.time challenge.uses " },
	{ "controls in a name", .csr = &odd,
	    .challenge = POLICY_CHALLENGE_MATCH, .want = ERR_SUBJECT,
	    .as_renewal = "",
	    .as_enrollment = LIMITS KEYS "signed_by reply subject ",
	    .rule = "subject", .input = "subject=\"CN=a" },
};

static struct policy_trace	 trace;

static void
decide(const struct row *r, struct err *e)
{
	const struct conf_endpoint	 ep = {
		.ec_reply = CONF_EC_REPLY_KARI, .renew_allowed = true,
		.renew_window = r->want == ERR_RENEWAL_EARLY ? DAY / 2 : 0,
	};
	const struct conf_profile	 p = {
		.name = n_own, .validity = DAY, .rsa_min = 2048,
		.rsa_max = 4096, .key_types = { types, 1 },
		.san = { dns, 1 }, .eku = { none, 0 },
	};
	const struct policy_written	 w = {
		r->limited ? only_b : none, none, none, none
	};
	const struct policy_old		 old = {
		.cert = old_cert, .sans = &old_sans
	};
	struct policy_limits		 l = { .uses = 1 };
	struct policy_facts		 f = {
		.endpoint = &ep, .profile = &p, .csr = *r->csr,
		.renewal = r->renewal, .old = r->old ? &old : NULL,
		.signer = &(*r->csr)->key, .challenge = r->challenge,
		.limits = &l, .used = r->used, .ca = ca.cert, .now = NOW,
	};
	struct policy_verdict		 v;

	assert_int_equal(policy_limits_read(&w, &l, e), 0);
	(void)policy_decide(&f, &v, &trace, e);
	policy_limits_clear(&l);
}

/* The names of those asked so, each with a blank behind it. */
static void
names(enum policy_as as, char *out, size_t size)
{
	size_t	 n = 0;

	*out = '\0';
	for (size_t i = 0; i < trace.n; i++)
		if (trace.v[i].as == as)
			n += (size_t)snprintf(out + n, size - n, "%s ",
			    trace.v[i].rule);
	assert_true(n < size);
}

static const struct policy_step *
find(const char *rule)
{
	for (size_t i = 0; i < trace.n; i++)
		if (strcmp(trace.v[i].rule, rule) == 0)
			return &trace.v[i];
	fail_msg("%s is not in the trace", rule);
	return NULL;
}

static void
check_steps(const struct row *r, const struct err *e)
{
	const struct policy_step	*s;

	for (size_t i = 0; i < trace.n; i++) {
		s = &trace.v[i];
		assert_null(strstr(s->input, SECRET));
		assert_null(strchr(s->input, '\n'));
		if (i + 1 == trace.n)
			assert_int_equal(s->reason, r->want);
		else if (s->as == trace.v[i + 1].as)
			assert_int_equal(s->reason, ERR_NONE);
		if ((s->reason == ERR_NONE) != (*s->detail == '\0'))
			fail_msg("%s: %s: %s", r->name, s->rule, s->detail);
	}
	if (r->want != ERR_NONE)
		assert_string_equal(trace.v[trace.n - 1].detail, e->text);
}

static void
test_rows(void **state)
{
	char	 got[1024];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct row	*r = &rows[i];
		struct err		 e = ERR_INIT;

		decide(r, &e);
		assert_int_equal(e.reason, r->want);
		assert_false(trace.cut);
		check_steps(r, &e);
		names(POLICY_AS_RENEWAL, got, sizeof(got));
		if (strcmp(got, r->as_renewal) != 0)
			fail_msg("%s: %s", r->name, got);
		names(POLICY_AS_ENROLLMENT, got, sizeof(got));
		if (strcmp(got, r->as_enrollment) != 0)
			fail_msg("%s: %s", r->name, got);
		if (r->rule != NULL &&
		    strstr(find(r->rule)->input, r->input) == NULL)
			fail_msg("%s: %s", r->name, find(r->rule)->input);
	}
}

/* The first of a renewal that failed says why, though the enrollment went
 * well. */
static void
test_both(void **state)
{
	static const struct row	 r = { "both", .old = true, .csr = &other,
	    .challenge = POLICY_CHALLENGE_MATCH };
	struct err		 e = ERR_INIT;

	(void)state;
	decide(&r, &e);
	assert_int_equal(e.reason, ERR_NONE);
	assert_int_equal(find("renewal.names")->reason, ERR_RENEWAL_NAMES);
	assert_string_equal(find("renewal.names")->detail,
	    "the subject was CN=a,O=An Org");
}

/* Patterns are shown as far as there is room; who judges, and who signed, too. */
static void
test_told(void **state)
{
	char			 many[PATTERN_MAX];
	char			*subject[] = { many, NULL };
	const struct policy_written w = { subject, dns_c, types, none };
	const struct conf_endpoint ep = { .renew_allowed = true };
	const struct conf_profile p = { .name = n_own };
	struct policy_limits	 l = { .uses = 1 };
	struct policy_facts	 f = {
		.endpoint = &ep, .profile = &p, .csr = good,
		.signer = &good->key, .limits = &l, .now = NOW,
		.challenge = POLICY_CHALLENGE_MATCH, .ca = ca.cert,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	memset(many, 'x', sizeof(many));
	memcpy(many, "CN regex .*|", 12);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(policy_limits_read(&w, &l, &e), 0);
	assert_int_equal(policy_decide(&f, &v, &trace, &e), -1);
	assert_int_equal(e.reason, ERR_CHALLENGE_SUBJECT);
	assert_string_equal(find("challenge.key")->input,
	    "key=rsa key_types=rsa");
	assert_non_null(strstr(find("challenge.subject")->input,
	    " patterns=\"CN regex .*|xxx"));
	assert_non_null(strstr(find("challenge.subject")->input, "xx...\""));
	policy_limits_clear(&l);
	f.limits = NULL;
	f.judged = true;
	err_clear(&e);
	(void)policy_decide(&f, &v, &trace, &e);
	assert_int_equal(e.reason, ERR_CSR_KEY);
	f.profile = &(const struct conf_profile){ .name = n_own,
	    .rsa_min = 2048, .rsa_max = 4096, .key_types = { types, 1 } };
	f.challenge = POLICY_CHALLENGE_ABSENT;
	f.elsewhere = "phones";
	err_clear(&e);
	assert_int_equal(policy_decide(&f, &v, &trace, &e), -1);
	assert_int_equal(e.reason, ERR_CHALLENGE_MISSING);
	assert_non_null(strstr(e.text, "issued here, at endpoint phones"));
	assert_non_null(strstr(find("proof")->input, "challenge=absent "));
	f.renewal = true;
	err_clear(&e);
	assert_int_equal(policy_decide(&f, &v, &trace, &e), -1);
	assert_int_equal(e.reason, ERR_RENEWAL_SIGNER);
	assert_non_null(strstr(e.text, "issued here, at endpoint phones"));
	f.challenge = POLICY_CHALLENGE_MATCH;
	err_clear(&e);
	assert_int_equal(policy_decide(&f, &v, &trace, &e), -1);
	assert_non_null(strstr(find("proof")->input,
	    "challenge=judged_by_validator "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
