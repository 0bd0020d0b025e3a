/*
 * Requests that wait for an operator, whose settings are changed in the
 * meantime.
 */
#include "scep/wrap.h"
#include "waited_lab.h"

enum how { BY_C, BY_D, BY_STORE, BY_OLD, BY_OLD_X, BY_FORMER, BY_FOREIGN };

/* One that waits, allowed by that; what it was signed with is *by. */
static struct waited
ask_by(enum how how, const char *txid, struct who *by)
{
	struct minted	 m;
	struct waited	 a;

	*by = lab.device;
	switch (how) {
	case BY_C:
	case BY_D:
		return waited_request("/manual", &lab.device, txid,
		    "/CN=device", how == BY_C ? SECRET : OTHER);
	case BY_STORE:
		m = waited_mint("manual", "t");
		a = waited_request("/manual", &lab.device, txid, "/CN=device",
		    buf_cstr(&m.secret));
		buf_wipe(&m.secret);
		return a;
	case BY_OLD:
	case BY_OLD_X:
		waited_issue(&lab.ca, "manual", how == BY_OLD ? "p" : "x",
		    (uint8_t)txid[1], lab.now + DAY, by);
		return waited_request("/manual", by, txid, "/CN=device", NULL);
	case BY_FORMER:
		waited_issue(&old_ca, "moving", "p", (uint8_t)txid[1],
		    lab.now + DAY, by);
		return waited_request("/moving", by, txid, "/CN=device", NULL);
	case BY_FOREIGN:
		by->cert = waited_cert(&old_ca, (uint8_t)txid[1],
		    lab.now + DAY);
		return waited_request("/moving", by, txid, "/CN=device", NULL);
	}
	fail();
	return (struct waited){ .path = NULL };
}

/* A reload while it waits counts as the manual says, approved or not. */
static void
test_settings(void **state)
{
#define BOTH	"challenges = [ \"c\", \"d\" ];"
#define RENEW(x) BOTH "renew: { " x " };"
	static const struct {
		const char		*name;
		enum how		 how;
		struct waited_pieces	 then;
		enum waiting_word	 word;
		const char		*end;
	} rows[] = {
		{ "nothing", BY_OLD, { .p = NULL }, WAITING_APPROVE, "issued" },
		{ "no renewals", BY_OLD,
		    { .listed = RENEW("allowed = false;") }, WAITING_APPROVE,
		    "renewal_off" },
		{ "no renewals, enrolls", BY_C,
		    { .listed = RENEW("allowed = false;") }, WAITING_APPROVE,
		    "issued" },
		{ "later renewals", BY_OLD,
		    { .listed = RENEW("window = 60;") }, WAITING_APPROVE,
		    "issued" },

		{ "nothing, foreign", BY_FOREIGN, { .p = NULL }, WAITING_APPROVE,
		    "issued" },
		{ "trusted no more", BY_FOREIGN, { .trusted = "" },
		    WAITING_APPROVE, "renewal_signer" },
		{ "another is", BY_FOREIGN,
		    { .trusted = "trusted = [ \"ca.pem\" ];" },
		    WAITING_APPROVE, "renewal_signer" },

		{ "nothing, of a former CA", BY_FORMER, { .p = NULL },
		    WAITING_APPROVE, "issued" },
		{ "that is trusted no more", BY_FORMER, { .trusted = "" },
		    WAITING_APPROVE, "renewal_signer" },

		{ "other keys", BY_C,
		    { .p = "key_types = [ \"ec\" ];" }, WAITING_APPROVE,
		    "csr_key" },
		{ "other keys, renews", BY_OLD,
		    { .p = "key_types = [ \"ec\" ];" }, WAITING_APPROVE,
		    "csr_key" },
		{ "other keys, of another profile", BY_D,
		    { .listed = BOTH, .p = "key_types = [ \"ec\" ];" },
		    WAITING_APPROVE, "issued" },
		{ "other names", BY_C,
		    { .p = "subject_patterns = [ \"CN exact a\" ];" },
		    WAITING_APPROVE, "subject_pattern" },
		{ "other names, renews", BY_OLD,
		    { .p = "subject_patterns = [ \"CN exact a\" ];" },
		    WAITING_APPROVE, "subject_pattern" },
		{ "names needed", BY_C,
		    { .p = "san_required = [ \"dns\" ];" }, WAITING_APPROVE,
		    "san_required" },

		{ "another profile", BY_C, { .profile = "x" },
		    WAITING_APPROVE, "transaction_ended" },
		{ "another profile, foreign", BY_FOREIGN,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
		{ "another profile, renews", BY_OLD,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
		{ "that is gone, renews", BY_OLD_X, { .x = "" },
		    WAITING_APPROVE, "renewal_profile" },
		{ "another, the challenge's counts", BY_D,
		    { .listed = BOTH, .profile = "x" }, WAITING_APPROVE,
		    "issued" },
		{ "the challenge has another", BY_D,
		    { .listed = BOTH, .d = "profile = \"x\";" },
		    WAITING_APPROVE, "transaction_ended" },
		{ "the challenge has none", BY_D,
		    { .listed = BOTH, .d = "" }, WAITING_APPROVE,
		    "transaction_ended" },
		{ "the challenge is gone", BY_D, { .p = NULL },
		    WAITING_APPROVE, "challenge_disabled" },
		{ "as is known", BY_D, { .p = NULL }, WAITING_APPROVE_DESPITE,
		    "issued" },
		{ "another, the store's counts", BY_STORE,
		    { .profile = "x" }, WAITING_APPROVE, "issued" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char		 txid[8];
		struct waited	 a;
		struct who	 by;
		int64_t		 id;

		waited_reload(&(struct waited_pieces){ .listed = BOTH });
		(void)snprintf(txid, sizeof(txid), "s%c", 'A' + (int)i);
		a = ask_by(rows[i].how, txid, &by);
		id = waited_hold(&a);
		waited_reload(&rows[i].then);
		waited_decide(id, rows[i].word);
		if ((waited_answer(&a) == SCEP_SUCCESS) !=
		    (strcmp(rows[i].end, "issued") == 0))
			fail_msg("%s", rows[i].name);
		waited_assert_end(id, rows[i].end);
		csr_free(a.r);
		if (by.cert != lab.device.cert)
			cert_free(by.cert);
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, waited_begin, lab_end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, waited_setup, waited_teardown);
}
