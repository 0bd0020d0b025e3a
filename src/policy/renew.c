/*
 * Renewal: what an old certificate allows by itself, and when it does no more.
 * A table of rules, each with a reason of its own.
 */
#include <string.h>

#include "policy/decide.h"
#include "policy/policy_int.h"
#include "util/clock.h"

static int
rule_allowed(const struct policy_facts *f, struct err *e)
{
	if (f->endpoint->renew_allowed)
		return 0;
	err_set(e, ERR_RENEWAL_OFF, "renew.allowed = false");
	return -1;
}

static void
allowed_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "renew.allowed", f->endpoint->renew_allowed);
}

/* What another server issued to its own RA, or to whoever enrolls for others,
 * would have that say go on here; ours follow their profile. */
bool
policy_old_authority(const struct policy_facts *f)
{
	const struct cert *c = f->old->cert;
	bool is = c->is_ca || (f->old->foreign && cert_is_agent(c));
	size_t i;

	for (i = 0; i < f->n_authorities; i++)
		is |= memcmp(f->authorities[i]->key.identity,
		    c->key.identity, PKI_HASH) == 0;
	return is;
}

/* Whoever speaks for the CA or the RA is no device. */
static int
rule_authority(const struct policy_facts *f, struct err *e)
{
	const struct cert *old = f->old->cert;

	if (!policy_old_authority(f))
		return 0;
	err_set(e, ERR_RENEWAL_AUTHORITY, "it is %s", old->subject_text);
	return -1;
}

static void
authority_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say(s, "old_subject", f->old->cert->subject_text);
	policy_say_flag(s, "ca", f->old->cert->is_ca);
	policy_say_flag(s, "agent", cert_is_agent(f->old->cert));
}

static int
rule_revoked(const struct policy_facts *f, struct err *e)
{
	if (!f->old->revoked)
		return 0;
	err_set(e, ERR_RENEWAL_REVOKED, "the certificate that signs was "
	    "revoked or put on hold");
	return -1;
}

static void
revoked_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "revoked", f->old->revoked);
	policy_say_flag(s, "of_another_server", f->old->foreign);
}

/* An operator who revokes the newest means the device, which has the older ones
 * too. */
static int
rule_successor(const struct policy_facts *f, struct err *e)
{
	if (f->old->successor_revoked)
		err_set(e, ERR_RENEWAL_SUCCESSOR, "one that came of it by "
		    "renewal was revoked or put on hold");
	else if (f->old->many_successors)
		err_set(e, ERR_RENEWAL_MANY, "one of them may be revoked");
	else
		return 0;
	return -1;
}

static void
successor_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "successor_revoked", f->old->successor_revoked);
	policy_say_flag(s, "too_many_successors", f->old->many_successors);
}

static int
rule_compromised(const struct policy_facts *f, struct err *e)
{
	if (!f->old->key_compromised)
		return 0;
	err_set(e, ERR_RENEWAL_COMPROMISED, "a certificate of that key was "
	    "revoked for that");
	return -1;
}

static void
compromised_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_flag(s, "old_key_compromised", f->old->key_compromised);
}

/* What another server issued may be revoked there: it gets no day more than
 * that server gave it. */
static int64_t
grace(const struct policy_facts *f)
{
	return f->old->foreign ? 0 : f->endpoint->renew_grace;
}

static int
check_valid(const struct policy_facts *f, int64_t longer, struct err *e)
{
	const struct cert *old = f->old->cert;
	char when[CLOCK_TEXT_MAX];

	if (f->now < old->not_before) {
		clock_text(old->not_before, when);
		err_set(e, ERR_RENEWAL_NOT_YET, "it becomes valid at %s",
		    when);
		return -1;
	}
	if (f->now > old->not_after + longer) {
		clock_text(old->not_after, when);
		err_set(e, ERR_RENEWAL_EXPIRED, "it expired at %s", when);
		return -1;
	}
	return 0;
}

static int
rule_valid(const struct policy_facts *f, struct err *e)
{
	return check_valid(f, grace(f), e);
}

