/*
 * For the tests of requests that wait: a service whose endpoints hold them for
 * an operator, and what may become of one.
 */
#ifndef TESTS_WAITED_LAB_H
#define TESTS_WAITED_LAB_H

#include "service_lab.h"
#include "store/waiting.h"

#define SECRET		"8CE317021F690069"
#define OTHER		"another-" SECRET
#define LISTED		"    challenges = [ \"c\" ];\n"

/* What a reload changes, in the order in which it stands in the text; NULL: as
 * it was at the start. */
struct waited_pieces {
	const char	*profile, *listed;	/* of the endpoint "manual" */
	const char	*trusted;		/* of "moving" */
	const char	*p;			/* of profile p */
	const char	*x;			/* profile x */
	const char	*template;		/* of profile t */
	const char	*d;			/* of challenge d */
};

/* The CA of another server, which the endpoint "moving" trusts. */
extern struct who	 old_ca;

int	 waited_setup(void **);		/* of a group of tests */
int	 waited_teardown(void **);
int	 waited_begin(void **);		/* of a test */
void	 waited_start(void);		/* after lab_close() */
void	 waited_reload(const struct waited_pieces *);

/* A certificate of the device's key, by that CA, and one in the ledger, too. */
struct cert	*waited_cert(const struct who *issuer, uint8_t serial,
		    int64_t to);
void	 waited_issue(const struct who *issuer, const char *endpoint,
	    const char *profile, uint8_t serial, int64_t to, struct who *out);
/* A challenge of one use; wipe its secret. */
struct minted	 waited_mint(const char *endpoint, const char *profile);

/* A request of the device's key, sent again as it is; free r. */
struct waited {
	const char	*path;
	struct csr	*r;
	struct scep_ask	 q;
};

struct waited	 waited_request(const char *path, const struct who *by,
		    const char *txid, const char *subject,
		    const char *challenge);
enum scep_status waited_answer(const struct waited *);
/* It waits now; its id. */
int64_t	 waited_hold(const struct waited *);
void	 waited_decide(int64_t id, enum waiting_word);
/* What its end is in the store: "issued", or the reason. */
void	 waited_assert_end(int64_t id, const char *want);
/* The certificate that it gets, and who has it. */
void	 waited_take(const struct waited *, struct who *out);
/* Enrolls, with an operator's approval. */
void	 waited_enroll(const char *path, const char *txid, struct who *out);

#endif
