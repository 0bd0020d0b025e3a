/*
 * A browser says who made it send a request: Sec-Fetch-Site with each one to a
 * host that it trusts (HTTPS, or loopback), Origin with whatever is not a plain
 * GET. No page can change either of them. With that, Content-Type need not be
 * looked at: a form of another site may be sent as any text, but never without
 * Origin, and programs name none or a wrong one.
 *
 * Host is not held against a list of our names, for programs reach the listener
 * by whatever name was given to them. Against a page whose own name is made to
 * lead here (DNS rebinding) it is not needed: to the browser that is a site of
 * its own, for which it has no password, and TLS fails on the name before a
 * certificate is shown.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/origin.h"

struct place {
	const char	*name;		/* with its brackets, if it has some */
	size_t		 n;
	long		 port;
};

/* "name", "name:port", "[IPv6]" or "[IPv6]:port" */
static int
split(const char *text, long port, struct place *out)
{
	size_t		 digits, n = strcspn(text, *text == '[' ? "]" : ":");
	const char	*rest;

	if (text[n] == ']')
		n++;
	rest = text + n;
	if (n == 0 || (*rest != '\0' && *rest != ':'))
		return -1;
	if (*rest == ':' && *++rest != '\0') {
		digits = strspn(rest, "0123456789");
		if (digits > 5 || rest[digits] != '\0')
			return -1;
		port = strtol(rest, NULL, 10);
	}
	*out = (struct place){ .name = text, .n = n, .port = port };
	return 0;
}

/* The port that is meant where none is named is the scheme's, in both: before a
 * listener without TLS there may be a proxy with it. */
static bool
is_here(const struct http_origin *o)
{
	static const char	 plain[] = "http://", tls[] = "https://";
	struct place		 from, here;
	const char		*text;
	long			 port;

	if (strncasecmp(o->origin, tls, strlen(tls)) == 0) {
		text = o->origin + strlen(tls);
		port = 443;
	} else if (!o->tls &&
	    strncasecmp(o->origin, plain, strlen(plain)) == 0) {
		text = o->origin + strlen(plain);
		port = 80;
	} else {
		return false;
	}
	return o->host != NULL && split(text, port, &from) == 0 &&
	    split(o->host, port, &here) == 0 && from.port == here.port &&
	    from.n == here.n && strncasecmp(from.name, here.name, here.n) == 0;
}

int
http_origin_check(const struct http_origin *o, struct err *e)
{
	/* "none": the user himself, by address or bookmark. */
	if (o->site != NULL && strcmp(o->site, "same-origin") != 0 &&
	    strcmp(o->site, "none") != 0) {
		err_set(e, ERR_CROSS_SITE, "Sec-Fetch-Site is %.32s, Origin "
		    "%.128s", o->site, o->origin == NULL ? "not there" :
		    o->origin);
		return -1;
	}
	if (o->origin == NULL || is_here(o))
		return 0;
	err_set(e, ERR_CROSS_SITE, "Origin is %.128s, Host %.128s", o->origin,
	    o->host == NULL ? "not there" : o->host);
	return -1;
}
