/*
 * Requests that wait for an operator, from the first message to the claim of
 * what was approved.
 */
#include "store/ends.h"
#include "store_file.h"
#include "store/waiting.h"

#define KEY	0xa1
#define OTHER	0xa2

struct asked {
	const char	*txid;
	uint8_t		 key;
	uint8_t		 csr;
	unsigned	 serial;
	int64_t		 when;
};

/* A request to be held; -1 with e set. */
static int
hold(struct db *db, const struct asked *a, struct txn_found *found,
    bool *fresh, struct err *e)
{
	struct serial	 s;
	struct txn	 t = {
		.endpoint = "default", .txid = a->txid, .challenge = "lab",
		.peer = "192.0.2.1", .when = a->when,
		.serial = serial_of(&s, a->serial), .hold = bytes_str("csr"),
		.profile = "p", .facts = "challenge.user=a\n",
		.room = 100, .vouched = true
	};

	memset(t.signer_hash, a->key, sizeof(t.signer_hash));
	memset(t.csr_hash, a->csr, sizeof(t.csr_hash));
	memset(t.msg_hash, (int)a->serial, sizeof(t.msg_hash));
	return reserve_txn(db, &t, found, fresh, e);
}

/* A request that waits since `when`; its id. */
static int64_t
held(struct db *db, const char *txid, unsigned serial, int64_t when)
{
	const struct asked	 a = {
		txid, KEY, (uint8_t)serial, serial, when
	};
	struct err		 e = { .reason = ERR_NONE };
	struct txn_found	 found;
	bool			 fresh = false;

	good(hold(db, &a, &found, &fresh, &e), &e);
	assert_true(fresh);
	assert_int_equal(found.state, TXN_PENDING);
	return found.id;
}

static void
decide(struct db *db, int64_t id, bool approve)
{
	struct err	 e = { .reason = ERR_NONE };

	good(waiting_decide(db, id, approve ? WAITING_APPROVE :
	    WAITING_REJECT, 5000, "op", &e), &e);
}

static enum txn_state
state_of(struct db *db, int64_t id)
{
	struct err	 e = { .reason = ERR_NONE };
	enum txn_state	 s = TXN_NONE;

	good(txn_state(db, id, &s, &e), &e);
	return s;
}

static int64_t
waiting(struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 n = -1;

	good(waiting_count(db, &n, &e), &e);
	return n;
}

/* What comes after a first request that waits as A by KEY with request 1. */
static void
test_reserve(void **state)
{
	static const struct {
		const char	*name;
		struct asked	 asked;
		enum err_reason	 refused;
		bool		 fresh;
	} rows[] = {
		{ "the same again", { "A", KEY, 1, 2, 2000 }, ERR_NONE,
		    false },
		{ "long after", { "A", KEY, 1, 3, 999999 }, ERR_NONE, false },
		{ "another request", { "A", KEY, 2, 4, 2000 }, ERR_TXN_LIVE,
		    false },
		{ "another key", { "A", OTHER, 1, 5, 2000 }, ERR_TXN_LIVE,
		    false },
		{ "another transaction", { "B", OTHER, 1, 6, 2000 }, ERR_NONE,
		    true },
	};
	struct db	*db = open_db();
	int64_t		 id = held(db, "A", 1, 1000);

	(void)state;
	for (int approved = 0; approved < 2; approved++) {
		for (size_t i = 0; i < N(rows) - (size_t)approved; i++) {
			struct err		 e = { .reason = ERR_NONE };
			struct txn_found	 f = { .id = 0 };
			bool			 fresh = false;
			int			 rc;

			rc = hold(db, &rows[i].asked, &f, &fresh, &e);
			if ((rc == 0) != (rows[i].refused == ERR_NONE) ||
			    e.reason != rows[i].refused ||
			    fresh != rows[i].fresh ||
			    (rc == 0 && !fresh && f.id != id))
				fail_msg("%s: %s", rows[i].name,
				    err_slug(e.reason));
		}
		if (!approved)
			decide(db, id, true);
	}
	assert_int_equal(waiting(db), 2);
	db_close(db);
	empty_folder(true);
}

