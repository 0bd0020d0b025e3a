/*
 * Private to policy: what a name may look like.
 */
#ifndef POLICY_POLICY_INT_H
#define POLICY_POLICY_INT_H

#include "pki/csr.h"

#define NAME_VALUE_MAX	256	/* bytes of one subject value */
#define SAN_TEXT_MAX	512	/* bytes of one subjectAltName */

/* ERR_SUBJECT or ERR_SAN: text that other programs would stumble over. */
int	 policy_name_value(const struct name_value *, struct err *e);
int	 policy_san(const struct san *, struct err *e);

#endif
