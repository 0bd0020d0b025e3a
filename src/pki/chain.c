#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <stdlib.h>

#include "pki/chain.h"
#include "pki/pki_int.h"

int
chain_link(const struct cert *c, const struct cert *up, struct err *e)
{
	if (!bytes_eq(c->issuer, up->subject) &&
	    X509_NAME_cmp(X509_get_issuer_name(c->x),
	    X509_get_subject_name(up->x)) != 0) {
		err_set(e, ERR_CERT_FILE, "%s was not issued by %s",
		    c->subject_text, up->subject_text);
		return -1;
	}
	if (!up->is_ca || (up->has_ku && !(up->ku & CERT_KU_KEY_CERT_SIGN))) {
		err_set(e, ERR_CERT_FILE, "%s is not a CA certificate",
		    up->subject_text);
		return -1;
	}
	if (X509_verify(c->x, X509_get0_pubkey(up->x)) != 1) {
		set_ssl(e, ERR_CERT_FILE, "signature of a certificate does not "
		    "verify with its issuer's key");
		err_prefix(e, "%s", c->subject_text);
		return -1;
	}
	return 0;
}

/* The CAs we know, as anchors: even an intermediate ends a chain. */
static X509_STORE *
anchors(const struct cert *issuer, const struct certs *upper)
{
	X509_STORE *store = X509_STORE_new();
	size_t i;
	int ok;

	ok = store != NULL && X509_STORE_add_cert(store, issuer->x) == 1;
	for (i = 0; ok && i < upper->n; i++)
		ok = X509_STORE_add_cert(store, upper->v[i]->x) == 1;
	if (ok)
		return store;
	X509_STORE_free(store);
	return NULL;
}

/* Of the leaf alone. */
static int
pass_critical(int ok, X509_STORE_CTX *ctx)
{
	return ok || (X509_STORE_CTX_get_error_depth(ctx) == 0 &&
	    X509_STORE_CTX_get_error(ctx) ==
	    X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION);
}

static int
verify(const struct cert *leaf, const struct cert *issuer,
    const struct certs *upper, int64_t when, X509_STORE_CTX_verify_cb cb,
    struct err *e)
{
	X509_STORE_CTX *ctx = NULL;
	X509_STORE *store = NULL;
	int rc = -1;

	if (chain_link(leaf, issuer, e) == -1)
		return -1;
	if ((store = anchors(issuer, upper)) == NULL ||
	    (ctx = X509_STORE_CTX_new()) == NULL ||
	    X509_STORE_CTX_init(ctx, store, leaf->x, NULL) != 1) {
		set_ssl(e, ERR_MEMORY, "chain");
		goto out;
	}
	/* Up to the root where it is known, so that every link is proven. */
	X509_STORE_CTX_set_time(ctx, 0, (time_t)when);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	if (cb != NULL)
		X509_STORE_CTX_set_verify_cb(ctx, cb);
	if (X509_verify_cert(ctx) == 1) {
		rc = 0;
		goto out;
	}
	err_set(e, ERR_CERT_FILE, "%s: chain at depth %d: %s",
	    leaf->subject_text, X509_STORE_CTX_get_error_depth(ctx),
	    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	ERR_clear_error();
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return rc;
}

int
chain_verify(const struct cert *leaf, const struct cert *issuer,
    const struct certs *upper, int64_t when, struct err *e)
{
	return verify(leaf, issuer, upper, when, NULL, e);
}

int
chain_verify_odd(const struct cert *leaf, const struct cert *issuer,
    const struct certs *upper, int64_t when, struct err *e)
{
	return verify(leaf, issuer, upper, when, pass_critical, e);
}

/* Position of the certificate that issued c among cs from i on; cs->n: none. */
static size_t
find_issuer(const struct cert *c, const struct certs *cs, size_t i)
{
	struct err why;

	for (; i < cs->n; i++) {
		err_clear(&why);
		if (chain_link(c, cs->v[i], &why) == 0)
			break;
	}
	return i;
}

int
chain_sort(const struct cert *issuer, struct certs *upper, struct err *e)
{
	const struct cert *at = issuer;
	struct cert *swap;
	size_t i, found;

	for (i = 0; i < upper->n; i++) {
		found = at->self_issued ? upper->n :
		    find_issuer(at, upper, i);
		if (found == upper->n) {
			err_set(e, ERR_CERT_FILE, "%s does not belong to the "
			    "chain above %s", upper->v[i]->subject_text,
			    at->subject_text);
			return -1;
		}
		swap = upper->v[i];
		upper->v[i] = upper->v[found];
		upper->v[found] = swap;
		at = upper->v[i];
	}
	return 0;
}