static void
test_decide(void **state)
{
	static const struct {
		const char	*name;
		int64_t		 id;
		bool		 approve;
		enum err_reason	 refused;
		enum txn_state	 then;
	} rows[] = {
		{ "approve", 1, true, ERR_NONE, TXN_APPROVED },
		{ "approve again", 1, true, ERR_NOT_PENDING, TXN_APPROVED },
		{ "reject too late", 1, false, ERR_NOT_PENDING, TXN_APPROVED },
		{ "reject", 2, false, ERR_NONE, TXN_REJECTED },
		{ "approve too late", 2, true, ERR_NOT_PENDING, TXN_REJECTED },
		{ "unknown", 3, true, ERR_TXN_UNKNOWN, TXN_NONE },
		{ "none", 0, false, ERR_TXN_UNKNOWN, TXN_NONE },
	};
	struct db	*daemon = open_db(), *db = NULL;
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	assert_int_equal(held(daemon, "A", 1, 1000), 1);
	assert_int_equal(held(daemon, "B", 2, 1000), 2);
	good(db_open_beside(file, &db, &e), &e);
	for (size_t i = 0; i < N(rows); i++) {
		int	 rc;

		err_clear(&e);
		rc = waiting_decide(db, rows[i].id, rows[i].approve ?
		    WAITING_APPROVE : WAITING_REJECT, 5000, "op", &e);
		if ((rc == 0) != (rows[i].refused == ERR_NONE) ||
		    e.reason != rows[i].refused ||
		    state_of(daemon, rows[i].id) != rows[i].then)
			fail_msg("%s: %s", rows[i].name, err_slug(e.reason));
	}
	db_close(db);
	db_close(daemon);
	/* What was rejected is not kept. */
	assert_int_equal(raw(file, "SELECT id FROM txn WHERE csr IS NULL"
	    " AND finished = 5000"), 2);
	empty_folder(true);
}

struct seen {
	unsigned	 n;
	int64_t		 id[4];
	unsigned	 approved;
};

static int
see(const struct waiting *w, void *arg)
{
	struct seen	*s = arg;

	assert_string_equal(w->endpoint, "default");
	assert_string_equal(w->challenge, "lab");
	assert_string_equal(w->peer, "192.0.2.1");
	assert_string_equal(w->profile, "p");
	assert_string_equal(w->facts, "challenge.user=a\n");
	assert_null(w->asked);
	assert_true(bytes_eq(w->csr, bytes_str("csr")));
	assert_int_equal(w->csr_hash[31], w->id);
	s->approved += w->approved;
	s->id[s->n++] = w->id;
	return 0;
}

static int
stop(const struct waiting *w, void *arg)
{
	(void)w;
	(*(int *)arg)++;
	return 7;
}

/* Oldest first, whatever their numbers. */
static void
test_look(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db(), *reader;
	struct seen	 s = { .n = 0 };
	int		 calls = 0;

	(void)state;
	(void)held(db, "A", 1, 3000);
	(void)held(db, "B", 2, 1000);
	(void)held(db, "C", 3, 1000);
	(void)held(db, "D", 4, 2000);
	decide(db, 3, true);
	decide(db, 4, false);
	reader = open_reader();
	good(waiting_each(reader, see, &s, &e), &e);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.id[0], 2);
	assert_int_equal(s.id[1], 3);
	assert_int_equal(s.id[2], 1);
	assert_int_equal(s.approved, 1);
	assert_int_equal(waiting_each(reader, stop, &calls, &e), 7);
	assert_int_equal(calls, 1);
	memset(&s, 0, sizeof(s));
	good(waiting_one(reader, 3, see, &s, &e), &e);
	assert_int_equal(s.id[0], 3);
	bad(waiting_one(reader, 4, see, &s, &e), &e, ERR_NOT_PENDING,
	    "rejected");
	err_clear(&e);
	bad(waiting_one(reader, 5, see, &s, &e), &e, ERR_TXN_UNKNOWN, "5");
	assert_int_equal(s.n, 1);
	db_close(reader);
	db_close(db);
	empty_folder(true);
}

