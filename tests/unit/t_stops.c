/*
 * What a revocation stops beside the certificate itself: those that it came of
 * do not renew, its key is certified no more. The look before, the step that
 * reserves and the one that records say the same. That one looks at all that
 * may have changed since then.
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
reserve_it(struct db *db, unsigned n, const struct ask *a, int64_t *id)
{
	uint8_t		 old_key[TXN_HASH];
	struct err	 e = { .reason = ERR_NONE };
	struct txn_found found = { .id = 0 };
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
	*id = found.id;
	return e.reason;
}

/* Its certificate, where it may have been superseded for so long. */
static enum err_reason
record_it(struct db *db, unsigned n, const struct ask *a, int64_t id,
    int64_t superseded)
{
	uint8_t		 old_key[ISSUED_HASH];
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 r = row_of(&s, id, n);

	fill(a, old_key, r.key_hash);
	r.old_key = old_key;
	r.superseded = superseded;
	r.issued_at = 5000;
	(void)add(db, &r, &e);
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

#define LOST	ERR_KEY_COMPROMISED
#define OLD	ERR_RENEWAL_COMPROMISED
#define LATER	ERR_RENEWAL_SUCCESSOR
static const struct stop {
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
#undef LOST
#undef OLD
#undef LATER

static void
test_stops(void **state)
{
	struct db	*db = open_db();
	enum err_reason	 look, did;
	int64_t		 id;

	(void)state;
	make_lines(db);
	for (size_t i = 0; i < N(rows); i++) {
		revoke_alone(rows[i].id, rows[i].reason);
		look = stops(db, &rows[i].ask);
		did = reserve_it(db, 100 + (unsigned)i, &rows[i].ask, &id);
		if (look != rows[i].want || did != rows[i].want)
			fail_msg("%s: %s, %s", rows[i].name, err_slug(look),
			    err_slug(did));
	}
	db_close(db);
	empty_folder(true);
}

/* Nothing is left of what was not recorded: its transaction can end. */
static void
assert_none(int64_t id, const char *name)
{
	char	 sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT state = 'reserved' AND NOT"
	    " EXISTS (SELECT 1 FROM issued WHERE txn = %lld) FROM txn"
	    " WHERE id = %lld", (long long)id, (long long)id);
	if (raw(file, sql) != 1)
		fail_msg("%s: is recorded", name);
}

/* The same after it was reserved. */
static void
test_recorded(void **state)
{
	struct db	*db = open_db();
	enum err_reason	 did;
	int64_t		 id;

	(void)state;
	make_lines(db);
	for (size_t i = 0; i < N(rows); i++) {
		raw(file, "UPDATE issued SET revoked_at = NULL,"
		    " revoke_reason = NULL");
		assert_int_equal(reserve_it(db, 100 + (unsigned)i,
		    &rows[i].ask, &id), ERR_NONE);
		revoke_alone(rows[i].id, rows[i].reason);
		did = record_it(db, 100 + (unsigned)i, &rows[i].ask, id, 9000);
		if (did != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_slug(did));
		if (did != ERR_NONE)
			assert_none(id, rows[i].name);
	}
	db_close(db);
	empty_folder(true);
}

/* What has become of what it renews, while it was worked on. */
static void
test_recorded_old(void **state)
{
#define REVOKED(id, why)						\
	"UPDATE issued SET revoked_at = 7000, revoke_reason = " #why	\
	" WHERE id = " #id
#define TOOK(old, at)							\
	"UPDATE issued SET issued_at = " #at ", " old " WHERE id = 6"
	static const struct {
		const char	*name, *sql;
		struct ask	 ask;
		int64_t		 superseded;
		enum err_reason	 want;
	} olds[] = {
		{ "nothing", "", { 3, NULL, 0, 0 }, 0, ERR_NONE },
		{ "revoked", REVOKED(3, 5), { 3, NULL, 0, 0 }, 60,
		    ERR_RENEWAL_REVOKED },
		{ "on hold", REVOKED(3, 6), { 3, NULL, 0, 0 }, 60,
		    ERR_RENEWAL_REVOKED },
		{ "as superseded", REVOKED(3, 4), { 3, NULL, 0, 0 }, 60,
		    ERR_RENEWAL_REVOKED },
		{ "another's", REVOKED(5, 5), { 3, NULL, 0, 0 }, 60,
		    ERR_NONE },
		{ "superseded", TOOK("supersedes = 3", 4940),
		    { 3, NULL, 0, 0 }, 60, ERR_RENEWAL_SUPERSEDED },
		{ "in time", TOOK("supersedes = 3", 4941),
		    { 3, NULL, 0, 0 }, 60, ERR_NONE },
		{ "once alone", TOOK("supersedes = 3", 5000),
		    { 3, NULL, 0, 0 }, 0, ERR_RENEWAL_SUPERSEDED },
		{ "overtaken", TOOK("supersedes = 3", 5001),
		    { 3, NULL, 0, 0 }, 0, ERR_RENEWAL_SUPERSEDED },
		{ "migrated", TOOK("supersedes = NULL, migrates = 'y'", 4940),
		    { 0, "y", 0, 0 }, 60, ERR_RENEWAL_SUPERSEDED },
		{ "migrated, another", TOOK("supersedes = NULL,"
		    " migrates = 'y'", 4940), { 0, "z", 0, 0 }, 60, ERR_NONE },
	};
#undef REVOKED
#undef TOOK
	struct db	*db;
	enum err_reason	 did;
	int64_t		 id;

	(void)state;
	for (size_t i = 0; i < N(olds); i++) {
		db = open_db();
		make_lines(db);
		assert_int_equal(reserve_it(db, 100, &olds[i].ask, &id),
		    ERR_NONE);
		raw(file, olds[i].sql);
		did = record_it(db, 100, &olds[i].ask, id, olds[i].superseded);
		if (did != olds[i].want)
			fail_msg("%s: %s", olds[i].name, err_slug(did));
		if (did != ERR_NONE)
			assert_none(id, olds[i].name);
		db_close(db);
		empty_folder(true);
	}
}

/* Two that were let begin: the first to be recorded does not heed the other. */
static void
test_recorded_first(void **state)
{
	const struct ask a = { 3, NULL, 0, 0 };
	struct db	*db = open_db();
	int64_t		 first, second;

	(void)state;
	make_lines(db);
	assert_int_equal(reserve_it(db, 100, &a, &first), ERR_NONE);
	assert_int_equal(reserve_it(db, 101, &a, &second), ERR_NONE);
	assert_int_equal(record_it(db, 101, &a, second, 0), ERR_NONE);
	assert_int_equal(record_it(db, 100, &a, first, 0),
	    ERR_RENEWAL_SUPERSEDED);
	assert_none(first, "the second one");
	db_close(db);
	empty_folder(true);
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
	int64_t		 id;

	(void)state;
	make_lines(db);
	(void)snprintf(sql, sizeof(sql), "%sn > 1", children);
	raw(file, sql);
	assert_int_equal(stops(db, &a), ERR_NONE);
	(void)snprintf(sql, sizeof(sql), "%sn = 1", children);
	raw(file, sql);
	assert_int_equal(stops(db, &a), ERR_RENEWAL_MANY);
	assert_int_equal(reserve_it(db, 100, &a, &id), ERR_RENEWAL_MANY);
	/* Whoever is known to be revoked is told first. */
	raw(file, "UPDATE issued SET revoked_at = 7000, revoke_reason = 5"
	    " WHERE serial = CAST('00000002' AS BLOB)");
	assert_int_equal(stops(db, &a), ERR_RENEWAL_SUCCESSOR);
	assert_int_equal(reserve_it(db, 101, &a, &id), ERR_RENEWAL_SUCCESSOR);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_recorded_old),
		cmocka_unit_test(test_recorded_first),
		cmocka_unit_test(test_stops_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
