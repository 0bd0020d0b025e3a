/*
 * The CRLs of a service, by a clock of the test's own; GetCert and GetCRL as a
 * client sends them.
 */
#include <unistd.h>

#include "pki/crl.h"
#include "pki/secret.h"
#include "scep/wrap.h"
#include "service_lab.h"
#include "site/crls.h"
#include "store/revoked.h"
#include "store/txn.h"
#include "util/file.h"

#define WEEK	(7 * DAY)
#define SIX	(6 * DAY)	/* from one CRL to the next */
#define TXID	"SSCEP transactionId"	/* the same for all: as sscep does */
#define NONCE	"sixteen octets.."

/* Issuers: local with all, exec, without crl, without cRLSign. */
static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    LAB_END_OF("e", "local") "profile = \"p\"; challenges = [ \"c\" ]; },\n"
    LAB_END_OF("x", "exec") "profile = \"p\"; challenges = [ \"c\" ]; } );\n"
    "issuers = (\n"
    "  { name = \"local\"; cert = \"ca.pem\"; key = \"ca.key\"; %s },\n"
    "  { name = \"exec\"; type = \"exec\"; cert = \"ca.pem\";\n"
    "    command = [ \"/bin/false\" ]; },\n"
    "  { name = \"off\"; cert = \"ca.pem\"; key = \"ca.key\";\n"
    "    crl = false; },\n"
    "  { name = \"bare\"; cert = \"bare.pem\"; key = \"bare.key\"; } );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"unused-7F3C9A5B21D8\"; } );\n";

enum { LOCAL, EXEC, OFF, BARE };

static struct who	 bare, other;
static struct who	 earlier;	/* of a CA that had the name */
static struct err	 e;

static void
ok(int rc)
{
	lab_ok(rc, &e);
}

static int
begin(void **state)
{
	(void)state;
	err_clear(&e);
	(void)unlink(tool_path("local.crl"));
	lab_begin(text, "");
	return 0;
}

static int
setup(void **state)
{
	struct who	 was;
	int		 rc;

	lab.end = 100 * DAY;
	rc = lab_setup(state);
	lab_who(&was, "CA", "ec:p256", KU_CA, NULL);
	lab_who(&earlier, "of a CA that had the name", "ec:p256", KU_RA, &was);
	who_free(&was);
	lab_who(&bare, "Bare CA", "ec:p256", CERT_KU_KEY_CERT_SIGN, NULL);
	lab_who(&other, "of another CA", "ec:p256", KU_RA, &bare);
	(void)tool_cert_file("bare.pem", bare.cert);
	(void)tool_key_file("bare.key", bare.key);
	return rc;
}

static int
teardown(void **state)
{
	who_free(&bare);
	who_free(&other);
	who_free(&earlier);
	return lab_teardown(state);
}

/* ---- the ledger ---- */

/* A certificate of issuer i in the ledger; its row. */
static int64_t
record(struct cert *c, const char *issuer)
{
	struct txn		 t = { .endpoint = "e", .txid = "1",
	    .signer_serial = c->serial, .serial = c->serial, .peer = "-",
	    .when = lab.now };
	struct issued		 r = { .der = c->der, .serial = c->serial,
	    .subject = "", .sans = "", .endpoint = "e", .profile = "p",
	    .issuer = issuer, .txid = "1", .peer = "-",
	    .not_before = c->not_before, .not_after = c->not_after,
	    .issued_at = lab.now };
	struct txn_found	 found;
	struct issued_op	 op;
	bool			 fresh;

	memcpy(t.msg_hash, c->key.spki_hash, TXN_HASH);
	ok(secret_sha256(c->der, t.csr_hash, &e));
	ok(txn_reserve(lab.service->db, &t, &found, &fresh, &e));
	assert_true(fresh);
	r.txn = found.id;
	ok(secret_sha256(c->issuer, r.issuer_hash, &e));
	issued_add_start(lab.service->db, &op, &r);
	ok(issued_add_wait(lab.service->db, &op, &e));
	return r.txn;
}

/* One that ends in so many seconds. */
static int64_t
issue(int64_t life, struct cert **out)
{
	const struct order	 o = { .name = "device", .key = lab.device.key,
	    .issuer = &lab.ca, .ku = KU_RA, .from = lab.now - DAY,
	    .to = lab.now + life };
	int64_t			 id;

	*out = tool_cert(&o);
	id = record(*out, "local");
	return id;
}

