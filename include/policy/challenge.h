/*
 * What a challenge allows, once it is known which one a request holds. Pure: no
 * clock, no database; how often it was used is a fact.
 */
#ifndef POLICY_CHALLENGE_H
#define POLICY_CHALLENGE_H

#include "policy/pattern.h"

struct policy_limits {
	const struct conf_profile *profile;	/* NULL: the endpoint's */
	struct patterns	*subject;	/* NULL: whatever the profile takes */
	struct patterns	*san;
	char		*facts;		/* of policy/fact.h; NULL: none */
	unsigned	 key_types;	/* bit 1 << enum key_type; 0: the
					 * profile's */
	int64_t		 uses;		/* 0: no limit */
	int64_t		 not_before;
	int64_t		 expires;	/* the first second that is too late;
					 * 0: never */
	bool		 disabled;
	bool		 elsewhere;	/* it is for other endpoints */
	bool		 unknown_profile; /* of a name that is gone */
};

/* Makes it of what was written down: lists as in scepd.conf(5), ERR_CONFIG if
 * they are wrong. Takes nothing over. */
struct policy_written {
	char *const	*subject;	/* end with NULL */
	char *const	*san;
	char *const	*key_types;
	char *const	*facts;		/* as user=alice */
};
int	 policy_limits_read(const struct policy_written *,
	    struct policy_limits *, struct err *e);
void	 policy_limits_clear(struct policy_limits *);

#endif
