/*
 * floor: what the RSA of one enrollment costs on this machine, one core: the
 * RA opens the envelope and signs the reply, the CA signs the certificate.
 * Whatever a server does beside it, it cannot be faster.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"

#define ROUNDS	300

static void
check(int ok)
{
	if (ok > 0)
		return;
	(void)fprintf(stderr, "floor: libcrypto failed\n");
	exit(1);
}

static double
sign_ms(EVP_PKEY *key)
{
	unsigned char sig[1024], tbs[512] = { 0 };
	EVP_MD_CTX *mc = EVP_MD_CTX_new();
	int64_t began = clock_mono_us();
	size_t n;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		n = sizeof(sig);
		check(EVP_DigestSignInit(mc, NULL, EVP_sha256(), NULL, key));
		check(EVP_DigestSign(mc, sig, &n, tbs, sizeof(tbs)));
		EVP_MD_CTX_reset(mc);
	}
	EVP_MD_CTX_free(mc);
	return (double)(clock_mono_us() - began) / ROUNDS / 1000;
}

static double
decrypt_ms(EVP_PKEY *key)
{
	unsigned char in[16] = { 0 }, sealed[1024], out[1024];
	EVP_PKEY_CTX *pc = EVP_PKEY_CTX_new(key, NULL);
	size_t n_sealed = sizeof(sealed), n;
	int64_t began;
	int i;

	check(EVP_PKEY_encrypt_init(pc));
	check(EVP_PKEY_encrypt(pc, sealed, &n_sealed, in, sizeof(in)));
	check(EVP_PKEY_decrypt_init(pc));
	began = clock_mono_us();
	for (i = 0; i < ROUNDS; i++) {
		n = sizeof(out);
		check(EVP_PKEY_decrypt(pc, out, &n, sealed, n_sealed));
	}
	EVP_PKEY_CTX_free(pc);
	return (double)(clock_mono_us() - began) / ROUNDS / 1000;
}

int
main(void)
{
	EVP_PKEY *ra = EVP_RSA_gen(2048), *ca = EVP_RSA_gen(3072);
	double open_ms, reply_ms, cert_ms, sum;

	check(ra != NULL && ca != NULL);
	open_ms = decrypt_ms(ra);
	reply_ms = sign_ms(ra);
	cert_ms = sign_ms(ca);
	sum = open_ms + reply_ms + cert_ms;
	(void)printf("RSA floor ms each    %.2f (open 2048 %.2f, sign 2048 "
	    "%.2f, sign 3072 %.2f)\n", sum, open_ms, reply_ms, cert_ms);
	EVP_PKEY_free(ra);
	EVP_PKEY_free(ca);
	return 0;
}
