/*
 * One key in the spellings that a client could give it; without cmocka.
 */
#ifndef TESTS_KEY_CRAFT_H
#define TESTS_KEY_CRAFT_H

#include "pki/key.h"

/* "exponent": an RSA key with the same primes and another exponent; else how an
 * EC key writes its point: "compressed", "hybrid" or "uncompressed". Yours; NULL:
 * that failed. */
struct key	*key_respell(const struct key *, const char *how);

#endif
