/*
 * For the tests of CMS and SCEP: messages that scepd itself would not make,
 * and a look at the bytes of those it makes.
 */
#ifndef TESTS_CMS_CRAFT_H
#define TESTS_CMS_CRAFT_H

#include "pki_tool.h"

#include <openssl/cms.h>

#include "pki/cms.h"

struct sign_craft {
	const struct who	*by;
	const struct who	*also;		/* second signer, or NULL */
	const struct cert	*const *more;	/* certificates before the */
	size_t			 n_more;	/* signer's */
	const EVP_MD		*md;		/* NULL: SHA-256 */
	const struct cms_put	*puts;		/* signed attributes */
	size_t			 n_puts;
	const char		*twice;		/* OID that gets two values */
	struct bytes		 content;
	int			 type;		/* eContentType's NID, or 0 */
	unsigned		 flags;		/* CMS_NOATTR, CMS_NOCERTS,
						 * CMS_DETACHED, CMS_STREAM,
						 * CMS_USE_KEYID */
};

void	 sign_craft(const struct sign_craft *, struct buf *out);

/* EnvelopedData from its parts; all DER. */
struct env_craft {
	const struct cert	*to;		/* NULL: no recipient */
	struct bytes		 transport;	/* AlgorithmIdentifier */
	struct bytes		 key;		/* encryptedKey's content */
	struct bytes		 cipher;	/* OID and parameters */
	struct bytes		 data;		/* encryptedContent */
};
#define ALG_PKCS1_DER	LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d" \
			    "\x01\x01\x01\x05\x00")
/* RSAES-OAEP with its defaults as an explicit empty SEQUENCE */
#define ALG_OAEP_DER	LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d" \
			    "\x01\x01\x07\x30\x00")
void	 env_craft(const struct env_craft *, struct buf *out);

/* Seals with CMS_encrypt: BER of indefinite length if stream. */
void	 seal_craft(struct bytes content, const struct cert *to,
	    const EVP_CIPHER *, bool stream, struct buf *out);

/*
 * Fails unless b is DER as libcrypto writes it again: definite lengths, sorted
 * sets, no octet behind it.
 */
void	 assert_der(struct bytes b, const char *row);

/* The one SignerInfo of a message; borrowed from *cms, which is yours. */
CMS_SignerInfo	*craft_signer(struct bytes der, CMS_ContentInfo **cms);

#endif
