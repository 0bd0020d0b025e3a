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
/* Not eight, as in a group of the thumbprint: some take the first word of the
 * page that is as long as a password. */
#define NDES_PASSWORD_MIN 10

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
 * Appends the page. ERR_ARGUMENT unless the password is one that its readers
 * know: upper-case hex digits.
 */
bool	 ndes_is_password(const char *);	/* NULL is none */
int	 ndes_render(const struct ndes_facts *, struct buf *out,
	    struct err *e);

#endif
