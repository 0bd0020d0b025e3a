#include "pki_tool.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "service/pool_int.h"

#define PATIENCE	20000	/* ms; nothing here takes so long */

/* What the workers do: wait until they may, and count. */
struct work {
	sem_t		 started, may_go, done;
	atomic_int	 ran, finished, other_arg;
	pthread_mutex_t	 lock;
	int		 order[1024];
	int		 n;
};

struct item {
	struct exchange	 x;
	int		 id;
	struct work	*w;
};

static void
item_done(struct exchange *x, void *arg)
{
	struct item	*it = arg;

	if (x != &it->x)
		atomic_fetch_add(&it->w->other_arg, 1);
	atomic_fetch_add(&it->w->finished, 1);
	sem_post(&it->w->done);
}

static void
note(struct work *w, const struct exchange *x)
{
	const struct item	*it = x->arg;

	if (it->w != w)
		atomic_fetch_add(&w->other_arg, 1);
	pthread_mutex_lock(&w->lock);
	w->order[w->n++] = it->id;
	pthread_mutex_unlock(&w->lock);
	atomic_fetch_add(&w->ran, 1);
}

static enum service_when
run_gated(struct exchange *x, void *arg)
{
	struct work	*w = arg;

	sem_post(&w->started);
	while (sem_wait(&w->may_go) == -1)
		continue;
	note(w, x);
	return SERVICE_NOW;
}

static enum service_when
run_free(struct exchange *x, void *arg)
{
	note(arg, x);
	return SERVICE_NOW;
}

static void
work_init(struct work *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(sem_init(&w->started, 0, 0), 0);
	assert_int_equal(sem_init(&w->may_go, 0, 0), 0);
	assert_int_equal(sem_init(&w->done, 0, 0), 0);
	pthread_mutex_init(&w->lock, NULL);
}

static void
item_init(struct item *it, int id, struct work *w)
{
	memset(it, 0, sizeof(*it));
	it->x.done = item_done;
	it->x.arg = it;
	it->id = id;
	it->w = w;
}

static struct pool *
open_pool(size_t workers, size_t queue, enum service_when (*run)(struct exchange *, void *),
    struct work *w)
{
	struct pool	*p = NULL;
	struct err	 e = ERR_INIT;

	assert_int_equal(pool_new(workers, queue, run, w, &p, &e), 0);
	assert_non_null(p);
	return p;
}

static void
wait_for(sem_t *s, int n)
{
	for (; n > 0; n--)
		while (sem_wait(s) == -1)
			continue;
}

static void
allow(struct work *w, int n)
{
	for (; n > 0; n--)
		sem_post(&w->may_go);
}

static void
test_full(void **state)
{
	struct work	 w;
	struct item	 it[6];
	struct pool	*p;

	(void)state;
	work_init(&w);
	p = open_pool(2, 3, run_gated, &w);
	for (int i = 0; i < 6; i++)
		item_init(&it[i], i, &w);
	/* Two run, three wait, the sixth finds no place. */
	assert_int_equal(pool_put(p, &it[0].x), 0);
	assert_int_equal(pool_put(p, &it[1].x), 0);
	wait_for(&w.started, 2);
	for (int i = 2; i < 5; i++)
		assert_int_equal(pool_put(p, &it[i].x), 0);
	assert_int_equal(pool_put(p, &it[5].x), -1);
	assert_int_equal(pool_put(p, &it[5].x), -1);
	/* One ends: a worker takes from the queue, there is place again. */
	allow(&w, 1);
	wait_for(&w.done, 1);
	wait_for(&w.started, 1);
	assert_int_equal(pool_put(p, &it[5].x), 0);
	allow(&w, 5);
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	assert_int_equal(atomic_load(&w.ran), 6);
	assert_int_equal(atomic_load(&w.finished), 6);
	assert_int_equal(atomic_load(&w.other_arg), 0);
	pool_free(p);
}

