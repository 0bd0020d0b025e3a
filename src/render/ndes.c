#include <inttypes.h>
#include <string.h>

#include "render/ndes.h"

#define PAGE_MAX	4096		/* ASCII */

/*
 * Between title and thumbprint nothing may look like a password: no run of
 * eight hex digits, and not the words "challenge password".
 */
static const char	 head[] =
    "<HTML><Head><Title>Network Device Enrollment Service</Title></Head>"
    "<Body><H1>Network Device Enrollment Service</H1>";
static const char	 tail[] = "</Body></HTML>\n";

static int
put_thumbprint(const uint8_t thumbprint[NDES_THUMBPRINT], struct buf *out)
{
	size_t	 i;

	if (buf_puts(out, "<P> The thumbprint (hash value) for the CA "
	    "certificate is: <B>") == -1)
		return -1;
	for (i = 0; i < NDES_THUMBPRINT; i++)
		if (buf_printf(out, i % 4 == 0 ? " %02X" : "%02X",
		    thumbprint[i]) == -1)
			return -1;
	return buf_puts(out, " </B>");
}

static int
put_password(const struct ndes_facts *f, struct buf *out)
{
	if (put_thumbprint(f->thumbprint, out) == -1 ||
	    buf_printf(out, " <P> The enrollment challenge password is: <B> "
	    "%s </B> <P> ", f->password) == -1)
		return -1;
	if (f->page == NDES_FIXED)
		return buf_puts(out, "This password can be used multiple times "
		    "and will not expire. <P> Keep it from those who must "
		    "not enroll. </P>");
	return buf_printf(out, "This password can be used only once and will "
	    "expire within %" PRId64 " minutes. <P> Load this page again for "
	    "another one: each enrollment needs its own. </P>", f->minutes);
}

static int
put_full(const struct ndes_facts *f, struct buf *out)
{
	return buf_printf(out, "<P> The password cache is full. <P> %" PRId64
	    " passwords wait unused, each for %" PRId64 " minutes. Use one of "
	    "them, wait until some have expired, or let more of them wait: "
	    "the setting is ndes.pool. </P>", f->pool, f->minutes);
}

static int
put_denied(struct buf *out)
{
	return buf_puts(out, "<P> You do not have sufficient permission to "
	    "enroll with SCEP.  Please contact your system administrator. "
	    "</P>");
}

bool
ndes_is_password(const char *s)
{
	size_t	 n = s == NULL ? 0 : strlen(s);

	return n >= NDES_PASSWORD_MIN && n <= NDES_PASSWORD &&
	    strspn(s, "0123456789ABCDEF") == n;
}

static int
put_body(const struct ndes_facts *f, struct buf *out)
{
	switch (f->page) {
	case NDES_FULL:
		return put_full(f, out);
	case NDES_DENIED:
		return put_denied(out);
	default:
		return put_password(f, out);
	}
}

int
ndes_render(const struct ndes_facts *f, struct buf *out, struct err *e)
{
	struct buf	 page = BUF_INIT(PAGE_MAX), wide = BUF_INIT(2 *
			 PAGE_MAX);
	size_t		 i;
	int		 r = -1;

	if ((f->page == NDES_ONCE || f->page == NDES_FIXED) &&
	    !ndes_is_password(f->password)) {
		err_set(e, ERR_ARGUMENT, "not a password that the page can "
		    "show: upper-case hex digits, %d to %d", NDES_PASSWORD_MIN,
		    NDES_PASSWORD);
		return -1;
	}
	if (buf_puts(&page, head) == -1 || put_body(f, &page) == -1 ||
	    buf_puts(&page, tail) == -1)
		goto out;
	for (i = 0; i < page.n; i++)
		if (buf_putc(&wide, page.p[i]) == -1 ||
		    buf_putc(&wide, 0) == -1)
			goto out;
	r = buf_put(out, wide.p, wide.n);
out:
	if (r == -1)
		err_set(e, ERR_MEMORY, "page of NDES");
	buf_wipe(&page);
	buf_wipe(&wide);
	return r;
}
