/*
 * Copies of a request at a service that is whole: one of them is issued while
 * another has just been found to be new. What the first one took, be it a use,
 * a one-time secret or the place of the certificate that is renewed, does not
 * refuse the second: it gets the same certificate.
 */
#include <time.h>
#include <unistd.h>

#include "pki_tool.h"
#include "scep/client.h"
#include "scep/wrap.h"
#include "service_ask.h"
#include "service/service_int.h"
#include "store/txn.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"
#define ONCE	"5F0C8E6A21D794B3"

/* Takes one-time secrets: the second question is refused. */
static const char	 script[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >told\n"
    "echo x >>asked\n"
    "[ $(wc -l <asked) = 1 ]\n";

#define END(name)							\
	"  { name = \"" name "\"; paths = [ \"/" name "\" ];\n"		\
	"    ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; issuer = \"i\";\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    END("once") "profile = \"p\"; challenges = [ \"once\" ]; },\n"
    END("asked") "profile = \"p\"; validator = \"v\";\n"
    "    validator_challenge = \"instead\"; },\n"
    END("renews") "profile = \"p\"; challenges = [ \"c\" ];\n"
    "    renew: { superseded = 0; revoke_old = true; }; },\n"
    END("alone") "profile = \"alone\"; challenges = [ \"c\" ]; } );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; } );\n"
    "profiles = ( { name = \"p\"; }, { name = \"alone\"; max_active = 1;\n"
    "    duplicate_key = \"refuse\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"once\"; secret = \"" ONCE "\"; uses = 1; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ]; } );\n";

static struct who	 ca, ra, device;
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
	(void)tool_file("asked", bytes_str(""), 0600);
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

/* ---- the moment between two steps ---- */

struct question {
	const char		*path;
	struct scep_ask		 ask;
	struct scep_got		 got;
	enum exchange_proof	 proof;
};

static void
send_it(struct question *q)
{
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	ok(scep_client_request(&q->ask, algs, &message, &e), &e);
	service_post(service, q->path, buf_bytes(&message), &x);
	assert_int_equal(x.status, 200);
	ok(scep_client_reply(buf_bytes(&x.reply), &q->ask, algs, ra.cert,
	    &q->got, &e), &e);
	q->proof = x.proof;
	exchange_clear(&x);
	buf_wipe(&message);
}

/* Sent, and answered, as soon as another one is found to be new. */
static struct question	*faster;

int	 __real_txn_repeated(struct db *, const struct txn *,
	    struct txn_found *, struct err *);
int	 __wrap_txn_repeated(struct db *, const struct txn *,
	    struct txn_found *, struct err *);

int
__wrap_txn_repeated(struct db *db, const struct txn *t, struct txn_found *out,
    struct err *e)
{
	int		 rc = __real_txn_repeated(db, t, out, e);
	struct question	*q = faster;

	faster = NULL;
	if (q != NULL)
		send_it(q);
	return rc;
}

/* Two copies; the second one is through when the first has been looked up. */
static void
race(const char *path, const struct who *by, int type, const char *challenge)
{
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL,
	    challenge);
	struct question	 slow = { .path = path, .ask = { .type = type,
	    .txid = "t", .nonce = bytes_str("nonce"), .content = r->der,
	    .key = by->key, .cert = by->cert, .to = ra.cert,
	    .digest = ALG_SHA256, .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 } } };
	struct question	 fast = slow;

	faster = &fast;
	send_it(&slow);
	assert_null(faster);
	assert_int_equal(fast.got.status, SCEP_SUCCESS);
	assert_int_equal(slow.got.status, SCEP_SUCCESS);
	assert_true(bytes_eq(fast.got.certs.v[0]->der,
	    slow.got.certs.v[0]->der));
	assert_int_equal(fast.proof, PROOF_RIGHT);
	assert_int_equal(slow.proof, PROOF_NONE);
	scep_got_clear(&fast.got);
	scep_got_clear(&slow.got);
	csr_free(r);
}

static void
test_once(void **state)
{
	(void)state;
	race("/once", &device, SCEP_PKCSREQ, ONCE);
}

static void
test_validator(void **state)
{
	struct buf	 asked = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;

	(void)state;
	race("/asked", &device, SCEP_PKCSREQ, "one-time");
	ok(file_read(tool_path("asked"), &asked, &e), &e);
	assert_string_equal(buf_cstr(&asked), "x\n");
	buf_wipe(&asked);
}

static void
test_alone(void **state)
{
	(void)state;
	race("/alone", &device, SCEP_PKCSREQ, SECRET);
}

static void
test_renewal(void **state)
{
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL, SECRET);
	struct question	 q = { .path = "/renews", .ask = {
	    .type = SCEP_PKCSREQ, .txid = "first", .nonce = bytes_str("n"),
	    .content = r->der, .key = device.key, .cert = device.cert,
	    .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 } } };
	struct who	 old = { .key = device.key };

	(void)state;
	send_it(&q);
	assert_int_equal(q.got.status, SCEP_SUCCESS);
	old.cert = q.got.certs.v[0];
	race("/renews", &old, SCEP_RENEWALREQ, NULL);
	scep_got_clear(&q.got);
	csr_free(r);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest	 tests[] = {
		TEST(test_once),
		TEST(test_validator),
		TEST(test_alone),
		TEST(test_renewal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
