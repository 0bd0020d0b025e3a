/*
 * Which message repeats an earlier one, and gets what that got; and which one
 * is new, so that a device that renews does not get its old certificate again.
 */
#include "store/revoked.h"
#include "store_file.h"

#define KEY	0xa1
#define OTHER	0xa2
#define ISSUER	0xc3	/* of row_of() */

struct asked {
	const char	*endpoint;
	const char	*txid;
	uint8_t		 key;
	uint8_t		 csr;
	uint8_t		 msg;
	unsigned	 signer;	/* number of its certificate, or 0 */
	uint8_t		 issuer;
	int64_t		 when;
	int64_t		 replay;
};

static const struct asked first = {
	"default", "A", KEY, 1, 1, 0, 0, 1000, 600
};

static struct txn
txn_of(const struct asked *a, unsigned n, struct serial *own,
    struct serial *signer)
{
	struct txn	 t = {
		.endpoint = a->endpoint, .txid = a->txid, .challenge = "lab",
		.peer = "192.0.2.1", .serial = serial_of(own, n),
		.signer_serial = serial_of(signer, a->signer),
		.when = a->when, .replay = a->replay
	};

	memset(t.signer_hash, a->key, sizeof(t.signer_hash));
	memset(t.csr_hash, a->csr, sizeof(t.csr_hash));
	memset(t.msg_hash, a->msg, sizeof(t.msg_hash));
	memset(t.signer_issuer, a->issuer, sizeof(t.signer_issuer));
	return t;
}

/* The first request, reserved; its id. */
static int64_t
begin(struct db *db)
{
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 own, signer;
	struct txn	 t = txn_of(&first, 1, &own, &signer);
	struct txn_found found;
	bool		 fresh = false;

	good(reserve_txn(db, &t, &found, &fresh, &e), &e);
	assert_true(fresh);
	return found.id;
}

static struct txn_found
look(struct db *db, const struct asked *a)
{
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 own, signer;
	struct txn	 t = txn_of(a, 77, &own, &signer);
	struct txn_found found = { .id = -1 };

	good(txn_repeated(db, &t, &found, &e), &e);
	return found;
}

#define WHO	"default", "A", KEY, 1

static void
test_issued(void **state)
{
	static const struct {
		const char	*name;
		struct asked	 asked;
		bool		 repeats;
	} rows[] = {
		{ "the very bytes", { WHO, 1, 0, 0, 1001, 600 }, true },
		{ "the very bytes, years later", { WHO, 1, 0, 0, 99999999,
		    600 }, true },
		{ "the very bytes, no window", { WHO, 1, 0, 0, 99999999, 0 },
		    true },
		{ "a new message", { WHO, 2, 0, 0, 1001, 600 }, true },
		{ "a new message, just in time", { WHO, 2, 0, 0, 1599, 600 },
		    true },
		{ "a new message, late", { WHO, 2, 0, 0, 1600, 600 }, false },
		{ "a new message, no window", { WHO, 2, 0, 0, 1000, 0 },
		    false },
		{ "a renewal by the new certificate", { WHO, 2, 1, ISSUER,
		    1001, 600 }, false },
		{ "by an older certificate", { WHO, 2, 9, ISSUER, 1001, 600 },
		    true },
		{ "by another CA's of that number", { WHO, 2, 1, 0xc4, 1001,
		    600 }, true },
		{ "another request", { "default", "A", KEY, 2, 2, 0, 0, 1001,
		    600 }, false },
		{ "another key", { "default", "A", OTHER, 1, 2, 0, 0, 1001,
		    600 }, false },
		{ "another transaction", { "default", "B", KEY, 1, 2, 0, 0,
		    1001, 600 }, false },
		{ "another endpoint", { "other", "A", KEY, 1, 1, 0, 0, 1001,
		    600 }, false },
	};
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	int64_t		 id = begin(db);
	struct txn_found found;
	struct serial	 s;
	struct issued	 row = row_of(&s, id, 1);

	(void)state;
	good(add(db, &row, &e), &e);
	for (size_t i = 0; i < N(rows); i++) {
		found = look(db, &rows[i].asked);
		if ((found.state == TXN_ISSUED) != rows[i].repeats ||
		    found.id != (rows[i].repeats ? id : 0))
			fail_msg("%s: state %d", rows[i].name, found.state);
	}
	/* Once it is revoked, only a copy of the first message is one. */
	good(revoked_put(db, 1, 5, 1001, &e), &e);
	found = look(db, &(struct asked){ WHO, 1, 0, 0, 1001, 600 });
	assert_int_equal(found.id, id);
	found = look(db, &(struct asked){ WHO, 2, 0, 0, 1001, 600 });
	assert_int_equal(found.state, TXN_NONE);
	db_close(db);
	empty_folder(true);
}

/* While somebody works on it, a copy waits; but not for what never ends. */
static void
test_reserved(void **state)
{
	struct db	*db = open_db();
	int64_t		 id = begin(db);
	struct asked	 a = first;
	struct txn_found found;

	(void)state;
	a.when = 2199;
	found = look(db, &a);
	assert_int_equal(found.id, id);
	assert_int_equal(found.state, TXN_RESERVED);
	a.when = 2200;
	assert_int_equal(look(db, &a).state, TXN_NONE);
	db_close(db);
	empty_folder(true);
}

/* What failed is tried anew, also by the very bytes. */
static void
test_failed(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();

	(void)state;
	good(txn_end(db, begin(db), ERR_ISSUER_REFUSED, 1000, NULL, &e), &e);
	assert_int_equal(look(db, &first).state, TXN_NONE);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_issued),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
