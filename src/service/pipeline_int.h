/*
 * Private to service: one PKIOperation on its way, and the steps it takes.
 */
#ifndef SERVICE_PIPELINE_INT_H
#define SERVICE_PIPELINE_INT_H

#include "policy/decide.h"
#include "policy/fact.h"
#include "scep/wrap.h"
#include "service/room_int.h"
#include "service/service_int.h"
#include "site/face.h"
#include "store/audit.h"
#include "store/challenge.h"
#include "store/issued.h"
#include "store/revoked.h"
#include "store/txn.h"
#include "store/waiting.h"

struct work;

/* 0, or -1 and the reason. A step may send the work on another way by setting
 * work.flow; the steps of its own way that follow are then left out. */
struct step {
	const char	*name;
	int		(*run)(struct work *, struct err *);
};

/* The challenge that a request holds. */
struct matched {
	const char		*name;		/* NULL: none */
	int64_t			 id;		/* 0: one of scepd.conf */
	struct policy_limits	 limits;
	int64_t			 used;
	struct challenge	 row;		/* memory of one of the store */
};

struct work {
	struct service			*s;
	struct exchange			*x;
	const struct site_endpoint	*se;
	const struct face		*face;	/* the exchange's */
	int64_t				 now;
	const struct step		*flow;	/* ends with a NULL name */
	struct scep_msg			 msg;
	struct csr			*csr;
	struct cms_suite		 suite;	/* to: the way in the face */
	int				 type;	/* of the message, as taken */
	struct cert			*old;	/* signer's, if it may renew */
	int64_t				 old_id;	/* in the ledger; 0:
							 * another server's */
	struct issued_line		 old_line;
	struct revoked_stops		 stops;	/* by revocations */
	struct buf			 migrates;	/* which one, then */
	struct sans			 old_sans;
	bool				 old_revoked;
	const struct conf_profile	*old_profile;	/* NULL: it is gone */
	char				 old_gone[65];	/* its
							 * name, then */
	int64_t				 old_issued;	/* 0: not by us */
	/* The other endpoint that issued the signer's; or "". */
	char				 elsewhere[65];
	struct matched			 challenge;
	struct buf			 facts;	/* its, and the validator's;
						 * or as they were stored */
	bool				 stranger; /* of a locked address */
	bool				 wrong;	/* its challenge is */
	bool				 unseen;	/* nobody looked at it */
	bool				 approved;	/* by an operator */
	struct waiting_claim		 claim;		/* what was */
	struct buf			 claimed_old;	/* that it renews */
	enum policy_challenge		 presented;	/* what policy is told */
	struct asked			*asked;	/* a validator; NULL: none */
	struct room			 room;	/* at an issuer elsewhere */
	struct policy_verdict		 verdict;
	char				**crl_urls;	/* instead of the */
	char				**ca_issuers_urls; /* profile's */
	struct buf			 subject;	/* granted, as text */
	struct txn			 txn;	/* what is asked, for the store */
	uint8_t				 serial[SERIAL_LEN];
	struct txn_found		 found;	/* the row of this request */
	bool				 fresh;	/* the row is ours to end */
	bool				 recorded;	/* issued just now */
	struct cert			*cert;
	struct certs			 strays; /* made elsewhere, and not
						 * acceptable */
	bool				 maybe_stray;	/* one besides, that
							 * nobody has seen */
	struct buf			 sans;
	struct issued			 row;
	struct issued_op		 op;
	bool				 recording;	/* op is in flight */
	struct buf			 reply;

	/* GetCert and GetCRL */
	struct buf			 plain;	/* of the envelope */
	struct ias			 ias;	/* borrowed from it */
	bool				 unknown;	/* it, to us */
	const struct site_ca		*ca;	/* that it names */
	struct document			*crl;
	const char			*outcome;	/* for the log; NULL:
							 * issued, repeated */

	/* How policy came to what it said: first, and about what a validator
	 * made of the request; and all that is kept of it. */
	struct policy_trace		 traces[2];
	size_t				 n_traces;
	struct buf			 trail;
	struct audit			 audit;	/* borrows from the work */
	bool				 told;	/* with the transaction's end */
};

/* Ways through the service, by messageType. */
extern const struct step flow_enroll[];		/* PKCSReq, RenewalReq */
extern const struct step flow_repeat[];		/* seen before */
extern const struct step flow_approved[];	/* by an operator */
extern const struct step flow_poll[];		/* CertPoll */

