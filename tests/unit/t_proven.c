/*
 * Challenges: secret_verify() is wrapped by the linker, so that each stretch
 * is counted, and can be held.
 */
#include "pki_tool.h"

#include <semaphore.h>

#include "pki/secret.h"
#include "service/service_int.h"
#include "util/str.h"

#define LINE	4	/* that may wait for scrypt */
#define KEPT	256	/* remembered of each kind */

int	 __real_secret_verify(struct bytes, const char *, bool *,
	    struct err *);
int	 __wrap_secret_verify(struct bytes, const char *, bool *,
	    struct err *);

static atomic_int	 stretches;
static atomic_bool	 held;
static sem_t		 entered, may_go;

int
__wrap_secret_verify(struct bytes secret, const char *hash, bool *match,
    struct err *e)
{
	atomic_fetch_add(&stretches, 1);
	if (atomic_load(&held)) {
		sem_post(&entered);
		while (sem_wait(&may_go) == -1)
			continue;
	}
	return __real_secret_verify(secret, hash, match, e);
}

/* Hashes of "one", "two", "one" again with another salt; cheap ones. */
static char	 h_one[SECRET_HASH_MAX], h_two[SECRET_HASH_MAX],
    h_again[SECRET_HASH_MAX];
static char	 none[] = "", bad[] = "$scrypt$", plain[] = "plain";
static char	 n_one[] = "n1", n_two[] = "n2", n_plain[] = "np";

static void
make_hash(const char *secret, uint8_t salt_byte, char out[SECRET_HASH_MAX])
{
	struct buf	 b = BUF_INIT(SECRET_HASH_MAX);
	uint8_t		 salt[16], hash[32];

	memset(salt, salt_byte, sizeof(salt));
	assert_int_equal(EVP_PBE_scrypt(secret, strlen(secret), salt,
	    sizeof(salt), 1 << 10, 1, 1, 1 << 25, hash, sizeof(hash)), 1);
	assert_int_equal(str_base64(bytes_make(salt, sizeof(salt)), &b), 0);
	assert_int_equal(buf_putc(&b, '$'), 0);
	assert_int_equal(str_base64(bytes_make(hash, sizeof(hash)), &b), 0);
	assert_true(snprintf(out, SECRET_HASH_MAX, "$scrypt$ln=10,r=1,p=1$%s",
	    buf_cstr(&b)) < SECRET_HASH_MAX);
	buf_wipe(&b);
}

static int
setup(void **state)
{
	(void)state;
	make_hash("one", 1, h_one);
	make_hash("two", 2, h_two);
	make_hash("one", 3, h_again);
	return sem_init(&entered, 0, 0) | sem_init(&may_go, 0, 0);
}

static const struct conf_challenge
    c_one = { .name = n_one, .hash = h_one, .secret = none },
    c_two = { .name = n_two, .hash = h_two, .secret = none },
    c_again = { .name = n_one, .hash = h_again, .secret = none },
    c_bad = { .name = n_two, .hash = bad, .secret = none },
    c_plain = { .name = n_plain, .hash = none, .secret = plain };

static const struct conf_challenge	*l_one[] = { &c_one };
static const struct conf_challenge	*l_again[] = { &c_again };
static const struct conf_challenge	*l_two[] = { &c_one, &c_two };
static const struct conf_challenge	*l_overlap[] = { &c_two, &c_plain };
static const struct conf_challenge	*l_twice[] = { &c_again, &c_one };
static const struct conf_challenge	*l_bad[] = { &c_bad };
static const struct site_endpoint
    e_one = { .challenges = l_one, .n_challenges = 1 },
    e_again = { .challenges = l_again, .n_challenges = 1 },
    e_two = { .challenges = l_two, .n_challenges = 2 },
    e_overlap = { .challenges = l_overlap, .n_challenges = 2 },
    e_twice = { .challenges = l_twice, .n_challenges = 2 },
    e_bad = { .challenges = l_bad, .n_challenges = 1 },
    e_none = { .n_challenges = 0 };

