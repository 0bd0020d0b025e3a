#include <sys/stat.h>
#include <unistd.h>

#include "ra_lab.h"
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

struct ra_lab		 ras;

void
ras_ok(int rc)
{
	lab_ok(rc, &ras.e);
}

/* ---- a service ---- */

int
ras_site(const char *endpoint, const char *issuer, const char *profile)
{
	struct buf	 b = BUF_INIT(8192);
	struct conf	*conf;
	int		 rc;

	assert_int_equal(buf_printf(&b, text, endpoint, issuer, profile), 0);
	(void)tool_file("scepd.conf", buf_bytes(&b), 0600);
	buf_wipe(&b);
	ras_ok(conf_load(tool_path("scepd.conf"), &conf, &ras.e));
	rc = site_open(conf, &ras.site, &ras.e);
	if (rc == -1)
		conf_free(conf);
	return rc;
}

void
ras_open(const char *endpoint, const char *issuer)
{
	ras_ok(ras_site(endpoint, issuer, ""));
	ras_ok(service_open(ras.site, &lab.service, &ras.e));
}

void
ras_reload(const char *endpoint, const char *issuer)
{
	ras_ok(ras_site(endpoint, issuer, ""));
	ras_ok(service_replace(lab.service, ras.site, &ras.e));
}

void
ras_restart(const char *endpoint, const char *issuer)
{
	lab_close();
	ras_open(endpoint, issuer);
}

struct face *
ras_face(void)
{
	return site_face(ras.site, &ras.site->endpoints[0]);
}

struct cert *
ras_shown(void)
{
	struct face	*f = ras_face();
	struct cert	*c;

	ras_ok(cert_parse(f->open[0].cert->der, &c, &ras.e));
	face_put(f);
	return c;
}

void
ras_tick(int64_t after)
{
	faces_tick(ras.site, lab.service->db, lab.service->ends,
	    lab.now + after);
}

long
ras_issued(void)
{
	return store_number("SELECT count(*) FROM issued WHERE role = 'ra'");
}

int
ras_begin(void **state)
{
	(void)state;
	err_clear(&ras.e);
	(void)unlink(tool_path("scepd.db"));
	lab.service = NULL;
	return 0;
}

/* ---- keys and files ---- */

struct cert *
ras_cert(const char *name, const struct key *k, unsigned ku, int64_t from,
    int64_t to)
{
	const struct order	 o = { .name = name, .key = k,
	    .issuer = &lab.ca, .ku = ku, .from = lab.now + from,
	    .to = lab.now + to };

	return tool_cert(&o);
}

void
ras_make(int64_t from, int64_t to)
{
	cert_free(lab.ra.cert);
	lab.ra.cert = ras_cert("RA", lab.ra.key, KU_RA, from, to);
	(void)tool_cert_file("ra.pem", lab.ra.cert);
}

void
ras_also(const char *name, const struct cert *c, const struct key *k)
{
	struct buf	 pem = BUF_INIT(FILE_MAX);

	ras_ok(cert_pem(c, &pem, &ras.e));
	ras_ok(key_pem(k, &pem, &ras.e));
	(void)tool_file(name, buf_bytes(&pem), 0600);
	buf_wipe(&pem);
}

void
ras_next(const struct who *w, int64_t from)
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
ras_setup(void **state)
{
	struct order	 o = { .ca = true, .ku = KU_CA, .spec = "ec:p256" };
	int		 rc;

	lab.end = 100 * DAY;
	rc = lab_setup(state);
	o.from = lab.now - 100 * DAY;
	o.to = lab.now + 400 * DAY;
	o.name = "CA 2";
	who_make(&ras.ca2, &o);
	o.spec = "rsa:2048";
	o.ku = KU_CA | KU_RA;
	o.name = "CA of both";
	who_make(&ras.both_ca, &o);
	o.name = "CA of both 2";
	who_make(&ras.both_ca2, &o);
	ras.enc_key = tool_key("rsa:2048");
	ras.old_key = tool_key("rsa:2048");
	ras_make(-DAY, 90 * DAY);
	ras.sign = ras_cert("RA sign", lab.ra.key, KU_SIGN, -DAY, 90 * DAY);
	ras.enc = ras_cert("RA enc", ras.enc_key, KU_ENC, -DAY, 90 * DAY);
	ras.old = ras_cert("old RA", ras.old_key, KU_RA, -DAY, 90 * DAY);
	(void)tool_key_file("enc.key", ras.enc_key);
	(void)tool_cert_file("sign.pem", ras.sign);
	(void)tool_cert_file("enc.pem", ras.enc);
	ras_also("old.pem", ras.old, ras.old_key);
	return rc;
}

