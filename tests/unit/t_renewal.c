#include "pki_tool.h"

#include "key_craft.h"

#include "policy/decide.h"

/*
 * Who may renew, and what an operator's approval changes. Every row is one set
 * of facts; what is not listed as allowed is refused for the reason given.
 */

static struct who	 ca;
static struct key	*old_key, *new_key;
static struct csr	*same_names, *other_subject, *fewer, *more;
static struct csr	*dropped, *same_key, *respelled;
static struct cert	*old_cert, *expired, *future, *agent, *cmc_ra;
static struct cert	*authority;
static struct sans	 old_sans;

static struct cert *
with_eku(const struct csr *r, int64_t from, int64_t to, const char *eku)
{
	char		 word[64];
	char *const	 ekus[] = { word, NULL };
	struct bytes	 sans[4];
	struct cert_plan plan = {
		.serial = LIT("\x41\x02"), .subject = r->subject,
		.spki = key_spki(old_key), .not_before = from,
		.not_after = to, .ku = KU_RA, .sans = sans,
		.n_sans = r->sans.n, .eku = eku == NULL ? NULL : ekus,
	};
	struct err	 e = ERR_INIT;
	struct cert	*c;

	(void)snprintf(word, sizeof(word), "%s", eku == NULL ? "" : eku);
	for (size_t i = 0; i < r->sans.n; i++)
		sans[i] = r->sans.v[i].der;
	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &c, &e), 0);
	return c;
}

static struct cert *
device(const struct csr *r, int64_t from, int64_t to)
{
	return with_eku(r, from, to, NULL);
}

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;
	struct key	*other;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	old_key = tool_key("rsa:2048");
	new_key = tool_key("rsa:2048");
	same_names = tool_csr(new_key, "/O=o/CN=x", "DNS:a,DNS:b", NULL);
	other_subject = tool_csr(new_key, "/O=o/CN=y", "DNS:a", NULL);
	fewer = tool_csr(new_key, "/O=o/CN=x", "DNS:a", NULL);
	more = tool_csr(new_key, "/O=o/CN=x", "DNS:a,DNS:c", NULL);
	dropped = tool_csr(new_key, "/O=o/CN=x", "DNS:a,DNS:b,email:a@b",
	    NULL);
	same_key = tool_csr(old_key, "/O=o/CN=x", "DNS:a,DNS:b", NULL);
	/* The old key, with another exponent. */
	other = key_respell(old_key, "exponent");
	assert_non_null(other);
	respelled = tool_csr(other, "/O=o/CN=x", "DNS:a,DNS:b", NULL);
	authority = tool_cert(&(struct order){ .name = "ra", .key = other,
	    .issuer = &ca });
	key_free(other);
	old_cert = device(same_names, NOW - DAY, NOW + DAY);
	expired = device(same_names, NOW - 2 * DAY, NOW - 1);
	future = device(same_names, NOW + 1, NOW + DAY);
	agent = with_eku(same_names, NOW - DAY, NOW + DAY,
	    "1.3.6.1.4.1.311.20.2.1");
	cmc_ra = with_eku(same_names, NOW - DAY, NOW + DAY,
	    "1.3.6.1.5.5.7.3.28");
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
	csr_free(respelled);
	cert_free(authority);
	csr_free(other_subject);
	csr_free(fewer);
	csr_free(more);
	csr_free(dropped);
	csr_free(same_key);
	cert_free(old_cert);
	cert_free(expired);
	cert_free(future);
	cert_free(agent);
	cert_free(cmc_ra);
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
	{ "fewer names", true, &old_cert, &fewer, ABSENT,
	    .want = ERR_RENEWAL_NAMES },
	{ "19 with a challenge that matches too", false, &old_cert,
	    &same_names, MATCH, .renews = true },
	{ "fewer names, with a challenge", false, &old_cert, &fewer, MATCH,
	    .want = ERR_NONE },
	{ "a kind that is dropped anyway", true, &old_cert, &dropped, ABSENT,
	    .renews = true },
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
	    .want = ERR_RENEWAL_EXPIRED },
	{ "not valid yet", true, &future, &same_names, ABSENT,
	    .want = ERR_RENEWAL_NOT_YET },
	{ "expired, with a challenge", false, &expired, &same_names, MATCH,
	    .want = ERR_NONE },
	{ "revoked", true, &old_cert, &same_names, ABSENT, .revoked = true,
	    .want = ERR_RENEWAL_REVOKED },
	{ "revoked, with a challenge", true, &old_cert, &same_names, MATCH,
	    .revoked = true, .want = ERR_RENEWAL_REVOKED },
	{ "17 expired, with a challenge", true, &expired, &same_names, MATCH,
	    .want = ERR_RENEWAL_EXPIRED },
	{ "17 for another subject, with a challenge", true, &old_cert,
	    &other_subject, MATCH, .want = ERR_RENEWAL_NAMES },
	{ "17 with a challenge", true, &old_cert, &same_names, MATCH,
	    .renews = true },
	{ "revoked, 19", false, &old_cert, &same_names, ABSENT,
	    .revoked = true, .want = ERR_RENEWAL_REVOKED },
	{ "a CA's", true, &ca.cert, &same_names, ABSENT,
	    .want = ERR_RENEWAL_AUTHORITY },
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

