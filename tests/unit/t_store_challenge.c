/*
 * Challenges in the store: their rows, and that their uses are counted with the
 * transactions that spend them.
 */
#include "store_file.h"
#include "store/challenge.h"
#include "store/waiting.h"

#define RACERS	50

static char	 t_facts[] = "user=alice\nasset=1", t_empty[] = "", t_name[] = "a", t_other[] = "b",
    t_endpoints[] = "x\ndefault", t_hash[] = "$scrypt$x", t_by[] = "root";

static struct challenge
row_named(char *name)
{
	return (struct challenge){
		.name = name, .endpoints = t_endpoints, .profile = t_empty,
		.subject = t_empty, .san = t_empty, .key_types = t_empty,
		.facts = t_facts,
		.created = 1000, .created_by = t_by,
	};
}

static const uint8_t	 key_name[CHALLENGE_MAC] = { 1 };

/* With a MAC of these bytes; 0: with a hash. */
static int
add_row(struct db *db, char *name, uint8_t byte, int64_t uses, struct err *e)
{
	uint8_t			 mac[CHALLENGE_MAC];
	const struct challenge_mac m = { byte == 0 ? NULL : mac, key_name };
	struct challenge	 row = row_named(name);

	memset(mac, byte, sizeof(mac));
	row.uses = uses;
	if (byte == 0)
		row.hash = t_hash;
	return challenge_add(db, &row, &m, e);
}

static bool
by_mac(struct db *db, uint8_t byte, struct challenge *out)
{
	struct err	 e = { .reason = ERR_NONE };
	uint8_t		 mac[CHALLENGE_MAC];
	bool		 found = false;

	memset(mac, byte, sizeof(mac));
	good(challenge_by_mac(db, mac, out, &found, &e), &e);
	if (found)
		assert_string_equal(out->facts, t_facts);
	return found;
}

struct named {
	const char	*name;
	int64_t		 id;		/* 0: there is none */
};

static int
on_named(const struct challenge *c, void *arg)
{
	struct named	*n = arg;

	if (strcmp(c->name, n->name) == 0)
		n->id = c->id;
	return 0;
}

static int64_t
find_id(struct db *db, const char *name)
{
	struct err	 e = { .reason = ERR_NONE };
	struct named	 n = { .name = name };

	good(challenge_each(db, on_named, &n, &e), &e);
	return n.id;
}

static int64_t
id_of(struct db *db, const char *name)
{
	int64_t	 id = find_id(db, name);

	assert_true(id > 0);
	return id;
}

static struct challenge_use
use_of(struct db *db, const char *name, int64_t id)
{
	struct err		 e = { .reason = ERR_NONE };
	struct challenge_use	 u = { .used = -1 };

	good(challenge_used(db, name, id, &u, &e), &e);
	return u;
}

static void
is_use(struct db *db, const char *name, int64_t id, int64_t used,
    int64_t issued)
{
	struct challenge_use	 u = use_of(db, name, id);

	if (u.used != used || u.issued != issued)
		fail_msg("%s: %lld used, %lld issued; not %lld, %lld", name,
		    (long long)u.used, (long long)u.issued, (long long)used,
		    (long long)issued);
}

/* Request n under the challenge; the id of its transaction. */
static int
spend(struct db *db, unsigned n, const char *name, int64_t id, int64_t uses,
    bool hold, int64_t *txn, struct err *e)
{
	struct serial	 s;
	struct txn	 t = {
		.endpoint = "default", .txid = "4711", .challenge = name,
		.challenge_id = id, .challenge_uses = uses,
		.profile = "client", .peer = "192.0.2.1", .when = 1000,
		.serial = serial_of(&s, n), .vouched = true, .room = 1000,
	};
	char		 txid[16];
	struct txn_found found;
	bool		 fresh;

	(void)snprintf(txid, sizeof(txid), "%u", n);
	t.txid = txid;
	memcpy(t.msg_hash, &n, sizeof(n));
	memcpy(t.csr_hash, &n, sizeof(n));
	if (hold)
		t.hold = bytes_str("csr");
	if (reserve_txn(db, &t, &found, &fresh, e) == -1)
		return -1;
	*txn = found.id;
	return 0;
}

