#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/str.h"
#include "util/util_int.h"

#define CUT_MARK	" truncated=1"
/* Always kept free: suppressed=, the mark of a cut and the newline. */
#define LINE_TAIL	(sizeof(" suppressed=4294967295" CUT_MARK "\n"))
#define LINE_ROOM	(LOG_LINE_MAX - LINE_TAIL)
#define VALUE_CUT	"..."

static _Atomic int		level_max = LOG_L_INFO;
static _Atomic bool		journal;
static _Atomic unsigned		limit;
static _Atomic uint64_t		window;		/* second << 32 | lines in it */
static _Atomic unsigned		dropped;

/* The first name of a level is the one written. */
static const struct {
	const char	*name;
	enum log_level	 level;
} levels[] = {
	{ "crit",	LOG_L_CRIT },
	{ "err",	LOG_L_ERR },
	{ "warn",	LOG_L_WARN },
	{ "notice",	LOG_L_NOTICE },
	{ "info",	LOG_L_INFO },
	{ "debug",	LOG_L_DEBUG },
};
#define N_LEVELS	(sizeof(levels) / sizeof(levels[0]))

static const char *
level_name(enum log_level level)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "?";
}

/*
 * The variable names the device and inode of the stream. It is inherited by
 * every program of a desktop session too, so that its presence says little.
 */
static bool
stderr_is_journal(void)
{
	const char	*s = getenv("JOURNAL_STREAM");
	char		 mine[64];
	struct stat	 st;

	if (s == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	(void)snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(s, mine) == 0;
}

void
log_setup(enum log_level level, unsigned per_second)
{
	atomic_store(&level_max, (int)level);
	atomic_store(&limit, per_second);
	atomic_store(&journal, stderr_is_journal());
}

/* Takes one of this second's lines, if any is left. */
static bool
rate_take(unsigned most)
{
	uint64_t	 old, new, now;

	now = (uint64_t)(clock_mono_us() / 1000000);
	old = atomic_load(&window);
	do {
		if (old >> 32 != now)
			new = now << 32 | 1;
		else if ((uint32_t)old < most)
			new = old + 1;
		else
			return false;
	} while (!atomic_compare_exchange_weak(&window, &old, new));
	return true;
}

static bool
put(struct log_line *l, const char *s, size_t n)
{
	if (n > LINE_ROOM - l->n)
		return false;
	memcpy(l->text + l->n, s, n);
	l->n += n;
	return true;
}

static bool
put_text(struct log_line *l, const char *s)
{
	return put(l, s, strlen(s));
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	char	 when[CLOCK_TEXT_MAX], head[CLOCK_TEXT_MAX + 16];

	l->level = level;
	l->off = (int)level > atomic_load(&level_max);
	l->cut = false;
	l->n = 0;
	if (l->off)
		return;
	if (atomic_load(&journal)) {
		(void)snprintf(head, sizeof(head), "<%d>", (int)level);
	} else {
		clock_text(clock_now(), when);
		(void)snprintf(head, sizeof(head), "%s %s ", when,
		    level_name(level));
	}
	(void)put_text(l, head);
	(void)put_text(l, "event=");
	(void)put_text(l, event);
}

void
log_begin_limited(struct log_line *l, enum log_level level, const char *event)
{
	unsigned	 most = atomic_load(&limit);

	log_begin(l, level, event);
	if (!l->off && most > 0 && !rate_take(most)) {
		(void)atomic_fetch_add(&dropped, 1);
		l->off = true;
	}
}

/* A field is in the line whole or not at all. */
static void
put_field(struct log_line *l, const char *key, const char *value, bool quoted)
{
	const char	*quote = quoted ? "\"" : "";
	size_t		 start = l->n;

	if (put_text(l, " ") && put_text(l, key) && put_text(l, "=") &&
	    put_text(l, quote) && put_text(l, value) && put_text(l, quote))
		return;
	l->n = start;
	l->cut = true;
}

/* What would break the line, hide text or turn it around on a screen. */
static bool
is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

struct escaped {
	char	 text[LOG_VALUE_MAX + sizeof(VALUE_CUT)];
	size_t	 n;
	bool	 quoted;
};

/* Escapes v's first character; 0 if it does not fit. */
static size_t
escape_first(struct escaped *x, struct bytes v)
{
	char		 unit[4 * 4 + 1];
	uint32_t	 c = 0;
	size_t		 n = utf8_first(v, &c), len = 0;
	bool		 raw = n > 0 && !is_unsafe(c);

	if (n == 0)
		n = 1;
	if (raw && (c == '"' || c == '\\'))
		unit[len++] = '\\';
	for (size_t i = 0; i < n; i++) {
		if (raw)
			unit[len++] = (char)v.p[i];
		else
			len += (size_t)snprintf(unit + len,
			    sizeof(unit) - len, "\\x%02x", v.p[i]);
	}
	if (len > LOG_VALUE_MAX - x->n)
		return 0;
	if (!raw || len > n || c == ' ' || c == '=')
		x->quoted = true;
	memcpy(x->text + x->n, unit, len);
	x->n += len;
	return n;
}

void
log_bytes(struct log_line *l, const char *key, struct bytes value)
{
	struct escaped	 x = { .n = 0, .quoted = value.n == 0 };
	const char	*end = "";
	size_t		 n;

	if (l->off)
		return;
	while (value.n > 0 && *end == '\0') {
		n = escape_first(&x, value);
		value = bytes_make(value.p + n, value.n - n);
		if (n == 0)
			end = VALUE_CUT;
	}
	memcpy(x.text + x.n, end, strlen(end) + 1);
	put_field(l, key, x.text, x.quoted);
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	if (value != NULL)
		log_bytes(l, key, bytes_str(value));
}

void
log_hex(struct log_line *l, const char *key, struct bytes value)
{
	char		 text[LOG_VALUE_MAX + sizeof(VALUE_CUT)];
	struct bytes	 head = value;

	if (l->off)
		return;
	if (head.n > LOG_VALUE_MAX / 2)
		head.n = LOG_VALUE_MAX / 2;
	str_hex(head, text);
	if (head.n < value.n)
		memcpy(text + LOG_VALUE_MAX, VALUE_CUT, sizeof(VALUE_CUT));
	put_field(l, key, text, value.n == 0);
}

void
log_int(struct log_line *l, const char *key, long long value)
{
	char	 text[24];

	if (l->off)
		return;
	(void)snprintf(text, sizeof(text), "%lld", value);
	put_field(l, key, text, false);
}

void
log_err(struct log_line *l, const struct err *e)
{
	log_str(l, "reason", err_slug(e->reason));
	if (e->text[0] != '\0')
		log_str(l, "detail", e->text);
}

void
log_end(struct log_line *l)
{
	char		 lost[32] = "";
	unsigned	 n;

	if (l->off)
		return;
	if ((n = atomic_exchange(&dropped, 0)) > 0)
		(void)snprintf(lost, sizeof(lost), " suppressed=%u", n);
	l->n += (size_t)snprintf(l->text + l->n, LINE_TAIL, "%s%s\n", lost,
	    l->cut ? CUT_MARK : "");
	/* One write a line: lines of several threads do not mix. */
	while (write(STDERR_FILENO, l->text, l->n) == -1 && errno == EINTR)
		continue;
}

void
log_msg(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_line	 l;
	char		 text[2 * LOG_VALUE_MAX];
	va_list		 ap;

	log_begin(&l, level, event);
	if (l.off)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_str(&l, "msg", text);
	log_end(&l);
}
