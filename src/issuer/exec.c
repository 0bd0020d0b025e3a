/*
 * A program that issues: the request as PEM on its standard input, what was
 * granted in its environment, the certificate (and maybe its chain) as PEM on
 * its standard output. Exit code COMMAND_DONE: issued, COMMAND_REFUSE: refused;
 * anything else is trouble, and the client may try again. What it answers is
 * proven before anybody sees it.
 */
#include <stdlib.h>
#include <string.h>

#include "issuer/issuer_int.h"
#include "pki/chain.h"
#include "util/command.h"
#include "util/proc.h"

#define ANSWER_MAX	(64u * 1024)	/* bytes of standard output */
#define LOOKED_MAX	(1024u * 1024)	/* that are looked through for strays */

struct exec {
	struct command	*cmd;
	char		*ca;		/* file of the CA's certificate */
	unsigned	 leaves;	/* to that CA: CERT_LEAVES_... */
};

static void
exec_close(void *self)
{
	struct exec *x = self;

	command_free(x->cmd);
	free(x->ca);
	free(x);
}

static unsigned
leaves(const struct conf_strings *words)
{
	static const struct { const char *word; unsigned bit; } known[] = {
		{ "subject", CERT_LEAVES_SUBJECT },
		{ "validity", CERT_LEAVES_VALIDITY },
		{ "names", CERT_LEAVES_NAMES },
		{ "usage", CERT_LEAVES_USAGE },
		{ "extensions", CERT_LEAVES_EXTENSIONS },
	};
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (conf_strings_has(words, known[i].word))
			bits |= known[i].bit;
	return bits;
}

static int
exec_open(const struct conf_issuer *c, const struct cert *ca, void **self,
    struct err *e)
{
	struct command *cmd;
	struct exec *x;

	(void)ca;
	if (command_new(c->command.v, (int)c->timeout * 1000, &cmd, e) == -1)
		return -1;
	if ((x = calloc(1, sizeof(*x))) == NULL ||
	    (x->ca = strdup(c->cert)) == NULL) {
		command_free(cmd);
		free(x);
		err_set(e, ERR_MEMORY, "issuer");
		return -1;
	}
	x->cmd = cmd;
	x->leaves = leaves(&c->decides);
	*self = x;
	return 0;
}

/* Runs it with this on its standard input; *cut: it was killed, at whatever it
 * was. */
static int
run(const struct exec *x, const struct issuer_request *r,
    const struct granted *g, struct bytes pem, struct buf *answer, bool *cut,
    struct err *e)
{
	const struct command_run cr = {
		.input = pem, .env = g->env, .n_env = g->n,
		/* What the program says goes to the log; it was given the
		 * challenge. */
		.secret = buf_bytes(&r->csr->challenge),
		.stop = r->stop,
	};
	struct buf diag = BUF_INIT(PROC_STDERR_MAX);
	struct err why = { .reason = ERR_NONE };
	int status, rc;

	rc = command_run(x->cmd, &cr, answer, &diag, &status, &why);
	*cut = status == PROC_CUT;
	if (answer->n > ANSWER_MAX) {
		rc = -1;
		err_set(e, ERR_ISSUER, "%s: answers more than %u bytes",
		    command_name(x->cmd), ANSWER_MAX);
	} else if (rc == -1)
		err_set(e, ERR_ISSUER, "%s", why.text);
	else if (status != COMMAND_DONE) {
		rc = -1;
		err_set(e, status == COMMAND_REFUSE ? ERR_ISSUER_REFUSED :
		    ERR_ISSUER, "%s: exit %d: %.200s", command_name(x->cmd),
		    status, diag.n > 0 ? buf_cstr(&diag) :
		    "nothing on standard error");
	}
	buf_wipe(&diag);
	return rc;
}

static int
ask(const struct issuer *is, const struct exec *x,
    const struct issuer_request *r, struct buf *answer, bool *cut,
    struct err *e)
{
	struct buf pem = BUF_INIT(2 * CSR_MAX_DER);
	struct granted g = { .env[0] = { "SCEPD_CA", x->ca }, .n = 1 };
	int rc = -1;

	if (csr_pem(r->csr, &pem, e) == 0 &&
	    granted_make(r, issuer_ca(is), &g, e) == 0)
		rc = run(x, r, &g, buf_bytes(&pem), answer, cut, e);
	granted_clear(&g);
	buf_wipe(&pem);
	return rc;
}

