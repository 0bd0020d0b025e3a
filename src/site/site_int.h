/*
 * Private to site: what opening one is made of.
 */
#ifndef SITE_SITE_INT_H
#define SITE_SITE_INT_H

#include "site/site.h"

/* What the settings of accounts name outside of the configuration; the CAs must
 * be open. */
int	 accounts_check(const struct site *, struct err *e);
/* Warns of facts that templates take and nobody gives. */
void	 site_warn_lacking(const struct site *);
/* The endpoint of the page of NDES, and what the page shows, if the configuration
 * names them; the endpoints must be open. */
int	 ndes_open(struct site *, struct err *e);
void	 ndes_clear(struct site *);

#endif
