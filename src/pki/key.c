#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "pki/pki_int.h"
#include "util/file.h"
#include "util/str.h"

struct key {
	EVP_PKEY	*pkey;
	struct pubkey	 pub;
};

static const struct spec {
	const char	*name;
	unsigned	 rsa_bits;	/* 0: EC */
	const char	*curve;
} specs[] = {
	{ "rsa:2048", 2048, NULL },
	{ "rsa:3072", 3072, NULL },
	{ "rsa:4096", 4096, NULL },
	{ "ec:p256", 0, "P-256" },
	{ "ec:p384", 0, "P-384" },
};

int
key_from_pkey(EVP_PKEY *pkey, struct key **out, struct err *e)
{
	struct key *k = NULL;
	X509_PUBKEY *xp = NULL;

	if ((k = calloc(1, sizeof(*k))) == NULL ||
	    X509_PUBKEY_set(&xp, pkey) != 1) {
		set_ssl(e, ERR_KEY_FILE, "key");
		goto fail;
	}
	if (pubkey_read(xp, &k->pub, e) == -1)
		goto fail;
	k->pkey = pkey;
	X509_PUBKEY_free(xp);
	*out = k;
	return 0;
fail:
	X509_PUBKEY_free(xp);
	EVP_PKEY_free(pkey);
	free(k);
	return -1;
}

int
key_generate(const char *spec, struct key **out, struct err *e)
{
	const struct spec *s = NULL;
	EVP_PKEY *pkey;
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		if (strcmp(specs[i].name, spec) == 0)
			s = &specs[i];
	if (s == NULL) {
		err_set(e, ERR_ARGUMENT, "key type %s is not one of rsa:2048, "
		    "rsa:3072, rsa:4096, ec:p256, ec:p384", spec);
		return -1;
	}
	if (s->rsa_bits != 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
		    (size_t)s->rsa_bits);
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", s->curve);
	if (pkey == NULL) {
		set_ssl(e, ERR_CRYPTO, "key generation");
		return -1;
	}
	return key_from_pkey(pkey, out, e);
}

/* Is the file a key that wants a passphrase? */
struct asked {
	struct bytes	pass;
	bool		wanted;
};

static int
passphrase_cb(char *to, int size, int rw, void *arg)
{
	struct asked *a = arg;

	(void)rw;
	a->wanted = true;
	if (a->pass.n == 0 || a->pass.n > (size_t)size)
		return -1;
	memcpy(to, a->pass.p, a->pass.n);
	return (int)a->pass.n;
}

/* Where the first private key begins in a PEM that holds certificates too. */
static struct bytes
skip_to_key(struct bytes file)
{
	static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY-----";
	const uint8_t *p = file.p, *at, *end, *line_end;

	if (file.n == 0)
		return file;
	end = p + file.n;
	while ((at = memmem(p, (size_t)(end - p), begin,
	    sizeof(begin) - 1)) != NULL) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (line_end == NULL)
			break;
		if (memmem(at, (size_t)(line_end - at), key,
		    sizeof(key) - 1) != NULL)
			return bytes_make(at, (size_t)(end - at));
		p = line_end;
	}
	return file;
}

int
key_parse(struct bytes file, struct bytes pass, struct key **out,
    struct err *e)
{
	struct asked asked = { .pass = pass };
	OSSL_DECODER_CTX *dc = NULL;
	struct bytes from = skip_to_key(file);
	EVP_PKEY *pkey = NULL;
	const unsigned char *p = from.p;
	size_t n = from.n;
	int rc = -1;

	dc = OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL,
	    EVP_PKEY_KEYPAIR, NULL, NULL);
	if (dc == NULL || OSSL_DECODER_CTX_set_pem_password_cb(dc,
	    passphrase_cb, &asked) != 1) {
		set_ssl(e, ERR_MEMORY, "key decoder");
		goto out;
	}
	if (OSSL_DECODER_from_data(dc, &p, &n) == 1 && pkey != NULL) {
		rc = key_from_pkey(pkey, out, e);
		goto out;
	}
	EVP_PKEY_free(pkey);
	if (asked.wanted)
		set_ssl(e, ERR_PASSPHRASE, pass.n == 0 ?
		    "the key is encrypted and no passphrase is given" :
		    "the passphrase does not open the key");
	else
		set_ssl(e, ERR_KEY_FILE, "no private key in PEM or DER");
out:
	OSSL_DECODER_CTX_free(dc);
	return rc;
}

int
key_load(const char *path, const char *passphrase_file, struct key **out,
    struct err *e)
{
	struct buf file = BUF_INIT(FILE_MAX), pass = BUF_INIT(FILE_MAX);
	int rc = -1;

	if (file_read_private(path, &file, e) == -1)
		goto out;
	if (passphrase_file != NULL && *passphrase_file != '\0' &&
	    file_read_secret(passphrase_file, &pass, e) == -1)
		goto out;
	rc = key_parse(buf_bytes(&file), buf_bytes(&pass), out, e);
	if (rc == -1)
		err_prefix(e, "%s", path);
out:
	buf_wipe(&file);
	buf_wipe(&pass);
	return rc;
}

int
key_get1(const struct key *k, struct key **out, struct err *e)
{
	if (EVP_PKEY_up_ref(k->pkey) == 1)
		return key_from_pkey(k->pkey, out, e);
	set_ssl(e, ERR_MEMORY, "key");
	return -1;
}

void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	pubkey_clear(&k->pub);
	free(k);
}

int
key_pem(const struct key *k, struct buf *out, struct err *e)
{
	BIO *bio;
	int rc = -1;

	if ((bio = BIO_new(BIO_s_secmem())) == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL,
	    NULL) != 1 || bio_drain(bio, out) == -1)
		set_ssl(e, ERR_CRYPTO, "writing a key");
	else
		rc = 0;
	BIO_free(bio);
	return rc;
}

enum key_type
key_type(const struct key *k)
{
	return k->pub.type;
}

int
key_bits(const struct key *k)
{
	return k->pub.bits;
}

bool
key_matches(const struct key *k, const struct cert *c)
{
	/* Not the SPKI bytes: encodings of the same key differ. */
	bool match = X509_check_private_key(c->x, k->pkey) == 1;

	ERR_clear_error();
	return match;
}

struct bytes
key_spki(const struct key *k)
{
	return k->pub.spki;
}

EVP_PKEY *
key_pkey(const struct key *k)
{
	return k->pkey;
}