static void
issue(struct db *db, unsigned n, int64_t txn)
{
	struct err	 e = { .reason = ERR_NONE };
	struct serial	 s;
	struct issued	 r = row_of(&s, txn, n);

	good(add(db, &r, &e), &e);
}

static void
test_rows(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct challenge c, row = row_named(t_name);
	uint8_t		 mac[CHALLENGE_MAC];
	const struct challenge_mac m = { mac, key_name };
	bool		 found;

	(void)state;
	memset(mac, 7, sizeof(mac));
	row.uses = 3;
	row.not_before = 10;
	row.expires = 20;
	row.subject = t_other;
	assert_false(by_mac(db, 7, &c));
	good(challenge_add(db, &row, &m, &e), &e);
	assert_true(by_mac(db, 7, &c));
	assert_string_equal(c.name, "a");
	assert_null(c.hash);
	assert_string_equal(c.endpoints, "x\ndefault");
	assert_string_equal(c.subject, "b");
	assert_string_equal(c.san, "");
	assert_string_equal(c.created_by, "root");
	assert_int_equal(c.uses, 3);
	assert_int_equal(c.not_before, 10);
	assert_int_equal(c.expires, 20);
	assert_int_equal(c.created, 1000);
	assert_false(c.disabled);
	challenge_clear(&c);
	assert_false(by_mac(db, 8, &c));
	/* one name, one value */
	bad(add_row(db, t_name, 8, 0, &e), &e, ERR_EXISTS, "\"a\"");
	err_clear(&e);
	bad(add_row(db, t_other, 7, 0, &e), &e, ERR_EXISTS, "\"b\"");
	err_clear(&e);
	good(challenge_disable(db, "a", true, 2000, &found, &e), &e);
	assert_true(found);
	good(challenge_disable(db, "a", true, 3000, &found, &e), &e);
	assert_true(by_mac(db, 7, &c));
	assert_true(c.disabled);
	assert_int_equal(c.disabled_at, 2000);
	challenge_clear(&c);
	good(challenge_disable(db, "a", false, 0, &found, &e), &e);
	assert_true(by_mac(db, 7, &c));
	assert_false(c.disabled);
	challenge_clear(&c);
	good(challenge_disable(db, "none", true, 1, &found, &e), &e);
	assert_false(found);
	/* removed: its name is free, its row stays without what was known */
	good(challenge_remove(db, "a", 4000, &found, &e), &e);
	assert_true(found);
	assert_false(by_mac(db, 7, &c));
	good(challenge_remove(db, "a", 4000, &found, &e), &e);
	assert_false(found);
	good(add_row(db, t_name, 7, 0, &e), &e);
	assert_int_equal(id_of(db, "a"), 2);
	db_close(db);
	assert_int_equal(raw(file, "SELECT count(*) FROM challenge WHERE id = 1"
	    " AND mac IS NULL AND mac_key IS NULL AND removed_at = 4000"), 1);
	empty_folder(true);
}

static int
count_row(const struct challenge *c, void *arg)
{
	char	*seen = arg;

	(void)snprintf(seen + strlen(seen), 32, "%s ", c->name);
	return strcmp(c->name, "c") == 0 ? 5 : 0;
}

