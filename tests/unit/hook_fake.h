/*
 * For the tests of net and of validators: an HTTP(S) server on 127.0.0.1 that
 * answers as the last word of the path says, each connection once.
 *
 *	/issue /refuse /hold	200 and such a verdict
 *	/override		200: issue, with another subject and other names
 *	/judge			issue if the challenge is "good-challenge", else
 *				refuse
 *	/text			200 "hello"
 *	/garbage /empty		200 without JSON
 *	/huge			200 and 1 MiB
 *	/header			200 behind 64 KiB of header
 *	/redirect		302 to /issue
 *	/404 /500		those, with a verdict to issue
 *	/cut			200, ended in the middle
 *	/drip			200, a byte every 50 ms for minutes
 *	/hang			nothing until the server stops
 */
#ifndef TESTS_HOOK_FAKE_H
#define TESTS_HOOK_FAKE_H

#include "util/buf.h"

struct hook;

/* PEM files; cert NULL: without TLS; clients NULL: no client certificate is
 * asked for. What fails ends the program. */
struct hook	*hook_start(const char *cert, const char *key,
		    const char *clients);
int		 hook_port(const struct hook *);
/* How many requests came; the last of them, header and body, appended. */
unsigned	 hook_count(struct hook *);
void		 hook_last(struct hook *, struct buf *out);
/* Writes each request to FOLDER/1, FOLDER/2, … as well, whole or not at all. */
void		 hook_keep(struct hook *, const char *folder);
void		 hook_stop(struct hook *);

#endif
