/*
 * Private to pki: what making and reading CRLs share.
 */
#ifndef PKI_CRL_INT_H
#define PKI_CRL_INT_H

#include "pki/crl.h"
#include "pki/pki_int.h"

/* The INTEGER with this content, which may be negative; NULL: malformed. */
ASN1_INTEGER	*crl_serial(struct bytes content);

#endif
