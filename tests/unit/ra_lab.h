/*
 * A service with RA certificates and CAs that follow one another, for its
 * tests: keys, files, messages, and a clock of the test's own. What goes wrong
 * fails the test.
 */
#ifndef TESTS_RA_LAB_H
#define TESTS_RA_LAB_H

#include "service_lab.h"
#include "site/faces.h"

#define SECRET	"Sesame-7F3C9A5B21D8E640"
#define SECRET_Q SECRET "-q"	/* for the profile q, with a CRL's URL */
#define KU_SIGN	CERT_KU_DIGITAL_SIGNATURE
#define KU_ENC	CERT_KU_KEY_ENCIPHERMENT

/* Settings of the issuer, and of the endpoint */
#define LOCAL	"key = \"ca.key\"; "
#define EXEC	"type = \"exec\"; command = [ \"/bin/false\" ]; "
#define NEXT	LOCAL "next = \"next\"; "
#define ONE	"ra_cert = \"ra.pem\"; ra_key = \"ra.key\"; "
#define SPLIT	"ra_cert = \"sign.pem\"; ra_key = \"ra.key\"; " \
		"ra_enc_cert = \"enc.pem\"; ra_enc_key = \"enc.key\"; "

/* What there is beside the lab's CA, which has 100 days, RA and device. */
struct ra_lab {
	struct who	 ca2;		/* the next: EC */
	struct who	 both_ca;	/* that can do without an RA */
	struct who	 both_ca2;
	struct key	*enc_key, *old_key;
	struct cert	*sign, *enc;	/* sign.pem, ra.key; enc.pem, enc.key */
	struct cert	*old;		/* old.pem: with its key */
	struct site	*site;		/* the service's */
	struct err	 e;
};
extern struct ra_lab	 ras;

int	 ras_setup(void **);
int	 ras_teardown(void **);
int	 ras_begin(void **);		/* of a test: a new store */
void	 ras_ok(int rc);

/* Files: a certificate by the CA, from and to as seconds from the start. */
struct cert	*ras_cert(const char *name, const struct key *, unsigned ku,
		    int64_t from, int64_t to);
void	 ras_make(int64_t from, int64_t to);	/* lab.ra.cert anew */
void	 ras_also(const char *name, const struct cert *, const struct key *);
void	 ras_next(const struct who *, int64_t from);	/* the next CA */

/* The service; site_open() alone, which may fail; the service over, anew. */
int	 ras_site(const char *endpoint, const char *issuer,
	    const char *profile);
void	 ras_open(const char *endpoint, const char *issuer);
void	 ras_reload(const char *endpoint, const char *issuer);
void	 ras_restart(const char *endpoint, const char *issuer);
void	 ras_tick(int64_t after);	/* faces_tick(), from the start */
struct face	*ras_face(void);	/* a reference */
struct cert	*ras_shown(void);	/* a copy of what messages are for */
/* How many RA certificates are in the ledger. */
long	 ras_issued(void);

/* Sends to one certificate; the reply must be signed by `by`. */
void	 ras_ask(struct scep_ask *, const struct cert *to,
	    const struct cert *by, struct scep_got *);
void	 ras_csr(int type, const char *subject, const char *challenge,
	    const struct key *, const struct cert *signer,
	    const struct cert *to, const struct cert *by, struct scep_got *);
/* The same from the client itself, which must fail with badRequest or so. */
void	 ras_refused(const char *subject, const char *challenge,
	    const struct cert *to, const struct cert *by);
/* Enrolls; the certificate (yours, if out is not NULL) is by this CA. */
void	 ras_enroll(const struct cert *to, const struct cert *by,
	    const struct cert *ca, struct cert **out);
int	 ras_get(const char *path, const char *query, struct buf *out);
/* GetCACert shows these, in this order. */
void	 ras_assert_shown(const struct cert *const *, size_t n);

#endif
