/*
 * What an endpoint shows: who signs, who decrypts, who issues, and the
 * documents that say so.
 */
#include <stdlib.h>

#include "pki/chain.h"
#include "site/face.h"
#include "site/ra_int.h"

#define CAPS_MAX	4096
#define CACERT_MAX	(1024u * 1024)

struct face *
face_get(struct face *f)
{
	atomic_fetch_add(&f->refs, 1);
	return f;
}

void
face_put(struct face *f)
{
	if (f == NULL || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	pairs_clear(&f->pairs);
	free(f->open);
	free(f->ways);
	free(f->authorities);
	buf_wipe(&f->caps);
	buf_wipe(&f->cacert);
	buf_wipe(&f->nextca);
	free(f);
}

/* ---- the pairs that are to be had ---- */

static int
collect(struct face *f, const struct ra *ra, const struct pairs *kept,
    struct err *e)
{
	if (pairs_add(&f->pairs, &ra->files, e) == -1 ||
	    pairs_add(&f->pairs, kept, e) == -1)
		return -1;
	f->n_own = f->pairs.n;
	return pairs_add(&f->pairs, &ra->also, e);
}

/* ---- generations ---- */

static struct cms_recipient
recipient(const struct pair *p)
{
	return (struct cms_recipient){ p->key, p->cert };
}

/* One of ra_also only where there is no other: a CA that follows behind a
 * program has its RA there. */
static const struct pair *
best_of(const struct face *f, const struct cert *ca, enum ra_role role,
    int64_t now)
{
	const struct pair *p = ra_best(&f->pairs, f->n_own, ca, role, now);

	return p != NULL ? p : ra_best(&f->pairs, f->pairs.n, ca, role,
	    now);
}

static void
choose_ra(struct face *f, struct face_gen *g, bool split, int64_t now)
{
	const struct cert *ca = issuer_ca(g->ca->issuer);
	const struct pair *sign, *open;

	sign = best_of(f, ca, split ? RA_SIGN : RA_BOTH, now);
	open = !split ? sign : best_of(f, ca, RA_OPEN, now);
	if (sign == NULL || open == NULL)
		return;
	g->sign = recipient(sign);
	g->open = recipient(open);
}

/* The answer to GetCACert, as a list. */
static void
list_chain(struct face_gen *g, bool ra)
{
	const struct certs *upper = issuer_upper(g->ca->issuer);
	size_t i;

	if (ra) {
		g->chain[g->n_ra++] = g->sign.cert;
		if (g->open.cert != g->sign.cert)
			g->chain[g->n_ra++] = g->open.cert;
	}
	g->n_chain = g->n_ra;
	g->chain[g->n_chain++] = issuer_ca(g->ca->issuer);
	for (i = 0; i < upper->n; i++)
		g->chain[g->n_chain++] = upper->v[i];
}

static void
add_gen(struct face *f, const struct site_endpoint *se,
    const struct site_ca *ca, int64_t now)
{
	struct face_gen *g = &f->gens[f->n_gens++];

	g->ca = ca;
	if (se->conf->mode == CONF_MODE_CA) {
		g->sign = (struct cms_recipient){
			issuer_key(ca->issuer), issuer_ca(ca->issuer)
		};
		g->open = g->sign;
	} else
		choose_ra(f, g, se->ra->split, now);
}

static void
list_gens(struct face *f, const struct site_endpoint *se, int64_t now)
{
	const struct site_ca *ca = se->ca, *next = ca->next;
	struct face_gen *g = f->gens;
	bool ra = se->conf->mode == CONF_MODE_RA;
	size_t i;

	if (next == NULL) {
		add_gen(f, se, ca, now);
	} else {
		add_gen(f, se, site_ca_current(ca, now), now);
		add_gen(f, se, g[0].ca == ca ? next : ca, now);
	}
	/* Better the RA of the other CA than none. */
	if (g[0].sign.key == NULL && f->n_gens > 1) {
		g[0].sign = g[1].sign;
		g[0].open = g[1].open;
	}
	for (i = 0; i < f->n_gens; i++)
		list_chain(&g[i], ra && g[i].sign.key != NULL);
}

const struct face_gen *
face_of(const struct face *f, const struct cert *c)
{
	struct err why;
	size_t i;

	for (i = 0; i < f->n_gens; i++) {
		err_clear(&why);
		if (chain_link(c, issuer_ca(f->gens[i].ca->issuer),
		    &why) == 0)
			return &f->gens[i];
	}
	return NULL;
}

/* ---- ways ---- */

/* Once the other CA has been followed, only the first one issues. */
static const struct face_gen *
who_issues(const struct face *f, const struct face_gen *g,
    const struct site_ca *next)
{
	return g->ca == next ? g : &f->gens[0];
}

static void
add_way(struct face *f, struct cms_recipient open, struct cms_recipient sign,
    const struct face_gen *issues)
{
	f->open[f->n_ways] = open;
	f->ways[f->n_ways++] = (struct face_way){ sign, issues };
}

static bool
is_listed(const struct face *f, const struct pair *p)
{
	size_t i;

	for (i = 0; i < f->n_ways; i++)
		if (bytes_eq(f->open[i].cert->der, p->cert->der))
			return true;
	return false;
}

/*
 * Who was shown an earlier certificate verifies the reply with it, if it may
 * sign; else with the one that was shown beside it.
 */
static void
add_earlier(struct face *f, const struct pair *p, const struct site_ca *next,
    int64_t now)
{
	const struct face_gen *g = face_of(f, p->cert);

	if (!ra_is_valid(p->cert, now) || is_listed(f, p) ||
	    (!ra_suits(p->cert, RA_BOTH) && !ra_suits(p->cert, RA_OPEN)))
		return;
	if (g == NULL || g->sign.key == NULL || !ra_is_valid(g->sign.cert, now))
		g = &f->gens[0];
	add_way(f, recipient(p), ra_suits(p->cert, RA_BOTH) ? recipient(p) :
	    g->sign, who_issues(f, g, next));
}

/* What has expired is of use only where there is nothing else: it is told why
 * nothing is issued. */
static bool
is_open(const struct face *f, size_t i, int64_t now)
{
	const struct face_gen *g = &f->gens[i];

	return g->open.key != NULL && (i == 0 ||
	    (ra_is_valid(g->open.cert, now) && ra_is_valid(g->sign.cert, now)));
}

static int
list_ways(struct face *f, const struct site_ca *next, int64_t now,
    struct err *e)
{
	size_t i, most = f->n_gens + f->pairs.n;

	f->open = calloc(most, sizeof(*f->open));
	f->ways = calloc(most, sizeof(*f->ways));
	if (f->open == NULL || f->ways == NULL) {
		err_set(e, ERR_MEMORY, "RA");
		return -1;
	}
	for (i = 0; i < f->n_gens; i++)
		if (is_open(f, i, now))
			add_way(f, f->gens[i].open, f->gens[i].sign,
			    who_issues(f, &f->gens[i], next));
	for (i = 0; i < f->pairs.n; i++)
		add_earlier(f, f->pairs.v[i], next, now);
	return 0;
}

static int
list_authorities(struct face *f, struct err *e)
{
	size_t i, k, n = f->pairs.n;

	for (i = 0; i < f->n_gens; i++)
		n += f->gens[i].n_chain;
	if ((f->authorities = calloc(n, sizeof(*f->authorities))) == NULL) {
		err_set(e, ERR_MEMORY, "CA certificates");
		return -1;
	}
	for (i = 0; i < f->n_gens; i++)
		for (k = 0; k < f->gens[i].n_chain; k++)
			f->authorities[f->n_authorities++] =
			    f->gens[i].chain[k];
	for (i = 0; i < f->pairs.n; i++)
		f->authorities[f->n_authorities++] = f->pairs.v[i]->cert;
	return 0;
}

/* ---- documents ---- */

/* The current CA vouches for the next one; its RA where its key is not here. */
static int
make_nextca(struct face *f, const struct site_endpoint *se, struct err *e)
{
	const struct face_gen *g = f->gens, *to = &f->gens[1];
	const struct issuer *is = g->ca->issuer;
	struct scep_next next;

	if (f->n_gens < 2 || to->ca != se->ca->next || to->sign.key == NULL)
		return 0;
	next = (struct scep_next){
		.ra = to->chain,
		.n_ra = to->n_ra,
		.ca = issuer_ca(to->ca->issuer),
		.upper = issuer_upper(to->ca->issuer)
	};
	if (issuer_key(is) == NULL)
		return scep_nextca(&next, g->sign.key, g->sign.cert, se->algs,
		    &f->nextca, e);
	return scep_nextca(&next, issuer_key(is), issuer_ca(is), se->algs,
	    &f->nextca, e);
}

static int
make_documents(struct face *f, const struct site_endpoint *se, struct err *e)
{
	const struct face_gen *g = f->gens;

	if (make_nextca(f, se, e) == -1)
		return -1;
	if (scep_caps(se->algs, f->nextca.n > 0, &f->caps) == -1) {
		err_set(e, ERR_MEMORY, "GetCACaps");
		return -1;
	}
	return scep_cacert(g->chain, g->n_ra, issuer_ca(g->ca->issuer),
	    issuer_upper(g->ca->issuer), &f->cacert, &f->cacert_type, e);
}

int
face_new(const struct site_endpoint *se, const struct pairs *kept,
    int64_t now, struct face **out, struct err *e)
{
	struct face *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_set(e, ERR_MEMORY, "endpoint");
		return -1;
	}
	atomic_init(&f->refs, 1);
	buf_init(&f->caps, CAPS_MAX);
	buf_init(&f->cacert, CACERT_MAX);
	buf_init(&f->nextca, CACERT_MAX);
	if (collect(f, se->ra, kept, e) == -1)
		goto fail;
	list_gens(f, se, now);
	if (list_ways(f, se->ca->next, now, e) == -1 ||
	    list_authorities(f, e) == -1 || make_documents(f, se, e) == -1)
		goto fail;
	*out = f;
	return 0;
fail:
	face_put(f);
	return -1;
}
