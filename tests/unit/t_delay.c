/*
 * Answers that wait: each is given once, in its time, not beyond a number, and
 * at once when the end comes.
 */
#include "pki_tool.h"

#include <semaphore.h>

#include "service/guard_int.h"
#include "util/clock.h"

struct item {
	struct exchange	 x;
	sem_t		 done;
	atomic_int	 answered;
	int64_t		 when_us;
};

static void
item_done(struct exchange *x, void *arg)
{
	struct item	*it = arg;

	assert_ptr_equal(x, &it->x);
	it->when_us = clock_mono_us();
	atomic_fetch_add(&it->answered, 1);
	sem_post(&it->done);
}

static void
item_init(struct item *it)
{
	memset(it, 0, sizeof(*it));
	assert_int_equal(sem_init(&it->done, 0, 0), 0);
	it->x.done = item_done;
	it->x.arg = it;
}

static void
item_wait(struct item *it)
{
	while (sem_wait(&it->done) == -1)
		continue;
}

static struct delays *
open_delays(size_t max)
{
	struct err	 e = { .reason = ERR_NONE };
	struct delays	*d;

	assert_int_equal(delays_new(max, &d, &e), 0);
	return d;
}

static void
is(struct delays *d, int64_t total, int64_t waiting)
{
	int64_t	 t, w;

	delays_count(d, &t, &w);
	assert_int_equal(t, total);
	assert_int_equal(w, waiting);
}

static void
test_time(void **state)
{
	struct delays	*d = open_delays(8);
	struct item	 late, soon;
	int64_t		 begin = clock_mono_us();

	(void)state;
	item_init(&late);
	item_init(&soon);
	assert_int_equal(delays_put(d, &late.x, 2), 0);
	assert_int_equal(delays_put(d, &soon.x, 1), 0);
	is(d, 2, 2);
	item_wait(&soon);
	assert_true(soon.when_us - begin >= 1000000);
	assert_int_equal(atomic_load(&late.answered), 0);
	item_wait(&late);
	assert_true(late.when_us - begin >= 2000000);
	is(d, 2, 0);
	delays_free(d);
	assert_int_equal(atomic_load(&late.answered), 1);
	assert_int_equal(atomic_load(&soon.answered), 1);
}

static void
test_full(void **state)
{
	struct delays	*d = open_delays(2);
	struct item	 it[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		item_init(&it[i]);
		assert_int_equal(delays_put(d, &it[i].x, 3600),
		    i < 2 ? 0 : -1);
	}
	is(d, 2, 2);
	delays_free(d);
	assert_int_equal(atomic_load(&it[0].answered), 1);
	assert_int_equal(atomic_load(&it[1].answered), 1);
	assert_int_equal(atomic_load(&it[2].answered), 0);
	delays_free(NULL);
}

static void
test_end(void **state)
{
	struct delays	*d = open_delays(2);
	struct item	 it;

	(void)state;
	item_init(&it);
	assert_int_equal(delays_put(d, &it.x, 3600), 0);
	delays_end(d);
	item_wait(&it);
	assert_int_equal(delays_put(d, &it.x, 3600), -1);
	delays_free(d);
	assert_int_equal(atomic_load(&it.answered), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
