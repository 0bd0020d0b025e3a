/*
 * Whether the page of another site had a browser send a request: one that knows
 * an administrator's password, or has his certificate, sends them by itself.
 * Pure: text in, verdict out.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>

#include "util/err.h"

/* Fields of the request, NULL where they are not there. */
struct http_origin {
	const char	*site;		/* Sec-Fetch-Site */
	const char	*origin;	/* Origin */
	const char	*host;		/* Host */
	bool		 tls;		/* it came by TLS */
};

/* ERR_CROSS_SITE. What programs send, neither of the first two, is fine. */
int	 http_origin_check(const struct http_origin *, struct err *e);

#endif
