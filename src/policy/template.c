/*
 * The subject by a profile's template: fixed text, values of the request, and
 * facts of its challenge or of a validator.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"

static const enum san_kind san_words[] = {
	SAN_DNS, SAN_EMAIL, SAN_URI, SAN_IP, SAN_UPN
};

/* The kind of that name; SAN_OTHER: none. */
static enum san_kind
san_word(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(san_words) / sizeof(san_words[0]); i++)
		if (strcmp(san_kind_name(san_words[i]), word) == 0)
			return san_words[i];
	return SAN_OTHER;
}

/* The one name of that kind which is granted, and so held against patterns. */
static struct bytes
san_fact(const struct policy_facts *f, enum san_kind kind)
{
	const struct sans *sans = &f->csr->sans;
	const char *found = NULL;
	size_t i, n = 0;

	for (i = 0; i < sans->n; i++)
		if (sans->v[i].kind == kind &&
		    policy_takes_san(f->profile, &sans->v[i]) && n++ == 0)
			found = sans->v[i].text;
	return n == 1 ? bytes_str(found) : bytes_make(NULL, 0);
}

static bool
vouches(const struct policy_facts *f)
{
	return f->approved || f->challenge == POLICY_CHALLENGE_MATCH;
}

/* The one value of that type in the request's subject. */
static struct bytes
subject_fact(const struct policy_facts *f, const char *type)
{
	const struct csr *r = f->csr;
	struct err ignored = { .reason = ERR_NONE };
	struct bytes found = bytes_make(NULL, 0);
	char oid[OID_TEXT];
	size_t i, n = 0;

	if (oid_of(type, oid, &ignored) == -1)
		return found;
	for (i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i].oid, oid) == 0 && n++ == 0)
			found = bytes_make(r->values[i].text, r->values[i].n);
	return n == 1 ? found : bytes_make(NULL, 0);
}

static bool
is_validators(const char *word)
{
	return fact_is_word(FACT_VALIDATOR, word);
}

static bool
is_named(const char *word)
{
	return fact_is_word(FACT_CHALLENGE, word) || is_validators(word);
}

static struct bytes
named_fact(const struct policy_facts *f, const char *word)
{
	if (f->facts == NULL || (!is_validators(word) && !vouches(f)))
		return bytes_make(NULL, 0);
	return fact_find(f->facts, word);
}

bool
policy_is_word(const char *word)
{
	return strcmp(word, POLICY_CHALLENGE_WORD) == 0 || is_named(word) ||
	    san_word(word) != SAN_OTHER;
}

/* What a word stands for. n == 0: nothing, or nothing certain. */
static struct bytes
fact(const struct policy_facts *f, const char *word)
{
	if (strcmp(word, POLICY_CHALLENGE_WORD) == 0)
		return vouches(f) ? bytes_str(f->challenge_name) :
		    bytes_make(NULL, 0);
	if (is_named(word))
		return named_fact(f, word);
	return san_word(word) != SAN_OTHER ? san_fact(f, san_word(word)) :
	    subject_fact(f, word);
}

/* The word in braces that a text begins with, as long as check_braces() of
 * profile_read.c allows; returns its length with them. */
static size_t
take_word(const char *text, char word[OID_TEXT])
{
	size_t n = strcspn(text, "}") + 1;

	memcpy(word, text + 1, n - 2);
	word[n - 2] = '\0';
	return n;
}

/* The first word of a text that is(). */
static bool
has_word(const char *text, bool (*is)(const char *), char word[OID_TEXT])
{
	for (; (text = strchr(text, '{')) != NULL; text++) {
		(void)take_word(text, word);
		if (is(word))
			return true;
	}
	return false;
}

static bool
is_san(const char *word)
{
	return san_word(word) != SAN_OTHER;
}

const char *
policy_template_san(const struct policy_facts *f)
{
	const struct policy_made *m = policy_made(f);
	char word[OID_TEXT];
	size_t i;

	for (i = 0; i < m->n_rdns; i++)
		if (has_word(m->rdns[i].text, is_san, word))
			return san_kind_name(san_word(word));
	return NULL;
}

/* A fact is a thing of its own: whoever made the challenge, or answers, is to
 * mend that, and not the device. */
