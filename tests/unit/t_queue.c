/*
 * The queue of requests that wait for an operator: who finds room in it, and
 * what becomes of a renewal whose certificate is revoked meanwhile.
 */
#include "store_file.h"
#include "store/waiting.h"

#define ROOM	10
#define ADDRESS	3

static int64_t
waiting(void)
{
	return raw(file, "SELECT count(*) FROM txn"
	    " WHERE state IN ('pending', 'approved')");
}

static void
decide(struct db *db, int64_t id, bool approve)
{
	struct err	 e = { .reason = ERR_NONE };

	good(waiting_decide(db, id, approve ? WAITING_APPROVE :
	    WAITING_REJECT, 5000, "op", &e), &e);
}

#define FACTS	"challenge.user=alice\nvalidator.asset=4711"

/* Takes an approved one; what is known of it by then. */
static struct waiting_claim
claim_facts(struct db *db, int64_t id)
{
	struct buf		 csr = BUF_INIT(100), old = BUF_INIT(100);
	struct buf		 migrates = BUF_INIT(100), facts = BUF_INIT(100);
	struct waiting_claim	 cl = {
		.csr = &csr, .old = &old, .migrates = &migrates,
		.facts = &facts
	};
	struct err		 e = { .reason = ERR_NONE };
	bool			 ours = false;

	good(waiting_claim(db, id, &cl, &ours, &e), &e);
	assert_true(ours);
	assert_true(bytes_eq(buf_bytes(&csr), bytes_str("csr")));
	assert_int_equal(old.n > 0, cl.renews != 0);
	buf_wipe(&csr);
	buf_wipe(&old);
	buf_wipe(&migrates);
	assert_string_equal(buf_cstr(&facts), FACTS);
	buf_wipe(&facts);
	return cl;
}

/* Whether what it renews is revoked. */
static bool
claim(struct db *db, int64_t id)
{
	return claim_facts(db, id).renews_revoked;
}

/* ---- room ---- */

/* Waits as the transaction with this number; -1 with e set. What waits since
 * before `since` has expired. */
static int
ask_since(struct db *db, unsigned n, const char *peer, bool vouched,
    int64_t since, struct err *e)
{
	char			 txid[16];
	struct serial		 s;
	struct txn_found	 found;
	bool			 fresh;
	struct txn		 t = {
		.endpoint = "default", .txid = txid, .peer = peer,
		.when = 1000, .serial = serial_of(&s, n),
		.hold = bytes_str("csr"), .facts = FACTS,
		.vouched = vouched, .room = ROOM,
		.room_address = ADDRESS, .waits_since = since
	};

	(void)snprintf(txid, sizeof(txid), "%u", n);
	memset(t.msg_hash, (int)n, sizeof(t.msg_hash));
	return reserve_txn(db, &t, &found, &fresh, e);
}

static int
ask_room(struct db *db, unsigned n, const char *peer, bool vouched,
    struct err *e)
{
	return ask_since(db, n, peer, vouched, 0, e);
}

/* In this order, on one queue of ten: half of it is for strangers, three of an
 * address. */
