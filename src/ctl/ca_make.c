/*
 * Making a CA in memory.
 */
#include <stdlib.h>

#include "ctl/ctl_int.h"
#include "pki/cert_make.h"
#include "pki/chain.h"

#define DAY		86400
#define NAME_MAX_DER	4096

/*
 * notBefore lies a day back: a device whose clock is slow must still accept
 * the chain when it gets its own, equally backdated certificate.
 */
#define BACKDATE	DAY

void
ca_set_clear(struct ca_set *s)
{
	key_free(s->root_key);
	key_free(s->key);
	key_free(s->ra_key);
	cert_free(s->cert);
	cert_free(s->ra);
	certs_free(&s->upper);
	*s = (struct ca_set){ .key = NULL };
}

/* One certificate of a CA: what its place in the hierarchy decides. */
struct part {
	const char	*role;		/* behind the name */
	struct bytes	 subject;	/* instead: the whole Name, DER */
	const char	*key_type;
	int64_t		 days;
	bool		 ca;
	int		 path_len;
	unsigned	 ku;
};

static int
part_name(const char *name, const struct part *p, struct buf *der,
    struct err *e)
{
	struct buf	 text = BUF_INIT(NAME_MAX_DER);
	int		 rc = -1;

	if (p->subject.n > 0) {
		if (buf_put(der, p->subject.p, p->subject.n) == 0)
			return 0;
		err_set(e, ERR_ARGUMENT, "the name is too long");
		return -1;
	}
	if (buf_printf(&text, "%s %s", name, p->role) != 0)
		err_set(e, ERR_ARGUMENT, "the name is too long");
	else if ((rc = name_make(buf_cstr(&text), der, e)) != 0)
		err_prefix(e, "\"%s\"", buf_cstr(&text));
	buf_wipe(&text);
	return rc;
}

/* A life that its issuer's covers. */
static void
set_life(struct cert_plan *plan, const struct part *p, int64_t now,
    const struct cert *issuer)
{
	plan->not_before = now - BACKDATE;
	plan->not_after = now + p->days * DAY;
	if (issuer == NULL)
		return;
	if (plan->not_before < issuer->not_before)
		plan->not_before = issuer->not_before;
	if (plan->not_after > issuer->not_after)
		plan->not_after = issuer->not_after;
}

/* Signed by issuer_key, or by its own key if there is no issuer. */
static int
part_make(const struct part *p, const struct ca_want *want,
    const struct cert *issuer, const struct key *issuer_key,
    struct key **key, struct cert **cert, struct err *e)
{
	struct buf		 subject = BUF_INIT(NAME_MAX_DER);
	struct cert_plan	 plan = {
		.ca = p->ca, .path_len = p->path_len, .ku = p->ku
	};
	uint8_t			 serial[SERIAL_LEN];
	struct key		*k = NULL;
	int			 rc = -1;

	if (part_name(want->name, p, &subject, e) != 0 ||
	    serial_draw(serial, e) != 0 ||
	    key_generate(p->key_type, &k, e) != 0)
		goto out;
	plan.serial = bytes_make(serial, sizeof(serial));
	plan.subject = buf_bytes(&subject);
	plan.spki = key_spki(k);
	set_life(&plan, p, want->now, issuer);
	if (cert_make(&plan, issuer, issuer_key != NULL ? issuer_key : k, cert,
	    e) != 0)
		goto out;
	*key = k;
	k = NULL;
	rc = 0;
out:
	key_free(k);
	buf_wipe(&subject);
	return rc;
}

static int
make_root(const struct ca_want *want, struct ca_set *s, struct err *e)
{
	const struct part	 root = {
		.role = "Root CA",
		.key_type = want->key,
		.days = want->root_days,
		.ca = true,
		.path_len = -1,
		.ku = CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN
	};
	struct cert		*c = NULL;

	if (part_make(&root, want, NULL, NULL, &s->root_key, &c, e) != 0)
		return -1;
	if (certs_take(&s->upper, c) != 0) {
		cert_free(c);
		err_set(e, ERR_MEMORY, "root certificate");
		return -1;
	}
	return 0;
}

/* name: its whole Name; n == 0: made from want's. */
static int
make_issuing(const struct ca_want *want, struct bytes name, struct ca_set *s,
    struct err *e)
{
	struct part		 issuing = {
		.role = want->single ? "CA" : "Issuing CA",
		.subject = name,
		.key_type = want->key,
		.days = want->ca_days,
		.ca = true,
		.path_len = 0,
		.ku = CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN
	};
	const struct cert	*root = NULL;

	/* Without an RA it signs and decrypts SCEP messages itself. */
	if (want->mode_ca)
		issuing.ku |= CERT_KU_DIGITAL_SIGNATURE |
		    CERT_KU_KEY_ENCIPHERMENT;
	if (s->upper.n > 0)
		root = s->upper.v[0];
	return part_make(&issuing, want, root, s->root_key, &s->key, &s->cert,
	    e);
}

int
ca_make_ra(const struct ca_want *want, struct ca_set *s, struct err *e)
{
	const struct part	 ra = {
		.role = "SCEP RA",
		.key_type = want->ra_key,
		.days = want->ra_days,
		.ku = CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT
	};

	if (part_make(&ra, want, s->cert, s->key, &s->ra_key, &s->ra, e) != 0)
		return -1;
	return chain_verify(s->ra, s->cert, &s->upper, want->now, e);
}

int
ca_make_next(const struct ca_want *want, struct bytes name, struct ca_set *s,
    struct err *e)
{
	struct certs	 rest = { .n = 0 };

	if (make_issuing(want, name, s, e) != 0)
		return -1;
	if (s->upper.n == 0)
		return 0;
	rest.v = s->upper.v + 1;
	rest.n = s->upper.n - 1;
	return chain_verify(s->cert, s->upper.v[0], &rest, want->now, e);
}

int
ca_make(const struct ca_want *want, struct ca_set *out, struct err *e)
{
	struct ca_set	 s = { .key = NULL };

	if ((!want->single && make_root(want, &s, e) != 0) ||
	    make_issuing(want, bytes_make(NULL, 0), &s, e) != 0 ||
	    (!want->mode_ca && ca_make_ra(want, &s, e) != 0)) {
		ca_set_clear(&s);
		return -1;
	}
	*out = s;
	return 0;
}
