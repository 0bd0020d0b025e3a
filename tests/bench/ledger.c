/*
 * ledger: fills a scepd database with COUNT issued certificates.
 *
 *	ledger DATABASE COUNT
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/issued.h"
#include "store/txn.h"
#include "util/clock.h"

#define DER_LEN	900	/* of a leaf with an RSA-2048 key */

#define THREADS	32	/* so that commits are shared */

struct fill {
	struct db	*db;
	atomic_llong	 next;
	long long	 count;
};

static void
die(const struct err *e)
{
	(void)fprintf(stderr, "ledger: %s\n", err_text(e));
	exit(1);
}

/* One enrollment, as its two records. */
static void
add(struct db *db, int64_t number)
{
	static const uint8_t der[DER_LEN] = { 0x30 };
	struct err e = { .reason = ERR_NONE };
	char txid[32], subject[64];
	struct issued_op op;
	uint8_t serial[16] = { 0x40 };
	struct issued row;
	struct txn t;
	struct txn_found found;
	bool fresh;

	memcpy(serial + 8, &number, sizeof(number));
	(void)snprintf(txid, sizeof(txid), "FILL%016llX",
	    (unsigned long long)number);
	(void)snprintf(subject, sizeof(subject), "O=Bench,CN=device-%lld",
	    (long long)number);
	t = (struct txn){ .endpoint = "default", .txid = txid,
	    .serial = bytes_make(serial, sizeof(serial)), .peer = "127.0.0.1",
	    .challenge = "bench", .when = clock_now() };
	memcpy(t.signer_hash, &number, sizeof(number));
	if (txn_reserve(db, &t, &found, &fresh, &e) == -1)
		die(&e);
	row = (struct issued){ .txn = found.id, .der = bytes_make(der, DER_LEN),
	    .serial = t.serial, .subject = subject, .sans = "",
	    .endpoint = "default", .profile = "default", .issuer = "local",
	    .txid = txid, .challenge = "bench", .peer = "127.0.0.1",
	    .not_before = t.when, .not_after = t.when + 86400 * (number % 365),
	    .issued_at = t.when };
	memcpy(row.key_hash, &number, sizeof(number));
	issued_add_start(db, &op, &row);
	if (issued_add_wait(db, &op, &e) == -1)
		die(&e);
}

static void *
worker(void *arg)
{
	struct fill *f = arg;
	long long i;

	while ((i = atomic_fetch_add(&f->next, 1)) < f->count)
		add(f->db, i);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct err e = { .reason = ERR_NONE };
	struct fill f = { .next = 0 };
	pthread_t threads[THREADS];
	size_t i;

	if (argc != 3 || (f.count = strtoll(argv[2], NULL, 10)) < 1) {
		(void)fprintf(stderr, "usage: ledger DATABASE COUNT\n");
		return 2;
	}
	if (db_open(argv[1], &f.db, &e) == -1)
		die(&e);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, worker, &f) != 0)
			return 1;
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	db_close(f.db);
	return 0;
}
