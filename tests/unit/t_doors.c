/*
 * Doors: who waits while a request like his is asked about, and for how many
 * there is room.
 */
#include <pthread.h>

#include "pki_tool.h"
#include "service/doors_int.h"

struct visitor {
	struct doors	*doors;
	int		 rc;
	struct err	 e;
};

static void *
visit(void *arg)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 };
	struct visitor		*v = arg;

	/* Whoever looks whether it waits is outside for a moment himself. */
	do {
		err_clear(&v->e);
		v->rc = doors_enter(v->doors, key, 30, &v->e);
	} while (v->rc == -1 && strstr(v->e.text, "copies wait") != NULL);
	if (v->rc == 0) {
		doors_asked(v->doors);
		doors_leave(v->doors, key);
	}
	return NULL;
}

static void
test_doors(void **state)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 }, other[DOOR_KEY] = { 2 };
	struct visitor		 v = { .rc = -2 };
	struct err		 e = ERR_INIT;
	pthread_t		 t;

	(void)state;
	assert_int_equal(doors_new(8, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(doors_enter(v.doors, other, 30, &e), 0);
	doors_leave(v.doors, other);
	assert_int_equal(doors_enter(v.doors, key, 0, &e), -1);
	assert_err(&e, ERR_BUSY, "the same request", "worked on");
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	doors_leave(v.doors, key);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, 0);
	err_clear(&e);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	doors_stop(v.doors);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, -1);
	assert_int_equal(v.e.reason, ERR_BUSY);
	doors_leave(v.doors, key);
	doors_free(v.doors);
}

/* Half of the workers wait, also outside; whoever has asked waits no more. */
static void
test_doors_room(void **state)
{
	static const struct { size_t workers, room; } rows[] = {
		{ 1, 1 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 9, 4 }, { 32, 16 }
	};
	uint8_t			 key[DOOR_KEY] = { 0 };
	struct doors		*d;
	struct err		 e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err_clear(&e);
		assert_int_equal(doors_new(rows[i].workers, &d, &e), 0);
		for (key[0] = 0; key[0] < rows[i].room; key[0]++)
			assert_int_equal(doors_enter(d, key, 30, &e), 0);
		assert_int_equal(doors_enter(d, key, 30, &e), -1);
		assert_err(&e, ERR_BUSY, "wait for validators", "requests");
		err_clear(&e);
		doors_asked(d);
		assert_int_equal(doors_enter(d, key, 30, &e), 0);
		for (key[0] = 0; key[0] <= rows[i].room; key[0]++)
			doors_leave(d, key);
		doors_free(d);
	}
}

static bool
is_outside(struct doors *d, const uint8_t key[DOOR_KEY])
{
	struct err	 e = ERR_INIT;

	assert_int_equal(doors_enter(d, key, 0, &e), -1);
	return strstr(e.text, "copies wait") != NULL;
}

/* Less than half of the room is for copies; the rest is for other requests. */
static void
test_doors_copies(void **state)
{
	static const uint8_t	 key[DOOR_KEY] = { 1 };
	uint8_t			 other[DOOR_KEY] = { 2 };
	struct visitor		 v = { .rc = -2 };
	struct err		 e = ERR_INIT;
	pthread_t		 t;

	(void)state;
	assert_int_equal(doors_new(4, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_true(is_outside(v.doors, key));
	doors_leave(v.doors, key);
	doors_free(v.doors);

	assert_int_equal(doors_new(8, &v.doors, &e), 0);
	assert_int_equal(doors_enter(v.doors, key, 30, &e), 0);
	assert_int_equal(pthread_create(&t, NULL, visit, &v), 0);
	while (!is_outside(v.doors, key))
		continue;
	for (; other[0] < 4; other[0]++)
		assert_int_equal(doors_enter(v.doors, other, 30, &e), 0);
	doors_leave(v.doors, key);
	(void)pthread_join(t, NULL);
	assert_int_equal(v.rc, 0);
	for (other[0] = 2; other[0] < 4; other[0]++)
		doors_leave(v.doors, other);
	doors_free(v.doors);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_doors_room),
		cmocka_unit_test(test_doors_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
