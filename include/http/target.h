/*
 * The request target (RFC 9112, 3.2) as scepd understands it.
 * Pure: text in, text out.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "util/err.h"

struct http_target {
	const char	*path;	/* decoded, "//" squeezed, begins with '/' */
	const char	*query;	/* raw, without '?'; NULL if there is none */
};

/*
 * Takes a target apart where it lies: the text is changed, and what out
 * points to lives in it. The path's %XX are decoded and '+' stays '+'; the
 * query is left as it came, because only its reader knows which of its
 * bytes are data. Of an absolute URI the scheme and the host are ignored.
 * ERR_QUERY: malformed escape, %00, or neither a path nor an absolute URI.
 */
int	 http_target_parse(char *text, struct http_target *out,
	    struct err *e);

#endif
