/*
 * What commands say, and the checks of their options' values.
 */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/ctl_int.h"
#include "render/text.h"
#include "util/clock.h"

#define SAY_MAX	(8u * ERR_TEXT_MAX)	/* a message with all of it escaped */

/* "scepctl ca init: " */
static int
put_who(const struct ctl_cmd *c, struct buf *out)
{
	return buf_printf(out, "scepctl %s%s%s: ", c->noun,
	    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
}

/* Messages quote names out of certificates and files: nothing gets through. */
static void
say(const struct ctl_cmd *c, const char *text, const char *tail)
{
	struct buf	 b = BUF_INIT(SAY_MAX);

	(void)put_who(c, &b);
	(void)text_line(bytes_str(text), &b);
	(void)fprintf(stderr, "%s%s\n", buf_cstr(&b), tail);
	buf_wipe(&b);
}

const char *
ctl_caller(void)
{
	const struct passwd	*pw = getpwuid(getuid());

	return pw != NULL ? pw->pw_name : "unknown";
}

enum ctl_exit
ctl_usage(const struct ctl_call *call, const char *fmt, ...)
{
	const struct ctl_cmd	*c = call->cmd;
	char			 text[ERR_TEXT_MAX], hint[80];
	va_list			 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(hint, sizeof(hint), "; see \"scepctl %s%s%s --help\"",
	    c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "");
	say(c, text, hint);
	return CTL_USAGE;
}

enum ctl_exit
ctl_fail(const struct ctl_call *call, const struct err *e)
{
	say(call->cmd, err_text(e), "");
	return CTL_FAILED;
}

void
ctl_note(const struct ctl_call *call, const char *fmt, ...)
{
	char	 text[ERR_TEXT_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(call->cmd, text, "");
}

int
ctl_flush(struct buf *b, struct err *e)
{
	size_t	 n = fwrite(buf_cstr(b), 1, b->n, stdout);

	if (n != b->n) {
		err_set(e, ERR_FILE, "standard output: %s", strerror(errno));
		return -1;
	}
	buf_reset(b);
	return 0;
}

int
ctl_print_json(struct json *d, struct err *e)
{
	struct buf	 b = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = -1;

	if (json_print(d, JSON_PRETTY, &b, e) != 0)
		goto out;
	if (buf_putc(&b, '\n') != 0) {
		err_set(e, ERR_MEMORY, "JSON text");
		goto out;
	}
	rc = ctl_flush(&b, e);
out:
	buf_wipe(&b);
	json_free(d);
	return rc;
}

static void
help_row(const char *name, const char *arg, const char *text)
{
	char	 left[64];

	(void)snprintf(left, sizeof(left), "%s%s%s", name,
	    arg != NULL ? " " : "", arg != NULL ? arg : "");
	(void)printf("  %-28s %s\n", left, text);
}

void
ctl_help(const struct ctl_cmd *c)
{
	char	 name[48];
	size_t	 i;

	(void)printf("usage: scepctl %s%s%s [OPTION ...]%s%s\n\n%s\n\n",
	    c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "", c->operand != NULL ? " " : "",
	    c->operand != NULL ? c->operand : "", c->about);
	for (i = 0; i < c->n_opts; i++) {
		(void)snprintf(name, sizeof(name), "--%s", c->opts[i].name);
		help_row(name, c->opts[i].arg, c->opts[i].help);
	}
	if (c->reads_conf)
		help_row("-c", "FILE", "the configuration");
	help_row("-h, --help", NULL, "this text");
}

const char *
ctl_given(const struct ctl_call *call, size_t opt, size_t *at)
{
	while (*at < call->n_given)
		if (call->given[(*at)++].opt == opt)
			return call->given[*at - 1].value;
	return NULL;
}

int
ctl_number(const struct ctl_call *call, size_t opt, int64_t most,
    int64_t *value)
{
	const char	*text = call->opt[opt];
	char		*end;
	long long	 n;

	if (text == NULL)
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    n < 1 || n > most) {
		(void)ctl_usage(call, "--%s: \"%s\" is not a number from 1 to "
		    "%lld", call->cmd->opts[opt].name, text, (long long)most);
		return -1;
	}
	*value = n;
	return 0;
}

/* "one of a, b, c" */
static void
join_words(const char *const *words, char *out, size_t size)
{
	size_t	 n = 0;

	out[0] = '\0';
	for (; *words != NULL && n < size; words++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    n > 0 ? ", " : "", *words);
}

int
ctl_word(const struct ctl_call *call, size_t opt, const char *const *words,
    const char **value)
{
	const char	*text = call->opt[opt];
	char		 all[128];
	size_t		 i;

	if (text == NULL)
		return 0;
	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			*value = words[i];
			return 0;
		}
	}
	join_words(words, all, sizeof(all));
	(void)ctl_usage(call, "--%s: \"%s\" is not one of %s",
	    call->cmd->opts[opt].name, text, all);
	return -1;
}

int
ctl_put_line(struct buf *out, const char *name, const char *value)
{
	if (buf_printf(out, "%-14s ", name) != 0 ||
	    text_line(bytes_str(value), out) != 0)
		return -1;
	return buf_putc(out, '\n');
}

int
ctl_put_time(struct buf *out, const char *name, int64_t when)
{
	char	 text[CLOCK_TEXT_MAX];

	clock_text(when, text);
	return ctl_put_line(out, name, text);
}

int
ctl_full(int rc, struct err *e)
{
	if (rc != 0)
		err_set(e, ERR_MEMORY, "text to print");
	return rc;
}

int
ctl_print(int rc, struct buf *text, struct err *e)
{
	rc = ctl_full(rc, e);
	if (rc == 0)
		rc = ctl_flush(text, e);
	buf_wipe(text);
	return rc;
}

int
ctl_list_end(size_t n, struct buf *out, struct err *e)
{
	if (json_list_end(n, out, e) != 0)
		return -1;
	return ctl_full(buf_putc(out, '\n'), e);
}

int
ctl_list_text(struct ctl_list *l, int rc)
{
	l->n++;
	return ctl_full(rc, l->e) != 0 ? -1 : ctl_flush(&l->out, l->e);
}

int
ctl_list_json(struct ctl_list *l, struct json *d)
{
	int	 rc;

	if (l->one) {
		l->n++;
		return ctl_print_json(d, l->e);
	}
	rc = json_list_item(l->n++, d, &l->out, l->e);
	json_free(d);
	return rc != 0 ? rc : ctl_flush(&l->out, l->e);
}

int
ctl_list_close(struct ctl_list *l, int rc)
{
	if (rc == 0 && l->json && !l->one)
		rc = ctl_list_end(l->n, &l->out, l->e);
	if (rc == 0)
		rc = ctl_flush(&l->out, l->e);
	buf_wipe(&l->out);
	return rc;
}
