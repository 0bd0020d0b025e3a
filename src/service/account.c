/*
 * Who an administrator is: an account, by the one way that it has. Passwords and
 * tokens are scrypt hashes, remembered once proven as challenges are. Guesses at
 * one account from one address are few a minute; they lock out nobody else, nor
 * a password that was proven before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/chain.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/str.h"

#define LONG_TOKEN	32	/* as many hex digits as scepctl draws */

/* ---- what was presented ---- */

struct presented {
	struct buf	 text;		/* "user:password", or the token */
	const char	*user;		/* in it; NULL: a token has none */
	struct bytes	 secret;	/* in it */
};

/* The text behind the scheme's name, or NULL. */
static const char *
behind(const char *field, const char *scheme)
{
	size_t n = strlen(scheme);

	if (strncasecmp(field, scheme, n) != 0 || field[n] != ' ')
		return NULL;
	return field + n + strspn(field + n, " ");
}

static int
read_basic(const char *text, struct presented *p)
{
	char *colon;

	if (str_unbase64(text, &p->text) == -1 ||
	    p->text.n == 0 ||
	    strlen(buf_cstr(&p->text)) != p->text.n ||
	    (colon = strchr((char *)p->text.p, ':')) == NULL)
		return -1;
	*colon = '\0';
	p->user = (const char *)p->text.p;
	p->secret = bytes_str(colon + 1);
	return 0;
}

static int
read_field(const char *field, struct presented *p, struct err *e)
{
	const char *text;

	if (*field == '\0') {
		err_set(e, ERR_UNAUTHORIZED, "none was named");
		return -1;
	}
	if ((text = behind(field, "Bearer")) != NULL) {
		if (buf_puts(&p->text, text) == 0 && p->text.n > 0) {
			p->secret = buf_bytes(&p->text);
			return 0;
		}
	} else if ((text = behind(field, "Basic")) != NULL &&
	    read_basic(text, p) == 0) {
		return 0;
	}
	err_set(e, ERR_UNAUTHORIZED, "neither HTTP Basic nor a bearer token");
	return -1;
}

/* ---- whose it is ---- */

/* Those whom it may be; *known: it is one of them. Whoever has no account costs
 * as much as who has. */
static size_t
candidates(const struct conf *c, const char *user, struct conf_challenge as[],
    const struct conf_challenge *list[], bool *known)
{
	static char none[] = "";
	int auth = user == NULL ? CONF_ACCOUNT_BEARER : CONF_ACCOUNT_BASIC;
	size_t i, n = 0;

	*known = user == NULL;
	for (i = 0; i < c->n_accounts; i++) {
		if (c->accounts[i].auth != auth)
			continue;
		as[i] = (struct conf_challenge){ .name = c->accounts[i].name,
		    .hash = c->accounts[i].hash, .secret = none };
		if (user != NULL && strcmp(as[i].name, user) == 0) {
			list[0] = &as[i];
			*known = true;
			return 1;
		}
		if (user == NULL || n == 0)
			list[n++] = &as[i];
	}
	return n;
}

static int
find(struct service *s, const struct exchange *x, const struct presented *p,
    const char *who, const struct conf_account **out, struct err *e)
{
	const struct conf *c = x->site->conf;
	struct conf_challenge *as = calloc(c->n_accounts + 1, sizeof(*as));
	const struct conf_challenge **list = calloc(c->n_accounts + 1,
	    sizeof(*list)), *match = NULL;
	bool known;
	size_t n;
	int rc = -1;

	*out = NULL;
	if (as == NULL || list == NULL) {
		err_set(e, ERR_MEMORY, "accounts");
		goto out;
	}
	n = candidates(c, p->user, as, list, &known);
	rc = proven_match(s->admins, list, n, p->secret, who, &match, e);
	if (rc == 0 && match != NULL && known)
		*out = &c->accounts[match - as];
out:
	free(as);
	free(list);
	return rc;
}

