#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ra_lab.h"
#include "store_ask.h"
#include "util/clock.h"
#include "util/file.h"

/* %s: settings of the endpoint, of the issuer, of the profile. */
static const char	 text[] =
    "store: { path = \"scepd.db\"; };\n"
    "transaction: { replay = 0; };\n"
    "endpoints = ( { name = \"e\"; paths = [ \"/e\" ];\n"
    "  issuer = \"local\"; profile = \"p\"; challenges = [ \"c\", \"q\" ];\n"
    "  %s } );\n"
    "issuers = ( { name = \"local\"; cert = \"ca.pem\"; %s } );\n"
    "profiles = ( { name = \"p\"; %s }, { name = \"q\";\n"
    "  crl_urls = [ \"http://q.example/crl/local.crl\" ]; } );\n"
    "challenges = ( { name = \"c\"; secret = \"" SECRET "\"; },\n"
    "  { name = \"q\"; secret = \"" SECRET_Q "\"; profile = \"q\"; } );\n";

struct ra_lab		 lab;
static struct algs	*algs;

void
lab_ok(int rc)
{
	if (rc != 0)
		fail_msg("%s", err_text(&lab.e));
}

/* ---- a service ---- */

int
lab_site(const char *endpoint, const char *issuer, const char *profile)
{
	struct buf	 b = BUF_INIT(8192);
	struct conf	*conf;
	int		 rc;

	assert_int_equal(buf_printf(&b, text, endpoint, issuer, profile), 0);
	(void)tool_file("scepd.conf", buf_bytes(&b), 0600);
	buf_wipe(&b);
	lab_ok(conf_load(tool_path("scepd.conf"), &conf, &lab.e));
	rc = site_open(conf, &lab.site, &lab.e);
	if (rc == -1)
		conf_free(conf);
	return rc;
}

void
lab_open(const char *endpoint, const char *issuer)
{
	lab_ok(lab_site(endpoint, issuer, ""));
	lab_ok(service_open(lab.site, &lab.service, &lab.e));
}

void
lab_close(void)
{
	service_close(lab.service);
	lab.service = NULL;
}

void
lab_reload(const char *endpoint, const char *issuer)
{
	lab_ok(lab_site(endpoint, issuer, ""));
	lab_ok(service_replace(lab.service, lab.site, &lab.e));
}

void
lab_restart(const char *endpoint, const char *issuer)
{
	lab_close();
	lab_open(endpoint, issuer);
}

struct face *
lab_face(void)
{
	return site_face(lab.site, &lab.site->endpoints[0]);
}

struct cert *
lab_shown(void)
{
	struct face	*f = lab_face();
	struct cert	*c;

	lab_ok(cert_parse(f->open[0].cert->der, &c, &lab.e));
	face_put(f);
	return c;
}

void
lab_tick(int64_t after)
{
	faces_tick(lab.site, lab.service->db, lab.service->ends,
	    lab.start + after);
}

long
lab_issued_ra(void)
{
	return store_number("SELECT count(*) FROM issued WHERE role = 'ra'");
}

int
lab_begin(void **state)
{
	(void)state;
	err_clear(&lab.e);
	(void)unlink(tool_path("scepd.db"));
	lab.service = NULL;
	return 0;
}

int
lab_end(void **state)
{
	(void)state;
	lab_close();
	return 0;
}

/* ---- keys and files ---- */

struct cert *
lab_cert(const char *name, const struct key *k, unsigned ku, int64_t from,
    int64_t to)
{
	const struct order	 o = { .name = name, .key = k, .issuer = &lab.ca,
	    .ku = ku, .from = lab.start + from, .to = lab.start + to };

	return tool_cert(&o);
}

void
lab_ra(int64_t from, int64_t to)
{
	cert_free(lab.ra);
	lab.ra = lab_cert("RA", lab.ra_key, KU_RA, from, to);
	(void)tool_cert_file("ra.pem", lab.ra);
}

