#include <stdio.h>
#include <stdlib.h>

#include "util/buf.h"
#include "util/util_int.h"

#define CAP_FIRST	64

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT(max);
}

/*
 * Makes room for n more bytes and a NUL. Not realloc(): it would leave an
 * unwiped copy of the content behind.
 */
static int
buf_grow(struct buf *b, size_t n)
{
	size_t	 need, cap = b->cap;
	uint8_t	*p;

	if (n > b->max - b->n || b->n + n >= SIZE_MAX / 2)
		return -1;
	need = b->n + n + 1;
	if (need <= cap)
		return 0;
	if (cap == 0)
		cap = CAP_FIRST;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max + 1;
	if ((p = malloc(cap)) == NULL)
		return -1;
	if (b->p != NULL) {
		memcpy(p, b->p, b->n);
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return 0;
	if (buf_grow(b, n) == -1)
		return -1;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return 0;
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int
buf_putc(struct buf *b, int c)
{
	uint8_t	 byte = (uint8_t)c;

	return buf_put(b, &byte, 1);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_grow(b, (size_t)n) == -1)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void
buf_cut(struct buf *b, size_t n)
{
	if (b->p == NULL)
		return;
	explicit_bzero(b->p + n, b->cap - n);
	b->n = n;
}

void
buf_reset(struct buf *b)
{
	buf_cut(b, 0);
}

void
buf_wipe(struct buf *b)
{
	buf_cut(b, 0);
	free(b->p);
	buf_init(b, b->max);
}

void
buf_move(struct buf *dst, struct buf *src)
{
	buf_wipe(dst);
	*dst = *src;
	buf_init(src, src->max);
}

struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_make(b->p, b->n);
}

const char *
buf_cstr(const struct buf *b)
{
	return b->p == NULL ? "" : (const char *)b->p;
}
