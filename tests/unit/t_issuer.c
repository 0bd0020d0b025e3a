#include "pki_tool.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "key_craft.h"

#include "issuer/issuer.h"
#include "util/clock.h"
#include "util/str.h"

#define THREADS	8

static struct who	 root, ca, client, other_ca;
static struct csr	*csr;
static char		 empty[] = "";
/* Files of the CA, for every configuration below. */
static char		*ca_pem, *ca_key, *chain_pem;

static char		 server_auth[] = "serverAuth";
static char *const	 server[] = { server_auth, NULL };
static const struct bytes dns_b = { (const uint8_t *)"\x82\x01" "b", 3 };

static struct cert *
leaf(const struct order *o)
{
	struct order	 with = *o;

	with.name = o->name != NULL ? o->name : "leaf";
	if (with.key == NULL)
		with.key = client.key;
	if (with.issuer == NULL)
		with.issuer = &ca;
	return tool_cert(&with);
}

static void
file_leaf(const char *name, const struct order *o)
{
	struct cert	*c = leaf(o);

	tool_cert_file(name, c);
	cert_free(c);
}

/* Answers that the scripts give. */
static void
write_answers(void)
{
	struct buf	 pem = BUF_INIT(65536);
	struct err	 e = ERR_INIT;
	struct cert	*c = leaf(&(struct order){ .ku = KU_RA });
	struct key	*other;

	tool_cert_file("good.pem", c);
	tool_file("good.der", c->der, 0644);
	/* Issuing CA first: the leaf is found by its key. */
	assert_int_equal(cert_pem(ca.cert, &pem, &e), 0);
	assert_int_equal(cert_pem(c, &pem, &e), 0);
	tool_file("bag.pem", buf_bytes(&pem), 0644);
	cert_free(c);
	file_leaf("otherkey.pem", &(struct order){ .key = other_ca.key });
	other = key_respell(client.key, "exponent");
	assert_non_null(other);
	file_leaf("exponent.pem", &(struct order){ .key = other,
	    .ku = KU_RA });
	key_free(other);
	file_leaf("elsewhere.pem", &(struct order){ .key = root.key });
	file_leaf("otherca.pem", &(struct order){ .issuer = &other_ca });
	file_leaf("isca.pem", &(struct order){ .ca = true, .ku = KU_CA });
	file_leaf("expired.pem", &(struct order){ .from = NOW - 9 * DAY,
	    .to = NOW - DAY });
	file_leaf("future.pem", &(struct order){ .from = NOW + DAY });
	file_leaf("ahead.pem", &(struct order){ .from = NOW + 60,
	    .ku = KU_RA });
	file_leaf("named.pem", &(struct order){ .ku = KU_RA, .sans = &dns_b,
	    .n_sans = 1 });
	file_leaf("other.pem", &(struct order){ .ku = KU_RA,
	    .name = "/O=Other/CN=leaf" });
	file_leaf("long.pem", &(struct order){ .ku = KU_RA,
	    .to = NOW + 400 * DAY });
	file_leaf("early.pem", &(struct order){ .ku = KU_RA,
	    .from = NOW - 3 * DAY });
	file_leaf("ku.pem", &(struct order){ .ku =
	    CERT_KU_DIGITAL_SIGNATURE });
	file_leaf("eku.pem", &(struct order){ .ku = KU_RA, .eku = server });
	buf_wipe(&pem);
}

