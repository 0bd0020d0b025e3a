/*
 * Who gets a certificate, asked of every combination of message, signer,
 * challenge and settings; and, of the most telling of them, with every kind of
 * facts that a subject is made of. What may be issued is a short list of its own
 * here, which knows no code of policy: all else must be refused.
 */
#include "pki_tool.h"

#include "policy/decide.h"

/* ---- what is combined ---- */

enum dim { TYPE, SIGNER, CHALLENGE, APPROVAL, RENEWAL, MODE, SIGNER_KEY, NAMES,
    KEY, FACTS, N_DIMS };

enum type { T_PKCSREQ, T_RENEWALREQ };

/* From VALID on it is the signer's certificate, as the service tells policy. */
enum signer { S_STRANGER, S_ELSEWHERE, S_VALID, S_VALID_HELD, S_EARLY, S_WORN,
    S_IN_GRACE, S_EXPIRED, S_NOT_YET, S_REVOKED, S_JUST_SUPERSEDED,
    S_SUPERSEDED, S_RA, S_CA, S_FOREIGN, S_FOREIGN_EXPIRED,
    S_VALID_NARROW, S_STOPPED, S_FOREIGN_STOPPED, S_LOST,
    S_VALID_GONE };

/* From GOOD on it matches, and from DISABLED on it allows nothing, or not
 * this. */
enum challenge { C_ABSENT, C_EMPTY, C_WRONG, C_GOOD, C_GOOD_LIMITED,
    C_GOOD_HELD, C_DISABLED, C_ELSEWHERE, C_NOT_YET, C_EXPIRED, C_SPENT,
    C_NO_PROFILE, C_SUBJECT, C_SAN, C_KEY_TYPE };

enum approval { A_AUTO, A_ENDPOINT, A_PROFILE, A_APPROVED };
enum renewal { R_ALLOWED, R_OFF };
enum mode { M_IGNORED, M_OPTIONAL, M_REQUIRED };
enum signer_key { K_SAME, K_ANY };
/* The old certificate's, and what renew.names takes of them. */
enum names { N_SAME, N_FEWER, N_SUBSET, N_MORE, N_OTHER, N_AUTHORITY };
/* That is asked for: the signer's own or a new one, which the endpoint may not
 * want in a renewal; the RA's; or one that was compromised. */
enum asked_key { P_OWN, P_OWN_UNWANTED, P_NEW, P_NEW_UNWANTED, P_TAKEN,
    P_LOST };

/* What makes the subject: the request's own; or a template takes a fact of the
 * challenge, or of a validator, which is there or not, is somebody else's, or is
 * nothing that may be certified. Of a validator that is yet to be asked, if
 * anybody is asked any more. */
enum facts { F_NONE, F_CHALLENGE, F_CHALLENGE_WIDE, F_CHALLENGE_LACKS,
    F_CHALLENGE_THEIRS, F_CHALLENGE_BEYOND, F_CHALLENGE_AUTHORITY,
    F_VALIDATOR, F_VALIDATOR_AWAITED, F_VALIDATOR_LACKS, F_VALIDATOR_THEIRS,
    F_VALIDATOR_BEYOND, F_VALIDATOR_AUTHORITY };

#define WORDS_MAX	21

static const struct {
	const char	*name;
	const char	*words[WORDS_MAX + 1];
} dims[N_DIMS] = {
	[TYPE] = { "type", { "PKCSReq", "RenewalReq" } },
	[SIGNER] = { "signer", { "stranger", "another endpoint's", "valid",
	    "valid, waits by its profile", "early", "worn", "in grace",
	    "expired", "not yet valid", "revoked", "just superseded",
	    "superseded", "RA's", "CA's", "foreign", "foreign, expired",
	    "valid, its profile takes no such key", "its successor is revoked",
	    "foreign, its successor is revoked", "its key is compromised",
	    "valid, its profile is gone" } },
	[CHALLENGE] = { "challenge", { "absent", "empty", "wrong", "good",
	    "good, in limits", "good, waits by its profile", "disabled",
	    "elsewhere", "not yet", "expired", "spent", "no profile",
	    "subject", "san", "key type" } },
	[APPROVAL] = { "approval", { "auto", "manual by endpoint",
	    "manual by profile", "approved" } },
	[RENEWAL] = { "renew.allowed", { "true", "false" } },
	[MODE] = { "renew.challenge", { "ignored", "optional", "required" } },
	[SIGNER_KEY] = { "signer_key", { "same", "any" } },
	[NAMES] = { "names", { "same", "fewer", "subset", "more", "other",
	    "authority's" } },
	[KEY] = { "key", { "own", "own, unwanted", "new", "new, unwanted",
	    "taken", "compromised" } },
	[FACTS] = { "facts", { "none", "of challenge",
	    "of challenge, beyond limits", "challenge has none",
	    "the validator's for the challenge's", "beyond the profile",
	    "an authority", "of validator", "validator is yet to be asked",
	    "validator has none", "the challenge's for the validator's",
	    "of validator, beyond the profile",
	    "of validator, an authority" } },
};

