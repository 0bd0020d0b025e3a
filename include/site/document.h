/*
 * A document: what is served to many, shared by all who send it.
 */
#ifndef SITE_DOCUMENT_H
#define SITE_DOCUMENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define DOCUMENT_ETAG	36

struct document {
	atomic_int	 refs;
	const char	*type;		/* Content-Type */
	struct buf	 content;
	char		 etag[DOCUMENT_ETAG];
	int64_t		 modified;
	int64_t		 expires;	/* 0: when it is replaced */
};

/* Takes the content, also when it fails. */
int	 document_new(const char *type, struct buf *content, int64_t modified,
	    int64_t expires, struct document **out, struct err *e);
struct document	*document_get(struct document *);  /* one more reference */
void	 document_put(struct document *);	/* gives one up; NULL is fine */

#endif