static struct proven *
open_proven(void)
{
	struct proven	*p = NULL;
	struct err	 e = ERR_INIT;

	atomic_store(&stretches, 0);
	assert_int_equal(proven_new(&p, &e), 0);
	return p;
}

static void
assert_match(struct proven *p, const struct site_endpoint *se,
    const char *secret, const struct conf_challenge *want, int n_stretches)
{
	const struct conf_challenge	*got = &c_bad;
	struct err			 e = ERR_INIT;

	if (proven_match(p, se->challenges,
	    se->n_challenges, bytes_str(secret), "peer", &got, &e) != 0)
		fail_msg("%s: %s", secret, err_text(&e));
	if (got != want || atomic_load(&stretches) != n_stretches)
		fail_msg("%s: %s, %d stretches, want %d", secret, got == NULL ?
		    "no match" : got->name, atomic_load(&stretches),
		    n_stretches);
}

static void
test_stretched_once(void **state)
{
	struct proven	*p = open_proven();

	(void)state;
	assert_match(p, &e_one, "one", &c_one, 1);
	assert_match(p, &e_one, "one", &c_one, 1);
	assert_match(p, &e_one, "two", NULL, 2);
	assert_match(p, &e_one, "two", NULL, 2);
	assert_match(p, &e_one, "on", NULL, 3);
	assert_match(p, &e_one, "onee", NULL, 4);
	assert_match(p, &e_one, "one", &c_one, 4);
	assert_match(p, &e_none, "one", NULL, 4);
	proven_free(p);
	/* Memory lives and dies with the process. */
	p = open_proven();
	assert_match(p, &e_one, "one", &c_one, 1);
	proven_free(p);
	proven_free(NULL);
}

static void
test_several(void **state)
{
	struct proven	*p = open_proven();

	(void)state;
	assert_match(p, &e_two, "two", &c_two, 2);
	assert_match(p, &e_two, "two", &c_two, 2);
	assert_match(p, &e_two, "one", &c_one, 3);
	assert_match(p, &e_two, "three", NULL, 5);
	/* Endpoints share what they have in common. */
	assert_match(p, &e_overlap, "two", &c_two, 5);
	assert_match(p, &e_one, "two", NULL, 5);
	assert_match(p, &e_overlap, "one", NULL, 6);
	/* Of two that fit, one that is known is named, else the first. */
	assert_match(p, &e_twice, "one", &c_one, 6);
	assert_match(p, &e_again, "one", &c_again, 7);
	assert_match(p, &e_twice, "one", &c_again, 7);
	proven_free(p);
}

static void
test_plain(void **state)
{
	struct proven	*p = open_proven();

	(void)state;
	/* What costs nothing is looked at first. */
	assert_match(p, &e_overlap, "plain", &c_plain, 0);
	assert_match(p, &e_overlap, "Plain", NULL, 1);
	assert_match(p, &e_overlap, "plai", NULL, 2);
	assert_match(p, &e_overlap, "plainn", NULL, 3);
	proven_free(p);
}

/* A reload: the name stays, the hash is another question. */
static void
test_new_hash(void **state)
{
	struct conf_challenge	 changed = { .name = n_one, .hash = h_one,
	    .secret = none };
	const struct conf_challenge *list[] = { &changed };
	const struct site_endpoint se = { .challenges = list,
	    .n_challenges = 1 };
	struct proven		*p = open_proven();

	(void)state;
	assert_match(p, &se, "one", &changed, 1);
	changed.hash = h_two;
	assert_match(p, &se, "one", NULL, 2);
	assert_match(p, &se, "two", &changed, 3);
	changed.hash = h_one;
	assert_match(p, &se, "one", &changed, 3);
	assert_match(p, &se, "two", NULL, 4);
	assert_match(p, &e_again, "one", &c_again, 5);
	proven_free(p);
}