static int
refuse_word(const struct policy_facts *f, const char *word, struct err *e)
{
	if (is_validators(word))
		err_set(e, ERR_FACT_MISSING, "the profile's subject needs {%s}, and "
		    "the validator gave no such fact", word);
	else if (is_named(word))
		err_set(e, ERR_FACT_MISSING, "the profile's subject needs {%s}, and "
		    "%s%s has no such fact", word, f->challenge_name == NULL ?
		    "no challenge" : "challenge ", f->challenge_name == NULL ?
		    "" : f->challenge_name);
	else
		err_set(e, ERR_SUBJECT, "the profile's subject needs one %s",
		    word);
	return -1;
}

static int
expand(const struct policy_facts *f, const char *text, struct buf *out,
    struct err *e)
{
	char word[OID_TEXT];
	struct bytes value;
	size_t n;

	for (; *text != '\0'; text += n) {
		if ((n = strcspn(text, "{")) > 0) {
			value = bytes_make(text, n);
		} else {
			n = take_word(text, word);
			value = fact(f, word);
			if (value.n == 0 && !(f->asking &&
			    is_validators(word)))
				return refuse_word(f, word, e);
		}
		if (buf_put(out, value.p, value.n) == -1) {
			err_set(e, ERR_SUBJECT, "a value is too long");
			return -1;
		}
	}
	return 0;
}

static bool
is_any(const char *word)
{
	(void)word;
	return true;
}

/* What facts make of it is held against the patterns of the challenge. What the
 * request's names make of it is not: those themselves are. */
static int
check_limits(const struct policy_facts *f, const struct policy_rdn *r,
    const struct name_value *v, struct err *e)
{
	char word[OID_TEXT];

	if (f->approved || f->challenge != POLICY_CHALLENGE_MATCH ||
	    f->limits == NULL || f->limits->subject == NULL ||
	    !has_word(r->text, is_named, word) ||
	    patterns_value(f->limits->subject, v, e) == 0)
		return 0;
	err_prefix(e, "made of {%s}", word);
	return -1;
}

/* Whatever it is made of is held against the profile's: a name that a pattern
 * does not take in the request is not to come by another way. Fixed text is the
 * administrator's own. */
static int
check_own(const struct policy_facts *f, const struct policy_rdn *r,
    const struct name_value *v, struct err *e)
{
	const struct patterns *own = policy_made(f)->subject;
	struct err why = { .reason = ERR_NONE };
	char word[OID_TEXT];

	if (own == NULL || !has_word(r->text, is_any, word) ||
	    patterns_value(own, v, &why) == 0)
		return 0;
	err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY :
	    ERR_SUBJECT_PATTERN, "made of {%s}: %s", word, why.text);
	return -1;
}

bool
policy_awaits(const struct policy_facts *f)
{
	const struct policy_made *m = policy_made(f);
	char word[OID_TEXT];
	size_t i;

	for (i = 0; f->asking && !policy_renews(f) && i < m->n_rdns; i++)
		if (has_word(m->rdns[i].text, is_validators, word))
			return true;
	return false;
}

bool
policy_profile_lacks(const struct policy_profiles *ps,
    const struct conf_profile *p, const char *whose, const char *facts,
    char word[PROFILE_WORD])
{
	const struct policy_made *m = policy_made_of(ps, p);
	const char *text;
	size_t i;

	for (i = 0; i < m->n_rdns; i++)
		for (text = m->rdns[i].text; (text = strchr(text, '{')) !=
		    NULL; text++) {
			(void)take_word(text, word);
			if (fact_is_word(whose, word) && fact_find(facts ==
			    NULL ? "" : facts, word + strlen(whose)).n == 0)
				return true;
		}
	return false;
}

bool
policy_challenge_lacks(const struct policy_profiles *ps,
    const struct conf_endpoint *ep, const struct conf_profile *p,
    const char *facts, char word[PROFILE_WORD])
{
	return ep->renew_challenge == CONF_RENEW_CHALLENGE_IGNORED &&
	    policy_profile_lacks(ps, p, FACT_CHALLENGE, facts, word);
}

/* What others say of a device, and not it. */
static bool
is_said(const char *word)
{
	return strcmp(word, POLICY_CHALLENGE_WORD) == 0 || is_named(word);
}

/* The i'th; `old` is a Name that has those which others say, or empty. */
static int
make_value(const struct policy_facts *f, size_t i, struct bytes old,
    struct buf *text, struct name_value *v, struct err *e)
{
	const struct policy_rdn *r = &policy_made(f)->rdns[i];
	char word[OID_TEXT];

