#include <openssl/pem.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"
#include "util/str.h"

#define TEXT(s)		{ (const uint8_t *)(s), sizeof(s) - 1 }

const struct craft_attr lab_attrs[3] = {
	{ OID_SCEP_MESSAGE_TYPE, TAG_PRINTABLE, TEXT("19") },
	{ OID_SCEP_TRANSACTION_ID, TAG_PRINTABLE, TEXT(LAB_TXID) },
	{ OID_SCEP_SENDER_NONCE, TAG_OCTETS, TEXT(LAB_NONCE) },
};

static void
must(int rc, const struct err *e)
{
	if (rc == -1)
		fail_msg("%s", err_text(e));
}

EVP_PKEY *
lab_pkey(const struct key *key)
{
	struct buf pem = BUF_INIT(65536);
	struct err e = { .reason = ERR_NONE };
	EVP_PKEY *pkey;
	BIO *bio;

	must(key_pem(key, &pem, &e), &e);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	assert_non_null(bio);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(pkey);
	BIO_free(bio);
	buf_wipe(&pem);
	return pkey;
}

void
lab_open(struct lab *l, const char *settings, int replay)
{
	struct err e = { .reason = ERR_NONE };

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	server_start(&l->server, settings, replay);
	must(algs_open(&l->algs, &e), &e);
	must(cert_load(server_path(&l->server, "ca/ra.pem"), &l->ra, &e), &e);
	must(key_generate("rsa:2048", &l->key, &e), &e);
	must(scep_client_self(l->key, "/CN=lab", time(NULL), &l->cert, &e),
	    &e);
	l->pkey = lab_pkey(l->key);
	l->signer = (struct craft_signer){
		.key = l->pkey, .cert = l->cert->x, .md = EVP_sha256()
	};
	buf_init(&l->csr, CRAFT_MAX);
	must(csr_make(l->key, "/CN=lab", "DNS:lab.example", SERVER_CHALLENGE,
	    &l->csr, &e), &e);
	craft_seal(buf_bytes(&l->csr), CRAFT_RSA, l->ra->x,
	    EVP_aes_128_cbc(), &l->sealed);
}

void
lab_close(struct lab *l)
{
	if (l->fd != -1)
		close(l->fd);
	server_stop(&l->server);
	buf_wipe(&l->csr);
	buf_wipe(&l->sealed);
	EVP_PKEY_free(l->pkey);
	cert_free(l->cert);
	key_free(l->key);
	cert_free(l->ra);
	algs_free(l->algs);
}

void
lab_mark(struct lab *l)
{
	l->log = server_log_end(&l->server);
	l->rows = server_rows(&l->server);
}

/* Whether an answer came. A connection that was kept may have ended since. */
static bool
try_exchange(struct lab *l, struct bytes request, struct http_answer *a)
{
	if (l->fd == -1)
		l->fd = http_open(l->server.port);
	if (l->fd == -1)
		fail_msg("scepd takes no connection");
	(void)http_send(l->fd, request);
	if (http_recv(l->fd, a) == -1 || http_has(a, "Connection: close")) {
		close(l->fd);
		l->fd = -1;
	}
	return a->status != 0;
}

void
lab_exchange(struct lab *l, struct bytes request, struct http_answer *a)
{
	bool kept = l->fd != -1;

	if (try_exchange(l, request, a))
		return;
	http_answer_clear(a);
	if (!kept || !try_exchange(l, request, a))
		fail_msg("no answer");
}

void
lab_reply(const struct lab *l, const char *name, const struct http_answer *a,
    struct scep_got *got)
{
	const struct scep_ask ask = {
		.nonce = bytes_str(LAB_NONCE), .key = l->key, .cert = l->cert
	};
	struct err e = { .reason = ERR_NONE };

	if (!http_has(a, "Content-Type: application/x-pki-message"))
		fail_msg("%s: %s", name, buf_cstr(&a->head));
	if (scep_client_reply(buf_bytes(&a->body), &ask, l->algs, l->ra, got,
	    &e) == -1)
		fail_msg("%s: reply: %s", name, err_text(&e));
}

void
lab_answer(const char *name, const struct http_answer *a, const char *type)
{
	char line[96];

	(void)snprintf(line, sizeof(line), "Content-Type: %s", type);
	if (a->status != 200 || !http_has_line(a, line))
		fail_msg("%s: %s", name, buf_cstr(&a->head));
	(void)snprintf(line, sizeof(line), "Content-Length: %zu", a->body.n);
	if (!http_has_line(a, line) ||
	    strstr(buf_cstr(&a->head), "Location") != NULL)
		fail_msg("%s: %s", name, buf_cstr(&a->head));
}

static void
check_reply(const struct lab *l, const char *name,
    const struct http_answer *a, const struct want *w)
{
	struct scep_got got;

	lab_reply(l, name, a, &got);
	if (got.status != (w->slug == NULL ? SCEP_SUCCESS : SCEP_FAILURE) ||
	    got.failinfo != w->failinfo)
		fail_msg("%s: pkiStatus %d, failInfo %d", name, got.status,
		    got.failinfo);
	if (!got.has_sender_nonce)
		fail_msg("%s: no senderNonce", name);
	if (w->slug == NULL && (got.certs.n != 1 ||
	    !key_matches(l->key, got.certs.v[0])))
		fail_msg("%s: not a certificate for the key", name);
	scep_got_clear(&got);
}

