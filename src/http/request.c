/*
 * One request, from its first line to its answer: what libmicrohttpd calls, and
 * the service between.
 */
#include <stdlib.h>
#include <string.h>

#include "http/http_int.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * A body of unknown length that is too large is read on, so that its sender
 * gets to see our answer, up to so many times the limit. Then it is cut.
 */
#define DISCARD_TIMES	2048

/*
 * One request. It belongs to MHD's thread, from request_new() to
 * request_completed(); from GIVEN until done its exchange is the service's.
 */
struct request {
	struct http_server	*server;
	struct MHD_Connection	*con;
	struct watch		*watch;
	enum phase {
		PHASE_NEW,		/* request line */
		PHASE_BODY,		/* exchange made, body comes */
		PHASE_DISCARD,		/* body is too large */
		PHASE_GIVEN,		/* to the service */
		PHASE_ANSWERED
	}			 phase;
	struct exchange		 x;
	size_t			 discarded;
	bool			 too_long;	/* target was not kept */
	bool			 last;		/* of its connection */

	/* ---- under the lock ---- */
	struct request		*prev, *next;	/* in server->suspended */
	bool			 suspended;
	bool			 done;		/* the service has answered */
	bool			 orphan;	/* its connection is gone */

	char			 target[];
};

static struct watch *
watch_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo	*info;

	info = MHD_get_connection_info(con,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info == NULL ? NULL : info->socket_context;
}

/*
 * Called with the request line, before MHD decodes what is ours to decode.
 * NULL: no memory, and request_handle() closes the connection.
 */
void *
request_new(void *cls, const char *uri, struct MHD_Connection *con)
{
	struct http_server	*s = cls;
	struct watch		*w = watch_of(con);
	struct request		*r;
	size_t			 n = uri == NULL ? 0 : strlen(uri);
	bool			 too_long = n > s->max_url;

	if (too_long)
		n = 0;
	if (w == NULL || (r = calloc(1, sizeof(*r) + n + 1)) == NULL)
		return NULL;
	r->server = s;
	r->con = con;
	r->watch = w;
	r->too_long = too_long;
	if (n > 0)
		memcpy(r->target, uri, n);
	return r;
}

static void
request_free(struct request *r)
{
	if (r->phase != PHASE_NEW)
		exchange_clear(&r->x);
	free(r);
}

/* The answer is in the exchange. */
static enum MHD_Result
answer(struct request *r)
{
	r->phase = PHASE_ANSWERED;
	watch_busy(&r->server->watches, r->watch);
	return reply_send(r->con, &r->x, r->last ||
	    atomic_load(&r->server->closing));
}

static enum MHD_Result
refuse(struct request *r, const struct err *e)
{
	service_refuse(r->server->service, &r->x, e);
	return answer(r);
}

/* The service has answered; from any thread. */
static void
request_done(struct exchange *x, void *arg)
{
	struct request		*r = arg;
	struct http_server	*s = r->server;
	bool			 orphan;

	(void)x;
	(void)pthread_mutex_lock(&s->lock);
	r->done = true;
	orphan = r->orphan;
	if (r->suspended) {
		r->suspended = false;
		if (r->prev != NULL)
			r->prev->next = r->next;
		else
			s->suspended = r->next;
		if (r->next != NULL)
			r->next->prev = r->prev;
		MHD_resume_connection(r->con);
	}
	(void)pthread_mutex_unlock(&s->lock);
	/* Not an orphan: MHD's thread may have freed it by now. */
	if (orphan)
		request_free(r);
	server_unref(s);
}

/* The header is complete. */
static enum MHD_Result
request_head(struct request *r, const char *method)
{
	struct err	 e = { .reason = ERR_NONE };

	exchange_init(&r->x, r->server->service);
	r->phase = PHASE_BODY;
	r->x.path = "/";
	r->x.who = r->server->who;
	memcpy(r->x.peer, r->watch->peer, sizeof(r->x.peer));
	r->x.done = request_done;
	r->x.arg = r;
	buf_init(&r->x.body, exchange_max_body(&r->x));
	if (head_read(r->con, method, r->too_long ? NULL : r->target,
	    r->server->max_url, &r->x, &e) == -1)
		return refuse(r, &e);
	return MHD_YES;
}

static enum MHD_Result
request_body(struct request *r, const char *data, size_t n)
{
	struct err	 e = { .reason = ERR_NONE };
	struct buf	*body = &r->x.body;

	if (r->phase == PHASE_BODY && n > body->max - body->n) {
		r->phase = PHASE_DISCARD;
		r->discarded = body->n;
		buf_wipe(body);
	}
	if (r->phase == PHASE_DISCARD) {
		r->discarded += n;
		if (r->discarded / DISCARD_TIMES <= body->max)
			return MHD_YES;
		err_set(&e, ERR_BODY_TOO_BIG, "connection closed");
	} else {
		if (buf_put(body, data, n) == 0)
			return MHD_YES;
		err_set(&e, ERR_MEMORY, "body");
	}
	/* Before the end of the body MHD sends no answer: only log it. */
	service_refuse(r->server->service, &r->x, &e);
	r->phase = PHASE_ANSWERED;
	return MHD_NO;
}

