/*
 * Security identifiers: who has one in a certificate is that account to
 * Windows, whatever its other names are.
 */
#include <string.h>

#include "policy/policy_int.h"

#define SID_URI		"tag:microsoft.com,2022-09-14:sid:"
#define SID_DOMAIN	"S-1-5-21-"
#define SID_PARTS	4		/* three of the domain, one in it */

/* A number of 32 bits, as it is written; *p goes behind it. */
static bool
skip_number(const char **p)
{
	size_t n = strspn(*p, "0123456789");
	bool is = n > 0 && n <= 10 && (n == 1 || **p != '0') &&
	    (n < 10 || strncmp(*p, "4294967295", 10) <= 0);

	*p += n;
	return is;
}

/* That of an account of a domain; no group or service of Windows itself. */
static bool
is_sid(const char *p)
{
	int i;

	if (strncmp(p, SID_DOMAIN, strlen(SID_DOMAIN)) != 0)
		return false;
	p += strlen(SID_DOMAIN);
	for (i = 0; i < SID_PARTS; i++)
		if (!skip_number(&p) ||
		    (i < SID_PARTS - 1 && *p++ != '-'))
			return false;
	return *p == '\0';
}

const char *
policy_sid_in(const struct san *s)
{
	bool is = strncmp(s->text, SID_URI, strlen(SID_URI)) == 0;

	return is ? s->text + strlen(SID_URI) : s->text;
}

bool
policy_takes_sid(const struct conf_profile *p, const char *sid)
{
	return p->sid == CONF_SID_ALLOW && is_sid(sid);
}

void
policy_sid(const struct policy_facts *f, char out[SID_TEXT])
{
	/* What was granted before is kept, as the subject is; who answers about
	 * it can take it away. */
	if (policy_renews(f) && !f->sid_answered)
		cert_sid(f->old->cert, out);
	else
		memcpy(out, f->csr->asked.sid, SID_TEXT);
	if (!policy_takes_sid(f->profile, out))
		out[0] = '\0';
}

void
policy_say_sid(const struct policy_facts *f, struct policy_step *s)
{
	if (*f->csr->asked.sid != '\0')
		policy_say(s, "sid", f->csr->asked.sid);
}