/* ---- what is allowed ---- */

#define B(x)	(1u << (x))

enum by {
	BY_NOTHING, BY_OPERATOR, BY_APPROVED, BY_RENEWAL, BY_CHALLENGE,
	BY_WAITING
};

#define NO_CHALLENGE	(B(C_ABSENT) | B(C_EMPTY))
#define GOOD		(B(C_GOOD) | B(C_GOOD_LIMITED) | B(C_GOOD_HELD))
#define MANUAL		(B(A_ENDPOINT) | B(A_PROFILE))
#define STRANGERS	(B(S_STRANGER) | B(S_ELSEWHERE))
#define RENEWS		(B(S_VALID) | B(S_VALID_HELD) | B(S_IN_GRACE) | \
			    B(S_JUST_SUPERSEDED))
/* In force, be it too early, too worn or superseded to renew by itself. */
#define IN_FORCE	(B(S_VALID) | B(S_VALID_HELD) | B(S_EARLY) | \
			    B(S_WORN) | B(S_JUST_SUPERSEDED) | \
			    B(S_SUPERSEDED) | B(S_FOREIGN) | \
			    B(S_VALID_NARROW) | B(S_VALID_GONE))
#define OWN		(B(P_OWN) | B(P_OWN_UNWANTED))
#define NEW		(B(P_NEW) | B(P_NEW_UNWANTED))
#define NO_AUTHORITY	(B(N_SAME) | B(N_FEWER) | B(N_SUBSET) | B(N_MORE) | \
			    B(N_OTHER))
/* Their own keys are certified, if a challenge vouches. */
#define OWN_KEY		(~(B(S_RA) | B(S_LOST)))
#define STOPPED		(B(S_REVOKED) | B(S_STOPPED) | \
			    B(S_FOREIGN_STOPPED) | B(S_LOST))

/* A renewal has its old subject, whatever facts there are... */
#define ANY_FACTS	(B(F_VALIDATOR_AUTHORITY + 1) - 1)
/* ... and where they make it, what the request asks for does not matter. */
#define MADE		(ANY_FACTS & ~B(F_NONE))
/* What a challenge vouches for, with what a validator says; what one of these
 * without limits does besides; and what a validator says alone. */
#define SAID		(B(F_NONE) | B(F_CHALLENGE) | B(F_VALIDATOR))
#define SAID_WIDE	B(F_CHALLENGE_WIDE)
#define SAID_TO_COME	B(F_VALIDATOR_AWAITED)
#define SAID_ALONE	(B(F_NONE) | B(F_VALIDATOR))
#define NO_LIMITS	(B(C_GOOD) | B(C_GOOD_HELD))

/* A renewal of each kind of names, with what renew.challenge says. */
#define RENEWAL_ROWS(signers, names, facts) \
	{ BY_RENEWAL, { [SIGNER] = (signers), [NAMES] = (names), \
	    [RENEWAL] = B(R_ALLOWED), [KEY] = B(P_OWN) | B(P_NEW), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [MODE] = B(M_IGNORED), \
	    [FACTS] = (facts) } }, \
	{ BY_RENEWAL, { [SIGNER] = (signers), [NAMES] = (names), \
	    [RENEWAL] = B(R_ALLOWED), [KEY] = B(P_OWN) | B(P_NEW), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [MODE] = B(M_OPTIONAL), \
	    [CHALLENGE] = NO_CHALLENGE | GOOD | B(C_SPENT), \
	    [FACTS] = (facts) } }, \
	{ BY_RENEWAL, { [SIGNER] = (signers), [NAMES] = (names), \
	    [RENEWAL] = B(R_ALLOWED), [KEY] = B(P_OWN) | B(P_NEW), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [MODE] = B(M_REQUIRED), \
	    [CHALLENGE] = GOOD, [FACTS] = (facts) } }

/* A challenge vouches for the signer's own key, whoever signs; for another where
 * the endpoint wants no more; or a certificate in force vouches for that one. */
