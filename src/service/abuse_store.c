/*
 * Locks, beside the store.
 */
#include "service/abuse_table_int.h"

static void
end_lock(struct abuse *a, struct address *p)
{
	p->locked = false;
	p->stored = false;
	a->n_locked--;
}

static struct address *
nth(struct abuse *a, size_t i)
{
	return &a->addresses[i / ABUSE_WAYS][i % ABUSE_WAYS];
}

static struct address *
find_text(struct abuse *a, const char *text)
{
	uint8_t addr[ADDR_LEN];

	return addr_parse(text, addr) == -1 ? NULL : abuse_find(a, addr);
}

void
abuse_adopt(struct abuse *a, const struct lockout *l)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (addr_parse(l->address, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = abuse_get(a, addr, l->since)) != NULL && !p->locked) {
		p->lock = *l;
		p->locked = true;
		p->stored = true;
		p->look = a->look;
		a->n_locked++;
	}
	pthread_mutex_unlock(&a->lock);
}

void
abuse_remember(struct abuse *a, const char *peer, int64_t when)
{
	uint8_t addr[ADDR_LEN];
	struct address *p;

	if (addr_parse(peer, addr) == -1)
		return;
	pthread_mutex_lock(&a->lock);
	if ((p = abuse_get(a, addr, when)) != NULL) {
		if (p->fine_at < when)
			p->fine_at = when;
		/* Its end did not come to the store. */
		if (p->locked && when > p->lock.since)
			p->lock.until = 0;
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
		over = abuse_lock_ends(p, conf, now) <= now;
		if (!over && p->stored)
			continue;
		out[n] = p->lock;
		if (over) {
			if (out[n].until != 0)
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
