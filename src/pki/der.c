/*
 * Small conversions between libcrypto's objects and plain bytes and text.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pki/pki_int.h"
#include "util/str.h"

struct bytes
pki_i2d(const ASN1_ITEM *it, const void *obj)
{
	unsigned char *p, *end;
	int n;

	if ((n = ASN1_item_i2d(obj, NULL, it)) <= 0 ||
	    (p = malloc((size_t)n)) == NULL)
		return bytes_make(NULL, 0);
	end = p;
	if (ASN1_item_i2d(obj, &end, it) != n) {
		free(p);
		return bytes_make(NULL, 0);
	}
	return bytes_make(p, (size_t)n);
}

int
der_put(struct buf *out, unsigned char tag, struct bytes content)
{
	unsigned char head[6] = { tag };
	size_t i, n = 1, octets = 0, len = content.n;

	if (len < 0x80) {
		head[n++] = (unsigned char)len;
	} else {
		while (octets < 4 && (len >> (8 * octets)) != 0)
			octets++;
		head[n++] = (unsigned char)(0x80 | octets);
		for (i = octets; i > 0; i--)
			head[n++] = (unsigned char)(len >> (8 * (i - 1)));
	}
	if (buf_put(out, head, n) == -1)
		return -1;
	return buf_put(out, content.p, content.n);
}

int
pubkey_read(X509_PUBKEY *xp, struct pubkey *out, struct err *e)
{
	const EVP_PKEY *pkey;

	out->spki = pki_i2d(ASN1_ITEM_rptr(X509_PUBKEY), xp);
	if (out->spki.n == 0 || EVP_Digest(out->spki.p, out->spki.n, out->hash,
	    NULL, EVP_sha256(), NULL) != 1) {
		set_ssl(e, ERR_MEMORY, "public key");
		return -1;
	}
	out->type = KEY_OTHER;
	out->bits = 0;
	/* A key libcrypto cannot read is of an unknown type, not an error. */
	if ((pkey = X509_PUBKEY_get0(xp)) == NULL)
		return 0;
	out->bits = EVP_PKEY_get_bits(pkey);
	if (EVP_PKEY_is_a(pkey, "RSA"))
		out->type = KEY_RSA;
	else if (EVP_PKEY_is_a(pkey, "EC"))
		out->type = KEY_EC;
	return 0;
}

void
pubkey_clear(struct pubkey *k)
{
	free((void *)(uintptr_t)k->spki.p);
	memset(k, 0, sizeof(*k));
}

char *
name_text(const X509_NAME *name)
{
	BIO *bio;
	char *mem, *out = NULL;
	long n;

	if ((bio = BIO_new(BIO_s_mem())) == NULL)
		return NULL;
	if (X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0 &&
	    (n = BIO_get_mem_data(bio, &mem)) >= 0)
		out = str_dup_bytes(bytes_make(mem, (size_t)n));
	BIO_free(bio);
	return out;
}

int
time_read(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*out = (int64_t)timegm(&tm);
	return 0;
}

BIO *
bio_of(struct bytes b)
{
	if (b.n > INT32_MAX)
		return NULL;
	return BIO_new_mem_buf(b.n == 0 ? "" : (const char *)b.p, (int)b.n);
}

int
bio_drain(BIO *bio, struct buf *out)
{
	char *mem;
	long n = BIO_get_mem_data(bio, &mem);

	return n < 0 ? -1 : buf_put(out, mem, (size_t)n);
}

int
is_pem(struct bytes b)
{
	static const char mark[] = "-----BEGIN ";

	return memmem(b.p, b.n, mark, sizeof(mark) - 1) != NULL;
}
