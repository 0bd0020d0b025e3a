/*
 * Certificates as facts: parsed once, read by everyone.
 */
#ifndef PKI_CERT_H
#define PKI_CERT_H

#include "util/buf.h"
#include "util/err.h"

#define PKI_HASH	32	/* SHA-256 */
#define PKI_SERIAL_MAX	64	/* bytes; RFC 5280 allows 20, clients send more */
#define CERT_MAX_DER	(64u * 1024)

/* KEY_RSA: with an odd public exponent from 3 to 64 bits; KEY_EC: on P-256,
 * P-384 or P-521, named; KEY_MLDSA: ML-DSA-44, -65 or -87, where libcrypto
 * knows them (3.5). All else but Ed25519 is KEY_OTHER. */
enum key_type { KEY_OTHER, KEY_RSA, KEY_EC, KEY_ED25519, KEY_MLDSA };
/* "rsa", "ec", "ed25519", "mldsa", "other" */
const char	*key_type_name(enum key_type);

/* keyUsage bits, numbered as RFC 5280 numbers them */
#define CERT_KU_DIGITAL_SIGNATURE	0x01u
#define CERT_KU_NON_REPUDIATION	0x02u
#define CERT_KU_KEY_ENCIPHERMENT	0x04u
#define CERT_KU_DATA_ENCIPHERMENT	0x08u
#define CERT_KU_KEY_AGREEMENT	0x10u
#define CERT_KU_KEY_CERT_SIGN	0x20u
#define CERT_KU_CRL_SIGN		0x40u
/* Their names, "digitalSignature", ...; NULL: no such bit. */
const char	*cert_ku_name(unsigned bit);

/*
 * A public key, of a certificate or a request. However it was spelled, spki is
 * as everybody writes that key; only of KEY_OTHER, and of what has more bits
 * than CSR_RSA_MAX, it is as sent. With the same spki_hash it is the very key:
 * for where one is proven. With the same identity, whoever has one has the
 * other: for where a key is barred or known again. For RSA that is the modulus,
 * with any exponent.
 */
struct pubkey {
	struct bytes	 spki;		/* SubjectPublicKeyInfo, DER */
	uint8_t		 spki_hash[PKI_HASH];	/* SHA-256 over spki */
	uint8_t		 identity[PKI_HASH];
	enum key_type	 type;
	int		 bits;
};

struct cert {
	struct bytes	 der;		/* everything here is owned by it */
	struct bytes	 serial;	/* content of the INTEGER, as encoded */
	struct bytes	 subject;	/* Name, DER */
	struct bytes	 issuer;	/* Name, DER */
	char		*subject_text;	/* RFC 4514, UTF-8 */
	struct pubkey	 key;
	int64_t		 not_before;	/* seconds since 1970 */
	int64_t		 not_after;
	bool		 is_ca;		/* basicConstraints CA:TRUE */
	bool		 self_issued;	/* subject == issuer */
	bool		 has_ku;
	unsigned	 ku;		/* CERT_KU_…; 0 if absent */
	struct x509_st	*x;		/* for pki only */
};

/* Exactly one certificate in DER, nothing behind it: ERR_CERT_FILE. */
int	 cert_parse(struct bytes der, struct cert **out, struct err *e);
void	 cert_free(struct cert *);	/* NULL is fine */
/* Whether its subject is this Name (DER), compared as RFC 5280, 7.1 says. */
bool	 cert_has_subject(const struct cert *, struct bytes name);
/* Whether it may enroll for others, by its extended key usage: Microsoft's
 * Certificate Request Agent, or the RA of CMC (RFC 6402). */
bool	 cert_is_agent(const struct cert *);
/* Hex of a serial number or a hash; of a longer one, the first bytes. */
#define CERT_HEX_MAX	(2 * PKI_SERIAL_MAX + 1)
void	 cert_hex(struct bytes, char out[CERT_HEX_MAX]);
/* PEM with its armour, appended. */
int	 cert_pem(const struct cert *, struct buf *out, struct err *e);

/* What extensions it has, at most n, in their order; returns how many. */
#define CERT_EXTS_MAX	32
struct cert_ext {
	char	 oid[64];	/* dotted */
	char	 name[64];	/* short, or the OID again */
	bool	 critical;
};
size_t	 cert_exts(const struct cert *, struct cert_ext *, size_t n);

/* SHA-256, SHA-1 and MD5 over the DER, as people compare them. */
#define CERT_FP_MAX	65		/* hex digits and a NUL */
int	 cert_fingerprint(const struct cert *, const char *digest,
	    char out[CERT_FP_MAX], struct err *e);

/* A list that owns its certificates. */
struct certs {
	struct cert	**v;
	size_t		  n;
};
#define CERTS_MAX	16		/* longest chain or bag we read */
/* All certificates of a PEM text, or the one of a DER; at least one. */
int	 certs_parse(struct bytes file, struct certs *out, struct err *e);
/* What is whole of such a text, which may be cut or broken anywhere, of blocks
 * and DER alike: maybe none, maybe more than CERTS_MAX. */
void	 certs_salvage(struct bytes text, struct certs *out);
int	 certs_load(const char *path, struct certs *out, struct err *e);
/* The one certificate of a PEM or DER file; more than one is refused. */
int	 cert_load(const char *path, struct cert **out, struct err *e);
int	 certs_take(struct certs *, struct cert *);	/* appends; -1: memory */
void	 certs_free(struct certs *);	/* empties it */

#endif
