/*
 * A program that validates: the message on its standard input, the verdict as
 * its exit code, what else it wants as JSON on its standard output. Only
 * COMMAND_REFUSE refuses: whatever ends by a mistake ends with another code.
 */
#include <ctype.h>

#include "util/command.h"
#include "util/proc.h"
#include "util/str.h"
#include "validator/validator_int.h"

static int
exec_open(const struct conf_validator *c, void **self, struct err *e)
{
	struct command *cmd;

	if (command_new(c->command.v, (int)c->timeout * 1000, &cmd, e) == -1)
		return -1;
	*self = cmd;
	return 0;
}

static void
exec_close(void *self)
{
	command_free(self);
}

static int
run(const struct command *cmd, const struct validator_message *m,
    struct buf *answer, struct buf *diag, int *status, struct err *e)
{
	const struct command_env env[] = { { "SCEPD_ENDPOINT", m->endpoint } };
	const struct command_run r = {
		.input = m->json, .env = env, .n_env = 1, .secret = m->secret,
		.max_ms = m->max_ms, .stop = m->stop,
	};
	struct err why = { .reason = ERR_NONE };

	if (command_run(cmd, &r, answer, diag, status, &why) == 0)
		return 0;
	err_set(e, why.reason == ERR_MEMORY ? ERR_MEMORY : ERR_VALIDATOR, "%s",
	    why.text);
	return -1;
}

static bool
is_blank(const struct buf *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!isspace(b->p[i]))
			return false;
	return true;
}

/* The reason, unless the answer has one. */
static void
take_words(const struct buf *diag, struct answer *out)
{
	size_t n = diag->n;

	while (n > 0 && isspace(diag->p[n - 1]))
		n--;
	if (out->reason == NULL && n > 0)
		out->reason = str_dup_bytes(bytes_make(diag->p, n));
}

/* Who refuses needs no words for it, and may say it in any. */
static void
read_refusal(const struct buf *text, const struct buf *diag, struct answer *out)
{
	struct err ignored = { .reason = ERR_NONE };

	if (is_blank(text) || answer_read(buf_bytes(text),
	    ANSWER_WITHOUT_VERDICT, out, &ignored) == -1)
		*out = (struct answer){ .reason = NULL };
	out->verdict = ANSWER_REFUSE;
	take_words(diag, out);
}

static int
judge(const struct command *cmd, int status, const struct buf *text,
    const struct buf *diag, struct answer *out, struct err *e)
{
	struct answer a = { .verdict = ANSWER_ISSUE };

	switch (status) {
	case COMMAND_REFUSE:
		read_refusal(text, diag, out);
		return 0;
	case COMMAND_DONE:
	case COMMAND_HOLD:
		if (!is_blank(text) && answer_read(buf_bytes(text),
		    ANSWER_WITHOUT_VERDICT, &a, e) == -1) {
			err_prefix(e, "%s: standard output", command_name(cmd));
			return -1;
		}
		a.verdict = status == COMMAND_HOLD ? ANSWER_HOLD : ANSWER_ISSUE;
		if (status == COMMAND_HOLD)
			take_words(diag, &a);
		*out = a;
		return 0;
	default:
		err_set(e, ERR_VALIDATOR, "%s: exit %d is no verdict: %.200s",
		    command_name(cmd), status, diag->n > 0 ? buf_cstr(diag) :
		    "nothing on standard error");
		return -1;
	}
}

static int
exec_ask(void *self, const struct validator_message *m, struct answer *out,
    struct err *e)
{
	struct buf text = BUF_INIT(ANSWER_MAX);
	struct buf diag = BUF_INIT(PROC_STDERR_MAX);
	int status, rc;

	rc = run(self, m, &text, &diag, &status, e);
	if (rc == 0)
		rc = judge(self, status, &text, &diag, out, e);
	buf_wipe(&text);
	buf_wipe(&diag);
	return rc;
}

static int
exec_tell(void *self, const struct validator_message *m, struct err *e)
{
	struct buf text = BUF_INIT(ANSWER_MAX);
	struct buf diag = BUF_INIT(PROC_STDERR_MAX);
	int status, rc;

	rc = run(self, m, &text, &diag, &status, e);
	if (rc == 0 && status != COMMAND_DONE) {
		err_set(e, ERR_VALIDATOR, "%s: exit %d", command_name(self),
		    status);
		rc = -1;
	}
	buf_wipe(&text);
	buf_wipe(&diag);
	return rc;
}

const struct validator_ops validator_exec = {
	.open = exec_open,
	.ask = exec_ask,
	.tell = exec_tell,
	.close = exec_close,
};