static void
test_room(void **state)
{
	static const struct {
		const char	*peer;
		bool		 vouched;
		unsigned	 times;
		enum err_reason	 refused;	/* ERR_NONE: it waits */
		const char	*text;
	} rows[] = {
		{ "192.0.2.1", false, 3, ERR_NONE, NULL },
		{ "192.0.2.1", false, 1, ERR_PENDING_STRANGER,
		    "transaction.pending_per_address = 3" },
		{ "192.0.2.1", true, 1, ERR_NONE, NULL },
		{ "192.0.2.2", false, 2, ERR_NONE, NULL },
		{ "192.0.2.2", false, 1, ERR_PENDING_STRANGER,
		    "half of transaction.pending_max = 10" },
		{ "192.0.2.3", false, 1, ERR_PENDING_STRANGER, "half of" },
		{ "192.0.2.1", true, 4, ERR_NONE, NULL },
		{ "192.0.2.4", true, 1, ERR_PENDING_FULL,
		    "transaction.pending_max = 10" },
		{ "192.0.2.3", false, 1, ERR_PENDING_FULL, "pending_max" },
	};
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	unsigned	 n = 1;

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		for (unsigned k = 0; k < rows[i].times; k++, n++) {
			err_clear(&e);
			if (rows[i].refused == ERR_NONE)
				good(ask_room(db, n, rows[i].peer,
				    rows[i].vouched, &e), &e);
			else
				bad(ask_room(db, n, rows[i].peer,
				    rows[i].vouched, &e), &e,
				    rows[i].refused, rows[i].text);
		}
	assert_int_equal(waiting(), ROOM);
	/* An operator vouches for the first: there is room for a stranger, but
	 * not before one is gone. */
	decide(db, 1, true);
	err_clear(&e);
	bad(ask_room(db, n, "192.0.2.3", false, &e), &e, ERR_PENDING_FULL, "");
	decide(db, 2, false);
	err_clear(&e);
	good(ask_room(db, n, "192.0.2.3", false, &e), &e);
	db_close(db);
	empty_folder(true);
}

/* What is worked on may come back: its place is kept. */
static void
test_room_claimed(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	for (unsigned n = 1; n <= ROOM; n++)
		good(ask_room(db, n, "192.0.2.1", true, &e), &e);
	decide(db, 1, true);
	assert_false(claim(db, 1));
	bad(ask_room(db, ROOM + 1, "192.0.2.1", true, &e), &e,
	    ERR_PENDING_FULL, "");
	err_clear(&e);
	good(txn_end(db, 1, ERR_ISSUER_REFUSED, 6000, NULL, &e), &e);
	good(ask_room(db, ROOM + 1, "192.0.2.1", true, &e), &e);
	db_close(db);
	empty_folder(true);
}

struct burst {
	pthread_t	 thread;
	struct db	*db;
	unsigned	 from;
	unsigned	 waits;
};

#define BURST	8	/* threads, each with as many requests */

static void *
burst_main(void *arg)
{
	struct burst	*b = arg;

	for (unsigned i = 0; i < BURST; i++) {
		struct err	 e = { .reason = ERR_NONE };

		b->waits += ask_room(b->db, b->from + i, "192.0.2.1", true,
		    &e) == 0;
	}
	return NULL;
}

/* The bound is one, however many come at once. */
static void
test_room_burst(void **state)
{
	struct db	*db = open_db();
	struct burst	 b[BURST];
	unsigned	 waits = 0;

	(void)state;
	racing = true;
	for (unsigned i = 0; i < BURST; i++) {
		b[i] = (struct burst){ .db = db, .from = 1 + BURST * i };
		assert_int_equal(pthread_create(&b[i].thread, NULL,
		    burst_main, &b[i]), 0);
	}
	for (unsigned i = 0; i < BURST; i++) {
		pthread_join(b[i].thread, NULL);
		waits += b[i].waits;
	}
	racing = false;
	assert_int_equal(waits, ROOM);
	assert_int_equal(waiting(), ROOM);
	db_close(db);
	empty_folder(true);
}

/* ---- renewals ---- */

/* A renewal of the certificate in row `of`, held or not. */
/* What has expired takes no room, also before anybody wrote that it has. */
static void
test_room_expired(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };

	(void)state;
	for (unsigned i = 0; i < ADDRESS; i++)
		good(ask_room(db, i, "192.0.2.1", false, &e), &e);
	bad(ask_since(db, 50, "192.0.2.1", false, 1000, &e), &e,
	    ERR_PENDING_STRANGER, "per_address");
	err_clear(&e);
	good(ask_since(db, 51, "192.0.2.1", false, 1001, &e), &e);
	for (unsigned i = ADDRESS + 1; i < ROOM; i++)
		good(ask_room(db, i, "192.0.2.9", true, &e), &e);
	bad(ask_since(db, 52, "192.0.2.9", true, 1000, &e), &e,
	    ERR_PENDING_FULL, "pending_max");
	err_clear(&e);
	good(ask_since(db, 53, "192.0.2.9", true, 1001, &e), &e);
	db_close(db);
	empty_folder(true);
}

