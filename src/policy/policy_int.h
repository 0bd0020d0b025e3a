/*
 * Private to policy: what a name may look like, and when a certificate renews.
 */
#ifndef POLICY_POLICY_INT_H
#define POLICY_POLICY_INT_H

#include "pki/oid.h"
#include "policy/decide.h"
#include "policy/fact.h"
#include "policy/pattern.h"

#define NAME_VALUE_MAX	256	/* bytes of one subject value */
#define SAN_TEXT_MAX	512	/* bytes of one subjectAltName */

/* ---- rules: each sees the facts and refuses, or lets the next one look ---- */

struct policy_rule {
	const char	*name;		/* stable, documented in scepctl(1) */
	int		(*check)(const struct policy_facts *, struct err *);
	/* Says what it looks at; NULL: nothing worth telling. */
	void		(*inputs)(const struct policy_facts *,
			    struct policy_step *);
	/* Instead of all those: a table of its own. */
	int		(*many)(const struct policy_facts *,
			    struct policy_trace *, struct err *);
};

/* In their order, up to the first that refuses. */
int	 policy_run(const struct policy_rule *, size_t n,
	    const struct policy_facts *, struct policy_trace *, struct err *e);

/* For inputs. A text is cut where it is long. */
void	 policy_say(struct policy_step *, const char *key, const char *value);
void	 policy_say_int(struct policy_step *, const char *key, int64_t);
void	 policy_say_flag(struct policy_step *, const char *key, bool);
void	 policy_say_time(struct policy_step *, const char *key, int64_t when);
void	 policy_say_for(struct policy_step *, const char *key,
	    int64_t seconds);
void	 policy_say_list(struct policy_step *, const char *key,
	    const struct conf_strings *);
void	 policy_say_sans(struct policy_step *, const char *key,
	    const struct sans *);
void	 policy_say_patterns(struct policy_step *, const char *key,
	    const struct patterns *);
void	 policy_say_challenge(const struct policy_facts *,
	    struct policy_step *);
void	 policy_say_subject(const struct policy_facts *, struct policy_step *);
/* Notes what came to pass after the rules. */
void	 policy_note(struct policy_trace *, const char *rule,
	    const struct policy_facts *, const struct err *);

/* ERR_SUBJECT or ERR_SAN: text that other programs would stumble over. */
int	 policy_name_value(const struct name_value *, struct err *e);
int	 policy_san(const struct san *, struct err *e);

/* profile_read.c: what is read of a profile's settings. */
struct policy_rdn {
	char		 oid[OID_TEXT];
	char		*text;		/* with {WORD}s in it */
};
struct policy_made {
	const struct conf_profile *conf;
	struct patterns		*subject;	/* NULL: any */
	struct patterns		*san;
	struct cert_extra	*extras;
	size_t			 n_extras;
	struct policy_rdn	*rdns;	/* of the subject; n == 0: it is the */
	size_t			 n_rdns;	/* request's */
};
/* Of the facts' profile; of one that nothing was read of, an empty one. */
const struct policy_made	*policy_made(const struct policy_facts *);
const struct policy_made	*policy_made_of(const struct policy_profiles *,
				    const struct conf_profile *);
bool	 policy_needs_reading(const struct conf_profile *);

/* profile.c */
bool	 policy_takes_type(const struct conf_profile *, enum key_type);
/* Whether the profile copies this name. */
bool	 policy_takes_san(const struct conf_profile *, const struct san *);
/* The key usages that a key gets; 0 if it is good for none. */
unsigned policy_ku(const struct conf_profile *, const struct pubkey *);

/* sid.c: what of a SAN_SID stands behind the well-known beginning of its URI;
 * s->text where it begins otherwise. */
const char	*policy_sid_in(const struct san *);
bool	 policy_takes_sid(const struct conf_profile *, const char *sid);
/* The one that the extension of Windows gets: what is asked for, or in a renewal
 * the old one's, unless a validator answered about it; "": none. */
