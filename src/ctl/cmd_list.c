/*
 * scepctl list: the ledger, soonest expiry first.
 */
#include <stdio.h>

#include "ctl/ctl_int.h"
#include "render/text.h"
#include "util/clock.h"
#include "util/str.h"

enum {
	EXPIRING, ENDPOINT, CHALLENGE, REVOKED, SUPERSEDED, STRAY, LIMIT, JSON,
	CSV, DB
};

static const struct ctl_opt opts[] = {
	[EXPIRING] = { "expiring", "TIME",
	    "only those valid now that expire within TIME (12h, 30d, 2w)" },
	[ENDPOINT] = { "endpoint", "NAME", "only those of one endpoint" },
	[CHALLENGE] = { "challenge", "NAME", "only those of one challenge" },
	[REVOKED] = { "revoked", NULL, "only those revoked or on hold" },
	[SUPERSEDED] = { "superseded", NULL,
	    "only those valid now that another took the place of" },
	[STRAY] = { "stray", NULL,
	    "instead, what CAs elsewhere made and was not issued" },
	[LIMIT] = { "limit", "N", "at most N" },
	[JSON] = { "json", NULL, "print a JSON array" },
	[CSV] = { "csv", NULL, "print CSV with a header" },
	[DB] = { "db", "FILE", "the store; otherwise the configuration's" },
};

/* How rows are written; each appends to a buffer. */
struct format {
	int	(*head)(struct buf *, struct err *);
	int	(*row)(size_t nth, const struct json_cert *, struct buf *,
		    struct err *);
	int	(*tail)(size_t n, struct buf *, struct err *);
};

struct walk {
	const struct format	*format;
	struct buf		 out;
	size_t			 n;
	struct err		*e;
};

static int
no_tail(size_t n, struct buf *out, struct err *e)
{
	(void)n;
	(void)out;
	(void)e;
	return 0;
}

/* ---- for people: the widest column last ---- */

#define SERIAL_WIDTH	40	/* 20 bytes, the longest of RFC 5280 */

static int
table_head(struct buf *out, struct err *e)
{
	return ctl_full(buf_printf(out, "%-*s  %-20s  %-10s  %-6s  %-15s  %s\n",
	    SERIAL_WIDTH, "SERIAL", "NOT AFTER", "STATUS", "ROLE",
	    "ENDPOINT", "SUBJECT"), e);
}

static int
table_row(size_t nth, const struct json_cert *c, struct buf *out,
    struct err *e)
{
	struct buf	 endpoint = BUF_INIT(CTL_TEXT_MAX);
	char		 when[CLOCK_TEXT_MAX];
	int		 rc;

	(void)nth;
	clock_text(c->not_after, when);
	rc = text_line(bytes_str(c->endpoint), &endpoint);
	if (rc == 0)
		rc = buf_printf(out, "%-*s  %-20s  %-10s  %-6s  %-15s  ",
		    SERIAL_WIDTH, c->serial, when, ledger_status(c),
		    c->role, buf_cstr(&endpoint));
	if (rc == 0)
		rc = text_line(bytes_str(c->subject), out);
	if (rc == 0)
		rc = buf_putc(out, '\n');
	buf_wipe(&endpoint);
	return ctl_full(rc, e);
}

/* ---- CSV (RFC 4180) ---- */

static int
csv_head(struct buf *out, struct err *e)
{
	return ctl_full(buf_puts(out,
	    "serial,subject,sans,not_before,not_after,"
	    "issued_at,endpoint,profile,issuer,transaction_id,challenge,"
	    "peer,revoked_at,revoke_reason,role,supersedes,migrates,"
	    "superseded_by,status\r\n"), e);
}

static int
csv_row(size_t nth, const struct json_cert *c, struct buf *out, struct err *e)
{
	char		 begin[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];
	char		 issued[CLOCK_TEXT_MAX], revoked[CLOCK_TEXT_MAX] = "";
	struct buf	 sans = BUF_INIT(CTL_TEXT_MAX);
	int		 rc = ledger_sans(c->sans, &sans);
	const char	*fields[] = {
		c->serial, c->subject, buf_cstr(&sans), begin, end, issued,
		c->endpoint, c->profile, c->issuer, c->txid, c->challenge,
		c->peer, revoked, c->revoke_reason, c->role, c->supersedes,
		c->migrates, c->superseded_by, ledger_status(c)
	};
	size_t		 i, n = sizeof(fields) / sizeof(fields[0]);

	(void)nth;
	clock_text(c->not_before, begin);
	clock_text(c->not_after, end);
	clock_text(c->issued_at, issued);
	if (c->revoked)
		clock_text(c->revoked_at, revoked);
	for (i = 0; rc == 0 && i < n; i++) {
		rc = text_csv(bytes_str(fields[i]), out);
		if (rc == 0)
			rc = buf_puts(out, i + 1 < n ? "," : "\r\n");
	}
	buf_wipe(&sans);
	return ctl_full(rc, e);
}

/* ---- JSON ---- */

static int
json_head(struct buf *out, struct err *e)
{
	(void)out;
	(void)e;
	return 0;
}

static int
json_row(size_t nth, const struct json_cert *c, struct buf *out,
    struct err *e)
{
	struct json	*d = json_new_cert(c);
	int		 rc;

	json_add_str(d, "status", ledger_status(c));
	rc = json_list_item(nth, d, out, e);
	json_free(d);
	return rc;
}

static const struct format
	as_table = { table_head, table_row, no_tail },
	as_csv = { csv_head, csv_row, no_tail },
	as_json = { json_head, json_row, ctl_list_end };