#define CHALLENGE_ROWS(challenges, facts) \
	{ BY_CHALLENGE, { [TYPE] = B(T_PKCSREQ), [CHALLENGE] = (challenges), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [SIGNER] = OWN_KEY, \
	    [NAMES] = NO_AUTHORITY, [KEY] = OWN, [FACTS] = (facts) } }, \
	{ BY_CHALLENGE, { [TYPE] = B(T_PKCSREQ), [CHALLENGE] = (challenges), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [SIGNER_KEY] = B(K_ANY), \
	    [NAMES] = NO_AUTHORITY, [KEY] = NEW, [FACTS] = (facts) } }, \
	{ BY_CHALLENGE, { [TYPE] = B(T_PKCSREQ), [CHALLENGE] = (challenges), \
	    [APPROVAL] = B(A_AUTO) | MANUAL, [SIGNER] = IN_FORCE, \
	    [NAMES] = NO_AUTHORITY, [KEY] = NEW, [FACTS] = (facts) } }

/* The first that fits counts; 0: any, but of facts, which are named. */
static const struct row {
	enum by		 by;
	unsigned	 of[N_DIMS];
} allowed[] = {
	/* An operator has seen it; no authority's name or key all the same, and
	 * no renewal of what was revoked or superseded since, itself or what came
	 * of it, or where nothing renews any more. The facts are those that it was
	 * held with. */
	{ BY_OPERATOR, { [APPROVAL] = B(A_APPROVED), [SIGNER] = STRANGERS,
	    [NAMES] = NO_AUTHORITY, [KEY] = OWN | NEW,
	    [FACTS] = SAID | SAID_WIDE } },
	{ BY_APPROVED, { [APPROVAL] = B(A_APPROVED), [SIGNER] = ~(STRANGERS |
	    B(S_RA) | B(S_CA) | STOPPED | B(S_SUPERSEDED)),
	    [RENEWAL] = B(R_ALLOWED), [NAMES] = NO_AUTHORITY,
	    [KEY] = OWN | NEW, [FACTS] = ANY_FACTS } },

	RENEWAL_ROWS(RENEWS | B(S_FOREIGN), B(N_SAME), ANY_FACTS),
	RENEWAL_ROWS(RENEWS, B(N_SUBSET), ANY_FACTS),
	RENEWAL_ROWS(RENEWS | B(S_FOREIGN), B(N_OTHER), MADE),

	CHALLENGE_ROWS(GOOD, SAID | SAID_TO_COME),
	CHALLENGE_ROWS(NO_LIMITS, SAID_WIDE),

	/* Nobody vouches, and an operator will look at it. What a challenge is
	 * said to say is no fact then. */
	{ BY_WAITING, { [TYPE] = B(T_PKCSREQ), [CHALLENGE] = NO_CHALLENGE,
	    [APPROVAL] = MANUAL, [SIGNER] = STRANGERS,
	    [NAMES] = NO_AUTHORITY, [KEY] = OWN,
	    [FACTS] = SAID_ALONE | SAID_TO_COME } },
	{ BY_WAITING, { [TYPE] = B(T_PKCSREQ), [CHALLENGE] = NO_CHALLENGE,
	    [APPROVAL] = MANUAL, [SIGNER] = STRANGERS,
	    [SIGNER_KEY] = B(K_ANY), [NAMES] = NO_AUTHORITY,
	    [KEY] = NEW, [FACTS] = SAID_ALONE | SAID_TO_COME } },
};

/* Of these, what waits for an operator: manual by the endpoint, or by the
 * profile that counts. */
static const struct row held[] = {
	{ BY_RENEWAL, { [APPROVAL] = B(A_ENDPOINT) } },
	{ BY_RENEWAL, { [APPROVAL] = B(A_PROFILE),
	    [SIGNER] = ~B(S_VALID_HELD) } },
	{ BY_RENEWAL, { [SIGNER] = B(S_VALID_HELD) } },
	{ BY_CHALLENGE, { [APPROVAL] = MANUAL } },
	{ BY_CHALLENGE, { [CHALLENGE] = B(C_GOOD_HELD) } },
	{ BY_WAITING, { [APPROVAL] = MANUAL } },
};

static bool
fits(const struct row *r, const int *at)
{
	int	 d;

	for (d = 0; d < N_DIMS; d++)
		if (r->of[d] != 0 && (r->of[d] & B(at[d])) == 0)
			return false;
	return true;
}

static size_t	 hits[N(allowed)];

static enum by
oracle(const int *at)
{
	for (size_t i = 0; i < N(allowed); i++)
		if (fits(&allowed[i], at)) {
			hits[i]++;
			return allowed[i].by;
		}
	return BY_NOTHING;
}