/* The very key: the same modulus with another exponent is no use to it. */
static bool
is_for(const struct cert *c, const struct issuer_request *r)
{
	return memcmp(c->key.spki_hash, r->csr->key.spki_hash, PKI_HASH) == 0;
}

/* The one certificate of the request's key, which may stand there twice. */
static int
take_leaf(struct certs *cs, const struct issuer_request *r, struct cert **out,
    struct err *e)
{
	size_t i, at = cs->n;

	for (i = 0; i < cs->n; i++) {
		if (!is_for(cs->v[i], r))
			continue;
		if (at < cs->n && !bytes_eq(cs->v[i]->der, cs->v[at]->der)) {
			err_set(e, ERR_ISSUER_ANSWER, "more than one "
			    "certificate has the request's key");
			return -1;
		}
		at = i;
	}
	if (at == cs->n) {
		err_set(e, ERR_ISSUER_ANSWER, "none of %zu certificates has "
		    "the request's key", cs->n);
		return -1;
	}
	*out = cs->v[at];
	cs->v[at] = cs->v[--cs->n];
	return 0;
}

static int
read_answer(const struct exec *x, const struct issuer_request *r,
    const struct buf *answer, struct cert **out, struct err *e)
{
	struct certs cs = { .v = NULL, .n = 0 };
	struct err why = { .reason = ERR_NONE };
	int rc;

	if (certs_parse(buf_bytes(answer), &cs, &why) == -1) {
		err_set(e, ERR_ISSUER_ANSWER, "%s: printed no PEM certificate "
		    "(%s)", command_name(x->cmd), answer->n == 0 ?
		    "nothing on standard output" : why.text);
		return -1;
	}
	rc = take_leaf(&cs, r, out, e);
	certs_free(&cs);
	return rc;
}

/* What it printed before it failed, or of what is no good: all certificates of
 * the request's key; if there are none, all that are not a CA's. */
static void
take_strays(const struct issuer_request *r, const struct buf *answer,
    bool cut, struct certs *out, bool *maybe)
{
	bool known = false;
	struct certs cs;
	size_t i, n = 0;

	certs_salvage(buf_bytes(answer), &cs);
	for (i = 0; i < cs.n; i++)
		known = known || is_for(cs.v[i], r);
	for (i = 0; i < cs.n; i++)
		if (known ? is_for(cs.v[i], r) : !cs.v[i]->is_ca)
			cs.v[n++] = cs.v[i];
		else
			cert_free(cs.v[i]);
	cs.n = n;
	/* Behind what was read, or was to be said yet, there may be the one. */
	if (!known && (cut || answer->n == answer->max))
		*maybe = true;
	if (n > 0)
		*out = cs;
	else
		certs_free(&cs);
}

static int
prove(const struct issuer *is, const struct exec *x,
    const struct issuer_request *r, const struct cert *leaf, struct err *e)
{
	struct err why = { .reason = ERR_NONE };
	int64_t when = r->now;

	/* It was made after the request came, maybe by a clock ahead of ours. */
	if (leaf->not_before > when &&
	    leaf->not_before <= when + CERT_CLOCK_SKEW)
		when = leaf->not_before;
	if (chain_verify_odd(leaf, issuer_ca(is), issuer_upper(is), when,
	    &why) == -1 ||
	    cert_within(leaf, r->plan, x->leaves, &why) == -1) {
		err_set(e, ERR_ISSUER_ANSWER, "%s", why.text);
		return -1;
	}
	return 0;
}

static int
exec_issue(const struct issuer *is, void *self,
    const struct issuer_request *r, struct cert **out, struct certs *strays,
    bool *maybe, struct err *e)
{
	struct buf answer = BUF_INIT(LOOKED_MAX);
	const struct exec *x = self;
	struct cert *made = NULL;
	bool cut = false;
	int rc = -1;

	if (ask(is, x, r, &answer, &cut, e) == 0 &&
	    read_answer(x, r, &answer, &made, e) == 0 &&
	    prove(is, x, r, made, e) == 0) {
		*out = made;
		made = NULL;
		rc = 0;
	} else {
		take_strays(r, &answer, cut, strays, maybe);
	}
	cert_free(made);
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
