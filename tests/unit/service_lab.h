/*
 * For the tests of service: a CA, an RA and a device, a service by a
 * configuration of the test's own, and requests to it, as http hands them over.
 * What goes wrong fails the test.
 */
#ifndef TESTS_SERVICE_LAB_H
#define TESTS_SERVICE_LAB_H

#include "pki_tool.h"
#include "scep/client.h"
#include "service/service_int.h"
#include "store_ask.h"

/* Of a configuration: the beginning of an endpoint at /NAME, and its issuer. */
#define LAB_END_OF(name, issuer)					\
	"  { name = \"" name "\"; paths = [ \"/" name "\" ];\n"		\
	"    ra_cert = \"ra.pem\"; ra_key = \"ra.key\";\n"		\
	"    issuer = \"" issuer "\";\n"
#define LAB_END(name)	LAB_END_OF(name, "i")
#define LAB_ISSUER							\
	"  { name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\"; }"

struct service_lab {
	int64_t		 now;		/* when it was set up */
	int64_t		 end;		/* of what it makes, from now on: a
					 * test may have another one */
	struct who	 ca;		/* ca.pem, ca.key */
	struct who	 ra;		/* ra.pem, ra.key: by the CA */
	struct who	 device;	/* self-signed */
	struct algs	*algs;
	struct service	*service;	/* NULL: none */
	const char	*peer;		/* where requests come from: "" */
};
extern struct service_lab	 lab;

/* Of a group of tests; with a CA's key of that kind. */
int	 lab_setup(void **);		/* "ec:p256" */
int	 lab_setup_with(const char *spec);
int	 lab_teardown(void **);
/* A certificate of 100 days ago, for 1000 days to come; a CA's if it may sign
 * others. issuer NULL: self-signed. */
void	 lab_who(struct who *, const char *name, const char *spec,
	    unsigned ku, const struct who *issuer);
void	 lab_ok(int rc, const struct err *);

/* A service by a configuration, in the manner of printf: on a new store, on the
 * one that is there; and another configuration for the same service. */
void	 lab_begin(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
void	 lab_open(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
void	 lab_reload(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
/* Writes and tells what is left to, too. */
void	 lab_close(void);
int	 lab_end(void **);		/* of a test: lab_close() */

/* Under a transactionID, which is the nonce too; all is borrowed. */
struct scep_ask	 lab_question(int type, const struct who *by,
		    const char *txid, struct bytes content);
/* The device's: a request for CN=device, and PKCSReq with such a one. */
struct csr	*lab_csr(const char *challenge);
struct scep_ask	 lab_pkcsreq(const char *txid, const struct csr *);
/* Waits for the answer to a message, or to a question; clear *x. */
void	 lab_send(const char *path, struct bytes message, struct exchange *x);
void	 lab_post(const char *path, const struct scep_ask *,
	    struct exchange *x);
/* That answer is an HTTP 200, and a CertRep by `ra` to this question; clear
 * *got. */
void	 lab_read(const struct exchange *, const struct scep_ask *,
	    const struct cert *ra, struct scep_got *got);
/* Both, of the lab's RA: what comes of a question, which status it has, and
 * which certificate, which is yours. */
void	 lab_ask(const char *path, const struct scep_ask *,
	    struct scep_got *got);
enum scep_status lab_status(const char *path, const struct scep_ask *);
struct cert	*lab_cert(const char *path, const struct scep_ask *);
/* The HTTP status; with 200, *said is the CertRep's. */
int	 lab_try(const char *path, const struct scep_ask *,
	    enum scep_status *said);

void	 lab_assert_failure(const struct scep_got *, enum failinfo want,
	    const char *row);

/* Certificates in the ledger. */
long	 lab_issued(void);

#endif
