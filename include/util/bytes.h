/*
 * A borrowed view of bytes. Whoever hands one out says how long it lives.
 */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t	*p;
	size_t		 n;
};

static inline struct bytes
bytes_make(const void *p, size_t n)
{
	return (struct bytes){ .p = p, .n = n };
}

static inline struct bytes
bytes_str(const char *s)
{
	return bytes_make(s, s == NULL ? 0 : strlen(s));
}

/* Equality of public values; secrets are compared by str_equal_secret(). */
static inline bool
bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
