/*
 * A document as an answer: whole, or that what the client has is the same.
 */
#include <string.h>

#include "service/service_int.h"
#include "util/clock.h"

/* Longest that a cache may go without asking: what is revoked must become
 * known long before a CRL has expired. */
#define MAX_AGE		3600

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
