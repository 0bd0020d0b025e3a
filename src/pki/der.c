/*
 * Small conversions between libcrypto's objects and plain bytes and text.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pki/csr.h"
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

void
pki_free(struct bytes *b)
{
	free((void *)(uintptr_t)b->p);
	*b = bytes_make(NULL, 0);
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
	/* All or nothing: no head stays behind without its content. */
	if (n + content.n > out->max - out->n || buf_put(out, head, n) == -1)
		return -1;
	return buf_put(out, content.p, content.n);
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

	return b.n > 0 && memmem(b.p, b.n, mark, sizeof(mark) - 1) != NULL;
}
