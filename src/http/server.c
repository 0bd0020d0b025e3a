#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_int.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * MHD keeps a request's head in one piece, reads into half of this, and puts
 * the head of the answer into it too.
 */
#define CONNECTION_MEMORY(max_url)	(2 * (max_url) + 32 * 1024)

static void __attribute__((format(printf, 2, 0)))
log_mhd(void *cls, const char *fmt, va_list ap)
{
	char	 text[256];

	(void)cls;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	/* The one message that the administrator must see to find a mend. */
	if (strstr(text, "connection limit") != NULL) {
		struct log_line	 l;

		log_begin_limited(&l, LOG_L_WARN, "connection_refused");
		log_str(&l, "reason", "limit");
		log_str(&l, "detail", "http.max_connections or "
		    "http.max_per_address is reached");
		log_end(&l);
		return;
	}
	log_msg(LOG_L_DEBUG, "http", "%s", text);
}

struct http_tls *
server_tls(struct http_server *s)
{
	struct http_tls	*t;

	(void)pthread_mutex_lock(&s->lock);
	t = s->tls == NULL ? NULL : tls_get(s->tls);
	(void)pthread_mutex_unlock(&s->lock);
	return t;
}

static void
connection_started(struct http_server *s, struct MHD_Connection *con,
    void **ctx)
{
	const union MHD_ConnectionInfo	*info;
	struct watch			*w;
	char				 peer[PEER_MAX] = "";
	int				 fd;

	info = MHD_get_connection_info(con,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		peer_text(info->client_addr, peer);
	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info == NULL)
		return;
	fd = info->connect_fd;
	w = watch_open(&s->watches, fd, peer, clock_mono_us());
	if (w != NULL)
		w->tls = server_tls(s);
	*ctx = w;
	/* What cannot be watched is not served. */
	if (w == NULL || (w->tls != NULL && tls_begin(w->tls, con) == -1))
		(void)shutdown(fd, SHUT_RDWR);
}

static void
connection_closed(struct http_server *s, struct watch *w)
{
	struct http_tls	*t = w == NULL ? NULL : w->tls;

	watch_close(&s->watches, w);
	http_tls_put(t);
}

static void
notify_connection(void *cls, struct MHD_Connection *con, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_server	*s = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_started(s, con, ctx);
	} else {
		connection_closed(s, *ctx);
		*ctx = NULL;
	}
}

static struct http_server *
server_new(const struct http_setup *setup, struct service *svc)
{
	struct http_server	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->service = svc;
	s->who = setup->who;
	s->max_url = (size_t)setup->conf->max_url;
	s->listener = -1;
	s->refs = 1;
	atomic_init(&s->closing, false);
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return NULL;
	}
	if (watches_init(&s->watches) == -1) {
		(void)pthread_mutex_destroy(&s->lock);
		free(s);
		return NULL;
	}
	return s;
}

void
server_unref(struct http_server *s)
{
	bool	 last;

	(void)pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	watches_free(&s->watches);
	(void)pthread_mutex_destroy(&s->lock);
	http_tls_put(s->tls);
	free(s);
}

static struct MHD_Daemon *
start_mhd(struct http_server *s, int fd, const struct conf *c)
{
	unsigned		 flags = MHD_USE_EPOLL_INTERNAL_THREAD |
				    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
				    MHD_USE_ERROR_LOG;
	struct MHD_OptionItem	 more[TLS_OPTIONS] = { { MHD_OPTION_END, 0,
				    NULL } };

	if (s->tls != NULL) {
		flags |= MHD_USE_TLS;
		tls_options(more);
	}
	return MHD_start_daemon(flags, 0, NULL, NULL, request_handle, s,
	    MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_URI_LOG_CALLBACK, request_new, s,
	    MHD_OPTION_NOTIFY_COMPLETED, request_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, notify_connection, s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY(c->max_url),
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)c->max_connections,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)c->max_per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)c->idle_timeout,
	    /* The least strict of either version takes HTTP/1.1 without Host
	     * and answers a blank in the target instead of redirecting. */
#if MHD_VERSION >= 0x00097701
	    MHD_OPTION_CLIENT_DISCIPLINE_LVL, -3,
#else
	    MHD_OPTION_STRICT_FOR_CLIENT, 0,
#endif
	    MHD_OPTION_ARRAY, more,
	    MHD_OPTION_END);
}

int
http_start(int fd, const struct http_setup *setup, struct service *svc,
    struct http_server **out, struct err *e)
{
	struct http_server	*s;

	if ((s = server_new(setup, svc)) == NULL) {
		err_set(e, ERR_MEMORY, "http");
		http_tls_put(setup->tls);
		close(fd);
		return -1;
	}
	s->tls = setup->tls;
	/* Whether MHD closes fd depends on where it fails: leave it. */
	if ((s->mhd = start_mhd(s, fd, setup->conf)) == NULL) {
		err_set(e, ERR_LISTEN, "HTTP server does not start: %s",
		    strerror(errno));
		server_unref(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
http_set_tls(struct http_server *s, struct http_tls *t)
{
	struct http_tls	*old;

	(void)pthread_mutex_lock(&s->lock);
	old = s->tls;
	s->tls = t;
	(void)pthread_mutex_unlock(&s->lock);
	http_tls_put(old);
}

void
http_tell(struct http_server *s)
{
	struct http_tls	*t = server_tls(s);

	if (t != NULL)
		http_tls_tell(t);
	http_tls_put(t);
}

unsigned
http_sweep(struct http_server *s, int64_t now_us, int64_t limit_us)
{
	return watch_sweep(&s->watches, now_us, limit_us);
}

void
http_quiesce(struct http_server *s)
{
	if (atomic_exchange(&s->closing, true))
		return;
	s->listener = MHD_quiesce_daemon(s->mhd);
	/* Clients are refused from now on; MHD wants the descriptor to last. */
	if (s->listener != -1)
		(void)shutdown(s->listener, SHUT_RDWR);
}

int
http_drain(struct http_server *s, int timeout_ms)
{
	return watch_drain(&s->watches, timeout_ms);
}

void
http_stop(struct http_server *s)
{
	if (s == NULL)
		return;
	http_quiesce(s);
	request_abandon_all(s);
	MHD_stop_daemon(s->mhd);
	if (s->listener != -1)
		close(s->listener);
	server_unref(s);
}