static void
check_log(const struct lab *l, const char *name, const char *slug)
{
	char *text = server_log_since(&l->server, l->log), what[64];
	size_t lines;

	(void)snprintf(what, sizeof(what), "%s%s%s ",
	    slug == NULL ? "outcome=issued" : "reason=", slug == NULL ? "" :
	    slug, "");
	/* A CRL is made when its time comes, not because of the request. */
	lines = server_lines(text, NULL) - server_lines(text, "event=crl ") -
	    server_lines(text, "event=audit_lost ");
	if (lines != 1 || server_lines(text, what) != 1)
		fail_msg("%s: log wants one line with %s: %s", name, what,
		    text);
	free(text);
}

static void
check_rows(const struct lab *l, const char *name, int more)
{
	struct server_rows now = server_rows(&l->server);

	if (now.txn != l->rows.txn + more ||
	    now.issued != l->rows.issued + more)
		fail_msg("%s: %d rows of txn, %d of issued", name,
		    (int)(now.txn - l->rows.txn),
		    (int)(now.issued - l->rows.issued));
}

void
lab_check(struct lab *l, const char *name, const struct http_answer *a,
    struct want w)
{
	if (a->status != w.http)
		fail_msg("%s: HTTP status %d, not %d: %s", name, a->status,
		    w.http, buf_cstr(&a->body));
	/* A refusal is in clear; SUCCESS is not looked into. */
	if (memmem(a->body.p, a->body.n, SERVER_CHALLENGE,
	    strlen(SERVER_CHALLENGE)) != NULL)
		fail_msg("%s: the challenge comes back", name);
	if (!http_has(a, "Cache-Control: no-store"))
		fail_msg("%s: a cache may keep it", name);
	if (w.http == 200)
		check_reply(l, name, a, &w);
	else if (!http_has(a, "Content-Type: text/plain") ||
	    a->body.n == 0 || a->body.p[a->body.n - 1] != '\n')
		fail_msg("%s: no line of text", name);
	check_log(l, name, w.slug);
	check_rows(l, name, w.slug == NULL);
}

void
lab_request(struct lab *l, const char *name, struct bytes request,
    struct want w)
{
	struct http_answer a;

	lab_mark(l);
	lab_exchange(l, request, &a);
	lab_check(l, name, &a, w);
	http_answer_clear(&a);
}

void
lab_post(struct lab *l, const char *name, struct bytes message,
    struct want w)
{
	struct buf request = BUF_INIT(LAB_REQUEST_MAX);

	http_put_post(&request, LAB_POST, message);
	lab_request(l, name, buf_bytes(&request), w);
	buf_wipe(&request);
}

void
lab_message(struct lab *l, struct buf *out)
{
	struct err e = { .reason = ERR_NONE };
	char txid[32];
	struct scep_ask ask = {
		.type = SCEP_PKCSREQ,
		.txid = txid,
		.nonce = bytes_str(LAB_NONCE),
		.content = buf_bytes(&l->csr),
		.key = l->key,
		.cert = l->cert,
		.to = l->ra,
		.digest = ALG_SHA256,
		.suite = { .cipher = ALG_AES128_CBC,
		    .transport = ALG_RSA_PKCS1 }
	};

	(void)snprintf(txid, sizeof(txid), "good-%u", ++l->n_good);
	buf_init(out, CMS_MAX_DER);
	must(scep_client_request(&ask, l->algs, out, &e), &e);
}

void
lab_base64(struct lab *l, struct buf *out)
{
	struct buf message;
	const char *text;

	do {
		buf_reset(out);
		lab_message(l, &message);
		assert_int_equal(str_base64(buf_bytes(&message), out), 0);
		buf_wipe(&message);
		text = buf_cstr(out);
	} while (strchr(text, '+') == NULL || strchr(text, '/') == NULL ||
	    strchr(text, '=') == NULL);
}

void
lab_good(struct lab *l)
{
	struct buf message;

	lab_message(l, &message);
	lab_post(l, "good request", buf_bytes(&message),
	    (struct want)WANT_ISSUED);
	buf_wipe(&message);
}

void
lab_sign(const struct lab *l, struct bytes content, struct buf *out)
{
	const struct craft c = {
		.content = content,
		.attrs = lab_attrs, .n_attrs = 3,
		.signers = &l->signer, .n_signers = 1
	};

	craft_sign(&c, out);
}

void
lab_wrap(const struct lab *l, struct bytes content, struct buf *out)
{
	struct buf sealed;

	craft_seal(content, CRAFT_RSA, l->ra->x, EVP_aes_128_cbc(), &sealed);
	lab_sign(l, buf_bytes(&sealed), out);
	buf_wipe(&sealed);
}
