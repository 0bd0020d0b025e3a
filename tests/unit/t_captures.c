/*
 * Requests that real clients sent, octet for octet, from the request line on:
 * tests/data/messages/live-*.http; where each came from is in live.txt beside
 * them, tests/tool/captures.sh recorded them.
 */
#include "pki_tool.h"

#include "http/target.h"
#include "scep/op.h"
#include "scep/wrap.h"
#include "util/file.h"

static struct algs		*algs, *legacy;
static struct cert		*ra;
static struct key		*key;
static struct cms_recipient	 us;

static void
read_data(const char *name, struct buf *out)
{
	const char	*top = getenv("srcdir");
	struct err	 e = ERR_INIT;
	char		 path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/data/messages/%s",
	    top != NULL ? top : ".", name);
	buf_init(out, FILE_MAX);
	if (file_read(path, out, &e) != 0)
		fail_msg("%s", err_text(&e));
}

static int
setup(void **state)
{
	char		 des[] = "des";
	char *const	 words[] = { des, NULL };
	struct err	 e = ERR_INIT;
	struct certs	 cs;
	struct buf	 b;

	(void)state;
	read_data("ra.pem", &b);
	assert_int_equal(certs_parse(buf_bytes(&b), &cs, &e), 0);
	ra = cs.v[0];
	free(cs.v);
	buf_wipe(&b);
	read_data("ra.key", &b);
	assert_int_equal(key_parse(buf_bytes(&b), bytes_make("", 0), &key,
	    &e), 0);
	buf_wipe(&b);
	us = (struct cms_recipient){ key, ra };
	assert_int_equal(algs_open(&algs, &e), 0);
	assert_int_equal(algs_open_with(words, NULL, &legacy, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cert_free(ra);
	key_free(key);
	algs_free(algs);
	algs_free(legacy);
	return 0;
}

/* A request as it came: the target, and what is behind the head. */
struct request {
	struct buf		 http;
	bool			 post;
	char			*target;
	struct scep_query	 query;
	struct buf		 message;
};

static void
read_request(const char *name, struct request *r)
{
	struct http_target	 t;
	struct err		 e = ERR_INIT;
	char			 file[64], *end, *body;

	(void)snprintf(file, sizeof(file), "live-%s.http", name);
	read_data(file, &r->http);
	assert_int_equal(buf_putc(&r->http, '\0'), 0);
	r->post = memcmp(r->http.p, "POST ", 5) == 0;
	r->target = (char *)r->http.p + (r->post ? 5 : 4);
	end = strstr(r->target, " HTTP/1.");
	body = strstr(r->target, "\r\n\r\n");
	if (end == NULL || body == NULL)
		fail_msg("%s: no request", name);
	*end = '\0';
	body += 4;
	buf_init(&r->message, CMS_MAX_DER);
	if (http_target_parse(r->target, &t, &e) != 0 ||
	    scep_query_parse(t.query, r->post, CMS_MAX_DER, &r->query,
	    &e) != 0)
		fail_msg("%s: %s", name, err_text(&e));
	assert_string_equal(t.path, "/scep");
	if (r->query.op == SCEP_OP_PKI && scep_message(bytes_make(body,
	    (size_t)((char *)r->http.p + r->http.n - 1 - body)), &r->query,
	    &r->message, &e) != 0)
		fail_msg("%s: %s", name, err_text(&e));
}

static void
request_clear(struct request *r)
{
	scep_query_clear(&r->query);
	buf_wipe(&r->message);
	buf_wipe(&r->http);
}

static void
test_questions(void **state)
{
	static const struct {
		const char	*name;
		enum scep_op	 op;
	} rows[] = {
		{ "strongswan-caps", SCEP_OP_CAPS },
		{ "strongswan-cacert", SCEP_OP_CACERT },
		{ "scepclient-caps", SCEP_OP_CAPS },
		{ "scepclient-cacert", SCEP_OP_CACERT },
		{ "certmonger-caps", SCEP_OP_CAPS },
		{ "certmonger-cacert", SCEP_OP_CACERT },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct request	 r;

		read_request(rows[i].name, &r);
		assert_false(r.post);
		assert_int_equal(r.query.op, rows[i].op);
		request_clear(&r);
	}
}

enum client { SWAN, MDM, MONGER };

/* What is the same in all that a client sends. */
static const struct habits {
	bool		 post;
	enum alg	 digest, signature, cipher;
	size_t		 txid[2];	/* its length, from and to */
	const char	*subject;
	const char	*san;
	const char	*self;		/* subject of what it signs itself */
} habits[] = {
	[SWAN] = { true, ALG_SHA256, ALG_RSA_SHA256, ALG_AES128_CBC,
	    { 40, 40 }, "CN=device,O=Test,C=DE", "device.example",
	    "CN=device,O=Test,C=DE" },
	[MDM] = { true, ALG_SHA1, ALG_RSA_SHA1, ALG_DES_CBC, { 28, 28 },
	    "CN=device,OU=MDM,O=scep-client,C=US", NULL,
	    "CN=SCEP SIGNER,O=scep-client" },
	[MONGER] = { false, ALG_SHA256, ALG_RSA, ALG_AES256_CBC, { 70, 80 },
	    "CN=device", "device.example", "CN=device" },
};

static const struct row {
	const char	*name;
	enum client	 client;
	enum scep_type	 type;
	bool		 renews;	/* signed with what the CA issued */
	bool		 same_key;	/* as in the request */
	size_t		 challenge;	/* 0: none */
} rows[] = {
	{ "strongswan-enroll", SWAN, SCEP_PKCSREQ, false, true, 16 },
	{ "strongswan-pending", SWAN, SCEP_PKCSREQ, false, true, 16 },
	{ "strongswan-renew", SWAN, SCEP_RENEWALREQ, true, false, 0 },
	{ "strongswan-renew-pkcsreq", SWAN, SCEP_PKCSREQ, true, false, 0 },
	{ "scepclient-enroll", MDM, SCEP_PKCSREQ, false, true, 16 },
	{ "scepclient-renew", MDM, SCEP_RENEWALREQ, true, true, 16 },
	{ "certmonger-enroll", MONGER, SCEP_PKCSREQ, false, true, 16 },
	{ "certmonger-renew", MONGER, SCEP_PKCSREQ, true, true, 16 },
	{ "certmonger-rekey", MONGER, SCEP_PKCSREQ, true, false, 16 },
};

static void
check_message(const struct row *r, const struct scep_msg *m)
{
	const struct habits	*h = &habits[r->client];
	const struct cert	*s = m->cms.signer;

	if (m->type != (int)r->type || m->n_nonce != SCEP_NONCE_LEN ||
	    m->cms.digest != h->digest || m->cms.signature != h->signature ||
	    strlen(m->txid) < h->txid[0] || strlen(m->txid) > h->txid[1])
		fail_msg("%s: type %d, txid %s, nonce of %zu, %s, %s",
		    r->name, m->type, m->txid, m->n_nonce,
		    alg_name(m->cms.digest), alg_name(m->cms.signature));
	assert_int_equal(s->key.type, KEY_RSA);
	assert_int_equal(s->key.bits, 2048);
	assert_string_equal(s->subject_text, r->renews ? h->subject :
	    h->self);
	assert_int_equal(s->self_issued, !r->renews);
	if (r->renews)
		assert_true(bytes_eq(s->issuer, ra->issuer));
}

static void
check_request(const struct row *r, const struct scep_msg *m,
    const struct csr *csr)
{
	const struct habits	*h = &habits[r->client];
	struct err		 e = ERR_INIT;

	assert_string_equal(csr->subject_text, h->subject);
	assert_int_equal(csr->sans.n, h->san != NULL);
	if (h->san != NULL)
		assert_string_equal(csr->sans.v[0].text, h->san);
	assert_int_equal(csr->has_challenge, r->challenge > 0);
	assert_int_equal(csr->challenge.n, r->challenge);
	if (r->challenge > 0)
		assert_memory_equal(csr->challenge.p, "8CE317021F690069",
		    r->challenge);
	assert_int_equal(memcmp(csr->key.spki_hash,
	    m->cms.signer->key.spki_hash, PKI_HASH) == 0, r->same_key);
	if (csr_verify(csr, &e) != 0)
		fail_msg("%s: %s", r->name, err_text(&e));
}

/* Nothing here asks what day it is. */
static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const struct habits	*h = &habits[rows[i].client];
		const struct algs	*as = h->cipher == ALG_DES_CBC ?
					    legacy : algs;
		struct err		 e = ERR_INIT;
		struct cms_suite	 suite = { .cipher = ALG_NONE };
		struct csr		*csr = NULL;
		struct scep_msg		 m;
		struct request		 r;

		read_request(rows[i].name, &r);
		assert_int_equal(r.post, h->post);
		if (scep_decode(buf_bytes(&r.message), as, &m, &e) != 0 ||
		    scep_unwrap(&m, &us, 1, as, &csr, &suite, &e) != 0)
			fail_msg("%s: %s", rows[i].name, err_text(&e));
		check_message(&rows[i], &m);
		check_request(&rows[i], &m, csr);
		assert_int_equal(suite.cipher, h->cipher);
		assert_int_equal(suite.transport, ALG_RSA_PKCS1);
		csr_free(csr);
		scep_msg_clear(&m);
		request_clear(&r);
	}
}

/* The poll that follows a request is of its transaction and of its signer. */
static void
test_poll(void **state)
{
	struct err		 e = ERR_INIT;
	struct cms_suite	 suite = { .cipher = ALG_NONE };
	struct scep_msg		 first, poll;
	struct request		 a, b;

	(void)state;
	read_request("strongswan-pending", &a);
	read_request("strongswan-poll", &b);
	if (scep_decode(buf_bytes(&a.message), algs, &first, &e) != 0 ||
	    scep_decode(buf_bytes(&b.message), algs, &poll, &e) != 0 ||
	    scep_unwrap_poll(&poll, &us, 1, algs, &suite, &e) != 0)
		fail_msg("%s", err_text(&e));
	assert_int_equal(poll.type, SCEP_CERTPOLL);
	assert_string_equal(poll.txid, first.txid);
	assert_memory_equal(poll.cms.signer->key.spki_hash,
	    first.cms.signer->key.spki_hash, PKI_HASH);
	assert_int_equal(suite.cipher, ALG_AES128_CBC);
	scep_msg_clear(&first);
	scep_msg_clear(&poll);
	request_clear(&a);
	request_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_poll),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
