#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

/* The years 1000 to 9999, which are written with four digits. */
#define TEXT_FIRST	INT64_C(-30610224000)
#define TEXT_LAST	INT64_C(253402300799)

int64_t
clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t
clock_mono_us(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int
clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t	 attr;
	int			 r;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	return r == 0 ? 0 : -1;
}

struct timespec
clock_cond_until(int64_t ms)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static bool
split(int64_t when, struct tm *tm)
{
	time_t	 t;

	if (when < TEXT_FIRST)
		when = TEXT_FIRST;
	if (when > TEXT_LAST)
		when = TEXT_LAST;
	t = (time_t)when;
	return gmtime_r(&t, tm) != NULL;
}

void
clock_text(int64_t when, char out[CLOCK_TEXT_MAX])
{
	struct tm	 tm;

	out[0] = '\0';
	if (split(when, &tm))
		(void)strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ",
		    &tm);
}

/* What strptime(3) takes and timegm(3) carries over differs when written. */
int
clock_parse(const char *text, int64_t *when)
{
	struct tm	 tm = { .tm_year = 0 };
	char		 again[CLOCK_TEXT_MAX];
	const char	*end;
	int64_t		 t;

	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	t = (int64_t)timegm(&tm);
	clock_text(t, again);
	if (strcmp(text, again) != 0)
		return -1;
	*when = t;
	return 0;
}

/* The names are English: no program of ours sets a locale. */
void
clock_http(int64_t when, char out[CLOCK_HTTP_MAX])
{
	struct tm	 tm;

	out[0] = '\0';
	if (split(when, &tm))
		(void)strftime(out, CLOCK_HTTP_MAX,
		    "%a, %d %b %Y %H:%M:%S GMT", &tm);
}
