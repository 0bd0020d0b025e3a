/*
 * SCEP messages that no honest client makes, for the tests of bad input.
 *
 * SignedData is written octet for octet, so that every part of it can be left
 * out, doubled or of another type and the signature still be right; envelopes
 * are libcrypto's, with every kind of recipient it has. Whatever cannot be made
 * ends the test.
 */
#ifndef IT_CRAFT_H
#define IT_CRAFT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "util/buf.h"

#define CRAFT_MAX	(4u * 1024 * 1024)
#define CRAFT_MAX_ATTRS	64

/* Identifier octets */
#define TAG_INTEGER	0x02
#define TAG_OCTETS	0x04
#define TAG_UTF8	0x0c
#define TAG_PRINTABLE	0x13
#define TAG_SEQUENCE	0x30
#define TAG_SET		0x31

struct craft_attr {
	const char	*oid;
	int		 tag;		/* 0: value is all of the SET */
	struct bytes	 value;
};

struct craft_signer {
	EVP_PKEY	*key;
	X509		*cert;
	const EVP_MD	*md;
	bool		 no_attrs;	/* signs the content itself */
};

struct craft {
	struct bytes			 content;
	bool				 no_content;
	const char			*content_type;	/* NULL: id-data */
	const char			*attr_type;	/* what the attribute
						 * says; NULL: the same */
	bool				 no_attr_type;
	bool				 no_digest;
	const struct craft_attr		*attrs;	/* beside the two of CMS */
	size_t				 n_attrs;
	struct bytes			 unsigned_attrs; /* of each signer */
	const struct craft_signer	*signers;
	size_t				 n_signers;
	bool				 no_certs;
	bool				 unsorted;	/* attributes, last
							 * one first */
};
void	 craft_sign(const struct craft *, struct buf *out);

enum craft_for {
	CRAFT_RSA, CRAFT_OAEP, CRAFT_KEK, CRAFT_PASSWORD
};
/* EnvelopedData; AuthEnvelopedData if the cipher authenticates. */
void	 craft_seal(struct bytes content, enum craft_for, X509 *to,
	    const EVP_CIPHER *, struct buf *out);
/* EnvelopedData that claims these algorithms and holds noise. */
void	 craft_seal_noise(const char *transport_oid, const char *cipher_oid,
	    X509 *to, struct buf *out);

struct craft_ext {
	const char	*oid;
	bool		 critical;
	struct bytes	 value;
};
struct craft_csr {
	struct bytes	 cn;
	const char	*challenge;
	EVP_PKEY	*key;		/* in the request */
	EVP_PKEY	*signer;	/* NULL: the same */
	const struct craft_ext *exts;	/* asked for */
	size_t		 n_exts;
	int		 exts_nid;	/* attribute they stand in; 0: PKCS#9 */
};
void	 craft_csr(const struct craft_csr *, struct buf *out);

/* Any of these ends with EVP_PKEY_free(). */
EVP_PKEY	*craft_rsa(unsigned bits);
EVP_PKEY	*craft_ec(void);
/* A public key with a modulus of so many random bits. */
EVP_PKEY	*craft_rsa_noise(unsigned bits);
/* A certificate for the key, as clients sign with; signed by `by`. */
X509		*craft_cert(EVP_PKEY *, EVP_PKEY *by, const char *cn);

/* One attribute as it stands in a set. */
void	 craft_attr(const struct craft_attr *, struct buf *out);
/* Puts identifier and length before what is in the buffer. */
void	 craft_wrap(struct buf *, int tag);
/* So many SEQUENCEs in each other; or of indefinite length, never ended. */
void	 craft_nest(size_t depth, bool indefinite, struct buf *out);

#endif
