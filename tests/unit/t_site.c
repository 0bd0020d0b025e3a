#include "pki_tool.h"

#include "pki/secret.h"
#include "site/face.h"
#include "site/site.h"
#include "util/clock.h"
#include "util/file.h"

static struct who	 root, ca, full_ca, old_ca, stranger, client;
static struct key	*ra_key;
static int64_t		 now;

/* A certificate under the issuing CA for ra_key, as a file. */
static void
file_ra(const char *name, const struct order *o)
{
	struct order	 with = *o;
	struct cert	*c;

	if (with.name == NULL)
		with.name = "ra";
	if (with.key == NULL)
		with.key = ra_key;
	if (with.issuer == NULL)
		with.issuer = &ca;
	if (with.from == 0)
		with.from = now - DAY;
	if (with.to == 0)
		with.to = now + DAY;
	c = tool_cert(&with);
	tool_cert_file(name, c);
	cert_free(c);
}

static void
write_ras(void)
{
	file_ra("ra.pem", &(struct order){ .ku = KU_RA });
	file_ra("ra_nosign.pem", &(struct order){
	    .ku = CERT_KU_KEY_ENCIPHERMENT });
	file_ra("ra_noenc.pem", &(struct order){
	    .ku = CERT_KU_DIGITAL_SIGNATURE });
	file_ra("ra_neither.pem", &(struct order){
	    .ku = CERT_KU_DATA_ENCIPHERMENT });
	file_ra("ra_noku.pem", &(struct order){ .ku = 0 });
	file_ra("ra_ec.pem", &(struct order){ .key = client.key,
	    .ku = KU_RA });
	file_ra("ra_stranger.pem", &(struct order){ .issuer = &stranger,
	    .ku = KU_RA });
	file_ra("ra_old.pem", &(struct order){ .ku = KU_RA,
	    .from = now - 9 * DAY, .to = now - DAY });
	file_ra("ra_early.pem", &(struct order){ .ku = KU_RA,
	    .from = now + DAY / 2 });
	file_ra("ra_ca.pem", &(struct order){ .ca = true,
	    .ku = KU_CA | KU_RA });
	file_ra("ra_ca_only.pem", &(struct order){ .ca = true, .ku = KU_CA });
	file_ra("ra_ca_mute.pem", &(struct order){ .ca = true, .ku = KU_RA });
	tool_key_file("ra.key", ra_key);
	tool_key_file("ec.key", client.key);
}

static int
setup(void **state)
{
	struct order	 o = { .ca = true, .ku = KU_CA, .spec = "ec:p256" };
	struct buf	 pem = BUF_INIT(16384);
	struct err	 e = ERR_INIT;

	(void)state;
	now = clock_now();
	o.from = now - DAY;
	o.to = now + 9 * DAY;
	o.name = "root";
	who_make(&root, &o);
	o.name = "stranger";
	who_make(&stranger, &o);
	who_make(&client, &o);
	o.name = "ca";
	o.issuer = &root;
	who_make(&ca, &o);
	who_make(&full_ca, &(struct order){ .name = "full", .ca = true,
	    .spec = "rsa:2048", .ku = KU_CA | KU_RA, .from = o.from,
	    .to = o.to });
	who_make(&old_ca, &(struct order){ .name = "old", .ca = true,
	    .spec = "ec:p256", .ku = KU_CA, .from = now - 9 * DAY,
	    .to = now - 1 });
	ra_key = tool_key("rsa:2048");
	write_ras();
	tool_cert_file("root.pem", root.cert);
	tool_cert_file("stranger.pem", stranger.cert);
	tool_cert_file("ca.pem", ca.cert);
	tool_key_file("ca.key", ca.key);
	tool_cert_file("full.pem", full_ca.cert);
	tool_key_file("full.key", full_ca.key);
	tool_cert_file("old.pem", old_ca.cert);
	tool_key_file("old.key", old_ca.key);
	assert_int_equal(key_pem(ra_key, &pem, &e), 0);
	tool_file("open.key", buf_bytes(&pem), 0644);
	buf_wipe(&pem);
	tool_file("junk", bytes_str("junk"), 0600);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&root);
	who_free(&ca);
	who_free(&full_ca);
	who_free(&old_ca);
	who_free(&stranger);
	who_free(&client);
	key_free(ra_key);
	tool_clean();
	return 0;
}

#define EP	"name = \"e\"; issuer = \"i\"; profile = \"p\"; " \
		"challenges = [\"c\"];"
