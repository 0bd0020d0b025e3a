/*
 * Whole transactions with a service, as a device lives them: enrolled, renewed
 * with the old key and with a new one, refused, locked out.
 */
#include "key_craft.h"
#include "scep/wrap.h"
#include "service/guard_int.h"
#include "service_lab.h"
#include "util/clock.h"

#define SECRET	"8CE317021F690069"

/* IssuerAndSubject, which decides nothing. */
#define OTHER_NAMES							\
	"\x30\x0f\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02" "xy" \
	"\x30\x00"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { delay_max = 0; lock_after = 3; };\n"
    "audit: { refusals = 0; };\n"
    "endpoints = (\n"
    LAB_END("auto") "profile = \"p\"; challenges = [ \"c\" ]; },\n"
    LAB_END("update") "profile = \"p\"; challenges = [ \"c\" ];\n"
    "    update = true; },\n"
    LAB_END_OF("broken", "x") "profile = \"p\";\n"
    "    challenges = [ \"c\" ]; } );\n"
    "issuers = (" LAB_ISSUER ",\n"
    "  { name = \"x\"; type = \"exec\"; cert = \"ca.pem\";\n"
    "    command = [ \"/bin/false\" ]; } );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

/* Self-signed, under the device's name; and a CA of the CA's name. */
static struct who	 thief, false_ca;
static struct key	*new_key;

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&thief, "device", "rsa:2048", KU_RA, NULL);
	lab_who(&false_ca, "CA", "ec:p256", KU_CA, NULL);
	new_key = tool_key("rsa:2048");
	return rc;
}

static int
teardown(void **state)
{
	who_free(&thief);
	who_free(&false_ca);
	key_free(new_key);
	return lab_teardown(state);
}

static int
begin(void **state)
{
	(void)state;
	lab_begin("%s", text);
	return 0;
}

static void
ask(const char *path, int type, const struct who *by, const char *txid,
    struct bytes content, struct scep_got *got)
{
	const struct scep_ask	 q = lab_question(type, by, txid, content);

	lab_ask(path, &q, got);
}

/* A question with a request for CN=device and the key. */
static void
ask_csr(const char *path, int type, const struct who *by, const char *txid,
    const struct key *key, const char *challenge, struct scep_got *got)
{
	struct csr		*r = tool_csr(key, "/CN=device", NULL,
	    challenge);
	const struct scep_ask	 q = lab_question(type, by, txid, r->der);

	lab_ask(path, &q, got);
	csr_free(r);
}

/* The device with a certificate of the CA. */
static void
enroll(const char *path, struct who *out)
{
	struct csr		*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_pkcsreq("first", r);

	out->key = lab.device.key;
	out->cert = lab_cert(path, &q);
	csr_free(r);
}

/* ---- renewals ---- */

/* The old certificate is valid still. The reply opens with the key that signed
 * the message, whichever the certificate is for. */
