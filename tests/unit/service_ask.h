/*
 * Asks a service in the test's own process, as http does.
 */
#ifndef TESTS_SERVICE_ASK_H
#define TESTS_SERVICE_ASK_H

#include "scep/client.h"
#include "service/service.h"

/* Where it comes from; "" unless a test says so. */
extern const char	*service_peer;

/* Posts a message and waits for the answer in *x, which is to be cleared. */
void	 service_post(struct service *, const char *path, struct bytes message,
	    struct exchange *x);
/* The same with what a client asks; the answer is an HTTP 200, and a CertRep
 * by `ra` to this question. What comes of it is in *got, to be cleared. */
void	 service_ask(struct service *, const char *path,
	    const struct scep_ask *, const struct algs *,
	    const struct cert *ra, struct scep_got *got);

#endif
