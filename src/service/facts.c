/*
 * What validators are told, as JSON: the manual promises these members.
 */
#include "render/pki.h"
#include "service/validate_int.h"

#define VERSION		1	/* of the members below */
#define PEM_MAX		(2 * CSR_MAX_DER)

static struct json *
begin_for(const char *event, const char *endpoint, const char *txid,
    const char *peer)
{
	struct json *d = json_new_object();

	json_add_int(d, "version", VERSION);
	json_add_str(d, "event", event);
	json_add_str(d, "endpoint", endpoint);
	json_add_str(d, "transaction_id", txid);
	json_add_str(d, "peer", peer);
	return d;
}

static struct json *
begin(const struct work *w, const char *event)
{
	return begin_for(event, w->se->conf->name, w->msg.txid, w->x->peer);
}

static void
add_hex(struct json *d, const char *key, struct bytes b)
{
	char hex[CERT_HEX_MAX];

	cert_hex(b, hex);
	json_add_str(d, key, hex);
}

static void
add_text(struct json *d, const char *key, const char *text)
{
	json_add_str(d, key, *text == '\0' ? NULL : text);
}

static struct json *
describe_signer(const struct work *w)
{
	const struct cert *c = w->msg.cms.signer;
	struct json *d = json_new_object();
	char sid[SID_TEXT];

	json_add_str(d, "subject", c->subject_text);
	add_hex(d, "serial", c->serial);
	cert_sid(c, sid);
	add_text(d, "sid", sid);
	json_add_bool(d, "issued_here", w->old != NULL);
	json_add_take(d, "key", json_new_key(&c->key));
	return d;
}

static struct json *
list_oids(const char v[][CSR_OID], size_t n)
{
	struct json *a = json_new_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_add_str(a, NULL, v[i]);
	return a;
}

static struct json *
list_sid_uris(const struct sans *sans)
{
	struct json *a = json_new_array();
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (sans->v[i].kind == SAN_SID)
			json_add_str(a, NULL, sans->v[i].text);
	return a;
}

/* What is asked for beside names, whether the profile grants it or not. */
static struct json *
describe_asked(const struct csr *r)
{
	const struct csr_asked *a = &r->asked;
	struct json *d = json_new_object();

	add_text(d, "sid", a->sid);
	json_add_take(d, "sid_uris", list_sid_uris(&r->sans));
	add_text(d, "template_oid", a->template_oid);
	add_text(d, "template_name", a->template_name);
	json_add_take(d, "ku", json_new_ku(a->ku));
	json_add_take(d, "eku", list_oids(a->eku, a->n_eku));
	json_add_bool(d, "ca", a->ca);
	json_add_take(d, "extensions", list_oids(a->other, a->n_other));
	return d;
}

/* The secret itself only where the validator is to judge it. */
static void
add_challenge(struct json *d, const struct work *w)
{
	if (validate_instead(w) &&
	    validate_presented(w) != POLICY_CHALLENGE_ABSENT)
		json_add_bytes(d, "challenge", buf_bytes(&w->csr->challenge));
	else
		json_add_str(d, "challenge", NULL);
	json_add_str(d, "challenge_name", w->verdict.spends ?
	    w->challenge.name : NULL);
	json_add_facts(d, "challenge_facts", w->verdict.spends &&
	    w->challenge.limits.facts != NULL ? w->challenge.limits.facts :
	    "");
}

/* PEM at the end: what comes before it can be read by people. */
static int
end(struct json *d, const char *key, int made, struct buf *pem,
    struct buf *out, struct err *e)
{
	int rc = -1;

	if (made == 0) {
		json_add_bytes(d, key, buf_bytes(pem));
		rc = json_print(d, JSON_LINE, out, e);
	}
	json_free(d);
	buf_wipe(pem);
	return rc;
}

int
facts_request(const struct work *w, struct buf *out, struct err *e)
{
	struct buf pem = BUF_INIT(PEM_MAX);
	struct json *d = begin(w, "request");

	json_add_str(d, "message_type", scep_type_name(w->msg.type));
	json_add_bool(d, "renewal", w->verdict.renews);
	json_add_str(d, "subject", w->csr->subject_text);
	json_add_take(d, "sans", json_new_sans(&w->csr->sans));
	json_add_take(d, "asked", describe_asked(w->csr));
	json_add_take(d, "key", json_new_key(&w->csr->key));
	json_add_take(d, "signer", describe_signer(w));
	json_add_str(d, "profile", w->verdict.profile->name);
	add_challenge(d, w);
	return end(d, "csr", csr_pem(w->csr, &pem, e), &pem, out, e);
}

static int
end_badly(struct json *d, enum err_reason reason, struct buf *out,
    struct err *e)
{
	int rc;

	json_add_str(d, "outcome", err_failinfo(reason) == FAIL_TROUBLE ?
	    "failed" : "refused");
	json_add_str(d, "reason", err_slug(reason));
	rc = json_print(d, JSON_LINE, out, e);
	json_free(d);
	return rc;
}

int
facts_end(const struct waiting_end *end, struct buf *out, struct err *e)
{
	return end_badly(begin_for("outcome", end->endpoint, end->txid,
	    end->peer), end->expired ? ERR_PENDING_EXPIRED : ERR_REJECTED,
	    out, e);
}

int
facts_outcome(const struct work *w, const struct err *failed, struct buf *out,
    struct err *e)
{
	struct buf pem = BUF_INIT(PEM_MAX);
	struct json *d = begin(w, "outcome");

	if (!w->recorded)
		return end_badly(d, failed->reason, out, e);
	json_add_str(d, "outcome", "issued");
	json_add_str(d, "reason", NULL);
	add_hex(d, "serial", w->cert->serial);
	json_add_str(d, "subject", w->cert->subject_text);
	json_add_time(d, "not_after", w->cert->not_after);
	return end(d, "certificate", cert_pem(w->cert, &pem, e), &pem, out, e);
}