static bool
oracle_holds(enum by by, const int *at)
{
	for (size_t i = 0; i < N(held); i++)
		if (held[i].by == by && fits(&held[i], at))
			return true;
	return false;
}

/* ---- facts of a combination ---- */

#define GRACE		60
#define SUPERSEDED	60
#define REUSE		3

static struct who	 ca;
static struct key	*device_key, *new_key, *ra_key;
static struct csr	*requests[N_AUTHORITY + 1], *by_new, *by_ra;
static struct cert	*valid, *early, *in_grace, *expired, *not_yet;
static struct cert	*of_ra, *of_ca, *ra, *namesake;
static struct sans	 old_sans;
static struct policy_limits limits[C_KEY_TYPE + 1];

static char	 w_rsa[] = "rsa", w_ec[] = "ec", w_dns[] = "dns",
    p_cn[] = "CN glob ?", p_rz[] = "CN exact rz",
    p_o[] = "O exact o", p_nobody[] = "CN exact nobody",
    p_dns[] = "dns glob *", p_nowhere[] = "dns exact nowhere";
static char	*none[] = { NULL }, *dns[] = { w_dns, NULL },
    *rsa[] = { w_rsa, NULL }, *ec[] = { w_ec, NULL };

/* What facts may make of r: rz, whatever limits there are; rzz, where the challenge
 * has none; ra, if that were not an authority; and r, if nothing were something.
 * The requests' names are x and y. */
static char	 p_rzz[] = "CN exact rzz", p_ra[] = "CN exact ra";
static char	*made_patterns[] = { p_o, p_cn, p_rz, p_rzz, p_ra, NULL };

/* The endpoint's, the challenge's, the old certificate's; without a template, and
 * with each. */
enum profile { AT_ONCE, WAITS, ITS, OLDS, NARROW, N_PROFILES };
enum template { NO_TEMPLATE, OF_CHALLENGE, OF_VALIDATOR, N_TEMPLATES };

static char	 no_text[] = "", of_challenge[] = "/O=o/CN=r{challenge.user}",
    of_validator[] = "/O=o/CN=r{validator.user}";
static struct conf_profile	 profiles[N_TEMPLATES * N_PROFILES];
static struct policy_profiles	*made;

static const struct {
	enum template	 template;
	const char	*facts;		/* NULL: there are none */
	bool		 asking;
	const char	*subject;	/* that is granted; NULL: none */
} said[] = {
	[F_NONE] = { NO_TEMPLATE, NULL, false, NULL },
	[F_CHALLENGE] = { OF_CHALLENGE, "challenge.user=z\n"
	    "validator.user=mallory\n", false, "/O=o/CN=rz" },
	[F_CHALLENGE_WIDE] = { OF_CHALLENGE, "challenge.user=zz\n", false,
	    "/O=o/CN=rzz" },
	[F_CHALLENGE_LACKS] = { OF_CHALLENGE, NULL, false, NULL },
	[F_CHALLENGE_THEIRS] = { OF_CHALLENGE, "validator.user=z\n", false,
	    NULL },
	[F_CHALLENGE_BEYOND] = { OF_CHALLENGE, "challenge.user=mallory\n",
	    false, NULL },
	[F_CHALLENGE_AUTHORITY] = { OF_CHALLENGE, "challenge.user=a\n",
	    false, NULL },
	[F_VALIDATOR] = { OF_VALIDATOR, "challenge.user=mallory\n"
	    "validator.user=z\n", false, "/O=o/CN=rz" },
	[F_VALIDATOR_AWAITED] = { OF_VALIDATOR, "challenge.user=z\n", true,
	    NULL },
	[F_VALIDATOR_LACKS] = { OF_VALIDATOR, NULL, false, NULL },
	[F_VALIDATOR_THEIRS] = { OF_VALIDATOR, "challenge.user=z\n", false,
	    NULL },
	[F_VALIDATOR_BEYOND] = { OF_VALIDATOR, "validator.user=mallory\n",
	    false, NULL },
	[F_VALIDATOR_AUTHORITY] = { OF_VALIDATOR, "validator.user=a\n",
	    false, NULL },
};
static struct buf	 made_names[N(said)];	/* DER of those subjects */

static const struct conf_profile *
profile(enum profile which, const int *at)
{
	return &profiles[said[at[FACTS]].template * N_PROFILES + which];
}

