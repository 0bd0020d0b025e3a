/*
 * Reading what a profile says in words of its own: patterns, extensions, the
 * template of a subject.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"
#include "util/str.h"

#define VALUE_MAX	4096	/* bytes of an extension */

struct policy_profiles {
	struct policy_made	*v;
	size_t			 n;
};

const struct policy_made *
policy_made_of(const struct policy_profiles *ps,
    const struct conf_profile *p)
{
	static const struct policy_made nothing = { .conf = NULL };
	size_t i;

	for (i = 0; ps != NULL && i < ps->n; i++)
		if (ps->v[i].conf == p)
			return &ps->v[i];
	return &nothing;
}

const struct policy_made *
policy_made(const struct policy_facts *f)
{
	return policy_made_of(f->profiles, f->profile);
}

bool
policy_needs_reading(const struct conf_profile *p)
{
	return p->subject_patterns.n > 0 || p->san_patterns.n > 0 ||
	    p->extensions.n > 0 || (p->subject != NULL && *p->subject != '\0');
}

/* *out stays NULL for an empty list: anything goes. */
static int
read_patterns(const struct conf_strings *texts, enum pattern_of of,
    struct patterns **out, struct err *e)
{
	size_t i;

	if (texts->n == 0)
		return 0;
	if (patterns_new(of, out, e) == -1)
		return -1;
	for (i = 0; i < texts->n; i++)
		if (patterns_add(*out, texts->v[i], e) == -1)
			return -1;
	return 0;
}

static int
read_value(const char *text, struct bytes *out, struct err *e)
{
	struct buf der = BUF_INIT(VALUE_MAX);
	int rc = -1;
	uint8_t *p;

	if (strncmp(text, "hex:", 4) == 0)
		rc = str_unhex(text + 4, &der);
	else if (strncmp(text, "base64:", 7) == 0)
		rc = str_unbase64_lenient(bytes_str(text + 7), &der);
	if (rc == -1 || der.n == 0) {
		err_set(e, ERR_CONFIG, "the value of an extension is written "
		    "hex:0500 or base64:BQA=");
		buf_wipe(&der);
		return -1;
	}
	if ((p = malloc(der.n)) == NULL)
		err_set(e, ERR_MEMORY, "extension");
	else {
		memcpy(p, der.p, der.n);
		*out = bytes_make(p, der.n);
	}
	buf_wipe(&der);
	return p == NULL ? -1 : 0;
}

/* OID [critical] VALUE */
static int
read_extra(const char *text, struct cert_extra *ex, struct err *e)
{
	static const char critical[] = "critical ";
	size_t n = strcspn(text, " ");

	if (n >= sizeof(ex->oid) || text[n] == '\0') {
		err_set(e, ERR_CONFIG, "\"%.64s\" is no extension; write it "
		    "as in 1.2.3.4 critical hex:0500", text);
		return -1;
	}
	memcpy(ex->oid, text, n);
	text += n + 1;
	ex->critical = strncmp(text, critical, strlen(critical)) == 0;
	if (ex->critical)
		text += strlen(critical);
	return read_value(text, &ex->der, e) == -1 ? -1 :
	    cert_extra_check(ex, e);
}

static int
read_extras(struct policy_made *m, struct err *e)
{
	const struct conf_strings *texts = &m->conf->extensions;
	size_t i, k;

	if (texts->n == 0)
		return 0;
	if ((m->extras = calloc(texts->n, sizeof(*m->extras))) == NULL) {
		err_set(e, ERR_MEMORY, "extensions");
		return -1;
	}
	for (i = 0; i < texts->n; i++) {
		m->n_extras++;
		if (read_extra(texts->v[i], &m->extras[i], e) == -1)
			return -1;
		for (k = 0; k < i; k++)
			if (strcmp(m->extras[i].oid, m->extras[k].oid) == 0) {
				err_set(e, ERR_CONFIG, "%s is given twice",
				    m->extras[i].oid);
				return -1;
			}
	}
	return 0;
}

/* Each {WORD} stands for something. */
static int
check_braces(const char *text, struct err *e)
{
	char word[OID_TEXT], oid[OID_TEXT];
	size_t n;

	for (; *text != '\0'; text += n) {
		if (*text == '}') {
			err_set(e, ERR_CONFIG, "a } without a {");
			return -1;
		}
		if ((n = strcspn(text, "{}")) > 0)
			continue;
		n = strcspn(text, "}");
		if (text[n] == '\0' || n < 2 || n > sizeof(word)) {
			err_set(e, ERR_CONFIG, "a { without a word and a }");
			return -1;
		}
		memcpy(word, text + 1, n - 1);
		word[n - 1] = '\0';
		n++;
		if (!policy_is_word(word) && oid_of(word, oid, e) == -1)
			return -1;
	}
	return 0;
}

