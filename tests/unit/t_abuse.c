/*
 * Who is delayed and who is locked: sequences of what an address does, with the
 * time as an argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/abuse_int.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define T0	1000000
#define A	"192.0.2.1"
#define MANY	64

static const struct conf defaults = {
	.abuse_free = 5, .abuse_window = 80, .abuse_delay_max = 5,
	.abuse_lock_after = 10, .abuse_lock_time = 100,
	.abuse_endpoint_after = 0
};

static struct abuse *
open_abuse(void)
{
	struct err e = { .reason = ERR_NONE };
	struct abuse *a;

	assert_int_equal(abuse_new(&a, &e), 0);
	return a;
}

/*
 * What an address does, one step a letter, and what comes of each:
 *
 *	f	a failure, if it is let in; its delay in seconds, L if it locks, R
 *		if it rations; l: it is locked, r: it has no guess left
 *	s	a success: .
 *	n	what proves nothing, if it is let in: . or r
 *	?	. or L: is it locked
 *	1-9	so many tens of seconds pass: .
 *	w	a week passes, less ten seconds: .
 *	-	the clock is put back by an hour: .
 *	t	the tick: . or E for each lock that ends
 */
static const struct {
	const char	*name;
	const char	*steps;
	const char	*wanted;
} sequences[] = {
	{ "delay, then lock",
	    "ffffffffff?",
	    "000001245LL" },
	{ "unlocked by time",
	    "ffffffffff9?1?t?",
	    "000001245L.L..E." },
	{ "counted anew behind a lock",
	    "ffffffffff91tffffff",
	    "000001245L..E000001" },
	{ "the window passes",
	    "fffff8fffff",
	    "00000.00000" },
	{ "the window has not passed yet",
	    "fffff7f?",
	    "00000.1." },
	{ "the window moves on by parts of it",
	    "fff3fff5fff",
	    "000.001.001" },
	{ "a success makes up for four",
	    "sffffffffffffff?",
	    ".000000000" "1245R" "." },
	{ "a success lowers what is counted",
	    "ffffffffsf?",
	    "00000124.0." },
	{ "and ends a lock",
	    "ffffffffffs?t?",
	    "000001245L..E." },
	{ "successes leave the window too",
	    "s8ffffffffff?",
	    "..000001245R." },
	{ "known for a week, then a stranger",
	    "sw1ffffffffff?",
	    "...000001245LL" },
	{ "nearly a week",
	    "swffffffffff?",
	    "..000001245R." },
	{ "who has succeeded has as many guesses again, then one at a time",
	    "sffffffffffffff" "ffffffffffff?n" "1fff" "1ff",
	    ".0000000001245R" "5555555555rr.r" ".55r" ".55" },
	{ "a success brings four back",
	    "sffffffffffffff" "fffffffffff" "sffffff?",
	    ".0000000001245R" "5555555555r" ".5555rr." },
	{ "what proves nothing costs nothing",
	    "sffffffffffffff" "nnnnnnnnnnnnffffffffffff?",
	    ".0000000001245R" "............5555555555rr." },
	{ "the window ends it",
	    "sffffffffffffff" "ffffffffffff9ff",
	    ".0000000001245R" "5555555555rr.00" },
	{ "a mixed host",
	    "sffffsffffsffffsffffsffff?",
	    ".0000.0000.0000.0000.0000." },
	{ "a clock put back forgets nothing",
	    "fffffffff-f?",
	    "000001245.LL" },
	{ "nor does a lock last longer for it",
	    "ffffffffff-?9?1?",
	    "000001245L.L.L.." },
};

