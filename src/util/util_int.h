/*
 * What the files of util share among themselves.
 */
#ifndef UTIL_INT_H
#define UTIL_INT_H

#include "util/buf.h"

/* Shortens the content to n bytes and zeroes what was behind. */
void	 buf_cut(struct buf *, size_t n);

/*
 * Length of the valid UTF-8 sequence that b begins with and its code point,
 * or 0 if there is none.
 */
size_t	 utf8_first(struct bytes b, uint32_t *code);

#endif
