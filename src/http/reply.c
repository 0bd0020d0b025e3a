#include <arpa/inet.h>
#include <netinet/in.h>

#include <inttypes.h>
#include <stdio.h>

#include "http/http_int.h"
#include "util/clock.h"

static int
add(struct MHD_Response *resp, const char *name, const char *value)
{
	return MHD_add_response_header(resp, name, value) == MHD_YES ? 0 : -1;
}

/* What a cache may know of an answer. */
static int
add_cache(struct MHD_Response *resp, const struct exchange *x)
{
	char	 date[CLOCK_HTTP_MAX], age[40];

	if (add(resp, MHD_HTTP_HEADER_ETAG, x->etag) == -1)
		return -1;
	clock_http(x->modified, date);
	if (add(resp, MHD_HTTP_HEADER_LAST_MODIFIED, date) == -1)
		return -1;
	clock_http(x->expires, date);
	if (add(resp, MHD_HTTP_HEADER_EXPIRES, date) == -1)
		return -1;
	(void)snprintf(age, sizeof(age), "max-age=%" PRId64, x->max_age);
	return add(resp, MHD_HTTP_HEADER_CACHE_CONTROL, age);
}

/* What administrators get is shown in no other page's frame, is no script, and
 * fetches nothing. */
static int
add_admin(struct MHD_Response *resp)
{
	if (add(resp, "X-Content-Type-Options", "nosniff") == -1 ||
	    add(resp, "X-Frame-Options", "DENY") == -1)
		return -1;
	return add(resp, "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'");
}

static int
add_headers(struct MHD_Response *resp, const struct exchange *x, bool closing)
{
	char	 seconds[16];

	if (x->type != NULL &&
	    add(resp, MHD_HTTP_HEADER_CONTENT_TYPE, x->type) == -1)
		return -1;
	if (x->who == SERVICE_ADMIN && add_admin(resp) == -1)
		return -1;
	if (x->no_store &&
	    add(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == -1)
		return -1;
	if (x->etag != NULL && add_cache(resp, x) == -1)
		return -1;
	if (x->status == MHD_HTTP_METHOD_NOT_ALLOWED &&
	    add(resp, MHD_HTTP_HEADER_ALLOW, x->allow != NULL ? x->allow :
	    "GET, HEAD, POST") == -1)
		return -1;
	if (x->status == MHD_HTTP_UNAUTHORIZED &&
	    (add(resp, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
	    "Basic realm=\"scepd\", charset=\"UTF-8\"") == -1 ||
	    add(resp, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
	    "Bearer realm=\"scepd\"") == -1))
		return -1;
	if (x->retry_after > 0) {
		(void)snprintf(seconds, sizeof(seconds), "%u", x->retry_after);
		if (add(resp, MHD_HTTP_HEADER_RETRY_AFTER, seconds) == -1)
			return -1;
	}
	return closing ? add(resp, MHD_HTTP_HEADER_CONNECTION, "close") : 0;
}

enum MHD_Result
reply_send(struct MHD_Connection *con, const struct exchange *x, bool closing)
{
	struct bytes		 b = x->lent.n > 0 ? x->lent :
	    buf_bytes(&x->reply);
	struct MHD_Response	*resp;
	enum MHD_Result		 r = MHD_NO;

	resp = MHD_create_response_from_buffer(b.n, (void *)(uintptr_t)b.p,
	    MHD_RESPMEM_PERSISTENT);
	if (resp == NULL)
		return MHD_NO;
	if (add_headers(resp, x, closing) == 0)
		r = MHD_queue_response(con, (unsigned)x->status, resp);
	MHD_destroy_response(resp);
	return r;
}

void
peer_text(const struct sockaddr *sa, char out[PEER_MAX])
{
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	out[0] = '\0';
	if (sa->sa_family == AF_UNIX) {
		memcpy(out, "unix", 5);
		return;
	}
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, out, PEER_MAX);
		return;
	}
	if (sa->sa_family != AF_INET6)
		return;
	memcpy(&in6, sa, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		(void)inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], out,
		    PEER_MAX);
	else
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, out, PEER_MAX);
}
