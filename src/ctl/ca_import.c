/*
 * Reading an existing CA and proving that it can issue.
 */
#include <stdlib.h>

#include "ctl/ctl_int.h"
#include "pki/chain.h"
#include "pki/p12.h"
#include "util/clock.h"
#include "util/file.h"

#define RSA_MIN	2048	/* of a key that opens SCEP messages */

static int
load_p12(const struct ca_source *src, struct ca_set *s, struct err *e)
{
	struct buf	 file = BUF_INIT(FILE_MAX), pass = BUF_INIT(FILE_MAX);
	int		 rc = -1;

	if (file_read_private(src->p12, &file, e) != 0)
		goto out;
	if (src->passphrase != NULL &&
	    file_read_secret(src->passphrase, &pass, e) != 0)
		goto out;
	rc = p12_parse(buf_bytes(&file), buf_bytes(&pass), &s->key, &s->cert,
	    &s->upper, e);
	if (rc != 0)
		err_prefix(e, "%s", src->p12);
out:
	buf_wipe(&file);
	buf_wipe(&pass);
	return rc;
}

static int
load_pair(const struct ca_source *src, struct ca_set *s, struct err *e)
{
	if (cert_load(src->cert, &s->cert, e) != 0)
		return -1;
	if (src->key == NULL)
		return 0;
	if (key_load(src->key, src->passphrase, &s->key, e) != 0)
		return -1;
	if (!key_matches(s->key, s->cert)) {
		err_set(e, ERR_KEY_FILE, "%s is not the key of %s", src->key,
		    src->cert);
		return -1;
	}
	return 0;
}

static bool
have(const struct ca_set *s, const struct cert *c)
{
	size_t	 i;

	if (bytes_eq(c->der, s->cert->der))
		return true;
	for (i = 0; i < s->upper.n; i++)
		if (bytes_eq(c->der, s->upper.v[i]->der))
			return true;
	return false;
}

/* Chain files often hold the CA itself, or repeat what a PKCS#12 file has. */
static int
load_chain(const struct ca_source *src, struct ca_set *s, struct err *e)
{
	struct certs	 more = { .n = 0 };
	size_t		 i;
	int		 rc = 0;

	if (src->chain == NULL)
		return 0;
	if (certs_load(src->chain, &more, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < more.n; i++) {
		if (have(s, more.v[i]))
			continue;
		if ((rc = certs_take(&s->upper, more.v[i])) == 0)
			more.v[i] = NULL;
		else
			err_set(e, ERR_CERT_FILE, "%s: more than %d "
			    "certificates", src->chain, CERTS_MAX);
	}
	certs_free(&more);
	return rc;
}

/* The certificate alone. */
static int
check_ca(const struct cert *c, const struct ca_want *want, struct err *e)
{
	const unsigned	 ra_ku = CERT_KU_DIGITAL_SIGNATURE |
			    CERT_KU_KEY_ENCIPHERMENT;
	char		 until[CLOCK_TEXT_MAX];

	if (!c->is_ca || (c->has_ku && !(c->ku & CERT_KU_KEY_CERT_SIGN))) {
		err_set(e, ERR_CERT_FILE, "%s is not a CA certificate (CA:TRUE "
		    "with keyCertSign)", c->subject_text);
		return -1;
	}
	if (want->now < c->not_before || want->now > c->not_after) {
		clock_text(want->now < c->not_before ? c->not_before :
		    c->not_after, until);
		err_set(e, ERR_CERT_FILE, "%s %s %s", c->subject_text,
		    want->now < c->not_before ? "is not valid before" :
		    "has expired on", until);
		return -1;
	}
	if (!want->mode_ca)
		return 0;
	if (c->key.type != KEY_RSA || c->key.bits < RSA_MIN ||
	    (c->has_ku && (c->ku & ra_ku) != ra_ku)) {
		err_set(e, ERR_CERT_FILE, "%s cannot answer SCEP itself: that "
		    "takes an RSA key of %d bits or more, digitalSignature and "
		    "keyEncipherment; let an RA do it (mode ra)",
		    c->subject_text, RSA_MIN);
		return -1;
	}
	return 0;
}

/* All above it, up to a root that signed itself. */
static int
check_chain(struct ca_set *s, int64_t now, struct err *e)
{
	const struct cert	*top = s->cert;
	struct certs		 rest;

	if (chain_sort(s->cert, &s->upper, e) != 0)
		return -1;
	if (s->upper.n > 0)
		top = s->upper.v[s->upper.n - 1];
	if (!top->self_issued) {
		err_set(e, ERR_CERT_FILE, "the chain ends at %s, which is not "
		    "a root; give the certificates above it with --chain",
		    top->subject_text);
		return -1;
	}
	if (s->upper.n == 0)
		return chain_verify(s->cert, s->cert, &s->upper, now, e);
	rest.v = s->upper.v + 1;
	rest.n = s->upper.n - 1;
	return chain_verify(s->cert, s->upper.v[0], &rest, now, e);
}

int
ca_import(const struct ca_source *src, const struct ca_want *want,
    struct ca_set *out, struct err *e)
{
	struct ca_set	 s = { .key = NULL };

	if ((src->p12 != NULL ? load_p12(src, &s, e) :
	    load_pair(src, &s, e)) != 0 ||
	    load_chain(src, &s, e) != 0 ||
	    check_ca(s.cert, want, e) != 0 ||
	    check_chain(&s, want->now, e) != 0) {
		ca_set_clear(&s);
		return -1;
	}
	*out = s;
	return 0;
}

/* What was locked is named already; the key to it is this program's own. */
void
ca_hint_passphrase(struct err *e)
{
	const struct err	 locked = *e;

	if (e->reason != ERR_PASSPHRASE)
		return;
	err_clear(e);
	err_set(e, ERR_PASSPHRASE, "%s; name a file that holds the passphrase "
	    "with --passphrase-file", err_text(&locked));
}