static void
make_profiles(void)
{
	static char	*const texts[] = {
		[NO_TEMPLATE] = no_text, [OF_CHALLENGE] = of_challenge,
		[OF_VALIDATOR] = of_validator
	};
	static char		 file[] = "file";
	const struct conf	 c = {
		.file = file, .profiles = profiles, .n_profiles = N(profiles)
	};
	struct err		 e = ERR_INIT;

	for (size_t i = 0; i < N(profiles); i++) {
		const size_t	 which = i % N_PROFILES;
		const bool	 plain = i < N_PROFILES;

		profiles[i] = (struct conf_profile){
			.approval = which == AT_ONCE || which == NARROW ?
			    CONF_APPROVAL_AUTO : CONF_APPROVAL_MANUAL,
			.validity = DAY, .rsa_min = which == NARROW ? 4096 :
			    2048, .rsa_max = 4096, .key_types = { rsa, 1 },
			.san = { dns, 1 }, .eku = { none, 0 },
			.subject_patterns = { plain ? none : made_patterns,
			    plain ? 0 : N(made_patterns) - 1 },
			.crl_urls = { none, 0 }, .ca_issuers_urls = { none, 0 },
			.ocsp_urls = { none, 0 }, .template_oid = no_text,
			.subject = texts[i / N_PROFILES],
		};
	}
	assert_int_equal(policy_profiles_new(&c, &made, &e), 0);
	for (size_t i = 0; i < N(said); i++) {
		buf_init(&made_names[i], 64);
		if (said[i].subject != NULL)
			assert_int_equal(name_make(said[i].subject,
			    &made_names[i], &e), 0);
	}
}

/* With the names of a request, whatever it is. */
static struct cert *
named(const struct csr *r, const struct key *k, int64_t from, int64_t to,
    bool is_ca)
{
	struct bytes	 sans[2] = { r->sans.v[0].der, r->sans.v[1].der };
	struct cert_plan plan = {
		.serial = LIT("\x41\x02"), .subject = r->subject,
		.spki = key_spki(k), .not_before = from, .not_after = to,
		.ca = is_ca, .ku = is_ca ? KU_CA : KU_RA, .sans = sans,
		.n_sans = N(sans),
	};
	struct err	 e = ERR_INIT;
	struct cert	*c;

	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &c, &e), 0);
	return c;
}

static struct cert *
device(const struct key *k, int64_t from, int64_t to, bool is_ca)
{
	return named(requests[N_SAME], k, from, to, is_ca);
}

static void
make_limits(void)
{
	char	*subject[] = { p_o, p_cn, p_rz, NULL }, *any_dns[] = { p_dns, NULL },
	    *nobody[] = { p_nobody, NULL }, *nowhere[] = { p_nowhere, NULL };
	struct err e = ERR_INIT;

	limits[C_GOOD_LIMITED] = (struct policy_limits){
		.uses = 3, .not_before = NOW, .expires = NOW + 1
	};
	limits[C_DISABLED].disabled = true;
	limits[C_ELSEWHERE].elsewhere = true;
	limits[C_NOT_YET].not_before = NOW + 1;
	limits[C_EXPIRED].expires = NOW;
	limits[C_SPENT].uses = 2;
	limits[C_NO_PROFILE].unknown_profile = true;
	assert_int_equal(policy_limits_read(&(struct policy_written){ subject,
	    any_dns, rsa, none }, &limits[C_GOOD_LIMITED], &e), 0);
	assert_int_equal(policy_limits_read(&(struct policy_written){ nobody,
	    none, none, none }, &limits[C_SUBJECT], &e), 0);
	assert_int_equal(policy_limits_read(&(struct policy_written){ none,
	    nowhere, none, none }, &limits[C_SAN], &e), 0);
	assert_int_equal(policy_limits_read(&(struct policy_written){ none,
	    none, ec, none }, &limits[C_KEY_TYPE], &e), 0);
}