static void
test_walks(void **state)
{
	static char	 names[4][2] = { "d", "b", "a", "c" };
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	char		 seen[128] = "", name[8];
	struct challenge c;
	bool		 found;
	int64_t		 id = 0;
	int		 n = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		good(add_row(db, names[i], (uint8_t)(i % 2 * (i + 1)), 0, &e),
		    &e);
	assert_int_equal(challenge_each(db, count_row, seen, &e), 5);
	assert_string_equal(seen, "a b c ");
	/* those with a hash, of an endpoint */
	for (;; n++) {
		good(challenge_hashed(db, "default", id, &c, &found, &e), &e);
		if (!found)
			break;
		assert_string_equal(c.hash, t_hash);
		id = c.id;
		challenge_clear(&c);
	}
	assert_int_equal(n, 2);
	good(challenge_hashed(db, "defaul", 0, &c, &found, &e), &e);
	assert_false(found);
	good(challenge_hashed(db, "efault", 0, &c, &found, &e), &e);
	assert_false(found);
	/* not without end */
	for (n = 2; n < CHALLENGE_HASHED_MAX; n++) {
		(void)snprintf(name, sizeof(name), "h%d", n);
		good(add_row(db, name, 0, 0, &e), &e);
	}
	bad(add_row(db, t_name, 0, 0, &e), &e, ERR_ARGUMENT, "64 challenges");
	db_close(db);
	empty_folder(true);
}

static void
test_lost(void **state)
{
	static const uint8_t	 other_key[CHALLENGE_MAC] = { 2 };
	struct db		*db = open_db();
	struct err		 e = { .reason = ERR_NONE };
	int64_t			 n = -1;

	(void)state;
	good(add_row(db, t_name, 3, 0, &e), &e);
	good(add_row(db, t_other, 0, 0, &e), &e);
	good(challenge_lost(db, key_name, &n, &e), &e);
	assert_int_equal(n, 0);
	good(challenge_lost(db, other_key, &n, &e), &e);
	assert_int_equal(n, 2);
	db_close(db);
	empty_folder(true);
}

/* A use is spent with a certificate, and given back with all else. */
static void
test_uses(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id, a = 0, b = 0, c = 0, n;

	(void)state;
	good(add_row(db, t_name, 3, 2, &e), &e);
	id = id_of(db, "a");
	is_use(db, "a", id, 0, 0);
	good(spend(db, 1, "a", id, 2, false, &a, &e), &e);
	good(spend(db, 2, "a", id, 2, true, &b, &e), &e);
	is_use(db, "a", id, 2, 0);
	bad(spend(db, 3, "a", id, 2, false, &c, &e), &e, ERR_CHALLENGE_SPENT,
	    "2 of 2");
	err_clear(&e);
	/* one of scepd.conf with the same name is another */
	good(spend(db, 4, "a", 0, 1, false, &c, &e), &e);
	is_use(db, "a", 0, 1, 0);
	is_use(db, "a", id, 2, 0);
	/* a failure, a rejection */
	good(txn_end(db, a, ERR_ISSUER, 1500, NULL, &e), &e);
	is_use(db, "a", id, 1, 0);
	good(waiting_decide(db, b, WAITING_REJECT, 1500, "op", &e), &e);
	is_use(db, "a", id, 0, 0);
	/* expired while it waited */
	good(spend(db, 5, "a", id, 2, true, &b, &e), &e);
	is_use(db, "a", id, 1, 0);
	good(waiting_expire(db, 1001, 1500, &e), &e);
	is_use(db, "a", id, 0, 0);
	/* approved, which a crash leaves as it is; reserved, which it ends */
	good(spend(db, 6, "a", id, 2, true, &b, &e), &e);
	good(waiting_decide(db, b, WAITING_APPROVE, 1500, "op", &e), &e);
	good(spend(db, 7, "a", id, 2, false, &a, &e), &e);
	is_use(db, "a", id, 2, 0);
	db_close(db);
	db = open_db();
	good(txn_recover(db, 1600, &n, &e), &e);
	assert_int_equal(n, 2);
	is_use(db, "a", id, 1, 0);
	is_use(db, "a", 0, 0, 0);
	/* issued: for good */
	good(spend(db, 8, "a", id, 2, false, &a, &e), &e);
	issue(db, 8, a);
	is_use(db, "a", id, 2, 1);
	assert_int_equal(use_of(db, "a", id).last, 2000);
	bad(spend(db, 9, "a", id, 2, false, &c, &e), &e, ERR_CHALLENGE_SPENT,
	    "2 of 2");
	err_clear(&e);
	/* the same again is no use */
	good(spend(db, 6, "a", id, 2, false, &c, &e), &e);
	assert_int_equal(c, b);
	is_use(db, "a", id, 2, 1);
	db_close(db);
	empty_folder(true);
}

