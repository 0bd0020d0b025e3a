/*
 * Who renews at an endpoint that trusts the CA of another server: the owners of
 * that CA's certificates, and nobody who merely looks like one.
 */
#include "scep/wrap.h"
#include "service_lab.h"
#include "util/str.h"

#define SECRET	"8CE317021F690069"

#define END(name)							\
	LAB_END(name)							\
	"    profile = \"p\"; challenges = [ \"c\" ];\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "endpoints = (\n"
    END("trusts") "renew: { trusted = [ \"old.pem\" ]; }; },\n"
    END("asks") "renew: { trusted = [ \"old.pem\" ]; };\n"
    "    validator = \"v\"; },\n"
    END("updates") "renew: { trusted = [ \"old.pem\" ]; };\n"
    "    update = true; },\n"
    END("chain") "renew: { trusted = [ \"chain.pem\" ]; }; },\n"
    END("self") "renew: { trusted = [ \"ca.pem\" ]; }; },\n"
    END("alone") "} );\n"
    "issuers = (" LAB_ISSUER " );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ]; } );\n";

static const char	 script[] =
    "#!/bin/sh\n"
    "cat >/dev/null\n"
    "exit \"$(cat \"${0%/*}/verdict\")\"\n";

/* By old: sub and those after it; false_old has old's name. */
static struct who	 ours, old, false_old, sub, device, expired, future,
    below, forged, alone;

static void
make_cas(void)
{
	lab_who(&old, "Old", "rsa:2048", KU_CA, NULL);
	lab_who(&false_old, "Old", "rsa:2048", KU_CA, NULL);
	lab_who(&sub, "Sub", "rsa:2048", KU_CA, &old);
}

static void
make_devices(void)
{
	struct order	 o = { .name = "device", .spec = "rsa:2048",
	    .ku = KU_RA, .from = lab.now - 2 * DAY, .to = lab.now + DAY };

	who_make(&alone, &o);
	o.issuer = &lab.ca;
	who_make(&ours, &o);
	o.issuer = &sub;
	who_make(&below, &o);
	o.issuer = &false_old;
	who_make(&forged, &o);
	o.issuer = &old;
	who_make(&device, &o);
	o.to = lab.now - 60;
	who_make(&expired, &o);
	o.from = lab.now + 3600;
	o.to = lab.now + DAY;
	who_make(&future, &o);
}

/* The one that is trusted, and what stands above it. */
static void
chain_file(void)
{
	struct buf	 pem = BUF_INIT(65536);
	struct err	 e = ERR_INIT;

	lab_ok(cert_pem(sub.cert, &pem, &e), &e);
	lab_ok(cert_pem(old.cert, &pem, &e), &e);
	(void)tool_file("chain.pem", buf_bytes(&pem), 0644);
	buf_wipe(&pem);
}

static int
setup(void **state)
{
	int	 rc = lab_setup_with("rsa:2048");	/* it asks, too */

	(void)state;
	make_cas();
	make_devices();
	(void)tool_cert_file("old.pem", old.cert);
	chain_file();
	return rc;
}

static int
teardown(void **state)
{
	struct who	*all[] = { &ours, &old, &false_old, &sub, &device,
	    &expired, &future, &below, &forged, &alone };

	for (size_t i = 0; i < N(all); i++)
		who_free(all[i]);
	return lab_teardown(state);
}

static int
begin(void **state)
{
	(void)state;
	lab_begin(text, tool_file("validate", bytes_str(script), 0700));
	return 0;
}

/* Posts a request for a new key, or for that of who signs; the HTTP status.
 * *status: of a CertRep. */
static int
ask(const char *path, int type, const struct who *by, const char *subject,
    const char *challenge, enum scep_status *status)
{
	static unsigned	 n;
	char		 txid[16];
	struct csr	*r = tool_csr(by->key, subject, NULL, challenge);
	struct scep_ask	 q;
	int		 http;

	(void)snprintf(txid, sizeof(txid), "t-%u", n++);
	q = lab_question(type, by, txid, r->der);
	http = lab_try(path, &q, status);
	csr_free(r);
	return http;
}

static const struct row {
	const char		*name;
	const struct who	*by;
	const char		*subject;
	bool			 renews;
} rows[] = {
	{ "that CA's device", &device, "/CN=device", true },
	{ "under another name", &device, "/CN=other", false },
	{ "under the RA's name", &device, "/CN=RA", false },
	{ "expired", &expired, "/CN=device", false },
	{ "not valid yet", &future, "/CN=device", false },
	{ "another CA of that name", &forged, "/CN=device", false },
	{ "a CA below it, which nobody named", &below, "/CN=device", false },
	{ "a CA below it, itself", &sub, "/CN=Sub", false },
	{ "that CA itself", &old, "/CN=Old", false },
	{ "self-signed", &alone, "/CN=device", false },
	{ "of this CA, not in the ledger", &ours, "/CN=device", false },
	{ "this CA itself", &lab.ca, "/CN=CA", false },
	{ "the RA", &lab.ra, "/CN=RA", false },
};

static void
check(const struct row *r, const char *path, int type, const char *challenge,
    bool renews)
{
	enum scep_status status = SCEP_PENDING;
	long		 before = lab_issued();
	int		 http = ask(path, type, r->by, r->subject, challenge,
			    &status);

	if (http != 200 || status != (renews ? SCEP_SUCCESS : SCEP_FAILURE) ||
	    lab_issued() != before + renews)
		fail_msg("%s, type %d%s: HTTP %d, pkiStatus %d", r->name,
		    type, challenge == NULL ? "" : " with a challenge", http,
		    (int)status);
}

static void
test_signers(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct row	*r = &rows[i];

		check(r, "/trusts", SCEP_RENEWALREQ, NULL, r->renews);
		check(r, "/trusts", SCEP_RENEWALREQ, SECRET, r->renews);
		check(r, "/trusts", SCEP_PKCSREQ, NULL, r->renews);
		check(r, "/trusts", SCEP_UPDATEREQ, SECRET, false);
		check(r, "/updates", SCEP_UPDATEREQ, NULL, r->renews);
		check(r, "/updates", SCEP_UPDATEREQ, SECRET, r->renews);
		/* Trusted there is not trusted everywhere. */
		check(r, "/alone", SCEP_RENEWALREQ, NULL, false);
		check(r, "/alone", SCEP_PKCSREQ, NULL, false);
	}
}

