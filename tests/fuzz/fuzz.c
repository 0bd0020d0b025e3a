#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "util/file.h"

const char *
fuzz_path(const char *name)
{
	static char path[512];
	const char *top = getenv("srcdir");

	(void)snprintf(path, sizeof(path), "%s/tests/data/%s",
	    top != NULL ? top : ".", name);
	return path;
}

void
fuzz_broken(const char *what)
{
	(void)fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

const struct cert *
fuzz_cert(const char *name)
{
	struct err e = { .reason = ERR_NONE };
	char file[64];
	struct cert *cert;

	(void)snprintf(file, sizeof(file), "%s.pem", name);
	if (cert_load(fuzz_path(file), &cert, &e) == -1)
		fuzz_broken(err_text(&e));
	return cert;
}

const struct key *
fuzz_key(const char *name)
{
	struct buf b = BUF_INIT(FILE_MAX);
	struct err e = { .reason = ERR_NONE };
	char file[64];
	struct key *key;

	(void)snprintf(file, sizeof(file), "%s.key", name);
	/* Not key_load(): everybody can read a key of the tests. */
	if (file_read(fuzz_path(file), &b, &e) == -1 ||
	    key_parse(buf_bytes(&b), bytes_make("", 0), &key, &e) == -1)
		fuzz_broken(err_text(&e));
	buf_wipe(&b);
	return key;
}
