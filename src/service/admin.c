/*
 * What administrators ask for. Nothing is answered before it is known who they
 * are and that they may.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/fact.h"
#include "render/ask.h"
#include "render/json.h"
#include "service/figures_int.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/log.h"

#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX	(4u * 1024 * 1024)
#define API_TTL		3600	/* seconds, unless it is asked otherwise */
#define API_DIGITS	32
#define REPLY_MAX	4096

static void
log_admin(const struct exchange *x)
{
	struct log_line l;

	log_begin(&l, LOG_L_INFO, "admin");
	log_str(&l, "peer", x->peer);
	log_str(&l, "by", x->by->name);
	log_str(&l, "path", x->path);
	log_int(&l, "status", x->status);
	log_end(&l);
}

/* Whether it is the caller's own mistake, or what its account may not do. */
static bool
is_told(enum err_reason r)
{
	return r == ERR_API || r == ERR_NO_RIGHT || r == ERR_NO_PROFILE ||
	    r == ERR_UNBOUND || r == ERR_NO_CHALLENGES;
}

/* That is told to it, not only to the log. */
static void
refuse(struct service *s, struct exchange *x, const struct err *e)
{
	service_refuse(s, x, e);
	if (is_told(e->reason))
		(void)buf_printf(&x->reply, "%s\n", e->text);
}

void
admin_run(struct service *s, struct exchange *x)
{
	struct err e = { .reason = ERR_NONE };

	x->no_store = true;
	if (atomic_load(&s->stopping)) {
		answer_text(x, ERR_STOPPING);
		return;
	}
	if (account_find(s, x, &x->by, &e) == -1) {
		refuse(s, x, &e);
		return;
	}
	if (route_run(s, x, &e) == -1) {
		err_prefix(&e, "%s", x->by->name);
		refuse(s, x, &e);
	} else {
		log_admin(x);
	}
	x->by = NULL;
}

int
admin_right(const struct exchange *x, enum right r, struct err *e)
{
	if (account_may(x->by, r))
		return 0;
	err_set(e, ERR_NO_RIGHT, "add it to the account's rights");
	return -1;
}

int
admin_metrics(struct service *s, struct exchange *x,
    const struct site_ca *ca, struct err *e)
{
	struct buf text = BUF_INIT(METRICS_MAX);

	(void)ca;
	if (admin_right(x, RIGHT_METRICS, e) == -1)
		return -1;
	if (figures_text(s->figures, s, x->site, clock_now(),
	    &text, e) == -1) {
		buf_wipe(&text);
		return -1;
	}
	answer_put(x, 200, METRICS_TYPE, &text);
	return 0;
}

/* ---- POST /api/challenge ---- */

/* Patterns that scepd would stumble over when a device comes are refused, and
 * those that bind nobody, unless the account may give such. */
static int
check_patterns(const struct exchange *x, const char *lines,
    enum pattern_of of, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	enum err_reason reason = ERR_API;
	struct patterns *p;
	char *copy = strdup(lines), *rest = copy, *line;
	int rc = -1;

	if (copy == NULL || patterns_new(of, &p, &why) == -1) {
		free(copy);
		err_set(e, ERR_MEMORY, "patterns");
		return -1;
	}
	rc = 0;
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			rc = patterns_add(p, line, &why);
	if (rc == 0 && !x->by->unbound) {
		rc = patterns_bind(p, &why);
		reason = ERR_UNBOUND;
	}
	patterns_free(p);
	free(copy);
	if (rc == -1)
		err_set(e, reason, "%s", why.text);
	return rc;
}

static int
check_facts(const char *lines, struct err *e)
{
	struct buf ok = BUF_INIT(FACTS_TEXT);
	struct err why = { .reason = ERR_NONE };
	char *copy = strdup(lines), *rest = copy, *line;
	int rc = copy == NULL ? -1 : 0;

	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			rc = fact_add(&ok, line, &why);
	if (rc == -1)
		err_set(e, copy == NULL ? ERR_MEMORY : ERR_API,
		    "\"facts\": %s", why.text);
	buf_wipe(&ok);
	free(copy);
	return rc;
}

