#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/fetch.h"

#define HEADERS_MAX	(32u * 1024)	/* bytes of an answer's header */
#define LOOPBACK_NET	127		/* 127.0.0.0/8 */

struct run {
	const struct fetch	*fetch;
	CURL			*curl;
	struct curl_slist	*headers;
	struct buf		 body;
	size_t			 n_header;
	bool			 plain;		/* no TLS: this machine only */
	bool			 too_big;
	bool			 abroad;	/* plain, and not here */
	char			 words[CURL_ERROR_SIZE];	/* libcurl's */
};

/* libcurl tells OpenSSL's code of a chain that is not trusted: its
 * X509_V_ERR_..., which never change. */
static const struct {
	long		 code;
	const char	*text;
} verify_faults[] = {
	{ 9,  "its certificate is not valid yet" },
	{ 10, "its certificate has expired" },
	{ 2,  "its certificate comes from no CA that is trusted" },
	{ 18, "its certificate is self-signed, and not trusted" },
	{ 19, "its certificate comes from no CA that is trusted" },
	{ 20, "its certificate comes from no CA that is trusted" },
	{ 21, "its certificate comes from no CA that is trusted" },
	{ 23, "its certificate is revoked" },
	{ 26, "its certificate is not for servers" },
};

int
fetch_begin(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		return 0;
	err_set(e, ERR_INTERNAL, "libcurl does not start");
	return -1;
}

void
fetch_end(void)
{
	curl_global_cleanup();
}

static bool
is_plain(const char *url)
{
	return strncmp(url, "http://", 7) == 0;
}

/* The hosts that may be meant by http: judged again when it is connected to. */
static bool
is_here(CURLU *u)
{
	static const char *const names[] = { "localhost", "[::1]" };
	struct in_addr v4;
	char *host = NULL;
	bool here = false;
	size_t i;

	if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		here = here || strcmp(host, names[i]) == 0;
	if (inet_pton(AF_INET, host, &v4) == 1)
		here = ntohl(v4.s_addr) >> 24 == LOOPBACK_NET;
	curl_free(host);
	return here;
}

static bool
has_user(CURLU *u)
{
	char *user = NULL;
	bool has = curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;

	curl_free(user);
	return has;
}

int
fetch_check(const char *url, struct err *e)
{
	const char *why = NULL;
	CURLU *u;

	if ((u = curl_url()) == NULL) {
		err_set(e, ERR_MEMORY, "URL");
		return -1;
	}
	if (!is_plain(url) && strncmp(url, "https://", 8) != 0)
		why = "begin it with https://";
	else if (curl_url_set(u, CURLUPART_URL, url,
	    CURLU_DISALLOW_USER) != CURLUE_OK || has_user(u))
		why = "write it as in https://host.example/path, without a "
		    "user";
	else if (is_plain(url) && !is_here(u))
		why = "use https; http is for this machine itself "
		    "(127.0.0.1, [::1], localhost)";
	curl_url_cleanup(u);
	if (why == NULL)
		return 0;
	err_set(e, ERR_ARGUMENT, "%s", why);
	return -1;
}

/* What a name resolves to is somebody else's word. */
static bool
is_loopback(const struct curl_sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)&a->addr;
	const struct sockaddr_in6 *v6 = (const void *)&a->addr;

	if (a->family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == LOOPBACK_NET;
	return a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct run *r = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (a->family != AF_INET && a->family != AF_INET6))
		return CURL_SOCKET_BAD;
	if (r->plain && !is_loopback(a)) {
		r->abroad = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
	struct run *r = arg;

	(void)p;
	r->n_header += size * n;
	if (r->n_header <= HEADERS_MAX)
		return size * n;
	r->too_big = true;
	return 0;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct run *r = arg;

	if (buf_put(&r->body, p, size * n) == 0)
		return size * n;
	r->too_big = true;
	return 0;
}

static int
is_stopped(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct run *r = arg;

	(void)a, (void)b, (void)c, (void)d;
	return r->fetch->stop != NULL && atomic_load(r->fetch->stop);
}

static CURLcode
set_blob(CURL *c, CURLoption option, struct bytes pem)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)pem.p, .len = pem.n,
		.flags = CURL_BLOB_NOCOPY
	};

	return pem.n == 0 ? CURLE_OK : curl_easy_setopt(c, option, &blob);
}

#define SET(option, value)						\
	if ((rc = curl_easy_setopt(c, (option), (value))) != CURLE_OK)	\
		return rc

static CURLcode
set_limits(CURL *c, struct run *r)
{
	CURLcode rc;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_ERRORBUFFER, r->words);
	SET(CURLOPT_TIMEOUT_MS, (long)r->fetch->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)r->fetch->timeout_ms);
	SET(CURLOPT_PROTOCOLS_STR, r->plain ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, r);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, r);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, r);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, is_stopped);
	SET(CURLOPT_XFERINFODATA, r);
	return CURLE_OK;
}

static CURLcode
set_tls(CURL *c, const struct fetch *f)
{
	CURLcode rc;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (f->ca.n > 0) {
		/* The system's folder of CAs would count beside it. */
		SET(CURLOPT_CAPATH, NULL);
		if ((rc = set_blob(c, CURLOPT_CAINFO_BLOB, f->ca)) != CURLE_OK)
			return rc;
	}
	if ((rc = set_blob(c, CURLOPT_SSLCERT_BLOB, f->client_cert)) !=
	    CURLE_OK)
		return rc;
	return set_blob(c, CURLOPT_SSLKEY_BLOB, f->client_key);
}

