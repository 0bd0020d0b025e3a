#include "pki_tool.h"

#include "key_craft.h"

#include "policy/decide.h"

static struct who	 ca;
static struct key	*rsa, *ec;
static struct csr	*plain, *with_ec, *names, *nameless, *only_names;
static struct csr	*climbing, *hidden, *climbing_san;

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	rsa = tool_key("rsa:2048");
	ec = tool_key("ec:p256");
	plain = tool_csr(rsa, "/O=o/CN=x", NULL, "pw");
	with_ec = tool_csr(ec, "/CN=x", NULL, "pw");
	names = tool_csr(rsa, "/CN=x", "DNS:a,email:a@b,URI:x:y,IP:192.0.2.1,"
	    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@v,RID:1.2.3", "pw");
	nameless = tool_csr(rsa, "/", NULL, "pw");
	only_names = tool_csr(rsa, "/", "DNS:a,URI:x:y", "pw");
	climbing = tool_csr(rsa, "/O=o/CN=..\\x", NULL, "pw");
	hidden = tool_csr(rsa, "/CN=a\nb", NULL, "pw");
	climbing_san = tool_csr(rsa, "/CN=x", "DNS:a,URI:../b", "pw");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&ca);
	key_free(rsa);
	key_free(ec);
	csr_free(plain);
	csr_free(with_ec);
	csr_free(names);
	csr_free(nameless);
	csr_free(only_names);
	csr_free(climbing);
	csr_free(hidden);
	csr_free(climbing_san);
	return 0;
}

static char	 w_rsa[] = "rsa", w_ec[] = "ec", w_dns[] = "dns",
    w_email[] = "email", w_uri[] = "uri", w_ip[] = "ip", w_upn[] = "upn",
    w_client[] = "clientAuth", w_url[] = "http://x/";
static char	*one_rsa[] = { w_rsa, NULL }, *both[] = { w_rsa, w_ec, NULL },
    *all_sans[] = { w_dns, w_email, w_uri, w_ip, w_upn, NULL },
    *one_dns[] = { w_dns, NULL }, *one_eku[] = { w_client, NULL },
    *one_url[] = { w_url, NULL }, *none[] = { NULL };

static const struct conf_endpoint same = { .signer_key = CONF_SIGNER_SAME,
    .ec_reply = CONF_EC_REPLY_KARI };
static const struct conf_endpoint any = { .signer_key = CONF_SIGNER_ANY,
    .ec_reply = CONF_EC_REPLY_KARI };

static struct conf_profile
profile(void)
{
	return (struct conf_profile){
		.validity = 30 * DAY, .backdate = 3600,
		.key_types = { both, 2 }, .rsa_min = 2048, .rsa_max = 4096,
		.eku = { one_eku, 1 }, .san = { all_sans, 5 },
		.crl_urls = { none, 0 }, .ca_issuers_urls = { none, 0 },
		.ocsp_urls = { none, 0 }
	};
}

static struct policy_facts
facts(const struct conf_profile *p, const struct csr *r)
{
	return (struct policy_facts){
		.endpoint = &same, .profile = p,
		.csr = r, .signer = &r->key,
		.challenge = POLICY_CHALLENGE_MATCH, .ca = ca.cert, .now = NOW
	};
}

