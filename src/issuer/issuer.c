#include <stdlib.h>
#include <string.h>

#include "issuer/issuer_int.h"
#include "pki/chain.h"

struct issuer {
	const struct issuer_ops	*ops;
	void			*self;
	struct cert		*ca;
	struct certs		 upper;
};

/* By enum conf_issuer_type. */
static const struct issuer_ops *const kinds[] = {
	[CONF_ISSUER_LOCAL] = &issuer_local,
	[CONF_ISSUER_EXEC] = &issuer_exec,
};

static int
check_ca(const struct cert *ca, int64_t now, struct err *e)
{
	if (!ca->is_ca || (ca->has_ku &&
	    !(ca->ku & CERT_KU_KEY_CERT_SIGN))) {
		err_set(e, ERR_CERT_FILE, "%s is not a CA certificate; it needs "
		    "basicConstraints CA:TRUE and keyUsage keyCertSign",
		    ca->subject_text);
		return -1;
	}
	if (now > ca->not_after || now < ca->not_before) {
		err_set(e, ERR_CERT_FILE, "CA certificate %s %s; renew it",
		    ca->subject_text, now > ca->not_after ? "has expired" :
		    "is not valid yet");
		return -1;
	}
	return 0;
}

static int
open_ca(struct issuer *is, const struct conf_issuer *c, int64_t now,
    struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	if (cert_load(c->cert, &is->ca, e) == -1)
		return -1;
	if (check_ca(is->ca, now, e) == -1) {
		err_prefix(e, "%s", c->cert);
		return -1;
	}
	if (*c->chain == '\0')
		return 0;
	if (certs_load(c->chain, &is->upper, e) == -1)
		return -1;
	if (chain_sort(is->ca, &is->upper, &why) == -1 ||
	    chain_verify(is->ca, is->upper.v[0], &is->upper, now,
	    &why) == -1) {
		err_set(e, why.reason, "%s: %s; it must hold the valid "
		    "certificates above %s, and no other", c->chain, why.text,
		    is->ca->subject_text);
		return -1;
	}
	return 0;
}

int
issuer_open(const struct conf_issuer *c, int64_t now, struct issuer **out,
    struct err *e)
{
	struct issuer *is;

	if ((is = calloc(1, sizeof(*is))) == NULL) {
		err_set(e, ERR_MEMORY, "issuer");
		return -1;
	}
	is->ops = kinds[c->type];
	if (open_ca(is, c, now, e) == -1 ||
	    is->ops->open(c, is->ca, &is->self, e) == -1) {
		issuer_close(is);
		return -1;
	}
	*out = is;
	return 0;
}

void
issuer_close(struct issuer *is)
{
	if (is == NULL)
		return;
	if (is->self != NULL)
		is->ops->close(is->self);
	cert_free(is->ca);
	certs_free(&is->upper);
	free(is);
}

int
issuer_issue(const struct issuer *is, const struct issuer_request *r,
    struct cert **out, struct certs *strays, bool *maybe, struct err *e)
{
	return is->ops->issue(is, is->self, r, out, strays, maybe, e);
}

const struct cert *
issuer_ca(const struct issuer *is)
{
	return is->ca;
}

const struct certs *
issuer_upper(const struct issuer *is)
{
	return &is->upper;
}

const struct key *
issuer_key(const struct issuer *is)
{
	return is->ops->key(is->self);
}
