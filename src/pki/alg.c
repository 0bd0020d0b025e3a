#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/provider.h>

#include <stdlib.h>
#include <string.h>

#include "pki/alg.h"
#include "pki/pki_int.h"

/* Below zero: no NID, but the end of an object identifier. */
#define ALG_NIST_SIG(n)	(-(n))

static const struct row {
	enum alg_kind	 kind;
	int		 nid;
	const char	*name;
	const char	*keyword;
	const char	*word;
	unsigned	 flags;
} rows[ALG_COUNT] = {
#define ALG(id, kind, nid, name, keyword, word, flags) \
	[ALG_##id] = { ALG_##kind, nid, name, keyword, word, flags },
#include "pki/alg.def"
#undef ALG
};

/*
 * Single DES lives in a context of its own: the legacy provider is not to be
 * met by anything else in the process.
 */
struct algs {
	bool		 on[ALG_COUNT];
	bool		 legacy;
	EVP_MD		*md[ALG_COUNT];
	EVP_CIPHER	*cipher[ALG_COUNT];
	OSSL_LIB_CTX	*apart;
	OSSL_PROVIDER	*providers[2];
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

static bool
has_oid(const struct row *r, struct bytes oid)
{
	static const uint8_t nist_sig[] = {
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03
	};
	const ASN1_OBJECT *o;

	if (r->nid < 0)
		return oid.n == sizeof(nist_sig) + 1 &&
		    memcmp(oid.p, nist_sig, sizeof(nist_sig)) == 0 &&
		    oid.p[sizeof(nist_sig)] == -r->nid;
	o = OBJ_nid2obj(r->nid);
	return bytes_eq(oid, bytes_make(OBJ_get0_data(o), OBJ_length(o)));
}

enum alg
alg_by_oid(enum alg_kind kind, struct bytes oid)
{
	int a;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (rows[a].kind == kind && has_oid(&rows[a], oid))
			return (enum alg)a;
	return ALG_NONE;
}

enum alg
alg_agreement(enum alg digest)
{
	switch (digest) {
	case ALG_SHA1:
		return ALG_ECDH_SHA1;
	case ALG_SHA384:
		return ALG_ECDH_SHA384;
	case ALG_SHA512:
		return ALG_ECDH_SHA512;
	default:
		return ALG_ECDH_SHA256;
	}
}

/* Turns the rows of a word on or off. */
static int
turn(struct algs *as, const char *word, unsigned flag, bool on,
    struct err *e)
{
	bool found = false;
	int a;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (rows[a].word != NULL && (rows[a].flags & flag) != 0 &&
		    strcmp(rows[a].word, word) == 0) {
			as->on[a] = on;
			found = true;
		}
	if (found)
		return 0;
	err_set(e, ERR_CONFIG, "%s: \"%s\" is no algorithm that it is for",
	    on ? "legacy" : "refuse", word);
	return -1;
}

static int
choose(struct algs *as, char *const *legacy, char *const *refuse,
    struct err *e)
{
	int a;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		as->on[a] = alg_accepted((enum alg)a);
	as->legacy = legacy != NULL && *legacy != NULL;
	for (; legacy != NULL && *legacy != NULL; legacy++)
		if (turn(as, *legacy, ALG_LEGACY, true, e) == -1)
			return -1;
	for (; refuse != NULL && *refuse != NULL; refuse++)
		if (turn(as, *refuse, ALG_ON, false, e) == -1)
			return -1;
	return 0;
}

static int
open_apart(struct algs *as)
{
	static const char *const names[] = { "default", "legacy" };
	size_t i;

	if ((as->apart = OSSL_LIB_CTX_new()) == NULL)
		return -1;
	for (i = 0; i < 2; i++)
		if ((as->providers[i] = OSSL_PROVIDER_load(as->apart,
		    names[i])) == NULL)
			return -1;
	return 0;
}

/* One row's implementation; rows that are off need none. */
static int
fetch(struct algs *as, int a)
{
	OSSL_LIB_CTX *ctx = NULL;

	if (!as->on[a])
		return 0;
	if (rows[a].flags & ALG_APART) {
		if (as->apart == NULL && open_apart(as) == -1)
			return -1;
		ctx = as->apart;
	}
	switch (rows[a].kind) {
	case ALG_DIGEST:
		as->md[a] = EVP_MD_fetch(ctx, rows[a].name, NULL);
		return as->md[a] == NULL ? -1 : 0;
	case ALG_CIPHER:
		as->cipher[a] = EVP_CIPHER_fetch(ctx, rows[a].name, NULL);
		return as->cipher[a] == NULL ? -1 : 0;
	default:
		return 0;
	}
}

int
algs_open_with(char *const *legacy, char *const *refuse, struct algs **out,
    struct err *e)
{
	struct algs *as;
	int a;

	if ((as = calloc(1, sizeof(*as))) == NULL) {
		err_set(e, ERR_MEMORY, "algorithms");
		return -1;
	}
	if (choose(as, legacy, refuse, e) == -1)
		goto fail;
	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (fetch(as, a) == -1) {
			set_ssl(e, ERR_CONFIG, rows[a].name);
			if (rows[a].flags & ALG_APART)
				err_prefix(e, "needs OpenSSL's legacy "
				    "provider");
			goto fail;
		}
	*out = as;
	return 0;
fail:
	algs_free(as);
	return -1;
}

int
algs_open(struct algs **out, struct err *e)
{
	return algs_open_with(NULL, NULL, out, e);
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
	for (a = 0; a < 2; a++)
		if (as->providers[a] != NULL)
			OSSL_PROVIDER_unload(as->providers[a]);
	OSSL_LIB_CTX_free(as->apart);
	free(as);
}

bool
algs_accept(const struct algs *as, enum alg a)
{
	return a != ALG_NONE && as->on[a];
}

bool
algs_legacy(const struct algs *as)
{
	return as->legacy;
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

size_t
algs_block(const struct algs *as, enum alg a)
{
	return as->cipher[a] == NULL ? 0 :
	    (size_t)EVP_CIPHER_get_block_size(as->cipher[a]);
}

OSSL_LIB_CTX *
algs_ctx(const struct algs *as, enum alg a)
{
	return rows[a].flags & ALG_APART ? as->apart : NULL;
}