int
policy_old_stands(const struct policy_facts *f, struct err *e)
{
	if (rule_authority(f, e) == -1 || rule_revoked(f, e) == -1 ||
	    rule_successor(f, e) == -1 || rule_compromised(f, e) == -1)
		return -1;
	return check_valid(f, 0, e);
}

static void
valid_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_time(s, "now", f->now);
	policy_say_time(s, "not_before", f->old->cert->not_before);
	policy_say_time(s, "not_after", f->old->cert->not_after);
	policy_say_for(s, "renew.grace", grace(f));
}

static int
rule_superseded(const struct policy_facts *f, struct err *e)
{
	int64_t since = f->old->superseded_at;
	char when[CLOCK_TEXT_MAX];

	if (since == 0 || f->now - since < f->endpoint->renew_superseded)
		return 0;
	clock_text(since, when);
	err_set(e, ERR_RENEWAL_SUPERSEDED, "another took its place at %s",
	    when);
	return -1;
}

static void
superseded_inputs(const struct policy_facts *f, struct policy_step *s)
{
	if (f->old->superseded_at == 0)
		policy_say_flag(s, "superseded", false);
	else
		policy_say_time(s, "superseded", f->old->superseded_at);
	policy_say_for(s, "renew.superseded", f->endpoint->renew_superseded);
}

/* Of a short one most may lie before its issue, by the profile's backdate. */
static int64_t
life_of(const struct policy_old *old)
{
	return old->cert->not_after - (old->issued_at != 0 ? old->issued_at :
	    old->cert->not_before);
}

/* How long before its expiry it may be renewed; 0: from the start. */
static int64_t
window(const struct policy_facts *f)
{
	const struct conf_endpoint *ep = f->endpoint;
	int64_t share = life_of(f->old) / 100 * ep->renew_window_share;

	return share > ep->renew_window ? share : ep->renew_window;
}

static int
rule_window(const struct policy_facts *f, struct err *e)
{
	int64_t ahead = window(f);
	int64_t left = f->old->cert->not_after - f->now;
	char when[CLOCK_TEXT_MAX];

	if (ahead == 0 || left <= ahead)
		return 0;
	clock_text(f->old->cert->not_after - ahead, when);
	err_set(e, ERR_RENEWAL_EARLY, "it may be renewed from %s on",
	    when);
	return -1;
}

static void
window_inputs(const struct policy_facts *f, struct policy_step *s)
{
	int64_t ahead = window(f);

	policy_say_time(s, "now", f->now);
	policy_say_time(s, "not_after", f->old->cert->not_after);
	if (ahead == 0)
		policy_say(s, "window", "always");
	else
		policy_say_time(s, "from", f->old->cert->not_after - ahead);
}

/* The first of the request's names that the old certificate lacks; what the
 * profile drops is no name. */
static const struct san *
added(const struct policy_facts *f)
{
	const struct sans *sans = &f->csr->sans;
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (policy_takes_san(f->profile, &sans->v[i]) &&
		    !sans_has(f->old->sans, &sans->v[i]))
			return &sans->v[i];
	return NULL;
}

/* The first of the old certificate's that the request lacks. A validator may
 * take an account away, in whichever form it has it. */
static const struct san *
left_out(const struct policy_facts *f)
{
	const struct sans *sans = f->old->sans;
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (policy_takes_san(f->profile, &sans->v[i]) &&
		    !(f->sid_answered && sans->v[i].kind == SAN_SID) &&
		    !sans_has(&f->csr->sans, &sans->v[i]))
			return &sans->v[i];
	return NULL;
}

/* Whether the profile makes the old subject of the request's, as far as that
 * says it. */
static bool
fits_template(const struct policy_facts *f)
{
	struct buf der = BUF_INIT(POLICY_SUBJECT_MAX);
	struct err why = { .reason = ERR_NONE };
	bool fits = policy_subject_again(f, &der, &why) == 0 &&
	    cert_has_subject(f->old->cert, buf_bytes(&der));

	buf_wipe(&der);
	return fits;
}

