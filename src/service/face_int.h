/*
 * Private to service: what an endpoint shows the world as of some time, and the
 * keys that this takes. A face never changes; another one takes its place, and
 * an exchange keeps the one it began with.
 */
#ifndef SERVICE_FACE_INT_H
#define SERVICE_FACE_INT_H

#include "pki/cms.h"
#include "scep/caps.h"
#include "service/service_int.h"

/* ---- pair: a key and its certificate, shared by the faces that show them ---- */

struct pair {
	atomic_int	 refs;
	struct key	*key;
	struct cert	*cert;
};

/* Takes both, also when it fails. */
int	 pair_new(struct key *, struct cert *, struct pair **out,
	    struct err *e);
struct pair	*pair_get(struct pair *);	/* one more reference */
void	 pair_put(struct pair *);	/* gives one up; NULL is fine */

struct pairs {
	struct pair	**v;
	size_t		  n;
};
/* Takes the reference, also when it fails. */
int	 pairs_take(struct pairs *, struct pair *, struct err *e);
void	 pairs_clear(struct pairs *);

/* ---- ra: the RA as the configuration names it ---- */

/* What a certificate is used for; its keyUsage tells. */
enum ra_role { RA_BOTH, RA_SIGN, RA_OPEN };
bool	 ra_suits(const struct cert *, enum ra_role);
const char	*ra_role_name(enum ra_role);	/* "RA certificate", … */

struct ra {
	bool		 split;		/* files: RA_SIGN, RA_OPEN */
	struct pairs	 files;		/* else one, RA_BOTH */
	struct pairs	 also;		/* earlier ones */
};
/* Reads and proves the files; nothing in mode ca. */
int	 ra_open(struct site_endpoint *, int64_t now, struct err *e);
void	 ra_free(struct ra *);		/* NULL is fine */
/* Mode ca: whether clients can encrypt to this CA and verify with it. */
int	 ra_check_ca(const struct issuer *, struct err *e);

/* Why there can be no certificate like this one under a CA that outlives the
 * best one there is (or NULL), and what to do; NULL: there can. */
const char	*ra_not_renewed(const struct site_endpoint *,
		    const struct site_ca *, const struct cert *like,
		    const struct cert *best, int64_t now);

/* ---- kept: RA certificates that were issued here ---- */

/* Appends those of this endpoint, and those of keys that are in `all` or in
 * ra_also, that are good at this time. What cannot be used is logged. */
int	 kept_recall(struct db *, const struct conf *,
	    const struct site_endpoint *, int64_t now, struct pairs *all,
	    struct err *e);
/* A new key as long as the other one, durable in the file *path (yours). */
int	 kept_make_key(const struct conf *, const struct key *like,
	    struct key **out, char **path, struct err *e);

/* ---- urls: of the documents of a CA ---- */

/* The profile's, as those of this CA: begin and end are what lies around the
 * issuer's name in them. */
int	 urls_of(const struct conf_strings *from, const struct site_ca *,
	    const char *begin, const char *end, char ***out, struct err *e);
void	 urls_free(char **);		/* NULL is fine */

/* ---- face ---- */

/* A CA, and who answers for it. */
struct face_gen {
	const struct site_ca	*ca;
	struct cms_recipient	 sign;	/* key NULL: nobody yet */
	struct cms_recipient	 open;	/* may be the same */
	/* RA certificates, issuing CA, … root: as GetCACert has them */
	const struct cert	*chain[SCEP_RA_MAX + 1 + CERTS_MAX];
	size_t			 n_chain;
	size_t			 n_ra;	/* of them */
};

/* Where a message leads, by the certificate that it is enveloped for. */
struct face_way {
	struct cms_recipient	 sign;	/* who signs the reply */
	const struct face_gen	*gen;	/* who issues */
};

struct face {
	atomic_int		 refs;
	struct pairs		 pairs;	/* that the rest borrows from */
	size_t			 n_own;	/* of them are not from ra_also */
	/* The first issues now. The other one is the CA to come, or the one
	 * before. */
	struct face_gen		 gens[2];
	size_t			 n_gens;
	struct cms_recipient	*open;	/* n: who messages may be for, the */
	struct face_way		*ways;	/* first is the one shown; and where
					 * they lead then */
	size_t			 n_ways;
	/* All CA and RA certificates: nobody gets their names. */
	const struct cert	**authorities;
	size_t			 n_authorities;
	struct buf		 caps;	/* answer to GetCACaps */
	struct buf		 cacert;	/* to GetCACert */
	const char		*cacert_type;
	struct buf		 nextca;	/* to GetNextCACert; n == 0:
						 * there is none */
};

/*
 * What the endpoint shows at this time. `kept`: pairs beside those of the
 * configuration; references to them are taken.
 */
int	 face_new(const struct site_endpoint *, const struct pairs *kept,
	    int64_t now, struct face **out, struct err *e);
struct face	*face_get(struct face *);
void	 face_put(struct face *);	/* NULL is fine */
/* The best certificate for a role under a CA (NULL: under any): the one that is
 * valid for longest, else the one that ended last. NULL: there is none. */
struct pair	*face_best(const struct pairs *, size_t n, const struct cert *ca,
		    enum ra_role, int64_t now);
/* The generation whose CA signed this certificate; NULL if none did. A CA that
 * was given up may have had the name of one, with another key. */
const struct face_gen	*face_of(const struct face *, const struct cert *);

#endif
