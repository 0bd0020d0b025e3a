/*
 * subjectAltName as facts, of requests and certificates.
 */
#ifndef PKI_SAN_H
#define PKI_SAN_H

#include "pki/cert.h"

#define SANS_MAX_NAMES	64

/* Kinds by the names scepd.conf(5) uses. */
enum san_kind {
	SAN_DNS, SAN_EMAIL, SAN_URI, SAN_IP, SAN_UPN,
	SAN_SID,		/* a URI that names a Windows account's SID */
	SAN_OTHER
};
const char	*san_kind_name(enum san_kind);	/* "other" for SAN_OTHER */

struct san {
	enum san_kind	 kind;
	struct bytes	 der;		/* GeneralName, DER */
	char		*text;		/* UTF-8; dotted or colon form of an IP;
					 * "other" for SAN_OTHER */
};

struct sans {
	struct san	*v;
	size_t		 n;
};

/* The names of a certificate; n == 0 if it has none. ERR_CERT_FILE. */
int	 cert_sans(const struct cert *, struct sans *out, struct err *e);
void	 sans_free(struct sans *);		/* empties it */
/* Whether the same GeneralName is among them. */
bool	 sans_has(const struct sans *, const struct san *);

/* Appends each as "kind:text", with something in between; where one does not
 * fit, those before it: -1. */
int	 sans_put(const struct sans *, const char *between, struct buf *out);

#endif