static bool
claim(struct db *db, int64_t id)
{
	struct buf		 csr = BUF_INIT(100), old = BUF_INIT(100);
	struct buf		 migrates = BUF_INIT(100);
	struct buf		 facts = BUF_INIT(100);
	struct err		 e = { .reason = ERR_NONE };
	struct waiting_claim	 cl = {
		.csr = &csr, .old = &old, .migrates = &migrates,
		.facts = &facts
	};
	bool			 ours = false;
	struct serial		 s;

	good(waiting_claim(db, id, &cl, &ours, &e), &e);
	if (ours) {
		assert_true(bytes_eq(buf_bytes(&csr), bytes_str("csr")));
		assert_true(bytes_eq(bytes_make(cl.serial, cl.n_serial),
		    serial_of(&s, 1)));
		assert_string_equal(cl.challenge, "lab");
		assert_string_equal(buf_cstr(&facts), "challenge.user=a\n");
		assert_false(cl.challenge_gone || cl.despite);
		assert_int_equal(old.n + migrates.n, 0);
	} else
		assert_int_equal(csr.n, 0);
	buf_wipe(&csr);
	buf_wipe(&facts);
	return ours;
}

struct claimer {
	pthread_t	 thread;
	struct db	*db;
	bool		 ours;
};

static void *
claimer_main(void *arg)
{
	struct claimer	*c = arg;

	c->ours = claim(c->db, 1);
	return NULL;
}

/* Of two at once, one has it. */
static void
test_claim(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct claimer	 c[2] = { { .db = db }, { .db = db } };
	int64_t		 id = held(db, "A", 1, 1000);

	(void)state;
	assert_false(claim(db, id));
	decide(db, id, true);
	for (size_t i = 0; i < N(c); i++)
		assert_int_equal(pthread_create(&c[i].thread, NULL,
		    claimer_main, &c[i]), 0);
	for (size_t i = 0; i < N(c); i++)
		pthread_join(c[i].thread, NULL);
	assert_int_equal(c[0].ours + c[1].ours, 1);
	assert_int_equal(state_of(db, id), TXN_RESERVED);
	assert_int_equal(waiting(db), 1);
	good(waiting_release(db, id, &e), &e);
	assert_int_equal(state_of(db, id), TXN_APPROVED);
	bad(waiting_release(db, id, &e), &e, ERR_STORE, "TXN_RELEASE");
	err_clear(&e);
	assert_true(claim(db, id));
	good(txn_end(db, id, ERR_ISSUER_REFUSED, 6000, NULL, &e), &e);
	assert_false(claim(db, id));
	assert_int_equal(waiting(db), 0);
	db_close(db);
	empty_folder(true);
}

/* What cannot be given back yet, nobody else touches; and what was done to it
 * once it was, stays. */
