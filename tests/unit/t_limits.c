/*
 * How many certificates one subject, and one key, may have: counted when a
 * request is reserved, also of requests that race.
 */
#include "store_file.h"

#define SUBJECT	"CN=a.example"	/* of row_of() */
#define KEY	0xd4

struct ask {
	unsigned		 n;
	const char		*subject;
	uint8_t			 key;
	int64_t			 max_active;
	enum txn_key_limit	 limit;
	int64_t			 renews;
	const char		*endpoint;
	int64_t			 when;
};

static int
ask(struct db *db, const struct ask *a, int64_t *id, struct err *e)
{
	struct txn_found found;
	struct serial	 s;
	char		 txid[16];
	bool		 fresh;
	struct txn	 t = {
		.endpoint = a->endpoint == NULL ? "default" : a->endpoint,
		.txid = txid, .peer = "192.0.2.1",
		.when = a->when == 0 ? 1000 : a->when,
		.serial = serial_of(&s, a->n), .subject = a->subject,
		.max_active = a->max_active, .key_limit = a->limit,
		.renews = a->renews, .superseded = 1000000,
	};

	(void)snprintf(txid, sizeof(txid), "%u", a->n);
	memset(t.key_hash, a->key, sizeof(t.key_hash));
	memcpy(t.msg_hash, &a->n, sizeof(a->n));
	memcpy(t.csr_hash, &a->n, sizeof(a->n));
	if (reserve_txn(db, &t, &found, &fresh, e) == -1)
		return -1;
	*id = found.id;
	return 0;
}

/* What waits takes its place until it has expired, also where nobody wrote so
 * yet. */
static void
test_expired(void **state)
{
	struct serial	 s;
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct txn_found found;
	bool		 fresh;
	struct txn	 t = {
		.endpoint = "default", .txid = "1", .peer = "192.0.2.1",
		.when = 1000, .serial = serial_of(&s, 1), .subject = SUBJECT,
		.hold = bytes_str("csr"), .room = 9, .vouched = true
	};

	(void)state;
	good(reserve_txn(db, &t, &found, &fresh, &e), &e);
	t.serial = serial_of(&s, 2);
	t.txid = "2";
	t.max_active = 1;
	bad(reserve_txn(db, &t, &found, &fresh, &e), &e, ERR_MAX_ACTIVE, "1");
	err_clear(&e);
	t.max_active = 0;
	t.key_limit = TXN_KEY_ALONE;
	bad(reserve_txn(db, &t, &found, &fresh, &e), &e, ERR_DUPLICATE_KEY,
	    "");
	err_clear(&e);
	t.txid = "1";
	t.csr_hash[0] = 1;
	bad(reserve_txn(db, &t, &found, &fresh, &e), &e, ERR_TXN_LIVE, "");
	err_clear(&e);
	t.max_active = 1;
	t.waits_since = 1001;
	good(reserve_txn(db, &t, &found, &fresh, &e), &e);
	db_close(db);
	empty_folder(true);
}

/* Row 1 is valid until day 100, 2 is expired on day 0, 3 of another name, 4 is
 * revoked; txn 5 is worked on. */