void
lab_also(const char *name, const struct cert *c, const struct key *k)
{
	struct buf	 pem = BUF_INIT(FILE_MAX);

	lab_ok(cert_pem(c, &pem, &lab.e));
	lab_ok(key_pem(k, &pem, &lab.e));
	(void)tool_file(name, buf_bytes(&pem), 0600);
	buf_wipe(&pem);
}

void
lab_next(const struct who *w, int64_t from)
{
	char	 when[CLOCK_TEXT_MAX + 1];

	(void)mkdir(tool_path("next"), 0700);
	(void)tool_cert_file("next/issuing.pem", w->cert);
	(void)tool_key_file("next/issuing.key", w->key);
	(void)unlink(tool_path("next/from"));
	if (from == 0)
		return;
	clock_text(from, when);
	(void)strcat(when, "\n");
	(void)tool_file("next/from", bytes_str(when), 0600);
}

int
lab_setup(void **state)
{
	struct order	 o = { .ca = true, .ku = KU_CA, .spec = "ec:p256" };

	(void)state;
	lab.start = time(NULL);
	o.from = lab.start - 100 * DAY;
	o.to = lab.start + 100 * DAY;
	o.name = "CA";
	who_make(&lab.ca, &o);
	o.name = "CA 2";
	o.to = lab.start + 400 * DAY;
	who_make(&lab.ca2, &o);
	o.spec = "rsa:2048";
	o.ku = KU_CA | KU_RA;
	o.name = "CA of both";
	who_make(&lab.both_ca, &o);
	o.name = "CA of both 2";
	who_make(&lab.both_ca2, &o);
	lab.ra_key = tool_key("rsa:2048");
	lab.enc_key = tool_key("rsa:2048");
	lab.old_key = tool_key("rsa:2048");
	lab.client_key = tool_key("rsa:2048");
	lab_ra(-DAY, 90 * DAY);
	lab.sign = lab_cert("RA sign", lab.ra_key, KU_SIGN, -DAY, 90 * DAY);
	lab.enc = lab_cert("RA enc", lab.enc_key, KU_ENC, -DAY, 90 * DAY);
	lab.old = lab_cert("old RA", lab.old_key, KU_RA, -DAY, 90 * DAY);
	lab_ok(scep_client_self(lab.client_key, "device", lab.start,
	    &lab.self, &lab.e));
	(void)tool_cert_file("ca.pem", lab.ca.cert);
	(void)tool_key_file("ca.key", lab.ca.key);
	(void)tool_key_file("ra.key", lab.ra_key);
	(void)tool_key_file("enc.key", lab.enc_key);
	(void)tool_cert_file("sign.pem", lab.sign);
	(void)tool_cert_file("enc.pem", lab.enc);
	lab_also("old.pem", lab.old, lab.old_key);
	return algs_open(&algs, &lab.e);
}

int
lab_teardown(void **state)
{
	(void)state;
	algs_free(algs);
	who_free(&lab.ca);
	who_free(&lab.ca2);
	who_free(&lab.both_ca);
	who_free(&lab.both_ca2);
	key_free(lab.ra_key);
	key_free(lab.enc_key);
	key_free(lab.old_key);
	key_free(lab.client_key);
	cert_free(lab.ra);
	cert_free(lab.sign);
	cert_free(lab.enc);
	cert_free(lab.old);
	cert_free(lab.self);
	(void)unlink(tool_path("next/issuing.pem"));
	(void)unlink(tool_path("next/issuing.key"));
	(void)unlink(tool_path("next/from"));
	(void)rmdir(tool_path("next"));
	tool_clean();
	return 0;
}

/* ---- asking ---- */

struct asking {
	struct exchange	 x;
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	bool		 done;
};