static const struct conf_profile profile = {
	.validity = DAY, .rsa_min = 2048, .rsa_max = 4096,
	.key_types = { key_types, 1 }, .san = { sans, 1 },
	.eku = { none, 0 },
};

static void
check_row(const struct row *r, enum conf_signer_key signer_key,
    const struct pubkey *signer)
{
	const struct conf_endpoint ep = {
		.signer_key = signer_key, .renew_allowed = true,
	};
	struct conf_profile pr = profile;
	const struct policy_old old = {
		.cert = r->old == NULL ? NULL : *r->old, .sans = &old_sans,
		.revoked = r->revoked,
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

	pr.approval = r->manual ? CONF_APPROVAL_MANUAL : CONF_APPROVAL_AUTO;
	memset(&v, 0x55, sizeof(v));
	(void)policy_decide(&f, &v, NULL, &e);
	if (e.reason != r->want)
		fail_msg("%s: %s (%s)", r->name, err_slug(e.reason), e.text);
	if (r->want != ERR_NONE)
		return;
	if (v.renews != r->renews || v.hold != r->hold ||
	    v.spends != (r->challenge == MATCH && !r->renews))
		fail_msg("%s: renews %d hold %d spends %d", r->name, v.renews,
		    v.hold, v.spends);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		check_row(&rows[i], CONF_SIGNER_ANY, &(*rows[i].csr)->key);
}

/*
 * What an endpoint's settings allow. The old certificate lives from NOW - 1 d to
 * NOW + 1 d, the expired one from NOW - 2 d to NOW - 1 s. A RenewalReq, without
 * a challenge if nothing else is said.
 */
#define ALLOWED	.renew_allowed = true

static const struct setting {
	const char		*name;
	struct conf_endpoint	 ep;
	struct cert		**old;		/* NULL: old_cert */
	struct csr		**csr;		/* NULL: same_names, new key */
	enum policy_challenge	 challenge;
	int64_t			 superseded_at, key_uses;
	bool			 foreign, authority, successor, many;
	bool			 compromised;
	const char		*gone;
	bool			 named, naming, approved;
	int64_t			 issued_at;
	enum err_reason		 want;
} settings[] = {
	{ "off", { .renew_allowed = false }, .want = ERR_RENEWAL_OFF },
	{ "off, with a challenge", { .renew_allowed = false },
	    .challenge = MATCH, .want = ERR_RENEWAL_OFF },
	{ "the RA's", { ALLOWED }, .authority = true,
	    .want = ERR_RENEWAL_AUTHORITY },

	{ "window opens now", { ALLOWED, .renew_window = DAY },
	    .want = ERR_NONE },
	{ "window opens in a second", { ALLOWED, .renew_window = DAY - 1 },
	    .want = ERR_RENEWAL_EARLY },
	{ "half of its life is over", { ALLOWED,
	    .renew_window_share = 50 },
	    .want = ERR_NONE },
	{ "not that much", { ALLOWED, .renew_window_share = 49 },
	    .want = ERR_RENEWAL_EARLY },
	{ "half of what was left at its issue", { ALLOWED,
	    .renew_window_share = 50 }, .issued_at = NOW - 60,
	    .want = ERR_RENEWAL_EARLY },
	{ "all of what was left at its issue", { ALLOWED,
	    .renew_window_share = 99 }, .issued_at = NOW - DAY / 100 - 60 },
	{ "the longer one counts", { ALLOWED, .renew_window_share = 10,
	    .renew_window = DAY },
	    .want = ERR_NONE },
	{ "whichever it is", { ALLOWED, .renew_window_share = 60,
	    .renew_window = 60 },
	    .want = ERR_NONE },
	{ "early, the challenge does not help", { ALLOWED,
	    .renew_window = 60 }, .challenge = MATCH,
	    .want = ERR_RENEWAL_EARLY },

	{ "an agent's of another server", { ALLOWED }, .old = &agent,
	    .foreign = true, .want = ERR_RENEWAL_AUTHORITY },
	{ "an agent's of another server, with a challenge", { ALLOWED },
	    .old = &agent, .foreign = true, .challenge = MATCH,
	    .want = ERR_RENEWAL_AUTHORITY },
	{ "a CMC RA's of another server", { ALLOWED }, .old = &cmc_ra,
	    .foreign = true, .want = ERR_RENEWAL_AUTHORITY },
	{ "an agent's of ours", { ALLOWED }, .old = &agent },

	{ "its profile is gone", { ALLOWED }, .gone = "guest",
	    .want = ERR_RENEWAL_PROFILE },
	{ "its profile is gone, with a challenge", { ALLOWED },
	    .gone = "guest", .challenge = MATCH,
	    .want = ERR_RENEWAL_PROFILE },
	{ "its profile is gone, a validator names one", { ALLOWED },
	    .gone = "guest", .named = true },
	{ "its profile is gone, a validator may name one", { ALLOWED },
	    .gone = "guest", .naming = true },

	{ "what came of it is revoked", { ALLOWED }, .successor = true,
	    .want = ERR_RENEWAL_SUCCESSOR },
	{ "the same, of another server's", { ALLOWED }, .foreign = true,
	    .successor = true, .want = ERR_RENEWAL_SUCCESSOR },
	{ "what came of it is revoked, with a challenge", { ALLOWED },
	    .challenge = MATCH, .successor = true,
	    .want = ERR_RENEWAL_SUCCESSOR },
	{ "too many came of it", { ALLOWED }, .many = true,
	    .want = ERR_RENEWAL_MANY },
	{ "too many, and one is revoked", { ALLOWED }, .many = true,
	    .successor = true, .want = ERR_RENEWAL_SUCCESSOR },
	{ "its key is compromised, the new one is not", { ALLOWED },
	    .compromised = true, .want = ERR_RENEWAL_COMPROMISED },

	{ "in the grace", { ALLOWED, .renew_grace = 1 }, .old = &expired },
	{ "behind the grace", { ALLOWED, .renew_grace = 0 }, .old = &expired,
	    .want = ERR_RENEWAL_EXPIRED },
	{ "no grace for another server's", { ALLOWED, .renew_grace = DAY },
	    .old = &expired, .foreign = true, .want = ERR_RENEWAL_EXPIRED },
	{ "no grace ahead", { ALLOWED, .renew_grace = DAY }, .old = &future,
	    .want = ERR_RENEWAL_NOT_YET },

	{ "superseded just now", { ALLOWED, .renew_superseded = 60 },
	    .superseded_at = NOW - 59 },
	{ "superseded long ago", { ALLOWED, .renew_superseded = 60 },
	    .superseded_at = NOW - 60, .want = ERR_RENEWAL_SUPERSEDED },
	{ "once only", { ALLOWED }, .superseded_at = NOW,
	    .want = ERR_RENEWAL_SUPERSEDED },
	{ "not superseded", { ALLOWED },
	    .want = ERR_NONE },

	{ "subset", { ALLOWED, .renew_names = CONF_RENEW_NAMES_SUBSET },
	    .csr = &fewer },
	{ "no subset", { ALLOWED }, .csr = &fewer,
	    .want = ERR_RENEWAL_NAMES },
	{ "more than a subset", { ALLOWED,
	    .renew_names = CONF_RENEW_NAMES_SUBSET }, .csr = &more,
	    .want = ERR_RENEWAL_NAMES },
	{ "another subject is no subset", { ALLOWED,
	    .renew_names = CONF_RENEW_NAMES_SUBSET }, .csr = &other_subject,
	    .want = ERR_RENEWAL_NAMES },
	{ "no subset of another server's", { ALLOWED,
	    .renew_names = CONF_RENEW_NAMES_SUBSET }, .csr = &fewer,
	    .foreign = true, .want = ERR_RENEWAL_NAMES },
	{ "another server's", { ALLOWED }, .foreign = true },

	{ "a new key", { ALLOWED, .renew_key = CONF_RENEW_KEY_NEW },
	    .want = ERR_NONE },
	{ "must be new", { ALLOWED, .renew_key = CONF_RENEW_KEY_NEW },
	    .csr = &same_key, .want = ERR_RENEWAL_KEY_OLD },
	{ "must be more than respelled", { ALLOWED,
	    .renew_key = CONF_RENEW_KEY_NEW },
	    .csr = &respelled, .want = ERR_RENEWAL_KEY_OLD },
	{ "the same key", { ALLOWED, .renew_key = CONF_RENEW_KEY_SAME },
	    .csr = &same_key },
	{ "must be the same", { ALLOWED, .renew_key = CONF_RENEW_KEY_SAME },
	    .want = ERR_RENEWAL_KEY_NEW },
	{ "any key", { ALLOWED }, .csr = &same_key, .key_uses = 999 },
	{ "the second of two", { ALLOWED, .renew_key_reuse = 2 },
	    .csr = &same_key, .key_uses = 1 },
	{ "the third of two", { ALLOWED, .renew_key_reuse = 2 },
	    .csr = &same_key, .key_uses = 2, .want = ERR_RENEWAL_KEY_REUSE },

	{ "wrong, ignored", { ALLOWED }, .challenge = WRONG },
	{ "none, optional", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_OPTIONAL },
	    .want = ERR_NONE },
	{ "right, optional", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_OPTIONAL },
	    .challenge = MATCH },
	{ "wrong, optional", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_OPTIONAL },
	    .challenge = WRONG, .want = ERR_CHALLENGE_WRONG },
	{ "none, required", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_REQUIRED },
	    .want = ERR_CHALLENGE_MISSING },
	{ "wrong, required", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_REQUIRED },
	    .challenge = WRONG, .want = ERR_CHALLENGE_WRONG },
	{ "right, required", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_REQUIRED },
	    .challenge = MATCH },

	/* What counts of these for one that has waited for an operator. */
	{ "approved, off since", { .renew_allowed = false },
	    .approved = true, .want = ERR_RENEWAL_OFF },
	{ "approved, the RA's", { ALLOWED }, .authority = true,
	    .approved = true, .want = ERR_RENEWAL_AUTHORITY },
	{ "approved, what came of it is revoked", { ALLOWED },
	    .successor = true, .approved = true,
	    .want = ERR_RENEWAL_SUCCESSOR },
	{ "approved, its key is compromised", { ALLOWED },
	    .compromised = true, .approved = true,
	    .want = ERR_RENEWAL_COMPROMISED },
	{ "approved, superseded long ago", { ALLOWED,
	    .renew_superseded = 60 }, .superseded_at = NOW - 60,
	    .approved = true, .want = ERR_RENEWAL_SUPERSEDED },
	{ "approved, expired since", { ALLOWED }, .old = &expired,
	    .approved = true },
	{ "approved, another window since", { ALLOWED, .renew_window = 60 },
	    .approved = true },
	{ "approved, other keys since", { ALLOWED,
	    .renew_key = CONF_RENEW_KEY_SAME }, .approved = true },
	{ "approved, with a challenge since", { ALLOWED,
	    .renew_challenge = CONF_RENEW_CHALLENGE_REQUIRED },
	    .approved = true },
};

