/*
 * The clocks. Only service, http, daemon and ctl read them; below, time is an
 * argument.
 */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_TEXT_MAX	24	/* "2026-01-31T23:59:59Z" and its NUL */
#define CLOCK_HTTP_MAX	32	/* "Sat, 31 Jan 2026 23:59:59 GMT" */

int64_t	 clock_now(void);		/* seconds since 1970, UTC */
int64_t	 clock_mono_us(void);		/* microseconds, never backwards */
/* A condition whose waits end by that clock; -1: no memory. */
int	 clock_cond_init(pthread_cond_t *);
/* So long from now, for such a wait. */
struct timespec	 clock_cond_until(int64_t ms);
/* RFC 3339 in UTC, seconds. */
void	 clock_text(int64_t when, char out[CLOCK_TEXT_MAX]);
/* Reads exactly what clock_text() writes; -1: anything else. */
int	 clock_parse(const char *, int64_t *when);
/* As HTTP writes it (RFC 9110, 5.6.7). */
void	 clock_http(int64_t when, char out[CLOCK_HTTP_MAX]);

#endif
