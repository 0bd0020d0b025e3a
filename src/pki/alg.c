#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <stdlib.h>
#include <strings.h>

#include "pki/alg.h"
#include "pki/pki_int.h"

static const struct row {
	enum alg_kind	 kind;
	int		 nid;
	const char	*name;
	const char	*keyword;
	unsigned	 flags;
} rows[ALG_COUNT] = {
#define ALG(id, kind, nid, name, keyword, flags) \
	[ALG_##id] = { ALG_##kind, nid, name, keyword, flags },
#include "pki/alg.def"
#undef ALG
};

struct algs {
	EVP_MD		*md[ALG_COUNT];
	EVP_CIPHER	*cipher[ALG_COUNT];
};

const char *
alg_name(enum alg a)
{
	return a == ALG_NONE ? "unknown" : rows[a].name;
}

bool
alg_accepted(enum alg a)
{
	return a != ALG_NONE && (rows[a].flags & ALG_ON) != 0;
}

const char *
alg_keyword(enum alg a)
{
	return rows[a].keyword;
}

enum alg
alg_by_nid(enum alg_kind kind, int nid)
{
	int a;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (rows[a].kind == kind && rows[a].nid == nid)
			return (enum alg)a;
	return ALG_NONE;
}

enum alg
alg_by_name(const char *name)
{
	int a;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (strcasecmp(rows[a].name, name) == 0)
			return (enum alg)a;
	return ALG_NONE;
}

/* One row's implementation; rows that are off need none. */
static int
fetch(struct algs *as, int a)
{
	if (!alg_accepted((enum alg)a) || rows[a].kind == ALG_TRANSPORT)
		return 0;
	if (rows[a].kind == ALG_DIGEST) {
		as->md[a] = EVP_MD_fetch(NULL, rows[a].name, NULL);
		return as->md[a] == NULL ? -1 : 0;
	}
	as->cipher[a] = EVP_CIPHER_fetch(NULL, rows[a].name, NULL);
	return as->cipher[a] == NULL ? -1 : 0;
}

int
algs_open(struct algs **out, struct err *e)
{
	struct algs *as;
	int a;

	if ((as = calloc(1, sizeof(*as))) == NULL) {
		err_set(e, ERR_MEMORY, "algorithms");
		return -1;
	}
	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (fetch(as, a) == -1) {
			set_ssl(e, ERR_CRYPTO, rows[a].name);
			algs_free(as);
			return -1;
		}
	*out = as;
	return 0;
}

void
algs_free(struct algs *as)
{
	int a;

	if (as == NULL)
		return;
	for (a = 0; a < ALG_COUNT; a++) {
		EVP_MD_free(as->md[a]);
		EVP_CIPHER_free(as->cipher[a]);
	}
	free(as);
}

const EVP_MD *
algs_md(const struct algs *as, enum alg a)
{
	return as->md[a];
}

const EVP_CIPHER *
algs_cipher(const struct algs *as, enum alg a)
{
	return as->cipher[a];
}
