#include <stdlib.h>
#include <string.h>

#include "util/command.h"
#include "validator/validator_int.h"

struct validator {
	const struct validator_ops	*ops;
	void				*self;
};

/* By enum conf_validator_type. */
static const struct validator_ops *const kinds[] = {
	[CONF_VALIDATOR_EXEC] = &validator_exec,
	[CONF_VALIDATOR_WEBHOOK] = &validator_webhook,
};

int
validator_open(const struct conf_validator *c, struct validator **out,
    struct err *e)
{
	struct validator *v;

	if ((v = calloc(1, sizeof(*v))) == NULL) {
		err_set(e, ERR_MEMORY, "validator");
		return -1;
	}
	v->ops = kinds[c->type];
	if (v->ops->open(c, &v->self, e) == -1) {
		free(v);
		return -1;
	}
	*out = v;
	return 0;
}

void
validator_close(struct validator *v)
{
	if (v == NULL)
		return;
	v->ops->close(v->self);
	free(v);
}

/* What goes to the log, and may repeat what it was given. */
static void
blank(char *words, struct bytes secret)
{
	struct buf text = BUF_INIT(0);

	if (words == NULL)
		return;
	text.p = (uint8_t *)words;
	text.n = strlen(words);
	command_blank(&text, secret);
}

int
validator_ask(const struct validator *v, const struct validator_message *m,
    struct answer *out, struct err *e)
{
	struct answer a = { .verdict = ANSWER_REFUSE };
	struct err why = { .reason = ERR_NONE };

	if (v->ops->ask(v->self, m, &a, &why) == -1) {
		blank(why.text, m->secret);
		err_set(e, why.reason, "%s", why.text);
		return -1;
	}
	blank(a.reason, m->secret);
	*out = a;
	return 0;
}

int
validator_tell(const struct validator *v, const struct validator_message *m,
    struct err *e)
{
	return v->ops->tell(v->self, m, e);
}
