/*
 * A validator for the end-to-end scripts, as tests/unit/hook_fake.h describes:
 *
 *	hook FOLDER [CERT KEY [CLIENTS]]
 *
 * Prints its port, keeps each request in FOLDER, and ends when its standard
 * input does.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "hook_fake.h"

int
main(int argc, char **argv)
{
	struct hook *h;
	char c;

	if (argc < 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	h = hook_start(argc > 3 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL,
	    argc > 4 ? argv[4] : NULL);
	hook_keep(h, argv[1]);
	(void)printf("%d\n", hook_port(h));
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	hook_stop(h);
	return 0;
}
