/*
 * What is foretold of a request is what then becomes of it: each is rehearsed,
 * which must write nothing, and then sent to a service on the same store.
 */
#include "rehearse_lab.h"
#include "scep/wrap.h"

/* ---- every kind of refusal, in this order on one store ---- */

#define D	"/CN=device"
#define PKCS	SCEP_PKCSREQ
#define RENEW	SCEP_RENEWALREQ

static const struct rehearse_row rows[] = {
	{ "issued", "auto", SELF, PKCS, &key, D, "DNS:a.example", SECRET,
	    ERR_NONE, false },
	{ "no challenge", "auto", SELF, PKCS, &key2, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "wrong one", "auto", SELF, PKCS, &key2, D, NULL, "guess",
	    ERR_CHALLENGE_WRONG, false },
	{ "of others", "auto", SELF, PKCS, &key2, D, NULL, OTHERS,
	    ERR_CHALLENGE_ENDPOINT, false },
	{ "expired", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-late",
	    ERR_CHALLENGE_EXPIRED, false },
	{ "not yet", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-soon",
	    ERR_CHALLENGE_NOT_YET, false },
	{ "its subject", "auto", SELF, PKCS, &key2, "/CN=x", NULL,
	    SECRET "-names", ERR_CHALLENGE_SUBJECT, false },
	{ "its names", "auto", SELF, PKCS, &key2, D, "DNS:x",
	    SECRET "-names", ERR_CHALLENGE_SAN, false },
	{ "its key", "auto", SELF, PKCS, &ec, D, NULL, SECRET "-names",
	    ERR_CHALLENGE_KEY, false },
	{ "its use", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-names",
	    ERR_NONE, false },
	{ "spent", "auto", SELF, PKCS, &key2, D, NULL, SECRET "-names",
	    ERR_CHALLENGE_SPENT, false },
	{ "key of the CA", "auto", SELF, PKCS, &lab.ca.key, D, NULL, SECRET,
	    ERR_KEY_TAKEN, false },
	{ "name of the CA", "auto", SELF, PKCS, &key2, "/CN=CA", NULL, SECRET,
	    ERR_SUBJECT, false },
	{ "nameless", "auto", SELF, PKCS, &key2, "/", NULL, SECRET,
	    ERR_SUBJECT, false },
	{ "strange signer", "auto", STRANGER, PKCS, &key2, D, NULL, SECRET,
	    ERR_KEY_MISMATCH, false },
	{ "any signer", "any", STRANGER, PKCS, &key2, D, NULL, SECRET,
	    ERR_NONE, false },
	{ "reply secret", "auto", SELF, PKCS, &ec, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "EC key", "auto", SELF, PKCS, &ec, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "signer's key type", "strict", SELF, PKCS, &ec, D, "DNS:a", SECRET,
	    ERR_CSR_KEY, false },
	{ "too small", "big", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_CSR_KEY, false },
	{ "no dns", "strict", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_SAN_REQUIRED, false },
	{ "surplus", "strict", SELF, PKCS, &key2, D,
	    "DNS:a,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b", SECRET,
	    ERR_SURPLUS, false },
	{ "strict", "strict", SELF, PKCS, &key2, D, "DNS:a", SECRET, ERR_NONE,
	    false },
	{ "subject pattern", "names", SELF, PKCS, &key2, D, NULL, SECRET,
	    ERR_SUBJECT_PATTERN, false },
	{ "san pattern", "names", SELF, PKCS, &key2, "/CN=dev-1",
	    "DNS:a.test", SECRET, ERR_SAN_PATTERN, false },
	{ "names", "names", SELF, PKCS, &key2, "/CN=dev-1", "DNS:a.example",
	    SECRET, ERR_NONE, false },
	{ "template", "made", SELF, PKCS, &key2, D, NULL, SECRET, ERR_SUBJECT,
	    false },
	{ "bad name", "auto", SELF, PKCS, &key2, D, "DNS:a\001b", SECRET,
	    ERR_SAN, false },
	{ "by the template", "made", SELF, PKCS, &key2, D, "DNS:a.example",
	    SECRET, ERR_NONE, false },
	/* renewals */
	{ "by itself", "auto", SELF, RENEW, &key, D, NULL, SECRET,
	    ERR_RENEWAL_SIGNER, false },
	{ "by the RA", "auto", RA, RENEW, &key, D, NULL, SECRET,
	    ERR_RENEWAL_SIGNER, false },
	{ "first", "fixed", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "renewal off", "fixed", OLD, PKCS, &key2, D, NULL, NULL,
	    ERR_RENEWAL_OFF, false },
	{ "but enrolled", "fixed", OLD, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "first, early", "early", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "too early", "early", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_EARLY, false },
	{ "first, new", "new", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "old key", "new", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_KEY_OLD, false },
	{ "other names", "new", OLD, RENEW, &key2, "/CN=x", NULL, NULL,
	    ERR_RENEWAL_NAMES, false },
	{ "first, same", "same", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "new key", "same", OLD, RENEW, &key2, D, NULL, NULL,
	    ERR_RENEWAL_KEY_NEW, false },
	{ "again", "same", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_RENEWAL_KEY_REUSE, false },
	{ "first, asks", "asks", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	{ "without", "asks", OLD, RENEW, &key, D, NULL, NULL,
	    ERR_CHALLENGE_MISSING, false },
	{ "with a wrong one", "asks", OLD, RENEW, &key, D, NULL, "guess",
	    ERR_CHALLENGE_WRONG, false },
	{ "renewed", "asks", OLD, RENEW, &key, D, NULL, SECRET, ERR_NONE,
	    false },
	/* what the reservation counts */
	{ "first of one", "one", SELF, PKCS, &key, "/CN=only", NULL, SECRET,
	    ERR_NONE, false },
	{ "second of one", "one", SELF, PKCS, &key2, "/CN=only", NULL, SECRET,
	    ERR_MAX_ACTIVE, false },
	{ "its renewal", "one", OLD, RENEW, &key, "/CN=only", NULL, NULL,
	    ERR_NONE, false },
	{ "key again", "alone", SELF, PKCS, &key, D, NULL, SECRET,
	    ERR_DUPLICATE_KEY, false },
	/* what waits */
	{ "waits", "manual", SELF, PKCS, &key, D, NULL, SECRET, ERR_NONE,
	    true },
	{ "waits, unknown", "manual", SELF, PKCS, &key2, D, NULL, NULL,
	    ERR_NONE, true },
	{ "no room for one more", "manual", SELF, PKCS, &key2, "/CN=y", NULL,
	    NULL, ERR_PENDING_STRANGER, false },
	{ "waits too", "manual", SELF, PKCS, &key2, "/CN=z", NULL, SECRET,
	    ERR_NONE, true },
	{ "the last", "manual", SELF, PKCS, &key2, "/CN=zz", NULL, SECRET,
	    ERR_NONE, true },
	{ "no room", "manual", SELF, PKCS, &key2, "/CN=zzz", NULL, SECRET,
	    ERR_PENDING_FULL, false },
};

static void
test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N(rows); i++)
		rehearse_play(&rows[i], i);
	rehearse_played();
}

