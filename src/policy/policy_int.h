/*
 * Private to policy: what a name may look like, and when a certificate renews.
 */
#ifndef POLICY_POLICY_INT_H
#define POLICY_POLICY_INT_H

#include "policy/decide.h"

#define NAME_VALUE_MAX	256	/* bytes of one subject value */
#define SAN_TEXT_MAX	512	/* bytes of one subjectAltName */

/* ERR_SUBJECT or ERR_SAN: text that other programs would stumble over. */
int	 policy_name_value(const struct name_value *, struct err *e);
int	 policy_san(const struct san *, struct err *e);

/* Whether the profile copies names of this kind. */
bool	 policy_takes_san(const struct conf_profile *, const struct san *);

/* Whether the old certificate (not NULL) allows what is asked, by itself:
 * ERR_RENEWAL_..., ERR_CHALLENGE_.... */
int	 policy_renewal(const struct policy_facts *, struct err *e);
/*
 * Whether it is to be judged as a renewal: signed with a certificate of ours,
 * and the message calls it one, or no challenge vouches for it, or it is one in
 * all points. Otherwise a challenge that matches may allow more.
 */
bool	 policy_renews(const struct policy_facts *);

#endif