static int
setup(void **state)
{
	struct buf	 pem = BUF_INIT(65536);
	struct err	 e = ERR_INIT;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	who_make(&root, &(struct order){ .name = "root", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA });
	who_make(&ca, &(struct order){ .name = "issuing", .spec = "ec:p256",
	    .ca = true, .ku = KU_CA, .issuer = &root });
	who_make(&other_ca, &(struct order){ .name = "issuing",
	    .spec = "ec:p256", .ca = true, .ku = KU_CA });
	who_make(&client, &(struct order){ .name = "client",
	    .spec = "rsa:2048" });
	csr = tool_csr(client.key, "/CN=leaf", "DNS:a", "open sesame");
	ca_pem = strdup(tool_cert_file("ca.pem", ca.cert));
	ca_key = strdup(tool_key_file("ca.key", ca.key));
	chain_pem = strdup(tool_cert_file("root.pem", root.cert));
	write_answers();
	assert_int_equal(csr_pem(csr, &pem, &e), 0);
	tool_file("want.csr", buf_bytes(&pem), 0644);
	buf_wipe(&pem);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	who_free(&root);
	who_free(&ca);
	who_free(&other_ca);
	who_free(&client);
	csr_free(csr);
	free(ca_pem);
	free(ca_key);
	free(chain_pem);
	tool_clean();
	return 0;
}

/* argv of an issuer that runs script in the folder of answers. */
struct command {
	char	 script[2048];
	char	 sh[8], c[3];
	char	*argv[4];
};

static void
command(struct command *c, const char *script)
{
	(void)snprintf(c->script, sizeof(c->script), "cd '%s' && { %s\n}",
	    tool_folder(), script);
	memcpy(c->sh, "/bin/sh", 8);
	memcpy(c->c, "-c", 3);
	c->argv[0] = c->sh;
	c->argv[1] = c->c;
	c->argv[2] = c->script;
	c->argv[3] = NULL;
}

static struct issuer *
open_deciding(const char *script, int timeout, char *word)
{
	char			*words[] = { word, NULL };
	struct command		 c;
	const struct conf_issuer conf = {
		.type = CONF_ISSUER_EXEC, .cert = ca_pem, .chain = chain_pem,
		.key = empty, .key_passphrase = empty,
		.command = { c.argv, 3 }, .timeout = timeout,
		.decides = { words, word == NULL ? 0 : 1 }
	};
	struct issuer		*is = NULL;
	struct err		 e = ERR_INIT;

	command(&c, script);
	if (issuer_open(&conf, NOW, &is, &e) != 0)
		fail_msg("%s", err_text(&e));
	/* The command is copied: a reload frees the configuration. */
	memset(&c, 0, sizeof(c));
	return is;
}

static struct issuer *
open_exec(const char *script, int timeout)
{
	return open_deciding(script, timeout, NULL);
}

static const uint8_t	 serial[SERIAL_LEN] = { 0x40 };

/* What policy grants, unless a test changes it. */
static struct cert_plan
granted(void)
{
	return (struct cert_plan){
		.serial = bytes_make(serial, sizeof(serial)),
		.subject = csr->subject, .spki = csr->key.spki,
		.not_before = NOW - DAY, .not_after = NOW + 365 * DAY,
		.ku = KU_RA
	};
}

static int
ask_for(const struct issuer *is, const struct cert_plan *plan,
    const char *txid, struct cert **out, struct err *e)
{
	struct certs			 strays = { NULL, 0 };
	bool				 maybe = false;
	int				 rc;
	const struct issuer_request	 r = { .plan = plan, .csr = csr,
	    .endpoint = "ep", .profile = "phones", .txid = txid,
	    .peer = "192.0.2.7", .now = NOW };

	rc = issuer_issue(is, &r, out, &strays, &maybe, e);
	assert_true(rc == -1 || (strays.n == 0 && !maybe));
	certs_free(&strays);
	return rc;
}

static int
ask(const struct issuer *is, const char *txid, struct cert **out,
    struct err *e)
{
	const struct cert_plan	 plan = granted();

	return ask_for(is, &plan, txid, out, e);
}

