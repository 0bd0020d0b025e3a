#include "pki/cms.h"
#include "scep/caps.h"

/* Capabilities that are no algorithms (RFC 8894, 3.5.2). */
static const struct {
	const char	*word;
	bool		 standard;	/* not beside legacy algorithms */
	bool		 next_ca;	/* only when there is one */
} others[] = {
	{ .word = "POSTPKIOperation" },
	{ .word = "Renewal" },
	{ .word = "SCEPStandard", .standard = true },
	{ .word = "GetNextCACert", .next_ca = true },
};

int
scep_caps(const struct algs *algs, bool next_ca, struct buf *out)
{
	const char *word;
	size_t i;
	int a, bad = 0;

	for (a = ALG_NONE + 1; a < ALG_COUNT; a++)
		if (algs_accept(algs, (enum alg)a) &&
		    (word = alg_keyword((enum alg)a)) != NULL)
			bad |= buf_printf(out, "%s\n", word);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((next_ca || !others[i].next_ca) &&
		    (!others[i].standard || !algs_legacy(algs)))
			bad |= buf_printf(out, "%s\n", others[i].word);
	return bad == 0 ? 0 : -1;
}

int
scep_cacert(const struct cert *const *ras, size_t n_ras,
    const struct cert *ca, const struct certs *upper, struct buf *out,
    const char **type, struct err *e)
{
	const struct cert *all[SCEP_RA_MAX + 1 + CERTS_MAX];
	size_t i, n = 0;

	if (n_ras == 0) {
		if (buf_put(out, ca->der.p, ca->der.n) == -1) {
			err_set(e, ERR_MEMORY, "CA certificate");
			return -1;
		}
		*type = SCEP_TYPE_CA_CERT;
		return 0;
	}
	for (i = 0; i < n_ras; i++)
		all[n++] = ras[i];
	all[n++] = ca;
	for (i = 0; i < upper->n; i++)
		all[n++] = upper->v[i];
	if (cms_bag(all, n, out, e) == -1)
		return -1;
	*type = SCEP_TYPE_CA_RA_CERT;
	return 0;
}
