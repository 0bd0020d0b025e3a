#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "conf/conf.h"
#include "daemon/daemon_int.h"
#include "util/log.h"

#define EXIT_USAGE	2
#define THREAD_STACK	(512u * 1024)
#define TEXT_MAX	(1024u * 1024)

enum what {
	DO_RUN = 1, DO_CHECK, DO_DUMP, DO_VERSION, DO_SAMPLE, DO_MANUAL,
	DO_HELP
};

static const struct option long_options[] = {
	{ "version",	no_argument, NULL, DO_VERSION },
	{ "sample",	no_argument, NULL, DO_SAMPLE },
	{ "manual",	no_argument, NULL, DO_MANUAL },
	{ "help",	no_argument, NULL, DO_HELP },
	{ NULL,		0, NULL, 0 }
};

static const char usage_text[] =
    "usage: scepd [-c file]            serve\n"
    "       scepd [-c file] -t         check the configuration\n"
    "       scepd [-c file] -T         print the effective configuration\n"
    "       scepd -V, --version        print the version\n"
    "       scepd -h, --help           print this text\n"
    "       scepd --sample             print a commented configuration\n"
    "       scepd --manual             print the setting tables for the "
    "manual\n";

static enum what
parse(int argc, char **argv, const char **file)
{
	enum what	 what = DO_RUN;
	int		 c;

	while ((c = getopt_long(argc, argv, "c:htTV", long_options, NULL)) !=
	    -1) {
		switch (c) {
		case 'c':
			*file = optarg;
			break;
		case 't':
			what = DO_CHECK;
			break;
		case 'T':
			what = DO_DUMP;
			break;
		case 'V':
			what = DO_VERSION;
			break;
		case 'h':
			what = DO_HELP;
			break;
		case DO_VERSION:
		case DO_SAMPLE:
		case DO_MANUAL:
		case DO_HELP:
			what = (enum what)c;
			break;
		default:
			return 0;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "scepd: unexpected word %s\n",
		    argv[optind]);
		return 0;
	}
	return what;
}

/* Few and small: a server of this size must not cost 8 MiB for each thread. */
static void
save_memory(void)
{
	pthread_attr_t	 attr;

	(void)mallopt(M_ARENA_MAX, 2);
	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, THREAD_STACK) == 0)
		(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}

static int
complain(const struct err *e)
{
	(void)fprintf(stderr, "scepd: %s\n", err_text(e));
	return EXIT_FAILURE;
}

static int
print(int made, struct buf *b)
{
	struct err	 e = { .reason = ERR_NONE };
	bool		 ok;

	if (made == -1) {
		err_set(&e, ERR_MEMORY, "cannot make the text");
		buf_wipe(b);
		return complain(&e);
	}
	ok = fwrite(buf_cstr(b), 1, b->n, stdout) == b->n &&
	    fflush(stdout) == 0;
	buf_wipe(b);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
dump(const char *file)
{
	struct buf	 b = BUF_INIT(TEXT_MAX);
	struct err	 e = { .reason = ERR_NONE };
	struct conf	*c;
	int		 made;

	if (conf_load(file, &c, &e) == -1)
		return complain(&e);
	made = conf_dump(c, &b);
	conf_free(c);
	return print(made, &b);
}

static int
check(const char *file)
{
	struct err	 e = { .reason = ERR_NONE };

	if (daemon_check(file, &e) == -1)
		return complain(&e);
	return printf("%s: ok\n", file) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
run(const char *file)
{
	struct err	 e = { .reason = ERR_NONE };
	struct log_line	 l;

	if (daemon_run(file, PACKAGE_VERSION, &e) == 0)
		return EXIT_SUCCESS;
	log_begin(&l, LOG_L_ERR, "start_failed");
	log_err(&l, &e);
	log_end(&l);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	const char	*file = CONF_DEFAULT_FILE;
	struct buf	 b = BUF_INIT(TEXT_MAX);

	priv_harden();
	save_memory();
	log_setup(LOG_L_INFO, 0);
	switch (parse(argc, argv, &file)) {
	case DO_RUN:
		return run(file);
	case DO_CHECK:
		return check(file);
	case DO_DUMP:
		return dump(file);
	case DO_VERSION:
		return puts("scepd " PACKAGE_VERSION) == EOF;
	case DO_SAMPLE:
		return print(conf_sample(&b), &b);
	case DO_MANUAL:
		return print(conf_manual(&b), &b);
	case DO_HELP:
		return fputs(usage_text, stdout) == EOF;
	default:
		(void)fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
}
