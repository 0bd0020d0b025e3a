/*
 * Private to issuer: what a kind of issuer is made of.
 */
#ifndef ISSUER_ISSUER_INT_H
#define ISSUER_ISSUER_INT_H

#include "issuer/issuer.h"
#include "util/command.h"

struct issuer_ops {
	/* self: the kind's own state, freed by close() */
	int	(*open)(const struct conf_issuer *, const struct cert *ca,
		    void **self, struct err *e);
	int	(*issue)(const struct issuer *, void *self,
		    const struct issuer_request *, struct cert **out,
		    struct certs *strays, bool *maybe, struct err *e);
	const struct key *(*key)(void *self);	/* NULL: it has none here */
	void	(*close)(void *self);
};

/*
 * What was granted, for programs: variables of their environment. The values are
 * owned by it.
 */
#define GRANTED_MAX	16
struct granted {
	struct command_env	 env[GRANTED_MAX];
	struct buf		 text[GRANTED_MAX];
	size_t			 n;
};
/* Also when it fails, granted_clear() frees what there is. */
int	 granted_make(const struct issuer_request *, const struct cert *ca,
	    struct granted *out, struct err *e);
void	 granted_clear(struct granted *);

extern const struct issuer_ops issuer_local;
extern const struct issuer_ops issuer_exec;

#endif
