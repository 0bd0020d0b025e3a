/*
 * The CRL of each CA whose key is here.
 */
#ifndef SITE_CRLS_H
#define SITE_CRLS_H

#include "site/site.h"
#include "store/db.h"

struct crls;
int	 crls_new(struct crls **out, struct err *e);
void	 crls_free(struct crls *);		/* NULL is fine */
/* Makes those whose time has come, or that no longer tell what is revoked; by
 * one thread at a time. What fails is logged and tried again later. */
void	 crls_tick(struct crls *, struct site *, struct db *, int64_t now);
/* The newest, a reference; NULL if it has none. */
struct document	*crls_get(struct crls *, const struct site_ca *);

#endif