#define RA	"ra_cert = \"ra.pem\"; ra_key = \"ra.key\";"
#define LOCAL	"cert = \"ca.pem\"; chain = \"root.pem\"; key = \"ca.key\";"
#define FULL	"cert = \"full.pem\"; key = \"full.key\";"
#define EXEC	"type = \"exec\"; cert = \"full.pem\"; " \
		"command = [\"/bin/false\"];"
#define PLAIN	"secret = \"open sesame\";"

/* Endpoint on line 1, issuer on 3, profile on 5, challenge on 7. */
static struct conf *
load(const char *endpoint, const char *issuer, const char *profile,
    const char *challenge)
{
	struct buf	 text = BUF_INIT(FILE_MAX);
	struct conf	*c = NULL;
	struct err	 e = ERR_INIT;

	assert_int_equal(buf_printf(&text, "endpoints = ( { " EP "\n%s } );\n"
	    "issuers = ( { name = \"i\";\n%s } );\n"
	    "profiles = ( { name = \"p\";\n%s } );\n"
	    "challenges = ( { name = \"c\";\n%s } );\n"
	    "store: { path = \"db\"; };\n", endpoint, issuer, profile,
	    challenge), 0);
	if (conf_load(tool_file("scepd.conf", buf_bytes(&text), 0600), &c,
	    &e) != 0)
		fail_msg("%s\n%s", e.text, buf_cstr(&text));
	buf_wipe(&text);
	return c;
}

