/*
 * Whose certificate signed what is kept in the audit trail: one of the ledger,
 * byte for byte, and proven by the signature.
 */
#include "scep/wrap.h"
#include "service_lab.h"
#include "store/issued.h"
#include "store/waiting.h"
#include "util/clock.h"

#define SECRET	"8CE317021F690069"

#define END(name)	LAB_END(name)						\
	"    profile = \"p\"; challenges = [ \"c\" ]; "

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { delay_max = 0; lock_after = 0; };\n"
    "endpoints = (\n" END("auto") "},\n" END("late") "},\n"
    END("manual") "approval = \"manual\"; } );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

/* Of the lab's CA's name; and self-signed, as the lab's device. */
static struct who	 false_ca, thief;

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&false_ca, "CA", "ec:p256", KU_CA, NULL);
	lab_who(&thief, "device", "rsa:2048", KU_RA, NULL);
	return rc;
}

static int
teardown(void **state)
{
	who_free(&false_ca);
	who_free(&thief);
	return lab_teardown(state);
}

static int
begin(void **state)
{
	(void)state;
	lab_begin(text);
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

/* Asks; what was refused is written. */
static void
ask(const struct asked *a)
{
	struct csr		*r = tool_csr(lab.device.key, a->subject, NULL,
				    a->challenge);
	const struct scep_ask	 q = lab_question(a->type, a->by, a->txid,
				    r->der);
	struct buf		 message = BUF_INIT(CMS_MAX_DER);
	struct err		 e = ERR_INIT;
	struct exchange		 x;

	lab_ok(scep_client_request(&q, lab.algs, &message, &e), &e);
	/* It stands last. */
	if (a->broken)
		message.p[message.n - 1] ^= 1;
	lab_send(a->path, buf_bytes(&message), &x);
	exchange_clear(&x);
	service_tick(lab.service);
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
	ask(a);
	assert_row(a->txid, want);
}

static int
take_cert(const struct issued *row, void *arg)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(row->id, 1);
	lab_ok(cert_parse(row->der, &((struct who *)arg)->cert, &e), &e);
	return 0;
}

/* The device with its certificate, row 1. */
static void
enroll(struct who *out)
{
	const struct asked		 a = { "/auto", SCEP_PKCSREQ, &lab.device,
	    "first", "/CN=device", SECRET, false };
	const struct issued_filter	 all = { .limit = 1 };
	struct err			 e = ERR_INIT;

	assert_asked(&a, "issued - -");
	out->key = lab.device.key;
	lab_ok(issued_each(lab.service->db, &all, take_cert, out, &e), &e);
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
	lab_ok(cert_make(&plan, false_ca.cert, false_ca.key, &out->cert, &e), &e);
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
		{ "/auto", SCEP_RENEWALREQ, &lab.device, "stranger", "/CN=device",
		    NULL, false },
		{ "/auto", SCEP_RENEWALREQ, &lab.ra, "not-issued", "/CN=device",
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

	(void)state;
	enroll(&old);
	store_do("UPDATE issued SET endpoint = 'manual'");
	assert_asked(&a, "pending - 1");
	lab_ok(waiting_decide(lab.service->db, 2, WAITING_APPROVE, clock_now(), "op",
	    &e), &e);
	assert_row("held", "approved - 1");
	assert_asked(&a, "issued - 1");
	a.txid = "held-2";
	a.by = &lab.device;
	a.type = SCEP_PKCSREQ;
	assert_asked(&a, "pending - -");
	lab_ok(waiting_decide(lab.service->db, 3, WAITING_REJECT, clock_now(), "op",
	    &e), &e);
	assert_row("held-2", "rejected - -");
	cert_free(old.cert);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_told),
		TEST(test_by_hand),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