/* Guesses push out guesses, never what was proven. */
static void
test_eviction(void **state)
{
	struct proven	*p = open_proven();
	char		 guess[32];

	(void)state;
	assert_match(p, &e_one, "one", &c_one, 1);
	for (int i = 0; i < 2 * KEPT + 10; i++) {
		(void)snprintf(guess, sizeof(guess), "guess %d", i);
		assert_match(p, &e_one, guess, NULL, 2 + i);
	}
	assert_match(p, &e_one, "one", &c_one, 2 * KEPT + 11);
	/* The newest guesses are known, the first is stretched again. */
	assert_match(p, &e_one, guess, NULL, 2 * KEPT + 11);
	(void)snprintf(guess, sizeof(guess), "guess %d", KEPT + 10);
	assert_match(p, &e_one, guess, NULL, 2 * KEPT + 11);
	(void)snprintf(guess, sizeof(guess), "guess %d", KEPT + 9);
	assert_match(p, &e_one, guess, NULL, 2 * KEPT + 12);
	proven_free(p);
}

static void
test_broken_hash(void **state)
{
	const struct conf_challenge	*got = &c_one;
	struct proven			*p = open_proven();
	struct err			 e = ERR_INIT;

	(void)state;
	for (int i = 1; i < 3; i++) {
		err_clear(&e);
		assert_int_equal(proven_match(p, e_bad.challenges,
		    e_bad.n_challenges, bytes_str("one"), "peer",
		    &got, &e), -1);
		assert_int_equal(e.reason, ERR_CONFIG);
		assert_ptr_equal(got, &c_one);
		/* It is not remembered as an answer. */
		assert_int_equal(atomic_load(&stretches), i);
	}
	proven_free(p);
}

struct asker {
	pthread_t			 thread;
	struct proven			*p;
	const struct site_endpoint	*se;
	char				 secret[32];
	const char			*who;
	int				 rc;
	enum err_reason			 reason;
	const struct conf_challenge	*got;
};

static sem_t	 returned;

static void *
ask(void *arg)
{
	struct asker	*a = arg;
	struct err	 e = ERR_INIT;

	a->rc = proven_match(a->p, a->se->challenges,
	    a->se->n_challenges, bytes_str(a->secret), a->who, &a->got, &e);
	a->reason = e.reason;
	sem_post(&returned);
	return NULL;
}

static void
ask_begin_as(struct asker *a, struct proven *p, const struct site_endpoint *se,
    const char *secret, const char *who)
{
	*a = (struct asker){ .p = p, .se = se, .who = who, .got = &c_bad };
	(void)snprintf(a->secret, sizeof(a->secret), "%s", secret);
	assert_int_equal(pthread_create(&a->thread, NULL, ask, a), 0);
}

static void
ask_begin(struct asker *a, struct proven *p, const struct site_endpoint *se,
    const char *secret)
{
	ask_begin_as(a, p, se, secret, "peer");
}

static int
count_in(const struct asker a[LINE])
{
	int	 i, n = 0;

	for (i = 0; i < LINE; i++) {
		n += a[i].rc == 0;
		if (a[i].rc == -1)
			assert_int_equal(a[i].reason, ERR_BUSY);
	}
	return n;
}

static void
wait_for(sem_t *s, int n)
{
	for (; n > 0; n--)
		while (sem_wait(s) == -1)
			continue;
}

static void
assert_busy(const struct asker *a)
{
	assert_int_equal(a->reason, ERR_BUSY);
	assert_ptr_equal(a->got, &c_bad);
}

/* A stretch is held: the line fills, then strangers are sent away. */
static void
test_busy(void **state)
{
	struct asker	 a[LINE + 3], late = { .who = "peer",
	    .got = &c_bad };
	struct proven	*p = open_proven();
	char		 guess[32];
	int		 busy = 0;

	(void)state;
	assert_match(p, &e_one, "one", &c_one, 1);
	assert_match(p, &e_one, "guess", NULL, 2);
	assert_int_equal(sem_init(&returned, 0, 0), 0);
	atomic_store(&held, true);
	for (int i = 0; i < LINE + 3; i++) {
		(void)snprintf(guess, sizeof(guess), "guess %d", i);
		ask_begin(&a[i], p, &e_one, guess);
	}
	/* None who stands in line can return: these are those who cannot. */
	wait_for(&entered, 1);
	wait_for(&returned, 3);
	late.p = p;
	late.se = &e_one;
	(void)ask(&late);
	assert_busy(&late);
	/* Who is known does not stand in line. */
	assert_match(p, &e_one, "one", &c_one, 3);
	assert_match(p, &e_one, "guess", NULL, 3);
	assert_match(p, &e_twice, "one", &c_one, 3);
	assert_match(p, &e_overlap, "plain", &c_plain, 3);
	atomic_store(&held, false);
	sem_post(&may_go);
	for (int i = 0; i < LINE + 3; i++) {
		assert_int_equal(pthread_join(a[i].thread, NULL), 0);
		if (a[i].rc == -1) {
			assert_busy(&a[i]);
			busy++;
		} else {
			assert_null(a[i].got);
		}
	}
	assert_int_equal(busy, 3);
	assert_match(p, &e_one, "late", NULL, 2 + LINE + 1);
	proven_free(p);
}