/*
 * Waits for request_done() unless it was faster. The order is MHD's rule: a
 * connection must be suspended before it is resumed.
 */
static enum MHD_Result
suspend_or_answer(struct request *r)
{
	struct http_server	*s = r->server;
	enum MHD_Result		 result = MHD_YES;
	bool			 done;

	(void)pthread_mutex_lock(&s->lock);
	done = r->done;
	if (!done && s->stopping) {
		result = MHD_NO;
	} else if (!done && !r->suspended) {
		MHD_suspend_connection(r->con);
		r->suspended = true;
		r->prev = NULL;
		r->next = s->suspended;
		if (r->next != NULL)
			r->next->prev = r;
		s->suspended = r;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return done ? answer(r) : result;
}

/*
 * Who it is, by what the listener trusts now: what was shown in the handshake
 * may be revoked or of a CA that was taken away since.
 */
static int
take_client(struct request *r, struct err *e)
{
	struct http_tls	*t = server_tls(r->server);
	int		 rc = tls_client(t, r->con, r->x.client);

	http_tls_put(t);
	if (rc == -1)
		err_set(e, ERR_UNAUTHORIZED, "the certificate of this "
		    "connection is not good any more");
	return rc;
}

/* The whole request is here. */
static enum MHD_Result
request_begin(struct request *r)
{
	struct http_server	*s = r->server;
	struct err		 e = { .reason = ERR_NONE };

	if (take_client(r, &e) == -1) {
		r->last = true;
		return refuse(r, &e);
	}
	watch_busy(&s->watches, r->watch);
	r->phase = PHASE_GIVEN;
	(void)pthread_mutex_lock(&s->lock);
	s->refs++;
	(void)pthread_mutex_unlock(&s->lock);
	if (service_begin(s->service, &r->x) == SERVICE_LATER)
		return suspend_or_answer(r);
	server_unref(s);
	return answer(r);
}

/* MHD calls again when the connection is resumed. */
static enum MHD_Result
request_end(struct request *r)
{
	struct err	 e = { .reason = ERR_NONE };

	switch (r->phase) {
	case PHASE_BODY:
		return request_begin(r);
	case PHASE_DISCARD:
		err_set(&e, ERR_BODY_TOO_BIG, "%zu bytes", r->discarded);
		return refuse(r, &e);
	default:
		return suspend_or_answer(r);
	}
}

enum MHD_Result
request_handle(void *cls, struct MHD_Connection *con, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **ctx)
{
	struct request	*r = *ctx;
	size_t		 n = *size;

	(void)cls;
	(void)con;
	(void)url;
	(void)version;
	if (r == NULL)
		return MHD_NO;
	if (r->phase == PHASE_NEW)
		return request_head(r, method);
	if (n > 0) {
		*size = 0;
		return request_body(r, data, n);
	}
	return request_end(r);
}

/* A request that came to nothing, for whoever wonders where it went. */
static void
log_lost(struct http_server *s, const struct request *r,
    enum MHD_RequestTerminationCode code)
{
	struct log_line	 l;
	const char	*reason;

	switch (code) {
	case MHD_REQUEST_TERMINATED_COMPLETED_OK:
		return;
	case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED:
		reason = "idle_timeout";
		break;
	case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN:
		reason = "stopping";
		break;
	case MHD_REQUEST_TERMINATED_CLIENT_ABORT:
	case MHD_REQUEST_TERMINATED_READ_ERROR:
		reason = "closed_by_peer";
		break;
	default:
		reason = atomic_load(&s->closing) ? "stopping" : "malformed";
		break;
	}
	log_begin_limited(&l, LOG_L_INFO, "request_lost");
	log_str(&l, "peer", r->watch->peer);
	log_str(&l, "reason", reason);
	log_end(&l);
}

void
request_completed(void *cls, struct MHD_Connection *con, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct http_server	*s = cls;
	struct request		*r = *ctx;
	bool			 running, cut;

	(void)con;
	if (r == NULL)
		return;
	*ctx = NULL;
	cut = watch_idle(&s->watches, r->watch, clock_mono_us());
	if (r->phase != PHASE_ANSWERED && !cut)
		log_lost(s, r, code);
	(void)pthread_mutex_lock(&s->lock);
	running = r->phase == PHASE_GIVEN && !r->done;
	r->orphan = running;
	(void)pthread_mutex_unlock(&s->lock);
	if (!running)
		request_free(r);
}

void
request_abandon_all(struct http_server *s)
{
	struct request	*r;

	(void)pthread_mutex_lock(&s->lock);
	s->stopping = true;
	while ((r = s->suspended) != NULL) {
		s->suspended = r->next;
		if (r->next != NULL)
			r->next->prev = NULL;
		r->suspended = false;
		MHD_resume_connection(r->con);
	}
	(void)pthread_mutex_unlock(&s->lock);
}
