/*
 * Who an administrator is: an account, by the one way that it has. Passwords and
 * tokens are scrypt hashes, remembered once proven as challenges are; guesses
 * are few a minute from one address, and never lock out a password that was
 * proven before.
 */
#include <stdlib.h>
#include <string.h>

#include "pki/chain.h"
#include "service/service_int.h"
#include "util/clock.h"
#include "util/str.h"

#define TRIES_MAX	10	/* wrong ones from one address ... */
#define TRIES_SECONDS	60	/* ... in so long */
#define TRIES_PEERS	256	/* addresses that are kept */

struct tries {
	pthread_mutex_t	 lock;
	struct try {
		char	 peer[PEER_MAX];
		int64_t	 since;		/* the first of them */
		unsigned n;
	}		 v[TRIES_PEERS];
};

int
tries_new(struct tries **out, struct err *e)
{
	struct tries *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		err_set(e, ERR_MEMORY, "accounts");
		return -1;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

void
tries_free(struct tries *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Under the lock: the address's own place, or the one longest unused. */
static struct try *
tries_at(struct tries *t, const char *peer, int64_t now)
{
	struct try *old = &t->v[0], *p;

	for (p = t->v; p < t->v + TRIES_PEERS; p++) {
		if (strcmp(p->peer, peer) == 0) {
			old = p;
			break;
		}
		if (p->since < old->since)
			old = p;
	}
	if (strcmp(old->peer, peer) != 0 || now < old->since ||
	    now - old->since >= TRIES_SECONDS) {
		*old = (struct try){ .since = now };
		memcpy(old->peer, peer, strlen(peer) + 1);
	}
	return old;
}

static bool
tries_spent(struct tries *t, const char *peer, unsigned more)
{
	struct try *at;
	bool spent;

	pthread_mutex_lock(&t->lock);
	at = tries_at(t, peer, clock_now());
	at->n += more;
	spent = at->n >= TRIES_MAX;
	pthread_mutex_unlock(&t->lock);
	return spent;
}

/* ---- at the start ---- */

/* Is one of them the CA c, or what issued it? An issuer's chain may end below
 * its root. */
static bool
is_above(const struct certs *cs, const struct cert *c)
{
	struct err why;
	size_t i;

	for (i = 0; i < cs->n; i++) {
		err_clear(&why);
		if (memcmp(cs->v[i]->key.hash, c->key.hash, PKI_HASH) == 0 ||
		    chain_link(c, cs->v[i], &why) == 0)
			return true;
	}
	return false;
}

/* The CA, or one above it, for which that is so; NULL: none. */
static const struct cert *
shared(const struct certs *cs, const struct issuer *is)
{
	const struct certs *upper = issuer_upper(is);
	size_t i;

	if (is_above(cs, issuer_ca(is)))
		return issuer_ca(is);
	for (i = 0; i < upper->n; i++)
		if (is_above(cs, upper->v[i]))
			return upper->v[i];
	return NULL;
}

/* A device that gets to choose its name would be the account of that name. */
static int
check_client_ca(const struct site *s, struct err *e)
{
	const char *file = s->conf->admin_client_ca;
	struct certs cs = { .v = NULL, .n = 0 };
	const struct cert *of = NULL;
	const struct site_ca *ca;
	size_t i;

	if (*file == '\0')
		return 0;
	if (certs_load(file, &cs, e) == -1) {
		conf_blame(s->conf, "admin.client_ca", e);
		return -1;
	}
	for (i = 0; of == NULL && i < s->conf->n_issuers; i++)
		for (ca = &s->cas[i]; of == NULL && ca != NULL; ca = ca->next)
			of = shared(&cs, ca->issuer);
	if (of != NULL) {
		err_set(e, ERR_CONFIG, "%s: %s, or what issued it, stands "
		    "above the certificates of devices too, which could be "
		    "administrators then; give a CA whose certificates "
		    "administrators alone have", file, of->subject_text);
		conf_blame(s->conf, "admin.client_ca", e);
	}
	certs_free(&cs);
	return of == NULL ? 0 : -1;
}

int
accounts_check(const struct site *s, struct err *e)
{
	const struct conf_account *a = s->conf->accounts, *end;

	for (end = a + s->conf->n_accounts; a < end; a++)
		if (a->auth != CONF_ACCOUNT_CERTIFICATE &&
		    secret_check(a->hash, e) == -1) {
			err_prefix(e, "%s:%d: account %s", s->conf->file,
			    a->line, a->name);
			return -1;
		}
	return check_client_ca(s, e);
}

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
    bool cheap, const struct conf_account **out, struct err *e)
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
	rc = (cheap ? proven_recall : proven_match)(s->admins, list, n,
	    p->secret, &match, e);
	if (rc == 0 && match != NULL && known)
		*out = &c->accounts[match - as];
out:
	free(as);
	free(list);
	return rc;
}

static int
find_account(struct service *s, struct exchange *x, struct presented *p,
    const struct conf_account **out, struct err *e)
{
	bool spent = tries_spent(s->tries, x->peer, 0);
	const struct conf_account *a;

	if (read_field(buf_cstr(&x->authorization), p, e) == -1 ||
	    find(s, x, p, spent, &a, e) == -1)
		return -1;
	if (a != NULL) {
		*out = a;
		return 0;
	}
	if (spent) {
		err_set(e, ERR_TRIES, "%d wrong ones within %d s", TRIES_MAX,
		    TRIES_SECONDS);
		return -1;
	}
	(void)tries_spent(s->tries, x->peer, 1);
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

	if ((a = of_certificate(x->site->conf, x->client)) != NULL) {
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
