/*
 * Requests that wait for an operator, whose challenge is taken out of use in
 * the meantime.
 */
#include "scep/wrap.h"
#include "store/challenge.h"
#include "waited_lab.h"

enum deed { NOTHING, DISABLE, ENABLE, REMOVE, EXPIRE };

static void
act(enum deed what, const char *name)
{
	struct err	 e = ERR_INIT;
	bool		 found = true;

	switch (what) {
	case NOTHING:
		break;
	case DISABLE:
	case ENABLE:
		lab_ok(challenge_disable(lab.service->db, name,
		    what == DISABLE, lab.now, &found, &e), &e);
		break;
	case REMOVE:
		lab_ok(challenge_remove(lab.service->db, name, lab.now, &found,
		    &e), &e);
		break;
	case EXPIRE:
		store_do("UPDATE challenge SET expires = 1");
		break;
	}
	assert_true(found);
}

/* Whoever takes a challenge out of use stops what waits under it, unless he
 * approves it afterwards. */
static void
test_challenge_gone(void **state)
{
	static const struct {
		enum deed	 before, after;	/* the approval */
		const char	*end;
	} rows[] = {
		{ NOTHING, NOTHING, "issued" },
		{ NOTHING, DISABLE, "challenge_disabled" },
		{ NOTHING, REMOVE, "challenge_disabled" },
		{ NOTHING, EXPIRE, "issued" },
		{ DISABLE, NOTHING, "issued" },
		{ REMOVE, NOTHING, "issued" },
		{ DISABLE, REMOVE, "issued" },
		{ DISABLE, ENABLE, "issued" },
		{ EXPIRE, DISABLE, "challenge_disabled" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct minted	 m = waited_mint("manual", "");
		char		 txid[8];
		struct waited	 a;
		int64_t		 id;

		(void)snprintf(txid, sizeof(txid), "c%zu", i);
		a = waited_request("/manual", &lab.device, txid, "/CN=device",
		    buf_cstr(&m.secret));
		id = waited_hold(&a);
		act(rows[i].before, m.name);
		waited_decide(id, WAITING_APPROVE);
		act(rows[i].after, m.name);
		assert_int_equal(waited_answer(&a), strcmp(rows[i].end,
		    "issued") == 0 ? SCEP_SUCCESS : SCEP_FAILURE);
		waited_assert_end(id, rows[i].end);
		buf_wipe(&m.secret);
		csr_free(a.r);
	}
}

static void
list(const char *listed)
{
	waited_reload(&(struct waited_pieces){ .listed = listed,
	    .template = "" });
}

/* The same of scepd.conf, of which the store knows the name alone. */
static void
test_challenge_unlisted(void **state)
{
	static const struct {
		const char		*listed;
		enum waiting_word	 word;
		const char		*end;
	} rows[] = {
		{ LISTED, WAITING_APPROVE, "issued" },
		{ "challenges = [ \"d\" ];", WAITING_APPROVE,
		    "challenge_disabled" },
		{ "", WAITING_APPROVE, "challenge_disabled" },
		{ "", WAITING_APPROVE_DESPITE, "issued" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char		 txid[8];
		struct waited	 a;
		int64_t		 id;

		list(LISTED);
		(void)snprintf(txid, sizeof(txid), "u%zu", i);
		a = waited_request("/manual", &lab.device, txid, "/CN=device",
		    SECRET);
		id = waited_hold(&a);
		list(rows[i].listed);
		waited_decide(id, rows[i].word);
		assert_int_equal(waited_answer(&a), strcmp(rows[i].end,
		    "issued") == 0 ? SCEP_SUCCESS : SCEP_FAILURE);
		waited_assert_end(id, rows[i].end);
		csr_free(a.r);
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, waited_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_challenge_gone),
		TEST(test_challenge_unlisted),
	};

	return cmocka_run_group_tests(tests, waited_setup, waited_teardown);
}
