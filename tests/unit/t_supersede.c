/*
 * Renewals in the ledger: what a certificate supersedes, that the old one is
 * revoked in the same step or not at all, and that of many requests at once no
 * more get through than are allowed.
 */
#include "store/revoked.h"
#include "store_file.h"

#define KEY	0xd4	/* of row_of() */

/* What request n asks: to renew a row, or what `migrates` names. */
struct ask {
	unsigned	 n;
	int64_t		 renews;
	const char	*migrates;
	int64_t		 when;
	int64_t		 superseded;
};

static int
ask(struct db *db, const struct ask *a, int64_t *id, struct err *e)
{
	struct txn_found found;
	struct serial	 s;
	char		 txid[16];
	bool		 fresh;
	struct txn	 t = {
		.endpoint = "default", .txid = txid, .peer = "192.0.2.1",
		.when = a->when, .serial = serial_of(&s, a->n),
		.renews = a->renews, .migrates = a->migrates,
		.superseded = a->superseded, .vouched = true,
	};

	(void)snprintf(txid, sizeof(txid), "%u", a->n);
	memcpy(t.msg_hash, &a->n, sizeof(a->n));
	memcpy(t.csr_hash, &a->n, sizeof(a->n));
	if (reserve_txn(db, &t, &found, &fresh, e) == -1)
		return -1;
	*id = found.id;
	return 0;
}

/* Issues it, with a key; 1000 s after it was asked for. */
static int
issue(struct db *db, const struct ask *a, uint8_t key, bool revoke_old,
    struct err *e)
{
	struct serial	 s;
	struct issued	 r;
	int64_t		 id;

	if (ask(db, a, &id, e) == -1)
		return -1;
	r = row_of(&s, id, a->n);
	r.issued_at = a->when + 1000;
	r.revoke_old = revoke_old;
	r.superseded = a->superseded;
	memset(r.key_hash, key, sizeof(r.key_hash));
	return add(db, &r, e);
}

struct look {
	int64_t		 id;
	unsigned	 old;		/* serial number that is superseded */
	const char	*migrates;
	int		 reason;	/* -1: not revoked */
	int64_t		 revoked_at;
	bool		 found;
};

static int
see(const struct issued *r, void *arg)
{
	struct look	*l = arg;
	struct serial	 s;

	if (r->id != l->id)
		return 0;
	l->found = true;
	assert_true(l->old == 0 ? r->supersedes.n == 0 :
	    bytes_eq(r->supersedes, serial_of(&s, l->old)));
	if (l->migrates == NULL)
		assert_null(r->migrates);
	else
		assert_string_equal(r->migrates, l->migrates);
	assert_int_equal(r->revoked, l->reason != -1);
	if (r->revoked) {
		assert_int_equal(r->revoke_reason, l->reason);
		assert_int_equal(r->revoked_at, l->revoked_at);
	}
	return 1;
}

static void
look(struct db *db, struct look l)
{
	struct issued_filter	 any = { 0 };
	struct err		 e = { .reason = ERR_NONE };

	assert_int_equal(issued_each(db, &any, see, &l, &e), 1);
	assert_true(l.found);
}

static void
test_supersedes(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	enroll(db, 1);
	good(issue(db, &(struct ask){ 2, 1, NULL, 5000, 60 }, KEY, false, &e),
	    &e);
	good(issue(db, &(struct ask){ 3, 2, NULL, 6000, 60 }, KEY, true, &e),
	    &e);
	good(issue(db, &(struct ask){ 4, 0, "0a of CN=Old", 6000, 60 }, KEY,
	    true, &e), &e);
	look(db, (struct look){ .id = 1, .reason = -1 });
	look(db, (struct look){ .id = 2, .old = 1, .reason = 4,
	    .revoked_at = 7000 });
	look(db, (struct look){ .id = 3, .old = 2, .reason = -1 });
	look(db, (struct look){ .id = 4, .migrates = "0a of CN=Old",
	    .reason = -1 });
	/* A CRL has to follow. */
	assert_int_equal(raw(file, "SELECT changes FROM revocation"), 1);
	db_close(db);
	empty_folder(true);
}

