/*
 * Keys with their certificates, shared by the faces that show them.
 */
#ifndef SITE_PAIR_H
#define SITE_PAIR_H

#include <stdatomic.h>

#include "pki/cert.h"
#include "pki/key.h"
#include "util/err.h"

struct pair {
	atomic_int	 refs;
	struct key	*key;
	struct cert	*cert;
};

/* Takes both, also when it fails. */
int	 pair_new(struct key *, struct cert *, struct pair **out,
	    struct err *e);
struct pair	*pair_get(struct pair *);	/* one more reference */
void	 pair_put(struct pair *);	/* gives one up; NULL is fine */

struct pairs {
	struct pair	**v;
	size_t		  n;
};
/* Takes the reference, also when it fails. */
int	 pairs_take(struct pairs *, struct pair *, struct err *e);
/* Appends references to those of another list. */
int	 pairs_add(struct pairs *, const struct pairs *from, struct err *e);
void	 pairs_clear(struct pairs *);

#endif
