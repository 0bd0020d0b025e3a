/*
 * Validators in the way of a request: when one is asked, what it is told, and
 * what its word is worth. It is a script here: it keeps what it is told, says
 * what stands in a file and ends as another one says.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "csr_craft.h"
#include "pki_tool.h"
#include "scep/wrap.h"
#include "service_ask.h"
#include "store_ask.h"
#include "service/guard_int.h"
#include "store/waiting.h"
#include "util/clock.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"
#define LIMITED	"5F0C8E6A21D794B3"	/* its challenge has a profile */
#define COPIES	8

static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told.$$\n"
    "if grep -q '\"event\": \"outcome\"' told.$$; then\n"
    "	mv told.$$ outcome; exit 0\n"
    "fi\n"
    "echo x >>asked\n"
    "mv told.$$ told\n"
    "[ ! -e slow ] || sleep 0.3\n"
    "cat words\n"
    "exit $(cat verdict)\n";

#define END(name)							\
	"  { name = \"" name "\"; paths = [ \"/" name "\" ];\n"		\
	"    ra_cert = \"ra.pem\"; ra_key = \"ra.key\";\n"		\
	"    issuer = \"i\"; profile = \"p\"; validator = \"v\";\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "pipeline: { workers = 32; };\n"
    "endpoints = (\n"
    END("also") "challenges = [ \"c\" ]; },\n"
    END("instead") "validator_challenge = \"instead\"; },\n"
    END("once") "challenges = [ \"c\" ]; validator_renewals = false; },\n"
    END("vouched") "validator_challenge = \"instead\";\n"
    "    validator_renewals = false;\n"
    "    renew = { challenge = \"required\"; }; },\n"
    END("limited") "challenges = [ \"d\" ]; },\n"
    END("manual") "challenges = [ \"c\" ]; approval = \"manual\"; } );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; } );\n"
    "profiles = ( { name = \"p\"; san = [ \"dns\" ]; },\n"
    "  { name = \"q\"; validity = \"10d\"; san = [ \"dns\", \"upn\" ];\n"
    "    sid = \"allow\"; },\n"
    "  { name = \"held\"; approval = \"manual\"; },\n"
    "  { name = \"ec\"; key_types = [ \"ec\" ]; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"d\"; secret = \"" LIMITED "\"; profile = \"q\";\n"
    "    subject = [ \"CN glob dev*\" ]; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ];\n"
    "  notify = true; } );\n";

static struct who	 ca, ra, device;
static struct algs	*algs;
static struct service	*service;

static void
ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
}

static void
write_word(const char *name, const char *what)
{
	(void)tool_file(name, bytes_str(what), 0600);
}

/* The script's next answers. */
static void
will_say(int verdict, const char *words)
{
	char	 code[16];

	(void)snprintf(code, sizeof(code), "%d", verdict);
	write_word("verdict", code);
	write_word("words", words);
}

static int
begin(void **state)
{
	struct buf	 conf = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	struct conf	*c;
	struct site	*site;

	(void)state;
	(void)unlink(tool_path("scepd.db"));
	(void)unlink(tool_path("slow"));
	(void)unlink(tool_path("outcome"));
	write_word("asked", "");
	write_word("told", "");
	will_say(0, "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_int_equal(buf_printf(&conf, text, tool_file("validate",
	    bytes_str(script), 0700)), 0);
#pragma GCC diagnostic pop
	(void)tool_file("scepd.conf", buf_bytes(&conf), 0600);
	buf_wipe(&conf);
	ok(conf_load(tool_path("scepd.conf"), &c, &e), &e);
	ok(site_open(c, &site, &e), &e);
	ok(service_open(site, &service, &e), &e);
	return 0;
}

/* Tells what is left to tell, too. */
static int
end(void **state)
{
	(void)state;
	service_close(service);
	service = NULL;
	return 0;
}

static int
setup(void **state)
{
	struct order	 o = { .name = "CA", .spec = "ec:p256", .ca = true,
	    .ku = KU_CA };

	(void)state;
	o.from = time(NULL) - DAY;
	o.to = o.from + 1000 * DAY;
	who_make(&ca, &o);
	o.ca = false;
	o.spec = "rsa:2048";
	o.ku = KU_RA;
	o.name = "device";
	who_make(&device, &o);
	o.issuer = &ca;
	o.name = "RA";
	who_make(&ra, &o);
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_key_file("ca.key", ca.key);
	(void)tool_cert_file("ra.pem", ra.cert);
	(void)tool_key_file("ra.key", ra.key);
	return algs_open(&algs, &(struct err)ERR_INIT);
}

