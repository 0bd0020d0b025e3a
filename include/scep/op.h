/*
 * The query of a SCEP request (RFC 8894, 4.1): which operation, which message.
 *
 * Read from the raw query string, before anyone has decoded it: a '+' must stay
 * one (base64), and %00 must be seen. Parameters come in any order, unknown
 * ones are ignored, of several `operation` or `message` the first counts.
 */
#ifndef SCEP_OP_H
#define SCEP_OP_H

#include "util/buf.h"
#include "util/err.h"

enum scep_op {
	SCEP_OP_CAPS,		/* GetCACaps */
	SCEP_OP_CACERT,		/* GetCACert, GetCACertChain of old drafts */
	SCEP_OP_NEXTCA,		/* GetNextCACert */
	SCEP_OP_PKI		/* PKIOperation */
};

struct scep_query {
	enum scep_op	op;
	bool		has_message;
	struct buf	message;	/* percent-decoded; but for
					 * PKIOperation the name of a CA, or
					 * whatever, and never refused */
};

/*
 * query NULL or "": none. On POST a missing operation means PKIOperation (many
 * clients leave it out). ERR_QUERY, ERR_OPERATION. *out is always made fit for
 * scep_query_clear().
 */
int	 scep_query_parse(const char *query, bool post, size_t max_message,
	    struct scep_query *out, struct err *e);
void	 scep_query_clear(struct scep_query *);
const char	*scep_op_name(enum scep_op);

/*
 * The message bytes of a PKIOperation: the body if there is one, else the
 * query's message; base64 in either is decoded (a few clients send it in the
 * body). ERR_NO_MESSAGE, ERR_BASE64.
 */
int	 scep_message(struct bytes body, const struct scep_query *,
	    struct buf *der, struct err *e);

#endif
