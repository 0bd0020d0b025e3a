/*
 * What a profile makes of a request: the names, keys and extensions that it
 * takes, and what it puts into the certificate.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"
#include "util/str.h"

#define OID_TEMPLATE	"1.3.6.1.4.1.311.21.7"
#define OID_TEMPLATE_V1	"1.3.6.1.4.1.311.20.2"
#define OID_SID		"1.3.6.1.4.1.311.25.2"

/* ---- keys ---- */

bool
policy_takes_type(const struct conf_profile *p, enum key_type type)
{
	return conf_strings_has(&p->key_types, key_type_name(type));
}

static bool
takes_curve(const struct conf_profile *p, int bits)
{
	char curve[16];

	(void)snprintf(curve, sizeof(curve), "p%d", bits);
	return p->ec_curves.n == 0 || conf_strings_has(&p->ec_curves, curve);
}

/* What a key of this type can be used for. */
static unsigned
able(enum key_type type)
{
	unsigned signs = CERT_KU_DIGITAL_SIGNATURE | CERT_KU_NON_REPUDIATION;

	if (type == KEY_RSA)
		return signs | CERT_KU_KEY_ENCIPHERMENT |
		    CERT_KU_DATA_ENCIPHERMENT;
	return type == KEY_EC ? signs | CERT_KU_KEY_AGREEMENT : signs;
}

unsigned
policy_ku(const struct conf_profile *p, const struct pubkey *k)
{
	unsigned bit, ku = 0;

	if (p->ku.n == 0)
		ku = CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_ENCIPHERMENT;
	for (bit = 1; cert_ku_name(bit) != NULL; bit <<= 1)
		if (conf_strings_has(&p->ku, cert_ku_name(bit)))
			ku |= bit;
	return ku & able(k->type);
}

int
policy_rule_key(const struct policy_facts *f, struct err *e)
{
	const struct conf_profile *p = f->profile;
	const struct pubkey *k = &f->csr->key;

	if (!policy_takes_type(p, k->type))
		err_set(e, ERR_CSR_KEY, "key type %s is not in the profile's "
		    "key_types", key_type_name(k->type));
	else if (k->type == KEY_RSA && (k->bits < p->rsa_min ||
	    k->bits > p->rsa_max))
		err_set(e, ERR_CSR_KEY, "RSA key of %d bits, the profile "
		    "takes %lld to %lld", k->bits, (long long)p->rsa_min,
		    (long long)p->rsa_max);
	else if (k->type == KEY_EC && !takes_curve(p, k->bits))
		err_set(e, ERR_CSR_KEY, "P-%d is not in the profile's "
		    "ec_curves", k->bits);
	else if (policy_ku(p, k) == 0)
		err_set(e, ERR_CSR_KEY, "a key of type %s can be used for "
		    "nothing in the profile's ku", key_type_name(k->type));
	else
		return 0;
	return -1;
}

void
policy_key_inputs(const struct policy_facts *f, struct policy_step *s)
{
	const struct conf_profile *p = f->profile;

	policy_say(s, "key", key_type_name(f->csr->key.type));
	policy_say_int(s, "bits", f->csr->key.bits);
	policy_say_list(s, "key_types", &p->key_types);
	if (f->csr->key.type == KEY_RSA) {
		policy_say_int(s, "rsa_min", p->rsa_min);
		policy_say_int(s, "rsa_max", p->rsa_max);
	}
}

/* ---- subjectAltNames ---- */

bool
policy_takes_san(const struct conf_profile *p, const struct san *s)
{
	if (s->kind == SAN_SID)
		return policy_takes_sid(p, policy_sid_in(s));
	return conf_strings_has(&p->san, san_kind_name(s->kind));
}

static bool
has_kind(const struct policy_facts *f, const char *kind)
{
	const struct sans *sans = &f->csr->sans;
	char sid[SID_TEXT];
	size_t i;

	for (i = 0; i < sans->n; i++)
		if (strcmp(san_kind_name(sans->v[i].kind), kind) == 0 &&
		    policy_takes_san(f->profile, &sans->v[i]))
			return true;
	policy_sid(f, sid);
	return strcmp(kind, san_kind_name(SAN_SID)) == 0 && *sid != '\0';
}

int
policy_rule_required(const struct policy_facts *f, struct err *e)
{
	const struct conf_strings *kinds = &f->profile->san_required;
	size_t i;

	for (i = 0; i < kinds->n; i++)
		if (!has_kind(f, kinds->v[i])) {
			err_set(e, ERR_SAN_REQUIRED, "no %s", kinds->v[i]);
			return -1;
		}
	return 0;
}

void
policy_required_inputs(const struct policy_facts *f, struct policy_step *s)
{
	policy_say_sans(s, "san", &f->csr->sans);
	policy_say_list(s, "san_required", &f->profile->san_required);
}

/* ---- patterns ---- */

/* The reason is the profile's. */
static int
refuse_pattern(enum err_reason reason, const struct err *why, struct err *e)
{
	err_set(e, why->reason == ERR_MEMORY ? ERR_MEMORY : reason, "%s",
	    why->text);
	return -1;
}