static void
test_kept(void **state)
{
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = open_db();
	int64_t			 id = held(db, "A", 1, 1000);
	const struct ending	 end = { .txn = id, .release = true,
	    .reason = ERR_ISSUER, .when = 5000 };
	struct ends		*ends;
	int			 i;

	(void)state;
	good(ends_new(&ends, &e), &e);
	decide(db, id, true);
	assert_true(claim(db, id));
	raw(file, "CREATE TRIGGER trouble BEFORE UPDATE OF state ON txn"
	    " WHEN NEW.state = 'approved' BEGIN"
	    " SELECT RAISE(ABORT, 'trouble'); END");
	ends_write(ends, db, &end);
	assert_false(ends_retry(ends, db));
	for (i = WAITING_REJECT; i <= WAITING_APPROVE_DESPITE; i++) {
		bad(waiting_decide(db, id, (enum waiting_word)i, 6000, "op",
		    &e), &e, ERR_NOT_PENDING, "is reserved");
		err_clear(&e);
	}
	good(waiting_expire(db, 9000, 9000, &e), &e);
	assert_false(claim(db, id));
	assert_int_equal(state_of(db, id), TXN_RESERVED);
	raw(file, "DROP TRIGGER trouble");
	assert_true(ends_retry(ends, db));
	assert_int_equal(state_of(db, id), TXN_APPROVED);
	assert_false(ends_retry(ends, db));
	good(waiting_expire(db, 9000, 9000, &e), &e);
	ends_write(ends, db, &end);
	assert_int_equal(state_of(db, id), TXN_EXPIRED);
	ends_free(ends);
	db_close(db);
	empty_folder(true);
}

static void
test_expire(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();

	(void)state;
	for (unsigned i = 1; i <= 4; i++)
		(void)held(db, (const char *[]){ "A", "B", "C", "D" }[i - 1],
		    i, 1000 + 1000 * ((i - 1) / 2));
	decide(db, 1, true);
	decide(db, 3, true);
	assert_int_equal(waiting(db), 4);
	good(waiting_expire(db, 1000, 7000, &e), &e);
	assert_int_equal(waiting(db), 4);
	good(waiting_expire(db, 1001, 7000, &e), &e);
	assert_int_equal(waiting(db), 2);
	assert_int_equal(state_of(db, 1), TXN_EXPIRED);
	assert_int_equal(state_of(db, 2), TXN_EXPIRED);
	assert_int_equal(state_of(db, 3), TXN_APPROVED);
	assert_int_equal(state_of(db, 4), TXN_PENDING);
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM txn WHERE csr IS NULL"
	    " AND state = 'expired' AND finished = 7000"), 2);
	empty_folder(true);
}

static void
test_polled(void **state)
{
	static const struct {
		const char	*endpoint;
		const char	*txid;
		uint8_t		 key;
		enum txn_state	 found;
		bool		 other;
	} rows[] = {
		{ "default", "A", KEY, TXN_PENDING, false },
		{ "default", "A", OTHER, TXN_NONE, true },
		{ "default", "B", KEY, TXN_NONE, false },
		{ "default", "B", OTHER, TXN_NONE, false },
		{ "other", "A", KEY, TXN_NONE, false },
	};
	uint8_t		 hash[TXN_HASH];
	struct db	*db = open_db();

	(void)state;
	decide(db, held(db, "A", 1, 1000), false);
	(void)held(db, "A", 2, 1000);
	for (size_t i = 0; i < N(rows); i++) {
		struct err		 e = { .reason = ERR_NONE };
		struct txn_found	 f;
		bool			 other;

		memset(hash, rows[i].key, sizeof(hash));
		good(waiting_polled(db, rows[i].endpoint, rows[i].txid, hash,
		    &f, &other, &e), &e);
		if (f.state != rows[i].found || other != rows[i].other ||
		    f.id != (f.state == TXN_NONE ? 0 : 2))
			fail_msg("row %zu", i);
	}
	db_close(db);
	empty_folder(true);
}

/* A crash while an approved request is worked on. */
static void
test_recover(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	int64_t		 n = -1, id = 0;

	(void)state;
	(void)held(db, "A", 1, 1000);
	(void)held(db, "B", 2, 1000);
	decide(db, 1, true);
	assert_true(claim(db, 1));
	good(reserve(db, 3, &id, &e), &e);
	db_close(db);
	db = open_db();
	good(txn_recover(db, 8000, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_int_equal(state_of(db, 1), TXN_APPROVED);
	assert_int_equal(state_of(db, 2), TXN_PENDING);
	assert_int_equal(state_of(db, id), TXN_ENDED);
	assert_true(claim(db, 1));
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_recover),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