static void
decide(const struct policy_facts *f, struct policy_verdict *v)
{
	struct err	 e = ERR_INIT;

	memset(v, 0x55, sizeof(*v));
	if (policy_decide(f, v, NULL, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static void
test_plan(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, plain);
	struct policy_verdict	 v;

	(void)state;
	p.crl_urls = p.ocsp_urls = (struct conf_strings){ one_url, 1 };
	decide(&f, &v);
	assert_int_equal(v.plan.serial.n, 0);
	assert_true(bytes_eq(v.plan.subject, plain->subject));
	assert_true(bytes_eq(v.plan.spki, plain->key.spki));
	assert_int_equal(v.plan.not_before, NOW - 3600);
	assert_int_equal(v.plan.not_after, NOW + 30 * DAY);
	assert_false(v.plan.ca);
	assert_int_equal(v.plan.ku, KU_RA);
	assert_ptr_equal(v.plan.eku, one_eku);
	assert_int_equal(v.plan.n_sans, 0);
	assert_ptr_equal(v.plan.crl_urls, one_url);
	assert_ptr_equal(v.plan.ocsp_urls, one_url);
	assert_ptr_equal(v.plan.ca_issuers_urls, none);
	assert_int_equal(v.dropped, 0);
}

/* An EC key cannot encipher. */
static void
test_ec_usage(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, with_ec);
	struct policy_verdict	 v;

	(void)state;
	decide(&f, &v);
	assert_int_equal(v.plan.ku, CERT_KU_DIGITAL_SIGNATURE);
}

/* Never outside the CA's own validity. */
static void
test_clamped(void **state)
{
	static const struct {
		int64_t	 now, backdate, validity, from, to;
	} rows[] = {
		{ NOW, 0, DAY, NOW, NOW + DAY },
		{ NOW, DAY, DAY, NOW - DAY, NOW + DAY },
		{ NOW, DAY + 1, DAY, NOW - DAY, NOW + DAY },
		{ NOW, 400 * DAY, DAY, NOW - DAY, NOW + DAY },
		{ NOW, 0, 365 * DAY, NOW, NOW + 365 * DAY },
		{ NOW, 0, 365 * DAY + 1, NOW, NOW + 365 * DAY },
		{ NOW, 0, INT64_C(3153600000), NOW, NOW + 365 * DAY },
		{ NOW - DAY, 3600, DAY, NOW - DAY, NOW },
		{ NOW + 365 * DAY, 0, DAY, NOW + 365 * DAY,
		    NOW + 365 * DAY },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct policy_facts	 f = facts(&p, plain);
		struct policy_verdict	 v;

		p.backdate = rows[i].backdate;
		p.validity = rows[i].validity;
		f.now = rows[i].now;
		decide(&f, &v);
		if (v.plan.not_before != rows[i].from ||
		    v.plan.not_after != rows[i].to)
			fail_msg("row %zu", i);
	}
}

static void
test_names_granted(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, names);
	struct policy_verdict	 v;
	struct csr		 sid = *plain;
	char			 text[] = "tag:microsoft.com,2022-09-14:sid:"
				    "S-1-5-21-1-2-3-500";
	struct san		 account = { .kind = SAN_SID, .text = text,
				    .der = bytes_str(text) };

	(void)state;
	decide(&f, &v);
	assert_int_equal(v.plan.n_sans, 5);
	assert_int_equal(v.dropped, 1);		/* registeredID */
	assert_ptr_equal(v.plan.sans, v.sans);
	for (size_t i = 0; i < 5; i++)
		assert_true(bytes_eq(v.sans[i], names->sans.v[i].der));
	p.san = (struct conf_strings){ one_dns, 1 };
	decide(&f, &v);
	assert_int_equal(v.plan.n_sans, 1);
	assert_int_equal(v.dropped, 5);
	p.san = (struct conf_strings){ none, 0 };
	decide(&f, &v);
	assert_int_equal(v.plan.n_sans, 0);
	assert_int_equal(v.dropped, 6);
	/* A Windows account is no URI that anybody may ask for. */
	p.san = (struct conf_strings){ all_sans, 5 };
	sid.sans = (struct sans){ &account, 1 };
	f = facts(&p, &sid);
	decide(&f, &v);
	assert_int_equal(v.plan.n_sans, 0);
	assert_int_equal(v.dropped, 1);
	/* What is dropped may look as it likes. */
	p.san = (struct conf_strings){ one_dns, 1 };
	f = facts(&p, climbing_san);
	decide(&f, &v);
	assert_int_equal(v.dropped, 1);
	/* No subject: the names that are left carry it. */
	p.empty_subject = true;
	f = facts(&p, only_names);
	decide(&f, &v);
	assert_int_equal(v.plan.n_sans, 1);
}

static void
test_other_signer(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, plain);
	struct policy_verdict	 v;

	(void)state;
	f.endpoint = &any;
	f.signer = &with_ec->key;
	decide(&f, &v);
	assert_true(bytes_eq(v.plan.spki, plain->key.spki));
}

/* That the primes are the same is no proof that the exponent is his. */
static void
test_other_exponent(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, plain);
	struct key		*other = key_respell(rsa, "exponent");
	struct csr		*r;
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	assert_non_null(other);
	r = tool_csr(other, "/CN=x", NULL, NULL);
	f.signer = &r->key;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_err(&e, ERR_KEY_MISMATCH, NULL, "exponent");
	csr_free(r);
	key_free(other);
}

