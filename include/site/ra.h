/*
 * The RA of an endpoint as the configuration names it.
 */
#ifndef SITE_RA_H
#define SITE_RA_H

#include "conf/conf.h"
#include "site/ca.h"
#include "site/pair.h"

struct ra {
	bool		 split;		/* files: RA_SIGN, RA_OPEN */
	struct pairs	 files;		/* else one, RA_BOTH */
	struct pairs	 also;		/* earlier ones */
};
/* Reads and proves the files; in mode ca there are none. */
int	 ra_open(const struct conf_endpoint *, const struct site_ca *,
	    int64_t now, struct ra **out, struct err *e);
void	 ra_free(struct ra *);		/* NULL is fine */
/* Mode ca: whether clients can encrypt to this CA and verify with it. */
int	 ra_check_ca(const struct issuer *, struct err *e);

#endif
