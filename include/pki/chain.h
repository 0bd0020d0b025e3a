/*
 * Chains: proofs about certificates of CAs that we know.
 */
#ifndef PKI_CHAIN_H
#define PKI_CHAIN_H

#include "pki/cert.h"

/*
 * leaf was signed by issuer (names, signature, CA:TRUE, keyCertSign), upper
 * (in the order of chain_sort()) chains above it, and all are valid at `when`.
 * ERR_CERT_FILE says which link breaks.
 */
int	 chain_verify(const struct cert *leaf, const struct cert *issuer,
	    const struct certs *upper, int64_t when, struct err *e);
/* The same, but leaf may have critical extensions that nobody knows here: the
 * caller has looked at them. */
int	 chain_verify_odd(const struct cert *leaf, const struct cert *issuer,
	    const struct certs *upper, int64_t when, struct err *e);
/* leaf was signed by issuer: names, CA:TRUE, keyCertSign and the signature, at
 * whatever time. ERR_CERT_FILE. */
int	 chain_link(const struct cert *leaf, const struct cert *issuer,
	    struct err *e);
/*
 * Puts certificates above `issuer` in order, next issuer first, root last.
 * Strangers are refused: they would confuse clients that walk the set.
 */
int	 chain_sort(const struct cert *issuer, struct certs *upper,
	    struct err *e);

#endif