/* Empty, for an exchange that has an endpoint and its face; to be cleared. */
void	 work_init(struct work *, struct service *, struct exchange *,
	    int64_t now);
void	 work_clear(struct work *);

/* The key that signed the message; and the request, once it is parsed. */
int	 work_check_signer(const struct work *, struct err *e);
int	 work_check_csr(const struct work *, struct err *e);
/* Describes what is asked in work.txn, and looks for what it repeats. */
int	 step_recall(struct work *, struct err *e);
/* Finds the challenge, and asks policy. */
int	 step_authorize(struct work *, struct err *e);
/* What the reservation depends on, into work.txn; writes nothing. */
int	 work_reservation(struct work *, struct err *e);

/* Is the signer's certificate one of ours, or of a CA that we trust? */
int	 step_signer(struct work *, struct err *e);
/* Looks up what revocations stop of it: fills work.stops. */
int	 work_stops(struct work *, struct err *e);
/* Is it in the ledger, for this endpoint, and not revoked? */
int	 signer_known(struct work *, bool *known, struct err *e);
/* The ledger's row of the certificate that signed, whatever it may do here; 0:
 * it has none, or nobody can tell. */
int64_t	 signer_row(struct work *);
/* Of a locked address, only that of whom the ledger knows, or what may hold a
 * challenge that we drew; and once that is opened, if it does: ERR_LOCKED. */
int	 step_admit(struct work *, struct err *e);
int	 admit_opened(struct work *, int rc, struct err *e);
/* Whether a challenge may be looked at; ERR_LOCKED, ERR_RATIONED. */
int	 admit_guess(const struct work *, struct err *e);
/* Where not: whether it may be held against those that we drew; */
bool	 admit_drawn(const struct work *);
/* and whether it does not matter. */
bool	 admit_unseen(const struct work *);
/* Steps that several ways have. */
int	 step_issue(struct work *, struct err *e);
int	 step_record(struct work *, struct err *e);
int	 step_wrap(struct work *, struct err *e);
int	 step_commit(struct work *, struct err *e);
int	 step_pending(struct work *, struct err *e);
/* What a step made of a request that was a new one when it came: a copy of one
 * that was faster is not refused, but sent the way of copies: 0. */
int	 work_unless_copy(struct work *, int rc, struct err *e);
/* The trail of the work up to that step, which refused for `why` (NULL: it
 * passed). Yours; NULL: no memory. */
struct trail	*work_trail(const struct work *, const char *upto,
		    const struct err *why);
/* The same as it is kept; lives until the next one. */
const struct audit	*work_audit(struct work *, const char *outcome,
			    const char *upto, const struct err *why);
const char	*audit_outcome(enum err_reason);
/* It came to no transaction: that is kept, within limits. */
void	 work_refused(struct work *, const char *upto, const struct err *why);
/* Gathers the facts that a subject may be made of, the challenge's and those
 * that the validator answered so far. */
int	 work_facts(struct work *, struct err *e);
/* Asks policy, as far as the work knows the facts. */
int	 work_decide(struct work *, enum policy_challenge, struct err *e);
/* Waits for what the transaction found comes to, and goes on from there. */
int	 step_outcome(struct work *, struct err *e);
extern const struct step flow_getcert[];
extern const struct step flow_getcrl[];

/* Finds the challenge in the request; work.challenge is to be cleared. The
 * second: only if it is one that we drew, without stretching anything. */
int	 challenge_match(struct work *, enum policy_challenge *,
	    struct err *e);
int	 challenge_drawn(struct work *, struct err *e);
/* The one of scepd.conf that the request holds, of whatever endpoint; NULL: none.
 * For a peer, or where that is NULL only what costs nothing is looked at. */
int	 challenge_anywhere(const struct work *, const char *peer,
	    const struct conf_challenge **out, struct err *e);
/* Puts into work.challenge one of the store, taking the row, or of scepd.conf. */
int	 matched_row(struct work *, struct challenge *row, struct err *e);
void	 matched_conf(struct work *, const struct conf_challenge *,
	    bool elsewhere);
void	 matched_clear(struct matched *);

/* What the work has shown, when it ended for this reason. */
enum exchange_proof	 work_proof(const struct work *, enum err_reason);

/* Where the message leads by the certificate it is enveloped for; until that is
 * known, as if it were for the one that is shown now. */
const struct face_way	*work_way(const struct work *);
/* A fresh nonce and the keys of this way. */
int	 work_reply(const struct work *, struct scep_reply *, struct err *e);

#endif