static void
test_renewed(void **state)
{
	const struct {
		const char		*name;
		const char		*path;
		int			 type;
		const struct key	*key;
		const char		*challenge;
	} rows[] = {
		{ "new key", "/auto", SCEP_RENEWALREQ, new_key, NULL },
		{ "old key", "/auto", SCEP_RENEWALREQ, lab.device.key, NULL },
		{ "the challenge again", "/auto", SCEP_RENEWALREQ, new_key,
		    SECRET },
		{ "a spent challenge", "/auto", SCEP_RENEWALREQ, new_key,
		    "spent" },
		{ "as PKCSReq", "/auto", SCEP_PKCSREQ, new_key, NULL },
		{ "as UpdateReq", "/update", SCEP_UPDATEREQ, new_key, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct scep_got	 got;
		struct who	 old;

		lab_close();
		(void)begin(NULL);
		enroll(rows[i].path, &old);
		ask_csr(rows[i].path, rows[i].type, &old, rows[i].name,
		    rows[i].key, rows[i].challenge, &got);
		if (got.status != SCEP_SUCCESS)
			fail_msg("%s: failInfo %d", rows[i].name,
			    got.failinfo);
		assert_true(key_matches(rows[i].key, got.certs.v[0]));
		assert_true(bytes_eq(got.certs.v[0]->subject,
		    old.cert->subject));
		assert_false(bytes_eq(got.certs.v[0]->serial,
		    old.cert->serial));
		assert_int_equal(lab_issued(), 2);
		scep_got_clear(&got);
		cert_free(old.cert);
	}
}

/* A request whose signature is another key's. */
static void
broken_csr(struct buf *out)
{
	struct csr	*r = tool_csr(new_key, "/CN=device", NULL, SECRET);

	buf_init(out, CSR_MAX_DER);
	assert_int_equal(buf_put(out, r->der.p, r->der.n), 0);
	out->p[out->n - 1] ^= 1;
	csr_free(r);
}

/* The thief's key in a certificate that looks like the old one: name, serial
 * number and issuer's name are the same. */
static void
forge(const struct who *old, struct who *out)
{
	const struct cert_plan	 plan = { .serial = old->cert->serial,
	    .subject = old->cert->subject, .spki = key_spki(thief.key),
	    .not_before = old->cert->not_before,
	    .not_after = old->cert->not_after, .ku = KU_RA };
	struct err		 e = ERR_INIT;

	out->key = thief.key;
	lab_ok(cert_make(&plan, false_ca.cert, false_ca.key, &out->cert,
	    &e), &e);
}

/* Each with a challenge that would do for PKCSReq by a stranger. */
static void
test_renewal_refused(void **state)
{
	struct who	 old, forged;
	struct buf	 broken;
	struct scep_got	 got;

	(void)state;
	enroll("/auto", &old);
	forge(&old, &forged);
	broken_csr(&broken);
	const struct {
		const char		*name;
		const char		*path;
		int			 type;
		const struct who	*by;
		bool			 broken;
		enum failinfo		 want;
	} rows[] = {
		{ "self-signed", "/auto", SCEP_RENEWALREQ, &thief, false,
		    FAIL_BADREQUEST },
		{ "by another CA of the name", "/auto", SCEP_RENEWALREQ,
		    &forged, false, FAIL_BADREQUEST },
		{ "by the RA", "/auto", SCEP_RENEWALREQ, &lab.ra, false,
		    FAIL_BADREQUEST },
		{ "of another endpoint", "/update", SCEP_RENEWALREQ, &old,
		    false, FAIL_BADREQUEST },
		{ "unproven new key", "/auto", SCEP_RENEWALREQ, &old, true,
		    FAIL_BADMESSAGECHECK },
		{ "unproven key", "/auto", SCEP_PKCSREQ, &lab.device, true,
		    FAIL_BADMESSAGECHECK },
		{ "UpdateReq", "/auto", SCEP_UPDATEREQ, &old, false,
		    FAIL_BADREQUEST },
		{ "UpdateReq, self-signed", "/auto", SCEP_UPDATEREQ, &thief,
		    false, FAIL_BADREQUEST },
		{ "taken UpdateReq, self-signed", "/update", SCEP_UPDATEREQ,
		    &thief, false, FAIL_BADREQUEST },
	};
	for (size_t i = 0; i < N(rows); i++) {
		if (rows[i].broken)
			ask(rows[i].path, rows[i].type, rows[i].by,
			    rows[i].name, buf_bytes(&broken), &got);
		else
			ask_csr(rows[i].path, rows[i].type, rows[i].by,
			    rows[i].name, rows[i].by->key, SECRET, &got);
		lab_assert_failure(&got, rows[i].want, rows[i].name);
		scep_got_clear(&got);
	}
	assert_int_equal(lab_issued(), 1);
	buf_wipe(&broken);
	cert_free(forged.cert);
	cert_free(old.cert);
}

/* A compromised key, with another exponent; by a certificate of its own. */
static void
test_key_respelled(void **state)
{
	struct who	 d, other = {
		.key = key_respell(lab.device.key, "exponent")
	};
	struct scep_got	 got;

	(void)state;
	assert_non_null(other.key);
	other.cert = tool_cert(&(struct order){ .name = "device",
	    .key = other.key });
	enroll("/auto", &d);
	for (int reason = 1; reason < 6; reason += 4) {
		store_do(reason == 1 ? "UPDATE issued SET revoked_at = 1,"
		    " revoke_reason = 1" : "UPDATE issued SET revoked_at = 1,"
		    " revoke_reason = 5");
		ask_csr("/auto", SCEP_PKCSREQ, &other, "other", other.key,
		    SECRET, &got);
		if (reason == 1)
			lab_assert_failure(&got, FAIL_BADREQUEST, "compromised");
		else
			assert_int_equal(got.status, SCEP_SUCCESS);
		scep_got_clear(&got);
		/* Nothing is begun for it. */
		assert_int_equal(store_number("SELECT count(*) FROM txn"),
		    reason == 1 ? 1 : 2);
	}
	assert_int_equal(lab_issued(), 2);
	assert_int_equal(store_number("SELECT count(DISTINCT key_hash) FROM"
	    " issued"), 1);
	cert_free(d.cert);
	who_free(&other);
}

/* ---- lost replies ---- */

/* What was issued can be fetched again, and asked for anew. */
static void
test_lost(void **state)
{
	struct scep_got	 got;
	struct who	 old;

	(void)state;
	enroll("/auto", &old);
	ask("/auto", SCEP_CERTPOLL, &lab.device, "first",
	    LIT(OTHER_NAMES), &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_true(bytes_eq(got.certs.v[0]->der, old.cert->der));
	scep_got_clear(&got);
	assert_int_equal(lab_issued(), 1);
	ask_csr("/auto", SCEP_PKCSREQ, &lab.device, "second",
	    lab.device.key, SECRET, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_false(bytes_eq(got.certs.v[0]->der, old.cert->der));
	scep_got_clear(&got);
	assert_int_equal(lab_issued(), 2);
	cert_free(old.cert);
}

/* ---- a locked address ---- */

/* HTTP status of a message from a locked address. */
static int
post_locked(const char *path, struct bytes message)
{
	struct abuse_verdict v;
	struct exchange	 x;
	int		 status;

	lab.peer = "192.0.2.9";
	for (size_t i = 0; i < 4; i++)
		abuse_failed(lab.service->guard->abuse,
		    site_conf(lab.service->site), lab.peer, "auto",
		    clock_now(), &v);
	lab_send(path, message, &x);
	status = x.status;
	exchange_clear(&x);
	lab.peer = "";
	return status;
}

static int
ask_locked(const char *path, int type, const struct who *by)
{
	struct csr	*r = tool_csr(new_key, "/CN=device", NULL, NULL);
	const struct scep_ask q = lab_question(type, by, "locked",
			    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	int		 status;

	lab_ok(scep_client_request(&q, lab.algs, &message, &e), &e);
	status = post_locked(path, buf_bytes(&message));
	buf_wipe(&message);
	csr_free(r);
	return status;
}

/* A certificate of the ledger passes, for as long as it is good there. */
static void
test_locked(void **state)
{
	struct who	 old, forged;

	(void)state;
	enroll("/auto", &old);
	forge(&old, &forged);
	assert_int_equal(post_locked("/auto", bytes_str("x")), 429);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &lab.device),
	    429);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &forged), 429);
	assert_int_equal(ask_locked("/update", SCEP_RENEWALREQ, &old), 429);
	store_do("UPDATE issued SET role = 'ra'");
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 429);
	store_do("UPDATE issued SET role = 'client', revoked_at = 1,"
	    " revoke_reason = 5");
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 429);
	store_do("UPDATE issued SET revoked_at = NULL,"
	    " revoke_reason = NULL");
	/* Whatever it asks: this is no poll. */
	assert_int_equal(ask_locked("/auto", SCEP_CERTPOLL, &old), 200);
	assert_int_equal(lab_issued(), 1);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 200);
	assert_int_equal(lab_issued(), 2);
	cert_free(forged.cert);
	cert_free(old.cert);
}

