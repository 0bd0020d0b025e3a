/*
 * Private to site: RA certificates, from what one is used for to the next one
 * that is issued.
 */
#ifndef SITE_RA_INT_H
#define SITE_RA_INT_H

#include "pki/cert_make.h"
#include "site/endpoint.h"
#include "site/ra.h"
#include "store/db.h"
#include "store/ends.h"

/* ---- ra_role: what one is used for; its keyUsage tells ---- */

enum ra_role { RA_BOTH, RA_SIGN, RA_OPEN };
bool	 ra_suits(const struct cert *, enum ra_role);
const char	*ra_role_name(enum ra_role);	/* "RA certificate", … */
const char	*ra_role_wanted(enum ra_role);	/* its keyUsage, in words */

bool	 ra_is_valid(const struct cert *, int64_t now);	/* by its dates */
/* The best one of n for a role under a CA (NULL: under any): the one that is
 * valid for longest, else the one that ended last. NULL: there is none. */
struct pair	*ra_best(const struct pairs *, size_t n, const struct cert *ca,
		    enum ra_role, int64_t now);

/* ---- ra_plan: when the next one is due, and for how long it is good ---- */

int64_t	 ra_plan_due(const struct conf_endpoint *, const struct cert *);
/* Its dates: like this one's, by this CA. */
void	 ra_plan_life(struct cert_plan *, const struct cert *like,
	    const struct cert *ca, int64_t now);
/* Why there can be no certificate like this one under a CA that outlives the
 * best one there is (or NULL), and what to do; NULL: there can. */
const char	*ra_plan_hindrance(const struct conf_endpoint *,
		    const struct site_ca *, const struct cert *like,
		    const struct cert *best, int64_t now);

/* ---- kept: those that were issued here ---- */

/* Appends those of this endpoint, and those of keys that are in `all` or in
 * ra_also, that are good at this time. What cannot be used is logged. */
int	 kept_recall(struct db *, const struct conf *,
	    const struct site_endpoint *, int64_t now, struct pairs *all,
	    struct err *e);
/* A new key as long as the other one, durable in the file *path (yours). */
int	 kept_make_key(const struct conf *, const struct key *like,
	    struct key **out, char **path, struct err *e);

/* ---- ra_renew: those that follow ---- */

/* One endpoint, looked at. */
struct ra_look {
	struct db		*db;
	struct ends		*ends;
	const struct conf	*conf;
	struct site_endpoint	*se;
	int64_t			 now;
	int64_t			 next;	/* when to look again */
	struct pairs		 all;	/* of the files, then the others */
};

/* Issues anew what ends soon under this CA, and appends it. What nobody here can
 * renew is warned of; what fails is told to ra_look_failed(). */
void	 ra_renew(struct ra_look *, const struct site_ca *);
/* Not later than then. */
void	 ra_look_again(struct ra_look *, int64_t when);
/* Logged, and looked at again soon. */
void	 ra_look_failed(struct ra_look *, const struct err *);

#endif