static struct site *
opened(const char *endpoint, const char *issuer)
{
	struct conf	*c = load(endpoint, issuer, "", PLAIN);
	struct site	*s = NULL;
	struct err	 e = ERR_INIT;

	if (site_open(c, &s, &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_ptr_equal(site_conf(s), c);
	return s;
}

static void
test_opens(void **state)
{
	struct site			*s = opened(RA, LOCAL);
	const struct site_endpoint	*se = &s->endpoints[0];
	struct face			*f = site_face(s, se);
	const struct cert		*shown = f->open[0].cert;

	(void)state;
	assert_string_equal(se->conf->name, "e");
	assert_string_equal(se->profile->name, "p");
	assert_int_equal(se->n_challenges, 1);
	assert_string_equal(se->challenges[0]->name, "c");
	assert_int_equal(f->n_ways, 1);
	assert_true(key_matches(f->open[0].key, shown));
	assert_string_equal(shown->subject_text, "CN=ra");
	assert_ptr_equal(f->ways[0].sign.cert, shown);
	assert_string_equal(f->cacert_type, "application/x-x509-ca-ra-cert");
	assert_true(f->cacert.n > shown->der.n + ca.cert->der.n +
	    root.cert->der.n);
	assert_int_equal(strncmp(buf_cstr(&f->caps), "AES\n", 4), 0);
	assert_null(strstr(buf_cstr(&f->caps), "NextCA"));
	assert_int_equal(f->nextca.n, 0);
	assert_int_equal(f->gens[0].n_chain, 3);
	assert_ptr_equal(f->gens[0].chain[0], shown);
	assert_string_equal(f->gens[0].chain[2]->subject_text, "CN=root");
	face_put(f);
	/* A reference keeps it for an exchange in flight. */
	assert_ptr_equal(site_get(s), s);
	site_put(s);
	assert_string_equal(se->conf->name, "e");
	site_put(s);
	site_put(NULL);
}

static void
test_ca_mode(void **state)
{
	struct site			*s = opened("mode = \"ca\";", FULL);
	struct face			*f = site_face(s, &s->endpoints[0]);

	(void)state;
	assert_int_equal(f->n_ways, 1);
	assert_true(key_matches(f->ways[0].sign.key, full_ca.cert));
	assert_true(bytes_eq(f->open[0].cert->der, full_ca.cert->der));
	assert_string_equal(f->cacert_type, "application/x-x509-ca-cert");
	assert_true(bytes_eq(buf_bytes(&f->cacert), full_ca.cert->der));
	assert_int_equal(f->gens[0].n_ra, 0);
	face_put(f);
	site_put(s);
}

static void
test_hash(void **state)
{
	char		 hash[SECRET_HASH_MAX], text[SECRET_HASH_MAX + 32];
	struct conf	*c;
	struct site	*s = NULL;
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(secret_hash(bytes_str("x"), hash, &e), 0);
	(void)snprintf(text, sizeof(text), "hash = \"%s\";", hash);
	c = load(RA, LOCAL, "eku = [\"clientAuth\", \"1.2.3\"];", text);
	if (site_open(c, &s, &e) != 0)
		fail_msg("%s", err_text(&e));
	site_put(s);
}

#define RA_CERT(f)	"ra_key = \"ra.key\"; ra_cert = \"" f "\";"
#define RA_KEY(f)	"ra_cert = \"ra.pem\"; ra_key = \"" f "\";"
#define AT_E		"scepd.conf:1: endpoint e: "
#define AT_I		"scepd.conf:3: issuer i: "
#define AGAIN		"; issue it again with both digitalSignature and"

/* NULL: what works. Each error names the place, the fault and the mend. */
static const struct {
	const char	*endpoint, *issuer, *profile, *challenge;
	enum err_reason	 want;
	const char	*at, *text, *mend;
} refused[] = {
	{ RA_CERT("ra_nosign.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "ra_nosign.pem: keyUsage lacks digitalSignature; ", AGAIN },
	{ RA_CERT("ra_noenc.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "ra_noenc.pem: keyUsage lacks keyEncipherment; ", AGAIN },
	{ RA_CERT("ra_neither.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "lacks digitalSignature keyEncipherment; ", AGAIN },
	{ RA_CERT("ra_noku.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "lacks digitalSignature keyEncipherment; ", AGAIN },
	{ "ra_key = \"ec.key\"; ra_cert = \"ra_ec.pem\";", NULL, NULL, NULL,
	  ERR_CERT_FILE, AT_E, "ra_ec.pem: has a key of type ec",
	  "it must be RSA" },
	{ RA_KEY("ec.key"), NULL, NULL, NULL, ERR_KEY_FILE, AT_E,
	  "ec.key: is not the key of ", "name the two that belong" },
	{ RA_KEY("full.key"), NULL, NULL, NULL, ERR_KEY_FILE, AT_E,
	  "full.key: is not the key of ", "name the two that belong" },
	{ RA_CERT("ra_stranger.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "CN=ra was not issued by CN=ca", "issue it again from CN=ca" },
	{ RA_CERT("ra_old.pem") " ra_renew = 0;", NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "certificate has expired", "issue it again from CN=ca" },
	{ RA_CERT("ra_early.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "certificate is not yet valid", "issue it again from CN=ca" },
	{ RA_CERT("ra_ca.pem"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "ra_ca.pem: is a CA certificate", "use mode = \"ca\" or an RA" },
	{ RA_CERT("none.pem"), NULL, NULL, NULL, ERR_FILE, AT_E,
	  "none.pem: cannot open", "correct the path" },
	{ RA_KEY("none.key"), NULL, NULL, NULL, ERR_FILE, AT_E,
	  "none.key: cannot open", "correct the path" },
	{ RA_KEY("open.key"), NULL, NULL, NULL, ERR_FILE_MODE, AT_E,
	  "open.key: mode 0644 lets others read it", "chmod g-w,o=" },
	{ RA_KEY("junk"), NULL, NULL, NULL, ERR_KEY_FILE, AT_E,
	  "junk: no private key", "PEM or DER" },
	{ RA_CERT("junk"), NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "junk: not a certificate", "DER" },
	{ RA " ra_key_passphrase = \"none\";", NULL, NULL, NULL, ERR_FILE,
	  AT_E, "none: cannot open", "correct the path" },
	{ "mode = \"ca\";", NULL, NULL, NULL, ERR_CERT_FILE, AT_E,
	  "has a key of type ec", "it must be RSA" },
	{ "mode = \"ca\";", "cert = \"ra_ca.pem\"; key = \"ra.key\";", NULL,
	  NULL, ERR_NONE, NULL, NULL, NULL },
	{ "mode = \"ca\";", "cert = \"ra_ca_only.pem\"; key = \"ra.key\";",
	  NULL, NULL, ERR_CERT_FILE, AT_E, "issuing CA: keyUsage lacks "
	  "digitalSignature keyEncipherment; ", AGAIN },
	{ "mode = \"ca\";", "cert = \"ra_ca_mute.pem\"; key = \"ra.key\";",
	  NULL, NULL, ERR_CERT_FILE, AT_I, "CN=ra is not a CA certificate",
	  "keyUsage keyCertSign" },
	{ NULL, "cert = \"none.pem\"; key = \"ca.key\";", NULL, NULL,
	  ERR_FILE, AT_I, "none.pem: cannot open", "correct the path" },
	{ NULL, "cert = \"ca.pem\"; key = \"none.key\";", NULL, NULL,
	  ERR_FILE, AT_I, "none.key: cannot open", "correct the path" },
	{ NULL, "cert = \"ca.pem\"; key = \"ra.key\";", NULL, NULL,
	  ERR_KEY_FILE, AT_I, "ra.key: is not the key of", "name the two" },
	{ NULL, "cert = \"ca.pem\"; key = \"open.key\";", NULL, NULL,
	  ERR_FILE_MODE, AT_I, "lets others read it", "chmod g-w,o=" },
	{ NULL, "cert = \"ca.pem\"; key = \"ca.key\"; "
	  "chain = \"stranger.pem\";", NULL, NULL, ERR_CERT_FILE, AT_I,
	  "CN=stranger does not belong to the chain above CN=ca",
	  "it must hold the valid certificates above CN=ca, and no other" },
	{ NULL, "cert = \"ra.pem\"; key = \"ra.key\";", NULL, NULL,
	  ERR_CERT_FILE, AT_I, "CN=ra is not a CA certificate",
	  "it needs basicConstraints CA:TRUE" },
	{ NULL, "cert = \"old.pem\"; key = \"old.key\";", NULL, NULL,
	  ERR_CERT_FILE, AT_I, "CN=old has expired", "renew it" },
	{ NULL, NULL, "eku = [\"clientAuth\", \"fishing\"];", NULL,
	  ERR_CONFIG, "scepd.conf:5: profile p: ", "fishing is no extended",
	  "give a dotted OID, or one of clientAuth" },
	{ NULL, NULL, NULL, "hash = \"open sesame\";", ERR_CONFIG,
	  "scepd.conf:7: challenge c: ", "not a hash of the form",
	  "make one with: scepctl challenge hash" },
	{ NULL, NULL, NULL, "hash = \"$scrypt$ln=20,r=8,p=1$MDEyMzQ1Njc4OWFi"
	  "Y2RlZg$qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo\";",
	  ERR_CONFIG, "scepd.conf:7: challenge c: ", "out of range",
	  "ln 10 to 17" },
	{ NULL, NULL, NULL, PLAIN " subject = [\"CN exact a\", \"CN is b\"];",
	  ERR_CONFIG, "scepd.conf:7: challenge c: ", "subject: \"is\" is none",
	  "exact, suffix, glob, regex" },
	{ NULL, NULL, NULL, PLAIN " san = [\"dns regex a(\"];", ERR_CONFIG,
	  "scepd.conf:7: challenge c: ", "san: regex \"a(\"",
	  "missing closing parenthesis at character 3" },
};

static const char *
or(const char *text, const char *otherwise)
{
	return text == NULL ? otherwise : text;
}

static void
assert_row(size_t i)
{
	struct conf	*c = load(or(refused[i].endpoint, RA),
	    or(refused[i].issuer, LOCAL), or(refused[i].profile, ""),
	    or(refused[i].challenge, PLAIN));
	struct site	*was = (struct site *)(uintptr_t)&root, *s = was;
	struct err	 e = ERR_INIT;
	char		 row[32];
	int		 rc = site_open(c, &s, &e);

	(void)snprintf(row, sizeof(row), "row %zu", i);
	if (refused[i].want == ERR_NONE) {
		if (rc != 0)
			fail_msg("%s: %s", row, err_text(&e));
		site_put(s);
		return;
	}
	if (rc != -1)
		fail_msg("accepted: %s", row);
	assert_ptr_equal(s, was);
	assert_err(&e, refused[i].want, refused[i].at, row);
	assert_err(&e, refused[i].want, refused[i].text, row);
	assert_err(&e, refused[i].want, refused[i].mend, row);
	assert_null(strstr(e.text, "sesame"));
	conf_free(c);		/* still ours */
}

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(refused); i++)
		assert_row(i);
}

/* The mode "ra" with a program as issuer needs no key of the CA. */
static void
test_exec_issuer(void **state)
{
	struct who	 by_full = full_ca;
	struct site	*s;

	(void)state;
	file_ra("ra_full.pem", &(struct order){ .issuer = &by_full,
	    .ku = KU_RA });
	s = opened(RA_CERT("ra_full.pem"), EXEC);
	assert_null(issuer_key(s->endpoints[0].ca->issuer));
	site_put(s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_ca_mode),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_exec_issuer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
