/*
 * Algorithm policy of SCEP messages, from alg.def, and the algorithm objects
 * of libcrypto, fetched once.
 */
#ifndef PKI_ALG_H
#define PKI_ALG_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum alg {
	ALG_NONE = 0,
#define ALG(id, kind, nid, name, keyword, flags)	ALG_##id,
#include "pki/alg.def"
#undef ALG
	ALG_COUNT
};

enum alg_kind { ALG_CIPHER, ALG_DIGEST, ALG_TRANSPORT };

#define ALG_ON	0x1u

const char	*alg_name(enum alg);		/* "unknown" for ALG_NONE */
bool		 alg_accepted(enum alg);
const char	*alg_keyword(enum alg);		/* NULL: none */
/* By object identifier (libcrypto's NID); ALG_NONE if not in the table. */
enum alg	 alg_by_nid(enum alg_kind, int nid);
/* By name, any case; ALG_NONE if there is none. */
enum alg	 alg_by_name(const char *);

/* Fetched implementations; made at start, shared by all threads. */
struct algs;
struct evp_md_st;
struct evp_cipher_st;
int		 algs_open(struct algs **out, struct err *e);
void		 algs_free(struct algs *);
const struct evp_md_st		*algs_md(const struct algs *, enum alg);
const struct evp_cipher_st	*algs_cipher(const struct algs *, enum alg);

#endif
