/*
 * What GetCACaps and GetCACert answer.
 */
#ifndef SCEP_CAPS_H
#define SCEP_CAPS_H

#include "pki/alg.h"
#include "pki/cert.h"

#define SCEP_TYPE_CAPS		"text/plain"
#define SCEP_TYPE_CA_CERT	"application/x-x509-ca-cert"
#define SCEP_TYPE_CA_RA_CERT	"application/x-x509-ca-ra-cert"
#define SCEP_TYPE_MESSAGE	"application/x-pki-message"

/*
 * Keywords, one a line, LF, never a blank line (RFC 8894, 3.5.2). Who accepts
 * legacy algorithms does not conform, and does not say SCEPStandard.
 */
int	 scep_caps(const struct algs *, struct buf *out);
/*
 * RA mode (ra != NULL): the set RA, issuing CA, … root, in this order. CA mode:
 * the issuing CA's bare DER. *type: one of the media types above.
 */
int	 scep_cacert(const struct cert *ra, const struct cert *ca,
	    const struct certs *upper, struct buf *out, const char **type,
	    struct err *e);

#endif
