/*
 * Writes a key in another spelling of its public half: respell HOW KEY TO, with
 * HOW as key_respell() takes it.
 */
#include <stdio.h>

#include "key_craft.h"
#include "util/file.h"

int
main(int argc, char **argv)
{
	struct buf pem = BUF_INIT(FILE_MAX);
	struct err e = { .reason = ERR_NONE };
	struct key *k = NULL, *other = NULL;
	int status = 1;

	if (argc != 4) {
		(void)fputs("usage: respell HOW KEY TO\n", stderr);
		return 2;
	}
	if (key_load(argv[2], "", &k, &e) == -1 ||
	    (other = key_respell(k, argv[1])) == NULL ||
	    key_pem(other, &pem, &e) == -1 || file_write(argv[3],
	    buf_bytes(&pem), 0600, true, &e) == -1)
		(void)fprintf(stderr, "respell: %s\n", err_text(&e));
	else
		status = 0;
	buf_wipe(&pem);
	key_free(k);
	key_free(other);
	return status;
}
