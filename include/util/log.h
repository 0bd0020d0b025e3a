/*
 * The log: one logfmt line an event, `event=… key=value …`, to standard error.
 *
 * Under journald (JOURNAL_STREAM names standard error) a line begins with its
 * level as "<6>"; elsewhere with an RFC 3339 time and the level's name. Values
 * from peers are escaped, bytes as \xNN: a line is always one line of printable
 * ASCII or UTF-8. A value is quoted where it needs it; a NULL one is left out.
 * The level and the rate limit are the process's only mutable globals.
 *
 *	struct log_line l;
 *	log_begin(&l, LOG_L_INFO, "issued");
 *	log_str(&l, "txid", txid);
 *	log_int(&l, "us", us);
 *	log_end(&l);
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "util/bytes.h"
#include "util/err.h"

enum log_level {		/* numbers of syslog(3) and journald */
	LOG_L_CRIT = 2,
	LOG_L_ERR = 3,
	LOG_L_WARN = 4,
	LOG_L_NOTICE = 5,
	LOG_L_INFO = 6,
	LOG_L_DEBUG = 7
};

/* Fields that do not fit are left out, and the line ends in " truncated=1". */
#define LOG_LINE_MAX	4096
#define LOG_VALUE_MAX	512	/* escaped; a longer value ends in "..." */

struct log_line {
	enum log_level	 level;
	bool		 off;		/* below the level: nothing is built */
	bool		 cut;
	size_t		 n;
	char		 text[LOG_LINE_MAX];
};

/*
 * level: the least important one written. per_second: at most this many
 * rate-limited lines a second (0: no limit); what was dropped is told by the
 * next line's `suppressed=N`.
 */
void	 log_setup(enum log_level level, unsigned per_second);

void	 log_begin(struct log_line *, enum log_level, const char *event);
/* The same for events that strangers can cause at will. */
void	 log_begin_limited(struct log_line *, enum log_level,
	    const char *event);
void	 log_str(struct log_line *, const char *key, const char *value);
void	 log_bytes(struct log_line *, const char *key, struct bytes value);
void	 log_hex(struct log_line *, const char *key, struct bytes value);
void	 log_int(struct log_line *, const char *key, long long value);
void	 log_err(struct log_line *, const struct err *);  /* reason=, detail= */
void	 log_end(struct log_line *);

/* A whole line with only a message: event=NAME msg="…" */
void	 log_msg(enum log_level, const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

#endif
