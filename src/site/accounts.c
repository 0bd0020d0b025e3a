/*
 * What the settings of administrators name outside of the configuration.
 */
#include <string.h>

#include "pki/chain.h"
#include "pki/secret.h"
#include "site/site_int.h"

/* Is one of them the CA c, or what issued it? An issuer's chain may end below
 * its root. */
static bool
is_above(const struct certs *cs, const struct cert *c)
{
	struct err why;
	size_t i;

	for (i = 0; i < cs->n; i++) {
		err_clear(&why);
		if (memcmp(cs->v[i]->key.identity, c->key.identity,
		    PKI_HASH) == 0 || chain_link(c, cs->v[i], &why) == 0)
			return true;
	}
	return false;
}

/* The CA, or one above it, for which that is so; NULL: none. */
static const struct cert *
shared(const struct certs *cs, const struct issuer *is)
{
	const struct certs *upper = issuer_upper(is);
	size_t i;

	if (is_above(cs, issuer_ca(is)))
		return issuer_ca(is);
	for (i = 0; i < upper->n; i++)
		if (is_above(cs, upper->v[i]))
			return upper->v[i];
	return NULL;
}

/* A device that gets to choose its name would be the account of that name. */
static int
check_client_ca(const struct site *s, struct err *e)
{
	const char *file = s->conf->admin_client_ca;
	struct certs cs = { .v = NULL, .n = 0 };
	const struct cert *of = NULL;
	const struct site_ca *ca;
	size_t i;

	if (*file == '\0')
		return 0;
	if (certs_load(file, &cs, e) == -1) {
		conf_blame(s->conf, "admin.client_ca", e);
		return -1;
	}
	for (i = 0; of == NULL && i < s->conf->n_issuers; i++)
		for (ca = &s->cas[i]; of == NULL && ca != NULL; ca = ca->next)
			of = shared(&cs, ca->issuer);
	if (of != NULL) {
		err_set(e, ERR_CONFIG, "%s: %s, or what issued it, stands "
		    "above the certificates of devices too, which could be "
		    "administrators then; give a CA whose certificates "
		    "administrators alone have", file, of->subject_text);
		conf_blame(s->conf, "admin.client_ca", e);
	}
	certs_free(&cs);
	return of == NULL ? 0 : -1;
}

int
accounts_check(const struct site *s, struct err *e)
{
	const struct conf_account *a = s->conf->accounts, *end;

	for (end = a + s->conf->n_accounts; a < end; a++)
		if (a->auth != CONF_ACCOUNT_CERTIFICATE &&
		    secret_check(a->hash, e) == -1) {
			err_prefix(e, "%s:%d: account %s", s->conf->file,
			    a->line, a->name);
			return -1;
		}
	return check_client_ca(s, e);
}
