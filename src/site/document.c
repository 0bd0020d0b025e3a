/*
 * What is served to many: content, and what caches know it by.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/cert.h"
#include "pki/secret.h"
#include "site/document.h"
#include "util/str.h"

#define ETAG_BYTES	16

static int
make_etag(struct document *d, struct err *e)
{
	uint8_t hash[PKI_HASH];

	if (secret_sha256(buf_bytes(&d->content), hash, e) == -1)
		return -1;
	d->etag[0] = '"';
	str_hex(bytes_make(hash, ETAG_BYTES), d->etag + 1);
	memcpy(d->etag + 1 + 2 * ETAG_BYTES, "\"", 2);
	return 0;
}

int
document_new(const char *type, struct buf *content, int64_t modified,
    int64_t expires, struct document **out, struct err *e)
{
	struct document *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		buf_wipe(content);
		err_set(e, ERR_MEMORY, "document");
		return -1;
	}
	atomic_init(&d->refs, 1);
	d->type = type;
	buf_move(&d->content, content);
	d->modified = modified;
	d->expires = expires;
	if (make_etag(d, e) == -1) {
		document_put(d);
		return -1;
	}
	*out = d;
	return 0;
}

struct document *
document_get(struct document *d)
{
	atomic_fetch_add(&d->refs, 1);
	return d;
}

void
document_put(struct document *d)
{
	if (d == NULL || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	buf_wipe(&d->content);
	free(d);
}
