/*
 * Private to service: the endpoint's validator, as one request has to do with
 * it.
 */
#ifndef SERVICE_VALIDATE_INT_H
#define SERVICE_VALIDATE_INT_H

#include "service/doors_int.h"
#include "service/pipeline_int.h"
#include "validator/validator.h"

struct asked {
	uint8_t			 key[DOOR_KEY];
	bool			 inside;	/* its door is ours */
	bool			 spoken;	/* it has been asked */
	bool			 answered;
	struct answer		 answer;
	struct csr		*csr;		/* NULL: the request's own */
	const struct conf_profile *named;	/* NULL: none */
	struct buf		 facts;
};

/* ---- the step ---- */

/* Asks the endpoint's validator, and policy again about what it says. */
int	 step_validate(struct work *, struct err *e);
/* Forgets it; copies of the request may go on. */
void	 validate_end(struct work *);
/* What it answered becomes the work's: 0, or -1 and the reason. */
int	 validate_obey(struct work *, struct asked *, struct err *e);

/* ---- who is to be asked ---- */

/* Of an endpoint that has one. */
const struct conf_validator	*validate_conf(const struct work *);
/* Does the validator judge the challenge? Then a blank one is none. */
bool	 validate_instead(const struct work *);
enum policy_challenge	 validate_presented(const struct work *);
/* There is a secret that matters, and nobody but the validator can tell it. */
bool	 validate_is_unproven(const struct work *);
/* Whether it is asked about this request, once policy has let it pass. */
bool	 validate_is_due(const struct work *);
/* Whether it is yet to be asked, if this is a renewal. */
bool	 validate_is_naming(const struct work *);
/* Whether it is yet to be asked, if this is none. */
bool	 validate_is_asking(const struct work *);

/* ---- what it made of the request ---- */

/* What is asked for: the request's own, or what the validator made of it. */
const struct csr	*validate_csr(const struct work *);
/* Whether what that says of the account, or of the subject, is its word. */
bool	 validate_says_sid(const struct work *);
bool	 validate_says_subject(const struct work *);
/* The profile that it names, or NULL, and the life that it wants, or 0. */
const struct conf_profile	*validate_profile(const struct work *);
int64_t	 validate_validity(const struct work *);
/* The facts that it answered, or "". */
const char	*validate_facts(const struct work *);
/* What it says of a request that it does not refuse; NULL: nothing. */
const char	*validate_reason(const struct work *);
/* Whether it lets an operator decide. */
bool	 validate_holds(const struct work *);
/* Its name, if it was asked about this request, or NULL. */
const char	*validate_name(const struct work *);
/* What it was asked and said, for the trail. */
void	 validate_input(const struct work *, struct buf *out);

/* ---- what it is told ---- */

/* What became of the request; failed: why, or ERR_NONE. */
void	 told_outcome(struct work *, const struct err *failed);

/* As JSON. */
#define TOLD_MAX	(1024u * 1024)	/* bytes of it */
int	 facts_request(const struct work *, struct buf *out, struct err *e);
int	 facts_outcome(const struct work *, const struct err *failed,
	    struct buf *out, struct err *e);
int	 facts_end(const struct waiting_end *, struct buf *out,
	    struct err *e);

#endif