static void
test_exec_issues(void **state)
{
	static const char *const scripts[] = {
		"cat good.pem",
		"cat good.der",
		"cat bag.pem",
		"cat ahead.pem",	/* by a clock a minute fast */
		"echo chatter >&2; cat good.pem",
		/* The request as PEM, the facts in the environment. */
		"cmp - want.csr && test \"$SCEPD_ENDPOINT\" = ep && "
		    "test \"$SCEPD_TRANSACTION_ID\" = \"t +/=\" && "
		    "test \"$SCEPD_PEER\" = 192.0.2.7 && cat good.pem",
		/* Which CA it is to be of: there may be two. */
		"cmp - want.csr && cmp \"$SCEPD_CA\" ca.pem && cat good.pem",
		/* No more than that: nothing of ours leaks. */
		"test -z \"$HOME$SECRET_OF_OURS\" && cat good.pem",
	};
	struct issuer	*is;
	struct cert	*c;
	struct err	 e = ERR_INIT;

	(void)state;
	assert_int_equal(setenv("SECRET_OF_OURS", "x", 1), 0);
	for (size_t i = 0; i < N(scripts); i++) {
		is = open_exec(scripts[i], 20);
		c = NULL;
		if (ask(is, "t +/=", &c, &e) != 0)
			fail_msg("%s: %s", scripts[i], err_text(&e));
		assert_true(bytes_eq(c->key.spki, csr->key.spki));
		assert_true(bytes_eq(c->issuer, ca.cert->subject));
		cert_free(c);
		issuer_close(is);
	}
}

static void
test_exec_facts(void **state)
{
	struct issuer	*is = open_exec("exit 40", 1);

	(void)state;
	assert_null(issuer_key(is));
	assert_true(bytes_eq(issuer_ca(is)->der, ca.cert->der));
	assert_int_equal(issuer_upper(is)->n, 1);
	issuer_close(is);
	issuer_close(NULL);
}

static const struct {
	const char	*script;
	enum err_reason	 want;
	const char	*text;
} refusals[] = {
	{ "echo not you >&2; exit 40", ERR_ISSUER_REFUSED, "not you" },
	{ "cat good.pem; exit 40", ERR_ISSUER_REFUSED, "exit 40" },
	/* It was given the challenge, and must not bring it into the log. */
	{ "echo no, open sesame is old >&2; exit 40", ERR_ISSUER_REFUSED,
	  "no, * is old" },
	{ "exit 1", ERR_ISSUER, "exit 1: nothing on standard error" },
	{ "exit 2", ERR_ISSUER, "exit 2: nothing on standard error" },
	{ "cat good.pem; exit 255", ERR_ISSUER, "exit 255" },
	{ "exec ./nothing", ERR_ISSUER, "exit 127" },
	{ "kill -9 $$", ERR_ISSUER, "signal" },
	{ "cat good.pem; kill -TERM $$", ERR_ISSUER, "signal" },
	{ "head -c 70000 /dev/zero", ERR_ISSUER, NULL },
	{ "cat good.pem; head -c 70000 /dev/zero", ERR_ISSUER, NULL },
	{ "yes", ERR_ISSUER, NULL },
	{ "true", ERR_ISSUER_ANSWER, "/bin/sh: printed no PEM certificate "
	  "(nothing on standard output)" },
	{ "echo", ERR_ISSUER_ANSWER, "printed no PEM certificate (not a c" },
	{ "head -c 3000 /dev/urandom", ERR_ISSUER_ANSWER, NULL },
	{ "cat want.csr", ERR_ISSUER_ANSWER, "no certificate in the PEM" },
	{ "head -n 5 good.pem", ERR_ISSUER_ANSWER, NULL },
	{ "cat otherkey.pem", ERR_ISSUER_ANSWER, "has the request's key" },
	{ "cat exponent.pem", ERR_ISSUER_ANSWER, "has the request's key" },
	{ "cat ca.pem", ERR_ISSUER_ANSWER, "none of 1 certificates" },
	{ "cat otherca.pem", ERR_ISSUER_ANSWER, "signature" },
	{ "cat named.pem", ERR_ISSUER_ANSWER, "dns:b was not granted" },
	{ "cat other.pem", ERR_ISSUER_ANSWER, "its subject is \"CN=leaf,"
	  "O=Other\", not \"CN=leaf\" as granted" },
	{ "cat long.pem", ERR_ISSUER_ANSWER, "its notAfter is 2028-02-19T08:"
	  "00:00Z, 2028-01-15T08:00:00Z was granted" },
	{ "cat early.pem", ERR_ISSUER_ANSWER, "its notBefore is 2027-01-12T08:"
	  "00:00Z, 2027-01-14T08:00:00Z was granted" },
	{ "cat ku.pem", ERR_ISSUER_ANSWER, "its keyUsage is digitalSignature, "
	  "not digitalSignature,keyEncipherment as granted" },
	{ "cat eku.pem", ERR_ISSUER_ANSWER, "extKeyUsage 1.3.6.1.5.5.7.3.1 "
	  "was not granted" },
	{ "cat isca.pem", ERR_ISSUER_ANSWER, "it is a CA certificate" },
	{ "cat expired.pem", ERR_ISSUER_ANSWER, "has expired" },
	{ "cat future.pem", ERR_ISSUER_ANSWER, "not yet valid" },
};