static const struct {
	const char	*name;
	struct ask	 ask;
	enum err_reason	 want;
} rows[] = {
	{ "no limit", { 10, SUBJECT, KEY, 0, TXN_KEY_ANY, 0, NULL, 0 },
	    ERR_NONE },
	{ "one is valid", { 11, SUBJECT, 1, 1, TXN_KEY_ANY, 0, NULL, 0 },
	    ERR_MAX_ACTIVE },
	{ "in other letters", { 12, "cn=A.example", 1, 1, TXN_KEY_ANY, 0,
	    NULL, 0 }, ERR_MAX_ACTIVE },
	{ "room for two", { 13, SUBJECT, 1, 2, TXN_KEY_ANY, 0, NULL, 0 },
	    ERR_NONE },
	{ "its own renewal", { 15, SUBJECT, 1, 2, TXN_KEY_ANY, 1, NULL, 0 },
	    ERR_NONE },
	{ "elsewhere", { 16, SUBJECT, 1, 1, TXN_KEY_ANY, 0, "other", 0 },
	    ERR_NONE },
	{ "after its end", { 17, SUBJECT, 1, 4, TXN_KEY_ANY, 0, NULL,
	    200 * DAY }, ERR_NONE },
	{ "worked on", { 18, "CN=busy", 1, 1, TXN_KEY_ANY, 0, NULL, 0 },
	    ERR_MAX_ACTIVE },
	{ "key", { 20, SUBJECT, KEY, 0, TXN_KEY_ALONE, 0, NULL, 0 },
	    ERR_DUPLICATE_KEY },
	{ "another key", { 21, SUBJECT, 9, 0, TXN_KEY_ALONE, 0, NULL, 0 },
	    ERR_NONE },
	{ "key, same subject", { 22, SUBJECT, KEY, 0, TXN_KEY_SUBJECT, 0,
	    NULL, 0 }, ERR_DUPLICATE_KEY },	/* 3 has it too */
	{ "key, other subject", { 23, "CN=x", KEY, 0, TXN_KEY_SUBJECT, 0,
	    NULL, 0 }, ERR_DUPLICATE_KEY },
	{ "key, worked on", { 24, "CN=x", 7, 0, TXN_KEY_ALONE, 0, NULL, 0 },
	    ERR_DUPLICATE_KEY },
	{ "key, worked on for it", { 25, "CN=busy", 7, 0, TXN_KEY_SUBJECT, 0,
	    NULL, 0 }, ERR_NONE },
};

static void
test_rows(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id;

	(void)state;
	for (unsigned n = 1; n <= 4; n++)
		enroll(db, n);
	raw(file, "UPDATE issued SET not_after = 8640000 WHERE id = 1");
	raw(file, "UPDATE issued SET not_after = 10 WHERE id = 2");
	raw(file, "UPDATE issued SET subject = 'CN=b', not_after = 8640000"
	    " WHERE id = 3");
	raw(file, "UPDATE issued SET revoked_at = 1, revoke_reason = 5,"
	    " not_after = 8640000 WHERE id = 4");
	good(ask(db, &(struct ask){ 5, "CN=busy", 7, 1, TXN_KEY_ALONE, 0,
	    NULL, 0 }, &id, &e), &e);
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		id = 0;
		(void)ask(db, &rows[i].ask, &id, &e);
		if (e.reason != rows[i].want)
			fail_msg("%s: %s %s", rows[i].name,
			    err_slug(e.reason), e.text);
		/* Each row begins where the first did. */
		if (id != 0)
			good(txn_end(db, id, ERR_ISSUER, 2000, NULL, &e), &e);
	}
	db_close(db);
	empty_folder(true);
}

/* A CA that gives all the same subject: counted is the one that was granted,
 * whatever a renewal of it asks for. */
