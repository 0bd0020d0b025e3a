/*
 * A server that validates: the message is posted to it, the verdict is in the
 * JSON of an answer with status 200; any other answer is trouble.
 *
 * With auth = "hmac" each message carries its time and HMAC-SHA-256 over
 * TIME "." BODY, so that the server knows who says it and that it is new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/fetch.h"
#include "pki/key.h"
#include "pki/secret.h"
#include "util/file.h"
#include "util/str.h"
#include "validator/validator_int.h"

#define SECRET_MIN	16
#define SECRET_MAX	1024
#define HEADER_MAX	(SECRET_MAX + 64)

struct webhook {
	const struct conf_validator	*conf;
	struct buf			 secret;
	struct buf			 ca;
	struct buf			 cert;
	struct buf			 key;
};

static void
webhook_close(void *self)
{
	struct webhook *h = self;

	buf_wipe(&h->secret);
	buf_wipe(&h->ca);
	buf_wipe(&h->cert);
	buf_wipe(&h->key);
	free(h);
}

/* It stands in a header, so it is printable ASCII in one piece. */
static int
read_secret(struct webhook *h, struct err *e)
{
	const char *file = h->conf->secret_file;
	size_t i;

	if (file_read_secret(file, &h->secret, e) == -1)
		return -1;
	if (h->secret.n < SECRET_MIN) {
		err_set(e, ERR_FILE, "%s: the secret is shorter than %d "
		    "characters; make one with: openssl rand -hex 32", file,
		    SECRET_MIN);
		return -1;
	}
	for (i = 0; i < h->secret.n; i++)
		if (h->secret.p[i] <= ' ' || h->secret.p[i] > '~') {
			err_set(e, ERR_FILE, "%s: the secret has a blank or a "
			    "character that is not ASCII; make one with: "
			    "openssl rand -hex 32", file);
			return -1;
		}
	return 0;
}

/* The text of a file whose certificates were seen to be some. */
static int
read_certs(const char *file, struct buf *pem, struct err *e)
{
	struct certs cs = { .v = NULL, .n = 0 };
	size_t i;
	int rc = 0;

	if (certs_load(file, &cs, e) == -1)
		return -1;
	for (i = 0; rc == 0 && i < cs.n; i++)
		rc = cert_pem(cs.v[i], pem, e);
	certs_free(&cs);
	return rc;
}

static int
read_client(struct webhook *h, struct err *e)
{
	struct key *key = NULL;
	struct certs cs = { .v = NULL, .n = 0 };
	int rc = -1;

	if (certs_load(h->conf->client_cert, &cs, e) == -1 ||
	    key_load(h->conf->client_key, NULL, &key, e) == -1)
		goto out;
	if (!key_matches(key, cs.v[0])) {
		err_set(e, ERR_KEY_FILE, "%s: is not the key of %s; name the "
		    "two that belong together", h->conf->client_key,
		    h->conf->client_cert);
		goto out;
	}
	if (read_certs(h->conf->client_cert, &h->cert, e) == 0 &&
	    key_pem(key, &h->key, e) == 0)
		rc = 0;
out:
	key_free(key);
	certs_free(&cs);
	return rc;
}

static int
webhook_open(const struct conf_validator *c, void **self, struct err *e)
{
	struct webhook *h;

	if (fetch_check(c->url, e) == -1) {
		err_prefix(e, "url \"%.200s\"", c->url);
		return -1;
	}
	if ((h = calloc(1, sizeof(*h))) == NULL) {
		err_set(e, ERR_MEMORY, "validator");
		return -1;
	}
	h->conf = c;
	buf_init(&h->secret, SECRET_MAX);
	buf_init(&h->ca, FILE_MAX);
	buf_init(&h->cert, FILE_MAX);
	buf_init(&h->key, FILE_MAX);
	if (read_secret(h, e) == -1 || (*c->ca_file != '\0' &&
	    read_certs(c->ca_file, &h->ca, e) == -1) ||
	    (*c->client_cert != '\0' && read_client(h, e) == -1)) {
		webhook_close(h);
		return -1;
	}
	*self = h;
	return 0;
}

