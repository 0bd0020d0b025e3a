/*
 * Private to pki: libcrypto's names into ours.
 */
#ifndef PKI_SAN_INT_H
#define PKI_SAN_INT_H

#include <openssl/x509v3.h>

#include "pki/san.h"

/* At least one name; refused for `reason` if one is malformed. */
int	 sans_read(const GENERAL_NAMES *, enum err_reason reason,
	    struct sans *out, struct err *e);

/* cert_sans() of what is no struct cert. */
int	 sans_of(const X509 *, struct sans *out, struct err *e);

#endif