static void
test_exec_refused(void **state)
{
	struct issuer	*is;

	(void)state;
	for (size_t i = 0; i < N(refusals); i++) {
		struct cert	*c = ca.cert;
		struct err	 e = ERR_INIT;

		is = open_exec(refusals[i].script, 20);
		if (ask(is, "t", &c, &e) != -1)
			fail_msg("accepted: %s", refusals[i].script);
		assert_err(&e, refusals[i].want, refusals[i].text,
		    refusals[i].script);
		assert_ptr_equal(c, ca.cert);
		issuer_close(is);
	}
}

/* What was made and is no good, or came before the program died, is told, for
 * whoever revokes it there. */
static const struct {
	const char	*script;
	const char	*strays;	/* their files; ?: maybe one */
} strays[] = {
	{ "cat good.pem", "" },
	{ "cat good.pem good.pem", "" },
	{ "cat named.pem", "named.pem" },
	{ "cat ca.pem named.pem good.pem", "named.pem good.pem" },
	{ "cat otherkey.pem good.pem; exit 2", "good.pem" },
	{ "cat otherca.pem", "otherca.pem" },
	{ "cat isca.pem", "isca.pem" },
	{ "cat otherkey.pem", "otherkey.pem" },
	{ "cat ca.pem otherkey.pem elsewhere.pem", "otherkey.pem "
	  "elsewhere.pem" },
	{ "cat ca.pem", "" },
	{ "cat good.pem; exit 40", "good.pem" },
	{ "cat good.pem; exit 255", "good.pem" },
	{ "cat ca.pem; exit 255", "" },
	{ "true", "" },
	{ "exit 1", "" },
	/* Every way to die. */
	{ "cat good.pem; kill -9 $$", "good.pem" },
	{ "cat good.pem; exec sleep 1000", "good.pem" },
	{ "cat good.pem; touch made; exec sleep 1001", "good.pem" },
	{ "cat good.pem; exec cat /dev/zero", "good.pem" },
	{ "cat good.der; exec cat /dev/zero", "good.pem" },
	/* Behind more than an answer may have, and behind all that is read. */
	{ "head -c 70000 /dev/zero; cat good.pem", "good.pem" },
	{ "cat otherkey.pem; yes | head -c 900000; cat good.pem", "good.pem" },
	{ "yes | head -c 2000000; cat good.pem", "?" },
	{ "cat otherkey.pem; exec yes", "otherkey.pem ?" },
	{ "cat good.pem; exec yes", "good.pem" },
	{ "head -c 70000 /dev/zero; exit 40", "" },
	{ "cat good.pem; head -n 5 named.pem", "good.pem" },
	{ "head -n 5 named.pem; cat good.pem", "good.pem" },
	{ "cat good.pem; echo -----BEGIN CERTIFICATE-----; echo %%",
	  "good.pem" },
};

