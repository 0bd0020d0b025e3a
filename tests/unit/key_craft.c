#include "key_craft.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <string.h>

#include "pki/pki_int.h"

enum number { P, Q, N, E, D, DP, DQ, QINV, N_NUMBERS };

static const char *const names[] = {
	[P] = OSSL_PKEY_PARAM_RSA_FACTOR1, [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[N] = OSSL_PKEY_PARAM_RSA_N, [E] = OSSL_PKEY_PARAM_RSA_E,
	[D] = OSSL_PKEY_PARAM_RSA_D, [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
	[QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* The next exponent that has an inverse, and what follows from it. */
static int
next_exponent(BIGNUM *v[N_NUMBERS], BN_CTX *ctx)
{
	BIGNUM *p = BN_dup(v[P]), *q = BN_dup(v[Q]), *phi = BN_new();
	int ok;

	ok = p != NULL && q != NULL && phi != NULL && BN_sub_word(p, 1) == 1 &&
	    BN_sub_word(q, 1) == 1 && BN_mul(phi, p, q, ctx) == 1;
	do
		ok = ok && BN_add_word(v[E], 2) == 1;
	while (ok && BN_mod_inverse(v[D], v[E], phi, ctx) == NULL);
	ok = ok && BN_mod(v[DP], v[D], p, ctx) == 1 &&
	    BN_mod(v[DQ], v[D], q, ctx) == 1;
	BN_free(p);
	BN_free(q);
	BN_free(phi);
	return ok;
}

static EVP_PKEY *
from_numbers(BIGNUM *const v[N_NUMBERS])
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;
	int i, ok = b != NULL && ctx != NULL;

	for (i = 0; ok && i < N_NUMBERS; i++)
		ok = OSSL_PARAM_BLD_push_BN(b, names[i], v[i]) == 1;
	if (!ok || (params = OSSL_PARAM_BLD_to_param(b)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
other_exponent(const EVP_PKEY *from)
{
	BIGNUM *v[N_NUMBERS] = { NULL };
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *pkey = NULL;
	int i, ok = ctx != NULL;

	for (i = 0; ok && i < N_NUMBERS; i++)
		ok = EVP_PKEY_get_bn_param(from, names[i], &v[i]) == 1;
	if (ok && next_exponent(v, ctx))
		pkey = from_numbers(v);
	for (i = 0; i < N_NUMBERS; i++)
		BN_clear_free(v[i]);
	BN_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
other_point(EVP_PKEY *from, const char *how)
{
	EVP_PKEY *pkey = EVP_PKEY_dup(from);

	if (pkey == NULL || EVP_PKEY_set_utf8_string_param(pkey,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, how) == 1)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

struct key *
key_respell(const struct key *k, const char *how)
{
	struct err e = { .reason = ERR_NONE };
	struct key *out = NULL;
	EVP_PKEY *pkey;

	pkey = strcmp(how, "exponent") == 0 ? other_exponent(key_pkey(k)) :
	    other_point(key_pkey(k), how);
	if (pkey == NULL || key_from_pkey(pkey, &out, &e) == -1)
		return NULL;
	return out;
}
