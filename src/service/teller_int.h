/*
 * Private to service: outcomes, told to validators behind the reply's back.
 */
#ifndef SERVICE_TELLER_INT_H
#define SERVICE_TELLER_INT_H

#include "site/site.h"

struct teller;
int	 teller_new(struct teller **out, struct err *e);
/* Sends what it can within a few seconds, and logs how many it could not. */
void	 teller_free(struct teller *);
/* To the endpoint's validator, at most once; takes over the JSON. Never waits:
 * what finds the queue full is logged and lost. */
void	 teller_put(struct teller *, struct site *, const struct site_endpoint *,
	    struct buf *json);

#endif
