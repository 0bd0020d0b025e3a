/*
 * The URL paths of endpoints. No two of them lead to different ones.
 */
#include <string.h>
#include <strings.h>

#include "conf/conf_int.h"
#include "util/str.h"

/* Unreserved characters of a URL (RFC 3986, 2.3): never percent-encoded. */
#define NAME_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"			\
			"abcdefghijklmnopqrstuvwxyz0123456789-._~"

bool
conf_is_suffix(struct bytes segment)
{
	static const char *const suffixes[] = {
		"", "pkiclient.exe", "mscep.dll", "mscep", "cgi-bin"
	};
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (str_equal_nocase(segment, bytes_str(suffixes[i])))
			return true;
	return false;
}

static struct conf_spot
spot(size_t i, const char *path)
{
	return (struct conf_spot){ CONF_PART_ENDPOINTS, i, path };
}

/* A name is a segment of a path, and no part of one that clients make up. */
static int
check_name(struct conf_reader *r, size_t i)
{
	const char *name = r->conf->endpoints[i].name;
	size_t k;

	if (name[strspn(name, NAME_CHARS)] != '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return conf_refuse(r, spot(i, "name"), "\"%s\" cannot stand in "
		    "the path " CONF_SCEP "/NAME; take letters, digits and "
		    "-._~", name);
	if (conf_is_suffix(bytes_str(name)))
		return conf_refuse(r, spot(i, "name"), "\"%s\" is what clients "
		    "put behind any path; choose another", name);
	for (k = 0; k < i; k++)
		if (strcasecmp(r->conf->endpoints[k].name, name) == 0)
			return conf_refuse(r, spot(i, "name"), "\"%s\" differs "
			    "from \"%s\" by case alone, which paths ignore; "
			    "choose another", name,
			    r->conf->endpoints[k].name);
	return 0;
}

size_t
conf_path_length(const char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	return n;
}

static bool
same_path(const char *a, const char *b)
{
	return conf_path_length(a) == conf_path_length(b) &&
	    strncasecmp(a, b, conf_path_length(a)) == 0;
}

/* Does the path lie at or below CONF_SCEP/NAME? */
static bool
is_named(const char *path, const char *name)
{
	size_t begin = strlen(CONF_SCEP "/"), n = strlen(name);

	return strncasecmp(path, CONF_SCEP "/", begin) == 0 &&
	    strncasecmp(path + begin, name, n) == 0 &&
	    (path[begin + n] == '\0' || path[begin + n] == '/');
}

static bool
has_path(const struct conf_endpoint *ep, const char *path)
{
	size_t k;

	for (k = 0; k < ep->paths.n; k++)
		if (same_path(ep->paths.v[k], path))
			return true;
	return false;
}

/* Has another endpoint the path? By its name, or above and by its paths. */
static int
check_owner(struct conf_reader *r, size_t i, const char *path)
{
	const struct conf_endpoint *ep = r->conf->endpoints;
	struct conf_spot at = spot(i, "paths");
	size_t k;

	for (k = 0; k < r->conf->n_endpoints; k++) {
		if (k != i && is_named(path, ep[k].name))
			return conf_refuse(r, at, "\"%s\" leads to endpoint "
			    "\"%s\" by its name; choose another", path,
			    ep[k].name);
		if (k < i && has_path(&ep[k], path))
			return conf_refuse(r, at, "\"%s\" is a path of "
			    "endpoint \"%s\" too; give each its own", path,
			    ep[k].name);
	}
	return 0;
}

static int
check_path(struct conf_reader *r, size_t i, size_t k)
{
	const struct conf_strings *paths = &r->conf->endpoints[i].paths;
	struct conf_spot at = spot(i, "paths");
	const char *path = paths->v[k];
	size_t j;

	if (*path != '/' || strpbrk(path, "?#% ") != NULL ||
	    strstr(path, "//") != NULL)
		return conf_refuse(r, at, "\"%s\" is not a URL path; begin it "
		    "with / and leave out ?, #, %%, // and blanks", path);
	for (j = 0; j < k; j++)
		if (same_path(paths->v[j], path))
			return conf_refuse(r, at, "\"%s\" is given twice; "
			    "remove one", path);
	return check_owner(r, i, path);
}

int
conf_check_paths(struct conf_reader *r, size_t i)
{
	size_t k;

	if (check_name(r, i) != 0)
		return -1;
	for (k = 0; k < r->conf->endpoints[i].paths.n; k++)
		if (check_path(r, i, k) != 0)
			return -1;
	return 0;
}