static char
step(struct abuse *a, const struct conf *c, char what, int64_t *now)
{
	struct abuse_verdict v;
	struct abuse_leave l;
	struct lockout out[4];

	switch (what) {
	case 'f':
	case 'n':
		abuse_enter(a, c, A, *now, &l);
		if (l.locked > 0 || l.rationed > 0)
			return l.locked > 0 ? 'l' : 'r';
		if (what == 'n') {
			abuse_left(a, A, &l);
			return '.';
		}
		abuse_failed(a, c, A, "scep", *now, &v);
		return v.locks ? 'L' : v.rations > 0 ? 'R' :
		    (char)('0' + v.delay);
	case 's':
		abuse_enter(a, c, A, *now, &l);
		abuse_succeeded(a, c, A, &l, *now);
		return '.';
	case 'w':
		*now += ABUSE_REMEMBER - 10;
		return '.';
	case '?':
		return abuse_locked(a, c, A, *now) > 0 ? 'L' : '.';
	case 't':
		return abuse_changes(a, c, *now, out, 4) == 1 &&
		    out[0].until <= *now ? 'E' : '.';
	case '-':
		*now -= 3600;
		return '.';
	default:
		*now += 10 * (what - '0');
		return '.';
	}
}

static void
test_sequences(void **state)
{
	char got[MANY];
	struct abuse *a;
	int64_t now;
	size_t i, k;

	(void)state;
	for (i = 0; i < N(sequences); i++) {
		a = open_abuse();
		now = T0;
		memset(got, 0, sizeof(got));
		for (k = 0; sequences[i].steps[k] != '\0'; k++)
			got[k] = step(a, &defaults, sequences[i].steps[k],
			    &now);
		if (strcmp(got, sequences[i].wanted) != 0)
			fail_msg("%s: %s\n%s\nnot\n%s", sequences[i].name,
			    sequences[i].steps, got, sequences[i].wanted);
		abuse_free(a);
	}
	abuse_free(NULL);
}

static unsigned
fail_until_locked(struct abuse *a, const struct conf *c, const char *peer,
    unsigned most)
{
	struct abuse_verdict v;
	unsigned n;

	for (n = 1; n <= most; n++) {
		abuse_failed(a, c, peer, "scep", T0, &v);
		if (v.locks)
			return n;
	}
	return 0;
}

static void
test_settings(void **state)
{
	struct conf c = defaults;
	struct abuse *a = open_abuse();
	struct abuse_verdict v;

	(void)state;
	/* 0: never */
	c.abuse_lock_after = 0;
	assert_int_equal(fail_until_locked(a, &c, A, 1000), 0);
	c.abuse_delay_max = 0;
	abuse_failed(a, &c, A, "scep", T0, &v);
	assert_int_equal(v.delay, 0);
	c.abuse_delay_max = 60;
	abuse_failed(a, &c, A, "scep", T0, &v);
	assert_int_equal(v.delay, 60);
	/* A reload that locks has what was counted before. */
	c.abuse_lock_after = 10;
	assert_int_equal(fail_until_locked(a, &c, A, 10), 1);
	assert_int_equal(abuse_locked(a, &c, A, T0), 100);
	assert_int_equal(abuse_locked(a, &c, A, T0 + 99), 1);
	/* One that shortens the time, or locks nobody, ends locks. */
	c.abuse_lock_time = 7;
	assert_int_equal(abuse_locked(a, &c, A, T0), 7);
	c.abuse_lock_after = 0;
	assert_int_equal(abuse_locked(a, &c, A, T0), 0);
	abuse_free(a);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char	*locked;
		const char	*asks;
		bool		 same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "2001:db8:0:1::1", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		struct abuse *a = open_abuse();

		assert_int_equal(fail_until_locked(a, &defaults,
		    rows[i].locked, 20), 10);
		if ((abuse_locked(a, &defaults, rows[i].asks, T0) > 0) !=
		    rows[i].same)
			fail_msg("%s, %s", rows[i].locked, rows[i].asks);
		abuse_free(a);
	}
}

/* What is no address is never locked, for it could be anybody. */
static void
test_no_address(void **state)
{
	struct abuse *a = open_abuse();
	struct abuse_leave l;

	(void)state;
	assert_int_equal(fail_until_locked(a, &defaults, "", 1000), 0);
	assert_int_equal(fail_until_locked(a, &defaults, "unix", 1000), 0);
	assert_int_equal(abuse_locked(a, &defaults, "", T0), 0);
	abuse_enter(a, &defaults, "", T0, &l);
	assert_true(l.locked == 0 && l.rationed == 0 && !l.taken);
	abuse_succeeded(a, &defaults, "", &l, T0);
	abuse_left(a, "", &l);
	abuse_remember(a, "", T0);
	assert_int_equal(abuse_count_locked(a), 0);
	abuse_free(a);
}

