/*
 * Whose certificate signed what is kept in the audit trail: one of the ledger,
 * byte for byte, and proven by the signature.
 */
#include <time.h>
#include <unistd.h>

#include "pki_tool.h"
#include "service_ask.h"
#include "store_ask.h"
#include "scep/wrap.h"
#include "service/service_int.h"
#include "store/issued.h"
#include "store/waiting.h"
#include "util/clock.h"

#define SECRET	"8CE317021F690069"

#define RA	"ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; issuer = \"i\"; "	\
		"profile = \"p\"; challenges = [ \"c\" ]; "

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { delay_max = 0; lock_after = 0; };\n"
    "endpoints = (\n"
    "  { name = \"auto\"; paths = [ \"/auto\" ]; " RA "},\n"
    "  { name = \"late\"; paths = [ \"/late\" ]; " RA "},\n"
    "  { name = \"manual\"; paths = [ \"/manual\" ]; " RA
    "approval = \"manual\"; } );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; } );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

/* Self-signed: device and thief. Both CAs have one name. */
static struct who	 ca, false_ca, ra, device, thief;
static struct algs	*algs;
static struct service	*service;

static void
ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
}

static int
setup(void **state)
{
	struct order	 o = { .name = "CA", .spec = "ec:p256", .ca = true,
	    .ku = KU_CA };
	struct err	 e = ERR_INIT;

	(void)state;
	o.from = time(NULL) - DAY;
	o.to = o.from + 100 * DAY;
	who_make(&ca, &o);
	who_make(&false_ca, &o);
	o.ca = false;
	o.spec = "rsa:2048";
	o.ku = KU_RA;
	o.name = "device";
	who_make(&device, &o);
	who_make(&thief, &o);
	o.issuer = &ca;
	o.name = "RA";
	who_make(&ra, &o);
	(void)tool_cert_file("ca.pem", ca.cert);
	(void)tool_key_file("ca.key", ca.key);
	(void)tool_cert_file("ra.pem", ra.cert);
	(void)tool_key_file("ra.key", ra.key);
	return algs_open(&algs, &e);
}

static int
teardown(void **state)
{
	(void)state;
	algs_free(algs);
	who_free(&ca);
	who_free(&false_ca);
	who_free(&ra);
	who_free(&device);
	who_free(&thief);
	tool_clean();
	return 0;
}

static int
begin(void **state)
{
	struct err	 e = ERR_INIT;
	struct conf	*conf;
	struct site	*site;

	(void)state;
	(void)unlink(tool_path("scepd.db"));
	(void)tool_file("scepd.conf", bytes_str(text), 0600);
	ok(conf_load(tool_path("scepd.conf"), &conf, &e), &e);
	ok(site_open(conf, &site, &e), &e);
	ok(service_open(site, &service, &e), &e);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	service_close(service);
	return 0;
}

struct asked {
	const char		*path;
	int			 type;
	const struct who	*by;
	const char		*txid;
	const char		*subject;
	const char		*challenge;
	bool			 broken;	/* the signature is */
};

/* Asks; what was refused is written. *status is that of HTTP. */
static void
ask(const struct asked *a, int *status)
{
	struct csr		*r = tool_csr(device.key, a->subject, NULL,
				    a->challenge);
	const struct scep_ask	 q = { .type = a->type, .txid = a->txid,
	    .nonce = bytes_str(a->txid), .content = r->der, .key = a->by->key,
	    .cert = a->by->cert, .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 } };
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct exchange		 x;

	ok(scep_client_request(&q, algs, &message, &e), &e);
	/* It stands last. */
	if (a->broken)
		message.p[message.n - 1] ^= 1;
	service_post(service, a->path, buf_bytes(&message), &x);
	*status = x.status;
	exchange_clear(&x);
	service_tick(service);
	buf_wipe(&message);
	csr_free(r);
}

/* "outcome reason signer" of the last row of that transactionID. */
static void
assert_row(const char *txid, const char *want)
{
	char	 sql[256], got[STORE_TEXT];

	(void)snprintf(sql, sizeof(sql), "SELECT outcome || ' ' ||"
	    " coalesce(reason, '-') || ' ' || coalesce(signer, '-')"
	    " FROM audit WHERE txid = '%s' ORDER BY id DESC LIMIT 1", txid);
	store_text(sql, got);
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s, not %s", txid, got, want);
}

