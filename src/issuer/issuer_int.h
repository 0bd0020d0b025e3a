/*
 * Private to issuer: what a kind of issuer is made of.
 */
#ifndef ISSUER_ISSUER_INT_H
#define ISSUER_ISSUER_INT_H

#include "issuer/issuer.h"

struct issuer_ops {
	/* self: the kind's own state, freed by close() */
	int	(*open)(const struct conf_issuer *, const struct cert *ca,
		    void **self, struct err *e);
	int	(*issue)(const struct issuer *, void *self,
		    const struct issuer_request *, struct cert **out,
		    struct err *e);
	const struct key *(*key)(void *self);	/* NULL: it has none here */
	void	(*close)(void *self);
};

extern const struct issuer_ops issuer_local;
extern const struct issuer_ops issuer_exec;

#endif