void	 policy_sid(const struct policy_facts *, char out[SID_TEXT]);
void	 policy_say_sid(const struct policy_facts *, struct policy_step *);

#define POLICY_CHALLENGE_WORD "challenge"	/* in a template: its name */
/* template.c: whether it is a word of a template that is no attribute type. */
bool	 policy_is_word(const char *);
/* A kind of subjectAltName that the template takes, or NULL. */
const char	*policy_template_san(const struct policy_facts *);
/* Whether it waits for what the validator is yet to say: then policy_subject()
 * is an empty one. */
bool	 policy_awaits(const struct policy_facts *);
/* Appends the Name of an enrollment: the request's, or by the template. */
int	 policy_subject(const struct policy_facts *, struct buf *der,
	    struct err *e);
/* The same for what renews, with the old certificate's values where others than
 * the device say them: they are not asked again. */
int	 policy_subject_again(const struct policy_facts *, struct buf *der,
	    struct err *e);
bool	 policy_no_subject(const struct policy_facts *);
/* Whether it is made by a template that takes some of the request's. */
bool	 policy_makes_subject(const struct policy_facts *);
/* What is asked and not granted, as "san:upn,ku:keyAgreement"; or "". */
void	 policy_surplus(const struct policy_facts *,
	    char out[POLICY_SURPLUS_MAX]);
/* decide.c: whether an operator decides, until one has. */
bool	 policy_is_manual(const struct policy_facts *);
/* grant.c: what is issued, by the facts that the rules let pass. */
int	 policy_grant(const struct policy_facts *, struct policy_verdict *,
	    struct err *e);
/* Rules of decide.c */
int	 policy_rule_key(const struct policy_facts *, struct err *e);
void	 policy_key_inputs(const struct policy_facts *, struct policy_step *);
int	 policy_rule_template(const struct policy_facts *, struct err *e);
void	 policy_template_inputs(const struct policy_facts *,
	    struct policy_step *);
int	 policy_rule_required(const struct policy_facts *, struct err *e);
void	 policy_required_inputs(const struct policy_facts *,
	    struct policy_step *);
int	 policy_rule_patterns(const struct policy_facts *, struct err *e);
void	 policy_patterns_inputs(const struct policy_facts *,
	    struct policy_step *);
int	 policy_rule_surplus(const struct policy_facts *, struct err *e);
void	 policy_surplus_inputs(const struct policy_facts *,
	    struct policy_step *);

/* Whether a challenge that vouches, or must stand beside a renewal, has a use
 * spent. */
bool	 policy_spends(const struct policy_facts *);
/* challenge.c: whether the limits of the challenge (not NULL) allow what is
 * asked: ERR_CHALLENGE_.... */
int	 policy_limits(const struct policy_facts *, struct policy_trace *,
	    struct err *e);
/* renew.c: whether the old certificate (not NULL) is a CA's, has the key of a CA
 * or RA, or is of another server and lets its owner enroll for others. */
bool	 policy_old_authority(const struct policy_facts *);
/* Whether the old certificate (not NULL) may sign for another key: it is in
 * force, with no grace. Reasons as of a renewal. */
int	 policy_old_stands(const struct policy_facts *, struct err *e);
/* A rule of decide.c: what renews keeps the profile that it was issued under. */
int	 policy_rule_profile(const struct policy_facts *, struct err *e);
void	 policy_profile_inputs(const struct policy_facts *,
	    struct policy_step *);
/* Whether the old certificate (not NULL) allows what is asked, by itself:
 * ERR_RENEWAL_..., ERR_CHALLENGE_.... */
int	 policy_renewal(const struct policy_facts *, struct policy_trace *,
	    struct err *e);
/*
 * Whether it is to be judged as a renewal: signed with a certificate of ours,
 * and the message calls it one, or no challenge vouches for it, or it is one in
 * all points. Otherwise a challenge that matches may allow more. What is
 * approved was told so when it came.
 */
bool	 policy_renews(const struct policy_facts *);

#endif