static void
assert_asked(const struct asked *a, const char *want)
{
	int	 status;

	ask(a, &status);
	assert_row(a->txid, want);
}

static int
take_cert(const struct issued *row, void *arg)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(row->id, 1);
	ok(cert_parse(row->der, &((struct who *)arg)->cert, &e), &e);
	return 0;
}

/* The device with its certificate, row 1. */
static void
enroll(struct who *out)
{
	const struct asked		 a = { "/auto", SCEP_PKCSREQ, &device,
	    "first", "/CN=device", SECRET, false };
	const struct issued_filter	 all = { .limit = 1 };
	struct err			 e = ERR_INIT;

	assert_asked(&a, "issued - -");
	out->key = device.key;
	ok(issued_each(service->db, &all, take_cert, out, &e), &e);
}

/* The thief's key under the names of the certificate. */
static void
forge(const struct who *old, struct who *out)
{
	const struct cert_plan	 plan = { .serial = old->cert->serial,
	    .subject = old->cert->subject, .spki = key_spki(thief.key),
	    .not_before = old->cert->not_before,
	    .not_after = old->cert->not_after, .ku = KU_RA };
	struct err		 e = ERR_INIT;

	out->key = thief.key;
	ok(cert_make(&plan, false_ca.cert, false_ca.key, &out->cert, &e), &e);
}

static void
test_told(void **state)
{
	struct who		 old, forged;
	const struct asked	 rows[] = {
		{ "/auto", SCEP_RENEWALREQ, &old, "other-name", "/CN=else", NULL,
		    false },
		{ "/late", SCEP_RENEWALREQ, &old, "elsewhere", "/CN=device",
		    NULL, false },
		{ "/auto", SCEP_UPDATEREQ, &old, "odd-type", "/CN=device", NULL,
		    false },
		{ "/auto", SCEP_RENEWALREQ, &old, "broken", "/CN=device", NULL,
		    true },
		{ "/auto", SCEP_RENEWALREQ, &forged, "forged", "/CN=device",
		    NULL, false },
		{ "/auto", SCEP_RENEWALREQ, &device, "stranger", "/CN=device",
		    NULL, false },
		{ "/auto", SCEP_RENEWALREQ, &ra, "not-issued", "/CN=device",
		    NULL, false },
		{ "/auto", SCEP_RENEWALREQ, &old, "renewed", "/CN=device", NULL,
		    false },
	};
	static const char	*const want[] = {
		"refused renewal_names 1", "refused renewal_signer 1",
		"refused message_type 1", "refused signature -",
		"refused renewal_signer -", "refused renewal_signer -",
		"refused renewal_signer -", "issued - 1",
	};

	(void)state;
	enroll(&old);
	forge(&old, &forged);
	for (size_t i = 0; i < N(rows); i++)
		assert_asked(&rows[i], want[i]);
	cert_free(forged.cert);
	cert_free(old.cert);
}

/* Those who wait, and an operator's word; who signs the poll is asked anew. */
static void
test_by_hand(void **state)
{
	struct who		 old;
	struct asked		 a = { "/manual", SCEP_RENEWALREQ, &old, "held",
	    "/CN=device", NULL, false };
	struct err		 e = ERR_INIT;
	char			 none[STORE_TEXT];

	(void)state;
	enroll(&old);
	store_text("UPDATE issued SET endpoint = 'manual'", none);
	assert_asked(&a, "pending - 1");
	ok(waiting_decide(service->db, 2, WAITING_APPROVE, clock_now(), "op",
	    &e), &e);
	assert_row("held", "approved - 1");
	assert_asked(&a, "issued - 1");
	a.txid = "held-2";
	a.by = &device;
	a.type = SCEP_PKCSREQ;
	assert_asked(&a, "pending - -");
	ok(waiting_decide(service->db, 3, WAITING_REJECT, clock_now(), "op",
	    &e), &e);
	assert_row("held-2", "rejected - -");
	cert_free(old.cert);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_told),
		TEST(test_by_hand),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
