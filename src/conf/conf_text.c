/*
 * What libconfig leaves open, settled before it reads: 1.5 cuts an integer
 * beyond 32 bits without a word (4294968320 would pass as 1024); a forgotten
 * quote would be reported for the end of the file, and leak; @include would
 * read files that errors, limits and mode checks know nothing of; yes, on and
 * words without quotes would be a bare "syntax error".
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "util/str.h"

/* The end of a string that begins at p, NULL if it has none on its line. */
static const char *
string_end(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0' || *p == '\n')
			return NULL;
	}
	return p + 1;
}

/* The end of a comment or string at p, p if none begins, NULL if none ends. */
static const char *
skip_quoted(const char *p)
{
	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*') {
		p = strstr(p + 2, "*/");
		return p == NULL ? NULL : p + 2;
	}
	return *p == '"' ? string_end(p) : p;
}

/* Length of a name or number at p: whatever cannot be split. */
static size_t
skip_word(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] != '\0' &&
	    strchr("_*.", p[n]) != NULL) || (n > 0 && p[n] == '-'))
		n++;
	return n;
}

/* Whether a word is an integer that needs the mark of 64 bits, an L. */
static bool
is_long(const char *p, size_t n)
{
	bool hex = n > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	char *end;
	unsigned long long v;

	if (!isdigit((unsigned char)*p))
		return false;
	v = strtoull(p, &end, hex ? 16 : 10);
	return end == p + n && v > INT32_MAX;
}

static int
put_word(const char *p, size_t n, struct buf *out)
{
	if (buf_put(out, p, n) != 0)
		return -1;
	return is_long(p, n) ? buf_putc(out, 'L') : 0;
}

/* Length of the word, string, comment or other character at p. */
static size_t
token_length(const char *p)
{
	size_t n = skip_word(p);

	if (n == 0)
		n = (size_t)(skip_quoted(p) - p);
	return n == 0 ? 1 : n;
}

/* Why there is no going on at p, or NULL. */
static const char *
complaint(const char *p)
{
	if (*p == '@')
		return "@include is not supported; put all settings into "
		    "this file";
	if (skip_quoted(p) == NULL)
		return *p == '"' ? "this text does not end on its line; add "
		    "the closing double quote" :
		    "this comment does not end; add */";
	return NULL;
}

/* Whether a word behind "=" is neither number nor true nor false. */
static bool
is_bare(const char *p, size_t n)
{
	struct bytes word = bytes_make(p, n);

	return isalpha((unsigned char)*p) &&
	    !str_equal_nocase(word, bytes_str("true")) &&
	    !str_equal_nocase(word, bytes_str("false"));
}

/* What follows a token at p: a value, if that is "="; blanks and comments
 * change nothing. */
static bool
value_follows(const char *p, bool before)
{
	if (isspace((unsigned char)*p) || *p == '#' || *p == '/')
		return before;
	return *p == '=';
}

static int
line_of(const char *text, const char *p)
{
	int line = 1;

	for (; text < p; text++)
		line += *text == '\n';
	return line;
}

static int
convert(const char *file, const char *text, struct buf *out, struct err *e)
{
	const char *p, *bad;
	bool value = false;
	size_t n = 0;

	for (p = text; *p != '\0'; p += n) {
		bad = complaint(p);
		if (bad == NULL && value && is_bare(p, skip_word(p)))
			bad = "no such value; write true, false, a number, or "
			    "text in double quotes";
		if (bad != NULL) {
			err_set(e, ERR_CONFIG, "%s:%d: %s", file,
			    line_of(text, p), bad);
			return -1;
		}
		n = token_length(p);
		value = value_follows(p, value);
		if (put_word(p, n, out) != 0) {
			err_set(e, ERR_MEMORY, "%s", file);
			return -1;
		}
	}
	return 0;
}

int
conf_text(const char *file, struct bytes text, struct buf *out, struct err *e)
{
	char *copy;
	int ret;

	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
		err_set(e, ERR_CONFIG, "%s: contains a NUL byte; write it as "
		    "plain text", file);
		return -1;
	}
	if ((copy = str_dup_bytes(text)) == NULL) {
		err_set(e, ERR_MEMORY, "%s", file);
		return -1;
	}
	ret = convert(file, copy, out, e);
	explicit_bzero(copy, text.n);
	free(copy);
	return ret;
}