	if ((old.n > 0 && has_word(r->text, is_said, word) ?
	    name_value_at(old, i, r->oid, text, e) :
	    expand(f, r->text, text, e)) == -1)
		return -1;
	/* Of half a value nothing can be said. */
	if (old.n == 0 && f->asking && has_word(r->text, is_validators, word))
		return 0;
	memcpy(v->oid, r->oid, sizeof(v->oid));
	v->text = (char *)text->p;
	v->n = text->n;
	if (policy_name_value(v, e) == -1)
		return -1;
	if (old.n > 0)
		return 0;
	return check_limits(f, r, v, e) == -1 ? -1 : check_own(f, r, v, e);
}

static int
make(const struct policy_facts *f, struct bytes old, struct buf *der,
    struct err *e)
{
	const struct policy_made *m = policy_made(f);
	struct name_value v[CSR_MAX_VALUES];
	struct buf text[CSR_MAX_VALUES];
	int rc = 0;
	size_t i, n = 0;

	for (i = 0; rc == 0 && i < m->n_rdns; i++) {
		n++;
		buf_init(&text[i], NAME_VALUE_MAX);
		rc = make_value(f, i, old, &text[i], &v[i], e);
	}
	if (rc == 0)
		rc = m->n_rdns > 0 ? name_of(v, old.n == 0 &&
		    policy_awaits(f) ? 0 : m->n_rdns, der, e) :
		    buf_put(der, f->csr->subject.p, f->csr->subject.n);
	if (rc == -1)
		err_set(e, ERR_SUBJECT, "it is too long");
	for (i = 0; i < n; i++)
		buf_wipe(&text[i]);
	return rc;
}

int
policy_subject(const struct policy_facts *f, struct buf *der, struct err *e)
{
	return make(f, bytes_make(NULL, 0), der, e);
}

int
policy_subject_again(const struct policy_facts *f, struct buf *der,
    struct err *e)
{
	return make(f, f->old->cert->subject, der, e);
}

bool
policy_no_subject(const struct policy_facts *f)
{
	return policy_made(f)->n_rdns == 0 && f->csr->subject_empty;
}

static bool
is_asked(const char *word)
{
	return !policy_is_word(word);
}

bool
policy_makes_subject(const struct policy_facts *f)
{
	const struct policy_made *m = policy_made(f);
	char word[OID_TEXT];
	size_t i;

	for (i = 0; i < m->n_rdns; i++)
		if (has_word(m->rdns[i].text, is_asked, word))
			return true;
	return false;
}

int
policy_rule_template(const struct policy_facts *f, struct err *e)
{
	struct buf der = BUF_INIT(POLICY_SUBJECT_MAX);
	int rc = 0;
	size_t i;

	/* A renewal keeps its old subject. */
	if (!policy_renews(f))
		rc = policy_subject(f, &der, e);

	for (i = 0; rc == 0 && der.n > 0 && i < f->n_authorities; i++)
		if (cert_has_subject(f->authorities[i], buf_bytes(&der))) {
			err_set(e, ERR_SUBJECT, "it is the name of a CA or RA "
			    "certificate");
			rc = -1;
		}
	buf_wipe(&der);
	return rc;
}

/* Which facts it takes, and what they are. */
static void
say_facts(const struct policy_facts *f, const char *text,
    struct policy_step *s)
{
	char word[OID_TEXT], value[FACT_VALUE + 1];
	struct bytes found;

	for (; (text = strchr(text, '{')) != NULL; text++) {
		(void)take_word(text, word);
		if (!is_named(word))
			continue;
		found = fact(f, word);
		(void)snprintf(value, sizeof(value), "%.*s", (int)found.n,
		    found.n == 0 ? "" : (const char *)found.p);
		if (found.n > 0)
			policy_say(s, word, value);
		else
			policy_say(s, f->asking && is_validators(word) ?
			    "awaits" : "lacks", word);
	}
}

void
policy_template_inputs(const struct policy_facts *f, struct policy_step *s)
{
	const struct policy_made *m = policy_made(f);
	size_t i;

	policy_say(s, "subject", policy_renews(f) ? "old" : m->n_rdns > 0 ?
	    "template" : "asked");
	for (i = 0; !policy_renews(f) && i < m->n_rdns; i++)
		say_facts(f, m->rdns[i].text, s);
}
