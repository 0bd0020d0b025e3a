/*
 * BER from a line of text, for tests of what libcrypto never writes:
 *
 *	30{ 02(01) 04(616263) a0<05()> }
 *
 * Each element is its identifier octet in hex and its content: octets in hex
 * within ( ), elements within { }, elements within < > if its length is
 * indefinite. Blanks mean nothing; a line that is not like that ends the test.
 */
#ifndef TESTS_BER_CRAFT_H
#define TESTS_BER_CRAFT_H

#include "util/buf.h"

#define BER_CRAFT_MAX	(1024u * 1024)

void	 ber_craft(const char *text, struct buf *out);

#endif
