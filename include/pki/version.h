/*
 * Which libcrypto runs. Most of its faults that a message from outside could
 * reach were in CMS, and old ones stay installed for years.
 */
#ifndef PKI_VERSION_H
#define PKI_VERSION_H

/*
 * The last release that mended such a fault (CVE-2026-63072, unwrapping of
 * keys). A day, not a number: each line of OpenSSL has numbers of its own, and
 * all of them are released together.
 */
#define VERSION_FLOOR		20260825
#define VERSION_FLOOR_TEXT	"25 Aug 2026"

/* As it calls itself: "OpenSSL 3.0.22 25 Aug 2026". */
const char	*version_running(void);
/* The day in such a text as yyyymmdd; 0 if there is none in it. */
int	 version_day(const char *text);

#endif