/* A renewal makes no other account of it. */
static int
check_sid(const struct policy_facts *f, struct err *e)
{
	const char *sid = f->csr->asked.sid;
	char old[SID_TEXT];

	cert_sid(f->old->cert, old);
	if (!policy_takes_sid(f->profile, sid) || strcmp(sid, old) == 0)
		return 0;
	err_set(e, ERR_RENEWAL_NAMES, "%s is new", sid);
	return -1;
}

static int
rule_names(const struct policy_facts *f, struct err *e)
{
	bool subset = f->endpoint->renew_names == CONF_RENEW_NAMES_SUBSET &&
	    !f->old->foreign;
	const struct san *s;

	if (!cert_has_subject(f->old->cert, f->csr->subject) &&
	    !fits_template(f)) {
		err_set(e, ERR_RENEWAL_NAMES, "the subject was %s",
		    f->old->cert->subject_text);
		return -1;
	}
	if ((s = added(f)) != NULL) {
		err_set(e, ERR_RENEWAL_NAMES, "%s:%s is new",
		    san_kind_name(s->kind), s->text);
		return -1;
	}
	if (!subset && (s = left_out(f)) != NULL) {
		err_set(e, ERR_RENEWAL_NAMES, "%s:%s is left out",
		    san_kind_name(s->kind), s->text);
		return -1;
	}
	return check_sid(f, e);
}

static void
names_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_subject(f, s);
	policy_say(s, "old_subject", f->old->cert->subject_text);
	policy_say_sans(s, "san", &f->csr->sans);
	policy_say_sans(s, "old_san", f->old->sans);
	policy_say_sid(f, s);
	policy_say(s, "renew.names", f->endpoint->renew_names ==
	    CONF_RENEW_NAMES_SUBSET ? "subset" : "same");
}

static bool
keeps_key(const struct policy_facts *f)
{
	return memcmp(f->old->cert->key.identity, f->csr->key.identity,
	    PKI_HASH) == 0;
}

static int
rule_key(const struct policy_facts *f, struct err *e)
{
	int want = f->endpoint->renew_key;
	bool same = keeps_key(f);

	if (same && want == CONF_RENEW_KEY_NEW) {
		err_set(e, ERR_RENEWAL_KEY_OLD, "renew.key = \"new\", and it is "
		    "the old one");
		return -1;
	}
	if (!same && want == CONF_RENEW_KEY_SAME) {
		err_set(e, ERR_RENEWAL_KEY_NEW, "renew.key = \"same\", and it "
		    "is another");
		return -1;
	}
	return 0;
}

static void
key_inputs(const struct policy_facts *f, struct policy_step *s)
{
	static const char *const words[] = {
		[CONF_RENEW_KEY_ANY] = "any",
		[CONF_RENEW_KEY_NEW] = "new",
		[CONF_RENEW_KEY_SAME] = "same",
	};

	policy_say(s, "key", keeps_key(f) ? "same" : "new");
	policy_say(s, "renew.key", words[f->endpoint->renew_key]);
}

static int
rule_reuse(const struct policy_facts *f, struct err *e)
{
	if (f->endpoint->renew_key_reuse == 0 ||
	    f->old->key_uses < f->endpoint->renew_key_reuse)
		return 0;
	err_set(e, ERR_RENEWAL_KEY_REUSE, "%lld certificates in a row have it",
	    (long long)f->old->key_uses);
	return -1;
}

static void
reuse_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_int(s, "in_a_row", f->old->key_uses);
	policy_say_int(s, "renew.key_reuse", f->endpoint->renew_key_reuse);
}

static int
rule_challenge(const struct policy_facts *f, struct err *e)
{
	int want = f->endpoint->renew_challenge;

	if (want == CONF_RENEW_CHALLENGE_IGNORED ||
	    f->challenge == POLICY_CHALLENGE_MATCH ||
	    (want == CONF_RENEW_CHALLENGE_OPTIONAL &&
	    f->challenge == POLICY_CHALLENGE_ABSENT))
		return 0;
	if (f->challenge == POLICY_CHALLENGE_ABSENT)
		err_set(e, ERR_CHALLENGE_MISSING, "renew.challenge = "
		    "\"required\"");
	else
		err_set(e, ERR_CHALLENGE_WRONG, "of a renewal");
	return -1;
}

