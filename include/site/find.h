/*
 * Which endpoint a request is for: by its path, and by the CA that it names.
 */
#ifndef SITE_FIND_H
#define SITE_FIND_H

#include "site/site.h"
#include "util/bytes.h"

/* By path: /scep/NAME, else the longest path that begins this one, else the
 * first for .../pkiclient.exe; NULL if there is none. */
const struct site_endpoint	*site_find(const struct site *,
				    const char *path);
/* Who answers when own is asked about a CA of this name: own, unless the name
 * is an issuer's that only others have. */
const struct site_endpoint	*site_named(const struct site *,
				    const struct site_endpoint *own,
				    struct bytes name);

#endif