/* ---- challenges made at run time ---- */

/* Of one use; drawn by us, or thought up by somebody and hashed. */
static void
make_challenge(const char *value, const char *endpoint, const char *profile,
    bool drawn)
{
	static char		 none[] = "", by[] = "test";
	char			 hash[SECRET_HASH_MAX];
	uint8_t			 mac[SECRET_MAC];
	struct challenge	 row = {
		.name = strdup(value), .endpoints = strdup(endpoint),
		.profile = strdup(profile), .subject = none, .san = none,
		.key_types = none, .facts = none,
		.uses = 1, .created_by = by,
	};
	const struct challenge_mac m = { drawn ? mac : NULL,
	    lab.service->mac_key.name };
	struct err		 e = ERR_INIT;

	lab_ok(secret_mac(lab.service->mac_key.key, bytes_str(value), mac,
	    &e), &e);
	if (!drawn) {
		lab_ok(secret_hash(bytes_make(mac, sizeof(mac)), hash, &e), &e);
		row.hash = hash;
	}
	lab_ok(challenge_add(lab.service->db, &row, &m, &e), &e);
	free(row.name);
	free(row.endpoints);
	free(row.profile);
}

static void
test_stored(void **state)
{
	static const struct rehearse_row	 stored[] = {
		{ "drawn", "auto", SELF, PKCS, &key, D, NULL, "drawn-1",
		    ERR_NONE, false },
		{ "spent", "auto", SELF, PKCS, &key2, D, NULL, "drawn-1",
		    ERR_CHALLENGE_SPENT, false },
		{ "hashed", "auto", SELF, PKCS, &key, D, "DNS:h", "hashed-1",
		    ERR_NONE, false },
		{ "hashed, spent", "auto", SELF, PKCS, &key, D, "DNS:hh",
		    "hashed-1", ERR_CHALLENGE_SPENT, false },
		{ "elsewhere", "auto", SELF, PKCS, &key2, D, NULL, "drawn-2",
		    ERR_CHALLENGE_ENDPOINT, false },
		{ "its profile", "auto", SELF, PKCS, &key2, D, NULL, "drawn-3",
		    ERR_CHALLENGE_PROFILE, false },
		{ "disabled", "auto", SELF, PKCS, &key2, D, NULL, "drawn-4",
		    ERR_CHALLENGE_DISABLED, false },
	};
	struct err	 e = ERR_INIT;
	bool		 found = false;

	(void)state;
	make_challenge("drawn-1", "auto", "", true);
	make_challenge("hashed-1", "auto", "", false);
	make_challenge("drawn-2", "any", "", true);
	make_challenge("drawn-3", "auto", "gone", true);
	make_challenge("drawn-4", "auto", "", true);
	lab_ok(challenge_disable(lab.service->db, "drawn-4", true, 1, &found,
	    &e), &e);
	assert_true(found);
	for (unsigned i = 0; i < N(stored); i++)
		rehearse_play(&stored[i], i);
	rehearse_played();
}

/* Where no profile takes such a key, messages are not even opened. */
static void
test_signer(void **state)
{
	static const struct rehearse_row	 r = { "key of no profile",
	    "auto", SELF, PKCS, &ec, D, NULL, SECRET, ERR_SIGNER_KEY, false };

	(void)state;
	rehearse_play(&r, 0);
	rehearse_played();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, rehearse_begin,
		    rehearse_end),
		cmocka_unit_test_setup_teardown(test_stored, rehearse_begin,
		    rehearse_end),
		cmocka_unit_test_setup_teardown(test_signer,
		    rehearse_begin_rsa, rehearse_end),
	};

	return cmocka_run_group_tests(tests, rehearse_setup,
	    rehearse_teardown);
}
