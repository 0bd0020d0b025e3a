/*
 * Private keys: the seam behind which signing and decrypting happens. Whole
 * objects go in and come out (cert_make, cms_sign, cms_open take a struct key),
 * so a key can move to a helper process or a token without its users noticing.
 */
#ifndef PKI_KEY_H
#define PKI_KEY_H

#include "pki/cert.h"
#include "util/buf.h"

struct key;

/* Key types that scepd makes: "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256",
 * "ec:p384"; anything else is ERR_ARGUMENT. */
int	 key_generate(const char *spec, struct key **out, struct err *e);
/*
 * PEM or DER, PKCS#8 or traditional, maybe encrypted. passphrase.n == 0: none
 * given; an encrypted key is then ERR_PASSPHRASE. A PEM may hold certificates
 * beside the key.
 */
int	 key_parse(struct bytes file, struct bytes passphrase,
	    struct key **out, struct err *e);
/* The same from a private file; passphrase_file NULL or "": none. */
int	 key_load(const char *path, const char *passphrase_file,
	    struct key **out, struct err *e);
/* The same key once more, yours. */
int	 key_get1(const struct key *, struct key **out, struct err *e);
void	 key_free(struct key *);		/* zeroes; NULL is fine */

/* PKCS#8 PEM, unencrypted: for files of mode 0600. */
int	 key_pem(const struct key *, struct buf *out, struct err *e);
enum key_type	 key_type(const struct key *);
int	 key_bits(const struct key *);
bool	 key_matches(const struct key *, const struct cert *);
/* SubjectPublicKeyInfo, DER; borrowed from the key. */
struct bytes	 key_spki(const struct key *);

#endif
