/*
 * What a revocation stops beside the certificate itself: those that it came of
 * do not renew, its key is certified no more. The look before and the step that
 * reserves say the same.
 */
#include "store/revoked.h"
#include "store_file.h"

/* A request: what it renews, with the bytes of the hashes of two keys. */
struct ask {
	int64_t		 renews;
	const char	*migrates;
	uint8_t		 old_key, key;
};

/* 1 <- 2 <- 3, 1 <- 4, x <- 5 <- 6; each has a key of its own. */
static void
make_lines(struct db *db)
{
	for (unsigned n = 1; n <= 6; n++)
		enroll(db, n);
	raw(file, "UPDATE issued SET key_hash = CAST(replace(hex(zeroblob(16)),"
	    " '0', id) AS BLOB), migrates = iif(id = 5, 'x', NULL),"
	    " supersedes = CASE id WHEN 2 THEN 1 WHEN 3 THEN 2 WHEN 4 THEN 1"
	    " WHEN 6 THEN 5 END");
}

static void
fill(const struct ask *a, uint8_t old_key[ISSUED_HASH],
    uint8_t key[ISSUED_HASH])
{
	memset(old_key, a->old_key, ISSUED_HASH);
	memset(key, a->key, ISSUED_HASH);
}

static enum err_reason
reserve_it(struct db *db, unsigned n, const struct ask *a)
{
	uint8_t		 old_key[TXN_HASH];
	struct err	 e = { .reason = ERR_NONE };
	struct txn_found found;
	struct serial	 s;
	char		 txid[16];
	bool		 fresh;
	struct txn	 t = {
		.endpoint = "default", .txid = txid, .peer = "192.0.2.1",
		.when = 5000, .serial = serial_of(&s, n), .vouched = true,
		.renews = a->renews, .migrates = a->migrates,
		.superseded = 9000, .old_key = old_key,
	};

	(void)snprintf(txid, sizeof(txid), "%u", n);
	memcpy(t.msg_hash, &n, sizeof(n));
	fill(a, old_key, t.key_hash);
	(void)txn_reserve(db, &t, &found, &fresh, &e);
	return e.reason;
}

static void
revoke_alone(int64_t id, int reason)
{
	char	 sql[256];

	raw(file, "UPDATE issued SET revoked_at = NULL, revoke_reason = NULL");
	(void)snprintf(sql, sizeof(sql), "UPDATE issued SET revoked_at = 7000,"
	    " revoke_reason = %d WHERE id = %lld", reason, (long long)id);
	raw(file, sql);
}

/* What the look before says: the same as the step that reserves. */
static enum err_reason
stops(struct db *db, const struct ask *a)
{
	struct revoked_stops	 s = { .key = true };
	struct err		 e = { .reason = ERR_NONE };
	uint8_t			 old_key[ISSUED_HASH], key[ISSUED_HASH];
	const struct revoked_ask ra = { .renews = a->renews,
	    .migrates = a->migrates, .old_key = old_key, .key = key };

	fill(a, old_key, key);
	good(revoked_stops(db, &ra, &s, &e), &e);
	return s.key ? ERR_KEY_COMPROMISED :
	    s.successor ? ERR_RENEWAL_SUCCESSOR :
	    s.many ? ERR_RENEWAL_MANY :
	    s.old_key ? ERR_RENEWAL_COMPROMISED : ERR_NONE;
}

