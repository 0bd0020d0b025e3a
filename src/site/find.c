/*
 * Which endpoint a request is for: by its path, and by the CA that it names.
 */
#include <string.h>
#include <strings.h>

#include "site/find.h"
#include "util/str.h"

/* What clients ask of any server (RFC 8894, 4.1). */
#define PROGRAM		"pkiclient.exe"

/* Of the path behind a prefix and its slash, up to the next slash. */
static struct bytes
first_segment(const char *path)
{
	return bytes_make(path, strcspn(path, "/"));
}

static const char *
last_segment(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Behind "/scep/", where a segment names an endpoint; NULL elsewhere. */
static const char *
below_scep(const char *path)
{
	size_t n = strlen(CONF_SCEP "/");

	return strncasecmp(path, CONF_SCEP "/", n) == 0 ? path + n : NULL;
}

static const struct site_endpoint *
by_name(const struct site *s, struct bytes name)
{
	size_t i;

	for (i = 0; i < s->conf->n_endpoints; i++)
		if (str_equal_nocase(name,
		    bytes_str(s->conf->endpoints[i].name)))
			return &s->endpoints[i];
	return NULL;
}

/* Does path lie at or below prefix? Case is ignored: IIS did. */
static bool
below(const char *path, const char *prefix)
{
	size_t n = conf_path_length(prefix);

	return strncasecmp(path, prefix, n) == 0 && (path[n] == '/' ||
	    (path[n] == '\0' && n > 0));
}

/* The longest path that begins this one, of at least so many octets. */
static const struct site_endpoint *
by_path(const struct site *s, const char *path, size_t least)
{
	const struct site_endpoint *found = NULL;
	const struct conf_strings *paths;
	size_t i, k, n;

	for (i = 0; i < s->conf->n_endpoints; i++) {
		paths = &s->conf->endpoints[i].paths;
		for (k = 0; k < paths->n; k++) {
			n = conf_path_length(paths->v[k]);
			if (n >= least && below(path, paths->v[k])) {
				least = n + 1;
				found = &s->endpoints[i];
			}
		}
	}
	return found;
}

/*
 * A name that is no endpoint's, or not any more, must not lead to another one:
 * then only a path that was given for it does.
 */
static const struct site_endpoint *
by_unknown_name(const struct site *s, const char *path)
{
	return by_path(s, path, strlen(CONF_SCEP) + 1);
}

const struct site_endpoint *
site_find(const struct site *s, const char *path)
{
	const struct site_endpoint *found;
	const char *rest = below_scep(path);

	if (rest != NULL) {
		if ((found = by_name(s, first_segment(rest))) != NULL)
			return found;
		if (!conf_is_suffix(first_segment(rest)))
			return by_unknown_name(s, path);
	}
	if ((found = by_path(s, path, 0)) != NULL)
		return found;
	return strcasecmp(last_segment(path), PROGRAM) == 0 ?
	    &s->endpoints[0] : NULL;
}

/* ---- by the CA that a client names ---- */

/* What clients send that have been told nothing, or count: no CA's name, even
 * where one is called so. */
static bool
is_nobody(struct bytes name)
{
	static const char *const words[] = { "default", "ca", "CAIdentifier" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_equal_nocase(name, bytes_str(words[i])))
			return true;
	for (i = 0; i < name.n; i++)
		if (name.p[i] < '0' || name.p[i] > '9')
			return false;
	return true;
}

static bool
has_issuer(const struct site_endpoint *se, struct bytes name)
{
	return bytes_eq(name, bytes_str(se->conf->issuer));
}

const struct site_endpoint *
site_named(const struct site *s, const struct site_endpoint *own,
    struct bytes name)
{
	size_t i;

	if (is_nobody(name) || has_issuer(own, name))
		return own;
	for (i = 0; i < s->conf->n_endpoints; i++)
		if (s->conf->endpoints[i].enabled &&
		    has_issuer(&s->endpoints[i], name))
			return &s->endpoints[i];
	return own;
}
