#include "ber_craft.h"

#include "pki_tool.h"
#include "util/str.h"

static void	 elements(const char **, char end, struct buf *);

static int
next(const char **at)
{
	*at += strspn(*at, " \t\n");
	return (unsigned char)**at;
}

static unsigned char
octet(const char **at)
{
	char	 hex[3] = { 0 };
	char	*end;
	long	 v;

	(void)next(at);
	hex[0] = (*at)[0];
	hex[1] = hex[0] == '\0' ? '\0' : (*at)[1];
	v = strtol(hex, &end, 16);
	if (end != hex + 2)
		fail_msg("no hex: %s", *at);
	*at += 2;
	return (unsigned char)v;
}

static void
element(const char **at, struct buf *out)
{
	struct buf	 in = BUF_INIT(BER_CRAFT_MAX);
	unsigned char	 tag = octet(at);
	char		 how = (char)next(at);

	++*at;
	switch (how) {
	case '(':
		while (next(at) != ')')
			assert_int_equal(buf_putc(&in, octet(at)), 0);
		++*at;
		assert_int_equal(der_put(out, tag, buf_bytes(&in)), 0);
		break;
	case '{':
		elements(at, '}', &in);
		assert_int_equal(der_put(out, tag, buf_bytes(&in)), 0);
		break;
	case '<':
		elements(at, '>', &in);
		assert_int_equal(buf_putc(out, tag), 0);
		assert_int_equal(buf_putc(out, 0x80), 0);
		assert_int_equal(buf_put(out, in.p, in.n), 0);
		assert_int_equal(buf_put(out, "\0\0", 2), 0);
		break;
	default:
		fail_msg("no content: %s", *at - 1);
	}
	buf_wipe(&in);
}

static void
elements(const char **at, char end, struct buf *out)
{
	while (next(at) != (unsigned char)end)
		element(at, out);
	*at += end != '\0';
}

void
ber_craft(const char *text, struct buf *out)
{
	elements(&text, '\0', out);
}