int
policy_rule_patterns(const struct policy_facts *f, struct err *e)
{
	const struct policy_made *m = policy_made(f);
	struct san taken[SANS_MAX_NAMES];
	struct sans sans = { taken, 0 };
	struct err why = { .reason = ERR_NONE };
	char sid[SID_TEXT];
	size_t i;

	/* A template makes another name than the request had: who renews may
	 * ask by that one, which was granted before. */
	if (m->subject != NULL && !(m->n_rdns > 0 && policy_renews(f) &&
	    cert_has_subject(f->old->cert, f->csr->subject)) &&
	    patterns_subject(m->subject, f->csr, &why) == -1)
		return refuse_pattern(ERR_SUBJECT_PATTERN, &why, e);
	if (m->san == NULL)
		return 0;
	for (i = 0; i < f->csr->sans.n; i++)
		if (policy_takes_san(f->profile, &f->csr->sans.v[i]))
			taken[sans.n++] = f->csr->sans.v[i];
	policy_sid(f, sid);
	if (patterns_san(m->san, &sans, &f->profile->san, sid, &why) == -1)
		return refuse_pattern(ERR_SAN_PATTERN, &why, e);
	return 0;
}

void
policy_patterns_inputs(const struct policy_facts *f, struct policy_step *s)
{
	const struct policy_made *m = policy_made(f);

	policy_say_subject(f, s);
	policy_say_patterns(s, "subject_patterns", m->subject);
	policy_say_sans(s, "san", &f->csr->sans);
	policy_say_sid(f, s);
	policy_say_patterns(s, "san_patterns", m->san);
}

/* ---- what is asked beyond it ---- */

/* Words with commas between them; what does not fit is left out. */
struct words {
	char	 text[POLICY_SURPLUS_MAX];
	size_t	 n;
};

static void
put(struct words *w, const char *kind, const char *value)
{
	int n = snprintf(w->text + w->n, sizeof(w->text) - w->n, "%s%s%s",
	    w->n > 0 ? "," : "", kind, value);

	if (n < 0 || (size_t)n >= sizeof(w->text) - w->n)
		w->text[w->n] = '\0';
	else
		w->n += (size_t)n;
}

static bool
gives_eku(const struct conf_profile *p, const char *oid)
{
	size_t i;

	for (i = 0; i < p->eku.n; i++)
		if (eku_is(p->eku.v[i], oid))
			return true;
	return false;
}

/* Whether the certificate gets an extension of that OID anyway. */
static bool
gives_extension(const struct policy_facts *f, const char *oid)
{
	const struct policy_made *m = policy_made(f);
	size_t i;

	for (i = 0; i < m->n_extras; i++)
		if (strcmp(m->extras[i].oid, oid) == 0)
			return true;
	return (strcmp(oid, OID_TEMPLATE) == 0 ||
	    strcmp(oid, OID_TEMPLATE_V1) == 0) && m->conf != NULL &&
	    *m->conf->template_oid != '\0';
}

void
policy_surplus(const struct policy_facts *f, char out[POLICY_SURPLUS_MAX])
{
	const struct csr *r = f->csr;
	const struct csr_asked *a = &r->asked;
	unsigned bit, ku = a->ku & ~policy_ku(f->profile, &r->key);
	struct words w = { .n = 0 };
	size_t i;

	for (i = 0; i < r->sans.n; i++)
		if (!policy_takes_san(f->profile, &r->sans.v[i]))
			put(&w, "san:", san_kind_name(r->sans.v[i].kind));
	for (bit = 1; cert_ku_name(bit) != NULL; bit <<= 1)
		if (ku & bit)
			put(&w, "ku:", cert_ku_name(bit));
	for (i = 0; i < a->n_eku; i++)
		if (!gives_eku(f->profile, a->eku[i]))
			put(&w, "eku:", a->eku[i]);
	if (a->ca)
		put(&w, "ca", "");
	if (*a->sid != '\0' && !policy_takes_sid(f->profile, a->sid))
		put(&w, "sid", "");
	for (i = 0; i < a->n_other; i++)
		if (strcmp(a->other[i], OID_SID) == 0)
			put(&w, "sid:", "malformed");
		else if (!gives_extension(f, a->other[i]))
			put(&w, "ext:", a->other[i]);
	memcpy(out, w.text, sizeof(w.text));
}

int
policy_rule_surplus(const struct policy_facts *f, struct err *e)
{
	char surplus[POLICY_SURPLUS_MAX];

	if (f->profile->surplus == CONF_SURPLUS_DROP)
		return 0;
	policy_surplus(f, surplus);
	if (*surplus == '\0')
		return 0;
	err_set(e, ERR_SURPLUS, "%s", surplus);
	return -1;
}

void
policy_surplus_inputs(const struct policy_facts *f, struct policy_step *s)
{
	char surplus[POLICY_SURPLUS_MAX];

	policy_surplus(f, surplus);
	policy_say(s, "surplus", f->profile->surplus == CONF_SURPLUS_DROP ?
	    "drop" : "refuse");
	policy_say(s, "asked_beyond", *surplus == '\0' ? "none" : surplus);
}
