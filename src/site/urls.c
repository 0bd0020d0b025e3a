/*
 * Where a certificate says that the CRL and the certificate of its CA are. The
 * URLs of the profile name an issuer; the CA that follows it has documents of
 * its own, under the identifier of its key. Certificates keep their URLs for
 * life, whichever CA is in charge then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "site/urls.h"

/* "…/crl/NAME.crl" is "…/crl/ID.crl" then; others stay. Yours. */
static char *
url_of(const char *url, const struct site_ca *ca, const char *begin,
    const char *end)
{
	char *ours, *out;
	size_t n = strlen(url), k;

	if (asprintf(&ours, "%s%s%s", begin, ca->conf->name, end) == -1)
		return NULL;
	k = strlen(ours);
	if (n < k || strcmp(url + n - k, ours) != 0)
		out = strdup(url);
	else if (asprintf(&out, "%.*s%s%s%s", (int)(n - k), url, begin,
	    ca->id, end) == -1)
		out = NULL;
	free(ours);
	return out;
}

void
urls_free(char **urls)
{
	size_t i;

	for (i = 0; urls != NULL && urls[i] != NULL; i++)
		free(urls[i]);
	free(urls);
}

int
urls_of(const struct conf_strings *from, const struct site_ca *ca,
    const char *begin, const char *end, char ***out, struct err *e)
{
	char **urls;
	size_t i;

	if ((urls = calloc(from->n + 1, sizeof(*urls))) == NULL) {
		err_set(e, ERR_MEMORY, "URLs");
		return -1;
	}
	for (i = 0; i < from->n; i++)
		if ((urls[i] = url_of(from->v[i], ca, begin, end)) == NULL) {
			urls_free(urls);
			err_set(e, ERR_MEMORY, "URLs");
			return -1;
		}
	*out = urls;
	return 0;
}
