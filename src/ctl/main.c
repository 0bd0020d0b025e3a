/*
 * scepctl: the command table, and what is common to all commands.
 */
#include <sys/prctl.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#include "conf/conf.h"
#include "ctl/ctl_int.h"

static const struct ctl_cmd *const commands[] = {
	&cmd_ca_init,
	&cmd_ca_import,
	&cmd_ca_rollover_prepare,
	&cmd_ca_rollover_activate,
	&cmd_ca_rollover_show,
	&cmd_challenge_add,
	&cmd_challenge_list,
	&cmd_challenge_show,
	&cmd_challenge_disable,
	&cmd_challenge_enable,
	&cmd_challenge_remove,
	&cmd_challenge_hash,
	&cmd_list,
	&cmd_lockout_list,
	&cmd_lockout_clear,
	&cmd_pending_list,
	&cmd_pending_show,
	&cmd_pending_approve,
	&cmd_pending_reject,
	&cmd_policy_test,
	&cmd_revoke,
	&cmd_show,
	&cmd_why,
};
#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* Numbers of the options that every command has; its own begin at OWN. */
enum { OPT_HELP = 'h', OPT_CONF = 'c', OPT_VERSION = 'V', OPT_OWN = 256 };

static const struct option global_opts[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

/* A verb of several words begins with this one. */
static bool
is_in_group(const struct ctl_cmd *c, const char *group)
{
	size_t	 n = strlen(group);

	return c->verb != NULL && strncmp(c->verb, group, n) == 0 &&
	    c->verb[n] == ' ';
}

/* The commands, or those of one noun, or of one group of its verbs. */
static void
list_commands(const char *noun, const char *group)
{
	const struct ctl_cmd	*c;
	char			 name[32];
	size_t			 i;

	for (i = 0; i < N_COMMANDS; i++) {
		c = commands[i];
		if (noun != NULL && strcmp(noun, c->noun) != 0)
			continue;
		if (group != NULL && !is_in_group(c, group))
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", c->noun,
		    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
		(void)printf("  %-21s %s\n", name, c->summary);
	}
}

static enum ctl_exit
help(void)
{
	(void)printf("usage: scepctl [-c FILE] COMMAND [OPTION ...]\n\n"
	    "Administers scepd, the SCEP enrollment server.\n\n");
	list_commands(NULL, NULL);
	(void)printf("\n"
	    "  -c FILE               configuration (%s)\n"
	    "  -h, --help            this text; after a command: its options\n"
	    "  -V, --version         the version\n", CONF_DEFAULT_FILE);
	return CTL_OK;
}

static enum ctl_exit
bad_usage(const char *what, const char *word)
{
	(void)fprintf(stderr, "scepctl: %s%s%s; see \"scepctl --help\"\n", what,
	    word != NULL ? " " : "", word != NULL ? word : "");
	return CTL_USAGE;
}

/* How many words of argv, which ends with NULL, are these; -1: others. */
static int
match(const char *words, char **argv)
{
	size_t	 n;
	int	 used;

	for (used = 0; *words != '\0'; used++) {
		n = strcspn(words, " ");
		if (argv[used] == NULL || strlen(argv[used]) != n ||
		    strncmp(argv[used], words, n) != 0)
			return -1;
		words += n;
		words += strspn(words, " ");
	}
	return used;
}

/* The command that argv begins with; *used words name it. */
static const struct ctl_cmd *
find_command(char **argv, int *used)
{
	const struct ctl_cmd	*c;
	size_t			 i;
	int			 n;

	for (i = 0; i < N_COMMANDS; i++) {
		c = commands[i];
		if (strcmp(argv[0], c->noun) != 0)
			continue;
		n = c->verb == NULL ? 0 : match(c->verb, argv + 1);
		if (n != -1) {
			*used = 1 + n;
			return c;
		}
	}
	return NULL;
}

static bool
is_noun(const char *word)
{
	size_t	 i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(word, commands[i]->noun) == 0)
			return true;
	return false;
}

static bool
is_group(const char *noun, const char *word)
{
	size_t	 i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(noun, commands[i]->noun) == 0 &&
		    is_in_group(commands[i], word))
			return true;
	return false;
}

/* Words that are no command: help on a noun or a group, or a mistake. */
static enum ctl_exit
no_command(char **argv)
{
	const char	*group = NULL, *next;
	char		 words[80];

	if (!is_noun(argv[0]))
		return bad_usage("unknown command", argv[0]);
	if (argv[1] != NULL && is_group(argv[0], argv[1]))
		group = argv[1];
	(void)snprintf(words, sizeof(words), "%s%s%s", argv[0],
	    group != NULL ? " " : "", group != NULL ? group : "");
	next = argv[group != NULL ? 2 : 1];
	if (next == NULL)
		return bad_usage("incomplete command", words);
	if (strcmp(next, "--help") != 0 && strcmp(next, "-h") != 0) {
		(void)snprintf(words + strlen(words),
		    sizeof(words) - strlen(words), " %s", next);
		return bad_usage("unknown command", words);
	}
	(void)printf("usage: scepctl %s COMMAND [OPTION ...]\n\n", words);
	list_commands(argv[0], group);
	return CTL_OK;
}

