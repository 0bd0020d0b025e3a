/*
 * pkiMessage, the outer layer (RFC 8894, 3.2): who asks for what, in which
 * transaction. After scep_decode() the outer signature is proven and nothing
 * else: the signer may be anybody.
 */
#ifndef SCEP_MSG_H
#define SCEP_MSG_H

#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/ias.h"

#define SCEP_TXID_MAX	256	/* longest transactionID, in bytes */
#define SCEP_NONCE_MAX	64	/* longest senderNonce that is echoed */
#define SCEP_NONCE_LEN	16	/* of the nonces that we draw */

/* messageType (RFC 8894, 3.2.1.2) */
enum scep_type {
	SCEP_CERTREP = 3,
	SCEP_RENEWALREQ = 17,
	SCEP_UPDATEREQ = 18,	/* old drafts' RenewalReq */
	SCEP_PKCSREQ = 19,
	SCEP_CERTPOLL = 20,
	SCEP_GETCERT = 21,
	SCEP_GETCRL = 22
};

/* pkiStatus (3.2.1.3) */
enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3 };

#define OID_SCEP_MESSAGE_TYPE	 "2.16.840.1.113733.1.9.2"
#define OID_SCEP_PKI_STATUS	 "2.16.840.1.113733.1.9.3"
#define OID_SCEP_FAIL_INFO	 "2.16.840.1.113733.1.9.4"
#define OID_SCEP_SENDER_NONCE	 "2.16.840.1.113733.1.9.5"
#define OID_SCEP_RECIPIENT_NONCE "2.16.840.1.113733.1.9.6"
#define OID_SCEP_TRANSACTION_ID	 "2.16.840.1.113733.1.9.7"
#define OID_SCEP_FAIL_INFO_TEXT	 "1.3.6.1.5.5.7.24.1"
/* Microsoft's, in the CertReps of NDES */
#define OID_NDES_HRESULT	 "1.3.6.1.4.1.311.21.33"
#define OID_NDES_DISPOSITION	 "1.3.6.1.4.1.311.21.38"

struct scep_msg {
	struct cms_signed	 cms;
	bool		 identified;	/* txid is known: failures are told in
					 * a CertRep, before only by HTTP */
	bool		 verified;	/* by the signer's key, all of it */
	char		 txid[SCEP_TXID_MAX + 1];
	uint8_t		 hash[PKI_HASH];	/* SHA-256 of the message */
	int		 type;		/* messageType, or -1 */
	uint8_t		 nonce[SCEP_NONCE_MAX];	/* senderNonce */
	size_t		 n_nonce;	/* 0: none known */
};

/*
 * Reads and proves the outer layer: structure, attributes, digest, signer's
 * key, signature. *out is always made fit for scep_msg_clear(), and holds what
 * was known when it failed.
 */
int	 scep_decode(struct bytes der, const struct algs *, struct scep_msg *out,
	    struct err *e);
void	 scep_msg_clear(struct scep_msg *);
/* ERR_SIGNER_KEY unless messages may be signed with such a key. */
int	 scep_signer_key(const struct pubkey *, struct err *e);

/* "PKCSReq"; "unknown" where there is no name. */
const char	*scep_type_name(int);

/*
 * Opens the envelope of a decoded PKCSReq, for one of n recipients, and parses
 * the request in it. What does not parse is answered as what did not decrypt
 * (ERR_INTEGRITY), after the same time. The request's own signature is not
 * checked yet. The suite is written as soon as it is known, also where the
 * envelope does not open: the failure is told by whom it was for.
 */
int	 scep_unwrap(const struct scep_msg *, const struct cms_recipient *,
	    size_t n, const struct algs *, struct csr **csr,
	    struct cms_suite *, struct err *e);
/* The same for GetCert and GetCRL; ias borrows from plain. What does not decrypt
 * or parse is ERR_CERT_ID, like a certificate that is not there. */
int	 scep_unwrap_ias(const struct scep_msg *, const struct cms_recipient *,
	    size_t n, const struct algs *, struct buf *plain, struct ias *,
	    struct cms_suite *, struct err *e);

/*
 * Opens the envelope of a CertPoll, to know how it was made. What is in it (an
 * IssuerAndSubject, RFC 8894, 3.3.3) decides nothing and is not looked at, not
 * even whether it decrypts: the transactionID and the signer's key decide.
 */
int	 scep_unwrap_poll(const struct scep_msg *, const struct cms_recipient *,
	    size_t n, const struct algs *, struct cms_suite *, struct err *e);

#endif
