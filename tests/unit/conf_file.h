/*
 * For the tests of conf: one working configuration of which a test replaces a
 * part, in a file of its own.
 */
#ifndef TESTS_CONF_FILE_H
#define TESTS_CONF_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf_int.h"
#include "util/file.h"

#define HASH	"hash = \"$scrypt$ln=14,r=8,p=1$c2FsdA$bm9uZQ\";"
#define RA	"ra_cert = \"ra.pem\"; ra_key = \"ra.key\";"
#define REFS	"issuer = \"i\"; profile = \"p\"; challenges = [\"c\"];"
#define EP	"name = \"e\"; " REFS
#define LOCAL	"name = \"i\"; cert = \"ca.pem\"; key = \"ca.key\";"
#define EXEC	"name = \"i\"; cert = \"ca.pem\"; type = \"exec\";"
#define PROF	"name = \"p\";"
#define CHAL	"name = \"c\"; " HASH

/* The parts of the configuration below; a test replaces one of them. */
enum part { G, E, I, P, C, N_PARTS };

static const char *const good[N_PARTS] = {
	[G] = "", [E] = EP RA, [I] = LOCAL, [P] = PROF, [C] = CHAL
};

static char folder[] = "/tmp/t_conf.XXXXXX";
static char file[64];

/* libconfig 1.5 loses the text that stands before a syntax error. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static inline int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/scepd.conf", folder);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static inline void
write_raw(struct bytes text, mode_t mode)
{
	struct err e = { .reason = ERR_NONE };

	assert_int_equal(file_write(file, text, mode, true, &e), 0);
}

/* Part G stands on line 1, E on 3, I on 6, P on 9, C on 12. */
static inline void
write_conf(const char *const part[N_PARTS], mode_t mode)
{
	struct buf text = BUF_INIT(FILE_MAX);

	assert_int_equal(buf_printf(&text,
	    "%s\n"
	    "endpoints = ( {\n%s\n} );\n"
	    "issuers = ( {\n%s\n} );\n"
	    "profiles = ( {\n%s\n} );\n"
	    "challenges = ( {\n%s\n} );\n",
	    part[G], part[E], part[I], part[P], part[C]), 0);
	write_raw(buf_bytes(&text), mode);
	buf_wipe(&text);
}

static inline void
write_part(enum part which, const char *text)
{
	const char *part[N_PARTS];

	memcpy(part, good, sizeof(part));
	part[which] = text;
	write_conf(part, 0640);
}

static inline struct conf *
load(void)
{
	struct conf *c = NULL;
	struct err e = { .reason = ERR_NONE };

	if (conf_load(file, &c, &e) != 0)
		fail_msg("%s", e.text);
	assert_non_null(c);
	return c;
}

static inline struct conf *
load_part(enum part which, const char *text)
{
	write_part(which, text);
	return load();
}

/* The file is refused, nothing is written, and the text says so. */
static inline void
assert_refused(const char *name, enum err_reason reason, const char *text)
{
	struct conf *c = NULL;
	struct err e = { .reason = ERR_NONE };

	if (conf_load(file, &c, &e) != -1)
		fail_msg("accepted: %s", name);
	assert_null(c);
	if (e.reason != reason || strstr(e.text, text) == NULL)
		fail_msg("%s\n got: %s\nwant: %s", name, e.text, text);
}

#endif
