/*
 * Stretching and remembering shared secrets.
 *
 * A stored hash reads $scrypt$ln=14,r=8,p=1$SALT$HASH, base64 without padding.
 */
#ifndef PKI_SECRET_H
#define PKI_SECRET_H

#include "util/buf.h"
#include "util/err.h"

#define SECRET_MAC	32
#define SECRET_HASH_MAX	256

/* Costs about 50 ms and 16 MiB, by intention. */
int	 secret_hash(struct bytes secret, char out[SECRET_HASH_MAX],
	    struct err *e);
/* *match tells; -1 only when the hash is malformed or memory is short. */
int	 secret_verify(struct bytes secret, const char *hash, bool *match,
	    struct err *e);
/* ERR_CONFIG says what is wrong with a hash. */
int	 secret_check(const char *hash, struct err *e);
/* HMAC-SHA256 */
int	 secret_mac(const uint8_t key[SECRET_MAC], struct bytes data,
	    uint8_t out[SECRET_MAC], struct err *e);
/* The same under a key of any length. */
int	 secret_hmac(struct bytes key, struct bytes data,
	    uint8_t out[SECRET_MAC], struct err *e);
int	 secret_random(void *, size_t, struct err *e);
/* SHA-256, for public values */
int	 secret_sha256(struct bytes, uint8_t out[32], struct err *e);

#endif