/* One TYPE=TEXT, n bytes of it. */
static int
read_rdn(const char *text, size_t n, struct policy_rdn *r, struct err *e)
{
	const char *eq = memchr(text, '=', n);
	char *type = str_dup_bytes(bytes_make(text, eq == NULL ? 0 :
	    (size_t)(eq - text)));
	int rc = -1;

	if (eq == NULL || eq + 1 == text + n)
		err_set(e, ERR_CONFIG, "\"%.*s\" is not TYPE=text", (int)n,
		    text);
	else if (type == NULL || (r->text = str_dup_bytes(bytes_make(eq + 1,
	    n - (size_t)(eq + 1 - text)))) == NULL)
		err_set(e, ERR_MEMORY, "subject");
	else if (oid_of(type, r->oid, e) == 0)
		rc = check_braces(r->text, e);
	free(type);
	return rc;
}

static int
read_subject(struct policy_made *m, struct err *e)
{
	const char *text = m->conf->subject;
	size_t n;

	if (*text == '\0')
		return 0;
	if (*text != '/') {
		err_set(e, ERR_CONFIG, "begins with no /; write it as in "
		    "/O=Example/CN={CN}");
		return -1;
	}
	if ((m->rdns = calloc(CSR_MAX_VALUES, sizeof(*m->rdns))) == NULL) {
		err_set(e, ERR_MEMORY, "subject");
		return -1;
	}
	for (; *text == '/'; text += n) {
		n = strcspn(++text, "/");
		if (m->n_rdns == CSR_MAX_VALUES) {
			err_set(e, ERR_CONFIG, "has more than %d values",
			    CSR_MAX_VALUES);
			return -1;
		}
		if (read_rdn(text, n, &m->rdns[m->n_rdns++], e) == -1)
			return -1;
	}
	return 0;
}

/* Reads one profile; *what: the setting at work, for a complaint. */
static int
read_profile(struct policy_made *m, const char **what, struct err *e)
{
	const struct conf_profile *p = m->conf;

	*what = "subject_patterns";
	if (read_patterns(&p->subject_patterns, PATTERN_SUBJECT, &m->subject,
	    e) == -1)
		return -1;
	*what = "san_patterns";
	if (read_patterns(&p->san_patterns, PATTERN_SAN, &m->san, e) == -1)
		return -1;
	*what = "extensions";
	if (read_extras(m, e) == -1)
		return -1;
	*what = "template_oid";
	if (*p->template_oid != '\0' && oid_check(p->template_oid, e) == -1)
		return -1;
	*what = "subject";
	return read_subject(m, e);
}

static void
made_clear(struct policy_made *m)
{
	while (m->n_extras > 0)
		free((void *)(uintptr_t)m->extras[--m->n_extras].der.p);
	while (m->n_rdns > 0)
		free(m->rdns[--m->n_rdns].text);
	free(m->extras);
	free(m->rdns);
	patterns_free(m->subject);
	patterns_free(m->san);
}

void
policy_profiles_free(struct policy_profiles *ps)
{
	if (ps == NULL)
		return;
	while (ps->n > 0)
		made_clear(&ps->v[--ps->n]);
	free(ps->v);
	free(ps);
}

int
policy_profiles_new(const struct conf *c, struct policy_profiles **out,
    struct err *e)
{
	struct policy_profiles *ps = calloc(1, sizeof(*ps));
	const char *what;

	if (ps != NULL)
		ps->v = calloc(c->n_profiles, sizeof(*ps->v));
	if (ps == NULL || ps->v == NULL) {
		err_set(e, ERR_MEMORY, "profiles");
		free(ps);
		return -1;
	}
	while (ps->n < c->n_profiles) {
		ps->v[ps->n].conf = &c->profiles[ps->n];
		if (read_profile(&ps->v[ps->n++], &what, e) == -1) {
			err_prefix(e, "%s:%d: profile %s: %s", c->file,
			    c->profiles[ps->n - 1].line,
			    c->profiles[ps->n - 1].name, what);
			policy_profiles_free(ps);
			return -1;
		}
	}
	*out = ps;
	return 0;
}
