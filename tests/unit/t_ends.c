/*
 * What requests came to, while the store cannot write it: kept, and written as
 * soon as that is possible, so that nothing stays taken; but what is issued in
 * truth stays issued, and what a CA elsewhere made is not forgotten.
 */
#include <time.h>
#include <unistd.h>

#include "pki_tool.h"
#include "scep/client.h"
#include "scep/wrap.h"
#include "service_ask.h"
#include "service/service_int.h"
#include "store/ends.h"
#include "store_ask.h"
#include "util/file.h"

#define ONCE	"5F0C8E6A21D794B3"
#define OTHER	"8CE317021F690069"

#define END(name, issuer, challenge)					\
	"  { name = \"" name "\"; paths = [ \"/" name "\" ];\n"		\
	"    ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; profile = \"p\";\n" \
	"    issuer = \"" issuer "\"; challenges = [ \"" challenge "\" ]; }"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n" END("here", "i", "once") ",\n"
    END("there", "x", "other") " );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; },\n"
    "  { name = \"x\"; type = \"exec\"; cert = \"ca.pem\";\n"
    "    command = [ \"%s\" ]; } );\n"
    "profiles = ( { name = \"p\"; max_active = 1; } );\n"
    "challenges = ( { name = \"once\"; secret = \"" ONCE "\"; uses = 1; },\n"
    "  { name = \"other\"; secret = \"" OTHER "\"; uses = 1; } );\n";

/* The CA's program made it for another key. */
static const char	 script[] = "#!/bin/sh\n"
			    "[ ! -e \"${0%/*}/loud\" ] || exec yes\n"
			    "cat \"${0%/*}/stranger.pem\"\n";

static struct who	 ca, ra, device, stranger;
static struct algs	*algs;
static struct service	*service;

static void
ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
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
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_int_equal(buf_printf(&conf, text, tool_file("issue",
	    bytes_str(script), 0700)), 0);
#pragma GCC diagnostic pop
	(void)tool_file("scepd.conf", buf_bytes(&conf), 0600);
	buf_wipe(&conf);
	ok(conf_load(tool_path("scepd.conf"), &c, &e), &e);
	ok(site_open(c, &site, &e), &e);
	ok(service_open(site, &service, &e), &e);
	return 0;
}

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
	o.name = "stranger";
	who_make(&stranger, &o);
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_key_file("ca.key", ca.key);
	(void)tool_cert_file("ra.pem", ra.cert);
	(void)tool_key_file("ra.key", ra.key);
	(void)tool_cert_file("stranger.pem", stranger.cert);
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
	who_free(&stranger);
	tool_clean();
	return 0;
}

/* The HTTP status, and what the CertRep says, if it is one. */
static int
ask(const char *path, const char *txid, const char *challenge,
    enum scep_status *said)
{
	struct csr		*r = tool_csr(device.key, "/CN=device", NULL,
	    challenge);
	const struct scep_ask	 q = { .type = SCEP_PKCSREQ, .txid = txid,
	    .nonce = bytes_str(txid), .content = r->der, .key = device.key,
	    .cert = device.cert, .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 } };
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct scep_got		 got;
	struct exchange		 x;
	int			 status;

	ok(scep_client_request(&q, algs, &message, &e), &e);
	service_post(service, path, buf_bytes(&message), &x);
	if ((status = x.status) == 200) {
		ok(scep_client_reply(buf_bytes(&x.reply), &q, algs, ra.cert,
		    &got, &e), &e);
		*said = got.status;
		scep_got_clear(&got);
	}
	exchange_clear(&x);
	buf_wipe(&message);
	csr_free(r);
	return status;
}

/* ---- trouble, as a disk that is full causes it ---- */

static void
sql(const char *text_of)
{
	char	 nothing[STORE_TEXT];

	store_text(text_of, nothing);
}

static void
trouble(void)
{
	sql("CREATE TRIGGER trouble BEFORE UPDATE OF state"
	    " ON txn BEGIN SELECT RAISE(ABORT, 'trouble'); END");
}

static void
no_trouble(void)
{
	sql("DROP TRIGGER trouble");
}

