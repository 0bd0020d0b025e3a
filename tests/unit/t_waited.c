/*
 * Renewals that wait for an operator, at a service that is whole: what counts
 * when an approved one is issued. And old certificates of any age, which no
 * client could be given in time.
 */
#include <time.h>
#include <unistd.h>

#include "scep/wrap.h"
#include "util/clock.h"
#include "waited_lab.h"

/* ---- old certificates ---- */

static void
issue(const char *endpoint, uint8_t serial, int64_t to, struct who *out)
{
	waited_issue(&lab.ca, endpoint, "p", serial, to, out);
}

/* An old certificate that expired renews as long as renew.grace says. */
static void
test_grace(void **state)
{
	static const struct {
		int64_t			 to;	/* added to lab.now */
		enum scep_status	 status;
	} rows[] = {
		{ -5, SCEP_SUCCESS },
		{ -3500, SCEP_SUCCESS },
		{ -3601, SCEP_FAILURE },
		{ -80 * DAY, SCEP_FAILURE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct waited	 a;
		struct who	 old;
		char		 txid[8];

		issue("grace", (uint8_t)(i + 1), lab.now + rows[i].to, &old);
		(void)snprintf(txid, sizeof(txid), "g%zu", i);
		a = waited_request("/grace", &old, txid, "/CN=device", NULL);
		if (waited_answer(&a) != rows[i].status)
			fail_msg("row %zu", i);
		csr_free(a.r);
		cert_free(old.cert);
	}
	/* Without, not a second longer. */
	for (int late = 0; late < 2; late++) {
		struct waited	 a;
		struct who	 old;

		issue("manual", (uint8_t)(late + 9), late ? lab.now - 1 :
		    lab.now + DAY, &old);
		a = waited_request("/manual", &old, late ? "l" : "e",
		    "/CN=device", NULL);
		assert_int_equal(waited_answer(&a), late ? SCEP_FAILURE :
		    SCEP_PENDING);
		csr_free(a.r);
		cert_free(old.cert);
	}
}

/* ---- what has changed meanwhile ---- */

/* Two renewals of one certificate, both approved. */
static void
test_superseded(void **state)
{
	static const char *const paths[] = { "/once", "/manual" };

	(void)state;
	for (size_t i = 0; i < N(paths); i++) {
		struct who	 old, new;
		struct waited	 a, b;
		int64_t		 first, second;

		waited_enroll(paths[i], "first", &old);
		a = waited_request(paths[i], &old, "a", "/CN=device", NULL);
		b = waited_request(paths[i], &old, "b", "/CN=device", NULL);
		first = waited_hold(&a);
		second = waited_hold(&b);
		waited_decide(first, WAITING_APPROVE);
		waited_decide(second, WAITING_APPROVE);
		waited_take(&a, &new);
		/* renew.superseded is 0 here, and 30 days there. */
		assert_int_equal(waited_answer(&b), i == 0 ? SCEP_FAILURE :
		    SCEP_SUCCESS);
		waited_assert_end(second, i == 0 ? "renewal_superseded" :
		    "issued");
		csr_free(a.r);
		csr_free(b.r);
		cert_free(old.cert);
		cert_free(new.cert);
	}
}

/* A migration is superseded like any renewal. */
static void
test_migrated_twice(void **state)
{
	struct who	 old = {
		lab.device.key, waited_cert(&old_ca, 3, lab.now + DAY)
	};
	struct waited	 a = waited_request("/moving", &old, "a", "/CN=device",
			    NULL);
	struct waited	 b = waited_request("/moving", &old, "b", "/CN=device",
			    NULL);
	int64_t		 first = waited_hold(&a), second = waited_hold(&b);

	(void)state;
	waited_decide(first, WAITING_APPROVE);
	waited_decide(second, WAITING_APPROVE);
	assert_int_equal(waited_answer(&a), SCEP_SUCCESS);
	assert_int_equal(waited_answer(&b), SCEP_FAILURE);
	waited_assert_end(second, "renewal_superseded");
	csr_free(a.r);
	csr_free(b.r);
	cert_free(old.cert);
}

/* It was in time when it came: ours, and one of another server. */
static void
test_expired_meanwhile(void **state)
{
	(void)state;
	for (int foreign = 0; foreign < 2; foreign++) {
		int64_t		 id, to = time(NULL) + 2;
		struct who	 old = lab.device;
		struct waited	 a;

		if (foreign)
			old.cert = waited_cert(&old_ca, 1, to);
		else
			issue("manual", 1, to, &old);
		a = waited_request(foreign ? "/moving" : "/manual", &old, "a",
		    "/CN=device", NULL);
		id = waited_hold(&a);
		while (clock_now() <= to)
			(void)usleep(20000);
		waited_decide(id, WAITING_APPROVE);
		assert_int_equal(waited_answer(&a), SCEP_SUCCESS);
		waited_assert_end(id, "issued");
		csr_free(a.r);
		cert_free(old.cert);
	}
}

/* What is revoked once it is reserved, or claimed, counts in the step that
 * records, with and without an operator. */
static void
test_while_made(void **state)
{
	static const struct {
		const char	*path, *sql, *end;
	} rows[] = {
		{ "/grace", "id = NEW.renews", "renewal_revoked" },
		{ "/grace", "id = 1", "renewal_compromised" },
		{ "/manual", "id = NEW.renews", "renewal_revoked" },
		{ "/manual", "id = 1", "renewal_compromised" },
	};
	struct key	*fresh = tool_key("rsa:2048");
	char		 sql[400];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		bool		 waits = strcmp(rows[i].path, "/manual") == 0;
		struct who	 other, old;
		struct scep_got	 got;
		struct waited	 a;

		lab_close();
		(void)waited_begin(NULL);
		issue(rows[i].path + 1, 1, lab.now + DAY, &other);
		issue(rows[i].path + 1, 2, lab.now + DAY, &old);
		a = waited_request(rows[i].path, &old, "a", "/CN=device", NULL);
		csr_free(a.r);
		a.r = tool_csr(fresh, "/CN=device", NULL, NULL);
		a.q.content = a.r->der;
		if (waits)
			waited_decide(waited_hold(&a), WAITING_APPROVE);
		(void)snprintf(sql, sizeof(sql), "CREATE TRIGGER meanwhile"
		    " AFTER %s ON txn WHEN NEW.state = 'reserved' BEGIN"
		    " UPDATE issued SET revoked_at = 1, revoke_reason = 1"
		    " WHERE %s; END", waits ? "UPDATE OF state" : "INSERT",
		    rows[i].sql);
		store_do(sql);
		lab_ask(a.path, &a.q, &got);
		assert_int_equal(got.status, SCEP_FAILURE);
		assert_int_equal(got.failinfo, FAIL_BADREQUEST);
		waited_assert_end(3, rows[i].end);
		assert_int_equal(lab_issued(), 2);
		scep_got_clear(&got);
		csr_free(a.r);
		cert_free(other.cert);
		cert_free(old.cert);
	}
	key_free(fresh);
}

