/*
 * What an RA certificate is used for, and which of several is the best.
 */
#include "site/ra_int.h"

#define KU_SCEP		(CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT)

static const struct {
	const char	*name;
	const char	*wanted;	/* keyUsage, in words */
} roles[] = {
	[RA_BOTH] = { "RA certificate",
	    "both digitalSignature and keyEncipherment" },
	[RA_SIGN] = { "RA certificate that signs",
	    "digitalSignature alone: clients choose by it, and another one "
	    "decrypts" },
	[RA_OPEN] = { "RA certificate that decrypts",
	    "keyEncipherment alone: clients choose by it, and another one "
	    "signs" },
};

const char *
ra_role_name(enum ra_role role)
{
	return roles[role].name;
}

const char *
ra_role_wanted(enum ra_role role)
{
	return roles[role].wanted;
}

/* Of two certificates Apple and others take the one with exactly one bit. */
bool
ra_suits(const struct cert *c, enum ra_role role)
{
	switch (role) {
	case RA_SIGN:
		return c->ku == CERT_KU_DIGITAL_SIGNATURE;
	case RA_OPEN:
		return c->ku == CERT_KU_KEY_ENCIPHERMENT;
	default:
		return (c->ku & KU_SCEP) == KU_SCEP;
	}
}

bool
ra_is_valid(const struct cert *c, int64_t now)
{
	return now >= c->not_before && now <= c->not_after;
}

/* Of two with the same end the first stays. */
static bool
is_better(const struct cert *c, const struct cert *than, int64_t now)
{
	if (ra_is_valid(c, now) != ra_is_valid(than, now))
		return ra_is_valid(c, now);
	return c->not_after > than->not_after;
}

struct pair *
ra_best(const struct pairs *ps, size_t n, const struct cert *ca,
    enum ra_role role, int64_t now)
{
	struct pair *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (ra_suits(ps->v[i]->cert, role) &&
		    (ca == NULL ||
		    cert_has_subject(ca, ps->v[i]->cert->issuer)) &&
		    (best == NULL || is_better(ps->v[i]->cert, best->cert,
		    now)))
			best = ps->v[i];
	return best;
}