/* ---- drawn challenges behind a lock ---- */

/* In hex; good for one certificate of the endpoint. */
static void
draw(const char *endpoint, struct minted *out)
{
	const struct mint m = { .prefix = MINT_API, .endpoint = endpoint,
	    .profile = "", .subject = "", .san = "", .facts = "", .by = "t",
	    .uses = 1, .ttl = 3600, .digits = 32 };
	struct err	 e = ERR_INIT;

	*out = (struct minted){ .secret = BUF_INIT(100) };
	lab_ok(mint_challenge(lab.service, &m, out, &e), &e);
}

/* What is sent, with this challenge, and what becomes of it. */
struct behind {
	const char	*path;
	int		 type;
	const char	*challenge;	/* NULL: drawn for "auto" */
	int		 status;
	long		 issued;
};

static void
assert_behind(const struct behind *b, const char *txid, const char *drawn)
{
	struct csr	*r = tool_csr(lab.device.key, "/CN=device", NULL,
	    b->challenge == NULL ? drawn : b->challenge);
	const struct scep_ask q = lab_question(b->type, &lab.device, txid,
	    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	long		 before = lab_issued();

	lab_ok(scep_client_request(&q, lab.algs, &message, &e), &e);
	assert_int_equal(post_locked(b->path, buf_bytes(&message)), b->status);
	assert_int_equal(lab_issued() - before, b->issued);
	buf_wipe(&message);
	csr_free(r);
}

static void
test_drawn_locked(void **state)
{
	static const struct behind rows[] = {
		{ "/auto", SCEP_PKCSREQ, "short", 429, 0 },
		{ "/auto", SCEP_PKCSREQ, SECRET, 429, 0 },
		{ "/auto", SCEP_PKCSREQ,
		    "0123456789ABCDEF0123456789ABCDEF", 429, 0 },
		/* That it matches is no secret, nor why it is not enough. */
		{ "/update", SCEP_PKCSREQ, NULL, 200, 0 },
		{ "/auto", SCEP_RENEWALREQ, NULL, 200, 0 },
		/* Types that hold none. */
		{ "/auto", SCEP_CERTPOLL, NULL, 429, 0 },
		{ "/auto", SCEP_GETCERT, NULL, 429, 0 },
		{ "/auto", SCEP_UPDATEREQ, NULL, 429, 0 },
		{ "/auto", SCEP_PKCSREQ, NULL, 200, 1 },
	};
	struct minted	 m;
	char		 txid[8];

	(void)state;
	draw("auto", &m);
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(txid, sizeof(txid), "d%zu", i);
		assert_behind(&rows[i], txid, buf_cstr(&m.secret));
	}
	buf_wipe(&m.secret);
}

