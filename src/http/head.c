/*
 * What the head of a request says, checked before a byte of its body is read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http_int.h"
#include "http/origin.h"
#include "http/target.h"

static const char *
field(struct MHD_Connection *con, const char *name)
{
	return MHD_lookup_connection_value(con, MHD_HEADER_KIND, name);
}

static int
check_method(const char *method, struct exchange *x, struct err *e)
{
	x->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	if (x->head || strcmp(method, MHD_HTTP_METHOD_GET) == 0) {
		x->method = SERVICE_GET;
		return 0;
	}
	if (strcmp(method, MHD_HTTP_METHOD_POST) == 0) {
		x->method = SERVICE_POST;
		return 0;
	}
	err_set(e, ERR_METHOD, "%.16s", method);
	return -1;
}

struct framing {
	unsigned	lengths;	/* Content-Length headers */
	unsigned	codings;	/* Transfer-Encoding headers */
};

static enum MHD_Result
count_framing(void *cls, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	struct framing	*f = cls;

	(void)kind;
	(void)value;
	f->lengths += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
	f->codings += strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	return MHD_YES;
}

/*
 * A body whose end is told twice may end elsewhere for a proxy before us, and
 * hide a second request. MHD is told to be lenient (server.c), so this is ours.
 */
static int
check_framing(struct MHD_Connection *con, struct err *e)
{
	struct framing	 f = { 0 };

	(void)MHD_get_connection_values(con, MHD_HEADER_KIND, count_framing,
	    &f);
	if (f.lengths + f.codings <= 1)
		return 0;
	err_set(e, ERR_QUERY, "the length of the body is told twice");
	return -1;
}

/* Refuses by Content-Length, before a byte of the body is read. */
static int
check_length(struct MHD_Connection *con, size_t most, struct err *e)
{
	const char		*text;
	unsigned long long	 n;

	if (check_framing(con, e) == -1)
		return -1;
	text = field(con, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (text == NULL)
		return 0;
	errno = 0;
	n = strtoull(text, NULL, 10);
	if (errno == 0 && n <= most)
		return 0;
	err_set(e, ERR_BODY_TOO_BIG, "%.20s bytes announced", text);
	return -1;
}

static int
take_target(char *target, size_t max_url, struct exchange *x, struct err *e)
{
	struct http_target	 t;

	if (target == NULL) {
		err_set(e, ERR_URL_TOO_LONG, "more than %zu bytes", max_url);
		return -1;
	}
	if (http_target_parse(target, &t, e) == -1)
		return -1;
	x->path = t.path;
	x->query = t.query;
	return 0;
}

static int
check_origin(struct MHD_Connection *con, struct err *e)
{
	const struct http_origin	 o = {
		.site = field(con, "Sec-Fetch-Site"),
		.origin = field(con, MHD_HTTP_HEADER_ORIGIN),
		.host = field(con, MHD_HTTP_HEADER_HOST),
		.tls = tls_session(con) != NULL,
	};

	return http_origin_check(&o, e);
}

/* Copied: a worker may read them when the connection is gone. */
static int
take_admin(struct MHD_Connection *con, struct exchange *x, struct err *e)
{
	const char	*text = field(con, MHD_HTTP_HEADER_AUTHORIZATION);
	const char	*accept = field(con, MHD_HTTP_HEADER_ACCEPT);

	x->plain = accept != NULL && strncasecmp(accept, "text/plain",
	    strlen("text/plain")) == 0;
	/* All that is there needs an account. */
	if (check_origin(con, e) == -1)
		return -1;
	if (text == NULL || buf_puts(&x->authorization, text) == 0)
		return 0;
	err_set(e, ERR_QUERY, "the field Authorization is too long");
	return -1;
}

/* The target is taken first, so that a refusal of the method can name it. */
int
head_read(struct MHD_Connection *con, const char *method, char *target,
    size_t max_url, struct exchange *x, struct err *e)
{
	struct err	 why = { .reason = ERR_NONE };
	int		 taken = take_target(target, max_url, x, &why);

	x->if_none_match = field(con, MHD_HTTP_HEADER_IF_NONE_MATCH);
	x->if_modified_since = field(con, MHD_HTTP_HEADER_IF_MODIFIED_SINCE);
	if (check_method(method, x, e) == -1)
		return -1;
	if (taken == -1) {
		*e = why;
		return -1;
	}
	if (check_length(con, x->body.max, e) == -1)
		return -1;
	return x->who == SERVICE_ADMIN ? take_admin(con, x, e) : 0;
}
