/*
 * A CA as the world sees it: its certificate, those above it, whether there is a
 * CRL, and the CA that takes over from it.
 */
#ifndef SITE_CA_H
#define SITE_CA_H

#include "issuer/issuer.h"
#include "site/document.h"

#define SITE_CA_ID	20	/* bytes of the hash of its key */

struct site_ca {
	const struct conf_issuer	*conf;
	struct issuer			*issuer;
	struct site_ca			*next;	/* takes over; or NULL */
	int64_t				 from;	/* when; 0: not decided */
	uint8_t				 name_hash[PKI_HASH]; /* of its Name */
	char				 id[2 * SITE_CA_ID + 1]; /* of its key, hex */
	bool				 follows;	/* is a `next` */
	bool				 has_crl;	/* we make one */
	struct document			*crt;	/* DER of the CA */
	struct document			*pem;	/* it and all above it */

	/* succession's own */
	bool				 followed;	/* by `next`, for good */
	int64_t				 retry_follow;	/* to remember that */

	/* crls_tick()'s own; a reload begins anew */
	char				 filed[DOCUMENT_ETAG]; /* in crl_file */
	int64_t				 retry;	/* not before, if not 0 */
};

/* The issuer and, if there is one, the CA that follows. */
int	 site_ca_open(struct site_ca *, const struct conf_issuer *,
	    int64_t now, struct err *e);
void	 site_ca_clear(struct site_ca *);
/* Who issues at this time: the CA itself, or the next. */
const struct site_ca	*site_ca_current(const struct site_ca *, int64_t now);

#endif
