/*
 * Requests that wait for an operator: who hears of one that is not issued, and
 * who may let one wait at all.
 */
#include <unistd.h>

#include "scep/wrap.h"
#include "util/file.h"
#include "waited_lab.h"

/* All that it was told, so far. */
static const char *
outcomes(void)
{
	static struct buf	 b = BUF_INIT(FILE_MAX);
	struct err		 e = ERR_INIT;

	buf_reset(&b);
	if (access(tool_path("outcomes"), F_OK) == 0)
		lab_ok(file_read(tool_path("outcomes"), &b, &e), &e);
	return buf_cstr(&b);
}

static struct waited
by_device(const char *path, const char *txid, const char *subject,
    const char *challenge)
{
	return waited_request(path, &lab.device, txid, subject, challenge);
}

#define OUTCOME(txid, reason)						\
	"{\"version\": 1, \"event\": \"outcome\", \"endpoint\": "	\
	"\"told\", \"transaction_id\": \"" txid "\", \"peer\": \"\", "	\
	"\"outcome\": \"refused\", \"reason\": \"" reason "\"}\n"

static void
test_rejected_told(void **state)
{
	struct waited	 a = by_device("/told", "a", "/CN=x", SECRET);
	struct waited	 b = by_device("/told", "b", "/CN=x", SECRET);
	struct waited	 c = by_device("/manual", "c", "/CN=x", SECRET);
	int64_t		 first = waited_hold(&a), second = waited_hold(&b);

	(void)state;
	/* It knows nothing of this one. */
	waited_decide(waited_hold(&c), WAITING_REJECT);
	waited_decide(first, WAITING_REJECT);
	service_tick(lab.service);
	service_tick(lab.service);
	lab_close();
	assert_string_equal(outcomes(), OUTCOME("a", "rejected"));
	/* What has expired in the meantime, too. */
	store_do("UPDATE txn SET created = 1");
	waited_start();
	assert_int_equal(waited_answer(&b), SCEP_PENDING);	/* a new one */
	waited_assert_end(second, "expired");
	lab_close();
	assert_string_equal(outcomes(), OUTCOME("a", "rejected")
	    OUTCOME("b", "pending_expired"));
	waited_start();
	/* What is issued is told as ever, and no more than that. */
	waited_decide(store_number("SELECT max(id) FROM txn"), WAITING_APPROVE);
	assert_int_equal(waited_answer(&b), SCEP_SUCCESS);
	service_tick(lab.service);
	lab_close();
	assert_non_null(strstr(outcomes(), "\"outcome\": \"issued\""));
	assert_null(strstr(strstr(outcomes(), "\"issued\""),
	    "\"refused\""));
	waited_start();
	csr_free(a.r);
	csr_free(b.r);
	csr_free(c.r);
}

/* Nobody is told of what it was not asked about, or does not ask to hear. */
static void
test_not_told(void **state)
{
	struct waited	 a = by_device("/told", "a", "/CN=x", SECRET);
	int64_t		 id = waited_hold(&a);

	(void)state;
	store_do("UPDATE txn SET asked = 'gone'");
	waited_decide(id, WAITING_REJECT);
	service_tick(lab.service);
	lab_close();
	assert_string_equal(outcomes(), "");
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE asked IS NOT NULL"), 0);
	waited_start();
	csr_free(a.r);
}

/* What has waited too long is told so, if its device asks. */
static void
test_expired_polled(void **state)
{
	struct waited	 a = by_device("/manual", "a", "/CN=x", SECRET);
	int64_t		 id = waited_hold(&a);

	(void)state;
	store_do("UPDATE txn SET created = 1");
	lab.service->expired = 0;
	service_tick(lab.service);
	waited_assert_end(id, "expired");
	csr_free(a.r);
}

/* What a validator leaves to an operator is no stranger's: one of those may
 * wait here from one address. But it proves no secret. */
static void
test_room(void **state)
{
	struct waited	 a = by_device("/instead", "a", "/CN=held", "one");
	struct waited	 b = by_device("/instead", "b", "/CN=held", "two");
	struct exchange	 x;

	(void)state;
	(void)waited_hold(&a);
	lab_post("/instead", &b.q, &x);
	assert_int_equal(x.status, 200);
	assert_int_equal(x.proof, PROOF_NONE);
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE state = 'pending' AND vouched AND asked = 'v'"), 2);
	exchange_clear(&x);
	csr_free(a.r);
	csr_free(b.r);
	/* One that nothing vouches for. */
	a = by_device("/manual", "c", "/CN=x", NULL);
	(void)waited_hold(&a);
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE NOT vouched AND asked IS NULL"), 1);
	csr_free(a.r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, waited_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_rejected_told),
		TEST(test_not_told),
		TEST(test_expired_polled),
		TEST(test_room),
	};

	return cmocka_run_group_tests(tests, waited_setup, waited_teardown);
}
