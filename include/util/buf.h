/*
 * A growing buffer that is born with a maximum and wipes itself: no byte from
 * outside is copied into memory without a named limit.
 *
 * A put either appends everything or changes nothing and returns -1 (limit or
 * memory). There is always a NUL behind the content, not counted in n.
 */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdarg.h>

#include "util/bytes.h"

struct buf {
	uint8_t	*p;		/* content; NULL while nothing was put */
	size_t	 n;		/* bytes of content */
	size_t	 cap;		/* bytes allocated */
	size_t	 max;		/* n never passes this */
};

#define BUF_INIT(limit)	{ .p = NULL, .n = 0, .cap = 0, .max = (limit) }

void		 buf_init(struct buf *, size_t max);
int		 buf_put(struct buf *, const void *, size_t);
int		 buf_puts(struct buf *, const char *);
int		 buf_putc(struct buf *, int);
int		 buf_printf(struct buf *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
/* Forgets the content (zeroed) but keeps memory and maximum. */
void		 buf_reset(struct buf *);
/* Zeroes and frees; the buffer can be used again with the same maximum. */
void		 buf_wipe(struct buf *);
/* Moves content and maximum of src into dst, whose content is wiped. */
void		 buf_move(struct buf *dst, struct buf *src);

struct bytes	 buf_bytes(const struct buf *);	/* borrowed until next put */
const char	*buf_cstr(const struct buf *);	/* "" while nothing was put */

#endif
