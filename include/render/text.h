/*
 * Text from peers, made fit for those who look at it: a terminal must not obey
 * it, a spreadsheet must not calculate it. All append to out; -1 when it is
 * full.
 */
#ifndef RENDER_TEXT_H
#define RENDER_TEXT_H

#include "util/buf.h"

/*
 * One line for a terminal. Control characters, line and paragraph separators,
 * characters that change the direction of writing or are invisible become
 * \u{HEX}, bytes that are not UTF-8 \xHH. Meant to be read, not parsed: a
 * backslash stays as it is.
 */
int	 text_line(struct bytes, struct buf *out);
/*
 * One field of RFC 4180, always in quotes, cleaned like text_line(). What a
 * spreadsheet would take for a formula gets an apostrophe in front.
 */
int	 text_csv(struct bytes, struct buf *out);
/* Valid UTF-8; every byte that is not part of it becomes U+FFFD. */
int	 text_utf8(struct bytes, struct buf *out);

#endif
