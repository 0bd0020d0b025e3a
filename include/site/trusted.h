/*
 * CAs of other servers whose certificates renew at an endpoint, for a migration.
 */
#ifndef SITE_TRUSTED_H
#define SITE_TRUSTED_H

#include "site/endpoint.h"

/* Of each file, the first certificate is the one that is trusted; those behind it
 * stand above it, and are none whose certificates renew. */
int	 trusted_open(struct site_endpoint *, struct err *e);
void	 trusted_clear(struct site_endpoint *);
/* The one that issued the certificate, if its chain is valid now; or NULL. */
const struct cert	*trusted_issuer(const struct site_endpoint *,
			    const struct cert *, int64_t now);

#endif
