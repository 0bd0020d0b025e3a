/*
 * Text: hex, base64, comparisons, durations, escaping.
 */
#ifndef UTIL_STR_H
#define UTIL_STR_H

#include "util/buf.h"

/* Lower-case hex of b; out must hold 2 * b.n + 1 bytes. */
void	 str_hex(struct bytes b, char *out);
/* Appends what hex stands for (either case, ":" between bytes skipped). */
int	 str_unhex(const char *, struct buf *out);

/* Value of a hex digit, either case; -1 if it is none. */
int	 str_hex_value(int c);

/* Appends RFC 4648 section 4 base64, one line, padded. */
int	 str_base64(struct bytes, struct buf *out);
/* Strict: alphabet and padding exactly as str_base64() writes. */
int	 str_unbase64(const char *, struct buf *out);
/*
 * As SCEP clients send it in a URL (after percent decoding): blank means '+',
 * '-' and '_' mean '+' and '/', CR LF TAB skipped, padding may be missing.
 * Anything else, or data behind padding, is refused.
 */
int	 str_unbase64_lenient(struct bytes, struct buf *out);

/*
 * Compares without telling by time where the difference is; the lengths are
 * not secret.
 */
bool	 str_equal_secret(struct bytes, struct bytes);
bool	 str_equal_nocase(struct bytes, struct bytes);	/* ASCII only */

/* "90", "90s", "15m", "24h", "30d", "2w", "1y" (365 d) -> seconds, >= 0. */
int	 str_duration(const char *, int64_t *seconds);
/* The shortest such text that stands for it exactly. */
void	 str_duration_print(int64_t seconds, char out[24]);

/* Valid UTF-8 without overlong forms or surrogates. */
bool	 str_is_utf8(struct bytes);

/* A copy that the caller frees, or NULL. */
char	*str_dup_bytes(struct bytes);

#endif
