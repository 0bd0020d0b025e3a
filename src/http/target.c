#include <string.h>

#include "http/target.h"
#include "util/str.h"

/* RFC 3986, 3.1 */
static size_t
scheme_length(const char *s)
{
	static const char	 letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char	 others[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789+-.";

	return strspn(s, letters) == 0 ? 0 : strspn(s, others);
}

/* Behind the "scheme://host" of an absolute URI; all the text if it is none. */
static char *
skip_authority(char *text)
{
	size_t	 n = scheme_length(text);

	if (n == 0 || strncmp(text + n, "://", 3) != 0)
		return text;
	text += n + 3;
	return text + strcspn(text, "/?");
}

/* Decodes path onto itself. Escaped slashes are slashes, squeezed as they. */
static int
decode_path(char *path, struct err *e)
{
	const char	*in = path;
	char		*out = path;
	int		 hi, lo;
	char		 c;

	while ((c = *in++) != '\0') {
		if (c == '%') {
			hi = str_hex_value(in[0]);
			lo = hi == -1 ? -1 : str_hex_value(in[1]);
			if (lo == -1 || (hi == 0 && lo == 0)) {
				err_set(e, ERR_QUERY,
				    "malformed escape in the path");
				return -1;
			}
			c = (char)(hi << 4 | lo);
			in += 2;
		}
		if (c == '/' && out > path && out[-1] == '/')
			continue;
		*out++ = c;
	}
	*out = '\0';
	return 0;
}

int
http_target_parse(char *text, struct http_target *out, struct err *e)
{
	char	*path = skip_authority(text), *query;

	if ((query = strchr(path, '?')) != NULL)
		*query++ = '\0';
	if (*path != '/' && *path != '\0') {
		err_set(e, ERR_QUERY, "target is not a path");
		return -1;
	}
	if (decode_path(path, e) == -1)
		return -1;
	/* "GET ?operation=…" is what a URL without a path becomes. */
	out->path = *path == '\0' ? "/" : path;
	out->query = query;
	return 0;
}
