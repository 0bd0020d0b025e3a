/*
 * Private to validator: what a kind of validator is.
 */
#ifndef VALIDATOR_VALIDATOR_INT_H
#define VALIDATOR_VALIDATOR_INT_H

#include "validator/validator.h"

struct validator_ops {
	int	(*open)(const struct conf_validator *, void **self,
		    struct err *e);
	/* As validator_ask(), with out empty. */
	int	(*ask)(void *self, const struct validator_message *,
		    struct answer *out, struct err *e);
	int	(*tell)(void *self, const struct validator_message *,
		    struct err *e);
	void	(*close)(void *self);
};

extern const struct validator_ops validator_exec;
extern const struct validator_ops validator_webhook;

#endif
