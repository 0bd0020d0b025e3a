/*
 * The page on which NDES shows a challenge, for the programs that read it: the
 * title, the sentences and the tags that they look for are NDES's, with its
 * blanks; the rest is ours. Pure: facts in, bytes out.
 */
#ifndef RENDER_NDES_H
#define RENDER_NDES_H

#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

/* Bytes are UTF-16, little endian, without a mark; this is what NDES says. */
#define NDES_TYPE	"text/html"
#define NDES_THUMBPRINT	16		/* MD5 of the CA certificate */
#define NDES_PASSWORD	64		/* longest, in digits */

enum ndes_page {
	NDES_ONCE,		/* a password for one enrollment */
	NDES_FIXED,		/* one for all, that does not expire */
	NDES_FULL,		/* too many wait unused */
	NDES_DENIED		/* who asks has no right to one */
};

struct ndes_facts {
	enum ndes_page	 page;
	uint8_t		 thumbprint[NDES_THUMBPRINT];
	const char	*password;	/* NDES_ONCE, NDES_FIXED */
	int64_t		 minutes;	/* that an unused one lasts */
	int64_t		 pool;		/* NDES_FULL: so many may wait */
};

/*
 * Appends the page. ERR_ARGUMENT unless the password is 8 to 64 upper-case hex
 * digits: who reads it looks for no others.
 */
int	 ndes_render(const struct ndes_facts *, struct buf *out,
	    struct err *e);

#endif
