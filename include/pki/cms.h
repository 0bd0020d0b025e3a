/*
 * CMS (RFC 5652) as SCEP uses it (RFC 8894, 3). Pure: bytes in, bytes out; no
 * file, socket or log. BER is read, DER is written.
 */
#ifndef PKI_CMS_H
#define PKI_CMS_H

#include "pki/alg.h"
#include "pki/cert.h"
#include "pki/key.h"

#define CMS_MAX_DER	(256u * 1024)	/* hard limit on any input */
#define CMS_MAX_ATTRS	32

/* A signed attribute: first value, number of values. */
struct cms_attr {
	char		 oid[64];	/* dotted */
	int		 n_values;
	int		 tag;		/* universal tag of the first value */
	struct bytes	 value;		/* its content */
};

/* SignedData with exactly one signer, parsed; not verified. */
struct cms_signed {
	struct CMS_ContentInfo_st *cms;	/* for pki only */
	struct cert	*signer;	/* its certificate, from the message;
					 * NULL if it is not there */
	struct cms_attr	*attrs;
	size_t		 n_attrs;
	enum alg	 digest;	/* ALG_NONE: not in alg.def */
	enum alg	 signature;	/* the same */
	bool		 has_content;
	struct bytes	 content;	/* eContent, borrowed from it */
	bool		 content_is_data; /* eContentType is id-data */
};

/*
 * ERR_NOT_CMS, _BODY_TOO_BIG, _TRAILING, _STRUCTURE, _CMS_VERSION,
 * _NO_DIGESTS, _SIGNERS (of these nothing reaches libcrypto's CMS code),
 * _NO_ATTRIBUTES, _NO_SIGNER_CERT. *out is always made fit for
 * cms_signed_clear(); after a failure it holds what could be read until then,
 * so that the failure can be told to the transaction its attributes name.
 */
int	 cms_signed_parse(struct bytes der, struct cms_signed *out,
	    struct err *e);
/* ERR_SIGNATURE. Check digest and key before: this costs. */
int	 cms_signed_verify(const struct cms_signed *, struct err *e);
/* NULL if there is none; *n is set to how often the OID occurs. */
const struct cms_attr	*cms_attr_find(const struct cms_signed *,
			    const char *oid, size_t *n);
void	 cms_signed_clear(struct cms_signed *);

/* One attribute to sign: value is its string content. */
struct cms_put {
	const char	*oid;
	int		 tag;		/* CMS_PRINTABLE or CMS_OCTETS, … */
	struct bytes	 value;
};
#define CMS_OCTETS	4
#define CMS_UTF8	12
#define CMS_PRINTABLE	19

/*
 * SignedData over content (zero bytes make an empty OCTET STRING, never an
 * absent one: certmonger takes absence for an unreachable CA), rsaEncryption,
 * with the signer's certificate.
 */
int	 cms_sign(struct bytes content, const struct cms_put *, size_t n,
	    const struct key *, const struct cert *, const struct algs *,
	    enum alg digest, struct buf *out, struct err *e);

/*
 * The same without attributes of the caller's, and with more certificates
 * beside the signer's, in no order. An EC key signs as ECDSA.
 */
int	 cms_sign_beside(struct bytes content, const struct cert *const *more,
	    size_t n, const struct key *, const struct cert *,
	    const struct algs *, enum alg digest, struct buf *out,
	    struct err *e);

/* How an envelope is made; a reply mirrors that of its request. */
struct cms_suite {
	enum alg	cipher;
	enum alg	transport;	/* or key agreement; ALG_NONE: by a
					 * password */
	size_t		to;		/* of one that was opened: which of
					 * the recipients it is for */
};

/* EnvelopedData for one certificate: with an RSA key by key transport, with an
 * EC key by key agreement. */
int	 cms_seal(struct bytes content, const struct cert *to,
	    const struct algs *, struct cms_suite, struct buf *out,
	    struct err *e);
/* EnvelopedData for who knows the password (RFC 3211). */
int	 cms_seal_password(struct bytes content, struct bytes password,
	    const struct algs *, enum alg cipher, struct buf *out,
	    struct err *e);

/* A key and its certificate, for opening. */
struct cms_recipient {
	const struct key	*key;
	const struct cert	*cert;
};
/*
 * Opens an envelope addressed to one of n recipients. Before decrypting:
 * ERR_NOT_ENVELOPED, _STRUCTURE, _CMS_VERSION, _CIPHER, _KEY_TRANSPORT,
 * _RECIPIENT_KIND (of these nothing reaches libcrypto's CMS code), _RECIPIENT.
 * All faults of decrypting are one: ERR_INTEGRITY, and what came out until then
 * is in *plain (and the suite is known): parse that too, lest the time tells one
 * from the other. Success proves nothing (a wrong key yields noise that may look
 * padded): answer ERR_INTEGRITY as well if what comes out does not parse.
 */
int	 cms_open(struct bytes der, const struct cms_recipient *, size_t n,
	    const struct algs *, struct buf *plain, struct cms_suite *,
	    struct err *e);
/* Opens what cms_seal_password() makes, with the same errors. */
int	 cms_open_password(struct bytes der, struct bytes password,
	    const struct algs *, struct buf *plain, struct cms_suite *,
	    struct err *e);

/* Degenerate SignedData with certificates in this very order. */
int	 cms_bag(const struct cert *const *, size_t n, struct buf *out,
	    struct err *e);
/* The same with one CRL, in DER, and no certificate. */
int	 cms_bag_crl(struct bytes crl, struct buf *out, struct err *e);
/* Reads one back, in order. */
int	 cms_unbag(struct bytes der, struct certs *out, struct err *e);
/* Reads one back that holds one CRL and no certificate; its DER appended. */
int	 cms_unbag_crl(struct bytes der, struct buf *out, struct err *e);

#endif