/* Others, each once: they push each other out, and nothing else. */
static void
test_crowd(void **state)
{
	struct abuse *a = open_abuse();
	struct abuse_verdict v;
	char peer[32];
	unsigned i;

	(void)state;
	assert_int_equal(fail_until_locked(a, &defaults, A, 20), 10);
	for (i = 0; i < 40 * ABUSE_ADDRESSES; i++) {
		(void)snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		abuse_failed(a, &defaults, peer, "scep", T0, &v);
		assert_false(v.locks);
	}
	assert_int_equal(abuse_locked(a, &defaults, A, T0), 100);
	assert_int_equal(abuse_count_locked(a), 1);
	/* The newest of them are known, the oldest are not. */
	assert_int_equal(fail_until_locked(a, &defaults, peer, 20), 9);
	assert_int_equal(fail_until_locked(a, &defaults, "10.0.0.0", 20), 10);
	abuse_free(a);
}

/* Strangers push out strangers, not whom we know; whom we know makes room for
 * others that we know. */
static void
test_known_stay(void **state)
{
	struct abuse *a = open_abuse();
	struct abuse_verdict v;
	char peer[32];
	unsigned i;

	(void)state;
	abuse_remember(a, A, T0 - ABUSE_REMEMBER + 2);
	for (i = 0; i < 40 * ABUSE_ADDRESSES; i++) {
		(void)snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		abuse_failed(a, &defaults, peer, "scep", T0, &v);
	}
	assert_int_equal(fail_until_locked(a, &defaults, A, 1000), 0);
	for (i = 0; i < 40 * ABUSE_ADDRESSES; i++) {
		(void)snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		abuse_remember(a, peer, T0);
	}
	assert_int_equal(fail_until_locked(a, &defaults, peer, 1000), 0);
	assert_int_equal(fail_until_locked(a, &defaults, A, 1000), 10);
	abuse_free(a);
}

/* After a start: who had a certificate behind the lock is not locked. */
static void
test_remembered(void **state)
{
	const struct lockout row = { .address = A, .endpoint = "scep",
	    .since = T0, .until = T0 + 100, .failures = 10 };
	struct abuse *a = open_abuse();
	struct lockout out[4];

	(void)state;
	abuse_adopt(a, &row);
	abuse_remember(a, A, T0 - 5);
	assert_int_equal(abuse_locked(a, &defaults, A, T0 + 1), 99);
	abuse_remember(a, A, T0 + 5);
	assert_int_equal(abuse_locked(a, &defaults, A, T0 + 6), 0);
	assert_int_equal(abuse_changes(a, &defaults, T0 + 6, out, 4), 1);
	assert_int_equal(out[0].until, 0);
	assert_int_equal(fail_until_locked(a, &defaults, A, 1000), 0);
	abuse_free(a);
}

/* Locks everywhere: none is given up, whoever finds no room has the longest
 * delay. */
static void
test_all_locked(void **state)
{
	struct conf c = defaults;
	struct abuse *a = open_abuse();
	struct abuse_verdict v;
	char peer[32];
	int64_t n = 0;
	unsigned i;

	(void)state;
	c.abuse_lock_after = 1;
	for (i = 0; i < 8 * ABUSE_ADDRESSES; i++) {
		(void)snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		abuse_failed(a, &c, peer, "scep", T0, &v);
		n += v.locks;
		if (!v.locks)
			assert_int_equal(v.delay, 5);
	}
	assert_int_equal(n, ABUSE_ADDRESSES);
	assert_int_equal(abuse_count_locked(a), ABUSE_ADDRESSES);
	assert_true(abuse_locked(a, &c, "10.0.0.0", T0) > 0);
	abuse_free(a);
}

