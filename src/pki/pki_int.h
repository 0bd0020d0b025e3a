/*
 * Private to pki: where libcrypto's objects and errors meet ours.
 */
#ifndef PKI_PKI_INT_H
#define PKI_PKI_INT_H

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/cert.h"
#include "pki/key.h"

/* err_set() with libcrypto's newest complaint behind `what`; empties its queue. */
void	 set_ssl(struct err *e, enum err_reason, const char *what);

EVP_PKEY	*key_pkey(const struct key *);	/* borrowed */
int		 key_from_pkey(EVP_PKEY *, struct key **, struct err *); /* takes */

/*
 * DER of a libcrypto object, in memory that free() releases: ASN1_ITEM_rptr()
 * of its type. n == 0 when it does not encode or memory is short.
 */
struct bytes	 pki_i2d(const ASN1_ITEM *, const void *);
void		 pki_free(struct bytes *);	/* empties it */

/* The facts of a certificate that libcrypto has parsed already; shares it. */
int	 cert_of(X509 *, struct cert **out, struct err *e);
int	 certs_add(struct certs *, X509 *, struct err *e);

/* Facts that certificates and requests share; 0 or -1. */
int	 pubkey_read(X509_PUBKEY *, struct pubkey *, struct err *e);
void	 pubkey_clear(struct pubkey *);
/* RFC 4514 text of a name; NULL if memory is short or it is no text. */
char	*name_text(const X509_NAME *);
/* The name of an RFC 4514 text, "" for the empty one: ERR_SUBJECT. Yours. */
int	 name_of_text(const char *, X509_NAME **out, struct err *e);
struct csr;
/* Fills subject, its text and its values; who frees the csr frees them. */
int	 csr_read_subject(struct csr *, const X509_NAME *, struct err *e);
int	 time_read(const ASN1_TIME *, int64_t *);

/* All extensions that a request asks for and that can be read, yours; none
 * twice with the same value. ERR_CSR if there are too many. */
int	 csr_extensions(X509_REQ *, STACK_OF(X509_EXTENSION) **out,
	    struct err *e);

struct csr;
int				 csr_read_asked(struct csr *, struct err *e);

/* A read-only BIO over borrowed bytes. */
BIO	*bio_of(struct bytes);
/* Drains a memory BIO into out; -1 at its limit. */
int	 bio_drain(BIO *, struct buf *out);
int	 is_pem(struct bytes);

/* Writes DER: identifier octet `tag`, length, and content. */
int	 der_put(struct buf *, unsigned char tag, struct bytes content);

#endif
