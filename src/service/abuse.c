#include <stdio.h>
#include <string.h>

#include "service/abuse_table_int.h"

#define DELAY_SHIFT_MAX	16

/* ---- locks ---- */

int64_t
abuse_lock_ends(struct address *p, const struct conf *conf, int64_t now)
{
	int64_t most = conf->abuse_lock_after == 0 ? now :
	    now + conf->abuse_lock_time;

	if (p->lock.until > most) {
		p->lock.until = most;
		p->stored = false;
	}
	return p->lock.until;
}

static void
begin_lock(struct abuse *a, struct address *p, const struct conf *conf,
    const char *endpoint, int64_t now)
{
	p->lock = (struct lockout){
		.since = now,
		.until = now + conf->abuse_lock_time,
		.failures = window_sum(p->counts.failed)
	};
	addr_text(p->addr, p->lock.address);
	(void)snprintf(p->lock.endpoint, sizeof(p->lock.endpoint), "%s",
	    endpoint);
	memset(&p->counts, 0, sizeof(p->counts));
	p->locked = true;
	p->stored = false;
	a->n_locked++;
}

int64_t
abuse_locked(struct abuse *a, const struct conf *conf, const char *peer,
    int64_t now)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;
	int64_t left = 0;

	if (addr_parse(peer, addr) == -1)
		return 0;
	pthread_mutex_lock(&a->lock);
	p = a->n_locked == 0 ? NULL : abuse_find(a, addr);
	if (p != NULL && p->locked)
		left = abuse_lock_ends(p, conf, now) - now;
	pthread_mutex_unlock(&a->lock);
	return left > 0 ? left : 0;
}

/* ---- rations ---- */

static int64_t
score(struct address *p, const struct conf *conf, int64_t now)
{
	window_move(&p->counts, conf->abuse_window, now);
	return window_sum(p->counts.failed) -
	    ABUSE_CREDIT * window_sum(p->counts.fine);
}

static bool
is_rationed(struct address *p, const struct conf *conf, int64_t now)
{
	bool is = conf->abuse_lock_after != 0 && abuse_known(p, now) &&
	    score(p, conf, now) >= conf->abuse_lock_after;

	p->rationed = p->rationed && is;
	return is;
}

static int64_t
ration_time(const struct conf *conf)
{
	return conf->abuse_delay_max == 0 ? 1 : conf->abuse_delay_max;
}

/* Time gives guesses back, one by one. */
static void
refill(struct address *p, const struct conf *conf, int64_t now)
{
	int64_t each = ration_time(conf), n;

	if (p->spent == 0 || now < p->spent_at)
		p->spent_at = now;
	n = (now - p->spent_at) / each;
	p->spent_at += n * each;
	p->spent -= n < p->spent ? n : p->spent;
}

static void
take_guess(struct address *p, const struct conf *conf, int64_t now,
    struct abuse_leave *out)
{
	refill(p, conf, now);
	if (p->spent >= conf->abuse_lock_after) {
		out->rationed = ration_time(conf) - (now - p->spent_at);
		return;
	}
	p->spent++;
	out->taken = true;
}

void
abuse_enter(struct abuse *a, const struct conf *conf, const char *peer,
    int64_t now, struct abuse_leave *out)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;
	int64_t left;

	*out = (struct abuse_leave){ .locked = 0 };
	if (addr_parse(peer, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = abuse_find(a, addr)) != NULL && p->locked) {
		left = abuse_lock_ends(p, conf, now) - now;
		out->locked = left > 0 ? left : 0;
	} else if (p != NULL && is_rationed(p, conf, now)) {
		take_guess(p, conf, now, out);
	}
	pthread_mutex_unlock(&a->lock);
}

static void
give_back(struct address *p, int64_t n)
{
	p->spent -= n < p->spent ? n : p->spent;
}

void
abuse_left(struct abuse *a, const char *peer, const struct abuse_leave *l)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (!l->taken || addr_parse(peer, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = abuse_find(a, addr)) != NULL)
		give_back(p, 1);
	pthread_mutex_unlock(&a->lock);
}

/* ---- what was tried ---- */

