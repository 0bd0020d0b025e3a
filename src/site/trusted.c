/*
 * CAs of other servers whose certificates renew here, for a migration.
 */
#include <stdlib.h>

#include "pki/chain.h"
#include "site/trusted.h"

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
	return 0;
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
	size_t i, k;

	for (k = 0; k < se->n_trusted; k++) {
		cs = &se->trusted[k];
		for (i = 0; i < cs->n; i++) {
			err_clear(&why);
			if (chain_verify(leaf, cs->v[i], cs, now, &why) == 0)
				return cs->v[i];
		}
	}
	return NULL;
}