static int
on_row(const struct issued *row, void *arg)
{
	struct walk		*w = arg;
	struct json_cert	 c;
	struct ledger_text	 text;

	c = ledger_facts(row, &text);
	if (w->format->row(w->n, &c, &w->out, w->e) != 0)
		return -1;
	w->n++;
	return ctl_flush(&w->out, w->e);
}

static int
print_all(struct db *db, const struct issued_filter *f,
    const struct format *format, size_t *n, struct err *e)
{
	struct walk	 w = {
		.format = format,
		.out = BUF_INIT(CTL_TEXT_MAX),
		.e = e
	};
	int		 rc;

	rc = format->head(&w.out, e);
	if (rc == 0)
		rc = issued_each(db, f, on_row, &w, e);
	if (rc == 0)
		rc = format->tail(w.n, &w.out, e);
	if (rc == 0)
		rc = ctl_flush(&w.out, e);
	buf_wipe(&w.out);
	*n = w.n;
	return rc;
}

/* An empty list of a mistyped endpoint must not pass for good news. */
static int
note_unknown(const struct ctl_call *call, struct db *db, struct err *e)
{
	const char	*name = call->opt[ENDPOINT];
	bool		 known = true;

	if (ledger_has_endpoint(call, call->opt[DB], db, name, &known, e) != 0)
		return -1;
	if (!known)
		ctl_note(call, "no certificates: no endpoint is named \"%s\"",
		    name);
	return 0;
}

/* Of a challenge that was removed there may be certificates. */
static void
note_challenge(const struct ctl_call *call)
{
	ctl_note(call, "no certificates of a challenge \"%s\": see scepctl "
	    "challenge list for their names", call->opt[CHALLENGE]);
}

/* A bare number would be seconds in scepd.conf; who types it means days. */
static int
read_expiring(const struct ctl_call *call, struct issued_filter *f)
{
	const char	*text = call->opt[EXPIRING];
	int64_t		 within;

	if (*text != '\0' && text[strspn(text, "0123456789")] == '\0') {
		(void)ctl_usage(call, "--expiring: %s of what? Add a unit: "
		    "%sd for days, or h, w, y", text, text);
		return -1;
	}
	if (str_duration(text, &within) != 0) {
		(void)ctl_usage(call, "--expiring: \"%s\" is not a time such "
		    "as 30d", text);
		return -1;
	}
	f->expires_from = clock_now();
	f->expires_to = within > INT64_MAX - f->expires_from ? INT64_MAX :
	    f->expires_from + within;
	return 0;
}

static int
read_filter(const struct ctl_call *call, struct issued_filter *f)
{
	f->endpoint = call->opt[ENDPOINT];
	f->challenge = call->opt[CHALLENGE];
	f->revoked = call->opt[REVOKED] != NULL;
	f->superseded = call->opt[SUPERSEDED] != NULL;
	if (f->superseded)
		f->expires_from = clock_now();
	if (call->opt[EXPIRING] != NULL && read_expiring(call, f) != 0)
		return -1;
	return ctl_number(call, LIMIT, INT64_MAX, &f->limit);
}

/* What nobody got has no state that could be asked for. */
static enum ctl_exit
run_stray(const struct ctl_call *call)
{
	static const size_t	 others[] = {
		EXPIRING, ENDPOINT, REVOKED, LIMIT, CSV
	};
	struct err		 e = { .reason = ERR_NONE };
	struct db		*db = NULL;
	size_t			 i;
	int			 rc;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (call->opt[others[i]] != NULL)
			return ctl_usage(call, "--stray and --%s exclude each "
			    "other", opts[others[i]].name);
	rc = ledger_open(call, call->opt[DB], db_open_reader, &db, &e);
	if (rc == 0)
		rc = stray_print(db, call->opt[JSON] != NULL, &e);
	db_close(db);
	return rc == 0 ? CTL_OK : ctl_fail(call, &e);
}

static enum ctl_exit
run(const struct ctl_call *call)
{
	struct issued_filter	 f = { .limit = 0 };
	struct err		 e = { .reason = ERR_NONE };
	const struct format	*format = &as_table;
	struct db		*db = NULL;
	size_t			 n = 0;
	int			 rc;

	if (call->opt[STRAY] != NULL)
		return run_stray(call);
	if (call->opt[JSON] != NULL && call->opt[CSV] != NULL)
		return ctl_usage(call, "--json and --csv exclude each other");
	if (call->opt[REVOKED] != NULL && call->opt[SUPERSEDED] != NULL)
		return ctl_usage(call, "--revoked and --superseded exclude "
		    "each other");
	if (read_filter(call, &f) != 0)
		return CTL_USAGE;
	if (call->opt[JSON] != NULL)
		format = &as_json;
	else if (call->opt[CSV] != NULL)
		format = &as_csv;
	if (ledger_open(call, call->opt[DB], db_open_reader, &db, &e) != 0)
		return ctl_fail(call, &e);
	rc = print_all(db, &f, format, &n, &e);
	if (rc == 0 && n == 0 && f.endpoint != NULL)
		rc = note_unknown(call, db, &e);
	if (rc == 0 && n == 0 && f.challenge != NULL)
		note_challenge(call);
	db_close(db);
	return rc == 0 ? CTL_OK : ctl_fail(call, &e);
}

const struct ctl_cmd cmd_list = {
	.noun = "list",
	.reads_conf = true,
	.summary = "list issued certificates, soonest expiry first",
	.about =
	    "Lists the certificates that were issued, soonest expiry first,\n"
	    "expired ones included unless --expiring is given.",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.run = run
};
