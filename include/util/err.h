/*
 * Why something was refused or failed. The function that sees the fault calls
 * err_set(), the first one wins; callers only pass -1 up; the owner of the
 * request logs it, once.
 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stdbool.h>

/* failInfo of RFC 8894, 3.2.1.4 */
enum failinfo {
	FAIL_BADALG = 0,
	FAIL_BADMESSAGECHECK = 1,
	FAIL_BADREQUEST = 2,
	FAIL_BADTIME = 3,
	FAIL_BADCERTID = 4,
	FAIL_TROUBLE = 100	/* never in a CertRep: told by HTTP status */
};

enum err_reason {
	ERR_NONE = 0,
#define ERR(id, slug, failinfo, http, text)	ERR_##id,
#include "util/err.def"
#undef ERR
	ERR_COUNT
};

#define ERR_TEXT_MAX	512

struct err {
	enum err_reason	 reason;	/* ERR_NONE while nothing went wrong */
	char		 text[ERR_TEXT_MAX]; /* detail for the log, no secret */
	char		 full[ERR_TEXT_MAX + 64]; /* what err_text() gives */
};

/* Records a reason and its detail unless one is recorded already. */
void		 err_set(struct err *, enum err_reason, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the recorded detail (file names, rows). */
void		 err_prefix(struct err *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
void		 err_clear(struct err *);

/* The rows of err.def. */
const char	*err_slug(enum err_reason);	/* stable name, for logs */
/* The reason of that slug; ERR_NONE: there is none such, or it is NULL. */
enum err_reason	 err_named(const char *slug);
const char	*err_what(enum err_reason);	/* sentence for people */
enum failinfo	 err_failinfo(enum err_reason);
int		 err_http(enum err_reason);	/* status without CertRep */
/* "what: detail", or the detail alone where it says all; lives in the err. */
const char	*err_text(const struct err *);

#endif
