#include "render/text.h"
#include "util/str.h"

/* Ranges that text_line() does not let through. */
static const struct range {
	uint32_t	 first;
	uint32_t	 last;
} unfit[] = {
	{ 0x0000, 0x001f },	/* C0: escape sequences, newlines */
	{ 0x007f, 0x009f },	/* DEL and C1: CSI in one character */
	{ 0x00ad, 0x00ad },	/* soft hyphen */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x180e, 0x180e },	/* Mongolian vowel separator */
	{ 0x200b, 0x200f },	/* zero width, direction marks */
	{ 0x2028, 0x202e },	/* separators, embeddings, overrides */
	{ 0x2060, 0x206f },	/* joiners, isolates */
	{ 0xfeff, 0xfeff },	/* byte order mark */
	{ 0xfff9, 0xfffb },	/* interlinear annotation */
	{ 0xe0000, 0xe007f },	/* tags */
};

static bool
is_unfit(uint32_t code)
{
	size_t	 i;

	for (i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
		if (code >= unfit[i].first && code <= unfit[i].last)
			return true;
	return false;
}

/* Length of the character that s begins with; 0 if it is not UTF-8. */
static size_t
first_char(struct bytes s, uint32_t *code)
{
	uint8_t	 lead = s.p[0];
	size_t	 n, i;

	n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (n > s.n || !str_is_utf8(bytes_make(s.p, n)))
		return 0;
	*code = n == 1 ? lead : lead & (0x7fu >> n);
	for (i = 1; i < n; i++)
		*code = *code << 6 | (s.p[i] & 0x3fu);
	return n;
}

/* Appends the first character in its clean form; *n bytes were used. */
static int
put_char(struct bytes s, struct buf *out, size_t *n)
{
	uint32_t	 code;

	if ((*n = first_char(s, &code)) == 0) {
		*n = 1;
		return buf_printf(out, "\\x%02x", s.p[0]);
	}
	if (is_unfit(code))
		return buf_printf(out, "\\u{%x}", (unsigned)code);
	return buf_put(out, s.p, *n);
}

int
text_line(struct bytes s, struct buf *out)
{
	size_t	 i, n;

	for (i = 0; i < s.n; i += n)
		if (put_char(bytes_make(s.p + i, s.n - i), out, &n) != 0)
			return -1;
	return 0;
}

/*
 * Does it begin as a formula does? Half and full width; TAB and CR begin one
 * too, but put_char() never lets them through.
 */
static bool
is_formula(struct bytes s)
{
	static const uint32_t	 marks[] = {
		'=', '+', '-', '@', 0xff1d, 0xff0b, 0xff0d, 0xff20
	};
	uint32_t		 code;
	size_t			 i;

	if (s.n == 0 || first_char(s, &code) == 0)
		return false;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (code == marks[i])
			return true;
	return false;
}

int
text_csv(struct bytes s, struct buf *out)
{
	size_t	 i, n;

	if (buf_putc(out, '"') != 0)
		return -1;
	if (is_formula(s) && buf_putc(out, '\'') != 0)
		return -1;
	for (i = 0; i < s.n; i += n) {
		if (s.p[i] == '"' && buf_putc(out, '"') != 0)
			return -1;
		if (put_char(bytes_make(s.p + i, s.n - i), out, &n) != 0)
			return -1;
	}
	return buf_putc(out, '"');
}

int
text_utf8(struct bytes s, struct buf *out)
{
	uint32_t	 code;
	size_t		 i, n;
	int		 rc;

	for (i = 0; i < s.n; i += n) {
		n = first_char(bytes_make(s.p + i, s.n - i), &code);
		if (n > 0) {
			rc = buf_put(out, s.p + i, n);
		} else {
			rc = buf_puts(out, "\xef\xbf\xbd");
			n = 1;
		}
		if (rc != 0)
			return -1;
	}
	return 0;
}
