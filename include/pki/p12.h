/*
 * PKCS#12 files (RFC 7292): how other programs hand over a CA.
 */
#ifndef PKI_P12_H
#define PKI_P12_H

#include "pki/cert.h"
#include "pki/key.h"

/*
 * The file's key, the certificate that belongs to it, and all others in any
 * order; each is the caller's. passphrase.n == 0: none given. ERR_PASSPHRASE
 * if it does not open the file; ERR_KEY_FILE if there is no key, or the file
 * or an algorithm in it cannot be read; ERR_CERT_FILE if no certificate is the
 * key's.
 */
int	 p12_parse(struct bytes file, struct bytes passphrase,
	    struct key **key, struct cert **cert, struct certs *others,
	    struct err *e);

#endif
