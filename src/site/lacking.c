/*
 * Templates of subjects that take facts which nobody gives: every enrollment
 * under them would be refused, so it is said at the start.
 */
#include "policy/fact.h"
#include "site/site_int.h"
#include "util/log.h"

static void
warn_challenge(const struct site *s, const struct site_endpoint *se,
    const struct conf_challenge *c)
{
	const struct conf_profile *p = *c->profile == '\0' ? se->profile :
	    conf_profile(s->conf, c->profile);
	const char *facts = s->limits[c - s->conf->challenges].facts;
	char word[PROFILE_WORD];

	if (policy_profile_lacks(s->profiles, p, FACT_CHALLENGE, facts, word))
		log_msg(LOG_L_WARN, "fact_missing", "endpoint %s: the subject "
		    "of profile %s takes {%s}, and challenge %s has no such "
		    "fact; add it to the challenge's facts", se->conf->name,
		    p->name, word, c->name);
}

static void
warn_validator(const struct site *s, const struct site_endpoint *se)
{
	char word[PROFILE_WORD];

	if (se->validator == NULL && policy_profile_lacks(s->profiles,
	    se->profile, FACT_VALIDATOR, NULL, word))
		log_msg(LOG_L_WARN, "fact_missing", "endpoint %s: the subject "
		    "of profile %s takes {%s}, and the endpoint has no "
		    "validator; name one", se->conf->name, se->profile->name,
		    word);
}

void
site_warn_lacking(const struct site *s)
{
	const struct site_endpoint *se;
	size_t i, k;

	for (i = 0; i < s->conf->n_endpoints; i++) {
		se = &s->endpoints[i];
		for (k = 0; k < se->n_challenges; k++)
			warn_challenge(s, se, se->challenges[k]);
		warn_validator(s, se);
	}
}