/* What cannot be opened, or is no request, is told like a wrong challenge. */
static void
test_locked_garbage(void **state)
{
	struct scep_ask	 q = lab_question(SCEP_PKCSREQ, &lab.device, "g",
	    bytes_str("no request"));
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;

	(void)state;
	lab_ok(scep_client_request(&q, lab.algs, &message, &e), &e);
	assert_int_equal(post_locked("/auto", buf_bytes(&message)), 429);
	buf_wipe(&message);
}

/* ---- what fails ---- */

/* No refusals are kept, but how a transaction ended that was begun. */
static void
test_failed_trail(void **state)
{
	struct csr	*r = lab_csr(SECRET);
	const struct scep_ask q = lab_pkcsreq("A", r);
	struct exchange	 x;

	(void)state;
	lab_post("/broken", &q, &x);
	exchange_clear(&x);
	assert_int_equal(store_number("SELECT count(*) FROM audit JOIN txn ON"
	    " txn.id = audit.txn AND txn.reason = audit.reason WHERE"
	    " audit.reason = 'issuer' AND audit.txid = 'A' AND"
	    " audit.trail LIKE '%issue%'"), 1);
	assert_int_equal(store_number("SELECT count(*) FROM audit"), 1);
	csr_free(r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_renewed),
		TEST(test_renewal_refused),
		TEST(test_key_respelled),
		TEST(test_lost),
		TEST(test_locked),
		TEST(test_drawn_locked),
		TEST(test_locked_garbage),
		TEST(test_failed_trail),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