/* One fact at a time is wrong. */
struct wrong {
	const char		*name;
	const struct csr	**csr;
	enum policy_challenge	 challenge;
	bool			 other_type, other_signer, empty_subject;
	bool			 few_sans;
	int64_t			 now;		/* added to NOW */
	enum err_reason		 want;
	const char		*text;
};

#define M	POLICY_CHALLENGE_MATCH
#define CSR(r)	(const struct csr **)(uintptr_t)&(r)

static const struct wrong wrongs[] = {
	{ .name = "type", .csr = CSR(plain), .challenge = M,
	    .other_type = true, .want = ERR_RENEWAL_SIGNER },
	{ .name = "absent", .csr = CSR(plain),
	    .challenge = POLICY_CHALLENGE_ABSENT,
	    .want = ERR_CHALLENGE_MISSING },
	{ .name = "wrong", .csr = CSR(plain),
	    .challenge = POLICY_CHALLENGE_WRONG,
	    .want = ERR_CHALLENGE_WRONG },
	{ .name = "no such", .csr = CSR(plain),
	    .challenge = (enum policy_challenge)77,
	    .want = ERR_CHALLENGE_WRONG },
	{ .name = "signer", .csr = CSR(plain), .challenge = M,
	    .other_signer = true, .want = ERR_KEY_MISMATCH },
	{ .name = "nameless", .csr = CSR(nameless), .challenge = M,
	    .want = ERR_SUBJECT, .text = "empty_subject = false" },
	{ .name = "no subject", .csr = CSR(only_names), .challenge = M,
	    .want = ERR_SUBJECT, .text = "empty_subject = false" },
	{ .name = "no name at all", .csr = CSR(nameless), .challenge = M,
	    .empty_subject = true, .want = ERR_SUBJECT,
	    .text = "neither subject nor subjectAltName" },
	{ .name = "none left", .csr = CSR(only_names), .challenge = M,
	    .empty_subject = true, .few_sans = true, .want = ERR_SAN,
	    .text = "no name is left" },
	{ .name = "climbing", .csr = CSR(climbing), .challenge = M,
	    .want = ERR_SUBJECT, .text = "climbs" },
	{ .name = "hidden", .csr = CSR(hidden), .challenge = M,
	    .want = ERR_SUBJECT, .text = "control" },
	{ .name = "climbing SAN", .csr = CSR(climbing_san), .challenge = M,
	    .want = ERR_SAN, .text = "uri" },
	{ .name = "CA too young", .csr = CSR(plain), .challenge = M,
	    .now = -DAY - 1, .want = ERR_CA_EXPIRED, .text = "CN=ca" },
	{ .name = "CA expired", .csr = CSR(plain), .challenge = M,
	    .now = 365 * DAY + 1, .want = ERR_CA_EXPIRED, .text = "CN=ca" },
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(wrongs); i++) {
		const struct wrong	*w = &wrongs[i];
		struct conf_profile	 p = profile();
		struct policy_facts	 f = facts(&p, *w->csr);
		struct policy_verdict	 v, was;
		struct err		 e = ERR_INIT;

		p.empty_subject = w->empty_subject;
		if (w->few_sans)
			p.san = (struct conf_strings){ one_rsa, 1 };
		if (w->other_signer)
			f.signer = &with_ec->key;
		f.renewal = w->other_type;
		f.challenge = w->challenge;
		f.now += w->now;
		memset(&v, 0x55, sizeof(v));
		memset(&was, 0x55, sizeof(was));
		if (policy_decide(&f, &v, NULL, &e) != -1)
			fail_msg("accepted: %s", w->name);
		assert_err(&e, w->want, w->text, w->name);
		assert_memory_equal(&v, &was, sizeof(v));
	}
}

