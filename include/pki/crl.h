/*
 * Certificate revocation lists (RFC 5280, 5): version 2, full, direct.
 */
#ifndef PKI_CRL_H
#define PKI_CRL_H

#include "pki/cert.h"
#include "pki/key.h"

#define CRL_MAX_DER	(32u * 1024 * 1024)

/* CRLReason (RFC 5280, 5.3.1) */
enum crl_reason {
	CRL_UNSPECIFIED = 0,
	CRL_HOLD = 6,			/* certificateHold */
	CRL_RELEASE = 8			/* removeFromCRL: not in a full CRL */
};
/* "keyCompromise"; NULL: no such reason. */
const char	*crl_reason_name(int);
int		 crl_reason_by_name(const char *);	/* -1: no such name */

struct crl_entry {
	uint8_t		 serial[PKI_SERIAL_MAX];	/* content of INTEGER */
	size_t		 n_serial;
	int64_t		 when;
	int		 reason;
};

struct crl_plan {
	int64_t			 number;	/* cRLNumber */
	int64_t			 this_update;
	int64_t			 next_update;
	const struct crl_entry	*entries;	/* in any order */
	size_t			 n_entries;
};

/* Signs what the plan says with the key of the CA, appends DER. */
int	 crl_make(const struct crl_plan *, const struct cert *ca,
	    const struct key *, struct buf *der, struct err *e);

/* A CRL as facts. */
struct crl {
	struct bytes	 der;		/* everything here is owned by it */
	struct bytes	 issuer;	/* Name, DER */
	int64_t		 number;	/* -1: it has none, or a huge one */
	int64_t		 this_update;
	int64_t		 next_update;	/* 0: it has none */
	size_t		 n_entries;
	struct X509_crl_st *x;		/* for pki only */
};

/* One CRL in DER, nothing behind it: ERR_CERT_FILE. Not verified. */
int	 crl_parse(struct bytes der, struct crl **out, struct err *e);
/* ERR_SIGNATURE unless it is the CA's. */
int	 crl_verify(const struct crl *, const struct cert *ca, struct err *e);
void	 crl_free(struct crl *);		/* NULL is fine */

#endif
