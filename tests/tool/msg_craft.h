/*
 * Messages as clients in the field write them: SignedData, envelope, request
 * and certificate octet for octet, with the habits of each as switches. What
 * cannot be made ends the program.
 */
#ifndef TOOL_MSG_CRAFT_H
#define TOOL_MSG_CRAFT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "util/buf.h"

#define MSG_MAX		(256u * 1024)

/* The certificate that a message is signed with: self-signed. */
struct signer_craft {
	const char	*cn;
	const char	*serial;	/* hex, "-" before it: negative */
	bool		 v1;
	bool		 ku;		/* digitalSignature, keyEncipherment */
	bool		 aki;		/* critical authorityKeyIdentifier */
	bool		 ski;
	int		 from, to;	/* days from now; 0, 0: -1 to 7 */
};
X509	*signer_craft(const struct signer_craft *, EVP_PKEY *);

struct request_craft {
	const char	*cn;
	int		 challenge_tag;
	struct bytes	 challenge;
	const char	*ext_oid;	/* NULL: no extensions */
	const char	*dns;		/* subjectAltName in them */
	bool		 path_len;	/* basicConstraints of such a leaf */
	bool		 validity;	/* Microsoft's name and value */
	bool		 disordered;	/* attributes not in order of DER */
};
void	 request_craft(const struct request_craft *, EVP_PKEY *,
	    struct buf *out);

enum ber_style {
	BER_NONE,	/* DER */
	BER_OUTER,	/* indefinite on the way to the content, as jscep */
	BER_ALL		/* everywhere but in certificates, as Apple */
};
/* SignedData or EnvelopedData in another encoding; octets in parts of 1000. */
void	 ber_style(struct bytes der, enum ber_style, struct buf *out);

struct seal_craft {
	X509		*to;
	X509		*also[2];	/* recipients before it */
	const char	*cipher;
	bool		 oaep, by_ski;
	bool		 reversed;	/* the issuer's RDNs */
	OSSL_LIB_CTX	*ctx;		/* where the cipher is */
};
void	 envelope_craft(struct bytes content, const struct seal_craft *,
	    struct buf *out);

struct message_craft {
	struct bytes	 content;
	EVP_PKEY	*key;
	X509		*cert;
	const char	*md;
	bool		 named_sig;	/* sha256WithRSA and the like */
	bool		 by_ski;
	const char	*txid;
	int		 txid_tag;	/* 0: PrintableString */
	size_t		 n_nonce;
};
void	 message_craft(const struct message_craft *, struct buf *out);

#define SIG_MAX		8192	/* octets, of any of them */
/* Ed25519 and ML-DSA sign without a digest; their keys are named as the
 * signatures are. */
bool	 signs_purely(EVP_PKEY *);
int	 pure_nid(EVP_PKEY *);

/* The test's own, for what must not fail. */
void	 must(bool ok, const char *what);

#endif
