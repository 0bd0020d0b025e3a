/*
 * Whole transactions with a service, as a device lives them: enrolled, renewed
 * with the old key and with a new one, held until an operator has looked.
 */
#include <openssl/rsa.h>
#include <time.h>
#include <unistd.h>

#include "pki_tool.h"
#include "service_ask.h"
#include "store_ask.h"
#include "scep/wrap.h"
#include "service/guard_int.h"
#include "service/service_int.h"
#include "store/waiting.h"
#include "util/clock.h"

#define SECRET	"8CE317021F690069"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "abuse: { delay_max = 0; lock_after = 3; };\n"
    "audit: { refusals = 0; };\n"
    "endpoints = (\n"
    "  { name = \"auto\"; paths = [ \"/auto\" ]; ra_cert = \"ra.pem\";\n"
    "    ra_key = \"ra.key\"; issuer = \"i\"; profile = \"p\";\n"
    "    challenges = [ \"c\" ]; },\n"
    "  { name = \"update\"; paths = [ \"/update\" ]; ra_cert = \"ra.pem\";\n"
    "    ra_key = \"ra.key\"; issuer = \"i\"; profile = \"p\";\n"
    "    challenges = [ \"c\" ]; update = true; },\n"
    "  { name = \"ndes\"; paths = [ \"/ndes\" ]; ra_cert = \"ra.pem\";\n"
    "    ra_key = \"ra.key\"; issuer = \"i\"; profile = \"p\";\n"
    "    challenges = [ \"c\" ]; ndes = true; },\n"
    "  { name = \"manual\"; paths = [ \"/manual\" ];\n"
    "    ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; issuer = \"i\";\n"
    "    profile = \"p\"; challenges = [ \"c\" ];\n"
    "    approval = \"manual\"; },\n"
    "  { name = \"broken\"; paths = [ \"/broken\" ];\n"
    "    ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; issuer = \"x\";\n"
    "    profile = \"p\"; challenges = [ \"c\" ]; } );\n"
    "issuers = ( { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; },\n"
    "  { name = \"x\"; type = \"exec\"; cert = \"ca.pem\";\n"
    "    command = [ \"/bin/false\" ]; } );\n"
    "profiles = ( { name = \"p\"; key_types = [ \"rsa\", \"ec\" ]; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n";

/* Self-signed: device and thief, both under the device's name; by ca: ra. The
 * false CA has the CA's name. */
static struct who	 ca, false_ca, ra, device, thief, ec_device;
static struct key	*new_key;
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
	o.spec = "ec:p256";
	who_make(&ec_device, &o);
	o.spec = "rsa:2048";
	o.issuer = &ca;
	o.name = "RA";
	who_make(&ra, &o);
	new_key = tool_key("rsa:2048");
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
	who_free(&ec_device);
	key_free(new_key);
	tool_clean();
	return 0;
}

/* Certificates in the ledger. */
static long
count_issued(void)
{
	return store_number("SELECT count(*) FROM issued");
}

static struct scep_ask
question(int type, const struct who *by, const char *txid,
    struct bytes content)
{
	return (struct scep_ask){ .type = type, .txid = txid,
	    .nonce = bytes_str(txid), .content = content, .key = by->key,
	    .cert = by->cert, .to = ra.cert, .digest = ALG_SHA256,
	    .suite = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 } };
}

/* Asks under a transactionID, which is the nonce too. */
static void
ask(const char *path, int type, const struct who *by, const char *txid,
    struct bytes content, struct scep_got *got)
{
	const struct scep_ask	 q = question(type, by, txid, content);

	service_ask(service, path, &q, algs, ra.cert, got);
}

/* The same with a request for CN=device and the key. */
static void
ask_csr(const char *path, int type, const struct who *by, const char *txid,
    const struct key *key, const char *challenge, struct scep_got *got)
{
	struct csr	*r = tool_csr(key, "/CN=device", NULL, challenge);

	ask(path, type, by, txid, r->der, got);
	csr_free(r);
}

