/*
 * A fuzz target without a fuzzer: over its seeds, and each of them cut short
 * and changed here and there. The seeds of tests/fuzz/NAME are the files of
 * tests/data/NAME; other files can be given as arguments.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "util/file.h"

#define STEP	7	/* every so many bytes one is changed */

/* Copies of the very size, so that a sanitizer sees a byte read too far. */
static void
run(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		fuzz_broken("out of memory");
	if (n > 0)
		memcpy(copy, p, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
run_file(const char *path)
{
	struct buf b = BUF_INIT(FILE_MAX);
	struct err e = { .reason = ERR_NONE };
	size_t i;

	if (file_read(path, &b, &e) == -1)
		fuzz_broken(err_text(&e));
	for (i = 0; i <= 16; i++)
		run(b.p, b.n * i / 16);
	for (i = 0; i < b.n; i += STEP) {
		b.p[i] ^= (uint8_t)(1u << i % 8);
		run(b.p, b.n);
		b.p[i] ^= (uint8_t)(1u << i % 8);
	}
	buf_wipe(&b);
}

static size_t
run_folder(const char *name)
{
	char folder[512], path[1024];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "%s", fuzz_path(name));
	if ((dir = opendir(folder)) == NULL)
		fuzz_broken(folder);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    d->d_name);
		run_file(path);
		n++;
	}
	closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	size_t n = 0;
	int i;

	for (i = 1; i < argc; i++, n++)
		run_file(argv[i]);
	if (argc == 1)
		n = run_folder(slash != NULL ? slash + 1 : argv[0]);
	(void)printf("%zu seeds\n", n);
	return n > 0 ? 0 : 1;
}