static void
check_setting(const struct setting *s)
{
	const struct cert *authorities[] = { authority };
	const struct policy_old old = {
		.cert = s->old == NULL ? old_cert : *s->old,
		.sans = &old_sans, .foreign = s->foreign,
		.superseded_at = s->superseded_at, .key_uses = s->key_uses,
		.successor_revoked = s->successor,
		.many_successors = s->many,
		.key_compromised = s->compromised,
		.gone = s->gone, .issued_at = s->issued_at,
	};
	const struct policy_facts f = {
		.endpoint = &s->ep, .profile = &profile, .renewal = true,
		.named = s->named ? &profile : NULL, .naming = s->naming,
		.approved = s->approved,
		.old = &old, .csr = s->csr == NULL ? same_names : *s->csr,
		.signer = &old.cert->key, .challenge = s->challenge,
		.ca = ca.cert, .authorities = authorities,
		.n_authorities = s->authority, .now = NOW,
	};
	struct policy_verdict	 v, was;
	struct err		 e = ERR_INIT;

	memset(&v, 0x55, sizeof(v));
	memset(&was, 0x55, sizeof(was));
	(void)policy_decide(&f, &v, NULL, &e);
	if (e.reason != s->want)
		fail_msg("%s: %s (%s)", s->name, err_slug(e.reason), e.text);
	if (s->want == ERR_NONE && !v.renews)
		fail_msg("%s: is no renewal", s->name);
	if (s->want != ERR_NONE)
		assert_memory_equal(&v, &was, sizeof(v));
	if (s->want != ERR_NONE)
		assert_int_equal(err_failinfo(s->want), FAIL_BADREQUEST);
}