static void
assert_strays(const struct certs *got, const char *files, const char *script)
{
	char		*copy = strdup(files), *rest = copy, *name;
	struct err	 e = ERR_INIT;
	struct cert	*want;
	size_t		 n = 0;

	assert_non_null(copy);
	while ((name = strtok_r(rest, " ?", &rest)) != NULL) {
		if (n >= got->n)
			fail_msg("%s: %zu strays", script, got->n);
		assert_int_equal(cert_load(tool_path(name), &want, &e), 0);
		if (!bytes_eq(got->v[n++]->der, want->der))
			fail_msg("%s: another than %s", script, name);
		cert_free(want);
	}
	if (got->n != n)
		fail_msg("%s: %zu strays", script, got->n);
	free(copy);
}

/* The server stops when the program has made what it makes. */
static void *
stop_when_made(void *arg)
{
	const struct timespec	 some = { .tv_nsec = 10000000 };

	while (access(tool_path("made"), F_OK) == -1)
		(void)nanosleep(&some, NULL);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

static void
test_exec_strays(void **state)
{
	const struct cert_plan	 plan = granted();
	atomic_bool		 stop;
	struct issuer_request	 r = { .plan = &plan, .csr = csr,
	    .endpoint = "ep", .profile = "phones", .txid = "t",
	    .peer = "192.0.2.7", .now = NOW, .stop = &stop };

	(void)state;
	for (size_t i = 0; i < N(strays); i++) {
		bool		 stops = strstr(strays[i].script, "made") != NULL;
		bool		 hangs = strstr(strays[i].script, "1000") != NULL;
		struct certs	 got = { NULL, 0 };
		struct issuer	*is = open_exec(strays[i].script, hangs ? 1 :
		    20);
		bool		 maybe = false;
		struct cert	*c = NULL;
		struct err	 e = ERR_INIT;
		pthread_t	 other;

		atomic_store(&stop, false);
		if (stops)
			assert_int_equal(pthread_create(&other, NULL,
			    stop_when_made, &stop), 0);
		if (issuer_issue(is, &r, &c, &got, &maybe, &e) == 0)
			assert_int_equal(got.n, 0);
		if (stops)
			assert_int_equal(pthread_join(other, NULL), 0);
		if (stops)
			assert_err(&e, ERR_ISSUER, "the server stops", "stop");
		assert_strays(&got, strays[i].strays, strays[i].script);
		assert_int_equal(maybe, strchr(strays[i].strays, '?') != NULL);
		certs_free(&got);
		cert_free(c);
		issuer_close(is);
	}
}

/* What the CA decides, by words of the setting. */
static void
test_exec_decides(void **state)
{
	char	 subject[] = "subject", validity[] = "validity",
	    usage[] = "usage", names[] = "names", extensions[] = "extensions";
	const struct {
		const char	*script;
		char		*word;
		unsigned	 plan;	/* 1: with dns:b, 2: a SID's */
		bool		 good;
	} rows[] = {
		{ "cat other.pem", subject, 0, true },
		{ "cat long.pem", subject, 0, false },
		{ "cat long.pem", validity, 0, true },
		{ "cat early.pem", validity, 0, true },
		{ "cat expired.pem", validity, 0, false },
		{ "cat ku.pem", usage, 0, true },
		{ "cat eku.pem", usage, 0, false },
		{ "cat good.pem", NULL, 1, false },
		{ "cat good.pem", names, 1, true },
		{ "cat named.pem", NULL, 1, true },
		{ "cat named.pem", names, 0, false },
		{ "cat good.pem", NULL, 2, false },
		{ "cat good.pem", extensions, 2, true },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct issuer	*is = open_deciding(rows[i].script, 20,
		    rows[i].word);
		struct cert_plan plan = granted();
		struct err	 e = ERR_INIT;
		struct cert	*c = NULL;

		plan.sans = &dns_b;
		plan.n_sans = rows[i].plan == 1 ? 1 : 0;
		plan.sid = rows[i].plan == 2 ? "S-1-5-21-1-2-3-4" : NULL;
		if (ask_for(is, &plan, "t", &c, &e) != (rows[i].good ? 0 : -1))
			fail_msg("row %zu: %s", i, err_text(&e));
		if (!rows[i].good)
			assert_err(&e, ERR_ISSUER_ANSWER, NULL,
			    rows[i].script);
		cert_free(c);
		issuer_close(is);
	}
}

/* ---- what it is told ---- */

#define SID		"S-1-5-21-1-2-3-4"
#define SERIAL_TEXT	"40000000000000000000000000000000"
static const char	 plan_text[] =
    "{\"version\": 1, \"profile\": \"phones\", \"serial\": \"" SERIAL_TEXT "\", "
    "\"subject\": \"CN=leaf\", \"sans\": [\"dns:b\", \"upn:\\u00E4@b\"], "
    "\"not_before\": \"2027-01-14T08:00:00Z\", "
    "\"not_after\": \"2028-01-15T08:00:00Z\", \"key\": {\"type\": \"rsa\", "
    "\"bits\": 2048, \"sha256\": \"%s\"}, "
    "\"ku\": [\"digitalSignature\", \"keyEncipherment\"], "
    "\"eku\": [\"serverAuth\"], \"crl_urls\": [\"http://a/\"], "
    "\"ca_issuers_urls\": [], \"ocsp_urls\": [], \"template\": "
    "{\"oid\": \"1.3.6.1.4.1.311.21.8.1\", \"major\": 100, \"minor\": 2}, "
    "\"sid\": \"" SID "\", \"extensions\": [{\"oid\": \"1.2.3.4\", "
    "\"critical\": true, \"der\": \"BQA=\"}]}";

static const struct { const char *name, *want; } told[] = {
	{ "ENDPOINT", "ep" },
	{ "PROFILE", "phones" },
	{ "TRANSACTION_ID", "t" },
	{ "PEER", "192.0.2.7" },
	{ "SERIAL", SERIAL_TEXT },
	{ "SUBJECT", "/CN=leaf" },
	{ "SANS", "dns:b\nupn:\xc3\xa4@b" },
	{ "NOT_BEFORE", "20270114080000Z" },
	{ "NOT_AFTER", "20280115080000Z" },
	{ "DAYS", "365" },
};

static void
assert_told(const struct cert_plan *plan, const char *name, const char *want)
{
	struct err	 e = ERR_INIT;
	struct cert	*c = ca.cert;
	struct issuer	*is;
	char		 script[128];

	(void)snprintf(script, sizeof(script), "printf %%s \"$SCEPD_%s\" | "
	    "cmp - want.txt >&2; exit 40", name);
	tool_file("want.txt", bytes_str(want), 0644);
	is = open_exec(script, 20);
	assert_int_equal(ask_for(is, plan, "t", &c, &e), -1);
	assert_err(&e, ERR_ISSUER_REFUSED, "nothing on standard error", name);
	issuer_close(is);
}

/* All that policy grants, as the manual has it. */
static void
test_exec_told(void **state)
{
	static const uint8_t		 upn[] = "\xa0\x14\x06\x0a"
	    "\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x06\x0c\x04"
	    "\xc3\xa4@b";
	struct bytes			 names[] = { dns_b,
	    { upn, sizeof(upn) - 1 } };
	static const struct cert_extra	 extra = { "1.2.3.4", true,
	    { (const uint8_t *)"\x05\x00", 2 } };
	char				 url[] = "http://a/";
	char				*urls[] = { url, NULL };
	struct cert_plan		 plan = granted();
	char				 hex[2 * PKI_HASH + 1];
	char				 want[2048];
	struct buf			 lines = BUF_INIT(8192);
	struct err			 e = ERR_INIT;

	(void)state;
	plan.sans = names;
	plan.n_sans = N(names);
	plan.eku = server;
	plan.crl_urls = urls;
	plan.template_oid = "1.3.6.1.4.1.311.21.8.1";
	plan.template_major = 100;
	plan.template_minor = 2;
	plan.sid = SID;
	plan.extras = &extra;
	plan.n_extras = 1;
	for (size_t i = 0; i < N(told); i++)
		assert_told(&plan, told[i].name, told[i].want);
	str_hex(bytes_make(csr->key.spki_hash, PKI_HASH), hex);
	(void)snprintf(want, sizeof(want), plan_text, hex);
	assert_told(&plan, "PLAN", want);
	assert_int_equal(cert_plan_lines(&plan, ca.cert, &lines, &e), 0);
	assert_told(&plan, "EXTENSIONS", buf_cstr(&lines));
	buf_wipe(&lines);
	/* A last day that is not whole is none. */
	plan.not_after = NOW + DAY - 1;
	assert_told(&plan, "DAYS", "0");
}

/* More than an environment takes is no reason to run without it. */
static void
test_exec_too_much(void **state)
{
	static uint8_t		 der[70000] = { 0x04, 0x83, 0x01, 0x11, 0x6b };
	const struct cert_extra	 extra = { "1.2.3.4", false,
	    { der, sizeof(der) } };
	struct cert_plan	 plan = granted();
	struct issuer		*is = open_exec("cat good.pem", 20);
	struct cert		*c = ca.cert;
	struct err		 e = ERR_INIT;

	(void)state;
	plan.extras = &extra;
	plan.n_extras = 1;
	assert_int_equal(ask_for(is, &plan, "t", &c, &e), -1);
	assert_err(&e, ERR_ISSUER, "SCEPD_EXTENSIONS is too long", "large");
	assert_ptr_equal(c, ca.cert);
	issuer_close(is);
}

/* Reading the request or not: the time is kept. */
static void
test_exec_hangs(void **state)
{
	struct issuer	*is = open_exec("sleep 60 & cat good.pem; wait", 1);
	struct cert	*c = ca.cert;
	struct err	 e = ERR_INIT;
	int64_t		 began = clock_mono_us();

	(void)state;
	assert_int_equal(ask(is, "t", &c, &e), -1);
	assert_err(&e, ERR_ISSUER, NULL, "hangs");
	assert_ptr_equal(c, ca.cert);
	assert_true(clock_mono_us() - began < 30 * 1000000);
	issuer_close(is);
}

static void *
ask_many(void *arg)
{
	struct cert	*c;
	struct err	 e = ERR_INIT;
	char		 txid[32];
	long		 good = 0;

	for (int i = 0; i < 4; i++) {
		(void)snprintf(txid, sizeof(txid), "%p-%d", (void *)&c, i);
		c = NULL;
		if (ask(arg, txid, &c, &e) == 0 && strstr(c->subject_text,
		    "leaf") != NULL)
			good++;
		cert_free(c);
	}
	return (void *)good;
}

static void
assert_threads(struct issuer *is)
{
	pthread_t	 t[THREADS];
	void		*good;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_many, is), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &good), 0);
		assert_int_equal((long)good, 4);
	}
	issuer_close(is);
}