/* Else the device would be refused, when nobody looks who could mend it. */
static int
check_lacking(const struct exchange *x, const struct conf_endpoint *ep,
    const struct conf_profile *p, const char *facts, struct err *e)
{
	char word[PROFILE_WORD];

	if (!policy_challenge_lacks(x->site->profiles, ep, p, facts, word))
		return 0;
	err_set(e, ERR_API, "\"facts\": the subject of profile %s takes {%s}; "
	    "give \"%s\" too", p->name, word, word + strlen(FACT_CHALLENGE));
	return -1;
}

static int
choose_endpoint(const struct exchange *x, const char *name,
    const struct conf_endpoint **out, struct err *e)
{
	const struct conf *c = x->site->conf;

	if (*name == '\0' && c->n_endpoints == 1)
		name = c->endpoints[0].name;
	if (*name == '\0') {
		err_set(e, ERR_API, "\"endpoint\": is missing, and there are "
		    "several");
		return -1;
	}
	if (conf_endpoint(c, name) == NULL) {
		err_set(e, ERR_API, "\"endpoint\": there is no %s", name);
		return -1;
	}
	if (!account_may_for(x->by, name)) {
		err_set(e, ERR_NO_RIGHT, "endpoint %s", name);
		return -1;
	}
	*out = conf_endpoint(c, name);
	return 0;
}

static int
choose_profile(const struct exchange *x, const struct conf_endpoint *ep,
    const char *name, const struct conf_profile **out, struct err *e)
{
	const struct conf_profile *p = conf_profile(x->site->conf,
	    *name == '\0' ? ep->profile : name);

	if (p == NULL) {
		err_set(e, ERR_API, "\"profile\": there is no %s", name);
		return -1;
	}
	if (!account_may_name(x->by, ep, name)) {
		err_set(e, ERR_NO_PROFILE, "profile %s at endpoint %s; add it "
		    "to the account's profiles", name, ep->name);
		return -1;
	}
	*out = p;
	return 0;
}

/* Drawn names are ours, and those of scepd.conf are taken. */
static int
check_name(const struct exchange *x, const char *name, struct err *e)
{
	if (strncmp(name, MINT_API, strlen(MINT_API)) == 0 ||
	    strncmp(name, MINT_NDES, strlen(MINT_NDES)) == 0) {
		err_set(e, ERR_API, "\"name\": begins as one that is drawn");
		return -1;
	}
	if (conf_challenge(x->site->conf, name) == NULL)
		return 0;
	err_set(e, ERR_API, "\"name\": there is a challenge of that name in "
	    "scepd.conf");
	return -1;
}

/* "none" lets nothing appear: alone, it leaves all else open. */
static bool
names_somebody(const char *lines)
{
	return *lines != '\0' && strcmp(lines, PATTERN_NONE) != 0;
}

/* A challenge that is good for any name gets whoever has it the name of
 * whomever he likes; one that limits the subject alone, in a subjectAltName. So
 * what is left out may not appear. */
static int
bind_names(const struct exchange *x, struct mint *m,
    const struct conf_profile *p, struct err *e)
{
	if (x->by->unbound)
		return 0;
	if (!names_somebody(m->subject) && !names_somebody(m->san)) {
		err_set(e, ERR_UNBOUND, "give \"subject\" or \"san\", or set "
		    "the account's unbound");
		return -1;
	}
	if (*m->subject == '\0' && !p->empty_subject) {
		err_set(e, ERR_UNBOUND, "give \"subject\" too: profile %s "
		    "takes no request without one", p->name);
		return -1;
	}
	if (*m->subject == '\0')
		m->subject = PATTERN_NONE;
	if (*m->san == '\0')
		m->san = PATTERN_NONE;
	return 0;
}

static int
check_most(const struct exchange *x, const struct ask_challenge *a,
    struct err *e)
{
	const struct conf_account *by = x->by;

	if (a->uses > by->max_uses) {
		err_set(e, ERR_API, "\"uses\": more than the account's "
		    "max_uses, %lld", (long long)by->max_uses);
		return -1;
	}
	if (a->ttl > by->max_ttl) {
		err_set(e, ERR_API, "\"ttl\": more than the account's "
		    "max_ttl, %lld s", (long long)by->max_ttl);
		return -1;
	}
	return 0;
}

static int64_t
ttl(const struct exchange *x, const struct ask_challenge *a)
{
	if (a->ttl != 0)
		return a->ttl;
	return x->by->max_ttl < API_TTL ? x->by->max_ttl : API_TTL;
}

