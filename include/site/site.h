/*
 * A site is the configuration made real: keys and certificates read and proven
 * to fit together, and the documents that never change prepared. Each exchange
 * holds the site it began with, so a reload never pulls the ground from under a
 * request in flight.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include <pthread.h>
#include <stdatomic.h>

#include "policy/challenge.h"
#include "policy/profile.h"
#include "site/endpoint.h"

struct site {
	atomic_int		 refs;
	pthread_mutex_t		 lock;		/* of the faces */
	struct conf		*conf;
	struct policy_profiles	*profiles;
	struct site_ca		*cas;		/* as conf->issuers */
	struct validator	**validators;	/* as conf->validators */
	struct site_endpoint	*endpoints;	/* as conf->endpoints */
	struct policy_limits	*limits;	/* as conf->challenges */
	const struct site_endpoint *ndes;	/* of the page; NULL: none */
	char			*ndes_single;	/* what it shows; NULL: new
						 * ones */
};

/*
 * Reads all that the configuration names and proves it fits together; touches
 * nothing. The site takes the configuration on success.
 */
int	 site_open(struct conf *, struct site **out, struct err *e);
/* What a start, and what is written after it, would find beside the site: for
 * the check of a configuration. */
int	 site_check(const struct site *, struct err *e);
struct site	*site_get(struct site *);	/* one more reference */
void	 site_put(struct site *);	/* gives up a reference; NULL is fine */
const struct conf	*site_conf(const struct site *);

/* What an endpoint shows now, a reference; and from now on, which is taken. */
struct face	*site_face(struct site *, const struct site_endpoint *);
void	 site_show(struct site *, struct site_endpoint *, struct face *);

#endif