static void
test_order(void **state)
{
	static struct item	 it[1000];
	struct work		 w;
	struct pool		*p;

	(void)state;
	work_init(&w);
	p = open_pool(1, 1000, run_free, &w);
	for (int i = 0; i < 1000; i++) {
		item_init(&it[i], i, &w);
		assert_int_equal(pool_put(p, &it[i].x), 0);
	}
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	assert_int_equal(w.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(w.order[i], i);
	pool_free(p);
}

static void
test_drain(void **state)
{
	struct work	 w;
	struct item	 it[2];
	struct pool	*p;

	(void)state;
	work_init(&w);
	p = open_pool(1, 4, run_gated, &w);
	/* There is nothing to wait for. */
	assert_int_equal(pool_drain(p, 0), 0);
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	for (int i = 0; i < 2; i++) {
		item_init(&it[i], i, &w);
		assert_int_equal(pool_put(p, &it[i].x), 0);
	}
	wait_for(&w.started, 1);
	/* One runs, one waits: both hold it up. */
	assert_int_equal(pool_drain(p, 0), -1);
	assert_int_equal(pool_drain(p, 20), -1);
	assert_int_equal(pool_drain(p, 1001), -1);
	allow(&w, 1);
	wait_for(&w.done, 1);
	wait_for(&w.started, 1);
	assert_int_equal(pool_drain(p, 1), -1);
	allow(&w, 1);
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	assert_int_equal(atomic_load(&w.finished), 2);
	/* Draining does not stop it. */
	allow(&w, 1);
	assert_int_equal(pool_put(p, &it[0].x), 0);
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	assert_int_equal(atomic_load(&w.finished), 3);
	pool_free(p);
}

/* What is queued when it ends is done: nobody waits forever for an answer. */
static void
test_stop(void **state)
{
	struct work	 w;
	struct item	 it[5];
	struct pool	*p;

	(void)state;
	work_init(&w);
	p = open_pool(2, 8, run_gated, &w);
	for (int i = 0; i < 5; i++) {
		item_init(&it[i], i, &w);
		assert_int_equal(pool_put(p, &it[i].x), 0);
	}
	wait_for(&w.started, 2);
	allow(&w, 5);
	pool_free(p);
	assert_int_equal(atomic_load(&w.ran), 5);
	assert_int_equal(atomic_load(&w.finished), 5);
	p = open_pool(4, 1, run_free, &w);
	pool_free(p);
	pool_free(NULL);
}

/* The owner may forget an exchange within done(). */
static void
free_item(struct exchange *x, void *arg)
{
	struct work	*w = arg;

	free(x);
	atomic_fetch_add(&w->finished, 1);
}

static enum service_when
run_nothing(struct exchange *x, void *arg)
{
	x->status = 200;
	atomic_fetch_add(&((struct work *)arg)->ran, 1);
	return SERVICE_NOW;
}

struct putter {
	pthread_t	 thread;
	struct pool	*p;
	struct work	*w;
	int		 put;
};

static void *
put_many(void *arg)
{
	struct putter	*me = arg;
	struct exchange	*x;

	for (int i = 0; i < 500; i++) {
		x = calloc(1, sizeof(*x));
		x->done = free_item;
		x->arg = me->w;
		if (pool_put(me->p, x) == 0)
			me->put++;
		else
			free(x);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct putter	 t[4];
	struct work	 w;
	struct pool	*p;
	int		 put = 0;

	(void)state;
	work_init(&w);
	p = open_pool(3, 16, run_nothing, &w);
	for (size_t i = 0; i < N(t); i++) {
		t[i] = (struct putter){ .p = p, .w = &w };
		assert_int_equal(pthread_create(&t[i].thread, NULL, put_many,
		    &t[i]), 0);
	}
	for (size_t i = 0; i < N(t); i++) {
		assert_int_equal(pthread_join(t[i].thread, NULL), 0);
		put += t[i].put;
	}
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	/* Each that was taken is answered, once. */
	assert_true(put > 0);
	assert_int_equal(atomic_load(&w.ran), put);
	assert_int_equal(atomic_load(&w.finished), put);
	pool_free(p);
}

/* ---- those who wait for others ---- */

static atomic_int	 here;		/* of those who do not, that have begun */

static enum service_when
run_kinds(struct exchange *x, void *arg)
{
	if (x->kind == EXCHANGE_HERE)
		atomic_fetch_add(&here, 1);
	return run_gated(x, arg);
}

#define HERE	EXCHANGE_HERE
#define ASKS	EXCHANGE_VALIDATED
#define AWAY	EXCHANGE_ELSEWHERE

static void
put_kind(struct pool *p, struct work *w, struct item *it, int id,
    enum exchange_kind kind, int rc)
{
	item_init(it, id, w);
	it->x.kind = kind;
	assert_int_equal(pool_put(p, &it->x), rc);
}

/* What runs at once of so many of each kind, and of the last one all. */
static void
test_kinds(void **state)
{
	static const struct {
		size_t	 workers;
		int	 asks, away;	/* that come */
		int	 begin;		/* of those */
	} rows[] = {
		{ 1, 3, 0, 1 }, { 2, 3, 0, 1 }, { 2, 3, 3, 1 }, { 3, 3, 0, 1 },
		{ 3, 0, 3, 1 }, { 3, 3, 3, 2 }, { 4, 4, 0, 2 }, { 4, 4, 4, 3 },
		{ 8, 9, 0, 4 }, { 8, 0, 9, 4 }, { 8, 9, 9, 7 },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct item	 it[20];
		struct work	 w;
		struct pool	*p;
		int		 n = 0;

		work_init(&w);
		atomic_store(&here, 0);
		p = open_pool(rows[i].workers, 40, run_kinds, &w);
		for (; n < rows[i].asks; n++)
			put_kind(p, &w, &it[n], n, ASKS, 0);
		for (; n < rows[i].asks + rows[i].away; n++)
			put_kind(p, &w, &it[n], n, AWAY, 0);
		wait_for(&w.started, rows[i].begin);
		/* Whoever waits for nobody passes them, if there is a worker. */
		put_kind(p, &w, &it[n], n, HERE, 0);
		if (rows[i].workers > 1)
			wait_for(&w.started, 1);
		assert_int_equal(atomic_load(&here), rows[i].workers > 1);
		assert_int_equal(sem_trywait(&w.started), -1);
		allow(&w, n + 1);
		assert_int_equal(pool_drain(p, PATIENCE), 0);
		assert_int_equal(atomic_load(&w.finished), n + 1);
		pool_free(p);
	}
}

/* In the order in which they came, each as soon as there is room. */
static void
test_turns(void **state)
{
	static const enum exchange_kind	 kinds[] = {
		AWAY, ASKS, HERE, HERE, AWAY, ASKS, HERE
	};
	static const int		 order[] = { 0, 1, 2, 3, 4, 5, 6 };
	struct item			 it[N(kinds)];
	struct work			 w;
	struct pool			*p;

	(void)state;
	work_init(&w);
	p = open_pool(1, 40, run_gated, &w);
	for (size_t i = 0; i < N(kinds); i++)
		put_kind(p, &w, &it[i], (int)i, kinds[i], 0);
	allow(&w, (int)N(kinds));
	assert_int_equal(pool_drain(p, PATIENCE), 0);
	assert_memory_equal(w.order, order, sizeof(order));
	pool_free(p);
}

/* They fill half of the queue each; what is queued at the end is done. */
static void
test_half(void **state)
{
	struct item	 it[9];
	struct work	 w;
	struct pool	*p;
	int		 i;

	(void)state;
	work_init(&w);
	p = open_pool(2, 4, run_gated, &w);
	put_kind(p, &w, &it[0], 0, AWAY, 0);
	wait_for(&w.started, 1);
	for (i = 1; i < 3; i++)
		put_kind(p, &w, &it[i], i, AWAY, 0);
	put_kind(p, &w, &it[8], 8, AWAY, -1);
	put_kind(p, &w, &it[3], 3, ASKS, 0);
	put_kind(p, &w, &it[4], 4, HERE, 0);
	wait_for(&w.started, 1);
	put_kind(p, &w, &it[5], 5, HERE, 0);
	put_kind(p, &w, &it[8], 8, HERE, -1);
	allow(&w, 6);
	pool_free(p);
	assert_int_equal(atomic_load(&w.finished), 6);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