static void
revoke_it(int64_t id, int reason)
{
	ok(revoked_put(lab.service->db, id, reason, lab.now, &e));
}

/* ---- CRLs ---- */

static void
tick(int64_t after)
{
	crls_tick(lab.service->crls, lab.service->site, lab.service->db,
	    lab.now + after);
}

/* The one that is served now; NULL if none. */
static struct crl *
current(size_t issuer)
{
	struct document	*d = crls_get(lab.service->crls,
	    &lab.service->site->cas[issuer]);
	struct crl	*c = NULL;

	if (d == NULL)
		return NULL;
	ok(crl_parse(buf_bytes(&d->content), &c, &e));
	ok(crl_verify(c, lab.ca.cert, &e));
	assert_string_equal(d->type, "application/pkix-crl");
	assert_int_equal(d->modified, c->this_update);
	assert_int_equal(d->expires, c->next_update);
	document_put(d);
	return c;
}

/* The number of the current one, and how many entries it has. */
static int64_t
number(size_t *n)
{
	struct crl	*c = current(LOCAL);
	int64_t		 is;

	assert_non_null(c);
	is = c->number;
	*n = c->n_entries;
	crl_free(c);
	return is;
}

static void
test_first(void **state)
{
	struct crl	*c = current(LOCAL);

	(void)state;
	assert_non_null(c);
	assert_true(c->this_update >= lab.now);
	assert_true(c->this_update < lab.now + 600);
	assert_int_equal(c->next_update, c->this_update + WEEK);
	assert_int_equal(c->n_entries, 0);
	assert_true(c->number >= lab.now);
	crl_free(c);
	assert_null(current(EXEC));
	assert_null(current(OFF));
	assert_null(current(BARE));
}

static void
test_revocation(void **state)
{
	struct cert	*a, *b;
	int64_t		 ia = issue(50 * DAY, &a), ib = issue(50 * DAY, &b);
	int64_t		 first, now;
	struct crl_entry x;
	struct crl	*c;
	size_t		 n;

	(void)state;
	first = number(&n);
	tick(1);
	assert_int_equal(number(&n), first);
	revoke_it(ia, 1);
	revoke_it(ib, CRL_HOLD);
	tick(1);
	now = number(&n);
	assert_true(now > first);
	assert_int_equal(n, 2);
	c = current(LOCAL);
	assert_true(tool_listed(c, a->serial, &x));
	assert_int_equal(x.when, lab.now);
	assert_int_equal(x.reason, 1);
	assert_true(tool_listed(c, b->serial, &x));
	assert_int_equal(x.reason, CRL_HOLD);
	crl_free(c);
	/* Twice within a second */
	revoke_it(ib, CRL_RELEASE);
	tick(1);
	assert_int_equal(number(&n), now + 1);
	assert_int_equal(n, 1);
	revoke_it(ib, 4);
	tick(1);
	assert_int_equal(number(&n), now + 2);
	tick(2);
	assert_int_equal(number(&n), now + 2);
	assert_int_equal(n, 2);
	cert_free(a);
	cert_free(b);
}

static void
test_schedule(void **state)
{
	static const struct {
		const char	*name;
		int64_t		 at;
		bool		 made;
	} rows[] = {
		{ "at once", 1, false },
		{ "a day before its time", SIX - DAY, false },
		{ "its time", SIX + 600, true },
		{ "behind it", SIX + 601, false },
		{ "much later", 60 * DAY, true },
		{ "a clock put back", 59 * DAY, false },
		{ "the next", 60 * DAY + SIX, true },
		{ "ends with its CA", 97 * DAY, true },
		{ "which is near", 100 * DAY - 1, false },
		{ "and over", 100 * DAY, false },
		{ "for long", 200 * DAY, false },
	};
	int64_t		 last, is;
	struct crl	*c;
	size_t		 n;

	(void)state;
	last = number(&n);
	for (size_t i = 0; i < N(rows); i++) {
		tick(rows[i].at);
		is = number(&n);
		if ((is > last) != rows[i].made || is < last)
			fail_msg("%s: %lld after %lld", rows[i].name,
			    (long long)is, (long long)last);
		last = is;
	}
	c = current(LOCAL);
	assert_int_equal(c->this_update, lab.now + 97 * DAY);
	assert_int_equal(c->next_update, lab.ca.cert->not_after);
	crl_free(c);
}

