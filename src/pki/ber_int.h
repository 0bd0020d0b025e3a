/*
 * Private to pki: a look at BER without libcrypto (X.690, 8.1), of definite and
 * indefinite lengths. What has passed ber_check() is walked with ber_next().
 */
#ifndef PKI_BER_INT_H
#define PKI_BER_INT_H

#include "util/bytes.h"
#include "util/err.h"

#define BER_MAX_DEPTH		32
#define BER_MAX_ELEMENTS	8192

#define BER_INTEGER		0x02
#define BER_OCTETS		0x04
#define BER_OID			0x06
#define BER_SEQUENCE		0x30
#define BER_SET			0x31
#define BER_CONSTRUCTED		0x20
#define BER_CONTEXT(n)		(0x80 | (n))	/* primitive */
#define BER_CONTEXT_IN(n)	(0xa0 | (n))	/* constructed */

struct ber {
	uint8_t		 tag;		/* identifier octet */
	struct bytes	 body;		/* content, without its end mark */
};

/*
 * Exactly one element, whose parts all lie within it: ERR_STRUCTURE beyond the
 * limits above, `trailing` for octets behind it, `malformed` for all else (tag
 * numbers above 30 too, which CMS does not have).
 */
int	 ber_check(struct bytes, enum err_reason malformed,
	    enum err_reason trailing, struct err *e);

/* Takes the next element off; false if there is none. */
bool	 ber_next(struct bytes *at, struct ber *out);
/* The same if it has this identifier octet; else nothing is taken. */
bool	 ber_take(struct bytes *at, uint8_t tag, struct ber *out);

#endif
