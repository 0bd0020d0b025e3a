/*
 * The ways of GetCert and GetCRL (RFC 8894, 2.6 and 2.7). Both tell what is
 * public, so that nobody needs a challenge; they never wait, and are looked up
 * anew each time: clients ask under one constant transactionID.
 */
#include "issuer/issuer.h"
#include "pki/chain.h"
#include "service/pipeline_int.h"
#include "site/crls.h"
#include "site/face.h"
#include "util/str.h"

/* Only this endpoint's CAs are known here. */
static void
find_ca(struct work *w)
{
	const struct face_gen *g;
	size_t i;

	w->unknown = true;
	w->ca = w->face->gens[0].ca;
	for (i = 0; w->unknown && i < w->face->n_gens; i++) {
		g = &w->face->gens[i];
		w->unknown = !ias_issued_by(&w->ias,
		    issuer_ca(g->ca->issuer));
		if (!w->unknown)
			w->ca = g->ca;
	}
}

/*
 * Whether the envelope opened, what it says, whether we know it: all that is
 * told with one answer after the same steps, or whoever captured an envelope
 * could decrypt it by asking. w->unknown remembers.
 */
static int
step_unwrap(struct work *w, struct err *e)
{
	struct err why = { .reason = ERR_NONE };

	w->outcome = "found";
	if (scep_unwrap_ias(&w->msg, w->face->open, w->face->n_ways,
	    w->se->algs, &w->plain, &w->ias, &w->suite, &why) == 0) {
		find_ca(w);
		return 0;
	}
	if (why.reason != ERR_CERT_ID) {
		err_set(e, why.reason, "%s", why.text);
		return -1;
	}
	w->unknown = true;
	w->ca = w->face->gens[0].ca;
	w->ias.serial = bytes_str("?");
	return 0;
}

static int
refuse_unknown(const struct work *w, struct err *e)
{
	char hex[2 * PKI_SERIAL_MAX + 1];

	str_hex(w->ias.serial, hex);
	err_set(e, ERR_CERT_ID, "serial number %s", hex);
	return -1;
}

struct search {
	const struct site_ca	*ca;
	struct cert		*cert;
	struct err		*e;
};

/* Other CAs may have used the serial number, also one that had the name of this
 * one; and one behind a program may write its name in other ways. */
static int
on_row(const struct issued *row, void *arg)
{
	struct err why = { .reason = ERR_NONE };
	struct search *s = arg;
	struct cert *c;

	if (s->cert != NULL)
		return 0;
	if (cert_parse(row->der, &c, s->e) == -1)
		return -1;
	if (chain_link(c, issuer_ca(s->ca->issuer), &why) == 0)
		s->cert = c;
	else
		cert_free(c);
	return 0;
}

static int
step_find(struct work *w, struct err *e)
{
	struct issued_filter f = { .serial = w->ias.serial };
	struct search s = { .ca = w->ca, .e = e };
	int rc = issued_each(w->s->db, &f, on_row, &s, e);

	w->cert = s.cert;
	if (rc != 0)
		return -1;
	return w->cert == NULL || w->unknown ? refuse_unknown(w, e) : 0;
}

/* Whether there is a CRL at all is no secret. */
static int
step_crl(struct work *w, struct err *e)
{
	w->ca = w->face->gens[0].ca;
	if ((w->crl = crls_get(w->s->crls, w->ca)) != NULL)
		return 0;
	err_set(e, ERR_NO_CRL, "issuer %s", w->ca->conf->name);
	return -1;
}

/* Asked for the CRL of another CA than the current one: of one that we know? */
static int
step_known(struct work *w, struct err *e)
{
	if (w->unknown)
		return refuse_unknown(w, e);
	document_put(w->crl);
	w->crl = crls_get(w->s->crls, w->ca);
	return w->crl == NULL ? refuse_unknown(w, e) : 0;
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
	{ "find",     step_find     },
	{ "wrap",     step_wrap     },
	{ NULL,       NULL          },
};

const struct step flow_getcrl[] = {
	{ "crl",      step_crl      },
	{ "unwrap",   step_unwrap   },
	{ "known",    step_known    },
	{ "wrap",     step_wrap_crl },
	{ NULL,       NULL          },
};
