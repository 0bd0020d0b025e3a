/*
 * For the tests of requests that wait: a service whose endpoints hold them for
 * an operator, and what may become of one.
 */
#ifndef TESTS_WAITED_LAB_H
#define TESTS_WAITED_LAB_H

#include "service_lab.h"
#include "store/waiting.h"

#define SECRET		"8CE317021F690069"
/* What the endpoint "manual" lists, as a rule. */
#define LISTED	"    challenges = [ \"c\" ];\n"

/* The CA of another server, which the endpoint "moving" trusts. */
extern struct who	 old_ca;

int	 waited_setup(void **);		/* of a group of tests */
int	 waited_teardown(void **);
int	 waited_begin(void **);		/* of a test */
/* After lab_close(); and with other settings: what "manual" lists, and the
 * template of the profile of "named" and "moving". */
void	 waited_start(void);
void	 waited_reload(const char *listed, const char *template);

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
