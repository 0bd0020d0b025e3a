/*
 * scepctl ca rollover activate and show: when the CA that was prepared takes
 * over, and what there is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/ca_dir.h"
#include "ctl/ctl_int.h"
#include "issuer/issuer.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/str.h"

#define MODE_FROM	0644

/* ---- activate ---- */

enum { ISSUER, AT, CANCEL };

static const struct ctl_opt activate_opts[] = {
	[ISSUER] = { "issuer", "NAME", "which one's CA, if there are several" },
	[AT] = { "at", "TIME",
	    "when (now): 2027-01-31T00:00:00Z, or +30d from now" },
	[CANCEL] = { "cancel", NULL, "never mind; if it has not come yet" },
};

/* --at, in seconds since 1970. */
static int
read_at(const struct ctl_call *call, int64_t now, int64_t *at)
{
	const char	*text = call->opt[AT];
	int64_t		 when, later;

	if (text == NULL)
		when = now;
	else if (*text == '+' && str_duration(text + 1, &later) == 0 &&
	    later <= INT64_MAX - now)
		when = now + later;
	else if (clock_parse(text, &when) != 0) {
		(void)ctl_usage(call, "--at: \"%s\" is neither a time such as "
		    "2027-01-31T00:00:00Z nor one from now such as +30d",
		    text);
		return -1;
	}
	if (when < now) {
		(void)ctl_usage(call, "--at: %s is over", text);
		return -1;
	}
	*at = when;
	return 0;
}

/* The CA that was prepared, proven as of `when`; refused once it is in charge:
 * who has certificates of it by then cannot be asked back. */
static int
open_prepared(const struct rollover *r, int64_t now, int64_t when,
    struct issuer **out, int64_t *from, struct err *e)
{
	char		 text[CLOCK_TEXT_MAX];
	struct issuer	*next = NULL;

	clock_text(when, text);
	if (issuer_open_next(r->issuer, when, &next, from, e) != 0) {
		err_prefix(e, "as of %s", text);
		return -1;
	}
	if (next == NULL) {
		err_set(e, ERR_CONFIG, "issuer \"%s\" has no next CA; make it "
		    "with scepctl ca rollover prepare", r->issuer->name);
		return -1;
	}
	if (*from != 0 && *from <= now) {
		clock_text(*from, text);
		err_set(e, ERR_EXISTS, "%s is in charge since %s",
		    issuer_ca(next)->subject_text, text);
		issuer_close(next);
		return -1;
	}
	*out = next;
	return 0;
}

static char *
from_path(const struct rollover *r, struct err *e)
{
	char	*path;

	if (asprintf(&path, "%s/%s", r->issuer->next, CA_DIR_FROM) != -1)
		return path;
	err_set(e, ERR_MEMORY, "path of a file");
	return NULL;
}

static int
write_from(const struct rollover *r, int64_t at, struct err *e)
{
	struct buf	 line = BUF_INIT(CLOCK_TEXT_MAX + 1);
	char		 text[CLOCK_TEXT_MAX], *path;
	int		 rc = -1;

	clock_text(at, text);
	if ((path = from_path(r, e)) == NULL)
		return -1;
	if (buf_printf(&line, "%s\n", text) != 0)
		err_set(e, ERR_MEMORY, "%s", path);
	else
		rc = file_write(path, buf_bytes(&line), MODE_FROM, true, e);
	buf_wipe(&line);
	free(path);
	return rc;
}

static int
remove_from(const struct rollover *r, struct err *e)
{
	char	*path = from_path(r, e);
	int	 rc = -1;

	if (path == NULL)
		return -1;
	if (unlink(path) != 0)
		err_set(e, ERR_FILE, "%s: cannot remove: %s", path,
		    strerror(errno));
	else
		rc = file_sync_folder(path, e);
	free(path);
	return rc;
}

static int
tell(const char *what, int64_t at, const struct cert *ca, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = ctl_put_line(&out, what, ca->subject_text);

	if (rc == 0 && at != 0)
		rc = ctl_put_time(&out, "from", at);
	if (rc == 0)
		rc = buf_puts(&out,
		    "\nTell scepd:  systemctl reload scepd\n");
	return ctl_print(rc, &out, e);
}

static int
activate(const struct ctl_call *call, const struct rollover *r, int64_t now,
    int64_t at, struct err *e)
{
	char		 until[CLOCK_TEXT_MAX];
	struct issuer	*next = NULL;
	int64_t		 from;
	int		 rc = -1;

	if (open_prepared(r, now, at, &next, &from, e) != 0)
		return -1;
	if (write_from(r, at, e) == 0)
		rc = tell("takes over", at, issuer_ca(next), e);
	issuer_close(next);
	if (rc == 0 && r->ca->not_after < at) {
		clock_text(r->ca->not_after, until);
		ctl_note(call, "the current CA expires before that, on %s: "
		    "nothing can be issued in between", until);
	}
	return rc;
}

static int
cancel(const struct rollover *r, int64_t now, struct err *e)
{
	struct issuer	*next = NULL;
	int64_t		 from;
	int		 rc = -1;

	if (open_prepared(r, now, now, &next, &from, e) != 0)
		return -1;
	if (from == 0)
		err_set(e, ERR_ARGUMENT, "no time is set for %s",
		    issuer_ca(next)->subject_text);
	else if (remove_from(r, e) == 0)
		rc = tell("waits again", 0, issuer_ca(next), e);
	issuer_close(next);
	return rc;
}