/* Who fills the line makes room for others, up to the same share. */
static void
test_fair(void **state)
{
	struct asker	 many[LINE], other[LINE];
	struct proven	*p = open_proven();
	char		 guess[32];
	int		 i;

	(void)state;
	assert_int_equal(sem_init(&returned, 0, 0), 0);
	atomic_store(&held, true);
	ask_begin(&many[0], p, &e_one, "many 0");
	wait_for(&entered, 1);
	for (i = 1; i < LINE; i++) {
		(void)snprintf(guess, sizeof(guess), "many %d", i);
		ask_begin(&many[i], p, &e_one, guess);
	}
	for (i = 0; i < LINE; i++) {
		(void)snprintf(guess, sizeof(guess), "other %d", i);
		ask_begin_as(&other[i], p, &e_one, i == 0 ? "one" : guess,
		    "other");
	}
	/* Two of each stay. */
	wait_for(&returned, LINE);
	atomic_store(&held, false);
	sem_post(&may_go);
	for (i = 0; i < LINE; i++) {
		assert_int_equal(pthread_join(many[i].thread, NULL), 0);
		assert_int_equal(pthread_join(other[i].thread, NULL), 0);
	}
	assert_int_equal(many[0].rc, 0);
	assert_int_equal(count_in(many), 2);
	assert_int_equal(count_in(other), 2);
	assert_int_equal(atomic_load(&stretches), 4);
	proven_free(p);
}

/* The same unknown secret from many: the first stretches it for all. */
static void
test_same_secret(void **state)
{
	struct asker	 a[LINE];
	struct proven	*p = open_proven();

	(void)state;
	atomic_store(&held, true);
	for (int i = 0; i < LINE; i++)
		ask_begin(&a[i], p, &e_one, "one");
	wait_for(&entered, 1);
	atomic_store(&held, false);
	sem_post(&may_go);
	for (int i = 0; i < LINE; i++) {
		assert_int_equal(pthread_join(a[i].thread, NULL), 0);
		assert_int_equal(a[i].rc, 0);
		assert_ptr_equal(a[i].got, &c_one);
	}
	assert_int_equal(atomic_load(&stretches), 1);
	proven_free(p);
}

static void
test_threads(void **state)
{
	static const char *const secrets[] = { "one", "two", "x", "y" };
	const struct conf_challenge *const want[] = { &c_one, &c_two, NULL,
	    NULL };
	struct asker	 a[16];
	struct proven	*p = open_proven();

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < N(a); i++)
			ask_begin(&a[i], p, &e_two, secrets[i % 4]);
		for (size_t i = 0; i < N(a); i++) {
			assert_int_equal(pthread_join(a[i].thread, NULL), 0);
			/* At first the line may be full. */
			if (a[i].rc == -1)
				assert_int_equal(a[i].reason, ERR_BUSY);
			else
				assert_ptr_equal(a[i].got, want[i % 4]);
		}
	}
	/* Each pair at most once: 1 for "one", 2 for each other. */
	assert_true(atomic_load(&stretches) <= 7);
	assert_match(p, &e_two, "one", &c_one, atomic_load(&stretches));
	proven_free(p);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_stretched_once),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_new_hash),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_broken_hash),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_same_secret),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
