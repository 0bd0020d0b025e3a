#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"

static const struct row {
	const char	*slug;
	const char	*what;
	enum failinfo	 failinfo;
	int		 http;
} rows[ERR_COUNT] = {
	[ERR_NONE] = { "none", "no error", FAIL_TROUBLE, 500 },
#define ERR(id, slug, failinfo, http, text)				\
	[ERR_##id] = { slug, text, FAIL_##failinfo, http },
#include "util/err.def"
#undef ERR
};

static const struct row *
row_of(enum err_reason r)
{
	return &rows[(unsigned)r < ERR_COUNT ? r : ERR_INTERNAL];
}

/* snprintf() cut the text at size: leave no half of a character behind. */
static void
trim_half(char *text, size_t size)
{
	size_t	 n = size - 1;

	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && (unsigned char)text[n - 1] >= 0xc0)
		n--;
	if (n < size - 1)
		text[n] = '\0';
}

/* Reasons whose details name the thing, the cause and the mend themselves. */
static bool
detail_suffices(enum err_reason r)
{
	switch (r) {
	case ERR_CONFIG:
	case ERR_FILE:
	case ERR_FILE_MODE:
	case ERR_KEY_FILE:
	case ERR_CERT_FILE:
	case ERR_PASSPHRASE:
	case ERR_EXISTS:
	case ERR_ARGUMENT:
		return true;
	default:
		return false;
	}
}

static void
compose(struct err *e)
{
	const char	*what = err_what(e->reason);

	if (e->text[0] == '\0')
		(void)snprintf(e->full, sizeof(e->full), "%s", what);
	else if (detail_suffices(e->reason))
		(void)snprintf(e->full, sizeof(e->full), "%s", e->text);
	else
		(void)snprintf(e->full, sizeof(e->full), "%s: %s", what,
		    e->text);
}

void
err_set(struct err *e, enum err_reason r, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	if (e->reason != ERR_NONE)
		return;
	e->reason = r;
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(e->text))
		trim_half(e->text, sizeof(e->text));
	compose(e);
}

void
err_prefix(struct err *e, const char *fmt, ...)
{
	char	 old[ERR_TEXT_MAX];
	size_t	 room = sizeof(e->text), n;
	va_list	 ap;
	int	 r;

	if (e->reason == ERR_NONE)
		return;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	r = vsnprintf(e->text, room, fmt, ap);
	va_end(ap);
	n = r < 0 ? 0 : (size_t)r;
	if (n < room && old[0] != '\0')
		n += (size_t)snprintf(e->text + n, room - n, ": %s", old);
	if (n >= room)
		trim_half(e->text, room);
	compose(e);
}

void
err_clear(struct err *e)
{
	memset(e, 0, sizeof(*e));
}

const char *
err_slug(enum err_reason r)
{
	return row_of(r)->slug;
}

enum err_reason
err_named(const char *slug)
{
	int	 r;

	for (r = ERR_NONE + 1; slug != NULL && r < ERR_COUNT; r++)
		if (strcmp(rows[r].slug, slug) == 0)
			return (enum err_reason)r;
	return ERR_NONE;
}

const char *
err_what(enum err_reason r)
{
	return row_of(r)->what;
}

enum failinfo
err_failinfo(enum err_reason r)
{
	return row_of(r)->failinfo;
}

int
err_http(enum err_reason r)
{
	return row_of(r)->http;
}

const char *
err_text(const struct err *e)
{
	return e->reason == ERR_NONE ? err_what(ERR_NONE) : e->full;
}