static void
test_stops(void **state)
{
#define LOST	ERR_KEY_COMPROMISED
#define OLD	ERR_RENEWAL_COMPROMISED
#define LATER	ERR_RENEWAL_SUCCESSOR
	static const struct {
		const char	*name;
		int64_t		 id;		/* that is revoked */
		int		 reason;
		struct ask	 ask;
		enum err_reason	 want;
	} rows[] = {
		{ "the next", 2, 5, { 1, NULL, 0, 0 }, LATER },
		{ "the one after it", 3, 0, { 1, NULL, 0, 0 }, LATER },
		{ "another next", 4, 1, { 1, NULL, 0, 0 }, LATER },
		{ "on hold", 3, 6, { 1, NULL, 0, 0 }, LATER },
		{ "superseded", 2, 4, { 1, NULL, 0, 0 }, ERR_NONE },
		{ "one beside it", 4, 5, { 2, NULL, 0, 0 }, ERR_NONE },
		{ "the one before", 1, 5, { 2, NULL, 0, 0 }, ERR_NONE },
		{ "of another line", 6, 5, { 1, NULL, 0, 0 }, ERR_NONE },
		{ "migrated", 5, 5, { 0, "x", 0, 0 }, LATER },
		{ "after that", 6, 5, { 0, "x", 0, 0 }, LATER },
		{ "another's", 5, 5, { 0, "y", 0, 0 }, ERR_NONE },

		{ "its key", 2, 1, { 0, NULL, 0, '2' }, LOST },
		{ "a CA's", 2, 2, { 0, NULL, 0, '2' }, LOST },
		{ "an AA's", 2, 10, { 0, NULL, 0, '2' }, LOST },
		{ "given up", 2, 5, { 0, NULL, 0, '2' }, ERR_NONE },
		{ "held", 2, 6, { 0, NULL, 0, '2' }, ERR_NONE },
		{ "another key", 2, 1, { 0, NULL, 0, '3' }, ERR_NONE },
		{ "the old key", 2, 1, { 3, NULL, '2', 0 }, OLD },
		{ "the old key, given up", 2, 5, { 3, NULL, '2', 0 },
		    ERR_NONE },
		{ "of another server's", 2, 1, { 0, "y", '2', 0 }, OLD },
	};
	struct db	*db = open_db();
	enum err_reason	 look, did;

	(void)state;
	make_lines(db);
	for (size_t i = 0; i < N(rows); i++) {
		revoke_alone(rows[i].id, rows[i].reason);
		look = stops(db, &rows[i].ask);
		did = reserve_it(db, 100 + (unsigned)i, &rows[i].ask);
		if (look != rows[i].want || did != rows[i].want)
			fail_msg("%s: %s, %s", rows[i].name, err_slug(look),
			    err_slug(did));
	}
	db_close(db);
	empty_folder(true);
#undef LOST
#undef OLD
#undef LATER
}

/* What nobody can look at in time is no more trusted than what is revoked. */
static void
test_stops_many(void **state)
{
	static const char children[] = "INSERT INTO issued SELECT NULL,"
	    " 100000 + n, CAST(printf('%08d', n) AS BLOB), issuer_hash,"
	    " key_hash, subject, sans, endpoint, profile, issuer, txid,"
	    " challenge, peer, not_before, not_after, issued_at, NULL, NULL,"
	    " role, 4, NULL, der FROM issued, (WITH RECURSIVE c (n) AS"
	    " (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000)"
	    " SELECT n FROM c) WHERE id = 4 AND ";
	const struct ask a = { 4, NULL, 0, 0 };
	struct db	*db = open_db();
	char		 sql[sizeof(children) + 16];

	(void)state;
	make_lines(db);
	(void)snprintf(sql, sizeof(sql), "%sn > 1", children);
	raw(file, sql);
	assert_int_equal(stops(db, &a), ERR_NONE);
	(void)snprintf(sql, sizeof(sql), "%sn = 1", children);
	raw(file, sql);
	assert_int_equal(stops(db, &a), ERR_RENEWAL_MANY);
	assert_int_equal(reserve_it(db, 100, &a), ERR_RENEWAL_MANY);
	/* Whoever is known to be revoked is told first. */
	raw(file, "UPDATE issued SET revoked_at = 7000, revoke_reason = 5"
	    " WHERE serial = CAST('00000002' AS BLOB)");
	assert_int_equal(stops(db, &a), ERR_RENEWAL_SUCCESSOR);
	assert_int_equal(reserve_it(db, 101, &a), ERR_RENEWAL_SUCCESSOR);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_stops_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