/* 1, 2, 4, ... seconds for the first, second, third failure that costs. */
static int64_t
delay_of(const struct conf *conf, int64_t over)
{
	int64_t delay;

	if (over <= 0)
		return 0;
	delay = over > DELAY_SHIFT_MAX ? INT64_MAX : (int64_t)1 << (over - 1);
	return delay < conf->abuse_delay_max ? delay : conf->abuse_delay_max;
}

static void
failed_address(struct abuse *a, const struct conf *conf,
    const uint8_t addr[ADDR_LEN], const char *endpoint, int64_t now,
    struct abuse_verdict *v)
{
	struct address *p = abuse_get(a, addr, now);
	int64_t n;

	/* No room among locks, or one that was on its way when it was locked. */
	if (p == NULL || p->locked) {
		v->delay = conf->abuse_delay_max;
		return;
	}
	window_move(&p->counts, conf->abuse_window, now);
	p->counts.failed[0]++;
	n = score(p, conf, now);
	v->delay = delay_of(conf, n - conf->abuse_free);
	if (conf->abuse_lock_after == 0 || n < conf->abuse_lock_after)
		return;
	if (abuse_known(p, now)) {
		v->rations = p->rationed ? 0 : window_sum(p->counts.failed);
		p->rationed = true;
		return;
	}
	begin_lock(a, p, conf, endpoint, now);
	v->locks = true;
	v->lock = p->lock;
}

static void
failed_endpoint(struct abuse *a, const struct conf *conf,
    const char *endpoint, int64_t now, struct abuse_verdict *v)
{
	struct endpoint *p = abuse_get_endpoint(a, endpoint);
	int64_t n;

	window_move(&p->counts, conf->abuse_window, now);
	p->counts.failed[0]++;
	n = window_sum(p->counts.failed);
	if (p->alarm || conf->abuse_endpoint_after == 0 ||
	    n < conf->abuse_endpoint_after)
		return;
	p->alarm = true;
	v->alarm = n;
}

void
abuse_failed(struct abuse *a, const struct conf *conf, const char *peer,
    const char *endpoint, int64_t now, struct abuse_verdict *v)
{
	uint8_t addr[ADDR_LEN];
	bool known = addr_parse(peer, addr) == 0;

	*v = (struct abuse_verdict){ .delay = 0 };
	pthread_mutex_lock(&a->lock);
	if (known)
		failed_address(a, conf, addr, endpoint, now, v);
	failed_endpoint(a, conf, endpoint, now, v);
	pthread_mutex_unlock(&a->lock);
}

void
abuse_succeeded(struct abuse *a, const struct conf *conf, const char *peer,
    const struct abuse_leave *l, int64_t now)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (addr_parse(peer, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = abuse_get(a, addr, now)) != NULL) {
		window_move(&p->counts, conf->abuse_window, now);
		p->counts.fine[0]++;
		p->fine_at = now;
		give_back(p, ABUSE_CREDIT + l->taken);
		if (p->lock.until > now)
			p->lock.until = 0;
	}
	pthread_mutex_unlock(&a->lock);
}

/* ---- figures ---- */

/* An alarm ends at half of what began it, so that it does not flicker. */
size_t
abuse_endpoints(struct abuse *a, const struct conf *conf, int64_t now,
    struct abuse_endpoint out[ABUSE_ENDPOINTS])
{
	struct endpoint *p;
	size_t i, n = 0;

	pthread_mutex_lock(&a->lock);
	for (i = 0; i < ABUSE_ENDPOINTS; i++) {
		p = &a->endpoints[i];
		if (p->used == 0)
			continue;
		window_move(&p->counts, conf->abuse_window, now);
		out[n].failures = window_sum(p->counts.failed);
		out[n].ended = p->alarm &&
		    out[n].failures * 2 <= conf->abuse_endpoint_after;
		p->alarm = p->alarm && !out[n].ended;
		out[n].alarm = p->alarm;
		memcpy(out[n].name, p->name, sizeof(p->name));
		n++;
	}
	pthread_mutex_unlock(&a->lock);
	return n;
}

int64_t
abuse_count_locked(struct abuse *a)
{
	int64_t n;

	pthread_mutex_lock(&a->lock);
	n = a->n_locked;
	pthread_mutex_unlock(&a->lock);
	return n;
}