/* Only the first of a file is trusted: what stands above it proves it. */
static void
test_chain(void **state)
{
	const struct row	 rows_of_it[] = {
		{ "of the one that is trusted", &below, "/CN=device", true },
		{ "of the one above it", &device, "/CN=device", false },
		{ "that one itself", &sub, "/CN=Sub", false },
		{ "the one above it itself", &old, "/CN=Old", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows_of_it); i++) {
		const struct row	*r = &rows_of_it[i];

		check(r, "/chain", SCEP_RENEWALREQ, NULL, r->renews);
		check(r, "/chain", SCEP_RENEWALREQ, SECRET, r->renews);
		check(r, "/chain", SCEP_PKCSREQ, NULL, r->renews);
	}
}

/* The newest row is this certificate's, as if it had been issued so. */
static void
record(const struct cert *c)
{
	struct buf	 b = BUF_INIT(8192);
	char		 der[4096], serial[2 * PKI_SERIAL_MAX + 1];

	assert_true(2 * c->der.n < sizeof(der));
	str_hex(c->der, der);
	str_hex(c->serial, serial);
	assert_int_equal(buf_printf(&b, "UPDATE issued SET der = x'%s', "
	    "serial = x'%s' WHERE id = (SELECT max(id) FROM issued)", der,
	    serial), 0);
	store_do(buf_cstr(&b));
	buf_wipe(&b);
}

