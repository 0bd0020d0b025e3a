/*
 * Refusals on their way to the store: copied, bounded, lost where there are too
 * many, and then told once.
 */
#include <fcntl.h>

#include "service/refusals_int.h"
#include "store_file.h"


#define QUEUE_MAX	256

static int	 log_fd = -1;

/* The log goes to a file of the folder. */
static void
log_begins(void)
{
	assert_true(fflush(stderr) == 0);
	log_fd = dup(STDERR_FILENO);
	assert_true(freopen(in_folder("log"), "w", stderr) != NULL);
}

static int
log_ends(const char *word)
{
	char	 line[4096];
	FILE	*f;
	int	 n = 0;

	assert_true(fflush(stderr) == 0);
	assert_int_equal(dup2(log_fd, STDERR_FILENO), STDERR_FILENO);
	close(log_fd);
	f = fopen(in_folder("log"), "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, word) != NULL;
	(void)fclose(f);
	return n;
}

static void
put(struct refusals *r, const char *txid)
{
	char		 copied[16], trail[16] = "{}";
	struct audit	 a = { .when = 1000, .endpoint = "default",
	    .txid = copied, .outcome = AUDIT_REFUSED,
	    .reason = "challenge_wrong", .who = "192.0.2.7", .trail = trail };

	(void)snprintf(copied, sizeof(copied), "%s", txid);
	refusals_put(r, &a);
	/* It is copied. */
	memset(copied, 'x', sizeof(copied) - 1);
	memset(trail, 'x', sizeof(trail) - 1);
}

static void
test_kept(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct refusals	*r;

	(void)state;
	good(refusals_new(&r, &e), &e);
	put(r, "a");
	put(r, "b");
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"), 0);
	refusals_flush(r, db, 10);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit WHERE"
	    " txid IN ('a', 'b') AND trail = '{}' AND txn IS NULL AND"
	    " reason = 'challenge_wrong' AND who = '192.0.2.7'"), 2);
	refusals_flush(r, db, 10);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"), 2);
	/* Another setting counts at once. */
	refusals_flush(r, db, 1);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"), 1);
	put(r, "c");
	refusals_free(r);
	refusals_free(NULL);
	db_close(db);
	empty_folder(true);
}

static void
test_too_many(void **state)
{
	struct err	 e = { .reason = ERR_NONE };
	struct db	*db = open_db();
	struct refusals	*r;

	(void)state;
	good(refusals_new(&r, &e), &e);
	log_begins();
	/* Lost ones are told of once, until none is lost any more. */
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < QUEUE_MAX; i++) {
			assert_true(refusals_room(r));
			put(r, "a");
			if (round == 2)
				break;
		}
		if (round != 2)
			assert_false(refusals_room(r));
		refusals_flush(r, db, 1000);
	}
	assert_int_equal(log_ends("event=audit_lost refusals=1"), 2);
	assert_int_equal(raw(file, "SELECT count(*) FROM audit"),
	    3 * QUEUE_MAX + 1);
	refusals_free(r);
	db_close(db);
	empty_folder(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
