/*
 * Private to pki: what a message must look like before libcrypto's CMS code is
 * given it (RFC 5652, 5.1 and 6.1). Most faults found in that code over the
 * years were in kinds of content and recipient that SCEP has no use for.
 */
#ifndef PKI_SCREEN_INT_H
#define PKI_SCREEN_INT_H

#include "pki/alg.h"

#define SCREEN_MAX_DIGESTS	4
#define SCREEN_MAX_RECIPIENTS	16

/*
 * SignedData of version 1 or 3 with one signer. *signature: its algorithm,
 * ALG_NONE if that is not in alg.def. ERR_NOT_CMS, _BODY_TOO_BIG, _TRAILING,
 * _STRUCTURE, _CMS_VERSION, _NO_DIGESTS, _SIGNERS.
 */
int	 screen_signed(struct bytes der, enum alg *signature, struct err *e);

/*
 * EnvelopedData with accepted algorithms, for recipients with RSA or EC
 * certificates, or, where password is set, for a password alone.
 * ERR_NOT_ENVELOPED, _STRUCTURE, _CMS_VERSION, _CIPHER, _KEY_TRANSPORT,
 * _RECIPIENT, _RECIPIENT_KIND.
 */
int	 screen_sealed(struct bytes der, const struct algs *, bool password,
	    enum alg *cipher, struct err *e);

#endif
