/*
 * An endpoint made real: what its settings name, read and fit to be used. Plain
 * facts, which a site holds.
 */
#ifndef SITE_ENDPOINT_H
#define SITE_ENDPOINT_H

#include "conf/conf.h"
#include "pki/alg.h"
#include "pki/cert.h"
#include "site/ca.h"
#include "validator/validator.h"

struct face;
struct ra;

struct site_endpoint {
	const struct conf_endpoint	*conf;
	const struct conf_profile	*profile;
	const struct validator		*validator;	/* or NULL */
	const struct conf_challenge	**challenges;	/* n of them */
	size_t				 n_challenges;
	const struct site_ca		*ca;		/* as configured */
	struct ra			*ra;
	struct certs			*trusted;	/* n of them, to */
	size_t				 n_trusted;	/* migrate from */
	struct algs			*algs;	/* what it accepts */
	struct face			*face;	/* under the site's lock */
	/* of faces_tick() */
	int64_t				 look;	/* not before */
	int64_t				 warned;	/* last */
};

#endif