static int
plan(const struct exchange *x, const struct ask_challenge *a,
    struct mint *out, struct err *e)
{
	const struct conf_endpoint *ep;
	const struct conf_profile *p;

	if (choose_endpoint(x, a->endpoint, &ep, e) == -1 ||
	    conf_takes_challenges(ep, e) == -1 ||
	    check_name(x, a->name, e) == -1 || check_most(x, a, e) == -1)
		return -1;
	if (choose_profile(x, ep, a->profile, &p, e) == -1)
		return -1;
	/* The endpoint's name outlives what was asked. */
	*out = (struct mint){
		.name = *a->name == '\0' ? NULL : a->name,
		.prefix = MINT_API, .endpoint = ep->name,
		.profile = a->profile, .subject = buf_cstr(&a->subject),
		.san = buf_cstr(&a->san), .by = x->by->name,
		.facts = buf_cstr(&a->facts),
		.uses = a->uses == 0 ? 1 : a->uses,
		.ttl = ttl(x, a), .digits = API_DIGITS
	};
	if (check_patterns(x, out->subject, PATTERN_SUBJECT, e) == -1 ||
	    check_patterns(x, out->san, PATTERN_SAN, e) == -1 ||
	    check_facts(out->facts, e) == -1)
		return -1;
	if (check_lacking(x, ep, p, out->facts, e) == -1)
		return -1;
	return bind_names(x, out, p, e);
}

static int
print(const struct exchange *x, const struct mint *m,
    const struct minted *made, struct buf *out, struct err *e)
{
	struct json *j;
	int rc;

	if (x->plain) {
		rc = buf_printf(out, "%s\n", buf_cstr(&made->secret));
		if (rc == -1)
			err_set(e, ERR_MEMORY, "answer");
		return rc;
	}
	j = json_new_object();
	json_add_str(j, "challenge", buf_cstr(&made->secret));
	json_add_str(j, "name", made->name);
	json_add_str(j, "endpoint", m->endpoint);
	json_add_time(j, "expires", made->expires);
	json_add_int(j, "uses", m->uses);
	rc = json_print(j, JSON_LINE, out, e);
	json_free(j);
	if (rc == 0 && buf_putc(out, '\n') == -1) {
		err_set(e, ERR_MEMORY, "answer");
		rc = -1;
	}
	return rc;
}

void
admin_log_made(const struct exchange *x, const struct mint *m,
    const struct minted *made)
{
	char expires[CLOCK_TEXT_MAX];
	struct log_line l;

	log_begin(&l, LOG_L_NOTICE, "challenge_made");
	log_str(&l, "peer", x->peer);
	log_str(&l, "by", x->by->name);
	log_str(&l, "endpoint", m->endpoint);
	log_str(&l, "challenge", made->name);
	if (*m->profile != '\0')
		log_str(&l, "profile", m->profile);
	log_str(&l, "subject", *m->subject == '\0' ? "any" : m->subject);
	log_str(&l, "san", *m->san == '\0' ? "any" : m->san);
	log_int(&l, "uses", m->uses);
	clock_text(made->expires, expires);
	log_str(&l, "expires", expires);
	log_end(&l);
}

static int
make(struct service *s, struct exchange *x, const struct ask_challenge *a,
    struct err *e)
{
	struct buf text = BUF_INIT(REPLY_MAX);
	struct err why = { .reason = ERR_NONE };
	struct minted made;
	struct mint m;
	int rc;

	if (plan(x, a, &m, e) == -1)
		return -1;
	if (mint_challenge(s, &m, &made, &why) == -1) {
		err_set(e, why.reason == ERR_EXISTS ? ERR_API : why.reason,
		    "%s", why.text);
		return -1;
	}
	admin_log_made(x, &m, &made);
	if ((rc = print(x, &m, &made, &text, e)) == 0)
		answer_put(x, 200, x->plain ? "text/plain" :
		    "application/json", &text);
	buf_wipe(&text);
	buf_wipe(&made.secret);
	return rc;
}

int
admin_challenge(struct service *s, struct exchange *x,
    const struct site_ca *ca, struct err *e)
{
	struct ask_challenge a;
	int rc;

	(void)ca;
	if (admin_right(x, RIGHT_CHALLENGE, e) == -1)
		return -1;
	rc = ask_challenge(buf_bytes(&x->body), &a, e);
	if (rc == 0)
		rc = make(s, x, &a, e);
	ask_clear(&a);
	return rc;
}