static int
teardown(void **state)
{
	(void)state;
	algs_free(algs);
	who_free(&ca);
	who_free(&ra);
	who_free(&device);
	tool_clean();
	return 0;
}

/* A file of the script's; "" where there is none. Borrowed until the next. */
static const char *
read_word(const char *name)
{
	static struct buf	 b = BUF_INIT(FILE_MAX);
	struct err		 e = ERR_INIT;

	buf_reset(&b);
	if (access(tool_path(name), F_OK) == 0)
		ok(file_read(tool_path(name), &b, &e), &e);
	return buf_cstr(&b);
}

/* How often it was asked since the service began. */
static size_t
times_asked(void)
{
	return strlen(read_word("asked")) / 2;
}

static void
assert_told(const char *what)
{
	if (strstr(read_word("told"), what) == NULL)
		fail_msg("it was not told %s but %s", what,
		    read_word("told"));
}

static struct scep_ask
question(int type, const struct who *by, const char *txid,
    struct bytes content)
{
	return (struct scep_ask){ .type = type, .txid = txid,
	    .nonce = bytes_str(txid), .content = content, .key = by->key,
	    .cert = by->cert, .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 } };
}

static void
ask(const char *path, int type, const struct who *by, const char *txid,
    const char *challenge, struct scep_got *got)
{
	struct csr		*r = tool_csr(by->key, "/CN=device",
	    "DNS:device.example", challenge);
	const struct scep_ask	 q = question(type, by, txid, r->der);

	service_ask(service, path, &q, algs, ra.cert, got);
	csr_free(r);
}

/* The same, where no CertRep is to be expected. */
static int
status_of(const char *path, int type, const struct who *by,
    const char *challenge)
{
	struct csr		*r = tool_csr(by->key, "/CN=device",
	    "DNS:device.example", challenge);
	const struct scep_ask	 q = question(type, by, "status", r->der);
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct exchange		 x;
	int			 status;

	ok(scep_client_request(&q, algs, &message, &e), &e);
	service_post(service, path, buf_bytes(&message), &x);
	status = x.status;
	exchange_clear(&x);
	buf_wipe(&message);
	csr_free(r);
	return status;
}

static int
ask_status(const char *path, const char *challenge)
{
	return status_of(path, SCEP_PKCSREQ, &device, challenge);
}

/* What a request to the path, which the validator refuses, shows of its sender.
 */
static enum exchange_proof
refused_proof(const char *path)
{
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    SECRET);
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "proof",
	    r->der);
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	enum exchange_proof	 proof;
	struct exchange		 x;

	will_say(40, "");
	ok(scep_client_request(&q, algs, &message, &e), &e);
	service_post(service, path, buf_bytes(&message), &x);
	proof = x.proof;
	exchange_clear(&x);
	buf_wipe(&message);
	csr_free(r);
	return proof;
}

static void
again(void)
{
	(void)end(NULL);
	(void)begin(NULL);
}

/* ---- verdicts ---- */

