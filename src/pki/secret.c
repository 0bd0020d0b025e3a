#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <stdio.h>
#include <string.h>

#include "pki/pki_int.h"
#include "pki/secret.h"
#include "util/str.h"

#define SALT_LEN	16
#define HASH_LEN	32
#define MAX_MEMORY	(256u * 1024 * 1024)

/* What a hash line says. */
struct params {
	unsigned	ln, r, p;
	uint8_t		salt[64];
	size_t		n_salt;
	uint8_t		hash[HASH_LEN];
};

static const struct params defaults = { .ln = 14, .r = 8, .p = 1 };

static int
stretch(struct bytes secret, const struct params *pr, uint8_t out[HASH_LEN],
    struct err *e)
{
	if (EVP_PBE_scrypt((const char *)secret.p, secret.n, pr->salt,
	    pr->n_salt, UINT64_C(1) << pr->ln, pr->r, pr->p, MAX_MEMORY, out,
	    HASH_LEN) != 1) {
		set_ssl(e, ERR_MEMORY, "scrypt");
		return -1;
	}
	return 0;
}

/* Unpadded base64 of the n bytes at `text` into out, exactly max or fewer. */
static int
field(const char *text, size_t n, uint8_t *out, size_t max, size_t *got)
{
	struct buf b = BUF_INIT(max);
	int rc = -1;

	if (str_unbase64_lenient(bytes_make(text, n), &b) == 0 && b.n > 0) {
		memcpy(out, b.p, b.n);
		*got = b.n;
		rc = 0;
	}
	buf_wipe(&b);
	return rc;
}

static int
parse(const char *hash, struct params *pr, struct err *e)
{
	const char *salt, *end;
	size_t n_hash;
	int at = -1;

	if (sscanf(hash, "$scrypt$ln=%2u,r=%2u,p=%2u$%n", &pr->ln, &pr->r,
	    &pr->p, &at) != 3 || at == -1)
		goto malformed;
	salt = hash + at;
	if ((end = strchr(salt, '$')) == NULL ||
	    field(salt, (size_t)(end - salt), pr->salt, sizeof(pr->salt),
	    &pr->n_salt) == -1 || pr->n_salt < 8 ||
	    field(end + 1, strlen(end + 1), pr->hash, HASH_LEN,
	    &n_hash) == -1 || n_hash != HASH_LEN)
		goto malformed;
	/* The one that scepd --sample shows; nobody knows its secret. */
	if (memcmp(pr->hash, (const uint8_t[HASH_LEN]){ 0 },
	    HASH_LEN) == 0) {
		err_set(e, ERR_CONFIG, "it is the sample's hash; make your own "
		    "with: scepctl challenge hash");
		return -1;
	}
	/* At most 128 MiB at a time, and 16 in what we make ourselves. */
	if (pr->ln < 10 || pr->ln > 17 || pr->r < 1 || pr->r > 8 ||
	    pr->p < 1 || pr->p > 4) {
		err_set(e, ERR_CONFIG, "scrypt parameters out of range "
		    "(ln 10 to 17, r 1 to 8, p 1 to 4)");
		return -1;
	}
	return 0;
malformed:
	err_set(e, ERR_CONFIG, "not a hash of the form $scrypt$ln=14,r=8,p=1"
	    "$SALT$HASH; make one with: scepctl challenge hash");
	return -1;
}

int
secret_hash(struct bytes secret, char out[SECRET_HASH_MAX], struct err *e)
{
	struct params pr = defaults;
	struct buf text = BUF_INIT(SECRET_HASH_MAX - 1);
	int rc = -1;

	pr.n_salt = SALT_LEN;
	if (secret_random(pr.salt, SALT_LEN, e) == -1 ||
	    stretch(secret, &pr, pr.hash, e) == -1)
		goto out;
	if (buf_printf(&text, "$scrypt$ln=%u,r=%u,p=%u$", pr.ln, pr.r,
	    pr.p) == -1 ||
	    str_base64(bytes_make(pr.salt, pr.n_salt), &text) == -1)
		goto full;
	while (text.p[text.n - 1] == '=')
		text.n--;
	if (buf_putc(&text, '$') == -1 ||
	    str_base64(bytes_make(pr.hash, HASH_LEN), &text) == -1)
		goto full;
	while (text.p[text.n - 1] == '=')
		text.n--;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	rc = 0;
	goto out;
full:
	err_set(e, ERR_MEMORY, "hash");
out:
	buf_wipe(&text);
	return rc;
}

int
secret_verify(struct bytes secret, const char *hash, bool *match,
    struct err *e)
{
	struct params pr;
	uint8_t got[HASH_LEN];

	if (parse(hash, &pr, e) == -1 || stretch(secret, &pr, got, e) == -1)
		return -1;
	*match = str_equal_secret(bytes_make(got, HASH_LEN),
	    bytes_make(pr.hash, HASH_LEN));
	return 0;
}

int
secret_check(const char *hash, struct err *e)
{
	struct params pr;

	return parse(hash, &pr, e);
}

int
secret_hmac(struct bytes key, struct bytes data, uint8_t out[SECRET_MAC],
    struct err *e)
{
	size_t n;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.p, key.n,
	    data.p, data.n, out, SECRET_MAC, &n) == NULL || n != SECRET_MAC) {
		set_ssl(e, ERR_CRYPTO, "HMAC");
		return -1;
	}
	return 0;
}

int
secret_mac(const uint8_t key[SECRET_MAC], struct bytes data,
    uint8_t out[SECRET_MAC], struct err *e)
{
	return secret_hmac(bytes_make(key, SECRET_MAC), data, out, e);
}

int
secret_random(void *p, size_t n, struct err *e)
{
	if (RAND_priv_bytes_ex(NULL, p, n, 0) != 1) {
		set_ssl(e, ERR_CRYPTO, "random numbers");
		return -1;
	}
	return 0;
}

int
secret_sha256(struct bytes b, uint8_t out[32], struct err *e)
{
	if (EVP_Digest(b.p, b.n, out, NULL, EVP_sha256(), NULL) != 1) {
		set_ssl(e, ERR_CRYPTO, "SHA-256");
		return -1;
	}
	return 0;
}
