/*
 * What policy granted, as programs that issue are told it: the manual promises
 * these variables. All values are text without NULs, none is a secret.
 */
#include <time.h>

#include "issuer/issuer_int.h"
#include "render/pki.h"
#include "util/str.h"

#define VERSION		1	/* of the members of SCEPD_PLAN */
#define TEXT_MAX	(1024u * 1024)
#define DAY		86400

/* ---- SCEPD_PLAN ---- */

static struct json *
describe_template(const struct cert_plan *p)
{
	struct json *d = json_new_object();

	json_add_str(d, "oid", p->template_oid);
	json_add_int(d, "major", p->template_major);
	json_add_int(d, "minor", p->template_minor);
	return d;
}

static struct json *
list_extras(const struct cert_plan *p)
{
	struct json *a = json_new_array(), *d;
	struct buf der = BUF_INIT(TEXT_MAX);
	size_t i;

	for (i = 0; i < p->n_extras; i++) {
		buf_reset(&der);
		d = json_new_object();
		json_add_str(d, "oid", p->extras[i].oid);
		json_add_bool(d, "critical", p->extras[i].critical);
		if (str_base64(p->extras[i].der, &der) == 0)
			json_add_str(d, "der", buf_cstr(&der));
		json_add_take(a, NULL, d);
	}
	buf_wipe(&der);
	return a;
}

static int
put_plan(const struct issuer_request *r, const struct sans *sans,
    const char *serial, struct buf *out, struct err *e)
{
	struct json *d = json_new_object();
	const struct cert_plan *p = r->plan;
	struct buf subject = BUF_INIT(TEXT_MAX);
	int rc = name_show(p->subject, &subject, e);

	json_add_int(d, "version", VERSION);
	json_add_str(d, "profile", r->profile);
	json_add_str(d, "serial", serial);
	json_add_bytes(d, "subject", buf_bytes(&subject));
	json_add_take(d, "sans", json_new_sans(sans));
	json_add_time(d, "not_before", p->not_before);
	json_add_time(d, "not_after", p->not_after);
	json_add_take(d, "key", json_new_key(&r->csr->key));
	json_add_take(d, "ku", json_new_ku(p->ku));
	json_add_take(d, "eku", json_new_words(p->eku));
	json_add_take(d, "crl_urls", json_new_words(p->crl_urls));
	json_add_take(d, "ca_issuers_urls", json_new_words(p->ca_issuers_urls));
	json_add_take(d, "ocsp_urls", json_new_words(p->ocsp_urls));
	if (p->template_oid != NULL && *p->template_oid != '\0')
		json_add_take(d, "template", describe_template(p));
	else
		json_add_str(d, "template", NULL);
	json_add_str(d, "sid", p->sid);
	json_add_take(d, "extensions", list_extras(p));
	if (rc == 0)
		rc = json_print(d, JSON_LINE, out, e);
	json_free(d);
	buf_wipe(&subject);
	return rc;
}

/* ---- the others ---- */

/* As options of OpenSSL's programs take it. */
static int
put_time(int64_t when, struct buf *out)
{
	time_t t = (time_t)when;
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) == 0)
		return -1;
	return buf_puts(out, text);
}

static int64_t
whole_days(const struct issuer_request *r)
{
	int64_t left = r->plan->not_after - r->now;

	return left < 0 ? 0 : left / DAY;
}

static void
add(struct granted *g, const char *name, const char *value)
{
	g->env[g->n++] = (struct command_env){ name, value };
}

/* The text of the variable that comes next. */
static struct buf *
text(struct granted *g)
{
	buf_init(&g->text[g->n], TEXT_MAX);
	return &g->text[g->n];
}

static void
add_text(struct granted *g, const char *name)
{
	add(g, name, buf_cstr(&g->text[g->n]));
}

static int
add_short(const struct issuer_request *r, const char *serial,
    struct granted *g)
{
	add(g, "SCEPD_ENDPOINT", r->endpoint);
	add(g, "SCEPD_PROFILE", r->profile);
	add(g, "SCEPD_TRANSACTION_ID", r->txid);
	add(g, "SCEPD_PEER", r->peer);
	if (buf_puts(text(g), serial) == -1)
		return -1;
	add_text(g, "SCEPD_SERIAL");
	if (put_time(r->plan->not_before, text(g)) == -1)
		return -1;
	add_text(g, "SCEPD_NOT_BEFORE");
	if (put_time(r->plan->not_after, text(g)) == -1)
		return -1;
	add_text(g, "SCEPD_NOT_AFTER");
	if (buf_printf(text(g), "%lld", (long long)whole_days(r)) == -1)
		return -1;
	add_text(g, "SCEPD_DAYS");
	return 0;
}

static int
add_long(const struct issuer_request *r, const struct cert *ca,
    const struct sans *sans, const char *serial, struct granted *g,
    struct err *e)
{
	if (name_slashes(r->plan->subject, text(g), e) == -1)
		return -1;
	add_text(g, "SCEPD_SUBJECT");
	if (sans_put(sans, "\n", text(g)) == -1)
		return -1;
	add_text(g, "SCEPD_SANS");
	if (cert_plan_lines(r->plan, ca, text(g), e) == -1)
		return -1;
	add_text(g, "SCEPD_EXTENSIONS");
	if (put_plan(r, sans, serial, text(g), e) == -1)
		return -1;
	add_text(g, "SCEPD_PLAN");
	return 0;
}

int
granted_make(const struct issuer_request *r, const struct cert *ca,
    struct granted *g, struct err *e)
{
	char serial[2 * PKI_SERIAL_MAX + 1];
	struct sans sans;
	int rc = -1;

	if (cert_plan_sans(r->plan, &sans, e) == -1)
		return -1;
	str_hex(r->plan->serial, serial);
	if (add_short(r, serial, g) == 0 &&
	    add_long(r, ca, &sans, serial, g, e) == 0)
		rc = 0;
	else
		err_set(e, ERR_MEMORY, "what was granted");
	sans_free(&sans);
	return rc;
}

void
granted_clear(struct granted *g)
{
	size_t i;

	for (i = 0; i < GRANTED_MAX; i++)
		buf_wipe(&g->text[i]);
}