static void
test_endpoint(void **state)
{
	struct conf c = defaults;
	struct abuse_endpoint out[ABUSE_ENDPOINTS];
	struct abuse *a = open_abuse();
	struct abuse_verdict v;
	char name[16];
	unsigned i;

	(void)state;
	c.abuse_endpoint_after = 10;
	c.abuse_lock_after = 0;
	for (i = 1; i <= 20; i++) {
		abuse_failed(a, &c, "", "scep", T0, &v);
		assert_int_equal(v.alarm, i == 10 ? 10 : 0);
		assert_int_equal(v.delay, 0);
	}
	abuse_failed(a, &c, "", "other", T0, &v);
	assert_int_equal(v.alarm, 0);
	assert_int_equal(abuse_endpoints(a, &c, T0, out), 2);
	assert_string_equal(out[0].name, "scep");
	assert_int_equal(out[0].failures, 20);
	assert_true(out[0].alarm && !out[0].ended);
	assert_true(!out[1].alarm && !out[1].ended);
	/* Told once that it is over, and again if it comes back. */
	assert_int_equal(abuse_endpoints(a, &c, T0 + 80, out), 2);
	assert_true(!out[0].alarm && out[0].ended);
	assert_int_equal(abuse_endpoints(a, &c, T0 + 80, out), 2);
	assert_true(!out[0].alarm && !out[0].ended);
	for (i = 1; i <= 10; i++)
		abuse_failed(a, &c, "", "scep", T0 + 80, &v);
	assert_int_equal(v.alarm, 10);
	/* More endpoints than are counted. */
	for (i = 0; i < 2 * ABUSE_ENDPOINTS; i++) {
		(void)snprintf(name, sizeof(name), "e%u", i);
		abuse_failed(a, &c, "", name, T0 + 80, &v);
	}
	assert_int_equal(abuse_endpoints(a, &c, T0 + 80, out),
	    ABUSE_ENDPOINTS);
	abuse_free(a);
}

/* ---- beside the store ---- */

static void
test_store(void **state)
{
	struct abuse *a = open_abuse(), *b;
	struct lockout out[4], row;

	(void)state;
	assert_false(abuse_look(a));
	assert_int_equal(abuse_changes(a, &defaults, T0, out, 4), 0);
	assert_int_equal(fail_until_locked(a, &defaults, A, 20), 10);
	assert_int_equal(abuse_changes(a, &defaults, T0, out, 4), 1);
	/* The store could not take it: it comes again. */
	assert_int_equal(abuse_changes(a, &defaults, T0, out, 4), 1);
	row = out[0];
	assert_string_equal(row.address, A);
	assert_string_equal(row.endpoint, "scep");
	assert_int_equal(row.since, T0);
	assert_int_equal(row.until, T0 + 100);
	assert_int_equal(row.failures, 10);
	/* Not in the store yet, so nobody took it out. */
	assert_true(abuse_look(a));
	assert_int_equal(abuse_cleared(a, out, 4), 0);
	abuse_stored(a, &row, 1);
	assert_int_equal(abuse_changes(a, &defaults, T0, out, 4), 0);
	assert_true(abuse_look(a));
	abuse_found(a, &row);
	assert_int_equal(abuse_cleared(a, out, 4), 0);
	/* A restart keeps it. */
	b = open_abuse();
	abuse_adopt(b, &row);
	abuse_adopt(b, &row);
	assert_int_equal(abuse_count_locked(b), 1);
	assert_int_equal(abuse_locked(b, &defaults, A, T0 + 60), 40);
	assert_int_equal(abuse_changes(b, &defaults, T0, out, 4), 0);
	assert_int_equal(abuse_changes(b, &defaults, T0 + 100, out, 4), 1);
	assert_true(out[0].until <= T0 + 100);
	assert_int_equal(abuse_count_locked(b), 0);
	abuse_free(b);
	/* An operator ends it: it begins at nothing. */
	assert_true(abuse_look(a));
	assert_int_equal(abuse_cleared(a, out, 4), 1);
	assert_string_equal(out[0].address, A);
	assert_int_equal(abuse_locked(a, &defaults, A, T0), 0);
	assert_int_equal(abuse_changes(a, &defaults, T0, out, 4), 0);
	assert_int_equal(fail_until_locked(a, &defaults, A, 20), 10);
	abuse_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_known_stay),
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_all_locked),
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