/* The device with a certificate of the CA. */
static void
enroll(const char *path, struct who *out)
{
	struct err	 e = ERR_INIT;
	struct scep_got	 got;

	ask_csr(path, SCEP_PKCSREQ, &device, "first", device.key, SECRET,
	    &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(got.certs.n, 1);
	out->key = device.key;
	ok(cert_parse(got.certs.v[0]->der, &out->cert, &e), &e);
	scep_got_clear(&got);
}

static void
assert_failure(const struct scep_got *got, enum failinfo want,
    const char *row)
{
	if (got->status != SCEP_FAILURE || got->failinfo != (int)want)
		fail_msg("%s: pkiStatus %d, failInfo %d", row, got->status,
		    got->failinfo);
}

/* ---- what NDES adds ---- */

static bool
holds(const struct buf *b, const void *what, size_t n)
{
	return memmem(b->p, b->n, what, n) != NULL;
}

/* 1.3.6.1.4.1.311.21.33 and .38 in DER */
static void
test_ndes(void **state)
{
	static const uint8_t	 hresult[] = {
		6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 0x21
	}, disposition[] = {
		6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 0x26
	};
	static const struct {
		const char	*path, *challenge;
		bool		 why, word;
	} rows[] = {
		{ "/ndes", "wrong", true, false },
		{ "/ndes", SECRET, false, true },
		{ "/auto", "wrong", false, false },
		{ "/auto", SECRET, false, false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct csr	*r = tool_csr(device.key, "/CN=device", NULL,
		    rows[i].challenge);
		char		 txid[2] = { (char)('0' + i), '\0' };
		const struct scep_ask q = question(SCEP_PKCSREQ, &device, txid,
		    r->der);
		struct buf	 der = BUF_INIT(CMS_MAX_DER);
		struct exchange	 x;
		struct err	 e = ERR_INIT;

		ok(scep_client_request(&q, algs, &der, &e), &e);
		service_post(service, rows[i].path, buf_bytes(&der), &x);
		assert_int_equal(x.status, 200);
		assert_int_equal(holds(&x.reply, hresult, sizeof(hresult)),
		    rows[i].why);
		assert_int_equal(holds(&x.reply, disposition,
		    sizeof(disposition)), rows[i].word);
		exchange_clear(&x);
		buf_wipe(&der);
		csr_free(r);
	}
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
		{ "old key", "/auto", SCEP_RENEWALREQ, device.key, NULL },
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

		(void)end(NULL);
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
		assert_int_equal(count_issued(), 2);
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
	ok(cert_make(&plan, false_ca.cert, false_ca.key, &out->cert, &e), &e);
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
		{ "by the RA", "/auto", SCEP_RENEWALREQ, &ra, false,
		    FAIL_BADREQUEST },
		{ "of another endpoint", "/update", SCEP_RENEWALREQ, &old,
		    false, FAIL_BADREQUEST },
		{ "unproven new key", "/auto", SCEP_RENEWALREQ, &old, true,
		    FAIL_BADMESSAGECHECK },
		{ "unproven key", "/auto", SCEP_PKCSREQ, &device, true,
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
		assert_failure(&got, rows[i].want, rows[i].name);
		scep_got_clear(&got);
	}
	assert_int_equal(count_issued(), 1);
	buf_wipe(&broken);
	cert_free(forged.cert);
	cert_free(old.cert);
}

/* ---- requests that wait ---- */

/* IssuerAndSubject, which decides nothing. */
static const uint8_t	 other_names[] = {
	0x30, 0x0f, 0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55,
	0x04, 0x03, 0x0c, 0x02, 'x', 'y', 0x30, 0x00
};

static enum scep_status
poll_by(const struct who *by, const char *txid, const char *nonce,
    struct scep_got *got)
{
	struct scep_ask	 q = question(SCEP_CERTPOLL, by, txid,
	    bytes_make(other_names, sizeof(other_names)));

	if (by == &ec_device)
		q.password = bytes_str(SECRET);

	/* The answer is to this poll, not to the request. */
	q.nonce = bytes_str(nonce);
	service_ask(service, "/manual", &q, algs, ra.cert, got);
	return got->status;
}

static enum scep_status
poll(const char *txid, const char *nonce, struct scep_got *got)
{
	return poll_by(&device, txid, nonce, got);
}

static void
decide(int64_t id, bool approve)
{
	struct err	 e = ERR_INIT;

	ok(waiting_decide(service->db, id, approve ? WAITING_APPROVE :
	    WAITING_REJECT, time(NULL), "op", &e), &e);
}

static void
assert_pending(const char *txid, const char *nonce)
{
	struct scep_got	 got;

	assert_int_equal(poll(txid, nonce, &got), SCEP_PENDING);
	assert_int_equal(got.failinfo, -1);
	scep_got_clear(&got);
}

/* Two of one device at once, each with an end of its own. */
static void
test_polls(void **state)
{
	struct buf	 first = BUF_INIT(CERT_MAX_DER);
	struct scep_got	 got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		ask_csr("/manual", SCEP_PKCSREQ, &device, i == 0 ? "A" : "B",
		    device.key, SECRET, &got);
		assert_int_equal(got.status, SCEP_PENDING);
		scep_got_clear(&got);
	}
	assert_pending("A", "first poll");
	assert_pending("A", "second poll");
	decide(1, true);
	assert_pending("B", "third poll");
	decide(2, false);
	/* Once more is the same certificate again. */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(poll("A", "fourth poll", &got),
		    SCEP_SUCCESS);
		assert_int_equal(got.certs.n, 1);
		assert_true(key_matches(device.key, got.certs.v[0]));
		if (i == 0)
			assert_int_equal(buf_put(&first,
			    got.certs.v[0]->der.p, got.certs.v[0]->der.n), 0);
		assert_true(bytes_eq(got.certs.v[0]->der, buf_bytes(&first)));
		scep_got_clear(&got);
		(void)poll("B", "fifth poll", &got);
		assert_failure(&got, FAIL_BADREQUEST, "rejected");
		scep_got_clear(&got);
	}
	assert_int_equal(count_issued(), 1);
	buf_wipe(&first);
}

