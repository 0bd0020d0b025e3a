/*
 * What GetCACaps, GetCACert and GetNextCACert answer.
 */
#ifndef SCEP_CAPS_H
#define SCEP_CAPS_H

#include "pki/alg.h"
#include "pki/cert.h"
#include "pki/key.h"

#define SCEP_TYPE_CAPS		"text/plain"
#define SCEP_TYPE_CA_CERT	"application/x-x509-ca-cert"
#define SCEP_TYPE_CA_RA_CERT	"application/x-x509-ca-ra-cert"
#define SCEP_TYPE_NEXT_CA_CERT	"application/x-x509-next-ca-cert"
#define SCEP_TYPE_MESSAGE	"application/x-pki-message"
#define SCEP_RA_MAX		2	/* certificates: signing, encryption */

/*
 * Keywords, one a line, LF, never a blank line (RFC 8894, 3.5.2). Who accepts
 * legacy algorithms does not conform, and does not say SCEPStandard. next_ca:
 * whether there is an answer to GetNextCACert.
 */
int	 scep_caps(const struct algs *, bool next_ca, struct buf *out);
/*
 * RA mode (n > 0): the set of the n RA certificates, the one that signs first,
 * issuing CA, … root, in this order. CA mode: the issuing CA's bare DER. *type:
 * one of the media types above.
 */
int	 scep_cacert(const struct cert *const *ras, size_t n,
	    const struct cert *ca, const struct certs *upper,
	    struct buf *out, const char **type, struct err *e);

/* The certificates that an endpoint will answer GetCACert with. */
struct scep_next {
	const struct cert *const *ra;	/* none in CA mode */
	size_t			  n_ra;	/* at most CERTS_MAX */
	const struct cert	 *ca;
	const struct certs	 *upper;
};
/*
 * GetNextCACert (RFC 8894, 4.7.1): SignedData by the current CA, whose content
 * is the set RA, issuing CA, … root to come, in this order. The new issuing CA
 * stands beside the signer's certificate too: jscep looks for it there only.
 * key: RSA or EC. The media type is SCEP_TYPE_NEXT_CA_CERT.
 */
int	 scep_nextca(const struct scep_next *, const struct key *,
	    const struct cert *signer, const struct algs *, struct buf *out,
	    struct err *e);

#endif
