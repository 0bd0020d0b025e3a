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

/* A keyUsage bit of pki/cert.h as scepd.conf(5) writes it, or NULL. */
const char	*policy_ku_word(unsigned bit);

#endif
