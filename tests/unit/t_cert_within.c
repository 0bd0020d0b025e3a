#include "pki_tool.h"

static struct who	 ca;
static struct key	*key;
static struct buf	 subject = BUF_INIT(512), other = BUF_INIT(512),
    capitals = BUF_INIT(512);

static int
setup(void **state)
{
	struct err	 e = ERR_INIT;

	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	key = tool_key("ec:p256");
	assert_int_equal(name_make("/O=Example/CN=x", &subject, &e), 0);
	assert_int_equal(name_make("/O=EXAMPLE/CN=X", &capitals, &e), 0);
	assert_int_equal(name_make("/CN=x", &other, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(key);
	buf_wipe(&subject);
	buf_wipe(&other);
	buf_wipe(&capitals);
	return 0;
}

static char	 client[] = "clientAuth", client_oid[] = "1.3.6.1.5.5.7.3.2",
    server[] = "serverAuth", any[] = "2.5.29.37.0", url[] = "http://a/crl",
    url2[] = "http://b/crl";
static char *const	 by_name[] = { client, NULL };
static char *const	 by_oid[] = { client_oid, NULL };
static char *const	 both[] = { client, server, NULL };
static char *const	 reversed[] = { server, client, NULL };
static char *const	 anything[] = { any, NULL };
static char *const	 none[] = { NULL };
static char *const	 urls[] = { url, NULL };
static char *const	 urls2[] = { url2, NULL };

#define NAME(s)	{ (const uint8_t *)(s), sizeof(s) - 1 }
static const struct bytes a_and_b[] = { NAME("\x82\x01" "a"),
    NAME("\x82\x01" "b") };
static const struct bytes b_and_a[] = { NAME("\x82\x01" "b"),
    NAME("\x82\x01" "a") };
static const struct bytes capital[] = { NAME("\x82\x01" "A") };
static const struct bytes email[] = { NAME("\x81\x01" "a") };

#define NUL	NAME("\x05\x00")
#define FALSE	NAME("\x01\x01\x00")
static const struct cert_extra extra[] = { { "1.2.3.4", false, NUL } };
static const struct cert_extra critical[] = { { "1.2.3.4", true, NUL } };
static const struct cert_extra changed[] = { { "1.2.3.4", false, FALSE } };
static const struct cert_extra policies[] = { { "2.5.29.32", false, NUL } };
static const struct cert_extra policies2[] = { { "2.5.29.32", false,
    FALSE } };
static const struct cert_extra constraints[] = { { "2.5.29.30", true,
    NAME("\x30\x07\xa0\x05\x30\x03\x82\x01" "a") } };
static const struct cert_extra malformed[] = { { "2.5.29.30", true, NUL } };
static const struct cert_extra template_v1[] = {
    { "1.3.6.1.4.1.311.20.2", false, NUL } };

#define SUBJECT(p, name)	((p)->subject = buf_bytes(&(name)))
#define SANS(p, names, number)	((p)->sans = (names), (p)->n_sans = (number))
#define EXTRAS(p, list)		((p)->extras = (list), (p)->n_extras = 1)
#define SID	"S-1-5-21-1-2-3-4"
#define TEMPLATE	"1.3.6.1.4.1.311.21.8.1"

/* What the plan has, and what the other CA made of it: both begin as a device's
 * ordinary certificate. */
#define CASE(name, what)						\
static void								\
name(struct cert_plan *plan, struct cert_plan *made)			\
{									\
	(void)plan;							\
	(void)made;							\
	what;								\
}

CASE(as_planned, (void)0)
CASE(everything, SANS(plan, a_and_b, 2); SANS(made, b_and_a, 2);
    plan->eku = both; made->eku = reversed;
    plan->sid = made->sid = SID;
    plan->template_oid = made->template_oid = TEMPLATE;
    plan->crl_urls = made->crl_urls = urls;
    EXTRAS(plan, extra); EXTRAS(made, extra))
CASE(bare, plan->ku = made->ku = 0; plan->eku = made->eku = none)
CASE(no_lists, plan->eku = made->eku = NULL)
CASE(other_subject, SUBJECT(made, other))
CASE(other_case, SUBJECT(made, capitals))
CASE(ca_subject, made->subject = plan->subject = ca.cert->subject)
CASE(no_subject, made->subject = bytes_make("\x30\x00", 2))
CASE(name_too_much, SANS(made, a_and_b, 2); SANS(plan, a_and_b, 1))
CASE(name_unplanned, SANS(made, a_and_b, 1))
CASE(name_missing, SANS(made, a_and_b, 1); SANS(plan, a_and_b, 2))
CASE(names_missing, SANS(plan, a_and_b, 2))
CASE(name_capital, SANS(made, capital, 1); SANS(plan, a_and_b, 1))
CASE(name_kind, SANS(made, email, 1); SANS(plan, a_and_b, 1))
CASE(shorter, made->not_before += 3600; made->not_after -= DAY)
CASE(skewed, made->not_before -= DAY; made->not_after += 600)
CASE(early, made->not_before -= DAY + 1)
CASE(late, made->not_after += 601)
CASE(ku_more, plan->ku = CERT_KU_DIGITAL_SIGNATURE)
CASE(ku_fewer, made->ku = CERT_KU_DIGITAL_SIGNATURE)
CASE(ku_none, made->ku = 0)
CASE(eku_by_oid, made->eku = by_oid)
CASE(eku_planned_by_oid, plan->eku = by_oid)
CASE(eku_more, made->eku = both)
CASE(eku_any, made->eku = anything)
CASE(eku_unplanned, plan->eku = none)
CASE(eku_fewer, plan->eku = both)
CASE(eku_none, made->eku = none)
CASE(is_ca, made->ca = true)
CASE(signs_certs, made->ku = plan->ku = CERT_KU_KEY_CERT_SIGN)
CASE(signs_crls, made->ku = plan->ku = KU_RA | CERT_KU_CRL_SIGN)
CASE(sid_more, made->sid = SID)
CASE(sid_other, made->sid = SID; plan->sid = "S-1-5-21-1-2-3-5")
CASE(sid_missing, plan->sid = SID)
CASE(template_more, made->template_oid = TEMPLATE)
CASE(template_missing, plan->template_oid = TEMPLATE)
CASE(template_version, made->template_oid = plan->template_oid = TEMPLATE;
    plan->template_major = 100; made->template_major = 101)
CASE(template_old, EXTRAS(made, template_v1))
CASE(extra_more, EXTRAS(made, extra))
CASE(extra_missing, EXTRAS(plan, extra))
CASE(extra_changed, EXTRAS(plan, extra); EXTRAS(made, changed))
CASE(extra_critical, EXTRAS(plan, extra); EXTRAS(made, critical))
CASE(extra_constraints, EXTRAS(made, constraints))
CASE(extra_malformed, EXTRAS(made, malformed); EXTRAS(plan, malformed))
CASE(urls_more, made->crl_urls = urls; made->ca_issuers_urls = urls;
    made->ocsp_urls = urls; EXTRAS(made, policies))
CASE(urls_missing, plan->crl_urls = urls)
CASE(urls_other, plan->ocsp_urls = urls; made->ocsp_urls = urls2)
CASE(policies_other, EXTRAS(plan, policies); EXTRAS(made, policies2))

#define LEAVES(s)	CERT_LEAVES_ ## s
#define ALL	(LEAVES(SUBJECT) | LEAVES(VALIDITY) | LEAVES(NAMES) | \
    LEAVES(USAGE) | LEAVES(EXTENSIONS))
#define TEMPLATE_EXT	"1.3.6.1.4.1.311.21.7"

static const struct {
	void		(*make)(struct cert_plan *, struct cert_plan *);
	const char	*text;		/* why it is refused; NULL: it is not */
	unsigned	 leaves;	/* then it is fine; 0: it never is */
} rows[] = {
	{ as_planned, NULL, 0 },
	{ everything, NULL, 0 },
	{ bare, NULL, 0 },
	{ no_lists, NULL, 0 },
	{ other_case, NULL, 0 },
	{ shorter, NULL, 0 },
	{ skewed, NULL, 0 },
	{ eku_by_oid, NULL, 0 },
	{ eku_planned_by_oid, NULL, 0 },
	{ urls_more, NULL, 0 },
	{ other_subject, "its subject is \"CN=x\", not \"CN=x,O=Example\" as "
	  "granted", LEAVES(SUBJECT) },
	{ no_subject, "its subject is \"\", not", LEAVES(SUBJECT) },
	{ ca_subject, "its subject is its CA's", 0 },
	{ name_too_much, "subjectAltName dns:b was not granted", 0 },
	{ name_unplanned, "dns:a was not granted", 0 },
	{ name_capital, "dns:A was not granted", 0 },
	{ name_kind, "email:a was not granted", 0 },
	{ name_missing, "it lacks the subjectAltName dns:b", LEAVES(NAMES) },
	{ names_missing, "it lacks the subjectAltName dns:a", LEAVES(NAMES) },
	{ early, "its notBefore is 2027-01-13T07:59:59Z, 2027-01-14T08:00:00Z "
	  "was granted", LEAVES(VALIDITY) },
	{ late, "its notAfter is 2028-01-15T08:10:01Z, 2028-01-15T08:00:00Z "
	  "was granted", LEAVES(VALIDITY) },
	{ ku_more, "its keyUsage is digitalSignature,keyEncipherment, not "
	  "digitalSignature as granted", LEAVES(USAGE) },
	{ ku_fewer, "its keyUsage is digitalSignature, not", LEAVES(USAGE) },
	{ ku_none, "its keyUsage is none, not", LEAVES(USAGE) },
	{ eku_more, "extKeyUsage 1.3.6.1.5.5.7.3.1 was not granted", 0 },
	{ eku_any, "extKeyUsage 2.5.29.37.0 was not granted", 0 },
	{ eku_unplanned, "1.3.6.1.5.5.7.3.2 was not granted", 0 },
	{ eku_fewer, "it lacks the extKeyUsage 1.3.6.1.5.5.7.3.1",
	  LEAVES(USAGE) },
	{ eku_none, "it lacks the extKeyUsage 1.3.6.1.5.5.7.3.2",
	  LEAVES(USAGE) },
	{ is_ca, "it is a CA certificate", 0 },
	{ signs_certs, "it is a CA certificate", 0 },
	{ signs_crls, "it is a CA certificate", 0 },
	{ sid_more, "extension 1.3.6.1.4.1.311.25.2 was not granted", 0 },
	{ sid_other, "extension 1.3.6.1.4.1.311.25.2 is not the one", 0 },
	{ sid_missing, "it lacks the extension 1.3.6.1.4.1.311.25.2",
	  LEAVES(EXTENSIONS) },
	{ template_more, "extension " TEMPLATE_EXT " was not granted",
	  LEAVES(EXTENSIONS) },
	{ template_missing, "it lacks the extension " TEMPLATE_EXT,
	  LEAVES(EXTENSIONS) },
	{ template_version, "extension " TEMPLATE_EXT " is not the one that "
	  "was granted", LEAVES(EXTENSIONS) },
	{ template_old, "1.3.6.1.4.1.311.20.2 was not granted",
	  LEAVES(EXTENSIONS) },
	{ extra_more, "extension 1.2.3.4 was not granted",
	  LEAVES(EXTENSIONS) },
	{ extra_missing, "it lacks the extension 1.2.3.4",
	  LEAVES(EXTENSIONS) },
	{ extra_changed, "extension 1.2.3.4 is not the one",
	  LEAVES(EXTENSIONS) },
	{ extra_critical, "extension 1.2.3.4 is not the one",
	  LEAVES(EXTENSIONS) },
	{ extra_constraints, "2.5.29.30 was not granted",
	  LEAVES(EXTENSIONS) },
	{ extra_malformed, "an extension of it is malformed", 0 },
	{ urls_missing, "it lacks the extension 2.5.29.31",
	  LEAVES(EXTENSIONS) },
	{ urls_other, "1.3.6.1.5.5.7.1.1 is not the one",
	  LEAVES(EXTENSIONS) },
	{ policies_other, "2.5.29.32 is not the one", LEAVES(EXTENSIONS) },
};

static void
assert_within(size_t row, const struct cert *c, const struct cert_plan *plan,
    unsigned leaves, bool want)
{
	struct err	 e = ERR_INIT;
	char		 name[64];

	(void)snprintf(name, sizeof(name), "row %zu, leaves %#x", row, leaves);
	if (cert_within(c, plan, leaves, &e) != (want ? 0 : -1))
		fail_msg("%s: %s", name, want ? err_text(&e) : rows[row].text);
	if (!want)
		assert_err(&e, ERR_CERT_FILE, rows[row].text, name);
}

static void
test_within(void **state)
{
	uint8_t			 serial[SERIAL_LEN] = { 0x40 };
	const struct cert_plan	 base = {
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = buf_bytes(&subject), .spki = key_spki(key),
		.not_before = NOW - DAY, .not_after = NOW + 365 * DAY,
		.ku = KU_RA, .eku = by_name
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct cert_plan	 plan = base, made = base;
		struct err		 e = ERR_INIT;
		struct cert		*c = NULL;
		bool			 good = rows[i].text == NULL;

		rows[i].make(&plan, &made);
		if (cert_make(&made, ca.cert, ca.key, &c, &e) != 0)
			fail_msg("row %zu: %s", i, err_text(&e));
		assert_within(i, c, &plan, 0, good);
		/* What is left to the CA opens nothing else. */
		assert_within(i, c, &plan, ALL & ~rows[i].leaves, good);
		assert_within(i, c, &plan, ALL, good || rows[i].leaves != 0);
		if (rows[i].leaves != 0)
			assert_within(i, c, &plan, rows[i].leaves, true);
		cert_free(c);
	}
}

/* An otherwise good certificate with a second extension of a kind. */
static void
test_doubled(void **state)
{
	static const struct cert_extra	 twice[] = { { "1.2.3.4", false, NUL },
	    { "1.2.3.4", false, FALSE } };
	uint8_t			 serial[SERIAL_LEN] = { 0x40 };
	struct cert_plan	 plan = {
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = buf_bytes(&subject), .spki = key_spki(key),
		.not_before = NOW, .not_after = NOW + DAY, .ku = KU_RA,
		.extras = twice, .n_extras = 2
	};
	struct err		 e = ERR_INIT;
	struct cert		*c = NULL;

	(void)state;
	assert_int_equal(cert_make(&plan, ca.cert, ca.key, &c, &e), 0);
	plan.n_extras = 1;
	assert_int_equal(cert_within(c, &plan, 0, &e), -1);
	assert_err(&e, ERR_CERT_FILE, "1.2.3.4 is not the one", "doubled");
	cert_free(c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_doubled),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
