/*
 * Profiles as policy uses them: patterns compiled, extensions and the subject's
 * template read, once for all requests.
 */
#ifndef POLICY_PROFILE_H
#define POLICY_PROFILE_H

#include "conf/conf.h"

struct policy_profiles;

/* All profiles of a configuration, which must outlive them: ERR_CONFIG says
 * which setting of which profile is wrong. */
int	 policy_profiles_new(const struct conf *,
	    struct policy_profiles **out, struct err *e);
void	 policy_profiles_free(struct policy_profiles *);  /* NULL is fine */

#define PROFILE_WORD	64
/* Whether the template of one of them takes a fact of FACT_CHALLENGE or
 * FACT_VALIDATOR that is not among those (policy/fact.h; NULL: none); word gets
 * the first. */
bool	 policy_profile_lacks(const struct policy_profiles *,
	    const struct conf_profile *, const char *whose, const char *facts,
	    char word[PROFILE_WORD]);
/* Whether a challenge with those facts would be of no use at the endpoint: so
 * word says, one that an enrollment needs is missing. Not where a challenge may
 * also stand beside a renewal, which keeps its subject. */
bool	 policy_challenge_lacks(const struct policy_profiles *,
	    const struct conf_endpoint *, const struct conf_profile *,
	    const char *facts, char word[PROFILE_WORD]);

#endif