int
ras_teardown(void **state)
{
	who_free(&ras.ca2);
	who_free(&ras.both_ca);
	who_free(&ras.both_ca2);
	key_free(ras.enc_key);
	key_free(ras.old_key);
	cert_free(ras.sign);
	cert_free(ras.enc);
	cert_free(ras.old);
	(void)unlink(tool_path("next/issuing.pem"));
	(void)unlink(tool_path("next/issuing.key"));
	(void)unlink(tool_path("next/from"));
	(void)rmdir(tool_path("next"));
	return lab_teardown(state);
}

/* ---- asking ---- */

void
ras_ask(struct scep_ask *q, const struct cert *to, const struct cert *by,
    struct scep_got *got)
{
	struct exchange	 x;

	q->to = to;
	lab_post("/e", q, &x);
	if (x.status != 200)
		fail_msg("HTTP %d: %s", x.status, buf_cstr(&x.reply));
	lab_read(&x, q, by, got);
	exchange_clear(&x);
}

void
ras_csr(int type, const char *subject, const char *challenge,
    const struct key *key, const struct cert *cert, const struct cert *to,
    const struct cert *by, struct scep_got *got)
{
	struct csr	*r = tool_csr(lab.device.key, subject, NULL,
	    challenge);
	struct scep_ask	 q = lab_question(type, &lab.device, "t", r->der);

	q.key = key;
	q.cert = cert;
	ras_ask(&q, to, by, got);
	csr_free(r);
}

void
ras_refused(const char *subject, const char *challenge,
    const struct cert *to, const struct cert *by)
{
	struct scep_got	 got;

	ras_csr(SCEP_PKCSREQ, subject, challenge, lab.device.key,
	    lab.device.cert, to, by, &got);
	assert_int_equal(got.status, SCEP_FAILURE);
	scep_got_clear(&got);
}

void
ras_enroll(const struct cert *to, const struct cert *by,
    const struct cert *from, struct cert **out)
{
	struct scep_got	 got;

	ras_csr(SCEP_PKCSREQ, "/CN=device", SECRET, lab.device.key,
	    lab.device.cert, to, by, &got);
	if (got.status != SCEP_SUCCESS)
		fail_msg("status %d, failInfo %d", got.status, got.failinfo);
	assert_int_equal(got.certs.n, 1);
	assert_true(bytes_eq(got.certs.v[0]->issuer, from->subject));
	if (out != NULL)
		ras_ok(cert_parse(got.certs.v[0]->der, out, &ras.e));
	scep_got_clear(&got);
}

int
ras_get(const char *path, const char *q, struct buf *out)
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
ras_assert_shown(const struct cert *const *want, size_t n)
{
	struct buf	 b = BUF_INIT(65536);
	struct certs	 cs;

	assert_int_equal(ras_get("/e", "operation=GetCACert", &b), 200);
	ras_ok(cms_unbag(buf_bytes(&b), &cs, &ras.e));
	assert_int_equal(cs.n, n);
	for (size_t i = 0; i < n; i++)
		if (!bytes_eq(cs.v[i]->der, want[i]->der))
			fail_msg("%zu: %s", i, cs.v[i]->subject_text);
	certs_free(&cs);
	buf_wipe(&b);
}