/* Both or neither: the new certificate, and the old one's revocation. */
static void
test_one_step(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct ask	 a = { 2, 1, NULL, 5000, 60 };

	(void)state;
	enroll(db, 1);
	raw(file, "CREATE TRIGGER fault BEFORE UPDATE OF revoked_at ON issued"
	    " BEGIN SELECT RAISE(ABORT, 'fault'); END");
	bad(issue(db, &a, KEY, true, &e), &e, ERR_STORE, "fault");
	err_clear(&e);
	assert_int_equal(count(db), 1);
	look(db, (struct look){ .id = 1, .reason = -1 });
	assert_int_equal(raw(file, "SELECT state = 'reserved' FROM txn"
	    " WHERE id = 2"), 1);
	raw(file, "DROP TRIGGER fault");
	a.n = 3;
	good(issue(db, &a, KEY, true, &e), &e);
	look(db, (struct look){ .id = 1, .reason = 4, .revoked_at = 6000 });
	db_close(db);
	empty_folder(true);
}

/* What is revoked meanwhile keeps its date and reason, and is not renewed. */
static void
test_revoked_before(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct ask	 a = { 2, 1, NULL, 5000, 60 };
	struct serial	 s;
	struct issued	 r;
	int64_t		 id;

	(void)state;
	enroll(db, 1);
	good(ask(db, &a, &id, &e), &e);
	good(revoked_put(db, 1, 1, 5500, &e), &e);
	r = row_of(&s, id, 2);
	r.revoke_old = true;
	bad(add(db, &r, &e), &e, ERR_RENEWAL_REVOKED, "revoked or put on hold");
	assert_int_equal(count(db), 1);
	look(db, (struct look){ .id = 1, .reason = 1, .revoked_at = 5500 });
	db_close(db);
	empty_folder(true);
}

/* Superseding a row never takes the place of another word about it: of nobody's
 * revocation, of no hold. */
static void
test_revoked_keeps(void **state)
{
	static const int reasons[] = { 0, 1, 4, 6 };
	struct db	*db;
	struct err	 e = { .reason = ERR_NONE };
	char		 sql[512];

	(void)state;
	for (size_t i = 0; i < N(reasons); i++) {
		db = open_db();
		enroll(db, 1);
		/* Between the last look at it and the step that supersedes. */
		(void)snprintf(sql, sizeof(sql), "CREATE TRIGGER"
		    " between_both AFTER INSERT ON issued BEGIN UPDATE issued SET"
		    " revoked_at = 5500, revoke_reason = %d"
		    " WHERE id = new.supersedes; END", reasons[i]);
		raw(file, sql);
		good(issue(db, &(struct ask){ 2, 1, NULL, 5000, 60 }, KEY,
		    true, &e), &e);
		look(db, (struct look){ .id = 1, .reason = reasons[i],
		    .revoked_at = 5500 });
		db_close(db);
		empty_folder(true);
	}
}

/* An operator may: a hold ends for good with whatever reason, superseded too. */
static void
test_hold_ends(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	enroll(db, 1);
	good(revoked_put(db, 1, REVOKED_HOLD, 5500, &e), &e);
	good(revoked_put(db, 1, 4, 6000, &e), &e);
	look(db, (struct look){ .id = 1, .reason = 4, .revoked_at = 5500 });
	db_close(db);
	empty_folder(true);
}

/* The first one that took its place counts, with 1000 s of issue() on top. */
static void
test_superseded(void **state)
{
	static const struct {
		const char	*name;
		struct ask	 ask;
		enum err_reason	 want;
	} rows[] = {
		{ "at once", { 10, 1, NULL, 6000, 1 }, ERR_NONE },
		{ "in time", { 11, 1, NULL, 6059, 60 }, ERR_NONE },
		{ "late", { 12, 1, NULL, 6060, 60 }, ERR_RENEWAL_SUPERSEDED },
		{ "never", { 13, 1, NULL, 6000, 0 },
		    ERR_RENEWAL_SUPERSEDED },
		{ "never, by one that came later", { 17, 1, NULL, 5999, 0 },
		    ERR_RENEWAL_SUPERSEDED },
		{ "in time, migrated", { 14, 0, "x", 6059, 60 }, ERR_NONE },
		{ "late, migrated", { 15, 0, "x", 6060, 60 },
		    ERR_RENEWAL_SUPERSEDED },
		{ "another, migrated", { 16, 0, "y", 6060, 60 }, ERR_NONE },
	};
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id;

	(void)state;
	enroll(db, 1);
	good(issue(db, &(struct ask){ 2, 1, NULL, 5000, 60 }, KEY, false, &e),
	    &e);
	good(issue(db, &(struct ask){ 3, 1, NULL, 5050, 2000 }, KEY, false,
	    &e), &e);
	good(issue(db, &(struct ask){ 4, 0, "x", 5000, 60 }, KEY, false, &e),
	    &e);
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		(void)ask(db, &rows[i].ask, &id, &e);
		if (e.reason != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
	}
	db_close(db);
	empty_folder(true);
}

