#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/http_int.h"
#include "util/clock.h"
#include "util/log.h"

int
watches_init(struct watches *ws)
{
	*ws = (struct watches){ .first = NULL };
	if (pthread_mutex_init(&ws->lock, NULL) != 0)
		return -1;
	if (clock_cond_init(&ws->idle) == 0)
		return 0;
	(void)pthread_mutex_destroy(&ws->lock);
	return -1;
}

void
watches_free(struct watches *ws)
{
	(void)pthread_cond_destroy(&ws->idle);
	(void)pthread_mutex_destroy(&ws->lock);
}

struct watch *
watch_open(struct watches *ws, int fd, const char *peer, int64_t now_us)
{
	struct watch	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->fd = fd;
	w->since_us = now_us;
	(void)snprintf(w->peer, sizeof(w->peer), "%s", peer);
	(void)pthread_mutex_lock(&ws->lock);
	w->next = ws->first;
	if (w->next != NULL)
		w->next->prev = w;
	ws->first = w;
	(void)pthread_mutex_unlock(&ws->lock);
	return w;
}

/* Under the lock. */
static void
set_busy(struct watches *ws, struct watch *w, bool busy)
{
	if (w->busy == busy)
		return;
	w->busy = busy;
	if (busy)
		ws->n_busy++;
	else if (--ws->n_busy == 0)
		(void)pthread_cond_broadcast(&ws->idle);
}

void
watch_close(struct watches *ws, struct watch *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&ws->lock);
	set_busy(ws, w, false);
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		ws->first = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	(void)pthread_mutex_unlock(&ws->lock);
	free(w);
}

void
watch_busy(struct watches *ws, struct watch *w)
{
	(void)pthread_mutex_lock(&ws->lock);
	set_busy(ws, w, true);
	(void)pthread_mutex_unlock(&ws->lock);
}

bool
watch_idle(struct watches *ws, struct watch *w, int64_t now_us)
{
	bool	 cut;

	(void)pthread_mutex_lock(&ws->lock);
	w->since_us = now_us;
	set_busy(ws, w, false);
	cut = w->cut;
	(void)pthread_mutex_unlock(&ws->lock);
	return cut;
}

/* One line for all that were cut: they come in crowds. */
static void
log_cut(unsigned n, const char *peer)
{
	struct log_line	 l;

	log_begin_limited(&l, LOG_L_INFO, "connections_cut");
	log_str(&l, "reason", "request_timeout");
	log_int(&l, "count", n);
	log_str(&l, "peer", peer);
	log_end(&l);
}

unsigned
watch_sweep(struct watches *ws, int64_t now_us, int64_t limit_us)
{
	struct watch	*w;
	char		 peer[PEER_MAX] = "";
	unsigned	 n = 0;

	(void)pthread_mutex_lock(&ws->lock);
	for (w = ws->first; w != NULL; w = w->next) {
		if (w->busy || w->cut || now_us - w->since_us < limit_us)
			continue;
		/* MHD sees the end of the stream and closes it. */
		(void)shutdown(w->fd, SHUT_RDWR);
		w->cut = true;
		if (n++ == 0)
			memcpy(peer, w->peer, sizeof(peer));
	}
	(void)pthread_mutex_unlock(&ws->lock);
	if (n > 0)
		log_cut(n, peer);
	return n;
}

int
watch_drain(struct watches *ws, int timeout_ms)
{
	struct timespec	 end = clock_cond_until(timeout_ms);
	int		 r = 0;

	(void)pthread_mutex_lock(&ws->lock);
	while (ws->n_busy > 0 && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&ws->idle, &ws->lock, &end);
	r = ws->n_busy > 0 ? -1 : 0;
	(void)pthread_mutex_unlock(&ws->lock);
	return r;
}