static void
test_facts(void **state)
{
	struct scep_got	 got;

	(void)state;
	ask("/also", SCEP_PKCSREQ, &device, "t-1", SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_told("{\"version\": 1, \"event\": \"request\", "
	    "\"endpoint\": \"also\", \"transaction_id\": \"t-1\", ");
	assert_told("\"message_type\": \"PKCSReq\", \"renewal\": false, "
	    "\"subject\": \"CN=device\", \"sans\": [\"dns:device.example\"], ");
	assert_told("\"asked\": {\"sid\": null, \"sid_uris\": [], "
	    "\"template_oid\": null, \"template_name\": null, \"ku\": [], "
	    "\"eku\": [], \"ca\": false, \"extensions\": []}");
	assert_told("\"issued_here\": false");
	assert_told("\"profile\": \"p\", \"challenge\": null, "
	    "\"challenge_name\": \"c\", \"challenge_facts\": {}, "
	    "\"csr\": \"-----BEGIN CERTIFICATE REQUEST-----\\n");
	ask("/instead", SCEP_PKCSREQ, &device, "t-2", " x\ty ", &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_told("\"challenge\": \" x\\ty \", \"challenge_name\": null");
}

#define SID_URI		"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"

/* It need not take the request apart to see for whom it asks. */
static void
test_asked(void **state)
{
	static const struct csr_craft	 all = {
		.more = "keyUsage=digitalSignature,keyCertSign",
		.also = {
		    "extendedKeyUsage=clientAuth,1.2.3.4",
		    "basicConstraints=CA:TRUE",
		    "1.3.6.1.4.1.311.21.7=DER:300506032A0309",
		    "1.3.6.1.4.1.311.20.2=DER:1E06005700650062",
		    "1.3.6.1.4.1.311.25.2=DER:301BA019060A2B06010401823719"
		    "0201A00B0409532D312D352D392D31", "1.2.3.5=DER:0500" },
	};
	struct csr_craft		 c = all;
	struct buf			 der = BUF_INIT(CSR_MAX_DER);
	struct scep_ask			 q;
	struct scep_got			 got;

	(void)state;
	again();
	will_say(40, "");
	c.key = device.key;
	c.challenge_tag = V_ASN1_PRINTABLESTRING;
	c.challenge = bytes_str(SECRET);
	c.sans = LIT("\x30\x40\x86\x33" SID_URI "\x82\x09" "a.example");
	csr_craft(&c, &der);
	q = question(SCEP_PKCSREQ, &device, "asked", buf_bytes(&der));
	service_ask(service, "/also", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	buf_wipe(&der);
	assert_told("\"sans\": [\"sid:" SID_URI "\", \"dns:a.example\"], "
	    "\"asked\": {\"sid\": \"S-1-5-9-1\", "
	    "\"sid_uris\": [\"" SID_URI "\"], "
	    "\"template_oid\": \"1.2.3.9\", \"template_name\": \"Web\", "
	    "\"ku\": [\"digitalSignature\", \"keyCertSign\"], "
	    "\"eku\": [\"1.3.6.1.5.5.7.3.2\", \"1.2.3.4\"], "
	    "\"ca\": true, \"extensions\": [\"1.3.6.1.4.1.311.21.7\", "
	    "\"1.3.6.1.4.1.311.20.2\", \"1.2.3.5\"]}");
}

static void
test_verdicts(void **state)
{
	static const struct {
		const char	*path;
		int		 verdict;
		const char	*words;
		int		 http;
		int		 status;	/* with 200 */
	} rows[] = {
		{ "/also", 0, "", 200, SCEP_SUCCESS },
		{ "/also", 40, "", 200, SCEP_FAILURE },
		{ "/also", 41, "", 200, SCEP_PENDING },
		{ "/also", 1, "", 503, 0 },
		{ "/also", 2, "", 503, 0 },
		{ "/also", 3, "", 503, 0 },
		{ "/also", 0, "yes", 503, 0 },
		{ "/also", 41, "yes", 503, 0 },
		{ "/also", 41, "{\"subject\": \"CN=x\"}", 503, 0 },
		{ "/also", 41, "{\"reason\": \"x\"}", 200, SCEP_PENDING },
		{ "/instead", 0, "", 200, SCEP_SUCCESS },
		{ "/instead", 40, "", 200, SCEP_FAILURE },
		{ "/instead", 41, "", 200, SCEP_PENDING },
		{ "/instead", 1, "", 503, 0 },
		{ "/instead", 7, "", 503, 0 },
		{ "/manual", 0, "", 200, SCEP_PENDING },
		{ "/manual", 40, "", 200, SCEP_FAILURE },
		{ "/manual", 0, "{\"validity\": \"1d\"}", 503, 0 },
	};
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		again();
		will_say(rows[i].verdict, rows[i].words);
		if (rows[i].http != 200) {
			assert_int_equal(ask_status(rows[i].path, SECRET),
			    rows[i].http);
		} else {
			ask(rows[i].path, SCEP_PKCSREQ, &device, "t", SECRET,
			    &got);
			if ((int)got.status != rows[i].status)
				fail_msg("row %zu: %d", i, got.status);
			scep_got_clear(&got);
		}
		assert_int_equal(times_asked(), 1);
	}
}

/* Guesses at what the validator alone knows count as any do. */
static void
test_guess(void **state)
{
	(void)state;
	assert_int_equal(refused_proof("/also"), PROOF_NONE);
	assert_int_equal(refused_proof("/instead"), PROOF_WRONG);
}

/* Nor does it judge them as often as somebody likes. */
static void
test_rationed(void **state)
{
	const struct conf	*c;
	struct abuse		*a;
	struct abuse_leave	 l = { .rationed = 0 };
	struct abuse_verdict	 v;
	int			 i;

	(void)state;
	again();
	c = site_conf(service->site);
	a = service->guard->abuse;
	will_say(40, "");
	service_peer = "192.0.2.9";
	abuse_remember(a, service_peer, clock_now());
	for (i = 0; i < 1000 && l.rationed == 0; i++) {
		abuse_enter(a, c, service_peer, clock_now(), &l);
		if (l.rationed == 0)
			abuse_failed(a, c, service_peer, "x", clock_now(), &v);
	}
	assert_true(l.rationed > 0 && l.locked == 0);
	assert_int_equal(ask_status("/instead", SECRET), 429);
	assert_int_equal(times_asked(), 0);
	service_peer = "192.0.2.10";
	assert_int_equal(ask_status("/instead", SECRET), 200);
	assert_int_equal(times_asked(), 1);
	service_peer = "";
}

/* It never hears of them. */
static void
test_refused_before(void **state)
{
	static const struct {
		const char	*path;
		int		 type;
		const char	*challenge;
	} rows[] = {
		{ "/also", SCEP_PKCSREQ, NULL },
		{ "/also", SCEP_PKCSREQ, " " },
		{ "/also", SCEP_PKCSREQ, "wrong" },
		{ "/also", SCEP_RENEWALREQ, SECRET },
		{ "/instead", SCEP_PKCSREQ, NULL },
		{ "/instead", SCEP_PKCSREQ, " " },
		{ "/instead", SCEP_PKCSREQ, "\t\r\n " },
		{ "/instead", SCEP_RENEWALREQ, "x" },
		/* Not even for an operator to vouch for it. */
		{ "/manual", SCEP_PKCSREQ, NULL },
		{ "/manual", SCEP_PKCSREQ, "wrong" },
	};
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		ask(rows[i].path, rows[i].type, &device, "t",
		    rows[i].challenge, &got);
		if (got.status != SCEP_FAILURE || times_asked() != 0)
			fail_msg("row %zu: %d, asked %zu times", i,
			    got.status, times_asked());
		assert_int_equal(got.failinfo, FAIL_BADREQUEST);
		scep_got_clear(&got);
	}
}

/* An empty one is none, and none is no matter for a validator. */
static void
test_empty_challenge(void **state)
{
	static const char *const paths[] = { "/also", "/instead", "/manual" };
	const struct csr_craft	 c = { .key = device.key,
	    .challenge_tag = 0x0c, .challenge = LIT("") };
	struct buf		 der = BUF_INIT(CSR_MAX_DER);
	struct scep_got		 got;

	(void)state;
	csr_craft(&c, &der);
	for (size_t i = 0; i < N(paths); i++) {
		const struct scep_ask	 q = question(SCEP_PKCSREQ, &device,
		    "t", buf_bytes(&der));

		service_ask(service, paths[i], &q, algs, ra.cert, &got);
		assert_int_equal(got.status, SCEP_FAILURE);
		assert_int_equal(times_asked(), 0);
		scep_got_clear(&got);
	}
	buf_wipe(&der);
}

/* Of all messages only one that may enroll leads to it. */
static void
test_message_types(void **state)
{
	struct scep_got	 got;
	char		 txid[16];

	(void)state;
	for (int type = 0; type <= 256; type++) {
		(void)snprintf(txid, sizeof(txid), "type-%d", type);
		ask("/instead", type, &device, txid, "guess", &got);
		if (got.status != (type == SCEP_PKCSREQ ? SCEP_SUCCESS :
		    SCEP_FAILURE))
			fail_msg("messageType %d: %d", type, got.status);
		scep_got_clear(&got);
	}
	assert_int_equal(times_asked(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM issued"), 1);
}

/* Its words are for the log. */
static void
test_words_stay(void **state)
{
	static const struct {
		int		 verdict;
		const char	*words;
	} rows[] = {
		{ 40, "{\"reason\": \"upstream-7 knows no such device\"}" },
		{ 7, "upstream-7 is down" },
		{ 0, "upstream-7 sends no JSON" },
		{ 0, "{\"profile\": \"upstream-7\"}" },
		{ 0, "{\"subject\": \"CN=RA,O=upstream-7\", \"sans\": "
		    "[\"upn:upstream-7\"]}" },
	};
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    SECRET);
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "words",
	    r->der);
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct exchange		 x;
	size_t			 at;

	(void)state;
	ok(scep_client_request(&q, algs, &message, &e), &e);
	for (size_t i = 0; i < N(rows); i++) {
		again();
		will_say(rows[i].verdict, rows[i].words);
		service_post(service, "/also", buf_bytes(&message), &x);
		assert_int_equal(times_asked(), 1);
		assert_true(x.reply.n > 0);
		if (tool_count(buf_bytes(&x.reply), bytes_str("upstream-7"),
		    &at) != 0)
			fail_msg("told on: %s", rows[i].words);
		exchange_clear(&x);
	}
	assert_int_equal(store_number("SELECT count(*) FROM issued"), 0);
	buf_wipe(&message);
	csr_free(r);
}

/* ---- what it may change ---- */

static void
test_overrides(void **state)
{
	static const struct {
		const char	*words;
		const char	*subject;	/* NULL: not issued */
		int		 days;
		size_t		 n_sans;
	} rows[] = {
		{ "{}", "CN=device", 365, 1 },
		{ "{\"subject\": \"CN=x,O=y\"}", "CN=x,O=y", 365, 1 },
		{ "{\"sans\": [\"dns:a\", \"dns:b\"]}", "CN=device", 365, 2 },
		{ "{\"sans\": []}", "CN=device", 365, 0 },
		{ "{\"validity\": \"2d\"}", "CN=device", 2, 1 },
		{ "{\"validity\": \"9y\"}", "CN=device", 365, 1 },
		{ "{\"profile\": \"q\"}", "CN=device", 10, 1 },
		{ "{\"profile\": \"q\", \"validity\": \"3d\", \"subject\": "
		  "\"CN=z\", \"sans\": [\"upn:u@x\"]}", "CN=z", 3, 1 },
		{ "{\"profile\": \"q\", \"validity\": \"30d\"}", "CN=device",
		  10, 1 },
		{ "{\"subject\": \"CN=CA\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=RA\"}", NULL, 0, 0 },
		{ "{\"subject\": \"\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=../../x\"}", NULL, 0, 0 },
		{ "{\"subject\": \"CN=a\\\\00b\"}", NULL, 0, 0 },
		{ "{\"subject\": \"device\"}", NULL, 0, 0 },
		{ "{\"sans\": [\"upn:u@x\"]}", NULL, 0, 0 },
		{ "{\"sans\": [\"email:a@b.example\"]}", NULL, 0, 0 },
		{ "{\"sans\": [\"a\"]}", NULL, 0, 0 },
		{ "{\"profile\": \"nosuch\"}", NULL, 0, 0 },
		{ "{\"profile\": \"ec\"}", NULL, 0, 0 },
		{ "{\"profile\": \"\"}", NULL, 0, 0 },
	};
	struct scep_got	 got;
	struct sans	 sans;
	struct err	 e = ERR_INIT;
	const struct cert *c;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		again();
		will_say(0, rows[i].words);
		if (rows[i].subject == NULL) {
			int	 status = ask_status("/also", SECRET);

			/* Refused by policy, or not understood at all. */
			assert_true(status == 200 || status == 503);
			(void)end(NULL);
			if (strstr(read_word("outcome"), "\"issued\"") != NULL)
				fail_msg("%s is issued", rows[i].words);
			continue;
		}
		ask("/also", SCEP_PKCSREQ, &device, "t", SECRET, &got);
		if (got.status != SCEP_SUCCESS)
			fail_msg("%s: %d", rows[i].words, got.failinfo);
		c = got.certs.v[0];
		assert_string_equal(c->subject_text, rows[i].subject);
		/* One of these days lies in the past. */
		assert_int_equal((c->not_after - c->not_before) / DAY,
		    rows[i].days + 1);
		ok(cert_sans(c, &sans, &e), &e);
		assert_int_equal(sans.n, rows[i].n_sans);
		sans_free(&sans);
		scep_got_clear(&got);
	}
}