static void
test_exec_threads(void **state)
{
	(void)state;
	/* Each run has its own input and transaction. */
	assert_threads(open_exec("mkdir \"lock.$SCEPD_TRANSACTION_ID\" && "
	    "cmp - want.csr && rmdir \"lock.$SCEPD_TRANSACTION_ID\" && "
	    "cat good.pem", 20));
}

static struct issuer *
open_local(const char *cert, const char *chain, const char *key,
    const char *pass, int64_t now, struct err *e)
{
	const struct conf_issuer conf = {
		.type = CONF_ISSUER_LOCAL, .cert = strdup(cert),
		.chain = strdup(chain), .key = strdup(key),
		.key_passphrase = strdup(pass), .timeout = 15
	};
	struct issuer		*was = (struct issuer *)(uintptr_t)&ca;
	struct issuer		*is = was;
	int			 rc;

	rc = issuer_open(&conf, now, &is, e);
	if (rc == -1)
		assert_ptr_equal(is, was);
	free(conf.cert);
	free(conf.chain);
	free(conf.key);
	free(conf.key_passphrase);
	return rc == 0 ? is : NULL;
}

static void
test_local(void **state)
{
	struct err	 e = ERR_INIT;
	struct issuer	*is = open_local(ca_pem, chain_pem, ca_key, "", NOW,
	    &e);
	struct cert	*c = NULL;

	(void)state;
	if (is == NULL)
		fail_msg("%s", err_text(&e));
	assert_true(key_matches(issuer_key(is), ca.cert));
	assert_int_equal(ask(is, "t", &c, &e), 0);
	assert_true(bytes_eq(c->key.spki, csr->key.spki));
	assert_int_equal(c->not_after, NOW + 365 * DAY);
	assert_int_equal(X509_verify(c->x, key_pkey(ca.key)), 1);
	cert_free(c);
	assert_threads(is);
}

