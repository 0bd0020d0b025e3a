/*
 * CAs of other servers whose certificates renew here, for a migration.
 */
#include <stdlib.h>

#include "pki/chain.h"
#include "site/trusted.h"

/* Behind the one that is trusted stands what is above it, to verify it with: what
 * that signs itself is nobody's device here, and often other CAs. */
static int
check_upper(const char *path, struct certs *cs, struct err *e)
{
	struct certs upper = { .v = cs->v + 1, .n = cs->n - 1 };
	struct err why = { .reason = ERR_NONE };

	if (chain_sort(cs->v[0], &upper, &why) == 0)
		return 0;
	err_set(e, why.reason, "%s: %s; the CA that issued the devices' "
	    "certificates comes first, then those above it; each such CA has a "
	    "file of its own", path, why.text);
	return -1;
}

static int
load(const char *path, struct certs *out, struct err *e)
{
	size_t i;

	if (certs_load(path, out, e) == -1)
		return -1;
	for (i = 0; i < out->n; i++)
		if (!out->v[i]->is_ca) {
			err_set(e, ERR_CERT_FILE, "%s: %s is no CA "
			    "certificate; name the file of the CA that "
			    "issued the devices' certificates", path,
			    out->v[i]->subject_text);
			return -1;
		}
	return check_upper(path, out, e);
}

int
trusted_open(struct site_endpoint *se, struct err *e)
{
	const struct conf_strings *files = &se->conf->renew_trusted;

	if (files->n == 0)
		return 0;
	if ((se->trusted = calloc(files->n, sizeof(*se->trusted))) == NULL) {
		err_set(e, ERR_MEMORY, "CA certificates");
		return -1;
	}
	for (; se->n_trusted < files->n; se->n_trusted++)
		if (load(files->v[se->n_trusted],
		    &se->trusted[se->n_trusted], e) == -1) {
			certs_free(&se->trusted[se->n_trusted]);
			return -1;
		}
	return 0;
}

void
trusted_clear(struct site_endpoint *se)
{
	while (se->n_trusted > 0)
		certs_free(&se->trusted[--se->n_trusted]);
	free(se->trusted);
}

const struct cert *
trusted_issuer(const struct site_endpoint *se, const struct cert *leaf,
    int64_t now)
{
	const struct certs *cs;
	struct err why;
	size_t k;

	for (k = 0; k < se->n_trusted; k++) {
		cs = &se->trusted[k];
		err_clear(&why);
		if (chain_verify(leaf, cs->v[0], cs, now, &why) == 0)
			return cs->v[0];
	}
	return NULL;
}
