/*
 * For the tests of rehearse: a service whose endpoints have every kind of
 * reason to refuse, and requests that are foretold and then sent.
 */
#ifndef TESTS_REHEARSE_LAB_H
#define TESTS_REHEARSE_LAB_H

#include "service/rehearse.h"
#include "service_lab.h"

#define SECRET	"8CE317021F690069"
#define OTHERS	"Sesame-0F2D5B9A77C3"

/* Keys of the device; a connection to the store. */
extern struct key	*key, *key2, *ec;
extern struct db	*reader;

int	 rehearse_setup(void **);	/* of a group of tests */
int	 rehearse_teardown(void **);
int	 rehearse_begin(void **);	/* of a test */
int	 rehearse_begin_rsa(void **);	/* profile p takes no EC keys */
int	 rehearse_end(void **);

/* The request's own key signs, or a stranger, the RA, the certificate that was
 * last issued at this endpoint. */
enum by { SELF, STRANGER, RA, OLD };

struct rehearse_row {
	const char	*name;
	const char	*endpoint;
	enum by		 by;
	int		 type;
	struct key	*const *key;
	const char	*subject;
	const char	*sans;
	const char	*challenge;
	enum err_reason	 want;		/* ERR_NONE: issued, or it waits */
	bool		 waits;
};

/* The n-th request: rehearsed, which must write nothing, and sent, which must
 * come to what was foretold; after the last one, the end. */
void	 rehearse_play(const struct rehearse_row *, unsigned n);
void	 rehearse_played(void);

#endif
