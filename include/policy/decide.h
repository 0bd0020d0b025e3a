/*
 * Authorization: facts in, verdict out. No clock, file, database or log; what
 * is not allowed here is not issued.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "conf/conf.h"
#include "pki/cert_make.h"
#include "policy/challenge.h"
#include "policy/profile.h"
#include "policy/trace.h"

#define POLICY_SUBJECT_MAX	8192	/* bytes of a Name that is granted */
#define POLICY_SURPLUS_MAX	256

enum policy_challenge {
	POLICY_CHALLENGE_ABSENT,	/* none, or an empty one */
	POLICY_CHALLENGE_WRONG,
	POLICY_CHALLENGE_MATCH
};
/* "absent", "wrong" or "matches" */
const char	*policy_challenge_name(enum policy_challenge);

/* The signer's certificate, where the ledger says that this endpoint issued
 * it, or one of a CA in renew.trusted. */
struct policy_old {
	const struct cert	*cert;
	const struct sans	*sans;
	bool			 revoked;
	/* One that came of it by renewals is, but not as superseded. */
	bool			 successor_revoked;
	/* Nobody can say: so many did. */
	bool			 many_successors;
	bool			 key_compromised;	/* its key, by a
							 * revocation */
	const struct conf_profile *profile;	/* it was issued under; NULL:
						 * the endpoint's */
	/* The name of that one, where there is none of that name any more;
	 * NULL: there is, or there never was. */
	const char		*gone;
	bool			 foreign;	/* of a CA in renew.trusted */
	int64_t			 issued_at;	/* 0: nobody knows */
	int64_t			 superseded_at;	/* first time; 0: never */
	/* How many certificates in a row, up to this one, have the key that is
	 * asked for now. */
	int64_t			 key_uses;
};

struct policy_facts {
	const struct conf_endpoint	*endpoint;
	const struct conf_profile	*profile;	/* unless the challenge
							 * or old has another */
	const struct policy_profiles	*profiles;	/* it is among; NULL:
							 * it has nothing that
							 * is read */
	/* a validator's, above all others; NULL: none */
	const struct conf_profile	*named;
	int64_t				 validity;	/* at most; 0: any */
	bool				 renewal;	/* the message says so */
	/* NULL: signed by a stranger, or approved as no renewal */
	const struct policy_old		*old;
	/* The other endpoint that the signer's certificate was issued at; NULL:
	 * there is none. For whoever reads why. */
	const char			*elsewhere;
	bool				 approved;	/* by an operator */
	bool				 validated;	/* a validator is asked
							 * too, if we agree */
	/* It is yet to be asked about a renewal, and may name a profile: then
	 * policy is asked again. */
	bool				 naming;
	/* It is yet to be asked about whatever is no renewal: a template may
	 * wait for its facts. Then policy is asked again. */
	bool				 asking;
	/* policy_decide()'s own: it is judged as no renewal */
	bool				 enrolls;
	const struct csr		*csr;	/* its signature is proven */
	/* What it says of these is the validator's word, which counts in a
	 * renewal too: it takes the account away, or spells the subject. */
	bool				 sid_answered;
	bool				 subject_answered;
	bool				 key_compromised;	/* its key, by a
							 * revocation */
	const struct pubkey		*signer;
	enum policy_challenge		 challenge;
	bool				 judged;	/* by the validator, and
							 * not by us */
	/* of the challenge that matches, or that it was held with; NULL: none */
	const char			*challenge_name;
	const struct policy_limits	*limits;
	/* policy/fact.h: those of that challenge and of the validator, with
	 * whose they are; NULL: none */
	const char			*facts;
	int64_t				 used;	/* how often it was */
	const struct cert		*ca;	/* issuing CA */
	/* RA, issuing CA and those above it: all must be valid */
	const struct cert *const	*chain;
	size_t				 n_chain;
	/* Every CA and RA: nobody gets their names or keys. */
	const struct cert *const	*authorities;
	size_t				 n_authorities;
	int64_t				 now;
};

/* What to issue; borrows from the facts and from itself, so it is not moved.
 * plan.serial is left to the caller. */
struct policy_verdict {
	struct cert_plan	 plan;
	struct bytes		 sans[SANS_MAX_NAMES];
	uint8_t			 subject[POLICY_SUBJECT_MAX];
	char			 sid[SID_TEXT];
	size_t			 dropped;	/* names the profile left out */
	char			 surplus[POLICY_SURPLUS_MAX];	/* all that it
							 * left out; or "" */
	bool			 made;		/* the subject is, by a template that
						 * takes some of the one asked for */
	bool			 awaits;	/* facts of a validator, without which
						 * it has no subject */
	bool			 hold;		/* an operator decides */
	bool			 renews;	/* proven by the old certificate */
	bool			 spends;	/* a use of the challenge */
	const struct conf_profile *profile;	/* that it follows */
};

/*
 * 0: issue; -1: refused, with the reason. What the old certificate allows by
 * itself spends no use of a challenge that stands beside it, unless
 * renew.challenge wants one. The trace tells how it came to that, also of a
 * refusal; NULL: nobody wants to know.
 */
int	 policy_decide(const struct policy_facts *, struct policy_verdict *,
	    struct policy_trace *, struct err *e);
/* ERR_SIGNER_KEY unless messages signed with such a key can be answered: RSA
 * always, others as the profile takes them. */
int	 policy_signer(const struct conf_profile *, const struct pubkey *,
	    struct err *e);
/* Whether the reply to a signer is enveloped with its challengePassword. */
bool	 policy_by_password(const struct conf_endpoint *,
	    const struct pubkey *);

#endif