/* ---- names ---- */

/* A renewal keeps the subject that was granted, however it is made today. */
static void
test_template(void **state)
{
	struct who	 old, new;
	struct waited	 a;

	(void)state;
	waited_enroll("/named", "first", &old);
	assert_string_equal(old.cert->subject_text, "CN=device,O=Example");
	waited_reload(&(struct waited_pieces){
	    .template = "/O=Other/CN={CN}" });
	a = waited_request("/named", &old, "second", "/O=Example/CN=device",
	    NULL);
	waited_decide(waited_hold(&a), WAITING_APPROVE);
	waited_take(&a, &new);
	assert_string_equal(new.cert->subject_text, "CN=device,O=Example");
	assert_int_equal(store_number("SELECT count(*) FROM issued"
	    " WHERE supersedes = 1"), 1);
	cert_free(new.cert);
	cert_free(old.cert);
	csr_free(a.r);

	old.cert = waited_cert(&old_ca, 3, lab.now + DAY);
	a = waited_request("/moving", &old, "third", "/CN=device", NULL);
	waited_decide(waited_hold(&a), WAITING_APPROVE);
	waited_take(&a, &new);
	assert_string_equal(new.cert->subject_text, "CN=device");
	/* Kept for as long as it waits. */
	assert_int_equal(store_number("SELECT count(*) FROM txn"
	    " WHERE old IS NOT NULL"), 0);
	cert_free(new.cert);
	cert_free(old.cert);
	csr_free(a.r);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, waited_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_grace),
		TEST(test_superseded),
		TEST(test_migrated_twice),
		TEST(test_expired_meanwhile),
		TEST(test_while_made),
		TEST(test_template),
	};

	return cmocka_run_group_tests(tests, waited_setup, waited_teardown);
}
