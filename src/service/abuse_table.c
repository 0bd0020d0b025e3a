#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/secret.h"
#include "service/abuse_table_int.h"

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
	    a->key[1]) % ABUSE_SETS];
}

struct address *
abuse_find(struct abuse *a, const uint8_t addr[ADDR_LEN])
{
	struct address *set = set_of(a, addr);
	size_t i;

	for (i = 0; i < ABUSE_WAYS; i++)
		if (set[i].used != 0 &&
		    memcmp(set[i].addr, addr, ADDR_LEN) == 0)
			return &set[i];
	return NULL;
}

bool
abuse_known(const struct address *p, int64_t now)
{
	return p->fine_at != 0 && now - p->fine_at < ABUSE_REMEMBER;
}

/* Those that had a certificate stay where there are others, the newest where
 * there are not. */
static bool
goes_before(const struct address *p, const struct address *q, int64_t now)
{
	bool known = abuse_known(p, now);

	return known != abuse_known(q, now) ? !known : p->used < q->used;
}

/* What is to go, if it is no lock, an empty one first; NULL: all are locks. */
static struct address *
room(struct address *set, int64_t now)
{
	struct address *p = NULL;
	size_t i;

	for (i = 0; i < ABUSE_WAYS; i++)
		if (!set[i].locked && (p == NULL ||
		    goes_before(&set[i], p, now)))
			p = &set[i];
	return p;
}

struct address *
abuse_get(struct abuse *a, const uint8_t addr[ADDR_LEN], int64_t now)
{
	struct address *p = abuse_find(a, addr);

	if (p == NULL) {
		if ((p = room(set_of(a, addr), now)) == NULL)
			return NULL;
		memset(p, 0, sizeof(*p));
		memcpy(p->addr, addr, ADDR_LEN);
	}
	p->used = ++a->clock;
	return p;
}

struct endpoint *
abuse_get_endpoint(struct abuse *a, const char *name)
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
