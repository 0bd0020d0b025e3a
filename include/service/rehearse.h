/*
 * What would become of a request: the steps of an enrollment, as a worker takes
 * them, up to the reservation. Nothing is issued and nothing is written, so the
 * store may be open for reading only; no validator and no issuer is asked, no
 * use of a challenge is spent and no failure counted.
 */
#ifndef SERVICE_REHEARSE_H
#define SERVICE_REHEARSE_H

#include "pki/csr.h"
#include "policy/decide.h"
#include "render/trail.h"
#include "service/service.h"
#include "site/site.h"
#include "store/db.h"

struct rehearsal_request {
	const char		*endpoint;	/* its name */
	struct csr		*csr;		/* with its challenge */
	struct cert		*signer;	/* NULL: self-signed, with the key
						 * of the request */
	bool			 renewal;	/* a RenewalReq; else a PKCSReq */
	const char		*peer;		/* address, or "": a new one */
	int64_t			 now;
};

enum rehearsal_end {
	REHEARSAL_ISSUED,
	REHEARSAL_WAITS,	/* for an operator */
	REHEARSAL_REFUSED
};

struct rehearsal {
	enum rehearsal_end	 end;
	struct err		 why;		/* if it is refused, */
	const char		*step;		/* by this step of the pipeline */
	struct trail		*trail;		/* how it came to that */
	/* Unless it is refused; the names live as long as the site. */
	bool			 renews;
	const char		*profile;	/* NULL: that of the old one is gone,
						 * and the validator must name
						 * another */
	const char		*validator;	/* that is asked first; or NULL */
	const char		*issuer;
	bool			 elsewhere;	/* a program of the issuer's makes
						 * the certificate */
	bool			 spends;	/* a use of its challenge */
	bool			 awaits;	/* the subject is made of what the
						 * validator says; that of cert
						 * stands in for it */
	char *const		*eku;		/* as the profile has them */
	size_t			 dropped;	/* names */
	char			 surplus[POLICY_SURPLUS_MAX];	/* all that is
						 * asked and not granted */
	/* What the issuer is told to make, signed by nobody. */
	struct cert		*cert;
	struct sans		 sans;
};

/*
 * 0: out tells, and is to be cleared. -1: nobody can tell, as files or the store
 * are out of order. ERR_NOT_FOUND: there is no such endpoint.
 */
int	 rehearse(struct site *, struct db *, const struct rehearsal_request *,
	    struct rehearsal *out, struct err *e);
void	 rehearsal_clear(struct rehearsal *);

#endif
