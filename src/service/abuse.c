#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "service/abuse_int.h"
#include "service/window_int.h"
#include "util/addr.h"

#define WAYS	8			/* places that an address may have */
#define SETS	(ABUSE_ADDRESSES / WAYS)
#define DELAY_SHIFT_MAX	16

struct address {
	uint8_t		 addr[ADDR_LEN];
	uint64_t	 used;		/* when, by abuse.clock; 0: empty */
	struct window	 counts;
	bool		 locked;
	struct lockout	 lock;
	bool		 stored;
	unsigned	 look;		/* in which it was found last */
};

struct endpoint {
	char		 name[LOCKOUT_ENDPOINT];
	uint64_t	 used;
	struct window	 counts;
	bool		 alarm;
};

struct abuse {
	pthread_mutex_t	 lock;
	uint64_t	 key[2];	/* nobody can aim at a set */
	uint64_t	 clock;		/* counts what is done here */
	unsigned	 look;
	int64_t		 n_locked;
	struct address	 addresses[SETS][WAYS];
	struct endpoint	 endpoints[ABUSE_ENDPOINTS];
};

int
abuse_new(struct abuse **out, struct err *e)
{
	struct abuse *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		err_set(e, ERR_MEMORY, "addresses");
		return -1;
	}
	if (secret_random((uint8_t *)a->key, sizeof(a->key), e) == -1) {
		free(a);
		return -1;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

void
abuse_free(struct abuse *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- the table ---- */

static uint64_t
mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

static struct address *
set_of(struct abuse *a, const uint8_t addr[ADDR_LEN])
{
	uint64_t half[2];

	memcpy(half, addr, sizeof(half));
	return a->addresses[mix(mix(half[0] ^ a->key[0]) ^ half[1] ^
	    a->key[1]) % SETS];
}

static struct address *
find(struct abuse *a, const uint8_t addr[ADDR_LEN])
{
	struct address *set = set_of(a, addr);
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (set[i].used != 0 &&
		    memcmp(set[i].addr, addr, ADDR_LEN) == 0)
			return &set[i];
	return NULL;
}

/* The oldest that is no lock, an empty one first; NULL: all are locks. */
static struct address *
room(struct address *set)
{
	struct address *p = NULL;
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (!set[i].locked && (p == NULL || set[i].used < p->used))
			p = &set[i];
	return p;
}

/* As find(), with room made for what is not there; NULL: there is none. */
static struct address *
get(struct abuse *a, const uint8_t addr[ADDR_LEN])
{
	struct address *p = find(a, addr);

	if (p == NULL) {
		if ((p = room(set_of(a, addr))) == NULL)
			return NULL;
		memset(p, 0, sizeof(*p));
		memcpy(p->addr, addr, ADDR_LEN);
	}
	p->used = ++a->clock;
	return p;
}

static struct endpoint *
get_endpoint(struct abuse *a, const char *name)
{
	struct endpoint *p = &a->endpoints[0];
	size_t i;

	for (i = 0; i < ABUSE_ENDPOINTS; i++) {
		if (a->endpoints[i].used != 0 &&
		    strcmp(a->endpoints[i].name, name) == 0) {
			p = &a->endpoints[i];
			break;
		}
		if (a->endpoints[i].used < p->used)
			p = &a->endpoints[i];
	}
	if (p->used == 0 || strcmp(p->name, name) != 0) {
		memset(p, 0, sizeof(*p));
		(void)snprintf(p->name, sizeof(p->name), "%s", name);
	}
	p->used = ++a->clock;
	return p;
}

/* ---- locks ---- */

/* When the lock ends: never later than a lock that begins now would, whatever
 * clock and settings were when it began. */
static int64_t
ends(struct address *p, const struct conf *conf, int64_t now)
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

static void
end_lock(struct abuse *a, struct address *p)
{
	p->locked = false;
	p->stored = false;
	a->n_locked--;
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
	p = a->n_locked == 0 ? NULL : find(a, addr);
	if (p != NULL && p->locked)
		left = ends(p, conf, now) - now;
	pthread_mutex_unlock(&a->lock);
	return left > 0 ? left : 0;
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
	struct address *p = get(a, addr);
	int64_t n;

	/* No room among locks, or one that was on its way when it was locked. */
	if (p == NULL || p->locked) {
		v->delay = conf->abuse_delay_max;
		return;
	}
	window_move(&p->counts, conf->abuse_window, now);
	p->counts.failed[0]++;
	n = window_sum(p->counts.failed) -
	    ABUSE_CREDIT * window_sum(p->counts.fine);
	v->delay = delay_of(conf, n - conf->abuse_free);
	if (conf->abuse_lock_after == 0 || n < conf->abuse_lock_after)
		return;
	begin_lock(a, p, conf, endpoint, now);
	v->locks = true;
	v->lock = p->lock;
}

static void
failed_endpoint(struct abuse *a, const struct conf *conf,
    const char *endpoint, int64_t now, struct abuse_verdict *v)
{
	struct endpoint *p = get_endpoint(a, endpoint);
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
    int64_t now)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (addr_parse(peer, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = get(a, addr)) != NULL && !p->locked) {
		window_move(&p->counts, conf->abuse_window, now);
		p->counts.fine[0]++;
	}
	pthread_mutex_unlock(&a->lock);
}

/* ---- beside the store ---- */

static struct address *
nth(struct abuse *a, size_t i)
{
	return &a->addresses[i / WAYS][i % WAYS];
}

static struct address *
find_text(struct abuse *a, const char *text)
{
	uint8_t addr[ADDR_LEN];

	return addr_parse(text, addr) == -1 ? NULL : find(a, addr);
}

void
abuse_adopt(struct abuse *a, const struct lockout *l)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (addr_parse(l->address, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = get(a, addr)) != NULL && !p->locked) {
		p->lock = *l;
		p->locked = true;
		p->stored = true;
		p->look = a->look;
		a->n_locked++;
	}
	pthread_mutex_unlock(&a->lock);
}

