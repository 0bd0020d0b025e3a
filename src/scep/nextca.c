/*
 * GetNextCACert: the CA to come, vouched for by the one that is.
 */
#include "pki/cms.h"
#include "scep/caps.h"

#define NEXT_MAX	(2 * CERTS_MAX + 1)
#define BAG_MAX		(NEXT_MAX * CERT_MAX_DER)

static int
bag(const struct scep_next *next, struct buf *out, struct err *e)
{
	const struct cert *all[NEXT_MAX];
	size_t i, n = 0;

	if (next->n_ra > CERTS_MAX || next->upper->n > CERTS_MAX) {
		err_set(e, ERR_INTERNAL, "next CA: too many certificates");
		return -1;
	}
	for (i = 0; i < next->n_ra; i++)
		all[n++] = next->ra[i];
	all[n++] = next->ca;
	for (i = 0; i < next->upper->n; i++)
		all[n++] = next->upper->v[i];
	return cms_bag(all, n, out, e);
}

int
scep_nextca(const struct scep_next *next, const struct key *key,
    const struct cert *signer, const struct algs *algs, struct buf *out,
    struct err *e)
{
	struct buf set = BUF_INIT(BAG_MAX);
	int rc;

	rc = bag(next, &set, e);
	if (rc == 0)
		rc = cms_sign_beside(buf_bytes(&set), &next->ca, 1, key,
		    signer, algs, ALG_SHA256, out, e);
	buf_wipe(&set);
	return rc;
}