static void
test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(settings); i++)
		check_setting(&settings[i]);
}

/* An account that the old one did not name is a name like others: the challenge
 * must vouch for it, as far as it lets anybody be one. */
static void
test_account(void **state)
{
	const struct conf_endpoint ep = { ALLOWED };
	const struct policy_old old = { .cert = old_cert, .sans = &old_sans };
	struct conf_profile	 p = profile;
	struct csr		 r = *same_names;
	struct policy_facts f = {
		.endpoint = &ep, .profile = &p, .old = &old, .csr = &r,
		.signer = &r.key, .ca = ca.cert, .now = NOW,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	(void)snprintf(r.asked.sid, sizeof(r.asked.sid),
	    "S-1-5-21-1-2-3-500");
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_null(v.plan.sid);
	p.sid = CONF_SID_ALLOW;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_err(&e, ERR_RENEWAL_NAMES, "500 is new", "19");
	f.renewal = true;
	f.challenge = MATCH;
	err_clear(&e);
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_err(&e, ERR_RENEWAL_NAMES, "500 is new", "17");
	f.renewal = false;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_false(v.renews);
	assert_string_equal(v.plan.sid, "S-1-5-21-1-2-3-500");
}

/* What is no renewal can still be an enrollment, if a challenge vouches. */
static void
test_enrolls(void **state)
{
	const struct conf_endpoint off = { .renew_allowed = false };
	const struct policy_old old = { .cert = old_cert, .sans = &old_sans };
	struct policy_facts f = {
		.endpoint = &off, .profile = &profile, .old = &old,
		.csr = same_names, .signer = &same_names->key,
		.challenge = MATCH, .ca = ca.cert, .now = NOW,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_false(v.renews);
	f.challenge = ABSENT;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_int_equal(e.reason, ERR_RENEWAL_OFF);
}

/* Names that are the same may be written in another way; the certificate has
 * the one that was granted, unless a validator wrote it. */
static void
test_spelling(void **state)
{
	const struct conf_endpoint on = { .renew_allowed = true };
	const struct policy_old old = { .cert = old_cert, .sans = &old_sans };
	struct csr *shouts = tool_csr(new_key, "/O=O/CN=X", "DNS:a,DNS:b",
	    NULL);
	struct policy_facts f = {
		.endpoint = &on, .profile = &profile, .old = &old,
		.csr = shouts, .signer = &old_cert->key, .ca = ca.cert,
		.now = NOW,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_true(v.renews);
	assert_false(bytes_eq(shouts->subject, old_cert->subject));
	assert_true(bytes_eq(v.plan.subject, old_cert->subject));
	f.subject_answered = true;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_true(v.renews);
	assert_true(bytes_eq(v.plan.subject, shouts->subject));
	csr_free(shouts);
}

/* What it grants, and whether of what is asked, if a validator wrote that. */
static void
assert_answered(struct policy_facts *f, const char *want)
{
	struct buf		 text = BUF_INIT(512);
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	f->subject_answered = true;
	assert_int_equal(policy_decide(f, &v, NULL, &e), 0);
	assert_int_equal(name_show(v.plan.subject, &text, &e), 0);
	assert_string_equal(buf_cstr(&text), want);
	assert_int_equal(v.made, strchr(f->profile->subject, '{') != NULL &&
	    strstr(f->profile->subject, "{challenge") == NULL);
	buf_wipe(&text);
}

/* Under a template and patterns, the old certificate has another name than its
 * request had: a renewal may ask by either. */
static void
test_template(void **state)
{
	static const struct {
		const char	*asked;
		const char	*template;
		const char	*pattern;	/* beside that of CN */
		enum err_reason	 want;
		const char	*answered;
	} asks[] = {
		{ "/CN=x", "/O=o/CN={CN}", "CN glob *", ERR_NONE,
		    "CN=x,O=o" },
		{ "/CN=X", "/O=O/CN={CN}", "CN glob X", ERR_NONE,
		    "CN=X,O=O" },
		{ "/CN=x", "/O=O/CN={challenge.user}", "CN glob *", ERR_NONE,
		    "CN=x,O=O" },
		{ "/O=o/CN=x", "/O=o/CN={CN}", "CN glob *", ERR_NONE,
		    "CN=x,O=o" },
		{ "/O=o/CN=x", "/O=new/CN={CN}", "CN glob *", ERR_NONE,
		    "CN=x,O=o" },
		{ "/O=p/CN=x", "/O=o/CN={CN}", "CN glob *",
		    ERR_SUBJECT_PATTERN, NULL },
		{ "/CN=y", "/O=o/CN={CN}", "CN glob *", ERR_RENEWAL_NAMES,
		    NULL },
		{ "/O=o/CN=x", "", "CN glob *", ERR_SUBJECT_PATTERN, NULL },
		{ "/O=o/CN=x", "", "O exact o", ERR_NONE, "CN=x,O=o" },
	};
	const struct conf_endpoint on = { .renew_allowed = true };
	const struct policy_old old = { .cert = old_cert, .sans = &old_sans };

	(void)state;
	for (size_t i = 0; i < N(asks); i++) {
		char			 file[] = "file", template[64];
		char			 cn[] = "CN exact x", second[64];
		char			 no_text[] = "";
		struct conf_profile	 p = profile;
		const struct conf	 c = {
			.file = file, .profiles = &p, .n_profiles = 1
		};
		struct csr		*r = tool_csr(new_key, asks[i].asked,
		    "DNS:a,DNS:b", NULL);
		struct policy_facts	 f = {
			.endpoint = &on, .profile = &p, .old = &old, .csr = r,
			.signer = &old_cert->key, .ca = ca.cert, .now = NOW,
		};
		struct policy_profiles	*made;
		struct policy_verdict	 v;
		struct err		 e = ERR_INIT;

		(void)snprintf(template, sizeof(template), "%s",
		    asks[i].template);
		(void)snprintf(second, sizeof(second), "%s", asks[i].pattern);
		p.subject = template;
		p.template_oid = no_text;
		p.subject_patterns = (struct conf_strings){
		    (char *[]){ cn, second, NULL }, 2 };
		assert_int_equal(policy_profiles_new(&c, &made, &e), 0);
		f.profiles = made;
		(void)policy_decide(&f, &v, NULL, &e);
		if (e.reason != asks[i].want)
			fail_msg("%s under %s: %s", asks[i].asked, template,
			    err_text(&e));
		if (e.reason == ERR_NONE)
			assert_answered(&f, asks[i].answered);
		policy_profiles_free(made);
		csr_free(r);
	}
}

/* Where the old one's profile is gone, too; what an operator approved was
 * decided under another. */
static void
test_gone(void **state)
{
	const struct conf_endpoint ep = { .renew_allowed = true };
	const struct policy_old old = { .cert = old_cert, .sans = &old_sans,
	    .gone = "guest" };
	struct policy_facts f = {
		.endpoint = &ep, .profile = &profile, .old = &old,
		.csr = same_names, .signer = &same_names->key,
		.challenge = MATCH, .ca = ca.cert, .now = NOW,
	};
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_false(v.renews);
	assert_true(v.spends);
	f.challenge = ABSENT;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_int_equal(e.reason, ERR_RENEWAL_PROFILE);
	assert_non_null(strstr(e.text, "guest"));
	err_clear(&e);
	f.approved = true;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_true(v.renews);
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

/* Beside a challenge the old one may sign for a new key of another name. One
 * that is stopped may not, and that is what is told, not that the key is another
 * one: nobody shall be advised to take any signer. */
static void
test_stands(void **state)
{
	static const struct {
		const char	*name;
		struct cert	**cert;
		bool		 revoked, successor, many, compromised, foreign;
		enum err_reason	 want;
	} v[] = {
		{ "in force", &old_cert, .want = ERR_NONE },
		{ "revoked", &old_cert, .revoked = true,
		    .want = ERR_RENEWAL_REVOKED },
		{ "successor", &old_cert, .successor = true,
		    .want = ERR_RENEWAL_SUCCESSOR },
		{ "too many", &old_cert, .many = true,
		    .want = ERR_RENEWAL_MANY },
		{ "compromised", &old_cert, .compromised = true,
		    .want = ERR_RENEWAL_COMPROMISED },
		{ "agent", &agent, .foreign = true,
		    .want = ERR_RENEWAL_AUTHORITY },
		{ "expired", &expired, .want = ERR_RENEWAL_EXPIRED },
		{ "future", &future, .want = ERR_RENEWAL_NOT_YET },
	};
	struct conf_endpoint	 ep = { ALLOWED, .renew_grace = DAY };
	struct policy_verdict	 verdict;

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		const struct policy_old old = {
			.cert = *v[i].cert, .sans = &old_sans,
			.revoked = v[i].revoked, .foreign = v[i].foreign,
			.successor_revoked = v[i].successor,
			.many_successors = v[i].many,
			.key_compromised = v[i].compromised,
		};
		const struct policy_facts f = {
			.endpoint = &ep, .profile = &profile, .old = &old,
			.csr = other_subject, .signer = &old_cert->key,
			.challenge = MATCH, .ca = ca.cert, .now = NOW,
		};
		struct err e = ERR_INIT;

		ep.signer_key = CONF_SIGNER_SAME;
		(void)policy_decide(&f, &verdict, NULL, &e);
		if (e.reason != v[i].want)
			fail_msg("%s: %s", v[i].name, err_slug(e.reason));
		ep.signer_key = CONF_SIGNER_ANY;
		err_clear(&e);
		assert_int_equal(policy_decide(&f, &verdict, NULL, &e), 0);
		assert_false(verdict.renews);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_signer),
		cmocka_unit_test(test_stands),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_enrolls),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
