/*
 * A program that issues: the request as PEM on its standard input, the
 * certificate (and maybe its chain) as PEM on its standard output. Exit code 0:
 * issued, 1: refused; anything else is trouble, and the client may try again.
 * What it answers is proven before anybody sees it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issuer/issuer_int.h"
#include "pki/chain.h"
#include "util/proc.h"

#define ANSWER_MAX	(64u * 1024)	/* bytes of standard output */
#define ENV_MAX		8
#define VALUE_MAX	8192	/* bytes of one of them */
#define AHEAD_MAX	600	/* seconds until an answer may become valid */
#define EXIT_ISSUED	0
#define EXIT_REFUSED	1

struct exec {
	char	**argv;			/* n strings and a NULL, ours */
	char	 *ca;			/* file of the CA's certificate */
	int	  timeout_ms;
};

static void
exec_close(void *self)
{
	struct exec *x = self;
	size_t i;

	for (i = 0; x->argv != NULL && x->argv[i] != NULL; i++)
		free(x->argv[i]);
	free(x->argv);
	free(x->ca);
	free(x);
}

static int
exec_open(const struct conf_issuer *c, const struct cert *ca, void **self,
    struct err *e)
{
	struct exec *x;
	size_t i;

	(void)ca;
	if (access(c->command.v[0], X_OK) == -1) {
		err_set(e, ERR_FILE, "%s: %s; name a program that scepd's "
		    "user may run", c->command.v[0], strerror(errno));
		return -1;
	}
	if ((x = calloc(1, sizeof(*x))) == NULL || (x->argv = calloc(
	    c->command.n + 1, sizeof(*x->argv))) == NULL ||
	    (x->ca = strdup(c->cert)) == NULL)
		goto fail;
	for (i = 0; i < c->command.n; i++)
		if ((x->argv[i] = strdup(c->command.v[i])) == NULL)
			goto fail;
	x->timeout_ms = (int)c->timeout * 1000;
	*self = x;
	return 0;
fail:
	if (x != NULL)
		exec_close(x);
	err_set(e, ERR_MEMORY, "issuer");
	return -1;
}

/* Facts beside the request, as environment: text, never a secret. */
static int
add_env(char **env, size_t *n, const char *name, const char *value)
{
	struct buf b = BUF_INIT(VALUE_MAX);

	if (buf_printf(&b, "%s=%s", name, value) == -1) {
		buf_wipe(&b);
		return -1;
	}
	env[(*n)++] = (char *)b.p;
	return 0;
}

static int
make_env(const struct exec *x, const struct issuer_request *r, char **env,
    struct err *e)
{
	size_t n = 0;

	if (add_env(env, &n, "PATH", "/usr/local/bin:/usr/bin:/bin") == -1 ||
	    add_env(env, &n, "SCEPD_CA", x->ca) == -1 ||
	    add_env(env, &n, "SCEPD_ENDPOINT", r->endpoint) == -1 ||
	    add_env(env, &n, "SCEPD_TRANSACTION_ID", r->txid) == -1 ||
	    add_env(env, &n, "SCEPD_PEER", r->peer) == -1) {
		err_set(e, ERR_MEMORY, "issuer's environment");
		return -1;
	}
	return 0;
}

/* What the program says goes to the log; it was given the challenge. */
static void
blank(struct buf *text, struct bytes secret)
{
	uint8_t *p = text->p, *end;

	if (secret.n == 0 || text->n == 0)
		return;
	end = p + text->n;
	while ((p = memmem(p, (size_t)(end - p), secret.p, secret.n)) !=
	    NULL) {
		memset(p, '*', secret.n);
		p += secret.n;
	}
}

static int
run(const struct exec *x, const struct issuer_request *r, struct buf *answer,
    struct err *e)
{
	struct buf pem = BUF_INIT(2 * CSR_MAX_DER);
	struct buf diag = BUF_INIT(PROC_STDERR_MAX);
	char *env[ENV_MAX] = { NULL };
	struct proc p = {
		.argv = x->argv, .envp = env, .timeout_ms = x->timeout_ms
	};
	struct err why = { .reason = ERR_NONE };
	int status, rc = -1;
	size_t i;

	if (csr_pem(r->csr, &pem, e) == -1 || make_env(x, r, env, e) == -1)
		goto out;
	p.input = buf_bytes(&pem);
	rc = proc_run(&p, answer, &diag, &status, &why);
	blank(&diag, buf_bytes(&r->csr->challenge));
	if (rc == -1)
		err_set(e, ERR_ISSUER, "%s", why.text);
	else if (status != EXIT_ISSUED) {
		rc = -1;
		err_set(e, status == EXIT_REFUSED ? ERR_ISSUER_REFUSED :
		    ERR_ISSUER, "%s: exit %d: %.200s", x->argv[0], status,
		    diag.n > 0 ? buf_cstr(&diag) :
		    "nothing on standard error");
	}
out:
	for (i = 0; i < ENV_MAX; i++)
		free(env[i]);
	buf_wipe(&pem);
	buf_wipe(&diag);
	return rc;
}

/* The certificate of the request's key among those answered. */
static struct cert *
take_leaf(struct certs *cs, const struct pubkey *key)
{
	struct cert *leaf;
	size_t i;

	for (i = 0; i < cs->n; i++)
		if (memcmp(cs->v[i]->key.hash, key->hash, PKI_HASH) == 0) {
			leaf = cs->v[i];
			cs->v[i] = cs->v[--cs->n];
			return leaf;
		}
	return NULL;
}

static int
prove(const struct issuer *is, const struct issuer_request *r,
    const struct cert *leaf, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	int64_t when = r->now;

	/* It was made after the request came, maybe by a clock ahead of ours. */
	if (leaf->not_before > when && leaf->not_before <= when + AHEAD_MAX)
		when = leaf->not_before;
	if (chain_verify(leaf, issuer_ca(is), issuer_upper(is), when,
	    &why) == -1 || cert_within(leaf, r->plan, &why) == -1) {
		err_set(e, ERR_ISSUER_ANSWER, "%s", why.text);
		return -1;
	}
	return 0;
}

static int
exec_issue(const struct issuer *is, void *self,
    const struct issuer_request *r, struct cert **out, struct err *e)
{
	struct buf answer = BUF_INIT(ANSWER_MAX);
	struct certs cs = { .v = NULL, .n = 0 };
	struct err why = { .reason = ERR_NONE };
	struct cert *leaf = NULL;
	int rc = -1;

	if (run(self, r, &answer, e) == -1)
		goto out;
	if (certs_parse(buf_bytes(&answer), &cs, &why) == -1) {
		err_set(e, ERR_ISSUER_ANSWER, "%s: printed no PEM certificate "
		    "(%s)", ((struct exec *)self)->argv[0], answer.n == 0 ?
		    "nothing on standard output" : why.text);
		goto out;
	}
	if ((leaf = take_leaf(&cs, &r->csr->key)) == NULL) {
		err_set(e, ERR_ISSUER_ANSWER, "none of %zu certificates has "
		    "the request's key", cs.n);
		goto out;
	}
	if (prove(is, r, leaf, e) == -1)
		goto out;
	*out = leaf;
	leaf = NULL;
	rc = 0;
out:
	cert_free(leaf);
	certs_free(&cs);
	buf_wipe(&answer);
	return rc;
}

static const struct key *
exec_key(void *self)
{
	(void)self;
	return NULL;
}

const struct issuer_ops issuer_exec = {
	.open = exec_open,
	.issue = exec_issue,
	.key = exec_key,
	.close = exec_close,
};
