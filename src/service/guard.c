#include <stdlib.h>
#include <string.h>

#include "service/guard_int.h"
#include "store/issued.h"
#include "util/clock.h"
#include "util/log.h"

#define DELAYED_MAX	256	/* answers at once; and of all connections */
#define DELAYED_SHARE	4	/* no more than one in so many waits */
#define CHANGES_MAX	64	/* of locks, in one tick */

static int
adopt(const struct lockout *l, void *arg)
{
	abuse_adopt(arg, l);
	return 0;
}

static void
remember(const char *peer, int64_t when, void *arg)
{
	abuse_remember(arg, peer, when);
}

int
guard_new(struct db *db, const struct conf *c, struct guard **out,
    struct err *e)
{
	struct guard *g = calloc(1, sizeof(*g));
	size_t max = 1 + (size_t)c->max_connections / DELAYED_SHARE;

	if (g == NULL) {
		err_set(e, ERR_MEMORY, "guard");
		return -1;
	}
	if (abuse_new(&g->abuse, e) == -1 ||
	    delays_new(max < DELAYED_MAX ? max : DELAYED_MAX, &g->delays,
	    e) == -1 || lockout_each(db, adopt, g->abuse, e) == -1 ||
	    issued_peers(db, ABUSE_ADDRESSES, clock_now() - ABUSE_REMEMBER,
	    remember, g->abuse, e) == -1) {
		guard_free(g);
		return -1;
	}
	*out = g;
	return 0;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	delays_free(g->delays);
	abuse_free(g->abuse);
	free(g);
}

/* ---- around the pipeline ---- */

int
guard_foresee(struct db *db, struct exchange *x, int64_t now, struct err *e)
{
	struct abuse *a;
	int rc;

	if (abuse_new(&a, e) == -1)
		return -1;
	if ((rc = lockout_each(db, adopt, a, e)) == 0)
		x->locked = abuse_locked(a, x->site->conf, x->peer, now);
	abuse_free(a);
	return rc;
}

/* Each is told once: no stranger can cause more of them than locks. */
static void
log_locked(const struct lockout *lock)
{
	struct log_line l;
	char until[CLOCK_TEXT_MAX];

	clock_text(lock->until, until);
	log_begin(&l, LOG_L_WARN, "locked");
	log_str(&l, "address", lock->address);
	log_str(&l, "endpoint", lock->endpoint);
	log_int(&l, "failures", lock->failures);
	log_str(&l, "until", until);
	log_end(&l);
}

static void
log_rationed(const struct exchange *x, int64_t failures)
{
	struct log_line l;

	log_begin_limited(&l, LOG_L_WARN, "rationed");
	log_str(&l, "address", x->peer);
	log_str(&l, "endpoint", x->endpoint->conf->name);
	log_int(&l, "failures", failures);
	log_end(&l);
}

static void
log_unlocked(const struct lockout *lock, const char *why)
{
	struct log_line l;

	log_begin(&l, LOG_L_NOTICE, "unlocked");
	log_str(&l, "address", lock->address);
	log_str(&l, "why", why);
	log_end(&l);
}

static void
log_guessing(enum log_level level, const char *event, const char *endpoint,
    int64_t failures)
{
	struct log_line l;

	log_begin(&l, level, event);
	log_str(&l, "endpoint", endpoint);
	log_int(&l, "failures", failures);
	log_end(&l);
}

static enum service_when
failed(struct guard *g, struct exchange *x)
{
	const char *endpoint = x->endpoint->conf->name;
	struct abuse_verdict v;

	abuse_failed(g->abuse, x->site->conf, x->peer, endpoint, clock_now(),
	    &v);
	if (v.locks)
		log_locked(&v.lock);
	if (v.rations > 0)
		log_rationed(x, v.rations);
	if (v.alarm > 0)
		log_guessing(LOG_L_ERR, "guessing", endpoint, v.alarm);
	return v.delay > 0 && delays_put(g->delays, x, v.delay) == 0 ?
	    SERVICE_LATER : SERVICE_NOW;
}

enum service_when
guard_run(struct exchange *x, void *service)
{
	struct service *s = service;
	struct abuse *a = s->guard->abuse;
	struct abuse_leave l;

	/* Not before a worker has it: others may have locked it meanwhile. */
	abuse_enter(a, x->site->conf, x->peer, clock_now(), &l);
	x->locked = l.locked;
	x->rationed = l.rationed;
	pipeline_run(x, s);
	switch (x->proof) {
	case PROOF_WRONG:
		return failed(s->guard, x);
	case PROOF_RIGHT:
		abuse_succeeded(a, x->site->conf, x->peer, &l, clock_now());
		break;
	case PROOF_NONE:
		abuse_left(a, x->peer, &l);
		break;
	}
	return SERVICE_NOW;
}

/* ---- beside the store ---- */

static int
found(const struct lockout *l, void *arg)
{
	abuse_found(arg, l);
	return 0;
}

/* What an operator took out. */
static int
read_store(struct guard *g, struct db *db, struct err *e)
{
	struct lockout v[CHANGES_MAX];
	size_t i, n;

	if (!abuse_look(g->abuse))
		return 0;
	if (lockout_each(db, found, g->abuse, e) == -1)
		return -1;
	n = abuse_cleared(g->abuse, v, CHANGES_MAX);
	for (i = 0; i < n; i++)
		log_unlocked(&v[i], "cleared");
	return 0;
}

static int
write_store(struct guard *g, struct db *db, const struct conf *c,
    int64_t now, struct err *e)
{
	struct lockout v[CHANGES_MAX];
	size_t i, n = abuse_changes(g->abuse, c, now, v, CHANGES_MAX);

	for (i = 0; i < n; i++)
		if (v[i].until <= now)
			log_unlocked(&v[i], v[i].until == 0 ? "success" :
			    "time");
	if (n == 0)
		return 0;
	if (lockout_put(db, v, n, now, e) == -1)
		return -1;
	abuse_stored(g->abuse, v, n);
	return 0;
}

static void
end_alarms(struct guard *g, const struct conf *c, int64_t now)
{
	struct abuse_endpoint v[ABUSE_ENDPOINTS];
	size_t i, n = abuse_endpoints(g->abuse, c, now, v);

	for (i = 0; i < n; i++)
		if (v[i].ended)
			log_guessing(LOG_L_NOTICE, "guessing_ended", v[i].name,
			    v[i].failures);
}

void
guard_tick(struct guard *g, struct db *db, const struct conf *c, int64_t now)
{
	struct err e = { .reason = ERR_NONE };
	bool failed;

	end_alarms(g, c, now);
	failed = read_store(g, db, &e) == -1 ||
	    write_store(g, db, c, now, &e) == -1;
	if (failed && !g->failed)
		log_msg(LOG_L_WARN, "lockout_failed", "%s", err_text(&e));
	g->failed = failed;
}