/* HMAC-SHA-256 over TIME "." BODY, in hex. */
static int
sign(const struct webhook *h, const char *time, struct bytes body,
    char hex[2 * SECRET_MAC + 1], struct err *e)
{
	struct buf text = BUF_INIT(body.n + 32);
	uint8_t mac[SECRET_MAC];
	int rc = -1;

	if (buf_printf(&text, "%s.", time) == -1 ||
	    buf_put(&text, body.p, body.n) == -1)
		err_set(e, ERR_MEMORY, "signature");
	else if (secret_hmac(buf_bytes(&h->secret), buf_bytes(&text), mac,
	    e) == 0) {
		str_hex(bytes_make(mac, sizeof(mac)), hex);
		rc = 0;
	}
	buf_wipe(&text);
	return rc;
}

struct headers {
	char	time[64];
	char	proof[HEADER_MAX];
};

static int
make_headers(const struct webhook *h, const struct validator_message *m,
    struct headers *to, struct err *e)
{
	char hex[2 * SECRET_MAC + 1], time[32];

	(void)snprintf(time, sizeof(time), "%lld", (long long)m->now);
	(void)snprintf(to->time, sizeof(to->time), "X-Scepd-Timestamp: %s",
	    time);
	if (h->conf->auth == CONF_AUTH_BEARER) {
		(void)snprintf(to->proof, sizeof(to->proof),
		    "Authorization: Bearer %s", buf_cstr(&h->secret));
		return 0;
	}
	if (sign(h, time, m->json, hex, e) == -1)
		return -1;
	(void)snprintf(to->proof, sizeof(to->proof),
	    "X-Scepd-Signature: v1=%s", hex);
	return 0;
}

static int
post(const struct webhook *h, const struct validator_message *m,
    struct buf *answer, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	struct headers hs;
	const struct fetch f = {
		.url = h->conf->url,
		.headers = { "Content-Type: application/json",
		    "Accept: application/json", "User-Agent: scepd",
		    hs.time, hs.proof },
		.post = m->json, .ca = buf_bytes(&h->ca),
		.client_cert = buf_bytes(&h->cert),
		.client_key = buf_bytes(&h->key),
		.proxy = h->conf->proxy,
		.timeout_ms = m->max_ms > 0 &&
		    m->max_ms < h->conf->timeout * 1000 ? m->max_ms :
		    (int)h->conf->timeout * 1000,
		.stop = m->stop,
	};
	int rc;

	if (make_headers(h, m, &hs, e) == -1)
		return -1;
	rc = fetch_run(&f, answer, &why);
	explicit_bzero(&hs, sizeof(hs));
	if (rc == -1)
		err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
		    ERR_VALIDATOR, "%.200s: %s: %s", h->conf->url,
		    err_slug(why.reason), why.text);
	return rc;
}

static int
webhook_ask(void *self, const struct validator_message *m, struct answer *out,
    struct err *e)
{
	struct buf text = BUF_INIT(ANSWER_MAX);
	const struct webhook *h = self;
	int rc;

	rc = post(h, m, &text, e);
	if (rc == 0 && (rc = answer_read(buf_bytes(&text),
	    ANSWER_WITH_VERDICT, out, e)) == -1)
		err_prefix(e, "%.200s", h->conf->url);
	buf_wipe(&text);
	return rc;
}

static int
webhook_tell(void *self, const struct validator_message *m, struct err *e)
{
	struct buf text = BUF_INIT(ANSWER_MAX);
	int rc;

	rc = post(self, m, &text, e);
	buf_wipe(&text);
	return rc;
}

const struct validator_ops validator_webhook = {
	.open = webhook_open,
	.ask = webhook_ask,
	.tell = webhook_tell,
	.close = webhook_close,
};