/* Listed until one made on schedule after its end has told of it. */
static void
test_expired(void **state)
{
	struct cert	*c, *d;
	int64_t		 ic = issue(DAY, &c), id = issue(90 * DAY, &d);
	size_t		 n;

	(void)state;
	revoke_it(ic, 0);
	tick(10);
	(void)number(&n);
	assert_int_equal(n, 1);
	/* Made for a revocation after its end: not the one that counts. */
	revoke_it(id, CRL_HOLD);
	tick(2 * DAY);
	(void)number(&n);
	assert_int_equal(n, 2);
	revoke_it(id, CRL_RELEASE);
	tick(3 * DAY);
	(void)number(&n);
	assert_int_equal(n, 1);
	tick(SIX + 600);
	(void)number(&n);
	assert_int_equal(n, 1);
	tick(2 * SIX + 600);
	(void)number(&n);
	assert_int_equal(n, 0);
	cert_free(c);
	cert_free(d);
}

static struct document *
lent(void)
{
	return crls_get(lab.service->crls, &lab.service->site->cas[LOCAL]);
}

static void
test_restart(void **state)
{
	struct buf	 kept = BUF_INIT(65536);
	struct document	*d = lent();
	struct cert	*c;
	int64_t		 id = issue(DAY, &c), last, rows;
	size_t		 n;

	(void)state;
	assert_int_equal(buf_put(&kept, d->content.p, d->content.n), 0);
	document_put(d);
	lab_close();
	lab_open(text, "");
	d = lent();
	assert_true(bytes_eq(buf_bytes(&kept), buf_bytes(&d->content)));
	document_put(d);
	/* While it was away */
	last = number(&n);
	revoke_it(id, 1);
	lab_close();
	lab_open(text, "");
	assert_true(number(&n) > last);
	assert_int_equal(n, 1);
	/* What is of no use is made anew, under another number. */
	last = number(&n);
	(void)memset(kept.p, 0, kept.n);
	struct revoked_crl	 bad = { .number = last + 7, .next_update = 1 };
	memcpy(bad.issuer_hash, lab.service->site->cas[LOCAL].name_hash,
	    PKI_HASH);
	memcpy(bad.key_hash, lab.ca.cert->key.spki_hash, PKI_HASH);
	ok(revoked_crl_put(lab.service->db, &bad, buf_bytes(&kept), &e));
	lab_close();
	lab_open(text, "");
	assert_true(number(&n) > last + 7);
	assert_int_equal(n, 1);
	ok(revoked_crl_number(lab.service->db, bad.issuer_hash, &rows, &e));
	assert_int_equal(rows, number(&n));
	buf_wipe(&kept);
	cert_free(c);
}

/* Settings count from the next tick on. */
static void
test_settings(void **state)
{
	struct buf	 got = BUF_INIT(65536);
	struct document	*d;
	struct crl	*c;

	(void)state;
	lab_close();
	lab_open(text, "crl_validity = \"1h\"; crl_renew = \"20m\"; "
	    "crl_file = \"local.crl\";");
	tick(39 * 60);
	c = current(LOCAL);
	assert_int_equal(c->next_update, c->this_update + WEEK);
	crl_free(c);
	tick(50 * 60);
	c = current(LOCAL);
	assert_int_equal(c->this_update, lab.now + 50 * 60);
	assert_int_equal(c->next_update, c->this_update + 3600);
	crl_free(c);
	d = lent();
	ok(file_read(tool_path("local.crl"), &got, &e));
	assert_true(bytes_eq(buf_bytes(&got), buf_bytes(&d->content)));
	document_put(d);
	buf_wipe(&got);
}

/* A file that cannot be written does not keep the CRL from being served, and is
 * written when it can be. */
static void
test_file_late(void **state)
{
	struct buf	 got = BUF_INIT(65536);
	size_t		 n;

	(void)state;
	lab_close();
	lab_begin(text, "crl_file = \"none/local.crl\";");
	(void)number(&n);
	lab_close();
	lab_open(text, "crl_file = \"local.crl\";");
	ok(file_read(tool_path("local.crl"), &got, &e));
	assert_true(got.n > 0);
	buf_wipe(&got);
}

/* A reload that names another file has it written with the next tick, though
 * the CRL is the same and the old file could not be written. */
