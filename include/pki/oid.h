/*
 * Attribute types of names, as people write them.
 */
#ifndef PKI_OID_H
#define PKI_OID_H

#include "util/err.h"

#define OID_TEXT	64	/* a dotted OID or a name for it */

/* "CN", "commonName" or "2.5.4.3" as dotted OID: ERR_CONFIG. */
int	 oid_of(const char *type, char out[OID_TEXT], struct err *e);
/* The short name of a dotted OID, or it itself if it has none. */
void	 oid_name(const char *oid, char out[OID_TEXT]);

#endif
