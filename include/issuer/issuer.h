/*
 * Issuers: who makes the certificates of an endpoint. A new kind is one row in
 * issuer.c and one file.
 */
#ifndef ISSUER_ISSUER_H
#define ISSUER_ISSUER_H

#include <stdatomic.h>

#include "conf/conf.h"
#include "pki/cert_make.h"

struct issuer;

struct issuer_request {
	const struct cert_plan	*plan;		/* what policy granted */
	const struct csr	*csr;		/* as the client signed it */
	const char		*endpoint;
	const char		*profile;
	const char		*txid;
	const char		*peer;
	int64_t			 now;
	const atomic_bool	*stop;		/* gives up early; NULL: never */
};

/* Reads and proves CA certificate, chain and key; nothing is contacted. */
int	 issuer_open(const struct conf_issuer *, int64_t now,
	    struct issuer **out, struct err *e);
void	 issuer_close(struct issuer *);		/* NULL is fine */

/*
 * Opens the CA that follows this one, with the same proofs: the files of
 * conf/ca_dir.h in the folder `next`. *out is NULL when there is none: the
 * setting is empty, or the folder is not there or holds no CA. A part of one,
 * or a Name that is the current CA's too, is a fault. *from: when it takes
 * over; 0: not decided.
 */
int	 issuer_open_next(const struct conf_issuer *, int64_t now,
	    struct issuer **out, int64_t *from, struct err *e);

/* The certificate for the request's key, or ERR_ISSUER_REFUSED (final),
 * ERR_ISSUER, ERR_ISSUER_ANSWER, ERR_CA_EXPIRED (trouble). May block up to the
 * issuer's timeout. Callable from several threads at once. *strays, when it
 * fails: what was made elsewhere all the same; it is not touched if, as far as
 * is known, nothing was. *maybe is set where more was said than
 * anybody looks through, and none was found in that. */
int	 issuer_issue(const struct issuer *, const struct issuer_request *,
	    struct cert **out, struct certs *strays, bool *maybe,
	    struct err *e);

const struct cert	*issuer_ca(const struct issuer *);
const struct certs	*issuer_upper(const struct issuer *); /* next first */
const struct key	*issuer_key(const struct issuer *);   /* NULL: remote */

#endif
