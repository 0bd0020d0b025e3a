/*
 * Private to pki: the extensions of a certificate in the making.
 */
#ifndef PKI_CERT_MAKE_INT_H
#define PKI_CERT_MAKE_INT_H

#include "pki/cert_make.h"
#include "pki/pki_int.h"

/* Adds what the plan lists, SKI and AKI; issuer NULL: self-signed. */
int	 cert_extend(X509 *, const struct cert_plan *,
	    const struct cert *issuer, struct err *e);
/* A certificate with the plan's subject, key and extensions, and nothing else. */
int	 cert_plan_draft(const struct cert_plan *, const struct cert *issuer,
	    X509 **out, struct err *e);
/* An extended key usage by the name or OID that a profile gives; or NULL. */
ASN1_OBJECT	*eku_object(const char *name);

/* SHA-256, but SHA-384 for curves that are worth it (RFC 5480, 4). */
const EVP_MD	*digest_for(const struct key *);

/* Adds what else the plan lists; NULL, or the name of what failed. */
const char	*cert_extend_more(X509 *, const struct cert_plan *);

#endif