/* What was issued and is revoked is handed out no more; nor is what waits
 * issued, for a key that was compromised meanwhile. */
static void
test_poll_revoked(void **state)
{
	struct scep_got	 got;
	char		 none[STORE_TEXT];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		ask_csr("/manual", SCEP_PKCSREQ, &device, i == 0 ? "A" : "B",
		    device.key, SECRET, &got);
		assert_int_equal(got.status, SCEP_PENDING);
		scep_got_clear(&got);
		decide((int64_t)i + 1, true);
	}
	assert_int_equal(poll("A", "1", &got), SCEP_SUCCESS);
	scep_got_clear(&got);
	store_text("UPDATE issued SET revoked_at = 1, revoke_reason = 6",
	    none);
	(void)poll("A", "2", &got);
	assert_failure(&got, FAIL_BADREQUEST, "on hold");
	scep_got_clear(&got);
	store_text("UPDATE issued SET revoked_at = NULL, revoke_reason = NULL",
	    none);
	assert_int_equal(poll("A", "3", &got), SCEP_SUCCESS);
	scep_got_clear(&got);
	store_text("UPDATE issued SET revoked_at = 1, revoke_reason = 1",
	    none);
	(void)poll("B", "4", &got);
	assert_failure(&got, FAIL_BADREQUEST, "its key is compromised");
	scep_got_clear(&got);
	assert_int_equal(count_issued(), 1);
	assert_int_equal(store_number("SELECT count(*) FROM txn WHERE reason ="
	    " 'key_compromised'"), 1);
}

