/*
 * Validators: programs and servers of an operator's that are asked whether a
 * device may have its certificate, and may be told what became of it. A new
 * kind is one row in validator.c and one file.
 *
 * What is said to them is JSON that the caller makes; what they answer is read
 * as render/answer.h says. Whatever goes wrong on the way refuses the request.
 */
#ifndef VALIDATOR_VALIDATOR_H
#define VALIDATOR_VALIDATOR_H

#include <stdatomic.h>

#include "conf/conf.h"
#include "render/answer.h"

struct validator;

/* Reads what the configuration names; nothing is contacted. */
int	 validator_open(const struct conf_validator *, struct validator **out,
	    struct err *e);
void	 validator_close(struct validator *);	/* NULL is fine */

struct validator_message {
	struct bytes		 json;
	struct bytes		 secret;	/* in it; never goes to a log */
	const char		*endpoint;
	int64_t			 now;
	int			 max_ms;	/* 0: the validator's timeout */
	const atomic_bool	*stop;		/* gives up early; NULL: never */
};

/*
 * What it says: 0 whatever the verdict is, or ERR_VALIDATOR (it cannot be
 * reached, took too long, failed), ERR_VALIDATOR_ANSWER (it said what cannot be
 * used). Blocks up to the timeout. Callable from several threads at once.
 */
int	 validator_ask(const struct validator *,
	    const struct validator_message *, struct answer *out,
	    struct err *e);
/* Says something that needs no answer: ERR_VALIDATOR if it did not arrive. */
int	 validator_tell(const struct validator *,
	    const struct validator_message *, struct err *e);

#endif
