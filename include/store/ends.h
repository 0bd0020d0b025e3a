/*
 * What transactions came to without a certificate, written
 * now or as soon as the store takes it.
 */
#ifndef STORE_ENDS_H
#define STORE_ENDS_H

#include "store/audit.h"
#include "store/db.h"
#include "store/stray.h"
#include "util/err.h"

struct ends;

struct ending {
	int64_t			 txn;
	bool			 release;	/* to approved; else failed */
	enum err_reason		 reason;
	int64_t			 when;
	const struct stray	*strays;	/* made all the same */
	size_t			 n_strays;
	const struct audit	*audit;		/* what explains it; or NULL */
};

/*
 * Durable on return, all or nothing; none of the strays is added that is recorded
 * already, here or as issued. The use of a challenge stays spent with a stray. A
 * transaction that is in truth issued stays so, without strays; one that has
 * ended stays as it ended.
 */
int	 ends_put(struct db *, const struct ending *, struct err *e);

int	 ends_new(struct ends **out, struct err *e);
void	 ends_free(struct ends *);		/* NULL is fine */
/* The same, but what cannot be written is kept, within a limit, and logged. */
void	 ends_write(struct ends *, struct db *, const struct ending *);
/* Tries the oldest again of what was kept, by one thread at a time: whether it is
 * written now. */
bool	 ends_retry(struct ends *, struct db *);

#endif