static void
test_file_changed(void **state)
{
	static const char *const settings[] = {
		"crl_file = \"local.crl\";", "crl_file = \"none/x.crl\";",
		"crl_file = \"other.crl\";"
	};
	struct buf	 first = BUF_INIT(65536), last = BUF_INIT(65536);
	int64_t		 was;
	size_t		 n;

	(void)state;
	was = number(&n);
	for (size_t i = 0; i < N(settings); i++) {
		lab_reload(text, settings[i]);
		tick(1);
	}
	assert_int_equal(number(&n), was);
	ok(file_read(tool_path("local.crl"), &first, &e));
	ok(file_read(tool_path("other.crl"), &last, &e));
	assert_true(bytes_eq(buf_bytes(&first), buf_bytes(&last)));
	buf_wipe(&first);
	buf_wipe(&last);
}

/* ---- GetCert and GetCRL ---- */

/* Sends content as a message of that type; the CertRep must be well. */
static void
ask(const char *path, int type, struct bytes content, struct scep_got *got)
{
	struct scep_ask	 q = lab_question(type, &lab.device, TXID, content);

	q.nonce = bytes_str(NONCE);
	lab_ask(path, &q, got);
}

static void
ask_ias(const char *path, int type, struct bytes issuer, struct bytes serial,
    struct scep_got *got)
{
	struct buf	 ias = BUF_INIT(8192);

	ok(ias_make(issuer, serial, &ias, &e));
	ask(path, type, buf_bytes(&ias), got);
	buf_wipe(&ias);
}

/* Transactions of that name in the ledger. */
static long
count_txn(void)
{
	return store_number("SELECT count(*) FROM txn WHERE txid = '" TXID
	    "'");
}

static void
test_getcert(void **state)
{
	struct scep_got	 got;
	struct cert	*c[2];

	(void)state;
	(void)issue(50 * DAY, &c[0]);
	revoke_it(issue(50 * DAY, &c[1]), 1);
	/* The same transactionID each time, another certificate. */
	for (size_t i = 0; i < 4; i++) {
		ask_ias("/e", SCEP_GETCERT, lab.ca.cert->subject,
		    c[i % 2]->serial, &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		assert_int_equal(got.certs.n, 1);
		assert_true(bytes_eq(got.certs.v[0]->der, c[i % 2]->der));
		assert_int_equal(got.suite.cipher, ALG_AES128_CBC);
		scep_got_clear(&got);
	}
	assert_int_equal(count_txn(), 0);
	cert_free(c[0]);
	cert_free(c[1]);
}

static void
test_getcrl(void **state)
{
	struct document	*d;
	struct scep_got	 got;
	struct cert	*c;
	int64_t		 id = issue(50 * DAY, &c);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		/* Any serial number will do: the CA's own, the RA's, … */
		ask_ias("/e", SCEP_GETCRL, lab.ca.cert->subject, i == 0 ?
		    c->serial : tool_hex("7fff"), &got);
		assert_int_equal(got.status, SCEP_SUCCESS);
		assert_int_equal(got.certs.n, 0);
		d = lent();
		assert_true(bytes_eq(buf_bytes(&got.crl),
		    buf_bytes(&d->content)));
		document_put(d);
		scep_got_clear(&got);
		if (i == 0)
			revoke_it(id, 1);
		tick(5);
	}
	assert_int_equal(count_txn(), 0);
	cert_free(c);
}