/* Where it renews once, one that is worked on counts already. */
static void
test_begun(void **state)
{
	static const struct {
		const char	*name;
		struct ask	 ask;
		enum err_reason	 want;
	} rows[] = {
		{ "the first", { 10, 1, NULL, 5000, 0 }, ERR_NONE },
		{ "the second", { 11, 1, NULL, 5000, 0 },
		    ERR_RENEWAL_SUPERSEDED },
		{ "more are fine", { 12, 1, NULL, 5000, 60 }, ERR_NONE },
		{ "migrates", { 13, 0, "x", 5000, 0 }, ERR_NONE },
		{ "migrates too", { 14, 0, "x", 5000, 0 },
		    ERR_RENEWAL_SUPERSEDED },
		{ "another", { 15, 0, "y", 5000, 0 }, ERR_NONE },
	};
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id;

	(void)state;
	enroll(db, 1);
	for (size_t i = 0; i < N(rows); i++) {
		err_clear(&e);
		(void)ask(db, &rows[i].ask, &id, &e);
		if (e.reason != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
	}
	db_close(db);
	empty_folder(true);
}

static void
test_line(void **state)
{
	static const struct {
		int64_t		 id;
		uint8_t		 key;
		int64_t		 at, uses;
	} rows[] = {
		{ 1, KEY, 6000, 1 },
		{ 2, KEY, 6001, 2 },
		{ 3, KEY, 6002, 3 },
		{ 4, KEY, 6003, 0 },	/* has another one */
		{ 4, 0x11, 6003, 1 },
		{ 5, KEY, 0, 1 },	/* not in a row */
		{ 5, 0x11, 0, 0 },
		{ 99, KEY, 0, 0 },
	};
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	struct issued_line	 l;
	uint8_t			 key[ISSUED_HASH];

	(void)state;
	enroll(db, 1);
	for (unsigned n = 2; n <= 5; n++)
		good(issue(db, &(struct ask){ n, n - 1, NULL, 4998 + n, 60 },
		    n == 4 ? 0x11 : KEY, false, &e), &e);
	for (size_t i = 0; i < N(rows); i++) {
		memset(key, rows[i].key, sizeof(key));
		good(issued_line(db, rows[i].id, NULL, key, &l, &e), &e);
		if (l.superseded_at != rows[i].at ||
		    l.key_uses != rows[i].uses)
			fail_msg("row %zu: %lld, %lld", i,
			    (long long)l.superseded_at,
			    (long long)l.key_uses);
	}
	good(issue(db, &(struct ask){ 6, 0, "x", 5000, 60 }, KEY, false, &e),
	    &e);
	good(issued_line(db, 0, "x", key, &l, &e), &e);
	assert_int_equal(l.superseded_at, 6000);
	good(issued_line(db, 0, "y", key, &l, &e), &e);
	assert_int_equal(l.superseded_at, 0);
	db_close(db);
	empty_folder(true);
}

#define THREADS	16

struct racer {
	pthread_t	 thread;
	struct db	*db;
	unsigned	 n;
	bool		 won;
	enum err_reason	 reason;
};

static void *
race(void *arg)
{
	struct racer	*r = arg;
	struct err	 e = { .reason = ERR_NONE };
	struct ask	 a = { r->n, 1, NULL, 5000, 0 };

	r->won = issue(r->db, &a, (uint8_t)r->n, true, &e) == 0;
	r->reason = e.reason;
	return NULL;
}

/* Where a certificate renews once, it does so once. */
static void
test_race(void **state)
{
	struct racer	 r[THREADS];
	struct db	*db = open_db();
	unsigned	 won = 0;

	(void)state;
	enroll(db, 1);
	racing = true;
	for (unsigned i = 0; i < THREADS; i++) {
		r[i] = (struct racer){ .db = db, .n = 10 + i };
		assert_int_equal(pthread_create(&r[i].thread, NULL, race,
		    &r[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(r[i].thread, NULL);
		won += r[i].won;
		if (!r[i].won && r[i].reason != ERR_RENEWAL_SUPERSEDED &&
		    r[i].reason != ERR_RENEWAL_REVOKED)
			fail_msg("%s", err_slug(r[i].reason));
	}
	racing = false;
	assert_int_equal(won, 1);
	assert_int_equal(count(db), 2);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supersedes),
		cmocka_unit_test(test_one_step),
		cmocka_unit_test(test_revoked_before),
		cmocka_unit_test(test_revoked_keeps),
		cmocka_unit_test(test_hold_ends),
		cmocka_unit_test(test_superseded),
		cmocka_unit_test(test_begun),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