/* What is revoked here is not good again because its issuer is trusted. */
static void
test_revoked(void **state)
{
	enum scep_status status;
	struct row	 mine = { "revoked", &ours, "/CN=device", false };

	(void)state;
	assert_int_equal(ask("/self", SCEP_PKCSREQ, &ours, "/CN=device",
	    SECRET, &status), 200);
	assert_int_equal(status, SCEP_SUCCESS);
	record(ours.cert);
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, true);
	store_do("UPDATE issued SET revoked_at = 1, revoke_reason = 1");
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, false);
	check(&mine, "/self", SCEP_PKCSREQ, NULL, false);
}

/* As an ECDSA signature can be changed into another one that verifies. */
static void
test_other_signature(void **state)
{
	enum scep_status status;
	struct row	 mine = { "signed anew", &ours, "/CN=device", false };

	(void)state;
	assert_int_equal(ask("/self", SCEP_PKCSREQ, &ours, "/CN=device",
	    SECRET, &status), 200);
	record(ours.cert);
	store_do("UPDATE issued SET der = x'00'");
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, false);
	/* Of another CA, it would be another. */
	store_do("UPDATE issued SET issuer_hash = randomblob(32)");
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, true);
}

/* What the CA of a program made, and was not issued. */
static void
test_stray(void **state)
{
	enum scep_status status;
	char		 serial[2 * PKI_SERIAL_MAX + 1];
	struct buf	 b = BUF_INIT(1024);
	struct row	 mine = { "a stray", &ours, "/CN=device", false };

	(void)state;
	assert_int_equal(ask("/self", SCEP_PKCSREQ, &ours, "/CN=device",
	    SECRET, &status), 200);
	str_hex(ours.cert->serial, serial);
	assert_int_equal(buf_printf(&b, "INSERT INTO stray (txn, issuer, "
	    "serial, issuer_hash, why, made_at, subject) SELECT txn, 'i', "
	    "x'%s', issuer_hash, 'it is no good', 1, '' FROM issued", serial),
	    0);
	store_do(buf_cstr(&b));
	buf_wipe(&b);
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, false);
	service_tick(lab.service);
	store_assert("SELECT reason FROM audit ORDER BY id DESC LIMIT 1",
	    "renewal_stray");
	check(&mine, "/self", SCEP_PKCSREQ, NULL, false);
	store_do("UPDATE stray SET issuer_hash = randomblob(32)");
	check(&mine, "/self", SCEP_RENEWALREQ, NULL, true);
}

/* A migration is no way around a validator, whatever state that one is in. */
static void
test_validator(void **state)
{
	static const struct {
		const char	*verdict;
		int		 http;
		enum scep_status status;
	} verdicts[] = {
		{ "7", 503, 0 },
		{ "200", 503, 0 },
		{ "1", 503, 0 },
		{ "40", 200, SCEP_FAILURE },
		{ "41", 200, SCEP_PENDING },
		{ "0", 200, SCEP_SUCCESS },
	};
	enum scep_status status = SCEP_SUCCESS;

	(void)state;
	for (size_t i = 0; i < N(verdicts); i++) {
		long	 before = lab_issued();

		(void)tool_file("verdict", bytes_str(verdicts[i].verdict),
		    0600);
		assert_int_equal(ask("/asks", SCEP_RENEWALREQ, &device,
		    "/CN=device", NULL, &status), verdicts[i].http);
		if (verdicts[i].http == 200)
			assert_int_equal(status, verdicts[i].status);
		assert_int_equal(lab_issued(), before +
		    (verdicts[i].http == 200 &&
		    verdicts[i].status == SCEP_SUCCESS));
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_signers),
		TEST(test_chain),
		TEST(test_revoked),
		TEST(test_other_signature),
		TEST(test_stray),
		TEST(test_validator),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
