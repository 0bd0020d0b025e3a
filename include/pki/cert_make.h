/*
 * Making certificates. What a plan does not list is not in the certificate.
 */
#ifndef PKI_CERT_MAKE_H
#define PKI_CERT_MAKE_H

#include "pki/csr.h"
#include "pki/key.h"

#define SERIAL_LEN	16	/* bytes of the serials that we draw */

/* An extension as the profile gives it. */
struct cert_extra {
	char		 oid[CSR_OID];	/* dotted */
	bool		 critical;
	struct bytes	 der;
};

struct cert_plan {
	struct bytes		 serial;	/* positive, at most 20 bytes */
	struct bytes		 subject;	/* Name, DER */
	struct bytes		 spki;		/* SubjectPublicKeyInfo, DER */
	int64_t			 not_before;
	int64_t			 not_after;
	bool			 ca;		/* basicConstraints CA:TRUE */
	int			 path_len;	/* with ca; -1: unlimited */
	unsigned		 ku;		/* CERT_KU_…, critical */
	char *const		*eku;		/* names or OIDs, NULL-ended */
	const struct bytes	*sans;		/* GeneralName DERs */
	size_t			 n_sans;
	char *const		*crl_urls;	/* NULL-ended lists, or NULL */
	char *const		*ca_issuers_urls;
	char *const		*ocsp_urls;
	const char		*template_oid;	/* of Windows; NULL, "": none */
	int64_t			 template_major;
	int64_t			 template_minor;
	const char		*sid;		/* of Windows; NULL: none */
	const struct cert_extra	*extras;
	size_t			 n_extras;
};

/*
 * Signs what the plan says, with SKI and AKI. issuer NULL: self-signed, and
 * issuer_key is the subject's. The digest follows the signing key.
 */
int	 cert_make(const struct cert_plan *, const struct cert *issuer,
	    const struct key *issuer_key, struct cert **out, struct err *e);

/* The names in the plan, as facts; n == 0 if there are none. */
int	 cert_plan_sans(const struct cert_plan *, struct sans *out,
	    struct err *e);
/* The extensions of the plan, with SKI and AKI, as an extension file of
 * OpenSSL's: lines "OID = critical,DER:HEX". */
int	 cert_plan_lines(const struct cert_plan *, const struct cert *issuer,
	    struct buf *out, struct err *e);

/* What may be left to the CA that issues. */
#define CERT_LEAVES_SUBJECT	0x01u	/* any but the CA's own */
#define CERT_LEAVES_VALIDITY	0x02u
#define CERT_LEAVES_NAMES	0x04u	/* subjectAltNames may be missing */
#define CERT_LEAVES_USAGE	0x08u	/* any usages, fewer extended ones */
#define CERT_LEAVES_EXTENSIONS	0x10u	/* all others but Windows' SID */
#define CERT_CLOCK_SKEW		600	/* by which its clock may be off */
#define CERT_BEGINS_BEFORE	86400	/* a life may begin so much earlier */

/*
 * Whether a certificate that another CA made is what the plan says: subject,
 * names, usages and other extensions are those, and its life lies within. It
 * may have more only of what tells about its CA, as where its CRL is. Some of
 * it is left to the CA (CERT_LEAVES_...); that it is no CA's, and names nobody
 * whom the plan does not, never is. ERR_CERT_FILE says what differs.
 */
int	 cert_within(const struct cert *, const struct cert_plan *,
	    unsigned leaves, struct err *e);

/* Draws a random positive serial of SERIAL_LEN bytes. */
int	 serial_draw(uint8_t out[SERIAL_LEN], struct err *e);
/* ERR_CONFIG if one of these names no extended key usage. */
int	 eku_check(char *const *names, struct err *e);
/* Whether an extended key usage, by such a name, is that of a dotted OID. */
bool	 eku_is(const char *name, const char *oid);
/* ERR_CONFIG unless it is a dotted OID. */
int	 oid_check(const char *, struct err *e);
/* ERR_CONFIG if a plan cannot have it. */
int	 cert_extra_check(const struct cert_extra *, struct err *e);
/* A Name of these values, each an RDN of its own, with their types as dotted
 * OIDs; ERR_SUBJECT if a type does not take its value. */
int	 name_of(const struct name_value *, size_t n, struct buf *der,
	    struct err *e);
/* Appends the i'th value of a Name, in UTF-8: ERR_SUBJECT unless it is there and
 * of that type. */
int	 name_value_at(struct bytes der, size_t i, const char *oid,
	    struct buf *out, struct err *e);
/* Appends a Name as RFC 4514 text. */
int	 name_show(struct bytes der, struct buf *out, struct err *e);
/* Appends it as the option -subj of OpenSSL's programs takes it, in UTF-8;
 * those know no attribute types without a name. */
int	 name_slashes(struct bytes der, struct buf *out, struct err *e);
/* Name DER of "/C=DE/O=Example/CN=x" or, without a leading '/', of a CN. */
int	 name_make(const char *text, struct buf *der, struct err *e);

/* The Name of the CA that follows this one: " G2" behind the common name, G3
 * instead of G2, … ERR_ARGUMENT if there is no common name or no room. */
int	 name_following(const struct cert *, struct buf *der, struct err *e);

#endif
