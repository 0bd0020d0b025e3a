/*
 * The ways of GetCert and GetCRL (RFC 8894, 2.6 and 2.7). Both tell what is
 * public, so that nobody needs a challenge; they never wait, and are looked up
 * anew each time: clients ask under one constant transactionID.
 */
#include <string.h>

#include "service/pipeline_int.h"
#include "util/str.h"

static int
step_unwrap(struct work *w, struct err *e)
{
	const struct cms_recipient us = { w->se->key, w->se->cert };

	w->outcome = "found";
	return scep_unwrap_ias(&w->msg, &us, 1, w->se->algs, &w->plain,
	    &w->ias, &w->suite, e);
}

/* Only this endpoint's CA is known here. */
static int
step_identify(struct work *w, struct err *e)
{
	if (ias_issued_by(&w->ias, issuer_ca(w->se->issuer)))
		return 0;
	err_set(e, ERR_CERT_ID, "of another issuer");
	return -1;
}

struct search {
	const struct site_ca	*ca;
	struct cert		*cert;
	struct err		*e;
};

/* Other issuers may have used the serial number; a CA behind a program may
 * write its name in other ways. */
static int
on_row(const struct issued *row, void *arg)
{
	struct search *s = arg;

	if (s->cert != NULL || (memcmp(row->issuer_hash, s->ca->name_hash,
	    ISSUED_HASH) != 0 && strcmp(row->issuer, s->ca->conf->name) != 0))
		return 0;
	return cert_parse(row->der, &s->cert, s->e);
}

static int
step_find(struct work *w, struct err *e)
{
	struct issued_filter f = { .serial = w->ias.serial };
	struct search s = { .ca = w->se->ca, .e = e };
	char hex[2 * PKI_SERIAL_MAX + 1];
	int rc = issued_each(w->s->db, &f, on_row, &s, e);

	w->cert = s.cert;
	if (rc != 0 || w->cert != NULL)
		return rc == 0 ? 0 : -1;
	str_hex(w->ias.serial, hex);
	err_set(e, ERR_CERT_ID, "serial number %s", hex);
	return -1;
}

static int
step_crl(struct work *w, struct err *e)
{
	if ((w->crl = crls_get(w->s->crls, w->se->ca)) != NULL)
		return 0;
	err_set(e, ERR_NO_CRL, "issuer %s", w->se->ca->conf->name);
	return -1;
}

static int
step_wrap_crl(struct work *w, struct err *e)
{
	struct bytes crl = buf_bytes(&w->crl->content);
	struct scep_reply r;

	if (work_reply(w, &r, e) == -1)
		return -1;
	w->reply.max += crl.n;
	return scep_wrap_crl(&r, w->suite, crl, &w->reply, e);
}

const struct step flow_getcert[] = {
	{ "unwrap",   step_unwrap   },
	{ "identify", step_identify },
	{ "find",     step_find     },
	{ "wrap",     step_wrap     },
	{ NULL,       NULL          },
};

const struct step flow_getcrl[] = {
	{ "unwrap",   step_unwrap   },
	{ "identify", step_identify },
	{ "crl",      step_crl      },
	{ "wrap",     step_wrap_crl },
	{ NULL,       NULL          },
};