/* Behind one address, or the socket, there may be many: each is counted by the
 * account that he names. Names of no account are one. */
static void
tell_apart(const struct exchange *x, const struct presented *p,
    char out[TRIES_WHO])
{
	const struct conf *c = x->site->conf;
	const char *name = "";
	size_t i;

	for (i = 0; p->user != NULL && i < c->n_accounts; i++)
		if (strcmp(c->accounts[i].name, p->user) == 0)
			name = p->user;
	(void)snprintf(out, TRIES_WHO, "%s %s", x->peer, name);
}

/* Nobody hits on one that was drawn; who has one is not stopped by others who
 * try, for a token names nobody. */
static bool
is_long(const struct presented *p)
{
	return p->user == NULL && p->secret.n >= LONG_TOKEN;
}

static int
find_account(struct service *s, struct exchange *x, struct presented *p,
    const struct conf_account **out, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	int64_t now = clock_now();
	const struct conf_account *a;
	char who[TRIES_WHO];
	bool spent;

	if (read_field(buf_cstr(&x->authorization), p, e) == -1)
		return -1;
	tell_apart(x, p, who);
	spent = !is_long(p) && tries_check(s->tries, who, now, &why) == -1;
	if (find(s, x, p, spent ? NULL : who, &a, e) == -1)
		return -1;
	if (a != NULL) {
		*out = a;
		return 0;
	}
	if (spent) {
		*e = why;
		return -1;
	}
	if (!is_long(p))
		tries_add(s->tries, who, now);
	/* What was sent as a name may be a password. */
	err_set(e, ERR_UNAUTHORIZED, p->user == NULL ? "unknown token" :
	    "unknown name or wrong password");
	return -1;
}

/* That a certificate of no account is shown too does not matter. */
static const struct conf_account *
of_certificate(const struct conf *c, const char *subject)
{
	size_t i;

	for (i = 0; *subject != '\0' && i < c->n_accounts; i++)
		if (c->accounts[i].auth == CONF_ACCOUNT_CERTIFICATE &&
		    strcmp(c->accounts[i].certificate, subject) == 0)
			return &c->accounts[i];
	return NULL;
}

int
account_find(struct service *s, struct exchange *x,
    const struct conf_account **out, struct err *e)
{
	struct presented p = { .text = BUF_INIT(x->authorization.max) };
	const struct conf_account *a;
	int rc;

	a = of_certificate(x->site->conf, x->client);
	/* It is another's, or wrong: an account has one way. Were it overlooked,
	 * a wrong password would be good behind a proxy's certificate. */
	if (a != NULL && x->authorization.n > 0) {
		err_set(e, ERR_UNAUTHORIZED, "the certificate of account %s "
		    "and Authorization too; send one of them", a->name);
		return -1;
	}
	if (a != NULL) {
		*out = a;
		return 0;
	}
	if (*x->client != '\0' && x->authorization.n == 0) {
		err_set(e, ERR_UNAUTHORIZED, "no account has the certificate "
		    "%.200s", x->client);
		return -1;
	}
	rc = find_account(s, x, &p, out, e);
	buf_wipe(&p.text);
	return rc;
}

bool
account_may(const struct conf_account *a, enum right r)
{
	static const char *const words[] = {
		[RIGHT_METRICS] = "metrics", [RIGHT_CHALLENGE] = "challenge",
		[RIGHT_NDES] = "ndes"
	};

	return conf_strings_has(&a->rights, words[r]);
}

bool
account_may_for(const struct conf_account *a, const char *endpoint)
{
	return a->endpoints.n == 0 ||
	    conf_strings_has(&a->endpoints, endpoint);
}

bool
account_may_name(const struct conf_account *a, const struct conf_endpoint *ep,
    const char *profile)
{
	return *profile == '\0' || strcmp(profile, ep->profile) == 0 ||
	    conf_strings_has(&a->profiles, profile);
}
