/*
 * Whom an address stands for: an IPv4 address for itself, one of IPv6 for its
 * /64, of which a single host may take as many as it likes.
 */
#ifndef UTIL_ADDR_H
#define UTIL_ADDR_H

#include <stdint.h>

#define ADDR_LEN	16	/* IPv4 as IPv6 maps it */
#define ADDR_TEXT_MAX	64	/* "2001:db8:1:2::/64" and its NUL */

/* Reads a numeric address, or what addr_text() writes; -1: anything else. */
int	 addr_parse(const char *, uint8_t out[ADDR_LEN]);
void	 addr_text(const uint8_t addr[ADDR_LEN], char out[ADDR_TEXT_MAX]);

#endif