static void
challenge_inputs(const struct policy_facts *f, struct policy_step *s)
{
	static const char *const words[] = {
		[CONF_RENEW_CHALLENGE_IGNORED] = "ignored",
		[CONF_RENEW_CHALLENGE_OPTIONAL] = "optional",
		[CONF_RENEW_CHALLENGE_REQUIRED] = "required",
	};

	policy_say_challenge(f, s);
	policy_say(s, "renew.challenge", words[f->endpoint->renew_challenge]);
}

/* Another profile might say more than the one it was issued under: the answer
 * would change with nobody having decided so. */
int
policy_rule_profile(const struct policy_facts *f, struct err *e)
{
	if (f->old == NULL || f->enrolls || f->approved ||
	    f->old->gone == NULL || f->named != NULL || f->naming)
		return 0;
	err_set(e, ERR_RENEWAL_PROFILE, "%s, which it was issued under: "
	    "configure it again, or let the device enroll anew with a "
	    "challenge", f->old->gone);
	return -1;
}

void
policy_profile_inputs(const struct policy_facts *f, struct policy_step *s)
{
	if (f->profile->name != NULL)
		policy_say(s, "profile", f->profile->name);
	if (f->old != NULL && f->old->gone != NULL)
		policy_say(s, "gone", f->old->gone);
}

static const struct policy_rule rules[] = {
	{ "renewal.allowed",    rule_allowed,    allowed_inputs,    NULL },
	{ "renewal.authority",  rule_authority,  authority_inputs,  NULL },
	{ "renewal.revoked",    rule_revoked,    revoked_inputs,    NULL },
	{ "renewal.successor",  rule_successor,  successor_inputs,  NULL },
	{ "renewal.compromised", rule_compromised, compromised_inputs, NULL },
	{ "renewal.valid",      rule_valid,      valid_inputs,      NULL },
	{ "renewal.superseded", rule_superseded, superseded_inputs, NULL },
	{ "renewal.window",     rule_window,     window_inputs,     NULL },
	{ "renewal.names",      rule_names,      names_inputs,      NULL },
	{ "renewal.key",        rule_key,        key_inputs,        NULL },
	{ "renewal.reuse",      rule_reuse,      reuse_inputs,      NULL },
	{ "renewal.challenge",  rule_challenge,  challenge_inputs,  NULL },
};

/* What an operator approved was allowed, and in time, when it came: it does not
 * lose by having waited. What the old certificate lost since then counts, and
 * that the endpoint renews no more. */
static const struct policy_rule lasting[] = {
	{ "renewal.allowed",    rule_allowed,    allowed_inputs,    NULL },
	{ "renewal.authority",  rule_authority,  authority_inputs,  NULL },
	{ "renewal.revoked",    rule_revoked,    revoked_inputs,    NULL },
	{ "renewal.successor",  rule_successor,  successor_inputs,  NULL },
	{ "renewal.compromised", rule_compromised, compromised_inputs, NULL },
	{ "renewal.superseded", rule_superseded, superseded_inputs, NULL },
};

int
policy_renewal(const struct policy_facts *f, struct policy_trace *t,
    struct err *e)
{
	if (f->approved)
		return policy_run(lasting, sizeof(lasting) / sizeof(lasting[0]),
		    f, t, e);
	return policy_run(rules, sizeof(rules) / sizeof(rules[0]), f, t, e);
}

bool
policy_renews(const struct policy_facts *f)
{
	struct err why = { .reason = ERR_NONE };

	if (f->old == NULL || f->enrolls)
		return false;
	return f->approved || f->renewal ||
	    f->challenge != POLICY_CHALLENGE_MATCH ||
	    policy_renewal(f, NULL, &why) == 0;
}