static void
test_renamed(void **state)
{
	static const struct {
		const char	*name;
		struct ask	 ask;
		enum err_reason	 want;
	} after[] = {
		{ "again", { 10, "CN=dev-1", 9, 1, TXN_KEY_ANY, 0, NULL, 0 },
		    ERR_MAX_ACTIVE },
		{ "in other letters", { 11, "CN=DEV-1", 9, 1, TXN_KEY_ANY, 0,
		    NULL, 0 }, ERR_MAX_ACTIVE },
		{ "room for two", { 12, "CN=dev-1", 9, 2, TXN_KEY_ANY, 0, NULL,
		    0 }, ERR_NONE },
		{ "another", { 13, "CN=dev-3", 9, 1, TXN_KEY_ANY, 0, NULL, 0 },
		    ERR_NONE },
		{ "the CA's", { 14, SUBJECT, 9, 1, TXN_KEY_ANY, 0, NULL, 0 },
		    ERR_NONE },
		{ "its renewal", { 15, SUBJECT, 9, 1, TXN_KEY_ANY, 3, NULL, 0 },
		    ERR_NONE },
		{ "key", { 16, "CN=dev-1", KEY, 0, TXN_KEY_SUBJECT, 0, NULL,
		    0 }, ERR_DUPLICATE_KEY },	/* dev-2 has it too */
		{ "its key", { 17, "CN=dev-1", 6, 0, TXN_KEY_SUBJECT, 0, NULL,
		    0 }, ERR_NONE },
		{ "another's key", { 18, SUBJECT, 6, 0, TXN_KEY_SUBJECT, 0,
		    NULL, 0 }, ERR_DUPLICATE_KEY },
		{ "renewed with its key", { 19, SUBJECT, 6, 0, TXN_KEY_SUBJECT,
		    3, NULL, 0 }, ERR_NONE },
	};
	static const struct ask	 first[] = {
		{ 100, "CN=dev-1", 7, 0, TXN_KEY_ANY, 0, NULL, 0 },
		{ 101, "CN=dev-2", 7, 0, TXN_KEY_ANY, 0, NULL, 0 },
		/* In the place of the first. */
		{ 102, SUBJECT, 8, 1, TXN_KEY_ANY, 1, NULL, 0 },
	};
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	struct serial		 s;
	struct issued		 r;
	int64_t			 id = 0;

	(void)state;
	for (size_t i = 0; i < N(first); i++) {
		good(ask(db, &first[i], &id, &e), &e);
		r = row_of(&s, id, first[i].n);
		if (i == 2)
			memset(r.key_hash, 6, sizeof(r.key_hash));
		good(add(db, &r, &e), &e);
	}
	for (size_t i = 0; i < N(after); i++) {
		err_clear(&e);
		id = 0;
		(void)ask(db, &after[i].ask, &id, &e);
		if (e.reason != after[i].want)
			fail_msg("%s: %s %s", after[i].name,
			    err_slug(e.reason), e.text);
		if (id != 0)
			good(txn_end(db, id, ERR_ISSUER, 2000, NULL, &e), &e);
	}
	db_close(db);
	empty_folder(true);
}

#define THREADS	16
#define ALLOWED	3

struct racer {
	pthread_t	 thread;
	struct db	*db;
	unsigned	 n;
	uint8_t		 key;
	int64_t		 max;
	enum err_reason	 reason;
};

static void *
race(void *arg)
{
	struct racer	*r = arg;
	struct err	 e = { .reason = ERR_NONE };
	struct ask	 a = { r->n, "CN=race", r->key, r->max, r->max == 0 ?
	    TXN_KEY_ALONE : TXN_KEY_ANY, 0, NULL, 0 };
	struct serial	 s;
	struct issued	 row;
	int64_t		 id;

	if (ask(r->db, &a, &id, &e) == 0) {
		row = row_of(&s, id, r->n);
		row.subject = "CN=race";
		row.not_after = 100 * DAY;
		memset(row.key_hash, r->key, sizeof(row.key_hash));
		(void)add(r->db, &row, &e);
	}
	r->reason = e.reason;
	return NULL;
}

/* Returns how many got through; the others have the reason. */
static unsigned
run_race(unsigned first, uint8_t key, int64_t max, enum err_reason reason)
{
	struct racer	 r[THREADS];
	struct db	*db = open_db();
	unsigned	 won = 0;

	racing = true;
	for (unsigned i = 0; i < THREADS; i++) {
		r[i] = (struct racer){ .db = db, .n = first + i, .max = max,
		    .key = key != 0 ? key : (uint8_t)(first + i) };
		assert_int_equal(pthread_create(&r[i].thread, NULL, race,
		    &r[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(r[i].thread, NULL);
		won += r[i].reason == ERR_NONE;
		if (r[i].reason != ERR_NONE)
			assert_int_equal(r[i].reason, reason);
	}
	racing = false;
	assert_int_equal(count(db), won);
	db_close(db);
	empty_folder(true);
	return won;
}

static void
test_races(void **state)
{
	(void)state;
	assert_int_equal(run_race(100, 0, ALLOWED, ERR_MAX_ACTIVE), ALLOWED);
	assert_int_equal(run_race(150, 0x77, 0, ERR_DUPLICATE_KEY), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_races),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
