/*
 * Revoked certificates, and the CRLs made of them.
 *
 * Reasons are the numbers of CRLReason (RFC 5280, 5.3.1). Revoking, releasing
 * and any other change of a revocation counts up the issuer's changes: whoever
 * publishes a CRL compares them with those that his last one knows.
 */
#ifndef STORE_REVOKED_H
#define STORE_REVOKED_H

#include "store/issued.h"
#include "util/buf.h"

#define REVOKED_HOLD	6		/* certificateHold */
#define REVOKED_RELEASE	8		/* removeFromCRL */

/*
 * Durable on return. id: the row in issued. With REVOKED_RELEASE a certificate
 * on hold is valid again; one on hold can also be revoked for good, and keeps
 * its date. ERR_ALREADY_REVOKED, ERR_NOT_ON_HOLD.
 */
int	 revoked_put(struct db *, int64_t id, int reason, int64_t when,
	    struct err *e);

/* How another certificate belongs to one. */
enum revoked_kin {
	REVOKED_CHAIN = 1,	/* by renewals, or of one migration */
	REVOKED_KEY = 2,	/* it has the same */
	REVOKED_SUBJECT = 4	/* letter case aside; an empty one is none */
};

struct revoked_order {
	int64_t		 id;		/* as revoked_put() takes them */
	int		 reason;
	int64_t		 when;
	unsigned	 also;		/* those that belong to it so */
};

#define REVOKED_SERIAL	64	/* bytes that are told; no CA needs more */

struct revoked_other {
	uint8_t		 serial[REVOKED_SERIAL];
	size_t		 n_serial;
	const char	*subject;
	int64_t		 not_after;
	unsigned	 kin;		/* of enum revoked_kin */
	bool		 taken;		/* it was done to this one too */
	int64_t		 id;
	void		*mem;		/* the store's: holds it */
};
struct revoked_others {
	struct revoked_other	*v;
	size_t			 n;
};

/*
 * As revoked_put(), and in the same step for those others. Fills `others`, the
 * caller's to clear, with all that belong to it in whatever way, have not
 * expired, and that it can be done to, taken or not. With `also` it is no fault
 * that all are revoked already; releasing is refused if it changes nothing.
 */
int	 revoked_put_also(struct db *, const struct revoked_order *,
	    struct revoked_others *, struct err *e);
void	 revoked_others_clear(struct revoked_others *);

/*
 * What a revocation stops beside the certificate itself. Keys are given by
 * their identity, which all spellings of one have.
 */
struct revoked_ask {
	int64_t		 renews;	/* as in struct txn */
	const char	*migrates;
	const uint8_t	*old_key;	/* of what these name; or NULL */
	const uint8_t	*key;		/* that is asked for */
};
struct revoked_stops {
	bool		 successor;	/* one that came of what is renewed,
					 * also over others, is revoked or on
					 * hold, but not as superseded */
	bool		 many;		/* so many came of it that not all were
					 * looked at */
	bool		 old_key;	/* a certificate of that key was revoked
					 * for a compromise */
	bool		 key;		/* the same of this one */
};
int	 revoked_stops(struct db *, const struct revoked_ask *,
	    struct revoked_stops *, struct err *e);

struct revoked {
	struct bytes	 serial;	/* content of the INTEGER */
	int64_t		 when;
	int		 reason;
};

/* Calls each revoked certificate of the issuer that is valid at `from` or
 * later. As issued_each(); but call the store from the callback no more. */
int	 revoked_each(struct db *, const uint8_t issuer_hash[ISSUED_HASH],
	    int64_t from, int (*)(const struct revoked *, void *), void *arg,
	    struct err *e);
int	 revoked_changes(struct db *, const uint8_t issuer_hash[ISSUED_HASH],
	    int64_t *changes, struct err *e);

/* The last CRL of a CA, by the hashes of its Name and SubjectPublicKeyInfo. */
struct revoked_crl {
	uint8_t		 issuer_hash[ISSUED_HASH];
	uint8_t		 key_hash[ISSUED_HASH];
	int64_t		 number;
	int64_t		 changes;	/* that it knows of */
	int64_t		 this_update;
	int64_t		 next_update;
	int64_t		 scheduled;	/* of the last one made on schedule */
};

/* Fills crl by its two hashes and appends its DER; *found tells if there is
 * one. */
int	 revoked_crl_get(struct db *, struct revoked_crl *crl, struct buf *der,
	    bool *found, struct err *e);
/* The highest number that the issuer has used, whatever its key; 0: none. */
int	 revoked_crl_number(struct db *,
	    const uint8_t issuer_hash[ISSUED_HASH], int64_t *number,
	    struct err *e);
/* Durable on return, in the place of the one before. ERR_STORE unless its
 * number is higher than any. */
int	 revoked_crl_put(struct db *, const struct revoked_crl *,
	    struct bytes der, struct err *e);

#endif
