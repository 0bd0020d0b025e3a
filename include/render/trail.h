/*
 * The trail of a decision, as the store keeps it and scepctl shows it: what was
 * known of a request, and the steps that were taken, up to the one that refused
 * it.
 *
 *	{ "facts": { "endpoint": "scep", … },
 *	  "steps": [ { "by": "enrollment", "step": "key", "input": "key=rsa …" },
 *	             { "by": …, "step": …, "input": …, "reason": "csr_key",
 *	               "detail": "…" } ],
 *	  "cut": true }
 *
 * Texts may be of strangers: what is no UTF-8 becomes U+FFFD, long facts are
 * cut. Secrets are for callers to keep out.
 */
#ifndef RENDER_TRAIL_H
#define RENDER_TRAIL_H

#include "render/json.h"

#define TRAIL_MAX	(16u * 1024)	/* bytes of the text */
#define TRAIL_FACT_MAX	256		/* bytes of one fact */
#define TRAIL_NAMES_MAX	2048

/* Who took a step: the service around policy, or policy, which judges a request
 * as a renewal or as an enrollment. */
#define TRAIL_SERVICE		"service"
#define TRAIL_RENEWAL		"renewal"
#define TRAIL_ENROLLMENT	"enrollment"

struct trail_step {
	const char	*by;		/* one of these */
	const char	*step;		/* its name, as in scepctl(1) */
	const char	*input;		/* what it looked at; "": nothing */
	const char	*reason;	/* a slug of err.def; NULL: it passed */
	const char	*detail;	/* of a refusal; "" or NULL: none */
};

/* Lack of memory is remembered and told once, by trail_print(); until then every
 * call takes NULL too. */
struct trail;

struct trail	*trail_new(void);
void		 trail_free(struct trail *);

/* Facts that advice is made of: who asked, the endpoint that issued the signer's
 * certificate where it is another one, the challenge's name, what a CA elsewhere
 * made all the same, and what it may have made. */
#define TRAIL_PEER		"peer"
#define TRAIL_ELSEWHERE		"signer_endpoint"
#define TRAIL_CHALLENGE		"challenge"
#define TRAIL_STRAY		"stray"
#define TRAIL_MAYBE		"possible_stray"
#define TRAIL_MAYBE_AT		"possible_stray_at"

/* And what an operator would approve: the names of the certificate, with the SID
 * of a Windows account, and what is left out of those that were asked for. */
#define TRAIL_SUBJECT		"granted_subject"
#define TRAIL_SANS		"granted_sans"
#define TRAIL_SID		"granted_sid"
#define TRAIL_LEFT_OUT		"left_out"

/* value NULL or "": left out. Facts stay in their order. */
void		 trail_fact(struct trail *, const char *key,
		    const char *value);
/* The same for what is to be seen whole: TRAIL_NAMES_MAX bytes of it. */
void		 trail_names(struct trail *, const char *key,
		    const char *value);
void		 trail_step(struct trail *, const struct trail_step *);
void		 trail_cut(struct trail *);	/* there was more */
/* Appends the text, of TRAIL_MAX bytes at most: where it would be longer, what
 * those steps looked at that passed is left out, then they. */
int		 trail_print(const struct trail *, struct buf *out,
		    struct err *e);

/* ERR_STORE unless it is such a text. Members that are not known here are
 * passed over: another version may have written them. */
int		 trail_read(struct bytes json, struct trail **out,
		    struct err *e);
/* Borrowed from it; false: there are no more. */
bool		 trail_get_fact(const struct trail *, size_t nth,
		    const char **key, const char **value);
bool		 trail_get_step(const struct trail *, size_t nth,
		    struct trail_step *);
/* The fact of that key, or NULL. */
const char	*trail_find(const struct trail *, const char *key);
bool		 trail_is_cut(const struct trail *);
/* The same as a part of another document; NULL: no memory. */
struct json	*trail_json(const struct trail *);

#endif