static void
make_requests(void)
{
	static const struct { const char *subject, *sans; } rows[] = {
		[N_SAME] = { "/O=o/CN=x", "DNS:a,DNS:b" },
		[N_FEWER] = { "/O=o/CN=x", "DNS:a" },
		[N_SUBSET] = { "/O=o/CN=x", "DNS:a" },
		[N_MORE] = { "/O=o/CN=x", "DNS:a,DNS:b,DNS:c" },
		[N_OTHER] = { "/O=o/CN=y", "DNS:a,DNS:b" },
		[N_AUTHORITY] = { "/O=o/CN=ra", "DNS:a,DNS:b" },
	};

	for (size_t i = 0; i < N(rows); i++)
		requests[i] = tool_csr(device_key, rows[i].subject,
		    rows[i].sans, NULL);
	by_new = tool_csr(new_key, "/CN=x", NULL, NULL);
	by_ra = tool_csr(ra_key, "/CN=x", NULL, NULL);
}

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	device_key = tool_key("rsa:2048");
	new_key = tool_key("rsa:2048");
	ra_key = tool_key("rsa:2048");
	ra = tool_cert(&(struct order){ .name = "/O=o/CN=ra", .key = ra_key,
	    .issuer = &ca, .ku = KU_RA });
	make_requests();
	make_limits();
	make_profiles();
	valid = device(device_key, NOW - DAY, NOW + DAY, false);
	early = device(device_key, NOW - DAY, NOW + DAY + 1, false);
	in_grace = device(device_key, NOW - DAY, NOW - GRACE, false);
	expired = device(device_key, NOW - DAY, NOW - GRACE - 1, false);
	not_yet = device(device_key, NOW + 1, NOW + DAY, false);
	of_ra = device(ra_key, NOW - DAY, NOW + DAY, false);
	of_ca = device(device_key, NOW - DAY, NOW + DAY, true);
	namesake = named(requests[N_AUTHORITY], device_key, NOW - DAY,
	    NOW + DAY, false);
	assert_int_equal(cert_sans(valid, &old_sans, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	struct cert	*certs[] = { valid, early, in_grace, expired, not_yet,
	    of_ra, of_ca, ra, namesake };

	(void)state;
	who_free(&ca);
	key_free(device_key);
	key_free(new_key);
	key_free(ra_key);
	for (size_t i = 0; i < N(requests); i++)
		csr_free(requests[i]);
	csr_free(by_new);
	csr_free(by_ra);
	for (size_t i = 0; i < N(certs); i++)
		cert_free(certs[i]);
	for (size_t i = 0; i < N(limits); i++)
		policy_limits_clear(&limits[i]);
	policy_profiles_free(made);
	for (size_t i = 0; i < N(made_names); i++)
		buf_wipe(&made_names[i]);
	sans_free(&old_sans);
	return 0;
}

static struct cert *
signer_cert(const int *at)
{
	switch (at[SIGNER]) {
	case S_EARLY:
		return early;
	case S_IN_GRACE:
	case S_FOREIGN_EXPIRED:
		return in_grace;
	case S_EXPIRED:
		return expired;
	case S_NOT_YET:
		return not_yet;
	case S_RA:
		return of_ra;
	case S_CA:
		return of_ca;
	default:
		/* That it had the name before the authority does not help. */
		return at[NAMES] == N_AUTHORITY ? namesake : valid;
	}
}

static struct policy_old
old_of(const int *at)
{
	int	 signer = at[SIGNER];

	return (struct policy_old){
		.cert = signer_cert(at), .sans = &old_sans,
		.revoked = signer == S_REVOKED,
		.successor_revoked = signer == S_STOPPED ||
		    signer == S_FOREIGN_STOPPED,
		.key_compromised = signer == S_LOST,
		.profile = signer == S_VALID_HELD ? profile(OLDS, at) :
		    signer == S_VALID_NARROW ? profile(NARROW, at) : NULL,
		.gone = signer == S_VALID_GONE ? "gone" : NULL,
		.foreign = signer == S_FOREIGN ||
		    signer == S_FOREIGN_EXPIRED ||
		    signer == S_FOREIGN_STOPPED,
		.superseded_at = signer == S_SUPERSEDED ? NOW - SUPERSEDED :
		    signer == S_JUST_SUPERSEDED ? NOW - SUPERSEDED + 1 : 0,
		.key_uses = signer == S_WORN ? REUSE : REUSE - 1,
	};
}

static struct conf_endpoint
endpoint_of(const int *at)
{
	static const enum conf_renew_challenge modes[] = {
		CONF_RENEW_CHALLENGE_IGNORED, CONF_RENEW_CHALLENGE_OPTIONAL,
		CONF_RENEW_CHALLENGE_REQUIRED
	};

	return (struct conf_endpoint){
		.approval = at[APPROVAL] == A_ENDPOINT ||
		    at[APPROVAL] == A_APPROVED ?
		    CONF_APPROVAL_MANUAL : CONF_APPROVAL_AUTO,
		.renew_allowed = at[RENEWAL] == R_ALLOWED,
		.renew_challenge = modes[at[MODE]],
		.signer_key = at[SIGNER_KEY] == K_ANY ? CONF_SIGNER_ANY :
		    CONF_SIGNER_SAME,
		.renew_names = at[NAMES] == N_SAME || at[NAMES] == N_FEWER ?
		    CONF_RENEW_NAMES_SAME : CONF_RENEW_NAMES_SUBSET,
		.renew_key = at[KEY] == P_OWN_UNWANTED ? CONF_RENEW_KEY_NEW :
		    at[KEY] == P_NEW_UNWANTED ? CONF_RENEW_KEY_SAME :
		    CONF_RENEW_KEY_ANY,
		.renew_window = DAY, .renew_grace = GRACE,
		.renew_superseded = SUPERSEDED, .renew_key_reuse = REUSE,
	};
}

static const struct pubkey *
key_of(int key, const struct pubkey *signer)
{
	if (key == P_TAKEN)
		return &by_ra->key;
	return key == P_OWN || key == P_OWN_UNWANTED ? signer : &by_new->key;
}

static bool
is_lost(const int *at)
{
	return at[KEY] == P_LOST || (at[SIGNER] == S_LOST &&
	    (at[KEY] == P_OWN || at[KEY] == P_OWN_UNWANTED));
}

static struct csr
csr_of(const int *at, const struct pubkey *signer)
{
	struct csr	 r = *requests[at[NAMES]];

	r.key = *key_of(at[KEY], signer);
	r.challenge.n = at[CHALLENGE] == C_ABSENT ||
	    at[CHALLENGE] == C_EMPTY ? 0 : 16;
	return r;
}

static enum policy_challenge
challenge_of(int challenge)
{
	if (challenge >= C_GOOD)
		return POLICY_CHALLENGE_MATCH;
	return challenge == C_WRONG ? POLICY_CHALLENGE_WRONG :
	    POLICY_CHALLENGE_ABSENT;
}

/* That counts: the endpoint's, unless who vouches has one. */
static const struct conf_profile *
profile_of(enum by by, const int *at)
{
	if (by == BY_RENEWAL && at[SIGNER] == S_VALID_HELD)
		return profile(OLDS, at);
	if (by == BY_CHALLENGE && at[CHALLENGE] == C_GOOD_HELD)
		return profile(ITS, at);
	return profile(at[APPROVAL] == A_PROFILE ? WAITS : AT_ONCE, at);
}

/* What a challenge that matches allows. */
static struct policy_limits
limits_of(const int *at)
{
	struct policy_limits	 l = limits[at[CHALLENGE]];

	if (at[CHALLENGE] == C_GOOD_HELD)
		l.profile = profile(ITS, at);
	return l;
}

/* What policy says to it, and how it came to that. */
static struct policy_trace	 trace;

static int
ask(const int *at, struct policy_verdict *v, struct err *e)
{
	const struct cert *const authorities[] = { ca.cert, ra };
	const struct conf_endpoint ep = endpoint_of(at);
	const struct policy_old	 old = old_of(at);
	const struct pubkey	*signer = &old.cert->key;
	const struct csr	 r = csr_of(at, signer);
	const struct policy_limits l = limits_of(at);
	const struct policy_facts f = {
		.endpoint = &ep,
		.profile = profile_of(BY_NOTHING, at),
		.profiles = made,
		.facts = said[at[FACTS]].facts,
		/* What an operator approved was asked about before. */
		.asking = said[at[FACTS]].asking &&
		    at[APPROVAL] != A_APPROVED,
		.renewal = at[TYPE] == T_RENEWALREQ,
		.old = at[SIGNER] >= S_VALID ? &old : NULL,
		.approved = at[APPROVAL] == A_APPROVED, .csr = &r,
		.key_compromised = is_lost(at),
		.signer = signer, .challenge = challenge_of(at[CHALLENGE]),
		.limits = at[CHALLENGE] > C_GOOD ? &l : NULL,
		.used = 2, .ca = ca.cert, .authorities = authorities,
		.n_authorities = N(authorities), .now = NOW,
	};

	return policy_decide(&f, v, &trace, e);
}

/* ---- the comparison ---- */

#define TOLD	10		/* so many differences are enough */

static void
tell(const int *at, enum by by, const char *what)
{
	static const char *const words[] = { "refuse", "approved",
	    "approved renewal", "renewal", "challenge", "hold" };
	int	 d;

	print_error("allowed: %s, policy: %s:", words[by], what);
	for (d = 0; d < N_DIMS; d++)
		print_error(" %s=\"%s\"", dims[d].name, dims[d].words[at[d]]);
	print_error("\n");
}

/* Whether the trace ends with what was decided. */
static bool
is_traced(const struct err *e)
{
	return trace.n > 0 && !trace.cut &&
	    trace.v[trace.n - 1].reason == e->reason;
}

static bool
renews(enum by by)
{
	return by == BY_RENEWAL || by == BY_APPROVED;
}

/* The old one; what the facts make; or what is asked for. Of a fact that is yet
 * to come, none. */
static bool
has_subject(enum by by, const int *at, const struct policy_verdict *v)
{
	struct bytes	 want = requests[at[NAMES]]->subject;

	if (v->awaits != (!renews(by) && at[FACTS] == F_VALIDATOR_AWAITED))
		return false;
	if (v->awaits)
		return true;
	if (renews(by))
		want = signer_cert(at)->subject;
	else if (at[FACTS] != F_NONE)
		want = buf_bytes(&made_names[at[FACTS]]);
	return bytes_eq(v->plan.subject, want);
}

/* What differs, or NULL. */
static const char *
differs(enum by by, const int *at, int rc, const struct policy_verdict *v,
    const struct err *e)
{
	if (!is_traced(e))
		return "another trace";
	if (by == BY_NOTHING)
		return rc == 0 ? v->hold ? "hold" : "issue" :
		    e->reason == ERR_NONE ? "no reason" : NULL;
	if (rc != 0)
		return err_slug(e->reason);
	if (v->hold != oracle_holds(by, at))
		return v->hold ? "hold" : "issue at once";
	if (!has_subject(by, at, v))
		return v->awaits ? "awaits a fact" : "another subject";
	if (v->renews != renews(by))
		return v->renews ? "a renewal" : "no renewal";
	if (v->spends != (by == BY_CHALLENGE || (by == BY_RENEWAL &&
	    at[MODE] == M_REQUIRED)))
		return v->spends ? "spends a use" : "spends none";
	return v->profile == profile_of(by, at) ? NULL : "another profile";
}

struct totals { size_t all, issue, hold, wrong; };

static void
compare(const int *at, struct totals *t)
{
	static struct policy_verdict v;
	struct err	 e = ERR_INIT;
	int		 rc = ask(at, &v, &e);
	enum by		 by = oracle(at);
	bool		 holds = oracle_holds(by, at);
	const char	*what = differs(by, at, rc, &v, &e);

	t->all++;
	t->hold += holds;
	t->issue += by != BY_NOTHING && !holds;
	if (what != NULL) {
		t->wrong++;
		tell(at, by, what);
	}
}

/* Of each dimension the words that are combined; 0: all. */
static bool
takes(const unsigned *of, const int *at, int d)
{
	return of[d] == 0 || (of[d] & B(at[d])) != 0;
}

/* Counts at[] up; false: that was the last. */
static bool
next(const unsigned *of, int *at)
{
	int	 d;

	for (d = 0; d < N_DIMS; d++) {
		while (dims[d].words[++at[d]] != NULL)
			if (takes(of, at, d))
				return true;
		for (at[d] = 0; !takes(of, at, d); at[d]++)
			continue;
	}
	return false;
}

static void
combine(const unsigned *of)
{
	int		 at[N_DIMS] = { 0 };
	struct totals	 t = { 0 };
	int		 d;

	for (d = 0; d < N_DIMS; d++)
		while (!takes(of, at, d))
			at[d]++;
	do
		compare(at, &t);
	while (t.wrong < TOLD && next(of, at));
	print_message("%zu combinations: %zu issued, %zu held, %zu refused\n",
	    t.all, t.issue, t.hold, t.all - t.issue - t.hold);
	if (t.wrong > 0)
		fail_msg("%zu of the first %zu combinations differ", t.wrong,
		    t.all);
}

static void
test_all(void **state)
{
	static const unsigned	 of[N_DIMS] = { [FACTS] = B(F_NONE) };

	(void)state;
	combine(of);
}

/* Of what has nothing to do with facts, one of each kind. */
static void
test_facts(void **state)
{
	static const unsigned	 of[N_DIMS] = {
		[SIGNER] = B(S_STRANGER) | B(S_VALID) | B(S_VALID_HELD) |
		    B(S_EARLY) | B(S_FOREIGN) | B(S_STOPPED),
		[CHALLENGE] = B(C_ABSENT) | B(C_WRONG) | GOOD | B(C_SUBJECT),
		[NAMES] = B(N_SAME) | B(N_SUBSET) | B(N_OTHER) |
		    B(N_AUTHORITY),
		[KEY] = B(P_OWN) | B(P_NEW),
		[FACTS] = MADE,
	};

	(void)state;
	combine(of);
}

/* Of the two before. */
static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(allowed); i++)
		if (hits[i] == 0)
			fail_msg("row %zu allows nothing", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