static int
renew(struct db *db, unsigned n, int64_t of, bool held_too,
    struct txn_found *found, struct err *e)
{
	struct serial	 s;
	bool		 fresh;
	char		 txid[16];
	struct txn	 t = {
		.endpoint = "default", .txid = txid, .peer = "192.0.2.1",
		.when = 1000, .serial = serial_of(&s, n), .renews = of,
		.vouched = true, .room = ROOM, .superseded = 60,
		.hold = held_too ? bytes_str("csr") : bytes_make(NULL, 0),
		.facts = FACTS
	};

	(void)snprintf(txid, sizeof(txid), "%u", n);
	memset(t.msg_hash, (int)n, sizeof(t.msg_hash));
	return reserve_txn(db, &t, found, &fresh, e);
}

static int
see_renewal(const struct waiting *w, void *arg)
{
	struct serial	 s;

	assert_true(bytes_eq(w->renews, serial_of(&s, 1)));
	assert_int_equal(w->renews_revoked, *(int64_t *)arg != 0);
	assert_int_equal(w->renews_revoked_at, *(int64_t *)arg);
	return 0;
}

/* Revoked between the look at it and the reservation; and while it waited. */
static void
test_renewal_revoked(void **state)
{
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	struct txn_found	 f, pending;
	int64_t			 revoked_at = 0;

	(void)state;
	enroll(db, 1);
	good(renew(db, 2, 1, false, &f, &e), &e);
	good(renew(db, 3, 1, true, &pending, &e), &e);
	good(renew(db, 4, 1, true, &f, &e), &e);
	good(waiting_one(db, pending.id, see_renewal, &revoked_at, &e), &e);
	decide(db, f.id, true);
	assert_false(claim(db, f.id));

	raw(file, "UPDATE issued SET revoked_at = 4000, revoke_reason = 1");
	revoked_at = 4000;
	bad(renew(db, 5, 1, false, &f, &e), &e, ERR_RENEWAL_REVOKED,
	    "was revoked");
	err_clear(&e);
	bad(renew(db, 6, 1, true, &f, &e), &e, ERR_RENEWAL_REVOKED, "revoked");
	err_clear(&e);
	good(waiting_one(db, pending.id, see_renewal, &revoked_at, &e), &e);
	decide(db, pending.id, true);
	assert_true(claim(db, pending.id));
	db_close(db);
	empty_folder(true);
}

/* Of two that are approved, the second one sees the first one at work, and what
 * came of it; not that both waited. */
static void
test_renewal_superseded(void **state)
{
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	struct txn_found	 first, second;
	struct waiting_claim	 cl;

	(void)state;
	enroll(db, 1);
	good(renew(db, 2, 1, true, &first, &e), &e);
	good(renew(db, 3, 1, true, &second, &e), &e);
	decide(db, first.id, true);
	decide(db, second.id, true);
	cl = claim_facts(db, first.id);
	assert_false(cl.superseding || cl.superseded_at != 0);
	cl = claim_facts(db, second.id);
	assert_true(cl.superseding);
	assert_int_equal(cl.superseded_at, 0);
	good(waiting_release(db, second.id, &e), &e);
	good(txn_end(db, first.id, ERR_ISSUER_REFUSED, 6000, NULL, &e), &e);
	enroll(db, 4);
	raw(file, "UPDATE issued SET supersedes = 1, issued_at = 4321"
	    " WHERE id = 2");
	cl = claim_facts(db, second.id);
	assert_false(cl.superseding);
	assert_int_equal(cl.superseded_at, 4321);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_claimed),
		cmocka_unit_test(test_room_burst),
		cmocka_unit_test(test_room_expired),
		cmocka_unit_test(test_renewal_revoked),
		cmocka_unit_test(test_renewal_superseded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
