/*
 * IssuerAndSerialNumber (RFC 5652, 10.2.4): which certificate is meant.
 */
#ifndef PKI_IAS_H
#define PKI_IAS_H

#include "pki/cert.h"

struct ias {
	struct bytes	 issuer;	/* Name, DER */
	struct bytes	 serial;	/* content of the INTEGER */
};

/*
 * Strictly DER, nothing behind it. It comes out of an envelope, so that what
 * does not parse is what did not decrypt: ERR_INTEGRITY. The parts are borrowed
 * from the input.
 */
int	 ias_parse(struct bytes der, struct ias *out, struct err *e);
/* Does it name a certificate of this CA? Names are compared as RFC 5280, 7.1
 * does: clients write them anew, in other string types. */
bool	 ias_issued_by(const struct ias *, const struct cert *ca);
/* Appends DER, for clients and tests: a certificate of that issuer. */
int	 ias_make(struct bytes issuer, struct bytes serial, struct buf *der,
	    struct err *e);

#endif
