#include "pki_tool.h"

#include <pthread.h>

#include "service_ask.h"

const char	*service_peer = "";

struct answer {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	bool		 done;
};

static void
on_done(struct exchange *x, void *arg)
{
	struct answer	*a = arg;

	(void)x;
	pthread_mutex_lock(&a->lock);
	a->done = true;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

void
service_post(struct service *s, const char *path, struct bytes message,
    struct exchange *x)
{
	struct answer	 a = { .lock = PTHREAD_MUTEX_INITIALIZER,
	    .cond = PTHREAD_COND_INITIALIZER };

	exchange_init(x, s);
	x->method = SERVICE_POST;
	x->path = path;
	(void)snprintf(x->peer, sizeof(x->peer), "%s", service_peer);
	x->done = on_done;
	x->arg = &a;
	assert_int_equal(buf_put(&x->body, message.p, message.n), 0);
	assert_int_equal(service_begin(s, x), SERVICE_LATER);
	pthread_mutex_lock(&a.lock);
	while (!a.done)
		pthread_cond_wait(&a.cond, &a.lock);
	pthread_mutex_unlock(&a.lock);
}

void
service_ask(struct service *s, const char *path, const struct scep_ask *ask,
    const struct algs *algs, const struct cert *ra, struct scep_got *got)
{
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;
	struct exchange	 x;

	if (scep_client_request(ask, algs, &message, &e) != 0)
		fail_msg("%s", err_text(&e));
	service_post(s, path, buf_bytes(&message), &x);
	assert_int_equal(x.status, 200);
	assert_string_equal(x.type, "application/x-pki-message");
	if (scep_client_reply(buf_bytes(&x.reply), ask, algs, ra, got,
	    &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_true(got->nonce_matches);
	assert_true(got->has_sender_nonce);
	assert_string_equal(got->txid, ask->txid);
	exchange_clear(&x);
	buf_wipe(&message);
}
