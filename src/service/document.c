#include <stdlib.h>

#include "pki/secret.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/str.h"

/* Longest that a cache may go without asking: what is revoked must become
 * known long before a CRL has expired. */
#define MAX_AGE		3600
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

/*
 * Does the client have it (RFC 9110, 13.1)? Its date counts only without tags,
 * and only if it is the very date that we gave.
 */
static bool
is_fresh(const struct exchange *x, const struct document *d)
{
	char date[CLOCK_HTTP_MAX];

	if (x->if_none_match != NULL)
		return strcmp(x->if_none_match, "*") == 0 ||
		    strstr(x->if_none_match, d->etag) != NULL;
	if (x->if_modified_since == NULL)
		return false;
	clock_http(d->modified, date);
	return strcmp(x->if_modified_since, date) == 0;
}

static int64_t
max_age(const struct document *d, int64_t now)
{
	int64_t left = d->expires - now;

	if (d->expires == 0 || left > MAX_AGE)
		return MAX_AGE;
	return left < 0 ? 0 : left;
}

void
document_answer(struct exchange *x, struct document *d, int64_t now)
{
	x->document = d;
	x->etag = d->etag;
	x->modified = d->modified;
	x->max_age = max_age(d, now);
	x->expires = d->expires != 0 ? d->expires : now + x->max_age;
	x->status = 304;
	if (is_fresh(x, d))
		return;
	x->status = 200;
	x->type = d->type;
	x->lent = buf_bytes(&d->content);
}