/* The account that a device is, only where the profile lets it be one. */
static void
test_account(void **state)
{
#define SID	"S-1-5-21-1-2-3-1107"
	static const struct {
		const char	*words;
		const char	*sid;		/* NULL: not issued */
	} rows[] = {
		{ "{\"profile\": \"q\"}", "" },
		{ "{\"profile\": \"q\", \"sid\": \"" SID "\"}", SID },
		{ "{\"profile\": \"q\", \"sid\": \"\"}", "" },
		{ "{\"sid\": \"\"}", "" },
		{ "{\"sid\": \"" SID "\"}", NULL },
		{ "{\"profile\": \"q\", \"sid\": \"S-1-5-32-544\"}", NULL },
	};
	char		 sid[SID_TEXT];
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		again();
		will_say(0, rows[i].words);
		if (rows[i].sid == NULL) {
			assert_int_equal(ask_status("/also", SECRET), 503);
			(void)end(NULL);
			assert_null(strstr(read_word("outcome"),
			    "\"issued\""));
			continue;
		}
		ask("/also", SCEP_PKCSREQ, &device, "t", SECRET, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		cert_sid(got.certs.v[0], sid);
		assert_string_equal(sid, rows[i].sid);
		scep_got_clear(&got);
	}
}

/* A validator's profile, before the challenge's, before the endpoint's. */
static void
test_profiles(void **state)
{
	static const struct {
		const char	*words;
		int		 days;
	} rows[] = {
		{ "{}", 10 },
		{ "{\"validity\": \"3d\"}", 3 },
		{ "{\"validity\": \"30d\"}", 10 },
		{ "{\"profile\": \"p\"}", 365 },
		{ "{\"profile\": \"p\", \"validity\": \"30d\"}", 30 },
	};
	struct scep_got	 got;
	const struct cert *c;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		again();
		will_say(0, rows[i].words);
		ask("/limited", SCEP_PKCSREQ, &device, "t", LIMITED, &got);
		if (got.status != SCEP_SUCCESS)
			fail_msg("%s: %d", rows[i].words, got.failinfo);
		assert_told("\"profile\": \"q\"");
		assert_told("\"challenge_name\": \"d\"");
		c = got.certs.v[0];
		assert_int_equal((c->not_after - c->not_before) / DAY,
		    rows[i].days + 1);
		scep_got_clear(&got);
	}
	/* Names that the challenge does not allow. */
	again();
	will_say(0, "{\"subject\": \"CN=other\"}");
	ask("/limited", SCEP_PKCSREQ, &device, "t", LIMITED, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	/* What waits could not remember all that was changed. */
	again();
	will_say(0, "{\"profile\": \"held\", \"validity\": \"1d\"}");
	assert_int_equal(ask_status("/also", SECRET), 503);
}

