#include <stdio.h>
#include <stdlib.h>

#include "util/str.h"
#include "util/util_int.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
str_hex(struct bytes b, char *out)
{
	for (size_t i = 0; i < b.n; i++) {
		*out++ = hex_digits[b.p[i] >> 4];
		*out++ = hex_digits[b.p[i] & 15];
	}
	*out = '\0';
}

int
str_hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
str_unhex(const char *s, struct buf *out)
{
	size_t	 start = out->n;
	int	 hi, lo;

	while (*s != '\0') {
		if (*s == ':') {
			s++;
			continue;
		}
		hi = str_hex_value(s[0]);
		lo = hi == -1 ? -1 : str_hex_value(s[1]);
		if (lo == -1 || buf_putc(out, hi << 4 | lo) == -1) {
			buf_cut(out, start);
			return -1;
		}
		s += 2;
	}
	return 0;
}

int
str_base64(struct bytes b, struct buf *out)
{
	size_t		 start = out->n, i, n;
	uint32_t	 v;
	char		 four[4];

	for (i = 0; i < b.n; i += 3) {
		n = b.n - i < 3 ? b.n - i : 3;
		v = (uint32_t)b.p[i] << 16;
		if (n > 1)
			v |= (uint32_t)b.p[i + 1] << 8;
		if (n > 2)
			v |= b.p[i + 2];
		four[0] = base64_digits[v >> 18];
		four[1] = base64_digits[v >> 12 & 63];
		four[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
		four[3] = n > 2 ? base64_digits[v & 63] : '=';
		if (buf_put(out, four, sizeof(four)) == -1) {
			buf_cut(out, start);
			return -1;
		}
	}
	return 0;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decoding, digit by digit. */
struct base64 {
	struct buf	*out;
	uint32_t	 acc;		/* digits of the group not yet put */
	unsigned	 n;		/* how many: 0 to 3 */
	unsigned	 pads;		/* '=' seen */
};

static int
base64_digit(struct base64 *d, uint8_t c)
{
	uint8_t	 three[3];
	int	 v;

	if (c == '=') {
		d->pads++;
		return 0;
	}
	v = base64_value(c);
	if (v == -1 || d->pads > 0)
		return -1;
	d->acc = d->acc << 6 | (uint32_t)v;
	if (++d->n < 4)
		return 0;
	three[0] = (uint8_t)(d->acc >> 16);
	three[1] = (uint8_t)(d->acc >> 8);
	three[2] = (uint8_t)d->acc;
	d->acc = d->n = 0;
	return buf_put(d->out, three, sizeof(three));
}

/* The last group; strict wants its padding whole and its unused bits zero. */
static int
base64_end(struct base64 *d, bool strict)
{
	unsigned	 missing = d->n == 0 ? 0 : 4 - d->n;
	uint32_t	 v = d->acc << 6 * missing;
	uint8_t		 two[2] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8) };

	if (missing == 3 || d->pads > missing)
		return -1;
	if (missing == 0)
		return 0;
	if (strict && (d->pads != missing ||
	    (v & (missing == 2 ? 0xffff : 0xff)) != 0))
		return -1;
	return buf_put(d->out, two, 3 - missing);
}

int
str_unbase64(const char *s, struct buf *out)
{
	struct base64	 d = { .out = out };
	size_t		 start = out->n;

	for (; *s != '\0'; s++)
		if (base64_digit(&d, (uint8_t)*s) == -1)
			goto bad;
	if (base64_end(&d, true) == -1)
		goto bad;
	return 0;
bad:
	buf_cut(out, start);
	return -1;
}

int
str_unbase64_lenient(struct bytes b, struct buf *out)
{
	struct base64	 d = { .out = out };
	size_t		 start = out->n;
	uint8_t		 c;

	for (size_t i = 0; i < b.n; i++) {
		c = b.p[i];
		if (c == '\r' || c == '\n' || c == '\t')
			continue;
		if (c == ' ' || c == '-')
			c = '+';
		else if (c == '_')
			c = '/';
		if (base64_digit(&d, c) == -1)
			goto bad;
	}
	if (base64_end(&d, false) == -1)
		goto bad;
	return 0;
bad:
	buf_cut(out, start);
	return -1;
}

bool
str_equal_secret(struct bytes a, struct bytes b)
{
	/* volatile: the compiler may not leave the loop early. */
	volatile uint8_t	 diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
	return diff == 0;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool
str_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

static const struct unit {
	char	 letter;
	int64_t	 seconds;
} units[] = {
	{ 's', 1 },
	{ 'm', 60 },
	{ 'h', 3600 },
	{ 'd', 86400 },
	{ 'w', 7 * 86400 },
	{ 'y', 365 * 86400 },
};
#define N_UNITS	(sizeof(units) / sizeof(units[0]))

static int64_t
unit_seconds(const char *s)
{
	if (s[0] == '\0')
		return 1;
	for (size_t i = 0; i < N_UNITS; i++)
		if (s[0] == units[i].letter && s[1] == '\0')
			return units[i].seconds;
	return 0;
}

int
str_duration(const char *s, int64_t *seconds)
{
	int64_t	 n = 0, unit;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (n > (INT64_MAX - (*s - '0')) / 10)
			return -1;
		n = n * 10 + (*s - '0');
	}
	unit = unit_seconds(s);
	if (unit == 0 || n > INT64_MAX / unit)
		return -1;
	*seconds = n * unit;
	return 0;
}

void
str_duration_print(int64_t seconds, char out[24])
{
	char	 text[24];

	(void)snprintf(out, 24, "%lld", (long long)seconds);
	/* Of two texts of the same length the larger unit's is kept. */
	for (size_t i = 0; seconds > 0 && i < N_UNITS; i++) {
		if (seconds % units[i].seconds != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%lld%c",
		    (long long)(seconds / units[i].seconds), units[i].letter);
		if (strlen(text) <= strlen(out))
			memcpy(out, text, sizeof(text));
	}
}

/* RFC 3629, table 3-7 of Unicode: the second byte's range tells overlongs. */
size_t
utf8_first(struct bytes b, uint32_t *code)
{
	uint8_t		 lead, low = 0x80, high = 0xbf;
	uint32_t	 v;
	size_t		 n;

	if (b.n == 0)
		return 0;
	lead = b.p[0];
	if (lead < 0x80) {
		*code = lead;
		return 1;
	}
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;		/* overlong */
	else if (lead == 0xed)
		high = 0x9f;		/* surrogates */
	else if (lead == 0xf0)
		low = 0x90;		/* overlong */
	else if (lead == 0xf4)
		high = 0x8f;		/* above U+10FFFF */
	if (b.n < n || b.p[1] < low || b.p[1] > high)
		return 0;
	v = lead & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (b.p[i] & 0x3fu);
	}
	*code = v;
	return n;
}

bool
str_is_utf8(struct bytes b)
{
	uint32_t	 code;
	size_t		 n;

	while (b.n > 0) {
		if ((n = utf8_first(b, &code)) == 0)
			return false;
		b = bytes_make(b.p + n, b.n - n);
	}
	return true;
}

char *
str_dup_bytes(struct bytes b)
{
	char	*s;

	if ((s = malloc(b.n + 1)) == NULL)
		return NULL;
	if (b.n > 0)
		memcpy(s, b.p, b.n);
	s[b.n] = '\0';
	return s;
}
