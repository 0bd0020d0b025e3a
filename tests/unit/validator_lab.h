/*
 * A service that asks a validator, for its tests. It is a script here: it keeps
 * what it is told, says what stands in a file and ends as another one says.
 */
#ifndef TESTS_VALIDATOR_LAB_H
#define TESTS_VALIDATOR_LAB_H

#include "service_lab.h"

#define SECRET	"8CE317021F690069"
#define LIMITED	"5F0C8E6A21D794B3"	/* its challenge has a profile */

int	 vlab_begin(void **);		/* of a test: it says yes */
void	 vlab_again(void);		/* another service, on a new store */

/* A file of the script's. */
void	 vlab_write(const char *name, const char *what);
/* What stands in one; "" where there is none. Borrowed until the next. */
const char	*vlab_heard(const char *name);
/* The script's next answers. */
void	 vlab_says(int verdict, const char *words);
/* How often it was asked since the service began. */
size_t	 vlab_asked(void);
void	 vlab_assert_told(const char *what);

/* A request for CN=device and a name of the DNS. */
void	 vlab_ask(const char *path, int type, const struct who *by,
	    const char *txid, const char *challenge, struct scep_got *);
/* The HTTP status of the same, where no CertRep is to be expected, and of the
 * device's PKCSReq. */
int	 vlab_http(const char *path, int type, const struct who *by,
	    const char *challenge);
int	 vlab_try(const char *path, const char *challenge);

#endif
