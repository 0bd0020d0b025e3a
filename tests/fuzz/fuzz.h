/*
 * What the fuzz targets share. With --enable-fuzzing each is a libFuzzer
 * program; else replay.c runs it over its seeds, as a test.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "pki/cert.h"
#include "pki/key.h"

#define FUZZ_NOW	1800000000	/* our certificates are valid */

int		 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* $srcdir/tests/data/NAME; lives until the next call. */
const char	*fuzz_path(const char *name);
/* Read once, kept to the end: tests/data/NAME.pem and NAME.key. */
const struct cert *fuzz_cert(const char *name);
const struct key *fuzz_key(const char *name);
/* A promise was broken. */
void		 fuzz_broken(const char *what) __attribute__((noreturn));

#endif
