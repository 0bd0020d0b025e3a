/*
 * What a profile takes, what it makes of it, and what it refuses: one row for
 * each reason.
 */
#include "pki_tool.h"

#include "policy/decide.h"

static struct who	 ca;
static struct key	*rsa, *ec;
static struct csr	*plain, *with_ec, *names, *two_cns, *two_names;

#define SID	"S-1-5-21-1-2-3-500"
#define SID_URI	"tag:microsoft.com,2022-09-14:sid:"

static int
setup(void **state)
{
	(void)state;
	who_make(&ca, &(struct order){ .name = "ca", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	rsa = tool_key("rsa:2048");
	ec = tool_key("ec:p384");
	plain = tool_csr(rsa, "/O=o/CN=x", NULL, "pw");
	with_ec = tool_csr(ec, "/CN=x", NULL, "pw");
	names = tool_csr(rsa, "/CN=x", "DNS:a.example,email:a@b", "pw");
	two_names = tool_csr(rsa, "/CN=x", "DNS:a.example,DNS:b.example",
	    "pw");
	two_cns = tool_csr(rsa, "/CN=x/CN=y", NULL, "pw");
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
	csr_free(two_cns);
	csr_free(two_names);
	return 0;
}

static char	 w_rsa[] = "rsa", w_ec[] = "ec", w_dns[] = "dns",
    w_email[] = "email", w_client[] = "clientAuth", w_p256[] = "p256",
    w_p384[] = "p384", w_ke[] = "keyEncipherment",
    w_ka[] = "keyAgreement", w_ds[] = "digitalSignature", w_sid[] = "sid", no_text[] = "";
static char	*types[] = { w_rsa, w_ec, NULL }, *kinds[] = { w_dns, NULL },
    *ekus[] = { w_client, NULL }, *none[] = { NULL };

#define ONE(text)	{ (char *[]){ (char[]){ text }, NULL }, 1 }

static struct conf_profile
profile(void)
{
	return (struct conf_profile){
		.validity = 30 * DAY, .key_types = { types, 2 },
		.rsa_min = 2048, .rsa_max = 4096, .eku = { ekus, 1 },
		.san = { kinds, 1 }, .crl_urls = { none, 0 },
		.ca_issuers_urls = { none, 0 }, .ocsp_urls = { none, 0 },
		.subject = no_text, .template_oid = no_text,
	};
}

static const char	*challenge_name = "pad-7";
static const struct policy_limits *limits;

/* Decides under the profile alone; the verdict is the caller's. */
static int
decide(struct conf_profile *p, const struct csr *r, struct policy_verdict *v,
    struct err *e)
{
	static const struct conf_endpoint ep = { .signer_key =
	    CONF_SIGNER_SAME, .ec_reply = CONF_EC_REPLY_KARI };
	char file[] = "file";
	struct conf c = { .file = file, .profiles = p, .n_profiles = 1 };
	struct policy_profiles *made;
	struct policy_facts f = {
		.endpoint = &ep, .profile = p, .csr = r, .signer = &r->key,
		.challenge = POLICY_CHALLENGE_MATCH, .ca = ca.cert,
		.challenge_name = challenge_name, .limits = limits,
		.authorities = (const struct cert *[]){ ca.cert },
		.n_authorities = 1, .now = NOW,
	};
	int rc;

	if (policy_profiles_new(&c, &made, e) == -1)
		return -1;
	f.profiles = made;
	rc = policy_decide(&f, v, NULL, e);
	if (rc == 0 && v->plan.n_extras > 0) {
		assert_string_equal(v->plan.extras[0].oid, "1.2.3.4");
		assert_true(v->plan.extras[0].critical);
		assert_int_equal(v->plan.extras[0].der.n, 2);
	}
	policy_profiles_free(made);
	return rc;
}

static void
good(struct conf_profile *p, const struct csr *r, struct policy_verdict *v)
{
	struct err	 e = ERR_INIT;

	if (decide(p, r, v, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static void
bad(struct conf_profile *p, const struct csr *r, enum err_reason want,
    const char *text)
{
	struct policy_verdict	 v, was;
	struct err		 e = ERR_INIT;

	memset(&v, 0x55, sizeof(v));
	memset(&was, 0x55, sizeof(was));
	if (decide(p, r, &v, &e) != -1)
		fail_msg("accepted: %s", text);
	assert_err(&e, want, text, text);
	assert_memory_equal(&v, &was, sizeof(v));
}

static void
test_keys(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_verdict	 v;

	(void)state;
	p.ec_curves = (struct conf_strings)ONE("p384");
	good(&p, with_ec, &v);
	assert_int_equal(v.plan.ku, CERT_KU_DIGITAL_SIGNATURE);
	good(&p, plain, &v);
	assert_int_equal(v.plan.ku, KU_RA);
	p.ec_curves = (struct conf_strings){ (char *[]){ w_p256, NULL }, 1 };
	bad(&p, with_ec, ERR_CSR_KEY, "P-384");
	p.ec_curves = (struct conf_strings){ (char *[]){ w_p384, NULL }, 1 };
	p.ku = (struct conf_strings){ (char *[]){ w_ka, w_ds, NULL }, 2 };
	good(&p, with_ec, &v);
	assert_int_equal(v.plan.ku, CERT_KU_DIGITAL_SIGNATURE |
	    CERT_KU_KEY_AGREEMENT);
	good(&p, plain, &v);
	assert_int_equal(v.plan.ku, CERT_KU_DIGITAL_SIGNATURE);
	p.ku = (struct conf_strings){ (char *[]){ w_ke, NULL }, 1 };
	bad(&p, with_ec, ERR_CSR_KEY, "nothing in the profile's ku");
}

static void
test_names(void **state)
{
	struct conf_profile	 p = profile();
	struct policy_verdict	 v;

	(void)state;
	p.subject_patterns = (struct conf_strings)ONE("CN glob x*");
	p.san_patterns = (struct conf_strings)ONE("dns suffix .example");
	p.san_required = (struct conf_strings){ (char *[]){ w_dns, NULL }, 1 };
	good(&p, names, &v);
	assert_int_equal(v.plan.n_sans, 1);
	assert_string_equal(v.surplus, "san:email");
	p.san_required = (struct conf_strings){ (char *[]){ w_email, NULL },
	    1 };
	bad(&p, names, ERR_SAN_REQUIRED, "no email");
	bad(&p, plain, ERR_SAN_REQUIRED, "no email");
	p.san_required.n = 0;
	bad(&p, plain, ERR_SUBJECT_PATTERN, "O has no pattern");
	p.subject_patterns.n = 0;
	p.san_patterns = (struct conf_strings)ONE("dns exact b");
	bad(&p, names, ERR_SAN_PATTERN, "dns");
	bad(&p, plain, ERR_SAN_PATTERN, "dns is missing");
}

static void
test_template(void **state)
{
	static const struct {
		char			 text[64];
		struct csr		**csr;
		const char		*want;	/* subject, or why not */
		enum err_reason		 reason;
	} rows[] = {
		{ "/O=Example/CN={CN}", &plain,
		    "CN=x,O=Example", ERR_NONE },
		{ "/CN=a-{CN}.{dns}-z", &names,
		    "CN=a-x.a.example-z", ERR_NONE },
		{ "/OU=Pads/CN={challenge}", &two_cns,
		    "CN=pad-7,OU=Pads", ERR_NONE },
		{ "/CN={CN}", &two_cns, "needs one CN",
		    ERR_SUBJECT },
		{ "/CN={serialNumber}", &plain,
		    "needs one serialNumber", ERR_SUBJECT },
		{ "/CN={upn}", &names, "needs one upn",
		    ERR_SUBJECT },
		{ "/CN={email}", &names, "needs one email",
		    ERR_SUBJECT },
		{ "/CN={dns}", &two_names, "needs one dns",
		    ERR_SUBJECT },
		{ "/CN=c{O}", &names, "needs one O",
		    ERR_SUBJECT },
		{ "/CN=ca", &plain, "name of a CA",
		    ERR_SUBJECT },
		{ "/C={CN}", &plain, "does not fit",
		    ERR_SUBJECT },
		{ "CN=x", &plain, "begins with no /",
		    ERR_CONFIG },
		{ "/CN", &plain, "TYPE=text",
		    ERR_CONFIG },
		{ "/nonsense=x", &plain, "nonsense",
		    ERR_CONFIG },
		{ "/CN={", &plain, "a { without",
		    ERR_CONFIG },
		{ "/CN=}", &plain, "a } without",
		    ERR_CONFIG },
		{ "/CN={}", &plain, "a { without",
		    ERR_CONFIG },
		{ "/CN={nonsense}", &plain, "nonsense",
		    ERR_CONFIG },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct policy_verdict	 v;
		struct buf		 text = BUF_INIT(256);
		struct err		 e = ERR_INIT;
		char			 copy[64];

		memcpy(copy, rows[i].text, sizeof(copy));
		p.subject = copy;
		if (rows[i].reason != ERR_NONE) {
			bad(&p, *rows[i].csr, rows[i].reason, rows[i].want);
			continue;
		}
		good(&p, *rows[i].csr, &v);
		assert_int_equal(name_show(v.plan.subject, &text, &e), 0);
		assert_string_equal(buf_cstr(&text), rows[i].want);
		buf_wipe(&text);
	}
}

/* A validator alone vouches for it, or an operator. */
static void
test_no_challenge(void **state)
{
	struct conf_profile	 p = profile();
	char			 text[] = "/CN={challenge}";

	(void)state;
	challenge_name = NULL;
	p.subject = text;
	bad(&p, plain, ERR_SUBJECT, "needs one challenge");
	challenge_name = "pad-7";
}

/* Names of the request are held by the profile's patterns as what they become,
 * whatever they were. */
static void
test_made(void **state)
{
	static const struct {
		char		 template[32], pattern[32];
		const char	*error;		/* NULL: none */
	} rows[] = {
		{ "/CN={dns}", "CN glob *x*", NULL },
		{ "/CN={dns}", "CN glob x*", "made of {dns}: CN matches none" },
		{ "/CN={CN}.{dns}", "CN exact x", "made of {CN}: CN matches" },
		{ "/O=a/CN={CN}.{dns}", "CN suffix .example",
		    "CN matches none" },
		{ "/CN={CN}/OU={dns}", "CN exact x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct conf_profile	 p = profile();
		struct policy_verdict	 v;
		char			 template[32], pattern[32];
		char			*patterns[] = { pattern, NULL };

		memcpy(template, rows[i].template, sizeof(template));
		memcpy(pattern, rows[i].pattern, sizeof(pattern));
		p.subject = template;
		p.subject_patterns = (struct conf_strings){ patterns, 1 };
		if (rows[i].error == NULL)
			good(&p, names, &v);
		else
			bad(&p, names, ERR_SUBJECT_PATTERN, rows[i].error);
	}
}

/* Under a challenge that limits the subject, a template takes no name that it
 * leaves open. */
static void
test_limited(void **state)
{
	static char	 t_dns[] = "/CN={dns}", t_fixed[] = "/O=o/CN={CN}",
	    l_cn[] = "CN exact x", l_dns[] = "dns exact a.example", l_other[] = "dns exact b";
	static const struct {
		char		*template;
		char		*subject, *san;	/* limits; NULL: none */
		enum err_reason	 reason;
		const char	*text;
	} rows[] = {
		{ t_dns, NULL, NULL, ERR_NONE, NULL },
		{ t_dns, NULL, l_dns, ERR_NONE, NULL },
		{ t_dns, l_cn, l_dns, ERR_NONE, NULL },
		{ t_dns, l_cn, l_other, ERR_CHALLENGE_SAN, "dns matches" },
		{ t_dns, l_cn, NULL, ERR_CHALLENGE_SUBJECT, "makes it of a "
		    "dns, and the challenge limits no san" },
		{ t_fixed, l_cn, NULL, ERR_NONE, NULL },
		{ no_text, l_cn, NULL, ERR_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char			*subject[] = { rows[i].subject, NULL };
		char			*san[] = { rows[i].san, NULL };
		const struct policy_written w = { subject, san, none, none };
		struct policy_limits	 l = { .uses = 0 };
		struct conf_profile	 p = profile();
		struct policy_verdict	 v;
		struct err		 e = ERR_INIT;

		assert_int_equal(policy_limits_read(&w, &l, &e), 0);
		limits = &l;
		p.subject = rows[i].template;
		if (rows[i].reason == ERR_NONE)
			good(&p, names, &v);
		else
			bad(&p, names, rows[i].reason, rows[i].text);
		policy_limits_clear(&l);
	}
	limits = NULL;
}

/* What a profile says is not overlooked, if it was not read. */
static void
test_unread(void **state)
{
	static const struct conf_endpoint ep = { .renew_allowed = false };
	static char		 n_dev[] = "dev", n_other[] = "other";
	static char		 subject[] = "/CN=fixed";
	char			 file[] = "file";
	struct conf_profile	 p = profile(), other = profile();
	const struct conf	 c = {
		.file = file, .profiles = &other, .n_profiles = 1
	};
	struct policy_profiles	*made;
	struct policy_verdict	 v;
	struct policy_facts	 f = {
		.endpoint = &ep, .profile = &p, .csr = plain,
		.signer = &plain->key, .challenge = POLICY_CHALLENGE_MATCH,
		.ca = ca.cert, .now = NOW,
	};
	struct err		 e = ERR_INIT;

	(void)state;
	p.name = n_dev;
	other.name = n_other;
	assert_int_equal(policy_decide(&f, &v, NULL, &e), 0);
	assert_int_equal(policy_profiles_new(&c, &made, &e), 0);
	for (int i = 0; i < 5; i++) {
		p = profile();
		p.name = n_dev;
		f.profiles = i == 0 ? made : NULL;
		if (i == 1)
			p.subject = subject;
		if (i == 2)
			p.subject_patterns = (struct conf_strings)ONE("none");
		if (i == 3)
			p.san_patterns = (struct conf_strings)ONE("none");
		if (i == 4)
			p.extensions = (struct conf_strings)ONE("1.2.3.4 "
			    "hex:0500");
		err_clear(&e);
		assert_int_equal(policy_decide(&f, &v, NULL, &e), -1);
		assert_err(&e, ERR_INTERNAL, "profile dev was not read",
		    "unread");
	}
	policy_profiles_free(made);
}

static void
test_extensions(void **state)
{
	static const struct { char text[64]; const char *why; } rows[] = {
		{ "1.2.3.4", "is no extension" },
		{ "1.2.3.4 0500", "is written hex:" },
		{ "1.2.3.4 hex:05", "one element of DER" },
		{ "1.2.3.4 hex:050005", "one element of DER" },
		{ "1.2.3.4 hex:zz", "is written hex:" },
		{ "1.2.3. hex:0500", "no dotted OID" },
		{ "basicConstraints hex:0500", "no dotted OID" },
		{ "2.5.29.19 hex:3000", "setting of its own" },
		{ "2.5.29.17 hex:3000", "setting of its own" },
		{ "1.3.6.1.4.1.311.25.2 hex:3000", "setting of its own" },
	};
	struct conf_profile	 p = profile();
	struct policy_verdict	 v;
	char			 template_oid[] = "1.2.840.1";
	char			 no_oid[] = "x";

	(void)state;
	p.extensions = (struct conf_strings)ONE("1.2.3.4 critical hex:0500");
	p.template_oid = template_oid;
	good(&p, plain, &v);
	assert_int_equal(v.plan.n_extras, 1);
	assert_string_equal(v.plan.template_oid, "1.2.840.1");
	for (size_t i = 0; i < N(rows); i++) {
		char	 copy[64];

		memcpy(copy, rows[i].text, sizeof(copy));
		p.extensions = (struct conf_strings){ (char *[]){ copy, NULL },
		    1 };
		bad(&p, plain, ERR_CONFIG, rows[i].why);
	}
	p.extensions = (struct conf_strings){ (char *[]){
	    (char[]){ "1.2.3.4 hex:0500" }, (char[]){ "1.2.3.4 hex:0500" },
	    NULL }, 2 };
	bad(&p, plain, ERR_CONFIG, "twice");
	p.extensions.n = 0;
	p.template_oid = no_oid;
	bad(&p, plain, ERR_CONFIG, "template_oid: \"x\" is no dotted OID");
}

static void
test_sids(void **state)
{
	static const struct { const char *sid; bool good; } rows[] = {
		{ SID, true },
		{ "S-1-5-21-0-4294967295-1-1001", true },
		{ "", false }, { "S-1-5-21-1-2-3", false },
		{ "S-1-5-21-1-2-3-4-5", false }, { "S-1-5-32-544", false },
		{ "S-1-5-21-1-2-3-", false }, { "s-1-5-21-1-2-3-4", false },
		{ "S-1-5-21-1-2-3-04", false }, { "S-1-5-21--2-3-4", false },
		{ "S-1-5-21-1-2-3-4294967296", false },
		{ "S-1-5-21-1-2-3-4 ", false },
	};
	struct conf_profile	 p = profile();
	struct policy_verdict	 v;
	char			 user[] = SID_URI SID, dns[] = "a";
	char			 group[] = SID_URI "S-1-5-32-544";
	struct san		 three[] = {
		{ SAN_SID, bytes_str(user), user },
		{ SAN_SID, bytes_str(group), group },
		{ SAN_DNS, bytes_str(dns), dns },
	};
	struct csr		 copy = *plain, *sids = &copy;

	(void)state;
	copy.sans = (struct sans){ three, 3 };
	good(&p, sids, &v);
	assert_int_equal(v.plan.n_sans, 1);
	assert_int_equal(v.dropped, 2);
	p.sid = CONF_SID_ALLOW;
	good(&p, sids, &v);
	assert_int_equal(v.plan.n_sans, 2);
	assert_true(bytes_eq(v.sans[0], sids->sans.v[0].der));
	assert_string_equal(v.surplus, "san:sid");
	p.san_required = (struct conf_strings)ONE("sid");
	good(&p, sids, &v);
	bad(&p, plain, ERR_SAN_REQUIRED, "no sid");
	p.sid = CONF_SID_STRIP;
	bad(&p, sids, ERR_SAN_REQUIRED, "no sid");
	for (size_t i = 0; i < N(rows); i++) {
		struct csr	 r = *plain;

		(void)snprintf(r.asked.sid, sizeof(r.asked.sid), "%s",
		    rows[i].sid);
		p.sid = CONF_SID_ALLOW;
		if (rows[i].good)
			good(&p, &r, &v);
		else
			bad(&p, &r, ERR_SAN_REQUIRED, "no sid");
		p.san_required.n = 0;
		good(&p, &r, &v);
		p.san_required.n = 1;
		if ((v.plan.sid != NULL) != rows[i].good)
			fail_msg("%s", rows[i].sid);
		p.sid = CONF_SID_STRIP;
		p.san_required.n = 0;
		good(&p, &r, &v);
		p.san_required.n = 1;
		p.sid = CONF_SID_ALLOW;
		p.san_required.v[0] = w_email;
		bad(&p, &r, ERR_SAN_REQUIRED, "no email");
		p.san_required.v[0] = w_sid;
		assert_null(v.plan.sid);
		assert_string_equal(v.surplus, *rows[i].sid == '\0' ? "" :
		    "sid");
	}
}

static void
test_surplus(void **state)
{
	struct conf_profile	 p = profile();
	struct csr		 r = *names;
	struct policy_verdict	 v;

	(void)state;
	r.asked = (struct csr_asked){
		.ku = KU_RA | CERT_KU_KEY_CERT_SIGN, .ca = true,
		.eku = { "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1" },
		.n_eku = 2, .n_other = 3, .other = { "1.2.3.4",
		    "1.3.6.1.4.1.311.25.2", "1.2.3.5" },
	};
	p.extensions = (struct conf_strings)ONE("1.2.3.4 critical hex:0500");
	good(&p, &r, &v);
	assert_string_equal(v.surplus, "san:email,ku:keyCertSign,"
	    "eku:1.3.6.1.5.5.7.3.1,ca,sid:malformed,ext:1.2.3.5");
	p.surplus = CONF_SURPLUS_REFUSE;
	bad(&p, &r, ERR_SURPLUS, v.surplus);
	good(&p, plain, &v);
	assert_string_equal(v.surplus, "");
	r = *plain;
	r.asked = (struct csr_asked){ .ku = KU_RA };
	good(&p, &r, &v);
	r.asked.ca = true;
	bad(&p, &r, ERR_SURPLUS, "ca");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_no_challenge),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_sids),
		cmocka_unit_test(test_surplus),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
