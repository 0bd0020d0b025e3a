/*
 * Keys with their certificates.
 */
#include <stdlib.h>

#include "site/pair.h"

int
pair_new(struct key *key, struct cert *cert, struct pair **out, struct err *e)
{
	struct pair *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		key_free(key);
		cert_free(cert);
		err_set(e, ERR_MEMORY, "RA");
		return -1;
	}
	atomic_init(&p->refs, 1);
	p->key = key;
	p->cert = cert;
	*out = p;
	return 0;
}

struct pair *
pair_get(struct pair *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void
pair_put(struct pair *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	key_free(p->key);
	cert_free(p->cert);
	free(p);
}

int
pairs_take(struct pairs *ps, struct pair *p, struct err *e)
{
	struct pair **v;

	if ((v = realloc(ps->v, (ps->n + 1) * sizeof(*v))) == NULL) {
		pair_put(p);
		err_set(e, ERR_MEMORY, "RA");
		return -1;
	}
	ps->v = v;
	ps->v[ps->n++] = p;
	return 0;
}

int
pairs_add(struct pairs *ps, const struct pairs *from, struct err *e)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (pairs_take(ps, pair_get(from->v[i]), e) == -1)
			return -1;
	return 0;
}

void
pairs_clear(struct pairs *ps)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		pair_put(ps->v[i]);
	free(ps->v);
	*ps = (struct pairs){ .v = NULL };
}