size_t
abuse_changes(struct abuse *a, const struct conf *conf, int64_t now,
    struct lockout *out, size_t max)
{
	struct address *p;
	size_t i, n = 0;
	bool over;

	pthread_mutex_lock(&a->lock);
	for (i = 0; a->n_locked > 0 && i < ABUSE_ADDRESSES && n < max; i++) {
		p = nth(a, i);
		if (!p->locked)
			continue;
		over = ends(p, conf, now) <= now;
		if (!over && p->stored)
			continue;
		out[n] = p->lock;
		if (over) {
			out[n].until = now;
			end_lock(a, p);
		}
		n++;
	}
	pthread_mutex_unlock(&a->lock);
	return n;
}

void
abuse_stored(struct abuse *a, const struct lockout *v, size_t n)
{
	struct address *p;
	size_t i;

	pthread_mutex_lock(&a->lock);
	for (i = 0; i < n; i++) {
		p = find_text(a, v[i].address);
		if (p == NULL || !p->locked || p->lock.since != v[i].since)
			continue;
		p->stored = true;
		p->look = a->look;
	}
	pthread_mutex_unlock(&a->lock);
}

bool
abuse_look(struct abuse *a)
{
	bool any;

	pthread_mutex_lock(&a->lock);
	any = a->n_locked > 0;
	a->look++;
	pthread_mutex_unlock(&a->lock);
	return any;
}

void
abuse_found(struct abuse *a, const struct lockout *l)
{
	struct address *p;

	pthread_mutex_lock(&a->lock);
	if ((p = find_text(a, l->address)) != NULL)
		p->look = a->look;
	pthread_mutex_unlock(&a->lock);
}

size_t
abuse_cleared(struct abuse *a, struct lockout *out, size_t max)
{
	struct address *p;
	size_t i, n = 0;

	pthread_mutex_lock(&a->lock);
	for (i = 0; a->n_locked > 0 && i < ABUSE_ADDRESSES && n < max; i++) {
		p = nth(a, i);
		if (!p->locked || !p->stored || p->look == a->look)
			continue;
		out[n++] = p->lock;
		end_lock(a, p);
	}
	pthread_mutex_unlock(&a->lock);
	return n;
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