static void
test_keys(void **state)
{
	const struct {
		const char		*name;
		enum key_type		 type;
		int			 bits;
		struct conf_strings	 types;
		const char		*text;		/* NULL: accepted */
	} rows[] = {
		{ "rsa", KEY_RSA, 2048, { one_rsa, 1 }, NULL },
		{ "largest", KEY_RSA, 4096, { one_rsa, 1 }, NULL },
		{ "ec", KEY_EC, 256, { both, 2 }, NULL },
		{ "ec is not measured", KEY_EC, 521, { both, 2 }, NULL },
		{ "small", KEY_RSA, 2047, { both, 2 }, "takes 2048 to 4096" },
		{ "huge", KEY_RSA, 16384, { both, 2 }, "key of 16384 bits" },
		{ "no ec", KEY_EC, 256, { one_rsa, 1 }, "key type ec" },
		{ "other", KEY_OTHER, 256, { both, 2 }, "key type other" },
		{ "none", KEY_RSA, 2048, { none, 0 }, "key type rsa" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct csr		 r = *plain;
		struct policy_facts	 f = facts(&p, &r);
		struct policy_verdict	 v;
		struct err		 e = ERR_INIT;

		p.key_types = rows[i].types;
		r.key.type = rows[i].type;
		r.key.bits = rows[i].bits;
		if (policy_decide(&f, &v, NULL, &e) != (rows[i].text == NULL ? 0 :
		    -1))
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		if (rows[i].text != NULL)
			assert_err(&e, ERR_CSR_KEY, rows[i].text,
			    rows[i].name);
	}
}

/* Whose reply can be enveloped, and with what; before anything is issued. */
static void
test_reply(void **state)
{
	char			 ed25519[] = "ed25519", p256[] = "ec";
	char			 mldsa[] = "mldsa";
	char			*types[] = { w_rsa, ed25519, p256, mldsa,
				    NULL };
	const struct conf_endpoint by_password = {
		.signer_key = CONF_SIGNER_ANY,
		.ec_reply = CONF_EC_REPLY_PASSWORD
	};
	const struct {
		const char			*name;
		const struct conf_endpoint	*endpoint;
		enum key_type			 signer;
		size_t				 n;	/* of the challenge */
		bool				 by_password, refused;
	} rows[] = {
		{ "rsa", &by_password, KEY_RSA, 0, false, false },
		{ "ec, long", &by_password, KEY_EC, 16, true, false },
		{ "ec, short", &by_password, KEY_EC, 15, true, true },
		{ "ec, none", &by_password, KEY_EC, 0, true, true },
		{ "ec, agreement", &any, KEY_EC, 0, false, false },
		{ "ed25519, long", &any, KEY_ED25519, 16, true, false },
		{ "ed25519, short", &any, KEY_ED25519, 15, true, true },
		{ "mldsa, long", &any, KEY_MLDSA, 16, true, false },
		{ "mldsa, short", &any, KEY_MLDSA, 15, true, true },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct csr		 r = *plain;
		struct pubkey		 signer = { .type = rows[i].signer };
		struct policy_facts	 f = facts(&p, &r);
		struct policy_verdict	 v;
		struct err		 e = ERR_INIT;

		p.key_types = (struct conf_strings){ types, 4 };
		f.endpoint = rows[i].endpoint;
		f.signer = &signer;
		r.challenge.n = rows[i].n;
		assert_int_equal(policy_by_password(f.endpoint, &signer),
		    rows[i].by_password);
		if (policy_decide(&f, &v, NULL, &e) != (rows[i].refused ? -1 : 0))
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		if (rows[i].refused)
			assert_err(&e, ERR_REPLY_SECRET, "challengePassword",
			    rows[i].name);
		/* RSA can always be answered, others as the profile says. */
		err_clear(&e);
		assert_int_equal(policy_signer(&p, &signer, &e), 0);
		p.key_types = (struct conf_strings){ one_rsa, 1 };
		assert_int_equal(policy_signer(&p, &signer, &e),
		    rows[i].signer == KEY_RSA ? 0 : -1);
		if (rows[i].signer != KEY_RSA)
			assert_err(&e, ERR_SIGNER_KEY, "key_types",
			    rows[i].name);
	}
}

/* RA, issuing CA and those above: all valid, and nobody gets their names or
 * keys. */
static void
test_authorities(void **state)
{
	struct key	*key = tool_key("rsa:2048"),
			*other = key_respell(key, "exponent"),
			*old_key = tool_key("ec:p256"),
			*hybrid = key_respell(old_key, "hybrid");
	struct cert	*ra = tool_cert(&(struct order){ .key = key,
	    .name = "/O=An  Authority/CN=ra", .issuer = &ca, .ku = KU_RA,
	    .to = NOW + 5 });
	/* That an earlier RA has expired is nobody's trouble. */
	struct cert	*old = tool_cert(&(struct order){ .key = old_key,
	    .name = "old ra", .issuer = &ca, .ku = KU_RA, .to = NOW - 5 });
	const struct cert *const all[] = { ra, ca.cert, old };
	const struct {
		const char	*subject;
		int64_t		 later;
		enum err_reason	 want;
		const char	*text;
		struct key	*key;		/* NULL: a device's */
	} rows[] = {
		{ "/CN=x", 5, ERR_NONE, NULL, NULL },
		{ "/CN=ca2", 0, ERR_NONE, NULL, NULL },
		{ "/O=o/CN=ca", 0, ERR_NONE, NULL, NULL },
		{ "/CN=ca", 0, ERR_SUBJECT, "name of a CA or RA",
		    NULL },
		{ "/CN=old ra", 0, ERR_SUBJECT, "name of a CA or RA",
		    NULL },
		{ "/CN=CA", 0, ERR_SUBJECT, "name of a CA or RA",
		    NULL },
		{ "/O=an authority/CN=Ra", 0, ERR_SUBJECT, "name of a CA",
		    NULL },
		{ "/CN=x", 6, ERR_CA_EXPIRED, "CN=ra", NULL },
		{ "/CN=y", 0, ERR_KEY_TAKEN, "CN=ra", key },
		{ "/CN=y", 0, ERR_KEY_TAKEN, "CN=ra", other },
		{ "/CN=z", 0, ERR_KEY_TAKEN, "CN=old ra", hybrid },
		{ "/CN=z", 0, ERR_KEY_TAKEN, "CN=old ra", old_key },
		{ "/CN=z", 0, ERR_KEY_TAKEN, "CN=ca", ca.key },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct csr		*r = tool_csr(rows[i].key != NULL ?
		    rows[i].key : rsa, rows[i].subject, NULL, "pw");
		struct policy_facts	 f = facts(&p, r);
		struct policy_verdict	 v;
		struct err		 e = ERR_INIT;

		f.chain = all;
		f.n_chain = 2;
		f.authorities = all;
		f.n_authorities = N(all);
		f.now += rows[i].later;
		(void)policy_decide(&f, &v, NULL, &e);
		assert_err(&e, rows[i].want, rows[i].text, rows[i].subject);
		csr_free(r);
	}
	cert_free(ra);
	key_free(key);
	key_free(other);
	cert_free(old);
	key_free(old_key);
	key_free(hybrid);
}

/* The request's key is judged before its challenge. */
static void
test_key_comes_first(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, with_ec);
	struct policy_verdict	 v;
	struct err		 e = ERR_INIT;

	(void)state;
	p.key_types = (struct conf_strings){ one_rsa, 1 };
	f.challenge = POLICY_CHALLENGE_WRONG;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
	assert_int_equal(e.reason, ERR_CSR_KEY);
}

/* What policy grants can be made, and holds just that. */
static void
test_made(void **state)
{
	uint8_t			 serial[SERIAL_LEN] = { 0x40, 1 };
	struct conf_profile	 p = profile();
	struct policy_facts	 f = facts(&p, names);
	struct policy_verdict	 v;
	struct cert		*c = NULL;
	struct sans		 sans;
	struct err		 e = ERR_INIT;

	(void)state;
	decide(&f, &v);
	v.plan.serial = bytes_make(serial, sizeof(serial));
	if (cert_make(&v.plan, ca.cert, ca.key, &c, &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_false(c->is_ca);
	assert_int_equal(c->ku, KU_RA);
	assert_int_equal(cert_sans(c, &sans, &e), 0);
	assert_int_equal(sans.n, 5);
	assert_string_equal(sans.v[4].text, "u@v");
	sans_free(&sans);
	cert_free(c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_ec_usage),
		cmocka_unit_test(test_clamped),
		cmocka_unit_test(test_names_granted),
		cmocka_unit_test(test_other_signer),
		cmocka_unit_test(test_other_exponent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_key_comes_first),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