static void
assert_row(const char *sql, const char *want)
{
	char	 got[STORE_TEXT];

	store_text(sql, got);
	assert_string_equal(got, want);
}

static void
test_recorded(void **state)
{
	struct scep_got	 got;

	(void)state;
	will_say(0, "{\"profile\": \"q\", \"subject\": \"CN=z\", "
	    "\"validity\": \"1d\"}");
	ask("/also", SCEP_PKCSREQ, &device, "t", SECRET, &got);
	scep_got_clear(&got);
	assert_row("SELECT profile || ' ' || subject FROM issued", "q CN=z");
}

/* ---- once is enough ---- */

static void
enroll(const char *path, const char *txid, struct who *out)
{
	struct err	 e = ERR_INIT;
	struct scep_got	 got;

	ask(path, SCEP_PKCSREQ, &device, txid, SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	out->key = device.key;
	ok(cert_parse(got.certs.v[0]->der, &out->cert, &e), &e);
	scep_got_clear(&got);
}

static void
test_renewals(void **state)
{
	struct scep_ask	 q;
	struct scep_got	 got;
	struct csr	*r;
	struct who	 old;

	(void)state;
	enroll("/also", "first", &old);
	will_say(40, "");
	ask("/also", SCEP_PKCSREQ, &old, "second", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(times_asked(), 2);
	assert_told("\"renewal\": true");
	assert_told("\"issued_here\": true");
	scep_got_clear(&got);
	will_say(0, "");
	ask("/also", SCEP_RENEWALREQ, &old, "third", NULL, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_told("\"message_type\": \"RenewalReq\", \"renewal\": true");
	scep_got_clear(&got);
	/* One that cannot say refuses renewals like anything else. */
	will_say(0, "maybe");
	assert_int_equal(status_of("/also", SCEP_RENEWALREQ, &old,
	    NULL), 503);
	will_say(9, "");
	assert_int_equal(status_of("/also", SCEP_RENEWALREQ, &old,
	    NULL), 503);
	assert_row("SELECT count(*) FROM issued", "2");
	/* Names are those of the old one, whatever it says. */
	will_say(0, "{\"subject\": \"CN=other\"}");
	ask("/also", SCEP_RENEWALREQ, &old, "fourth", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
	cert_free(old.cert);

	again();
	enroll("/once", "first", &old);
	will_say(40, "");
	ask("/once", SCEP_RENEWALREQ, &old, "second", NULL, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(times_asked(), 1);
	scep_got_clear(&got);
	/* What the old one allows is a renewal, challenge or not. */
	ask("/once", SCEP_PKCSREQ, &old, "third", SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(times_asked(), 1);
	scep_got_clear(&got);
	/* Under another name the challenge makes it an enrollment. */
	r = tool_csr(device.key, "/CN=other", NULL, SECRET);
	q = question(SCEP_PKCSREQ, &old, "fourth", r->der);
	service_ask(service, "/once", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(times_asked(), 2);
	scep_got_clear(&got);
	csr_free(r);
	cert_free(old.cert);
}

/* A renewal whose profile is gone is another's only if the validator says so. */
static void
test_renewal_profile(void **state)
{
	static const struct {
		const char	*path;
		int		 type;
		int		 verdict;
		const char	*words;
		const char	*challenge;
		bool		 issued;
		const char	*profile;	/* that it has then */
	} rows[] = {
		{ "/also", SCEP_RENEWALREQ, 0, "{\"profile\": \"q\"}", NULL,
		    true, "q" },
		{ "/also", SCEP_RENEWALREQ, 0, "{}", NULL, false, "" },
		{ "/also", SCEP_RENEWALREQ, 0, "{\"validity\": \"1d\"}",
		    NULL, false, "" },
		{ "/also", SCEP_RENEWALREQ, 41, "{}", NULL, false, "" },
		{ "/also", SCEP_PKCSREQ, 0, "{}", SECRET, true, "p" },
		{ "/once", SCEP_RENEWALREQ, 0, "{\"profile\": \"q\"}", NULL,
		    false, "" },
		{ "/once", SCEP_PKCSREQ, 0, "{}", SECRET, true, "p" },
	};
	char		 profile[STORE_TEXT];
	struct scep_got	 got;
	struct who	 old;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		again();
		enroll(rows[i].path, "first", &old);
		store_text("UPDATE issued SET profile = 'gone'", profile);
		will_say(rows[i].verdict, rows[i].words);
		ask(rows[i].path, rows[i].type, &old, "second",
		    rows[i].challenge, &got);
		if ((got.status == SCEP_SUCCESS) != rows[i].issued)
			fail_msg("row %zu: %d", i, got.status);
		store_text("SELECT profile FROM issued WHERE id > 1", profile);
		assert_string_equal(profile, rows[i].profile);
		assert_int_equal(store_number("SELECT count(*) FROM txn WHERE "
		    "state = 'pending'"), 0);
		scep_got_clear(&got);
		cert_free(old.cert);
	}
}

/* A secret that the validator alone can tell is not taken unseen. */
static void
test_renewal_secret(void **state)
{
	struct scep_got	 got;
	struct who	 old;

	(void)state;
	enroll("/vouched", "first", &old);
	will_say(40, "");
	ask("/vouched", SCEP_RENEWALREQ, &old, "second", "guess", &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(times_asked(), 2);
	assert_told("\"challenge\": \"guess\"");
	scep_got_clear(&got);
	ask("/vouched", SCEP_PKCSREQ, &old, "third", NULL, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	assert_int_equal(times_asked(), 2);
	scep_got_clear(&got);
	will_say(0, "");
	ask("/vouched", SCEP_RENEWALREQ, &old, "fourth", "right", &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(times_asked(), 3);
	scep_got_clear(&got);
	cert_free(old.cert);
}

static void
test_repeated(void **state)
{
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    SECRET);
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "t",
	    r->der);
	struct scep_got		 got;

	(void)state;
	service_ask(service, "/also", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	will_say(40, "");
	service_ask(service, "/also", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(times_asked(), 1);
	csr_free(r);
}

struct copy {
	const struct scep_ask	*q;
	struct scep_got		 got;
};

static void *
send_copy(void *arg)
{
	struct copy	*c = arg;

	service_ask(service, "/instead", c->q, algs, ra.cert, &c->got);
	return NULL;
}

/* A one-time secret is spent by the first question. */
static void
test_copies(void **state)
{
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    "one-time");
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "t",
	    r->der);
	struct copy		 copies[COPIES];
	pthread_t		 t[COPIES];

	(void)state;
	write_word("slow", "");
	for (size_t i = 0; i < COPIES; i++) {
		copies[i].q = &q;
		assert_int_equal(pthread_create(&t[i], NULL, send_copy,
		    &copies[i]), 0);
	}
	for (size_t i = 0; i < COPIES; i++) {
		(void)pthread_join(t[i], NULL);
		assert_int_equal(copies[i].got.status, SCEP_SUCCESS);
		assert_true(bytes_eq(copies[i].got.certs.v[0]->der,
		    copies[0].got.certs.v[0]->der));
	}
	for (size_t i = 0; i < COPIES; i++)
		scep_got_clear(&copies[i].got);
	assert_int_equal(times_asked(), 1);
	csr_free(r);
}

/* What it held and an operator approved is not its business any more. */
static void
test_approved(void **state)
{
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    "secret");
	const struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "t",
	    r->der);
	struct err		 e = ERR_INIT;
	struct scep_got		 got;

	(void)state;
	will_say(41, "");
	service_ask(service, "/instead", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_PENDING);
	scep_got_clear(&got);
	ok(waiting_decide(service->db, 1, WAITING_APPROVE, time(NULL), "op",
	    &e), &e);
	will_say(40, "");
	service_ask(service, "/instead", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(times_asked(), 1);
	csr_free(r);
	(void)end(NULL);
	assert_non_null(strstr(read_word("outcome"), "\"issued\""));
	(void)begin(NULL);
}

/* ---- outcomes ---- */

static void
test_outcomes(void **state)
{
	struct scep_got	 got;

	(void)state;
	ask("/also", SCEP_PKCSREQ, &device, "t-9", SECRET, &got);
	scep_got_clear(&got);
	(void)end(NULL);
	assert_non_null(strstr(read_word("outcome"), "{\"version\": 1, "
	    "\"event\": \"outcome\", \"endpoint\": \"also\", "
	    "\"transaction_id\": \"t-9\", "));
	assert_non_null(strstr(read_word("outcome"), "\"outcome\": \"issued\", "
	    "\"reason\": null, \"serial\": \""));
	assert_non_null(strstr(read_word("outcome"),
	    "\"certificate\": \"-----BEGIN CERTIFICATE-----\\n"));
	(void)begin(NULL);
	will_say(40, "");
	ask("/also", SCEP_PKCSREQ, &device, "t", SECRET, &got);
	scep_got_clear(&got);
	(void)end(NULL);
	assert_non_null(strstr(read_word("outcome"), "\"outcome\": "
	    "\"refused\", \"reason\": \"validator_refused\"}"));
	(void)begin(NULL);
	will_say(9, "");
	assert_int_equal(ask_status("/also", SECRET), 503);
	(void)end(NULL);
	assert_non_null(strstr(read_word("outcome"), "\"outcome\": "
	    "\"failed\", \"reason\": \"validator\"}"));
	/* Of what waits, or never got to it, there is no news. */
	(void)begin(NULL);
	will_say(41, "");
	ask("/also", SCEP_PKCSREQ, &device, "t", SECRET, &got);
	scep_got_clear(&got);
	ask("/also", SCEP_PKCSREQ, &device, "t", "wrong", &got);
	scep_got_clear(&got);
	(void)end(NULL);
	assert_string_equal(read_word("outcome"), "");
	(void)begin(NULL);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_facts),
		TEST(test_asked),
		TEST(test_verdicts),
		TEST(test_guess),
		TEST(test_rationed),
		TEST(test_refused_before),
		TEST(test_empty_challenge),
		TEST(test_message_types),
		TEST(test_words_stay),
		TEST(test_overrides),
		TEST(test_account),
		TEST(test_profiles),
		TEST(test_recorded),
		TEST(test_renewals),
		TEST(test_renewal_profile),
		TEST(test_renewal_secret),
		TEST(test_repeated),
		TEST(test_copies),
		TEST(test_approved),
		TEST(test_outcomes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