static void
assert_state(const char *want)
{
	char	 got[STORE_TEXT];

	store_text("SELECT state FROM txn ORDER BY id LIMIT 1", got);
	assert_string_equal(got, want);
}

static long
used(void)
{
	return store_number("SELECT used FROM challenge_use");
}

static void
test_kept(void **state)
{
	enum scep_status	 said;

	(void)state;
	trouble();
	assert_int_equal(ask("/here", "a", ONCE, &said), 503);
	service_tick(service);
	no_trouble();
	/* Until then, it counts. */
	assert_state("reserved");
	assert_int_equal(used(), 1);
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_FAILURE);
	service_tick(service);
	assert_state("failed");
	assert_int_equal(used(), 0);
	/* Use and subject are free again. */
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_SUCCESS);
	/* What a CA here made for nobody is none to be revoked. */
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
}

/* The commit was done, and told to have failed. */
static void
test_in_truth(void **state)
{
	const struct stray	 s = { .txn = 1, .issuer = "x",
	    .why = "trouble", .when = 2, .serial = bytes_str("1"),
	    .der = bytes_str("2") };
	const struct ending	 e = { .txn = 1, .reason = ERR_STORE,
	    .when = 2, .strays = &s, .n_strays = 1 };
	enum scep_status	 said;

	(void)state;
	trouble();
	assert_int_equal(ask("/here", "a", ONCE, &said), 503);
	no_trouble();
	sql("UPDATE txn SET state = 'issued', finished = 1");
	ends_write(service->ends, service->db, &e);
	service_tick(service);
	assert_state("issued");
	assert_int_equal(used(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
}

static void
test_stray(void **state)
{
	enum scep_status	 said;
	char			 text_of[STORE_TEXT];

	(void)state;
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	assert_state("failed");
	assert_int_equal(used(), 1);
	store_text("SELECT why FROM stray WHERE issuer = 'x' AND txn = 1",
	    text_of);
	assert_non_null(strstr(text_of, "has the request's key"));
	assert_int_equal(ask("/there", "b", OTHER, &said), 200);
	assert_int_equal(said, SCEP_FAILURE);
}

/* It says more than anybody reads. */
static void
test_possible(void **state)
{
	enum scep_status	 said;

	(void)state;
	(void)tool_file("loud", bytes_str(""), 0600);
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	(void)unlink(tool_path("loud"));
	assert_state("failed");
	assert_int_equal(store_number("SELECT count(*) FROM stray s JOIN txn t"
	    " ON t.id = s.txn WHERE s.der IS NULL AND s.serial = t.serial"
	    " AND s.subject = 'CN=device'"), 1);
	assert_int_equal(used(), 1);
}

/* At the latest, when the service is closed. */
static void
test_stray_kept(void **state)
{
	enum scep_status	 said;

	(void)state;
	sql("CREATE TRIGGER full BEFORE INSERT ON stray"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	sql("DROP TRIGGER full");
	assert_state("reserved");
	(void)end(NULL);
	assert_state("failed");
	assert_int_equal(used(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 1);
}

/* No program is asked before it is known that it is; and nothing is written about
 * a CA whose key is here. */
static void
test_handed_first(void **state)
{
	enum scep_status	 said;

	(void)state;
	sql("CREATE TRIGGER full BEFORE INSERT ON handed"
	    " BEGIN SELECT RAISE(ABORT, 'trouble'); END");
	assert_int_equal(ask("/there", "a", OTHER, &said), 503);
	assert_state("failed");
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 0);
	assert_int_equal(used(), 0);
	assert_int_equal(ask("/here", "b", ONCE, &said), 200);
	assert_int_equal(said, SCEP_SUCCESS);
	sql("DROP TRIGGER full");
	assert_int_equal(ask("/there", "c", OTHER, &said), 503);
	assert_int_equal(store_number("SELECT count(*) FROM stray"), 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest	 tests[] = {
		TEST(test_kept),
		TEST(test_in_truth),
		TEST(test_stray),
		TEST(test_possible),
		TEST(test_stray_kept),
		TEST(test_handed_first),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