static void
on_done(struct exchange *x, void *arg)
{
	struct asking	*a = arg;

	(void)x;
	pthread_mutex_lock(&a->lock);
	a->done = true;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

void
lab_ask(struct scep_ask *q, const struct cert *to, const struct cert *by,
    struct scep_got *got)
{
	struct asking	 a = { .lock = PTHREAD_MUTEX_INITIALIZER,
	    .cond = PTHREAD_COND_INITIALIZER };

	q->txid = "t";
	q->nonce = bytes_str("sixteen octets..");
	q->to = to;
	q->digest = ALG_SHA256;
	q->suite = (struct cms_suite){ ALG_AES128_CBC, ALG_RSA_PKCS1, 0 };
	exchange_init(&a.x, lab.service);
	a.x.method = SERVICE_POST;
	a.x.path = "/e";
	a.x.done = on_done;
	a.x.arg = &a;
	lab_ok(scep_client_request(q, algs, &a.x.body, &lab.e));
	assert_int_equal(service_begin(lab.service, &a.x), SERVICE_LATER);
	pthread_mutex_lock(&a.lock);
	while (!a.done)
		pthread_cond_wait(&a.cond, &a.lock);
	pthread_mutex_unlock(&a.lock);
	if (a.x.status != 200)
		fail_msg("HTTP %d: %s", a.x.status, buf_cstr(&a.x.reply));
	lab_ok(scep_client_reply(buf_bytes(&a.x.reply), q, algs, by, got, &lab.e));
	exchange_clear(&a.x);
}

void
lab_csr(int type, const char *subject, const char *challenge,
    const struct key *key, const struct cert *cert, const struct cert *to,
    const struct cert *by, struct scep_got *got)
{
	struct csr	*r = tool_csr(lab.client_key, subject, NULL, challenge);
	struct scep_ask	 q = { .type = type, .content = r->der, .key = key,
	    .cert = cert };

	lab_ask(&q, to, by, got);
	csr_free(r);
}

void
lab_refused(const char *subject, const char *challenge,
    const struct cert *to, const struct cert *by)
{
	struct scep_got	 got;

	lab_csr(SCEP_PKCSREQ, subject, challenge, lab.client_key, lab.self,
	    to, by, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
}

void
lab_enroll(const struct cert *to, const struct cert *by,
    const struct cert *from, struct cert **out)
{
	struct scep_got	 got;

	lab_csr(SCEP_PKCSREQ, "/CN=device", SECRET, lab.client_key, lab.self, to, by,
	    &got);
	if (got.status != SCEP_SUCCESS)
		fail_msg("status %d, failInfo %d", got.status, got.failinfo);
	assert_int_equal(got.certs.n, 1);
	assert_true(bytes_eq(got.certs.v[0]->issuer, from->subject));
	if (out != NULL)
		lab_ok(cert_parse(got.certs.v[0]->der, out, &lab.e));
	scep_got_clear(&got);
}

int
lab_get(const char *path, const char *q, struct buf *out)
{
	struct exchange	 x;
	struct bytes	 b;
	int		 status;

	exchange_init(&x, lab.service);
	x.path = path;
	x.query = q;
	assert_int_equal(service_begin(lab.service, &x), SERVICE_NOW);
	status = x.status;
	b = x.lent.n > 0 ? x.lent : buf_bytes(&x.reply);
	if (out != NULL)
		assert_int_equal(buf_put(out, b.p, b.n), 0);
	exchange_clear(&x);
	return status;
}

void
lab_assert_shown(const struct cert *const *want, size_t n)
{
	struct buf	 b = BUF_INIT(65536);
	struct certs	 cs;

	assert_int_equal(lab_get("/e", "operation=GetCACert", &b), 200);
	lab_ok(cms_unbag(buf_bytes(&b), &cs, &lab.e));
	assert_int_equal(cs.n, n);
	for (size_t i = 0; i < n; i++)
		if (!bytes_eq(cs.v[i]->der, want[i]->der))
			fail_msg("%zu: %s", i, cs.v[i]->subject_text);
	certs_free(&cs);
	buf_wipe(&b);
}