/* The reply to a key that cannot decrypt needs the request's challenge, which
 * is there until the issue; key agreement is not taken instead, unasked. */
static void
test_poll_by_password(void **state)
{
	struct scep_got	 got;
	struct scep_ask	 q;
	struct csr	*r = tool_csr(ec_device.key, "/CN=device", NULL,
			    SECRET);

	(void)state;
	q = question(SCEP_PKCSREQ, &ec_device, "A", r->der);
	q.password = bytes_str(SECRET);
	service_ask(service, "/manual", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_PENDING);
	scep_got_clear(&got);
	decide(1, true);
	assert_int_equal(poll_by(&ec_device, "A", "1", &got), SCEP_SUCCESS);
	assert_true(key_matches(ec_device.key, got.certs.v[0]));
	assert_int_equal(got.suite.transport, ALG_NONE);
	scep_got_clear(&got);
	(void)poll_by(&ec_device, "A", "2", &got);
	assert_failure(&got, FAIL_BADREQUEST, "no challenge at hand");
	scep_got_clear(&got);
	service_ask(service, "/manual", &q, algs, ra.cert, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	scep_got_clear(&got);
	assert_int_equal(count_issued(), 1);
	csr_free(r);
}

static void
test_poll_refused(void **state)
{
	struct bytes	 names = bytes_make(other_names,
			    sizeof(other_names));
	struct scep_got	 got;

	(void)state;
	ask_csr("/manual", SCEP_PKCSREQ, &device, "A", device.key, SECRET,
	    &got);
	assert_int_equal(got.status, SCEP_PENDING);
	scep_got_clear(&got);
	decide(1, true);
	ask("/manual", SCEP_CERTPOLL, &device, "B", names, &got);
	assert_failure(&got, FAIL_BADCERTID, "unknown transactionID");
	scep_got_clear(&got);
	ask("/auto", SCEP_CERTPOLL, &device, "A", names, &got);
	assert_failure(&got, FAIL_BADCERTID, "at another endpoint");
	scep_got_clear(&got);
	ask("/manual", SCEP_CERTPOLL, &thief, "A", names, &got);
	assert_failure(&got, FAIL_BADREQUEST, "another key");
	scep_got_clear(&got);
	assert_int_equal(count_issued(), 0);
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
	ask("/auto", SCEP_CERTPOLL, &device, "first",
	    bytes_make(other_names, sizeof(other_names)), &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_true(bytes_eq(got.certs.v[0]->der, old.cert->der));
	scep_got_clear(&got);
	assert_int_equal(count_issued(), 1);
	ask_csr("/auto", SCEP_PKCSREQ, &device, "second", device.key, SECRET,
	    &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_false(bytes_eq(got.certs.v[0]->der, old.cert->der));
	scep_got_clear(&got);
	assert_int_equal(count_issued(), 2);
	cert_free(old.cert);
}

/* ---- the bytes of replies ---- */

static void
take_nonce(const struct exchange *x, uint8_t out[SCEP_NONCE_LEN])
{
	const struct cms_attr	*a;
	struct err		 e = ERR_INIT;
	struct cms_signed	 s;
	size_t			 n;

	ok(cms_signed_parse(buf_bytes(&x->reply), &s, &e), &e);
	a = cms_attr_find(&s, OID_SCEP_SENDER_NONCE, &n);
	assert_non_null(a);
	assert_int_equal(a->value.n, SCEP_NONCE_LEN);
	memcpy(out, a->value.p, SCEP_NONCE_LEN);
	cms_signed_clear(&s);
}

/* No reply is sent twice: one message, two answers with nonces of their own. */
static void
test_nonces(void **state)
{
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL, SECRET);
	const struct scep_ask q = question(SCEP_PKCSREQ, &device, "A",
			    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	uint8_t		 nonce[2][SCEP_NONCE_LEN];
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	(void)state;
	ok(scep_client_request(&q, algs, &message, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		service_post(service, "/auto", buf_bytes(&message), &x);
		take_nonce(&x, nonce[i]);
		exchange_clear(&x);
	}
	assert_memory_not_equal(nonce[0], nonce[1], SCEP_NONCE_LEN);
	assert_int_equal(count_issued(), 1);
	buf_wipe(&message);
	csr_free(r);
}

/* failInfoText is the reason's one text, and nothing of the request or of the
 * configuration: neither secrets nor names. */
static void
test_failure_text(void **state)
{
	static const char *const hidden[] = {
		"guess-7F3C9A5B21D8", SECRET, "secret-name", "scepd.conf"
	};
	struct csr	*r = tool_csr(device.key, "/CN=secret-name", NULL,
			    hidden[0]);
	const struct scep_ask q = question(SCEP_PKCSREQ, &device, "A",
			    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	struct exchange	 x;
	size_t		 at;

	(void)state;
	ok(scep_client_request(&q, algs, &message, &e), &e);
	service_post(service, "/auto", buf_bytes(&message), &x);
	assert_int_equal(tool_count(buf_bytes(&x.reply),
	    bytes_str(err_what(ERR_CHALLENGE_WRONG)), &at), 1);
	for (size_t i = 0; i < N(hidden); i++)
		assert_int_equal(tool_count(buf_bytes(&x.reply),
		    bytes_str(hidden[i]), &at), 0);
	exchange_clear(&x);
	buf_wipe(&message);
	csr_free(r);
}

/* The request of a CSR, signed anew. */
static void
sign_again(const struct csr *r, const char *md, bool pss, struct buf *out)
{
	X509_REQ	*x = X509_REQ_dup(r->x);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*key;
	struct bytes	 der;

	assert_int_equal(EVP_DigestSignInit(ctx, &key,
	    EVP_get_digestbyname(md), NULL, key_pkey(device.key)), 1);
	if (pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(key,
		    RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(X509_REQ_sign_ctx(x, ctx) > 0);
	der = pki_i2d(ASN1_ITEM_rptr(X509_REQ), x);
	assert_int_equal(buf_put(out, der.p, der.n), 0);
	pki_free(&der);
	EVP_MD_CTX_free(ctx);
	X509_REQ_free(x);
}

/* What is accepted of a message is accepted of the request in it, no more,
 * however the digest is named. */
static void
test_request_digest(void **state)
{
	static const struct {
		const char	*md;
		bool		 pss, good;
	} rows[] = {
		{ "SHA256", false, true },	{ "SHA256", true, true },
		{ "SHA1", true, true },		{ "MD5", false, false },
		{ "RIPEMD160", false, false },	{ "SHA224", true, false },
	};
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL, SECRET);
	struct buf	 der = BUF_INIT(CSR_MAX_DER);
	struct scep_got	 got;
	char		 txid[2] = "A";

	(void)state;
	for (size_t i = 0; i < N(rows); i++, txid[0]++) {
		buf_reset(&der);
		sign_again(r, rows[i].md, rows[i].pss, &der);
		const struct scep_ask q = question(SCEP_PKCSREQ, &device, txid,
		    buf_bytes(&der));

		service_ask(service, "/auto", &q, algs, ra.cert, &got);
		if (got.status != (rows[i].good ? SCEP_SUCCESS : SCEP_FAILURE))
			fail_msg("row %zu", i);
		scep_got_clear(&got);
	}
	buf_wipe(&der);
	csr_free(r);
}

/* ---- a locked address ---- */

/* HTTP status of a message from a locked address. */
static int
post_locked(const char *path, struct bytes message)
{
	struct abuse_verdict v;
	struct exchange	 x;
	int		 status;

	service_peer = "192.0.2.9";
	for (size_t i = 0; i < 4; i++)
		abuse_failed(service->guard->abuse, site_conf(service->site),
		    service_peer, "auto", clock_now(), &v);
	service_post(service, path, message, &x);
	status = x.status;
	exchange_clear(&x);
	service_peer = "";
	return status;
}

static int
ask_locked(const char *path, int type, const struct who *by)
{
	struct csr	*r = tool_csr(new_key, "/CN=device", NULL, NULL);
	const struct scep_ask q = question(type, by, "locked",
			    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	int		 status;

	ok(scep_client_request(&q, algs, &message, &e), &e);
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
	char		 none[STORE_TEXT];

	(void)state;
	enroll("/auto", &old);
	forge(&old, &forged);
	assert_int_equal(post_locked("/auto", bytes_str("x")), 429);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &device), 429);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &forged), 429);
	assert_int_equal(ask_locked("/update", SCEP_RENEWALREQ, &old), 429);
	store_text("UPDATE issued SET role = 'ra'", none);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 429);
	store_text("UPDATE issued SET role = 'client', revoked_at = 1,"
	    " revoke_reason = 5", none);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 429);
	store_text("UPDATE issued SET revoked_at = NULL,"
	    " revoke_reason = NULL", none);
	/* Whatever it asks: this is no poll. */
	assert_int_equal(ask_locked("/auto", SCEP_CERTPOLL, &old), 200);
	assert_int_equal(count_issued(), 1);
	assert_int_equal(ask_locked("/auto", SCEP_RENEWALREQ, &old), 200);
	assert_int_equal(count_issued(), 2);
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
	ok(mint_challenge(service, &m, out, &e), &e);
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
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL,
	    b->challenge == NULL ? drawn : b->challenge);
	const struct scep_ask q = question(b->type, &device, txid, r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	long		 before = count_issued();

	ok(scep_client_request(&q, algs, &message, &e), &e);
	assert_int_equal(post_locked(b->path, buf_bytes(&message)), b->status);
	assert_int_equal(count_issued() - before, b->issued);
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
		{ "/manual", SCEP_PKCSREQ, NULL, 200, 0 },
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
	struct scep_ask	 q = question(SCEP_PKCSREQ, &device, "g",
	    bytes_str("no request"));
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;

	(void)state;
	ok(scep_client_request(&q, algs, &message, &e), &e);
	assert_int_equal(post_locked("/auto", buf_bytes(&message)), 429);
	buf_wipe(&message);
}

/* ---- what fails ---- */

/* No refusals are kept, but how a transaction ended that was begun. */
static void
test_failed_trail(void **state)
{
	struct csr	*r = tool_csr(device.key, "/CN=device", NULL, SECRET);
	const struct scep_ask q = question(SCEP_PKCSREQ, &device, "A",
			    r->der);
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	(void)state;
	ok(scep_client_request(&q, algs, &message, &e), &e);
	service_post(service, "/broken", buf_bytes(&message), &x);
	exchange_clear(&x);
	assert_int_equal(store_number("SELECT count(*) FROM audit JOIN txn ON"
	    " txn.id = audit.txn AND txn.reason = audit.reason WHERE"
	    " audit.reason = 'issuer' AND audit.txid = 'A' AND"
	    " audit.trail LIKE '%issue%'"), 1);
	assert_int_equal(store_number("SELECT count(*) FROM audit"), 1);
	buf_wipe(&message);
	csr_free(r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_renewed),
		TEST(test_renewal_refused),
		TEST(test_polls),
		TEST(test_poll_revoked),
		TEST(test_poll_by_password),
		TEST(test_poll_refused),
		TEST(test_lost),
		TEST(test_nonces),
		TEST(test_failure_text),
		TEST(test_request_digest),
		TEST(test_ndes),
		TEST(test_locked),
		TEST(test_drawn_locked),
		TEST(test_locked_garbage),
		TEST(test_failed_trail),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