/* An operator was faster. */
static void
test_meanwhile(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id, txn = 0;
	bool		 found;

	(void)state;
	good(add_row(db, t_name, 3, 0, &e), &e);
	id = id_of(db, "a");
	good(spend(db, 1, "a", id, 0, false, &txn, &e), &e);
	good(challenge_disable(db, "a", true, 1, &found, &e), &e);
	bad(spend(db, 2, "a", id, 0, false, &txn, &e), &e,
	    ERR_CHALLENGE_DISABLED, "meanwhile");
	err_clear(&e);
	good(challenge_disable(db, "a", false, 1, &found, &e), &e);
	good(challenge_remove(db, "a", 1, &found, &e), &e);
	bad(spend(db, 3, "a", id, 0, false, &txn, &e), &e,
	    ERR_CHALLENGE_DISABLED, "meanwhile");
	err_clear(&e);
	bad(spend(db, 4, "a", 99, 0, false, &txn, &e), &e,
	    ERR_CHALLENGE_DISABLED, "meanwhile");
	is_use(db, "a", id, 1, 0);
	db_close(db);
	empty_folder(true);
}

/* Or while its certificate was made, which is not recorded then, unless it was
 * approved by somebody who could know. */
static void
test_meanwhile_made(void **state)
{
	enum deed { NOTHING, DISABLE, REMOVE };
	static const struct {
		const char	*name;
		enum deed	 before, after;	/* the approval, or made */
		bool		 waits;
		enum err_reason	 want;
	} rows[] = {
		{ "nothing", NOTHING, NOTHING, false, ERR_NONE },
		{ "disabled", NOTHING, DISABLE, false,
		    ERR_CHALLENGE_DISABLED },
		{ "removed", NOTHING, REMOVE, false, ERR_CHALLENGE_DISABLED },
		{ "disabled, approved before", NOTHING, DISABLE, true,
		    ERR_CHALLENGE_DISABLED },
		{ "disabled, approved after", DISABLE, NOTHING, true,
		    ERR_NONE },
		{ "removed, approved in between", DISABLE, REMOVE, true,
		    ERR_NONE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct db	*db = open_db();
		struct err	 e = { .reason = ERR_NONE };
		const enum deed	 deeds[] = { rows[i].before, rows[i].after };
		struct serial	 s;
		struct issued	 r;
		int64_t		 id, txn = 0;
		bool		 found;

		good(add_row(db, t_name, 3, 1, &e), &e);
		id = id_of(db, "a");
		good(spend(db, 1, "a", id, 1, rows[i].waits, &txn, &e), &e);
		for (size_t k = 0; k < N(deeds); k++) {
			if (deeds[k] == DISABLE)
				good(challenge_disable(db, "a", true, 1,
				    &found, &e), &e);
			else if (deeds[k] == REMOVE)
				good(challenge_remove(db, "a", 1, &found,
				    &e), &e);
			if (k > 0 || !rows[i].waits)
				continue;
			good(waiting_decide(db, txn, WAITING_APPROVE, 1, "op",
			    &e), &e);
			raw(file, "UPDATE txn SET state = 'reserved'");
		}
		r = row_of(&s, txn, 1);
		(void)add(db, &r, &e);
		if (e.reason != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		is_use(db, "a", id, 1, rows[i].want == ERR_NONE);
		if (rows[i].want != ERR_NONE) {
			err_clear(&e);
			good(txn_end(db, txn, rows[i].want, 2, NULL, &e),
			    &e);
			is_use(db, "a", id, 0, 0);
		}
		db_close(db);
		empty_folder(true);
	}
}

struct racer {
	pthread_t	 thread;
	struct db	*db;
	unsigned	 n;
	int64_t		 id;
	int		 rc;
	enum err_reason	 reason;
};

static pthread_barrier_t start;

static void *
race(void *arg)
{
	struct racer	*r = arg;
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 txn = 0;

	(void)pthread_barrier_wait(&start);
	r->rc = spend(r->db, r->n, "a", r->id, 5, false, &txn, &e);
	r->reason = e.reason;
	/* Some give it back, for others to take. */
	if (r->rc == 0 && r->n % 2 == 0)
		r->rc = txn_end(r->db, txn, ERR_ISSUER, 1500, NULL, &e) == 0 ?
		    1 : -1;
	else if (r->rc == 0)
		issue(r->db, r->n, txn);
	return NULL;
}

static void
run_race(struct db *db, unsigned from, int64_t id, int64_t left)
{
	struct racer	 r[RACERS];
	int64_t		 won = 0;

	assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
	racing = true;
	for (unsigned i = 0; i < RACERS; i++) {
		/* Odd: all of them keep what they get. */
		r[i] = (struct racer){ .db = db, .n = from + 2 * i + 1,
		    .id = id };
		if (left > 1)
			r[i].n = from + i;
		assert_int_equal(pthread_create(&r[i].thread, NULL, race,
		    &r[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(r[i].thread, NULL), 0);
		won += r[i].rc == 0;
		if (r[i].rc == -1)
			assert_int_equal(r[i].reason, ERR_CHALLENGE_SPENT);
	}
	racing = false;
	pthread_barrier_destroy(&start);
	if (left == 1)
		assert_int_equal(won, 1);
	else
		assert_true(won <= left);
}

/* Many ask at once for the last use: one gets it. */
static void
test_race(void **state)
{
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 id, txn = 0;

	(void)state;
	good(add_row(db, t_name, 3, 5, &e), &e);
	id = id_of(db, "a");
	for (unsigned i = 1; i < 5; i++) {
		good(spend(db, i, "a", id, 5, false, &txn, &e), &e);
		issue(db, i, txn);
	}
	run_race(db, 1000, id, 1);
	is_use(db, "a", id, 5, 5);
	db_close(db);
	empty_folder(true);

	db = open_db();
	good(add_row(db, t_name, 3, 5, &e), &e);
	run_race(db, 2000, id_of(db, "a"), 5);
	db_close(db);
	assert_int_equal(raw(file, "SELECT used - issued FROM challenge_use"),
	    0);
	assert_int_equal(raw(file, "SELECT (SELECT issued FROM challenge_use) -"
	    " (SELECT count(*) FROM issued)"), 0);
	empty_folder(true);
}

/* ---- those whose names begin alike ---- */

static int64_t
unused(struct db *db, int64_t now)
{
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 n = -1;

	good(challenge_unused(db, "ndes-", now, &n, &e), &e);
	return n;
}

static bool
is_there(struct db *db, const char *name)
{
	return find_id(db, name) > 0;
}

static void
test_prefix(void **state)
{
	static const struct {
		const char	*name;
		int64_t		 expires;
	} rows[] = {
		{ "ndes-1", 2000 }, { "ndes-2", 3000 }, { "ndes-3", 2000 },
		{ "ndes", 2000 }, { "ndes.", 2000 }, { "ndet-1", 2000 },
		{ "a", 2000 }, { "ndes-4", 0 },
	};
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 txn;
	bool		 found;

	(void)state;
	assert_int_equal(unused(db, 0), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t			 mac[CHALLENGE_MAC] = { (uint8_t)i };
		const struct challenge_mac m = { mac, key_name };
		struct challenge	 row = row_named(
		    (char *)(uintptr_t)rows[i].name);

		row.uses = 1;
		row.expires = rows[i].expires;
		good(challenge_add(db, &row, &m, &e), &e);
	}
	assert_int_equal(unused(db, 1999), 3);
	assert_int_equal(unused(db, 2000), 1);
	assert_int_equal(unused(db, 3000), 0);
	/* Spent, disabled and removed ones wait no more. */
	assert_int_equal(spend(db, 1, "ndes-1", id_of(db, "ndes-1"), 1, false,
	    &txn, &e), 0);
	assert_int_equal(unused(db, 1000), 2);
	good(challenge_disable(db, "ndes-2", true, 1, &found, &e), &e);
	assert_int_equal(unused(db, 1000), 1);

	good(challenge_forget(db, "ndes-", 2000, 5000, &e), &e);
	assert_true(is_there(db, "ndes-3"));
	good(challenge_forget(db, "ndes-", 2001, 5000, &e), &e);
	assert_false(is_there(db, "ndes-3"));
	assert_true(is_there(db, "ndes-1"));	/* used: the ledger's */
	assert_true(is_there(db, "ndes-2"));	/* not yet */
	assert_true(is_there(db, "ndes-4"));	/* never */
	assert_true(is_there(db, "ndes"));
	assert_true(is_there(db, "ndes."));
	assert_true(is_there(db, "ndet-1"));
	assert_true(is_there(db, "a"));
	db_close(db);
}

/* What was spent goes a while after its last use, and the ledger keeps the
 * name; what is worked on stays, however old. */
static void
test_retired(void **state)
{
	static const struct {
		const char	*name;
		int64_t		 uses;
		int64_t		 expires;
		bool		 begun, ended;
		bool		 stays;
	} rows[] = {
		{ "api-spent", 1, 9000, true, true, false },
		{ "api-in-flight", 1, 2000, true, false, true },
		{ "api-one-left", 2, 9000, true, true, true },
		{ "api-expired", 0, 2000, true, true, false },
		{ "api-live", 0, 9000, true, true, true },
		{ "api-new", 1, 9000, false, false, true },
		{ "apj-spent", 1, 9000, true, true, true },
	};
	struct db	*db = open_db();
	struct err	 e = { .reason = ERR_NONE };
	struct challenge_use use;
	int64_t		 ids[7], txn;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		uint8_t			 mac[CHALLENGE_MAC] = { 0xf0,
		    (uint8_t)i };
		const struct challenge_mac m = { mac, key_name };
		struct challenge	 row = row_named(
		    (char *)(uintptr_t)rows[i].name);

		row.uses = rows[i].uses;
		row.expires = rows[i].expires;
		good(challenge_add(db, &row, &m, &e), &e);
		ids[i] = id_of(db, rows[i].name);
		if (rows[i].begun)
			assert_int_equal(spend(db, 100 + i, rows[i].name, ids[i],
			    rows[i].uses, false, &txn, &e), 0);
		if (rows[i].ended)
			issue(db, 100 + i, txn);
	}
	good(challenge_used(db, rows[0].name, ids[0], &use, &e), &e);
	good(challenge_forget(db, "api-", use.last, use.last, &e), &e);
	for (unsigned i = 0; i < 7; i++)
		assert_true(is_there(db, rows[i].name));
	good(challenge_forget(db, "api-", 5000, 6000, &e), &e);
	for (unsigned i = 0; i < 7; i++)
		if (is_there(db, rows[i].name) != rows[i].stays)
			fail_msg("%s", rows[i].name);
	good(challenge_used(db, rows[0].name, ids[0], &use, &e), &e);
	assert_int_equal(use.issued, 1);
	db_close(db);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_meanwhile),
		cmocka_unit_test(test_meanwhile_made),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_retired),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
