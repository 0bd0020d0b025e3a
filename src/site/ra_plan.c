/*
 * When the next RA certificate is due, and for how long it is good.
 */
#include "site/ra_int.h"

#define DAY		86400
#define WARN_AHEAD	(30 * DAY)	/* where nothing is renewed */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
life_of(const struct cert *c)
{
	return c->not_after - c->not_before;
}

/* One that lives for less than ra_renew is renewed half-way. */
int64_t
ra_plan_due(const struct conf_endpoint *conf, const struct cert *c)
{
	int64_t ahead = conf->ra_renew > 0 ? conf->ra_renew : WARN_AHEAD;

	return c->not_after - least(ahead, life_of(c) / 2);
}

/* As long as the one before, never longer than the CA. */
void
ra_plan_life(struct cert_plan *p, const struct cert *like,
    const struct cert *ca, int64_t now)
{
	int64_t life = life_of(like);

	p->not_before = now - least(DAY, life / 10);
	if (p->not_before < ca->not_before)
		p->not_before = ca->not_before;
	p->not_after = least(p->not_before + life, ca->not_after);
}

const char *
ra_plan_hindrance(const struct conf_endpoint *conf,
    const struct site_ca *ca, const struct cert *like,
    const struct cert *best, int64_t now)
{
	struct cert_plan p = { .n_sans = 0 };
	int64_t until = best != NULL && best->not_after > now ?
	    best->not_after : now;

	if (conf->ra_renew == 0)
		return "ra_renew is 0: issue it again, or set ra_renew";
	if (issuer_key(ca->issuer) == NULL)
		return "the key of its CA is not here: issue it again there";
	ra_plan_life(&p, like, issuer_ca(ca->issuer), now);
	/* Again and again for a few more hours helps nobody. */
	if (p.not_after - until < least(DAY, life_of(like) / 10))
		return "its CA expires soon: make the next CA with scepctl ca "
		    "rollover";
	return NULL;
}
