/*
 * A face: what an endpoint shows the world as of some time, and the keys that
 * this takes. It never changes; another one takes its place, and an exchange keeps
 * the one it began with.
 */
#ifndef SITE_FACE_H
#define SITE_FACE_H

#include <stdatomic.h>

#include "pki/cms.h"
#include "scep/caps.h"
#include "site/endpoint.h"
#include "site/pair.h"

/* A CA, and who answers for it. */
struct face_gen {
	const struct site_ca	*ca;
	struct cms_recipient	 sign;	/* key NULL: nobody yet */
	struct cms_recipient	 open;	/* may be the same */
	/* RA certificates, issuing CA, … root: as GetCACert has them */
	const struct cert	*chain[SCEP_RA_MAX + 1 + CERTS_MAX];
	size_t			 n_chain;
	size_t			 n_ra;	/* of them */
};

/* Where a message leads, by the certificate that it is enveloped for. */
struct face_way {
	struct cms_recipient	 sign;	/* who signs the reply */
	const struct face_gen	*gen;	/* who issues */
};

struct face {
	atomic_int		 refs;
	struct pairs		 pairs;	/* that the rest borrows from */
	size_t			 n_own;	/* of them are not from ra_also */
	/* The first issues now. The other one is the CA to come, or the one
	 * before. */
	struct face_gen		 gens[2];
	size_t			 n_gens;
	struct cms_recipient	*open;	/* n: who messages may be for, the */
	struct face_way		*ways;	/* first is the one shown; and where
					 * they lead then */
	size_t			 n_ways;
	/* All CA and RA certificates: nobody gets their names. */
	const struct cert	**authorities;
	size_t			 n_authorities;
	struct buf		 caps;	/* answer to GetCACaps */
	struct buf		 cacert;	/* to GetCACert */
	const char		*cacert_type;
	struct buf		 nextca;	/* to GetNextCACert; n == 0:
						 * there is none */
};

/*
 * What the endpoint shows at this time. `kept`: pairs beside those of the
 * configuration; references to them are taken.
 */
int	 face_new(const struct site_endpoint *, const struct pairs *kept,
	    int64_t now, struct face **out, struct err *e);
struct face	*face_get(struct face *);
void	 face_put(struct face *);	/* NULL is fine */
/* The generation whose CA signed this certificate; NULL if none did. A CA that
 * was given up may have had the name of one, with another key. */
const struct face_gen	*face_of(const struct face *, const struct cert *);

#endif