static void
own_options(const struct ctl_cmd *c, struct option out[CTL_OPTS_MAX + 2])
{
	size_t	 i;

	for (i = 0; i < c->n_opts; i++)
		out[i] = (struct option){
			.name = c->opts[i].name,
			.has_arg = c->opts[i].arg != NULL ?
			    required_argument : no_argument,
			.val = OPT_OWN + (int)i
		};
	out[i++] = global_opts[0];
	out[i] = (struct option){ .name = NULL };
}

/* Why getopt_long() returned ':' or '?'. */
static enum ctl_exit
bad_option(const struct ctl_call *call, int got, const char *word)
{
	if (got == ':')
		return ctl_usage(call, "%s needs a value", word);
	if (optopt >= OPT_OWN || optopt == OPT_HELP)
		return ctl_usage(call, "%s takes no value", word);
	return ctl_usage(call, "unknown option %s", word);
}

static int
give(struct ctl_call *call, size_t opt, enum ctl_exit *rc)
{
	call->opt[opt] = optarg != NULL ? optarg : "";
	if (call->n_given == CTL_GIVEN_MAX) {
		*rc = ctl_usage(call, "more than %d options", CTL_GIVEN_MAX);
		return -1;
	}
	call->given[call->n_given].opt = opt;
	call->given[call->n_given++].value = call->opt[opt];
	return 0;
}

/* Options and operands behind the command's words; argv[0] is the last word. */
static int
parse(struct ctl_call *call, int argc, char **argv, enum ctl_exit *rc)
{
	struct option	 own[CTL_OPTS_MAX + 2];
	const char	*shorts = call->cmd->reads_conf ? ":hc:" : ":h";
	int		 o;

	own_options(call->cmd, own);
	optind = 0;
	while ((o = getopt_long(argc, argv, shorts, own, NULL)) != -1) {
		if (o >= OPT_OWN) {
			if (give(call, (size_t)(o - OPT_OWN), rc) != 0)
				return -1;
		} else if (o == OPT_CONF) {
			call->conf_file = optarg;
		} else if (o == OPT_HELP) {
			ctl_help(call->cmd);
			*rc = CTL_OK;
			return -1;
		} else {
			*rc = bad_option(call, o, argv[optind - 1]);
			return -1;
		}
	}
	if (call->cmd->operand != NULL)
		call->operand = argv[optind];
	if (call->cmd->operand != NULL && call->operand == NULL &&
	    !call->cmd->operand_optional) {
		*rc = ctl_usage(call, "%s is missing", call->cmd->operand);
		return -1;
	}
	if (argc - optind > (call->operand != NULL)) {
		*rc = ctl_usage(call, "unexpected word %s",
		    argv[optind + (call->operand != NULL)]);
		return -1;
	}
	return 0;
}

/* -c FILE behind the noun, where a verb is awaited, is taken out. */
static bool
take_conf(char **argv, const char **conf_file)
{
	size_t	 i;

	if (argv[1] == NULL || strcmp(argv[1], "-c") != 0 || argv[2] == NULL)
		return false;
	*conf_file = argv[2];
	for (i = 1; argv[i + 1] != NULL; i++)
		argv[i] = argv[i + 2];
	return true;
}

static enum ctl_exit
command(const char *conf_file, int argc, char **argv)
{
	struct ctl_call	 call = { .conf_file = conf_file };
	enum ctl_exit	 rc;
	int		 used = 0;

	while (take_conf(argv, &call.conf_file))
		argc -= 2;
	if ((call.cmd = find_command(argv, &used)) == NULL)
		return no_command(argv);
	if (parse(&call, argc - used + 1, argv + used - 1, &rc) != 0)
		return rc;
	return call.cmd->run(&call);
}

static enum ctl_exit
run(int argc, char **argv)
{
	const char	*conf_file = CONF_DEFAULT_FILE;
	int		 o;

	opterr = 0;
	while ((o = getopt_long(argc, argv, "+:hVc:", global_opts, NULL)) != -1) {
		switch (o) {
		case OPT_CONF:
			conf_file = optarg;
			break;
		case OPT_HELP:
			return help();
		case OPT_VERSION:
			(void)printf("scepctl %s\n", PACKAGE_VERSION);
			return CTL_OK;
		case ':':
			return bad_usage("a value is missing after",
			    argv[optind - 1]);
		default:
			return bad_usage("unknown option", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return bad_usage("a command is missing", NULL);
	return command(conf_file, argc - optind, argv + optind);
}

int
main(int argc, char **argv)
{
	enum ctl_exit	 rc;

	/* Keys and secrets pass through: no core dumps, no debuggers. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	rc = run(argc, argv);
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return (int)rc;
	perror("scepctl: standard output");
	return rc == CTL_OK ? CTL_FAILED : (int)rc;
}
