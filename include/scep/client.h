/*
 * The other direction: a SCEP client's messages, for tests and benchmarks.
 */
#ifndef SCEP_CLIENT_H
#define SCEP_CLIENT_H

#include "scep/msg.h"

struct scep_ask {
	int			 type;		/* messageType */
	const char		*txid;
	struct bytes		 nonce;		/* senderNonce */
	struct bytes		 content;	/* of the envelope: a CSR, … */
	const struct key	*key;		/* signer */
	const struct cert	*cert;
	struct bytes		 password;	/* challenge: opens the reply
						 * where the key cannot */
	const struct cert	*to;		/* recipient: RA or CA */
	enum alg		 digest;
	struct cms_suite	 suite;
};

int	 scep_client_request(const struct scep_ask *, const struct algs *,
	    struct buf *out, struct err *e);
/* A self-signed certificate for the key, as clients sign PKCSReq with. */
int	 scep_client_self(const struct key *, const char *subject,
	    int64_t now, struct cert **out, struct err *e);

struct scep_got {
	enum scep_status	 status;
	int			 failinfo;	/* -1: absent */
	char			 txid[SCEP_TXID_MAX + 1];
	bool			 nonce_matches;	/* recipientNonce == nonce sent */
	bool			 has_sender_nonce;
	enum alg		 digest;
	struct cms_suite	 suite;		/* SUCCESS only */
	struct certs		 certs;		/* SUCCESS only, in order */
	struct buf		 crl;		/* DER; SUCCESS of GetCRL only */
};

/* Verifies with `ra` (byte-identical signer), opens with the asker's key or
 * password. */
int	 scep_client_reply(struct bytes der, const struct scep_ask *,
	    const struct algs *, const struct cert *ra, struct scep_got *out,
	    struct err *e);
void	 scep_got_clear(struct scep_got *);

#endif