static void
test_local_refused(void **state)
{
	const char	*no_ca = tool_cert_file("noca.pem", client.cert);
	const char	*both = tool_path("ca.pem");
	const struct {
		const char	*cert, *chain, *key, *pass;
		int64_t		 now;
		enum err_reason	 want;
		const char	*text;
	} rows[] = {
		{ "/nowhere/ca.pem", "", ca_key, "", NOW, ERR_FILE,
		    "/nowhere/ca.pem: cannot open" },
		{ ca_key, "", ca_key, "", NOW, ERR_CERT_FILE,
		    "ca.key: no certificate" },
		{ no_ca, "", ca_key, "", NOW, ERR_CERT_FILE,
		    "it needs basicConstraints CA:TRUE" },
		{ ca_pem, "", ca_key, "", NOW + 366 * DAY, ERR_CERT_FILE,
		    "has expired; renew it" },
		{ ca_pem, "", ca_key, "", NOW - 2 * DAY, ERR_CERT_FILE,
		    "is not valid yet" },
		{ ca_pem, no_ca, ca_key, "", NOW, ERR_CERT_FILE,
		    "noca.pem: CN=client does not belong to the chain" },
		{ ca_pem, both, ca_key, "", NOW, ERR_CERT_FILE,
		    "does not belong" },
		{ ca_pem, "/nowhere/x", ca_key, "", NOW, ERR_FILE, "x: can" },
		{ ca_pem, "", "/nowhere/k", "", NOW, ERR_FILE, "k: cannot" },
		{ ca_pem, "", tool_key_file("c.key", client.key), "", NOW,
		    ERR_KEY_FILE, "is not the key of" },
		{ ca_pem, "", ca_key, "/nowhere/p", NOW, ERR_FILE, "p: can" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct err	 e = ERR_INIT;

		if (open_local(rows[i].cert, rows[i].chain, rows[i].key,
		    rows[i].pass, rows[i].now, &e) != NULL)
			fail_msg("accepted: row %zu", i);
		assert_err(&e, rows[i].want, rows[i].text, rows[i].cert);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_exec_issues),
		cmocka_unit_test(test_exec_facts),
		cmocka_unit_test(test_exec_refused),
		cmocka_unit_test(test_exec_strays),
		cmocka_unit_test(test_exec_decides),
		cmocka_unit_test(test_exec_told),
		cmocka_unit_test(test_exec_too_much),
		cmocka_unit_test(test_exec_hangs),
		cmocka_unit_test(test_exec_threads),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_local_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
