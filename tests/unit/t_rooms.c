/*
 * Issuers elsewhere that take long: they and those who wait for copies have a
 * part of the workers, beside validators that have one too; and one renewal of
 * a certificate is made at a time. Whoever finds no room is told to try again,
 * and nothing is reserved for him. The issuer is a script here that waits for a
 * file and refuses.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "scep/wrap.h"
#include "service/doors_int.h"
#include "service_lab.h"
#include "store/waiting.h"
#include "util/file.h"

#define SECRET	"8CE317021F690069"
#define PATIENCE 3000		/* looks, 10 ms apart */

static const char	 issuing[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 9\n"
    "cat >/dev/null\n"
    "echo x >>begun\n"
    "until [ -e go ]; do sleep 0.02; done\n"
    "exit 40\n";

static const char	 validating[] =
    "#!/bin/sh\n"
    "cat >/dev/null\n"
    "echo x >>\"${0%/*}/asked\"\n";

#define END(name, issuer)	LAB_END_OF(name, issuer)		\
	"    profile = \"p\"; challenges = [ \"c\" ];\n"

static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "pipeline: { workers = %d; };\n"
    "endpoints = (\n"
    END("far", "x") "renew: { trusted = [ \"old.pem\" ]; }; },\n"
    END("asked", "x") "validator = \"v\"; },\n"
    END("manual", "x") "approval = \"manual\"; },\n"
    END("seen", "x") "validator = \"v\"; approval = \"manual\"; },\n"
    END("near", "i") "} );\n"
    "issuers = (" LAB_ISSUER ",\n"
    "  { name = \"x\"; type = \"exec\"; cert = \"ca.pem\"; timeout = 5;\n"
    "    command = [ \"%s\" ]; } );\n"
    "profiles = ( { name = \"p\"; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; } );\n"
    "validators = ( { name = \"v\"; command = [ \"%s\" ]; } );\n";

static struct who	 old_ca, old;

static void
begin(int workers)
{
	char	*issue = strdup(tool_file("issue", bytes_str(issuing), 0700));

	assert_non_null(issue);
	(void)unlink(tool_path("go"));
	(void)tool_file("begun", bytes_str(""), 0600);
	(void)tool_file("asked", bytes_str(""), 0600);
	lab_begin(text, workers, issue, tool_file("validate",
	    bytes_str(validating), 0700));
	free(issue);
}

static int
setup(void **state)
{
	int	 rc = lab_setup(state);

	lab_who(&old_ca, "Old CA", "ec:p256", KU_CA, NULL);
	lab_who(&old, "device", "rsa:2048", KU_RA, &old_ca);
	(void)tool_cert_file("old.pem", old_ca.cert);
	return rc;
}

static int
teardown(void **state)
{
	who_free(&old_ca);
	who_free(&old);
	return lab_teardown(state);
}

/* ---- requests ---- */

struct sent {
	const char	*path;
	const struct who *by;
	const char	*txid;		/* the same: a copy */
	int		 status;	/* of HTTP */
	pthread_t	 t;
};

static void
post(struct sent *s)
{
	struct csr	*r = lab_csr(SECRET);
	const struct scep_ask	 q = lab_question(SCEP_PKCSREQ, s->by,
				    s->txid, r->der);
	struct exchange	 x;

	lab_post(s->path, &q, &x);
	s->status = x.status;
	exchange_clear(&x);
	csr_free(r);
}

static int
answer(const char *path, const struct who *by, const char *txid)
{
	struct sent	 s = { .path = path, .by = by, .txid = txid };

	post(&s);
	return s.status;
}

static void *
post_it(void *arg)
{
	post(arg);
	return NULL;
}

static void
start(struct sent *s)
{
	assert_int_equal(pthread_create(&s->t, NULL, post_it, s), 0);
}

static void
assert_answered(struct sent *s)
{
	(void)pthread_join(s->t, NULL);
	assert_int_equal(s->status, 200);
}

static size_t
lines(const char *name)
{
	struct buf	 b = BUF_INIT(FILE_MAX);
	struct err	 e = ERR_INIT;
	size_t		 n;

	lab_ok(file_read(tool_path(name), &b, &e), &e);
	n = b.n / 2;
	buf_wipe(&b);
	return n;
}

static void
pause_shortly(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

/* So many are with the issuer, or were. */
static void
await_begun(size_t n)
{
	for (int i = 0; i < PATIENCE && lines("begun") < n; i++)
		pause_shortly();
	assert_int_equal(lines("begun"), n);
}

static void
go(void)
{
	(void)tool_file("go", bytes_str(""), 0600);
}

/* Somebody waits outside, and there is room for no other. */
static void
await_outside(const char *whom)
{
	struct err	 e = ERR_INIT;

	for (int i = 0; i < PATIENCE; i++) {
		if (doors_linger(lab.service->issuing, &e) == -1)
			break;
		doors_depart(lab.service->issuing);
		pause_shortly();
	}
	assert_err(&e, ERR_BUSY, "1 copies wait", whom);
}

#define COUNT(where)	store_number("SELECT count(*) FROM txn " where)

/* ---- one renewal at a time ---- */

static void
test_renewals(void **state)
{
	struct sent	 first = { "/far", &old, "1", 0, 0 };
	struct sent	 second = { "/far", &old, "2", 0, 0 };
	struct sent	 other = { "/far", &lab.device, "3", 0, 0 };

	(void)state;
	begin(8);
	start(&first);
	await_begun(1);
	start(&second);
	await_outside("the second");
	assert_int_equal(answer("/far", &old, "4"), 503);
	start(&other);
	await_begun(2);
	assert_int_equal(answer("/near", &lab.device, "5"), 200);
	assert_int_equal(COUNT("WHERE state = 'reserved'"), 2);
	assert_int_equal(COUNT(""), 3);
	go();
	assert_answered(&first);
	assert_answered(&second);
	assert_answered(&other);
	await_begun(3);
	assert_int_equal(COUNT("WHERE reason = 'issuer_refused'"), 3);
	/* Nobody is left inside. */
	assert_int_equal(answer("/far", &old, "6"), 200);
	await_begun(4);
}

/* ---- no room ---- */

static void
approve(const char *txid)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(answer("/manual", &lab.device, txid), 200);
	lab_ok(waiting_decide(lab.service->db, 1, WAITING_APPROVE, lab.now, "op",
	    &e), &e);
}

/* Those that may go to the issuer wait for a worker; one that comes by way of a
 * validator has one. */
static void
test_full(void **state)
{
	struct sent	 a = { "/far", &lab.device, "a", 0, 0 };
	struct sent	 b = { "/far", &lab.device, "b", 0, 0 };
	struct sent	 c = { "/far", &lab.device, "c", 0, 0 };
	struct sent	 m = { "/manual", &lab.device, "m", 0, 0 };

	(void)state;
	begin(4);
	approve("m");
	start(&a);
	start(&b);
	await_begun(2);
	start(&c);
	start(&m);
	/* The validator is not asked in vain. */
	assert_int_equal(answer("/asked", &lab.device, "v"), 503);
	assert_int_equal(lines("asked"), 0);
	/* What an operator is to look at needs no issuer yet. */
	assert_int_equal(answer("/seen", &lab.device, "s"), 200);
	assert_int_equal(lines("asked"), 1);
	assert_int_equal(COUNT("WHERE state = 'pending'"), 1);
	assert_int_equal(answer("/near", &lab.device, "n"), 200);
	assert_int_equal(lines("begun"), 2);
	assert_int_equal(COUNT("WHERE state = 'reserved'"), 2);
	assert_int_equal(COUNT("WHERE state = 'approved'"), 1);
	go();
	assert_answered(&a);
	assert_answered(&b);
	assert_answered(&c);
	assert_answered(&m);
	assert_int_equal(answer("/asked", &lab.device, "v"), 200);
	assert_int_equal(lines("asked"), 2);
	assert_int_equal(COUNT("WHERE state = 'approved'"), 0);
	await_begun(5);
}

/* ---- copies ---- */

static void
test_copies(void **state)
{
	struct sent	 first = { "/far", &lab.device, "a", 0, 0 };
	struct sent	 copy = first;

	(void)state;
	begin(8);
	start(&first);
	await_begun(1);
	start(&copy);
	await_outside("the copy");
	assert_int_equal(answer("/far", &lab.device, "a"), 503);
	go();
	assert_answered(&first);
	assert_answered(&copy);
	assert_int_equal(lines("begun"), 1);
	assert_int_equal(COUNT(""), 1);
	/* It is outside no more. */
	lab_ok(doors_linger(lab.service->issuing, &(struct err)ERR_INIT),
	    &(struct err)ERR_INIT);
	doors_depart(lab.service->issuing);
}

/* ---- how many ---- */

/* How many go in, up to so many. */
static size_t
fill(struct doors *d, size_t max, const char *why)
{
	struct err	 e = ERR_INIT;
	uint8_t		 key[DOOR_KEY] = { 0 };
	size_t		 n;

	for (n = 0; n < max; n++) {
		key[0] = (uint8_t)(n + 1);
		if (doors_look(d, key, &e) == -1)
			break;
		lab_ok(doors_enter(d, key, 0, &e), &e);
	}
	if (n == max)
		return n;
	assert_err(&e, ERR_BUSY, why, "full");
	err_clear(&e);
	assert_int_equal(doors_enter(d, key, 0, &e), -1);
	assert_err(&e, ERR_BUSY, why, "entered");
	return n;
}

static void
empty(struct doors *d, size_t n)
{
	uint8_t	 key[DOOR_KEY] = { 0 };

	for (; n > 0; n--) {
		key[0] = (uint8_t)n;
		doors_asked(d);
		doors_leave(d, key);
	}
}

/* Half of the workers for each, all but one for both. */
static void
test_beside(void **state)
{
	static const struct {
		size_t	 workers, each, both;
	} rows[] = {
		{ 1, 1, 1 }, { 2, 1, 1 }, { 3, 1, 2 }, { 4, 2, 3 },
		{ 5, 2, 4 }, { 8, 4, 7 }
	};
	struct err	 e = ERR_INIT;
	struct doors	*d[2];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		size_t	 rest = rows[i].both - rows[i].each;

		lab_ok(doors_new(rows[i].workers, &d[0], &e), &e);
		lab_ok(doors_beside(d[0], "others", "one", &d[1], &e), &e);
		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(fill(d[k], 99, k == 0 ?
			    "wait for validators" : "wait for others"),
			    rows[i].each);
			assert_int_equal(fill(d[1 - k], 99,
			    rest < rows[i].each ? "requests wait for others" :
			    "requests wait for "), rest);
			empty(d[k], rows[i].each);
			empty(d[1 - k], rest);
		}
		doors_free(d[1]);
		doors_free(d[0]);
	}
}

/* Who waits elsewhere has room outside alone, and takes it from those inside. */
static void
test_linger(void **state)
{
	struct err	 e = ERR_INIT;
	struct doors	*d;

	(void)state;
	lab_ok(doors_new(8, &d, &e), &e);
	lab_ok(doors_linger(d, &e), &e);
	assert_int_equal(doors_linger(d, &e), -1);
	assert_err(&e, ERR_BUSY, "1 copies wait", "a second");
	err_clear(&e);
	assert_int_equal(fill(d, 99, "4 requests wait"), 3);
	doors_depart(d);
	empty(d, 3);
	assert_int_equal(fill(d, 99, "4 requests wait"), 4);
	assert_int_equal(doors_linger(d, &e), -1);
	assert_err(&e, ERR_BUSY, "4 requests wait", "no room");
	empty(d, 4);
	doors_free(d);
	err_clear(&e);
	lab_ok(doors_new(4, &d, &e), &e);
	assert_int_equal(doors_linger(d, &e), -1);
	assert_err(&e, ERR_BUSY, "0 copies wait", "few workers");
	doors_free(d);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_teardown(f, lab_end)
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_linger),
		TEST(test_renewals),
		TEST(test_full),
		TEST(test_copies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
