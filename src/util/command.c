#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/command.h"
#include "util/file.h"
#include "util/proc.h"

#define ENV_LEN		131071	/* bytes of one of them, as Linux has it */
#define SEARCH_PATH	"/usr/local/bin:/usr/bin:/bin"

struct command {
	char	**argv;			/* strings and a NULL, ours */
	int	  timeout_ms;
};

void
command_free(struct command *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; c->argv != NULL && c->argv[i] != NULL; i++)
		free(c->argv[i]);
	free(c->argv);
	free(c);
}

int
command_new(char *const *argv, int timeout_ms, struct command **out,
    struct err *e)
{
	struct command *c;
	size_t i, n;

	if (access(argv[0], X_OK) == -1) {
		err_set(e, ERR_FILE, "%s: %s; name a program that scepd's "
		    "user may run", argv[0], strerror(errno));
		return -1;
	}
	if (file_check_program(argv[0], e) == -1)
		return -1;
	for (n = 0; argv[n] != NULL; n++)
		continue;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->argv = calloc(n + 1, sizeof(*c->argv))) == NULL)
		goto fail;
	for (i = 0; i < n; i++)
		if ((c->argv[i] = strdup(argv[i])) == NULL)
			goto fail;
	c->timeout_ms = timeout_ms;
	*out = c;
	return 0;
fail:
	command_free(c);
	err_set(e, ERR_MEMORY, "%s", argv[0]);
	return -1;
}

const char *
command_name(const struct command *c)
{
	return c->argv[0];
}

void
command_blank(struct buf *text, struct bytes secret)
{
	uint8_t *from = text->p, *to = from, *end, *hit;

	if (secret.n == 0 || text->n == 0)
		return;
	end = from + text->n;
	while ((hit = memmem(from, (size_t)(end - from), secret.p,
	    secret.n)) != NULL) {
		memmove(to, from, (size_t)(hit - from));
		to += hit - from;
		*to++ = '*';
		from = hit + secret.n;
	}
	memmove(to, from, (size_t)(end - from));
	to += end - from;
	explicit_bzero(to, (size_t)(end - to));
	text->n = (size_t)(to - text->p);
}

static int
add_env(char **env, size_t *n, const char *name, const char *value,
    struct err *e)
{
	struct buf b = BUF_INIT(ENV_LEN);

	if (buf_printf(&b, "%s=%s", name, value) == -1) {
		err_set(e, ERR_CHILD, "environment: %s is too long", name);
		buf_wipe(&b);
		return -1;
	}
	env[(*n)++] = (char *)b.p;
	return 0;
}

static void
free_env(char **env)
{
	size_t i;

	for (i = 0; env != NULL && env[i] != NULL; i++)
		free(env[i]);
	free(env);
}

static char **
make_env(const struct command_run *r, struct err *e)
{
	char **env = calloc(r->n_env + 2, sizeof(*env));
	size_t i, n = 0;
	int rc;

	if (env == NULL) {
		err_set(e, ERR_MEMORY, "environment");
		return NULL;
	}
	rc = add_env(env, &n, "PATH", SEARCH_PATH, e);
	for (i = 0; rc == 0 && i < r->n_env; i++)
		rc = add_env(env, &n, r->env[i].name, r->env[i].value, e);
	if (rc == 0)
		return env;
	free_env(env);
	return NULL;
}

int
command_run(const struct command *c, const struct command_run *r,
    struct buf *out, struct buf *diag, int *status, struct err *e)
{
	struct proc p = {
		.argv = c->argv, .input = r->input,
		.timeout_ms = c->timeout_ms, .stop = r->stop,
	};
	char **env = make_env(r, e);
	int rc;

	*status = PROC_NEVER;
	if (env == NULL)
		return -1;
	p.envp = env;
	if (r->max_ms > 0 && r->max_ms < p.timeout_ms)
		p.timeout_ms = r->max_ms;
	rc = proc_run(&p, out, diag, status, e);
	command_blank(diag, r->secret);
	free_env(env);
	return rc;
}
