/*
 * One HTTP exchange: what can be answered at once is, an enrollment goes to the
 * workers.
 */
#include <string.h>

#include "scep/caps.h"
#include "scep/op.h"
#include "service/figures_int.h"
#include "service/guard_int.h"
#include "service/pool_int.h"
#include "site/face.h"
#include "site/find.h"
#include "util/clock.h"
#include "util/log.h"

#define REPLY_MAX	(1024u * 1024)
#define AUTHORIZATION_MAX 4096
#define RETRY_AFTER	5	/* seconds */

void
exchange_init(struct exchange *x, struct service *s)
{
	memset(x, 0, sizeof(*x));
	pthread_mutex_lock(&s->lock);
	x->site = site_get(s->site);
	pthread_mutex_unlock(&s->lock);
	buf_init(&x->body, exchange_max_body(x));
	buf_init(&x->reply, REPLY_MAX);
	buf_init(&x->authorization, AUTHORIZATION_MAX);
	x->began_us = clock_mono_us();
}

void
exchange_clear(struct exchange *x)
{
	buf_wipe(&x->body);
	buf_wipe(&x->reply);
	buf_wipe(&x->authorization);
	document_put(x->document);
	x->document = NULL;
	x->lent = bytes_make(NULL, 0);
	face_put(x->face);
	x->face = NULL;
	site_put(x->site);
	x->site = NULL;
}

size_t
exchange_max_body(const struct exchange *x)
{
	return (size_t)x->site->conf->max_body;
}

void
answer_put(struct exchange *x, int status, const char *type,
    struct buf *reply)
{
	x->status = status;
	x->type = type;
	buf_reset(&x->reply);
	buf_move(&x->reply, reply);
}

void
answer_text(struct exchange *x, enum err_reason reason)
{
	x->status = err_http(reason);
	x->type = "text/plain";
	x->no_store = true;
	x->retry_after = reason == ERR_LOCKED ? (unsigned)x->locked :
	    reason == ERR_RATIONED ? (unsigned)x->rationed :
	    x->status == 503 || x->status == 429 ? RETRY_AFTER : 0;
	buf_reset(&x->reply);
	(void)buf_printf(&x->reply, "%s\n", err_what(reason));
}

void
service_refuse(struct service *s, struct exchange *x, const struct err *why)
{
	struct log_line l;

	figures_count(s->figures, x->endpoint == NULL ? "" :
	    x->endpoint->conf->name, "", "refused", why->reason);
	answer_text(x, why->reason);
	log_begin_limited(&l, LOG_L_WARN, "refused");
	log_str(&l, "peer", x->peer);
	log_int(&l, "status", x->status);
	log_str(&l, "path", x->path);
	log_err(&l, why);
	log_end(&l);
}

/* Bytes that outlive the exchange's site, copied: they are few. */
static void
answer_bytes(struct exchange *x, const char *type, struct bytes b)
{
	x->status = 200;
	x->type = type;
	if (buf_put(&x->reply, b.p, b.n) == -1)
		answer_text(x, ERR_MEMORY);
}

static void
log_document(const struct exchange *x, enum scep_op op)
{
	struct log_line l;

	log_begin(&l, LOG_L_DEBUG, "document");
	log_str(&l, "endpoint", x->endpoint->conf->name);
	log_str(&l, "operation", scep_op_name(op));
	log_str(&l, "peer", x->peer);
	log_end(&l);
}

/* Answers documents; 1: it is an enrollment, for the workers. */
static int
answer_document(struct exchange *x, struct err *e)
{
	struct scep_query q;
	int rc;

	rc = scep_query_parse(x->query, x->method == SERVICE_POST,
	    x->body.max, &q, e);
	if (rc == 0 && q.op != SCEP_OP_PKI)
		x->endpoint = site_named(x->site, x->endpoint,
		    buf_bytes(&q.message));
	scep_query_clear(&q);
	if (rc == -1)
		return -1;
	x->face = site_face(x->site, x->endpoint);
	if (q.op == SCEP_OP_PKI)
		return 1;
	if (q.op == SCEP_OP_NEXTCA && x->face->nextca.n == 0) {
		err_set(e, ERR_NOT_FOUND, "there is no next CA");
		return -1;
	}
	/* Draining or not: who gets no GetCACaps falls back to DES and MD5. */
	if (q.op == SCEP_OP_CAPS)
		answer_bytes(x, SCEP_TYPE_CAPS, buf_bytes(&x->face->caps));
	else if (q.op == SCEP_OP_NEXTCA)
		answer_bytes(x, SCEP_TYPE_NEXT_CA_CERT,
		    buf_bytes(&x->face->nextca));
	else
		answer_bytes(x, x->face->cacert_type,
		    buf_bytes(&x->face->cacert));
	log_document(x, q.op);
	return 0;
}

static enum exchange_kind
kind_of(const struct exchange *x)
{
	const struct conf_endpoint *ep;

	if (x->who == SERVICE_ADMIN || x->endpoint == NULL)
		return EXCHANGE_HERE;
	ep = x->endpoint->conf;
	if (x->endpoint->validator != NULL)
		return EXCHANGE_VALIDATED;
	return conf_issuer(x->site->conf, ep->issuer)->type ==
	    CONF_ISSUER_LOCAL ? EXCHANGE_HERE : EXCHANGE_ELSEWHERE;
}

int
exchange_queue(struct service *s, struct exchange *x, struct err *e)
{
	if (atomic_load(&s->draining)) {
		err_set(e, ERR_STOPPING, "draining");
		return -1;
	}
	x->kind = kind_of(x);
	if (pool_put(x->who == SERVICE_ADMIN ? s->admin_pool : s->pool,
	    x) == -1) {
		err_set(e, ERR_BUSY, "%s of %lld requests is full",
		    x->kind == EXCHANGE_HERE ? "queue" : "the half for those "
		    "who wait for others, of the queue",
		    (long long)x->site->conf->queue);
		return -1;
	}
	return 1;
}

int
exchange_scep(struct service *s, struct exchange *x, struct err *e)
{
	int rc;

	if ((x->endpoint = site_find(x->site, x->path)) == NULL) {
		err_set(e, ERR_NOT_FOUND, "no endpoint has this path");
		return -1;
	}
	/* Nothing is promised that is not kept. */
	if (!x->endpoint->conf->enabled) {
		err_set(e, ERR_DISABLED, "endpoint %s",
		    x->endpoint->conf->name);
		return -1;
	}
	rc = answer_document(x, e);
	return rc == 1 ? exchange_queue(s, x, e) : rc;
}

enum service_when
service_begin(struct service *s, struct exchange *x)
{
	struct err e = { .reason = ERR_NONE };
	int rc;

	/* Behind a successful pool_put() the exchange is the worker's. */
	if ((rc = route_begin(s, x, &e)) == 1)
		return SERVICE_LATER;
	if (rc == -1)
		service_refuse(s, x, &e);
	return SERVICE_NOW;
}