static void
test_lookup_refused(void **state)
{
	struct bytes	 name = lab.ca.cert->subject;
	struct bytes	 noise = tool_hex("3003020105");
	struct bytes	 theirs = bare.cert->subject;
	struct scep_got	 got;
	struct cert	*c;

	(void)state;
	(void)issue(50 * DAY, &c);
	(void)record(other.cert, "bare");
	(void)record(earlier.cert, "local");
	const struct {
		const char	*name;
		const char	*path;
		int		 type;
		struct bytes	 issuer;
		struct bytes	 serial;
	} rows[] = {
		{ "unknown serial", "/e", SCEP_GETCERT, name,
		    tool_hex("7fff") },
		{ "another issuer", "/e", SCEP_GETCERT, theirs, c->serial },
		{ "known, of another issuer", "/e", SCEP_GETCERT, name,
		    other.cert->serial },
		{ "of a CA that had the name", "/e", SCEP_GETCERT, name,
		    earlier.cert->serial },
		{ "asked at the wrong endpoint", "/e", SCEP_GETCERT, theirs,
		    other.cert->serial },
		{ "CRL of another issuer", "/e", SCEP_GETCRL, theirs,
		    c->serial },
		{ "CRL of an issuer without", "/x", SCEP_GETCRL, name,
		    c->serial },
	};
	for (size_t i = 0; i < N(rows); i++) {
		ask_ias(rows[i].path, rows[i].type, rows[i].issuer,
		    rows[i].serial, &got);
		if (got.status != SCEP_FAILURE ||
		    got.failinfo != FAIL_BADCERTID)
			fail_msg("%s: %d, %d", rows[i].name, got.status,
			    got.failinfo);
		scep_got_clear(&got);
	}
	for (int type = SCEP_GETCERT; type <= SCEP_GETCRL; type++) {
		ask("/e", type, noise, &got);
		assert_int_equal(got.status, SCEP_FAILURE);
		/* As for a certificate that is not there: no oracle. */
		assert_int_equal(got.failinfo, FAIL_BADCERTID);
		scep_got_clear(&got);
	}
	cert_free(c);
}

/* ---- documents ---- */

static void
test_documents(void **state)
{
	static const struct {
		const char	*path;
		enum service_method method;
		int		 status;
		const char	*type;
	} rows[] = {
		{ "/crl/local.crl", SERVICE_GET, 200, "application/pkix-crl" },
		{ "/ca/local.crt", SERVICE_GET, 200, "application/pkix-cert" },
		{ "/ca/exec.crt", SERVICE_GET, 200, "application/pkix-cert" },
		{ "/ca/off.crt", SERVICE_GET, 200, "application/pkix-cert" },
		{ "/ca/bare.pem", SERVICE_GET, 200,
		    "application/pem-certificate-chain" },
		{ "/ca/chain.pem", SERVICE_GET, 200,
		    "application/pem-certificate-chain" },
		{ "/crl/exec.crl", SERVICE_GET, 404, "text/plain" },
		{ "/crl/off.crl", SERVICE_GET, 404, "text/plain" },
		{ "/crl/bare.crl", SERVICE_GET, 404, "text/plain" },
		{ "/crl/none.crl", SERVICE_GET, 404, "text/plain" },
		{ "/crl/.crl", SERVICE_GET, 404, "text/plain" },
		{ "/ca/chain.pem.pem", SERVICE_GET, 404, "text/plain" },
		{ "/crl/local.crl", SERVICE_POST, 405, "text/plain" },
		{ "/ca/chain.pem", SERVICE_POST, 405, "text/plain" },
	};
	struct exchange	 x;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		exchange_init(&x, lab.service);
		x.method = rows[i].method;
		x.path = rows[i].path;
		assert_int_equal(service_begin(lab.service, &x), SERVICE_NOW);
		if (x.status != rows[i].status ||
		    strcmp(x.type, rows[i].type) != 0 ||
		    (x.lent.n > 0) != (x.status == 200) ||
		    (x.etag != NULL) != (x.status == 200) ||
		    (x.allow != NULL) != (x.status == 405))
			fail_msg("%s: %d", rows[i].path, x.status);
		exchange_clear(&x);
	}
}

/* Who sends one keeps it, also when there is a newer. */
static void
test_kept(void **state)
{
	struct exchange	 x;
	struct crl	*c = NULL;
	struct cert	*cert;
	int64_t		 last;
	size_t		 n;

	(void)state;
	last = number(&n);
	exchange_init(&x, lab.service);
	x.path = "/crl/local.crl";
	assert_int_equal(service_begin(lab.service, &x), SERVICE_NOW);
	revoke_it(issue(DAY, &cert), 0);
	tick(1);
	assert_true(number(&n) > last);
	ok(crl_parse(x.lent, &c, &e));
	assert_int_equal(c->number, last);
	crl_free(c);
	exchange_clear(&x);
	cert_free(cert);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_first),
		TEST(test_revocation),
		TEST(test_schedule),
		TEST(test_expired),
		TEST(test_restart),
		TEST(test_settings),
		TEST(test_file_late),
		TEST(test_file_changed),
		TEST(test_getcert),
		TEST(test_getcrl),
		TEST(test_lookup_refused),
		TEST(test_documents),
		TEST(test_kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
