/*
 * Algorithm policy of SCEP messages, from alg.def, and the algorithm objects
 * of libcrypto, fetched once.
 */
#ifndef PKI_ALG_H
#define PKI_ALG_H

#include <stdbool.h>
#include <stddef.h>

#include "util/bytes.h"
#include "util/err.h"

enum alg {
	ALG_NONE = 0,
#define ALG(id, kind, nid, name, keyword, word, flags)	ALG_##id,
#include "pki/alg.def"
#undef ALG
	ALG_COUNT
};

enum alg_kind {
	ALG_CIPHER, ALG_DIGEST, ALG_TRANSPORT, ALG_AGREEMENT, ALG_SIGNATURE
};

#define ALG_ON		0x1u
#define ALG_LEGACY	0x2u
#define ALG_APART	0x4u

const char	*alg_name(enum alg);		/* "unknown" for ALG_NONE */
bool		 alg_accepted(enum alg);	/* by default */
const char	*alg_keyword(enum alg);		/* NULL: none */
/* By object identifier: libcrypto's NID, or the content of its DER; ALG_NONE
 * if not in the table. */
enum alg	 alg_by_nid(enum alg_kind, int nid);
enum alg	 alg_by_oid(enum alg_kind, struct bytes oid);
/* The key agreement whose key derivation uses this digest, or SHA-256. */
enum alg	 alg_agreement(enum alg digest);

/*
 * What an endpoint accepts, and the implementations; made at start, shared by
 * all threads.
 */
struct algs;
struct evp_md_st;
struct evp_cipher_st;
struct ossl_lib_ctx_st;
/* What is accepted by default. */
int		 algs_open(struct algs **out, struct err *e);
/*
 * With words of alg.def added and taken away, in lists that end with NULL.
 * ERR_CONFIG: a word that cannot be used so, or an algorithm that libcrypto
 * has not got.
 */
int		 algs_open_with(char *const *legacy, char *const *refuse,
		    struct algs **out, struct err *e);
void		 algs_free(struct algs *);
bool		 algs_accept(const struct algs *, enum alg);
bool		 algs_legacy(const struct algs *);	/* any added? */
const struct evp_md_st		*algs_md(const struct algs *, enum alg);
const struct evp_cipher_st	*algs_cipher(const struct algs *, enum alg);
/* Octets of its block, which is also how long its IV is; 0: not at hand. */
size_t		 algs_block(const struct algs *, enum alg cipher);
/* Where libcrypto finds it; NULL: in its default context. For pki only. */
struct ossl_lib_ctx_st		*algs_ctx(const struct algs *, enum alg);

#endif