static enum ctl_exit
run_activate(const struct ctl_call *call)
{
	struct rollover	 r = { .conf = NULL };
	struct err	 e = { .reason = ERR_NONE };
	int64_t		 now = clock_now(), at = now;
	enum ctl_exit	 rc;

	if (call->opt[CANCEL] != NULL && call->opt[AT] != NULL)
		return ctl_usage(call, "--at and --cancel exclude each other");
	if (read_at(call, now, &at) != 0)
		return CTL_USAGE;
	if ((rc = rollover_open(call, call->opt[ISSUER], &r)) != CTL_OK)
		return rc;
	if ((call->opt[CANCEL] != NULL ? cancel(&r, now, &e) :
	    activate(call, &r, now, at, &e)) != 0)
		rc = ctl_fail(call, &e);
	rollover_close(&r);
	return rc;
}

/* ---- show ---- */

enum { SHOW_ISSUER, JSON };

static const struct ctl_opt show_opts[] = {
	[SHOW_ISSUER] = { "issuer", "NAME",
	    "which one's CA, if there are several" },
	[JSON] = { "json", NULL, "print JSON" },
};

struct facts {
	const struct rollover	*r;
	const struct cert	*next;		/* NULL: none */
	int64_t			 from;		/* 0: not decided */
	int64_t			 now;
};

static const char *
state(const struct facts *f)
{
	if (f->next == NULL)
		return "none";
	if (f->from == 0)
		return "prepared";
	return f->from > f->now ? "scheduled" : "active";
}

static int
show_text(const struct facts *f, struct err *e)
{
	struct buf	 out = BUF_INIT(CTL_TEXT_MAX);
	bool		 over = f->next != NULL && f->from != 0 &&
			    f->from <= f->now;
	int		 rc = -1;

	if (ctl_put_line(&out, "issuer", f->r->issuer->name) == 0 &&
	    ctl_put_line(&out, "state", state(f)) == 0 &&
	    (f->from == 0 || ctl_put_time(&out, "from", f->from) == 0) &&
	    (*f->r->issuer->next == '\0' ||
	    ctl_put_line(&out, "folder", f->r->issuer->next) == 0) &&
	    ca_report_put(&out, over ? "Old CA" : "Current CA", f->r->ca,
	    e) == 0 && (f->next == NULL ||
	    ca_report_put(&out, over ? "New CA" : "Next CA", f->next,
	    e) == 0))
		rc = 0;
	return ctl_print(rc, &out, e);
}

static int
show_json(const struct facts *f, struct err *e)
{
	const char	*folder = f->r->issuer->next;
	struct json	*d = json_new_object();

	json_add_str(d, "issuer", f->r->issuer->name);
	json_add_str(d, "state", state(f));
	if (f->from != 0)
		json_add_time(d, "from", f->from);
	else
		json_add_str(d, "from", NULL);
	json_add_str(d, "folder", *folder != '\0' ? folder : NULL);
	if (f->next == NULL)
		json_add_str(d, "next", NULL);
	if (ca_report_add(d, "current", f->r->ca, e) != 0 ||
	    ca_report_add(d, "next", f->next, e) != 0) {
		json_free(d);
		return -1;
	}
	return ctl_print_json(d, e);
}

static enum ctl_exit
run_show(const struct ctl_call *call)
{
	struct rollover	 r = { .conf = NULL };
	struct facts	 f = { .r = &r, .now = clock_now() };
	struct err	 e = { .reason = ERR_NONE };
	struct issuer	*next = NULL;
	enum ctl_exit	 rc;

	if ((rc = rollover_open(call, call->opt[SHOW_ISSUER], &r)) != CTL_OK)
		return rc;
	if (issuer_open_next(r.issuer, f.now, &next, &f.from, &e) != 0) {
		rc = ctl_fail(call, &e);
	} else {
		f.next = next != NULL ? issuer_ca(next) : NULL;
		if ((call->opt[JSON] != NULL ? show_json(&f, &e) :
		    show_text(&f, &e)) != 0)
			rc = ctl_fail(call, &e);
	}
	issuer_close(next);
	rollover_close(&r);
	return rc;
}

const struct ctl_cmd cmd_ca_rollover_activate = {
	.noun = "ca",
	.verb = "rollover activate",
	.reads_conf = true,
	.summary = "decide when it takes over",
	.about =
	    "Writes down when the CA that was prepared takes over: now, or later.\n"
	    "From then on it issues; certificates of the old one stay valid. A time\n"
	    "that has not come yet can be changed or cancelled, and no other.",
	.opts = activate_opts,
	.n_opts = sizeof(activate_opts) / sizeof(activate_opts[0]),
	.run = run_activate
};

const struct ctl_cmd cmd_ca_rollover_show = {
	.noun = "ca",
	.verb = "rollover show",
	.reads_conf = true,
	.summary = "show the CA and the one that follows",
	.about =
	    "Shows the CA of an issuer and the one that follows it, the state (none,\n"
	    "prepared, scheduled, active) and when it takes over. Exits 3 if there\n"
	    "is no such issuer.",
	.opts = show_opts,
	.n_opts = sizeof(show_opts) / sizeof(show_opts[0]),
	.run = run_show
};
