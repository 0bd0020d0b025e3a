#include "service_lab.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"

struct service_lab	 lab = { .end = 1000 * DAY, .peer = "" };

void
lab_ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", err_text(e));
}

/* ---- keys and files ---- */

void
lab_who(struct who *out, const char *name, const char *spec, unsigned ku,
    const struct who *issuer)
{
	const struct order	 o = {
		.name = name, .spec = spec, .issuer = issuer, .ku = ku,
		.ca = (ku & CERT_KU_KEY_CERT_SIGN) != 0,
		.from = lab.now - 100 * DAY, .to = lab.now + lab.end
	};

	who_make(out, &o);
}

int
lab_setup_with(const char *spec)
{
	lab.now = time(NULL);
	lab_who(&lab.ca, "CA", spec, KU_CA, NULL);
	lab_who(&lab.ra, "RA", "rsa:2048", KU_RA, &lab.ca);
	lab_who(&lab.device, "device", "rsa:2048", KU_RA, NULL);
	(void)tool_cert_file("ca.pem", lab.ca.cert);
	(void)tool_key_file("ca.key", lab.ca.key);
	(void)tool_cert_file("ra.pem", lab.ra.cert);
	(void)tool_key_file("ra.key", lab.ra.key);
	return algs_open(&lab.algs, &(struct err)ERR_INIT);
}

int
lab_setup(void **state)
{
	(void)state;
	return lab_setup_with("ec:p256");
}

int
lab_teardown(void **state)
{
	(void)state;
	algs_free(lab.algs);
	who_free(&lab.ca);
	who_free(&lab.ra);
	who_free(&lab.device);
	tool_clean();
	return 0;
}

/* ---- a service ---- */

static struct site *make_site(const char *format, va_list)
		    __attribute__((format(printf, 1, 0)));
static void	 open_service(const char *format, va_list)
		    __attribute__((format(printf, 1, 0)));

static struct site *
make_site(const char *format, va_list ap)
{
	char		*text = NULL;
	struct err	 e = ERR_INIT;
	struct conf	*c;
	struct site	*s;

	assert_true(vasprintf(&text, format, ap) > 0);
	(void)tool_file("scepd.conf", bytes_str(text), 0600);
	free(text);
	lab_ok(conf_load(tool_path("scepd.conf"), &c, &e), &e);
	lab_ok(site_open(c, &s, &e), &e);
	return s;
}

static void
open_service(const char *format, va_list ap)
{
	struct err	 e = ERR_INIT;

	lab_ok(service_open(make_site(format, ap), &lab.service, &e), &e);
}

void
lab_begin(const char *format, ...)
{
	va_list	 ap;

	(void)unlink(tool_path("scepd.db"));
	va_start(ap, format);
	open_service(format, ap);
	va_end(ap);
}

void
lab_open(const char *format, ...)
{
	va_list	 ap;

	va_start(ap, format);
	open_service(format, ap);
	va_end(ap);
}

void
lab_reload(const char *format, ...)
{
	struct err	 e = ERR_INIT;
	va_list		 ap;

	va_start(ap, format);
	lab_ok(service_replace(lab.service, make_site(format, ap), &e), &e);
	va_end(ap);
}

void
lab_close(void)
{
	service_close(lab.service);
	lab.service = NULL;
}

int
lab_end(void **state)
{
	(void)state;
	lab_close();
	return 0;
}

/* ---- requests ---- */

struct waiter {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	bool		 done;
};

static void
on_done(struct exchange *x, void *arg)
{
	struct waiter	*w = arg;

	(void)x;
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

void
lab_send(const char *path, struct bytes message, struct exchange *x)
{
	struct waiter	 w = { .lock = PTHREAD_MUTEX_INITIALIZER,
	    .cond = PTHREAD_COND_INITIALIZER };

	exchange_init(x, lab.service);
	x->method = SERVICE_POST;
	x->path = path;
	(void)snprintf(x->peer, sizeof(x->peer), "%s", lab.peer);
	x->done = on_done;
	x->arg = &w;
	assert_int_equal(buf_put(&x->body, message.p, message.n), 0);
	assert_int_equal(service_begin(lab.service, x), SERVICE_LATER);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

struct scep_ask
lab_question(int type, const struct who *by, const char *txid,
    struct bytes content)
{
	return (struct scep_ask){ .type = type, .txid = txid,
	    .nonce = bytes_str(txid), .content = content, .key = by->key,
	    .cert = by->cert, .to = lab.ra.cert, .digest = ALG_SHA256,
	    .suite = { .cipher = ALG_AES128_CBC,
	    .transport = ALG_RSA_PKCS1 } };
}

struct csr *
lab_csr(const char *challenge)
{
	return tool_csr(lab.device.key, "/CN=device", NULL, challenge);
}

struct scep_ask
lab_pkcsreq(const char *txid, const struct csr *r)
{
	return lab_question(SCEP_PKCSREQ, &lab.device, txid, r->der);
}

void
lab_post(const char *path, const struct scep_ask *q, struct exchange *x)
{
	struct buf	 message = BUF_INIT(CMS_MAX_DER);
	struct err	 e = ERR_INIT;

	lab_ok(scep_client_request(q, lab.algs, &message, &e), &e);
	lab_send(path, buf_bytes(&message), x);
	buf_wipe(&message);
}

void
lab_read(const struct exchange *x, const struct scep_ask *q,
    const struct cert *ra, struct scep_got *got)
{
	struct err	 e = ERR_INIT;

	assert_int_equal(x->status, 200);
	assert_string_equal(x->type, "application/x-pki-message");
	lab_ok(scep_client_reply(buf_bytes(&x->reply), q, lab.algs, ra, got,
	    &e), &e);
	assert_true(got->nonce_matches);
	assert_true(got->has_sender_nonce);
	assert_string_equal(got->txid, q->txid);
}

void
lab_ask(const char *path, const struct scep_ask *q, struct scep_got *got)
{
	struct exchange	 x;

	lab_post(path, q, &x);
	lab_read(&x, q, lab.ra.cert, got);
	exchange_clear(&x);
}

enum scep_status
lab_status(const char *path, const struct scep_ask *q)
{
	struct scep_got	 got;

	lab_ask(path, q, &got);
	scep_got_clear(&got);
	return got.status;
}

struct cert *
lab_cert(const char *path, const struct scep_ask *q)
{
	struct err	 e = ERR_INIT;
	struct scep_got	 got;
	struct cert	*c;

	lab_ask(path, q, &got);
	assert_int_equal(got.status, SCEP_SUCCESS);
	assert_int_equal(got.certs.n, 1);
	lab_ok(cert_parse(got.certs.v[0]->der, &c, &e), &e);
	scep_got_clear(&got);
	return c;
}

int
lab_try(const char *path, const struct scep_ask *q, enum scep_status *said)
{
	struct exchange	 x;
	struct scep_got	 got;
	int		 status;

	lab_post(path, q, &x);
	if ((status = x.status) == 200) {
		lab_read(&x, q, lab.ra.cert, &got);
		*said = got.status;
		scep_got_clear(&got);
	}
	exchange_clear(&x);
	return status;
}

void
lab_assert_failure(const struct scep_got *got, enum failinfo want,
    const char *row)
{
	if (got->status != SCEP_FAILURE || got->failinfo != (int)want)
		fail_msg("%s: pkiStatus %d, failInfo %d", row,
		    (int)got->status, got->failinfo);
}

long
lab_issued(void)
{
	return store_number("SELECT count(*) FROM issued");
}
