/*
 * The files of a CA's folder: as scepctl ca init, import and rollover make it,
 * and as the setting `next` of an issuer names it.
 */
#ifndef CONF_CA_DIR_H
#define CONF_CA_DIR_H

#define CA_DIR_CERT	"issuing.pem"
#define CA_DIR_KEY	"issuing.key"
#define CA_DIR_CHAIN	"chain.pem"	/* above it, root last; if there is any */
#define CA_DIR_ROOT	"root.pem"
#define CA_DIR_ROOT_KEY	"root.key"
#define CA_DIR_BUNDLE	"ca-bundle.pem"
#define CA_DIR_RA	"ra.pem"
#define CA_DIR_RA_KEY	"ra.key"
/* When it takes over: one line, RFC 3339 in UTC. Not there: not decided. */
#define CA_DIR_FROM	"from"

#endif