static CURLcode
set_request(CURL *c, struct run *r)
{
	const struct fetch *f = r->fetch;
	struct curl_slist *more;
	CURLcode rc;
	size_t i;

	/* Not "Expect: 100-continue", which some servers never answer. */
	if ((r->headers = curl_slist_append(NULL, "Expect:")) == NULL)
		return CURLE_OUT_OF_MEMORY;
	for (i = 0; i < FETCH_HEADERS && f->headers[i] != NULL; i++) {
		more = curl_slist_append(r->headers, f->headers[i]);
		if (more == NULL)
			return CURLE_OUT_OF_MEMORY;
		r->headers = more;
	}
	SET(CURLOPT_URL, f->url);
	SET(CURLOPT_HTTPHEADER, r->headers);
	/* "" also means: not the one of the environment. */
	SET(CURLOPT_PROXY, f->proxy == NULL ? "" : f->proxy);
	SET(CURLOPT_NOPROXY, "");
	if (f->post.p == NULL)
		return CURLE_OK;
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->post.n);
	SET(CURLOPT_POSTFIELDS, (const char *)f->post.p);
	return CURLE_OK;
}

static enum err_reason
reason_of(CURLcode rc, const struct run *r)
{
	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_FETCH_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return ERR_FETCH_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_FETCH_TLS;
	case CURLE_OUT_OF_MEMORY:
		return ERR_MEMORY;
	default:
		return r->too_big ? ERR_FETCH_TOO_BIG : ERR_FETCH;
	}
}

static const char *
explain_tls(const struct run *r)
{
	long code = 0;
	size_t i;

	(void)curl_easy_getinfo(r->curl, CURLINFO_SSL_VERIFYRESULT, &code);
	for (i = 0; i < sizeof(verify_faults) / sizeof(verify_faults[0]); i++)
		if (verify_faults[i].code == code)
			return verify_faults[i].text;
	return r->words;
}

static const char *
explain_connect(const struct run *r)
{
	long error = 0;

	(void)curl_easy_getinfo(r->curl, CURLINFO_OS_ERRNO, &error);
	return error == ECONNREFUSED ? "connection refused: nothing listens "
	    "there" : r->words;
}

static const char *
explain_timeout(const struct run *r)
{
	curl_off_t us = 0;

	(void)curl_easy_getinfo(r->curl, CURLINFO_CONNECT_TIME_T, &us);
	return us > 0 ? "connected, but its answer was not whole in time" :
	    "no connection in time";
}

/* What libcurl says of the connection names host and port; of an answer it
 * might repeat some. */
static const char *
explain(const struct run *r, CURLcode rc)
{
	const char *text = "";

	switch (reason_of(rc, r)) {
	case ERR_FETCH_TLS:
		text = explain_tls(r);
		break;
	case ERR_FETCH_CONNECT:
		text = explain_connect(r);
		break;
	case ERR_FETCH_TIMEOUT:
		return explain_timeout(r);
	default:
		break;
	}
	return *text != '\0' ? text : curl_easy_strerror(rc);
}

static int
judge(const struct run *r, CURLcode rc, struct err *e)
{
	long status = 0;

	if (rc == CURLE_ABORTED_BY_CALLBACK && !r->too_big && !r->abroad)
		err_set(e, ERR_FETCH, "given up at the server's stop");
	else if (r->abroad)
		err_set(e, ERR_FETCH_CONNECT, "http is for this machine "
		    "itself, and the name means another");
	else if (r->too_big)
		err_set(e, ERR_FETCH_TOO_BIG, "more than %zu bytes",
		    r->n_header > HEADERS_MAX ? (size_t)HEADERS_MAX :
		    r->body.max);
	else if (rc != CURLE_OK)
		err_set(e, reason_of(rc, r), "%s", explain(r, rc));
	else if (curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE,
	    &status) != CURLE_OK || status != 200)
		err_set(e, ERR_FETCH_STATUS, "HTTP status %ld", status);
	return e->reason == ERR_NONE ? 0 : -1;
}

int
fetch_run(const struct fetch *f, struct buf *out, struct err *e)
{
	struct run r = {
		.fetch = f, .body = BUF_INIT(out->max),
		.plain = is_plain(f->url)
	};
	struct err why = { .reason = ERR_NONE };
	CURLcode code;
	int rc = -1;

	if ((r.curl = curl_easy_init()) == NULL) {
		err_set(e, ERR_MEMORY, "HTTP request");
		return -1;
	}
	if ((code = set_limits(r.curl, &r)) == CURLE_OK &&
	    (code = set_tls(r.curl, f)) == CURLE_OK &&
	    (code = set_request(r.curl, &r)) == CURLE_OK)
		code = curl_easy_perform(r.curl);
	if (judge(&r, code, &why) == 0) {
		buf_move(out, &r.body);
		rc = 0;
	} else {
		err_set(e, why.reason, "%s", why.text);
	}
	curl_easy_cleanup(r.curl);
	curl_slist_free_all(r.headers);
	buf_wipe(&r.body);
	return rc;
}
