/*
 * The local CA: a key in this process.
 */
#include "issuer/issuer_int.h"

static int
local_open(const struct conf_issuer *c, const struct cert *ca, void **self,
    struct err *e)
{
	struct key *key;

	if (key_load(c->key, c->key_passphrase, &key, e) == -1)
		return -1;
	if (!key_matches(key, ca)) {
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s; name the "
		    "two that belong together", c->key, c->cert);
		key_free(key);
		return -1;
	}
	*self = key;
	return 0;
}

static int
local_issue(const struct issuer *is, void *self,
    const struct issuer_request *r, struct cert **out, struct certs *strays,
    bool *maybe, struct err *e)
{
	(void)strays;	/* what is not answered here is forgotten */
	(void)maybe;
	return cert_make(r->plan, issuer_ca(is), self, out, e);
}

static const struct key *
local_key(void *self)
{
	return self;
}

static void
local_close(void *self)
{
	key_free(self);
}

const struct issuer_ops issuer_local = {
	.open = local_open,
	.issue = local_issue,
	.key = local_key,
	.close = local_close,
};
