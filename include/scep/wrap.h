/*
 * CertRep (RFC 8894, 3.3.2): the answer to a pkiMessage, mirroring its digest,
 * cipher and key transport.
 */
#ifndef SCEP_WRAP_H
#define SCEP_WRAP_H

#include "scep/msg.h"

struct scep_reply {
	const struct scep_msg	*to;
	const struct key	*key;		/* of the RA, or the CA itself */
	const struct cert	*cert;		/* as GetCACert shows it */
	const struct algs	*algs;
	struct bytes		 password;	/* envelopes for a signer whose
						 * key cannot decrypt; n == 0:
						 * key agreement, with EC */
	bool			 ndes;		/* with what NDES adds: why, as
						 * an HRESULT; "Issued" */
	uint8_t			 nonce[SCEP_NONCE_LEN];	/* senderNonce, fresh */
};

/*
 * suite is the request's. For a signer with another key than RSA the password
 * or a key agreement takes the place of its transport; ERR_SIGNER_KEY where
 * there is neither. certs[0] is the issued certificate: Apple takes the
 * first.
 */
int	 scep_wrap_success(const struct scep_reply *, struct cms_suite,
	    const struct cert *const *certs, size_t n, struct buf *out,
	    struct err *e);
int	 scep_wrap_pending(const struct scep_reply *, struct buf *out,
	    struct err *e);
/* GetCRL: only the CRL (RFC 8894, 4.6.1). */
int	 scep_wrap_crl(const struct scep_reply *, struct cms_suite,
	    struct bytes crl, struct buf *out, struct err *e);
/* text goes out as failInfoText: for people, without internal detail. */
int	 scep_wrap_failure(const struct scep_reply *, enum failinfo,
	    const char *text, struct buf *out, struct err *e);

#endif
