/*
 * Certificate requests (PKCS#10) as facts. Nothing here is trusted: csr_parse()
 * reads, csr_verify() proves possession of the key, policy decides.
 */
#ifndef PKI_CSR_H
#define PKI_CSR_H

#include "pki/cert.h"
#include "pki/alg.h"
#include "pki/key.h"
#include "pki/san.h"

#define CSR_MAX_DER		(64u * 1024)
#define CSR_MAX_CHALLENGE	8192	/* bytes of UTF-8 */

/* One attribute value of the subject name. */
struct name_value {
	char		 oid[64];	/* dotted */
	char		*text;		/* UTF-8, n bytes, maybe with NULs */
	size_t		 n;
};
#define CSR_MAX_VALUES	32

/* Extensions that a request asks for, beside subjectAltName. */
#define CSR_MAX_EKU	16
#define CSR_MAX_OTHER	32
#define CSR_OID		64	/* bytes of a dotted one */
#define SID_TEXT	128
#define TEMPLATE_TEXT	128	/* bytes of UTF-8 */
struct csr_asked {
	unsigned	 ku;		/* CERT_KU_... */
	char		 eku[CSR_MAX_EKU][CSR_OID];	/* dotted */
	size_t		 n_eku;
	bool		 ca;		/* basicConstraints CA:TRUE */
	char		 sid[SID_TEXT];	/* of Windows' extension; "": none */
	/* Certificate templates of Windows, which are among `other` too. */
	char		 template_oid[CSR_OID];	/* dotted; "": none */
	char		 template_name[TEMPLATE_TEXT];
	char		 other[CSR_MAX_OTHER][CSR_OID]; /* dotted */
	size_t		 n_other;
};

struct csr {
	struct bytes	 der;		/* everything here is owned by it */
	struct bytes	 subject;	/* Name, DER */
	bool		 subject_empty;
	char		*subject_text;	/* RFC 4514, UTF-8 */
	struct name_value *values;	/* of the subject, in its order */
	size_t		 n_values;
	struct pubkey	 key;
	enum alg	 digest;	/* it is signed with; ALG_NONE: other */
	struct sans	 sans;		/* subjectAltName asked for */
	struct csr_asked asked;
	bool		 has_challenge;
	struct buf	 challenge;	/* challengePassword as UTF-8; wiped */
	struct X509_req_st *x;		/* for pki only */
};

/* One request in DER, nothing behind it: ERR_CSR_DER if it is none at all,
 * ERR_CSR with what is malformed in it. */
int	 csr_parse(struct bytes der, struct csr **out, struct err *e);
/* The request of a file: the first in a PEM text, or one in DER. */
int	 csr_parse_file(struct bytes file, struct csr **out, struct err *e);
/* ERR_CSR_SIGNATURE; keys too large to verify with at a sane cost, and those
 * of type KEY_OTHER, prove nothing. */
#define CSR_RSA_MAX	8192		/* bits */
int	 csr_verify(const struct csr *, struct err *e);
void	 csr_free(struct csr *);
/* The security identifier in Windows' extension of a certificate; "": none. */
void	 cert_sid(const struct cert *, char out[SID_TEXT]);
int	 csr_pem(const struct csr *, struct buf *out, struct err *e);

/*
 * The same request as if it asked for other names, for who judges and grants
 * names: subject in the text of RFC 4514, sans as "dns:a.example", "email:…",
 * "uri:…", "ip:…" or "upn:…", NULL-ended; NULL leaves what is asked for. With
 * sans goes the SID that was asked for. All else is borrowed from the first, and
 * it has no x. ERR_SUBJECT or ERR_SAN.
 */
int	 csr_renamed(const struct csr *, const char *subject,
	    char *const *sans, struct csr **out, struct err *e);
/*
 * What csr_renamed() made asks for this account and no other, "" for none: in
 * Windows' extension, and by no URI that it still has of the request. ERR_SAN,
 * also if its own names have a URI for another one.
 */
int	 csr_set_sid(struct csr *, const char *sid, struct err *e);
void	 csr_renamed_free(struct csr *);	/* NULL is fine */

/* Makes a request, for clients and tests: subject as "/CN=x/O=y", sans as
 * "DNS:a,email:b" (OpenSSL's form) or NULL, challenge or NULL. */
int	 csr_make(const struct key *, const char *subject, const char *sans,
	    const char *challenge, struct buf *der, struct err *e);

#endif
