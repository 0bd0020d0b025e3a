/*
 * oracle: how long scepd takes to find that an envelope does not open, by what
 * is wrong with it. The answer is the same for all; whoever could tell the
 * columns apart by the time could decrypt what others sent (Bleichenbacher,
 * Vaudenay), so they must lie on each other.
 *
 *	key      the encrypted key is no PKCS#1
 *	length   it is, but its content has another length
 *	padding  the content ends in no padding
 *	asn1     the content is no request
 *	cut      the content is a request that breaks off in its last block
 */
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pki/cert_make.h"
#include "pki/pki_int.h"
#include "scep/client.h"

#define ROUNDS	2000

enum fault { KEY, LENGTH, PADDING, ASN1, CUT, FAULTS };
static const char *const names[FAULTS] = {
	"key", "length", "padding", "asn1", "cut"
};

struct bench {
	struct key		*key;
	struct cert		*cert;
	struct algs		*algs;
	struct buf		 csr;
	int64_t			*ns[FAULTS];
};

static void
must(int ok, const struct err *e)
{
	if (ok)
		return;
	(void)fprintf(stderr, "oracle: %s\n", e != NULL ? err_text(e) :
	    "libcrypto failed");
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* An encrypted key of n octets in place of the envelope's own. */
static void
put_key(const struct bench *b, struct buf *sealed, size_t n)
{
	static const unsigned char cek[32] = { 7 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key_pkey(b->key), NULL);
	unsigned char out[256];
	size_t n_out = sizeof(out);
	unsigned char *at;

	must(EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_encrypt(ctx, out,
	    &n_out, cek, n) == 1 && n_out == sizeof(out), NULL);
	EVP_PKEY_CTX_free(ctx);
	/* OCTET STRING of 256: there is one, the key. */
	at = memmem(sealed->p, sealed->n, "\x04\x82\x01\x00", 4);
	must(at != NULL, NULL);
	memcpy(at + 4, out, sizeof(out));
}

static void
make(const struct bench *b, enum fault f, struct buf *out)
{
	static const char text[] = "no request at all, but as long as one";
	const struct cms_suite suite = { ALG_AES128_CBC, ALG_RSA_PKCS1, 0 };
	struct err e = { .reason = ERR_NONE };
	struct buf noise = BUF_INIT(CMS_MAX_DER);
	struct bytes in = buf_bytes(&b->csr);
	unsigned char *at;

	if (f == ASN1) {
		while (noise.n + sizeof(text) <= in.n)
			must(buf_put(&noise, text, sizeof(text)) == 0, NULL);
		in = buf_bytes(&noise);
	} else if (f == CUT)
		in.n -= 20;
	buf_reset(out);
	must(cms_seal(in, b->cert, b->algs, suite, out, &e) == 0, &e);
	buf_wipe(&noise);
	if (f == KEY) {
		at = memmem(out->p, out->n, "\x04\x82\x01\x00", 4);
		must(at != NULL, NULL);
		at[4 + 100] ^= 1;
	} else if (f == LENGTH)
		put_key(b, out, 24);
	else if (f == PADDING)	/* the block before decides about the last */
		out->p[out->n - 17] ^= 0x55;
}

static int64_t
measure(const struct bench *b, struct bytes sealed)
{
	const struct cms_recipient us = { b->key, b->cert };
	struct err e = { .reason = ERR_NONE };
	struct scep_msg m = { .cms = { .has_content = true,
	    .content = sealed } };
	struct cms_suite suite;
	struct csr *csr = NULL;
	int64_t began = now_ns(), took;
	int rc;

	rc = scep_unwrap(&m, &us, 1, b->algs, &csr, &suite, &e);
	took = now_ns() - began;
	must(rc == -1 && e.reason == ERR_INTEGRITY, &e);
	return took;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
tell(const struct bench *b, int f)
{
	int64_t *v = b->ns[f];

	qsort(v, ROUNDS, sizeof(*v), compare);
	(void)printf("oracle %-8s us    p10 %.1f p50 %.1f p90 %.1f\n",
	    names[f], (double)v[ROUNDS / 10] / 1000,
	    (double)v[ROUNDS / 2] / 1000, (double)v[ROUNDS * 9 / 10] / 1000);
}

int
main(void)
{
	struct err e = { .reason = ERR_NONE };
	struct bench b = { .csr = BUF_INIT(CSR_MAX_DER) };
	struct buf sealed[FAULTS];
	int f, i;

	must(algs_open(&b.algs, &e) == 0 &&
	    key_generate("rsa:2048", &b.key, &e) == 0 &&
	    scep_client_self(b.key, "/CN=RA", 1800000000, &b.cert, &e) == 0 &&
	    csr_make(b.key, "/CN=x", "DNS:x", "8CE317021F690069", &b.csr,
	    &e) == 0, &e);
	for (f = 0; f < FAULTS; f++) {
		b.ns[f] = calloc(ROUNDS, sizeof(*b.ns[f]));
		must(b.ns[f] != NULL, NULL);
		buf_init(&sealed[f], CMS_MAX_DER);
		make(&b, (enum fault)f, &sealed[f]);
	}
	/* In turns: what else the machine does falls on all alike. */
	for (i = 0; i < ROUNDS; i++)
		for (f = 0; f < FAULTS; f++)
			b.ns[f][i] = measure(&b, buf_bytes(&sealed[f]));
	for (f = 0; f < FAULTS; f++) {
		tell(&b, f);
		free(b.ns[f]);
		buf_wipe(&sealed[f]);
	}
	buf_wipe(&b.csr);
	cert_free(b.cert);
	key_free(b.key);
	algs_free(b.algs);
	return 0;
}
