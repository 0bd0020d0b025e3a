/*
 * Where a certificate says that the CRL and the certificate of its CA are.
 */
#ifndef SITE_URLS_H
#define SITE_URLS_H

#include "conf/conf.h"
#include "site/ca.h"

/* The profile's, as those of this CA: begin and end are what lies around the
 * issuer's name in them. */
int	 urls_of(const struct conf_strings *from, const struct site_ca *,
	    const char *begin, const char *end, char ***out, struct err *e);
void	 urls_free(char **);		/* NULL is fine */

#endif
