/*
 * What transactions came to without a certificate. An end that could not be
 * written, because the store was locked or its disk full, is kept and tried
 * again: until it is written, the transaction takes up a use of its challenge,
 * and the place of whatever it would have renewed.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/ends.h"
#include "store/store_int.h"
#include "util/log.h"

#define ENDS_MAX	1024

struct memory {
	char		*issuer;
	char		*why;
	char		*subject;	/* or NULL */
	uint8_t		*der;		/* and the serial number */
};

struct kept {
	struct ending	 end;
	struct stray	*strays;	/* end.strays */
	struct memory	*memory;	/* of each */
	struct audit	*audit;		/* end.audit */
	struct kept	*next;
};

struct ends {
	pthread_mutex_t	 lock;
	struct kept	*head;
	struct kept	**tail;
	size_t		 n;
	int64_t		 written;	/* since the first was kept */
	bool		 full;		/* told once */
};

int
ends_new(struct ends **out, struct err *e)
{
	struct ends *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_MEMORY, "transactions");
		return -1;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->tail = &s->head;
	*out = s;
	return 0;
}

static void
kept_free(struct kept *k)
{
	size_t i;

	if (k == NULL)
		return;
	for (i = 0; k->memory != NULL && i < k->end.n_strays; i++) {
		free(k->memory[i].issuer);
		free(k->memory[i].why);
		free(k->memory[i].subject);
		free(k->memory[i].der);
	}
	free(k->memory);
	free(k->strays);
	free(k->audit);
	free(k);
}

void
ends_free(struct ends *s)
{
	struct kept *k;

	if (s == NULL)
		return;
	while ((k = s->head) != NULL) {
		s->head = k->next;
		kept_free(k);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/*
 * What failed for us may have been written all the same: then it stands.
 *
 * However late, this undoes nothing newer. What is reserved is changed by its
 * worker alone, and he leaves it here as his last act: an operator decides on
 * what is pending, what expires is pending or approved, and until it is
 * approved again nobody claims it anew. Only the next start would recover it,
 * by a daemon that has the lock of ours and none of what is kept here.
 */
static int
end_run(struct db *db, void *arg, struct err *e)
{
	const struct ending *end = *(const struct ending **)arg;
	struct db_conn *c = db->writer;
	enum txn_state state;
	size_t i;

	if (txn_state_now(c, end->txn, &state, e) == -1)
		return -1;
	if (state == TXN_ISSUED)
		return 0;
	for (i = 0; i < end->n_strays; i++)
		if (stray_put(c, &end->strays[i], e) == -1)
			return -1;
	if (state != TXN_RESERVED)
		return 0;
	return end->release ? waiting_back(c, end->txn, e) :
	    txn_fail(c, end->txn, end->reason, end->when, end->audit, e);
}

int
ends_put(struct db *db, const struct ending *end, struct err *e)
{
	struct db_op op = { .run = end_run, .arg = &end };

	db_submit(db, &op);
	return db_wait(db, &op, e);
}

/* Of what nobody has seen there is a subject, and no certificate. */
static int
copy_stray(const struct stray *s, struct stray *to, struct memory *m)
{
	*to = *s;
	m->issuer = strdup(s->issuer);
	m->why = strdup(s->why);
	m->subject = s->subject == NULL ? NULL : strdup(s->subject);
	m->der = malloc(s->der.n + s->serial.n);
	if (m->issuer == NULL || m->why == NULL || m->der == NULL ||
	    (s->subject != NULL && m->subject == NULL))
		return -1;
	if (s->der.n > 0)
		memcpy(m->der, s->der.p, s->der.n);
	memcpy(m->der + s->der.n, s->serial.p, s->serial.n);
	to->issuer = m->issuer;
	to->why = m->why;
	to->subject = m->subject;
	to->der = bytes_make(m->der, s->der.n);
	to->serial = bytes_make(m->der + s->der.n, s->serial.n);
	return 0;
}

static int
copy_strays(struct kept *k, const struct ending *end)
{
	size_t i, n = end->n_strays;

	if (n == 0)
		return 0;
	k->end.strays = k->strays = calloc(n, sizeof(*k->strays));
	k->memory = calloc(n, sizeof(*k->memory));
	if (k->strays == NULL || k->memory == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if (copy_stray(&end->strays[i], &k->strays[i],
		    &k->memory[i]) == -1)
			return -1;
	return 0;
}

static struct kept *
copy_end(const struct ending *end)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->end = *end;
	/* Without memory for it, the end alone. */
	if (end->audit != NULL)
		k->end.audit = k->audit = audit_copy(end->audit);
	if (copy_strays(k, end) == 0)
		return k;
	kept_free(k);
	return NULL;
}

/* -1: it is not kept, told the first time only. */
static int
keep(struct ends *s, struct kept *k, bool *first, bool *tell)
{
	int rc = -1;

	pthread_mutex_lock(&s->lock);
	*first = s->n == 0;
	if (k != NULL && s->n < ENDS_MAX) {
		*s->tail = k;
		s->tail = &k->next;
		s->n++;
		rc = 0;
	}
	*tell = rc == -1 && !s->full;
	s->full = s->full || rc == -1;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void
ends_write(struct ends *s, struct db *db, const struct ending *end)
{
	struct err e = { .reason = ERR_NONE };
	struct kept *k;
	bool first, tell;

	if (ends_put(db, end, &e) == 0)
		return;
	k = copy_end(end);
	if (keep(s, k, &first, &tell) == 0) {
		if (first)
			log_msg(LOG_L_ERR, "ends_kept", "what became of "
			    "requests cannot be written, and is tried again: "
			    "%s", err_text(&e));
		return;
	}
	kept_free(k);
	if (tell)
		log_msg(LOG_L_ERR, "ends_lost", "what became of requests cannot "
		    "be written, nor kept: what they took up is free again "
		    "after a restart: %s", err_text(&e));
}

/* The first one, which nobody else takes out, or NULL. */
static struct kept *
first_of(struct ends *s)
{
	struct kept *k;

	pthread_mutex_lock(&s->lock);
	k = s->head;
	pthread_mutex_unlock(&s->lock);
	return k;
}

/* Takes the first one out; how many were written, if it was the last one. */
static int64_t
drop_first(struct ends *s)
{
	struct kept *k;
	int64_t all = 0;

	pthread_mutex_lock(&s->lock);
	k = s->head;
	if ((s->head = k->next) == NULL)
		s->tail = &s->head;
	s->n--;
	s->written++;
	if (s->n == 0) {
		all = s->written;
		s->written = 0;
		s->full = false;
	}
	pthread_mutex_unlock(&s->lock);
	kept_free(k);
	return all;
}

bool
ends_retry(struct ends *s, struct db *db)
{
	struct err e = { .reason = ERR_NONE };
	struct kept *k = first_of(s);
	int64_t all;

	if (k == NULL || ends_put(db, &k->end, &e) == -1)
		return false;
	all = drop_first(s);
	if (all > 0)
		log_msg(LOG_L_NOTICE, "ends_written", "what became of %lld "
		    "requests is written now", (long long)all);
	return true;
}
